//! The non-blocking interpreter: runs a task's operations as a future on an event loop.
//!
//! What computes or blocks does so on the loop's thread, as in a coroutine, or where the loop has an
//! executor, there. Named locks and permits are the loop's own: a task that waits for one leaves the
//! thread to others. To add an operation: its arm in [`run_ops`].

use super::blocking::{Task, allocate, write};
use super::executor::{Executor, Work};
use super::{Job, data, fold, http, sharing};
use crate::program::Op;
use std::pin::Pin;
use std::slice::Iter;
use std::time::Duration;
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

    /// Has an executor do what would keep the loop's thread.
    fn hand_over<'a>(
        &'a self,
        executor: &'a Executor,
        task: &Task<'_>,
        work: Work<'a>,
    ) -> Waiting<'a> {
        Box::pin(executor.run(&self.job, task.number, work))
    }
}

/// A wait in memory of its own.
type Waiting<'a> = Pin<Box<dyn Future<Output = Result<u64, String>> + Send + 'a>>;

// There are as many futures as tasks, and each is as large as the largest of what it may wait for: what
// is rare or large waits in a box. The functions return blocks instead of being `async fn`, whose
// arguments would be there twice.

/// Runs one task.
#[expect(clippy::manual_async_fn, reason = "its arguments would be there twice")]
pub fn run_task(on: &Loop, number: u64) -> impl Future<Output = Result<u64, String>> + Send + '_ {
    async move {
        if let Some(latencies) = &on.job.latencies {
            latencies.start(number);
        }
        let mut task = Task::new(&on.job, number);
        let given = on.job.program.argument_bytes(number) as usize;
        let result = task.read_argument(&on.job, &on.job.argument[..given]);
        let ops = task.group.ops.iter();
        let result = run_ops(on, &mut task, ops, result).await;
        let result = result.and_then(|result| {
            let mut results = Vec::new();
            let result = task.give_back(&on.job, result, &mut results);
            std::hint::black_box(data::check(&results));
            result
        });
        if let Some(latencies) = &on.job.latencies {
            latencies.end(task.number, result.is_ok());
        }
        result
    }
}

#[expect(clippy::manual_async_fn, reason = "its arguments would be there twice")]
fn run_ops<'a, 'b: 'a>(
    on: &'a Loop,
    task: &'a mut Task<'b>,
    mut ops: Iter<'a, Op>,
    mut result: u64,
) -> impl Future<Output = Result<u64, String>> + Send + 'a {
    async move {
        // The iterator itself is an argument: a slice, or a borrow of it, would stay beside it.
        #[expect(clippy::while_let_on_iterator, reason = "see above")]
        while let Some(op) = ops.next() {
            let job = &on.job;
            result = match op {
                Op::Compute { function, size } => {
                    let work = Work::Compute {
                        function: function.as_str().into(),
                        size: task.value(size),
                        seed: task.seed,
                    };
                    let value = match &on.executor {
                        None => work.run(&job.runtime)?,
                        Some(executor) => on.hand_over(executor, task, work).await?,
                    };
                    fold(result, value)
                }
                Op::Sleep { time } => {
                    let time_ns = task.value(time);
                    tokio::time::sleep(Duration::from_nanos(time_ns)).await;
                    fold(result, task.value(time))
                }
                Op::Block { time } => {
                    let work = Work::Block {
                        time_ns: task.value(time),
                    };
                    match &on.executor {
                        None => work.run(&job.runtime)?,
                        Some(executor) => on.hand_over(executor, task, work).await?,
                    };
                    fold(result, task.value(time))
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
                    task.hold(job.runtime.compute(|| allocate(bytes))?);
                    fold(result, bytes)
                }
                Op::Add { times, sync } => {
                    let times = task.value(times);
                    job.runtime.compute(|| task.add(times, *sync))?;
                    fold(result, times)
                }
                Op::Group { .. } => run_group(on, task, op, result).await?,
            };
        }
        Ok(result)
    }
}

fn run_group<'a, 'b: 'a>(
    on: &'a Loop,
    task: &'a mut Task<'b>,
    group: &'a Op,
    mut result: u64,
) -> Waiting<'a> {
    Box::pin(async move {
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
            result = run_ops(on, task, ops.iter(), result).await?;
        }
        Ok(result)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MODELS, Settings, Site};
    use crate::program::{Group, Program, Value};
    use crate::runtime::Runtime;

    #[test]
    fn a_task_is_a_small_future() {
        let program = Program {
            groups: vec![Group {
                name: String::new(),
                tasks: 1,
                ops: vec![Op::Sleep {
                    time: Value::Const(1),
                }],
            }],
            ..Program::default()
        };
        let site = Site {
            delay_server: None,
            directory: "/".into(),
            executable: "/".into(),
        };
        let settings = Settings::default();
        let job = Job::new(MODELS[0], program, Runtime::Native, settings, site, false).unwrap();
        let on = Loop::new(&job, None);
        let bytes = size_of_val(&run_task(&on, 0));
        // There are as many of them as tasks. Beside it an allocation holds what tokio and the count of
        // tasks need, 128 bytes, and it is a multiple of 128: 384 with this, 512 with a word more.
        assert!(bytes <= 256, "{bytes} bytes");
    }
}
