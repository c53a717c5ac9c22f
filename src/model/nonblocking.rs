//! The non-blocking interpreter: runs a task's operations as a future on an event loop.
//!
//! What computes or blocks does so on the loop's thread, as in a coroutine, or where the loop has an
//! executor, there. Named locks and permits are the loop's own: a task that waits for one leaves the
//! thread to others. To add an operation: its arm in [`run_ops`].

use super::blocking::{Task, allocate, write};
use super::executor::{Executor, Work};
use super::{Job, data, fold, http, sharing};
use crate::program::Op;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

/// An event loop as tasks see it.
pub struct Loop {
    /// What is run.
    pub job: Job,
    /// Where computing and blocking goes; `None`: it stays on the loop.
    pub executor: Option<Executor>,
    locks: Vec<(String, Mutex<()>)>,
    permits: Vec<(String, Semaphore)>,
}

impl Loop {
    /// A loop for a job.
    pub fn new(job: &Job, executor: Option<Executor>) -> Loop {
        let names = sharing::lock_names(&job.program).into_iter();
        let limits = job.program.limits.iter();
        Loop {
            locks: names.map(|name| (name, Mutex::new(()))).collect(),
            permits: limits
                .map(|(verb, permits)| {
                    let permits = (*permits).min(Semaphore::MAX_PERMITS as u64) as usize;
                    (verb.clone(), Semaphore::new(permits))
                })
                .collect(),
            job: job.clone(),
            executor,
        }
    }

    async fn lock(&self, name: &Option<String>) -> Option<MutexGuard<'_, ()>> {
        let name = name.as_ref()?;
        let (_, lock) = self.locks.iter().find(|(known, _)| known == name)?;
        Some(lock.lock().await)
    }

    async fn permit(&self, verb: &Option<String>) -> Option<SemaphorePermit<'_>> {
        let verb = verb.as_ref()?;
        let (_, permits) = self.permits.iter().find(|(known, _)| known == verb)?;
        permits.acquire().await.ok()
    }

    /// Computes or blocks, on the loop or on its executor.
    async fn compute(&self, task: &Task<'_>, work: Work<'_>) -> Result<u64, String> {
        match &self.executor {
            None => work.run(&self.job.runtime),
            // Boxed: most tasks never need it, and every task would be as large.
            Some(executor) => Box::pin(executor.run(&self.job, task.number, work)).await,
        }
    }
}

/// Runs one task.
pub async fn run_task(on: &Loop, number: u64) -> Result<u64, String> {
    let job = &on.job;
    let start = job.latencies.as_ref().map(|_| Instant::now());
    let result = run_whole(on, number).await;
    if let (Some(latencies), Some(start)) = (&job.latencies, start) {
        latencies.record(number, start, result.is_ok());
    }
    result
}

async fn run_whole(on: &Loop, number: u64) -> Result<u64, String> {
    let job = &on.job;
    let mut task = Task::new(job, number);
    let given = job.program.argument_bytes(number) as usize;
    let result = task.read_argument(job, &job.argument[..given]);
    let group = task.group;
    let result = run_ops(on, &mut task, &group.ops, result).await?;
    let mut results = Vec::new();
    let result = task.give_back(job, result, &mut results)?;
    std::hint::black_box(data::check(&results));
    Ok(result)
}

// What is rare or large is boxed: a future is as large as the largest of what it may wait for, and there
// are as many futures as tasks.
async fn run_ops(
    on: &Loop,
    task: &mut Task<'_>,
    ops: &[Op],
    mut result: u64,
) -> Result<u64, String> {
    let job = &on.job;
    for op in ops {
        result = match op {
            Op::Compute { function, size } => {
                let (size, seed) = (task.value(size), task.seed);
                let work = Work::Compute {
                    function: function.as_str().into(),
                    size,
                    seed,
                };
                fold(result, on.compute(task, work).await?)
            }
            Op::Sleep { time } => {
                let time_ns = task.value(time);
                tokio::time::sleep(Duration::from_nanos(time_ns)).await;
                fold(result, time_ns)
            }
            Op::Block { time } => {
                let time_ns = task.value(time);
                on.compute(task, Work::Block { time_ns }).await?;
                fold(result, time_ns)
            }
            Op::Http { time } => {
                let request = http::get_async(job.site.delay_server, task.value(time));
                fold(result, Box::pin(request).await?)
            }
            Op::Write { bytes } => {
                let bytes = task.value(bytes);
                let file = task.next_file(&job.site);
                let written = tokio::task::spawn_blocking(move || write(&file, bytes)).await;
                fold(result, written.map_err(|error| error.to_string())??)
            }
            Op::Alloc { bytes } => {
                let bytes = task.value(bytes);
                task.memory.push(job.runtime.compute(|| allocate(bytes))?);
                fold(result, bytes)
            }
            Op::Add { times, sync } => {
                let times = task.value(times);
                job.runtime.compute(|| task.add(times, *sync))?;
                fold(result, times)
            }
            Op::Group { .. } => Box::pin(run_group(on, task, op, result)).await?,
        };
    }
    Ok(result)
}

async fn run_group(
    on: &Loop,
    task: &mut Task<'_>,
    group: &Op,
    mut result: u64,
) -> Result<u64, String> {
    let Op::Group {
        ops,
        times,
        lock,
        permit,
        ..
    } = group
    else {
        return Ok(result);
    };
    for _ in 0..*times {
        let _lock = on.lock(lock).await;
        let _permit = on.permit(permit).await;
        result = run_ops(on, task, ops, result).await?;
    }
    Ok(result)
}
