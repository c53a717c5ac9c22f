//! The timeline: what each worker did when, measured in a traced run.
//!
//! [`lines`] says what is shown of a row, [`strips`] draws a worker or many of them, [`words`] says the
//! result; here they get their places. However many spans there are, the document stays bounded: it is drawn
//! again with less detail until it does ([`bounded`]).

mod columns;
mod lines;
mod strips;
mod words;
mod zoom;

pub use zoom::vega_lite;

use super::Drawing;
use super::axis::{Axis, Kind};
use super::page::{EDGE, HEADING, Heading, MARGIN, NAME, Notes, SMALL, WIDTH, finish};
use super::states::{self, Legend};
use super::svg::{Anchor, Canvas};
use super::time_panel::{self, bounded};
use crate::analysis::Report;
use crate::experiment::Theme;
use crate::measure::trace::{ACTIVITIES, Activity, Totals};
use crate::units::{format_count, format_ns, format_share};
use lines::{Line, Section};
use strips::{DETAILS, Detail, Plot};

/// Height from which on no further section is begun.
const MOST_HEIGHT: f64 = 1500.0;
/// Share of a line's life below which an activity is neither drawn nor named, unless it computes.
const BARELY: f64 = 0.001;
/// Height of a section's heading.
const SECTION: f64 = 25.0;
/// Height of the ticks below a section.
const TICKS: f64 = 22.0;
/// Between sections.
const GAP: f64 = 6.0;
/// Widest that the lines' names may be.
const MOST_LABEL: f64 = 130.0;
/// Widest that the shares at the lines' ends may be.
const MOST_SHARES: f64 = 168.0;

/// Heights of lines, which depend on how many there are.
#[derive(Clone, Copy)]
struct Pitch {
    line: f64,
    bar: f64,
    bundle: f64,
}

impl Pitch {
    fn of(strips: usize) -> Self {
        let (line, bar, bundle) = match strips {
            0..=14 => (23.0, 17.0, 62.0),
            15..=40 => (18.0, 13.0, 54.0),
            _ => (14.0, 10.0, 44.0),
        };
        Pitch { line, bar, bundle }
    }

    fn height(self, line: &Line) -> f64 {
        match line {
            Line::Strip(_) => self.line,
            Line::Bundle(_) => self.bundle,
        }
    }
}

/// What a timeline shows, before it has its places.
struct Shown<'a> {
    sections: Vec<Section<'a>>,
    /// Length of each section's time axis.
    whole_ns: Vec<f64>,
    /// What is told below.
    notes: Vec<String>,
    /// Whether any runtime has a GIL, and whether all have.
    gil: (bool, bool),
}

/// Draws it; `None` where nothing was traced.
pub fn draw(report: &Report, theme: Theme) -> Option<Drawing> {
    let shown = shown(report)?;
    let alt = words::alt(report, &shown.sections);
    let text = words::text(report, &shown.sections, &shown.notes);
    bounded(&DETAILS, |detail| {
        let canvas = drawn(report, &shown, theme, detail);
        finish(canvas, report, theme, alt.clone(), text.clone())
    })
}

/// Most strips of workers in each of so many sections.
fn most_strips(sections: usize) -> usize {
    match sections {
        0..=2 => 16,
        3..=4 => 12,
        5..=6 => 8,
        _ => 5,
    }
}

fn shown(report: &Report) -> Option<Shown<'_>> {
    let (rows, point) = lines::shown_rows(report);
    let most = most_strips(rows.len());
    let mut sections: Vec<Section> = Vec::new();
    let mut height = 0.0;
    let all = rows.len();
    for (row, traced) in rows {
        if height > MOST_HEIGHT {
            break;
        }
        let section = Section::new(report, row, traced, most);
        let pitch = Pitch::of(section.lines.len() + 15);
        let lines = section.lines.iter().map(|line| pitch.height(line));
        height += SECTION + TICKS + GAP + lines.sum::<f64>();
        sections.push(section);
    }
    let mut notes = words::notes(&sections);
    if let Some(point) = point {
        notes.insert(0, format!("Of the sweep its last point is drawn: {point}."));
    }
    if sections.len() < all {
        let left = format_count((all - sections.len()) as u64);
        notes.push(format!(
            "{left} more rows were traced and have no room here."
        ));
    }
    let of = |section: &Section| section.row.has_gil();
    let gil = (sections.iter().any(of), sections.iter().all(of));
    let runs = sections.iter();
    let runs = runs.map(|section| (section.row.case.as_deref(), section.whole_ns()));
    let whole_ns = time_panel::time_axes(&runs.collect::<Vec<_>>());
    (!sections.is_empty()).then_some(Shown {
        sections,
        whole_ns,
        notes,
        gil,
    })
}

