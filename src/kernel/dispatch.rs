//! Requests and their answers. All but cells are answered at once, while a cell runs too.
//!
//! To answer a new type of request: an arm in [`Desk::answer`].

use super::Channel;
use super::execute::{Job, lock, panic_text};
use super::history::History;
use super::log;
use super::outgoing::Outbox;
use super::typing;
use super::wire::{Key, Origin, PROTOCOL_VERSION, Request};
use crate::host::interpreters::find;
use crate::lab::{Interrupter, SharedKnown, snapshot};
use crate::spec::{self, Completeness};
use jupyter_protocol::{
    CodeMirrorMode, CommInfoReply, InterruptReply, IsCompleteReply, KernelInfoReply, LanguageInfo,
    ReplyStatus, ShutdownReply,
};
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use zeromq::{RouterRecvHalf, SocketRecv};

/// An interrupt covers cells that come in this long after it: they were sent before it, on a
/// connection of their own. Its reply goes out later, so no cell is hit that was sent after the reply.
const IN_FLIGHT: Duration = Duration::from_millis(10);
/// Turns of the event loop that a message takes at most from a public connection to a stamp.
const TURNS: u32 = 16;

/// Where requests are answered.
pub struct Desk {
    /// Reads messages.
    pub key: Arc<Key>,
    /// Takes answers.
    pub outbox: Outbox,
    /// Takes cells.
    pub jobs: Sender<Job>,
    /// Stops cells.
    pub interrupter: Interrupter,
    /// What cells have made known, for help while typing.
    pub known: SharedKnown,
    /// Cells so far.
    pub history: Arc<Mutex<History>>,
    /// Told when the kernel shall end.
    pub leave: Notify,
}

