//! Worker processes of a trial: the same binary again, spoken to by lines over pipes.
//!
//! A worker is given one line of set-up, then lines of work, and answers each with a line; raw bytes may
//! follow a line in either direction. It ends when its input is closed, after a last line. Never forked
//! without exec, so a threaded trial can start them. [`Worker`] is spoken to by a thread that waits,
//! [`Pipes`] by an event loop.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;

/// A running worker.
pub struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts `executable worker PARENT`.
    ///
    /// # Errors
    /// Where the system refuses another process or pipe.
    pub fn start(executable: &Path) -> io::Result<Worker> {
        let mut child = Command::new(executable)
            .arg("worker")
            .arg(std::process::id().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Worker {
            child,
            input,
            output: BufReader::new(output),
        })
    }

    /// Sends a line, which must hold no line break itself.
    ///
    /// # Errors
    /// Where the worker has ended.
    pub fn send(&mut self, line: &str) -> io::Result<()> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(format!("{line}\n").as_bytes())
    }

    /// Sends raw bytes; waits while the worker doesn't read them.
    ///
    /// # Errors
    /// Where the worker has ended.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(bytes)
    }

    /// Reads raw bytes that follow a line.
    ///
    /// # Errors
    /// Where the worker ends before.
    pub fn receive_bytes(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.output.read_exact(bytes)
    }

    /// Gives the pipes to the event loop that this thread is in; what is left is the process itself.
    ///
    /// # Errors
    /// Where the event loop can't watch them, or they have been taken before.
    pub fn take_pipes(&mut self) -> io::Result<Pipes> {
        let input = self.input.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let output = self.output.get_ref().as_fd().try_clone_to_owned()?;
        Ok(Pipes {
            input: Some(pipe::Sender::from_owned_fd(OwnedFd::from(input))?),
            output: tokio::io::BufReader::new(pipe::Receiver::from_owned_fd(output)?),
        })
    }

    /// Ends the worker at once.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
    }

    /// Tells the worker that nothing more comes: it ends after what it was given.
    pub fn close(&mut self) {
        self.input = None;
    }

    /// Waits for the next line that the worker answers; `None` where it has ended.
    ///
    /// # Errors
    /// Those of reading a pipe.
    pub fn receive(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        Ok((self.output.read_line(&mut line)? > 0).then_some(line))
    }

    /// Whether an answer has arrived that needs no waiting.
    fn is_buffered(&self) -> bool {
        !self.output.buffer().is_empty()
    }

    /// How the worker ended, where it has ended and not well.
    pub fn failure(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok()??;
        how_it_ended(status).err()
    }

    /// Waits for the worker's end and reaps it; how it ended where that wasn't well.
    pub fn join(mut self) -> Result<(), String> {
        self.close();
        let status = self.child.wait().map_err(|error| error.to_string())?;
        how_it_ended(status)
    }
}

fn how_it_ended(status: ExitStatus) -> Result<(), String> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(format!("ended with exit code {code}")),
        (None, signal) => Err(format!("was killed by signal {}", signal.unwrap_or(0))),
    }
}

/// The ends of a worker's pipes, for an event loop.
pub struct Pipes {
    input: Option<pipe::Sender>,
    output: tokio::io::BufReader<pipe::Receiver>,
}

impl Pipes {
    /// Sends a line and raw bytes behind it.
    ///
    /// # Errors
    /// Where the worker has ended.
    pub async fn send(&mut self, line: &str, bytes: &[u8]) -> io::Result<()> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(format!("{line}\n").as_bytes()).await?;
        input.write_all(bytes).await
    }

    /// Waits for the next line; `None` where the worker has ended.
    ///
    /// # Errors
    /// Those of reading a pipe.
    pub async fn receive(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        Ok((self.output.read_line(&mut line).await? > 0).then_some(line))
    }

    /// Reads raw bytes that follow a line.
    ///
    /// # Errors
    /// Where the worker ends before.
    pub async fn receive_bytes(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.output.read_exact(bytes).await.map(|_| ())
    }

    /// Tells the worker that nothing more comes.
    pub fn close(&mut self) {
        self.input = None;
    }
}

/// Waits until some of the workers have answered or ended; their positions in `workers`.
///
/// # Errors
/// Those of `poll`.
pub fn wait_any<'a>(workers: impl Iterator<Item = &'a Worker>) -> io::Result<Vec<usize>> {
    let mut polled: Vec<libc::pollfd> = Vec::new();
    let mut ready = Vec::new();
    for (position, worker) in workers.enumerate() {
        if worker.is_buffered() {
            ready.push(position);
        }
        let fd = worker.output.get_ref().as_raw_fd();
        polled.push(libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        });
    }
    if !ready.is_empty() {
        return Ok(ready);
    }
    loop {
        // SAFETY: `polled` is a valid slice of pollfd and stays alive during the call.
        let count = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, -1) };
        if count >= 0 {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok((0..polled.len())
        .filter(|position| polled[*position].revents != 0)
        .collect())
}

/// Has the calling process killed when its parent ends, and ends it now if that has happened already.
///
/// `parent` is the process that must be the parent. The signal comes when the *thread* that started this
/// process ends, so a parent starts processes from threads that live as long as it does.
pub fn die_with_parent(parent: u32) {
    // SAFETY: prctl with PR_SET_PDEATHSIG and getppid have no memory effects.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() as u32 != parent {
            libc::_exit(1);
        }
    }
}