/// Whether an activity is to be seen in one of the lines.
fn occurs(lines: &[&Line], activity: Activity) -> bool {
    lines.iter().any(|line| {
        let totals_ns = line.totals_ns();
        let life_ns: u64 = totals_ns.iter().sum();
        let own_ns = totals_ns[activity as usize];
        let least_ns = match activity {
            Activity::Computing => 0.0,
            _ => BARELY * life_ns as f64,
        };
        own_ns > 0 && own_ns as f64 >= least_ns
    })
}

/// What the legend calls an activity.
fn title(activity: Activity, (any_gil, all_gil): (bool, bool)) -> String {
    let title = activity.def().title;
    match activity {
        Activity::Computing if all_gil => format!("{title} (holds the GIL)"),
        Activity::Computing if any_gil => format!("{title} (where there is a GIL: holds it)"),
        _ => title.to_owned(),
    }
}

fn drawn(report: &Report, shown: &Shown, theme: Theme, detail: Detail) -> Canvas {
    let sections = &shown.sections;
    let lines: Vec<&Line> = sections.iter().flat_map(|section| &section.lines).collect();
    let seen: Vec<Activity> = ACTIVITIES
        .iter()
        .map(|def| def.activity)
        .filter(|activity| occurs(&lines, *activity))
        .collect();
    let named = seen
        .iter()
        .map(|activity| (states::of_activity(*activity), title(*activity, shown.gil)));
    let legend = Legend::new(named.collect());
    let axes: Vec<bool> = (0..sections.len())
        .map(|number| shown.whole_ns.get(number + 1) != Some(&shown.whole_ns[number]))
        .collect();
    let one_axis = axes.iter().filter(|axis| **axis).count() == 1;
    let subtitle = match one_axis {
        true => "what each worker did when, in one traced run; shares of its life at the right"
            .to_owned(),
        false => {
            "what each worker did when, in one traced run; time axes differ, shares at the right"
                .to_owned()
        }
    };
    let heading = Heading::new(report, &subtitle);
    let notes: Vec<_> = shown
        .notes
        .iter()
        .map(|note| (SMALL, note.clone()))
        .collect();
    let notes = Notes::new(&notes);

    let pitch = Pitch::of(lines.len());
    let labels = lines.iter().map(|line| label_width(line));
    let left = MARGIN + labels.fold(30.0, f64::max).min(MOST_LABEL) + 8.0;
    let shares = lines
        .iter()
        .map(|line| NAME.width(&shares(line.totals_ns(), MOST_SHARES)));
    let right = WIDTH - MARGIN - shares.fold(40.0, f64::max) - 8.0;

    let legend_top = heading.bottom() + 8.0;
    let top = legend_top + legend.height() + 2.0;
    let mut tops: Vec<f64> = Vec::new();
    let mut y = top;
    for (section, axis) in sections.iter().zip(&axes) {
        tops.push(y);
        let lines = section.lines.iter().map(|line| pitch.height(line));
        y += SECTION + lines.sum::<f64>() + GAP + if *axis { TICKS } else { 0.0 };
    }
    let height = (y + 4.0 + notes.height() + EDGE / 2.0).ceil();
    let canvas = Canvas::new(WIDTH as u32, height as u32);
    let looks: Vec<states::State> = seen.iter().map(|a| states::of_activity(*a)).collect();
    states::define(&canvas, theme, &looks);
    heading.draw(&canvas);
    legend.draw(&canvas, legend_top);
    notes.draw(&canvas, y + 2.0);
    for (number, section) in sections.iter().enumerate() {
        let plot = Plot {
            left,
            right,
            whole_ns: shown.whole_ns[number],
            detail,
            seen: &seen,
        };
        draw_section(&canvas, section, &plot, pitch, tops[number], axes[number]);
    }
    canvas
}

