//! Bars: a row for each series and point, a panel for each measured quantity.
//!
//! The default figure is wall time, CPU time and memory side by side; each is a figure of its own too.
//! To add a quantity: a constant [`Panel`] and its figure's row in [`super::FIGURES`].

use super::axis::{Axis, Kind};
use super::font::{self, Weight};
use super::svg::{Anchor, Canvas, Look};
use super::{Drawing, theme};
use crate::analysis::{Report, Row, Summary};
use crate::experiment::Theme;
use crate::trial::Outcome;

/// A quantity that has a panel.
#[derive(Clone, Copy)]
pub struct Panel {
    title: &'static str,
    kind: Kind,
    read: fn(&Row) -> Option<&Summary>,
    /// Whether the value shown is the largest reading instead of the median.
    peak: bool,
}

/// Wall time.
pub const WALL: Panel = Panel {
    title: "Wall time",
    kind: Kind::Time,
    read: |row| row.wall_ns.as_ref(),
    peak: false,
};
/// CPU time.
pub const CPU: Panel = Panel {
    title: "CPU time",
    kind: Kind::Time,
    read: |row| row.cpu_ns.as_ref(),
    peak: false,
};
/// Peak memory.
pub const MEMORY: Panel = Panel {
    title: "Peak memory",
    kind: Kind::Bytes,
    read: |row| row.peak_pss_bytes.as_ref(),
    peak: true,
};

const WIDTH: f64 = 760.0;
const MARGIN: f64 = 16.0;
/// Between panels.
const GAP: f64 = 26.0;
/// Widest that the rows' names may be.
const MOST_LABEL: f64 = 190.0;
const TITLE: Look = Look {
    class: "ink",
    weight: Weight::Semibold,
    size: 16.0,
};
const HEADING: Look = Look {
    class: "ink",
    weight: Weight::Semibold,
    size: 12.5,
};
const LABEL: Look = Look {
    class: "ink",
    weight: Weight::Regular,
    size: 12.5,
};
const VALUE: Look = Look {
    class: "value",
    weight: Weight::Semibold,
    size: 12.5,
};
const NO_VALUE: Look = Look {
    class: "muted",
    weight: Weight::Regular,
    size: 12.5,
};
const SMALL: Look = Look {
    class: "muted",
    weight: Weight::Regular,
    size: 11.0,
};
const FAILED: Look = Look {
    class: "failed",
    weight: Weight::Regular,
    size: 11.0,
};
/// Height of the name of a group.
const GROUP: f64 = 28.0;
/// Ratio of values from which bars would vanish, and dots on a logarithmic axis say more.
const LOG_FROM: f64 = 300.0;
/// Rows beyond which the table alone shows the rest.
const MOST_ROWS: usize = 48;

/// One line of the figure.
enum Line<'a> {
    /// The name of a case or point, above its rows.
    Group(String),
    /// A row, and how many rows of the same model stand before it in its group.
    Bar(&'a Row, usize),
}

