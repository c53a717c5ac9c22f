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
}

/// Columns that name a row, before those that measure it.
fn table(report: &Report) -> Table {
    let has_case = report.rows.iter().any(|row| row.case.is_some());
    let keys: Vec<&str> = report.rows.first().map_or(Vec::new(), |row| {
        row.at.iter().map(|(key, _)| key.as_str()).collect()
    });
    let mut head: Vec<(String, bool)> = Vec::new();
    if has_case {
        head.push(("case".to_owned(), false));
    }
    head.extend(keys.iter().map(|key| ((*key).to_owned(), true)));
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
    let body = report.rows.iter().map(|row| {
        let mut cells: Vec<String> = Vec::new();
        if has_case {
            cells.push(row.case.clone().unwrap_or_default());
        }
        cells.extend(row.at.iter().map(|(_, value)| value.to_string()));
        let marks: String = row
            .notes
            .iter()
            .map(|note| format!(" [{}]", mark(&mut notes, note)))
            .collect();
        // A line break or an escape sequence in a label must not break the table.
        let label = row.label.replace(char::is_control, " ");
        cells.push(format!("{label}{marks}"));
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
                Line { cells, why: None }
            }
            None => Line {
                cells,
                why: Some(outcome()),
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

/// The table as HTML, in the frontend's own table style.
pub fn html(report: &Report) -> String {
    let table = table(report);
    let cell = |tag: &str, text: &str, numbers: bool, more: &str| {
        let inner = match text.split_once(" (") {
            // A narrow page breaks a line before the parenthesis and nowhere else.
            Some((value, spread)) if numbers => format!(
                "{} <span style=\"white-space:nowrap\">({}</span>",
                escape_html(&value.replace(' ', "\u{a0}")),
                escape_html(spread)
            ),
            _ if text == WRONG => format!("<strong>{WRONG}</strong>"),
            _ => escape_html(text),
        };
        let breaks = tag == "th" || (numbers && text.contains(" (")) || columns(text) > LONG_LABEL;
        let wrap = if breaks { "" } else { ";white-space:nowrap" };
        let align = if numbers { "right" } else { "left" };
        let style = format!("text-align:{align};font-variant-numeric:tabular-nums{wrap}");
        format!("<{tag}{more} style=\"{style}\">{inner}</{tag}>")
    };
    let mut html = String::from("<table>\n<thead><tr>");
    for (title, numbers) in &table.head {
        html.push_str(&cell("th", title, *numbers, " scope=\"col\""));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for line in &table.body {
        html.push_str("<tr>");
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
    let table = table(report);
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
    let table = table(report);
    let columns: String = table
        .head
        .iter()
        .map(|(_, numbers)| if *numbers { 'r' } else { 'l' })
        .collect();
    let mut text = format!(
        "\\begin{{center}}\\footnotesize\\setlength{{\\tabcolsep}}{{4pt}}\n\
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
    let table = table(report);
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
