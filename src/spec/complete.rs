//! What could be typed next: keys, steps, models, figures, names and values, each with a line about it.
//!
//! Pure, and made for text that is not a cell yet. What is inserted leaves valid TOML behind: quotes are
//! added where they are missing and not doubled where they are there. Words come from the catalog's rows, so
//! that a new row is proposed without a line here; a new kind of place is an arm of [`super::slot`].

use super::Session;
use super::command::command_at;
use super::scan::{Leaf, Place, Role, floor, scan};
use super::slot::{Slot, keys_at, slot_at, words};
use crate::catalog::keys::{self, COMMANDS, MODEL_KEYS, SAVES, SHOWS};
use crate::catalog::{Entry, Owner, entries};
use crate::describe::{ModelDef, Quantity};
use crate::diagnostic::Span;
use crate::measure::metrics::METRICS;
use crate::model::{self, MODELS};
use crate::plot::FIGURES;
use crate::runtime::RUNTIMES;
use crate::step::STEPS;
use crate::units::{SIZE_UNITS, TIME_UNITS, parse_bytes, parse_duration_ns};
use std::collections::HashSet;

/// One proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What takes the place of the span.
    pub text: String,
    /// What it is, in one word: `key`, `step`, `setting`, `modifier`, `form`, `model`, `figure`, `metric`,
    /// `value`, `experiment`, `row`, `command` or `help`.
    pub kind: &'static str,
    /// One line about it; may be empty.
    pub detail: String,
}

/// Every proposal for one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// First byte that is replaced.
    pub start: usize,
    /// Behind the last byte that is replaced.
    pub end: usize,
    /// In the order in which they are worth trying.
    pub items: Vec<Completion>,
}

/// What could stand at `cursor`, a byte offset; one inside a character or beyond the end counts as the place
/// before it.
pub fn complete(text: &str, cursor: usize, known: &Session) -> Completions {
    let cursor = floor(text, cursor);
    if let Some(command) = command_at(text, cursor) {
        let typed = &text[command.word.start..cursor];
        let items = match command.slot {
            None => commands(),
            Some(slot) => named(slot, known),
        };
        let items = items.into_iter().map(|named| Offer {
            text: named.word.clone(),
            named,
        });
        return matching(command.word, typed, items.collect());
    }
    let (place, leaves) = scan(text, cursor);
    let proposer = Proposer {
        text,
        cursor,
        known,
        place: &place,
        leaves: &leaves,
    };
    match place.role {
        Role::Nothing => nothing(cursor),
        Role::Key | Role::Header if place.quote.is_some() => nothing(cursor),
        Role::Key | Role::Header => proposer.keys(),
        Role::Value => proposer.values(),
    }
}

fn nothing(cursor: usize) -> Completions {
    Completions {
        start: cursor,
        end: cursor,
        items: Vec::new(),
    }
}

/// A word that could be meant, before it is written as TOML.
struct Named {
    word: String,
    kind: &'static str,
    detail: String,
}

impl Named {
    fn new(word: impl Into<String>, kind: &'static str, detail: impl Into<String>) -> Self {
        Named {
            word: word.into(),
            kind,
            detail: detail.into(),
        }
    }
}

impl From<Entry> for Named {
    fn from(entry: Entry) -> Self {
        Named::new(entry.name(), entry.kind(), entry.summary())
    }
}

/// A word and how it is written here.
struct Offer {
    named: Named,
    text: String,
}

/// The offers that go with what has been typed: those that begin with it, else those that contain it.
fn matching(word: Span, typed: &str, offers: Vec<Offer>) -> Completions {
    let typed = typed.to_lowercase();
    let names: Vec<String> = offers
        .iter()
        .map(|offer| offer.named.word.to_lowercase())
        .collect();
    let begins = names.iter().any(|name| name.starts_with(&typed));
    let mut seen = HashSet::new();
    let fitting = offers.into_iter().zip(names).filter(|(offer, name)| {
        let fits = if begins {
            name.starts_with(&typed)
        } else {
            name.contains(&typed)
        };
        fits && seen.insert(offer.text.clone())
    });
    let items = fitting.map(|(offer, _)| Completion {
        text: offer.text,
        kind: offer.named.kind,
        detail: offer.named.detail,
    });
    Completions {
        start: word.start,
        end: word.end,
        items: items.collect(),
    }
}

