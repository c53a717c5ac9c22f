//! Notes what each worker does while it does it.
//!
//! A thread that is a worker opens a lane ([`Recorder::lane`]) and from there on says what it goes on with
//! ([`enter`], [`during`]): that ends what it did before, so spans can't overlap. A thread without a lane
//! notes nothing, at the price of one look at a thread-local flag; timed repeats have no lanes.
//!
//! An event loop's thread takes turns: [`turn`] where it polls a task, [`then`] where the task is about to wait
//! for something, [`pause`] where it did. There is one look at the clock for each turn, where it begins; so a
//! turn's span includes what the loop itself does until the next one.
//!
//! Room for spans is bounded ([`MOST_SPANS`]); beyond it only the totals of each activity go on.

pub use super::clock::Clock;
use super::notes::{Notes, Room, Turn};
use super::{Activity, Lag, Role, Trace};
use crate::process::clock::{monotonic_ns, thread_cpu_ns};
use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::marker::PhantomData;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most spans of one trial's own process; its worker processes share as many.
pub const MOST_SPANS: usize = 600_000;

/// Worker processes hand their lanes over in files whose names begin so.
const FILE: &str = "trace-";

/// What one process of a traced repeat notes.
pub struct Recorder {
    process: u32,
    clock: Clock,
    room: Room,
    /// Room that the process's own thread has, written to before the clock starts.
    own: Mutex<Vec<Turn>>,
    lanes: Mutex<Vec<Notes>>,
    /// Due and late; due by [`monotonic_ns`].
    lags: Mutex<Vec<Lag>>,
}

/// The lane that a thread has open.
struct Open {
    notes: Notes,
    /// What the task that has its turn has said that it does next.
    then: Option<Activity>,
    cpu_before_ns: u64,
    clock: Clock,
    recorder: Arc<Recorder>,
}

thread_local! {
    static HAS_LANE: Cell<bool> = const { Cell::new(false) };
    static LANE: RefCell<Option<Open>> = const { RefCell::new(None) };
}

/// The calling thread's lane is open until this is dropped.
///
/// Not `Send`: it ends on the thread on which it began.
pub struct LaneGuard(PhantomData<*const ()>);

impl LaneGuard {
    /// Leaves the lane open until [`end_lane`].
    pub fn leave_open(self) {
        std::mem::forget(self);
    }
}

impl Drop for LaneGuard {
    fn drop(&mut self) {
        end_lane();
    }
}

impl Recorder {
    /// For a process of a trial, with room for so many spans in all, and for so many of them in memory that is
    /// there at once, for the lane of the process's own thread. Process 0 is the trial's own.
    pub fn new(process: u32, clock: Clock, spans: usize, own: usize) -> Arc<Recorder> {
        let room = Room::new(spans);
        let mut turns = vec![Turn::new(1, Activity::Starting, None); room.take(own)];
        turns.clear();
        Arc::new(Recorder {
            process,
            clock,
            room,
            own: Mutex::new(turns),
            lanes: Mutex::default(),
            lags: Mutex::default(),
        })
    }

    /// Opens the calling thread's lane, with room for so many spans, as far as there is any. It begins as
    /// [`Activity::Starting`]: where the thread is a new one, when it was asked for (`asked`, ticks of the
    /// recorder's clock); `None`: the thread was there before, and its lane begins now.
    ///
    /// A thread has one lane; where it has one already, that one goes on and this call changes nothing but its end.
    pub fn lane(
        self: &Arc<Self>,
        role: Role,
        number: u32,
        asked: Option<u64>,
        spans: usize,
    ) -> LaneGuard {
        let (turns, cpu_before_ns) = match asked {
            Some(_) => (Vec::with_capacity(self.room.take_share(spans)), 0),
            None => (std::mem::take(&mut *locked(&self.own)), thread_cpu_ns()),
        };
        let begin = asked.unwrap_or_else(|| self.clock.ticks());
        let notes = Notes::new(role, number, self.process, begin, turns, &self.room);
        LANE.with_borrow_mut(|lane| {
            lane.get_or_insert_with(|| Open {
                notes,
                then: None,
                cpu_before_ns,
                clock: self.clock,
                recorder: self.clone(),
            });
        });
        HAS_LANE.set(true);
        LaneGuard(PhantomData)
    }

