//! An independent Jupyter client: ZMTP 3.0 and the messaging protocol written by hand on plain sockets,
//! so that the kernel is tested by something that shares none of its code.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::HashSet;
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tokio::net::TcpSocket;

/// Long enough on the slowest machine; reached only where a test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A stream of either transport.
pub trait Stream: Read + Write + Send {
    fn set_patience(&self, patience: Duration);
}

impl Stream for TcpStream {
    fn set_patience(&self, patience: Duration) {
        self.set_read_timeout(Some(patience)).unwrap();
    }
}

impl Stream for UnixStream {
    fn set_patience(&self, patience: Duration) {
        self.set_read_timeout(Some(patience)).unwrap();
    }
}

/// One ZeroMQ connection, spoken by hand.
pub struct Wire {
    pub stream: Box<dyn Stream>,
    received: Vec<u8>,
}

impl Wire {
    /// Shakes hands as a socket of `kind` on a fresh stream.
    pub fn new(stream: Box<dyn Stream>, kind: &str) -> Self {
        Self::named(stream, kind, "")
    }

    /// The same, with an identity of the client's choice.
    pub fn named(mut stream: Box<dyn Stream>, kind: &str, identity: &str) -> Self {
        stream.set_patience(PATIENCE);
        stream.write_all(&greeting()).unwrap();
        let mut theirs = [0; 64];
        stream.read_exact(&mut theirs).unwrap();
        assert_eq!((theirs[0], theirs[9], theirs[10]), (0xFF, 0x7F, 3));
        stream.write_all(&ready(kind, identity)).unwrap();
        let mut wire = Self {
            stream,
            received: Vec::new(),
        };
        let (flags, body) = wire.frame(PATIENCE).expect("a READY command");
        assert!(flags & 4 != 0 && body.starts_with(b"\x05READY"), "{body:?}");
        wire
    }

    /// Sends one message.
    pub fn send(&mut self, frames: &[Vec<u8>]) {
        let mut bytes = Vec::new();
        for (index, frame) in frames.iter().enumerate() {
            let more = u8::from(index + 1 < frames.len());
            match u8::try_from(frame.len()) {
                Ok(length) => bytes.extend([more, length]),
                Err(_) => {
                    bytes.push(more | 2);
                    bytes.extend((frame.len() as u64).to_be_bytes());
                }
            }
            bytes.extend(frame);
        }
        self.stream.write_all(&bytes).unwrap();
    }

    /// The next message, or none within `patience` (or ever, where the connection has ended).
    pub fn receive(&mut self, patience: Duration) -> Option<Vec<Vec<u8>>> {
        let mut frames = Vec::new();
        loop {
            let (flags, body) = self.frame(patience)?;
            frames.push(body);
            if flags & 1 == 0 {
                return Some(frames);
            }
        }
    }

    fn frame(&mut self, patience: Duration) -> Option<(u8, Vec<u8>)> {
        self.fill(2, patience)?;
        let flags = self.received[0];
        let (header, length) = match flags & 2 {
            0 => (2, usize::from(self.received[1])),
            _ => {
                self.fill(9, patience)?;
                (
                    9,
                    u64::from_be_bytes(self.received[1..9].try_into().unwrap()) as usize,
                )
            }
        };
        self.fill(header + length, patience)?;
        let frame: Vec<u8> = self
            .received
            .drain(..header + length)
            .skip(header)
            .collect();
        Some((flags, frame))
    }

    fn fill(&mut self, length: usize, patience: Duration) -> Option<()> {
        let deadline = Instant::now() + patience;
        let mut chunk = vec![0; 64 << 10];
        while self.received.len() < length {
            let left = deadline
                .checked_duration_since(Instant::now())
                .filter(|left| !left.is_zero())?;
            self.stream.set_patience(left);
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(count) => self.received.extend(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        Some(())
    }

    /// Whether the other side ends the connection within `patience`.
    pub fn is_ended(&mut self, patience: Duration) -> bool {
        ends(self.stream.as_mut(), patience)
    }
}

/// Whether the other side ends the connection within `patience`; what it says until then is dropped.
pub fn ends(stream: &mut dyn Stream, patience: Duration) -> bool {
    stream.set_patience(patience);
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == io::ErrorKind::ConnectionReset,
        }
    }
}

/// The greeting of a ZMTP 3.0 peer without encryption.
pub fn greeting() -> Vec<u8> {
    let mut bytes = vec![0; 64];
    (bytes[0], bytes[9], bytes[10]) = (0xFF, 0x7F, 3);
    bytes[12..16].copy_from_slice(b"NULL");
    bytes
}

