//! Figures of rows: a name at the left, then one or several columns with a mark on an axis each.
//!
//! To add a kind of mark: a variant of [`Mark`] and its arm in `Track::mark`.

use super::axis::{Axis, Kind};
use super::page::{
    EDGE, FAILED, HEADING, Heading, LABEL, MARGIN, NO_VALUE, Notes, SMALL, VALUE, WIDTH,
};
use super::svg::{Anchor, Canvas, Look};
use super::{font, theme};
use crate::analysis::Report;

/// Between columns.
const GAP: f64 = 26.0;
/// Widest that the rows' names may be.
const MOST_LABEL: f64 = 190.0;
/// Height of the name of a group.
const GROUP: f64 = 28.0;
/// Ratio of values from which bars would vanish, and dots on a logarithmic axis say more.
const LOG_FROM: f64 = 300.0;
/// The same for marks that have no length.
const LOG_DOTS_FROM: f64 = 20.0;
/// From the names to a reason.
const WHY: f64 = 4.0;
/// Height of a line of a reason.
const REASON_LINE: f64 = 14.0;
/// Rows beyond which the table alone shows the rest.
pub const MOST_ROWS: usize = 48;

/// One row.
pub struct Entry {
    /// Heading of its group; the same as the row's above where it belongs to it.
    pub group: String,
    /// What it is called.
    pub name: String,
    /// Model, which decides the colour.
    pub model: String,
    /// Whether that there is nothing to show is no failure.
    pub calm: bool,
    /// In place of all columns: why there is nothing to show.
    pub why: Option<String>,
    /// What each column shows.
    pub shown: Vec<Option<Shown>>,
}

/// What a column shows of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The value that has the mark.
    pub value: f64,
    /// The value in words.
    pub label: String,
    /// From the smallest to the largest.
    pub range: Option<(f64, f64)>,
    /// The middle part of it.
    pub inner: Option<(f64, f64)>,
    /// Single readings.
    pub dots: Vec<f64>,
}

/// How a column draws its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A bar from zero, with its range and its dots.
    Bar,
    /// Every reading as a dot, a line at the value.
    Strip,
    /// A thin range, a thick inner range, a line at the value.
    Range,
}

/// A column.
pub struct Column {
    /// Its heading.
    pub title: String,
    /// What its axis measures.
    pub kind: Kind,
    /// How values are drawn.
    pub mark: Mark,
    /// A value with a line of its own.
    pub level: Option<f64>,
}

/// One line of the figure.
enum Line<'a> {
    Group(String),
    /// An entry, and how many of the same model stand before it in its group.
    Entry(&'a Entry, usize),
}

/// A line at its place.
struct Place<'a> {
    line: &'a Line<'a>,
    top: f64,
    bottom: f64,
}

/// Draws entries below the heading; what is beyond [`MOST_ROWS`] is told in a note.
pub fn draw(report: &Report, subtitle: &str, columns: &[Column], entries: &[Entry]) -> Canvas {
    let heading = Heading::new(report, subtitle);
    let shown = &entries[..entries.len().min(MOST_ROWS)];
    let lines = lines(shown);
    let names = shown.iter().map(|entry| LABEL.width(&entry.name));
    let names_width = names.fold(40.0, f64::max).min(MOST_LABEL);
    let left = MARGIN + names_width + 12.0;
    let top = heading.bottom() + 40.0;
    let placed = placed(&lines, top, left + WHY);
    let bottom = placed.last().map_or(top, |place| place.bottom);
    let notes = match entries.len() - shown.len() {
        0 => Notes::new(&[]),
        hidden => Notes::new(&[(SMALL, format!("and {hidden} more rows: see the table"))]),
    };
    let height = (bottom + 26.0 + notes.height() + EDGE / 2.0).ceil();
    let canvas = Canvas::new(WIDTH as u32, height as u32);
    heading.draw(&canvas);
    notes.draw(&canvas, bottom + 24.0);

    let gaps = GAP * (columns.len() - 1) as f64;
    let width = (WIDTH - MARGIN - left - gaps) / columns.len() as f64;
    // Several runtimes differ by their speed; what differs within one must still be seen.
    let log_from = if report.has_runtimes() {
        LOG_DOTS_FROM
    } else {
        LOG_FROM
    };
    let mut tracks: Vec<Track> = Vec::new();
    for (number, column) in columns.iter().enumerate() {
        let values = shown
            .iter()
            .filter(|entry| entry.why.is_none())
            .filter_map(|entry| entry.shown[number].as_ref());
        let x = left + (width + GAP) * number as f64;
        tracks.push(Track::new(
            column,
            &values.collect::<Vec<_>>(),
            x,
            width,
            log_from,
        ));
    }
    let blocks = blocks(&placed);
    for track in &tracks {
        track.frame(&canvas, top - 10.0, &blocks);
    }
    for Place { line, top, bottom } in &placed {
        let middle = f64::midpoint(*top, *bottom);
        match line {
            Line::Group(name) => {
                let name = HEADING.fitted(name, WIDTH - 2.0 * MARGIN);
                canvas.text(HEADING, Anchor::Start, MARGIN, bottom - 7.0, &name);
            }
            Line::Entry(entry, nth) => {
                let name = LABEL.fitted(&entry.name, names_width);
                canvas.text(LABEL, Anchor::End, left - 12.0, middle + 4.4, &name);
                if let Some(why) = &entry.why {
                    let look = if entry.calm { SMALL } else { FAILED };
                    reason(&canvas, look, why, (left + WHY, middle), bottom - top);
                    continue;
                }
                for (track, shown) in tracks.iter().zip(&entry.shown) {
                    track.entry(&canvas, entry, shown.as_ref(), *nth, middle, bottom - top);
                }
            }
        }
    }
    canvas
}

