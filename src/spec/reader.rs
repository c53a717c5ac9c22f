//! Reading single values of a cell, with a complaint that says what to write instead; numbers are read in
//! [`super::number`], what steps take in [`super::argument`].

use super::number::{default_unit, is_in_seconds, is_time, plain_number};
use crate::describe::{Quantity, nearest};
use crate::diagnostic::{Diagnostic, MOST_TOLD, Span};
use crate::experiment::At;
use crate::program::Value;
use crate::units::{parse_bytes, parse_duration_ns};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value with its place.
pub type Item<'a> = Spanned<DeValue<'a>>;

/// What a swept key is called and the values it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Innermost key.
    pub key: String,
    /// Place of the list.
    pub span: Span,
    /// Values, in the order of the cell.
    pub values: Vec<At>,
}

/// Reads values, collects problems and sweeps.
///
/// A cell is read once for its problems and its axes, and then once for each point: `choice` says which
/// value of each axis that point has, in the order in which axes are met.
pub struct Reader<'a> {
    /// The text that spans refer to.
    pub text: &'a str,
    /// What was wrong.
    pub problems: Vec<Diagnostic>,
    /// Sweeps in the order in which they were met.
    pub axes: Vec<Axis>,
    /// Index of the value of each axis; the first one where it says nothing.
    pub choice: Vec<usize>,
    /// Length of the `each` lists that were met, with their places.
    pub each: Vec<(usize, Span)>,
    /// Random values met so far.
    pub streams: u64,
    /// Verbs of the steps that the cell or one of its models limits.
    pub limited: Vec<String>,
}

impl<'a> Reader<'a> {
    /// A reader of `text`, for the point that `choice` says.
    pub fn new(text: &'a str, choice: Vec<usize>) -> Self {
        Reader {
            text,
            problems: Vec::new(),
            axes: Vec::new(),
            choice,
            each: Vec::new(),
            streams: 0,
            limited: Vec::new(),
        }
    }

    /// Notes a problem, unless there are too many already.
    pub fn problem(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        if !self.is_full() {
            self.problems.push(Diagnostic::new(span, message, help));
        }
    }

    /// Whether so much is wrong that the rest need not be looked at.
    pub fn is_full(&self) -> bool {
        self.problems.len() > MOST_TOLD
    }

