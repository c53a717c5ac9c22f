//! A report becomes displays: figures as SVG and PNG, tables as HTML, Markdown, LaTeX and text.
//!
//! To add a MIME type: its function and a line where the bundle is put together.

mod below;
mod claims;
mod forms;
mod inline;
mod latencies;
pub mod png;
mod said;
mod session;
mod table;
mod verdict;

pub use claims::{bundle as claims_bundle, stable_text as checks_text};
pub use inline::{escape_html, escape_latex};
pub use said::said_text;
pub use session::{comparison_bundle, machine_bundle, results_bundle};
pub use table::{html as table_html, latex as table_latex};
pub use table::{markdown as table_markdown, text as table_text};
pub use verdict::bundle as verdict_bundle;

use crate::analysis::{Report, SCHEMA};
use crate::diagnostic::Diagnostic;
use crate::experiment::Origin;
use crate::host::Machine;
use crate::plot::Drawing;
use crate::units::{columns, format_bytes};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

/// Pixels of a PNG for one of the figure's own: sharp on dense screens and in print.
const PNG_SCALE: f32 = 2.0;
/// SVG beyond which the PNG alone is sent: notebooks are saved with every output in them.
const MOST_SVG: usize = 100 << 10;
/// What JupyterLab renders without an extension; version 6 it does not.
const VEGA_LITE: &str = "application/vnd.vegalite.v5+json";
/// Columns of a line in a terminal.
const WIDTH: usize = 100;

/// One display in every form that frontends take: data and metadata by MIME type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bundle {
    /// By MIME type; text as strings, binary as base64 strings.
    pub data: Map<String, Value>,
    /// By MIME type, such as a picture's width and height.
    pub metadata: Map<String, Value>,
}

impl Bundle {
    fn of(forms: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let data = forms
            .into_iter()
            .map(|(mime, text)| (mime.to_owned(), Value::String(text)))
            .collect();
        Bundle {
            data,
            metadata: Map::new(),
        }
    }
}

/// A figure: an image that follows the theme, a PNG for everything else, and its result in words.
///
/// Never `image/svg+xml`: frontends refuse it in notebooks that aren't trusted, and PDF export breaks on
/// it. `static_output` leaves the PNG and the words alone.
pub fn figure_bundle(drawing: &Drawing, static_output: bool) -> Bundle {
    let mut bundle = Bundle::of([("text/plain", drawing.text.clone())]);
    let (width, height) = (drawing.width, drawing.height);
    if let Ok(png) = png::png(drawing, PNG_SCALE) {
        bundle
            .data
            .insert("image/png".to_owned(), BASE64.encode(png).into());
        bundle.metadata.insert(
            "image/png".to_owned(),
            json!({ "width": width, "height": height }),
        );
    }
    if !static_output && drawing.svg.len() <= MOST_SVG {
        let html = format!(
            "<img alt=\"{}\" width=\"{width}\" height=\"{height}\" style=\"max-width:100%;height:auto\" \
             src=\"data:image/svg+xml;base64,{}\">",
            escape_html(&drawing.alt),
            BASE64.encode(&drawing.svg)
        );
        bundle.data.insert("text/html".to_owned(), html.into());
    }
    bundle
}

/// A figure's zoomable view, an output of its own beside the picture: of what one output holds JupyterLab shows one, and
/// would take the picture. `None` where the figure has no such view.
pub fn zoomable_bundle(drawing: &Drawing) -> Option<Bundle> {
    let words = "The same to zoom into: JupyterLab shows it here.".to_owned();
    let mut bundle = Bundle::of([("text/plain", words)]);
    let view = drawing.zoomable.clone()?;
    bundle.data.insert(VEGA_LITE.to_owned(), view);
    Some(bundle)
}

/// The table of an answer.
pub fn table_bundle(report: &Report) -> Bundle {
    Bundle::of([
        ("text/html", table_html(report)),
        ("text/markdown", table_markdown(report)),
        ("text/latex", table_latex(report)),
        ("text/plain", table_text(report)),
    ])
}

/// What came from where, folded away.
fn settings_html(report: &Report) -> String {
    if report.settings.is_empty() {
        return String::new();
    }
    let origin = |origin| match origin {
        Origin::Cell => "this cell",
        Origin::Base => "the experiment that `base` names",
        Origin::Defaults => "an earlier cell of defaults",
        Origin::BuiltIn => "built-in default",
    };
    let rows: String = report
        .settings
        .iter()
        .map(|setting| {
            format!(
                "<tr><td style=\"text-align:left\"><code>{} = {}</code></td><td \
                 style=\"text-align:left\">{}</td></tr>\n",
                escape_html(&setting.key),
                escape_html(&setting.value),
                origin(setting.from)
            )
        })
        .collect();
    format!(
        "<details><summary><small>Settings</small></summary>\n<table>\n{rows}</table>\n</details>\n"
    )
}

