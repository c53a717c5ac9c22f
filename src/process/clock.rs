//! The system's clocks in nanoseconds: the monotonic one, which all processes of a machine share, and CPU time.

/// Now, by the monotonic clock that all processes share.
pub fn monotonic_ns() -> u64 {
    read_ns(libc::CLOCK_MONOTONIC).unwrap_or(0)
}

/// CPU time of the calling thread, from its start.
pub fn thread_cpu_ns() -> u64 {
    read_ns(libc::CLOCK_THREAD_CPUTIME_ID).unwrap_or(0)
}

/// What a clock of the system says; `None` where there is none of that id.
pub(super) fn read_ns(clock: libc::clockid_t) -> Option<u64> {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is there to be written to; an unknown clock is an error.
    let read = unsafe { libc::clock_gettime(clock, &mut now) } == 0;
    read.then(|| now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64)
}
