//! What this machine is and what it allows: facts for the answer, limits for refusals.
//!
//! Everything is read, nothing assumed; a fact that can't be read is absent. Linux's own files are read
//! in [`linux`] alone. To add a fact: a field of [`Machine`] or [`Limits`] and the line that reads it.

mod linux;

use serde::Serialize;

/// Facts of the machine, shown with every result.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
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
