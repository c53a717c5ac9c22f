//! The warden: the one process that starts trials and services for the kernel, and ends them.
//!
//! It holds the read end of a pipe whose write end is the kernel's. When that closes, however the kernel
//! ended, or when it is told to kill, or at a deadline, it kills the trial's group and then every
//! descendant: it is a subreaper, so orphans come to it. One thread waits in one `ppoll`; while a timed
//! trial runs it wakes for events, the deadline, and four looks a second at the tree's memory.

use super::running::{Running, Wake};
use super::spawn::{self, Spawned};
use super::{Ended, Launch, semaphores, signals};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs};

/// Longest that a service may take to print its first line.
const SERVICE_START: Duration = Duration::from_secs(10);

/// What the kernel asks, a line of JSON each.
#[derive(Debug, Serialize, Deserialize)]
pub enum Command {
    /// Run this; answered by [`Message::Ended`].
    Start(Launch),
    /// Kill what runs; not answered by itself.
    Kill,
    /// Start this service where it doesn't run; answered by [`Message::Service`].
    Service(Vec<String>),
}

/// What the warden answers, a line of JSON each.
#[derive(Debug, Serialize, Deserialize)]
pub enum Message {
    /// It is up, and this folder is for its trials.
    Ready {
        /// Private, removed at the warden's end.
        directory: PathBuf,
    },
    /// It can't serve; why, and what to do about it.
    Unable(String),
    /// What was started has ended.
    Ended(Box<Ended>),
    /// The service's first line, or why there is none.
    Service(Result<String, String>),
}

/// A service that was started.
struct Service {
    argv: Vec<String>,
    pid: u32,
    line: String,
    /// Kept open: a service that prints more must not die of it.
    _output: OwnedFd,
}

struct Warden {
    directory: PathBuf,
    /// Signals of children that ended, and of being told to go.
    signals: OwnedFd,
    /// What has been read of the kernel's pipe and is no whole line yet.
    input: Vec<u8>,
    services: Vec<Service>,
}

/// Why the warden ends.
struct Gone;

/// The process itself: `conclab warden`.
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conclab warden: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    spawn::reserve_reply_descriptor()?;
    signals::become_subreaper();
    let directory = match private_directory() {
        Ok(directory) => directory,
        Err(error) => {
            return tell(&Message::Unable(format!(
                "no folder could be made in {}: {error}; set TMPDIR to a folder that can be written",
                env::temp_dir().display()
            )));
        }
    };
    let mut warden = Warden {
        directory,
        signals: signals::catch()?,
        input: Vec::new(),
        services: Vec::new(),
    };
    let ready = Message::Ready {
        directory: warden.directory.clone(),
    };
    let served = tell(&ready).and_then(|()| warden.serve());
    for service in &warden.services {
        signals::kill(service.pid);
    }
    warden.services.clear();
    spawn::kill_descendants(&[]);
    if let Some(name) = warden.directory.file_name() {
        semaphores::remove(&format!("mp-{}-", name.to_string_lossy()));
    }
    let removed = fs::remove_dir_all(&warden.directory);
    served.and(removed)
}

/// A new folder that only this user can enter.
fn private_directory() -> io::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt;
    // Short: paths of sockets, which tasks may make below it, have little room.
    let number = uuid::Uuid::new_v4().as_u64_pair().0;
    // Trials work in folders of their own, from where a relative path leads elsewhere.
    let folder = std::path::absolute(env::temp_dir()).unwrap_or_else(|_| "/tmp".into());
    let directory = folder.join(format!("conclab-{number:016x}"));
    fs::DirBuilder::new().mode(0o700).create(&directory)?;
    Ok(directory)
}

fn tell(message: &Message) -> io::Result<()> {
    let mut line = serde_json::to_string(message)?;
    line.push('\n');
    let mut output = io::stdout().lock();
    output.write_all(line.as_bytes())?;
    output.flush()
}

impl Warden {
    /// Serves until the kernel is gone.
    fn serve(&mut self) -> io::Result<()> {
        loop {
            let command = loop {
                match self.next_command()? {
                    Ok(Some(command)) => break command,
                    Ok(None) => {}
                    Err(Gone) => return Ok(()),
                }
                spawn::wait_readable(&[0, self.signals.as_raw_fd()], None)?;
                if signals::told_to_go(&self.signals) {
                    return Ok(());
                }
                self.reap_idle();
            };
            match command {
                // Nothing runs: it ended before the message came.
                Command::Kill => {}
                Command::Service(argv) => tell(&Message::Service(self.service(argv)))?,
                Command::Start(launch) => match self.trial(&launch)? {
                    Ok(ended) => tell(&Message::Ended(Box::new(ended)))?,
                    Err(Gone) => return Ok(()),
                },
            }
        }
    }