/// Words of a place whose words are names.
fn named(slot: Slot, known: &Session) -> Vec<Named> {
    let past = || {
        let names = known.names().into_iter();
        names.map(|name| Named::new(name, "experiment", "an earlier experiment of this session"))
    };
    match slot {
        Slot::Past => past().collect(),
        Slot::Show => {
            let words = SHOWS
                .iter()
                .map(|(word, shows)| Named::new(*word, "command", *shows));
            words.chain(past()).collect()
        }
        Slot::Help => {
            let mut seen = HashSet::new();
            let first = entries().filter(|entry| seen.insert(entry.name()));
            first.map(Named::from).collect()
        }
        Slot::Model { .. } => MODELS
            .iter()
            .map(|model| Entry::Model(model.def()).into())
            .collect(),
        Slot::Runtime => {
            let runtimes = RUNTIMES.iter();
            let runtimes = runtimes.map(|runtime| Entry::Runtime(runtime).into());
            let words = known.pythons.iter();
            let words = words.map(|word| Named::new(word, "runtime", INTERPRETER));
            runtimes.chain(words).collect()
        }
        Slot::Figure => FIGURES
            .iter()
            .map(|figure| Entry::Figure(&figure.def).into())
            .collect(),
        Slot::Save => {
            let files = SAVES.iter();
            let files = files.map(|(name, saved)| Named::new(*name, "value", *saved));
            files.collect()
        }
        Slot::Of(_) | Slot::Step | Slot::Claim | Slot::Unknown => Vec::new(),
    }
}

/// What is said of a word that names one interpreter.
const INTERPRETER: &str = "an interpreter of this machine";

fn commands() -> Vec<Named> {
    let named = COMMANDS.iter().map(|key| {
        let entry = Entry::Key(Owner::Command, key);
        Named::new(key.name, "command", entry.summary())
    });
    let shows = SHOWS
        .iter()
        .map(|(word, shows)| Named::new(*word, "command", *shows));
    named.chain(shows).collect()
}

// ---- keys and values of a cell

struct Proposer<'a> {
    text: &'a str,
    cursor: usize,
    known: &'a Session,
    place: &'a Place<'a>,
    leaves: &'a [Leaf],
}

