//! Grid: who wins each cell of cases × a swept key, and by how much.

use super::axis::Kind;
use super::font::Weight;
use super::page::{
    self, EDGE, HEADING, Heading, LABEL, MARGIN, NAME, SMALL, WIDTH, called, finish, title_sentence,
};
use super::svg::{Anchor, Canvas, Look};
use super::{Drawing, theme};
use crate::analysis::{Report, Winner, number, quantity};
use crate::experiment::{At, Theme};
use crate::units::format_ratio;

/// Widest that the names of cases may be.
const MOST_LABEL: f64 = 260.0;
/// Cells narrower than this have no room for a name: a key above tells the colours.
const NAMED_FROM: f64 = 92.0;
/// A cell's winner; on its colour, which needs no halo.
const CELL: Look = Look {
    class: "ink",
    weight: Weight::Semibold,
    size: 12.5,
};
const HEIGHT: f64 = 50.0;
const GAP: f64 = 3.0;
/// Cells in a row and in a column; the table has the others.
const MOST_COLUMNS: usize = 14;
const MOST_ROWS: usize = 16;

/// Draws it; `None` where no point has rows to compare.
pub fn draw(report: &Report, theme: Theme) -> Option<Drawing> {
    if report.winners.is_empty() {
        return None;
    }
    // A word can be swept too: any key makes columns.
    let first = report.rows.first()?;
    let key = report
        .x
        .clone()
        .or_else(|| Some(first.at.first()?.0.clone()));
    let mut columns: Vec<Option<At>> = Vec::new();
    let mut rows: Vec<String> = Vec::new();
    let mut cells: Vec<(usize, usize, &Winner)> = Vec::new();
    for winner in &report.winners {
        let (own, others): (Vec<_>, Vec<_>) = winner
            .at
            .iter()
            .cloned()
            .partition(|(name, _)| Some(name) == key.as_ref());
        let column = position(&mut columns, own.into_iter().next().map(|(_, at)| at));
        let row = position(
            &mut rows,
            page::group(report, winner.case.as_deref(), &others, &winner.runtime),
        );
        cells.push((column, row, winner));
    }
    let shown =
        |(column, row, _): &(usize, usize, &Winner)| *column < MOST_COLUMNS && *row < MOST_ROWS;
    let hidden = cells.iter().filter(|cell| !shown(cell)).count();
    cells.retain(shown);
    let heading = Heading::new(
        report,
        "the fastest model of each cell, and how far it is ahead of the next that is clearly slower",
    );
    let names = rows
        .iter()
        .map(|name| LABEL.width(name))
        .fold(0.0, f64::max)
        .min(MOST_LABEL);
    let left = if names > 0.0 {
        MARGIN + names + 12.0
    } else {
        MARGIN
    };
    let count = columns.len().min(MOST_COLUMNS) as f64;
    let width = ((WIDTH - MARGIN - left) / count).min(220.0);
    let named = width >= NAMED_FROM;
    let mut models: Vec<(&str, &str)> = Vec::new();
    for (label, model) in cells
        .iter()
        .flat_map(|(.., winner)| winners(report, winner))
    {
        if !models.iter().any(|(known, _)| *known == label) {
            models.push((label, model));
        }
    }
    let mut key_at: Vec<(f64, f64, &str, &str)> = Vec::new();
    let (mut x, mut y) = (MARGIN, heading.bottom() + 22.0);
    for (label, model) in models.into_iter().filter(|_| !named) {
        let wide = NAME.width(label).min(300.0) + 32.0;
        if x > MARGIN && x + wide > WIDTH - MARGIN {
            (x, y) = (MARGIN, y + 17.0);
        }
        key_at.push((x, y, label, model));
        x += wide;
    }
    let top = y + if named { 22.0 } else { 44.0 };
    let height = top
        + HEIGHT * rows.len().min(MOST_ROWS) as f64
        + EDGE
        + if hidden > 0 { 18.0 } else { 0.0 };
    let canvas = Canvas::new(WIDTH as u32, height.ceil() as u32);
    heading.draw(&canvas);
    for (x, y, label, model) in key_at {
        let text = NAME.fitted(label, 300.0);
        canvas.rect(
            &format!("{} tint", theme::series_class(model)),
            x,
            y - 9.0,
            11.0,
            11.0,
        );
        canvas.text(NAME, Anchor::Start, x + 16.0, y, &text);
    }
    if let Some(key) = &key {
        let title = HEADING.fitted(key, WIDTH - MARGIN - left);
        canvas.text(HEADING, Anchor::Start, left, top - 22.0, &title);
    }
    for (number, at) in columns.iter().take(MOST_COLUMNS).enumerate() {
        if let Some(at) = at {
            let middle = left + width * (number as f64 + 0.5);
            let text = SMALL.fitted(&value(at), width - 6.0);
            canvas.text(SMALL, Anchor::Middle, middle, top - 6.0, &text);
        }
    }
    for (number, name) in rows.iter().take(MOST_ROWS).enumerate() {
        let name = LABEL.fitted(name, names);
        let y = top + HEIGHT * (number as f64 + 0.5) + 4.4;
        canvas.text(LABEL, Anchor::End, left - 12.0, y, &name);
    }
    for (column, row, winner) in &cells {
        let (x, y) = (left + width * *column as f64, top + HEIGHT * *row as f64);
        cell(&canvas, report, winner, x, y, width, named);
    }
    if hidden > 0 {
        let text = format!("and {hidden} more cells: see the table");
        canvas.text(SMALL, Anchor::Start, MARGIN, height - EDGE, &text);
    }
    let words: Vec<String> = report
        .winners
        .iter()
        .map(|winner| words(report, winner))
        .collect();
    let alt = format!("{} {}.", title_sentence(report), words.join(". "));
    let text = format!("{}\n\n{}", title_sentence(report), words.join("\n"));
    Some(finish(canvas, report, theme, alt, text))
}

