//! Panels of lines: axes, lines with their spread, marks that differ by series, names at the lines' ends.
//!
//! A figure fills [`Panel`]s and arranges them in [`PanelRow`]s; [`draw`] places and draws them.

use super::axis::{Axis, Kind};
use super::page::{EDGE, FAILED, HEADING, Heading, MARGIN, NAME, Notes, SMALL, WIDTH};
use super::panel::Plot;
use super::svg::{Anchor, Canvas};
use super::theme;
use crate::analysis::{Interval, Report};

/// Between panels of a row.
const GAP: f64 = 18.0;
/// Between the names at the lines' ends.
pub const NAME_PITCH: f64 = 14.0;
/// From the plot's edge to a name.
pub const NAME_TEXT: f64 = 26.0;
/// Largest part of a panel that names may take.
const MOST_NAMES: f64 = 0.36;
/// Ratio of values from which the y axis is logarithmic.
const LOG_Y_FROM: f64 = 30.0;
/// The same for the x axis, where the values also look like a geometric series.
const LOG_X_FROM: f64 = 10.0;
/// How many times the largest value a spread may reach: what reaches farther is cut at the panel's edge, so
/// that one slow run doesn't press all lines down.
const MOST_SPREAD: f64 = 2.0;
/// Swept values up to which each has its tick.
pub const TICK_EACH: usize = 12;
/// Lines that can be told apart; the table has the others.
pub const MOST_LINES: usize = 24;

/// The x axis.
pub struct Along {
    /// What it is called.
    pub title: String,
    /// What it measures.
    pub kind: Kind,
    /// Its values, ascending; a line is broken where it lacks one.
    pub xs: Vec<f64>,
    /// Whether it is logarithmic.
    pub log: bool,
}

impl Along {
    /// Logarithmic where the values span a decade and are spaced more evenly by ratio than by difference.
    pub fn new(title: &str, kind: Kind, xs: Vec<f64>) -> Self {
        let (low, high) = (xs[0], xs[xs.len() - 1]);
        let widest = |of: fn(f64) -> f64| {
            let gaps = xs.windows(2).map(|two| of(two[1]) - of(two[0]));
            gaps.fold(0.0, f64::max) / (of(high) - of(low))
        };
        let log = low > 0.0 && high / low >= LOG_X_FROM && widest(f64::ln) < widest(|x| x);
        Along {
            title: title.to_owned(),
            kind,
            xs,
            log,
        }
    }

    /// The axis, as wide as that.
    pub fn axis(&self, width: f64) -> Axis {
        let (low, high) = (self.xs[0], self.xs[self.xs.len() - 1]);
        let most = ((width / 55.0) as usize).clamp(2, 9);
        let axis = match self.log {
            true => Axis::log_between(self.kind, low, high, most),
            false => Axis::between(self.kind, low, high, most),
        };
        match self.xs.len() <= TICK_EACH {
            true => axis.with_ticks(&self.xs),
            false => axis,
        }
    }
}

/// A series: its name, and what decides its colour, mark and dashes.
pub struct Named {
    /// What it is called.
    pub name: String,
    /// Model.
    pub model: String,
    /// How many series of the same model stand before it.
    pub nth: usize,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// With a mark at every point.
    Marked,
    /// Without.
    Plain,
}

/// A measured point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dot {
    /// Swept value.
    pub x: f64,
    /// Measured value.
    pub y: f64,
    /// Lower end of its spread or interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A series in a panel.
pub struct Line {
    /// Index of its name.
    pub series: usize,
    /// How it is drawn.
    pub stroke: Stroke,
    /// Its points, by x.
    pub dots: Vec<Dot>,
    /// Where it gave no value.
    pub missing: Vec<f64>,
}

/// A curve that is not measured.
pub struct Guide {
    /// Its name, at its end.
    pub name: String,
    /// Class of its stroke.
    pub class: String,
    /// Its points.
    pub points: Vec<(f64, f64)>,
}

/// The y axis's range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    log: bool,
}

