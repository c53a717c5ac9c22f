//! Two answers of the same cell beside each other: another machine, another version, another day.
//!
//! Runs of two answers can't be paired, so times are compared by Welch's t-test (Welch 1947) on their
//! logarithms, with Holm's correction over all rows. Pure, like everything here.

use super::report::SIGNIFICANT;
use super::statistics::{deviation, holm, mean, t_quantile, t_two_sided};
use super::{Report, Row};
use crate::experiment::{At, Experiment};

/// Smallest relative difference that is called one: two answers are of two moments.
const FLOOR: f64 = 0.05;
/// Runs from which on a difference can be judged.
const FEWEST: usize = 3;

/// One row of both answers.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedRow {
    /// What tables call it.
    pub label: String,
    /// Case; `None` where the cell has none.
    pub case: Option<String>,
    /// Swept values.
    pub at: Vec<(String, At)>,
    /// Median wall time of each answer, in nanoseconds.
    pub wall_ns: (Option<f64>, Option<f64>),
    /// Median CPU time of each answer, in nanoseconds.
    pub cpu_ns: (Option<f64>, Option<f64>),
    /// Peak memory of each answer, in bytes.
    pub peak_bytes: (Option<f64>, Option<f64>),
    /// Wall time of the first over that of the second; `None` where either was not measured often enough.
    pub ratio: Option<Ratio>,
}

/// How many times the wall time of the second answer the first one's is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// exp of the difference of the mean logarithms; above 1, the second answer is faster.
    pub ratio: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
    /// p of Welch's test, corrected by Holm over all rows.
    pub p: f64,
    /// Whether the difference is real and large enough to matter.
    pub differs: bool,
}

/// Why two answers can't be compared; `None` where they can.
pub fn refusal(a: &Experiment, b: &Experiment) -> Option<String> {
    if a.series != b.series {
        let labels = |of: &Experiment| -> Vec<String> {
            of.series
                .iter()
                .map(|series| series.label.clone())
                .collect()
        };
        let (first, second) = (labels(a), labels(b));
        return Some(match first == second {
            true => format!(
                "their models are told different things (workers, chunk, pool, start, limits): {}",
                first.join(", ")
            ),
            false => format!(
                "their models differ: {} here, {} there",
                first.join(", "),
                second.join(", ")
            ),
        });
    }
    (a.points != b.points).then(|| "their tasks differ, or the workers that run them".to_owned())
}

/// Why the answers that two machines computed differ; `None` where all that can be compared agree.
///
/// `a` and `b` are answers by row, where a row has one.
pub fn different_answers(
    experiment: &Experiment,
    a: &[Option<u64>],
    b: &[Option<u64>],
) -> Option<String> {
    let differ = a
        .iter()
        .zip(b)
        .any(|(a, b)| a.is_some() && b.is_some() && a != b);
    if !experiment.compare_answers || !differ {
        return None;
    }
    let calibrated = experiment
        .points
        .iter()
        .any(|point| point.program.uses_cpu());
    Some(match calibrated {
        true => "they did different work: `cpu` is measured out for each machine, so compare machines with \
                 `count`, `primes` or another step of a fixed size"
            .to_owned(),
        false => "they computed different answers".to_owned(),
    })
}

/// Both answers row by row.
pub fn compare(a: &Report, b: &Report) -> Vec<ComparedRow> {
    let pairs: Vec<(&Row, &Row)> = a.rows.iter().zip(&b.rows).collect();
    let mut ratios: Vec<Option<Ratio>> = pairs.iter().map(|(a, b)| ratio(a, b)).collect();
    let p_values: Vec<f64> = ratios.iter().flatten().map(|ratio| ratio.p).collect();
    for (ratio, p) in ratios.iter_mut().flatten().zip(holm(&p_values)) {
        ratio.p = p;
        ratio.differs = p < SIGNIFICANT && ratio.ratio.ln().abs() >= FLOOR.ln_1p();
    }
    let both = |a: &Row, b: &Row, read: fn(&Row) -> Option<f64>| (read(a), read(b));
    pairs
        .into_iter()
        .zip(ratios)
        .map(|((a, b), ratio)| ComparedRow {
            label: a.label.clone(),
            case: a.case.clone(),
            at: a.at.clone(),
            wall_ns: both(a, b, |row| Some(row.wall_ns.as_ref()?.median)),
            cpu_ns: both(a, b, |row| Some(row.cpu_ns.as_ref()?.median)),
            peak_bytes: both(a, b, |row| Some(row.peak_pss_bytes.as_ref()?.max)),
            ratio,
        })
        .collect()
}

/// `None` where a row did not do its work: what fails early is not fast.
fn ratio(a: &Row, b: &Row) -> Option<Ratio> {
    if !(a.did_the_work() && b.did_the_work()) {
        return None;
    }
    let logs = |row: &Row| -> Option<Vec<f64>> {
        let samples = &row.wall_ns.as_ref()?.samples;
        let usable = samples.len() >= FEWEST && samples.iter().all(|ns| *ns > 0.0);
        usable.then(|| samples.iter().map(|ns| ns.ln()).collect())
    };
    let (a, b) = (logs(a)?, logs(b)?);
    let centre = mean(&a) - mean(&b);
    let part = |logs: &[f64]| deviation(logs).powi(2) / logs.len() as f64;
    let (own, other) = (part(&a), part(&b));
    let error = (own + other).sqrt();
    if error <= f64::EPSILON {
        let p = if centre == 0.0 { 1.0 } else { 0.0 };
        let ratio = centre.exp();
        return Some(Ratio {
            ratio,
            low: ratio,
            high: ratio,
            p,
            differs: false,
        });
    }
    // Welch & Satterthwaite's degrees of freedom.
    let freedom = (own + other).powi(2)
        / (own.powi(2) / (a.len() - 1) as f64 + other.powi(2) / (b.len() - 1) as f64);
    let margin = t_quantile(0.975, freedom) * error;
    Some(Ratio {
        ratio: centre.exp(),
        low: (centre - margin).exp(),
        high: (centre + margin).exp(),
        p: t_two_sided(centre / error, freedom),
        differs: false,
    })
}
