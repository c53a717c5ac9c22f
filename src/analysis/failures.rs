//! Rows that gave no numbers, tasks that failed, an interrupt: each reason is told once.
//!
//! To word another way of ending: its name is in [`Outcome::name`]; here reasons are grouped.

use super::verdict::{MOST_NAMES, list, name, place_of};
use super::{Report, Row};
use crate::trial::Outcome;

/// Sentences about failures; the rest is a number.
const MOST_FAILURES: usize = 2;

/// A reason without its numbers: two rows that need too much memory share it, whatever each needs.
fn shape(why: &str) -> String {
    why.split_whitespace()
        .filter(|word| !word.starts_with(|c: char| c.is_ascii_digit()))
        .filter(|word| !matches!(*word, "KiB" | "MiB" | "GiB" | "TiB" | "ms" | "s" | "min"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// What a reason begins with: what happened, without what it is measured against and what to do.
fn first_clause(why: &str) -> &str {
    let ends = [": ", ", and "].iter().filter_map(|end| why.find(end));
    &why[..ends.min().unwrap_or(why.len())]
}

/// For each row without numbers how it came out and why, where no row before it has said so: later ones
/// refer to the first. `None` for rows with numbers.
pub fn reasons(rows: &[Row]) -> Vec<Option<String>> {
    // The first row of each reason, by its index.
    let mut told: Vec<(String, usize)> = Vec::new();
    let mut above: Option<usize> = None;
    let reason = |(index, row): (usize, &Row)| {
        if row.wall_ns.is_some() {
            return None;
        }
        let outcome = row.outcome.name();
        let why = match &row.why {
            // That the cell was interrupted is no news here.
            _ if row.cut_off() => return Some(outcome.to_owned()),
            Some(why) => why,
            None => return Some(format!("{outcome}: no reason is known")),
        };
        let key = format!("{outcome} {}", shape(why));
        let Some((_, first)) = told.iter().find(|(known, _)| *known == key) else {
            told.push((key, index));
            above = Some(index);
            return Some(format!("{outcome}: {why}"));
        };
        let first = *first;
        let like = match above == Some(first) {
            true => "as above".to_owned(),
            false => format!("as for {}", name(&rows[first])),
        };
        above = Some(first);
        Some(match rows[first].why.as_ref() == Some(why) {
            true => format!("{outcome}: {like}"),
            false => format!("{outcome}: {}; {like}", first_clause(why)),
        })
    };
    rows.iter().enumerate().map(reason).collect()
}

/// Rows that ended alike.
struct Alike<'a> {
    shape: String,
    /// Whether they have some numbers all the same.
    some: bool,
    rows: Vec<&'a Row>,
}

/// A sentence for each reason that rows have no numbers, or not all of them.
pub(super) fn failures(report: &Report) -> Vec<String> {
    let mut groups: Vec<Alike> = Vec::new();
    for row in &report.rows {
        if matches!(row.outcome, Outcome::Ok | Outcome::Interrupted) {
            continue;
        }
        let shape = shape(why(row));
        let some = row.wall_ns.is_some();
        match groups
            .iter_mut()
            .find(|group| group.shape == shape && group.some == some)
        {
            Some(group) => group.rows.push(row),
            None => groups.push(Alike {
                shape,
                some,
                rows: vec![row],
            }),
        }
    }
    let rest = groups.iter().skip(MOST_FAILURES).map(|g| g.rows.len());
    let rest: usize = rest.sum();
    groups.truncate(MOST_FAILURES);
    let mut sentences: Vec<String> = groups
        .iter()
        .map(|group| {
            let first = group.rows[0];
            let names = names(report, &group.rows);
            let same = group.rows.iter().all(|row| why(row) == why(first));
            let whose = match same {
                true => String::new(),
                false => format!(
                    ". That is for {}; the table has the others' numbers",
                    name(first)
                ),
            };
            match group.some {
                false if first.outcome == Outcome::Unsupported => {
                    let is = if names.len() == 1 { "is" } else { "are" };
                    format!(
                        "{} {is} not supported: {}{whose}.",
                        list(&names),
                        why(first)
                    )
                }
                true => format!("{} did not always finish ({}).", list(&names), why(first)),
                false => format!("{} gave no numbers: {}{whose}.", list(&names), why(first)),
            }
        })
        .collect();
    match rest {
        0 => {}
        1 => sentences.push("1 more row failed: the table says why.".to_owned()),
        rest => sentences.push(format!("{rest} more rows failed: the table says why.")),
    }
    let tasks: Vec<String> = report
        .rows
        .iter()
        .filter(|row| row.tasks.failed > 0)
        .map(|row| {
            let all = row.tasks.failed + row.tasks.succeeded;
            format!("{}: {} of {all} tasks failed", name(row), row.tasks.failed)
        })
        .collect();
    if !tasks.is_empty() {
        sentences.push(format!("{}, so there is no time to compare.", list(&tasks)));
    }
    sentences
}

fn why(row: &Row) -> &str {
    let why = row.why.as_deref().unwrap_or("no reason is known");
    why.trim_end_matches('.')
}

/// Names of rows by series, with the places of each: without them where all rows of a series are meant.
fn names(report: &Report, rows: &[&Row]) -> Vec<String> {
    let mut labels: Vec<&str> = Vec::new();
    for row in rows {
        if !labels.contains(&row.label.as_str()) {
            labels.push(&row.label);
        }
    }
    let name = |label: &str| {
        let own: Vec<&&Row> = rows.iter().filter(|row| row.label == label).collect();
        let all = report.rows.iter().filter(|row| row.label == label).count();
        let places = own.iter().map(|row| place_of(row.case.as_deref(), &row.at));
        match own.len() {
            some if some == all => label.to_owned(),
            some if some > MOST_NAMES => format!("{label} (at {some} of {all} points)"),
            _ => format!("{label} ({})", places.collect::<Vec<_>>().join("; ")),
        }
    };
    labels.into_iter().map(name).collect()
}

/// That an interrupt ended the cell, and what there is all the same.
pub(super) fn interruption(report: &Report) -> Vec<String> {
    if !report.interrupted {
        return Vec::new();
    }
    let measured = |row: &&Row| row.wall_ns.is_some();
    let measured = report.rows.iter().filter(measured).count();
    vec![match (measured, report.rows.len()) {
        (0, _) => {
            "Interrupted before any timed run had ended: there is nothing to show.".to_owned()
        }
        (some, all) if some == all => {
            "Interrupted: these numbers are what was measured until then.".to_owned()
        }
        (some, all) => format!(
            "Interrupted: {some} of {all} rows have numbers, from what was measured until then."
        ),
    }]
}
