//! What would be the same in every row of a column, and what makes numbers look contradictory: in lines below
//! the table.
//!
//! To say something else below it: a function, and a line where `table` puts them together.

use super::table::{self, one_line, same_place};
use crate::analysis::{self, Quantity, Report, Row, Speedup, Summary};
use crate::units::format_count;

/// Whether it is a difference, and one that is too small to count.
pub fn too_small(speedup: &Speedup) -> bool {
    !speedup.differs && speedup.excludes_one() && speedup.below_floor()
}

/// Smallest difference that counts, in words.
pub fn floor(speedup: &Speedup) -> String {
    format!("{:.0} %", 100.0 * speedup.floor)
}

/// So many workers, as figures count them: `hybrid` has an event loop beside its own.
pub fn workers(row: &Row, workers: u32) -> String {
    let count = format_count(workers.into());
    match row.model.as_str() {
        "hybrid" => format!("loop + {count}"),
        _ => count,
    }
}

/// Each row's workers in a line, where a column of them has no room.
pub fn each_workers(report: &Report) -> String {
    let measured = report.rows.iter().filter(|row| row.wall_ns.is_some());
    let mut counts: Vec<(String, Vec<String>)> = Vec::new();
    for row in measured {
        let (count, label) = (workers(row, row.workers), one_line(&row.label));
        match counts.iter_mut().find(|(known, _)| *known == count) {
            Some((_, labels)) if labels.contains(&label) => {}
            Some((_, labels)) => labels.push(label),
            None => counts.push((count, vec![label])),
        }
    }
    let counts = counts
        .iter()
        .map(|(count, labels)| format!("{count} ({})", labels.join(", ")));
    format!("Workers: {}.", counts.collect::<Vec<_>>().join("; "))
}

/// What the column of workers would say, in a sentence; `None` where the column says it better. Empty
/// where there is nothing to say.
pub fn workers_line(report: &Report) -> Option<String> {
    const MOST_SERIES: usize = 6;
    let measured: Vec<&Row> = report.rows.iter().filter(|r| r.wall_ns.is_some()).collect();
    let Some(first) = measured.first() else {
        return Some(String::new());
    };
    let count = |row: &Row| workers(row, row.workers);
    if measured.iter().all(|row| count(row) == count(first)) {
        return Some(match first.workers {
            0 => String::new(),
            _ => format!("Workers: {}.", count(first)),
        });
    }
    // Along points each series can have a rule of its own; at a single one the column is as short.
    if measured.iter().all(|row| same_place(row, first)) {
        return None;
    }
    let mut labels: Vec<&str> = Vec::new();
    for row in &measured {
        if !labels.contains(&row.label.as_str()) {
            labels.push(&row.label);
        }
    }
    let rule = |label: &&str| -> Option<String> {
        let own: Vec<&&Row> = measured.iter().filter(|row| row.label == *label).collect();
        let swept = |row: &Row| {
            let at = row.at.iter().find(|(key, _)| key == "workers");
            at.is_some_and(|(_, at)| at.to_string() == format_count(row.workers.into()))
        };
        let rule = match own.first()?.workers {
            all if own.iter().all(|row| row.workers == all) => workers(own[0], all),
            _ if own.iter().all(|row| swept(row)) => "as swept".to_owned(),
            _ if own
                .iter()
                .all(|row| u64::from(row.workers) == row.tasks.all()) =>
            {
                "one for each task".to_owned()
            }
            _ => return None,
        };
        Some(format!("{} {rule}", one_line(label)))
    };
    let rules: Option<Vec<String>> = labels.iter().map(rule).collect();
    let rules = rules.filter(|rules| rules.len() <= MOST_SERIES)?;
    Some(format!("Workers: {}.", rules.join(", ")))
}

/// The same for the column of answers.
pub fn answers_line(report: &Report) -> Option<String> {
    let measured = report.rows.iter().filter(|row| row.wall_ns.is_some());
    let answers: Vec<Option<bool>> = measured.map(|row| row.agrees).collect();
    match answers.first() {
        Some(Some(true)) if answers.iter().all(|answer| *answer == Some(true)) => {
            Some("All answers are the same.".to_owned())
        }
        _ if answers.iter().all(Option::is_none) => Some(String::new()),
        _ => None,
    }
}

