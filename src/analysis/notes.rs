//! Notes of single rows: what makes one row's numbers less certain, told below the table.
//!
//! To add a note: its lines in [`notes`], or a function that gives it.

use super::Traced;
use super::said::{is_long, is_traceback, last_line};
use super::statistics::outliers;
use crate::model;
use crate::trial::{Measurement, MemorySource};
use crate::units::{format_count, format_ns};

/// Samples below which a sampled peak is only a lower bound.
pub const FEW_SAMPLES: u32 = 5;
/// Worker processes from which on a sample may miss some of them, and the share of them that will do.
const MANY_WORKERS: u32 = 20;
const NEARLY_ALL: f64 = 0.9;
/// Most characters that are told of a line that a trial printed.
const MOST_PRINTED: usize = 200;
/// CPU time by which two ways of counting may differ: exec and exit lie outside one of them.
const CPU_SLACK_NS: f64 = 20e6;
const CPU_SLACK: f64 = 0.05;

/// All notes of a row: of its timed and of its observed runs.
pub(super) fn notes(
    model: &str,
    measured: &[&Measurement],
    observed: &[&Measurement],
) -> Vec<String> {
    let mut notes = Vec::new();
    let walls: Vec<f64> = measured.iter().map(|m| m.reply.wall_ns as f64).collect();
    match outliers(&walls).len() {
        0 => {}
        1 => notes.push("one run was an outlier (kept)".to_owned()),
        count => notes.push(format!("{count} runs were outliers (kept)")),
    }
    let disagree = |m: &&&Measurement| {
        let (inside, outside) = (
            m.cpu_ns() as f64 + m.reply.outside_cpu_ns as f64,
            m.warden_cpu_ns as f64,
        );
        (inside - outside).abs() > CPU_SLACK_NS + CPU_SLACK * inside.max(outside)
    };
    if let Some(m) = measured.iter().find(disagree) {
        notes.push(format!(
            "two ways of counting CPU time disagree: {} by the trial, {} by the system",
            format_ns(m.cpu_ns() as f64 + m.reply.outside_cpu_ns as f64),
            format_ns(m.warden_cpu_ns as f64)
        ));
    }
    let peaks: Vec<_> = observed.iter().filter_map(|m| m.memory).collect();
    if peaks
        .iter()
        .any(|p| p.source != MemorySource::HighWater && p.samples < FEW_SAMPLES)
    {
        notes.push(
            "too short for more than a few samples of its memory: the peak is a lower bound"
                .to_owned(),
        );
    }
    notes.extend(few_processes_seen(model, observed));
    if peaks.iter().any(|p| p.source == MemorySource::Rss) {
        notes.push(
            "memory is RSS (PSS could not be read): shared pages count more than once".to_owned(),
        );
    }
    let error = measured
        .iter()
        .find_map(|m| m.reply.tally.first_error.as_deref());
    if let Some(error) = error {
        let error = match is_traceback(error) {
            true => last_line(error),
            false => error,
        };
        notes.push(format!("a task failed: {error}"));
    }
    let mut printed = measured.iter().map(|m| m.printed.as_str());
    if let Some(line) = printed.find(|p| !p.trim().is_empty() && !is_long(p)) {
        let line = last_line(line);
        let end = line.char_indices().nth(MOST_PRINTED).map(|(end, _)| end);
        notes.push(match end {
            Some(end) => format!("it printed: {}…", &line[..end]),
            None => format!("it printed: {line}"),
        });
    }
    notes
}

/// Where a trace has not all that happened.
pub(super) fn cut(traced: &Traced) -> Option<String> {
    let kept: usize = traced.trace.lanes.iter().map(|lane| lane.spans.len()).sum();
    (traced.spans_cut > 0).then(|| {
        format!(
            "its trace was cut after {} spans, {} more happened: times of each state are whole, what is drawn \
             or exported of single spans ends early",
            format_count(kept as u64),
            format_count(traced.spans_cut)
        )
    })
}

/// Where a sampled peak was read while not all worker processes were alive together: how many were.
fn few_processes_seen(model: &str, observed: &[&Measurement]) -> Option<String> {
    if !model::find(model).is_some_and(|model| model.def().uses_processes) {
        return None;
    }
    let seen = |m: &&Measurement| {
        let memory = m.memory.filter(|memory| memory.most_processes > 0)?;
        // One of them is the trial's own.
        Some((memory.most_processes - 1, m.reply.tally.workers))
    };
    let (seen, workers) = observed.iter().filter_map(seen).max()?;
    let few = workers >= MANY_WORKERS && f64::from(seen) < NEARLY_ALL * f64::from(workers);
    few.then(|| {
        format!(
            "{} of {} processes were seen at once: the peak of memory is a lower bound",
            format_count(seen.into()),
            format_count(workers.into())
        )
    })
}