impl Desk {
    /// Takes requests from one channel, for ever: no message and no error ends it.
    pub async fn serve(self: Arc<Self>, channel: Channel, mut socket: RouterRecvHalf) {
        loop {
            let message = match socket.recv().await {
                Ok(message) => message,
                Err(error) => {
                    log::line(format_args!("{channel:?}: {error}"));
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            };
            match self.key.read(channel, message) {
                Ok(request) => self.handle(request),
                Err(why) => log::line(format_args!("{channel:?}: dropped {why}")),
            }
        }
    }

    fn handle(self: &Arc<Self>, (origin, content): Request) {
        let origin = Arc::new(origin);
        let content = match content {
            Ok(content) => content,
            Err(error) => {
                let why = format!("the content is not JSON: {error}");
                self.outbox.bracket(&origin, || {
                    self.outbox.reply_error(&origin, "BadRequest", &why)
                });
                return;
            }
        };
        let handled = catch_unwind(AssertUnwindSafe(|| match origin.msg_type.as_str() {
            "execute_request" => {
                let stop = self.interrupter.stop();
                // The cell thread catches panics, so it is there.
                let _ = self.jobs.send(Job {
                    origin: origin.clone(),
                    content,
                    stop,
                });
            }
            "interrupt_request" => {
                let (desk, origin) = (self.clone(), origin.clone());
                self.interrupter.interrupt();
                tokio::spawn(async move {
                    desk.interrupt_in_flight().await;
                    desk.outbox.bracket(&origin, || {
                        desk.outbox.reply(&origin, &InterruptReply::new())
                    });
                });
            }
            _ => self
                .outbox
                .bracket(&origin, || self.answer(&origin, &content)),
        }));
        if let Err(panic) = handled {
            let why = format!("a bug in conclab: {}", panic_text(panic.as_ref()));
            self.outbox.reply_error(&origin, "InternalError", &why);
        }
    }

    /// Stops every cell that was sent before now.
    pub async fn interrupt(&self) {
        self.interrupter.interrupt();
        self.interrupt_in_flight().await;
    }

    async fn interrupt_in_flight(&self) {
        tokio::time::sleep(IN_FLIGHT).await;
        // On a busy machine the time may have passed without this thread running.
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        self.interrupter.interrupt();
    }

    fn answer(&self, origin: &Arc<Origin>, content: &Value) {
        match origin.msg_type.as_str() {
            "kernel_info_request" => self.outbox.reply(origin, &kernel_info()),
            "is_complete_request" => self
                .outbox
                .reply(origin, &is_complete(content["code"].as_str().unwrap_or(""))),
            // A snapshot: the lab itself may be busy with a cell for minutes.
            "complete_request" => {
                let mut known = snapshot(&self.known);
                known.pythons = find::words().to_vec();
                self.outbox
                    .reply(origin, &typing::complete(content, &known));
            }
            "inspect_request" => {
                let known = snapshot(&self.known);
                self.outbox.reply(origin, &typing::inspect(content, &known));
            }
            "history_request" => self
                .outbox
                .reply(origin, &lock(&self.history).answer(content)),
            "comm_info_request" => self.outbox.reply(origin, &CommInfoReply::default()),
            "comm_open" => {
                // No targets are known; the specification asks to close what can't be opened.
                let close = json!({"comm_id": content["comm_id"], "data": {}});
                self.outbox.broadcast(origin, "comm_close", &close);
            }
            "comm_msg" | "comm_close" => {}
            "shutdown_request" => {
                let restart = content["restart"].as_bool().unwrap_or(false);
                let done = ShutdownReply {
                    restart,
                    ..ShutdownReply::default()
                };
                self.interrupter.interrupt();
                self.outbox.broadcast(origin, "shutdown_reply", &done);
                self.outbox.reply(origin, &done);
                self.leave.notify_one();
            }
            "debug_request" => self.outbox.reply(
                origin,
                &json!({
                    "type": "response",
                    "request_seq": content["seq"],
                    "command": content["command"],
                    "success": false,
                    "message": "conclab has no debugger",
                    "seq": 0,
                }),
            ),
            other if other.ends_with("_request") => {
                log::line(format_args!("{:?}: unknown {other}", origin.channel));
                let why = format!("conclab does not know `{other}`");
                self.outbox.reply_error(origin, "UnknownMessage", &why);
            }
            other => log::line(format_args!(
                "{:?}: dropped an unknown {other}",
                origin.channel
            )),
        }
    }
}

fn kernel_info() -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let text = |text: &str| Some(text.to_owned());
    // Frontends go by different fields: Lab's highlighting by the MIME type, VS Code's by the name.
    let language_info = LanguageInfo {
        name: "toml".to_owned(),
        version: "1.0".to_owned(),
        mimetype: text("text/x-toml"),
        file_extension: text(".toml"),
        pygments_lexer: text("toml"),
        codemirror_mode: Some(CodeMirrorMode::Simple("toml".to_owned())),
        nbconvert_exporter: None,
    };
    let reply = KernelInfoReply {
        status: ReplyStatus::Ok,
        protocol_version: PROTOCOL_VERSION.to_owned(),
        implementation: "conclab".to_owned(),
        implementation_version: version.to_owned(),
        language_info,
        banner: format!(
            "conclab {version}: a cell declares a concurrency experiment in TOML.\n\
             Start with: help = \"\""
        ),
        help_links: Vec::new(),
        debugger: false,
        error: None,
    };
    let mut reply = serde_json::to_value(reply).unwrap_or(Value::Null);
    // Newer than the crate's type.
    reply["supported_features"] = json!([]);
    reply
}

fn is_complete(code: &str) -> IsCompleteReply {
    // What is too large is told when it is run.
    if code.len() > spec::MOST_BYTES {
        return IsCompleteReply::complete();
    }
    match spec::is_complete(code) {
        Completeness::Complete => IsCompleteReply::complete(),
        Completeness::Incomplete => IsCompleteReply::incomplete(String::new()),
        Completeness::Invalid => IsCompleteReply::invalid(),
    }
}
