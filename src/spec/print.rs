//! An experiment as a cell that stands on its own: what `base` and cells of defaults gave is written out.

use super::reader::Item;
use crate::experiment::{Experiment, Origin};
use toml::de::{DeString, DeValue};

/// A value as TOML on one line, whatever headers and dots it was written with; `text` is what spans
/// refer to.
pub fn inline(text: &str, item: &Item) -> String {
    match item.get_ref() {
        DeValue::Array(list) => {
            let items: Vec<String> = list.iter().map(|item| inline(text, item)).collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Table(table) => {
            let mut entries: Vec<_> = table.iter().collect();
            entries.sort_by_key(|(key, _)| key.span().start);
            let entries: Vec<String> = entries
                .into_iter()
                .map(|(key, item)| {
                    format!("{} = {}", quoted_key(key.get_ref()), inline(text, item))
                })
                .collect();
            match entries.is_empty() {
                true => "{}".to_owned(),
                false => format!("{{ {} }}", entries.join(", ")),
            }
        }
        // Texts of several lines would not fit into an inline table.
        DeValue::String(value) if text.get(item.span()).is_none_or(|text| text.contains('\n')) => {
            quoted(value)
        }
        _ => text.get(item.span()).unwrap_or("").trim().to_owned(),
    }
}

fn quoted_key(key: &DeString) -> String {
    let bare = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if bare { key.to_string() } else { quoted(key) }
}

/// A basic string of TOML.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The experiment as a cell, a key a line: all that was written somewhere, nothing that is a default of
/// the language. Read again, it is the same experiment.
pub fn print(experiment: &Experiment) -> String {
    let mut lines = vec![format!("title = {}", quoted(&experiment.title))];
    if let Some(name) = &experiment.name {
        lines.push(format!("name = {}", quoted(name)));
    }
    let written = experiment
        .settings
        .iter()
        .filter(|setting| setting.from != Origin::BuiltIn && setting.key != "base");
    lines.extend(written.map(|setting| format!("{} = {}", setting.key, setting.value)));
    lines.push(String::new());
    lines.join("\n")
}
