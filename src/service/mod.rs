//! The delay server: a process of its own that answers HTTP requests on the loopback after a given time.
//!
//! `GET /delay?ns=N` answers 200 after N nanoseconds (timers have a grain of 1 ms and fire after it).
//! Connections are kept open unless the client asks to close. It is started once by the warden, prints
//! its address as its first line, and is charged to no trial.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Longest head of a request.
const MOST_HEAD: usize = 8 << 10;
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;
/// What every answer says.
const BODY: &str = "done\n";

/// The path that is answered after `time_ns`.
pub fn path(time_ns: u64) -> String {
    format!("/delay?ns={time_ns}")
}

/// A request for `path` on a connection of its own.
pub fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
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
                return answer(&mut stream, "431 Request Header Fields Too Large", true).await;
            }
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&received[..end]).into_owned();
        received.drain(..end);
        let close = head
            .lines()
            .any(|line| line.trim().eq_ignore_ascii_case("connection: close"));
        match delay(&head) {
            Some(delay) => {
                tokio::time::sleep(delay).await;
                answer(&mut stream, "200 OK", close).await?;
            }
            None => return answer(&mut stream, "400 Bad Request", true).await,
        }
        if close {
            return Ok(());
        }
    }
}

fn delay(head: &str) -> Option<Duration> {
    let target = head
        .lines()
        .next()?
        .strip_prefix("GET ")?
        .strip_suffix(" HTTP/1.1")?;
    target
        .strip_prefix("/delay?ns=")?
        .parse()
        .ok()
        .map(Duration::from_nanos)
}

async fn answer(stream: &mut TcpStream, status: &str, close: bool) -> io::Result<()> {
    let connection = if close { "close" } else { "keep-alive" };
    let length = BODY.len();
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\
         Connection: {connection}\r\n\r\n{BODY}"
    );
    stream.write_all(text.as_bytes()).await?;
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_ask_is_what_the_server_reads() {
        assert_eq!(
            delay(&request(&path(1_500))),
            Some(Duration::from_nanos(1_500))
        );
        for wrong in [
            "",
            "GET / HTTP/1.1\r\n\r\n",
            "POST /delay?ns=1 HTTP/1.1",
            "GET /delay?ns=-1 HTTP/1.1",
        ] {
            assert_eq!(delay(wrong), None, "{wrong}");
        }
    }
}
