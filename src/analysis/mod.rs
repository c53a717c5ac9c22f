//! Records become a report: medians, spreads, comparisons, a verdict. Pure: no I/O, no clock.
//!
//! [`report`] is the only way in. To add a finding to the verdict: a function and a row in
//! `verdict`'s RULES; a warning likewise in `warnings`. To add a metric: a row in
//! [`crate::measure::metrics`] and the line of `report` that reads it.

mod advice;
mod causes;
mod checks;
pub mod compare;
mod cost;
mod crossover;
mod failures;
mod feeding;
mod latencies;
mod limits;
mod notes;
mod over_time;
mod report;
mod runtimes;
mod said;
mod scaling;
pub mod statistics;
mod sweep;
mod sweep_verdict;
mod traced;
mod verdict;
mod warnings;
mod winner;

pub use checks::checks;
pub use cost::cost_of_observing;
pub use crossover::{Course, Crossover, summary as crossover_summary};
pub use failures::reasons;
pub use notes::FEW_SAMPLES;
pub use over_time::{OverTime, OverTimeSample, ProcessAt};
pub use report::report;
pub use runtimes::short;
pub use scaling::{Scaling, ScalingPoint, Usl};
pub use sweep::{Interval, Quantity, number, quantity};
pub use traced::{Breakdown, PARTS, Part, PartDef, Traced};
pub use verdict::place_of;
pub use winner::Winner;

use crate::diagnostic::Located;
use crate::experiment::{At, Resolved};
use crate::host::Machine;
use crate::trial::{MemorySource, Outcome};
use serde::Serialize;

/// Version of the JSON that [`Report`] becomes.
pub const SCHEMA: u32 = 1;

/// What the note of a row begins with whose traced run gave nothing; the reason follows.
pub const UNTRACED: &str = "the traced run has nothing to show: ";

/// What the tasks of some rows said in several lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// The rows that said it.
    pub labels: Vec<String>,
    /// What it is: "printed", "a task failed", or the outcome that it is the reason of.
    pub what: &'static str,
    /// The end of it: at most 20 lines.
    pub text: String,
}

/// The answer of one cell; `--json` prints it as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The experiment's title.
    pub title: String,
    /// What it ran on.
    pub machine: Machine,
    /// What is wrong with the cell; then nothing was run and there are no rows.
    pub diagnostics: Vec<Located>,
    /// One for each series at each point, in the order of the cell.
    pub rows: Vec<Row>,
    /// What the tasks themselves said in several lines.
    pub said: Vec<Said>,
    /// What follows from the rows, a sentence each.
    pub verdict: Vec<String>,
    /// What makes the numbers less certain, and what to do about it, a sentence each.
    pub warnings: Vec<String>,
    /// The swept key that figures draw along and sentences tell along; `None` where no number is swept.
    pub x: Option<String>,
    /// Whether the work is set to a time on each runtime, so that times across runtimes compare nothing.
    #[serde(skip)]
    pub calibrated: bool,
    /// Where along [`Report::x`] each series overtakes its baseline.
    pub crossovers: Vec<Crossover>,
    /// How the pools scale, where `workers` is swept.
    pub scaling: Vec<Scaling>,
    /// The fastest row of each point, and whether it is clearly so.
    pub winners: Vec<Winner>,
    /// Claims and how they came out.
    pub checks: Vec<Check>,
    /// The reader's guesses and how they came out.
    pub predictions: Vec<Check>,
    /// Every key's value and where it came from.
    pub settings: Vec<Resolved>,
    /// Whether an interrupt ended the cell early.
    pub interrupted: bool,
}

/// One series at one point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What tables and figures call it.
    pub label: String,
    /// Model.
    pub model: String,
    /// Runtime.
    pub runtime: String,
    /// Version of the runtime; empty for native.
    pub runtime_version: String,
    /// Case; `None` where the cell has none.
    pub case: Option<String>,
    /// Swept values.
    #[serde(serialize_with = "as_map")]
    pub at: Vec<(String, At)>,
    /// How its trials came out: the worst of the timed ones.
    pub outcome: Outcome,
    /// Why, where it is not ok.
    pub why: Option<String>,
    /// What became of its tasks, in the worst repeat.
    pub tasks: TaskCounts,
    /// Whether its answer is the same in every repeat and the same as the baseline's; `None` where
    /// nothing can be compared.
    pub agrees: Option<bool>,
    /// Workers that ran.
    pub workers: u32,
    /// Wall time.
    pub wall_ns: Option<Summary>,
    /// CPU time of the tree, user and system.
    pub cpu_ns: Option<Summary>,
    /// Peak memory of the tree.
    pub peak_pss_bytes: Option<Summary>,
    /// The same over what the idle runner holds.
    pub growth_bytes: Option<Summary>,
    /// How memory was read.
    pub memory_source: Option<MemorySource>,
    /// Samples that the peak was read from; few make it a lower bound.
    pub memory_samples: u32,
    /// Voluntary context switches.
    pub voluntary_switches: Option<Summary>,
    /// Involuntary context switches.
    pub involuntary_switches: Option<Summary>,
    /// Page faults.
    pub page_faults: Option<Summary>,
    /// Against the baseline; `None` for the baseline itself and where either was not measured.
    pub speedup: Option<Speedup>,
    /// Increments of the shared counter that the tasks of one run make; 0 where no task `add`s.
    pub updates: u64,
    /// Time that an interpreter's imports took before the clock; `None` where none ran it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imports_ns: Option<Summary>,
    /// Time outside the clock, from exec to end, where an interpreter ran it: start, imports, exit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside_ns: Option<Summary>,
    /// Updates of the shared counter that were lost (expected minus counted); `None` where no task `add`s.
    pub lost: Option<Summary>,
    /// The program's groups with the latencies of their tasks; empty where latencies weren't recorded.
    #[serde(serialize_with = "as_groups")]
    pub groups: Vec<GroupReport>,
    /// What its traced run tells; `None` where none was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traced: Option<Traced>,
    /// How much longer its fastest sampled run took than the median of the timed ones, as a share; `None`
    /// where either is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling_cost: Option<f64>,
    /// Memory and CPU time of its processes over time; `None` where nothing was seen. Not in the JSON.
    #[serde(skip)]
    pub over_time: Option<OverTime>,
    /// Notes of this row alone: outliers, disagreeing counts, what it printed.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether an interrupt came before anything could be told of any row.
    pub fn nothing_to_tell(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(Row::cut_off)
    }
}

