//! Crossovers: where along a swept number a series overtakes its baseline.
//!
//! Pairs of a block give the log ratio of each point; between two neighbouring points it is interpolated
//! over the logarithm of the swept value. The crossing is where its mean is 0. Its interval inverts the
//! paired t-test along the way (Fieller 1954): all values around the crossing at which a ratio of 1 is not
//! refused. That keeps Student's correction for few repeats, which a bootstrap of five blocks would lose.

use super::statistics::{deviation, mean, t_quantile};
use super::sweep::{Curve, Interval, Quantity};
use super::{Row, quantity};
use crate::experiment::At;
use serde::Serialize;
use std::collections::BTreeMap;

/// Crossings told one by one.
const MOST_CROSSINGS: usize = 4;

/// How a series fares against its baseline along the swept values, from the smallest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Course {
    /// Slower first, then faster.
    Overtakes,
    /// Faster first, then slower.
    FallsBehind,
    /// Never slower, and faster somewhere.
    Faster,
    /// Never faster, and slower somewhere.
    Slower,
    /// No clear difference anywhere.
    Unclear,
    /// It changes more than once.
    Several,
}

/// A series beside its baseline along the swept key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Crossover {
    /// Label of the series.
    pub series: String,
    /// Label of the baseline.
    pub over: String,
    /// Runtime of both.
    pub runtime: String,
    /// Case; `None` where the cell has none.
    pub case: Option<String>,
    /// The other swept values.
    #[serde(serialize_with = "super::as_map")]
    pub at: Vec<(String, At)>,
    /// The swept key.
    pub key: String,
    /// What its values count.
    pub unit: Quantity,
    /// How the series fares.
    pub course: Course,
    /// Values of the key that were compared, ascending.
    pub compared: Vec<f64>,
    /// Those at which the difference is clear.
    pub clear: Vec<f64>,
    /// The key's value at which both are as fast; `None` unless they cross once.
    pub crossing: Option<Interval>,
}

impl Crossover {
    /// In words: "process-pool overtakes sequential from about 12 tasks (95 % interval 10–14)".
    pub fn words(&self) -> String {
        self.clause(true, &None)
    }

    /// The same, with the baseline's name where `named`, and what both `ends` of the sweep show.
    pub(super) fn clause(&self, named: bool, ends: &Option<(String, String)>) -> String {
        let (series, over) = (&self.series, &self.over);
        let than = if named {
            format!(" than {over}")
        } else {
            String::new()
        };
        let words = match (self.course, self.crossing) {
            (Course::Overtakes, at) => format!("{series} overtakes {over}{}", self.place(at)),
            (Course::FallsBehind, at) => format!("{series} falls behind {over}{}", self.place(at)),
            (Course::Faster, _) => format!("{series} is faster{than} {}", self.stretch()),
            (Course::Slower, _) => format!("{series} is slower{than} {}", self.stretch()),
            (Course::Unclear, _) => format!("{series}: no clear difference from {over}"),
            (Course::Several, _) => {
                format!("{series} is faster{than} at some points and slower at others")
            }
        };
        match (self.course, ends) {
            (Course::Overtakes | Course::FallsBehind, Some((first, last))) => {
                format!("{words}: from {first} to {last}")
            }
            (_, Some((first, last))) => format!("{words}: {first}, {last}"),
            (_, None) => words,
        }
    }

    /// Where the difference is clear: "throughout", "up to 8 tasks", "from 8 tasks on".
    fn stretch(&self) -> String {
        let text = |value: f64| self.unit.text(&self.key, value);
        match (self.clear.first(), self.clear.last()) {
            _ if self.clear == self.compared => "throughout".to_owned(),
            (Some(first), Some(_)) if self.compared.ends_with(&self.clear) => {
                format!("from {} on", text(*first))
            }
            (Some(_), Some(last)) if self.compared.starts_with(&self.clear) => {
                format!("up to {}", text(*last))
            }
            _ => format!("at {} of {} points", self.clear.len(), self.compared.len()),
        }
    }

    fn place(&self, crossing: Option<Interval>) -> String {
        let Some(at) = crossing else {
            return String::new();
        };
        format!(
            " from about {} (95 % interval {})",
            self.unit.text(&self.key, at.estimate),
            self.unit.range(at.low, at.high)
        )
    }
}

