//! The verdict: what follows from the measured numbers, in a few sentences.
//!
//! Every sentence comes from this report's rows, never from what a model is supposed to do. To add a
//! finding: a function and a row in [`RULES`].

use super::{Report, Row};
use crate::trial::Outcome;
use crate::units::{format_ns, format_ratio, ratio_digits};

/// A look at the whole report: sentences, none where it finds nothing.
type Rule = fn(&Report) -> Vec<String>;

/// In the order in which a reader wants to know.
const RULES: &[Rule] = &[wrong_answers, ranking, limits, failures];

/// Points beyond which only the first and the last are ranked in words.
const MOST_POINTS: usize = 3;
/// Ratio of memory from which it is worth a word.
const MORE_MEMORY: f64 = 1.25;

/// All sentences.
pub fn verdict(report: &Report) -> Vec<String> {
    RULES.iter().flat_map(|rule| rule(report)).collect()
}

/// Rows of each point, in order.
fn points(report: &Report) -> Vec<Vec<&Row>> {
    let mut points: Vec<Vec<&Row>> = Vec::new();
    for row in &report.rows {
        match points.last_mut() {
            Some(point) if point[0].case == row.case && point[0].at == row.at => point.push(row),
            _ => points.push(vec![row]),
        }
    }
    points
}

/// What is said before a sentence about one of several points.
fn place(row: &Row) -> String {
    let mut parts: Vec<String> = row.case.iter().cloned().collect();
    parts.extend(row.at.iter().map(|(key, value)| format!("{key} = {value}")));
    if parts.is_empty() {
        String::new()
    } else {
        format!("{}: ", parts.join(", "))
    }
}

fn wrong_answers(report: &Report) -> Vec<String> {
    let wrong = report.rows.iter().filter(|row| row.agrees == Some(false));
    wrong
        .map(|row| {
            format!(
                "{}WRONG ANSWER: {} did not compute what the others did, so its times mean nothing.",
                place(row),
                row.label
            )
        })
        .collect()
}

/// Who was faster than the baseline, who slower, and where nothing can be told.
fn ranking(report: &Report) -> Vec<String> {
    let points = points(report);
    let several = points.len() > MOST_POINTS;
    let chosen: Vec<&Vec<&Row>> = match several {
        true => points.iter().take(1).chain(points.last()).collect(),
        false => points.iter().collect(),
    };
    chosen.into_iter().filter_map(|rows| rank(rows)).collect()
}

fn rank(rows: &[&Row]) -> Option<String> {
    let mut compared: Vec<&Row> = rows
        .iter()
        .copied()
        .filter(|row| row.speedup.is_some())
        .collect();
    let place = place(rows.first()?);
    if compared.is_empty() {
        // Nothing to compare with: what it took.
        let row = rows.iter().find(|row| row.wall_ns.is_some())?;
        let (wall, cpu) = (row.wall_ns.as_ref()?, row.cpu_ns.as_ref()?);
        return Some(format!(
            "{place}{} took {} and used {} of CPU time.",
            row.label,
            format_ns(wall.median),
            format_ns(cpu.median)
        ));
    }
    compared.sort_by(|a, b| {
        let ratio = |row: &Row| row.speedup.as_ref().map_or(0.0, |speedup| speedup.ratio);
        ratio(b).total_cmp(&ratio(a))
    });
    let baseline = |label: &str| rows.iter().copied().find(|row| row.label == label);
    let mut clauses: Vec<String> = Vec::new();
    let mut unclear: Vec<&Row> = Vec::new();
    for row in compared {
        let Some(speedup) = &row.speedup else {
            continue;
        };
        if !speedup.differs {
            unclear.push(row);
            continue;
        }
        let first = clauses.is_empty();
        let faster = speedup.ratio > 1.0;
        let (ratio, low, high) = match faster {
            true => (speedup.ratio, speedup.low, speedup.high),
            false => (1.0 / speedup.ratio, 1.0 / speedup.high, 1.0 / speedup.low),
        };
        let interval = interval(low, high, first);
        let over = &speedup.over;
        let clause = match faster {
            true if first => format!(
                "{} finished {} faster than {over}{interval}",
                row.label,
                format_ratio(ratio)
            ),
            true => format!("{} {} faster{interval}", row.label, format_ratio(ratio)),
            false => format!(
                "{} took {} as long as {over}{interval}",
                row.label,
                format_ratio(ratio)
            ),
        };
        clauses.push(format!("{clause}{}", memory(row, baseline(over))));
    }
    if !unclear.is_empty() {
        let labels: Vec<&str> = unclear.iter().map(|row| row.label.as_str()).collect();
        let over = unclear[0]
            .speedup
            .as_ref()
            .map_or("", |speedup| speedup.over.as_str());
        let against = if clauses.is_empty() {
            format!(" from {over}")
        } else {
            String::new()
        };
        clauses.push(format!(
            "{}: no clear difference{against}{}",
            labels.join(", "),
            more_repeats(&unclear)
        ));
    }
    Some(format!("{place}{}.", clauses.join("; ")))
}

