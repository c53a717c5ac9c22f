//! How the states of workers look: each activity, and each part of a breakdown, has a colour and a hatch of
//! its own, the same in every figure; and the legend that names those that occur.
//!
//! To give a new activity or part its look: a row in [`LOOKS`], and for a part its line in [`of_part`].

use super::font::Weight;
use super::page::{MARGIN, SMALL, WIDTH};
use super::svg::{self, Anchor, Canvas};
use super::theme::{self, StateColours};
use crate::analysis::Part;
use crate::experiment::Theme;
use crate::measure::trace::{ACTIVITIES, Activity};

/// Width and height of a legend's swatch.
const SWATCH: (f64, f64) = (18.0, 10.0);
/// Height of a line of the legend.
const LINE: f64 = 18.0;

/// Number of a look, by which its classes are called.
pub type State = usize;

/// Colours and hatch of one state.
struct Look {
    colours: StateColours,
    /// Width and height of the hatch's tile, in tenths of a pixel: whole pixels, and never turned, so that
    /// every renderer joins tiles without a seam.
    tile: u32,
    /// Lines of the hatch in its tile; empty for a plain colour.
    lines: &'static str,
    /// Their width, in tenths of a pixel.
    stroke: u32,
}

const fn look(
    fill: (&'static str, &'static str),
    hatch: (&'static str, &'static str),
    (tile, lines, stroke): (u32, &'static str, u32),
) -> Look {
    Look {
        colours: StateColours { fill, hatch },
        tile,
        lines,
        stroke,
    }
}

/// Lines in the ground's colour.
const GROUND: (&str, &str) = ("#ffffff", "#111111");

/// Of each activity, in the order of [`ACTIVITIES`], and behind them of what only breakdowns tell.
/// Strong colours are those of Okabe & Ito 2008; what costs nobody anything is pale.
const LOOKS: &[Look] = &[
    // starting: dots
    look(
        ("#b4bcc6", "#5b6470"),
        ("#6b7280", "#a8b0bb"),
        (40, "M20 10v10", 10),
    ),
    // computing: plain
    look(("#009e73", "#1fa47d"), ("#009e73", "#1fa47d"), (60, "", 0)),
    // waiting: thin, rising
    look(
        ("#d3e6f5", "#1d3d57"),
        ("#86b8dd", "#4583b0"),
        (80, "M-10 10L10-10M0 80L80 0M70 90L90 70", 10),
    ),
    // blocked: crossed
    look(
        ("#d55e00", "#d5651c"),
        GROUND,
        (
            70,
            "M-10 10L10-10M0 70L70 0M60 80L80 60M-10 60L10 80M0 0L70 70M60-10L80 10",
            10,
        ),
    ),
    // waiting for the GIL: thick, falling
    look(
        ("#f0b429", "#d99a1c"),
        GROUND,
        (80, "M-10 70L10 90M0 0L80 80M70-10L90 10", 18),
    ),
    // waiting for a lock: upright
    look(("#cc79a7", "#c77ba4"), GROUND, (50, "M25 0v50", 12)),
    // waiting for a permit: level
    look(("#a88bd0", "#8a6cb8"), GROUND, (50, "M0 25h50", 12)),
    // sending: dashes
    look(
        ("#0072b2", "#2c86c4"),
        GROUND,
        (60, "M5 15h20M35 45h20", 14),
    ),
    // idle: plain and pale
    look(("#eef0f2", "#24282e"), ("#eef0f2", "#24282e"), (60, "", 0)),
    // joining: short strokes, upright, on a darker ground than idle's
    look(
        ("#d9dde2", "#3a4049"),
        ("#7f8893", "#8b949f"),
        (60, "M30 15v30", 10),
    ),
    // waiting for a core: thin, falling, close
    look(
        ("#a9dccb", "#14503f"),
        ("#009e73", "#1fa47d"),
        (50, "M-10 40L10 60M0 0L50 50M40-10L60 10", 10),
    ),
    // not yet asked for: sparse dots
    look(
        ("#f7f8f9", "#1b1e22"),
        ("#9aa3ad", "#7b848f"),
        (80, "M35 40h10", 10),
    ),
];

/// Classes of text upon each look.
const UPON: [&str; LOOKS.len()] = [
    "n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9", "n10", "n11",
];

/// The look of a worker that is ready to compute and has no core.
const NO_CORE: State = ACTIVITIES.len();
/// That of one that isn't there yet.
const BEFORE: State = NO_CORE + 1;

/// The look of an activity.
pub fn of_activity(activity: Activity) -> State {
    activity as usize
}

/// The look of a part of a breakdown: that of the activity it is made of.
pub fn of_part(part: Part) -> State {
    let activity = match part {
        Part::NoCore => return NO_CORE,
        Part::Before => return BEFORE,
        Part::StartUp => Activity::Starting,
        Part::Computing => Activity::Computing,
        Part::Waiting => Activity::Waiting,
        Part::Blocked => Activity::Blocked,
        Part::Gil => Activity::Gil,
        Part::Lock => Activity::Lock,
        Part::Limit => Activity::Limit,
        Part::Transfer => Activity::Sending,
        Part::Idle => Activity::Idle,
        Part::Joining => Activity::Joining,
    };
    of_activity(activity)
}

/// The class that fills with a state's colour and hatch.
pub fn class(state: State) -> String {
    format!("p{state}")
}

/// A state's colour on light or on dark ground, for what knows no patterns.
pub fn colour(state: State, dark: bool) -> &'static str {
    let (light, on_dark) = LOOKS[state].colours.fill;
    if dark { on_dark } else { light }
}

