//! One trial while it runs, as the warden sees it: its pipes, its deadline, its memory.

use super::clock::monotonic_ns;
use super::spawn::{self, Spawned};
use super::threads::ThreadWatch;
use super::{
    End, Ended, Launch, MemorySample, ThreadLives, Watch, explained, signals, thinned, tree,
};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{ChildStdin, ExitStatus};
use std::time::{Duration, Instant};

/// Most that is kept of what a trial prints: its end.
const MOST_PRINTED: usize = 16 << 10;
/// Most reads of a pipe in a row: who prints faster than that is read must not keep the warden from all else.
const MOST_READS: usize = 64;
/// Most that a reply may be.
const MOST_REPLY: usize = 64 << 20;
/// Between two looks at the tree's memory, for its limit.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Shortest time between two samples.
const SAMPLE_EVERY: Duration = Duration::from_micros(500);
/// Samples beyond which every second one is dropped, and the next ones come half as often.
const MOST_SAMPLES: usize = 4096;

/// Why waiting ended.
pub enum Wake {
    /// The trial's process has ended.
    Ended,
    /// The kernel has written, or is gone.
    Kernel,
    /// A child has ended.
    Child,
    /// A signal told the warden to go.
    GoneSignal,
    /// It is time to look, or a pipe had something.
    Nothing,
}

/// A trial that runs.
pub struct Running {
    pid: u32,
    start: Instant,
    deadline: Instant,
    timeout_passed: bool,
    memory_limit_bytes: u64,
    next_look: Instant,
    next_sample: Option<Instant>,
    sample_every: Duration,
    samples: Vec<MemorySample>,
    /// By the monotonic clock.
    started_ns: u64,
    seen: tree::Seen,
    threads: Option<ThreadWatch>,
    request: Vec<u8>,
    input: Option<ChildStdin>,
    output: OwnedFd,
    reply: OwnedFd,
    reply_open: bool,
    output_open: bool,
    printed: Vec<u8>,
    replied: Vec<u8>,
    /// Why it was killed.
    killed: Option<End>,
    /// Status, time of the end and CPU times, once reaped.
    end: Option<(ExitStatus, Duration, u64, u64)>,
}

impl Running {
    /// Starts it.
    ///
    /// # Errors
    /// Those of [`spawn::start`].
    pub fn start(launch: &Launch) -> io::Result<Self> {
        let start = Instant::now();
        let started_ns = monotonic_ns();
        let Spawned {
            child,
            input,
            output,
            reply,
        } = spawn::start(&launch.argv, &launch.directory)?;
        Ok(Running {
            pid: child.id(),
            start,
            deadline: start + Duration::from_nanos(launch.timeout_ns),
            timeout_passed: false,
            memory_limit_bytes: launch.memory_limit_bytes,
            next_look: start + LOOK_EVERY,
            next_sample: (launch.watch == Watch::Memory).then_some(start),
            sample_every: SAMPLE_EVERY,
            samples: Vec::new(),
            started_ns,
            seen: tree::Seen::default(),
            threads: (launch.watch == Watch::Threads).then(|| ThreadWatch::new(child.id())),
            request: launch.stdin.clone().into_bytes(),
            input: Some(input),
            output,
            reply,
            reply_open: true,
            output_open: true,
            printed: Vec::new(),
            replied: Vec::new(),
            killed: None,
            end: None,
        })
    }

    /// What is told of a trial that could not be started.
    pub fn not_started(error: &io::Error) -> Ended {
        Ended {
            end: End::NotStarted(explained(error)),
            reply: String::new(),
            printed: String::new(),
            elapsed_ns: 0,
            user_ns: 0,
            system_ns: 0,
            samples: Vec::new(),
            started_ns: 0,
            threads: ThreadLives::default(),
        }
    }

    /// Waits for whatever comes first, and serves the pipes.
    ///
    /// # Errors
    /// Those of `ppoll`.
    pub fn wait(&mut self, signals: &OwnedFd) -> io::Result<Wake> {
        if self.end.is_some() {
            return Ok(Wake::Ended);
        }
        let closed = |open: bool, fd: i32| if open { fd } else { -1 };
        let poll = |fd, events| libc::pollfd {
            fd,
            events,
            revents: 0,
        };
        let input = self.input.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let mut polled = [
            poll(0, libc::POLLIN),
            poll(signals.as_raw_fd(), libc::POLLIN),
            poll(
                closed(self.output_open, self.output.as_raw_fd()),
                libc::POLLIN,
            ),
            poll(
                closed(self.reply_open, self.reply.as_raw_fd()),
                libc::POLLIN,
            ),
            poll(input, libc::POLLOUT),
        ];
        let wake = [
            Some(self.deadline),
            Some(self.next_look),
            self.next_sample,
            self.threads.as_ref().map(ThreadWatch::next),
        ]
        .into_iter()
        .flatten()
        .min();
        let left = wake.map(|wake| wake.saturating_duration_since(Instant::now()));
        spawn::wait(&mut polled, left)?;
        let happened = |index: usize| polled[index].revents != 0;
        if happened(4) {
            self.feed();
        }
        if happened(2) || happened(3) {
            self.drain();
        }
        if happened(1) {
            return Ok(if super::signals::told_to_go(signals) {
                Wake::GoneSignal
            } else {
                Wake::Child
            });
        }
        Ok(if happened(0) {
            Wake::Kernel
        } else {
            Wake::Nothing
        })
    }

