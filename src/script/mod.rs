//! The plain Python script that does what an experiment does: for readers who know Python, and for running
//! without conclab.
//!
//! Operations know their lines (`ops` with `values` and `counter`, and functions from `blocks`; `body` collects
//! them), models know their frame (`models`), `shared` is what all tasks use, `author` the Python that the cell's
//! author wrote; `assemble` puts a script together. A script uses the standard library alone, from Python 3.9 on.

mod assemble;
mod author;
mod blocks;
mod body;
mod counter;
mod models;
mod notes;
mod ops;
mod shared;
mod values;

pub use author::{Module, ReadFile};

use crate::analysis::place_of;
use crate::experiment::Experiment;

/// One script, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// Models that it stands for, with the case where there are several.
    pub title: String,
    /// The text.
    ///
    /// # Errors
    /// A sentence: Python's standard library has nothing like it.
    pub text: Result<String, String>,
    /// Files of the author's Python that stand beside it.
    pub modules: Vec<Module>,
}

/// The scripts of an experiment: one for each model with its settings and each case, at the first point of
/// a sweep. What is the same on several runtimes is there once. `read` reads a file that a `python` step names.
pub fn scripts(experiment: &Experiment, usable_cpus: u32, read: ReadFile) -> Vec<Script> {
    let mut found: Vec<Script> = Vec::new();
    let mut cases: Vec<&Option<String>> = Vec::new();
    for point in &experiment.points {
        if cases.contains(&&point.case) {
            continue;
        }
        cases.push(&point.case);
        let titled = |label: &str| match &point.case {
            Some(case) => format!("{case}: {label}"),
            None => label.to_owned(),
        };
        for series in &experiment.series {
            let settings = experiment.settings(series, point, usable_cpus);
            let short = crate::analysis::short(&series.label, series.runtime.name());
            let written = assemble::script(experiment, series, point, &settings, read);
            let (text, modules) = match written {
                Ok((text, modules)) => (Ok(text), modules),
                Err(why) => (Err(why), Vec::new()),
            };
            let mut script = Script {
                title: titled(short),
                text,
                modules,
            };
            if found.contains(&script) {
                continue;
            }
            // Where runtimes differ, as in their own number of workers, each is named.
            if found.iter().any(|other| other.title == script.title) {
                script.title = titled(&series.label);
            }
            found.push(script);
        }
    }
    found
}

/// The scripts as Markdown, a fenced block each.
pub fn markdown(experiment: &Experiment, usable_cpus: u32, read: ReadFile) -> String {
    let mut text = format!("## {} in plain Python\n", experiment.title);
    let first = experiment.points.first();
    if let Some(point) = first.filter(|point| !point.at.is_empty()) {
        let keys: Vec<String> = point.at.iter().map(|(key, _)| format!("`{key}`")).collect();
        text.push_str(&format!(
            "\nThese are for {}, the first point of the sweep: change {} in the script for the others.\n",
            place_of(None, &point.at),
            keys.join(" and ")
        ));
    }
    for note in notes::notes(experiment, read) {
        text.push_str(&format!("\n{note}\n"));
    }
    let mut shown: Vec<&Module> = Vec::new();
    let scripts = scripts(experiment, usable_cpus, read);
    for script in &scripts {
        text.push_str(&format!("\n### {}\n", script.title));
        for module in &script.modules {
            // A later case may have another module of that name.
            let latest = shown.iter().rev().find(|known| known.file == module.file);
            if latest.is_some_and(|latest| *latest == module) {
                continue;
            }
            shown.push(module);
            text.push_str(&format!(
                "\n`{}`, beside the script:\n\n```python\n{}\n```\n",
                module.file, module.text
            ));
        }
        match &script.text {
            Ok(script) => text.push_str(&format!("\n```python\n{}\n```\n", script.trim_end())),
            Err(why) => text.push_str(&format!("\n{why}.\n")),
        }
    }
    text
}
