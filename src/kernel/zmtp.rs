//! A walk along the bytes that a ZeroMQ peer sends, which finds what must not reach the socket behind.
//!
//! ZMTP 3.x (ZeroMQ RFC 23): a greeting of 64 bytes, one READY command, then frames of flags, length
//! and body. Nothing is kept but where the walk is; the bytes go on unchanged. To add a limit: a field
//! of [`Limits`] and its comparison in [`Walk::begin_body`].

/// Most that a command may announce, in bytes.
const MOST_COMMAND_BYTES: u64 = 64 * 1024;
/// What a frame costs beside its bytes, where messages are kept in memory.
const FRAME_BYTES: u64 = 64;
const GREETING_BYTES: usize = 64;

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// What one connection may send.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// All frames of one message together, in bytes.
    pub message_bytes: u64,
    /// Everything ever, in bytes.
    pub lifetime_bytes: u64,
}

impl Limits {
    /// For what comes from a side that is trusted.
    pub const NONE: Self = Self {
        message_bytes: u64::MAX,
        lifetime_bytes: u64::MAX,
    };
}

/// Where in the stream of one connection the walk is.
#[derive(Debug)]
pub struct Walk {
    limits: Limits,
    state: State,
    ready: bool,
    message_bytes: u64,
    lifetime_bytes: u64,
}

#[derive(Debug)]
enum State {
    Greeting { seen: usize },
    Flags,
    Length { flags: u8, missing: u8, length: u64 },
    Body { flags: u8, left: u64 },
}

impl Walk {
    /// At the start of a connection.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::Greeting { seen: 0 },
            ready: false,
            message_bytes: 0,
            lifetime_bytes: 0,
        }
    }

    /// Whether greeting and READY have been seen.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Whether no message has begun that hasn't ended.
    pub fn is_between_messages(&self) -> bool {
        matches!(self.state, State::Flags) && self.message_bytes == 0
    }

    /// Walks along `bytes`.
    ///
    /// # Errors
    /// Why the connection must end; the bytes must not be passed on.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), &'static str> {
        self.lifetime_bytes += bytes.len() as u64;
        if self.lifetime_bytes > self.limits.lifetime_bytes {
            return Err("it sent more than this channel ever needs");
        }
        while let Some((&byte, rest)) = bytes.split_first() {
            match self.state {
                State::Greeting { seen } => {
                    check_greeting(seen, byte)?;
                    self.state = match seen + 1 {
                        GREETING_BYTES => State::Flags,
                        seen => State::Greeting { seen },
                    };
                }
                State::Flags => {
                    if byte & !(MORE | LONG | COMMAND) != 0
                        || byte & COMMAND != 0 && byte & MORE != 0
                    {
                        return Err("it sent flags that no frame has");
                    }
                    if !self.ready && byte & COMMAND == 0 {
                        return Err("it sent a message before READY");
                    }
                    let missing = if byte & LONG != 0 { 8 } else { 1 };
                    self.state = State::Length {
                        flags: byte,
                        missing,
                        length: 0,
                    };
                }
                State::Length {
                    flags,
                    missing,
                    length,
                } => {
                    let length = length << 8 | u64::from(byte);
                    match missing - 1 {
                        0 => self.begin_body(flags, length)?,
                        missing => {
                            self.state = State::Length {
                                flags,
                                missing,
                                length,
                            }
                        }
                    }
                }
                State::Body { flags, left } => {
                    let here = left.min(bytes.len() as u64);
                    bytes = &bytes[here as usize..];
                    match left - here {
                        0 => self.end_body(flags),
                        left => self.state = State::Body { flags, left },
                    }
                    continue;
                }
            }
            bytes = rest;
        }
        Ok(())
    }

    fn begin_body(&mut self, flags: u8, length: u64) -> Result<(), &'static str> {
        if flags & COMMAND != 0 && length > MOST_COMMAND_BYTES {
            return Err("it announced a command that is too long");
        }
        let frame_bytes = length.saturating_add(FRAME_BYTES);
        self.message_bytes = self.message_bytes.saturating_add(frame_bytes);
        if self.message_bytes > self.limits.message_bytes {
            return Err("it announced a message that is too long");
        }
        match length {
            0 => self.end_body(flags),
            left => self.state = State::Body { flags, left },
        }
        Ok(())
    }

    fn end_body(&mut self, flags: u8) {
        // The first command is the handshake's; the socket behind looks at what it says.
        self.ready |= flags & COMMAND != 0;
        if flags & MORE == 0 {
            self.message_bytes = 0;
        }
        self.state = State::Flags;
    }
}

