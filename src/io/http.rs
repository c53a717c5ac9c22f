//! Clients of the delay server: one blocking, one for an event loop. Thin, so that what they cost is known.

use super::Site;
use crate::service::Ask;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Longest head of an answer.
const MOST_HEAD: usize = 4 << 10;
/// Read at first, which holds a small answer, and then at a time.
const FIRST_BYTES: usize = 512;
const NEXT_BYTES: usize = 64 << 10;

/// One request by a blocking client; the status is the result.
///
/// # Errors
/// A sentence, also for a status of 400 and above.
pub fn get(site: &Site, ask: &Ask) -> Result<u64, String> {
    let pool = &site.connections.open().delay_server;
    let exchange = || {
        let idle = if ask.reuse { pool.take("") } else { None };
        let mut stream = match idle {
            Some(stream) => stream,
            None => TcpStream::connect(address(site)?)?,
        };
        stream.write_all(ask.request().as_bytes())?;
        let mut answer = Answer::default();
        while !answer.is_whole() {
            let count = stream.read(answer.space())?;
            answer.received(count)?;
        }
        if ask.reuse {
            pool.put("", stream);
        }
        Ok(answer.status)
    };
    exchange().map_err(|error| failed(&error)).and_then(judge)
}

/// The same on an event loop, which serves others meanwhile.
///
/// # Errors
/// As [`get`].
pub async fn get_async(site: &Site, ask: &Ask) -> Result<u64, String> {
    let pool = &site.connections.open().delay_server_async;
    let exchange = async {
        let idle = if ask.reuse { pool.take("") } else { None };
        let mut stream = match idle {
            Some(stream) => stream,
            None => tokio::net::TcpStream::connect(address(site)?).await?,
        };
        stream.write_all(ask.request().as_bytes()).await?;
        let mut answer = Answer::default();
        while !answer.is_whole() {
            let count = stream.read(answer.space()).await?;
            answer.received(count)?;
        }
        if ask.reuse {
            pool.put("", stream);
        }
        Ok(answer.status)
    };
    exchange
        .await
        .map_err(|error| failed(&error))
        .and_then(judge)
}

fn address(site: &Site) -> io::Result<std::net::SocketAddr> {
    site.delay_server
        .ok_or_else(|| io::Error::other("there is none"))
}

fn failed(error: &io::Error) -> String {
    format!("the request to the delay server failed: {error}")
}

/// A status below 400 is a result; 400 and above is an error.
pub(super) fn judge(status: u64) -> Result<u64, String> {
    match status {
        0..400 => Ok(status),
        _ => Err(format!("the server answered with status {status}")),
    }
}

/// An answer while it arrives: the head is kept, the body only counted.
#[derive(Default)]
struct Answer {
    buffer: Vec<u8>,
    /// Bytes of the buffer that hold the head's beginning.
    filled: usize,
    status: u64,
    /// Bytes of the body that are still to come; `None` while the head is.
    left: Option<u64>,
}

impl Answer {
    fn is_whole(&self) -> bool {
        self.left == Some(0)
    }

    /// Where the next bytes go.
    fn space(&mut self) -> &mut [u8] {
        let size = match self.left {
            None => (self.filled + FIRST_BYTES).min(MOST_HEAD),
            Some(left) => NEXT_BYTES.min(usize::try_from(left).unwrap_or(usize::MAX)),
        };
        if self.buffer.len() < size {
            self.buffer.resize(size, 0);
        }
        match self.left {
            None => &mut self.buffer[self.filled..size],
            Some(_) => &mut self.buffer[..size],
        }
    }

    /// Takes note of `count` bytes that were put there.
    fn received(&mut self, count: usize) -> io::Result<()> {
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(count as u64);
            return Ok(());
        }
        self.filled += count;
        let received = &self.buffer[..self.filled];
        let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
            return match self.filled < MOST_HEAD {
                true => Ok(()),
                false => Err(io::Error::other("the answer has no end of its head")),
            };
        };
        let body = self.filled - (end + 4);
        let (status, length) = head(&String::from_utf8_lossy(&received[..end]))
            .ok_or_else(|| io::Error::other("the answer is no HTTP"))?;
        self.status = status;
        self.left = Some(length.saturating_sub(body as u64));
        Ok(())
    }
}

/// Status and length of the body.
fn head(text: &str) -> Option<(u64, u64)> {
    let mut lines = text.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    Some((status, length.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status of an answer that arrives in parts of at most `part` bytes.
    fn receive(text: &str, part: usize) -> io::Result<u64> {
        let mut answer = Answer::default();
        let mut rest = text.as_bytes();
        while !answer.is_whole() {
            let space = answer.space();
            let count = part.min(space.len()).min(rest.len());
            space[..count].copy_from_slice(&rest[..count]);
            rest = &rest[count..];
            answer.received(count)?;
        }
        assert!(rest.is_empty(), "{} bytes were not read", rest.len());
        Ok(answer.status)
    }

    #[test]
    fn an_answer_may_arrive_in_any_parts() {
        let body = "c".repeat(100_000);
        for body in ["", "done", &body] {
            let text = format!(
                "HTTP/1.1 503 \r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            for part in [1, 7, 600, 1 << 20] {
                assert_eq!(receive(&text, part).unwrap(), 503, "{part}");
            }
            assert!(receive(&text[..text.len() - 1], 600).is_err(), "cut off");
        }
        assert!(receive("no HTTP\r\n\r\n", 600).is_err());
        assert!(receive(&"x".repeat(10_000), 600).is_err());
    }
}