/// Draws the panels; `None` where the report has no rows.
pub fn draw(report: &Report, panels: &[Panel], theme: Theme) -> Option<Drawing> {
    if report.rows.is_empty() {
        return None;
    }
    let lines = lines(report);
    let title = font::wrapped(
        &report.title,
        TITLE.size,
        TITLE.weight,
        WIDTH - 2.0 * MARGIN,
        2,
    );
    let subtitle_at = MARGIN + 16.0 + 21.0 * title.len() as f64;
    let top = subtitle_at + 40.0;
    let placed = placed(&lines, top);
    let bottom = placed.last().map_or(top, |place| place.bottom);
    let hidden = report.rows.len().saturating_sub(MOST_ROWS);
    let foot = if hidden > 0 { 22.0 } else { 0.0 };
    let height = (bottom + 26.0 + foot + MARGIN / 2.0).ceil();

    let canvas = Canvas::new(WIDTH as u32, height as u32);
    for (number, line) in title.iter().enumerate() {
        canvas.text(
            TITLE,
            Anchor::Start,
            MARGIN,
            MARGIN + 14.0 + 21.0 * number as f64,
            line,
        );
    }
    let subtitle = SMALL.fitted(&subtitle(report), WIDTH - 2.0 * MARGIN);
    canvas.text(SMALL, Anchor::Start, MARGIN, subtitle_at, &subtitle);

    let names = report
        .rows
        .iter()
        .take(MOST_ROWS)
        .map(|row| LABEL.width(&row.label));
    let names_width = names.fold(40.0, f64::max).min(MOST_LABEL);
    let left = MARGIN + names_width + 12.0;
    let gaps = GAP * (panels.len() - 1) as f64;
    let width = (WIDTH - MARGIN - left - gaps) / panels.len() as f64;
    let column = |(number, panel): (usize, &Panel)| {
        Column::new(report, *panel, left + (width + GAP) * number as f64, width)
    };
    let columns: Vec<Column> = panels.iter().enumerate().map(column).collect();
    let blocks = blocks(&placed);
    for column in &columns {
        column.frame(&canvas, top - 10.0, &blocks);
    }
    for Place { line, top, bottom } in &placed {
        let middle = f64::midpoint(*top, *bottom);
        match line {
            Line::Group(name) => {
                let name = HEADING.fitted(name, WIDTH - 2.0 * MARGIN);
                canvas.text(HEADING, Anchor::Start, MARGIN, bottom - 7.0, &name);
            }
            Line::Bar(row, nth) => {
                let name = LABEL.fitted(&row.label, names_width);
                canvas.text(LABEL, Anchor::End, left - 12.0, middle + 4.4, &name);
                if row.wall_ns.is_none() {
                    failure(
                        &canvas,
                        row,
                        left + 4.0,
                        middle,
                        WIDTH - MARGIN - left - 8.0,
                    );
                } else {
                    columns
                        .iter()
                        .for_each(|column| column.bar(&canvas, row, *nth, middle, bottom - top));
                }
            }
        }
    }
    if hidden > 0 {
        let text = format!("and {hidden} more rows: see the table");
        canvas.text(SMALL, Anchor::Start, MARGIN, height - 12.0, &text);
    }
    let svg = canvas.finish(&report.title, &theme::style(theme));
    Some(Drawing {
        svg,
        width: WIDTH as u32,
        height: height as u32,
        alt: alt(report, panels),
    })
}

/// A line of the figure at its place.
struct Place<'a> {
    line: &'a Line<'a>,
    top: f64,
    bottom: f64,
}

/// Lines from `top` downwards.
fn placed<'a>(lines: &'a [Line<'a>], top: f64) -> Vec<Place<'a>> {
    let bars = lines
        .iter()
        .filter(|line| matches!(line, Line::Bar(..)))
        .count();
    let pitch = if bars <= 6 { 32.0 } else { 26.0 };
    let mut y = top;
    let place = |line| {
        let top = y;
        y += if matches!(line, &Line::Group(_)) {
            GROUP
        } else {
            pitch
        };
        Place {
            line,
            top,
            bottom: y,
        }
    };
    lines.iter().map(place).collect()
}

/// Stretches of rows that no group's name interrupts: top and bottom.
fn blocks(placed: &[Place]) -> Vec<(f64, f64)> {
    let mut blocks: Vec<(f64, f64)> = Vec::new();
    for place in placed
        .iter()
        .filter(|place| matches!(place.line, Line::Bar(..)))
    {
        match blocks.last_mut() {
            Some((_, bottom)) if *bottom == place.top => *bottom = place.bottom,
            _ => blocks.push((place.top, place.bottom)),
        }
    }
    blocks
}

/// Rows with their groups' names, as many as are drawn.
fn lines(report: &Report) -> Vec<Line<'_>> {
    let mut lines: Vec<Line> = Vec::new();
    let mut group: Vec<&Row> = Vec::new();
    for row in report.rows.iter().take(MOST_ROWS) {
        let same = group
            .first()
            .is_some_and(|first| first.case == row.case && first.at == row.at);
        if !same {
            group.clear();
            let name = place(row);
            if !name.is_empty() {
                lines.push(Line::Group(name));
            }
        }
        lines.push(Line::Bar(
            row,
            group
                .iter()
                .filter(|other| other.model == row.model)
                .count(),
        ));
        group.push(row);
    }
    lines
}

