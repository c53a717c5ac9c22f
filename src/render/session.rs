//! What a session shows beside its answers: two of them compared, all of them listed, the machine.
//!
//! To show something else: a function that fills a [`Table`].

use super::forms::{self, Line, Table};
use super::table::one_line;
use super::{Bundle, machine_line};
use crate::analysis::compare::ComparedRow;
use crate::analysis::{Report, Row, place_of};
use crate::host::interpreters::{Found, Interpreter};
use crate::host::{Limits, Machine};
use crate::units::{format_bytes, format_count, format_ns, format_ratio, format_ratio_range};

/// Headings, and whether numbers stand below.
fn head(titles: &[(&str, bool)]) -> Vec<(String, bool)> {
    let heading = |(title, numbers): &(&str, bool)| (one_line(title), *numbers);
    titles.iter().map(heading).collect()
}

fn line(cells: Vec<String>) -> Line {
    Line {
        cells: cells.iter().map(|cell| one_line(cell)).collect(),
        ..Line::default()
    }
}

fn or_dash(value: Option<f64>, format: fn(f64) -> String) -> String {
    value.map_or("–".to_owned(), format)
}

/// Two answers of the same cell beside each other, by their names.
pub fn comparison_bundle(
    (a, first): (&str, &Report),
    (b, second): (&str, &Report),
    rows: &[ComparedRow],
) -> Bundle {
    let both = |(a, b): (Option<f64>, Option<f64>), format: fn(f64) -> String| {
        format!("{} → {}", or_dash(a, format), or_dash(b, format))
    };
    let body = rows.iter().map(|row| {
        let ratio = row.ratio.map_or("–".to_owned(), |ratio| {
            let clear = if ratio.differs { "" } else { ", not clear" };
            let range = format_ratio_range(ratio.low, ratio.high);
            format!("{} ({range}{clear})", format_ratio(ratio.ratio))
        });
        line(vec![
            row_name(row),
            or_dash(row.wall_ns.0, format_ns),
            or_dash(row.wall_ns.1, format_ns),
            ratio,
            both(row.cpu_ns, format_ns),
            both(row.peak_bytes, format_bytes),
        ])
    });
    let mut below = vec![compared(a, b, rows)];
    below.extend(told_differently((a, first), (b, second)));
    below.push(
        "Each answer is of its own moment: their runs were not interleaved, and what the machine did meanwhile is in \
         the difference."
            .to_owned(),
    );
    let machines = [first, second].map(|report| machine_line(&report.machine));
    match machines[0] == machines[1] {
        true => below.push(machines[0].clone()),
        false => below.extend([
            format!("{a}: {}", machines[0]),
            format!("{b}: {}", machines[1]),
        ]),
    }
    forms::bundle(&Table {
        head: head(&[
            ("model", false),
            (&format!("wall time, {a}"), true),
            (&format!("wall time, {b}"), true),
            (&format!("speedup of {b} over {a}"), true),
            ("CPU time", true),
            ("peak memory", true),
        ]),
        body: body.collect(),
        below: below.iter().map(|line| one_line(line)).collect(),
        ..Table::default()
    })
}

fn row_name(row: &ComparedRow) -> String {
    let mut parts: Vec<String> = row.case.iter().cloned().collect();
    parts.push(row.label.clone());
    parts.extend(row.at.iter().map(|(key, value)| format!("{key} = {value}")));
    parts.join(", ")
}

/// Keys that the two cells set differently; `None` where there are none.
fn told_differently((a, first): (&str, &Report), (b, second): (&str, &Report)) -> Option<String> {
    const NOT_MEASURED: [&str; 4] = ["title", "name", "save", "base"];
    let differing = first.settings.iter().filter_map(|setting| {
        let other = second
            .settings
            .iter()
            .find(|other| other.key == setting.key)?;
        let tells = setting.value != other.value && !NOT_MEASURED.contains(&&*setting.key);
        tells.then(|| {
            format!(
                "`{}` is {} in {a} and {} in {b}",
                setting.key, setting.value, other.value
            )
        })
    });
    let differing: Vec<String> = differing.collect();
    (!differing.is_empty()).then(|| format!("What differs: {}.", differing.join("; ")))
}

/// What a comparison found, in a sentence.
fn compared(a: &str, b: &str, rows: &[ComparedRow]) -> String {
    let judged = rows.iter().filter(|row| row.ratio.is_some()).count();
    let differing = rows.iter().filter_map(|row| Some((row, row.ratio?)));
    let told: Vec<String> = differing
        .filter(|(_, ratio)| ratio.differs)
        .map(|(row, ratio)| {
            let (faster, ratio) = match ratio.ratio > 1.0 {
                true => (b, ratio.ratio),
                false => (a, 1.0 / ratio.ratio),
            };
            let name = row_name(row);
            format!("{name} is {} faster in {faster}", format_ratio(ratio))
        })
        .collect();
    match (judged, told.as_slice()) {
        (0, _) => "Nothing was measured often enough in both to be compared.".to_owned(),
        (_, []) => format!("No row differs clearly between {a} and {b}."),
        (_, told) => format!("{}.", told.join("; ")),
    }
}

