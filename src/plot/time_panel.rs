//! Figures along the time of one run: which rows they show, which time axis each gets, and a panel for
//! each with time to the right and a quantity upwards.

use super::Drawing;
use super::axis::{Axis, Kind};
use super::page::{
    EDGE, HEADING, Heading, MARGIN, Notes, SMALL, WIDTH, called, finish, group, place_of,
    with_place,
};
use super::svg::Anchor;
use super::svg::Canvas;
use crate::analysis::{Report, Row};
use crate::experiment::Theme;
use crate::units::format_count;

/// Largest document of such a figure: notebooks keep every output.
pub const MOST_BYTES: usize = 96 << 10;
/// How many times longer than the shortest run the longest may be for both to share a time axis.
const MOST_SHARED: f64 = 12.0;
/// Panels that a figure has room for.
const MOST_PANELS: usize = 12;
/// Height of a panel's heading.
const HEAD: f64 = 25.0;
/// Height of the ticks below a panel.
const TICKS: f64 = 24.0;

/// The rows of a sweep's last point, in each case; and what that point is called.
pub fn last_point(report: &Report) -> (Vec<&Row>, Option<String>) {
    let last = report.rows.last().map(|row| &row.at);
    let rows = report.rows.iter().filter(|row| Some(&row.at) == last);
    let swept = last.filter(|at| !at.is_empty());
    (rows.collect(), swept.map(|at| place_of(None, at)))
}

/// Rows of one case stand together, in the order in which cases come first.
pub fn by_case<T>(rows: &mut [T], row: impl Fn(&T) -> &Row) {
    let mut cases: Vec<Option<String>> = Vec::new();
    for one in rows.iter() {
        if !cases.contains(&row(one).case) {
            cases.push(row(one).case.clone());
        }
    }
    rows.sort_by_key(|one| cases.iter().position(|case| *case == row(one).case));
}

/// Length of each run's time axis: the same where all are about as long, else within each case, else each
/// its own.
pub fn time_axes(runs: &[(Option<&str>, f64)]) -> Vec<f64> {
    let longest = |case: Option<Option<&str>>| {
        let own = runs
            .iter()
            .filter(|(of, _)| case.is_none_or(|case| case == *of));
        let (low, high) = own.fold((f64::INFINITY, 0.0f64), |(low, high), (_, whole)| {
            (low.min(*whole), high.max(*whole))
        });
        (high <= MOST_SHARED * low).then_some(high)
    };
    let all = longest(None);
    runs.iter()
        .map(|(case, own)| all.or_else(|| longest(Some(*case))).unwrap_or(*own))
        .collect()
}

/// The finest of some drawings that stays within [`MOST_BYTES`]; the last where none does.
pub fn bounded<D: Copy>(details: &[D], draw: impl Fn(D) -> Drawing) -> Option<Drawing> {
    let mut drawing = None;
    for detail in details {
        drawing = Some(draw(*detail));
        if drawing
            .as_ref()
            .is_some_and(|drawing| drawing.svg.len() <= MOST_BYTES)
        {
            break;
        }
    }
    drawing
}

/// One run.
pub struct Panel<'a> {
    /// Its row.
    pub row: &'a Row,
    /// How long the run took.
    pub whole_ns: f64,
    /// What is told behind its name.
    pub told: String,
    /// What it measures upwards, from its own values.
    pub axis: Axis,
}

/// Where a panel's values are drawn.
pub struct Frame<'a> {
    /// The clock's start, and the end of the time axis.
    pub x: (f64, f64),
    /// Highest value, and the axis's beginning.
    pub y: (f64, f64),
    /// Length of the time axis.
    pub whole_ns: f64,
    /// Upwards.
    pub axis: &'a Axis,
}

impl Frame<'_> {
    /// Where a moment is.
    pub fn at_x(&self, ns: f64) -> f64 {
        self.x.0 + (self.x.1 - self.x.0) * (ns / self.whole_ns).clamp(0.0, 1.0)
    }

    /// Where a value is.
    pub fn at_y(&self, value: f64) -> f64 {
        self.y.1 - (self.y.1 - self.y.0) * self.axis.share(value)
    }
}

/// A figure of such panels.
pub struct Chart<'a> {
    /// Below the title.
    pub subtitle: &'a str,
    /// In the order in which they stand.
    pub panels: Vec<Panel<'a>>,
    /// Room for names at the right.
    pub names: f64,
    /// Told below, a paragraph each.
    pub notes: Vec<String>,
}

/// What a row is called in a figure of panels: its name, and its place where there are several.
pub fn named(report: &Report, row: &Row) -> (String, String) {
    (
        called(report, &row.label, &row.runtime).to_owned(),
        group(report, row.case.as_deref(), &[], &row.runtime),
    )
}

/// The same in one.
pub fn full_name(report: &Report, row: &Row) -> String {
    let (name, place) = named(report, row);
    with_place(&name, &place)
}