/// A few sentences about all of them: those that cross one by one, the others by how they fare.
pub fn summary(found: &[&Crossover]) -> Vec<String> {
    let mut sentences = Vec::new();
    let crossing = |c: &&&Crossover| c.crossing.is_some();
    for crossover in found.iter().filter(crossing).take(MOST_CROSSINGS) {
        sentences.push(crossover.words());
    }
    let hidden = found
        .iter()
        .filter(crossing)
        .count()
        .saturating_sub(MOST_CROSSINGS);
    if hidden > 0 {
        sentences.push(format!("{hidden} more cross their baseline"));
    }
    for (course, words) in [
        (Course::Faster, "faster wherever it is clear"),
        (Course::Slower, "slower wherever it is clear"),
        (Course::Unclear, "no clear difference"),
        (
            Course::Several,
            "faster at some points and slower at others",
        ),
    ] {
        let names: Vec<String> = found
            .iter()
            .filter(|c| c.course == course && c.crossing.is_none())
            .map(|c| c.series.clone())
            .collect();
        if !names.is_empty() {
            sentences.push(format!("{words}: {}", super::verdict::list(&names)));
        }
    }
    sentences
}

/// Log ratios `ln(baseline / own)` at one value of the key, by block.
struct Point {
    x: f64,
    log_x: f64,
    logs: BTreeMap<u32, f64>,
    /// 1 where it is clearly faster, −1 where clearly slower.
    sign: i8,
}

/// A curve's crossover; `None` where fewer than two points can be compared.
pub(super) fn crossover(
    curve: &Curve,
    key: &str,
    rows: &[Row],
    over: &str,
    pairs: &dyn Fn(usize) -> Vec<(u32, f64, f64)>,
) -> Option<Crossover> {
    let mut points = Vec::new();
    for (x, index) in &curve.points {
        let row = &rows[*index];
        let Some(speedup) = row.speedup.as_ref().filter(|s| s.over == over) else {
            continue;
        };
        if !row.did_the_work() || *x <= 0.0 {
            continue;
        }
        let logs = pairs(*index)
            .into_iter()
            .map(|(block, base, own)| (block, (base / own).ln()));
        let sign = match speedup.differs {
            true if speedup.ratio > 1.0 => 1,
            true => -1,
            false => 0,
        };
        points.push(Point {
            x: *x,
            log_x: x.ln(),
            logs: logs.collect(),
            sign,
        });
    }
    if points.len() < 2 {
        return None;
    }
    let first = &rows[curve.points[0].1];
    let unit = first.at.iter().find(|(known, _)| known == key);
    let mut signs: Vec<i8> = points.iter().map(|p| p.sign).filter(|s| *s != 0).collect();
    signs.dedup();
    let course = match signs.as_slice() {
        [] => Course::Unclear,
        [1] => Course::Faster,
        [-1] => Course::Slower,
        [-1, 1] => Course::Overtakes,
        [1, -1] => Course::FallsBehind,
        _ => Course::Several,
    };
    let crossing = match course {
        Course::Overtakes | Course::FallsBehind => crossing(&points),
        _ => None,
    };
    Some(Crossover {
        series: first.label.clone(),
        over: over.to_owned(),
        runtime: first.runtime.clone(),
        case: curve.case.clone(),
        at: curve.at.clone(),
        key: key.to_owned(),
        unit: unit.and_then(|(_, at)| quantity(at))?,
        course,
        compared: points.iter().map(|p| p.x).collect(),
        clear: points.iter().filter(|p| p.sign != 0).map(|p| p.x).collect(),
        crossing,
    })
}

/// Between two neighbouring points: log ratios of the blocks that both have, at each end.
struct Stretch {
    from: f64,
    to: f64,
    ends: Vec<(f64, f64)>,
}

impl Stretch {
    fn between(a: &Point, b: &Point) -> Self {
        let both = |(block, log): (&u32, &f64)| Some((*log, *b.logs.get(block)?));
        Stretch {
            from: a.log_x,
            to: b.log_x,
            ends: a.logs.iter().filter_map(both).collect(),
        }
    }

    /// Log ratios at a share of the way.
    fn logs(&self, share: f64) -> Vec<f64> {
        let at = |(a, b): &(f64, f64)| a + (b - a) * share;
        self.ends.iter().map(at).collect()
    }