impl Scale {
    /// Of all values that panels show on it: from an honest zero, or logarithmic where they span much.
    pub fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let low = values
            .clone()
            .filter(|v| *v > 0.0)
            .fold(f64::INFINITY, f64::min);
        let high = values.filter(|v| v.is_finite()).fold(0.0, f64::max);
        match low.is_finite() && high / low >= LOG_Y_FROM {
            true => Self::log(low, high),
            false => Scale {
                low: 0.0,
                high: if high > 0.0 { high * 1.06 } else { 1.0 },
                log: false,
            },
        }
    }

    /// Of readings (value, low, high), without the far ends of those whose spread leaves them behind.
    pub fn of_readings(readings: &[(f64, f64, f64)]) -> Self {
        let most = readings.iter().map(|(value, ..)| *value);
        let most = MOST_SPREAD * most.fold(0.0, f64::max);
        let ends = readings.iter().flat_map(|(value, low, high)| {
            let high = if *high > most { *value } else { *high };
            [*value, *low, high]
        });
        Self::of(ends)
    }

    /// Whether a value lies beyond its end.
    pub fn is_beyond(&self, value: f64) -> bool {
        value > self.high * (1.0 + 1e-9)
    }

    /// Logarithmic, with some room at both ends.
    pub fn log(low: f64, high: f64) -> Self {
        let room = (high / low).powf(0.06).max(1.05);
        Scale {
            low: low / room,
            high: high * room,
            log: true,
        }
    }

    /// The axis, as high as that.
    pub fn axis(self, kind: Kind, height: f64) -> Axis {
        let most = ((height / 34.0) as usize).clamp(2, 7);
        match self.log {
            true => Axis::log_between(kind, self.low, self.high, most),
            false => Axis::linear(kind, self.high, most),
        }
    }
}

/// One plot.
pub struct Panel {
    /// Its heading.
    pub title: String,
    /// What the y axis measures.
    pub kind: Kind,
    /// Its range.
    pub scale: Scale,
    /// The series.
    pub lines: Vec<Line>,
    /// Curves beside them.
    pub guides: Vec<Guide>,
    /// A value with a line of its own.
    pub level: Option<f64>,
    /// Where series cross that line: index of the series, and the place.
    pub crossings: Vec<(usize, Interval)>,
}

/// Panels side by side.
pub struct PanelRow {
    /// What they have in common.
    pub title: String,
    /// From left to right.
    pub panels: Vec<Panel>,
    /// As many panels as fit beside each other; the row may have fewer.
    pub columns: usize,
    /// Height of the plots; more where the names need more.
    pub height: f64,
}

/// All that a figure of lines is drawn from.
pub struct Chart<'a> {
    /// What is shown.
    pub subtitle: &'a str,
    /// The x axis of all panels.
    pub along: &'a Along,
    /// The series.
    pub named: &'a [Named],
    /// From top to bottom.
    pub rows: Vec<PanelRow>,
    /// Paragraphs below.
    pub notes: Vec<String>,
    /// Sentences about what failed, below them.
    pub failed: Vec<String>,
}

/// Draws a chart.
pub fn draw(report: &Report, mut chart: Chart) -> Canvas {
    let hidden = chart.named.len().saturating_sub(MOST_LINES);
    for panel in chart.rows.iter_mut().flat_map(|row| &mut row.panels) {
        panel.lines.retain(|line| line.series < MOST_LINES);
        panel.crossings.retain(|(series, _)| *series < MOST_LINES);
    }
    let mut notes: Vec<_> = chart
        .failed
        .iter()
        .map(|text| (FAILED, text.clone()))
        .collect();
    notes.extend(chart.notes.iter().map(|text| (SMALL, text.clone())));
    if hidden > 0 {
        notes.push((SMALL, format!("and {hidden} more series: see the table")));
    }
    let notes = Notes::new(&notes);
    let heading = Heading::new(report, chart.subtitle);
    let key = key(&chart);
    let key_top = heading.bottom() + 12.0;
    let mut y = key_top + key.iter().map(|entry| entry.y + 28.0).fold(0.0, f64::max);
    let mut placed: Vec<(f64, f64, Vec<Plot>)> = Vec::new();
    for row in &chart.rows {
        let top = y + if row.title.is_empty() { 0.0 } else { 24.0 };
        let plots = plots(&chart, row, top);
        let bottom = plots.iter().map(|plot| plot.bottom).fold(top, f64::max);
        placed.push((y, top, plots));
        y = bottom + 46.0;
    }
    let height = (y + notes.height() + EDGE / 2.0).ceil();
    let canvas = Canvas::new(WIDTH as u32, height as u32);
    heading.draw(&canvas);
    for entry in &key {
        let named = &chart.named[entry.series];
        let (x, y) = (entry.x, key_top + entry.y + 12.0);
        sample(&canvas, named, entry.series, x + 6.0, y - 4.0);
        canvas.text(NAME, Anchor::Start, x + 16.0, y, &entry.text);
    }
    for ((top, _, plots), row) in placed.iter().zip(&chart.rows) {
        if !row.title.is_empty() {
            let title = HEADING.fitted(&row.title, WIDTH - 2.0 * MARGIN);
            canvas.text(HEADING, Anchor::Start, MARGIN, top + 14.0, &title);
        }
        for plot in plots {
            plot.draw(&canvas, &chart);
        }
    }
    notes.draw(&canvas, y - 4.0);
    canvas
}