    /// The text of a value as the cell has it.
    pub fn source(&self, item: &Item) -> &'a str {
        self.text.get(item.span()).unwrap_or("").trim()
    }

    /// A text.
    pub fn string(&mut self, key: &str, item: &Item) -> Option<String> {
        if let Some(text) = item.get_ref().as_str() {
            return Some(text.to_owned());
        }
        let source = self.source(item);
        self.problem(
            item.span(),
            format!("`{key}` takes text"),
            format!(
                "write it in quotes: {key} = \"{}\"",
                source.replace('"', "")
            ),
        );
        None
    }

    /// One of the words; `None` with a problem where it is none of them.
    pub fn word(&mut self, key: &str, words: &[&'static str], item: &Item) -> Option<&'static str> {
        let text = item.get_ref().as_str();
        let found = text.and_then(|text| words.iter().find(|word| **word == text));
        if found.is_none() {
            let listed: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            let listed = listed.join(" or ");
            let source = self.source(item);
            let help = match text.and_then(|text| nearest(text, words.iter().copied())) {
                Some(near) => format!("did you mean {key} = \"{near}\"?"),
                None => format!("write {key} = {listed}"),
            };
            self.problem(
                item.span(),
                format!("`{key}` is {listed}, and {source} is not"),
                help,
            );
        }
        found.copied()
    }

    /// A value that may differ from task to task, or be swept.
    pub fn value(
        &mut self,
        key: &str,
        quantity: Quantity,
        range: (u64, u64),
        item: &Item,
    ) -> Option<Value> {
        match item.get_ref() {
            DeValue::Table(table) => self.value_table(key, quantity, range, item, table),
            DeValue::Array(list) => {
                let source = self.proposed_list(key, quantity, list);
                self.problem(
                    item.span(),
                    format!("`{key}` takes one value, and this is a list"),
                    format!(
                        "one value for each task: {{ {key} = {{ each = {source} }} }}\n\
                         or one run for each value: {{ {key} = {{ sweep = {source} }} }}"
                    ),
                );
                None
            }
            DeValue::String(text) if text.contains("..") => {
                self.uniform(key, quantity, range, item, text)
            }
            _ => self.number(key, quantity, range, item).map(Value::Const),
        }
    }

    /// A list as it would be right, as far as its values are numbers that lack their unit.
    fn proposed_list(&self, key: &str, quantity: Quantity, list: &[Item]) -> String {
        let in_seconds =
            |item: &Item| plain_number(item).is_some_and(|number| is_in_seconds(&number));
        let unit = match default_unit(key, quantity) {
            Some("ms") if list.iter().any(in_seconds) => Some("s"),
            unit => unit,
        };
        let items = list.iter().map(|item| match (item.get_ref(), unit) {
            (DeValue::Integer(_) | DeValue::Float(_), Some(unit)) => match plain_number(item) {
                Some(number) => format!("\"{number}{unit}\""),
                None => self.source(item).to_owned(),
            },
            (DeValue::String(text), Some(unit)) if text.trim().parse::<f64>().is_ok() => {
                format!("\"{}{unit}\"", text.trim())
            }
            (DeValue::String(text), None) if text.trim().parse::<u64>().is_ok() => {
                text.trim().to_owned()
            }
            _ => self.source(item).to_owned(),
        });
        let items: Vec<String> = items.collect();
        match (items.is_empty(), unit) {
            (false, _) => format!("[{}]", items.join(", ")),
            (true, Some(unit)) => format!("[\"10{unit}\", \"20{unit}\"]"),
            (true, None) => "[10, 20]".to_owned(),
        }
    }

    fn uniform(
        &mut self,
        key: &str,
        quantity: Quantity,
        range: (u64, u64),
        item: &Item,
        text: &str,
    ) -> Option<Value> {
        let (low, high) = text.split_once("..")?;
        let bound = |text: &str| -> Option<u64> {
            let value = match quantity {
                _ if is_time(quantity) => parse_duration_ns(text).ok(),
                Quantity::Size => parse_bytes(text).ok(),
                _ => text.trim().replace('_', "").parse().ok(),
            }?;
            (range.0..=range.1).contains(&value).then_some(value)
        };
        let example = match quantity {
            _ if is_time(quantity) => "\"10ms..50ms\"",
            Quantity::Size => "\"64KiB..1MiB\"",
            _ => "\"1_000..2_000\"",
        };
        match (bound(low), bound(high)) {
            (Some(low), Some(high)) if low <= high => {
                self.streams += 1;
                Some(Value::Uniform {
                    low,
                    high,
                    stream: self.streams,
                })
            }
            (Some(_), Some(_)) => {
                let turned = format!("\"{}..{}\"", high.trim(), low.trim());
                self.problem(
                    item.span(),
                    "a range goes from the smaller to the larger value",
                    format!("write {turned}"),
                );
                None
            }
            _ => {
                self.problem(
                    item.span(),
                    format!("`{key}` can't be drawn from this range"),
                    format!("both ends need a value with its unit, such as {example}"),
                );
                None
            }
        }
    }

    fn value_table(
        &mut self,
        key: &str,
        quantity: Quantity,
        range: (u64, u64),
        item: &Item,
        table: &DeTable,
    ) -> Option<Value> {
        const FORMS: [&str; 3] = ["each", "total", "sweep"];
        let mut entries = table.iter();
        let (Some((form, inner)), None) = (entries.next(), entries.next()) else {
            self.problem(
                item.span(),
                format!(
                    "`{key}` takes one value, or a table with one of `each`, `total` and `sweep`"
                ),
                format!("write {key} = {{ each = [ … ] }}, for example"),
            );
            return None;
        };
        match form.get_ref().as_ref() {
            "each" => {
                let values = self.numbers(key, quantity, range, inner)?;
                self.each.push((values.len(), inner.span()));
                Some(Value::Each(values))
            }
            // Divided over the tasks, each part may be smaller than one task's own minimum.
            "total" => self
                .number(key, quantity, (1, u64::MAX), inner)
                .map(Value::Total),
            "sweep" => {
                let values = self.numbers(key, quantity, range, inner)?;
                let at = values.iter().map(|value| at(quantity, *value)).collect();
                Some(Value::Const(values[self.axis(key, inner.span(), at)]))
            }
            other => {
                let help = match nearest(other, FORMS) {
                    Some(near) => format!("did you mean {{ {near} = … }}?"),
                    None => "one value for each task is `each`, a sum divided over the tasks `total`, one run for \
                             each value `sweep`"
                        .to_owned(),
                };
                self.problem(
                    form.span(),
                    format!("`{other}` is no way to give `{key}` its values"),
                    help,
                );
                None
            }
        }
    }

    /// A list, of at least one value.
    pub(super) fn list<'i>(&mut self, item: &'i Item<'i>) -> Option<&'i toml::de::DeArray<'i>> {
        let list = item.get_ref().as_array().filter(|list| !list.is_empty());
        if list.is_none() {
            self.problem(
                item.span(),
                "this takes a list of values",
                "write them in brackets: [1, 2, 4]",
            );
        }
        list
    }

    /// A list of numbers, at least one.
    fn numbers(
        &mut self,
        key: &str,
        quantity: Quantity,
        range: (u64, u64),
        item: &Item,
    ) -> Option<Vec<u64>> {
        let list = self.list(item)?;
        let mut values = Vec::new();
        let mut whole = true;
        for item in list.iter() {
            match self.number(key, quantity, range, item) {
                Some(value) => values.push(value),
                None if self.is_full() => return None,
                None => whole = false,
            }
        }
        whole.then_some(values)
    }

    /// Takes note of an axis; the index of its value at this point.
    pub(super) fn axis(&mut self, key: &str, span: Span, values: Vec<At>) -> usize {
        let number = self.axes.len();
        let last = values.len().saturating_sub(1);
        self.axes.push(Axis {
            key: key.to_owned(),
            span,
            values,
        });
        self.choice.get(number).copied().unwrap_or(0).min(last)
    }

    /// A number, or a list of them that is a sweep.
    pub fn number_or_sweep(&mut self, key: &str, range: (u64, u64), item: &Item) -> Option<u64> {
        if !item.get_ref().is_array() {
            return self.number(key, Quantity::Count, range, item);
        }
        let values = self.numbers(key, Quantity::Count, range, item)?;
        let at = values.iter().map(|value| At::Count(*value)).collect();
        Some(values[self.axis(key, item.span(), at)])
    }
}

fn at(quantity: Quantity, value: u64) -> At {
    match quantity {
        _ if is_time(quantity) => At::Duration(value),
        Quantity::Size => At::Size(value),
        _ => At::Count(value),
    }
}
