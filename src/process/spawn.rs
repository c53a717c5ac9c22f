//! Starting a process for the warden with nothing inherited but what it is given, and ending all of them.

use super::warden::own;
use super::{REPLY_DESCRIPTOR, signals, tree};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio, id};
use std::time::{Duration, Instant};

/// Longest that killed processes are waited for: only one that hangs in the kernel takes longer.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// The variable by which everything that descends from a trial can be found, though it changes its parent and
/// its session: the folder that it was started in.
pub const MARK: &str = "CONCLAB_TRIAL_FOLDER";

/// A process that was just started.
pub struct Spawned {
    /// The process, leader of a group of its own.
    pub child: Child,
    /// Its standard input.
    pub input: ChildStdin,
    /// The read end of its standard output and error together; does not block.
    pub output: OwnedFd,
    /// The read end of its reply descriptor; does not block.
    pub reply: OwnedFd,
}

/// Occupies the reply's number, so that no other descriptor of this process ever has it.
///
/// # Errors
/// Where `/dev/null` can't be opened.
pub fn reserve_reply_descriptor() -> io::Result<()> {
    let null = File::open("/dev/null")?;
    if null.as_raw_fd() == REPLY_DESCRIPTOR {
        // Kept open for good.
        let _ = null.into_raw_fd();
        return Ok(());
    }
    // SAFETY: both are valid descriptor numbers; what was inherited as 3 is not ours to keep.
    match unsafe { libc::dup3(null.as_raw_fd(), REPLY_DESCRIPTOR, libc::O_CLOEXEC) } {
        fd if fd < 0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// A pipe: read end that doesn't block, write end that does.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: the array has room for the two descriptors that pipe2 stores.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let (read, write) = (own(ends[0]), own(ends[1]));
    // SAFETY: fcntl on an open descriptor of ours.
    unsafe { libc::fcntl(read.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
    Ok((read, write))
}

/// Starts a process in a group of its own that dies with this one.
///
/// # Errors
/// Where the system refuses a process or a pipe, or there is no such program or folder.
pub fn start(argv: &[String], directory: &Path) -> io::Result<Spawned> {
    let (program, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let (output, output_end) = pipe()?;
    let (reply, reply_end) = pipe()?;
    let reply_fd = reply_end.as_raw_fd();
    let parent = id();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(directory)
        .env(MARK, directory)
        .stdin(Stdio::piped())
        .stdout(output_end.try_clone()?)
        .stderr(output_end)
        .process_group(0);
    // SAFETY: only async-signal-safe calls between fork and exec, on plain numbers.
    unsafe {
        command.pre_exec(move || {
            signals::reset();
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            if libc::getppid() as u32 != parent {
                libc::_exit(1);
            }
            if libc::dup2(reply_fd, REPLY_DESCRIPTOR) < 0 {
                return Err(io::Error::last_os_error());
            }
            // Whatever else is open is closed by exec, even if it was inherited without asking for that.
            libc::syscall(
                libc::SYS_close_range,
                REPLY_DESCRIPTOR + 1,
                u32::MAX,
                libc::CLOSE_RANGE_CLOEXEC,
            );
            Ok(())
        });
    }
    let mut child = command.spawn()?;
    let input = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    // SAFETY: fcntl on an open descriptor of ours; requests can be larger than a pipe.
    unsafe { libc::fcntl(input.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
    Ok(Spawned {
        child,
        input,
        output,
        reply,
    })
}

/// Kills every descendant of this process but `keep`, reaps them, and returns what was reaped.
pub fn kill_descendants(keep: &[u32]) -> Vec<(u32, i32, libc::rusage)> {
    let deadline = Instant::now() + KILL_PATIENCE;
    let mut reaped = Vec::new();
    loop {
        reaped.extend(signals::reap());
        let mut left = tree::descendants(id());
        left.retain(|pid| !keep.contains(pid));
        if left.is_empty() || Instant::now() > deadline {
            return reaped;
        }
        left.into_iter().for_each(signals::kill);
        // They die at once, but not before this line.
        std::thread::sleep(Duration::from_micros(300));
    }
}

/// Kills what a warden that was killed itself has left of those that it started in `directory` and below.
///
/// Its trial died with it, but not what the trial's tasks had started: those were nobody's descendants then.
pub fn kill_orphans(directory: &Path) {
    let Some(directory) = directory.to_str() else {
        return;
    };
    let mark = format!("{MARK}={directory}");
    let deadline = Instant::now() + KILL_PATIENCE;
    while Instant::now() < deadline {
        let left = tree::with_environment(&mark);
        if left.is_empty() {
            return;
        }
        left.into_iter().for_each(signals::kill);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until one of the descriptors can be read, or the time is over.
///
/// # Errors
/// Those of `ppoll`; a signal is none.
pub fn wait_readable(fds: &[i32], timeout: Option<Duration>) -> io::Result<Vec<bool>> {
    let mut polled: Vec<libc::pollfd> = fds
        .iter()
        .map(|fd| libc::pollfd {
            fd: *fd,
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();
    wait(&mut polled, timeout)?;
    Ok(polled.iter().map(|polled| polled.revents != 0).collect())
}

/// Waits for events of the descriptors, or until the time is over.
///
/// # Errors
/// Those of `ppoll`; a signal is none.
pub fn wait(polled: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<()> {
    let timeout = timeout.map(|timeout| libc::timespec {
        tv_sec: timeout.as_secs() as libc::time_t,
        tv_nsec: timeout.subsec_nanos().into(),
    });
    let timeout = timeout
        .as_ref()
        .map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the slice and the timespec live through the call; no signal mask is passed.
    let count = unsafe {
        libc::ppoll(
            polled.as_mut_ptr(),
            polled.len() as libc::nfds_t,
            timeout,
            std::ptr::null(),
        )
    };
    if count < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
        polled.iter_mut().for_each(|polled| polled.revents = 0);
    }
    Ok(())
}

/// Whether reading would not wait.
///
/// # Errors
/// Those of `ppoll`.
pub fn is_readable(fd: i32) -> io::Result<bool> {
    Ok(wait_readable(&[fd], Some(Duration::ZERO))?[0])
}

/// Reads what is there; 0 at the end.
///
/// # Errors
/// Those of `read`, `WouldBlock` included.
pub fn read(fd: i32, into: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the buffer is valid for the length passed.
    let count = unsafe { libc::read(fd, into.as_mut_ptr().cast(), into.len()) };
    if count < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(count as usize)
    }
}
