//! Reading single values of a cell, with a complaint that says what to write instead.

use super::argument::{form_name, may_be_number};
use crate::catalog::keys;
use crate::describe::{Quantity, TextForm, nearest};
use crate::diagnostic::{Diagnostic, Span};
use crate::experiment::At;
use crate::program::Value;
use crate::units::{
    SIZE_UNITS, TIME_UNITS, UnitError, bytes_text, duration_text, format_count, parse_bytes,
    parse_duration_ns,
};
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

    /// Notes a problem.
    pub fn problem(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Diagnostic::new(span, message, help));
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
            DeValue::Array(_) => {
                let source = self.source(item);
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
        let values: Vec<Option<u64>> = list
            .iter()
            .map(|item| self.number(key, quantity, range, item))
            .collect();
        values.into_iter().collect()
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

    /// One number in the base unit of its quantity.
    pub fn number(
        &mut self,
        key: &str,
        quantity: Quantity,
        range: (u64, u64),
        item: &Item,
    ) -> Option<u64> {
        let value = match quantity {
            Quantity::Duration | Quantity::DurationOr(_) | Quantity::Size => {
                self.with_unit(key, quantity, item)
            }
            _ => self.count(key, item),
        }?;
        let (low, high) = range;
        if (low..=high).contains(&value) {
            return Some(value);
        }
        let show = |value: u64| match quantity {
            _ if is_time(quantity) => format!("\"{}\"", duration_text(value)),
            Quantity::Size => format!("\"{}\"", bytes_text(value)),
            _ => format_count(value),
        };
        let (message, help) = match value < low {
            true => (
                format!("`{key}` must be at least {}", show(low)),
                format!("write {key} = {} or more", show(low)),
            ),
            false => (
                format!("`{key}` can be at most {}", show(high)),
                "is that a zero too many?".to_owned(),
            ),
        };
        self.problem(item.span(), message, help);
        None
    }

    fn count(&mut self, key: &str, item: &Item) -> Option<u64> {
        let source = self.source(item);
        let (message, help) = match item.get_ref() {
            DeValue::Integer(integer) => {
                let digits = integer.as_str().replace('_', "");
                if digits.starts_with('-') {
                    (
                        format!("`{key}` can't be negative"),
                        format!("write {}", digits.trim_start_matches('-')),
                    )
                } else if let Ok(value) =
                    u64::from_str_radix(digits.trim_start_matches('+'), integer.radix())
                {
                    return Some(value);
                } else {
                    (
                        format!("{source} is more than a computer can count"),
                        "is that a zero too many?".to_owned(),
                    )
                }
            }
            DeValue::Float(float) => {
                let value = float
                    .as_str()
                    .replace('_', "")
                    .parse::<f64>()
                    .unwrap_or(0.0);
                let whole = format_count(value.round().clamp(0.0, 1e18) as u64).replace(',', "_");
                (
                    format!(
                        "`{key}` takes a whole number, and {source} has a point or an exponent"
                    ),
                    format!("write {whole}"),
                )
            }
            DeValue::String(text) if text.replace('_', "").parse::<u64>().is_ok() => (
                format!("`{key}` takes a whole number, and this is text"),
                format!("write it without quotes: {key} = {text}"),
            ),
            DeValue::String(text) if parse_duration_ns(text).is_ok() => (
                format!("`{key}` takes a whole number, and {source} is a time"),
                format!("write a number without a unit, such as {key} = 1000"),
            ),
            DeValue::String(text) if parse_bytes(text).is_ok() => (
                format!("`{key}` takes a whole number, and {source} is a size"),
                format!("write a number without a unit, such as {key} = 1000"),
            ),
            _ => (
                format!("`{key}` takes a whole number"),
                format!("write {key} = 8, for example"),
            ),
        };
        self.problem(item.span(), message, help);
        None
    }

    fn with_unit(&mut self, key: &str, quantity: Quantity, item: &Item) -> Option<u64> {
        let is_time = is_time(quantity);
        let (kind, units) = match is_time {
            true => ("a time", "ns, us, ms, s, m, h"),
            false => ("a size", "B, KB, KiB, MB, MiB, GB, GiB"),
        };
        // A key of the whole cell is measured on another scale than a step.
        let (example, default_unit) = match (is_time, keys::find(key).is_some()) {
            (true, false) => ("50ms", "ms"),
            (true, true) => ("30s", "s"),
            (false, false) => ("64KiB", "KiB"),
            (false, true) => ("2GiB", "MiB"),
        };
        let source = self.source(item);
        let parse = |text: &str| {
            if is_time {
                parse_duration_ns(text)
            } else {
                parse_bytes(text)
            }
        };
        let (message, help) = match item.get_ref() {
            DeValue::String(text) => match parse(text) {
                Ok(value) => return Some(value),
                Err(UnitError::NoUnit { number }) => {
                    no_unit(key, kind, source, &number, default_unit, units)
                }
                Err(UnitError::UnknownUnit { number, unit }) => {
                    let other = if is_time {
                        parse_bytes(text).map(|_| "size")
                    } else {
                        parse_duration_ns(text).map(|_| "time")
                    };
                    match other {
                        Ok(other) => (
                            format!("`{key}` takes {kind}, and {source} is a {other}"),
                            format!("write {kind}, such as \"{example}\""),
                        ),
                        Err(_) => {
                            let meant = meant_unit(&unit, is_time);
                            (
                                format!("`{unit}` is no unit of {}", kind.trim_start_matches("a ")),
                                format!("write \"{number}{meant}\"; the units are {units}"),
                            )
                        }
                    }
                }
                Err(UnitError::TooLarge) => (
                    format!("{source} is more than a computer can count"),
                    "is that a zero too many?".to_owned(),
                ),
                Err(UnitError::NotANumber) if text.trim().starts_with('-') => (
                    format!("`{key}` can't be negative"),
                    format!("write {}", source.replacen('-', "", 1)),
                ),
                Err(UnitError::NotANumber) => {
                    not_a_number(key, quantity, kind, source, text, example)
                }
            },
            DeValue::Integer(_) | DeValue::Float(_) => {
                no_unit(key, kind, source, source, default_unit, units)
            }
            _ => (
                format!("`{key}` takes {kind}"),
                format!("write {key} = \"{example}\", for example"),
            ),
        };
        self.problem(item.span(), message, help);
        None
    }
}

