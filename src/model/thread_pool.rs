//! A pool of threads that take tasks from a queue: rayon's.

use super::{Footprint, Job, Model, Tally, blocking};
use crate::describe::ModelDef;
use rayon::ThreadPoolBuilder;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The model.
pub struct ThreadPool;

const DEF: ModelDef = ModelDef {
    name: "thread-pool",
    summary: "a fixed number of threads that take tasks from a queue",
    doc: "Creates `workers` threads, gives them all tasks, waits and joins the threads: a rayon pool with \
          one spawn for each task. The number of threads is bounded, and so is the number of waits at the \
          same time. Creating and joining the pool is inside the clock.",
    python: "with ThreadPoolExecutor(workers) as pool: pool.map(task, range(tasks))",
    takes_workers: true,
    single_threaded: false,
    uses_processes: false,
};

impl Model for ThreadPool {
    fn def(&self) -> &'static ModelDef {
        &DEF
    }

    fn footprint(&self, tasks: u64, workers: u32) -> Footprint {
        let workers = u64::from(workers);
        Footprint {
            threads: workers,
            tasks_at_once: workers.min(tasks),
            ..Footprint::default()
        }
    }

    fn run(&self, job: &Job) -> Result<Tally, String> {
        let mut threads = Vec::new();
        let pool = ThreadPoolBuilder::new()
            .num_threads(job.workers as usize)
            // Dropping a pool doesn't wait for its threads; these handles do.
            .spawn_handler(|worker| {
                threads.push(thread::Builder::new().spawn(|| worker.run())?);
                Ok(())
            })
            .build()
            .map_err(|error| {
                format!(
                    "a pool of {} threads could not be started: {error}",
                    job.workers
                )
            })?;
        // A tally for each worker: they never wait for each other.
        let tallies: Vec<Mutex<Tally>> = (0..job.workers).map(|_| Mutex::default()).collect();
        pool.scope_fifo(|scope| {
            for number in 0..job.program.tasks() {
                let tallies = &tallies;
                scope.spawn_fifo(move |_| {
                    let result = blocking::run_task(job, number);
                    let worker = rayon::current_thread_index().unwrap_or(0);
                    tallies[worker]
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .count(number, result);
                });
            }
        });
        drop(pool);
        for thread in threads {
            thread
                .join()
                .map_err(|_| "a thread of the pool panicked".to_owned())?;
        }
        let mut tally = Tally {
            workers: job.workers,
            ..Tally::default()
        };
        for part in tallies {
            tally.merge(part.into_inner().unwrap_or_else(PoisonError::into_inner));
        }
        Ok(tally)
    }
}