    /// The clock that lanes are noted with.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Notes that a timer which was due at `due_ns` (of [`monotonic_ns`]) ran now.
    pub fn lag(&self, due_ns: u64) {
        let late_ns = monotonic_ns().saturating_sub(due_ns);
        locked(&self.lags).push(Lag { due_ns, late_ns });
    }

    /// Hands the lanes of this process, which have ended, over to that of its trial: by a file in the
    /// trial's folder, read when the clock has stopped.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn hand_over(&self, directory: &Path) -> io::Result<()> {
        let mut file = File::create(directory.join(format!("{FILE}{}", self.process)))?;
        locked(&self.lanes)
            .iter()
            .try_for_each(|notes| notes.write(&mut file))
    }

    /// All that was noted in this process and handed over by others, in the order of role, process and
    /// number, with times since the clock's start (of [`monotonic_ns`]); nothing is left.
    ///
    /// # Errors
    /// Where what was handed over can't be read.
    pub fn finish(&self, origin_ns: u64, directory: &Path) -> io::Result<Trace> {
        let mut notes = std::mem::take(&mut *locked(&self.lanes));
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(FILE) {
                let mut input = BufReader::new(File::open(entry.path())?);
                while let Some(lane) = Notes::read(&mut input)? {
                    notes.push(lane);
                }
            }
        }
        let scale = self.clock.scale();
        let mut trace = Trace::default();
        for notes in notes {
            let (lane, cut) = notes.lane(scale, origin_ns);
            trace.lanes.push(lane);
            trace.spans_cut += cut;
        }
        let rank = |role| match role {
            Role::Main => 0,
            Role::Loop => 1,
            Role::Worker => 2,
        };
        trace
            .lanes
            .sort_by_key(|lane| (rank(lane.role), lane.process, lane.number));
        let lags = std::mem::take(&mut *locked(&self.lags)).into_iter();
        trace.lags = lags
            .map(|lag| Lag {
                due_ns: lag.due_ns.saturating_sub(origin_ns),
                ..lag
            })
            .collect();
        Ok(trace)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the calling thread notes what it does.
#[inline]
pub fn is_on() -> bool {
    HAS_LANE.get()
}

/// Whether the calling thread is an event loop's, and notes what it does.
pub fn is_on_loop() -> bool {
    is_on() && with(|open| open.notes.role()) == Some(Role::Loop)
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
    with(|open| {
        let next = Turn::new(open.clock.ticks(), activity, task);
        open.notes.turn(next, &open.recorder.room);
    });
}

/// From here on the calling thread does this, still for the same task.
#[inline]
pub fn go_on(activity: Activity) {
    if is_on() {
        note(activity, current().1);
    }
}

/// Runs `work`, during which the calling thread does this for the same task as before, and goes on with what it did.
#[inline]
pub fn during<T>(activity: Activity, work: impl FnOnce() -> T) -> T {
    if !is_on() {
        return work();
    }
    around(|| {
        go_on(activity);
        work()
    })
}

/// Runs `work`, which notes what it does by itself, and goes on with what the calling thread did before.
#[inline]
pub fn around<T>(work: impl FnOnce() -> T) -> T {
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
    let _back = Back(before, task);
    work()
}

/// An event loop's thread gives a task its turn; `then` is what the task did since its last one.
pub fn turn(task: u64, then: Option<Activity>) {
    if is_on() {
        with(|open| {
            let next = Turn::new(open.clock.ticks(), Activity::Computing, Some(task));
            open.notes.turn(next, &open.recorder.room);
            open.then = then;
        });
    }
}

/// Says what the task that has its turn does next, if it has to wait for it: its turn ends there.
#[inline]
pub fn then(activity: Activity) {
    if is_on() {
        with(|open| open.then = Some(activity));
    }
}

/// The task that had its turn waits; what it waits for, as it has said.
pub fn pause() -> Option<Activity> {
    if !is_on() {
        return None;
    }
    with(|open| {
        let then = open.then.unwrap_or(Activity::Waiting);
        open.notes.pause(then);
        then
    })
}

