//! The kernel ends when the server that started it does.
//!
//! jupyter_client tells its process id in `JPY_PARENT_PID`. Where that is the real parent, a descriptor
//! of that process says when it ends; where something stands between (a wrapper, a container's
//! namespace), only having become an orphan counts. `PDEATHSIG` would fire when a mere thread of the
//! server ends.

use std::future::pending;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::sleep;

/// How often an orphan notices, where the system has no descriptors of processes.
const POLL: Duration = Duration::from_millis(500);

/// Returns when the parent has ended; never, where the kernel was started by hand.
pub async fn ended() {
    let told = std::env::var("JPY_PARENT_PID")
        .ok()
        .and_then(|text| text.parse::<i32>().ok());
    let Some(told) = told else {
        return pending().await;
    };
    if parent() != told {
        return wait_while(|| parent() != 1).await;
    }
    match open(told).and_then(watch) {
        // It may have ended, and its number been given away, before it was opened.
        Ok(_) if parent() != told => {}
        Ok(descriptor) => drop(descriptor.readable().await),
        Err(_) => wait_while(|| parent() == told).await,
    }
}

fn watch(process: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is owned by what is returned, and stays the same until that is dropped.
    Ok(unsafe { AsyncFd::register_with_interest(process, Interest::READABLE) }?)
}

async fn wait_while(condition: impl Fn() -> bool) {
    while condition() {
        sleep(POLL).await;
    }
}

fn parent() -> i32 {
    // SAFETY: getppid has no preconditions and cannot fail.
    unsafe { libc::getppid() }
}

/// A descriptor that becomes readable when the process ends (`pidfd_open`, Linux 5.3).
fn open(process: i32) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two integers; its result is a new descriptor or an error.
    let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, process, 0) };
    match i32::try_from(descriptor) {
        // SAFETY: the descriptor was just opened, and nothing else owns it.
        Ok(descriptor) if descriptor >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }),
        _ => Err(io::Error::last_os_error()),
    }
}
