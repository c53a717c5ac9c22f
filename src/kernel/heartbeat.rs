//! The heartbeat: every message goes back as it came, from a thread that does nothing else.
//!
//! A ROUTER, because zeromq 0.7.0's REP leaks the descriptors of connections that are cut off.

use super::front_door::{Address, Door};
use super::log;
use super::zmtp::Limits;
use std::io;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use zeromq::{RouterSocket, Socket, SocketRecv, SocketSend};

/// Heartbeats are a few bytes; this is plenty.
const LIMITS: Limits = Limits {
    message_bytes: 64 << 10,
    lifetime_bytes: u64::MAX,
};

/// Starts the thread, and returns once it listens.
///
/// # Errors
/// The address is taken, or the thread can't be started.
pub fn start(address: Address) -> io::Result<()> {
    let (listening, listens) = channel();
    thread::Builder::new()
        .name("heartbeat".to_owned())
        .spawn(move || {
            let runtime = match super::runtime() {
                Ok(runtime) => runtime,
                Err(error) => return drop(listening.send(Err(error))),
            };
            runtime.block_on(async {
                match open(&address).await {
                    Ok(socket) => {
                        drop(listening.send(Ok(())));
                        echo(socket).await;
                    }
                    Err(error) => drop(listening.send(Err(error))),
                }
            });
        })?;
    listens.recv().map_err(io::Error::other)?
}

async fn open(address: &Address) -> io::Result<RouterSocket> {
    let (_door, listener) = Door::open(address, LIMITS).await?;
    let mut socket = RouterSocket::new();
    socket
        .bind_listener(listener)
        .await
        .map_err(io::Error::other)?;
    Ok(socket)
}

async fn echo(mut socket: RouterSocket) {
    loop {
        let result = match socket.recv().await {
            Ok(message) => socket.send(message).await,
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            log::line(format_args!("heartbeat: {error}"));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
