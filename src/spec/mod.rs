//! The text of a cell becomes an experiment, or diagnostics. Parsing never fails and never acts.
//!
//! [`read`] parses TOML, `resolve` walks it key by key, `reader` reads single values with complaints that
//! say what to write instead, `syntax` puts TOML's own errors into words. To add a key of a
//! cell: a row in `catalog::keys` and the lines of `resolve` that read it.
//!
//! While a cell is being typed, `scan` finds where the cursor is in half a cell, `slot` knows what belongs
//! there, and [`complete`] and [`inspect`] say it.

mod command;
mod complete;
mod inspect;
mod later;
mod models;
mod reader;
mod resolve;
mod scan;
mod slot;
mod syntax;
mod task;
mod tokens;

pub use complete::{Completion, Completions, Known, complete};
pub use inspect::{Detail, Inspection, inspect};
pub use syntax::{Completeness, is_complete};

use crate::diagnostic::{Diagnostic, line_column};
use crate::experiment::Experiment;
use toml::Spanned;
use toml::de::DeTable;

/// Keys that make a cell an experiment.
const EXPERIMENT_KEYS: &[&str] = &["task", "mix", "cases", "stages", "base"];

/// What a cell asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing but blanks and comments.
    Empty,
    /// Something to run.
    Experiment(Box<Experiment>),
    /// Values for the later cells of the session, the earlier ones included.
    Defaults(Defaults),
    /// `show = "…"`: one of the fixed words, or the name of an earlier experiment.
    Show(String),
    /// `help = "…"`; empty for the overview.
    Help(String),
}

/// Values that earlier cells set for the later ones: the text of each key's value, as TOML.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults {
    /// Key and value.
    pub values: Vec<(String, String)>,
}

impl Defaults {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, value)| value.as_str())
    }

    /// All of them as a cell.
    fn text(&self) -> String {
        self.values
            .iter()
            .map(|(key, value)| format!("{key} = {value}\n"))
            .collect()
    }

    fn set(&mut self, key: &str, value: &str) {
        self.values.retain(|(known, _)| known != key);
        self.values.push((key.to_owned(), value.to_owned()));
    }
}

/// Reads a cell. All problems at once, in the order of the text; a cell only where there is none.
pub fn read(text: &str, defaults: &Defaults) -> (Option<Cell>, Vec<Diagnostic>) {
    if let Some(cell) = command(text.trim()) {
        return (Some(cell), Vec::new());
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    let syntax = syntax::diagnostics(text, &errors);
    let (cell, mut problems) = cell(text, &table, defaults);
    if !syntax.is_empty() {
        // What could be read is judged too, but not what a syntax error has left half read.
        let line = |problem: &Diagnostic| line_column(text, problem.span.start).0;
        let broken: Vec<usize> = syntax.iter().map(line).collect();
        let whole = |problem: &Diagnostic| {
            let last = line_column(text, problem.span.end).0;
            !broken
                .iter()
                .any(|broken| (line(problem)..=last).contains(broken))
        };
        problems.retain(whole);
        problems.extend(syntax);
    }
    problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
    if problems.is_empty() {
        (cell, problems)
    } else {
        (None, problems)
    }
}

fn cell(
    text: &str,
    table: &Spanned<DeTable>,
    defaults: &Defaults,
) -> (Option<Cell>, Vec<Diagnostic>) {
    let keys = table.get_ref();
    if keys.is_empty() {
        return (Some(Cell::Empty), Vec::new());
    }
    if let Some(key) = ["show", "help"]
        .into_iter()
        .find(|key| keys.contains_key(*key))
    {
        return show_or_help(text, keys, key);
    }
    if EXPERIMENT_KEYS.iter().any(|key| keys.contains_key(*key)) {
        let (experiment, problems) = resolve::experiment(text, table, defaults);
        return (
            experiment.map(|experiment| Cell::Experiment(Box::new(experiment))),
            problems,
        );
    }
    let problems = resolve::check_defaults(text, keys);
    let mut merged = defaults.clone();
    let mut entries: Vec<_> = keys.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, item) in entries {
        merged.set(key.get_ref(), text.get(item.span()).unwrap_or("").trim());
    }
    (Some(Cell::Defaults(merged)), problems)
}

/// `show = "…"` and `help = "…"` stand alone.
fn show_or_help(text: &str, keys: &DeTable, key: &str) -> (Option<Cell>, Vec<Diagnostic>) {
    let mut reader = reader::Reader::new(text, Vec::new());
    for (other, _) in keys.iter().filter(|(other, _)| other.get_ref() != key) {
        let name = other.get_ref();
        reader.problem(
            other.span(),
            format!("`{key}` stands alone in its cell, and `{name}` is there too"),
            format!("put `{name}` into a cell of its own"),
        );
    }
    let word = keys.get(key).and_then(|item| reader.string(key, item));
    let cell = word.map(|word| {
        if key == "show" {
            Cell::Show(word)
        } else {
            Cell::Help(word)
        }
    });
    (cell, reader.problems)
}

/// `%show x`, `%help x`, `%x`, `?x` and `x?`: what people type elsewhere.
fn command(line: &str) -> Option<Cell> {
    if line.contains('\n') {
        return None;
    }
    let unquoted = |word: &str| word.trim().trim_matches(['"', '\'', '=', ' ']).to_owned();
    if let Some(rest) = line.strip_prefix('%') {
        let rest = rest.trim_start_matches('%').trim();
        let (name, argument) = rest.split_once([' ', '=']).unwrap_or((rest, ""));
        return Some(match name {
            "help" => Cell::Help(unquoted(argument)),
            "show" => Cell::Show(unquoted(argument)),
            other => Cell::Show(unquoted(other)),
        });
    }
    let word = line.strip_prefix('?').or_else(|| {
        let word = line.strip_suffix('?')?;
        word.chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '?'))
            .then_some(word)
    })?;
    Some(Cell::Help(unquoted(word.trim_matches('?'))))
}
