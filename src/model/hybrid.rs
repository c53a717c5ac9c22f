//! An event loop for the waiting and a pool for the computing.

use super::event_loop::{EventLoop, run_all, start};
use super::executor::{Executor, serve};
use super::nonblocking::Loop;
use super::settings::{POOL, START, WORKERS};
use super::turns::noted;
use super::{Footprint, Job, Model, Pool, Settings, Tally, thread_pool, worker};
use crate::describe::ModelDef;
use crate::measure::trace::{Activity, Role};
use std::sync::Arc;
use tokio::runtime::Builder;
use tokio::sync::{Mutex, mpsc};

/// The model.
pub struct Hybrid;

const DEF: ModelDef = ModelDef {
    name: "hybrid",
    summary: "an event loop for the waiting, a pool for the computing",
    doc: "All tasks are started on one event loop; what waits does so there. What computes or blocks is \
          handed to a pool of `workers` threads (`pool = \"threads\"`) or worker processes \
          (`pool = \"processes\"`), which is sent the operation and the task's number and sends the \
          result back; the loop serves others meanwhile. Memory and the shared counter stay on the loop. \
          Creating and closing loop and pool is inside the clock.",
    python: "await loop.run_in_executor(pool, compute) within asyncio.run(main())",
    settings: &[WORKERS, POOL, START],
    single_threaded: false,
    uses_processes: false,
};

impl Model for Hybrid {
    fn def(&self) -> &'static ModelDef {
        &DEF
    }

    fn footprint(&self, tasks: u64, settings: &Settings) -> Footprint {
        let workers = u64::from(settings.workers);
        let (threads, processes) = match settings.pool {
            Pool::Threads => (workers, 0),
            Pool::Processes => (0, workers),
        };
        Footprint {
            threads,
            processes,
            tasks_at_once: tasks,
            futures: tasks,
            descriptors: processes * 2,
            ..Footprint::default()
        }
    }

    fn run(&self, job: &Job) -> Result<Tally, String> {
        let _lane = job.own_lane(Role::Loop);
        let event_loop = start(&mut Builder::new_current_thread(), job, 0)?;
        match job.settings.pool {
            Pool::Threads => on_threads(job, event_loop),
            Pool::Processes => on_processes(job, event_loop),
        }
    }
}

fn on_threads(job: &Job, event_loop: EventLoop) -> Result<Tally, String> {
    let workers = job.settings.workers;
    let (pool, threads) = thread_pool::start(job, workers)?;
    let on = Loop::new(job, Some(Executor::Threads(pool)));
    let tally = run_all(&event_loop, on, workers, None);
    // The pool ended with the loop that it served; its threads are waited for.
    drop(event_loop);
    thread_pool::join(threads)?;
    tally
}

fn on_processes(job: &Job, event_loop: EventLoop) -> Result<Tally, String> {
    let count = job.settings.workers;
    let mut workers = worker::start_all(job, count)?;
    let (requests, offers) = mpsc::unbounded_channel();
    let offers = Arc::new(Mutex::new(offers));
    let (failed, failures) = mpsc::unbounded_channel();
    let mut serving = Vec::with_capacity(workers.len());
    for (number, worker) in workers.iter_mut().enumerate() {
        let pipes = {
            let _inside = event_loop.runtime.enter();
            worker.take_pipes().map_err(|error| error.to_string())?
        };
        let (offers, failed) = (offers.clone(), failed.clone());
        let argument = job.argument.clone();
        serving.push(event_loop.runtime.spawn(async move {
            let last = noted(Activity::Sending, serve(pipes, offers, argument)).await;
            last.map_err(|error| {
                let _ = failed.send(format!("worker process {} {error}", number + 1));
            })
        }));
    }
    drop(failed);
    let on = Loop::new(job, Some(Executor::Processes(requests.clone())));
    let mut tally = run_all(&event_loop, on, count, Some(failures));
    if let Ok(tally) = &mut tally {
        for _ in 0..count {
            let _ = requests.send(None);
        }
        for last in serving {
            if let Ok(Ok(last)) = event_loop.runtime.block_on(last) {
                tally.worker_peak_bytes = tally.worker_peak_bytes.max(worker::peak_bytes(&last));
            }
        }
    }
    drop(event_loop);
    worker::join_all(workers, tally)
}
