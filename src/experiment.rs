//! An experiment: a cell with every default resolved.
//!
//! `spec` makes one from text; `plan`, `trial` and `analysis` read it. It holds no text to be parsed
//! again and refers to nothing outside itself. To add a key of the cell language: a field here and a row
//! in `spec`'s table of keys.

use crate::claim::Claim;
use crate::model::{Pool, Settings, Start};
use crate::program::Program;
use crate::runtime::Runtime;
use crate::units::{bytes_text, duration_text, format_count};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Figures that are drawn from a traced run.
pub const TRACED_FIGURES: &[&str] = &["timeline", "breakdown", "lag"];
/// Metrics that are read from a traced run.
pub const TRACED_METRICS: &[&str] = &["lag", "lock_wait", "gil_wait", "start_up"];

/// Models with an event loop, whose lag a traced run tells.
pub const LOOP_MODELS: &[&str] = &["async", "hybrid", "async-threads"];

/// Whether a file is one that a trace is saved to: in the Chrome trace event format.
pub fn is_trace(path: &str) -> bool {
    path.ends_with("trace.json")
}

/// One cell, resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// Given, or generated from the task.
    pub title: String,
    /// What later cells call it.
    pub name: Option<String>,
    /// The models to race, in the order of the cell; at least one.
    pub series: Vec<Series>,
    /// The points of the sweep; one where nothing is swept.
    pub points: Vec<Point>,
    /// Timed repeats of each series at each point; the most of them where `repeat_auto` is set.
    pub repeat: u32,
    /// Whether repeats end once the interval of each ratio is narrow.
    pub repeat_auto: bool,
    /// Untimed (sampled) runs before them.
    pub warmup: u32,
    /// How trials follow each other.
    pub order: Order,
    /// Seed of the order, of random values and of resampling.
    pub seed: u64,
    /// Most that one trial may take.
    pub trial_timeout_ns: u64,
    /// Most that the whole cell should take.
    pub budget_ns: u64,
    /// Most that one trial may hold; `None`: three quarters of what is free.
    pub memory_limit_bytes: Option<u64>,
    /// How long a thread may keep an interpreter's lock that others wait for; `None`: 5 ms.
    pub switch_interval_ns: Option<u64>,
    /// Whether rows must compute the same.
    pub compare_answers: bool,
    /// Figures to draw, by name; empty: what fits the experiment's shape.
    pub plots: Vec<String>,
    /// The swept key on the x axis; `None`: the one with most points.
    pub x: Option<String>,
    /// Claims that the answer is checked against.
    pub checks: Vec<Claim>,
    /// The reader's guesses, revealed beside the answer.
    pub predictions: Vec<Claim>,
    /// Colours of the figures.
    pub theme: Theme,
    /// Whether figures that have one come with a view that can be zoomed.
    pub zoom: bool,
    /// Where the answer is saved; a name that ends in `.csv` or `.json`.
    pub save: Option<String>,
    /// Every key with its value and where it came from, for the answer's small print.
    pub settings: Vec<Resolved>,
    /// The text that it was read from.
    pub source: CellSource,
}

/// The text of a cell with all that it refers to: enough to read it again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellSource {
    /// The cell, and the cells that its `base` builds on, nearest first.
    pub texts: Vec<String>,
    /// Defaults of the session, as a cell.
    pub defaults: String,
}

/// A model as one experiment runs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What tables and figures call it; unique in the experiment.
    pub label: String,
    /// Name in the registry of models.
    pub model: String,
    /// What executes the operations.
    pub runtime: Runtime,
    /// Its own number of workers, before the point's and the runtime's default.
    pub workers: Option<u32>,
    /// Its own size of chunks, before the point's and the model's default.
    pub chunk: Option<u64>,
    /// What `hybrid` computes on.
    pub pool: Pool,
    /// How Python starts its processes.
    pub start: Option<Start>,
    /// Its own limits of steps, before the point's.
    pub limits: BTreeMap<String, u64>,
}

impl Series {
    /// A model without settings of its own, called by its name.
    pub fn plain(model: &str, runtime: &Runtime) -> Series {
        Series {
            label: model.to_owned(),
            model: model.to_owned(),
            runtime: runtime.clone(),
            workers: None,
            chunk: None,
            pool: Pool::default(),
            start: None,
            limits: BTreeMap::new(),
        }
    }
}

/// One point of a sweep: the program and what was varied to get it.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Name of the case; `None` where the cell has none.
    pub case: Option<String>,
    /// Swept keys and their values here; empty where nothing is swept.
    pub at: Vec<(String, At)>,
    /// What runs.
    pub program: Program,
    /// Workers of the pools, where the cell says so.
    pub workers: Option<u32>,
    /// Tasks a message of process pools, where the cell says so.
    pub chunk: Option<u64>,
}

