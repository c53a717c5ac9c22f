//! The table of an answer, in every form: made once as text cells, then written as HTML, Markdown, LaTeX
//! or plain text.
//!
//! To add a column: a row in [`COLUMNS`].

use super::inline::{escape_html, escape_latex};
use super::{inline, wrapped};
use crate::analysis::{Report, Row, Summary};
use crate::trial::MemorySource;
use crate::units::{
    columns, format_bytes, format_count, format_ns, format_ratio, format_ratio_range,
};

/// A column: its heading, whether numbers stand in it, and its text for a row.
struct Column {
    title: &'static str,
    numbers: bool,
    text: fn(&Row) -> String,
}

const COLUMNS: &[Column] = &[
    Column {
        title: "wall time",
        numbers: true,
        text: |row| spread(row.wall_ns.as_ref(), format_ns),
    },
    Column {
        title: "speedup",
        numbers: true,
        text: speedup,
    },
    Column {
        title: "CPU time",
        numbers: true,
        text: |row| {
            row.cpu_ns
                .as_ref()
                .map_or(dash(), |cpu| format_ns(cpu.median))
        },
    },
    Column {
        title: "peak memory",
        numbers: true,
        text: memory,
    },
    Column {
        title: "switches",
        numbers: true,
        text: switches,
    },
    Column {
        title: "workers",
        numbers: true,
        text: |row| {
            if row.workers == 0 {
                dash()
            } else {
                format_count(row.workers.into())
            }
        },
    },
    Column {
        title: LOST,
        numbers: true,
        text: |row| spread(row.lost.as_ref(), |lost| format_count(lost.max(0.0) as u64)),
    },
    Column {
        title: "answer",
        numbers: false,
        text: answer,
    },
];

/// The column that only stands where tasks add to the shared counter.
const LOST: &str = "lost";

