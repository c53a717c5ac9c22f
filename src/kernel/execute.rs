//! The thread that runs cells, one after the other, and turns what they tell into messages.

use super::history::History;
use super::log;
use super::outgoing::Outbox;
use super::progress::ProgressDisplay;
use super::wire::Origin;
use crate::lab::{Answer, Event, Interrupter, Lab, Options, SharedKnown};
use crate::process::Stop;
use jupyter_protocol::{ErrorOutput, ExecuteInput, ExecutionCount, StreamContent};
use serde_json::{Map, Value, json};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Longest that a cell waits until what it told has been written. Only between trials, so that
/// writing doesn't share the machine with a timed one.
const WRITING: Duration = Duration::from_millis(50);
/// How long a failed cell's reply waits for the rest of a "Run All" that was sent together with it;
/// its error has been shown by then.
const IN_FLIGHT: Duration = Duration::from_millis(50);

/// An `execute_request`.
pub struct Job {
    /// Whose it is.
    pub origin: Arc<Origin>,
    /// Its content.
    pub content: Value,
    /// Made when it was received.
    pub stop: Stop,
}

/// The thread's ends for others.
pub struct Started {
    /// Takes cells.
    pub jobs: Sender<Job>,
    /// Stops them.
    pub interrupter: Interrupter,
    /// What they have made known.
    pub known: SharedKnown,
}

/// Starts the thread. It ends when the sender is dropped and its last job is done.
///
/// # Errors
/// The thread can't be started.
pub fn start(
    options: Options,
    outbox: Outbox,
    history: Arc<Mutex<History>>,
) -> std::io::Result<Started> {
    let (sender, jobs) = channel();
    let (made, shared) = channel();
    thread::Builder::new()
        .name("cells".to_owned())
        .spawn(move || {
            let lab = Lab::new(options);
            // Fails only where the kernel is ending already.
            let _ = made.send((lab.interrupter(), lab.known()));
            Cells {
                lab,
                outbox,
                history,
                count: 0,
            }
            .run(&jobs);
        })?;
    let (interrupter, known) = shared.recv().map_err(std::io::Error::other)?;
    Ok(Started {
        jobs: sender,
        interrupter,
        known,
    })
}

struct Cells {
    lab: Lab,
    outbox: Outbox,
    history: Arc<Mutex<History>>,
    /// Of the last cell that counted.
    count: usize,
}

