//! The Jupyter kernel: the only place that knows Jupyter.
//!
//! [`front_door`] listens in public and shields zeromq with [`zmtp`]'s limits; [`wire`] reads and signs
//! messages; [`dispatch`] answers requests at once, but for cells, which [`execute`] runs on a thread of
//! its own; [`outgoing`] sends everything, in order. One event loop drives it all, but for the
//! [`heartbeat`]. To answer a new request: an arm in [`dispatch`].

mod dispatch;
mod execute;
mod front_door;
mod heartbeat;
mod history;
mod log;
mod outgoing;
mod parent;
mod progress;
mod typing;
pub mod wire;
pub mod zmtp;

use crate::lab::Options;
use crate::process::remedy;
use anyhow::{Context, bail, ensure};
use dispatch::Desk;
use front_door::{Address, Door};
use jupyter_protocol::{ConnectionInfo, Transport};
use outgoing::{Outbox, Sender};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, fs, io};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use wire::Key;
use zeromq::{RouterRecvHalf, RouterSocket, Socket, SocketRecv, XPubSocket};
use zmtp::Limits;

/// Exit code where the environment is broken.
const BROKEN: u8 = 3;
/// Longest that a kernel that ends waits for its last messages to leave.
const LEAVING: Duration = Duration::from_secs(2);

/// Requests and their attachments.
const REQUESTS: Limits = Limits {
    message_bytes: 256 << 20,
    lifetime_bytes: u64::MAX,
};
/// Subscriptions: clients send one or a few, and zeromq keeps each of them.
const SUBSCRIPTIONS: Limits = Limits {
    message_bytes: 64 << 10,
    lifetime_bytes: 1 << 20,
};

/// The channels that requests come in on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Cells, and most else.
    Shell,
    /// What must not wait behind cells.
    Control,
}

/// The doors of the channels that answers go out on.
pub struct Doors {
    /// Broadcasts.
    iopub: Arc<Door>,
    /// Replies to requests on the shell channel.
    shell: Arc<Door>,
    /// Replies to requests on the control channel.
    control: Arc<Door>,
}

/// `conclab kernel -f FILE`: serves the connection file's channels until it is told to end.
pub fn main(arguments: &[String]) -> ExitCode {
    let served = read_arguments(arguments).and_then(|file| serve(&file));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let system = error
                .chain()
                .find_map(|cause| cause.downcast_ref::<io::Error>());
            eprintln!("conclab kernel: {error:#}{}", system.map_or("", remedy));
            ExitCode::from(BROKEN)
        }
    }
}

fn read_arguments(arguments: &[String]) -> anyhow::Result<PathBuf> {
    match arguments {
        [flag, file] if flag == "-f" => Ok(file.into()),
        _ => bail!("usage: conclab kernel -f CONNECTION_FILE (Jupyter makes the file)"),
    }
}

fn serve(file: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("reading the connection file {}", file.display()))?;
    let connection: ConnectionInfo = serde_json::from_str(&text)
        .with_context(|| format!("reading the connection file {}", file.display()))?;
    ensure!(
        connection.key.is_empty() || connection.signature_scheme == "hmac-sha256",
        "the connection file asks for {} signatures; conclab knows hmac-sha256",
        connection.signature_scheme
    );
    let result = runtime()
        .context("starting the event loop")?
        .block_on(run(&connection));
    if connection.transport == Transport::IPC {
        for port in ports(&connection) {
            front_door::remove_socket(&ipc_path(&connection, port));
        }
    }
    result
}

fn runtime() -> io::Result<Runtime> {
    // One thread: with more, replies overtake outputs.
    Builder::new_current_thread().enable_all().build()
}

