//! One event loop on one thread: tokio's current-thread runtime.

use super::{Footprint, Job, Model, Site, Tally, nonblocking};
use crate::describe::ModelDef;
use crate::program::Program;
use crate::runtime::Runtime;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// The model.
pub struct Async;

const DEF: ModelDef = ModelDef {
    name: "async",
    summary: "one event loop on one thread; tasks give way while they wait",
    doc: "All tasks are started on one event loop, which goes on with another whenever one waits. A wait \
          costs neither a thread nor a core, so thousands fit. What computes or blocks keeps the loop's \
          only thread: nothing overlaps then. Creating and closing the loop is inside the clock.",
    python: "asyncio.run(main()) with asyncio.gather(*(task(i) for i in range(tasks)))",
    takes_workers: false,
    single_threaded: true,
    uses_processes: false,
};

/// What the tasks of one run share.
struct Shared {
    program: Program,
    runtime: Runtime,
    site: Site,
    state: Mutex<State>,
    all_done: Notify,
}

struct State {
    left: u64,
    tally: Tally,
}

/// Counts its task when dropped, so that a task that panics is counted too.
struct Count {
    shared: Arc<Shared>,
    number: u64,
    result: Option<Result<u64, String>>,
}

impl Drop for Count {
    fn drop(&mut self) {
        let result = self
            .result
            .take()
            .unwrap_or_else(|| Err("the task panicked".to_owned()));
        let mut state = self
            .shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        state.tally.count(self.number, result);
        state.left -= 1;
        if state.left == 0 {
            self.shared.all_done.notify_one();
        }
    }
}

impl Model for Async {
    fn def(&self) -> &'static ModelDef {
        &DEF
    }

    fn footprint(&self, tasks: u64, _workers: u32) -> Footprint {
        Footprint {
            tasks_at_once: tasks,
            ..Footprint::default()
        }
    }

    fn run(&self, job: &Job) -> Result<Tally, String> {
        let tasks = job.program.tasks();
        let event_loop = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("the event loop could not be started: {error}"))?;
        let shared = Arc::new(Shared {
            program: job.program.clone(),
            runtime: job.runtime.clone(),
            site: job.site.clone(),
            state: Mutex::new(State {
                left: tasks,
                tally: Tally {
                    workers: 1,
                    ..Tally::default()
                },
            }),
            all_done: Notify::new(),
        });
        event_loop.block_on(async {
            for number in 0..tasks {
                let shared = shared.clone();
                tokio::spawn(async move {
                    let mut count = Count {
                        shared,
                        number,
                        result: None,
                    };
                    let shared = &count.shared;
                    let job = Job {
                        program: &shared.program,
                        runtime: &shared.runtime,
                        workers: 1,
                        site: &shared.site,
                    };
                    let result = nonblocking::run_task(&job, number).await;
                    count.result = Some(result);
                });
            }
            shared.all_done.notified().await;
        });
        // Waits for the threads that wrote files, as asyncio.run does.
        drop(event_loop);
        let state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(state.tally.clone())
    }
}
