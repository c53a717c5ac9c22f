//! Notes what each worker does while it does it.
//!
//! A thread that is a worker opens a lane ([`Recorder::lane`]) and from there on says what it goes on with
//! ([`enter`], [`during`]): that ends what it did before, so spans can't overlap. A thread without a lane
//! notes nothing, at the price of one look at a thread-local flag; timed repeats have no lanes.
//!
//! Room for the spans is made before they are noted and is bounded ([`MOST_SPANS`]); beyond it only the
//! totals of each activity go on.

use super::{ACTIVITIES, Activity, Lag, Lane, Role, Span, Totals, Trace};
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

/// Most spans of one process.
pub const MOST_SPANS: usize = 400_000;

/// What one process of a traced repeat notes.
pub struct Recorder {
    origin_ns: u64,
    process: u32,
    room: AtomicI64,
    trace: Mutex<Trace>,
}

/// A moment at which one activity ended and another began: 16 bytes, for there may be many.
#[derive(Clone, Copy)]
struct Turn {
    start_ns: u64,
    /// Number of the task + 1; 0 is none.
    task: u32,
    activity: Activity,
    then: Option<Activity>,
}

/// The lane that a thread has open.
struct Open {
    recorder: Arc<Recorder>,
    role: Role,
    number: u32,
    turns: Vec<Turn>,
    /// What it does now; the last turn, where that was kept.
    now: Turn,
    totals_ns: Totals,
    begin_ns: u64,
    /// Where the first turn began that there was no room for, and how many there were.
    cut_ns: Option<u64>,
    cut: u64,
    cpu_before_ns: u64,
}

thread_local! {
    static HAS_LANE: Cell<bool> = const { Cell::new(false) };
    static LANE: RefCell<Option<Open>> = const { RefCell::new(None) };
}

/// The calling thread's lane is open until this is dropped.
///
/// Not `Send`: it ends on the thread on which it began.
pub struct LaneGuard(PhantomData<*const ()>);

impl Drop for LaneGuard {
    fn drop(&mut self) {
        close();
    }
}

/// Now, by the monotonic clock that all processes share.
pub fn now_ns() -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the clock exists and `now` is there to be written to.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

fn thread_cpu_ns() -> u64 {
    let mut used = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: as above.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut used) };
    used.tv_sec as u64 * 1_000_000_000 + used.tv_nsec as u64
}

impl Recorder {
    /// For a process of a trial whose clock started (or is about to) at `origin_ns` of [`now_ns`]; process
    /// 0 is the trial's own.
    pub fn new(origin_ns: u64, process: u32) -> Arc<Recorder> {
        Arc::new(Recorder {
            origin_ns,
            process,
            room: AtomicI64::new(MOST_SPANS as i64),
            trace: Mutex::default(),
        })
    }

    /// When the trial's clock started, by [`now_ns`].
    pub fn origin_ns(&self) -> u64 {
        self.origin_ns
    }

    /// Since the trial's clock started.
    pub fn since_origin_ns(&self) -> u64 {
        now_ns().saturating_sub(self.origin_ns)
    }

    /// Opens the calling thread's lane, which was asked for at `asked_ns` (of [`now_ns`]; `None`: now), with
    /// room for so many spans, as far as there is any. It begins as [`Activity::Starting`].
    ///
    /// A thread has one lane; where it has one already, that one goes on and this call changes nothing but its end.
    pub fn lane(
        self: &Arc<Self>,
        role: Role,
        number: u32,
        asked_ns: Option<u64>,
        spans: usize,
    ) -> LaneGuard {
        let begin_ns = match asked_ns {
            Some(asked_ns) => asked_ns.saturating_sub(self.origin_ns),
            None => self.since_origin_ns(),
        };
        let room = self.take_room(spans.clamp(8, MOST_SPANS));
        let now = Turn {
            start_ns: begin_ns,
            task: 0,
            activity: Activity::Starting,
            then: None,
        };
        let mut open = Open {
            recorder: self.clone(),
            role,
            number,
            turns: Vec::with_capacity(room),
            now,
            totals_ns: [0; ACTIVITIES.len()],
            begin_ns,
            cut_ns: None,
            cut: 0,
            cpu_before_ns: thread_cpu_ns(),
        };
        open.keep(now);
        LANE.with_borrow_mut(|lane| {
            lane.get_or_insert(open);
        });
        HAS_LANE.set(true);
        LaneGuard(PhantomData)
    }

    /// Notes that a timer which was due at `due_ns` (of [`now_ns`]) ran now.
    pub fn lag(&self, due_ns: u64) {
        let late_ns = now_ns().saturating_sub(due_ns);
        let due_ns = due_ns.saturating_sub(self.origin_ns);
        self.trace().lags.push(Lag { due_ns, late_ns });
    }