/// Lines from `top` downwards; reasons begin at `why_left`, and a long one makes its line higher.
fn placed<'a>(lines: &'a [Line<'a>], top: f64, why_left: f64) -> Vec<Place<'a>> {
    let entry = |line: &&Line| matches!(line, Line::Entry(..));
    let entries = lines.iter().filter(entry).count();
    let (pitch, group) = match entries {
        0..=6 => (32.0, GROUP),
        7..=24 => (26.0, GROUP),
        _ => (20.0, 0.8 * GROUP),
    };
    let mut y = top;
    let place = |line: &'a Line<'a>| {
        let top = y;
        y += match *line {
            Line::Group(_) => group,
            Line::Entry(entry, _) => match &entry.why {
                Some(why) if reason_lines(why, why_left, 2.0 * REASON_LINE).len() > 1 => {
                    f64::max(pitch, 2.0 * REASON_LINE + 2.0)
                }
                _ => pitch,
            },
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
        .filter(|place| matches!(place.line, Line::Entry(..)))
    {
        match blocks.last_mut() {
            Some((_, bottom)) if *bottom == place.top => *bottom = place.bottom,
            _ => blocks.push((place.top, place.bottom)),
        }
    }
    blocks
}

/// Entries with their groups' names.
fn lines(entries: &[Entry]) -> Vec<Line<'_>> {
    let mut lines: Vec<Line> = Vec::new();
    let mut group: Vec<&Entry> = Vec::new();
    for entry in entries {
        if group.first().is_none_or(|first| first.group != entry.group) {
            group.clear();
            if !entry.group.is_empty() {
                lines.push(Line::Group(entry.group.clone()));
            }
        }
        let before = group.iter().filter(|other| other.model == entry.model);
        lines.push(Line::Entry(entry, before.count()));
        group.push(entry);
    }
    lines
}

/// A reason in one or two lines, as a row of that height has room; what is longer refers to the table.
fn reason_lines(why: &str, x: f64, height: f64) -> Vec<String> {
    const TABLE: &str = " see the table";
    // The table keeps the code's marks; a figure has no use for them.
    let why = why.replace('`', "");
    let room = WIDTH - MARGIN - x - 4.0;
    let most = if height >= 2.0 * REASON_LINE { 2 } else { 1 };
    let wrapped = |text: &str| font::wrapped(text, SMALL.size, SMALL.weight, room, most);
    let mut lines = wrapped(&why);
    if lines.last().is_some_and(|line| line.ends_with('…')) {
        let last = lines.pop().unwrap_or_default();
        lines.push(SMALL.fitted(&last, room - SMALL.width(TABLE)) + TABLE);
    }
    lines
}

/// In place of marks: how the row came out, and why.
fn reason(canvas: &Canvas, look: Look, why: &str, (x, middle): (f64, f64), height: f64) {
    let lines = reason_lines(why, x, height);
    let first = middle - REASON_LINE * (lines.len() - 1) as f64 / 2.0;
    for (number, text) in lines.iter().enumerate() {
        let y = first + REASON_LINE * number as f64;
        let width = SMALL.width(text);
        canvas.rect("bg", x - 3.0, y - 7.0, width + 6.0, 14.0);
        canvas.text(look, Anchor::Start, x, y + 4.0, text);
    }
}

/// A column at its place.
struct Track<'a> {
    column: &'a Column,
    x: f64,
    width: f64,
    /// Width of the axis: what is left beside the longest label of a value.
    axis_width: f64,
    axis: Axis,
}

impl<'a> Track<'a> {
    fn new(column: &'a Column, shown: &[&Shown], x: f64, width: f64, log_from: f64) -> Self {
        let label_width = shown.iter().map(|shown| VALUE.width(&shown.label));
        let axis_width = (width - label_width.fold(0.0, f64::max) - 12.0).max(30.0);
        let ends = |shown: &&Shown| shown.range.unwrap_or((shown.value, shown.value));
        let high = shown.iter().map(|s| ends(s).1.max(s.value));
        let high = high.fold(column.level.unwrap_or(0.0), f64::max);
        let positive = |value: &f64| *value > 0.0;
        let low = match column.mark {
            Mark::Bar => shown
                .iter()
                .map(|s| s.value)
                .filter(positive)
                .fold(f64::INFINITY, f64::min),
            _ => shown
                .iter()
                .map(|s| ends(s).0)
                .filter(positive)
                .fold(f64::INFINITY, f64::min),
        };
        let most = ((axis_width / 60.0) as usize).clamp(1, 8);
        let spans = |ratio: f64| low.is_finite() && high / low > ratio;
        let axis = match column.mark {
            Mark::Bar if spans(log_from) => Axis::logarithmic(column.kind, low, high),
            Mark::Bar => Axis::linear(
                column.kind,
                high,
                ((axis_width / 50.0) as usize).clamp(1, 6),
            ),
            _ if spans(LOG_DOTS_FROM) => Axis::log_between(column.kind, low, high, most),
            // Readings that lie close together are told apart without a zero; dots need none.
            _ if low.is_finite() && low > 0.5 * high => {
                let pad = ((high - low) * 0.06).max(high * 0.002);
                Axis::between(column.kind, low - pad, high + pad, most)
            }
            _ => Axis::linear(column.kind, high, most),
        };
        Track {
            column,
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
        let title = HEADING.fitted(&format!("{}{scale}", self.column.title), self.width);
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
            if x - half > free_from && x + half < WIDTH - 2.0 {
                canvas.text(SMALL, Anchor::Middle, x, below, &label);
                free_from = x + half + 8.0;
            }
        }
        if let Some(level) = self.column.level {
            for (top, bottom) in blocks {
                let x = self.at(level);
                canvas.line("level", 1.4, &[(x, *top), (x, *bottom)]);
            }
        }
    }

    /// A row's mark and its value.
    fn entry(
        &self,
        canvas: &Canvas,
        entry: &Entry,
        shown: Option<&Shown>,
        nth: usize,
        middle: f64,
        pitch: f64,
    ) {
        let Some(shown) = shown else {
            canvas.text(NO_VALUE, Anchor::Start, self.x + 6.0, middle + 4.4, "–");
            return;
        };
        self.mark(canvas, entry, shown, nth, middle, pitch);
        let last = shown.range.map_or(shown.value, |(_, high)| high);
        let beside = self.at(last.max(shown.value)) + 8.0;
        canvas.text(VALUE, Anchor::Start, beside, middle + 4.4, &shown.label);
    }

    fn mark(
        &self,
        canvas: &Canvas,
        entry: &Entry,
        shown: &Shown,
        nth: usize,
        middle: f64,
        pitch: f64,
    ) {
        let class = theme::series_class(&entry.model);
        let end = self.at(shown.value);
        let thick = (pitch * 0.56).round();
        let (top, bottom) = (middle - thick / 2.0, middle + thick / 2.0);
        match self.column.mark {
            Mark::Bar => {
                if self.axis.is_log() {
                    canvas.line("grid", 1.0, &[(self.x, middle), (end, middle)]);
                    canvas.dot(&class, end, middle, 5.0, 0.0);
                } else {
                    let width = (end - self.x).max(1.0);
                    canvas.rect(&class, self.x, top, width, thick);
                    if nth > 0 {
                        canvas.hatched(self.x, top, width, thick);
                    }
                }
                if let Some((low, high)) = shown.range {
                    canvas.line(
                        "range",
                        1.2,
                        &[(self.at(low), middle), (self.at(high), middle)],
                    );
                }
                for dot in &shown.dots {
                    canvas.dot("run", self.at(*dot), middle, 1.9, 0.8);
                }
            }
            Mark::Strip => {
                // Neighbours in time stand on different heights, so that equal times stay apart.
                let heights = [0.0, -0.5, 0.5, -0.25, 0.25];
                for (number, dot) in shown.dots.iter().enumerate() {
                    let y = middle + heights[number % heights.len()] * thick * 0.7;
                    canvas.dot(&format!("{class} seen"), self.at(*dot), y, 3.2, 0.8);
                }
                canvas.line("range", 2.0, &[(end, top - 2.0), (end, bottom + 2.0)]);
            }
            Mark::Range => {
                if let Some((low, high)) = shown.range {
                    let line = theme::line_class(&entry.model);
                    canvas.line(
                        &line,
                        1.6,
                        &[(self.at(low), middle), (self.at(high), middle)],
                    );
                }
                if let Some((low, high)) = shown.inner {
                    let (low, high) = (self.at(low), self.at(high));
                    canvas.rect(&class, low, top + 2.0, (high - low).max(1.5), thick - 4.0);
                }
                canvas.line("range", 2.0, &[(end, top), (end, bottom)]);
            }
        }
    }
}
