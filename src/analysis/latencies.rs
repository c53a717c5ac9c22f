//! What the verdict says of groups of tasks that ran side by side: on which model one makes another wait.

use super::verdict::{list, name};
use super::{Latency, Report, Row};
use crate::units::format_ns;

/// Groups that have a sentence.
const MOST_GROUPS: usize = 2;
/// How many times longer tasks take on the next slower model where a gap between models is clear; no run
/// may contradict it either.
const CLEARLY: f64 = 1.5;
/// Shortest latency that is worth a word.
const LEAST_NS: f64 = 1e6;
/// Runs of a row from which its latency can be judged.
const FEWEST: usize = 3;

/// For each named group whose tasks took much longer on some models than on others: how long, by model.
pub(super) fn groups(report: &Report) -> Vec<String> {
    // Several points can differ in this; one sentence must not speak for all of them.
    let first = report.rows.first();
    let one_point = |row: &Row| first.is_some_and(|f| f.case == row.case && f.at == row.at);
    if !report.rows.iter().all(one_point) {
        return Vec::new();
    }
    let mut known: Vec<&str> = Vec::new();
    for group in report.rows.iter().flat_map(|row| &row.groups) {
        if !group.name.is_empty() && !known.contains(&group.name.as_str()) {
            known.push(&group.name);
        }
    }
    let mut found: Vec<(f64, String)> = known
        .into_iter()
        .filter_map(|group| differing(report, group))
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.truncate(MOST_GROUPS);
    found.into_iter().map(|(_, sentence)| sentence).collect()
}

/// The widest gap between models in a group's median latency, and the sentence; `None` where it isn't clear.
fn differing<'a>(report: &'a Report, group: &str) -> Option<(f64, String)> {
    let latency = |row: &'a Row| {
        let group = row.groups.iter().find(|own| own.name == group)?;
        let latency = group.latency_ns.as_ref()?;
        let enough = latency.medians.len() >= FEWEST && latency.median > 0.0;
        enough.then_some((row, latency))
    };
    let mut rows: Vec<(&Row, &Latency)> = report.rows.iter().filter_map(latency).collect();
    rows.sort_by(|a, b| a.1.median.total_cmp(&b.1.median));
    let gaps = rows.windows(2);
    let gaps = gaps
        .map(|two| two[1].1.median / two[0].1.median)
        .enumerate();
    let (at, gap) = gaps.max_by(|a, b| a.1.total_cmp(&b.1))?;
    let (quick, slow) = rows.split_at(at + 1);
    let runs = |rows: &[(&Row, &'a Latency)]| -> Vec<f64> {
        let runs = rows.iter().flat_map(|(_, latency)| &latency.medians);
        runs.copied().collect()
    };
    let longest = runs(quick).into_iter().fold(0.0, f64::max);
    let apart = runs(slow).into_iter().all(|ns| ns > longest);
    if gap < CLEARLY || slow[0].1.median < LEAST_NS || !apart {
        return None;
    }
    let told = |rows: &[(&Row, &Latency)]| {
        let told = rows.iter();
        let told =
            told.map(|(row, latency)| format!("{} on {}", format_ns(latency.median), name(row)));
        list(&told.collect::<Vec<_>>())
    };
    let slow: Vec<_> = slow.iter().rev().copied().collect();
    Some((
        gap,
        format!(
            "A task of {group} took {} (median), but {}.",
            told(quick),
            told(&slow)
        ),
    ))
}
