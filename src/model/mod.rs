//! Concurrency models: how the tasks of a program are scheduled.
//!
//! A model interprets operations and knows no step. To add one: a file here with a type that implements
//! [`Model`], `mod x;`, and a row in [`MODELS`].

pub mod blocking;
mod nonblocking;
mod turns;
mod data;
mod latency;
pub mod settings;
pub mod sharing;
mod executor;
mod thread_pool;
mod process_pool;
mod processes;
mod sequential;
mod event_loop;
mod async_threads;
mod hybrid;
mod interpreters;
mod threads;
pub mod worker;

pub use crate::io::Site;
pub use latency::{GroupLatencies, Latencies, QUANTILES};
pub use settings::{Pool, Settings, Start};
pub use sharing::Sharing;

use crate::describe::ModelDef;
use crate::measure::trace::recorder::{self, Clock, LaneGuard, MOST_SPANS, Recorder};
use crate::measure::trace::{Activity, Role, Trace};
use crate::program::{Program, combine, splitmix64};
use crate::runtime::Runtime;
use crate::runtime::gil::{self, Gil, Held};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Every model, in the order in which help lists them.
pub const MODELS: &[&dyn Model] = &[
    &sequential::Sequential,
    &threads::Threads,
    &thread_pool::ThreadPool,
    &processes::Processes,
    &process_pool::ProcessPool,
    &event_loop::Async,
    &async_threads::AsyncThreads,
    &hybrid::Hybrid,
    &interpreters::Interpreters,
];

/// The model of that name.
pub fn find(name: &str) -> Option<&'static dyn Model> {
    MODELS
        .iter()
        .copied()
        .find(|model| model.def().name == name)
}

/// A way to run tasks at the same time, or not.
pub trait Model: Sync {
    /// Name and help.
    fn def(&self) -> &'static ModelDef;

    /// What running so many tasks takes of the machine, so that it can be refused before it starts.
    fn footprint(&self, tasks: u64, settings: &Settings) -> Footprint;

    /// Why a runtime can't run tasks in this way at all; `None` where it can.
    fn unsupported(&self, _runtime: &Runtime) -> Option<String> {
        None
    }

    /// Runs all tasks. The clock is running: creating and joining workers is part of the model.
    ///
    /// # Errors
    /// Where the model itself can't go on (a thread can't be created, a worker died); a task that fails
    /// is counted in the tally instead.
    fn run(&self, job: &Job) -> Result<Tally, String>;
}

/// What a model holds at once, at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Operating-system threads beside the trial's own.
    pub threads: u64,
    /// Processes beside the trial's own.
    pub processes: u64,
    /// Tasks in progress at the same time.
    pub tasks_at_once: u64,
    /// Tasks that run on threads or processes of their own at the same time, waiting or not.
    pub parallel: u64,
    /// Tasks that an event loop holds: each a small piece of memory.
    pub futures: u64,
    /// Open descriptors of the trial's process.
    pub descriptors: u64,
}

/// What a trial asks of a model. A clone is a handle on the same, for what outlives the caller.
#[derive(Clone)]
pub struct Job {
    /// What the tasks do.
    pub program: Arc<Program>,
    /// What executes their operations.
    pub runtime: Runtime,
    /// What the model was told.
    pub settings: Settings,
    /// Where the tasks find what they use.
    pub site: Arc<Site>,
    /// What they share; `None` where that is nothing.
    pub sharing: Option<Arc<Sharing>>,
    /// What a thread holds while it computes; `None` where threads compute at the same time.
    pub gil: Option<Arc<Gil>>,
    /// Where they note how long they took, where that is asked for.
    pub latencies: Option<Arc<Latencies>>,
    /// Where workers note what they do, in a traced run.
    pub trace: Option<Arc<Recorder>>,
    /// What they are given: each task the beginning of it.
    pub argument: Arc<[u8]>,
}