/// What makes speedups look as if they contradicted the numbers beside them, where they do.
pub fn about_speedups(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    let speedups = || report.rows.iter().filter_map(|row| row.speedup.as_ref());
    let mut floors: Vec<String> = speedups().filter(|s| too_small(s)).map(floor).collect();
    floors.sort();
    floors.dedup();
    for floor in floors {
        lines.push(format!(
            "Below {floor}: the difference is measured, but too small to count."
        ));
    }
    if speedups().any(|s| !s.differs && s.excludes_one() && !s.below_floor()) {
        lines.push(
            "Not clear although the interval excludes 1: of several rows that are compared one may look \
             different by chance (Holm's correction)."
                .to_owned(),
        );
    }
    if report.rows.iter().any(|row| is_unlike_medians(report, row)) {
        lines.push(
            "Speedups are means over pairs of runs, one pair a block; the ratio of two medians can be \
             another."
                .to_owned(),
        );
    }
    lines
}

/// Which runtime it was, where the table doesn't say so; within which runtime speedups compare; and what
/// interpreters took outside the clock, where that is much beside what is inside.
pub fn about_runtimes(report: &Report) -> Vec<String> {
    const MUCH_NS: f64 = 5e6;
    const MUCH: f64 = 0.1;
    let mut lines = Vec::new();
    if let Some(only) = report.only_runtime() {
        lines.push(format!("Runtime: {only}."));
    } else if report.has_runtimes() && report.rows.iter().any(|row| row.speedup.is_some()) {
        lines.push("Each speedup is over the baseline of the same runtime.".to_owned());
    }
    for runtime in report.runtimes() {
        let much: Vec<&Row> = report
            .rows
            .iter()
            .filter(|row| row.runtime == runtime)
            .filter(|row| {
                let both = row.outside_ns.as_ref().zip(row.wall_ns.as_ref());
                both.is_some_and(|(out, wall)| out.median >= MUCH_NS.max(MUCH * wall.median))
            })
            .collect();
        let range = |read: fn(&Row) -> Option<&Summary>| {
            let medians = much.iter().filter_map(|row| Some(read(row)?.median));
            let (low, high) = medians.fold((f64::INFINITY, 0.0), |(low, high), median: f64| {
                (median.min(low), median.max(high))
            });
            (high > 0.0).then(|| Quantity::Time.range(low, high))
        };
        let Some(outside) = range(|row| row.outside_ns.as_ref()) else {
            continue;
        };
        let imports = range(|row| row.imports_ns.as_ref());
        let imports = imports.map_or(String::new(), |range| format!(" (imports {range})"));
        lines.push(format!(
            "Outside the clock, starting and ending {} took {outside}{imports}.",
            report.runtime_title(runtime)
        ));
    }
    lines
}

/// What the columns of traced runs are, and what observing cost where that is worth a word.
pub fn about_traces(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    let columns = table::traced_columns(report);
    let sums: Vec<&str> = columns
        .iter()
        .copied()
        .filter(|title| *title != table::LAG)
        .collect();
    let mut parts = Vec::new();
    if !sums.is_empty() {
        parts.push(format!(
            "{} over all workers, with the share of workers × wall{}",
            sums.join(", "),
            match table::has_sums(report) {
                true => " (Σ: together longer than the run itself)",
                false => "",
            }
        ));
    }
    if columns.contains(&table::LAG) {
        parts.push(format!("{} at its longest", table::LAG));
    }
    if !parts.is_empty() {
        let parts = parts.join("; ");
        let mut letters = parts.chars();
        let first: String = letters
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .collect();
        lines.push(format!("{first}{}: of one traced run.", letters.as_str()));
    }
    lines.extend(analysis::cost_of_observing(report));
    lines
}

/// Whether a row's speedup isn't what a reader gets by dividing the two medians.
fn is_unlike_medians(report: &Report, row: &Row) -> bool {
    const UNLIKE: f64 = 0.03;
    let Some(speedup) = &row.speedup else {
        return false;
    };
    let mut others = report.rows.iter();
    let baseline = others.find(|other| same_place(other, row) && other.label == speedup.over);
    let medians = baseline
        .and_then(|baseline| baseline.wall_ns.as_ref())
        .zip(row.wall_ns.as_ref());
    medians.is_some_and(|(base, own)| {
        let divided = base.median / own.median;
        (speedup.ratio / divided).ln().abs() > UNLIKE.ln_1p()
    })
}
