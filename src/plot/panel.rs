//! A panel of lines at its place: grid, ticks, lines, marks, crossings, names at the lines' ends.
//!
//! [`super::lines`] says what a panel shows and where it stands.

use super::axis::Axis;
use super::lines::{Chart, Dot, Line, NAME_PITCH, NAME_TEXT, Panel, Stroke, TICK_EACH, names_room};
use super::page::{HEADING, MARK, NAME, SMALL};
use super::svg::{Anchor, Canvas, Segment};
use super::theme;

/// From the plot's edge to a name's mark.
const NAME_MARK: f64 = 18.0;

/// A panel at its place.
pub struct Plot<'a> {
    panel: &'a Panel,
    left: f64,
    width: f64,
    /// Where the plot itself begins and ends, from left to right.
    x: (f64, f64),
    /// Its upper end.
    pub top: f64,
    /// Its lower end.
    pub bottom: f64,
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

impl<'a> Plot<'a> {
    /// A panel whose heading begins at `top`, with a plot of that height.
    pub fn new(
        chart: &Chart,
        panel: &'a Panel,
        left: f64,
        width: f64,
        top: f64,
        height: f64,
    ) -> Self {
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

    /// Draws it.
    pub fn draw(&self, canvas: &Canvas, chart: &Chart) {
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
                if self.panel.scale.is_beyond(dot.high) {
                    // An arrow: it goes on beyond the panel.
                    spreads.push(((x - 3.0, high + 5.0), (*x, high)));
                    spreads.push(((x + 3.0, high + 5.0), (*x, high)));
                } else {
                    spreads.push(((x - 2.5, high), (x + 2.5, high)));
                }
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
