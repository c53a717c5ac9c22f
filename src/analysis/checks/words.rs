//! Numbers and mishaps in words.
//!
//! To add a unit: an arm of [`show`].

use super::values::Values;
use crate::analysis::Row;
use crate::analysis::statistics::PairedRatio;
use crate::describe::MetricDef;
use crate::units::{
    format_bytes, format_count, format_ns, format_ratio, format_ratio_range, ratio_digits,
};

pub fn no_numbers(row: &Row) -> String {
    let why = row.why.as_deref().unwrap_or("no reason is known");
    format!("no numbers from {}: {why}", row.label)
}

pub fn wrong_answer(row: &Row) -> String {
    format!("{}'s answer is wrong, so its times mean nothing", row.label)
}

/// What happened to runs that are not among the numbers, and to tasks that are.
pub fn mishaps(values: &Values) -> String {
    let mut text = String::new();
    if let Some(record) = values.ended.first() {
        let why = record.why.as_deref().unwrap_or("no reason is known");
        let ended = count(values.ended.len(), "run");
        text.push_str(&format!("; {ended} ended without numbers: {why}"));
    }
    text
}

/// "1 run", "5 runs"
pub fn count(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!("{} {noun}s", format_count(count as u64)),
    }
}

/// "3", "3 to 5"
pub fn range(metric: &MetricDef, values: &[f64]) -> String {
    let low = show(metric, values.iter().copied().fold(f64::INFINITY, f64::min));
    let high = show(
        metric,
        values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    );
    match low == high {
        true => low,
        false => format!("{low} to {high}"),
    }
}

/// A value of a metric, for people.
pub fn show(metric: &MetricDef, value: f64) -> String {
    match metric.unit {
        "ns" => format_ns(value),
        "bytes" => format_bytes(value),
        "ratio" => format_ratio(value),
        "1/s" => format!("{} a second", ratio_digits(value)),
        "count" if value.fract() == 0.0 && value >= 0.0 => format_count(value as u64),
        _ => ratio_digits(value),
    }
}

/// " (95 % interval 206–210 ms)"; nothing where there is none.
pub fn interval(
    ratio: &PairedRatio,
    show: impl Fn(f64) -> String,
    metric: &MetricDef,
    constant: f64,
) -> String {
    if !ratio.high.is_finite() {
        return String::new();
    }
    let bare = |text: String| text.replace(" a second", "");
    let (low, high) = (bare(show(ratio.low)), bare(show(ratio.high)));
    let range = match (metric.unit, low.rsplit_once(' '), high.rsplit_once(' ')) {
        ("ratio" | "share", ..) => format_ratio_range(ratio.low * constant, ratio.high * constant),
        (_, Some((low, one)), Some((high, two))) if one == two => match low == high {
            true => format!("{low} {one}"),
            false => format!("{low}–{high} {one}"),
        },
        _ => format!("{low}–{high}"),
    };
    format!(" (95 % interval {range})")
}