impl Cells {
    fn run(&mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            let outbox = self.outbox.clone();
            let aborted = outbox.bracket(&job.origin, || self.execute(&job, jobs));
            for job in aborted {
                outbox.bracket(&job.origin, || {
                    outbox.reply(&job.origin, &json!({"status": "aborted"}));
                });
            }
        }
    }

    /// Runs one cell and replies; returns the jobs behind it that are not to be run.
    fn execute(&mut self, job: &Job, jobs: &Receiver<Job>) -> Vec<Job> {
        let Job {
            origin,
            content,
            stop,
        } = job;
        let flag = |key: &str, default| content[key].as_bool().unwrap_or(default);
        let Some(code) = content["code"].as_str() else {
            self.outbox
                .reply_error(origin, "BadRequest", "`code` is missing or not text");
            return Vec::new();
        };
        let silent = flag("silent", false);
        if !silent {
            if flag("store_history", true) {
                self.count += 1;
                lock(&self.history).add(self.count, code);
            }
            let execution_count = ExecutionCount::new(self.count);
            let input = ExecuteInput {
                code: code.to_owned(),
                execution_count,
            };
            self.outbox.broadcast(origin, "execute_input", &input);
        }
        let answer = self.answer(code, stop, origin, silent);
        let mut reply = json!({
            "status": "ok",
            "execution_count": self.count,
            "payload": [],
            "user_expressions": user_expressions(&content["user_expressions"]),
        });
        let mut aborted = Vec::new();
        if let Some(error) = error_of(answer) {
            if !silent {
                self.outbox.broadcast(origin, "error", &error);
            }
            reply["status"] = "error".into();
            reply["user_expressions"] = json!({});
            reply["ename"] = error.ename.into();
            reply["evalue"] = error.evalue.into();
            reply["traceback"] = error.traceback.into();
            if flag("stop_on_error", true) {
                // Before the reply goes out: what is sent because of it must not be aborted.
                thread::sleep(IN_FLIGHT);
                aborted.extend(jobs.try_iter());
            }
        }
        self.outbox.reply(origin, &reply);
        aborted
    }

    fn answer(&mut self, code: &str, stop: &Stop, origin: &Arc<Origin>, silent: bool) -> Answer {
        if stop.is_set() {
            return Answer::Interrupted;
        }
        let outbox = self.outbox.clone();
        let mut progress = ProgressDisplay::default();
        let mut tell = |event| {
            if silent {
                return;
            }
            // Another trial may follow; behind an output comes nothing that is timed.
            let between_trials = matches!(event, Event::Progress(_));
            let told = match event {
                Event::Progress(made) => progress.tell(made),
                Event::Output(bundle) => {
                    let (data, metadata) = (bundle.data, bundle.metadata);
                    Some((
                        "display_data",
                        json!({"data": data, "metadata": metadata, "transient": {}}),
                    ))
                }
                Event::Text(text) => serde_json::to_value(StreamContent::stdout(&text))
                    .ok()
                    .map(|content| ("stream", content)),
            };
            if let Some((msg_type, content)) = told {
                outbox.broadcast(origin, msg_type, &content);
                if between_trials {
                    outbox.wait_written(WRITING);
                }
            }
        };
        let answer = catch_unwind(AssertUnwindSafe(|| {
            self.lab.run_cell(code, stop, &mut tell)
        }))
        .unwrap_or_else(|panic| Answer::Error {
            name: "InternalError".to_owned(),
            value: format!("a bug in conclab: {}", panic_text(panic.as_ref())),
            traceback: vec![
                "This is a bug in conclab, not in your cell; the session goes on.".to_owned(),
                format!("What it said: {}", panic_text(panic.as_ref())),
            ],
        });
        let ended = match &answer {
            Answer::Ok => "ended",
            Answer::Error { .. } => "failed",
            Answer::Interrupted => "interrupted",
        };
        if let Some((msg_type, content)) = progress.end(ended) {
            outbox.broadcast(origin, msg_type, &content);
        }
        answer
    }
}

fn error_of(answer: Answer) -> Option<ErrorOutput> {
    match answer {
        Answer::Ok => None,
        Answer::Error {
            name: ename,
            value: evalue,
            traceback,
        } => Some(ErrorOutput {
            ename,
            evalue,
            traceback,
        }),
        Answer::Interrupted => Some(ErrorOutput {
            ename: "Interrupted".to_owned(),
            evalue: "this cell was interrupted".to_owned(),
            traceback: vec![
                "Interrupted. What had been measured until then, if anything, is shown above."
                    .to_owned(),
            ],
        }),
    }
}

/// Every expression is answered, with an error each: a cell declares an experiment and has no values.
fn user_expressions(asked: &Value) -> Map<String, Value> {
    let answer = json!({
        "status": "error",
        "ename": "NotSupported",
        "evalue": "conclab has no expressions to evaluate",
        "traceback": [],
    });
    let asked = asked.as_object().into_iter().flatten();
    asked
        .map(|(name, _)| (name.clone(), answer.clone()))
        .collect()
}

/// What a panic said.
pub fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("a panic without a message");
    log::line(format_args!("panicked: {text}"));
    text.to_owned()
}

/// Locks, whether or not another thread panicked meanwhile: a history is never half written.
pub fn lock(history: &Mutex<History>) -> std::sync::MutexGuard<'_, History> {
    history.lock().unwrap_or_else(|poison| poison.into_inner())
}
