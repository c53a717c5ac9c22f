//! A table as text cells, written as HTML, Markdown, LaTeX or plain text.
//!
//! To add a form: its function and a line in [`bundle`]. What stands in a table is its maker's: `table` for
//! answers, `session` for what a session knows.

use super::inline::{escape_html, escape_latex};
use super::{Bundle, inline, wrapped};
use crate::units::columns;

/// A table as text: what every form is written from.
#[derive(Default)]
pub(super) struct Table {
    /// Headings, and whether numbers stand below.
    pub head: Vec<(String, bool)>,
    /// Its rows.
    pub body: Vec<Line>,
    /// Numbered, below it: cells refer to them.
    pub notes: Vec<String>,
    /// Below those, a line each.
    pub below: Vec<String>,
}

/// A row of it.
#[derive(Default)]
pub(super) struct Line {
    /// From the left; where there are fewer than headings, the rest stays empty.
    pub cells: Vec<String>,
    /// Instead of the columns behind the names, where nothing was measured.
    pub why: Option<String>,
    /// Whether another point begins here.
    pub first: bool,
}

/// What stands in the column of answers where a row's is another than the others'.
pub const WRONG: &str = "WRONG";

/// Columns beyond which a label may take several lines.
const LONG_LABEL: usize = 24;

/// The frontend's own size of text, but no larger than what fits into a notebook with its sidebar open.
const TABLE_STYLE: &str = "font-size:min(var(--jp-ui-font-size1,0.9em),12px)";
/// Cells as narrow as a reader can tell them apart.
const CELL_STYLE: &str = "padding:0.3em 0.5em;font-variant-numeric:tabular-nums";

/// A table in every form.
pub fn bundle(table: &Table) -> Bundle {
    Bundle::of([
        ("text/html", html(table)),
        ("text/markdown", markdown(table)),
        ("text/latex", latex(table)),
        ("text/plain", text(table)),
    ])
}

/// As HTML, in the frontend's own table style.
pub fn html(table: &Table) -> String {
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
        let style = format!("text-align:{align};{CELL_STYLE}{wrap}");
        format!("<{tag}{more} style=\"{style}\">{inner}</{tag}>")
    };
    // What is too wide all the same is scrolled to, not cut off.
    let mut html =
        format!("<div style=\"overflow-x:auto\">\n<table style=\"{TABLE_STYLE}\">\n<thead><tr>");
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
                "<td colspan=\"{span}\" style=\"text-align:left;padding:0.3em 0.5em\">{}</td>",
                inline::html(why)
            ));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n</div>");
    for (number, note) in table.notes.iter().enumerate() {
        html.push_str(&format!(
            "\n<div><small>[{}] {}</small></div>",
            number + 1,
            inline::html(note)
        ));
    }
    for line in &table.below {
        html.push_str(&format!(
            "\n<div><small>{}</small></div>",
            inline::html(line)
        ));
    }
    html
}

/// As Markdown.
pub fn markdown(table: &Table) -> String {
    let escape = |text: &str| inline::markdown(&text.replace('\n', " ")).replace('|', "\\|");
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = table.head.iter().map(|(title, _)| escape(title)).collect();
    let mut text = line(&head);
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
    for line in &table.below {
        text.push_str(&format!("\n{}\n", escape(line)));
    }
    text
}

/// As LaTeX, narrow enough for a page.
pub fn latex(table: &Table) -> String {
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
    for line in &table.below {
        text.push_str(&format!("\n{}\n", inline::latex(line)));
    }
    text.push_str("\\end{center}\n");
    text
}

/// As plain text, columns aligned.
pub fn text(table: &Table) -> String {
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
    lines.extend(table.below.iter().map(|line| wrapped(line, "", 0)));
    lines
        .iter()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}
