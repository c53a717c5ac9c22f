//! The verdict: what follows from the measured numbers, in a few sentences.
//!
//! Every sentence comes from this report's rows, never from what a model is supposed to do. To add a
//! finding: a function and a row in [`RULES`].

use super::failures::{failures, interruption};
use super::sweep_verdict::{along, serial_fraction};
use super::{Report, Row, Speedup, Winner, advice, latencies, limits, runtimes};
use crate::experiment::At;
use crate::units::{format_count, format_ns, format_ratio, format_ratio_range};

/// A look at the whole report: sentences, none where it finds nothing.
type Rule = fn(&Report) -> Vec<String>;

/// What a rule looks at, where there are several runtimes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// All of them together.
    All,
    /// Each of them alone, as if the cell had just that.
    Each,
}

/// In the order in which a reader wants to know.
const RULES: &[(Scope, Rule)] = &[
    (Scope::All, wrong_answers),
    (Scope::All, runtimes::contrast),
    (Scope::Each, ranking),
    (Scope::Each, serial_fraction),
    (Scope::All, runtimes::across),
    (Scope::All, latencies::groups),
    (Scope::All, lost_updates),
    (Scope::All, limits::limits),
    (Scope::All, runtimes::interpreter_lock),
    (Scope::All, advice::advice),
    (Scope::Each, overhead),
    (Scope::All, failures),
    (Scope::All, interruption),
];

/// Points beyond which only the first and the last are ranked in words.
pub(super) const MOST_POINTS: usize = 3;
/// Rows told by name in one list; the rest is a number, and the table has them all.
pub(super) const MOST_NAMES: usize = 4;
/// Ratio of memory from which it is worth a word.
const MORE_MEMORY: f64 = 1.25;

/// All sentences.
pub fn verdict(report: &Report) -> Vec<String> {
    let runtimes = report.runtimes();
    let several = runtimes.len() > 1;
    let parts: Vec<(String, Report)> = match several {
        true => runtimes
            .iter()
            .map(|r| (report.runtime_title(r), report.on(r)))
            .collect(),
        false => Vec::new(),
    };
    let told_across = !runtimes::across(report).is_empty();
    let together = |rules: &[(Scope, Rule)], report: &Report| -> Vec<String> {
        rules.iter().flat_map(|(_, rule)| rule(report)).collect()
    };
    let sentences = RULES.chunk_by(|(a, _), (b, _)| a == b).map(|rules| {
        if rules[0].0 == Scope::All || !several {
            return together(rules, report);
        }
        let told = parts.iter().filter_map(|(title, part)| {
            let compared = part.rows.iter().any(|row| row.speedup.is_some());
            if told_across && !compared {
                return None;
            }
            let sentences = together(rules, part);
            (!sentences.is_empty()).then(|| format!("{title}: {}", sentences.join(" ")))
        });
        told.collect()
    });
    sentences.flatten().collect()
}

/// Rows of each point, in order.
pub(super) fn points(report: &Report) -> Vec<Vec<&Row>> {
    let mut points: Vec<Vec<&Row>> = Vec::new();
    for row in &report.rows {
        match points.last_mut() {
            Some(point) if point[0].case == row.case && point[0].at == row.at => point.push(row),
            _ => points.push(vec![row]),
        }
    }
    points
}

/// What is said before a sentence about one of several points.
pub(super) fn place(row: &Row) -> String {
    match place_of(row.case.as_deref(), &row.at) {
        place if place.is_empty() => place,
        place => format!("{place}: "),
    }
}

/// A case and swept values: "I/O-bound, tasks = 8".
pub fn place_of(case: Option<&str>, at: &[(String, At)]) -> String {
    let mut parts: Vec<String> = case.into_iter().map(str::to_owned).collect();
    parts.extend(at.iter().map(|(key, value)| format!("{key} = {value}")));
    parts.join(", ")
}

/// "threads", "threads and async", "threads, async and 3 more".
pub(super) fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        _ if names.len() > MOST_NAMES => {
            let told = &names[..MOST_NAMES - 1];
            format!("{} and {} more", told.join(", "), names.len() - told.len())
        }
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A row's label, with its place where there are several.
pub(super) fn name(row: &Row) -> String {
    let place = place(row);
    match place.strip_suffix(": ") {
        Some(place) => format!("{} ({place})", row.label),
        None => row.label.clone(),
    }
}