/// Makes the looks of these states known to a figure.
pub fn define(canvas: &Canvas, theme: Theme, states: &[State]) {
    for state in states {
        let look = &LOOKS[*state];
        let tile = look.tile;
        let hatch = match look.lines {
            "" => String::new(),
            lines => format!(
                "<path class=\"line k{state}\" stroke-width=\"{}\" d=\"{lines}\"/>",
                look.stroke
            ),
        };
        canvas.define(&format!(
            "<style>{}</style><pattern id=\"p{state}\" width=\"{tile}\" height=\"{tile}\" \
             patternUnits=\"userSpaceOnUse\"><rect class=\"f{state}\" width=\"{tile}\" \
             height=\"{tile}\"/>{hatch}</pattern>",
            theme::state_rules(*state, &look.colours, theme)
        ));
    }
}

/// Writes upon a state, in a colour that is read on it; its hatch gives way to the text.
pub fn label(canvas: &Canvas, state: State, size: f64, (x, y): (f64, f64), text: &str) {
    let look = label_look(state, size);
    let wide = look.width(text) + 6.0;
    if !LOOKS[state].lines.is_empty() {
        canvas.rect(
            &format!("f{state}"),
            x - wide / 2.0,
            y - 0.86 * size,
            wide,
            1.14 * size,
        );
    }
    canvas.text(look, Anchor::Middle, x, y, text);
}

/// How text upon a state looks.
pub fn label_look(state: State, size: f64) -> svg::Look {
    svg::Look {
        class: UPON[state],
        weight: Weight::Semibold,
        size,
    }
}

/// The states that occur, with their names, in lines.
pub struct Legend {
    lines: Vec<Vec<(State, String)>>,
}

impl Legend {
    /// Of these, in this order.
    pub fn new(named: Vec<(State, String)>) -> Self {
        let room = WIDTH - 2.0 * MARGIN;
        let mut lines: Vec<Vec<(State, String)>> = Vec::new();
        let mut left = 0.0;
        for (state, name) in named {
            let wide = entry_width(&name);
            match lines.last_mut().filter(|_| wide <= left) {
                Some(line) => line.push((state, name)),
                None => {
                    lines.push(vec![(state, name)]);
                    left = room;
                }
            }
            left -= wide;
        }
        Legend { lines }
    }

    /// Height that it takes.
    pub fn height(&self) -> f64 {
        LINE * self.lines.len() as f64
    }

    /// Draws it below `top`.
    pub fn draw(&self, canvas: &Canvas, top: f64) {
        for (number, line) in self.lines.iter().enumerate() {
            let middle = top + LINE * (number as f64 + 0.5);
            let mut x = MARGIN;
            for (state, name) in line {
                let (wide, high) = SWATCH;
                canvas.rect(&class(*state), x, middle - high / 2.0, wide, high);
                canvas.text(SMALL, Anchor::Start, x + wide + 5.0, middle + 3.8, name);
                x += entry_width(name);
            }
        }
    }
}

fn entry_width(name: &str) -> f64 {
    SWATCH.0 + 5.0 + SMALL.width(name) + 16.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::PARTS;

    #[test]
    fn every_state_has_a_look_that_differs_by_more_than_colour() {
        assert_eq!(LOOKS.len(), ACTIVITIES.len() + 2);
        for (number, look) in LOOKS.iter().enumerate() {
            for other in &LOOKS[number + 1..] {
                assert!(
                    look.lines != other.lines || look.lines.is_empty(),
                    "{number} is hatched as another"
                );
            }
        }
        // Of the plain ones one is strong and one is pale.
        let plain = LOOKS.iter().filter(|look| look.lines.is_empty());
        assert_eq!(plain.count(), 2);
        let mut states: Vec<State> = PARTS.iter().map(|def| of_part(def.part)).collect();
        states.sort();
        states.dedup();
        assert_eq!(states.len(), PARTS.len());
    }
}
