//! Speedup: how many times faster than the baseline; along a swept number with the ideal and the laws.

use super::axis::Kind;
use super::lines::{self, Chart, Guide, Line, MOST_LINES, Panel, PanelRow, Scale};
use super::page::{self, called, finish, place_of, title_sentence};
use super::sweep::{Group, Reading, Sweep};
use super::sweeps::LINES_FROM;
use super::{Drawing, bars, theme};
use crate::analysis::{Report, Row, Scaling};
use crate::experiment::Theme;

/// Points that a curve is drawn through.
const SMOOTH: usize = 48;

/// Draws it; `None` where nothing can be compared.
pub fn draw(report: &Report, theme: Theme) -> Option<Drawing> {
    let Some(sweep) = Sweep::of(report, LINES_FROM) else {
        return bars::speedup(report, theme);
    };
    let over = over(report)?;
    let panels: Vec<Panel> = sweep
        .groups
        .iter()
        .map(|group| panel(report, &sweep, group))
        .collect();
    let single = panels.len() == 1;
    let mut rows = Vec::new();
    let (columns, height) = if single { (1, 260.0) } else { (2, 180.0) };
    let mut panels = panels.into_iter().peekable();
    while panels.peek().is_some() {
        rows.push(PanelRow {
            title: String::new(),
            panels: panels.by_ref().take(columns).collect(),
            columns,
            height,
        });
    }
    let mut sentences = vec![title_sentence(report)];
    let mut tables = sentences.clone();
    for group in &sweep.groups {
        let lines = measured(report, &sweep, group);
        let of = if group.name.is_empty() {
            String::new()
        } else {
            format!(" ({})", group.name)
        };
        let words = sweep.words(&lines, Kind::Ratio);
        if !words.is_empty() {
            sentences.push(format!("Speedup over {over}{of}: {words}."));
        }
        let lines: Vec<Line> = lines
            .into_iter()
            .filter(|line| !line.dots.is_empty())
            .collect();
        tables.push(format!(
            "Speedup over {over}{of}\n{}",
            sweep.table(&lines, Kind::Ratio).trim_end()
        ));
    }
    let notes = laws(report);
    sentences.extend(notes.iter().map(|note| format!("{note}.")));
    tables.extend(notes.iter().cloned());
    let subtitle = format!("speedup over {over}, with its 95 % interval; more is better");
    let chart = Chart {
        subtitle: &subtitle,
        along: &sweep.along,
        named: &sweep.named,
        rows,
        notes,
        failed: sweep.missing(report),
    };
    let canvas = lines::draw(report, chart);
    Some(finish(
        canvas,
        report,
        theme,
        sentences.join(" "),
        tables.join("\n\n"),
    ))
}

/// What speedups are taken over, in words; `None` where there are none.
pub fn over(report: &Report) -> Option<String> {
    let rows = report.rows.iter().filter_map(|row| {
        let over = &row.speedup.as_ref()?.over;
        Some(called(report, over, &row.runtime))
    });
    let pools = report.scaling.iter();
    let pools = pools.map(|scaling| called(report, &scaling.over, &scaling.runtime));
    let mut over: Vec<&str> = Vec::new();
    for label in rows.chain(pools) {
        if !over.contains(&label) {
            over.push(label);
        }
    }
    match over.as_slice() {
        [] => None,
        [one] => Some((*one).to_owned()),
        _ => Some("the baseline".to_owned()),
    }
}

/// A row's speedup: ratio, low and high; without an interval where there are too few runs for one.
pub fn read(row: &Row) -> Option<Reading> {
    let speedup = row.speedup.as_ref().filter(|_| row.did_the_work())?;
    Some(match speedup.high.is_finite() {
        true => (speedup.ratio, speedup.low, speedup.high),
        false => (speedup.ratio, speedup.ratio, speedup.ratio),
    })
}

/// The scaling of a line, where its key is `workers`.
fn scaling<'a>(report: &'a Report, name: &str, group: &Group) -> Option<&'a Scaling> {
    report.scaling.iter().find(|scaling| {
        called(report, &scaling.series, &scaling.runtime) == name
            && page::group(
                report,
                scaling.case.as_deref(),
                &scaling.at,
                &scaling.runtime,
            ) == group.name
    })
}

/// Measured speedups; pools without a baseline are compared with themselves.
fn measured(report: &Report, sweep: &Sweep, group: &Group) -> Vec<Line> {
    let mut lines = sweep.lines(group, &read);
    for line in &mut lines {
        let Some(scaling) = scaling(report, &sweep.named[line.series].name, group) else {
            continue;
        };
        line.dots = scaling
            .points
            .iter()
            .map(|point| lines::Dot {
                x: point.workers,
                y: point.speedup.estimate,
                low: point.speedup.low.max(0.0),
                high: match point.speedup.high.is_finite() {
                    true => point.speedup.high,
                    false => point.speedup.estimate,
                },
            })
            .collect();
    }
    lines
}