impl Row {
    /// Whether it has no numbers only because the cell was interrupted.
    pub fn cut_off(&self) -> bool {
        self.outcome == Outcome::Interrupted && self.wall_ns.is_none()
    }

    /// Whether it did the whole work, so that its time says something. A traced run alone is no answer.
    pub fn did_the_work(&self) -> bool {
        self.wall_ns.is_some()
            && self.agrees != Some(false)
            && self.tasks.failed + self.tasks.timed_out + self.tasks.cancelled == 0
    }
}

fn as_map<S: serde::Serializer>(at: &[(String, At)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(at.iter().map(|(key, value)| (key, value)))
}

fn as_groups<S: serde::Serializer>(
    groups: &[GroupReport],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(groups.iter().map(|group| (&group.name, group)))
}

/// One group of tasks within a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupReport {
    /// Its name; empty where the experiment has just one.
    #[serde(skip)]
    pub name: String,
    /// What became of its tasks, in the worst repeat.
    pub tasks: TaskCounts,
    /// How long its succeeded tasks took from start to end; `None` where none succeeded.
    pub latency_ns: Option<Latency>,
}

/// How long tasks took from start to end, in nanoseconds: medians over the repeats.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Latency {
    /// Half of the tasks took no longer.
    pub median: f64,
    /// 95 % of the tasks took no longer.
    pub p95: f64,
    /// The longest.
    pub max: f64,
    /// The quantiles 0 %, 1 % … 100 %.
    pub quantiles: Vec<f64>,
    /// The median of each run, for telling a difference from noise; not in the JSON.
    #[serde(skip)]
    pub medians: Vec<f64>,
}

/// What became of tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskCounts {
    /// Finished.
    pub succeeded: u64,
    /// Failed.
    pub failed: u64,
    /// Ran into a deadline of their own.
    pub timed_out: u64,
    /// Called off.
    pub cancelled: u64,
}

impl TaskCounts {
    /// However they came out.
    pub fn all(self) -> u64 {
        self.succeeded + self.failed + self.timed_out + self.cancelled
    }
}

/// Centre and spread of repeated measurements; never of none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The middle one.
    pub median: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// 95 % bootstrap interval of the median; from 10 repeats on.
    pub interval: Option<(f64, f64)>,
    /// All, in the order of their blocks.
    pub samples: Vec<f64>,
}

/// How many times faster than the baseline, paired by block.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Speedup {
    /// Label of the baseline.
    pub over: String,
    /// exp of the mean log ratio: above 1 is faster.
    pub ratio: f64,
    /// Lower end of the 95 % t-interval.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
    /// p of the paired t-test, corrected by Holm over the rows of one point.
    pub p: f64,
    /// Whether the difference is real and large enough to matter.
    pub differs: bool,
    /// Smallest relative difference that counts between these two; for words, not in the JSON.
    #[serde(skip)]
    pub floor: f64,
}

impl Speedup {
    /// Whether its interval excludes "as fast", be the difference large enough to count or not.
    pub fn excludes_one(&self) -> bool {
        self.high.is_finite() && (self.low > 1.0 || self.high < 1.0)
    }

    /// Whether the estimate is a difference too small to count.
    pub fn below_floor(&self) -> bool {
        self.ratio.ln().abs() < self.floor.ln_1p()
    }
}

/// A claim and how it came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// As the cell wrote it.
    pub claim: String,
    /// How it came out.
    pub result: CheckResult,
    /// The numbers: what was measured, first.
    pub why: String,
}

/// How a claim came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum CheckResult {
    /// The measurements say so.
    #[serde(rename = "ok")]
    Ok,
    /// They say the opposite.
    #[serde(rename = "FAILED")]
    Failed,
    /// They don't say.
    #[serde(rename = "not clear")]
    NotClear,
}

impl CheckResult {
    /// As answers show it.
    pub fn text(self) -> &'static str {
        match self {
            CheckResult::Ok => "ok",
            CheckResult::Failed => "FAILED",
            CheckResult::NotClear => "not clear",
        }
    }
}
