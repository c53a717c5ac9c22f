//! The verdict of an answer in every form: its first sentence stands out, what else was found follows.
//!
//! To add a form: its way of writing a list, and a line in [`bundle`].

use super::inline::{self, escape_html};
use super::{Bundle, machine_line, settings_html, wrapped};
use crate::analysis::Report;

/// Sentences behind the first from which they are a list.
const LIST_FROM: usize = 2;

/// First sentence and the others.
fn split(report: &Report) -> Option<(&String, &[String])> {
    report.verdict.split_first()
}

/// Verdict, warnings and the machine's line.
pub fn bundle(report: &Report) -> Bundle {
    Bundle::of([
        ("text/html", html(report)),
        ("text/markdown", markdown(report)),
        ("text/latex", latex(report)),
        ("text/plain", text(report)),
    ])
}

fn html(report: &Report) -> String {
    let mut html = String::new();
    if let Some((first, rest)) = split(report) {
        let first = inline::html(first);
        let rest: Vec<String> = rest.iter().map(|sentence| inline::html(sentence)).collect();
        html.push_str(&match rest.len() {
            0 => format!("<p><strong>{first}</strong></p>\n"),
            some if some < LIST_FROM => {
                format!("<p><strong>{first}</strong> {}</p>\n", rest.join(" "))
            }
            _ => format!(
                "<p><strong>{first}</strong></p>\n<ul>\n<li>{}</li>\n</ul>\n",
                rest.join("</li>\n<li>")
            ),
        });
    }
    for warning in &report.warnings {
        html.push_str(&format!("<div>Note: {}</div>\n", inline::html(warning)));
    }
    html.push_str(&format!(
        "<div><small>{}</small></div>\n",
        escape_html(&machine_line(&report.machine))
    ));
    html.push_str(&settings_html(report));
    html
}

/// Paragraphs: the verdict as `told` writes it, a note for each warning, the machine.
fn paragraphs(
    report: &Report,
    told: &dyn Fn(&str, &[String]) -> String,
    line: fn(&str) -> String,
) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some((first, rest)) = split(report) {
        let rest: Vec<String> = rest.iter().map(|sentence| line(sentence)).collect();
        parts.push(told(&line(first), &rest));
    }
    let notes = report.warnings.iter();
    parts.extend(notes.map(|warning| format!("Note: {}", line(warning))));
    parts.push(line(&machine_line(&report.machine)));
    parts.join("\n\n")
}

/// The first sentence, then the others: behind it, or where there are several as a list between `open`
/// and `close`.
fn listed(first: String, rest: &[String], open: &str, item: &str, close: &str) -> String {
    if rest.len() < LIST_FROM {
        let all: Vec<String> = std::iter::once(first).chain(rest.iter().cloned()).collect();
        return all.join(" ");
    }
    let items: String = rest.iter().map(|text| format!("\n{item}{text}")).collect();
    format!("{first}\n{open}{items}{close}")
}

fn markdown(report: &Report) -> String {
    let told = |first: &str, rest: &[String]| listed(format!("**{first}**"), rest, "", "- ", "");
    paragraphs(report, &told, inline::markdown)
}

fn latex(report: &Report) -> String {
    let told = |first: &str, rest: &[String]| {
        let (open, close) = ("\\begin{itemize}", "\n\\end{itemize}");
        listed(format!("\\textbf{{{first}}}"), rest, open, "\\item ", close)
    };
    paragraphs(report, &told, inline::latex)
}

fn text(report: &Report) -> String {
    let told = |first: &str, rest: &[String]| listed(first.to_owned(), rest, "", "- ", "");
    paragraphs(report, &told, str::to_owned)
}

/// The sentences for a terminal, wrapped; empty where there are none.
pub fn terminal(report: &Report) -> String {
    let Some((first, rest)) = split(report) else {
        return String::new();
    };
    if rest.len() < LIST_FROM {
        return format!("{}\n", wrapped(&report.verdict.join(" "), "", 0));
    }
    let mut text = format!("{}\n", wrapped(first, "", 0));
    for sentence in rest {
        text.push_str(&format!("{}\n", wrapped(&format!("- {sentence}"), "  ", 0)));
    }
    text
}
