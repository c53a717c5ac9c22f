//! The non-blocking interpreter: runs a task's operations as a future on an event loop.
//!
//! What computes or blocks does so on the loop's thread, as in a coroutine. To add an operation: its
//! arm in [`run_ops`].

use super::blocking::{Task, allocate, compute};
use super::{Job, fold};
use crate::io::{command, files, http, postgres, sqlite, url};
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
            Op::Http {
                time,
                status,
                bytes,
                reuse,
            } => {
                let ask = task.ask(time, status, bytes, *reuse);
                fold(result, http::get_async(job.site, &ask).await?)
            }
            Op::Fetch { url, reuse } => fold(result, url::get_async(job.site, url, *reuse).await?),
            Op::Read { bytes } => {
                let bytes = task.value(bytes);
                let file = files::to_read(&job.site.directory);
                fold(result, in_thread(move || files::read(&file, bytes)).await?)
            }
            Op::Write { bytes, sync } => {
                let (bytes, sync) = (task.value(bytes), *sync);
                let file = task.next_file(job.site);
                let write = move || files::write(&file, bytes, sync);
                fold(result, in_thread(write).await?)
            }
            Op::Query {
                statement,
                database,
            } => {
                let statement = task.statement(statement);
                let rows = match database {
                    Some(url) => postgres::query_async(job.site, url, &statement).await,
                    None => {
                        let site = job.site.clone();
                        in_thread(move || sqlite::query(&site, &statement)).await
                    }
                };
                fold(result, rows?)
            }
            Op::Run { argv } => fold(result, command::run_async(argv, &job.site.home).await?),
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

/// Runs what has no asynchronous interface on a thread of the runtime's blocking pool.
async fn in_thread(
    work: impl FnOnce() -> Result<u64, String> + Send + 'static,
) -> Result<u64, String> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| error.to_string())?
}
