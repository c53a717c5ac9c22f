//! What all figures have in common: width, looks of text, title and subtitle, names of rows and places.
//!
//! A figure makes a [`Heading`] first, because its height decides where everything else stands.

use super::font::{self, Weight};
use super::svg::{Anchor, Canvas, Look};
use super::{Drawing, theme};
pub use crate::analysis::place_of;
use crate::analysis::{Report, Row, short};
use crate::experiment::{At, Theme};
use crate::units::format_count;

/// Width of every figure in CSS pixels.
pub const WIDTH: f64 = 760.0;
/// Between the figure's left or right edge and what it shows: as much as between the edge of a table and
/// its text, which stands below.
pub const MARGIN: f64 = 6.0;
/// Between the figure's upper or lower edge and what it shows.
pub const EDGE: f64 = 16.0;
/// The figure's title.
pub const TITLE: Look = Look {
    class: "ink",
    weight: Weight::Semibold,
    size: 16.0,
};
/// Headings of panels and groups.
pub const HEADING: Look = Look {
    class: "ink",
    weight: Weight::Semibold,
    size: 12.5,
};
/// Names of rows.
pub const LABEL: Look = Look {
    class: "ink",
    weight: Weight::Regular,
    size: 12.5,
};
/// Names of lines.
pub const NAME: Look = Look {
    class: "ink",
    weight: Weight::Regular,
    size: 11.0,
};
/// Results.
pub const VALUE: Look = Look {
    class: "value",
    weight: Weight::Semibold,
    size: 12.5,
};
/// Small results inside a panel.
pub const MARK: Look = Look {
    class: "value",
    weight: Weight::Semibold,
    size: 11.0,
};
/// In the place of a value.
pub const NO_VALUE: Look = Look {
    class: "muted",
    weight: Weight::Regular,
    size: 12.5,
};
/// Ticks, subtitles, notes.
pub const SMALL: Look = Look {
    class: "muted",
    weight: Weight::Regular,
    size: 11.0,
};
/// What went wrong.
pub const FAILED: Look = Look {
    class: "failed",
    weight: Weight::Regular,
    size: 11.0,
};
/// Height of a line of small text.
pub const SMALL_LINE: f64 = 15.0;
/// Lines of notes below a figure.
const MOST_NOTE_LINES: usize = 4;

/// "threads", "threads (tasks = 4)": a name with its place, where that has to be said.
pub fn with_place(name: &str, place: &str) -> String {
    match place {
        "" => name.to_owned(),
        place => format!("{name} ({place})"),
    }
}

/// " 2 of 4": how many of a row's tasks failed, behind its name; `None` where none did.
pub fn failed(row: &Row) -> Option<String> {
    let (failed, all) = (row.tasks.failed, row.tasks.all());
    (failed > 0).then(|| format!(" {} of {}", format_count(failed), format_count(all)))
}

/// The note about those, of rows with their names.
pub fn failed_tasks(named: &[String]) -> Option<String> {
    (!named.is_empty()).then(|| {
        format!(
            "Tasks that failed, which are drawn like others up to there: {}.",
            named.join(", ")
        )
    })
}

/// Title and subtitle.
pub struct Heading {
    title: Vec<String>,
    subtitle: String,
}

impl Heading {
    /// Of a report's title and a line that says what is shown.
    pub fn new(report: &Report, subtitle: &str) -> Self {
        let room = WIDTH - 2.0 * MARGIN;
        let subtitle = match report.only_runtime() {
            Some(runtime) => format!("{runtime}; {subtitle}"),
            None => subtitle.to_owned(),
        };
        Heading {
            title: font::wrapped(&report.title, TITLE.size, TITLE.weight, room, 2),
            subtitle: SMALL.fitted(&subtitle, room),
        }
    }

    /// Where the subtitle's baseline is: all else stands below it.
    pub fn bottom(&self) -> f64 {
        EDGE + 16.0 + 21.0 * self.title.len() as f64
    }

    /// Draws both.
    pub fn draw(&self, canvas: &Canvas) {
        for (number, line) in self.title.iter().enumerate() {
            let y = EDGE + 14.0 + 21.0 * number as f64;
            canvas.text(TITLE, Anchor::Start, MARGIN, y, line);
        }
        canvas.text(SMALL, Anchor::Start, MARGIN, self.bottom(), &self.subtitle);
    }
}

/// Notes below a figure: each a paragraph of its own, in a few lines together.
pub struct Notes(Vec<(Look, String)>);

impl Notes {
    /// Wrapped to the figure's width.
    pub fn new(notes: &[(Look, String)]) -> Self {
        let lines = notes.iter().flat_map(|(look, note)| {
            let room = WIDTH - 2.0 * MARGIN;
            let lines = font::wrapped(note, look.size, look.weight, room, MOST_NOTE_LINES);
            lines.into_iter().map(|line| (*look, line))
        });
        Notes(lines.collect())
    }

    /// Height that they take.
    pub fn height(&self) -> f64 {
        self.0.len() as f64 * SMALL_LINE
    }

    /// Draws them below `top`.
    pub fn draw(&self, canvas: &Canvas, top: f64) {
        for (number, (look, line)) in self.0.iter().enumerate() {
            let y = top + SMALL_LINE * (number as f64 + 0.75);
            canvas.text(*look, Anchor::Start, MARGIN, y, line);
        }
    }
}

/// The finished figure. `alt` is its result in words, `text` the numbers as a small table; where that is
/// empty the words have them all.
pub fn finish(canvas: Canvas, report: &Report, theme: Theme, alt: String, text: String) -> Drawing {
    let (width, height) = canvas.size();
    Drawing {
        svg: canvas.finish(&report.title, &theme::style(theme)),
        width,
        height,
        text: if text.is_empty() { alt.clone() } else { text },
        alt,
        zoomable: None,
    }
}

/// Case and swept values of a row.
pub fn place(row: &Row) -> String {
    place_of(row.case.as_deref(), &row.at)
}

/// The same with the runtime, where there are several: what groups of rows and panels are called.
pub fn group(report: &Report, case: Option<&str>, at: &[(String, At)], runtime: &str) -> String {
    let place = place_of(case, at);
    match (report.has_runtimes(), place.is_empty()) {
        (false, _) => place,
        (true, true) => report.runtime_title(runtime),
        (true, false) => format!("{place}, {}", report.runtime_title(runtime)),
    }
}

/// What a series is called beside its group.
pub fn called<'a>(report: &Report, label: &'a str, runtime: &str) -> &'a str {
    match report.has_runtimes() {
        true => short(label, runtime),
        false => label,
    }
}

/// The title as a sentence.
pub fn title_sentence(report: &Report) -> String {
    match report.title.ends_with(['.', '?', '!']) {
        true => report.title.clone(),
        false => format!("{}.", report.title),
    }
}

/// "median of 5 runs", from all rows; empty where nothing was measured.
pub fn runs(report: &Report) -> Option<String> {
    let runs = report
        .rows
        .iter()
        .filter_map(|row| Some(row.wall_ns.as_ref()?.samples.len()));
    let (fewest, most) = runs.fold((usize::MAX, 0), |(low, high), runs| {
        (low.min(runs), high.max(runs))
    });
    match most {
        0 => None,
        1 => Some("one run each".to_owned()),
        _ if fewest == most => Some(format!("median of {most} runs")),
        _ => Some(format!("median of {fewest} to {most} runs")),
    }
}
