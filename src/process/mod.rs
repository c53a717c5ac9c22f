//! Processes: the warden that starts and ends them for the kernel, and the interrupt that stops a cell.
//!
//! Only this module knows pipes, groups, signals and shared memory. [`warden`] is the process that starts every trial,
//! [`Warden`] the kernel's end of it; `running` is one trial while it runs, `spawn` starts and ends
//! processes, `tree` and `threads` read what the system says about a tree of them; [`worker`] and [`shared`] are
//! for the models.

mod client;
pub mod clock;
mod interrupt;
mod remedy;
mod running;
mod semaphores;
pub mod shared;
pub mod signals;
mod spawn;
mod threads;
pub mod tree;
pub mod warden;
pub mod worker;

pub use client::Warden;
pub use interrupt::{Interrupt, Stop};
pub use remedy::{explained, remedy};
pub use threads::{StateRun, ThreadLife, ThreadLives, ThreadState};

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The descriptor on which a trial writes its reply, so that what it prints is kept apart.
pub const REPLY_DESCRIPTOR: i32 = 3;

/// A process to be started by the warden, in a process group of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Launch {
    /// Executable and arguments.
    pub argv: Vec<String>,
    /// Working directory; must exist.
    pub directory: PathBuf,
    /// Text written to its standard input, which is then closed.
    pub stdin: String,
    /// Killed after this long.
    pub timeout_ns: u64,
    /// Killed when its tree holds more than this (looked at four times a second).
    pub memory_limit_bytes: u64,
    /// What is looked at while it runs.
    pub watch: Watch,
}

/// What the warden looks at while a process runs, beside its memory limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watch {
    /// Nothing.
    Nothing,
    /// Memory and CPU time of its tree, as fast as it goes.
    Memory,
    /// What each thread of its tree does, once it has become an interpreter.
    Threads,
}

/// How a launched process ended, with what was seen of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// How.
    pub end: End,
    /// What it wrote on [`REPLY_DESCRIPTOR`]; empty where it wrote nothing.
    pub reply: String,
    /// The last lines (at most 16 KiB) of what it printed on standard output and error, together.
    pub printed: String,
    /// From the start of the process to its end, as the warden saw it.
    pub elapsed_ns: u64,
    /// User CPU time of its tree as `wait4` tells it.
    pub user_ns: u64,
    /// System CPU time of its tree as `wait4` tells it.
    pub system_ns: u64,
    /// Memory of its tree over time; empty unless that was watched.
    pub samples: Vec<MemorySample>,
    /// When it was started, by the monotonic clock that all processes share.
    pub started_ns: u64,
    /// What its threads did; empty unless they were watched.
    pub threads: ThreadLives,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// By itself, with this exit code.
    Exited(i32),
    /// By a signal that the warden did not send.
    Signalled(i32),
    /// Killed at its deadline.
    TimedOut,
    /// Killed because its tree held this many bytes.
    OverMemory(u64),
    /// Killed because the cell was interrupted.
    Interrupted,
    /// It never ran; the reason.
    NotStarted(String),
    /// The warden itself ended; the trial was killed with it.
    WardenLost,
}

/// The memory of a tree of processes at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MemorySample {
    /// Since the start of the process.
    pub at_ns: u64,
    /// Sum over the tree: PSS, or RSS where `pss` is false.
    pub bytes: u64,
    /// Processes in the tree.
    pub processes: u32,
    /// CPU time of the tree so far: of what lives by its own clock, of what was reaped in the system's ticks.
    pub cpu_ns: u64,
    /// Whether every process let its PSS be read.
    pub pss: bool,
    /// The processes that it is the sum of; empty in answers saved before they were kept apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_process: Vec<ProcessSample>,
}

/// The memory and CPU time of one process of a tree at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(u32, u64, u64)", from = "(u32, u64, u64)")]
pub struct ProcessSample {
    /// 0 is the root of the tree, the others count from 1 in the order in which they were first seen;
    /// [`MOST_APART`] stands for all that came after those.
    pub number: u32,
    /// PSS, or RSS where that could not be read; nothing once it has ended.
    pub bytes: u64,
    /// CPU time since its start; of several together it never falls.
    pub cpu_ns: u64,
}

/// Processes of a tree that are kept apart from each other.
pub const MOST_APART: u32 = 16;

impl From<ProcessSample> for (u32, u64, u64) {
    fn from(sample: ProcessSample) -> Self {
        (sample.number, sample.bytes, sample.cpu_ns)
    }
}

impl From<(u32, u64, u64)> for ProcessSample {
    fn from((number, bytes, cpu_ns): (u32, u64, u64)) -> Self {
        ProcessSample {
            number,
            bytes,
            cpu_ns,
        }
    }
}

/// Every second sample, the larger of each pair: the peak stays.
pub fn thinned(samples: &[MemorySample]) -> Vec<MemorySample> {
    let larger = |pair: &[MemorySample]| {
        let largest = pair.iter().max_by_key(|sample| sample.bytes);
        largest.cloned().expect("chunks are never empty")
    };
    samples.chunks(2).map(larger).collect()
}
