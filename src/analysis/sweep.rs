//! Swept values as numbers, and the curves that a sweep's rows form along one key.
//!
//! To add a kind of swept quantity: a variant of [`Quantity`] and its arms.

use super::Row;
use crate::experiment::At;
use crate::units::{format_bytes, format_count, format_ns};
use serde::Serialize;

/// An estimate and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The estimate.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What a swept number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Quantity {
    /// Things.
    #[serde(rename = "1")]
    Count,
    /// Nanoseconds.
    #[serde(rename = "ns")]
    Time,
    /// Bytes.
    #[serde(rename = "bytes")]
    Bytes,
}

impl Quantity {
    /// A value with its unit; `key` says what is counted.
    pub fn text(self, key: &str, value: f64) -> String {
        match self {
            Quantity::Time => format!("{key} = {}", format_ns(value)),
            Quantity::Bytes => format!("{key} = {}", format_bytes(value)),
            Quantity::Count if counted(key) => {
                let one = value.round() == 1.0;
                let key = if one { key.trim_end_matches('s') } else { key };
                format!("{} {key}", format_count(value.round() as u64))
            }
            Quantity::Count => format!("{key} = {}", format_count(value.round() as u64)),
        }
    }

    /// The same for an interval: its two ends, the unit once where both have the same.
    pub fn range(self, low: f64, high: f64) -> String {
        let format = |value: f64| match self {
            Quantity::Time => format_ns(value),
            Quantity::Bytes => format_bytes(value),
            Quantity::Count => format_count(value.round() as u64),
        };
        let (low, high) = match (format(low), format(high)) {
            // Narrower than one of what is counted.
            (a, b) if a == b && self == Quantity::Count => {
                (format!("{low:.1}"), format!("{high:.1}"))
            }
            both => both,
        };
        if low == high {
            return low;
        }
        match low.rsplit_once(' ').zip(high.rsplit_once(' ')) {
            Some((a, b)) if a.1 == b.1 => format!("{}–{} {}", a.0, b.0, b.1),
            _ => format!("{low}–{high}"),
        }
    }
}

/// Keys whose values are read as so many of them.
fn counted(key: &str) -> bool {
    matches!(key, "tasks" | "workers" | "items")
}

/// A swept value as a number; `None` for words.
pub fn number(at: &At) -> Option<f64> {
    match at {
        At::Count(value) | At::Duration(value) | At::Size(value) => Some(*value as f64),
        At::Word(_) => None,
    }
}

/// What a swept value counts; `None` for words.
pub fn quantity(at: &At) -> Option<Quantity> {
    match at {
        At::Count(_) => Some(Quantity::Count),
        At::Duration(_) => Some(Quantity::Time),
        At::Size(_) => Some(Quantity::Bytes),
        At::Word(_) => None,
    }
}

/// The swept key to go along: the wanted one, else the one with most values; of numbers alone.
pub(super) fn x_key(rows: &[Row], wanted: Option<&str>) -> Option<String> {
    let first = rows.first()?;
    let values = |key: &str| -> Option<Vec<f64>> {
        let mut values: Vec<f64> = Vec::new();
        for row in rows {
            let (_, at) = row.at.iter().find(|(known, _)| known == key)?;
            let value = number(at)?;
            if !values.contains(&value) {
                values.push(value);
            }
        }
        (values.len() >= 2).then_some(values)
    };
    let numeric: Vec<(&str, usize)> = first
        .at
        .iter()
        .filter_map(|(key, _)| Some((key.as_str(), values(key)?.len())))
        .collect();
    let wanted = numeric.iter().find(|(key, _)| Some(*key) == wanted);
    // Of two with as many, the first: `max_by_key` would take the last.
    let most = numeric.iter().rev().max_by_key(|(_, count)| *count);
    wanted.or(most).map(|(key, _)| (*key).to_owned())
}

/// One series along the swept key: all else is fixed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Curve {
    /// Index of the series.
    pub series: usize,
    /// Case.
    pub case: Option<String>,
    /// The other swept values.
    pub at: Vec<(String, At)>,
    /// Value of the key and index of the row, by value.
    pub points: Vec<(f64, usize)>,
}

/// All curves along `key`; `series_of` gives the series of each row.
pub(super) fn curves(rows: &[Row], series_of: &dyn Fn(usize) -> usize, key: &str) -> Vec<Curve> {
    let mut curves: Vec<Curve> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let x = row.at.iter().find(|(known, _)| known == key);
        let Some(x) = x.and_then(|(_, at)| number(at)) else {
            continue;
        };
        let series = series_of(index);
        let others = || row.at.iter().filter(|(known, _)| known != key);
        let same = |curve: &&mut Curve| {
            curve.series == series && curve.case == row.case && curve.at.iter().eq(others())
        };
        match curves.iter_mut().find(same) {
            Some(curve) => curve.points.push((x, index)),
            None => curves.push(Curve {
                series,
                case: row.case.clone(),
                at: others().cloned().collect(),
                points: vec![(x, index)],
            }),
        }
    }
    for curve in &mut curves {
        curve.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    curves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_in_their_unit() {
        assert_eq!(Quantity::Count.text("tasks", 11.6), "12 tasks");
        assert_eq!(Quantity::Count.text("workers", 1.0), "1 worker");
        assert_eq!(Quantity::Count.text("primes", 2000.0), "primes = 2,000");
        assert_eq!(Quantity::Time.text("cpu", 2.41e6), "cpu = 2.41 ms");
        assert_eq!(Quantity::Time.range(1.9e6, 3.1e6), "1.9–3.1 ms");
        assert_eq!(Quantity::Time.range(0.9e6, 3.1e6), "900 µs–3.1 ms");
        assert_eq!(Quantity::Count.range(9.8, 14.2), "10–14");
        assert_eq!(Quantity::Count.range(16.6, 17.3), "16.6–17.3");
    }
}
