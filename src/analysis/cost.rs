//! What observing cost: traced and sampled runs against the timed ones, where nothing is observed.
//!
//! To tell of another kind of observing: its line in [`cost_of_observing`].

use super::verdict::{list, name};
use super::{Report, Row};

/// Share of wall time from which the cost is worth a word.
const WORTH_TELLING: f64 = 0.01;
/// Time by which a run must be longer for its cost to be told from the machine's own.
const LEAST_NS: f64 = 1e6;

/// "…, the traced run took 4 % longer (threads).": `None` where it took none that could be told from the
/// timed runs' own spread.
pub fn cost_of_observing(report: &Report) -> Option<String> {
    let tracing = told(report, |row| row.traced.as_ref()?.cost);
    let sampling = told(report, |row| row.sampling_cost);
    let kinds = [
        ("the traced run", tracing),
        ("the sampled run, which warms up too,", sampling),
    ];
    let kinds: Vec<String> = kinds
        .into_iter()
        .filter_map(|(kind, told)| Some(format!("{kind} took {}", told?)))
        .collect();
    (!kinds.is_empty()).then(|| {
        let kinds = kinds.join("; ");
        format!("Against the timed runs, where nothing is observed, {kinds}.")
    })
}

/// "4 % longer (threads)", "4 % (threads) to 9 % longer (async)": the smallest and the largest that is worth a word.
fn told(report: &Report, cost: fn(&Row) -> Option<f64>) -> Option<String> {
    let rows = report.rows.iter();
    let costs = rows.filter_map(|row| Some((row, cost(row).filter(|cost| tells(row, *cost))?)));
    let mut costs: Vec<(&Row, f64)> = costs.collect();
    costs.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let percent = |cost: f64| format!("{:.0} %", cost * 100.0);
    let (lowest, highest) = (costs.first()?, costs.last()?);
    let alike = percent(lowest.1) == percent(highest.1);
    Some(match alike {
        true => {
            let names: Vec<String> = costs.iter().map(|(row, _)| name(row)).collect();
            format!("{} longer ({})", percent(lowest.1), list(&names))
        }
        false => format!(
            "{} ({}) to {} longer ({})",
            percent(lowest.1),
            name(lowest.0),
            percent(highest.1),
            name(highest.0)
        ),
    })
}

/// Whether a cost is above 1 % and outside the spread of the timed runs: farther above the slowest of them
/// than that is above the fastest.
fn tells(row: &Row, cost: f64) -> bool {
    let Some(wall) = row.wall_ns.as_ref().filter(|wall| wall.samples.len() > 1) else {
        return false;
    };
    let longer_ns = cost * wall.median;
    let spread_ns = wall.max - wall.min;
    cost >= WORTH_TELLING && longer_ns >= LEAST_NS && wall.median + longer_ns > wall.max + spread_ns
}