fn no_unit(
    key: &str,
    kind: &str,
    source: &str,
    number: &str,
    unit: &str,
    units: &str,
) -> (String, String) {
    let number = number.trim_start_matches(['-', '+']);
    (
        format!("`{key}` takes {kind}, and {source} has no unit"),
        format!("write \"{number}{unit}\", or with another unit: {units}"),
    )
}

fn not_a_number(
    key: &str,
    quantity: Quantity,
    kind: &str,
    source: &str,
    text: &str,
    example: &str,
) -> (String, String) {
    let with_unit = format!("write a number and its unit, such as \"{example}\"");
    match quantity {
        // Only from within `each`, `total` or `sweep`.
        Quantity::DurationOr(form) if !may_be_number(text) => (
            format!("`{key}` takes a time here, and {source} is none"),
            format!("{with_unit}; {} is the same for all tasks", form_name(form)),
        ),
        Quantity::DurationOr(form) => (
            format!(
                "`{key}` takes a time or {}, and {source} is neither",
                form_name(form)
            ),
            match form {
                TextForm::Url => format!("{with_unit}, or a whole URL: \"http://{text}\""),
                TextForm::Sql => with_unit,
            },
        ),
        _ => (
            format!("`{key}` takes {kind}, and {source} is none"),
            with_unit,
        ),
    }
}

fn is_time(quantity: Quantity) -> bool {
    matches!(quantity, Quantity::Duration | Quantity::DurationOr(_))
}

/// The unit that was probably meant.
fn meant_unit(unit: &str, is_time: bool) -> &'static str {
    let lower = unit.to_lowercase();
    let units = if is_time { TIME_UNITS } else { SIZE_UNITS };
    if let Some((name, _)) = units.iter().find(|(name, _)| name.to_lowercase() == lower) {
        return name;
    }
    let begins = |prefix: &str| lower.starts_with(prefix);
    match is_time {
        true if begins("sec") => "s",
        true if begins("min") => "m",
        true if begins("h") => "h",
        true if begins("u") || begins("mic") => "us",
        true if begins("n") => "ns",
        true => "ms",
        false if begins("k") => "KiB",
        false if begins("g") => "GiB",
        false if begins("b") => "B",
        false => "MiB",
    }
}

fn at(quantity: Quantity, value: u64) -> At {
    match quantity {
        _ if is_time(quantity) => At::Duration(value),
        Quantity::Size => At::Size(value),
        _ => At::Count(value),
    }
}