/// The machine's facts in a line.
pub fn machine_line(machine: &Machine) -> String {
    let mut parts = vec![
        machine.cpu.clone(),
        format!("{} of {} CPUs", machine.usable_cpus, machine.cpus),
        format!("{} memory", format_bytes(machine.memory_bytes as f64)),
        machine.system.clone(),
    ];
    if !machine.governor.is_empty() {
        parts.push(format!("governor {}", machine.governor));
    }
    if let Some(load) = machine.load {
        parts.push(format!("load {load:.1}"));
    }
    parts.push(format!("conclab {}", machine.conclab));
    parts.join(" · ")
}

/// Markdown that a command answers.
pub fn markdown_bundle(markdown: &str) -> Bundle {
    Bundle::of([
        ("text/markdown", markdown.to_owned()),
        ("text/plain", markdown.to_owned()),
    ])
}

/// The whole answer for a terminal.
pub fn terminal(report: &Report) -> String {
    let title = wrapped(&report.title, "", 0);
    let rule = "=".repeat(title.lines().map(columns).max().unwrap_or(0));
    let mut text = format!("{title}\n{rule}\n\n");
    if !report.nothing_to_tell() {
        text.push_str(&format!("{}\n", table_text(report)));
    }
    text.push_str(&said_text(report));
    text.push_str(&verdict::terminal(report));
    let claims = claims::text(report);
    if !claims.is_empty() {
        text.push_str(&format!("\n{claims}\n"));
    }
    for warning in &report.warnings {
        text.push_str(&format!(
            "{}\n",
            wrapped(&format!("Note: {warning}"), "      ", 0)
        ));
    }
    text.push_str(&format!(
        "\n{}\n",
        wrapped(&machine_line(&report.machine), "", 0)
    ));
    text
}

/// A paragraph in lines of at most [`WIDTH`] columns, where a word doesn't take more; `taken` are the
/// columns before its first line, `indent` stands before the others.
fn wrapped(paragraph: &str, indent: &str, taken: usize) -> String {
    wrap(paragraph, indent, taken, WIDTH)
}

/// The same in lines of at most `width` columns, or 40 behind a long indent.
pub fn wrap(paragraph: &str, indent: &str, taken: usize, width: usize) -> String {
    let most = width.max(columns(indent) + 40);
    let mut text = String::new();
    let mut at = taken;
    for word in paragraph.split_whitespace() {
        if text.is_empty() {
            at += columns(word);
        } else if at + 1 + columns(word) > most {
            text.push_str(&format!("\n{indent}"));
            at = columns(indent) + columns(word);
        } else {
            text.push(' ');
            at += 1 + columns(word);
        }
        text.push_str(word);
    }
    text
}

/// The report as one JSON object; numbers that aren't finite are null.
pub fn json(report: &Report) -> String {
    serde_json::to_string_pretty(report).expect("a report is plain data")
}

/// The JSON of a cell that is wrong: the same object with diagnostics and without rows.
pub fn wrong_cell_json(source: &str, diagnostics: &[Diagnostic]) -> String {
    let report = Report {
        schema: SCHEMA,
        title: String::new(),
        machine: Machine::read(),
        diagnostics: diagnostics
            .iter()
            .map(|diagnostic| diagnostic.located(source))
            .collect(),
        rows: Vec::new(),
        said: Vec::new(),
        verdict: Vec::new(),
        warnings: Vec::new(),
        x: None,
        calibrated: false,
        crossovers: Vec::new(),
        scaling: Vec::new(),
        winners: Vec::new(),
        checks: Vec::new(),
        predictions: Vec::new(),
        settings: Vec::new(),
        interrupted: false,
    };
    json(&report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_never_sent_as_bare_svg() {
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"4\" height=\"3\"/>".to_owned();
        let drawing = Drawing {
            svg,
            width: 4,
            height: 3,
            alt: "a \"quoted\" <result>".into(),
            text: "the numbers".into(),
            zoomable: None,
        };
        let bundle = figure_bundle(&drawing, false);
        let mimes: Vec<&str> = bundle.data.keys().map(String::as_str).collect();
        assert_eq!(mimes, ["image/png", "text/html", "text/plain"]);
        let html = bundle.data["text/html"].as_str().unwrap();
        assert!(
            html.contains("alt=\"a &quot;quoted&quot; &lt;result&gt;\""),
            "{html}"
        );
        assert_eq!(
            bundle.metadata["image/png"],
            json!({ "width": 4, "height": 3 })
        );
        let mimes: Vec<String> = figure_bundle(&drawing, true).data.keys().cloned().collect();
        assert_eq!(mimes, ["image/png", "text/plain"]);
    }
}