/// A swept value as axes write it.
fn value(at: &At) -> String {
    match (number(at), quantity(at)) {
        (Some(value), Some(quantity)) => Kind::from(quantity).label(value),
        _ => at.to_string(),
    }
}

/// Index of a value, which is added where it is new.
fn position<T: PartialEq>(known: &mut Vec<T>, value: T) -> usize {
    known
        .iter()
        .position(|other| *other == value)
        .unwrap_or_else(|| {
            known.push(value);
            known.len() - 1
        })
}

/// Label and model of all that win a cell together; none where nothing is clearly slower.
fn winners<'a>(report: &'a Report, winner: &'a Winner) -> Vec<(&'a str, &'a str)> {
    if winner.over.is_none() {
        return Vec::new();
    }
    let labels = std::iter::once(&winner.label).chain(&winner.tied);
    labels
        .filter_map(|label| {
            let row = report.rows.iter().find(|row| row.label == *label)?;
            Some((called(report, &row.label, &row.runtime), row.model.as_str()))
        })
        .collect()
}

fn cell(
    canvas: &Canvas,
    report: &Report,
    winner: &Winner,
    x: f64,
    y: f64,
    width: f64,
    named: bool,
) {
    let winners = winners(report, winner);
    let inner = width - GAP;
    if winners.is_empty() {
        canvas.rect("plain", x, y, inner, HEIGHT - GAP);
    }
    let part = inner / winners.len().max(1) as f64;
    for (number, (_, model)) in winners.iter().enumerate() {
        let class = format!("{} tint", theme::series_class(model));
        canvas.rect(&class, x + part * number as f64, y, part, HEIGHT - GAP);
    }
    let (middle, room) = (x + inner / 2.0, inner - 8.0);
    let line = |look, at: f64, text: &str| {
        let text = Look::fitted(look, text, room);
        canvas.text(look, Anchor::Middle, middle, y + at, &text);
    };
    match (&winner.over, named) {
        (None, true) => {
            line(SMALL, 20.0, "no clear");
            line(SMALL, 34.0, "difference");
        }
        (None, false) => line(SMALL, 27.0, "–"),
        (Some(_), false) => line(CELL, 27.0, &format_ratio(winner.ratio)),
        (Some(over), true) => {
            let names: Vec<&str> = winners.iter().map(|(label, _)| *label).collect();
            let names = match CELL.width(&names.join(", ")) <= room {
                true => names.join(", "),
                false if names.len() > 1 => format!("{} alike", names.len()),
                false => names.join(", "),
            };
            line(CELL, 20.0, &names);
            let over = called(report, over, &winner.runtime);
            let ahead = format!("{} ahead of {over}", format_ratio(winner.ratio));
            let ahead = match NAME.width(&ahead) <= room {
                true => ahead,
                false => format!("{} ahead", format_ratio(winner.ratio)),
            };
            line(NAME, 36.0, &ahead);
        }
    }
}

/// A cell in words.
fn words(report: &Report, winner: &Winner) -> String {
    let called = |label| called(report, label, &winner.runtime);
    let place = match page::group(report, winner.case.as_deref(), &winner.at, &winner.runtime) {
        place if place.is_empty() => String::new(),
        place => format!("{place}: "),
    };
    let names: Vec<&str> = std::iter::once(&winner.label)
        .chain(&winner.tied)
        .map(|label| called(label))
        .collect();
    match &winner.over {
        None => format!("{place}no clear difference"),
        Some(over) => {
            let ahead = format!("{} ahead of {}", format_ratio(winner.ratio), called(over));
            match names.len() {
                1 => format!("{place}{}, {ahead}", names[0]),
                _ => format!("{place}{} alike, {ahead}", names.join(" and ")),
            }
        }
    }
}
