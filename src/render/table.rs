//! The table of an answer: its columns, the overview before a long one, and what stands below it.
//!
//! To add a column: a row in [`COLUMNS`].

use super::forms::{self, Line, Table, WRONG};
use super::inline::escape_html;
use super::{below, latencies};
use crate::analysis::{Report, Row, Summary, Traced, reasons, short};
use crate::trial::{MemorySource, Outcome};
use crate::units::{
    format_bytes, format_count, format_ns, format_ratio, format_ratio_range, format_share,
};

/// A column: its heading, whether numbers stand in it, and its text for a row.
struct Column {
    title: &'static str,
    numbers: bool,
    text: fn(&Report, &Row) -> String,
}

const COLUMNS: &[Column] = &[
    Column {
        title: "wall time",
        numbers: true,
        text: |_, row| spread(row.wall_ns.as_ref(), format_ns),
    },
    Column {
        title: "speedup",
        numbers: true,
        text: speedup,
    },
    Column {
        title: "CPU time",
        numbers: true,
        text: |_, row| {
            row.cpu_ns
                .as_ref()
                .map_or(dash(), |cpu| format_ns(cpu.median))
        },
    },
    Column {
        title: "peak memory",
        numbers: true,
        text: |_, row| memory(row),
    },
    Column {
        title: SWITCHES,
        numbers: true,
        text: |_, row| switches(row),
    },
    Column {
        title: LOCK_WAIT,
        numbers: true,
        text: |_, row| traced(row, |traced| traced.lock_wait_ns),
    },
    Column {
        title: GIL_WAIT,
        numbers: true,
        text: |_, row| match row.has_gil() {
            true => traced(row, |traced| traced.gil_wait_ns),
            false => dash(),
        },
    },
    Column {
        title: LAG,
        numbers: true,
        text: |_, row| time(row.traced.as_ref().and_then(|traced| traced.longest_lag_ns)),
    },
    Column {
        title: START_UP,
        numbers: true,
        text: |_, row| traced(row, |traced| traced.start_up_ns),
    },
    Column {
        title: WORKERS,
        numbers: true,
        text: |_, row| match row.workers {
            0 => dash(),
            workers => below::workers(row, workers),
        },
    },
    Column {
        title: LOST,
        numbers: true,
        text: |_, row| spread(row.lost.as_ref(), |lost| format_count(lost.max(0.0) as u64)),
    },
    Column {
        title: ANSWER,
        numbers: false,
        text: |_, row| answer(row),
    },
];

/// Columns of a traced run, which stand where they matter.
pub(super) const LOCK_WAIT: &str = "lock wait";
pub(super) const GIL_WAIT: &str = "GIL wait";
pub(super) const LAG: &str = "loop lag";
pub(super) const START_UP: &str = "start-up";
/// Columns of traced runs from which on that of workers becomes a line.
const WIDE: usize = 3;
/// The column that makes way for two of them: a table must not grow wider than a page.
const SWITCHES: &str = "switches";
/// Share of workers × wall from which on a wait matters, and start-up, which is never nothing; the lag of a
/// loop that does.
const MATTERS: f64 = 0.01;
const START_UP_MATTERS: f64 = 0.05;
const LATE_NS: u64 = 5_000_000;
/// The column that only stands where tasks add to the shared counter.
const LOST: &str = "lost";
/// Columns that make way for a line below where that says as much.
const WORKERS: &str = "workers";
const ANSWER: &str = "answer";

pub(super) fn dash() -> String {
    "–".to_owned()
}

/// "402 ms (398–410 ms)": the median and the range.
fn spread(summary: Option<&Summary>, format: fn(f64) -> String) -> String {
    let Some(summary) = summary else {
        return dash();
    };
    let median = format(summary.median);
    let (low, high) = (format(summary.min), format(summary.max));
    if low == high {
        return median;
    }
    // "398 ms–410 ms" reads worse than "398–410 ms".
    let shared = low
        .rsplit_once(' ')
        .zip(high.rsplit_once(' '))
        .filter(|(low, high)| low.1 == high.1);
    let range = shared.map_or(format!("{low}–{high}"), |(low, high)| {
        format!("{}–{} {}", low.0, high.0, high.1)
    });
    format!("{median} ({range})")
}

fn speedup(report: &Report, row: &Row) -> String {
    let Some(speedup) = &row.speedup else {
        return match is_baseline(report, row) {
            true => "baseline".to_owned(),
            false => dash(),
        };
    };
    let ratio = format_ratio(speedup.ratio);
    if !speedup.high.is_finite() {
        return format!("{ratio} (too few runs)");
    }
    let range = format_ratio_range(speedup.low, speedup.high);
    let clear = match speedup.differs {
        true => String::new(),
        false if below::too_small(speedup) => format!(", below {}", below::floor(speedup)),
        false => ", not clear".to_owned(),
    };
    format!("{ratio} ({range}{clear})")
}