/// A name of the key above the panels.
struct KeyEntry {
    series: usize,
    x: f64,
    y: f64,
    text: String,
}

/// All names in full, where one of them is cut at its line's end.
fn key(chart: &Chart) -> Vec<KeyEntry> {
    let cut = chart.rows.iter().any(|row| {
        let room = names_room(panel_width(row.columns));
        let too_long = |name: &str| NAME.width(name) > room;
        let of = |panel: &Panel| {
            panel
                .lines
                .iter()
                .any(|l| too_long(&chart.named[l.series].name))
        };
        row.panels.iter().any(of)
    });
    // Names stand in columns, as many as the longest leaves room for.
    let room = WIDTH - 2.0 * MARGIN;
    let widths = chart
        .named
        .iter()
        .take(MOST_LINES)
        .map(|named| NAME.width(&named.name) + 32.0);
    let width = widths.fold(0.0, f64::max).min(room);
    let columns = (room / width).floor().max(1.0) as usize;
    let entry = |(series, named): (usize, &Named)| KeyEntry {
        series,
        x: MARGIN + width * (series % columns) as f64,
        y: 17.0 * (series / columns) as f64,
        text: NAME.fitted(&named.name, width - 20.0),
    };
    let key: Vec<KeyEntry> = chart
        .named
        .iter()
        .enumerate()
        .take(MOST_LINES)
        .map(entry)
        .collect();
    if cut { key } else { Vec::new() }
}

fn panel_width(columns: usize) -> f64 {
    (WIDTH - 2.0 * MARGIN - GAP * (columns - 1) as f64) / columns as f64
}

/// Most that a name at a line's end may take.
pub fn names_room(panel_width: f64) -> f64 {
    // A narrow panel still has room for the name of every model.
    (panel_width * MOST_NAMES).max(0.42 * panel_width.min(240.0)) - NAME_TEXT
}

/// A series' mark on a piece of its line.
fn sample(canvas: &Canvas, named: &Named, series: usize, x: f64, y: f64) {
    let class = format!(
        "{}{}",
        theme::line_class(&named.model),
        theme::dash_class(named.nth)
    );
    canvas.line(&class, 1.8, &[(x - 6.0, y), (x + 6.0, y)]);
    let class = format!("{} seen", theme::series_class(&named.model));
    canvas.marks(&class, series, 4.0, &[(x, y)]);
}

/// A row's panels, their plots all equally high.
fn plots<'a>(chart: &Chart, row: &'a PanelRow, top: f64) -> Vec<Plot<'a>> {
    let width = panel_width(row.columns);
    let names = row
        .panels
        .iter()
        .map(|panel| panel.lines.len() + panel.guides.len());
    let height = row
        .height
        .max(NAME_PITCH * names.max().unwrap_or(0) as f64 + 6.0);
    let mut plots: Vec<Plot> = Vec::new();
    for (number, panel) in row.panels.iter().enumerate() {
        let left = MARGIN + (width + GAP) * number as f64;
        plots.push(Plot::new(chart, panel, left, width, top, height));
    }
    // The one with most marks above it decides where all begin.
    let first = plots.iter().map(|plot| plot.top).fold(top, f64::max);
    for plot in &mut plots {
        plot.bottom += first - plot.top;
        plot.top = first;
    }
    plots
}
