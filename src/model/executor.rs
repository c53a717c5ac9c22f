//! Where an event loop sends what would keep its thread: a pool of threads, or of processes.
//!
//! As in `run_in_executor`: the operation is handed over, the task waits on the loop, the result comes
//! back. To add work that is handed over: a variant of [`Work`].

use super::blocking::{compute, panicked};
use super::{Job, data, wait};
use crate::measure::trace::Activity;
use crate::measure::trace::recorder::enter;
use crate::process::worker::Pipes;
use crate::runtime::gil::{Gil, hold_for};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot};

/// One operation with the values of its task.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work<'a> {
    /// See [`crate::program::Op::Compute`].
    Compute {
        /// Name of the function.
        function: Cow<'a, str>,
        /// Its first argument.
        size: u64,
        /// Its second.
        seed: u64,
    },
    /// See [`crate::program::Op::Block`].
    Block {
        /// Nanoseconds.
        time_ns: u64,
    },
}

/// What a worker process is sent: the operation, the task's number, and how many bytes belong to it.
#[derive(Serialize, Deserialize)]
pub struct Offer<'a> {
    /// Number of the task.
    pub task: u64,
    /// What is done.
    #[serde(borrow)]
    pub work: Work<'a>,
    /// Bytes of the task's argument, which follow the line.
    pub argument_bytes: u64,
    /// Bytes that the worker gives back, which follow its answer.
    pub result_bytes: u64,
}

/// What a worker process answers.
#[derive(Serialize, Deserialize)]
pub struct Answer {
    /// The result of the operation.
    pub result: Result<u64, String>,
    /// Bytes that follow the line.
    pub result_bytes: u64,
    /// Their check.
    pub check: u64,
}

/// An offer on its way: line, bytes of the argument, and where the result is waited for; `None` ends a
/// worker.
type Request = Option<(String, usize, oneshot::Sender<Result<u64, String>>)>;

/// Where computing goes.
pub enum Executor {
    /// Threads of this process.
    Threads(rayon::ThreadPool),
    /// Whoever serves the other end.
    Processes(mpsc::UnboundedSender<Request>),
}

impl Work<'_> {
    /// Does it, here and now.
    pub fn run(&self, gil: Option<&Gil>) -> Result<u64, String> {
        match self {
            Work::Compute {
                function,
                size,
                seed,
            } => compute(function, *size, *seed, gil),
            Work::Block { time_ns } => {
                let time = Duration::from_nanos(*time_ns);
                wait(gil, Activity::Waiting, || thread::sleep(time));
                Ok(0)
            }
        }
    }

    fn into_owned(self) -> Work<'static> {
        match self {
            Work::Compute {
                function,
                size,
                seed,
            } => Work::Compute {
                function: function.into_owned().into(),
                size,
                seed,
            },
            Work::Block { time_ns } => Work::Block { time_ns },
        }
    }
}

impl Executor {
    /// Hands work of a task over and waits for its result.
    pub async fn run(&self, job: &Job, task: u64, work: Work<'_>) -> Result<u64, String> {
        let (done, result) = oneshot::channel();
        match self {
            Executor::Threads(pool) => {
                let (work, gil) = (work.into_owned(), job.gil.clone());
                pool.spawn_fifo(move || {
                    let gil = gil.as_deref();
                    let held = hold_for(gil, task);
                    enter(Activity::Computing, Some(task));
                    let run = catch_unwind(AssertUnwindSafe(|| work.run(gil)));
                    // Nobody waits where the trial is ending.
                    let _ = done.send(run.unwrap_or_else(|panic| Err(panicked(&*panic))));
                    enter(Activity::Idle, None);
                    drop(held);
                });
            }
            Executor::Processes(requests) => {
                let offer = Offer {
                    task,
                    work,
                    argument_bytes: job.program.argument_bytes(task),
                    result_bytes: job.program.result_bytes(task),
                };
                let line = serde_json::to_string(&offer).map_err(|error| error.to_string())?;
                let argument_bytes = offer.argument_bytes as usize;
                let _ = requests.send(Some((line, argument_bytes, done)));
            }
        }
        result
            .await
            .unwrap_or_else(|_| Err("the pool has ended".to_owned()))
    }
}

/// Gives one worker process what is requested, one thing at a time, until it is told to end; its last
/// line.
///
/// # Errors
/// Where the worker ends before.
pub async fn serve(
    mut pipes: Pipes,
    requests: Arc<Mutex<mpsc::UnboundedReceiver<Request>>>,
    argument: Arc<[u8]>,
) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("could not be spoken to: {error}");
    let gone = || "ended before its tasks were done".to_owned();
    let mut results = Vec::new();
    loop {
        let request = requests.lock().await.recv().await.flatten();
        let Some((line, argument_bytes, done)) = request else {
            pipes.close();
            let last = pipes.receive().await.map_err(failed)?;
            return Ok(last.unwrap_or_default());
        };
        let given = &argument[..argument_bytes];
        pipes.send(&line, given).await.map_err(failed)?;
        let line = pipes.receive().await.map_err(failed)?.ok_or_else(gone)?;
        let answer: Answer =
            serde_json::from_str(&line).map_err(|error| format!("answered nonsense: {error}"))?;
        results.resize(answer.result_bytes as usize, 0);
        pipes.receive_bytes(&mut results).await.map_err(failed)?;
        if data::check(&results) != answer.check {
            return Err("sent other bytes than it had".to_owned());
        }
        let _ = done.send(answer.result);
    }
}