    fn log_x(&self, share: f64) -> f64 {
        self.from + (self.to - self.from) * share
    }

    /// Whether a ratio of 1 is refused there at 5 %.
    fn refused(&self, share: f64) -> bool {
        let logs = self.logs(share);
        if logs.len() < 3 {
            return false;
        }
        let freedom = (logs.len() - 1) as f64;
        mean(&logs).abs()
            > t_quantile(0.975, freedom) * deviation(&logs) / (logs.len() as f64).sqrt()
    }

    /// Where, from `start` on in steps, 1 is first refused.
    fn first_refused(&self, start: f64, forwards: bool) -> Option<f64> {
        const STEPS: i32 = 32;
        let end = if forwards { 1.0 } else { 0.0 };
        let at = |step: i32| start + (end - start) * f64::from(step) / f64::from(STEPS);
        let step = (0..=STEPS).find(|step| self.refused(at(*step)))?;
        let (mut inside, mut outside) = (at((step - 1).max(0)), at(step));
        for _ in 0..40 {
            let middle = f64::midpoint(inside, outside);
            if self.refused(middle) {
                outside = middle;
            } else {
                inside = middle;
            }
        }
        Some(outside)
    }
}

/// The one crossing between the last clear point of the first sign and the first of the other.
fn crossing(points: &[Point]) -> Option<Interval> {
    let first_sign = points.iter().find(|p| p.sign != 0)?.sign;
    let before = points.iter().rposition(|p| p.sign == first_sign)?;
    let after = points.iter().position(|p| p.sign == -first_sign)?;
    let stretches: Vec<Stretch> = points[before..=after]
        .windows(2)
        .map(|two| Stretch::between(&two[0], &two[1]))
        .collect();
    let sign = f64::from(first_sign);
    let (number, share) = stretches.iter().enumerate().find_map(|(number, stretch)| {
        let (a, b) = (mean(&stretch.logs(0.0)), mean(&stretch.logs(1.0)));
        (a * sign >= 0.0 && b * sign < 0.0).then(|| (number, a / (a - b)))
    })?;
    let estimate = stretches[number].log_x(share);
    let backwards = stretches[..=number].iter().rev().enumerate();
    let low = backwards.map(|(index, stretch)| {
        let start = if index == 0 { share } else { 1.0 };
        Some(stretch.log_x(stretch.first_refused(start, false)?))
    });
    let low = low.flatten().next().unwrap_or(points[before].log_x);
    let forwards = stretches[number..].iter().enumerate();
    let high = forwards.map(|(index, stretch)| {
        let start = if index == 0 { share } else { 0.0 };
        Some(stretch.log_x(stretch.first_refused(start, true)?))
    });
    let high = high.flatten().next().unwrap_or(points[after].log_x);
    Some(Interval {
        estimate: estimate.exp(),
        low: low.exp(),
        high: high.exp(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f64, ratios: &[f64], sign: i8) -> Point {
        let logs = ratios.iter().zip(0..).map(|(r, block)| (block, r.ln()));
        Point {
            x,
            log_x: x.ln(),
            logs: logs.collect(),
            sign,
        }
    }

    #[test]
    fn a_crossing_is_interpolated_on_logarithms() {
        // From half as fast at 1 to twice as fast at 16: even in the middle of the logarithms.
        let found = crossing(&[
            point(1.0, &[0.5, 0.51, 0.49], -1),
            point(16.0, &[2.0, 1.96, 2.04], 1),
        ])
        .unwrap();
        assert!((found.estimate - 4.0).abs() < 0.05, "{found:?}");
        assert!(found.low < found.estimate && found.estimate < found.high);
        assert!(found.low > 3.0 && found.high < 5.4, "{found:?}");
    }

    #[test]
    fn an_unclear_point_widens_the_interval_over_it() {
        let found = crossing(&[
            point(1.0, &[0.5, 0.51, 0.49], -1),
            point(4.0, &[0.8, 1.2, 1.1], 0),
            point(16.0, &[2.0, 1.96, 2.04], 1),
        ])
        .unwrap();
        assert!(found.low < 4.0 && found.high > 4.0, "{found:?}");
        assert!(found.low > 1.0 && found.high < 16.0, "{found:?}");
    }
}
