//! One trial: one series at one point, once, in a fresh process. Its record is a measurement or a failure.
//!
//! [`run`] is the kernel's side: it has the warden start the process and turns its end into a [`Record`].
//! [`child`] is the process itself: it reads a [`Request`], runs the model with the clock running, and
//! writes a [`Reply`]; where an interpreter does that, `python` turns the process into it,
//! and `thread_states` makes its trace of what it noted and what the warden saw. A failed trial is a record like any other; nothing here returns an error.

pub mod child;
mod python;
pub mod run;
mod thread_states;

use crate::measure::trace::Trace;
use crate::model::{GroupLatencies, Settings, Site, Tally};
use crate::process::MemorySample;
use crate::program::Program;
use crate::runtime::Runtime;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// What a trial's process is asked, as one JSON object on its standard input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// What the tasks do.
    pub program: Program,
    /// Name of the model.
    pub model: String,
    /// What executes the operations.
    pub runtime: Runtime,
    /// What the model is told.
    pub settings: Settings,
    /// Whether each task's time from start to end is recorded.
    pub latencies: bool,
    /// Whether each worker notes what it does.
    #[serde(default)]
    pub trace: bool,
    /// How long a thread may keep an interpreter's lock that others wait for; `None`: 5 ms.
    #[serde(default)]
    pub switch_interval_ns: Option<u64>,
    /// What runs it instead of this program; `None`: this program does.
    #[serde(default)]
    pub python: Option<Python>,
    /// Where tasks find what they use.
    pub site: Site,
}

/// The interpreter that runs a trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Python {
    /// Its executable.
    pub interpreter: PathBuf,
    /// The harness's main file.
    pub harness: PathBuf,
    /// Its version, and its GIL where it is free-threaded, as the answer tells them.
    pub version: String,
}

/// What a trial's process answers, as one JSON object on its reply descriptor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// From the model's first action to its last join, by the monotonic clock.
    pub wall_ns: u64,
    /// User CPU time of the trial and of all it reaped, while the clock ran.
    pub user_ns: u64,
    /// System CPU time, likewise.
    pub system_ns: u64,
    /// Voluntary context switches, likewise.
    pub voluntary_switches: u64,
    /// Involuntary context switches, likewise.
    pub involuntary_switches: u64,
    /// Page faults, minor and major, likewise.
    pub page_faults: u64,
    /// CPU time of the process tree outside the clock: exec, loading, reading the request.
    pub outside_cpu_ns: u64,
    /// Largest resident set of the trial's own process (`VmHWM`).
    pub own_peak_bytes: u64,
    /// Its resident set when the clock started.
    pub idle_bytes: u64,
    /// Its proportional set then: less, where pages are shared with the kernel and the warden.
    pub idle_pss_bytes: u64,
    /// What became of the tasks.
    pub tally: Tally,
    /// What became of the tasks by group, and how long they took; empty where that wasn't asked for.
    #[serde(default)]
    pub groups: Vec<GroupLatencies>,
    /// What the interpreter is that ran it: its version, and its GIL where it is free-threaded; empty for native.
    #[serde(default)]
    pub runtime_version: String,
    /// All that the interpreter says of its build; empty for native.
    #[serde(default)]
    pub runtime_build: String,
    /// Whether its GIL was on when the clock had stopped; `None` for native.
    #[serde(default)]
    pub gil: Option<bool>,
    /// Time that imports took before the clock, where an interpreter ran the trial.
    #[serde(default)]
    pub imports_ns: u64,
    /// Whether results can't be compared: the author's own code returned nothing, or what has no stable
    /// text.
    #[serde(default)]
    pub uncompared: bool,
    /// When the clock started, by the monotonic clock that all processes share; 0 in answers saved before
    /// it was kept.
    #[serde(default)]
    pub started_ns: u64,
    /// What each worker did; the kernel's side moves it to [`Observed`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
    /// Why the model itself could not go on.
    pub error: Option<String>,
}

/// Which kind of repeat a trial is: what is observed changes what can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Sampled, its times dropped: memory and CPU over time, and the pilot of the budget.
    Sampled,
    /// What each worker does is noted, its times dropped: one run, where the answer tells of it.
    Traced,
    /// Nothing is observed but the clock and what the system counts anyway.
    Timed,
}

/// How a trial, or a row of them, came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was measured.
    Ok,
    /// It took longer than `trial_timeout`.
    Timeout,
    /// It held more than `memory_limit`, or the system killed it for memory.
    Memory,
    /// It was killed, panicked, or ended without an answer.
    Crashed,
    /// The model could not go on.
    Failed,
    /// The combination makes no sense.
    Unsupported,
    /// Refused before it started, or left out for the budget.
    NotRun,
    /// The cell was interrupted.
    Interrupted,
}

impl Outcome {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Timeout => "timeout",
            Outcome::Memory => "out of memory",
            Outcome::Crashed => "crashed",
            Outcome::Failed => "failed",
            Outcome::Unsupported => "unsupported",
            Outcome::NotRun => "not run",
            Outcome::Interrupted => "interrupted",
        }
    }
}

/// What is known of one trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Index of its series in the experiment.
    pub series: usize,
    /// Index of its point.
    pub point: usize,
    /// Number of its block; repeats of one block are compared with each other.
    pub block: u32,
    /// Kind of repeat.
    pub kind: Kind,
    /// How it came out.
    pub outcome: Outcome,
    /// Why, where it is not ok: what happened and what to change.
    pub why: Option<String>,
    /// What was measured; present where the outcome is ok.
    pub measurement: Option<Measurement>,
}

/// The numbers of one trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// What the trial's process answered.
    #[serde(flatten)]
    pub reply: Reply,
    /// From exec to end, as the warden saw it.
    pub elapsed_ns: u64,
    /// CPU time of the whole tree from exec to end by the warden's `wait4`: the cross-check.
    pub warden_cpu_ns: u64,
    /// Peak of the whole tree's memory; only from sampled repeats.
    pub memory: Option<PeakMemory>,
    /// What observing repeats saw over time.
    pub observed: Observed,
    /// The last lines of what the trial printed.
    pub printed: String,
}

/// Peak memory of a tree of processes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeakMemory {
    /// The peak.
    pub peak_bytes: u64,
    /// The same minus what the runner held before the clock started.
    pub growth_bytes: u64,
    /// How it was read.
    pub source: MemorySource,
    /// Samples it was read from.
    pub samples: u32,
    /// Most processes that one sample saw, the trial's own among them; 0 in answers saved before it was
    /// kept.
    #[serde(default)]
    pub most_processes: u32,
}

/// How a peak of memory was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemorySource {
    /// The process's own high-water mark: exact, for a tree of one process.
    HighWater,
    /// Proportional set size summed over the tree, sampled.
    Pss,
    /// Resident set size summed over the tree, sampled: counts shared pages more than once.
    Rss,
}

/// What observing repeats saw over time; empty in timed repeats.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Observed {
    /// Memory and CPU time of the tree; from sampled repeats.
    pub samples: Vec<MemorySample>,
    /// When the clock started, by the clock of the samples; `None` where that isn't known.
    pub clock_ns: Option<u64>,
    /// What each worker did when; from traced repeats.
    pub trace: Option<Arc<Trace>>,
}

impl Measurement {
    /// User and system CPU time of the tree while the clock ran.
    pub fn cpu_ns(&self) -> u64 {
        self.reply.user_ns.saturating_add(self.reply.system_ns)
    }
}
