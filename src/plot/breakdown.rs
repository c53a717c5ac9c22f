//! Breakdown: where workers × wall time went, a bar of 100 % for each row.

use super::Drawing;
use super::page::{
    EDGE, HEADING, Heading, LABEL, MARGIN, MARK, Notes, SMALL, WIDTH, called, failed, failed_tasks,
    finish, group, title_sentence, with_place,
};
use super::rows::MOST_ROWS;
use super::states::{self, Legend};
use super::svg::{Anchor, Canvas};
use super::theme;
use crate::analysis::{Breakdown, PARTS, Part, PartDef, Report, Row, Traced};
use crate::experiment::Theme;
use crate::measure::trace::Activity;
use crate::units::{format_ns, format_share};

/// Widest that names may be.
const MOST_LABEL: f64 = 170.0;
/// Height of a group's name.
const GROUP: f64 = 26.0;
/// Share below which a part is left out of the legend and the words: less than a pixel of the bar.
const BARELY: f64 = 0.001;
/// Share from which on it is told what the tasks of an idle event loop wait for.
const IDLE_FROM: f64 = 0.05;

/// One bar.
struct Bar<'a> {
    group: String,
    name: String,
    row: &'a Row,
    traced: &'a Traced,
    breakdown: &'a Breakdown,
}

/// Draws it; `None` where nothing was traced.
pub fn draw(report: &Report, theme: Theme) -> Option<Drawing> {
    let bars = report.rows.iter().filter_map(|row| {
        let traced = row.traced.as_ref()?;
        Some(Bar {
            group: group(report, row.case.as_deref(), &row.at, &row.runtime),
            name: called(report, &row.label, &row.runtime).to_owned(),
            row,
            traced,
            breakdown: traced.breakdown.as_ref()?,
        })
    });
    let bars: Vec<Bar> = bars.collect();
    if bars.is_empty() {
        return None;
    }
    let canvas = drawn(
        report,
        &bars[..bars.len().min(MOST_ROWS)],
        bars.len(),
        theme,
    );
    let title = title_sentence(report);
    let words: Vec<String> = bars.iter().map(told).chain(notes(&bars)).collect();
    let what = "Where workers × wall time went, in one traced run";
    let alt = words[..words.len().min(MOST_ROWS)].join(". ");
    let text = format!("{title}\n\n{what}\n{}", words.join("\n"));
    Some(finish(
        canvas,
        report,
        theme,
        format!("{title} {what}. {alt}."),
        text,
    ))
}

/// Parts that are there, with their shares.
fn parts(breakdown: &Breakdown) -> impl Iterator<Item = (&'static PartDef, f64)> {
    let parts = PARTS.iter().map(|def| (def, breakdown.share(def.part)));
    parts.filter(|(_, share)| *share >= BARELY)
}

/// "8 workers × 208 ms".
fn whole(breakdown: &Breakdown) -> String {
    let wall = format_ns(breakdown.wall_ns as f64);
    match (1..breakdown.workers).contains(&breakdown.loops) {
        true => format!("({}) × {wall}", breakdown.team()),
        false => format!("{} × {wall}", breakdown.team()),
    }
}

/// What is to be known beside the bars, a sentence each.
fn notes(bars: &[Bar]) -> Vec<String> {
    let named = |of: &dyn Fn(&Bar) -> Option<String>| -> Vec<String> {
        let told = bars.iter().filter_map(|bar| {
            let what = of(bar)?;
            Some(with_place(&bar.name, &bar.group) + &what)
        });
        told.collect()
    };
    let mut notes = Vec::new();
    let waits = named(&|bar| {
        let idle = bar.breakdown.share(Part::Idle);
        if bar.breakdown.loops == 0 || idle < IDLE_FROM {
            return None;
        }
        Some(match bar.traced.tasks_wait_for()? {
            Activity::Lock => " for a lock".to_owned(),
            Activity::Limit => " for a permit".to_owned(),
            _ => String::new(),
        })
    });
    if !waits.is_empty() {
        notes.push(format!(
            "An event loop is idle while all its tasks wait: {}.",
            waits.join(", ")
        ));
    }
    notes.extend(failed_tasks(&named(&|bar| failed(bar.row))));
    notes
}

fn told(bar: &Bar) -> String {
    let mut parts: Vec<(&PartDef, f64)> = parts(bar.breakdown).collect();
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    let parts: Vec<String> = parts
        .iter()
        .map(|(def, share)| format!("{} {}", format_share(*share), def.title))
        .collect();
    let place = match bar.group.as_str() {
        "" => String::new(),
        group => format!("{group}, "),
    };
    let whole = whole(bar.breakdown);
    format!("{} ({place}{whole}): {}", bar.name, parts.join(", "))
}

