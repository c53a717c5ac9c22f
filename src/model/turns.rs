//! What a traced run notes of an event loop: its threads' lanes, the turns that its tasks get, how late it is.
//!
//! How late: a timer that is set again and again tells ([`Turns::probe`]). Tokio's timers end on ticks of a
//! millisecond, and a loop that sleeps asks the system to wake it after whole milliseconds: one that has nothing
//! to do is up to a millisecond late. The probe's timer is set to a tick, so that only the second of the two
//! rounds up; what is more than a millisecond is the tasks' doing. Under a GIL the timer's task takes the lock, as
//! every task of the loop does.

use super::Job;
use crate::measure::trace::recorder::{self, Recorder};
use crate::measure::trace::{Activity, Role};
use crate::process::clock::monotonic_ns;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::{Duration, Instant};

/// Shortest time between two timers of the probe. It gets longer with the run, to a thousandth of it: their number
/// grows with its logarithm.
const PROBE: Duration = Duration::from_millis(5);
const PROBES: u32 = 1_000;

/// No timer is due then.
const NEVER: u64 = u64::MAX;

/// What the threads of one event loop note with.
pub(super) struct Turns {
    recorder: Arc<Recorder>,
    /// Spans of a thread, about.
    spans: usize,
    threads: AtomicU32,
    /// When the loop was asked for: by the clock that lanes are noted with, by tokio's, and by the system's.
    asked: u64,
    made: Instant,
    made_ns: u64,
    /// When the probe's timer is due.
    due_ns: AtomicU64,
}

impl Turns {
    /// For a loop that is about to be made for a job, with so many threads beside the trial's own; `None` where
    /// nothing is noted.
    pub fn new(job: &Job, threads: u32) -> Option<Arc<Turns>> {
        let recorder = job.trace.clone()?;
        let share = job.program.tasks() / u64::from(threads.max(1));
        Some(Arc::new(Turns {
            asked: recorder.clock().ticks(),
            recorder,
            spans: super::spans_of(share),
            threads: AtomicU32::new(0),
            made: Instant::now(),
            made_ns: monotonic_ns(),
            due_ns: AtomicU64::new(NEVER),
        }))
    }

    /// Opens the calling thread's lane, where it has none: a thread of the loop that acts for the first time.
    /// (Tokio starts threads for what has no asynchronous interface as it starts those of the loop.)
    pub fn open(&self) {
        if !recorder::is_on() {
            let number = self.threads.fetch_add(1, Relaxed) + 1;
            let lane = self
                .recorder
                .lane(Role::Loop, number, Some(self.asked), self.spans);
            lane.leave_open();
        }
    }

    /// The calling thread has nothing to do.
    pub fn park(&self) {
        self.open();
        recorder::enter(Activity::Idle, None);
    }

    /// Sets a timer again and again and notes how late it runs; never ends.
    pub async fn probe(self: Arc<Self>) {
        loop {
            let elapsed = self.made.elapsed();
            let next = elapsed + PROBE.max(elapsed / PROBES);
            let next = Duration::from_millis(next.as_millis() as u64);
            let due_ns = self.made_ns + next.as_nanos() as u64;
            self.due_ns.store(due_ns, Relaxed);
            tokio::time::sleep_until((self.made + next).into()).await;
            self.ran();
        }
    }

    /// Notes that the probe's timer has run, or that the loop has ended and never came to that.
    pub fn ran(&self) {
        let due_ns = self.due_ns.swap(NEVER, Relaxed);
        if due_ns <= monotonic_ns() {
            self.recorder.lag(due_ns);
        }
    }

    /// Runs a task, and notes each poll of it as its turn.
    pub async fn run<F: Future>(&self, task: u64, mut run: Pin<&mut F>) -> F::Output {
        let mut then = None;
        poll_fn(|context| {
            self.open();
            recorder::turn(task, then);
            let poll = run.as_mut().poll(context);
            if poll.is_pending() {
                then = recorder::pause();
            }
            poll
        })
        .await
    }
}

/// Does something for the loop itself; in a traced run its polls are noted as this.
pub(super) async fn noted<F: Future>(activity: Activity, work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|context| {
        recorder::enter(activity, None);
        work.as_mut().poll(context)
    })
    .await
}