/// Those that there is room for, with a note on the others.
pub fn with_room<T>(mut rows: Vec<T>, notes: &mut Vec<String>) -> Vec<T> {
    if rows.len() > MOST_PANELS {
        let left = format_count((rows.len() - MOST_PANELS) as u64);
        notes.push(format!("{left} more rows have no room here."));
        rows.truncate(MOST_PANELS);
    }
    rows
}

/// Height of a plot where there are so many.
pub fn plot_height(panels: usize) -> f64 {
    match panels {
        0..=3 => 116.0,
        4..=6 => 88.0,
        _ => 64.0,
    }
}

/// Draws the panels; `draw` fills each one's frame.
pub fn draw(
    report: &Report,
    theme: Theme,
    chart: &Chart,
    (alt, text): (String, String),
    define: impl Fn(&Canvas),
    fill: impl Fn(&Canvas, usize, &Frame),
) -> Drawing {
    let heading = Heading::new(report, chart.subtitle);
    let notes: Vec<_> = chart
        .notes
        .iter()
        .map(|note| (SMALL, note.clone()))
        .collect();
    let notes = Notes::new(&notes);
    let runs: Vec<(Option<&str>, f64)> = chart
        .panels
        .iter()
        .map(|panel| (panel.row.case.as_deref(), panel.whole_ns))
        .collect();
    let wholes = time_axes(&runs);
    let has_ticks: Vec<bool> = (0..wholes.len())
        .map(|number| wholes.get(number + 1) != Some(&wholes[number]))
        .collect();
    let labels = chart.panels.iter().flat_map(|panel| {
        let ticks = panel.axis.ticks.iter();
        ticks.map(|tick| SMALL.width(&panel.axis.tick_label(*tick)))
    });
    let left = MARGIN + labels.fold(20.0, f64::max) + 7.0;
    let right = WIDTH - MARGIN - chart.names.max(14.0);
    let height = plot_height(chart.panels.len());
    let mut tops = Vec::new();
    let mut y = heading.bottom() + 6.0;
    for ticks in &has_ticks {
        tops.push(y + HEAD);
        y += HEAD + height + 8.0 + if *ticks { TICKS } else { 0.0 };
    }
    let full = (y + notes.height() + EDGE / 2.0).ceil();
    let canvas = Canvas::new(WIDTH as u32, full as u32);
    define(&canvas);
    heading.draw(&canvas);
    notes.draw(&canvas, y - 2.0);
    for (number, panel) in chart.panels.iter().enumerate() {
        let frame = Frame {
            x: (left, right),
            y: (tops[number], tops[number] + height),
            whole_ns: wholes[number],
            axis: &panel.axis,
        };
        head(&canvas, report, panel, frame.y.0 - 8.0);
        grid(&canvas, &frame, has_ticks[number]);
        fill(&canvas, number, &frame);
    }
    finish(canvas, report, theme, alt, text)
}

fn head(canvas: &Canvas, report: &Report, panel: &Panel, y: f64) {
    let (name, place) = named(report, panel.row);
    let name = HEADING.fitted(&name, 300.0);
    let wide = HEADING.width(&name);
    canvas.text(HEADING, Anchor::Start, MARGIN, y, &name);
    let told = match place.as_str() {
        "" => panel.told.clone(),
        place => format!("{place} · {}", panel.told),
    };
    let told = SMALL.fitted(&told, WIDTH - 2.0 * MARGIN - wide - 10.0);
    canvas.text(SMALL, Anchor::Start, MARGIN + wide + 10.0, y, &told);
}

fn grid(canvas: &Canvas, frame: &Frame, has_ticks: bool) {
    let ((left, right), (top, bottom)) = (frame.x, frame.y);
    let mut free = f64::INFINITY;
    for tick in &frame.axis.ticks {
        let y = frame.at_y(*tick);
        canvas.line("grid", 1.0, &[(left, y), (right, y)]);
        if y < free - 13.0 {
            let label = frame.axis.tick_label(*tick);
            canvas.text(SMALL, Anchor::End, left - 6.0, y + 3.8, &label);
            free = y;
        }
    }
    let most = (((right - left) / 75.0) as usize).clamp(2, 9);
    let along = Axis::linear(Kind::Time, frame.whole_ns, most);
    for tick in &along.ticks {
        let x = left + (right - left) * along.share(*tick);
        canvas.line("grid", 1.0, &[(x, top), (x, bottom)]);
        if has_ticks {
            let label = along.tick_label(*tick);
            let half = SMALL.width(&label) / 2.0;
            let x = x.min(WIDTH - MARGIN - half);
            canvas.text(SMALL, Anchor::Middle, x, bottom + 16.0, &label);
        }
    }
    canvas.line("axis", 1.0, &[(left, bottom), (right, bottom)]);
}
