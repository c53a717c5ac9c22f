//! `compare = ["a", "b"]` and `save = "FILE"`: answers beside each other, and kept in files.

use super::{Answer, Event, Lab, Past, error, saved, trace_events};
use crate::analysis::compare::{compare, different_answers, refusal};
use crate::experiment::is_trace;
use crate::process::Stop;
use crate::render;
use std::borrow::Cow;
use std::path::Path;

impl Lab {
    /// Answers `save = "FILE"` in a cell of its own.
    pub(super) fn save(
        &self,
        path: &str,
        of: Option<&str>,
        stop: &Stop,
        tell: &mut dyn FnMut(Event),
    ) -> Answer {
        let past = match of {
            Some(name) => self
                .named(name)
                .ok_or_else(|| self.no_experiment(name, "of = ")),
            None => self.past.last().ok_or_else(|| {
                "no experiment has run in this session yet, so there is nothing to save".to_owned()
            }),
        };
        if let (true, Ok(past)) = (is_trace(path), &past)
            && trace_events::is_missing(&past.report)
        {
            return error("CellError", trace_events::missing(past));
        }
        match past.map(|past| (past, saved::save(past, path, stop))) {
            Ok((past, Ok(()))) => {
                let what = match is_trace(path) {
                    true => "the trace".to_owned(),
                    false => format!("{} runs", past.records.len()),
                };
                let title = &past.report.title;
                tell(Event::Text(format!(
                    "Saved {what} of \"{title}\" to {path}\n"
                )));
                Answer::Ok
            }
            Ok((_, Err(_))) if stop.is_set() => Answer::Interrupted,
            Ok((_, Err(message))) => error("EnvironmentError", message),
            Err(message) => error("CellError", message),
        }
    }

    /// Answers `compare = ["a", "b"]`.
    pub(super) fn compare(&self, a: &str, b: &str, tell: &mut dyn FnMut(Event)) -> Answer {
        let both = self
            .answer_called(a)
            .and_then(|first| Ok((first, self.answer_called(b)?)));
        let (first, second) = match both {
            Ok(both) => both,
            Err(message) => return error("CellError", message),
        };
        let different = refusal(&first.experiment, &second.experiment).or_else(|| {
            let answers = |past: &Past| saved::answers(&past.experiment, &past.records);
            different_answers(&first.experiment, &answers(&first), &answers(&second))
        });
        if let Some(why) = different {
            return error(
                "CellError",
                format!("\"{a}\" and \"{b}\" can't be compared: {why}"),
            );
        }
        let rows = compare(&first.report, &second.report);
        let bundle = render::comparison_bundle((a, &first.report), (b, &second.report), &rows);
        tell(Event::Output(bundle));
        Answer::Ok
    }

    /// An experiment of this session by its name, or a saved answer by its file.
    fn answer_called(&self, name: &str) -> Result<Cow<'_, Past>, String> {
        if let Some(past) = self.named(name) {
            return Ok(Cow::Borrowed(past));
        }
        match name.ends_with(".json") {
            true => saved::load(Path::new(name)).map(Cow::Owned),
            false => Err(self.no_experiment(name, "")),
        }
    }

    fn no_experiment(&self, name: &str, key: &str) -> String {
        let otherwise = "give a cell a `name`, or name a file that was saved as .json";
        let hint = self.meant(name, std::iter::empty(), key, otherwise);
        format!("no experiment called \"{name}\" has run in this session: {hint}")
    }
}