    /// Writes what fits of the request, and closes the input behind it.
    fn feed(&mut self) {
        let Some(input) = &mut self.input else { return };
        match input.write(&self.request) {
            Ok(count) => {
                self.request.drain(..count);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            // It doesn't read; how it ends will say more.
            Err(_) => self.request.clear(),
        }
        if self.request.is_empty() {
            self.input = None;
        }
    }

    /// Reads what the trial has written, or the beginning of it.
    fn drain(&mut self) {
        let mut part = [0u8; 16 << 10];
        for _ in 0..MOST_READS {
            if !self.output_open {
                break;
            }
            match spawn::read(self.output.as_raw_fd(), &mut part) {
                Ok(0) => self.output_open = false,
                Ok(count) => {
                    self.printed.extend_from_slice(&part[..count]);
                    let surplus = self.printed.len().saturating_sub(MOST_PRINTED);
                    self.printed.drain(..surplus);
                }
                Err(_) => break,
            }
        }
        for _ in 0..MOST_READS {
            if !self.reply_open {
                break;
            }
            match spawn::read(self.reply.as_raw_fd(), &mut part) {
                Ok(0) => self.reply_open = false,
                Ok(count) if self.replied.len() + count <= MOST_REPLY => {
                    self.replied.extend_from_slice(&part[..count]);
                }
                // Read on and throw away: a trial must not hang on a pipe that nobody empties.
                Ok(_) => self.replied.clear(),
                Err(_) => break,
            }
        }
    }

    /// Looks at what time demands: the deadline, the memory limit, the next sample.
    pub fn look(&mut self, keep: &[u32]) {
        if self.end.is_some() {
            return;
        }
        let now = Instant::now();
        if now >= self.deadline && !self.timeout_passed {
            self.timeout_passed = true;
            self.kill(End::TimedOut, keep);
            return;
        }
        if let Some(threads) = &mut self.threads {
            threads.look();
        }
        if self.next_sample.is_some_and(|at| now >= at) {
            let sample = tree::sample(
                self.pid,
                self.start.elapsed().as_nanos() as u64,
                &mut self.seen,
            );
            self.check_limit(sample.bytes, keep);
            self.samples.push(sample);
            if self.samples.len() >= MOST_SAMPLES {
                self.samples = thinned(&self.samples);
                self.sample_every *= 2;
            }
            // Never more than half of a core.
            let took = now.elapsed();
            self.next_sample = Some(Instant::now() + took.max(self.sample_every));
        } else if now >= self.next_look {
            self.next_look = now + LOOK_EVERY;
            // Cheap, but counts shared pages more than once: the exact sum decides.
            if tree::resident_bytes(self.pid) > self.memory_limit_bytes {
                let bytes = tree::sample(self.pid, 0, &mut self.seen).bytes;
                self.check_limit(bytes, keep);
            }
        }
    }

    fn check_limit(&mut self, bytes: u64, keep: &[u32]) {
        if bytes > self.memory_limit_bytes {
            self.kill(End::OverMemory(bytes), keep);
        }
    }

    /// Kills it because the kernel said so.
    pub fn interrupt(&mut self, keep: &[u32]) {
        self.kill(End::Interrupted, keep);
    }

    fn kill(&mut self, why: End, keep: &[u32]) {
        // The first reason is the true one, unless it had ended by itself.
        if self.end.is_none() {
            self.killed.get_or_insert(why);
        }
        self.kill_all(keep);
    }

    /// Kills its group and everything that descends from it.
    pub fn kill_all(&mut self, keep: &[u32]) {
        if self.end.is_none() {
            signals::kill_group(self.pid);
        }
        for (pid, status, usage) in spawn::kill_descendants(keep) {
            self.reaped(pid, status, &usage);
        }
    }

    /// Takes note of a reaped child; whether it was this trial's own process.
    pub fn reaped(&mut self, pid: u32, status: i32, usage: &libc::rusage) -> bool {
        if pid != self.pid {
            return false;
        }
        let ns =
            |time: libc::timeval| time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1_000;
        let status = ExitStatus::from_raw(status);
        self.end = Some((
            status,
            self.start.elapsed(),
            ns(usage.ru_utime),
            ns(usage.ru_stime),
        ));
        true
    }

    /// Ends what it left behind, and tells all.
    pub fn finish(mut self, keep: &[u32]) -> Ended {
        self.kill_all(keep);
        self.drain();
        let (end, elapsed, user_ns, system_ns) = match self.end.take() {
            Some((status, elapsed, user_ns, system_ns)) => {
                let by_itself = match (status.code(), status.signal()) {
                    (Some(code), _) => End::Exited(code),
                    (None, signal) => End::Signalled(signal.unwrap_or(0)),
                };
                (
                    self.killed.take().unwrap_or(by_itself),
                    elapsed,
                    user_ns,
                    system_ns,
                )
            }
            None => (
                self.killed.take().unwrap_or(End::WardenLost),
                self.start.elapsed(),
                0,
                0,
            ),
        };
        Ended {
            end,
            reply: String::from_utf8_lossy(&self.replied).into_owned(),
            printed: String::from_utf8_lossy(&self.printed).into_owned(),
            elapsed_ns: elapsed.as_nanos() as u64,
            user_ns,
            system_ns,
            samples: self.samples,
            started_ns: self.started_ns,
            threads: self
                .threads
                .map_or_else(ThreadLives::default, ThreadWatch::finish),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_peak_and_the_order() {
        let sample = |at_ns, bytes| MemorySample {
            at_ns,
            bytes,
            processes: 1,
            pss: true,
            ..MemorySample::default()
        };
        let samples: Vec<MemorySample> = (0..9)
            .map(|at| sample(at, if at == 5 { 99 } else { at }))
            .collect();
        let thin = thinned(&samples);
        assert_eq!(thin.len(), 5);
        assert_eq!(thin.iter().map(|sample| sample.bytes).max(), Some(99));
        assert!(thin.is_sorted_by_key(|sample| sample.at_ns));
    }
}
