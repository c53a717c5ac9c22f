//! An event loop that spreads its tasks over several threads: tokio's work-stealing runtime.

use super::event_loop::{run_all, start};
use super::nonblocking::Loop;
use super::settings::WORKERS;
use super::{Footprint, Job, Model, Settings, Tally};
use crate::describe::ModelDef;
use crate::measure::trace::Role;
use crate::runtime::Runtime;
use tokio::runtime::Builder;

/// The model.
pub struct AsyncThreads;

const DEF: ModelDef = ModelDef {
    name: "async-threads",
    summary: "an event loop on several threads that take each other's tasks",
    doc: "All tasks are started on an event loop with `workers` threads; a thread without work takes tasks \
          from another (work stealing). A wait costs neither a thread nor a core, and what computes runs \
          on as many cores as there are threads, but still keeps its thread. Creating and closing the \
          loop is inside the clock.",
    python: "no counterpart: an asyncio loop has one thread",
    settings: &[WORKERS],
    single_threaded: false,
    uses_processes: false,
};

impl Model for AsyncThreads {
    fn def(&self) -> &'static ModelDef {
        &DEF
    }

    fn footprint(&self, tasks: u64, settings: &Settings) -> Footprint {
        let workers = u64::from(settings.workers);
        Footprint {
            threads: workers,
            tasks_at_once: tasks,
            parallel: workers.min(tasks),
            futures: tasks,
            ..Footprint::default()
        }
    }

    fn unsupported(&self, runtime: &Runtime) -> Option<String> {
        runtime.is_python().then(|| {
            "Python has no event loop that runs on several threads: use \"async\", or \"hybrid\", whose loop \
             hands its computing to a pool"
                .to_owned()
        })
    }

    fn run(&self, job: &Job) -> Result<Tally, String> {
        let workers = job.settings.workers;
        let _lane = job.own_lane(Role::Main);
        let mut builder = Builder::new_multi_thread();
        let event_loop = start(builder.worker_threads(workers as usize), job, workers)?;
        let tally = run_all(&event_loop, Loop::new(job, None), workers, None);
        // Joins the loop's threads.
        drop(event_loop);
        tally
    }
}