    /// The next whole command, if one is there without waiting.
    fn next_command(&mut self) -> io::Result<Result<Option<Command>, Gone>> {
        loop {
            if let Some(end) = self.input.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.input.drain(..=end).collect();
                return Ok(Ok(Some(serde_json::from_slice(&line)?)));
            }
            if !spawn::is_readable(0)? {
                return Ok(Ok(None));
            }
            let mut part = [0u8; 64 << 10];
            match spawn::read(0, &mut part)? {
                0 => return Ok(Err(Gone)),
                count => self.input.extend_from_slice(&part[..count]),
            }
        }
    }

    /// Runs one trial to its end, whatever that is. `Gone`: the kernel is, and so is the trial.
    fn trial(&mut self, launch: &Launch) -> io::Result<Result<Ended, Gone>> {
        let keep: Vec<u32> = self.services.iter().map(|service| service.pid).collect();
        let mut running = match Running::start(launch) {
            Ok(running) => running,
            Err(error) => return Ok(Ok(Running::not_started(&error))),
        };
        // What came together with the start has been read already: nothing would wake for it.
        if let Err(Gone) = self.obey(&mut running, &keep)? {
            return Ok(Err(Gone));
        }
        loop {
            match running.wait(&self.signals)? {
                Wake::Ended => break,
                Wake::GoneSignal => {
                    running.kill_all(&keep);
                    return Ok(Err(Gone));
                }
                Wake::Kernel => {
                    if let Err(Gone) = self.obey(&mut running, &keep)? {
                        return Ok(Err(Gone));
                    }
                }
                Wake::Child => {
                    for (pid, status, usage) in signals::reap() {
                        if !running.reaped(pid, status, &usage) {
                            self.services.retain(|service| service.pid != pid);
                        }
                    }
                }
                Wake::Nothing => {}
            }
            // Whatever woke it: who keeps it busy must not escape the deadline.
            running.look(&keep);
        }
        let ended = running.finish(&keep);
        // What a Python that was killed left behind has its folder's name.
        if launch.directory.parent() == Some(&*self.directory) {
            semaphores::remove(&semaphores::prefix(&launch.directory));
        }
        Ok(Ok(ended))
    }

    /// Does what the kernel has asked since the trial was started.
    fn obey(&mut self, running: &mut Running, keep: &[u32]) -> io::Result<Result<(), Gone>> {
        loop {
            match self.next_command()? {
                Ok(Some(Command::Kill)) => running.interrupt(keep),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(Ok(())),
                Err(Gone) => {
                    running.kill_all(keep);
                    return Ok(Err(Gone));
                }
            }
        }
    }

    /// Starts a service, or finds it.
    fn service(&mut self, argv: Vec<String>) -> Result<String, String> {
        self.reap_idle();
        if let Some(service) = self.services.iter().find(|service| service.argv == argv) {
            return Ok(service.line.clone());
        }
        let Spawned { child, output, .. } =
            spawn::start(&argv, &self.directory).map_err(|error| error.to_string())?;
        let (pid, line) = (child.id(), first_line(&output));
        match line {
            Ok(line) => {
                self.services.push(Service {
                    argv,
                    pid,
                    line: line.clone(),
                    _output: output,
                });
                Ok(line)
            }
            Err(error) => {
                signals::kill(pid);
                Err(error.to_string())
            }
        }
    }

    /// Reaps what ended while nothing ran; a service among it is started again when next asked for.
    fn reap_idle(&mut self) {
        for (pid, _, _) in signals::reap() {
            self.services.retain(|service| service.pid != pid);
        }
    }
}

/// The first line that comes out of `output`, within [`SERVICE_START`].
fn first_line(output: &OwnedFd) -> io::Result<String> {
    let deadline = Instant::now() + SERVICE_START;
    let mut line = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        spawn::wait_readable(&[output.as_raw_fd()], Some(left))?;
        let mut part = [0u8; 256];
        if left.is_zero() || !spawn::is_readable(output.as_raw_fd())? {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "it said nothing for 10 s",
            ));
        }
        match spawn::read(output.as_raw_fd(), &mut part)? {
            0 => {
                let said = String::from_utf8_lossy(&line).into_owned();
                return Err(io::Error::other(format!("it ended at once: {said}")));
            }
            count => line.extend_from_slice(&part[..count]),
        }
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
        }
    }
}

/// A descriptor that is owned from now on.
pub(super) fn own(fd: i32) -> OwnedFd {
    // SAFETY: callers pass a descriptor that a system call has just returned to them.
    unsafe { OwnedFd::from_raw_fd(fd) }
}
