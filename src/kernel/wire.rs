//! Messages as frames: signed, verified, and read leniently.
//!
//! Requests are read by hand, because clients omit what the specification asks for: only a header with
//! a `msg_type` is needed. A parent header goes back exactly as it came. To answer with a new kind of
//! content nothing changes here.

use super::Channel;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::HashSet;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};
use zeromq::ZmqMessage;

/// Version of the messaging protocol that is spoken: 5.4 has `iopub_welcome`.
pub const PROTOCOL_VERSION: &str = "5.4";
/// Stands between a message's routing frames and its signature.
const DELIMITER: &[u8] = b"<IDS|MSG>";
/// Signatures remembered, in each of two generations, to refuse a message that is sent again.
const REMEMBERED: usize = 8192;

/// The key of a connection, and the signatures that were seen with it.
pub struct Key {
    /// `None` where the connection file's key is empty: messages are unsigned.
    mac: Option<Hmac<Sha256>>,
    seen: Mutex<Seen>,
    /// The kernel's session, in every header.
    session: String,
}

#[derive(Default)]
struct Seen {
    young: HashSet<[u8; 32]>,
    old: HashSet<[u8; 32]>,
}

/// A request, as far as an answer needs it.
#[derive(Debug)]
pub struct Origin {
    /// Where it came in, and where its reply goes out.
    pub channel: Channel,
    /// Frames that lead the reply back.
    pub identities: Vec<Vec<u8>>,
    /// Its header as JSON text, byte for byte; `{}` for what no request asked for.
    pub header: Vec<u8>,
    /// Type of message.
    pub msg_type: String,
}

/// A request and its content; the content is an error where it isn't JSON.
pub type Request = (Origin, Result<Value, String>);

impl Origin {
    /// The origin of what nobody asked for, such as the first status.
    pub fn nobody() -> Self {
        Self {
            channel: Channel::Shell,
            identities: Vec::new(),
            header: b"{}".to_vec(),
            msg_type: String::new(),
        }
    }

    /// Type of the reply: `x_request` is answered by `x_reply`.
    pub fn reply_type(&self) -> String {
        let stem = self.msg_type.strip_suffix("_request");
        format!("{}_reply", stem.unwrap_or(&self.msg_type))
    }
}

impl Key {
    /// The key of a connection file.
    pub fn new(key: &str) -> Self {
        let mac = (!key.is_empty()).then(|| {
            Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes keys of every length")
        });
        Self {
            mac,
            seen: Mutex::default(),
            session: uuid::Uuid::new_v4().to_string(),
        }
    }

    /// The kernel's session.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// Reads one message, the first frame being the peer's identity.
    ///
    /// # Errors
    /// Why it is dropped: no answer could be addressed to the right one, or nobody with the key sent it.
    pub fn read(&self, channel: Channel, message: ZmqMessage) -> Result<Request, &'static str> {
        let frames = message.into_vec();
        let delimiter = frames
            .iter()
            .position(|frame| &frame[..] == DELIMITER)
            .ok_or("a message without <IDS|MSG>")?;
        let (identities, rest) = (&frames[..delimiter], &frames[delimiter + 1..]);
        let [signature, header, parent, metadata, content, ..] = rest else {
            return Err("a message with too few frames");
        };
        self.verify(signature, [header, parent, metadata, content])?;
        let (header, fields) = read_header(header).ok_or("a message whose header is not JSON")?;
        let Some(msg_type) = fields.get("msg_type").and_then(Value::as_str) else {
            return Err("a message without a type");
        };
        let origin = Origin {
            channel,
            identities: identities.iter().map(|frame| frame.to_vec()).collect(),
            header,
            msg_type: msg_type.to_owned(),
        };
        let content = serde_json::from_slice(content).map_err(|error| error.to_string());
        Ok((origin, content))
    }

    fn verify(&self, signature: &[u8], parts: [&[u8]; 4]) -> Result<(), &'static str> {
        let Some(mac) = &self.mac else {
            return Ok(());
        };
        if signature.is_empty() {
            return Err("a message without a signature");
        }
        let digest = from_hex(signature).ok_or("a message with a wrong signature")?;
        let mut mac = mac.clone();
        parts.iter().for_each(|part| mac.update(part));
        // Compares in constant time.
        mac.verify_slice(&digest)
            .map_err(|_| "a message with a wrong signature")?;
        let mut seen = self
            .seen
            .lock()
            .unwrap_or_else(|poison| poison.into_inner());
        if seen.old.contains(&digest) || !seen.young.insert(digest) {
            return Err("a message that was sent before");
        }
        if seen.young.len() == REMEMBERED {
            seen.old = std::mem::take(&mut seen.young);
        }
        Ok(())
    }

    /// A message as frames, signed. Every one has an id and a date of its own, so no two have the same
    /// signature.
    pub fn write(
        &self,
        routing: &[Vec<u8>],
        msg_type: &str,
        parent: &[u8],
        metadata: &Value,
        content: Vec<u8>,
    ) -> ZmqMessage {
        let header = json!({
            "msg_id": uuid::Uuid::new_v4().to_string(),
            "session": self.session,
            "username": "conclab",
            "date": date_text(SystemTime::now()),
            "msg_type": msg_type,
            "version": PROTOCOL_VERSION,
        });
        let header = header.to_string().into_bytes();
        let metadata = metadata.to_string().into_bytes();
        let signature = self.mac.as_ref().map_or_else(String::new, |mac| {
            let mut mac = mac.clone();
            [&header[..], parent, &metadata, &content]
                .iter()
                .for_each(|part| mac.update(part));
            to_hex(&mac.finalize().into_bytes())
        });
        let body = [
            signature.into_bytes(),
            header,
            parent.to_vec(),
            metadata,
            content,
        ];
        let delimiter = DELIMITER.to_vec();
        let mut frames = routing.iter().cloned().chain([delimiter]).chain(body);
        let mut message = ZmqMessage::from(frames.next().unwrap_or_default());
        frames.for_each(|frame| message.push_back(frame.into()));
        message
    }
}

