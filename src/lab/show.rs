//! Cells that run nothing: `show = "…"` and what a cell of defaults answers.
//!
//! To add a word: a row in [`WORDS`].

use super::{Answer, Event, Lab, Past, error};
use crate::catalog;
use crate::describe::nearest;
use crate::host::{Limits, Machine};
use crate::render;
use crate::spec::{Defaults, Show};
use crate::units::{format_bytes, format_count, format_ns};

/// A word of `show` and what it answers, as Markdown.
type Word = (&'static str, fn(&Lab) -> String);

/// Every word that `show` knows beside the names of earlier experiments.
pub const WORDS: &[Word] = &[
    ("machine", |_| machine()),
    ("models", |_| catalog::models_markdown()),
    ("steps", |_| catalog::steps_markdown()),
    ("figures", |_| catalog::figures_markdown()),
    ("results", results),
    ("version", |_| {
        format!("conclab {}", env!("CARGO_PKG_VERSION"))
    }),
];

impl Lab {
    /// Answers `show = "what"`.
    pub(super) fn show(&self, show: &Show, tell: &mut dyn FnMut(Event)) -> Answer {
        let what = show.what.as_str();
        if let Some((_, text)) = WORDS.iter().find(|(word, _)| *word == what) {
            tell(Event::Output(render::markdown_bundle(&text(self))));
            return Answer::Ok;
        }
        match self.named(what) {
            Some(past) => {
                let mut experiment = past.experiment.clone();
                if !show.plots.is_empty() {
                    experiment.plots.clone_from(&show.plots);
                }
                experiment.theme = show.theme.unwrap_or(experiment.theme);
                self.display(&experiment, &past.report, tell);
                Answer::Ok
            }
            None => {
                let words = WORDS.iter().map(|(word, _)| *word);
                let list: Vec<String> = words.clone().map(|word| format!("\"{word}\"")).collect();
                let otherwise = format!(
                    "it shows {}, or an experiment of this session by its `name`",
                    list.join(", ")
                );
                let hint = self.meant(what, words, "show = ", &otherwise);
                error(
                    "CellError",
                    format!("there is nothing called \"{what}\" to show: {hint}"),
                )
            }
        }
    }

    /// The newest experiment of that name.
    pub(super) fn named(&self, name: &str) -> Option<&Past> {
        let named = |past: &&Past| past.experiment.name.as_deref() == Some(name);
        self.past.iter().rev().find(named)
    }

    /// "did you mean …", among the names of experiments and other words; else what there is.
    pub(super) fn meant<'a>(
        &'a self,
        word: &str,
        others: impl Iterator<Item = &'a str>,
        key: &str,
        otherwise: &str,
    ) -> String {
        let names = self
            .past
            .iter()
            .filter_map(|past| past.experiment.name.as_deref());
        match nearest(word, others.chain(names)) {
            Some(near) => format!("did you mean `{key}\"{near}\"`?"),
            None => otherwise.to_owned(),
        }
    }
}

/// The machine's facts and limits.
fn machine() -> String {
    let machine = Machine::read();
    let limits = Limits::read();
    let count = |value: Option<u64>| value.map_or("unknown".to_owned(), format_count);
    let size = |bytes: u64| format_bytes(bytes as f64);
    let mut rows = vec![
        ("CPU", machine.cpu.clone()),
        (
            "Usable CPUs",
            format!("{} of {}", machine.usable_cpus, machine.cpus),
        ),
        ("Memory", size(machine.memory_bytes)),
        (
            "Memory free now",
            limits
                .memory_available_bytes
                .map_or("unknown".to_owned(), size),
        ),
        ("System", machine.system.clone()),
    ];
    if !machine.governor.is_empty() {
        rows.push(("Frequency governor", machine.governor.clone()));
    }
    if let Some(turbo) = machine.turbo {
        rows.push(("Turbo", if turbo { "on" } else { "off" }.to_owned()));
    }
    if let Some(load) = machine.load {
        rows.push(("Load (1 min)", format!("{load:.2}")));
    }
    if let Some(pressure) = machine.cpu_pressure {
        rows.push(("Waiting for a CPU (10 s)", format!("{pressure:.1} %")));
    }
    rows.extend([
        (
            "Threads a process can have",
            count(limits.threads_per_process),
        ),
        ("Threads and processes left", count(limits.tasks_left)),
        ("Open files a process can have", count(limits.descriptors)),
        ("conclab", machine.conclab.clone()),
    ]);
    let rows: Vec<String> = rows
        .iter()
        .map(|(name, value)| format!("| {name} | {value} |"))
        .collect();
    format!("| machine | |\n|:--|:--|\n{}", rows.join("\n"))
}

/// The session's experiments, newest last.
fn results(lab: &Lab) -> String {
    if lab.past.is_empty() {
        return "No experiment has run in this session yet.".to_owned();
    }
    let rows = lab.past.iter().map(|past| {
        let measured: Vec<String> = past
            .report
            .rows
            .iter()
            .filter_map(|row| {
                Some(format!(
                    "{} {}",
                    row.label,
                    format_ns(row.wall_ns.as_ref()?.median)
                ))
            })
            .collect();
        let cell = render::markdown_cell;
        let name = past
            .experiment
            .name
            .as_deref()
            .map_or("–".to_owned(), |name| format!("`{}`", cell(name)));
        format!(
            "| {name} | {} | {} |",
            cell(&past.report.title),
            cell(&measured.join(", "))
        )
    });
    let rows: Vec<String> = rows.collect();
    format!(
        "| name | experiment | median wall time |\n|:--|:--|:--|\n{}\n\nShow one again with \
         `show = \"NAME\"`.",
        rows.join("\n")
    )
}

/// What a cell of defaults answers.
pub(super) fn defaults(defaults: &Defaults) -> String {
    let lines: Vec<String> = defaults
        .values
        .iter()
        .map(|(key, value)| format!("  {key} = {value}\n"))
        .collect();
    match lines.is_empty() {
        true => "No defaults are set.\n".to_owned(),
        false => format!("Defaults for the cells that follow:\n{}", lines.concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::keys::SHOWS;

    #[test]
    fn completion_and_help_know_the_words_that_are_answered() {
        let answered: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
        let known: Vec<&str> = SHOWS.iter().map(|(word, _)| *word).collect();
        assert_eq!(answered, known);
    }
}
