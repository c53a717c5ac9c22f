//! What the tasks of one trial share: the counter of `add`, named locks, the permits of `limits`.
//!
//! One block of shared memory for each trial: private to the process where tasks are threads, a file in
//! the site's folder where they are processes. Under an event loop named locks and permits are the
//! loop's own ([`super::nonblocking`]), so that waiting for one doesn't stop the others. To share
//! something else: a slot here and what uses it.

use super::wait;
use crate::measure::trace::Activity;
use crate::measure::trace::recorder;
use crate::process::shared::{Mutex, MutexGuard, Permit, RwLock, Semaphore, SharedMemory};
use crate::program::{Body, Op, Program, Sync};
use crate::runtime::gil::{self, Gil};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// Most tasks that wait for each other at the start: enough for any race, and few enough that spinning
/// threads don't keep the others from being created.
const MOST_AT_START: u64 = 64;
/// Longest that a task waits there.
const START_PATIENCE: Duration = Duration::from_millis(300);
/// Turns of spinning before the core is offered to others.
const SPINS: u32 = 2000;

// Slots of the shared memory; named locks follow, then the semaphores.
const COUNTER: usize = 0;
const EXPECTED: usize = 1;
const ARRIVED: usize = 2;
const ADD_MUTEX: usize = 3;
const ADD_RWLOCK: usize = 4;
const NAMED: usize = 5;

/// The file that processes share.
const FILE: &str = "shared";

/// What the tasks of one trial share.
pub struct Sharing {
    memory: SharedMemory,
    locks: Vec<String>,
    limits: Vec<String>,
    /// Tasks that start together; 0 where nothing is added.
    at_start: u64,
    adds: bool,
    between: bool,
}

/// Names of the locks of a program, in the order in which its operations name them.
pub fn lock_names(program: &Program) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    program.walk(|op| {
        if let Op::Group {
            lock: Some(name), ..
        } = op
            && !names.contains(name)
        {
            names.push(name.clone());
        }
    });
    names
}

/// Whether a program's tasks share anything.
pub fn is_needed(program: &Program) -> bool {
    adds(program) || !program.limits.is_empty() || !lock_names(program).is_empty()
}

/// Whether tasks add to the shared counter.
fn adds(program: &Program) -> bool {
    let mut adds = false;
    program.walk(|op| adds |= matches!(op, Op::Add { .. }));
    adds
}