fn panel(report: &Report, sweep: &Sweep, group: &Group) -> Panel {
    let lines = measured(report, sweep, group);
    let dots = lines.iter().flat_map(|line| &line.dots);
    let values = dots.clone().flat_map(|dot| [dot.y, dot.low, dot.high]);
    let most = dots.map(|dot| dot.high).fold(1.0, f64::max);
    let scalings: Vec<&Scaling> = lines
        .iter()
        .filter(|line| line.series < MOST_LINES)
        .filter_map(|line| scaling(report, &sweep.named[line.series].name, group))
        .collect();
    let (first, last) = (sweep.along.xs[0], sweep.along.xs[sweep.along.xs.len() - 1]);
    let at = |step: usize| {
        let share = step as f64 / SMOOTH as f64;
        match sweep.along.log {
            true => first * (last / first).powf(share),
            false => first + (last - first) * share,
        }
    };
    // The ideal may leave the panel: what was measured decides its height.
    let highest = 1.4 * most;
    let curve = |of: &dyn Fn(f64) -> f64, to: f64| -> Vec<(f64, f64)> {
        let xs = (0..=SMOOTH)
            .map(at)
            .chain([to])
            .filter(|x| *x <= to && *x >= first);
        let mut points: Vec<(f64, f64)> = xs.map(|x| (x, of(x))).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points.retain(|(_, y)| *y <= highest && y.is_finite());
        points
    };
    let mut guides = Vec::new();
    if let Some(one) = scalings.first() {
        let cores = scalings
            .iter()
            .filter_map(|s| s.cores)
            .max()
            .filter(|_| one.cores.is_some());
        let limit = cores.map_or(f64::INFINITY, f64::from);
        let mut points = curve(&|x| x.min(limit), last);
        if limit > first && limit < last && limit <= highest {
            points.push((limit, limit));
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        let name = match cores {
            Some(cores) => format!("ideal on {cores} CPUs"),
            None => "ideal".to_owned(),
        };
        guides.push(Guide {
            name,
            class: "level d1".to_owned(),
            points,
        });
    }
    for scaling in scalings {
        let Some(serial) = scaling.serial_fraction.map(|serial| serial.estimate) else {
            continue;
        };
        let named = sweep
            .named
            .iter()
            .find(|named| named.name == called(report, &scaling.series, &scaling.runtime));
        let law = |n: f64| scaling.one / (serial + (1.0 - serial) / n);
        guides.push(Guide {
            name: String::new(),
            class: format!(
                "{} d2",
                theme::line_class(named.map_or("", |named| &named.model))
            ),
            points: curve(&law, scaling.fitted_to),
        });
    }
    let ideals = guides
        .iter()
        .flat_map(|guide| guide.points.iter().map(|(_, y)| *y));
    let values: Vec<f64> = values.chain(ideals).chain([1.0]).collect();
    Panel {
        title: match group.name.as_str() {
            "" => format!("Speedup over {}", over(report).unwrap_or_default()),
            name => name.to_owned(),
        },
        kind: Kind::Ratio,
        scale: Scale::of(values.iter().copied()),
        lines,
        guides,
        level: Some(1.0),
        crossings: Vec::new(),
    }
}

/// What the fitted laws say, a sentence each.
fn laws(report: &Report) -> Vec<String> {
    let place = |scaling: &Scaling| match place_of(scaling.case.as_deref(), &scaling.at) {
        place if place.is_empty() => scaling.series.clone(),
        place => format!("{} ({place})", scaling.series),
    };
    let amdahl: Vec<String> = report
        .scaling
        .iter()
        .filter_map(|s| Some(format!("{} {}", place(s), s.serial_words()?)))
        .collect();
    let usl: Vec<String> = report
        .scaling
        .iter()
        .filter_map(|s| Some(format!("{} {}", place(s), s.usl?.words())))
        .collect();
    let cores = report.scaling.iter().find_map(|scaling| scaling.cores);
    let up_to = cores.map_or(String::new(), |cores| {
        format!(", fitted up to the {cores} usable CPUs")
    });
    let mut notes = Vec::new();
    if !amdahl.is_empty() {
        notes.push(format!(
            "Dotted: Amdahl's law (1967){up_to}; serial fraction: {}",
            amdahl.join(", ")
        ));
    }
    if !usl.is_empty() {
        notes.push(format!(
            "Universal scalability law (Gunther 1993): {}",
            usl.join("; ")
        ));
    }
    notes
}