impl Job {
    /// A trial's job, with what its tasks share and write to made ready: before the clock starts.
    ///
    /// # Errors
    /// Where the shared memory can't be had.
    pub fn new(
        model: &dyn Model,
        program: Program,
        runtime: Runtime,
        settings: Settings,
        site: Site,
        latencies: bool,
        switch_interval_ns: Option<u64>,
    ) -> std::io::Result<Job> {
        let sharing = match sharing::is_needed(&program) {
            true => {
                let between = model.def().uses_processes.then_some(&*site.directory);
                let at_once = at_once(model, &program, &settings);
                Some(Arc::new(Sharing::create(&program, between, at_once)?))
            }
            false => None,
        };
        Ok(Job {
            sharing,
            latencies: latencies.then(|| Arc::new(Latencies::new(&program))),
            trace: None,
            argument: data::block(&program),
            program: Arc::new(program),
            gil: runtime.lock(switch_interval_ns),
            runtime,
            settings,
            site: Arc::new(site),
        })
    }

    /// Has workers of that model note what they do. Where the trial's own thread has all tasks, there is memory for what
    /// it notes before the clock starts; elsewhere it would keep the room from the threads that have them.
    pub fn record(&mut self, model: &dyn Model) {
        let own = match model.def().single_threaded {
            true => spans_of(self.program.tasks()),
            false => 0,
        };
        self.trace = Some(Recorder::new(0, Clock::start(), MOST_SPANS, own));
    }

    /// What they noted, once the clock has stopped, which started at `origin_ns` (of [`crate::process::clock::monotonic_ns`]);
    /// `None` where that wasn't asked for.
    ///
    /// # Errors
    /// Where what worker processes left in the site's folder can't be read.
    pub fn recorded(&self, origin_ns: u64) -> std::io::Result<Option<Trace>> {
        let Some(recorder) = &self.trace else {
            return Ok(None);
        };
        let mut trace = recorder.finish(origin_ns, &self.site.directory)?;
        trace.tells_gil = self.gil.is_some();
        Ok(Some(trace))
    }

    /// Opens the lane of the trial's own thread until the guard is dropped, in a traced run.
    fn own_lane(&self, role: Role) -> Option<LaneGuard> {
        let recorder = self.trace.as_ref()?;
        Some(recorder.lane(role, 1, None, 0))
    }

    /// Opens the lane of a new thread that runs tasks, likewise: the worker with this number, from 1, asked
    /// for at `asked`, which is to run so many tasks.
    fn worker_lane(&self, number: u32, asked: u64, tasks: u64) -> Option<LaneGuard> {
        let recorder = self.trace.as_ref()?;
        Some(recorder.lane(Role::Worker, number, Some(asked), spans_of(tasks)))
    }

    /// Now, in ticks of the clock that workers note with, where they do; else 0.
    fn asked(&self) -> u64 {
        let recorder = self.trace.as_ref();
        recorder.map_or(0, |recorder| recorder.clock().ticks())
    }

    /// Has this thread hold the lock under which tasks run, where there is one.
    fn hold(&self) -> Option<Held<'_>> {
        gil::hold(self.gil.as_deref())
    }

    /// Runs something that waits, without that lock.
    fn wait<T>(&self, work: impl FnOnce() -> T) -> T {
        wait(self.gil.as_deref(), Activity::Waiting, work)
    }

    /// The same, for a wait of that kind.
    fn wait_for<T>(&self, kind: Activity, work: impl FnOnce() -> T) -> T {
        wait(self.gil.as_deref(), kind, work)
    }

    /// Offers the lock to who has requested it: before each operation, as at every call of Python.
    fn tick(&self) {
        gil::tick(self.gil.as_deref());
    }
}

/// Runs something that waits, without the lock, where this thread holds one.
fn wait<T>(gil: Option<&Gil>, kind: Activity, work: impl FnOnce() -> T) -> T {
    if !recorder::is_on() {
        return gil::without(gil, work);
    }
    // Who waits on an event loop's thread keeps it from all others.
    let kind = match kind {
        Activity::Waiting if recorder::is_on_loop() => Activity::Blocked,
        kind => kind,
    };
    recorder::during(kind, || gil::without(gil, work))
}

