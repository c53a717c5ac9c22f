//! Signals and reaping, for the warden alone: its process is single-threaded.

use super::warden::own;
use std::io;
use std::mem::{MaybeUninit, zeroed};
use std::os::fd::{AsRawFd, OwnedFd};

/// Makes orphaned descendants come to this process.
pub fn become_subreaper() {
    // SAFETY: prctl with this option has no memory effects.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
}

/// Lets the system keep children's ends for `wait`, also where a parent had it ignore them.
pub fn keep_children_waitable() {
    // SAFETY: SIG_DFL is a valid disposition for SIGCHLD.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// Blocks SIGCHLD, SIGTERM and SIGHUP and makes them readable; SIGINT is ignored.
///
/// # Errors
/// Those of `signalfd`.
pub fn catch() -> io::Result<OwnedFd> {
    keep_children_waitable();
    // SAFETY: the set is initialised by sigemptyset before it is used.
    let fd = unsafe {
        libc::signal(libc::SIGINT, libc::SIG_IGN);
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(set.as_mut_ptr());
        for signal in [libc::SIGCHLD, libc::SIGTERM, libc::SIGHUP] {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        libc::sigprocmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
        libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    };
    if fd < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(own(fd))
    }
}

/// Undoes [`catch`] in a process that was just forked: no program starts with signals blocked or ignored that its
/// tasks may be told to end by. Async-signal-safe.
pub fn reset() {
    keep_children_waitable();
    // SAFETY: the set is initialised by sigemptyset before it is used.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_DFL);
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        let mut none = MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
    }
}

/// Takes the signals that have come; whether one of them says to go.
pub fn told_to_go(signals: &OwnedFd) -> bool {
    let mut go = false;
    loop {
        // SAFETY: signalfd_siginfo is plain numbers, and the size read is its own.
        let (count, info) = unsafe {
            let mut info: libc::signalfd_siginfo = zeroed();
            let size = size_of::<libc::signalfd_siginfo>();
            (
                libc::read(signals.as_raw_fd(), (&raw mut info).cast(), size),
                info,
            )
        };
        if count <= 0 {
            return go;
        }
        go |= info.ssi_signo != libc::SIGCHLD as u32;
    }
}

/// Reaps every child that has ended: its id, status and what it and its reaped children used.
pub fn reap() -> Vec<(u32, i32, libc::rusage)> {
    let mut reaped = Vec::new();
    loop {
        // SAFETY: status and usage are plain numbers, filled by the call.
        let (pid, status, usage) = unsafe {
            let mut status = 0;
            let mut usage: libc::rusage = zeroed();
            (
                libc::wait4(-1, &mut status, libc::WNOHANG, &mut usage),
                status,
                usage,
            )
        };
        if pid <= 0 {
            return reaped;
        }
        reaped.push((pid as u32, status, usage));
    }
}

/// Kills a process; one that is gone already is no error.
pub fn kill(pid: u32) {
    // SAFETY: kill has no memory effects.
    unsafe { libc::kill(pid as i32, libc::SIGKILL) };
}

/// Kills a process group.
pub fn kill_group(group: u32) {
    // SAFETY: kill has no memory effects.
    unsafe { libc::kill(-(group as i32), libc::SIGKILL) };
}