/// The session's answers by their names, oldest first.
pub fn results_bundle<'a>(answers: impl Iterator<Item = (Option<&'a str>, &'a Report)>) -> Bundle {
    let row = |(name, report): (Option<&str>, &Report)| {
        let name = name.map_or("–".to_owned(), str::to_owned);
        line(vec![name, report.title.clone(), medians(report)])
    };
    forms::bundle(&Table {
        head: head(&[
            ("name", false),
            ("experiment", false),
            ("median wall time", false),
        ]),
        body: answers.map(row).collect(),
        below: vec!["Show one again with `show = \"NAME\"`.".to_owned()],
        ..Table::default()
    })
}

/// Median wall times by series: "threads 51.2 ms", along a sweep or cases "threads 1.2–76 ms (tasks = 2 …
/// 128)".
fn medians(report: &Report) -> String {
    let mut labels: Vec<&str> = Vec::new();
    for row in &report.rows {
        if !labels.contains(&row.label.as_str()) {
            labels.push(&row.label);
        }
    }
    let told = labels.into_iter().filter_map(|label| {
        let own = report.rows.iter().filter(|row| row.label == label);
        let measured: Vec<(&Row, f64)> = own
            .filter_map(|row| Some((row, row.wall_ns.as_ref()?.median)))
            .collect();
        let shortest = measured.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let longest = measured.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let place = |row: &Row| place_of(row.case.as_deref(), &row.at);
        let (low, high) = (format_ns(shortest.1), format_ns(longest.1));
        Some(match (measured.len(), place(shortest.0).as_str()) {
            (1, "") => format!("{label} {low}"),
            (1, at) => format!("{label} {low} ({at})"),
            (_, at) => format!("{label} {low} ({at}) to {high} ({})", place(longest.0)),
        })
    });
    told.collect::<Vec<_>>().join(", ")
}

/// The machine's facts, limits and interpreters; those may be unknown, with the reason.
pub fn machine_bundle(
    machine: &Machine,
    limits: &Limits,
    found: &Result<&Found, String>,
) -> Bundle {
    let count = |value: Option<u64>| value.map_or("unknown".to_owned(), format_count);
    let size = |bytes: u64| format_bytes(bytes as f64);
    let free = limits.memory_available_bytes;
    let mut facts = vec![
        ("CPU", machine.cpu.clone()),
        (
            "Usable CPUs",
            format!("{} of {}", machine.usable_cpus, machine.cpus),
        ),
        ("Memory", size(machine.memory_bytes)),
        ("Memory free now", free.map_or("unknown".to_owned(), size)),
        ("System", machine.system.clone()),
    ];
    if !machine.governor.is_empty() {
        facts.push(("Frequency governor", machine.governor.clone()));
    }
    if let Some(turbo) = machine.turbo {
        facts.push(("Turbo", if turbo { "on" } else { "off" }.to_owned()));
    }
    if let Some(load) = machine.load {
        facts.push(("Load (1 min)", format!("{load:.2}")));
    }
    if let Some(pressure) = machine.cpu_pressure {
        facts.push(("Waiting for a CPU (10 s)", format!("{pressure:.1} %")));
    }
    facts.extend([
        (
            "Threads a process can have",
            count(limits.threads_per_process),
        ),
        ("Threads and processes left", count(limits.tasks_left)),
        ("Open files a process can have", count(limits.descriptors)),
        ("conclab", machine.conclab.clone()),
    ]);
    let facts = facts
        .into_iter()
        .map(|(fact, value)| (fact.to_owned(), value));
    let (pythons, below) = interpreters(found);
    let body = facts.chain(pythons);
    forms::bundle(&Table {
        head: head(&[("machine", false), ("", false)]),
        body: body.map(|(fact, value)| line(vec![fact, value])).collect(),
        below,
        ..Table::default()
    })
}

/// The interpreters as facts of the machine, and what is to be said below.
fn interpreters(found: &Result<&Found, String>) -> (Vec<(String, String)>, Vec<String>) {
    let found = match found {
        Ok(found) => found,
        Err(why) => {
            return (
                Vec::new(),
                vec![format!("Interpreters are unknown: {why}.")],
            );
        }
    };
    let default = found.choose("python").ok();
    let fact = |python: &Interpreter| {
        let mut parts = vec![python.path.display().to_string()];
        parts.extend(python.remarks());
        if default.is_some_and(|default| default.path == python.path) {
            parts.push("what python means here".to_owned());
        }
        (python.name(), parts.join(" · ").replace('`', ""))
    };
    let mut below: Vec<String> = match found.choose("python") {
        Ok(_) => Vec::new(),
        Err(why) => vec![format!("No default Python: {why}.")],
    };
    let refused = found.refused.iter();
    below.extend(refused.map(|refused| {
        let path = refused.path.display().to_string();
        one_line(&format!("No trials on {path}: {}.", refused.why))
    }));
    (found.newest_first().into_iter().map(fact).collect(), below)
}