impl Proposer<'_> {
    fn typed(&self) -> &str {
        &self.text[self.place.word.start..self.cursor]
    }

    fn keys(&self) -> Completions {
        /// Of these a cell has one.
        const WORK: [&str; 4] = ["task", "cases", "mix", "stages"];
        let place = self.place;
        let written: &[&str] = place.tables.first().map_or(&[], Vec::as_slice);
        let at_top = place.path.is_empty();
        let has_work = at_top && WORK.iter().any(|key| written.contains(key));
        let behind = self.text[place.word.end..].trim_start_matches([' ', '\t']);
        let model = self.model_of_table();
        let offers = keys_at(place).into_iter().filter_map(|entry| {
            let name = entry.name();
            // Cases stand in one table each, by a dotted key.
            let is_case = at_top && name == "cases";
            let is_command = matches!(entry, Entry::Key(Owner::Command, _));
            let is_there = written.contains(&name) && !(is_case && place.role == Role::Key);
            let excluded = has_work && !written.contains(&name) && WORK.contains(&name);
            let is_anothers = matches!(entry, Entry::Key(Owner::Model, _))
                && model.is_some_and(|def| name != "model" && !def.takes(name));
            if is_there || at_top && excluded || is_command && !written.is_empty() || is_anothers {
                return None;
            }
            let text = match place.role {
                Role::Header if behind.starts_with(']') => name.to_owned(),
                Role::Header if self.text[..place.word.start].ends_with("[[") => {
                    format!("{name}]]")
                }
                Role::Header => format!("{name}]"),
                _ if behind.starts_with(['=', '.']) => name.to_owned(),
                _ if is_case => format!("{name}."),
                _ => format!("{name} = "),
            };
            let mut named = Named::from(entry);
            if let Some(value) = self.known.defaults.get(name).filter(|_| at_top) {
                named.detail = format!("{} (set to {value} by an earlier cell)", named.detail);
            }
            Some(Offer { named, text })
        });
        matching(place.word.clone(), self.typed(), offers.collect())
    }

    /// The model that the table around the cursor names so far.
    fn model_of_table(&self) -> Option<&'static ModelDef> {
        let place = self.place;
        if !matches!(place.path.as_str(), "models" | "models[]") {
            return None;
        }
        let open = self.text[..place.word.start].rfind('{')?;
        let path = format!("{}.model", place.path);
        let own = self
            .leaves
            .iter()
            .find(|leaf| leaf.path == path && leaf.span.start > open)?;
        let word = self.text[own.span.clone()].split('@').next()?;
        model::find(word).map(|model| model.def())
    }

    fn values(&self) -> Completions {
        let place = self.place;
        let slot = slot_at(place);
        let in_list = place.path.ends_with(']');
        let mut offers = Vec::new();
        match slot {
            Slot::Claim if place.quote.is_some() => return self.claim(),
            Slot::Claim | Slot::Unknown => {}
            Slot::Of(entry) => self.offer_values(entry, &mut offers),
            Slot::Step => {
                for step in STEPS {
                    let example = step_example(step.def.example);
                    self.literal(Entry::Step(&step.def).into(), example, &mut offers);
                }
            }
            Slot::Model { table } => {
                match self.typed().split_once('@') {
                    Some((model, _)) => self.offer_runtimes(model, &mut offers),
                    None => self.offer_names(slot, &mut offers),
                }
                if let Some(row) = MODEL_KEYS.last().filter(|_| table) {
                    let named =
                        Named::new(row.example, "model", "a model with settings of its own");
                    self.literal(named, row.example.to_owned(), &mut offers);
                }
            }
            Slot::Runtime | Slot::Figure | Slot::Past | Slot::Show | Slot::Help | Slot::Save => {
                self.offer_names(slot, &mut offers)
            }
        }
        if let Some(key) = keys::find(&place.path).filter(|_| !in_list)
            && matches!(key.quantity, Quantity::Structure)
            && !matches!(slot, Slot::Step)
        {
            for value in [
                key.default,
                example_value(key.example, key.name).unwrap_or_default(),
            ] {
                if value.starts_with(['[', '{', '"']) {
                    self.literal(
                        Named::new(value, "value", ""),
                        value.to_owned(),
                        &mut offers,
                    );
                }
            }
        }
        matching(self.word(), self.typed(), offers)
    }

    /// What is replaced. A text that isn't closed ends with its word: what follows may be anything.
    fn word(&self) -> Span {
        let word = self.place.word.clone();
        if self.place.quote.is_none_or(|quote| quote.closed) {
            return word;
        }
        let ends = |c: char| !(c.is_alphanumeric() || "-_@.".contains(c));
        let behind = &self.text[self.cursor..word.end];
        word.start..self.cursor + behind.find(ends).unwrap_or(behind.len())
    }

    /// A text as it is written here.
    fn quoted(&self, word: &str) -> String {
        match self.place.quote {
            None => format!("\"{word}\""),
            Some(quote) if quote.closed => word.to_owned(),
            Some(quote) => format!("{word}{}", quote.mark),
        }
    }

    /// Offers a text.
    fn text(&self, named: Named, offers: &mut Vec<Offer>) {
        let text = self.quoted(&named.word);
        // A name with a quote or a backslash in it would need more than quotes.
        if !named.word.contains(['"', '\'', '\\', '\n']) {
            offers.push(Offer { named, text });
        }
    }

    /// Offers what is written without quotes around it.
    fn literal(&self, named: Named, text: String, offers: &mut Vec<Offer>) {
        if self.place.quote.is_none() {
            offers.push(Offer { named, text });
        }
    }

    /// Offers the names of a place, but for those that its list has already.
    fn offer_names(&self, slot: Slot, offers: &mut Vec<Offer>) {
        let there: HashSet<&str> = self
            .leaves
            .iter()
            .filter(|leaf| leaf.path == self.place.path && leaf.span != self.place.word)
            .map(|leaf| &self.text[leaf.span.clone()])
            .collect();
        for named in named(slot, self.known) {
            if !there.contains(named.word.as_str()) {
                self.text(named, offers);
            }
        }
    }

    fn offer_runtimes(&self, model: &str, offers: &mut Vec<Offer>) {
        for runtime in RUNTIMES {
            let word = format!("{model}@{}", runtime.name);
            self.text(Named::new(word, "model", runtime.summary), offers);
        }
        for python in &self.known.pythons {
            let word = format!("{model}@{python}");
            self.text(Named::new(word, "model", INTERPRETER), offers);
        }
    }

    /// Values of a key, a setting or a verb.
    fn offer_values(&self, entry: Entry, offers: &mut Vec<Offer>) {
        let (quantity, range, default, example) = match entry {
            Entry::Key(_, key) => (key.quantity, key.range, key.default, key.example),
            Entry::Step(def) => (def.quantity, def.range, "", def.example),
            _ => return,
        };
        let example = example_value(example, entry.name()).unwrap_or_default();
        let detail = |value: &str| match value == default {
            true => "the default".to_owned(),
            false => String::new(),
        };
        match quantity {
            Quantity::Word(_) => {
                for word in words(&entry) {
                    let named = Named::new(*word, "value", detail(&format!("\"{word}\"")));
                    self.text(named, offers);
                }
            }
            Quantity::Flag => {
                for word in words(&entry) {
                    self.literal(
                        Named::new(*word, "value", detail(word)),
                        (*word).to_owned(),
                        offers,
                    );
                }
            }
            Quantity::Duration | Quantity::DurationOr(_) | Quantity::Size => {
                let plain = |value: &str| value.trim_matches('"').to_owned();
                let offered = self.quantities(quantity, [plain(default), plain(example)], range);
                for value in offered {
                    let named = Named::new(value.clone(), "value", detail(&format!("\"{value}\"")));
                    self.text(named, offers);
                }
            }
            Quantity::Count => {
                let is_value = |c: char| c.is_ascii_digit() || "[]_, ".contains(c);
                for value in [default, example] {
                    if !value.is_empty() && value.chars().all(is_value) {
                        self.literal(
                            Named::new(value, "value", detail(value)),
                            value.to_owned(),
                            offers,
                        );
                    }
                }
            }
            Quantity::Text | Quantity::Command | Quantity::Code | Quantity::Structure => {}
        }
    }

    /// Times or sizes: what has been typed with every unit, or examples where nothing has.
    fn quantities(&self, quantity: Quantity, own: [String; 2], range: (u64, u64)) -> Vec<String> {
        const TIMES: [&str; 7] = ["1ms", "10ms", "50ms", "100ms", "1s", "10s", "1m"];
        const SIZES: [&str; 4] = ["4KiB", "64KiB", "1MiB", "64MiB"];
        let is_time = matches!(quantity, Quantity::Duration | Quantity::DurationOr(_));
        let typed = self.typed();
        // In a range each end has its unit.
        let from = typed.rfind("..").map_or(0, |dots| dots + 2);
        let (low, number) = typed.split_at(from);
        let is_digit = |c: char| c.is_ascii_digit() || matches!(c, '.' | '_');
        let number = &number[..number.find(|c| !is_digit(c)).unwrap_or(number.len())];
        let values: Vec<String> = match (number, is_time) {
            ("", true) => own.into_iter().chain(TIMES.map(str::to_owned)).collect(),
            ("", false) => own.into_iter().chain(SIZES.map(str::to_owned)).collect(),
            (number, true) => TIME_UNITS
                .iter()
                .map(|(unit, _)| format!("{number}{unit}"))
                .collect(),
            (number, false) => SIZE_UNITS
                .iter()
                .map(|(unit, _)| format!("{number}{unit}"))
                .collect(),
        };
        let in_range = |value: &&String| {
            let parsed = if is_time {
                parse_duration_ns(value)
            } else {
                parse_bytes(value)
            };
            parsed.is_ok_and(|value| (range.0..=range.1).contains(&value))
        };
        values
            .iter()
            .filter(in_range)
            .map(|value| format!("{low}{value}"))
            .collect()
    }

    /// Inside a claim: metrics, and rows of the cell inside parentheses.
    fn claim(&self) -> Completions {
        let inner = &self.text[self.place.word.start..self.cursor];
        let part = |c: char| c.is_alphanumeric() || "-_@.".contains(c);
        let start = self.cursor - (inner.len() - inner.trim_end_matches(part).len());
        let behind = &self.text[self.cursor..];
        let end = self.cursor + (behind.len() - behind.trim_start_matches(part).len());
        let before = &self.text[self.place.word.start..start];
        let is_open = before.matches('(').count() > before.matches(')').count();
        let offers = if is_open {
            let rows = self.rows().into_iter().filter(|row| row.chars().all(part));
            rows.map(|row| Offer {
                text: row.clone(),
                named: Named::new(row, "row", "a row of this cell"),
            })
            .collect()
        } else {
            let open = if self.text[end..].starts_with('(') {
                ""
            } else {
                "("
            };
            let metrics = METRICS.iter().map(|metric| Offer {
                text: format!("{}{open}", metric.name),
                named: Entry::Metric(metric).into(),
            });
            metrics.collect()
        };
        matching(start..end, &self.text[start..self.cursor], offers)
    }

    /// What the rows of this cell are called.
    fn rows(&self) -> Vec<String> {
        let own = rows_in(self.text, self.leaves);
        if !own.is_empty() {
            return own;
        }
        let earlier = self.known.defaults.get("models");
        let models = earlier
            .or_else(|| keys::find("models").map(|key| key.default))
            .unwrap_or("");
        let text = format!("models = {models}");
        rows_in(&text, &scan(&text, 0).1)
    }
}