/// A header as JSON text that can be sent back, and its fields.
fn read_header(bytes: &[u8]) -> Option<(Vec<u8>, Value)> {
    if let Ok(fields @ Value::Object(_)) = serde_json::from_slice(bytes) {
        return Some((bytes.to_vec(), fields));
    }
    // Python writes NaN and lone surrogates; the client still waits for its answer.
    let repaired = repaired(&String::from_utf8_lossy(bytes));
    let fields: Value = serde_json::from_str(&repaired).ok()?;
    fields.is_object().then(|| (repaired.into_bytes(), fields))
}

/// JSON text without what the JSON standard doesn't know: NaN and infinities become null, escapes of
/// lone surrogates the replacement character.
fn repaired(text: &str) -> String {
    let mut repaired = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_string = false;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        match c {
            '"' => in_string = !in_string,
            '\\' if in_string => {
                length += rest[1..].chars().next().map_or(0, char::len_utf8);
                if let Some(unit) = escaped_unit(rest) {
                    length = 6;
                    let low = (0xD800..0xDC00)
                        .contains(&unit)
                        .then(|| escaped_unit(&rest[6..]));
                    if matches!(low, Some(Some(0xDC00..0xE000))) {
                        length = 12;
                    } else if (0xD800..0xE000).contains(&unit) {
                        repaired.push_str("\\ufffd");
                        rest = &rest[6..];
                        continue;
                    }
                }
            }
            _ if !in_string => {
                let word = ["NaN", "-Infinity", "Infinity"]
                    .iter()
                    .find(|word| rest.starts_with(**word));
                if let Some(word) = word {
                    repaired.push_str("null");
                    rest = &rest[word.len()..];
                    continue;
                }
            }
            _ => {}
        }
        repaired.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    repaired
}

/// The UTF-16 unit of an escape `\uXXXX` that `text` starts with.
fn escaped_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &[u8]) -> Option<[u8; 32]> {
    let text = std::str::from_utf8(text)
        .ok()
        .filter(|text| text.len() == 64 && text.is_ascii())?;
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}

/// A time as ISO 8601 in UTC with microseconds: jupyter_client leaves nanoseconds as text.
fn date_text(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Days to a date: Howard Hinnant 2013, "chrono-compatible low-level date algorithms", for times
    // from 1970 on.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let micros = since.subsec_micros();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn written(key: &Key) -> ZmqMessage {
        let routing = [b"peer".to_vec()];
        key.write(
            &routing,
            "x_request",
            b"{}",
            &json!({}),
            b"{\"a\":1}".to_vec(),
        )
    }

    #[test]
    fn a_message_comes_back_as_it_was_written_and_only_once() {
        let key = Key::new("secret");
        let message = written(&key);
        let (origin, content) = key.read(Channel::Control, message.clone()).unwrap();
        assert_eq!(origin.identities, [b"peer".to_vec()]);
        assert_eq!(
            (origin.msg_type.as_str(), origin.reply_type().as_str()),
            ("x_request", "x_reply")
        );
        assert_eq!(content.unwrap(), json!({"a": 1}));
        assert_eq!(
            key.read(Channel::Control, message).unwrap_err(),
            "a message that was sent before"
        );
    }

    #[test]
    fn another_key_a_changed_byte_and_a_missing_signature_are_refused() {
        let key = Key::new("secret");
        assert!(
            Key::new("other")
                .read(Channel::Shell, written(&key))
                .is_err()
        );
        for (frame, bytes) in [(6, "{\"a\":2}"), (2, ""), (2, "zz"), (3, "{}")] {
            let mut frames = written(&key).into_vec();
            frames[frame] = bytes.as_bytes().to_vec().into();
            assert!(
                key.read(Channel::Shell, frames.try_into().unwrap())
                    .is_err(),
                "{frame} {bytes}"
            );
        }
    }

    #[test]
    fn an_empty_key_means_unsigned() {
        let key = Key::new("");
        let message = written(&key);
        assert!(message.get(2).unwrap().is_empty());
        assert!(key.read(Channel::Shell, message).is_ok());
    }

    #[test]
    fn headers_with_what_python_lets_through_are_still_answered() {
        let (text, fields) = read_header(
            br#"{"msg_type":"a","x":NaN,"y":[-Infinity],"z":"NaN \ud800 \ud83d\ude00 \\ \""}"#,
        )
        .unwrap();
        assert!(serde_json::from_slice::<Value>(&text).is_ok());
        assert_eq!(fields["z"], "NaN \u{fffd} \u{1f600} \\ \"");
        assert_eq!(fields["y"], json!([null]));
        assert!(read_header(b"[1]").is_none());
        assert!(read_header(b"{\"msg_type\":").is_none());
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let at = |secs, micros| {
            date_text(UNIX_EPOCH + Duration::from_secs(secs) + Duration::from_micros(micros))
        };
        assert_eq!(at(0, 0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(at(951_782_400, 7), "2000-02-29T00:00:00.000007Z");
        assert_eq!(at(1_767_225_599, 999_999), "2025-12-31T23:59:59.999999Z");
    }
}
