//! What follows from numbers: intervals over runs, every reading, every run, or a single one.
//!
//! To add a kind of evidence: a function here and its arm in `Measured::compare`.

use super::values::Values;
use super::words::{count, mishaps, range, show};
use super::{Answer, CheckResult};
use crate::analysis::report::FLOOR_SEVERAL_CORES;
use crate::analysis::statistics::{PairedRatio, median, paired_ratio};
use crate::claim::{Operand, Operator, Reading};
use crate::describe::Evidence;
use crate::trial::Outcome;
use std::collections::BTreeMap;

/// Relative difference within which two times count as equal (`==`), and a single reading of one is not
/// clear: what scheduling alone moves them by.
pub const SAME: f64 = FLOOR_SEVERAL_CORES;

/// Values of the blocks that both have.
pub fn pairs(left: &BTreeMap<u32, f64>, right: &BTreeMap<u32, f64>) -> Vec<(f64, f64)> {
    left.iter()
        .filter_map(|(block, value)| Some((*value, *right.get(block)?)))
        .collect()
}

/// Pairs whose second value is multiplied.
pub fn scaled(pairs: &[(f64, f64)], factor: f64) -> Vec<(f64, f64)> {
    pairs.iter().map(|(a, b)| (*a, b * factor)).collect()
}

/// Whether `ratio`, left over what it is compared with, is below, above or about 1.
///
/// `pairs` are what it was made from, before the factor.
pub fn judge(
    ratio: &PairedRatio,
    operator: Operator,
    floor: f64,
    pairs: &[(f64, f64)],
    factor: f64,
) -> Answer {
    let far = ratio.ratio.ln().abs() >= floor.ln_1p();
    let (below, above) = (far && ratio.high < 1.0, far && ratio.low > 1.0);
    let same = (1.0 + SAME).ln();
    let (holds, opposite, margin) = match operator {
        Operator::Less | Operator::AtMost => (below, above, -ratio.high.ln()),
        Operator::More | Operator::AtLeast => (above, below, ratio.low.ln()),
        Operator::Equal => {
            let (low, high) = (ratio.low.ln(), ratio.high.ln());
            let outside = low > same || high < -same;
            // Equivalence: the whole interval within the bounds (Westlake 1972; Schuirmann 1987).
            let within = low >= -same && high <= same;
            (within, outside, same - low.abs().max(high.abs()))
        }
    };
    let result = match (holds, opposite) {
        (true, _) => CheckResult::Ok,
        (_, true) => CheckResult::Failed,
        _ => CheckResult::NotClear,
    };
    let mut answer = Answer::new(result, String::new(), margin);
    if result == CheckResult::Failed {
        let bound = match operator {
            Operator::Equal if ratio.ratio > 1.0 => 1.0 + SAME,
            Operator::Equal => 1.0 / (1.0 + SAME),
            _ => 1.0,
        };
        answer.p = paired_ratio(&scaled(pairs, factor * bound)).map(|ratio| ratio.p);
    }
    answer
}