/// Whether others are compared with a row, or would be: the first of its group where none has a speedup. One
/// that didn't do the whole work is compared with nothing, as the verdict says.
fn is_baseline(report: &Report, row: &Row) -> bool {
    if row.wall_ns.is_none() || !row.did_the_work() {
        return false;
    }
    let mut group = report.rows.iter().filter(|other| same_group(other, row));
    let compared: Vec<&str> = group
        .clone()
        .filter_map(|other| Some(other.speedup.as_ref()?.over.as_str()))
        .collect();
    match compared.is_empty() {
        true => group
            .find(|other| other.wall_ns.is_some())
            .is_some_and(|first| std::ptr::eq(first, row)),
        false => compared.contains(&row.label.as_str()),
    }
}

fn memory(row: &Row) -> String {
    let (Some(peak), Some(growth)) = (&row.peak_pss_bytes, &row.growth_bytes) else {
        return dash();
    };
    let rss = if row.memory_source == Some(MemorySource::Rss) {
        " RSS"
    } else {
        ""
    };
    format!(
        "{}{rss} (+{})",
        format_bytes(peak.max),
        format_bytes(growth.max)
    )
}

fn switches(row: &Row) -> String {
    let both = row
        .voluntary_switches
        .as_ref()
        .zip(row.involuntary_switches.as_ref());
    both.map_or(dash(), |(voluntary, involuntary)| {
        format_count((voluntary.median + involuntary.median).round() as u64)
    })
}

/// A sum over the workers, and its share of workers × wall: "48 ms (40 %)"; where it is longer than the run
/// itself, it says that it is one: "Σ 1.2 s (40 %)".
fn traced(row: &Row, read: fn(&Traced) -> Option<u64>) -> String {
    let Some((ns, share)) = share(row, read) else {
        return dash();
    };
    let sum = match row
        .traced
        .as_ref()
        .is_some_and(|traced| ns > traced.wall_ns)
    {
        true => "Σ ",
        false => "",
    };
    match share {
        // On an event loop more tasks than workers can wait.
        share if !(0.005..=1.0).contains(&share) => format!("{sum}{}", time(Some(ns))),
        share => format!("{sum}{} ({})", time(Some(ns)), format_share(share)),
    }
}

/// Whether a sum in the columns of traced runs is longer than its run.
pub(super) fn has_sums(report: &Report) -> bool {
    let shown = traced_columns(report);
    let sums = COLUMNS
        .iter()
        .filter(|column| shown.contains(&column.title));
    let mut texts =
        sums.flat_map(|column| report.rows.iter().map(|row| (column.text)(report, row)));
    texts.any(|text| text.starts_with('Σ'))
}

fn share(row: &Row, read: fn(&Traced) -> Option<u64>) -> Option<(u64, f64)> {
    let traced = row.traced.as_ref()?;
    let ns = read(traced)?;
    let breakdown = traced.breakdown.as_ref()?;
    let whole_ns = f64::from(breakdown.workers) * breakdown.wall_ns as f64;
    Some((ns, ns as f64 / whole_ns.max(1.0)))
}

fn time(ns: Option<u64>) -> String {
    match ns {
        None => dash(),
        Some(0) => "0".to_owned(),
        Some(ns) => format_ns(ns as f64),
    }
}

/// Columns of traced runs that say something of a row at least.
pub(super) fn traced_columns(report: &Report) -> Vec<&'static str> {
    let matters = |from: f64, read: fn(&Traced) -> Option<u64>| {
        let mut rows = report.rows.iter();
        rows.any(|row| share(row, read).is_some_and(|(_, share)| share >= from))
    };
    let late = |row: &Row| {
        let lag = row.traced.as_ref().and_then(|traced| traced.longest_lag_ns);
        lag.is_some_and(|ns| ns >= LATE_NS)
    };
    let columns = [
        (LOCK_WAIT, matters(MATTERS, |traced| traced.lock_wait_ns)),
        (GIL_WAIT, matters(MATTERS, |traced| traced.gil_wait_ns)),
        (LAG, report.rows.iter().any(late)),
        (
            START_UP,
            matters(START_UP_MATTERS, |traced| traced.start_up_ns),
        ),
    ];
    let shown = columns.into_iter().filter(|(_, matters)| *matters);
    shown.map(|(title, _)| title).collect()
}

fn answer(row: &Row) -> String {
    match row.agrees {
        Some(true) => "same".to_owned(),
        Some(false) => WRONG.to_owned(),
        None => dash(),
    }
}