/// The READY command of a socket of `kind`; an empty identity is that of a client without one.
pub fn ready(kind: &str, identity: &str) -> Vec<u8> {
    let mut body = b"\x05READY\x0bSocket-Type".to_vec();
    body.extend((kind.len() as u32).to_be_bytes());
    body.extend(kind.as_bytes());
    body.extend(b"\x08Identity");
    body.extend((identity.len() as u32).to_be_bytes());
    body.extend(identity.as_bytes());
    [&[4, body.len() as u8][..], &body].concat()
}

/// A socket that keeps its port from others; a kernel can listen there all the same, as SO_REUSEADDR
/// allows. Without it, even a client that knocks before the kernel listens may be given that very port.
fn reserve_port() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    socket
}

/// A kernel of the real executable, with a connection file of its own; killed when dropped.
pub struct Kernel {
    pub child: Child,
    pub folder: PathBuf,
    pub connection: Value,
    _reserved: Vec<TcpSocket>,
}

impl Kernel {
    /// Starts one and waits until it listens. The transport is `tcp` or `ipc`; an empty key means
    /// unsigned.
    pub fn start(transport: &str, key: &str) -> Self {
        Self::start_by(transport, key, |file| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_conclab"));
            command.args(["kernel", "-f"]).arg(file);
            command
        })
    }

    /// The same, by a command of the caller's.
    pub fn start_by(transport: &str, key: &str, command: impl FnOnce(&PathBuf) -> Command) -> Self {
        let folder = std::env::temp_dir().join(format!("conclab-test-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        let ip = match transport {
            "ipc" => folder.join("kernel").display().to_string(),
            _ => "127.0.0.1".to_owned(),
        };
        let reserved = match transport {
            "ipc" => Vec::new(),
            _ => (0..5).map(|_| reserve_port()).collect(),
        };
        let ports: Vec<u16> = match transport {
            "ipc" => (1..=5).collect(),
            _ => reserved
                .iter()
                .map(|socket| socket.local_addr().unwrap().port())
                .collect(),
        };
        let connection = json!({
            "transport": transport, "ip": ip, "key": key, "signature_scheme": "hmac-sha256",
            "shell_port": ports[0], "iopub_port": ports[1], "stdin_port": ports[2],
            "control_port": ports[3], "hb_port": ports[4], "kernel_name": "conclab",
        });
        let file = folder.join("connection.json");
        fs::write(&file, connection.to_string()).unwrap();
        let mut command = command(&file);
        let child = command
            .env("CONCLAB_LOG", "off")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let kernel = Self {
            child,
            folder,
            connection,
            _reserved: reserved,
        };
        // The heartbeat's port is the last to be opened.
        let deadline = Instant::now() + PATIENCE;
        while kernel.try_stream("hb_port").is_err() {
            assert!(Instant::now() < deadline, "the kernel does not listen");
            sleep(Duration::from_millis(1));
        }
        kernel
    }

    /// A fresh stream to one of the ports, by its name in the connection file.
    pub fn stream(&self, port: &str) -> Box<dyn Stream> {
        self.try_stream(port).unwrap()
    }

    fn try_stream(&self, port: &str) -> io::Result<Box<dyn Stream>> {
        let ip = self.connection["ip"].as_str().unwrap();
        let port = self.connection[port].as_u64().unwrap();
        Ok(match self.connection["transport"].as_str().unwrap() {
            "ipc" => Box::new(UnixStream::connect(format!("{ip}-{port}"))?),
            _ => {
                let stream = TcpStream::connect((ip, port as u16))?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
        })
    }

    /// A client that is subscribed to everything.
    pub fn client(&self) -> Client {
        let mut iopub = Wire::new(self.stream("iopub_port"), "SUB");
        iopub.send(&[vec![1]]);
        let mut client = Client {
            shell: Wire::new(self.stream("shell_port"), "DEALER"),
            control: Wire::new(self.stream("control_port"), "DEALER"),
            iopub,
            key: self.connection["key"].as_str().unwrap().to_owned(),
            session: uuid::Uuid::new_v4().to_string(),
            signatures: HashSet::new(),
        };
        loop {
            if client.output().msg_type() == "iopub_welcome" {
                return client;
            }
        }
    }

    /// Whether it ends within `patience`, and with which code.
    pub fn exit_code(&mut self, patience: Duration) -> Option<i32> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().or(Some(-1));
            }
            sleep(Duration::from_millis(5));
        }
        None
    }

    /// A line of `/proc/PID/status`, in KiB.
    pub fn memory_kib(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Its open descriptors.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id()))
            .unwrap()
            .count()
    }

    /// Sends a signal to it alone.
    pub fn signal(&self, signal: i32) {
        // SAFETY: kill takes two integers; the child has not been waited for, so the id is its own.
        unsafe { libc::kill(self.child.id() as i32, signal) };
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A client's three connections.
pub struct Client {
    pub shell: Wire,
    pub control: Wire,
    pub iopub: Wire,
    key: String,
    session: String,
    signatures: HashSet<Vec<u8>>,
}

/// A message from the kernel.
#[derive(Debug)]
pub struct Message {
    pub header: Value,
    /// As text, because it must come back byte for byte.
    pub parent: String,
    pub content: Value,
}

impl Message {
    pub fn msg_type(&self) -> &str {
        self.header["msg_type"].as_str().unwrap()
    }

    pub fn parent_id(&self) -> String {
        let parent: Value = serde_json::from_str(&self.parent).unwrap();
        parent["msg_id"].as_str().unwrap_or("").to_owned()
    }
}

impl Client {
    /// Sends a request on the shell channel; returns its id.
    pub fn request(&mut self, msg_type: &str, content: Value) -> String {
        let (id, frames) = self.frames(msg_type, &content.to_string());
        self.shell.send(&frames);
        id
    }

    /// Sends a request on the control channel; returns its id.
    pub fn control_request(&mut self, msg_type: &str, content: Value) -> String {
        let (id, frames) = self.frames(msg_type, &content.to_string());
        self.control.send(&frames);
        id
    }

    /// A signed message with a header as short as clients dare, and its id.
    pub fn frames(&self, msg_type: &str, content: &str) -> (String, Vec<Vec<u8>>) {
        let id = uuid::Uuid::new_v4().to_string();
        let header =
            json!({"msg_id": id, "session": self.session, "msg_type": msg_type, "x": [1.50]});
        (id, self.signed(&header.to_string(), content))
    }

    /// Frames with any header and content, signed.
    pub fn signed(&self, header: &str, content: &str) -> Vec<Vec<u8>> {
        let parts = [header, "{}", "{}", content];
        let signature = match self.key.as_str() {
            "" => String::new(),
            key => sign(key, &parts.map(str::as_bytes)),
        };
        [&["<IDS|MSG>", signature.as_str()][..], &parts]
            .concat()
            .iter()
            .map(|part| part.as_bytes().to_vec())
            .collect()
    }

    /// The next reply on the shell channel.
    pub fn reply(&mut self) -> Message {
        let frames = self
            .shell
            .receive(PATIENCE)
            .expect("a reply on the shell channel");
        self.message(frames)
    }

    /// The next reply on the control channel.
    pub fn control_reply(&mut self) -> Message {
        let frames = self
            .control
            .receive(PATIENCE)
            .expect("a reply on the control channel");
        self.message(frames)
    }

    /// The next broadcast.
    pub fn output(&mut self) -> Message {
        let frames = self.iopub.receive(PATIENCE).expect("a broadcast");
        self.message(frames)
    }

    /// Everything broadcast for the request `id`, up to and without its idle.
    pub fn outputs(&mut self, id: &str) -> Vec<Message> {
        let mut outputs = Vec::new();
        loop {
            let message = self.output();
            if message.parent_id() != id {
                continue;
            }
            if message.content["execution_state"] == "idle" {
                return outputs;
            }
            outputs.push(message);
        }
    }

    /// Sends a request and returns its reply, on the shell channel.
    pub fn ask(&mut self, msg_type: &str, content: Value) -> Value {
        let id = self.request(msg_type, content);
        let reply = self.reply();
        assert_eq!(reply.parent_id(), id);
        reply.content
    }

    /// Executes a cell; returns its outputs, without busy and idle, and its reply.
    pub fn execute(&mut self, code: &str) -> (Vec<Message>, Value) {
        let id = self.request("execute_request", json!({"code": code}));
        let mut outputs = self.outputs(&id);
        assert_eq!(outputs.remove(0).content["execution_state"], "busy");
        let reply = self.reply();
        assert_eq!(reply.parent_id(), id);
        (outputs, reply.content)
    }

    fn message(&mut self, frames: Vec<Vec<u8>>) -> Message {
        let delimiter = frames
            .iter()
            .position(|frame| frame == b"<IDS|MSG>")
            .expect("a delimiter");
        let [signature, header, parent, metadata, content] = &frames[delimiter + 1..] else {
            panic!(
                "five frames after the delimiter, not {}",
                frames.len() - delimiter - 1
            );
        };
        if !self.key.is_empty() {
            let parts = [header, parent, metadata, content].map(Vec::as_slice);
            assert_eq!(signature, sign(&self.key, &parts).as_bytes());
            // Those of one broadcast are the same; one client sees each once.
            assert!(
                self.signatures.insert(signature.clone()),
                "signed bytes sent twice"
            );
        }
        let json = |frame: &[u8]| serde_json::from_slice(frame).unwrap();
        let (header, content): (Value, Value) = (json(header), json(content));
        let date = header["date"].as_str().unwrap();
        assert!(
            date.len() == 27 && date.ends_with('Z'),
            "microseconds: {date}"
        );
        Message {
            header,
            parent: String::from_utf8(parent.clone()).unwrap(),
            content,
        }
    }
}

fn sign(key: &str, parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
