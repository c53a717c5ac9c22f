//! The emulated GIL: real threads that must hold one lock to compute, by CPython's own algorithm.
//!
//! Since version 3.2 (Pitrou 2009, "Reworking the GIL") a thread that wants the lock waits for an interval,
//! 5 ms; if nobody else got it meanwhile, it requests that the holder drop it. The holder looks for
//! requests between slices of its work, drops the lock, and waits until another thread has it, so that
//! it doesn't take it straight back. Whoever waits for something outside drops it before and takes it after,
//! which is why a thread that returns from a wait beside one that computes comes an interval late (Beazley
//! 2010, "Understanding the Python GIL").
//!
//! A thread holds the lock from its first task to its last ([`Gil::hold`]), gives it up around what waits
//! ([`without`]), and offers it where CPython does ([`tick`]): at calls and backward jumps, here before each operation
//! and every few microseconds of compute. Every function takes an `Option`: `None` is native code, which
//! needs no leave for anything and pays one branch.
//!
//! In a traced run a thread that has to wait for the lock notes so. What it did before it notes as ended before it
//! drops the lock: two threads never seem to compute at the same moment.

use crate::measure::trace::Activity;
use crate::measure::trace::recorder;
use std::cell::Cell;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The interval where none is asked for, that of CPython: 5 ms.
pub const DEFAULT_INTERVAL_NS: u64 = 5_000_000;

/// The lock of one process.
pub struct Gil {
    interval: Duration,
    state: Mutex<State>,
    /// It was dropped.
    dropped: Condvar,
    /// Somebody has it.
    taken: Condvar,
    /// Somebody has waited for an interval in vain.
    drop_request: AtomicBool,
}

struct State {
    locked: bool,
    /// Who has it, or had it last; 0 is nobody.
    last_holder: u64,
    /// How often it went to another thread than before.
    switch_number: u64,
}

thread_local! {
    /// Number of this thread, from 1.
    static ME: u64 = {
        static THREADS: AtomicU64 = AtomicU64::new(0);
        THREADS.fetch_add(1, Relaxed) + 1
    };
    /// Whether this thread has the lock; a process has one of them.
    static HOLDS: Cell<bool> = const { Cell::new(false) };
}

/// Has the lock until it is dropped; [`without`] gives it up for a while.
pub struct Held<'a>(&'a Gil);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl Gil {
    /// A lock that a thread may keep for so long while others wait for it; nanoseconds.
    pub fn new(interval_ns: u64) -> Gil {
        Gil {
            interval: Duration::from_nanos(interval_ns.max(1_000)),
            state: Mutex::new(State {
                locked: false,
                last_holder: 0,
                switch_number: 0,
            }),
            dropped: Condvar::new(),
            taken: Condvar::new(),
            drop_request: AtomicBool::new(false),
        }
    }

    /// How long a thread may keep it while others wait; nanoseconds.
    pub fn interval_ns(&self) -> u64 {
        self.interval.as_nanos() as u64
    }

    /// How often it went from one thread to another.
    pub fn switches(&self) -> u64 {
        self.state().switch_number
    }

    /// Takes it until the guard is dropped. A thread holds it once.
    pub fn hold(&self) -> Held<'_> {
        self.take();
        Held(self)
    }

    /// Waits for it; nothing where this thread has it. Who had to wait says what it goes on with.
    pub fn take(&self) {
        self.take_and(|| recorder::go_on(Activity::Gil));
    }

    /// As [`Gil::take`], to run another task than before.
    pub fn take_for(&self, task: Option<u64>) {
        self.take_and(|| recorder::enter(Activity::Gil, task));
    }

    fn take_and(&self, note_wait: impl FnOnce()) {
        if HOLDS.replace(true) {
            return;
        }
        let me = ME.with(|me| *me);
        let mut state = self.state();
        if state.locked {
            note_wait();
        }
        while state.locked {
            let switches = state.switch_number;
            let (after, waited) = self
                .dropped
                .wait_timeout(state, self.interval)
                .unwrap_or_else(PoisonError::into_inner);
            state = after;
            // Where another thread got it meanwhile, that one is given its interval.
            if waited.timed_out() && state.locked && state.switch_number == switches {
                self.drop_request.store(true, Relaxed);
            }
        }
        state.locked = true;
        if state.last_holder != me {
            state.last_holder = me;
            state.switch_number += 1;
        }
        self.drop_request.store(false, Relaxed);
        // More than one may wait for the switch: each only for another than itself.
        self.taken.notify_all();
    }

    /// Drops it for good, as a thread that ends does; nothing where this thread hasn't got it.
    pub fn release(&self) {
        if HOLDS.replace(false) {
            drop(self.unlock());
        }
    }

    /// Drops it and takes it again.
    #[inline(never)]
    fn offer(&self) {
        recorder::during(Activity::Gil, || {
            self.give_way();
            self.take();
        });
    }

    /// Drops it, and where another thread has requested that, waits until another has it.
    fn give_way(&self) {
        let me = ME.with(|me| *me);
        HOLDS.set(false);
        let mut state = self.unlock();
        // Who requested it is still waiting for it: a request ends where the lock is taken.
        let is_due = |state: &State| self.drop_request.load(Relaxed) && state.last_holder == me;
        if is_due(&state) {
            recorder::during(Activity::Gil, || {
                while is_due(&state) {
                    state = self
                        .taken
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                drop(state);
            });
        }
    }

    fn unlock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.locked = false;
        self.dropped.notify_one();
        state
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As [`hold`], to run a task.
pub fn hold_for(gil: Option<&Gil>, task: u64) -> Option<Held<'_>> {
    gil.map(|gil| {
        gil.take_for(Some(task));
        Held(gil)
    })
}

