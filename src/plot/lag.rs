//! Lag: how late an event loop ran the timers that were due, along the run.

use super::axis::{Axis, Kind};
use super::page::{MARK, title_sentence};
use super::svg::{Anchor, Canvas};
use super::time_panel::{self, Chart, Frame, Panel, bounded, full_name};
use super::{Drawing, theme};
use crate::analysis::{Report, Row};
use crate::experiment::Theme;
use crate::measure::trace::{Lag, Trace};
use crate::units::{format_count, format_ns};

/// Ratio of lags from which the axis is logarithmic.
const LOG_FROM: f64 = 30.0;
/// Shortest lag that a logarithmic axis goes down to: below it is the clock's own noise.
const LEAST_NS: f64 = 1_000.0;
/// Widths of the columns of which each keeps its latest timer, from fine to coarse.
const COLUMNS: [f64; 4] = [1.0, 3.0, 8.0, 20.0];

/// Draws it; `None` where no event loop was traced.
pub fn draw(report: &Report, theme: Theme) -> Option<Drawing> {
    let (rows, point) = time_panel::last_point(report);
    let mut notes: Vec<String> = Vec::new();
    if let Some(point) = point {
        notes.push(format!("Of the sweep its last point is drawn: {point}."));
    }
    let mut found: Vec<(&Row, &Trace, f64)> = rows
        .into_iter()
        .filter_map(|row| {
            let traced = row.traced.as_ref()?;
            let trace: &Trace = &traced.trace;
            (!trace.lags.is_empty()).then_some((row, trace, traced.wall_ns as f64))
        })
        .collect();
    time_panel::by_case(&mut found, |(row, ..)| row);
    let found = time_panel::with_room(found, &mut notes);
    if found.is_empty() {
        return None;
    }
    let axis = axis(&found, time_panel::plot_height(found.len()));
    let panels = found.iter().map(|(row, trace, wall_ns)| Panel {
        row,
        whole_ns: *wall_ns,
        told: told(trace),
        axis: axis.clone(),
    });
    let scale = if axis.is_log() { " (log scale)" } else { "" };
    let subtitle = format!(
        "how late the event loop ran each timer that was due{scale}, in one traced run; less is better"
    );
    let chart = Chart {
        subtitle: &subtitle,
        panels: panels.collect(),
        names: 0.0,
        notes,
    };
    let words: Vec<String> = found
        .iter()
        .map(|(row, trace, _)| format!("{}: {}", full_name(report, row), told(trace)))
        .collect();
    let title = title_sentence(report);
    let alt = format!("{title} Lag of the event loop. {}.", words.join(". "));
    let text = format!("{title}\n\nLag of the event loop\n{}", words.join("\n"));
    bounded(&COLUMNS, |column| {
        let fill = |canvas: &Canvas, number: usize, frame: &Frame| {
            let (row, trace, _) = found[number];
            marks(canvas, frame, row, &trace.lags, column);
        };
        let words = (alt.clone(), text.clone());
        time_panel::draw(report, theme, &chart, words, |_| {}, fill)
    })
}

/// One for all: what they are compared by.
fn axis(found: &[(&Row, &Trace, f64)], height: f64) -> Axis {
    let lags = found.iter().flat_map(|(_, trace, _)| &trace.lags);
    let late = lags.map(|lag| lag.late_ns as f64);
    let (low, high) = late.fold((f64::INFINITY, 0.0f64), |(low, high), late| {
        (low.min(late.max(LEAST_NS)), high.max(late))
    });
    let most = (height / 26.0) as usize;
    match high / low >= LOG_FROM {
        true => Axis::log_between(Kind::Time, 0.7 * low, high * 3.0, most),
        false => Axis::linear(Kind::Time, high * 1.25, most),
    }
}

fn worst(lags: &[Lag]) -> Option<&Lag> {
    lags.iter().max_by_key(|lag| lag.late_ns)
}

fn told(trace: &Trace) -> String {
    let mut late: Vec<u64> = trace.lags.iter().map(|lag| lag.late_ns).collect();
    late.sort_unstable();
    let half = late[late.len() / 2];
    let worst = worst(&trace.lags).map_or(0, |lag| lag.due_ns);
    let [half, longest] = [half, late[late.len() - 1]].map(|ns| format_ns(ns as f64));
    let due = format_ns(worst as f64);
    match late.len() {
        1 => format!("1 timer, {longest} late at {due}"),
        several => format!(
            "half of {} timers within {half}, worst {longest} late at {due}",
            format_count(several as u64)
        ),
    }
}

/// A mark for the latest timer of each column, with a stem on a linear axis.
fn marks(canvas: &Canvas, frame: &Frame, row: &Row, lags: &[Lag], column: f64) {
    let columns = ((frame.x.1 - frame.x.0) / column).ceil() as usize + 1;
    let mut latest: Vec<Option<&Lag>> = vec![None; columns];
    for lag in lags {
        let x = frame.at_x(lag.due_ns as f64);
        let slot = &mut latest[((x - frame.x.0) / column) as usize];
        if slot.is_none_or(|other| other.late_ns < lag.late_ns) {
            *slot = Some(lag);
        }
    }
    let points: Vec<(f64, f64)> = latest
        .iter()
        .flatten()
        .map(|lag| {
            (
                frame.at_x(lag.due_ns as f64),
                frame.at_y(lag.late_ns as f64),
            )
        })
        .collect();
    if !frame.axis.is_log() {
        let stems = points.iter().map(|(x, y)| ((*x, frame.y.1), (*x, *y)));
        let class = format!("{} thin", theme::line_class(&row.model));
        canvas.segments(&class, 1.2, &stems.collect::<Vec<_>>());
    }
    // Outlines would hide what lies close together.
    let (radius, seen) = match points.len() {
        0..=120 => (3.0, " seen"),
        _ => (1.6, ""),
    };
    let class = format!("{}{seen}", theme::series_class(&row.model));
    canvas.marks(&class, 0, radius, &points);
    let Some(worst) = worst(lags) else { return };
    let (x, y) = (
        frame.at_x(worst.due_ns as f64),
        frame.at_y(worst.late_ns as f64),
    );
    let label = format_ns(worst.late_ns as f64);
    let half = MARK.width(&label) / 2.0;
    let x = x.clamp(frame.x.0 + half + 2.0, frame.x.1 - half);
    let y = (y - 7.0).max(frame.y.0 + 8.0);
    canvas.text(MARK, Anchor::Middle, x, y, &label);
}