fn wrong_answers(report: &Report) -> Vec<String> {
    let wrong = report.rows.iter().filter(|row| row.agrees == Some(false));
    let names: Vec<String> = wrong.map(name).collect();
    let its = if names.len() == 1 { "its" } else { "their" };
    match names.is_empty() {
        true => Vec::new(),
        false => vec![format!(
            "WRONG ANSWER: {} did not compute what the others did, so {its} times mean nothing.",
            list(&names)
        )],
    }
}

/// Who was faster than the baseline, who slower, and where nothing can be told: a sentence for each point,
/// or along a sweep for each series, behind one that sums them up.
fn ranking(report: &Report) -> Vec<String> {
    let along = along(report);
    if !along.is_empty() {
        return along;
    }
    let points = points(report);
    let several = points.len() > MOST_POINTS;
    let chosen: Vec<&Vec<&Row>> = match several {
        true => points.iter().take(1).chain(points.last()).collect(),
        false => points.iter().collect(),
    };
    let sentences = chosen.into_iter().filter_map(|rows| rank(rows));
    headline(report).into_iter().chain(sentences).collect()
}

/// "Fastest: threads (CPU-bound); threads and async (I/O-bound).": the winners of several points.
pub(super) fn headline(report: &Report) -> Option<String> {
    let winners = &report.winners;
    // Without a clear winner anywhere the sentences about the points say all.
    if winners.len() < 2 || winners.iter().all(|winner| winner.over.is_none()) {
        return None;
    }
    let fastest = |winner: &Winner| {
        winner.over.as_ref()?;
        let winning = |row: &&Row| row.label == winner.label || winner.tied.contains(&row.label);
        let mut names: Vec<String> = Vec::new();
        for row in report.rows.iter().filter(winning) {
            if !names.contains(&row.label) {
                names.push(row.label.clone());
            }
        }
        Some(list(&names))
    };
    let mut groups: Vec<(Option<String>, Vec<String>)> = Vec::new();
    for winner in winners {
        let place = place_of(winner.case.as_deref(), &winner.at);
        let fastest = fastest(winner);
        match groups.iter_mut().find(|(known, _)| *known == fastest) {
            Some((_, places)) => places.push(place),
            None => groups.push((fastest, vec![place])),
        }
    }
    if let [(Some(names), _)] = groups.as_slice() {
        return Some(format!("Fastest everywhere: {names}."));
    }
    // Most points first, those without a winner last; in the cell's order where all are told by name.
    let few = winners.len() <= MOST_POINTS;
    if !few {
        groups.sort_by_key(|(names, places)| (names.is_none(), std::cmp::Reverse(places.len())));
    }
    let hidden = groups.len().saturating_sub(MOST_NAMES);
    let all = winners.len();
    let mut clauses: Vec<String> = groups
        .iter()
        .take(MOST_NAMES)
        .map(|(names, places)| {
            let names = names.as_deref().unwrap_or("no clear winner");
            match few {
                true => format!("{names} ({})", places.join("; ")),
                false => format!("{names} at {} of {all} points", places.len()),
            }
        })
        .collect();
    if hidden > 0 {
        clauses.push("others elsewhere".to_owned());
    }
    Some(format!("Fastest: {}.", clauses.join("; ")))
}