/// Case and swept values of a row.
fn place(row: &Row) -> String {
    let mut parts: Vec<String> = row.case.iter().cloned().collect();
    parts.extend(row.at.iter().map(|(key, value)| format!("{key} = {value}")));
    parts.join(", ")
}

fn subtitle(report: &Report) -> String {
    let runs = report
        .rows
        .iter()
        .filter_map(|row| Some(row.wall_ns.as_ref()?.samples.len()));
    let (fewest, most) = runs.fold((usize::MAX, 0), |(low, high), runs| {
        (low.min(runs), high.max(runs))
    });
    match most {
        0 => "nothing was measured".to_owned(),
        1 => "one run each; less is better".to_owned(),
        _ if fewest == most => {
            format!("median of {most} runs; small dots: each run; less is better")
        }
        _ => format!("median of {fewest} to {most} runs; small dots: each run; less is better"),
    }
}

/// In place of bars: how the row came out, and why.
fn failure(canvas: &Canvas, row: &Row, x: f64, middle: f64, room: f64) {
    let name = outcome_name(row.outcome);
    let text = match &row.why {
        // The table keeps the code's marks; a figure has no use for them.
        Some(why) => format!("{name}: {}", why.replace('`', "")),
        None => name.to_owned(),
    };
    let text = SMALL.fitted(&text, room);
    let width = SMALL.width(&text);
    canvas.rect("bg", x - 3.0, middle - 9.0, width + 6.0, 18.0);
    canvas.text(FAILED, Anchor::Start, x, middle + 4.0, &text);
}

fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Timeout => "timeout",
        Outcome::Memory => "out of memory",
        Outcome::Crashed => "crashed",
        Outcome::Failed => "failed",
        Outcome::Unsupported => "unsupported",
        Outcome::NotRun => "not run",
        Outcome::Interrupted => "interrupted",
    }
}

/// A panel at its place.
struct Column {
    panel: Panel,
    x: f64,
    width: f64,
    /// Width of the axis: what is left beside the longest label of a value.
    axis_width: f64,
    axis: Axis,
}

impl Column {
    fn new(report: &Report, panel: Panel, x: f64, width: f64) -> Self {
        let shown: Vec<&Summary> = report
            .rows
            .iter()
            .take(MOST_ROWS)
            .filter_map(panel.read)
            .collect();
        let value = |summary: &&Summary| panel.value(summary);
        let label = |summary: &&Summary| VALUE.width(&panel.kind.label(panel.value(summary)));
        let label_width = shown.iter().map(label).fold(0.0, f64::max);
        let axis_width = (width - label_width - 12.0).max(30.0);
        let high = shown.iter().map(|summary| summary.max).fold(0.0, f64::max);
        let low = shown
            .iter()
            .map(value)
            .filter(|value| *value > 0.0)
            .fold(f64::INFINITY, f64::min);
        let most = ((axis_width / 50.0) as usize).clamp(1, 6);
        let axis = match low.is_finite() && high / low > LOG_FROM {
            true => Axis::logarithmic(panel.kind, low, high),
            false => Axis::linear(panel.kind, high, most),
        };
        Column {
            panel,
            x,
            width,
            axis_width,
            axis,
        }
    }

    fn at(&self, value: f64) -> f64 {
        self.x + self.axis_width * self.axis.share(value)
    }

