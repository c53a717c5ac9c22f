//! Clients of the delay server: one blocking, one for an event loop. A connection for each request.

use crate::service::{path, request};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Longest answer that is read.
const LONGEST_ANSWER: u64 = 1 << 20;

/// One request by a blocking client; the status is the result.
pub fn get(server: Option<SocketAddr>, time_ns: u64) -> Result<u64, String> {
    let server = address(server)?;
    let exchange = || {
        let mut stream = TcpStream::connect(server)?;
        stream.write_all(request(&path(time_ns)).as_bytes())?;
        let mut answer = Vec::new();
        stream.take(LONGEST_ANSWER).read_to_end(&mut answer)?;
        Ok(answer)
    };
    exchange()
        .map_err(|error| failed(&error))
        .and_then(|answer| status(&answer))
}

/// One request by a client that leaves the event loop to others while it waits.
pub async fn get_async(server: Option<SocketAddr>, time_ns: u64) -> Result<u64, String> {
    let server = address(server)?;
    let exchange = async {
        let mut stream = tokio::net::TcpStream::connect(server).await?;
        stream.write_all(request(&path(time_ns)).as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
        Ok(answer)
    };
    exchange
        .await
        .map_err(|error| failed(&error))
        .and_then(|answer| status(&answer))
}

fn address(server: Option<SocketAddr>) -> Result<SocketAddr, String> {
    server.ok_or_else(|| "there is no delay server".to_owned())
}

fn failed(error: &std::io::Error) -> String {
    format!("the request to the delay server failed: {error}")
}

/// The status of an answer; 400 and above is an error.
fn status(answer: &[u8]) -> Result<u64, String> {
    let line = answer
        .split(|byte| *byte == b'\r')
        .next()
        .unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    match line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
    {
        Some(status) if status < 400 => Ok(status),
        Some(status) => Err(format!("the server answered with status {status}")),
        None => Err(format!("the server's answer is no HTTP: {line:?}")),
    }
}