async fn run(connection: &ConnectionInfo) -> anyhow::Result<()> {
    // Before anything can be interrupted.
    let mut interrupts = signal(SignalKind::interrupt()).context("handling SIGINT")?;
    let mut terminations = signal(SignalKind::terminate()).context("handling SIGTERM")?;

    let (shell_door, shell) = router(connection, connection.shell_port).await?;
    let (control_door, control) = router(connection, connection.control_port).await?;
    let (_, stdin) = router(connection, connection.stdin_port).await?;
    let (iopub_door, iopub) = publisher(connection).await?;
    let address = address(connection, connection.hb_port);
    heartbeat::start(address.clone()).with_context(|| listening(&address))?;

    let key = Arc::new(Key::new(&connection.key));
    let (outbox, queue) = outgoing::queue();
    let history = Arc::new(Mutex::default());
    let options = Options {
        executable: env::current_exe().context("finding conclab's own executable")?,
        static_output: env::var_os("CONCLAB_STATIC_OUTPUT").is_some_and(|value| value != "0"),
    };
    let cells = execute::start(options, outbox.clone(), history.clone())
        .context("starting the thread that runs cells")?;

    let doors = Doors {
        iopub: iopub_door,
        shell: shell_door,
        control: control_door,
    };
    let ((shell_out, shell_in), (control_out, control_in)) = (shell.split(), control.split());
    let sender = Sender {
        key: key.clone(),
        iopub,
        shell: shell_out,
        control: control_out,
        doors,
        started: false,
    };
    tokio::spawn(sender.run(queue));
    let leave = Notify::new();
    let desk = Arc::new(Desk {
        key,
        outbox,
        jobs: cells.jobs,
        interrupter: cells.interrupter,
        known: cells.known,
        history,
        leave,
    });
    tokio::spawn(desk.clone().serve(Channel::Shell, shell_in));
    tokio::spawn(desk.clone().serve(Channel::Control, control_in));
    tokio::spawn(ignore(stdin.split().1));

    let parent = parent::ended();
    tokio::pin!(parent);
    loop {
        tokio::select! {
            _ = interrupts.recv() => {
                let desk = desk.clone();
                tokio::spawn(async move { desk.interrupt().await });
            }
            _ = desk.leave.notified() => break,
            _ = terminations.recv() => {
                desk.interrupter.interrupt();
                break;
            }
            // Nobody is left to read anything.
            _ = &mut parent => return Ok(()),
        }
    }
    written(desk.outbox.clone()).await;
    Ok(())
}

/// Waits, bounded, until what is queued has left.
async fn written(outbox: Outbox) {
    let waiting = tokio::task::spawn_blocking(move || outbox.wait_written(LEAVING));
    // The wait itself is bounded and doesn't panic.
    let _ = waiting.await;
}

/// The stdin channel: nothing is ever asked, so nothing there is an answer.
async fn ignore(mut stdin: RouterRecvHalf) {
    loop {
        if stdin.recv().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn router(
    connection: &ConnectionInfo,
    port: u16,
) -> anyhow::Result<(Arc<Door>, RouterSocket)> {
    let address = address(connection, port);
    let opened = Door::open(&address, REQUESTS).await;
    let (door, listener) = opened.with_context(|| listening(&address))?;
    let mut socket = RouterSocket::new();
    socket
        .bind_listener(listener)
        .await
        .with_context(|| listening(&address))?;
    Ok((door, socket))
}

async fn publisher(connection: &ConnectionInfo) -> anyhow::Result<(Arc<Door>, XPubSocket)> {
    let address = address(connection, connection.iopub_port);
    let opened = Door::open(&address, SUBSCRIPTIONS).await;
    let (door, listener) = opened.with_context(|| listening(&address))?;
    let mut socket = XPubSocket::new();
    socket
        .bind_listener(listener)
        .await
        .with_context(|| listening(&address))?;
    Ok((door, socket))
}

fn address(connection: &ConnectionInfo, port: u16) -> Address {
    match connection.transport {
        Transport::IPC => Address::Ipc(ipc_path(connection, port)),
        // ZeroMQ writes all interfaces as a star, and IPv6 addresses in brackets.
        Transport::TCP if connection.ip == "*" => Address::Tcp("0.0.0.0".to_owned(), port),
        Transport::TCP => Address::Tcp(connection.ip.trim_matches(['[', ']']).to_owned(), port),
    }
}

fn ipc_path(connection: &ConnectionInfo, port: u16) -> PathBuf {
    format!("{}-{port}", connection.ip).into()
}

fn ports(connection: &ConnectionInfo) -> [u16; 5] {
    let ConnectionInfo {
        shell_port,
        iopub_port,
        stdin_port,
        control_port,
        hb_port,
        ..
    } = *connection;
    [shell_port, iopub_port, stdin_port, control_port, hb_port]
}

fn listening(address: &Address) -> String {
    match address {
        Address::Tcp(host, port) => format!("listening on {host}, port {port}"),
        Address::Ipc(path) => format!("listening on {}", path.display()),
    }
}