    /// Heading (its baseline), grid and ticks; `blocks` are stretches of rows, from top to bottom.
    fn frame(&self, canvas: &Canvas, heading: f64, blocks: &[(f64, f64)]) {
        let scale = if self.axis.is_log() {
            " (log scale)"
        } else {
            ""
        };
        let title = HEADING.fitted(&format!("{}{scale}", self.panel.title), self.width);
        canvas.text(HEADING, Anchor::Start, self.x, heading, &title);
        let below = blocks.last().map_or(heading, |(_, bottom)| bottom + 16.0);
        let mut free_from = f64::NEG_INFINITY;
        for tick in &self.axis.ticks {
            let x = self.at(*tick);
            let class = if *tick == 0.0 { "axis" } else { "grid" };
            for (top, bottom) in blocks {
                canvas.line(class, 1.0, &[(x, *top), (x, *bottom)]);
            }
            let label = self.axis.tick_label(*tick);
            let half = SMALL.width(&label) / 2.0;
            // A label that would touch its neighbour is left out; the grid line stays.
            if x - half > free_from {
                canvas.text(SMALL, Anchor::Middle, x, below, &label);
                free_from = x + half + 8.0;
            }
        }
    }

    /// A row's bar (a dot on a logarithmic axis), its spread and its value.
    fn bar(&self, canvas: &Canvas, row: &Row, nth: usize, middle: f64, pitch: f64) {
        let Some(summary) = (self.panel.read)(row) else {
            canvas.text(NO_VALUE, Anchor::Start, self.x + 6.0, middle + 4.4, "–");
            return;
        };
        let value = self.panel.value(summary);
        let end = self.at(value);
        let thickness = (pitch * 0.56).round();
        let class = theme::series_class(&row.model);
        if self.axis.is_log() {
            canvas.line("grid", 1.0, &[(self.x, middle), (end, middle)]);
            canvas.dot(&class, end, middle, 5.0, 0.0);
        } else {
            let width = (end - self.x).max(1.0);
            canvas.rect(&class, self.x, middle - thickness / 2.0, width, thickness);
            if nth > 0 {
                canvas.hatched(self.x, middle - thickness / 2.0, width, thickness);
            }
        }
        if !self.panel.peak && summary.samples.len() > 1 {
            canvas.line(
                "range",
                1.2,
                &[
                    (self.at(summary.min), middle),
                    (self.at(summary.max), middle),
                ],
            );
            for sample in &summary.samples {
                canvas.dot("run", self.at(*sample), middle, 1.9, 0.8);
            }
        }
        let beside = end.max(if self.panel.peak {
            end
        } else {
            self.at(summary.max)
        }) + 7.0;
        let label = self.panel.kind.label(value);
        canvas.text(VALUE, Anchor::Start, beside, middle + 4.4, &label);
    }
}

impl Panel {
    fn value(&self, summary: &Summary) -> f64 {
        if self.peak {
            summary.max
        } else {
            summary.median
        }
    }
}

/// The result in words.
fn alt(report: &Report, panels: &[Panel]) -> String {
    let mut sentences = vec![format!("{}.", report.title.trim_end_matches('.'))];
    for panel in panels {
        let name = |row: &Row| match place(row) {
            place if place.is_empty() => row.label.clone(),
            place => format!("{} ({place})", row.label),
        };
        let values: Vec<String> = report
            .rows
            .iter()
            .take(MOST_ROWS)
            .filter_map(|row| {
                Some(format!(
                    "{} {}",
                    name(row),
                    panel.kind.label(panel.value((panel.read)(row)?))
                ))
            })
            .collect();
        if !values.is_empty() {
            sentences.push(format!("{}: {}.", panel.title, values.join(", ")));
        }
    }
    let failed = report.rows.iter().filter(|row| row.wall_ns.is_none());
    sentences.extend(failed.map(|row| format!("{}: {}.", row.label, outcome_name(row.outcome))));
    sentences.join(" ")
}
