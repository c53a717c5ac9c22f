//! Claims in an answer: a stable text, a table with the numbers, and the reader's guesses revealed.
//!
//! To add a form: its function and a line in [`bundle`].

use super::inline::{self, escape_html, escape_latex};
use super::{Bundle, wrapped};
use crate::analysis::{Check, CheckResult, Report};
use crate::units::columns;

/// Headings of the table.
const HEAD: [&str; 3] = ["check", "result", "measured"];

/// Columns of the longest result, "not clear".
const RESULT_WIDTH: usize = 9;

/// Results and claims alone, a line each: nothing in it changes from run to run while the results don't,
/// so that a saved notebook can be compared with a new run.
pub fn stable_text(report: &Report) -> String {
    report.checks.iter().map(line).collect()
}

fn line(check: &Check) -> String {
    let result = check.result.text();
    format!("{result:RESULT_WIDTH$}  {}\n", printable(&check.claim))
}

/// Table and guesses in every form; `None` where the cell claims nothing.
pub fn bundle(report: &Report) -> Option<Bundle> {
    let claims = report.checks.len() + report.predictions.len();
    (claims > 0).then(|| {
        Bundle::of([
            ("text/html", html(report)),
            ("text/markdown", markdown(report)),
            ("text/latex", latex(report)),
            ("text/plain", text(report)),
        ])
    })
}

/// A label may hold anything; a line of text must stay one.
fn printable(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// A claim as code, in a form that reads backticks.
fn code(claim: &str) -> String {
    format!("`{}`", printable(claim))
}

/// "yes, 1.9× (95 % interval 1.8–2.0)"
fn reveal(prediction: &Check) -> String {
    let why = printable(&prediction.why);
    match prediction.result {
        CheckResult::Ok => format!("yes, {why}"),
        CheckResult::Failed => format!("no, it was {why}"),
        CheckResult::NotClear => format!("not clear, {why}"),
    }
}

fn sentence(prediction: &Check) -> String {
    format!(
        "Your prediction {}: {}.",
        code(&prediction.claim),
        reveal(prediction)
    )
}

fn html(report: &Report) -> String {
    let mut html = String::new();
    if !report.checks.is_empty() {
        let cell =
            |tag: &str, inner: &str| format!("<{tag} style=\"text-align:left\">{inner}</{tag}>");
        let head: String = HEAD.map(|title| cell("th scope=\"col\"", title)).concat();
        let head = head.replace("</th scope=\"col\">", "</th>");
        html.push_str(&format!(
            "<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n"
        ));
        for check in &report.checks {
            let result = match check.result {
                CheckResult::Failed => format!("<strong>{}</strong>", check.result.text()),
                _ => check.result.text().replace(' ', "\u{a0}"),
            };
            html.push_str(&format!(
                "<tr>{}{}{}</tr>\n",
                cell(
                    "td",
                    &format!("<code>{}</code>", escape_html(&printable(&check.claim)))
                ),
                cell("td", &result),
                cell("td", &inline::html(&printable(&check.why)))
            ));
        }
        html.push_str("</tbody>\n</table>\n");
    }
    for prediction in &report.predictions {
        html.push_str(&format!("<p>{}</p>\n", inline::html(&sentence(prediction))));
    }
    html
}

fn markdown(report: &Report) -> String {
    let mut text = String::new();
    if !report.checks.is_empty() {
        text.push_str(&format!("| {} |\n|:---|:---|:---|\n", HEAD.join(" | ")));
    }
    for check in &report.checks {
        let result = match check.result {
            CheckResult::Failed => format!("**{}**", check.result.text()),
            _ => check.result.text().to_owned(),
        };
        let cell = |text: &str| inline::markdown(text).replace('|', "\\|");
        text.push_str(&format!(
            "| {} | {result} | {} |\n",
            cell(&code(&check.claim)),
            cell(&printable(&check.why))
        ));
    }
    for prediction in &report.predictions {
        text.push_str(&format!("\n{}\n", inline::markdown(&sentence(prediction))));
    }
    text
}

fn latex(report: &Report) -> String {
    let mut text = String::new();
    if !report.checks.is_empty() {
        text.push_str(&format!(
            "\\begin{{center}}\\footnotesize\n\
             \\begin{{tabular}}{{p{{0.38\\linewidth}}lp{{0.44\\linewidth}}}}\n\\hline\n{} \\\\\n\\hline\n",
            HEAD.join(" & ")
        ));
        for check in &report.checks {
            text.push_str(&format!(
                "\\raggedright {} & {} & {} \\\\\n",
                inline::latex(&code(&check.claim)),
                escape_latex(check.result.text()),
                inline::latex(&printable(&check.why))
            ));
        }
        text.push_str("\\hline\n\\end{tabular}\n\\end{center}\n");
    }
    for prediction in &report.predictions {
        text.push_str(&format!("\n{}\n", inline::latex(&sentence(prediction))));
    }
    text
}

/// Results, claims and numbers as plain text.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    let indent = " ".repeat(RESULT_WIDTH + 2);
    for check in &report.checks {
        let why = wrapped(&printable(&check.why), &indent, columns(&indent));
        text.push_str(&format!("{}{indent}{why}\n", line(check)));
    }
    for prediction in &report.predictions {
        let claim = printable(&prediction.claim);
        let sentence = format!("Your prediction \"{claim}\": {}.", reveal(prediction));
        text.push_str(&format!("{}\n", wrapped(&sentence, "", 0)));
    }
    text
}