/// Spans that a traced run of so many tasks has about: most do one thing, or wait once.
pub fn spans_of(tasks: u64) -> usize {
    let spans = tasks.saturating_mul(3).saturating_add(5);
    usize::try_from(spans).unwrap_or(usize::MAX).min(MOST_SPANS)
}

/// Tasks that really can run at the same moment.
fn at_once(model: &dyn Model, program: &Program, settings: &Settings) -> u64 {
    match model.def().single_threaded {
        true => 1,
        false => model.footprint(program.tasks(), settings).parallel,
    }
}

/// What became of the tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Tasks that finished.
    pub succeeded: u64,
    /// Tasks that failed.
    pub failed: u64,
    /// Tasks that ran into a deadline of their own.
    pub timed_out: u64,
    /// Tasks that were called off.
    pub cancelled: u64,
    /// Results of the succeeded tasks, folded by [`crate::program::combine`].
    pub answer: u64,
    /// What the first failed task said.
    pub first_error: Option<String>,
    /// Increments of the shared counter that tasks made.
    #[serde(default)]
    pub expected_updates: u64,
    /// Increments that the counter shows in the end.
    #[serde(default)]
    pub counted_updates: u64,
    /// Workers (threads, processes; 1 for an event loop) that ran.
    pub workers: u32,
    /// Largest own resident set of a worker process (`VmHWM`; on Python the system's `ru_maxrss`, no less than
    /// the parent's at its start); 0 where tasks ran in the trial's own. It says that there were some, and is no
    /// part of a figure.
    pub worker_peak_bytes: u64,
}

impl Tally {
    /// Counts one finished task.
    pub fn count(&mut self, task: u64, result: Result<u64, String>) {
        match result {
            Ok(result) => {
                self.succeeded += 1;
                self.answer = combine(self.answer, task, result);
            }
            Err(error) => {
                self.failed += 1;
                self.first_error.get_or_insert(error);
            }
        }
    }

    /// Adds what another worker counted; `workers` is the model's to say.
    pub fn merge(&mut self, other: Tally) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.timed_out += other.timed_out;
        self.cancelled += other.cancelled;
        self.expected_updates += other.expected_updates;
        self.counted_updates += other.counted_updates;
        self.answer = self.answer.wrapping_add(other.answer);
        self.worker_peak_bytes = self.worker_peak_bytes.max(other.worker_peak_bytes);
        if self.first_error.is_none() {
            self.first_error = other.first_error;
        }
    }
}

/// Folds the result of one operation into a task's own.
fn fold(result: u64, value: u64) -> u64 {
    splitmix64(result ^ value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn models_are_unique_and_fully_described() {
        let names: HashSet<&str> = MODELS.iter().map(|model| model.def().name).collect();
        assert_eq!(names.len(), MODELS.len());
        for model in MODELS {
            let def = model.def();
            assert!(
                ![def.summary, def.doc, def.python].contains(&""),
                "{} leaves something unsaid",
                def.name
            );
            let settings: HashSet<&str> = def.all_settings().map(|setting| setting.name).collect();
            assert_eq!(settings.len(), def.all_settings().count(), "{}", def.name);
            for setting in def.all_settings() {
                assert!(setting.example.contains(setting.name), "{}", setting.name);
            }
        }
    }

    #[test]
    fn tallies_merge_to_what_one_worker_would_have_counted() {
        let mut one = Tally::default();
        let mut parts = [Tally::default(), Tally::default()];
        for task in 0..10 {
            let result = || {
                if task == 7 {
                    Err("seven".to_owned())
                } else {
                    Ok(task * 3)
                }
            };
            one.count(task, result());
            parts[task as usize % 2].count(task, result());
        }
        let mut merged = Tally::default();
        parts.into_iter().for_each(|part| merged.merge(part));
        assert_eq!(merged, one);
        assert_eq!((one.succeeded, one.failed), (9, 1));
    }
}