fn drawn(report: &Report, bars: &[Bar], all: usize, theme: Theme) -> Canvas {
    let occurs = |def: &&PartDef| {
        bars.iter()
            .any(|bar| bar.breakdown.share(def.part) >= BARELY)
    };
    let seen: Vec<&PartDef> = PARTS.iter().filter(occurs).collect();
    let named = seen
        .iter()
        .map(|def| (states::of_part(def.part), def.title.to_owned()));
    let legend = Legend::new(named.collect());
    let heading = Heading::new(
        report,
        "where the workers' time went, from the start of one traced run to its end; a whole bar is workers × wall time",
    );
    let mut told = notes(bars);
    if all > bars.len() {
        told.insert(0, format!("and {} more rows", all - bars.len()));
    }
    let told: Vec<_> = told.into_iter().map(|note| (SMALL, note)).collect();
    let notes = Notes::new(&told);
    let pitch = if bars.len() > 24 { 20.0 } else { 28.0 };
    let names = bars.iter().map(|bar| LABEL.width(&bar.name));
    let names = names.fold(40.0, f64::max).min(MOST_LABEL);
    let left = MARGIN + names + 12.0;
    let wholes = bars.iter().map(|bar| SMALL.width(&whole(bar.breakdown)));
    let right = WIDTH - MARGIN - wholes.fold(0.0, f64::max) - 8.0;

    let legend_top = heading.bottom() + 8.0;
    let top = legend_top + legend.height() + 6.0;
    let begins: Vec<bool> = (0..bars.len())
        .map(|number| {
            let before = number.checked_sub(1).map(|before| &bars[before].group);
            !bars[number].group.is_empty() && before != Some(&bars[number].group)
        })
        .collect();
    let groups = begins.iter().filter(|begins| **begins).count() as f64;
    let bottom = top + groups * GROUP + pitch * bars.len() as f64;
    let height = (bottom + 6.0 + notes.height() + EDGE / 2.0).ceil();
    let canvas = Canvas::new(WIDTH as u32, height as u32);
    let looks: Vec<states::State> = seen.iter().map(|def| states::of_part(def.part)).collect();
    states::define(&canvas, theme, &looks);
    heading.draw(&canvas);
    legend.draw(&canvas, legend_top);
    notes.draw(&canvas, bottom + 4.0);
    let mut y = top;
    for (bar, begins) in bars.iter().zip(begins) {
        if begins {
            let name = HEADING.fitted(&bar.group, WIDTH - 2.0 * MARGIN);
            canvas.text(HEADING, Anchor::Start, MARGIN, y + GROUP - 8.0, &name);
            y += GROUP;
        }
        let middle = y + pitch / 2.0;
        let name = LABEL.fitted(&bar.name, names);
        canvas.text(LABEL, Anchor::End, left - 12.0, middle + 4.4, &name);
        // The model's colour, as in every other figure.
        canvas.rect(
            &theme::series_class(&bar.row.model),
            left - 8.0,
            middle - 8.0,
            3.0,
            16.0,
        );
        draw_bar(&canvas, bar.breakdown, (left, right), middle, pitch * 0.66);
        let whole = whole(bar.breakdown);
        canvas.text(SMALL, Anchor::Start, right + 8.0, middle + 4.0, &whole);
        y += pitch;
    }
    canvas
}

/// The parts one behind the other: their edges are sums, so that together they are the whole bar.
fn draw_bar(
    canvas: &Canvas,
    breakdown: &Breakdown,
    (left, right): (f64, f64),
    middle: f64,
    thick: f64,
) {
    let whole_ns = f64::from(breakdown.workers) * breakdown.wall_ns as f64;
    let mut sum_ns = 0;
    for def in PARTS {
        let own_ns = breakdown.part_ns(def.part);
        let from = left + (right - left) * sum_ns as f64 / whole_ns.max(1.0);
        sum_ns += own_ns;
        let to = left + (right - left) * sum_ns as f64 / whole_ns.max(1.0);
        let share = breakdown.share(def.part);
        if share < BARELY {
            continue;
        }
        let state = states::of_part(def.part);
        canvas.rect(
            &states::class(state),
            from,
            middle - thick / 2.0,
            to - from,
            thick,
        );
        let percent = format_share(share);
        let said = [format!("{percent} {}", def.title), percent];
        let fits = |text: &String| MARK.width(text) + 10.0 <= to - from;
        if let Some(text) = said.iter().find(|text| fits(text)) {
            let at = (f64::midpoint(from, to), middle + 3.9);
            states::label(canvas, state, MARK.size, at, text);
        }
    }
}