/// Takes the lock until the guard is dropped, where there is one.
pub fn hold(gil: Option<&Gil>) -> Option<Held<'_>> {
    gil.map(Gil::hold)
}

/// Offers the lock to who has requested it: between slices of work.
#[inline]
pub fn tick(gil: Option<&Gil>) {
    if let Some(gil) = gil
        && gil.drop_request.load(Relaxed)
        && HOLDS.get()
    {
        gil.offer();
    }
}

/// Runs what waits, without the lock; a thread that hasn't got it has nothing to give up.
#[inline]
pub fn without<T>(gil: Option<&Gil>, work: impl FnOnce() -> T) -> T {
    /// Takes it again, after a panic too: who holds it counts on that.
    struct Again<'a>(&'a Gil);
    impl Drop for Again<'_> {
        fn drop(&mut self) {
            self.0.take();
        }
    }
    match gil {
        Some(gil) if HOLDS.get() => {
            gil.give_way();
            let _again = Again(gil);
            work()
        }
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;
    use std::thread;
    use std::time::Instant;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn one_thread_at_a_time_and_no_wakeup_is_lost() {
        let gil = Gil::new(10_000);
        let (inside, done) = (AtomicU32::new(0), AtomicU64::new(0));
        let alone = || {
            assert_eq!(inside.fetch_add(1, Relaxed), 0, "somebody else is inside");
            std::hint::spin_loop();
            inside.fetch_sub(1, Relaxed);
        };
        let start = Instant::now();
        thread::scope(|scope| {
            for number in 0..8 {
                let (gil, alone, done) = (&gil, &alone, &done);
                scope.spawn(move || {
                    let _held = gil.hold();
                    for turn in 0..5_000 {
                        alone();
                        match (turn + number) % 3 {
                            0 => without(Some(gil), || ()),
                            1 => without(Some(gil), thread::yield_now),
                            _ => tick(Some(gil)),
                        }
                    }
                    done.fetch_add(1, Relaxed);
                });
            }
        });
        assert_eq!(done.into_inner(), 8);
        assert!(gil.switches() >= 8 && start.elapsed() < PATIENCE);
    }

    #[test]
    fn a_request_gives_another_thread_its_turn_and_the_dropper_waits_for_it() {
        let gil = Gil::new(1_000_000);
        let turns = Mutex::new(Vec::new());
        let start = Instant::now();
        thread::scope(|scope| {
            for number in 0..2 {
                let (gil, turns) = (&gil, &turns);
                scope.spawn(move || {
                    let _held = gil.hold();
                    // Until the other has had three turns between this one's.
                    while start.elapsed() < PATIENCE {
                        let mut turns = turns.lock().unwrap();
                        if turns.last() != Some(&number) {
                            turns.push(number);
                        }
                        if turns.len() > 6 {
                            break;
                        }
                        drop(turns);
                        tick(Some(gil));
                    }
                });
            }
        });
        let turns = turns.into_inner().unwrap();
        assert!(turns.len() > 6, "{turns:?}");
        assert!(gil.switches() >= 6, "{}", gil.switches());
    }

    #[test]
    fn without_a_request_nobody_gives_way_and_alone_nobody_waits() {
        let gil = Gil::new(DEFAULT_INTERVAL_NS);
        let _held = gil.hold();
        (0..100_000).for_each(|_| tick(Some(&gil)));
        (0..1_000).for_each(|_| without(Some(&gil), || ()));
        assert_eq!(gil.switches(), 1, "it went to this thread and stayed");
    }

    #[test]
    fn a_panic_gives_it_back() {
        let gil = Gil::new(DEFAULT_INTERVAL_NS);
        for outside in [false, true] {
            thread::scope(|scope| {
                let ended = scope.spawn(|| {
                    let _held = gil.hold();
                    match outside {
                        true => without(Some(&gil), || panic!("boom")),
                        false => panic!("boom"),
                    }
                });
                assert!(ended.join().is_err());
            });
            assert!(!gil.state().locked);
            drop(gil.hold());
        }
    }
}
