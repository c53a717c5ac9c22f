//! The delay server: a process of its own that answers HTTP requests on the loopback after a given time.
//!
//! `GET /delay?ns=N&status=S&bytes=B` answers with that status and so many bytes after N nanoseconds (timers
//! have a grain of 1 ms and fire after it); for requests written by hand there is `time=50ms` instead of `ns`.
//! Connections are kept open unless the client asks to close. It is started once by the warden, prints its
//! address as its first line, and is charged to no trial.

use crate::units::parse_duration_ns;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// What tells the author's own code where the server is, as `http://127.0.0.1:PORT`.
pub const ADDRESS_VARIABLE: &str = "CONCLAB_DELAY_SERVER";
/// Longest head of a request.
const MOST_HEAD: usize = 8 << 10;
/// Most of a body that is sent together with the head.
const FIRST_BYTES: u64 = 1 << 10;
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;
/// What bodies are made of.
static BLOCK: [u8; 64 << 10] = [b'c'; 64 << 10];

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Nanoseconds until the answer begins.
    pub time_ns: u64,
    /// Status of the answer.
    pub status: u64,
    /// Length of its body.
    pub bytes: u64,
    /// Whether the connection stays open for further requests.
    pub reuse: bool,
}

impl Ask {
    /// The request, as it goes over the connection.
    pub fn request(&self) -> String {
        let Ask {
            time_ns,
            status,
            bytes,
            reuse,
        } = self;
        let connection = if *reuse { "keep-alive" } else { "close" };
        format!(
            "GET /delay?ns={time_ns}&status={status}&bytes={bytes} HTTP/1.1\r\nHost: 127.0.0.1\r\n\
             Connection: {connection}\r\n\r\n"
        )
    }

    /// What the head of a request asks for; `None` where it is not understood.
    fn read(head: &str) -> Option<Ask> {
        let mut lines = head.lines();
        let target = lines
            .next()?
            .strip_prefix("GET /delay?")?
            .strip_suffix(" HTTP/1.1")?;
        let mut ask = Ask {
            time_ns: 0,
            status: 200,
            bytes: 0,
            reuse: !lines.any(|line| line.trim().eq_ignore_ascii_case("connection: close")),
        };
        for pair in target.split('&') {
            let (name, value) = pair.split_once('=')?;
            let field = match name {
                "time" => {
                    ask.time_ns = parse_duration_ns(value).ok()?;
                    continue;
                }
                "ns" => &mut ask.time_ns,
                "status" => &mut ask.status,
                "bytes" => &mut ask.bytes,
                _ => return None,
            };
            *field = value.parse().ok()?;
        }
        (200..=599).contains(&ask.status).then_some(ask)
    }
}

/// The process itself: `conclab delay-server`.
pub fn main() -> ExitCode {
    raise_descriptor_limit();
    let served = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|event_loop| event_loop.block_on(serve()));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conclab delay-server: {error}");
            ExitCode::FAILURE
        }
    }
}

/// As many open descriptors as this user may have: each waiting request takes one.
pub fn raise_descriptor_limit() {
    // SAFETY: rlimit is plain numbers, read and written by the calls.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}

async fn serve() -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    let listener = socket.listen(BACKLOG)?;
    println!("{}", listener.local_addr()?);
    io::stdout().flush()?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // A client that goes away in the middle is no matter for the others.
                tokio::spawn(async move { converse(stream).await.ok() });
            }
            // Out of descriptors: those who wait are served once others have gone.
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Answers the requests of one connection, one after the other.
async fn converse(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut received = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if received.len() > MOST_HEAD {
                return refuse(&mut stream, 431).await;
            }
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&received[..end]).into_owned();
        received.drain(..end);
        let Some(ask) = Ask::read(&head) else {
            return refuse(&mut stream, 400).await;
        };
        tokio::time::sleep(Duration::from_nanos(ask.time_ns)).await;
        answer(&mut stream, &ask).await?;
        if !ask.reuse {
            return Ok(());
        }
    }
}

/// Answers that the request is not one for this server.
async fn refuse(stream: &mut TcpStream, status: u64) -> io::Result<()> {
    let ask = Ask {
        time_ns: 0,
        status,
        bytes: 0,
        reuse: false,
    };
    answer(stream, &ask).await
}

async fn answer(stream: &mut TcpStream, ask: &Ask) -> io::Result<()> {
    let connection = if ask.reuse { "keep-alive" } else { "close" };
    let reason = if ask.status == 200 { "OK" } else { "As Asked" };
    let mut text = format!(
        "HTTP/1.1 {} {reason}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: {connection}\r\n\r\n",
        ask.status, ask.bytes
    )
    .into_bytes();
    // A small body goes with its head.
    let mut left = ask.bytes;
    let with_head = left.min(FIRST_BYTES);
    text.extend(&BLOCK[..with_head as usize]);
    stream.write_all(&text).await?;
    left -= with_head;
    while left > 0 {
        let part = left.min(BLOCK.len() as u64);
        stream.write_all(&BLOCK[..part as usize]).await?;
        left -= part;
    }
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_ask_is_what_the_server_reads() {
        for reuse in [false, true] {
            let ask = Ask {
                time_ns: 1_500,
                status: 503,
                bytes: 70_000,
                reuse,
            };
            assert_eq!(Ask::read(&ask.request()), Some(ask));
        }
        let by_hand =
            Ask::read("GET /delay?time=1.5ms&status=404 HTTP/1.1\r\nConnection: close\r\n\r\n");
        let expected = Ask {
            time_ns: 1_500_000,
            status: 404,
            bytes: 0,
            reuse: false,
        };
        assert_eq!(by_hand, Some(expected));
        for wrong in [
            "",
            "GET / HTTP/1.1\r\n\r\n",
            "POST /delay?ns=1 HTTP/1.1",
            "GET /delay?ns=-1 HTTP/1.1",
            "GET /delay?ns=1&status=999 HTTP/1.1",
            "GET /delay?ns=1&other=2 HTTP/1.1",
            "GET /delay?time=50 HTTP/1.1",
        ] {
            assert_eq!(Ask::read(wrong), None, "{wrong}");
        }
    }
}