/// Looks at one byte of the greeting: signature, version 3, mechanism NULL.
fn check_greeting(place: usize, byte: u8) -> Result<(), &'static str> {
    let fits = match place {
        0 => byte == 0xFF,
        9 => byte == 0x7F,
        10 => byte >= 3,
        12..32 => byte == *b"NULL".get(place - 12).unwrap_or(&0),
        _ => true,
    };
    fits.then_some(())
        .ok_or("its greeting is not that of ZeroMQ 3 without encryption")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        message_bytes: 1 << 20,
        lifetime_bytes: 4 << 20,
    };

    fn greeted() -> Vec<u8> {
        let mut bytes = vec![0; GREETING_BYTES];
        (bytes[0], bytes[9], bytes[10]) = (0xFF, 0x7F, 3);
        bytes[12..16].copy_from_slice(b"NULL");
        bytes.extend([COMMAND, 6]);
        bytes.extend(b"\x05READY");
        bytes
    }

    fn fed(more: &[u8]) -> Result<bool, &'static str> {
        let mut walk = Walk::new(LIMITS);
        walk.feed(&[&greeted(), more].concat())?;
        Ok(walk.is_ready())
    }

    #[test]
    fn what_clients_send_passes_however_it_is_cut() {
        let mut bytes = greeted();
        bytes.extend([MORE, 0, MORE | LONG, 0, 0, 0, 0, 0, 0, 1, 0]);
        bytes.extend([7; 256]);
        bytes.extend([0, 1, 9, 0, 1, 1]);
        for size in [1, 7, 64, 1000] {
            let mut walk = Walk::new(LIMITS);
            assert!(
                bytes.chunks(size).all(|chunk| walk.feed(chunk).is_ok()),
                "{size}"
            );
            assert!(
                walk.is_ready() && walk.is_between_messages(),
                "{size}: {walk:?}"
            );
        }
    }

    #[test]
    fn bombs_are_seen_at_their_announcement() {
        assert_eq!(fed(&[]), Ok(true));
        assert!(fed(&[LONG, 0, 0, 0, 16, 0, 0, 0, 0]).is_err(), "2^36 bytes");
        assert!(fed(&[LONG, 255, 255, 255, 255, 255, 255, 255, 255]).is_err());
        assert!(
            fed(&[LONG | COMMAND, 0, 0, 0, 0, 0, 1, 0, 1]).is_err(),
            "a long command"
        );
        assert!(fed(&[8, 0]).is_err() && fed(&[COMMAND | MORE, 0]).is_err());
        assert!(
            fed(&[MORE, 0].repeat(1 << 15)).is_err(),
            "many small frames of one message"
        );
        assert!(fed(&[0, 0].repeat(1 << 15)).is_ok(), "many small messages");
        assert!(
            fed(&[0, 0].repeat(1 << 22)).is_err(),
            "more than a lifetime's"
        );
    }

    #[test]
    fn what_is_not_zeromq_is_seen_at_once() {
        assert!(Walk::new(LIMITS).feed(b"GET / HTTP/1.1\r\n").is_err());
        let mut old = greeted();
        old[10] = 1;
        assert!(Walk::new(LIMITS).feed(&old).is_err());
        let mut walk = Walk::new(LIMITS);
        walk.feed(&greeted()[..GREETING_BYTES]).unwrap();
        assert!(!walk.is_ready());
        assert!(walk.feed(&[0, 0]).is_err(), "a message before READY");
    }
}
