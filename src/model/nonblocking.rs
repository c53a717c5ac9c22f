//! The non-blocking interpreter: runs a task's operations as a future on an event loop.
//!
//! What computes or blocks does so on the loop's thread, as in a coroutine. To add an operation: its
//! arm in [`run_ops`].

use super::blocking::{Task, allocate, compute, write};
use super::{Job, fold, http};
use crate::program::Op;
use std::time::Duration;

/// Runs one task.
pub async fn run_task(job: &Job<'_>, number: u64) -> Result<u64, String> {
    let mut task = Task::new(job, number);
    let group = task.group;
    run_ops(job, &mut task, &group.ops, 0).await
}

async fn run_ops(
    job: &Job<'_>,
    task: &mut Task<'_>,
    ops: &[Op],
    mut result: u64,
) -> Result<u64, String> {
    for op in ops {
        result = match op {
            Op::Compute { function, size } => {
                let size = task.value(size);
                fold(
                    result,
                    job.runtime.compute(|| compute(function, size, task.seed))?,
                )
            }
            Op::Sleep { time } => {
                let time_ns = task.value(time);
                tokio::time::sleep(Duration::from_nanos(time_ns)).await;
                fold(result, time_ns)
            }
            Op::Block { time } => {
                let time_ns = task.value(time);
                job.runtime
                    .wait(|| std::thread::sleep(Duration::from_nanos(time_ns)));
                fold(result, time_ns)
            }
            Op::Http { time } => fold(
                result,
                http::get_async(job.site.delay_server, task.value(time)).await?,
            ),
            Op::Write { bytes } => {
                let bytes = task.value(bytes);
                let file = task.next_file(job.site);
                let written = tokio::task::spawn_blocking(move || write(&file, bytes)).await;
                fold(result, written.map_err(|error| error.to_string())??)
            }
            Op::Alloc { bytes } => {
                let bytes = task.value(bytes);
                task.memory.push(job.runtime.compute(|| allocate(bytes))?);
                fold(result, bytes)
            }
            Op::Group { ops, times, .. } => {
                let mut result = result;
                for _ in 0..*times {
                    // Boxed: a future can't contain itself.
                    result = Box::pin(run_ops(job, task, ops, result)).await?;
                }
                result
            }
        };
    }
    Ok(result)
}
