//! What the verdict says of a sweep of a number: where series overtake their baseline, how pools gain.
//!
//! To tell something else of a sweep: a clause in `along_one`, or a rule in `verdict`'s RULES.

use super::verdict::{MOST_NAMES, MOST_POINTS, headline, list, memory};
use super::{Course, Crossover, Quantity, Report, Row, Scaling, Speedup, number};
use crate::experiment::At;
use crate::units::format_ratio;

/// Series that have a sentence each; what is left shares one.
const MOST_SERIES: usize = 3;

/// A sweep of a number: where series overtake the baseline and how far apart they are at both ends,
/// pools over `workers` with how many they are fastest. A sentence for each series, or, behind the winners,
/// for each case and value of the other key.
pub(super) fn along(report: &Report) -> Vec<String> {
    let Some(key) = &report.x else {
        return Vec::new();
    };
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    let place_beside = |row: &Row| {
        let others = row.at.iter().filter(|(name, _)| name != key);
        (row.case.clone(), others.cloned().collect::<Vec<_>>())
    };
    for row in &report.rows {
        let same = |group: &&mut Vec<&Row>| place_beside(group[0]) == place_beside(row);
        match groups.iter_mut().find(same) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    let several = groups.len() > MOST_POINTS;
    if let [rows] = groups.as_slice() {
        let (case, at) = place_beside(rows[0]);
        let clauses = along_one(report, rows, &case, &at, key);
        return clauses.iter().map(|clause| format!("{clause}.")).collect();
    }
    let shown = groups.iter().enumerate();
    let shown = shown.filter(|(index, _)| !several || *index == 0 || *index + 1 == groups.len());
    let sentences = shown.filter_map(|(_, rows)| {
        let (case, at) = place_beside(rows[0]);
        let mut parts: Vec<String> = case.iter().cloned().collect();
        parts.extend(at.iter().map(|(key, value)| format!("{key} = {value}")));
        let clauses = along_one(report, rows, &case, &at, key);
        (!clauses.is_empty()).then(|| format!("{}: {}.", parts.join(", "), clauses.join("; ")))
    });
    let sentences: Vec<String> = sentences.collect();
    match sentences.is_empty() {
        true => sentences,
        false => headline(report).into_iter().chain(sentences).collect(),
    }
}

/// The clauses of one case and value of the other key; none where there are fewer than three points.
fn along_one(
    report: &Report,
    rows: &[&Row],
    case: &Option<String>,
    at: &[(String, At)],
    key: &str,
) -> Vec<String> {
    const FEWEST: usize = 3;
    let x = |row: &Row| {
        row.at
            .iter()
            .find(|(name, _)| name == key)
            .and_then(|(_, at)| number(at))
    };
    let mut xs: Vec<f64> = rows.iter().filter_map(|row| x(row)).collect();
    xs.sort_by(f64::total_cmp);
    xs.dedup();
    if xs.len() < FEWEST {
        return Vec::new();
    }
    let mut clauses = Vec::new();
    let pools = report
        .scaling
        .iter()
        .filter(|s| s.case == *case && s.at == at);
    for pool in pools.clone().take(MOST_SERIES) {
        let Some(best) = pool
            .points
            .iter()
            .max_by(|a, b| a.speedup.estimate.total_cmp(&b.speedup.estimate))
        else {
            continue;
        };
        clauses.push(match gains(pool) {
            true => format!(
                "{} gains most with {}: {} over {}",
                pool.series,
                Quantity::Count.text(key, best.workers),
                format_ratio(best.speedup.estimate),
                pool.over
            ),
            false => format!(
                "{} gains nothing that is clear over {} with any number of {key}",
                pool.series, pool.over
            ),
        });
    }
    let pools: Vec<&str> = pools.map(|pool| pool.series.as_str()).collect();
    let found: Vec<&Crossover> = report
        .crossovers
        .iter()
        .filter(|c| c.case == *case && c.at == at && !pools.contains(&c.series.as_str()))
        .collect();
    // Too few runs for an interval are no finding; the single points say so.
    let few = |c: &Crossover| {
        rows.iter().any(|row| {
            let speedup = row.speedup.as_ref().filter(|_| row.label == c.series);
            speedup.is_some_and(|speedup| !speedup.high.is_finite())
        })
    };
    if found.iter().any(|c| few(c)) {
        return Vec::new();
    }
    let mut said: Option<&str> = (!clauses.is_empty()).then_some("");
    let mut rest: Vec<String> = Vec::new();
    for courses in [
        [Course::Overtakes, Course::FallsBehind],
        [Course::Faster, Course::Slower],
    ] {
        for crossover in found.iter().filter(|c| courses.contains(&c.course)) {
            if clauses.len() >= MOST_SERIES {
                rest.push(crossover.series.clone());
                continue;
            }
            let ends = ends(crossover, rows, &x);
            clauses.push(crossover.clause(said != Some(&crossover.over), &ends));
            said = Some(&crossover.over);
        }
    }
    let named = |course| -> Vec<String> {
        let same = found
            .iter()
            .filter(|c| c.course == course && c.crossing.is_none());
        same.map(|c| c.series.clone()).collect()
    };
    // What is left is one clause, however much it is.
    let mut others = Vec::new();
    let unclear = named(Course::Unclear);
    if !unclear.is_empty() {
        let from = if clauses.is_empty() {
            format!(" from {}", found[0].over)
        } else {
            String::new()
        };
        others.push(format!("{}: no clear difference{from}", list(&unclear)));
    }
    let several = named(Course::Several);
    if !several.is_empty() {
        others.push(format!("{}: now faster, now slower", list(&several)));
    }
    if !rest.is_empty() {
        others.push(format!("the figure and the table show {}", list(&rest)));
    }
    if !others.is_empty() {
        clauses.push(others.join("; "));
    }
    clauses
}

/// What both ends of a sweep show of a series: "5.0× as long at 2 tasks" and "1.9× faster at 128 tasks,
/// at 2.0× the memory".
fn ends(
    crossover: &Crossover,
    rows: &[&Row],
    x: &dyn Fn(&Row) -> Option<f64>,
) -> Option<(String, String)> {
    let own = rows
        .iter()
        .copied()
        .filter(|row| row.label == crossover.series && row.did_the_work());
    let mut own: Vec<(f64, &Row, &Speedup)> = own
        .filter_map(|row| Some((x(row)?, row, row.speedup.as_ref()?)))
        .collect();
    own.sort_by(|a, b| a.0.total_cmp(&b.0));
    let told = |(x, _, speedup): &(f64, &Row, &Speedup)| {
        let ratio = match speedup.ratio >= 1.0 {
            _ if !speedup.differs => "no clear difference".to_owned(),
            true => format!("{} faster", format_ratio(speedup.ratio)),
            false => format!("{} as long", format_ratio(1.0 / speedup.ratio)),
        };
        format!("{ratio} at {}", crossover.unit.text(&crossover.key, *x))
    };
    let (first, last) = (own.first()?, own.last()?);
    let beside: Vec<&Row> = rows
        .iter()
        .copied()
        .filter(|row| row.at == last.1.at)
        .collect();
    let memory = memory(last.1, &beside, &crossover.over);
    Some((told(first), format!("{}{memory}", told(last))))
}

/// Whether some number of workers is clearly faster.
fn gains(pool: &Scaling) -> bool {
    pool.points.iter().any(|point| point.speedup.low > 1.0)
}

/// What part of the work is serial, by Amdahl's law, where workers are swept.
pub(super) fn serial_fraction(report: &Report) -> Vec<String> {
    let told: Vec<String> = report
        .scaling
        .iter()
        .filter(|scaling| scaling.points.len() >= 3 && gains(scaling))
        .filter_map(|scaling| {
            let place = match &scaling.case {
                Some(case) => format!("{} ({case})", scaling.series),
                None => scaling.series.clone(),
            };
            Some(format!("{place} {}", scaling.serial_words()?))
        })
        .take(MOST_NAMES)
        .collect();
    let up_to = report.scaling.iter().find_map(|scaling| scaling.cores);
    let up_to = up_to.map_or(String::new(), |cores| {
        format!(", fitted up to the {cores} usable CPUs")
    });
    match told.is_empty() {
        true => Vec::new(),
        false => vec![format!(
            "Serial fraction by Amdahl's law{up_to}: {}.",
            told.join(", ")
        )],
    }
}