/// Labels and models of `models`.
fn rows_in(text: &str, leaves: &[Leaf]) -> Vec<String> {
    let paths = ["models", "models[]", "models[].model", "models[].label"];
    let rows = leaves
        .iter()
        .filter(|leaf| paths.contains(&leaf.path.as_str()));
    let mut rows: Vec<String> = rows
        .map(|leaf| text[leaf.span.clone()].to_owned())
        .collect();
    let mut seen = HashSet::new();
    rows.retain(|row| !row.is_empty() && seen.insert(row.clone()));
    rows
}

/// One step of an example, which may be a list of them.
fn step_example(example: &str) -> String {
    match example
        .starts_with('[')
        .then(|| example.find('}'))
        .flatten()
    {
        Some(end) => example[1..=end].trim().to_owned(),
        None => example.to_owned(),
    }
}

/// The value that a row's example gives to its key, as it is written there.
fn example_value<'a>(example: &'a str, name: &str) -> Option<&'a str> {
    let at = example.match_indices(name).find(|(at, _)| {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let before = example[..*at].ends_with(is_part);
        let behind = example[at + name.len()..].trim_start();
        !before && behind.starts_with('=')
    });
    let value = &example[at?.0 + name.len()..];
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let mut depth = 0;
    let mut quoted = false;
    let end = value.find(|c| {
        match c {
            '"' => quoted = !quoted,
            '[' | '{' if !quoted => depth += 1,
            ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
        !quoted && (depth < 0 || depth == 0 && matches!(c, ',' | '\n'))
    });
    Some(value[..end.unwrap_or(value.len())].trim())
}