/// Ends the calling thread's lane; nothing where it has none.
pub fn end_lane() {
    HAS_LANE.set(false);
    if let Some(mut open) = LANE.with_borrow_mut(Option::take) {
        let cpu_ns = thread_cpu_ns().saturating_sub(open.cpu_before_ns);
        open.notes
            .end(open.clock.ticks(), cpu_ns, &open.recorder.room);
        locked(&open.recorder.lanes).push(open.notes);
    }
}

/// What the calling thread does, and for which task.
fn current() -> (Activity, Option<u64>) {
    with(|open| open.notes.now()).unwrap_or((Activity::Idle, None))
}

#[inline]
fn with<T>(work: impl FnOnce(&mut Open) -> T) -> Option<T> {
    LANE.with_borrow_mut(|lane| lane.as_mut().map(work))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::trace::{ACTIVITIES, Lane, Totals};
    use std::thread;
    use std::time::Duration;

    fn finish(recorder: &Recorder) -> Trace {
        let folder = std::env::temp_dir().join(format!("conclab-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        let trace = recorder.finish(0, &folder);
        fs::remove_dir_all(&folder).unwrap();
        trace.unwrap()
    }

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
        let recorder = Recorder::new(3, Clock::start(), MOST_SPANS, 0);
        let asked = recorder.clock().ticks();
        thread::scope(|scope| {
            scope.spawn(|| {
                let _lane = recorder.lane(Role::Worker, 2, Some(asked), 2);
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
        let trace = finish(&recorder);
        assert_eq!((trace.lanes.len(), trace.spans_cut), (1, 0));
        let lane = &trace.lanes[0];
        assert_eq!((lane.number, lane.process), (2, 3));
        is_whole(lane);
        let did: Vec<(Activity, Option<u64>)> = lane
            .spans
            .iter()
            .filter(|span| span.activity != Activity::Starting && span.length_ns() > 500_000)
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
        assert_eq!(finish(&recorder), Trace::default(), "nothing is told twice");
    }

    #[test]
    fn what_finds_no_room_is_counted_and_its_time_is_kept() {
        let recorder = Recorder::new(0, Clock::start(), 10, 4);
        {
            let _lane = recorder.lane(Role::Loop, 1, None, 0);
            for task in 0..100 {
                turn(task, None);
                then(Activity::Lock);
                assert_eq!(pause(), Some(Activity::Lock));
            }
        }
        let trace = finish(&recorder);
        let lane = &trace.lanes[0];
        assert_eq!((lane.spans.len(), trace.spans_cut), (10, 91));
        assert_eq!(lane.totals_ns.iter().sum::<u64>(), lane.life_ns());
        assert!(lane.spans[1].then == Some(Activity::Lock));
        assert!(
            lane.spans
                .windows(2)
                .all(|two| two[0].end_ns <= two[1].start_ns)
        );
    }

    #[test]
    fn what_a_task_does_next_is_told_where_it_waits_and_nowhere_else() {
        let recorder = Recorder::new(0, Clock::start(), MOST_SPANS, 0);
        {
            let _lane = recorder.lane(Role::Loop, 1, None, 0);
            turn(0, None);
            then(Activity::Lock);
            // The lock was free.
            then(Activity::Limit);
            during(Activity::Blocked, || ());
            let next = pause();
            turn(1, None);
            then(Activity::Lock);
            // Woken for nothing, it waits for the same.
            turn(0, next);
            assert_eq!(pause(), next);
            turn(0, next);
        }
        let told: Vec<_> = finish(&recorder).lanes[0]
            .spans
            .iter()
            .skip(1)
            .map(|span| (span.task, span.activity, span.then))
            .collect();
        use Activity::{Blocked, Computing, Limit};
        assert_eq!(
            told,
            [
                (Some(0), Computing, None),
                (Some(0), Blocked, None),
                (Some(0), Computing, Some(Limit)),
                (Some(1), Computing, None),
                (Some(0), Computing, Some(Limit)),
                (Some(0), Computing, None),
            ]
        );
    }
}