fn rank(rows: &[&Row]) -> Option<String> {
    let place = place(rows.first()?);
    let told: Vec<&Row> = rows
        .iter()
        .copied()
        .filter(|row| row.did_the_work())
        .collect();
    let mut compared: Vec<(&Row, &Speedup)> = told
        .iter()
        .filter_map(|row| Some((*row, row.speedup.as_ref()?)))
        .collect();
    compared.sort_by(|(_, a), (_, b)| b.ratio.total_cmp(&a.ratio));
    let (paired, few): (Vec<_>, Vec<_>) = compared
        .into_iter()
        .partition(|(_, speedup)| speedup.high.is_finite());
    if paired.is_empty() {
        let sentence = if few.is_empty() {
            alone(&told)?
        } else {
            too_few(&few)
        };
        return Some(format!("{place}{sentence}"));
    }
    let (clear, unclear): (Vec<_>, Vec<_>) = paired.into_iter().partition(|(_, s)| s.differs);
    let (faster, mut slower): (Vec<_>, Vec<_>) =
        clear.into_iter().partition(|(_, s)| s.ratio > 1.0);
    slower.reverse();
    let mut clauses = Vec::new();
    // What a row is compared with is said where it changes, its interval the first time alone.
    let mut said: Option<&str> = None;
    for (row, speedup) in faster.iter().chain(&slower).copied() {
        let of = if speedup.ratio > 1.0 {
            &faster
        } else {
            &slower
        };
        let index = of.iter().position(|(other, _)| other.label == row.label);
        match index {
            Some(MOST_NAMES) => clauses.push(others(&of[MOST_NAMES..])),
            Some(index) if index > MOST_NAMES => {}
            _ => {
                let more = memory(row, rows, &speedup.over);
                clauses.push(format!("{}{more}", clause(row, speedup, said)));
                said = Some(&speedup.over);
            }
        }
    }
    if !unclear.is_empty() {
        let over = &unclear[0].1.over;
        let from = if clauses.is_empty() {
            format!(" from {over}")
        } else {
            String::new()
        };
        let labels: Vec<String> = unclear.iter().map(|(row, _)| row.label.clone()).collect();
        clauses.push(format!(
            "{}: no clear difference{from}{}",
            list(&labels),
            more_repeats(&unclear)
        ));
    }
    if !few.is_empty() {
        let labels: Vec<String> = few.iter().map(|(row, _)| row.label.clone()).collect();
        clauses.push(format!("{}: too few runs to tell", list(&labels)));
    }
    Some(format!("{place}{}.", clauses.join("; ")))
}

/// "threads finished 1.9× faster than sequential (95 % interval 1.8–2.0)", or the shorter "threads 1.9×"
/// where `said` has been compared with already.
fn clause(row: &Row, speedup: &Speedup, said: Option<&str>) -> String {
    let Speedup {
        over,
        ratio,
        low,
        high,
        ..
    } = speedup;
    let faster = *ratio > 1.0;
    let (ratio, low, high) = match faster {
        true => (*ratio, *low, *high),
        false => (1.0 / ratio, 1.0 / high, 1.0 / low),
    };
    let interval = match said {
        None => format!(" (95 % interval {})", format_ratio_range(low, high)),
        Some(_) => String::new(),
    };
    let (label, ratio) = (&row.label, format_ratio(ratio));
    match (faster, said == Some(over)) {
        (true, true) => format!("{label} {ratio}"),
        (true, false) => format!("{label} finished {ratio} faster than {over}{interval}"),
        (false, true) => format!("{label} took {ratio} as long"),
        (false, false) => format!("{label} took {ratio} as long as {over}{interval}"),
    }
}

/// Rows beyond those told by name, all faster or all slower.
fn others(rows: &[(&Row, &Speedup)]) -> String {
    let faster = rows[0].1.ratio > 1.0;
    let ratios = rows
        .iter()
        .map(|(_, s)| if faster { s.ratio } else { 1.0 / s.ratio });
    let low = ratios.clone().fold(f64::INFINITY, f64::min);
    let high = ratios.fold(0.0, f64::max);
    let others = if rows.len() == 1 { "other" } else { "others" };
    let range = format_ratio_range(low, high);
    match faster {
        true => format!("{} {others} {range}×", rows.len()),
        false => format!("{} {others} took {range}× as long", rows.len()),
    }
}

/// Where there is nothing to compare with: what it took.
fn alone(rows: &[&Row]) -> Option<String> {
    let row = rows.iter().find(|row| row.wall_ns.is_some())?;
    let (wall, cpu) = (row.wall_ns.as_ref()?, row.cpu_ns.as_ref()?);
    Some(format!(
        "{} took {} and used {} of CPU time.",
        row.label,
        format_ns(wall.median),
        format_ns(cpu.median)
    ))
}

/// Ratios without a claim: one or two runs can't tell noise from a difference.
fn too_few(rows: &[(&Row, &Speedup)]) -> String {
    let ratios: Vec<String> = rows
        .iter()
        .map(|(row, speedup)| format!("{} {}", row.label, format_ratio(speedup.ratio)))
        .collect();
    format!(
        "Speed beside {}: {}; so few runs are too few to tell whether that is real (`repeat = 5`).",
        rows[0].1.over,
        list(&ratios)
    )
}

