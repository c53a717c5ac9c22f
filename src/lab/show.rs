//! Cells that run nothing: `show = "…"` and what a cell of defaults answers.
//!
//! To add a word: a row in [`WORDS`].

use super::{Answer, Event, Lab, Past, error};
use crate::catalog;
use crate::describe::nearest;
use crate::host::{Limits, Machine};
use crate::plot;
use crate::process::Stop;
use crate::render::{self, Bundle};
use crate::script;
use crate::spec::{Defaults, Show};

/// A word of `show` and what it answers.
type Word = (&'static str, fn(&mut Lab, &Stop) -> Bundle);

/// Every word that `show` knows beside the names of earlier experiments.
pub const WORDS: &[Word] = &[
    ("machine", |lab, stop| {
        let found = lab.interpreters(stop);
        render::machine_bundle(&Machine::read(), &Limits::read(), &found)
    }),
    ("models", |_, _| {
        render::markdown_bundle(&catalog::models_markdown())
    }),
    ("steps", |_, _| {
        render::markdown_bundle(&catalog::steps_markdown())
    }),
    ("figures", |_, _| {
        render::markdown_bundle(&catalog::figures_markdown())
    }),
    ("results", results),
    ("python", |lab, _| python(lab.past.last())),
    ("version", |_, _| {
        render::markdown_bundle(concat!("conclab ", env!("CARGO_PKG_VERSION")))
    }),
];

impl Lab {
    /// Answers `show = "what"`.
    pub(super) fn show(&mut self, show: &Show, stop: &Stop, tell: &mut dyn FnMut(Event)) -> Answer {
        let what = show.what.as_str();
        if let Some(of) = &show.of {
            let Some(past) = self.named(of) else {
                let hint = self.meant(
                    of,
                    std::iter::empty(),
                    "of = ",
                    "name it by `name = \"…\"` when you run it",
                );
                return error(
                    "CellError",
                    format!("no experiment is called \"{of}\": {hint}"),
                );
            };
            tell(Event::Output(python(Some(past))));
            return Answer::Ok;
        }
        if let Some((_, answer)) = WORDS.iter().find(|(word, _)| *word == what) {
            let answered = answer(self, stop);
            if stop.is_set() {
                return Answer::Interrupted;
            }
            tell(Event::Output(answered));
            return Answer::Ok;
        }
        match self.named(what) {
            Some(past) => {
                let mut experiment = past.experiment.clone();
                if !show.plots.is_empty() {
                    experiment.plots.clone_from(&show.plots);
                }
                experiment.theme = show.theme.unwrap_or(experiment.theme);
                experiment.zoom = show.zoom.unwrap_or(experiment.zoom);
                if show.zoom == Some(true) && !plot::any_zoomable(&experiment.plots) {
                    let message = format!(
                        "`zoom` is a view of the figure `timeline`, which \"{what}\" does not draw: add plot = \
                         [\"timeline\"]"
                    );
                    return error("CellError", message);
                }
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

/// An experiment as plain Python scripts.
fn python(past: Option<&Past>) -> Bundle {
    render::markdown_bundle(&match past {
        None => "No experiment has run in this session yet: run one, and `show = \"python\"` shows it as \
                 plain Python."
            .to_owned(),
        Some(past) => script::markdown(
            &past.experiment,
            past.report.machine.usable_cpus,
            &|path| std::fs::read_to_string(path).ok(),
        ),
    })
}

/// The session's experiments, newest last.
fn results(lab: &mut Lab, _: &Stop) -> Bundle {
    if lab.past.is_empty() {
        return render::markdown_bundle("No experiment has run in this session yet.");
    }
    let answers = lab.past.iter();
    render::results_bundle(answers.map(|past| (past.experiment.name.as_deref(), &past.report)))
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
