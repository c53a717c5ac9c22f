//! Figures: a report becomes SVG. Pure: no I/O, no clock. One file per kind of figure.
//!
//! To add a figure: a file here with its drawing function, `mod x;`, and a row in [`FIGURES`].

mod axis;
mod bars;
pub mod font;
mod svg;
mod theme;

use crate::analysis::Report;
use crate::describe::FigureDef;
use crate::experiment::Theme;

/// A finished figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// A whole SVG document.
    pub svg: String,
    /// Width in CSS pixels, at most 760.
    pub width: u32,
    /// Height in CSS pixels.
    pub height: u32,
    /// The result in words, for those who don't see the picture.
    pub alt: String,
}

/// A figure: what it says about itself and how it is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Name and help.
    pub def: FigureDef,
    /// Draws it; `None` where the report has nothing to draw.
    pub draw: fn(&Report, Theme) -> Option<Drawing>,
}

/// Every figure, in the order in which help lists them.
pub const FIGURES: &[Figure] = &[
    Figure {
        def: FigureDef {
            name: "trio",
            summary: "wall time, CPU time and memory side by side",
            doc: "The default. A row for each model, a bar from an honest zero to the median, a line from \
                  the fastest run to the slowest and a dot for each run. Where values differ by more than \
                  300 times, dots on a logarithmic axis take the bars' place.",
        },
        draw: |report, theme| bars::draw(report, &[bars::WALL, bars::CPU, bars::MEMORY], theme),
    },
    Figure {
        def: FigureDef {
            name: "wall",
            summary: "wall time",
            doc: "From the model's first action to its last join. Compare it with `cpu`: what is not \
                  computing is waiting, and computing beyond the wall time ran on several cores.",
        },
        draw: |report, theme| bars::draw(report, &[bars::WALL], theme),
    },
    Figure {
        def: FigureDef {
            name: "cpu",
            summary: "CPU time of all threads and processes",
            doc: "User and system time of the whole tree of processes. The same work costs about the same \
                  on every model; what is more is the model's own cost.",
        },
        draw: |report, theme| bars::draw(report, &[bars::CPU], theme),
    },
    Figure {
        def: FigureDef {
            name: "memory",
            summary: "peak memory of all processes",
            doc: "The peak of the whole tree of processes, with shared pages counted once.",
        },
        draw: |report, theme| bars::draw(report, &[bars::MEMORY], theme),
    },
];

/// Draws the named figures, or the default one; what has nothing to draw is left out.
pub fn draw(report: &Report, names: &[String], theme: Theme) -> Vec<Drawing> {
    let wanted = |figure: &&Figure| names.iter().any(|name| name == figure.def.name);
    let figures: Vec<&Figure> = if names.is_empty() {
        FIGURES.iter().take(1).collect()
    } else {
        FIGURES.iter().filter(wanted).collect()
    };
    figures
        .into_iter()
        .filter_map(|figure| (figure.draw)(report, theme))
        .collect()
}
