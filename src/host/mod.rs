//! What this machine is and what it allows: facts for the answer, limits for refusals.
//!
//! Everything is read, nothing assumed; a fact that can't be read is absent. Linux's own files are read
//! in [`linux`] alone. To add a fact: a field of [`Machine`] or [`Limits`] and the line that reads it.

pub mod calibration;
pub mod interpreters;
mod linux;

use linux::System;
use serde::{Deserialize, Serialize};

/// Facts of the machine, shown with every result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The CPU's name.
    pub cpu: String,
    /// CPUs that this process may use: affinity and cgroup quota respected, at least 1.
    pub usable_cpus: u32,
    /// CPUs that the machine has.
    pub cpus: u32,
    /// Memory of the machine, or the cgroup's limit where that is lower.
    pub memory_bytes: u64,
    /// Operating system and kernel.
    pub system: String,
    /// Frequency governor; empty where it can't be read.
    pub governor: String,
    /// Whether the CPU may run above its base frequency; `None` where it can't be read.
    pub turbo: Option<bool>,
    /// Load average over a minute, before the experiment.
    pub load: Option<f64>,
    /// Share of time in which some task waited for a CPU (PSI, 10 s), before the experiment, in percent.
    pub cpu_pressure: Option<f64>,
    /// Times that the cgroup was throttled by its quota during the experiment.
    pub throttled: Option<u64>,
    /// conclab's version.
    pub conclab: String,
}

/// What the machine allows this user and this process tree, all read just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Threads that one process can have (`max_map_count` / 4: each takes mappings of its own).
    pub threads_per_process: Option<u64>,
    /// Threads and processes that can still be started (ulimit -u, pids.max, threads-max, less what runs).
    pub tasks_left: Option<u64>,
    /// Descriptors that one process can have open.
    pub descriptors: Option<u64>,
    /// Memory that is available now, in the machine and in the cgroup.
    pub memory_available_bytes: Option<u64>,
}

/// What the cgroups of this process limit, where they do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cgroup {
    /// CPUs' worth of time.
    pub cpu_quota: Option<f64>,
    /// Memory.
    pub memory_limit_bytes: Option<u64>,
}

/// Threads below `max_map_count` / 4 that are kept free: the process has mappings of its own, and the
/// standard library aborts instead of failing when a thread's guard page can't be mapped.
const THREADS_KEPT_FREE: u64 = 256;

impl Machine {
    /// This machine, now.
    pub fn read() -> Self {
        let system = System::this();
        let cpus = system.cpus().or_else(linux::affinity).unwrap_or(1).max(1);
        let memory = system.meminfo_bytes("MemTotal").unwrap_or(0);
        Machine {
            cpu: system.cpu_name(),
            usable_cpus: usable_cpus(&system, cpus),
            cpus,
            memory_bytes: system
                .memory_limit_bytes()
                .map_or(memory, |limit| limit.min(memory)),
            system: system.release(),
            governor: system.governor().unwrap_or_default(),
            turbo: system.turbo(),
            load: system.load(),
            cpu_pressure: system.cpu_pressure(),
            throttled: system.throttled(),
            conclab: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// This machine's facts with what has happened since `self` was read: throttling is a difference.
    pub fn since(self) -> Self {
        let before = self.throttled;
        let now = System::this().throttled();
        Machine {
            throttled: now
                .zip(before)
                .map(|(now, before)| now.saturating_sub(before)),
            ..self
        }
    }
}

/// Affinity, and the cgroup's quota rounded up: a quota of 1.5 CPUs can keep two workers busy.
fn usable_cpus(system: &System, cpus: u32) -> u32 {
    let allowed = linux::affinity().unwrap_or(cpus).clamp(1, cpus);
    system
        .cpu_quota()
        .map_or(allowed, |quota| allowed.min(quota.ceil() as u32))
        .max(1)
}

impl Cgroup {
    /// What they limit now.
    pub fn read() -> Self {
        let system = System::this();
        Cgroup {
            cpu_quota: system.cpu_quota(),
            memory_limit_bytes: system.memory_limit_bytes(),
        }
    }
}

impl Limits {
    /// What is allowed now.
    pub fn read() -> Self {
        let system = System::this();
        let running = system.threads().unwrap_or(0);
        let machine = system
            .threads_max()
            .map(|most| most.saturating_sub(running));
        // The limit of processes a user may have does not bind root.
        // SAFETY: geteuid and getuid have no preconditions.
        let (is_root, real_user) = unsafe { (libc::geteuid() == 0, libc::getuid()) };
        let user = linux::hard_limit(libc::RLIMIT_NPROC)
            .filter(|_| !is_root)
            .map(|most| most.saturating_sub(system.threads_of(real_user).unwrap_or(running)));
        let machine_memory = system.meminfo_bytes("MemAvailable");
        Limits {
            threads_per_process: system
                .max_map_count()
                .map(|mappings| (mappings / 4).saturating_sub(THREADS_KEPT_FREE)),
            tasks_left: [machine, user, system.pids_left()]
                .into_iter()
                .flatten()
                .min(),
            descriptors: linux::hard_limit(libc::RLIMIT_NOFILE),
            memory_available_bytes: [machine_memory, system.memory_left_bytes()]
                .into_iter()
                .flatten()
                .min(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_cpu_memory_and_limits() {
        let machine = Machine::read();
        assert!(machine.usable_cpus >= 1 && machine.usable_cpus <= machine.cpus);
        assert!(machine.memory_bytes > 0 && !machine.cpu.is_empty());
        let limits = Limits::read();
        assert!(limits.memory_available_bytes.unwrap() <= Machine::read().memory_bytes);
        assert!(limits.threads_per_process.is_some() && limits.tasks_left.is_some());
    }
}
