//! A pool of interpreters within one process of Python, each with a lock of its own.

use super::settings::WORKERS;
use super::{Footprint, Job, Model, Settings, Tally};
use crate::describe::ModelDef;
use crate::runtime::Runtime;

/// The model.
pub struct Interpreters;

const DEF: ModelDef = ModelDef {
    name: "interpreters",
    summary: "on Python ≥ 3.14: threads with an interpreter of their own each",
    doc: "A pool of `workers` threads, each with an interpreter of its own and so with a GIL of its own: \
          they compute at the same time as processes do, within one process. What a task needs is sent, as to \
          a process. Python 3.14 has it; other runtimes have no interpreters to have several of.",
    python: "with concurrent.futures.InterpreterPoolExecutor(workers) as pool: pool.map(task, range(tasks))",
    settings: &[WORKERS],
    single_threaded: false,
    uses_processes: false,
};

impl Model for Interpreters {
    fn def(&self) -> &'static ModelDef {
        &DEF
    }

    fn footprint(&self, tasks: u64, settings: &Settings) -> Footprint {
        let workers = u64::from(settings.workers);
        Footprint {
            threads: workers,
            tasks_at_once: workers.min(tasks),
            parallel: workers.min(tasks),
            ..Footprint::default()
        }
    }

    fn unsupported(&self, runtime: &Runtime) -> Option<String> {
        (!runtime.is_python()).then(|| {
            format!(
                "only Python has interpreters to make a pool of, and this row runs on {}: write \
                 \"interpreters@python\", or use \"thread-pool\"",
                runtime.title()
            )
        })
    }

    fn run(&self, job: &Job) -> Result<Tally, String> {
        Err(self.unsupported(&job.runtime).unwrap_or_default())
    }
}