/// A comparison of what is counted or read a few times: each value of one side with each of the other.
pub fn every(
    left: &Reading,
    operator: Operator,
    right: &Operand,
    values: &Values,
    other: Option<&Values>,
) -> Answer {
    let own = values.list();
    let against: Vec<f64> = match (right, other) {
        (Operand::Reading { factor, .. }, Some(other)) => {
            other.list().iter().map(|value| value * factor).collect()
        }
        (Operand::Constant(constant), _) => vec![*constant],
        _ => Vec::new(),
    };
    let holds = |value: &f64| against.iter().all(|other| operator.holds(*value, *other));
    let fails = |value: &f64| !against.iter().any(|other| operator.holds(*value, *other));
    let held = own.iter().filter(|value| holds(value)).count();
    let is_count = left.metric.evidence == Evidence::Count;
    // That something happens at all is shown by one run in which it does.
    let any_proves = is_count
        && match (operator, right) {
            (Operator::More, Operand::Constant(constant)) => *constant == 0.0,
            (Operator::AtLeast, Operand::Constant(constant)) => *constant > 0.0 && *constant <= 1.0,
            _ => false,
        };
    let mut result = if held == own.len() || (any_proves && held > 0) {
        CheckResult::Ok
    } else if is_count || own.iter().all(fails) {
        CheckResult::Failed
    } else {
        CheckResult::NotClear
    };
    let mut why = range(left.metric, &own);
    if let (Operand::Reading { reading, .. }, Some(other)) = (right, other) {
        let theirs = range(reading.metric, &other.list());
        why.push_str(&format!(" against {theirs} of {}", reading.text));
    }
    let runs = if left.metric.name == "memory" {
        "reading"
    } else {
        "run"
    };
    if held > 0 && held < own.len() {
        why.push_str(&format!("; so in {held} of {}", count(own.len(), runs)));
    } else if own.len() > 1 {
        why.push_str(&format!(" in all {}", count(own.len(), runs)));
    }
    // A run that ended early kept no promise about its tasks.
    if is_count && result == CheckResult::Ok && !any_proves && !values.ended.is_empty() {
        result = CheckResult::Failed;
    }
    why.push_str(&mishaps(values));
    if bound_matters(operator, result, values, other) {
        result = CheckResult::NotClear;
        why.push_str(
            "; the run was too short for more than a few samples, so the peak may be higher",
        );
    }
    let largest = |list: &[f64]| list.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let smallest = |list: &[f64]| list.iter().copied().fold(f64::INFINITY, f64::min);
    let margin = match operator {
        Operator::Less | Operator::AtMost => smallest(&against) - largest(&own),
        Operator::More | Operator::AtLeast => smallest(&own) - largest(&against),
        Operator::Equal => -(largest(&own) - smallest(&against))
            .abs()
            .max((smallest(&own) - largest(&against)).abs()),
    };
    Answer::new(result, why, margin)
}

/// Whether a peak that may be higher could turn the result.
pub fn bound_matters(
    operator: Operator,
    result: CheckResult,
    values: &Values,
    other: Option<&Values>,
) -> bool {
    let wants_less = matches!(operator, Operator::Less | Operator::AtMost);
    let other_is_bound = other.is_some_and(|other| other.is_lower_bound);
    // (a larger left side can turn it, a larger right side can turn it)
    let (left, right) = match (result, operator) {
        (CheckResult::NotClear, _) => (false, false),
        (_, Operator::Equal) => (true, true),
        (CheckResult::Ok, _) => (wants_less, !wants_less),
        (CheckResult::Failed, _) => (!wants_less, wants_less),
    };
    (left && values.is_lower_bound) || (right && other_is_bound)
}

/// A comparison of single readings: clear where they differ by more than noise would explain.
pub fn single(
    left: &Reading,
    operator: Operator,
    right: &Operand,
    values: &Values,
    other: Option<&Values>,
) -> Answer {
    let own = median(&values.list());
    let (against, suffix) = match (right, other) {
        (Operand::Reading { factor, reading }, Some(other)) => {
            let theirs = median(&other.list());
            let told = show(reading.metric, theirs);
            (
                theirs * factor,
                format!(" against {told} of {}", reading.text),
            )
        }
        (Operand::Constant(constant), _) => (*constant, String::new()),
        _ => (f64::NAN, String::new()),
    };
    let why = format!("{}{suffix}", show(left.metric, own));
    let distance = match own == against {
        true => 0.0,
        false => (own / against).ln(),
    };
    let close = distance.abs() < SAME.ln_1p();
    // Nothing at all is no matter of noise.
    let none = own == 0.0 && against == 0.0;
    let result = match (operator, close) {
        (Operator::Equal, true) => CheckResult::Ok,
        (Operator::Equal, false) => CheckResult::Failed,
        (_, true) if !none => CheckResult::NotClear,
        _ if operator.holds(own, against) => CheckResult::Ok,
        _ => CheckResult::Failed,
    };
    let margin = match operator {
        Operator::Less | Operator::AtMost => -distance,
        Operator::More | Operator::AtLeast => distance,
        Operator::Equal => -distance.abs(),
    };
    let near = match result {
        CheckResult::NotClear => ": too close for a single reading",
        _ => "",
    };
    Answer::new(result, format!("{why}{near}"), margin)
}

/// Whether a trial ended badly by itself.
pub fn is_failure(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Timeout | Outcome::Memory | Outcome::Crashed | Outcome::Failed
    )
}
