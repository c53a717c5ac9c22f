//! A pool of threads that take tasks from a queue: rayon's.

use super::settings::WORKERS;
use super::threads::{Own, spawn};
use super::{Footprint, Job, Model, Settings, Tally, blocking};
use crate::describe::ModelDef;
use crate::measure::trace::recorder::enter;
use crate::measure::trace::{Activity, Role};
use rayon::ThreadPoolBuilder;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// The model.
pub struct ThreadPool;

const DEF: ModelDef = ModelDef {
    name: "thread-pool",
    summary: "a fixed number of threads that take tasks from a queue",
    doc: "Creates `workers` threads, gives them all tasks, waits and joins the threads: a rayon pool with \
          one spawn for each task. The number of threads is bounded, and so is the number of waits at the \
          same time. Creating and joining the pool is inside the clock.",
    python: "with ThreadPoolExecutor(workers) as pool: pool.map(task, range(tasks))",
    settings: &[WORKERS],
    single_threaded: false,
    uses_processes: false,
};

impl Model for ThreadPool {
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

    fn run(&self, job: &Job) -> Result<Tally, String> {
        let workers = job.settings.workers;
        let _lane = job.own_lane(Role::Main);
        if job.gil.is_some() {
            return run_in_turn(job, workers);
        }
        let (pool, threads) = start(job, workers)?;
        enter(Activity::Joining, None);
        // A tally for each worker: they never wait for each other.
        let tallies: Vec<Padded> = (0..workers).map(|_| Padded::default()).collect();
        // On a thread of the pool, which goes on as a worker.
        pool.scope_fifo(|scope| {
            enter(Activity::Computing, None);
            for turn in 0..job.program.tasks() {
                let tallies = &tallies;
                scope.spawn_fifo(move |_| {
                    let number = job.program.in_turn(turn);
                    let result = blocking::run_task(job, number);
                    let worker = rayon::current_thread_index().unwrap_or(0);
                    tallies[worker]
                        .0
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .count(number, result);
                    enter(Activity::Idle, None);
                });
            }
            enter(Activity::Idle, None);
        });
        drop(pool);
        join(threads)?;
        let mut tally = Tally {
            workers,
            ..Tally::default()
        };
        for part in tallies {
            tally.merge(part.0.into_inner().unwrap_or_else(PoisonError::into_inner));
        }
        Ok(tally)
    }
}

/// Under a GIL a worker keeps the lock from one task to the next, and drops it when none is left; rayon tells
/// nobody when a worker idles, so these threads count through the tasks by themselves.
fn run_in_turn(job: &Job, workers: u32) -> Result<Tally, String> {
    let (next, tasks) = (AtomicU64::new(0), job.program.tasks());
    let next = &next;
    let work = move || {
        let mut tally = Tally::default();
        loop {
            let turn = next.fetch_add(1, Relaxed);
            if turn >= tasks {
                return tally;
            }
            let number = job.program.in_turn(turn);
            tally.count(number, blocking::run_task(job, number));
        }
    };
    let mut tally = Tally {
        workers,
        ..Tally::default()
    };
    thread::scope(|scope| {
        let held = job.hold();
        let share = tasks / u64::from(workers);
        let start = |number| {
            let own = Own {
                number,
                tasks: share,
            };
            spawn(job, scope, thread::Builder::new(), own, work)
        };
        let threads: Result<Vec<_>, _> = (1..=workers).map(start).collect();
        enter(Activity::Joining, None);
        drop(held);
        let threads = threads.map_err(|error| {
            format!("a pool of {workers} threads could not be started: {error}")
        })?;
        for thread in threads {
            let part = thread.join();
            tally.merge(part.map_err(|_| "a thread of the pool panicked".to_owned())?);
        }
        Ok(tally)
    })
}

/// A tally on cache lines of its own: workers that count don't take each other's away.
#[derive(Default)]
#[repr(align(128))]
struct Padded(Mutex<Tally>);

/// A pool, and its threads: dropping a pool doesn't wait for them, [`join`] does.
pub(super) fn start(
    job: &Job,
    workers: u32,
) -> Result<(rayon::ThreadPool, Vec<JoinHandle<()>>), String> {
    let mut threads = Vec::new();
    let share = job.program.tasks() / u64::from(workers);
    let pool = ThreadPoolBuilder::new()
        .num_threads(workers as usize)
        .spawn_handler(|worker| {
            let (job, asked_ns) = (job.clone(), job.asked_ns());
            threads.push(thread::Builder::new().spawn(move || {
                let number = worker.index() as u32 + 1;
                let _lane = job.worker_lane(number, asked_ns, share);
                drop(job);
                enter(Activity::Idle, None);
                worker.run();
            })?);
            Ok(())
        })
        .build()
        .map_err(|error| format!("a pool of {workers} threads could not be started: {error}"))?;
    Ok((pool, threads))
}

/// Waits for the threads of a pool that was dropped.
pub(super) fn join(threads: Vec<JoinHandle<()>>) -> Result<(), String> {
    let joined = threads.into_iter().map(JoinHandle::join);
    joined
        .collect::<Result<(), _>>()
        .map_err(|_| "a thread of the pool panicked".to_owned())
}
