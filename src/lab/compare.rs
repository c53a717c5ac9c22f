//! `compare = ["a", "b"]` and `save = "FILE"`: answers beside each other, and kept in files.

use super::{Answer, Event, Lab, Past, error, saved};
use crate::analysis::compare::{ComparedRow, compare, different_answers, refusal};
use crate::render;
use crate::units::{format_bytes, format_ns, format_ratio, format_ratio_range};
use std::borrow::Cow;
use std::path::Path;

impl Lab {
    /// Answers `save = "FILE"` in a cell of its own.
    pub(super) fn save(&self, path: &str, of: Option<&str>, tell: &mut dyn FnMut(Event)) -> Answer {
        let past = match of {
            Some(name) => self
                .named(name)
                .ok_or_else(|| self.no_experiment(name, "of = ")),
            None => self.past.last().ok_or_else(|| {
                "no experiment has run in this session yet, so there is nothing to save".to_owned()
            }),
        };
        match past.map(|past| (past, saved::save(past, path))) {
            Ok((past, Ok(()))) => {
                tell(Event::Text(format!(
                    "Saved {} runs of \"{}\" to {path}\n",
                    past.records.len(),
                    past.report.title
                )));
                Answer::Ok
            }
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
        let markdown = markdown(a, b, &first, &second, &rows);
        tell(Event::Output(render::markdown_bundle(&markdown)));
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

/// The comparison as a table and a sentence.
fn markdown(a: &str, b: &str, first: &Past, second: &Past, rows: &[ComparedRow]) -> String {
    let cell = render::markdown_cell;
    let (name_a, name_b) = (cell(a), cell(b));
    let mut text = format!(
        "| | wall time, {name_a} | wall time, {name_b} | {name_b} is faster by | CPU time | peak memory |\n\
         |:---|---:|---:|---:|---:|---:|\n"
    );
    let both = |(a, b): (Option<f64>, Option<f64>), format: fn(f64) -> String| {
        let one = |value: Option<f64>| value.map_or("–".to_owned(), format);
        format!("{} → {}", one(a), one(b))
    };
    let one = |value: Option<f64>| value.map_or("–".to_owned(), format_ns);
    for row in rows {
        let ratio = row.ratio.map_or("–".to_owned(), |ratio| {
            let clear = if ratio.differs { "" } else { ", not clear" };
            let range = format_ratio_range(ratio.low, ratio.high);
            format!("{} ({range}{clear})", format_ratio(ratio.ratio))
        });
        text.push_str(&format!(
            "| {} | {} | {} | {ratio} | {} | {} |\n",
            cell(&row_name(row)),
            one(row.wall_ns.0),
            one(row.wall_ns.1),
            both(row.cpu_ns, format_ns),
            both(row.peak_bytes, format_bytes)
        ));
    }
    text.push_str(&format!("\n{}\n", cell(&sentence(a, b, rows))));
    let machines = [&first.report.machine, &second.report.machine]
        .map(|machine| cell(&render::machine_line(machine)));
    match machines[0] == machines[1] {
        true => text.push_str(&format!("\n{}\n", machines[0])),
        false => text.push_str(&format!(
            "\n{name_a}: {}\n\n{name_b}: {}\n",
            machines[0], machines[1]
        )),
    }
    text
}

fn row_name(row: &ComparedRow) -> String {
    let mut parts: Vec<String> = row.case.iter().cloned().collect();
    parts.push(row.label.clone());
    parts.extend(row.at.iter().map(|(key, value)| format!("{key} = {value}")));
    parts.join(", ")
}

fn sentence(a: &str, b: &str, rows: &[ComparedRow]) -> String {
    let judged = rows.iter().filter(|row| row.ratio.is_some()).count();
    let differing = rows.iter().filter_map(|row| Some((row, row.ratio?)));
    let told: Vec<String> = differing
        .filter(|(_, ratio)| ratio.differs)
        .map(|(row, ratio)| match ratio.ratio > 1.0 {
            true => format!(
                "{} is {} faster in {b}",
                row_name(row),
                format_ratio(ratio.ratio)
            ),
            false => format!(
                "{} is {} faster in {a}",
                row_name(row),
                format_ratio(1.0 / ratio.ratio)
            ),
        })
        .collect();
    match (judged, told.as_slice()) {
        (0, _) => "Nothing was measured often enough in both to be compared.".to_owned(),
        (_, []) => format!("No row differs clearly between {a} and {b}."),
        (_, told) => format!("{}.", told.join("; ")),
    }
}
