//! The kernel's end of the warden: one message out, one back.

use super::warden::{Command, Message};
use super::{End, Ended, Launch, Stop, spawn};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a warden that was told to kill may take, before being told again ends the warden itself: longer
/// than it waits for what it has killed. Only one that hangs or was stopped takes so long.
const KILLING: Duration = Duration::from_secs(6);

/// The kernel's handle of its warden process. When it is dropped, or the kernel ends in any way, the
/// warden kills what it has started and ends too.
pub struct Warden {
    process: Mutex<Child>,
    input: Mutex<Option<ChildStdin>>,
    output: Mutex<BufReader<ChildStdout>>,
    directory: PathBuf,
    alive: AtomicBool,
    /// Whether something runs, and when the warden was first told to kill it.
    running: Mutex<Option<Running>>,
}

#[derive(Default)]
struct Running {
    told_to_kill: Option<Instant>,
}

/// Whoever panicked while holding one of these locks left nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Warden {
    /// Starts `executable warden`.
    ///
    /// # Errors
    /// Where it can't be started or doesn't answer.
    pub fn start(executable: &Path) -> io::Result<Warden> {
        let mut process = std::process::Command::new(executable)
            .arg("warden")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Frontends and terminals interrupt whole groups; the warden is told what to do instead.
            .process_group(0)
            .spawn()?;
        let input = process.stdin.take();
        let output = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut output = BufReader::new(output);
        match receive(&mut output) {
            Some(Message::Ready { directory }) => Ok(Warden {
                process: Mutex::new(process),
                input: Mutex::new(input),
                output: Mutex::new(output),
                directory,
                alive: AtomicBool::new(true),
                running: Mutex::default(),
            }),
            Some(Message::Unable(why)) => {
                drop(input);
                process.wait()?;
                Err(io::Error::other(why))
            }
            _ => {
                drop(input);
                process.wait()?;
                Err(io::Error::other("it ended at once"))
            }
        }
    }

    /// A private folder, removed when the warden ends.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The warden's process id.
    pub fn id(&self) -> u32 {
        lock(&self.process).id()
    }

    /// Whether the warden still answers, as far as is known.
    pub fn is_alive(&self) -> bool {
        let exited = !matches!(lock(&self.process).try_wait(), Ok(None));
        self.alive.load(Ordering::SeqCst) && !exited
    }

    /// Runs a process to its end; blocks without polling.
    ///
    /// Where `stop` is set, or is set while it runs and [`Warden::kill`] is called, it ends as
    /// [`End::Interrupted`].
    pub fn run(&self, launch: &Launch, stop: &Stop) -> Ended {
        // From the check to the end of the message under one lock: `kill` comes before or after both.
        let mut input = lock(&self.input);
        if stop.is_set() {
            return ended_without_running(End::Interrupted);
        }
        *lock(&self.running) = Some(Running::default());
        let sent = send(&mut input, &Command::Start(launch.clone()));
        drop(input);
        let answer = sent.ok().and_then(|()| self.answer());
        *lock(&self.running) = None;
        match answer {
            Some(Message::Ended(ended)) => *ended,
            _ => self.lost(),
        }
    }

    /// Starts a long-lived service, or finds it running, and returns the first line that it printed.
    ///
    /// # Errors
    /// Where it doesn't start or prints nothing.
    pub fn service(&self, argv: &[String]) -> io::Result<String> {
        let mut input = lock(&self.input);
        send(&mut input, &Command::Service(argv.to_vec()))?;
        drop(input);
        match self.answer() {
            Some(Message::Service(Ok(line))) => Ok(line),
            Some(Message::Service(Err(error))) => Err(io::Error::other(error)),
            _ => {
                self.lost();
                Err(io::Error::other("the warden was killed"))
            }
        }
    }

    /// Kills whatever trial runs, with its whole tree; from any thread.
    pub fn kill(&self) {
        let mut input = lock(&self.input);
        let mut running = lock(&self.running);
        let Some(running) = running.as_mut() else {
            return;
        };
        let since = *running.told_to_kill.get_or_insert_with(Instant::now);
        // A warden that is gone has no trials either.
        let _ = match since.elapsed() > KILLING {
            true => lock(&self.process).kill(),
            false => send(&mut input, &Command::Kill),
        };
    }

    fn answer(&self) -> Option<Message> {
        receive(&mut lock(&self.output))
    }

    fn lost(&self) -> Ended {
        self.alive.store(false, Ordering::SeqCst);
        self.clear();
        ended_without_running(End::WardenLost)
    }
}

impl Warden {
    /// Does what a warden that was killed could not do itself.
    fn clear(&self) {
        if self.directory.exists() {
            spawn::kill_orphans(&self.directory);
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        *lock(&self.input) = None;
        let _ = lock(&self.process).wait();
        self.clear();
    }
}

fn ended_without_running(end: End) -> Ended {
    Ended {
        end,
        reply: String::new(),
        printed: String::new(),
        elapsed_ns: 0,
        user_ns: 0,
        system_ns: 0,
        samples: Vec::new(),
        started_ns: 0,
    }
}

fn send(input: &mut Option<ChildStdin>, command: &Command) -> io::Result<()> {
    let input = input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut line = serde_json::to_string(command)?;
    line.push('\n');
    input.write_all(line.as_bytes())
}

fn receive(output: &mut BufReader<ChildStdout>) -> Option<Message> {
    let mut line = String::new();
    output.read_line(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}
