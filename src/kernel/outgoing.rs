//! Everything that goes out goes through one queue, in its order: outputs, the reply, then idle.
//!
//! Between connections ZeroMQ guarantees no order, so a reply waits, bounded, until the outputs before
//! it have been written, and what follows waits for the reply. Any thread may queue; one task sends.

use super::front_door::Door;
use super::log;
use super::wire::{Key, Origin};
use super::{Channel, Doors};
use jupyter_protocol::{IoPubWelcome, Status};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, timeout_at};
use zeromq::{RouterSendHalf, SocketRecv, SocketSend, XPubSocket, ZmqMessage};

/// Longest wait for peers to read what was sent before.
const SETTLE: Duration = Duration::from_secs(1);
/// Longest wait for the first subscription, before the first thing is said.
const FIRST_SUBSCRIPTION: Duration = Duration::from_secs(1);

/// Puts messages on the queue; cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    queue: UnboundedSender<Item>,
}

enum Item {
    Broadcast {
        parent: Arc<Origin>,
        msg_type: &'static str,
        content: Vec<u8>,
    },
    Reply {
        to: Arc<Origin>,
        content: Vec<u8>,
    },
    Written(SyncSender<()>),
}

/// The queue's other end.
pub struct Queue(UnboundedReceiver<Item>);

/// A queue.
pub fn queue() -> (Outbox, Queue) {
    let (sender, receiver) = unbounded_channel();
    (Outbox { queue: sender }, Queue(receiver))
}

impl Outbox {
    /// Tells every subscriber.
    pub fn broadcast(
        &self,
        parent: &Arc<Origin>,
        msg_type: &'static str,
        content: &impl Serialize,
    ) {
        self.put(Item::Broadcast {
            parent: parent.clone(),
            msg_type,
            content: json_bytes(content),
        });
    }

    /// Answers a request.
    pub fn reply(&self, to: &Arc<Origin>, content: &impl Serialize) {
        self.put(Item::Reply {
            to: to.clone(),
            content: json_bytes(content),
        });
    }

    /// Answers a request with an error.
    pub fn reply_error(&self, to: &Arc<Origin>, name: &str, value: &str) {
        let traceback: [&str; 0] = [];
        let content =
            json!({"status": "error", "ename": name, "evalue": value, "traceback": traceback});
        self.reply(to, &content);
    }

    /// What is done for a request, between busy and idle.
    pub fn bracket<T>(&self, origin: &Arc<Origin>, work: impl FnOnce() -> T) -> T {
        self.broadcast(origin, "status", &Status::busy());
        let result = work();
        self.broadcast(origin, "status", &Status::idle());
        result
    }

    /// Blocks until everything queued so far has been written, at most `bound`.
    ///
    /// For threads other than the one that sends.
    pub fn wait_written(&self, bound: Duration) {
        let (sender, receiver) = sync_channel(1);
        self.put(Item::Written(sender));
        let _ = receiver.recv_timeout(bound);
    }

    fn put(&self, item: Item) {
        // The task that sends ends only with the kernel.
        let _ = self.queue.send(item);
    }
}

fn json_bytes(content: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(content).unwrap_or_else(|error| {
        log::line(format_args!(
            "a message could not be written as JSON: {error}"
        ));
        b"{}".to_vec()
    })
}

/// The task that sends.
pub struct Sender {
    /// Signs.
    pub key: Arc<Key>,
    /// Broadcasts.
    pub iopub: XPubSocket,
    /// Replies on the shell channel.
    pub shell: RouterSendHalf,
    /// Replies on the control channel.
    pub control: RouterSendHalf,
    /// Knows what has been written.
    pub doors: Doors,
    /// Whether the first message has been sent, or the wait for a first subscriber given up.
    pub started: bool,
}

impl Sender {
    /// Sends what is queued until every [`Outbox`] is gone.
    pub async fn run(mut self, mut queue: Queue) {
        loop {
            tokio::select! {
                subscription = self.iopub.recv() => {
                    self.subscription(subscription).await;
                }
                item = queue.0.recv() => {
                    let Some(item) = item else { return };
                    if !self.started {
                        self.first_subscription().await;
                    }
                    self.send(item).await;
                }
            }
        }
    }

    /// Waits for somebody to listen, once there is something to say; bounded, because a client may
    /// want replies only.
    async fn first_subscription(&mut self) {
        let deadline = Instant::now() + FIRST_SUBSCRIPTION;
        while !self.started {
            match timeout_at(deadline, self.iopub.recv()).await {
                Ok(subscription) => self.subscription(subscription).await,
                Err(_) => self.started = true,
            }
        }
    }

    /// Welcomes a subscriber (JEP 65); the first one is told that the kernel is starting.
    async fn subscription(&mut self, message: zeromq::ZmqResult<ZmqMessage>) {
        let message = match message {
            Ok(message) => message,
            Err(error) => {
                // A peer that went away; the pause only guards against an error that stays.
                log::line(format_args!("a subscriber ended: {error}"));
                sleep(Duration::from_millis(1)).await;
                return;
            }
        };
        let Some([1, topic @ ..]) = message.get(0).map(|frame| &frame[..]) else {
            return;
        };
        let welcome = IoPubWelcome::new(String::from_utf8_lossy(topic).into_owned());
        self.publish(topic.to_vec(), "iopub_welcome", b"{}", json_bytes(&welcome))
            .await;
        if !std::mem::replace(&mut self.started, true) {
            let parent = Arc::new(Origin::nobody());
            let content = json_bytes(&Status::starting());
            self.send(Item::Broadcast {
                parent,
                msg_type: "status",
                content,
            })
            .await;
        }
    }

    async fn send(&mut self, item: Item) {
        match item {
            Item::Broadcast {
                parent,
                msg_type,
                content,
            } => {
                let topic = format!("kernel.{}.{msg_type}", self.key.session()).into_bytes();
                self.publish(topic, msg_type, &parent.header, content).await;
            }
            Item::Reply { to, content } => {
                self.doors.iopub.settle(SETTLE).await;
                let metadata = json!({});
                let reply = self.key.write(
                    &to.identities,
                    &to.reply_type(),
                    &to.header,
                    &metadata,
                    content,
                );
                let (socket, door): (_, &Door) = match to.channel {
                    Channel::Shell => (&mut self.shell, &self.doors.shell),
                    Channel::Control => (&mut self.control, &self.doors.control),
                };
                if let Err(error) = socket.send(reply).await {
                    log::line(format_args!("a reply found nobody: {error}"));
                }
                door.settle(SETTLE).await;
            }
            Item::Written(done) => {
                self.doors.iopub.settle(SETTLE).await;
                // Whoever waited may have given up.
                let _ = done.try_send(());
            }
        }
    }

    async fn publish(&mut self, topic: Vec<u8>, msg_type: &str, parent: &[u8], content: Vec<u8>) {
        let metadata = Value::Object(serde_json::Map::new());
        let message = self
            .key
            .write(&[topic], msg_type, parent, &metadata, content);
        if let Err(error) = self.iopub.send(message).await {
            log::line(format_args!("an output could not be sent: {error}"));
        }
    }
}