/// Increments so often, each time with a lock of its own.
fn each_under<G>(times: u64, lock: impl Fn() -> G, increment: impl Fn()) {
    for _ in 0..times {
        let _held = lock();
        increment();
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join(FILE)
}

impl Sharing {
    /// What a program's tasks share: between the processes that [`Sharing::open`] it in `directory`, or
    /// within this process. `at_once` is how many tasks the model runs at the same time.
    ///
    /// # Errors
    /// Where the memory can't be had.
    pub fn create(
        program: &Program,
        directory: Option<&Path>,
        at_once: u64,
    ) -> io::Result<Sharing> {
        let between = directory.is_some();
        let sharing = Sharing::of(program, at_once, between, |slots| match directory {
            Some(directory) => SharedMemory::create(&path(directory), slots),
            None => SharedMemory::anonymous(slots),
        })?;
        let memory = &sharing.memory;
        memory.slot::<Mutex>(ADD_MUTEX).initialize(between);
        memory.slot::<RwLock>(ADD_RWLOCK).initialize(between);
        for index in 0..sharing.locks.len() {
            memory.slot::<Mutex>(NAMED + index).initialize(between);
        }
        for (index, permits) in program.limits.values().enumerate() {
            let permits = (*permits).min(i32::MAX as u64) as u32;
            let slot = NAMED + sharing.locks.len() + index;
            memory.slot::<Semaphore>(slot).initialize(between, permits);
        }
        Ok(sharing)
    }

    /// What the trial that started this worker has created.
    ///
    /// # Errors
    /// Where it isn't there.
    pub fn open(program: &Program, directory: &Path, at_once: u64) -> io::Result<Sharing> {
        Sharing::of(program, at_once, true, |slots| {
            SharedMemory::open(&path(directory), slots)
        })
    }

    fn of(
        program: &Program,
        at_once: u64,
        between: bool,
        memory: impl FnOnce(usize) -> io::Result<SharedMemory>,
    ) -> io::Result<Sharing> {
        let (locks, adds) = (lock_names(program), adds(program));
        let limits: Vec<String> = program.limits.keys().cloned().collect();
        Ok(Sharing {
            memory: memory(NAMED + locks.len() + limits.len())?,
            locks,
            limits,
            at_start: if adds { at_once.min(MOST_AT_START) } else { 0 },
            adds,
            between,
        })
    }

    /// How many tasks start together, where processes share this; `None` where it is one's own.
    pub fn between_processes(&self) -> Option<u64> {
        self.between.then_some(self.at_start)
    }

    /// Lets the first tasks begin at the same moment, where they add to the shared counter.
    ///
    /// Short loops never overlap by themselves, and not behind a barrier that sleeps either: waking one
    /// after the other takes longer than they run (100,000 increments behind such a barrier lost nothing
    /// in 20 of 20 runs; behind one that spins they lost in 20 of 20). The wait is bounded: a task that
    /// never comes doesn't hang the others.
    pub fn start(&self, gil: Option<&Gil>) {
        let arrived = self.memory.slot::<AtomicU64>(ARRIVED);
        if self.at_start < 2 || arrived.fetch_add(1, AcqRel) >= self.at_start {
            return;
        }
        // Who waits for others lets them come.
        wait(gil, Activity::Starting, || self.meet(arrived));
    }

    fn meet(&self, arrived: &AtomicU64) {
        let mut spins = 0u32;
        let start = Instant::now();
        while arrived.load(Acquire) < self.at_start {
            spins += 1;
            if spins < SPINS {
                std::hint::spin_loop();
            } else if start.elapsed() < START_PATIENCE {
                thread::yield_now();
            } else {
                return;
            }
        }
    }

    /// Increments the counter `times` times.
    pub fn add(&self, times: u64, sync: Sync) {
        let counter = self.memory.slot::<AtomicU64>(COUNTER);
        // A read, an addition and a write, as three steps: what another task writes between the first and
        // the last is lost. Relaxed atomics are plain instructions, without undefined behaviour.
        let increment = || counter.store(counter.load(Relaxed) + 1, Relaxed);
        match sync {
            Sync::None => (0..times).for_each(|_| increment()),
            Sync::Mutex => {
                let mutex = self.memory.slot::<Mutex>(ADD_MUTEX);
                match recorder::is_on() {
                    false => each_under(times, || mutex.lock(), increment),
                    true => each_under(
                        times,
                        || {
                            let free = mutex.try_lock();
                            free.unwrap_or_else(|| wait(None, Activity::Lock, || mutex.lock()))
                        },
                        increment,
                    ),
                }
            }
            Sync::Rwlock => {
                let lock = self.memory.slot::<RwLock>(ADD_RWLOCK);
                match recorder::is_on() {
                    false => each_under(times, || lock.write(), increment),
                    true => each_under(
                        times,
                        || {
                            let free = lock.try_write();
                            free.unwrap_or_else(|| wait(None, Activity::Lock, || lock.write()))
                        },
                        increment,
                    ),
                }
            }
            Sync::Atomic => (0..times).for_each(|_| {
                counter.fetch_add(1, Relaxed);
            }),
            Sync::Local => {
                let mut own = 0u64;
                for _ in 0..times {
                    // As much work as the others do, and none of it shared.
                    own = std::hint::black_box(own + 1);
                }
                counter.fetch_add(own, Relaxed);
            }
        }
    }

    /// As [`Sharing::add`], by a thread that holds the lock: it offers it after each increment, as CPython
    /// does at the loop's end, and where `body` is a call also between reading and writing. A lock that is
    /// free is taken without giving the other one up.
    pub fn add_under(&self, gil: &Gil, times: u64, sync: Sync, body: Body) {
        let counter = self.memory.slot::<AtomicU64>(COUNTER);
        let offer = || gil::tick(Some(gil));
        let increment = || {
            let read = counter.load(Relaxed);
            if body == Body::Call {
                offer();
            }
            counter.store(read + 1, Relaxed);
        };
        let mut own = 0u64;
        for _ in 0..times {
            match sync {
                Sync::None => increment(),
                Sync::Mutex => {
                    let mutex = self.memory.slot::<Mutex>(ADD_MUTEX);
                    let free = mutex.try_lock();
                    let _held =
                        free.unwrap_or_else(|| wait(Some(gil), Activity::Lock, || mutex.lock()));
                    increment();
                }
                Sync::Rwlock => {
                    let lock = self.memory.slot::<RwLock>(ADD_RWLOCK);
                    let free = lock.try_write();
                    let _held =
                        free.unwrap_or_else(|| wait(Some(gil), Activity::Lock, || lock.write()));
                    increment();
                }
                Sync::Atomic => {
                    counter.fetch_add(1, Relaxed);
                }
                Sync::Local => own = std::hint::black_box(own + 1),
            }
            offer();
        }
        counter.fetch_add(own, Relaxed);
    }

    /// Notes that so many increments were made; once a task, so that noting doesn't disturb the race.
    pub fn expect(&self, updates: u64) {
        self.memory
            .slot::<AtomicU64>(EXPECTED)
            .fetch_add(updates, Relaxed);
    }

    /// Increments that were made and increments that the counter shows; `None` where none is.
    pub fn updates(&self) -> Option<(u64, u64)> {
        let read = |slot| self.memory.slot::<AtomicU64>(slot).load(Relaxed);
        self.adds.then(|| (read(EXPECTED), read(COUNTER)))
    }

    /// Waits for the lock of that name.
    pub fn lock(&self, name: &str) -> Option<MutexGuard<'_>> {
        let index = self.locks.iter().position(|known| known == name)?;
        Some(self.memory.slot::<Mutex>(NAMED + index).lock())
    }

    /// The lock of that name where nobody has it.
    pub fn try_lock(&self, name: &str) -> Option<MutexGuard<'_>> {
        let index = self.locks.iter().position(|known| known == name)?;
        self.memory.slot::<Mutex>(NAMED + index).try_lock()
    }

    /// A permit to do a step where one is left.
    pub fn try_permit(&self, verb: &str) -> Option<Permit<'_>> {
        let index = self.limits.iter().position(|known| known == verb)?;
        let slot = NAMED + self.locks.len() + index;
        self.memory.slot::<Semaphore>(slot).try_acquire()
    }

    /// Waits for a permit to do a step, where that is limited.
    pub fn permit(&self, verb: &str) -> Option<Permit<'_>> {
        let index = self.limits.iter().position(|known| known == verb)?;
        let slot = NAMED + self.locks.len() + index;
        Some(self.memory.slot::<Semaphore>(slot).acquire())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{Group, Value};

    fn program(limit: u64) -> Program {
        let add = Op::Add {
            body: Default::default(),
            times: Value::Const(1),
            sync: Sync::None,
        };
        let locked = |name: &str| Op::Group {
            ops: vec![add.clone()],
            times: 1,
            lock: Some(name.to_owned()),
            permit: None,
            label: String::new(),
        };
        Program {
            groups: vec![Group {
                name: String::new(),
                tasks: 4,
                ops: vec![locked("a"), locked("b"), locked("a")],
            }],
            limits: [("sleep".to_owned(), limit)].into(),
            ..Program::default()
        }
    }

    #[test]
    fn whatever_keeps_tasks_apart_loses_nothing() {
        for (name, sync) in Sync::ALL.iter().filter(|(_, sync)| *sync != Sync::None) {
            let sharing = Sharing::create(&program(1), None, 4).unwrap();
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        sharing.start(None);
                        sharing.add(20_000, *sync);
                        sharing.expect(20_000);
                    });
                }
            });
            assert_eq!(sharing.updates(), Some((80_000, 80_000)), "{name}");
        }
    }

    #[test]
    fn at_most_as_many_as_there_are_permits_are_inside() {
        let sharing = Sharing::create(&program(2), None, 8).unwrap();
        let (inside, most) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let permit = sharing.permit("sleep");
                        assert!(permit.is_some() && sharing.permit("http").is_none());
                        most.fetch_max(inside.fetch_add(1, Relaxed) + 1, Relaxed);
                        thread::sleep(Duration::from_micros(50));
                        inside.fetch_sub(1, Relaxed);
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 2, "two, and two at the same time");
    }

    #[test]
    fn a_task_that_never_comes_hangs_nobody() {
        let sharing = Sharing::create(&program(1), None, 3).unwrap();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| sharing.start(None));
            }
        });
    }

    #[test]
    fn processes_find_the_same_locks_under_the_same_names() {
        let directory = std::env::temp_dir().join(format!("conclab-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&directory).unwrap();
        let own = Sharing::create(&program(1), Some(&directory), 1).unwrap();
        let other = Sharing::open(&program(1), &directory, 1).unwrap();
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(own.locks, ["a", "b"]);
        own.add(3, Sync::Mutex);
        other.add(4, Sync::Mutex);
        assert_eq!(own.updates().unwrap().1, 7);
        drop(own.lock("b").unwrap());
        drop(other.lock("b").unwrap());
        assert!(other.lock("c").is_none());
    }
}
