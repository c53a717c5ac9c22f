//! Panels of lines: axes, lines with their spread, marks that differ by series, names at the lines' ends.
//!
//! A figure fills [`Panel`]s and arranges them in [`PanelRow`]s; [`draw`] places and draws them.

use super::axis::{Axis, Kind};
use super::page::{FAILED, HEADING, Heading, MARGIN, MARK, NAME, Notes, SMALL, WIDTH};
use super::svg::{Anchor, Canvas, Segment};
use super::theme;
use crate::analysis::{Interval, Report};

/// Between panels of a row.
const GAP: f64 = 18.0;
/// Between the names at the lines' ends.
const NAME_PITCH: f64 = 14.0;
/// From the plot's edge to a name's mark, and from there to the name.
const NAME_MARK: f64 = 18.0;
const NAME_TEXT: f64 = 26.0;
/// Largest part of a panel that names may take.
const MOST_NAMES: f64 = 0.36;
/// Ratio of values from which the y axis is logarithmic.
const LOG_Y_FROM: f64 = 30.0;
/// The same for the x axis, where the values also look like a geometric series.
const LOG_X_FROM: f64 = 10.0;
/// Swept values up to which each has its tick.
const TICK_EACH: usize = 12;
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

    fn axis(&self, width: f64) -> Axis {
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

    /// Logarithmic, with some room at both ends.
    pub fn log(low: f64, high: f64) -> Self {
        let room = (high / low).powf(0.06).max(1.05);
        Scale {
            low: low / room,
            high: high * room,
            log: true,
        }
    }

    fn axis(self, kind: Kind, height: f64) -> Axis {
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
    let height = (y + notes.height() + MARGIN / 2.0).ceil();
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
fn names_room(panel_width: f64) -> f64 {
    panel_width * MOST_NAMES - NAME_TEXT
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

/// A panel at its place.
struct Plot<'a> {
    panel: &'a Panel,
    left: f64,
    width: f64,
    /// Where the plot itself begins and ends.
    x: (f64, f64),
    top: f64,
    bottom: f64,
    along: Axis,
    axis: Axis,
    lanes: Vec<Vec<(f64, String, usize)>>,
}

/// Names at the ends of a panel's lines and guides: wanted height, series or guide, name.
struct End {
    y: f64,
    from: (f64, f64),
    series: Option<usize>,
    name: String,
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

impl<'a> Plot<'a> {
    fn new(chart: &Chart, panel: &'a Panel, left: f64, width: f64, top: f64, height: f64) -> Self {
        let axis = panel.scale.axis(panel.kind, height);
        let labels = axis
            .ticks
            .iter()
            .map(|tick| SMALL.width(&axis.tick_label(*tick)));
        let from = left + labels.fold(0.0, f64::max) + 7.0;
        let lines = panel
            .lines
            .iter()
            .map(|line| chart.named[line.series].name.as_str());
        let guides = panel.guides.iter().map(|guide| guide.name.as_str());
        let names = lines
            .chain(guides)
            .map(|name| NAME.width(name))
            .fold(0.0, f64::max);
        let to = left + width - NAME_TEXT - names.min(names_room(width)) - 2.0;
        let mut plot = Plot {
            panel,
            left,
            width,
            x: (from, to),
            top: top + 24.0,
            bottom: top + 24.0 + height,
            along: chart.along.axis(to - from),
            axis,
            lanes: Vec::new(),
        };
        plot.lanes = plot.lanes(chart);
        let lanes = plot.lanes.len() as f64 * 15.0;
        plot.top += lanes;
        plot.bottom += lanes;
        plot
    }

    /// Labels of crossings above the plot, in as many lanes as they need to stay apart.
    fn lanes(&self, chart: &Chart) -> Vec<Vec<(f64, String, usize)>> {
        let mut lanes: Vec<Vec<(f64, String, usize)>> = Vec::new();
        let mut crossings: Vec<_> = self.panel.crossings.iter().collect();
        crossings.sort_by(|a, b| a.1.estimate.total_cmp(&b.1.estimate));
        for (series, at) in crossings {
            let text = chart.along.kind.label(at.estimate);
            let half = MARK.width(&text) / 2.0 + 14.0;
            let (from, to) = (self.left, self.left + self.width);
            let x = self.at_x(at.estimate).clamp(from + half, to - half);
            let free = |lane: &Vec<(f64, String, usize)>| {
                let last = lane.last();
                last.is_none_or(|(other, text, _)| {
                    other + MARK.width(text) / 2.0 + 14.0 + half < x + 4.0
                })
            };
            match lanes.iter_mut().find(|lane| free(lane)) {
                Some(lane) => lane.push((x, text, *series)),
                None => lanes.push(vec![(x, text, *series)]),
            }
        }
        lanes
    }

    fn at_x(&self, value: f64) -> f64 {
        let (from, to) = (self.x.0 + 8.0, self.x.1 - 4.0);
        from + (to - from) * self.along.share(value)
    }

    fn at_y(&self, value: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * self.axis.share(value)
    }

    fn draw(&self, canvas: &Canvas, chart: &Chart) {
        self.frame(canvas, chart);
        for guide in &self.panel.guides {
            let points: Vec<(f64, f64)> = guide
                .points
                .iter()
                .map(|(x, y)| (self.at_x(*x), self.at_y(*y)))
                .collect();
            canvas.line(&guide.class, 1.3, &points);
        }
        for line in &self.panel.lines {
            self.line(canvas, chart, line);
        }
        self.crossings(canvas, chart);
        self.missing(canvas, chart);
        self.names(canvas, chart);
    }

    /// Heading, grid, axes and ticks.
    fn frame(&self, canvas: &Canvas, chart: &Chart) {
        let scale = if self.axis.is_log() {
            " (log scale)"
        } else {
            ""
        };
        let title = HEADING.fitted(&format!("{}{scale}", self.panel.title), self.width);
        let lanes = self.lanes.len() as f64 * 15.0;
        canvas.text(
            HEADING,
            Anchor::Start,
            self.left,
            self.top - lanes - 10.0,
            &title,
        );
        let (from, to) = self.x;
        let grid = |ticks: &[f64], line: &dyn Fn(f64) -> Segment| {
            let lines: Vec<_> = ticks.iter().map(|tick| line(*tick)).collect();
            canvas.segments("grid", 1.0, &lines);
        };
        grid(&self.axis.ticks, &|tick| {
            let y = self.at_y(tick);
            ((from, y), (to, y))
        });
        grid(&self.along.ticks, &|tick| {
            let x = self.at_x(tick);
            ((x, self.top), (x, self.bottom))
        });
        canvas.line("axis", 1.0, &[(from, self.bottom), (to, self.bottom)]);
        let mut free_below = f64::INFINITY;
        for tick in &self.axis.ticks {
            let y = self.at_y(*tick);
            if y + 10.0 < free_below {
                let label = self.axis.tick_label(*tick);
                canvas.text(SMALL, Anchor::End, from - 6.0, y + 3.8, &label);
                free_below = y;
            }
        }
        // The last tick is worth more than those before it: it ends what the reader sees.
        let labels: Vec<(f64, String, f64)> = self
            .along
            .ticks
            .iter()
            .map(|tick| {
                let label = self.along.tick_label(*tick);
                let half = SMALL.width(&label) / 2.0;
                (self.at_x(*tick), label, half)
            })
            .collect();
        let last_from = labels.last().map_or(f64::INFINITY, |(x, _, half)| x - half);
        let mut free_from = f64::NEG_INFINITY;
        for (number, (x, label, half)) in labels.iter().enumerate() {
            let last = number + 1 == labels.len();
            if x - half > free_from && (last || x + half + 7.0 < last_from) {
                canvas.text(SMALL, Anchor::Middle, *x, self.bottom + 15.0, label);
                free_from = x + half + 7.0;
            }
        }
        let scale = if self.along.is_log() {
            " (log scale)"
        } else {
            ""
        };
        let title = SMALL.fitted(&format!("{}{scale}", chart.along.title), to - from + 40.0);
        let middle = f64::midpoint(from, to);
        canvas.text(SMALL, Anchor::Middle, middle, self.bottom + 30.0, &title);
        if let Some(level) = self.panel.level {
            let y = self.at_y(level);
            canvas.line("level", 1.4, &[(from, y), (to, y)]);
        }
    }

    fn line(&self, canvas: &Canvas, chart: &Chart, line: &Line) {
        let named = &chart.named[line.series];
        let stroke = theme::line_class(&named.model);
        let points: Vec<(f64, f64)> = line
            .dots
            .iter()
            .map(|dot| (self.at_x(dot.x), self.at_y(dot.y)))
            .collect();
        let class = format!("{stroke}{}", theme::dash_class(named.nth));
        // A line is broken where a value between two of its points is missing.
        let broken = |a: &Dot, b: &Dot| line.missing.iter().any(|x| *x > a.x && *x < b.x);
        let mut piece: Vec<(f64, f64)> = Vec::new();
        for (number, point) in points.iter().enumerate() {
            if number > 0 && broken(&line.dots[number - 1], &line.dots[number]) {
                canvas.line(&class, 1.8, &std::mem::take(&mut piece));
            }
            piece.push(*point);
        }
        if piece.len() > 1 {
            canvas.line(&class, 1.8, &piece);
        }
        if line.stroke == Stroke::Plain {
            return;
        }
        let radius = if line.dots.len() > TICK_EACH {
            2.6
        } else {
            3.8
        };
        // Spreads that the marks hide are not drawn.
        let mut spreads = Vec::new();
        for (dot, (x, _)) in line.dots.iter().zip(&points) {
            let (low, high) = (self.at_y(dot.low), self.at_y(dot.high));
            if (low - high).abs() > 1.6 * radius {
                spreads.push(((*x, low), (*x, high)));
                spreads.push(((x - 2.5, low), (x + 2.5, low)));
                spreads.push(((x - 2.5, high), (x + 2.5, high)));
            }
        }
        canvas.segments(&format!("{stroke} thin"), 1.2, &spreads);
        let class = format!("{} seen", theme::series_class(&named.model));
        canvas.marks(&class, line.series, radius, &points);
    }

    /// Where values are missing: a cross for each series, in the series' colour, at the plot's top.
    fn missing(&self, canvas: &Canvas, chart: &Chart) {
        let mut taken: Vec<(f64, usize)> = Vec::new();
        for line in &self.panel.lines {
            let class = theme::line_class(&chart.named[line.series].model);
            for value in &line.missing {
                let above = taken.iter().filter(|(x, _)| x == value).count();
                taken.push((*value, above));
                let (x, y) = (self.at_x(*value), self.top + 6.0 + 9.0 * above as f64);
                let arms = [
                    ((x - 3.2, y - 3.2), (x + 3.2, y + 3.2)),
                    ((x - 3.2, y + 3.2), (x + 3.2, y - 3.2)),
                ];
                canvas.segments(&class, 1.8, &arms);
            }
        }
    }

    /// The interval of each crossing on the level's line, its value above the plot.
    fn crossings(&self, canvas: &Canvas, chart: &Chart) {
        let Some(level) = self.panel.level else {
            return;
        };
        let y = self.at_y(level);
        for (series, at) in &self.panel.crossings {
            let class = theme::line_class(&chart.named[*series].model);
            let x = self.at_x(at.estimate);
            canvas.line("cross d2", 1.2, &[(x, self.top), (x, y)]);
            canvas.line(
                &class,
                5.0,
                &[(self.at_x(at.low), y), (self.at_x(at.high), y)],
            );
            canvas.line("cross", 1.8, &[(x, y - 6.0), (x, y + 6.0)]);
        }
        for (lane, labels) in self.lanes.iter().rev().enumerate() {
            for (x, text, series) in labels {
                let y = self.top - 4.0 - 15.0 * lane as f64;
                let half = MARK.width(text) / 2.0;
                let class = theme::series_class(&chart.named[*series].model);
                canvas.marks(&class, *series, 3.6, &[(x - half - 3.0, y - 4.0)]);
                canvas.text(MARK, Anchor::Middle, x + 4.0, y, text);
            }
        }
    }

    /// Names at the lines' ends, moved apart, with a thin line from where they belong.
    fn names(&self, canvas: &Canvas, chart: &Chart) {
        let lines = self.panel.lines.iter().filter_map(|line| {
            let last = line.dots.last()?;
            Some(End {
                y: self.at_y(last.y),
                from: (self.at_x(last.x), self.at_y(last.y)),
                series: Some(line.series),
                name: chart.named[line.series].name.clone(),
            })
        });
        let told = self
            .panel
            .guides
            .iter()
            .filter(|guide| !guide.name.is_empty());
        let guides = told.filter_map(|guide| {
            let (x, y) = guide.points.last()?;
            let (x, y) = (self.at_x(*x), self.at_y(*y));
            if x < self.x.1 - 8.0 {
                // It leaves the plot at the top: its name stands there, beside it.
                let room = SMALL.width(&guide.name) + 8.0 < self.x.1 - x;
                let (anchor, x) = match room {
                    true => (Anchor::Start, x + 6.0),
                    false => (Anchor::End, x - 8.0),
                };
                canvas.text(SMALL, anchor, x, y.max(self.top) + 10.0, &guide.name);
                return None;
            }
            Some(End {
                y,
                from: (x, y),
                series: None,
                name: guide.name.clone(),
            })
        });
        let mut ends: Vec<End> = lines.chain(guides).collect();
        ends.sort_by(|a, b| a.y.total_cmp(&b.y));
        apart(&mut ends, self.top + 4.0, self.bottom - 2.0);
        let room = names_room(self.width).max(0.0);
        let edge = self.x.1;
        for end in &ends {
            let at = (edge + NAME_MARK, end.y);
            let text = NAME.fitted(&end.name, room);
            match end.series {
                Some(series) => {
                    let named = &chart.named[series];
                    let leader = [end.from, (edge + 3.0, end.from.1), (at.0 - 5.0, at.1)];
                    // Where the line itself ends early, the way to its name must not look like a part of it.
                    let early = if end.from.0 < edge - 8.0 { " d2" } else { "" };
                    let class = format!("{} thin{early}", theme::line_class(&named.model));
                    canvas.line(&class, 0.8, &leader);
                    let class = theme::series_class(&named.model);
                    canvas.marks(&class, series, 3.6, &[at]);
                    canvas.text(NAME, Anchor::Start, edge + NAME_TEXT, end.y + 3.8, &text);
                }
                None => {
                    let leader = [end.from, (edge + 3.0, end.from.1), (at.0 + 2.0, at.1)];
                    canvas.line("axis", 0.8, &leader);
                    canvas.text(SMALL, Anchor::Start, edge + NAME_TEXT, end.y + 3.8, &text);
                }
            }
        }
    }
}

/// Moves sorted ends apart, down where they must and back up where the end is reached.
fn apart(ends: &mut [End], top: f64, bottom: f64) {
    let mut free = top;
    for end in ends.iter_mut() {
        end.y = end.y.max(free);
        free = end.y + NAME_PITCH;
    }
    let mut most = bottom;
    for end in ends.iter_mut().rev() {
        end.y = end.y.min(most);
        most = end.y - NAME_PITCH;
    }
}
