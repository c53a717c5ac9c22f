//! What the word at the cursor is: the same text as its help, chosen by where it stands.
//!
//! Pure, and made for text that is not a cell yet.

use super::Session;
use super::command::command_at;
use super::scan::{Place, Role, floor, scan};
use super::slot::{Slot, keys_at, slot_at};
use crate::catalog::keys::{self, SHOWS};
use crate::catalog::{self, Entry, Owner};
use crate::diagnostic::Span;
use crate::measure::metrics::METRICS;
use crate::model;
use crate::plot::FIGURES;
use crate::runtime::{RUNTIMES, Runtime};

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What the word is at its place.
    Here,
    /// Everything that the word means anywhere.
    Everything,
}

/// What is known about a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The word.
    pub span: Span,
    /// What it is, as Markdown.
    pub markdown: String,
    /// The same as plain text.
    pub plain: String,
}

/// What the word at `cursor` is; `None` where there is nothing to say. A cursor right before or behind a word
/// is at it, and one where a value is missing is at its key.
pub fn inspect(text: &str, cursor: usize, known: &Session, detail: Detail) -> Option<Inspection> {
    let cursor = floor(text, cursor);
    if let Some(command) = command_at(text, cursor) {
        let word = &text[command.word.clone()];
        let markdown = match command.slot {
            Some(Slot::Show) => shown(word, known)?,
            Some(Slot::Unknown) => return None,
            Some(_) if word.is_empty() => return None,
            Some(_) => catalog::help_markdown(word).ok()?,
            None => shown(word, known).or_else(|| catalog::help_markdown(word).ok())?,
        };
        return Some(inspection(command.word, markdown));
    }
    let before = text[..cursor]
        .chars()
        .next_back()
        .map(|c| cursor - c.len_utf8());
    let behind = text[cursor..].chars().next().map(|c| cursor + c.len_utf8());
    let word_at = |cursor: usize| {
        let (place, _) = scan(text, cursor);
        if place.word.is_empty() {
            return None;
        }
        let (span, found) = word(text, cursor, &place, known)?;
        let markdown = match (&found, detail) {
            (Found::Entry(entry), Detail::Everything) => {
                catalog::help_markdown(entry.name()).ok()?
            }
            (Found::Entry(entry), Detail::Here) => with_default(*entry, known),
            (Found::Text(markdown), _) => markdown.clone(),
        };
        Some(inspection(span, markdown))
    };
    let places = [Some(cursor), behind, before, verb_before(text, cursor)];
    let places = places.into_iter().flatten();
    let found = places.map(word_at).find_map(|found| found);
    found.or_else(|| missing_value(text, cursor, known))
}

/// Right behind a table: inside its first word. A step that has just been completed is asked about there.
fn verb_before(text: &str, cursor: usize) -> Option<usize> {
    let inner = text[..cursor].trim_end().strip_suffix('}')?;
    let open = inner.rfind('{')? + 1;
    let blank = inner[open..].len() - inner[open..].trim_start().len();
    inner[open + blank..]
        .chars()
        .next()
        .map(|first| open + blank + first.len_utf8())
}

enum Found {
    Entry(Entry),
    Text(String),
}