    /// Takes over what another process has noted.
    pub fn merge(&self, other: Trace) {
        let mut trace = self.trace();
        trace.lanes.extend(other.lanes);
        trace.lags.extend(other.lags);
        trace.spans_cut += other.spans_cut;
    }

    /// All that was noted, lanes in the order of role, process and number; nothing is left.
    pub fn finish(&self) -> Trace {
        let mut trace = std::mem::take(&mut *self.trace());
        trace
            .lanes
            .sort_by_key(|lane| (lane.role as u8, lane.process, lane.number));
        trace
    }

    fn trace(&self) -> std::sync::MutexGuard<'_, Trace> {
        self.trace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So much room, or what is left of it.
    fn take_room(&self, spans: usize) -> usize {
        let before = self.room.fetch_sub(spans as i64, Relaxed);
        let got = before.clamp(0, spans as i64);
        self.room.fetch_add(spans as i64 - got, Relaxed);
        got as usize
    }
}

impl Open {
    fn keep(&mut self, turn: Turn) {
        if self.cut_ns.is_none() && self.turns.len() == self.turns.capacity() {
            let more = self.recorder.take_room(self.turns.len().max(8));
            self.turns.reserve_exact(more);
            if more == 0 {
                self.cut_ns = Some(turn.start_ns);
            }
        }
        match self.cut_ns {
            None => self.turns.push(turn),
            Some(_) => self.cut += 1,
        }
    }

    fn turn(&mut self, at_ns: u64, activity: Activity, task: u32) {
        let length_ns = at_ns.saturating_sub(self.now.start_ns);
        self.totals_ns[self.now.activity as usize] += length_ns;
        let next = Turn {
            start_ns: self.now.start_ns + length_ns,
            task,
            activity,
            then: None,
        };
        if length_ns == 0 && self.cut_ns.is_none() && self.turns.len() > 1 {
            // What took no time is no span.
            self.turns.pop();
        }
        self.now = next;
        self.keep(next);
    }

    fn end(mut self) {
        let at_ns = self.recorder.since_origin_ns();
        self.turn(at_ns, Activity::Idle, 0);
        if self.cut_ns.is_none() {
            self.turns.pop();
        }
        let end_ns = self.now.start_ns;
        let ends = self.turns.iter().skip(1).map(|turn| turn.start_ns);
        let ends = ends.chain([self.cut_ns.unwrap_or(end_ns)]);
        let mut spans: Vec<Span> = Vec::with_capacity(self.turns.len());
        for (turn, end_ns) in self.turns.iter().zip(ends) {
            let span = Span {
                activity: turn.activity,
                task: turn.task.checked_sub(1).map(u64::from),
                start_ns: turn.start_ns,
                end_ns,
                then: turn.then,
            };
            match spans.last_mut() {
                // The worker only passed through something else that took no time.
                Some(last)
                    if last.activity == span.activity
                        && last.task == span.task
                        && last.then.is_none() =>
                {
                    last.end_ns = span.end_ns;
                    last.then = span.then;
                }
                _ => spans.push(span),
            }
        }
        let lane = Lane {
            role: self.role,
            number: self.number,
            process: self.recorder.process,
            begin_ns: self.begin_ns,
            end_ns,
            cpu_ns: Some(thread_cpu_ns().saturating_sub(self.cpu_before_ns)),
            totals_ns: self.totals_ns,
            spans,
        };
        let mut trace = self.recorder.trace();
        // The lane's last turn is its end, not a span.
        trace.spans_cut += self.cut.saturating_sub(1);
        trace.lanes.push(lane);
    }
}

/// Whether the calling thread notes what it does.
#[inline]
pub fn is_on() -> bool {
    HAS_LANE.get()
}

/// From here on the calling thread does this, for a task or for itself; nothing where it has no lane.
#[inline]
pub fn enter(activity: Activity, task: Option<u64>) {
    if is_on() {
        note(activity, task);
    }
}

#[inline(never)]
fn note(activity: Activity, task: Option<u64>) {
    LANE.with_borrow_mut(|lane| {
        if let Some(open) = lane {
            let at_ns = open.recorder.since_origin_ns();
            open.turn(at_ns, activity, packed(task));
        }
    });
}

/// From here on the calling thread does this, still for the same task.
#[inline]
pub fn go_on(activity: Activity) {
    if is_on() {
        enter(activity, current().1);
    }
}