/// A swept value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum At {
    /// A plain number.
    Count(u64),
    /// A time; in JSON as a cell writes it (`"20ms"`).
    #[serde(serialize_with = "as_duration")]
    Duration(u64),
    /// A size; in JSON as a cell writes it.
    #[serde(serialize_with = "as_size")]
    Size(u64),
    /// A word.
    Word(String),
}

fn as_duration<S: serde::Serializer>(ns: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&duration_text(*ns))
}

fn as_size<S: serde::Serializer>(bytes: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&bytes_text(*bytes))
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            At::Count(count) => f.write_str(&format_count(*count)),
            At::Duration(ns) => f.write_str(&duration_text(*ns)),
            At::Size(bytes) => f.write_str(&bytes_text(*bytes)),
            At::Word(word) => f.write_str(word),
        }
    }
}

/// How trials follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Each block has every series × point once, shuffled: drift hits all alike.
    Interleaved,
    /// All repeats of one series, then the next; for showing why one should not.
    Blocked,
}

/// Colours of the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Follows the reader's light or dark mode.
    Auto,
    /// Always light, for courses and print.
    Light,
    /// Always dark.
    Dark,
}

/// A key, its value as a cell would write it, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// The key.
    pub key: String,
    /// Its value as TOML.
    pub value: String,
    /// Where the value was written.
    pub from: Origin,
}

/// Where a setting's value was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// In the cell itself.
    Cell,
    /// In the experiment that `base` names.
    Base,
    /// In an earlier cell of defaults.
    Defaults,
    /// Nowhere: the built-in default.
    BuiltIn,
}

impl Point {
    /// Limits of steps for a series here: the point's, and its own before them.
    pub fn limits(&self, series: &Series) -> BTreeMap<String, u64> {
        let mut limits = self.program.limits.clone();
        limits.extend(
            series
                .limits
                .iter()
                .map(|(verb, limit)| (verb.clone(), *limit)),
        );
        limits
    }
}

impl Experiment {
    /// Workers that a series runs with at a point, by default those that the runtime's own pool takes: the
    /// usable CPUs, and for Python's ThreadPoolExecutor min(32, CPUs + 4).
    pub fn workers(&self, series: &Series, point: &Point, usable_cpus: u32) -> u32 {
        let pool_of_threads = match series.model.as_str() {
            "thread-pool" => true,
            "hybrid" => series.pool == Pool::Threads,
            _ => false,
        };
        let default = match series.runtime.is_python() && pool_of_threads {
            true => usable_cpus.saturating_add(4).min(32),
            false => usable_cpus,
        };
        series.workers.or(point.workers).unwrap_or(default)
    }

    /// What the model of a series is told at a point.
    pub fn settings(&self, series: &Series, point: &Point, usable_cpus: u32) -> Settings {
        Settings {
            workers: self.workers(series, point, usable_cpus),
            chunk: series.chunk.or(point.chunk),
            pool: series.pool,
            start: series.start,
        }
    }

    /// Whether the times of single tasks are wanted, which have to be recorded while they run: where there
    /// are several groups to compare, or a figure or a claim about them.
    pub fn wants_latencies(&self) -> bool {
        let named = |point: &Point| point.program.groups.iter().any(|g| !g.name.is_empty());
        let mut claims = self.checks.iter().chain(&self.predictions);
        self.plots.iter().any(|plot| plot == "latency")
            || self.points.iter().any(named)
            || claims.any(|claim| claim.asks_for("latency") || claim.asks_for("p95"))
    }

    /// Whether the answer tells what each worker did, which takes a run of its own: where a figure, a claim
    /// or a file asks for it.
    pub fn wants_trace(&self) -> bool {
        let mut claims = self.checks.iter().chain(&self.predictions);
        self.plots
            .iter()
            .any(|plot| TRACED_FIGURES.contains(&&**plot))
            || claims.any(|claim| TRACED_METRICS.iter().any(|metric| claim.asks_for(metric)))
            || self.save.as_deref().is_some_and(is_trace)
    }

    /// Index of the series that speedups are taken against, on the runtime of `series`.
    ///
    /// Sequential of the same runtime, else the runtime's first series.
    pub fn baseline(&self, series: &Series) -> usize {
        let same = |other: &Series| other.runtime == series.runtime;
        self.series
            .iter()
            .position(|other| same(other) && other.model == "sequential")
            .or_else(|| self.series.iter().position(same))
            .unwrap_or(0)
    }
}
