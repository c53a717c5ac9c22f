//! The title of an experiment whose cell gives it none, from its task as the cell has it.
//!
//! To add a form that a value can have: its arm in [`value`].

use super::layers::Source;
use super::reader::Item;
use crate::experiment::Point;
use crate::units::format_count;
use toml::de::DeValue;

/// "8 tasks: cpu 50ms, then http 50ms", from the cell's own text.
pub fn generated(source: &Source, points: &[Point]) -> String {
    if points[0].case.is_some() {
        let mut names: Vec<&str> = points
            .iter()
            .filter_map(|point| point.case.as_deref())
            .collect();
        names.dedup();
        return names.join(", ");
    }
    if let [_, _, ..] = points[0].program.groups.as_slice() {
        let names: Vec<&str> = points[0]
            .program
            .groups
            .iter()
            .map(|group| group.name.as_str())
            .collect();
        return names.join(" beside ");
    }
    let Some((item, layer)) = source.get("task") else {
        return "Experiment".to_owned();
    };
    let text = source.layer_text(layer);
    let steps = steps(text, item);
    let tasks = points[0].program.tasks();
    let swept = points.iter().any(|point| point.program.tasks() != tasks);
    match tasks {
        _ if swept => steps,
        1 => format!("1 task: {steps}"),
        tasks => format!("{} tasks: {steps}", format_count(tasks)),
    }
}

/// A task's steps in their order.
fn steps(text: &str, item: &Item) -> String {
    let steps = match item.get_ref() {
        DeValue::Array(list) => list.iter().map(|item| step(text, item)).collect(),
        _ => vec![step(text, item)],
    };
    steps.join(", then ")
}

/// A step with its settings, its verb first.
fn step(text: &str, item: &Item) -> String {
    let Some(table) = item.get_ref().as_table() else {
        return String::new();
    };
    let mut entries: Vec<_> = table.iter().collect();
    let is_verb = |key: &str| key == "do" || crate::step::find(key).is_some();
    entries.sort_by_key(|(key, _)| (!is_verb(key.get_ref()), key.span().start));
    let parts = entries
        .iter()
        .map(|(key, item)| match key.get_ref().as_ref() {
            "python" => python(item),
            "do" => format!("({})", steps(text, item)),
            key => format!("{key} {}", value(text, item)),
        });
    parts.collect::<Vec<_>>().join(", ")
}

/// The author's own Python.
fn python(item: &Item) -> String {
    let file = item
        .get_ref()
        .as_table()
        .and_then(|table| table.get("file"));
    match file.and_then(|file| file.get_ref().as_str()) {
        Some(file) => format!("Python of {file}"),
        None => "own Python".to_owned(),
    }
}

/// A value in words: one, or how it differs from task to task or from run to run.
fn value(text: &str, item: &Item) -> String {
    match item.get_ref() {
        DeValue::Table(table) => {
            let mut entries = table.iter();
            match (entries.next(), entries.next()) {
                (Some((form, inner)), None) if form.get_ref() == "sweep" => several(text, inner),
                (Some((form, inner)), None) if form.get_ref() == "each" => {
                    format!("{} (one each)", several(text, inner))
                }
                (Some((form, inner)), None) if form.get_ref() == "total" => {
                    format!("{} shared over all tasks", value(text, inner))
                }
                _ => as_written(text, item),
            }
        }
        DeValue::Array(list) => {
            let words: Vec<String> = list.iter().map(|item| value(text, item)).collect();
            words.join(" ")
        }
        DeValue::String(range) => match range.split_once("..") {
            Some((low, high)) if is_amount(low) && is_amount(high) => {
                format!("{} to {} at random", amount(low), amount(high))
            }
            _ => amount(&as_written(text, item)),
        },
        _ => amount(&as_written(text, item)),
    }
}

/// The values of a list: the first and the last of many amounts, else all.
fn several(text: &str, item: &Item) -> String {
    let Some(list) = item.get_ref().as_array() else {
        return value(text, item);
    };
    let values: Vec<String> = list.iter().map(|item| value(text, item)).collect();
    match values.as_slice() {
        [first, _, .., last] if values.iter().all(|value| is_amount(value)) => {
            format!("{first} to {last}")
        }
        _ => values.join(" / "),
    }
}

/// Whether a text begins with a digit, as numbers with their unit do.
fn is_amount(text: &str) -> bool {
    text.trim().starts_with(|c: char| c.is_ascii_digit())
}

/// A whole number with its thousands separated; others as they are.
fn amount(text: &str) -> String {
    let text = text.trim();
    match text.replace('_', "").parse() {
        Ok(number) if number >= 1_000 => format_count(number),
        _ => text.to_owned(),
    }
}

/// The text of a value, without quotes and line breaks.
fn as_written(text: &str, item: &Item) -> String {
    let written = text.get(item.span()).unwrap_or("");
    let words: Vec<&str> = written.split_whitespace().collect();
    words.join(" ").replace('"', "")
}
