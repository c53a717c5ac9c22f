//! The non-blocking interpreter: runs a task's operations as a future on an event loop.
//!
//! What computes or blocks does so on the loop's thread, as in a coroutine, or where the loop has an
//! executor, there. Named locks and permits are the loop's own: a task that waits for one leaves the
//! thread to others. To add an operation: its arm in [`run_ops`].

use super::blocking::{NO_PYTHON, Task, allocate};
use super::executor::{Executor, Work};
use super::{Job, data, fold, sharing};
use crate::io::{command, files, http, postgres, sqlite, url};
use crate::measure::trace::Activity;
use crate::measure::trace::recorder::then;
use crate::program::Op;
use crate::runtime::gil::{hold, without};
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
        then(Activity::Lock);
        Some(lock.lock().await)
    }

    async fn permit(&self, verb: &Option<String>) -> Option<SemaphorePermit<'_>> {
        let verb = verb.as_ref()?;
        let (_, permits) = self.permits.iter().find(|(known, _)| known == verb)?;
        then(Activity::Limit);
        permits.acquire().await.ok()
    }

    /// Has an executor do what would keep the loop's thread.
    fn hand_over<'a>(
        &'a self,
        executor: &'a Executor,
        task: &Task<'_>,
        work: Work<'a>,
    ) -> Waiting<'a> {
        then(Activity::Waiting);
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
            job.tick();
            result = match op {
                Op::Compute { function, size } => {
                    let work = Work::Compute {
                        function: function.as_str().into(),
                        size: task.value(size),
                        seed: task.seed,
                    };
                    let value = match &on.executor {
                        None => work.run(job.gil.as_deref())?,
                        Some(executor) => on.hand_over(executor, task, work).await?,
                    };
                    fold(result, value)
                }
                Op::Sleep { time } => {
                    let time_ns = task.value(time);
                    then(Activity::Waiting);
                    tokio::time::sleep(Duration::from_nanos(time_ns)).await;
                    fold(result, task.value(time))
                }
                Op::Block { time } => {
                    let work = Work::Block {
                        time_ns: task.value(time),
                    };
                    match &on.executor {
                        None => work.run(job.gil.as_deref())?,
                        Some(executor) => on.hand_over(executor, task, work).await?,
                    };
                    fold(result, task.value(time))
                }
                Op::Http { .. }
                | Op::Fetch { .. }
                | Op::Read { .. }
                | Op::Write { .. }
                | Op::Query { .. }
                | Op::Run { .. }
                | Op::Python { .. } => fold(result, outside(job, task, op).await?),
                Op::Alloc { bytes } => {
                    let bytes = task.value(bytes);
                    task.hold(allocate(bytes)?);
                    fold(result, bytes)
                }
                Op::Add { times, sync, body } => {
                    let times = task.value(times);
                    task.add(job, times, *sync, *body)?;
                    fold(result, times)
                }
                Op::Group { .. } => run_group(on, task, op, result).await?,
            };
        }
        Ok(result)
    }
}

/// What is waited for outside this process.
fn outside<'a, 'b: 'a>(job: &'a Job, task: &'a mut Task<'b>, op: &'a Op) -> Waiting<'a> {
    then(Activity::Waiting);
    Box::pin(async move {
        match op {
            Op::Http {
                time,
                status,
                bytes,
                reuse,
            } => {
                let ask = task.ask(time, status, bytes, *reuse);
                http::get_async(&job.site, &ask).await
            }
            Op::Fetch { url, reuse } => url::get_async(&job.site, url, *reuse).await,
            Op::Read { bytes } => {
                let bytes = task.value(bytes);
                let file = files::to_read(&job.site.directory);
                in_thread(job, move || files::read(&file, bytes)).await
            }
            Op::Write { bytes, sync } => {
                let (bytes, sync) = (task.value(bytes), *sync);
                let file = task.next_file(&job.site);
                in_thread(job, move || files::write(&file, bytes, sync)).await
            }
            Op::Query {
                statement,
                database,
            } => {
                let statement = task.statement(statement);
                match database {
                    Some(url) => postgres::query_async(&job.site, url, &statement).await,
                    None => {
                        let site = job.site.clone();
                        in_thread(job, move || sqlite::query(&site, &statement)).await
                    }
                }
            }
            Op::Run { argv } => command::run_async(argv, &job.site.home).await,
            Op::Python { .. } => Err(NO_PYTHON.to_owned()),
            Op::Compute { .. }
            | Op::Sleep { .. }
            | Op::Block { .. }
            | Op::Alloc { .. }
            | Op::Add { .. }
            | Op::Group { .. } => unreachable!("it happens inside this process"),
        }
    })
}

/// Runs what has no asynchronous interface on a thread of the runtime's blocking pool. Under a GIL that
/// thread needs the lock to begin and to hand the result over, as that of `asyncio.to_thread` does.
async fn in_thread(
    job: &Job,
    work: impl FnOnce() -> Result<u64, String> + Send + 'static,
) -> Result<u64, String> {
    let gil = job.gil.clone();
    let work = move || {
        let _held = hold(gil.as_deref());
        without(gil.as_deref(), work)
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| error.to_string())?
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
            home: "/".into(),
            connections: Default::default(),
        };
        let settings = Settings::default();
        let job = Job::new(
            MODELS[0],
            program,
            Runtime::Native,
            settings,
            site,
            false,
            None,
        )
        .unwrap();
        let on = Loop::new(&job, None);
        let bytes = size_of_val(&run_task(&on, 0));
        // There are as many of them as tasks. Beside it an allocation holds what tokio and the count of
        // tasks need, 128 bytes, and it is a multiple of 128: 384 with this, 512 with a word more.
        assert!(bytes <= 256, "{bytes} bytes");
    }
}