/// ", at 3.1× the memory" of the baseline, where that is worth a word.
pub(super) fn memory(row: &Row, rows: &[&Row], over: &str) -> String {
    let peak = |row: &Row| row.peak_pss_bytes.as_ref().map(|peak| peak.max);
    let baseline = rows.iter().copied().find(|row| row.label == over);
    let both = baseline.and_then(peak).zip(peak(row));
    match both.map(|(base, own)| own / base) {
        Some(ratio) if ratio >= MORE_MEMORY && ratio.is_finite() => {
            format!(", at {} the memory", format_ratio(ratio))
        }
        _ => String::new(),
    }
}

/// Near the threshold and with few repeats, more of them could tell.
fn more_repeats(unclear: &[(&Row, &Speedup)]) -> &'static str {
    let few = |row: &Row| {
        row.wall_ns
            .as_ref()
            .is_some_and(|wall| wall.samples.len() < 10)
    };
    let near = |speedup: &Speedup| speedup.p < 0.3 && speedup.ratio.ln().abs() > 0.02;
    match unclear
        .iter()
        .any(|(row, speedup)| few(row) && near(speedup))
    {
        true => " (more repeats would tell)",
        false => "",
    }
}

/// Updates of the shared counter that were lost, and who lost none.
fn lost_updates(report: &Report) -> Vec<String> {
    let adding: Vec<(&Row, f64)> = report
        .rows
        .iter()
        .filter_map(|row| Some((row, row.lost.as_ref()?.median)))
        .collect();
    let (mut losers, others): (Vec<_>, Vec<_>) = adding
        .into_iter()
        .partition(|(row, _)| row.lost.as_ref().is_some_and(|lost| lost.max > 0.0));
    if losers.is_empty() {
        return Vec::new();
    }
    losers.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let clauses: Vec<String> = losers
        .iter()
        .take(MOST_NAMES)
        .map(|(row, lost)| {
            // A race that is rarely lost: the worst run says more than the middle one.
            let most = row.lost.as_ref().map_or(0.0, |summary| summary.max);
            let (up_to, lost) = match *lost >= 1.0 {
                true => ("", *lost),
                false => ("up to ", most),
            };
            let percent = 100.0 * lost / row.updates.max(1) as f64;
            let percent = match percent {
                percent if percent >= 1.0 => format!("{percent:.0} %"),
                _ => "under 1 %".to_owned(),
            };
            let (lost, updates) = (format_count(lost as u64), format_count(row.updates));
            format!(
                "{} lost {up_to}{lost} of {updates} updates ({percent})",
                name(row)
            )
        })
        .collect();
    let rest = match losers.len().saturating_sub(MOST_NAMES) {
        0 => String::new(),
        rest => format!("; {rest} more rows lost some"),
    };
    let none: Vec<String> = others.iter().map(|(row, _)| name(row)).collect();
    let none = match none.is_empty() {
        true => String::new(),
        false => format!("; {} lost none", list(&none)),
    };
    vec![format!(
        "{} without a lock{rest}{none}.",
        clauses.join(", ")
    )]
}

/// Rows that are slower because what they add (starting workers, talking to them) costs more than the
/// work: by CPU time, which waiting for a core doesn't raise.
fn overhead(report: &Report) -> Vec<String> {
    let points = points(report);
    let [rows] = points.as_slice() else {
        return Vec::new();
    };
    let cpu = |row: &Row| row.cpu_ns.as_ref().map(|cpu| cpu.median);
    let dearer = rows.iter().filter_map(|row| {
        let speedup = row
            .speedup
            .as_ref()
            .filter(|s| s.differs && s.ratio < 1.0)?;
        let baseline = rows.iter().find(|other| other.label == speedup.over)?;
        let (own, base) = cpu(row).zip(cpu(baseline))?;
        // More than the work itself, and in wall time too: the baseline doesn't just wait.
        let wall = row.wall_ns.as_ref()?.median;
        // A traced run says where its workers' time went: see `limits`.
        let told = row
            .traced
            .as_ref()
            .is_some_and(|traced| traced.breakdown.is_some());
        (!told && row.did_the_work() && own > 2.0 * base && own > 0.5 * wall)
            .then_some((row, own, base))
    });
    let Some((row, own, base)) = dearer.max_by(|a, b| a.1.total_cmp(&b.1)) else {
        return Vec::new();
    };
    let over = row
        .speedup
        .as_ref()
        .map_or("", |speedup| speedup.over.as_str());
    vec![format!(
        "{} spent {} of CPU time where {over} spent {}: creating and joining its workers costs more than \
         the work.",
        row.label,
        format_ns(own),
        format_ns(base)
    )]
}