fn draw_section(
    canvas: &Canvas,
    section: &Section,
    plot: &Plot,
    pitch: Pitch,
    top: f64,
    has_ticks: bool,
) {
    let lines_top = top + SECTION;
    let heights = section.lines.iter().map(|line| pitch.height(line));
    let bottom = lines_top + heights.sum::<f64>();
    let (left, right) = (plot.left, plot.right);
    let name = HEADING.fitted(&section.name, 300.0);
    let wide = HEADING.width(&name);
    canvas.text(HEADING, Anchor::Start, MARGIN, top + 17.0, &name);
    let told = words::head(section);
    let told = SMALL.fitted(&told, WIDTH - 2.0 * MARGIN - wide - 10.0);
    canvas.text(
        SMALL,
        Anchor::Start,
        MARGIN + wide + 10.0,
        top + 17.0,
        &told,
    );

    let most = (((right - left) / 75.0) as usize).clamp(2, 9);
    let axis = Axis::linear(Kind::Time, plot.whole_ns, most);
    for tick in &axis.ticks {
        let x = left + (right - left) * axis.share(*tick);
        canvas.line("grid", 1.0, &[(x, lines_top - 2.0), (x, bottom)]);
        if has_ticks {
            let label = axis.tick_label(*tick);
            let half = SMALL.width(&label) / 2.0;
            let x = x.min(WIDTH - MARGIN - half);
            canvas.text(SMALL, Anchor::Middle, x, bottom + 14.0, &label);
        }
    }
    let mut y = lines_top;
    for line in &section.lines {
        let height = pitch.height(line);
        let middle = y + height / 2.0;
        let label = fitted_label(line);
        let (look, indent) = match line {
            Line::Strip(strip) if strip.is_task => (SMALL, 0.0),
            _ => (NAME, 0.0),
        };
        canvas.text(look, Anchor::End, left - 8.0 - indent, middle + 3.8, &label);
        match line {
            Line::Strip(strip) => {
                let bar = if strip.is_task {
                    pitch.bar - 4.0
                } else {
                    pitch.bar
                };
                plot.strip(canvas, strip, middle - bar / 2.0, bar);
            }
            Line::Bundle(bundle) => plot.bundle(canvas, bundle, y + 4.0, height - 10.0),
        }
        let shares = shares(line.totals_ns(), MOST_SHARES);
        canvas.text(look, Anchor::Start, right + 8.0, middle + 3.8, &shares);
        y += height;
    }
    // Where the run ended, as far as the axis goes on behind it.
    let end = plot.at(section.traced.wall_ns);
    if end < right - 3.0 {
        canvas.line("axis d2", 1.0, &[(end, lines_top - 2.0), (end, bottom)]);
    }
}

fn label_width(line: &Line) -> f64 {
    NAME.width(line.label())
}

fn fitted_label(line: &Line) -> String {
    NAME.fitted(line.label(), MOST_LABEL)
}

/// What a state is called where there is little room.
fn short(activity: Activity) -> &'static str {
    match activity {
        Activity::Gil => "GIL wait",
        Activity::Lock => "lock wait",
        Activity::Limit => "permit wait",
        _ => activity.def().title,
    }
}

/// Activities by their share, the largest first; without those that are barely there.
fn by_share(totals_ns: &Totals) -> Vec<(Activity, f64)> {
    let life_ns: u64 = totals_ns.iter().sum();
    let shares = ACTIVITIES.iter().zip(totals_ns).filter_map(|(def, ns)| {
        let share = *ns as f64 / life_ns.max(1) as f64;
        (share >= 5.0 * BARELY).then_some((def.activity, share))
    });
    let mut shares: Vec<(Activity, f64)> = shares.collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares
}

/// The two largest shares of a line, or the largest where there is room for one.
fn shares(totals_ns: &Totals, room: f64) -> String {
    let told = by_share(totals_ns);
    let told: Vec<String> = told
        .iter()
        .enumerate()
        .filter(|(nth, (_, share))| *nth == 0 || *nth == 1 && *share >= 0.01)
        .map(|(_, told)| told)
        .map(|(activity, share)| format!("{} {}", format_share(*share), short(*activity)))
        .collect();
    let both = told.join(", ");
    match (NAME.width(&both) <= room, told.first()) {
        (false, Some(first)) => first.clone(),
        _ => both,
    }
}

/// "208 ms".
fn time(ns: u64) -> String {
    format_ns(ns as f64)
}
