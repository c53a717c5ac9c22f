//! The fastest row of each point and runtime, and which others can't be told from it.

use super::Row;
use super::report::{SIGNIFICANT, floor};
use super::statistics::{holm, paired_ratio};
use crate::experiment::At;
use serde::Serialize;

/// Who was fastest at one point, on one runtime.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Winner {
    /// Case; `None` where the cell has none.
    pub case: Option<String>,
    /// Swept values.
    #[serde(serialize_with = "super::as_map")]
    pub at: Vec<(String, At)>,
    /// The runtime among whose rows it is the fastest.
    pub runtime: String,
    /// Label of the row with the smallest median wall time.
    pub label: String,
    /// The next fastest that is clearly slower; `None` where nothing is.
    pub over: Option<String>,
    /// How many times faster than that one; 1 where there is none.
    pub ratio: f64,
    /// Labels that are not clearly slower.
    pub tied: Vec<String>,
}

/// The winner among rows of one point and runtime; `None` where fewer than two did the work. `wall` gives a row's
/// times by block, `one_core` whether it uses a single core.
pub(super) fn winner(
    rows: &[(usize, &Row)],
    pairs: &dyn Fn(usize, usize) -> Vec<(f64, f64)>,
    one_core: &dyn Fn(usize) -> bool,
) -> Option<Winner> {
    let mut timed: Vec<(f64, usize, &Row)> = rows
        .iter()
        .filter(|(_, row)| row.did_the_work())
        .filter_map(|(index, row)| Some((row.wall_ns.as_ref()?.median, *index, *row)))
        .collect();
    timed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ((_, first, leader), others) = timed.split_first()?;
    if others.is_empty() {
        return None;
    }
    let ratios: Vec<_> = others
        .iter()
        .map(|(_, index, _)| paired_ratio(&pairs(*index, *first)))
        .collect();
    let p_values: Vec<f64> = ratios.iter().map(|r| r.map_or(1.0, |r| r.p)).collect();
    let corrected = holm(&p_values);
    let mut winner = Winner {
        case: leader.case.clone(),
        at: leader.at.clone(),
        runtime: leader.runtime.clone(),
        label: leader.label.clone(),
        over: None,
        ratio: 1.0,
        tied: Vec::new(),
    };
    for (((_, index, row), ratio), p) in others.iter().zip(&ratios).zip(&corrected) {
        let floor = floor(one_core(*first) && one_core(*index));
        match ratio.filter(|ratio| *p < SIGNIFICANT && ratio.ratio >= 1.0 + floor) {
            Some(ratio) if winner.over.is_none() => {
                winner.over = Some(row.label.clone());
                winner.ratio = ratio.ratio;
            }
            Some(_) => {}
            None => winner.tied.push(row.label.clone()),
        }
    }
    Some(winner)
}
