//! What the verdict says of groups of tasks that ran side by side: on which model one makes another wait.

use super::verdict::{list, name};
use super::{Report, Row};
use crate::units::{format_ns, format_ratio};

/// Groups that have a sentence.
const MOST_GROUPS: usize = 2;
/// Ratio of latencies from which models differ clearly: latencies are medians over the runs, and within
/// half of each other they may differ by the machine's doing.
const CLEARLY: f64 = 2.0;
/// Shortest latency that is worth a word.
const LEAST_NS: f64 = 100e3;

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

/// By how many times a group's median latencies differ, and the sentence; `None` where it isn't clear.
fn differing(report: &Report, group: &str) -> Option<(f64, String)> {
    let median = |row: &Row| {
        let group = row.groups.iter().find(|own| own.name == group)?;
        Some(group.latency_ns.as_ref()?.median)
    };
    let mut rows: Vec<(&Row, f64)> = report
        .rows
        .iter()
        .filter_map(|row| Some((row, median(row)?)))
        .collect();
    rows.sort_by(|a, b| a.1.total_cmp(&b.1));
    let ((_, low), (_, high)) = (*rows.first()?, *rows.last()?);
    if high < CLEARLY * low || high < LEAST_NS || low <= 0.0 {
        return None;
    }
    // Those as quick as the quickest, and those that are not.
    let (quick, slow): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, ns)| *ns < CLEARLY * low);
    let names = |rows: &[(&Row, f64)]| {
        let names: Vec<String> = rows.iter().map(|(row, _)| name(row)).collect();
        list(&names)
    };
    let slow_names: Vec<String> = slow
        .iter()
        .rev()
        .map(|(row, ns)| format!("{} on {}", format_ns(*ns), name(row)))
        .collect();
    let up_to = if quick.len() > 1 { "at most " } else { "" };
    let most = quick.last()?.1;
    let ratio = high / low;
    Some((
        ratio,
        format!(
            "A task of {group} took {up_to}{} on {}, but {} ({}): medians from a task's start to its end.",
            format_ns(most),
            names(&quick),
            list(&slow_names),
            format_ratio(high / most)
        ),
    ))
}