fn dash() -> String {
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

fn speedup(row: &Row) -> String {
    let Some(speedup) = &row.speedup else {
        return if row.wall_ns.is_some() {
            "baseline".to_owned()
        } else {
            dash()
        };
    };
    let ratio = format_ratio(speedup.ratio);
    if !speedup.high.is_finite() {
        return format!("{ratio} (too few runs)");
    }
    let range = format_ratio_range(speedup.low, speedup.high);
    let clear = if speedup.differs { "" } else { ", not clear" };
    format!("{ratio} ({range}{clear})")
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

/// What stands in the column of answers where a row's is another than the others'.
const WRONG: &str = "WRONG";

fn answer(row: &Row) -> String {
    match row.agrees {
        Some(true) => "same".to_owned(),
        Some(false) => WRONG.to_owned(),
        None => dash(),
    }
}

/// A table as text: what every form is written from.
struct Table {
    /// Headings, and whether numbers stand below.
    head: Vec<(String, bool)>,
    body: Vec<Line>,
    notes: Vec<String>,
}

struct Line {
    cells: Vec<String>,
    /// Instead of the columns behind the names, where nothing was measured.
    why: Option<String>,
    /// Whether another point begins here.
    first: bool,
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
        if !series.contains(&row.label.as_str()) {
            series.push(&row.label);
        }
        match points.last_mut() {
            Some(point) if same_place(point[0], row) => point.push(row),
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
            let row = rows.iter().find(|row| row.label == **label);
            let wall = row.and_then(|row| row.wall_ns.as_ref());
            wall.map_or(dash(), |wall| format_ns(wall.median))
        }));
        let fastest = report
            .winners
            .iter()
            .find(|w| w.case == rows[0].case && w.at == rows[0].at);
        cells.push(match fastest {
            Some(winner) if winner.over.is_some() && winner.tied.is_empty() => {
                one_line(&winner.label)
            }
            Some(winner) if winner.over.is_some() => {
                let names = std::iter::once(&winner.label).chain(&winner.tied);
                names
                    .map(|name| one_line(name))
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
        notes: Vec::new(),
    })
}

/// What is said of the overview.
const OVERVIEW: &str = "Wall time, medians; all that was measured stands below.";

fn same_place(a: &Row, b: &Row) -> bool {
    a.case == b.case && a.at == b.at
}

/// A line break or an escape sequence in a label must not break the table.
fn one_line(label: &str) -> String {
    label.replace(char::is_control, " ")
}

/// Headings of the columns that say where a row belongs.
fn places(report: &Report) -> Vec<(String, bool)> {
    let has_case = report.rows.iter().any(|row| row.case.is_some());
    let case = has_case.then(|| ("case".to_owned(), false));
    let keys = report.rows.first().map_or(&[][..], |row| &row.at);
    let keys = keys.iter().map(|(key, _)| (key.clone(), true));
    case.into_iter().chain(keys).collect()
}

/// What stands in them.
fn place_cells(report: &Report, row: &Row) -> Vec<String> {
    let has_case = report.rows.iter().any(|row| row.case.is_some());
    let case = has_case.then(|| row.case.clone().unwrap_or_default());
    let at = row.at.iter().map(|(_, value)| value.to_string());
    case.into_iter().chain(at).collect()
}

/// Columns that name a row, before those that measure it.
fn table(report: &Report) -> Table {
    let mut head = places(report);
    head.push(("model".to_owned(), false));
    let adds = report.rows.iter().any(|row| row.lost.is_some());
    let shown: Vec<&Column> = COLUMNS
        .iter()
        .filter(|column| column.title != LOST || adds)
        .collect();
    head.extend(
        shown
            .iter()
            .map(|column| (column.title.to_owned(), column.numbers)),
    );
    let mut notes = Vec::new();
    let body = report.rows.iter().enumerate().map(|(number, row)| {
        let mut cells = place_cells(report, row);
        let before = number.checked_sub(1).map(|before| &report.rows[before]);
        let first = before.is_some_and(|before| !same_place(before, row));
        if before.is_some_and(|before| same_place(before, row)) {
            // Said once for all its rows.
            cells.fill(String::new());
        }
        let marks: String = row
            .notes
            .iter()
            .map(|note| format!(" [{}]", mark(&mut notes, note)))
            .collect();
        cells.push(format!("{}{marks}", one_line(&row.label)));
        let outcome = || {
            let name = serde_json::to_value(row.outcome).ok();
            let name = name
                .as_ref()
                .and_then(|name| name.as_str())
                .unwrap_or("failed")
                .to_owned();
            format!(
                "{name}: {}",
                row.why.as_deref().unwrap_or("no reason is known")
            )
        };
        match row.wall_ns {
            Some(_) => {
                cells.extend(shown.iter().map(|column| (column.text)(row)));
                if row.outcome != crate::trial::Outcome::Ok {
                    let number = mark(&mut notes, &outcome());
                    let label = cells.len() - shown.len() - 1;
                    cells[label].push_str(&format!(" [{number}]"));
                }
                Line {
                    cells,
                    why: None,
                    first,
                }
            }
            None => Line {
                cells,
                why: Some(outcome()),
                first,
            },
        }
    });
    let body = body.collect();
    Table { head, body, notes }
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

/// Columns beyond which a label may take several lines.
const LONG_LABEL: usize = 24;

/// The frontend's own size of text, but no larger than fits beside each other on an exported slide.
const TABLE_STYLE: &str = "font-size:min(var(--jp-ui-font-size1,0.9em),14px)";

/// The table as HTML, in the frontend's own table style.
pub fn html(report: &Report) -> String {
    let all = table_html(&table(report));
    match overview(report) {
        None => all,
        // Folded, so that a long table doesn't push the verdict off the page.
        Some(overview) => format!(
            "{}\n<details><summary>Wall time, medians; all that was measured ({} rows)</summary>\n{all}\n\
             </details>",
            table_html(&overview),
            report.rows.len()
        ),
    }
}

fn table_html(table: &Table) -> String {
    let cell = |tag: &str, text: &str, numbers: bool, more: &str| {
        let inner = match text.split_once(" (") {
            // A narrow page breaks a line before the parenthesis and nowhere else.
            Some((value, spread)) if numbers => format!(
                "{} <small style=\"white-space:nowrap\">({}</small>",
                escape_html(&value.replace(' ', "\u{a0}")),
                escape_html(spread)
            ),
            _ if text == WRONG => format!("<strong>{WRONG}</strong>"),
            _ => escape_html(text),
        };
        let breaks = (numbers && text.contains(" (")) || columns(text) > LONG_LABEL;
        let wrap = if breaks { "" } else { ";white-space:nowrap" };
        let align = if numbers { "right" } else { "left" };
        let style = format!("text-align:{align};font-variant-numeric:tabular-nums{wrap}");
        format!("<{tag}{more} style=\"{style}\">{inner}</{tag}>")
    };
    let mut html = format!("<table style=\"{TABLE_STYLE}\">\n<thead><tr>");
    for (title, numbers) in &table.head {
        html.push_str(&cell("th", title, *numbers, " scope=\"col\""));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for line in &table.body {
        let rule = if line.first {
            " style=\"border-top:1px solid #8888\""
        } else {
            ""
        };
        html.push_str(&format!("<tr{rule}>"));
        for (index, text) in line.cells.iter().enumerate() {
            html.push_str(&cell("td", text, table.head[index].1, ""));
        }
        if let Some(why) = &line.why {
            let span = table.head.len() - line.cells.len();
            html.push_str(&format!(
                "<td colspan=\"{span}\" style=\"text-align:left\">{}</td>",
                inline::html(why)
            ));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>");
    for (number, note) in table.notes.iter().enumerate() {
        html.push_str(&format!(
            "\n<div><small>[{}] {}</small></div>",
            number + 1,
            inline::html(note)
        ));
    }
    html
}

/// The table as Markdown.
pub fn markdown(report: &Report) -> String {
    let all = table_markdown(&table(report));
    match overview(report) {
        None => all,
        Some(overview) => format!("{}\n{OVERVIEW}\n\n{all}", table_markdown(&overview)),
    }
}

fn table_markdown(table: &Table) -> String {
    let escape = |text: &str| inline::markdown(&text.replace('\n', " ")).replace('|', "\\|");
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(
        &table
            .head
            .iter()
            .map(|(title, _)| title.clone())
            .collect::<Vec<_>>(),
    );
    let rules: Vec<String> = table
        .head
        .iter()
        .map(|(_, numbers)| if *numbers { "---:" } else { ":---" }.to_owned())
        .collect();
    text.push_str(&line(&rules));
    for body in &table.body {
        let mut cells: Vec<String> = body.cells.iter().map(|cell| escape(cell)).collect();
        if let Some(why) = &body.why {
            cells.push(escape(why));
        }
        cells.resize(table.head.len(), String::new());
        text.push_str(&line(&cells));
    }
    for (number, note) in table.notes.iter().enumerate() {
        text.push_str(&format!("\n[{}] {}\n", number + 1, escape(note)));
    }
    text
}

/// The table as LaTeX, narrow enough for a page.
pub fn latex(report: &Report) -> String {
    let all = table_latex(&table(report));
    match overview(report) {
        None => all,
        Some(overview) => format!("{}\n{OVERVIEW}\n\n{all}", table_latex(&overview)),
    }
}

fn table_latex(table: &Table) -> String {
    let columns: String = table
        .head
        .iter()
        .map(|(_, numbers)| if *numbers { 'r' } else { 'l' })
        .collect();
    let mut text = format!(
        "\\begin{{center}}\\footnotesize\\setlength{{\\tabcolsep}}{{4pt}}\
         \\renewcommand{{\\arraystretch}}{{1.2}}\n\
         % A table wider than the page is made to fit.\n\
         \\resizebox{{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}}{{!}}{{%\n\
         \\begin{{tabular}}{{{columns}}}\n\\hline\n"
    );
    let head: Vec<String> = table
        .head
        .iter()
        .map(|(title, _)| escape_latex(title))
        .collect();
    text.push_str(&format!("{} \\\\\n\\hline\n", head.join(" & ")));
    for body in &table.body {
        let mut cells: Vec<String> = body.cells.iter().map(|cell| escape_latex(cell)).collect();
        if let Some(why) = &body.why {
            let span = table.head.len() - cells.len();
            cells.push(format!(
                "\\multicolumn{{{span}}}{{p{{0.65\\linewidth}}}}{{{}}}",
                inline::latex(why)
            ));
        }
        text.push_str(&format!("{} \\\\\n", cells.join(" & ")));
    }
    text.push_str("\\hline\n\\end{tabular}}\n");
    for (number, note) in table.notes.iter().enumerate() {
        text.push_str(&format!(
            "\n{}\n",
            inline::latex(&format!("[{}] {note}", number + 1))
        ));
    }
    text.push_str("\\end{center}\n");
    text
}

/// The table as plain text, columns aligned.
pub fn text(report: &Report) -> String {
    let all = table_text(&table(report));
    match overview(report) {
        None => all,
        Some(overview) => format!("{}\n{OVERVIEW}\n\n{all}", table_text(&overview)),
    }
}

fn table_text(table: &Table) -> String {
    let width = columns;
    let widths: Vec<usize> = (0..table.head.len())
        .map(|column| {
            let cells = table.body.iter().filter_map(|line| line.cells.get(column));
            cells
                .map(|cell| width(cell))
                .chain([width(&table.head[column].0)])
                .max()
                .unwrap_or(0)
        })
        .collect();
    let pad = |text: &str, column: usize| {
        let space = " ".repeat(widths[column].saturating_sub(width(text)));
        if table.head[column].1 {
            format!("{space}{text}")
        } else {
            format!("{text}{space}")
        }
    };
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells
            .iter()
            .enumerate()
            .map(|(column, cell)| pad(cell, column))
            .collect();
        cells.join("  ")
    };
    let mut lines = vec![line(
        &table
            .head
            .iter()
            .map(|(title, _)| title.clone())
            .collect::<Vec<_>>(),
    )];
    lines.push(
        widths
            .iter()
            .map(|width| "-".repeat(*width))
            .collect::<Vec<_>>()
            .join("  "),
    );
    for body in &table.body {
        let start = line(&body.cells);
        match &body.why {
            None => lines.push(start),
            // Wrapped, each line under the first.
            Some(why) => {
                let indent = " ".repeat(columns(&start) + 2);
                let whole = wrapped(why, &indent, columns(&start) + 2);
                lines.extend(format!("{start}  {whole}").lines().map(str::to_owned));
            }
        }
    }
    for (number, note) in table.notes.iter().enumerate() {
        lines.push(wrapped(&format!("[{}] {note}", number + 1), "    ", 0));
    }
    lines
        .iter()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}