/// Runs `work`, during which the calling thread does this for the same task as before, and goes on with what it did.
#[inline]
pub fn during<T>(activity: Activity, work: impl FnOnce() -> T) -> T {
    /// Goes on after a panic too.
    struct Back(Activity, Option<u64>);
    impl Drop for Back {
        fn drop(&mut self) {
            note(self.0, self.1);
        }
    }
    if !is_on() {
        return work();
    }
    let (before, task) = current();
    note(activity, task);
    let _back = Back(before, task);
    work()
}

/// Says what the task of the calling thread's span does when the span has ended: an event loop's turn ends where
/// the task waits for something.
#[inline]
pub fn then(activity: Activity) {
    if is_on() {
        LANE.with_borrow_mut(|lane| {
            if let Some(open) = lane {
                open.now.then = Some(activity);
                if open.cut_ns.is_none()
                    && let Some(last) = open.turns.last_mut()
                {
                    last.then = Some(activity);
                }
            }
        });
    }
}

/// What the calling thread does, and for which task.
fn current() -> (Activity, Option<u64>) {
    LANE.with_borrow(|lane| match lane {
        Some(open) => (
            open.now.activity,
            open.now.task.checked_sub(1).map(u64::from),
        ),
        None => (Activity::Idle, None),
    })
}

fn close() {
    HAS_LANE.set(false);
    if let Some(open) = LANE.with_borrow_mut(Option::take) {
        open.end();
    }
}

/// A task's number + 1; tasks beyond four thousand million share a number.
fn packed(task: Option<u64>) -> u32 {
    task.map_or(0, |task| {
        u32::try_from(task).map_or(u32::MAX, |task| task.saturating_add(1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::Duration;

    fn is_whole(lane: &Lane) {
        let mut at_ns = lane.begin_ns;
        let mut totals_ns: Totals = [0; ACTIVITIES.len()];
        for span in &lane.spans {
            assert_eq!(span.start_ns, at_ns, "{lane:?}");
            totals_ns[span.activity as usize] += span.length_ns();
            at_ns = span.end_ns;
        }
        assert_eq!(at_ns, lane.end_ns, "{lane:?}");
        assert_eq!(totals_ns, lane.totals_ns, "{lane:?}");
        assert_eq!(totals_ns.iter().sum::<u64>(), lane.life_ns());
    }

    #[test]
    fn spans_cover_a_workers_life_in_order() {
        let recorder = Recorder::new(now_ns(), 3);
        let asked_ns = now_ns();
        thread::scope(|scope| {
            scope.spawn(|| {
                let _lane = recorder.lane(Role::Worker, 2, Some(asked_ns), 16);
                enter(Activity::Computing, Some(7));
                thread::sleep(Duration::from_millis(1));
                during(Activity::Waiting, || {
                    thread::sleep(Duration::from_millis(1));
                    during(Activity::Gil, || thread::sleep(Duration::from_millis(1)));
                });
                enter(Activity::Idle, None);
                thread::sleep(Duration::from_millis(1));
            });
        });
        // Nothing is noted by who has no lane.
        enter(Activity::Computing, Some(1));
        let trace = recorder.finish();
        assert_eq!((trace.lanes.len(), trace.spans_cut), (1, 0));
        let lane = &trace.lanes[0];
        assert_eq!((lane.number, lane.process), (2, 3));
        is_whole(lane);
        let did: Vec<(Activity, Option<u64>)> = lane
            .spans
            .iter()
            .filter(|span| span.length_ns() > 500_000)
            .map(|span| (span.activity, span.task))
            .collect();
        assert_eq!(
            did,
            [
                (Activity::Computing, Some(7)),
                (Activity::Waiting, Some(7)),
                (Activity::Gil, Some(7)),
                (Activity::Idle, None),
            ]
        );
        assert_eq!(recorder.finish(), Trace::default(), "nothing is told twice");
    }

    #[test]
    fn what_finds_no_room_is_counted_and_its_time_is_kept() {
        let recorder = Recorder::new(now_ns(), 0);
        recorder.room.store(10, Relaxed);
        {
            let _lane = recorder.lane(Role::Loop, 1, None, 4);
            for task in 0..100 {
                enter(Activity::Computing, Some(task));
                then(Activity::Lock);
                while recorder.since_origin_ns() == current_start() {}
            }
        }
        let trace = recorder.finish();
        let lane = &trace.lanes[0];
        assert!(lane.spans.len() <= 10 && trace.spans_cut >= 80, "{trace:?}");
        assert_eq!(lane.totals_ns.iter().sum::<u64>(), lane.life_ns());
        assert!(lane.spans.len() > 2 && lane.spans[2].then == Some(Activity::Lock));
        assert!(
            lane.spans
                .windows(2)
                .all(|two| two[0].end_ns <= two[1].start_ns)
        );
    }

    fn current_start() -> u64 {
        LANE.with_borrow(|lane| lane.as_ref().unwrap().now.start_ns)
    }
}
