//! Latency: how long single tasks took, as quantiles; a line for each series and group where there are
//! few, ranges where there are many.

use super::Drawing;
use super::axis::Kind;
use super::bars;
use super::lines::{self, Along, Chart, Dot, Line, Named, Panel, PanelRow, Scale, Stroke};
use super::page::{self, called, finish, place, title_sentence};
use super::rows::{self, Column, Entry, Mark, Shown};
use crate::analysis::{GroupReport, Latency, Report, Row};
use crate::experiment::Theme;

/// Lines that can be told apart.
const MOST_CURVES: usize = 8;

/// Draws it; `None` where no latency was recorded.
pub fn draw(report: &Report, theme: Theme) -> Option<Drawing> {
    let found: Vec<(&Row, &GroupReport, &Latency)> = report
        .rows
        .iter()
        .flat_map(|row| row.groups.iter().map(move |group| (row, group)))
        .filter_map(|(row, group)| Some((row, group, group.latency_ns.as_ref()?)))
        .collect();
    let (first, ..) = found.first()?;
    let one_point = report.rows.iter().all(|row| place(row) == place(first));
    match one_point && found.len() <= MOST_CURVES {
        true => Some(curves(report, &found, theme)),
        false => Some(ranges(report, theme)),
    }
}

/// A series, behind its group's name where it has one: a long name is cut at its end.
fn name(row: &Row, group: &GroupReport) -> String {
    match group.name.as_str() {
        "" => row.label.clone(),
        group => format!("{group}, {}", row.label),
    }
}

/// A quantile, from 0 to 1.
fn quantile(latency: &Latency, share: f64) -> f64 {
    let last = latency.quantiles.len().saturating_sub(1);
    let at = latency
        .quantiles
        .get((share * last as f64).round() as usize);
    at.copied().unwrap_or(latency.median)
}

fn curves(report: &Report, found: &[(&Row, &GroupReport, &Latency)], theme: Theme) -> Drawing {
    let mut named: Vec<Named> = Vec::new();
    for (row, group, _) in found {
        let nth = named
            .iter()
            .filter(|other| other.model == row.model)
            .count();
        named.push(Named {
            name: name(row, group),
            model: row.model.clone(),
            nth,
        });
    }
    let line = |(series, (_, _, latency)): (usize, &(&Row, &GroupReport, &Latency))| {
        let last = latency.quantiles.len().saturating_sub(1).max(1);
        let dots = latency
            .quantiles
            .iter()
            .enumerate()
            .map(|(number, value)| Dot {
                x: 100.0 * number as f64 / last as f64,
                y: *value,
                low: *value,
                high: *value,
            });
        Line {
            series,
            stroke: Stroke::Plain,
            dots: dots.collect(),
            missing: Vec::new(),
        }
    };
    let values = found
        .iter()
        .flat_map(|(.., latency)| latency.quantiles.iter().copied());
    let panel = Panel {
        title: "Latency of a task".to_owned(),
        kind: Kind::Time,
        scale: Scale::of(values),
        lines: found.iter().enumerate().map(line).collect(),
        guides: Vec::new(),
        level: None,
        crossings: Vec::new(),
    };
    let mut along = Along::new(
        "of the tasks took no longer",
        Kind::Percent,
        vec![0.0, 100.0],
    );
    along.xs = vec![0.0, 25.0, 50.0, 75.0, 100.0];
    let words: Vec<String> = found
        .iter()
        .map(|(row, group, latency)| {
            format!(
                "{}: median {}, 95 % within {}, longest {}",
                name(row, group),
                Kind::Time.label(latency.median),
                Kind::Time.label(latency.p95),
                Kind::Time.label(latency.max)
            )
        })
        .collect();
    let chart = Chart {
        subtitle: "from a task's start to its end, median of the runs; less is better",
        along: &along,
        named: &named,
        rows: vec![PanelRow {
            title: String::new(),
            panels: vec![panel],
            columns: 1,
            height: 240.0,
        }],
        notes: words.clone(),
        failed: Vec::new(),
    };
    let alt = format!("{} Latency. {}.", title_sentence(report), words.join("; "));
    let text = format!(
        "{}\n\nLatency\n{}",
        title_sentence(report),
        words.join("\n")
    );
    finish(lines::draw(report, chart), report, theme, alt, text)
}

fn ranges(report: &Report, theme: Theme) -> Drawing {
    let column = Column {
        title: "Latency of a task".to_owned(),
        kind: Kind::Time,
        mark: Mark::Range,
        level: None,
    };
    let mut entries = Vec::new();
    for row in &report.rows {
        for group in &row.groups {
            let shown = group.latency_ns.as_ref().map(|latency| Shown {
                value: latency.median,
                label: format!(
                    "{} (95 %: {})",
                    Kind::Time.label(latency.median),
                    Kind::Time.label(latency.p95)
                ),
                range: Some((quantile(latency, 0.0), latency.max)),
                inner: Some((quantile(latency, 0.05), latency.p95)),
                dots: Vec::new(),
            });
            entries.push(Entry {
                group: page::group(report, row.case.as_deref(), &row.at, &row.runtime),
                name: match group.name.as_str() {
                    "" => called(report, &row.label, &row.runtime).to_owned(),
                    group => format!("{group}, {}", called(report, &row.label, &row.runtime)),
                },
                model: row.model.clone(),
                calm: false,
                why: None,
                shown: vec![shown],
            });
        }
    }
    let subtitle = "thin: from the shortest task to the longest; thick: from 5 % to 95 %; line: median; less is \
                    better";
    let columns = [column];
    let canvas = rows::draw(report, subtitle, &columns, &entries);
    let alt = bars::alt(report, &columns, &entries);
    finish(canvas, report, theme, alt, String::new())
}