/// The word of a place and what it is.
fn word(text: &str, cursor: usize, place: &Place, known: &Session) -> Option<(Span, Found)> {
    let span = place.word.clone();
    let word = &text[span.clone()];
    let entry = |entry: Entry| Some((span.clone(), Found::Entry(entry)));
    if matches!(place.role, Role::Key | Role::Header) {
        let found = keys_at(place)
            .into_iter()
            .find(|entry| entry.name() == word);
        return entry(found?);
    }
    if place.role != Role::Value {
        return None;
    }
    match slot_at(place) {
        Slot::Of(of) => entry(of),
        Slot::Model { .. } => {
            let (name, runtime) = word.split_once('@').unwrap_or((word, ""));
            match cursor > span.start + name.len() {
                true => entry(runtime_entry(runtime)?),
                false => entry(Entry::Model(model::find(name)?.def())),
            }
        }
        Slot::Runtime => entry(runtime_entry(word)?),
        Slot::Figure => {
            let figure = FIGURES.iter().find(|figure| figure.def.name == word)?;
            entry(Entry::Figure(&figure.def))
        }
        Slot::Claim => {
            let (span, name) = claim_word(text, cursor, &span);
            let metric = METRICS
                .iter()
                .find(|metric| metric.name == name)
                .map(Entry::Metric);
            let row = || {
                let name = name.split('@').next().unwrap_or(name);
                model::find(name).map(|model| Entry::Model(model.def()))
            };
            Some((span, Found::Entry(metric.or_else(row)?)))
        }
        Slot::Past => Some((span, Found::Text(past(word, known)?))),
        Slot::Show => Some((span.clone(), Found::Text(shown(word, known)?))),
        Slot::Help => Some((
            span.clone(),
            Found::Text(catalog::help_markdown(word).ok()?),
        )),
        Slot::Save => entry(Entry::Key(Owner::Cell, keys::find("save")?)),
        Slot::Step | Slot::Unknown => None,
    }
}

/// The runtime of that name; a version or a path is a `python`.
fn runtime_entry(name: &str) -> Option<Entry> {
    let python = Runtime::named(name)?.is_python();
    let name = if python { "python" } else { name };
    let def = RUNTIMES.iter().find(|def| def.name == name)?;
    Some(Entry::Runtime(def))
}

/// The word of a claim that the cursor is at; behind `wall(` that is still `wall`.
fn claim_word<'a>(text: &'a str, cursor: usize, claim: &Span) -> (Span, &'a str) {
    let part = |c: char| c.is_alphanumeric() || "-_@.".contains(c);
    let cursor = cursor.clamp(claim.start, claim.end);
    let before = text[claim.start..cursor].trim_end_matches('(');
    let start = claim.start + before.trim_end_matches(part).len();
    let rest = &text[start..claim.end];
    let end = start + rest.find(|c| !part(c)).unwrap_or(rest.len());
    (start..end, &text[start..end])
}

/// Where a value is missing: what its key is.
fn missing_value(text: &str, cursor: usize, known: &Session) -> Option<Inspection> {
    let (place, _) = scan(text, cursor);
    if place.role != Role::Value || !place.word.is_empty() {
        return None;
    }
    let entry = match slot_at(&place) {
        Slot::Of(entry) => entry,
        _ => {
            let top = place.path.split(['.', '[']).next().unwrap_or("");
            Entry::Key(Owner::Cell, keys::find(top)?)
        }
    };
    Some(inspection(cursor..cursor, with_default(entry, known)))
}

/// An entry's text, and the value that an earlier cell has set.
fn with_default(entry: Entry, known: &Session) -> String {
    let markdown = entry.markdown();
    let set = match entry {
        Entry::Key(Owner::Cell, key) => known.defaults.get(key.name),
        _ => None,
    };
    match set {
        Some(value) => format!("{markdown}\n\nAn earlier cell has set it to `{value}`."),
        None => markdown,
    }
}

fn past(word: &str, known: &Session) -> Option<String> {
    let is_known = known.find(word).is_some();
    is_known.then(|| format!("**{word}**: an earlier experiment of this session."))
}

fn shown(word: &str, known: &Session) -> Option<String> {
    let fixed = SHOWS.iter().find(|(known, _)| *known == word);
    let fixed = fixed.map(|(word, shows)| format!("**{word}**: shows {shows}."));
    fixed.or_else(|| past(word, known))
}

fn inspection(span: Span, markdown: String) -> Inspection {
    let plain = plain(&markdown);
    Inspection {
        span,
        markdown,
        plain,
    }
}

/// The help's Markdown without its signs; its code is indented.
fn plain(markdown: &str) -> String {
    let mut lines = Vec::new();
    let mut in_code = false;
    for line in markdown.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code {
            lines.push(format!("    {line}"));
        } else if !line.starts_with("|:--") {
            lines.push(line.replace("**", "").replace('`', ""));
        }
    }
    lines.join("\n")
}
