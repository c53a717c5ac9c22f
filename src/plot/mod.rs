//! Figures: a report becomes SVG. Pure: no I/O, no clock. One file per figure.
//!
//! To add a figure: a file here with its drawing function, `mod x;`, and a row in [`FIGURES`].

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
pub const FIGURES: &[Figure] = &[];
