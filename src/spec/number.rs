//! Reading one number of a cell, with its unit where it has one, and what is said of one that is wrong.
//!
//! To know another slip of the pen: an arm of `Reader::count` or of `Reader::with_unit`.

use super::argument::{form_name, may_be_number};
use super::reader::{Item, Reader};
use crate::catalog::keys;
use crate::describe::{Quantity, TextForm};
use crate::units::{
    SIZE_UNITS, TIME_UNITS, UnitError, bytes_text, duration_text, format_count, parse_bytes,
    parse_duration_ns,
};
use toml::de::DeValue;

impl Reader<'_> {
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
            _ => self.count(key, range, item),
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
        let write = |value: u64| match quantity {
            Quantity::Count => show(value).replace(',', "_"),
            _ => show(value),
        };
        let (message, help) = match value < low {
            true => (
                format!("`{key}` must be at least {}", show(low)),
                format!("write {key} = {} or more", write(low)),
            ),
            false => (
                format!("`{key}` can be at most {}", show(high)),
                // What a step does ends with its run, and that has a limit of its own.
                format!(
                    "write {key} = {} or less{}{}",
                    write(high),
                    match is_time(quantity) && keys::find(key).is_none() {
                        true =>
                            ": a run is stopped at `trial_timeout`, which is 30 s where the cell says nothing",
                        false => "",
                    },
                    zero_too_many(self.source(item))
                ),
            ),
        };
        self.problem(item.span(), message, help);
        None
    }

    fn count(&mut self, key: &str, range: (u64, u64), item: &Item) -> Option<u64> {
        let source = self.source(item);
        let allowed = |value: u64| (range.0..=range.1).contains(&value);
        let bound = |value: u64| format_count(value).replace(',', "_");
        let (message, help) = match item.get_ref() {
            DeValue::Integer(integer) => {
                let digits = integer.as_str().replace('_', "");
                if digits.starts_with('-') {
                    (
                        format!("`{key}` can't be negative"),
                        match digits.trim_start_matches('-').parse() {
                            Ok(value) if allowed(value) => format!("write {key} = {value}"),
                            _ => format!("write {key} = {} or more", bound(range.0)),
                        },
                    )
                } else if let Ok(value) =
                    u64::from_str_radix(digits.trim_start_matches('+'), integer.radix())
                {
                    return Some(value);
                } else {
                    (
                        format!("{source} is more than a computer can count"),
                        format!(
                            "write {key} = {} or less{}",
                            bound(range.1),
                            zero_too_many(source)
                        ),
                    )
                }
            }
            DeValue::Float(float) if !is_finite(float.as_str()) => (
                format!("`{key}` takes a whole number, and {source} is none"),
                format!(
                    "write {key} = {}, for example",
                    bound(range.0.max(8).min(range.1))
                ),
            ),
            DeValue::Float(float) => {
                let value = float
                    .as_str()
                    .replace('_', "")
                    .parse::<f64>()
                    .unwrap_or(0.0);
                // Saturates; what is out of range becomes the nearest that is not.
                let whole = bound((value.round() as u64).clamp(range.0, range.1));
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
                format!(
                    "write a number without a unit, such as {key} = {}",
                    bound(range.1.min(1000))
                ),
            ),
            DeValue::String(text) if parse_bytes(text).is_ok() => (
                format!("`{key}` takes a whole number, and {source} is a size"),
                format!(
                    "write a number without a unit, such as {key} = {}",
                    bound(range.1.min(1000))
                ),
            ),
            _ => (
                format!("`{key}` takes a whole number"),
                format!(
                    "write {key} = {}, for example",
                    bound(range.0.max(8).min(range.1))
                ),
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
        let example = match (is_time, keys::find(key).is_some()) {
            (true, false) => "50ms",
            (true, true) => "30s",
            (false, false) => "64KiB",
            (false, true) => "2GiB",
        };
        let unit = default_unit(key, quantity).unwrap_or("");
        let source = self.source(item);
        let parse = |text: &str| {
            if is_time {
                parse_duration_ns(text)
            } else {
                parse_bytes(text)
            }
        };
        let (message, help) = match item.get_ref() {
            DeValue::Array(_) if keys::find(key).is_some() => (
                format!("`{key}` takes {kind}, and only one: it holds for the whole cell"),
                format!(
                    "write {key} = \"{example}\"; to compare several, run a cell for each (`base` takes the rest over)"
                ),
            ),
            DeValue::String(text) => match parse(text) {
                Ok(value) => return Some(value),
                Err(UnitError::NoUnit { number }) => {
                    no_unit(key, kind, source, &number, unit, units)
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
                    format!("write less, such as \"{example}\"{}", zero_too_many(source)),
                ),
                Err(UnitError::NotANumber) if text.trim().starts_with('-') => (
                    format!("`{key}` can't be negative"),
                    format!("write {}", source.replacen('-', "", 1)),
                ),
                Err(UnitError::NotANumber) => {
                    not_a_number(key, quantity, kind, source, text, example)
                }
            },
            DeValue::Integer(_) | DeValue::Float(_) => match plain_number(item) {
                Some(number) => no_unit(key, kind, source, &number, unit, units),
                None => (
                    format!("`{key}` takes {kind}, and {source} is none"),
                    format!("write {key} = \"{example}\", for example"),
                ),
            },
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
    let in_seconds = unit == "ms" && is_in_seconds(number);
    let write = match in_seconds {
        true => format!("write \"{number}s\" or \"{number}ms\""),
        false => format!("write \"{number}{unit}\""),
    };
    (
        format!("`{key}` takes {kind}, and {source} has no unit"),
        format!("{write}, or with another unit: {units}"),
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

/// Whether a number of a step's time may be in seconds: a small one or a fraction comes from where times are.
pub(super) fn is_in_seconds(number: &str) -> bool {
    let number = number.parse::<f64>();
    number.is_ok_and(|number| number < 10.0 || number.fract() > 0.0)
}

/// The unit that a number without one probably means: a key of the whole cell is measured on another
/// scale than a step. `None` where numbers have none.
pub(super) fn default_unit(key: &str, quantity: Quantity) -> Option<&'static str> {
    let of_cell = keys::find(key).filter(|key| !key.default.contains("ms"));
    match (quantity, of_cell.is_some()) {
        (Quantity::Duration | Quantity::DurationOr(_), false) => Some("ms"),
        (Quantity::Duration | Quantity::DurationOr(_), true) => Some("s"),
        (Quantity::Size, false) => Some("KiB"),
        (Quantity::Size, true) => Some("MiB"),
        _ => None,
    }
}

fn is_finite(float: &str) -> bool {
    float
        .replace('_', "")
        .parse::<f64>()
        .is_ok_and(f64::is_finite)
}

/// The digits of a number without its sign, so that a unit can follow; `None` where none could.
pub(super) fn plain_number(item: &Item) -> Option<String> {
    let number = match item.get_ref() {
        DeValue::Integer(integer) => {
            let digits = integer.as_str().replace('_', "");
            let digits = digits.trim_start_matches(['-', '+']);
            return u64::from_str_radix(digits, integer.radix())
                .ok()
                .map(|number| number.to_string());
        }
        DeValue::Float(float) => float.as_str().replace('_', "").parse::<f64>().ok()?,
        _ => return None,
    };
    (number.abs() < 1e18).then(|| number.abs().to_string())
}

/// What is asked of a value that is too large, where it has a zero.
fn zero_too_many(source: &str) -> &'static str {
    match source.contains('0') {
        true => "; is that a zero too many?",
        false => "",
    }
}

pub(super) fn is_time(quantity: Quantity) -> bool {
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
