//! Measuring the own process: what the system has counted for it. Linux's files are read here and in
//! [`crate::process::tree`] alone.
//!
//! To add a counter: a field of [`Usage`] and the line that reads it.

pub mod metrics;
pub mod trace;

use crate::process::tree;
use std::fs;

/// What the system has counted so far for this process and the children it has reaped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// User CPU time.
    pub user_ns: u64,
    /// System CPU time.
    pub system_ns: u64,
    /// Voluntary context switches.
    pub voluntary_switches: u64,
    /// Involuntary context switches.
    pub involuntary_switches: u64,
    /// Page faults, minor and major.
    pub page_faults: u64,
}

impl Usage {
    /// Everything up to now: all threads, running and joined, and all children that were waited for.
    pub fn now() -> Self {
        let (own, reaped) = (rusage(libc::RUSAGE_SELF), rusage(libc::RUSAGE_CHILDREN));
        let sum = |read: fn(&libc::rusage) -> i64| (read(&own) + read(&reaped)) as u64;
        let ns =
            |time: libc::timeval| time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1_000;
        Usage {
            user_ns: ns(own.ru_utime) + ns(reaped.ru_utime),
            system_ns: ns(own.ru_stime) + ns(reaped.ru_stime),
            voluntary_switches: sum(|usage| usage.ru_nvcsw),
            involuntary_switches: sum(|usage| usage.ru_nivcsw),
            page_faults: sum(|usage| usage.ru_minflt + usage.ru_majflt),
        }
    }

    /// What has been counted since `before`.
    pub fn since(self, before: Usage) -> Usage {
        Usage {
            user_ns: self.user_ns.saturating_sub(before.user_ns),
            system_ns: self.system_ns.saturating_sub(before.system_ns),
            voluntary_switches: self.voluntary_switches - before.voluntary_switches,
            involuntary_switches: self.involuntary_switches - before.involuntary_switches,
            page_faults: self.page_faults - before.page_faults,
        }
    }
}

fn rusage(who: libc::c_int) -> libc::rusage {
    // SAFETY: rusage is plain numbers, filled by the call; `who` is one of the two constants above.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(who, &mut usage);
        usage
    }
}

/// A field of the own `/proc/self/status` in bytes, such as `VmHWM` (largest resident set so far) or
/// `VmRSS` (resident set now); 0 where it can't be read.
pub fn own_memory_bytes(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.split(':').next() == Some(field));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .map_or(0, |kib| kib * 1024)
}

/// The own proportional set size now; `None` where it can't be read.
pub fn own_pss_bytes() -> Option<u64> {
    tree::pss_bytes(std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_only_grow_and_work_is_charged() {
        let before = Usage::now();
        let mut x = 1u64;
        for i in 0..30_000_000u64 {
            x = std::hint::black_box(x.wrapping_mul(i | 1));
        }
        let used = Usage::now().since(before);
        assert!(used.user_ns + used.system_ns > 0, "{used:?}");
        // In this order: other tests of this process allocate meanwhile.
        let now_bytes = own_memory_bytes("VmRSS");
        assert!(own_memory_bytes("VmHWM") >= now_bytes && now_bytes > 0);
    }
}