/// Rows from which on an overview comes before the table.
const OVERVIEW_FROM: usize = 13;
/// Series that an overview has columns for.
const OVERVIEW_SERIES: usize = 8;

/// Median wall times of a sweep: a line for each point, a column for each series; `None` where the table
/// itself is as easy to read.
fn overview(report: &Report) -> Option<Table> {
    let mut series: Vec<&str> = Vec::new();
    let mut points: Vec<Vec<&Row>> = Vec::new();
    for row in &report.rows {
        let name = name(report, row);
        if !series.contains(&name) {
            series.push(name);
        }
        match points.last_mut() {
            Some(point) if same_group(point[0], row) => point.push(row),
            _ => points.push(vec![row]),
        }
    }
    let many = report.rows.len() >= OVERVIEW_FROM && points.len() >= 3;
    if !many || !(2..=OVERVIEW_SERIES).contains(&series.len()) {
        return None;
    }
    let mut head = places(report);
    head.extend(series.iter().map(|label| (one_line(label), true)));
    let body = points.iter().map(|rows| {
        let mut cells = place_cells(report, rows[0]);
        cells.extend(series.iter().map(|label| {
            let row = rows.iter().find(|row| name(report, row) == *label);
            let wall = row.and_then(|row| row.wall_ns.as_ref());
            wall.map_or(dash(), |wall| format_ns(wall.median))
        }));
        let fastest = report
            .winners
            .iter()
            .find(|w| w.case == rows[0].case && w.at == rows[0].at && w.runtime == rows[0].runtime);
        let called = |label: &str| match report.has_runtimes() {
            true => one_line(short(label, &rows[0].runtime)),
            false => one_line(label),
        };
        cells.push(match fastest {
            Some(winner) if winner.over.is_some() && winner.tied.is_empty() => {
                called(&winner.label)
            }
            Some(winner) if winner.over.is_some() => {
                let names = std::iter::once(&winner.label).chain(&winner.tied);
                names
                    .map(|name| called(name))
                    .collect::<Vec<_>>()
                    .join(", ")
            }
            _ => dash(),
        });
        Line {
            cells,
            why: None,
            first: false,
        }
    });
    let body = body.collect();
    head.push(("fastest".to_owned(), false));
    Some(Table {
        head,
        body,
        ..Table::default()
    })
}

/// What is said of the overview.
const OVERVIEW: &str = "Wall time, medians; all that was measured stands below.";

pub(super) fn same_place(a: &Row, b: &Row) -> bool {
    a.case == b.case && a.at == b.at
}

/// Whether two rows stand in one group of the table: the same place on the same runtime.
pub(super) fn same_group(a: &Row, b: &Row) -> bool {
    same_place(a, b) && a.runtime == b.runtime
}

/// What a row is called beside its place, which says the runtime where there are several.
pub(super) fn name<'a>(report: &Report, row: &'a Row) -> &'a str {
    match report.has_runtimes() {
        true => row.short(),
        false => &row.label,
    }
}

/// A line break or an escape sequence in a label must not break the table.
pub(super) fn one_line(label: &str) -> String {
    label.replace(char::is_control, " ")
}

/// Headings of the columns that say where a row belongs.
pub(super) fn places(report: &Report) -> Vec<(String, bool)> {
    let has_case = report.rows.iter().any(|row| row.case.is_some());
    let case = has_case.then(|| ("case".to_owned(), false));
    let keys = report.rows.first().map_or(&[][..], |row| &row.at);
    let keys = keys.iter().map(|(key, _)| (key.clone(), true));
    let runtime = report.has_runtimes().then(|| ("runtime".to_owned(), false));
    case.into_iter().chain(keys).chain(runtime).collect()
}

/// What stands in them.
pub(super) fn place_cells(report: &Report, row: &Row) -> Vec<String> {
    let has_case = report.rows.iter().any(|row| row.case.is_some());
    let case = has_case.then(|| row.case.clone().unwrap_or_default());
    let at = row.at.iter().map(|(_, value)| value.to_string());
    let runtime = report
        .has_runtimes()
        .then(|| report.runtime_title(&row.runtime));
    case.into_iter().chain(at).chain(runtime).collect()
}