/// The interval in parentheses; named in full the first time.
fn interval(low: f64, high: f64, first: bool) -> String {
    if !(low > 0.0 && high.is_finite()) {
        return String::new();
    }
    let name = if first { "95 % interval " } else { "" };
    let (low, high) = (ratio_digits(low), ratio_digits(high));
    if low == high {
        format!(" ({name}{low})")
    } else {
        format!(" ({name}{low}–{high})")
    }
}

/// " at 3.1× the memory", where that is worth a word.
fn memory(row: &Row, baseline: Option<&Row>) -> String {
    let peak = |row: &Row| row.peak_pss_bytes.as_ref().map(|peak| peak.max);
    let ratio = baseline
        .and_then(peak)
        .zip(peak(row))
        .map(|(base, own)| own / base);
    match ratio {
        Some(ratio) if ratio >= MORE_MEMORY => format!(", at {} the memory", format_ratio(ratio)),
        _ => String::new(),
    }
}

/// Near the threshold and with few repeats, more of them could tell.
fn more_repeats(unclear: &[&Row]) -> &'static str {
    let could = unclear.iter().any(|row| {
        let few = row
            .wall_ns
            .as_ref()
            .is_some_and(|wall| wall.samples.len() < 10);
        few && row
            .speedup
            .as_ref()
            .is_some_and(|s| s.p < 0.3 && s.ratio.ln().abs() > 0.02)
    });
    if could {
        " (more repeats would tell)"
    } else {
        ""
    }
}

/// What the baseline's time went to: only what CPU time beside wall time shows.
fn limits(report: &Report) -> Vec<String> {
    let points = points(report);
    // Several points can differ in this; one sentence must not speak for all of them.
    if points.len() != 1 {
        return Vec::new();
    }
    let serial = report
        .rows
        .iter()
        .find(|row| row.model == "sequential" && row.wall_ns.is_some());
    let Some(row) = serial else { return Vec::new() };
    let (Some(wall), Some(cpu)) = (&row.wall_ns, &row.cpu_ns) else {
        return Vec::new();
    };
    if wall.median < 1e6 {
        return Vec::new();
    }
    let share = cpu.median / wall.median;
    let cpus = report.machine.usable_cpus;
    let percent = format!("{:.0} %", (share * 100.0).min(100.0));
    vec![match share {
        share if share >= 0.85 => format!(
            "The work is CPU-bound (CPU time is {percent} of {}'s wall time): only more cores help, and this \
             machine has {cpus} to use.",
            row.label
        ),
        share if share <= 0.15 => format!(
            "The work is waiting (CPU time is {percent} of {}'s wall time): waits can overlap on a single \
             core.",
            row.label
        ),
        _ => format!(
            "The work is mixed: {percent} of {}'s wall time is computing, the rest waiting.",
            row.label
        ),
    }]
}

fn failures(report: &Report) -> Vec<String> {
    let failed = report.rows.iter().filter(|row| row.outcome != Outcome::Ok);
    let mut sentences: Vec<String> = failed
        .filter(|row| row.outcome != Outcome::Interrupted)
        .map(|row| {
            let why = row.why.as_deref().unwrap_or("no reason is known");
            let numbers = if row.wall_ns.is_some() {
                "ended early"
            } else {
                "gave no numbers"
            };
            format!("{}{} {numbers}: {why}.", place(row), row.label)
        })
        .collect();
    let tasks = report.rows.iter().filter(|row| row.tasks.failed > 0);
    sentences.extend(tasks.map(|row| {
        let all = row.tasks.failed + row.tasks.succeeded;
        format!(
            "{}{}: {} of {all} tasks failed.",
            place(row),
            row.label,
            row.tasks.failed
        )
    }));
    if report.interrupted {
        sentences.push("Interrupted: these numbers are what was measured until then.".to_owned());
    }
    sentences
}