/// The answer's table: columns that name a row, then those that measure it.
pub(super) fn table(report: &Report) -> Table {
    let mut head = places(report);
    head.push(("model".to_owned(), false));
    let adds = report.rows.iter().any(|row| row.lost.is_some());
    let traced = traced_columns(report);
    // A table must not grow wider than a page.
    let wide = traced.len() >= WIDE;
    let workers = below::workers_line(report).or_else(|| wide.then(|| below::each_workers(report)));
    let answers = below::answers_line(report);
    let shown: Vec<&Column> = COLUMNS
        .iter()
        .filter(|column| match column.title {
            LOST => adds,
            title @ (LOCK_WAIT | GIL_WAIT | LAG | START_UP) => traced.contains(&title),
            SWITCHES => traced.len() < 2,
            WORKERS => workers.is_none(),
            ANSWER => answers.is_none(),
            _ => true,
        })
        .collect();
    head.extend(
        shown
            .iter()
            .map(|column| (column.title.to_owned(), column.numbers)),
    );
    let mut notes = Vec::new();
    let reasons = reasons(&report.rows);
    let rows = report.rows.iter().zip(reasons).enumerate();
    let body = rows.map(|(number, (row, reason))| {
        let mut cells = place_cells(report, row);
        let before = number.checked_sub(1).map(|before| &report.rows[before]);
        let first = before.is_some_and(|before| !same_group(before, row));
        if before.is_some_and(|before| same_place(before, row)) {
            // Said once for all its rows, and so is a runtime for its own.
            let said = cells.len() - usize::from(first);
            cells[..said].fill(String::new());
        }
        let mut marks: String = row
            .notes
            .iter()
            .map(|note| format!(" [{}]", mark(&mut notes, note)))
            .collect();
        // Interrupted, with numbers: the verdict says so once for all of them.
        if row.wall_ns.is_some() && !matches!(row.outcome, Outcome::Ok | Outcome::Interrupted) {
            let why = row.why.as_deref().unwrap_or("no reason is known");
            let note = format!("{}: {why}", row.outcome.name());
            marks.push_str(&format!(" [{}]", mark(&mut notes, &note)));
        }
        cells.push(format!("{}{marks}", one_line(name(report, row))));
        if reason.is_none() {
            cells.extend(shown.iter().map(|column| (column.text)(report, row)));
        }
        Line {
            cells,
            why: reason,
            first,
        }
    });
    let body = body.collect();
    let common = [workers, answers].into_iter().flatten();
    let common: Vec<String> = common.filter(|line| !line.is_empty()).collect();
    let mut lines: Vec<String> = Vec::new();
    if !common.is_empty() {
        lines.push(common.join(" "));
    }
    lines.extend(below::about_speedups(report));
    lines.extend(below::about_runtimes(report));
    lines.extend(below::about_traces(report));
    Table {
        head,
        body,
        notes,
        below: lines,
    }
}

/// The number of a note below the table; equal notes share one.
fn mark(notes: &mut Vec<String>, note: &str) -> usize {
    notes
        .iter()
        .position(|known| known == note)
        .unwrap_or_else(|| {
            notes.push(note.to_owned());
            notes.len() - 1
        })
        + 1
}

/// The answer as HTML: its table, and that of its latencies.
pub fn html(report: &Report) -> String {
    let folded = |what: &str, rows: usize, table: &str| {
        format!(
            "<details><summary>{} ({rows} rows)</summary>\n{table}\n</details>",
            escape_html(what)
        )
    };
    let all = forms::html(&table(report));
    let mut html = match overview(report) {
        None => all,
        // Folded, so that a long table doesn't push the verdict off the page.
        Some(overview) => format!(
            "{}\n{}",
            forms::html(&overview),
            folded(
                "Wall time, medians; all that was measured",
                report.rows.len(),
                &all
            )
        ),
    };
    if let Some(latencies) = latencies::table(report) {
        let rows = latencies.body.len();
        let table = forms::html(&latencies);
        html.push('\n');
        html.push_str(&match rows >= OVERVIEW_FROM {
            true => folded(latencies::TITLE.trim_end_matches(':'), rows, &table),
            false => format!(
                "<div style=\"margin-top:0.6em\">{}</div>\n{table}",
                latencies::TITLE
            ),
        });
    }
    html
}

/// The answer as Markdown.
pub fn markdown(report: &Report) -> String {
    parts(report, forms::markdown)
}

/// The answer as LaTeX.
pub fn latex(report: &Report) -> String {
    parts(report, forms::latex)
}

/// The answer as plain text.
pub fn text(report: &Report) -> String {
    parts(report, forms::text)
}

fn parts(report: &Report, form: fn(&Table) -> String) -> String {
    let mut text = form(&table(report));
    if let Some(overview) = overview(report) {
        text = format!("{}\n{OVERVIEW}\n\n{text}", form(&overview));
    }
    if let Some(latencies) = latencies::table(report) {
        text.push_str(&format!("\n{}\n\n{}", latencies::TITLE, form(&latencies)));
    }
    text
}
