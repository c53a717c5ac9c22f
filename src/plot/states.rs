//! How the states of workers look: each activity, and each part of a breakdown, has a colour and a hatch of
//! its own, the same in every figure; and the legend that names those that occur.
//!
//! To give a new activity or part its look: a row in [`LOOKS`], and for a part its line in [`of_part`].

use super::page::{MARGIN, SMALL, WIDTH};
use super::svg::{Anchor, Canvas};
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
    /// Width and height of the pattern's tile, in tenths of a pixel.
    tile: u32,
    /// By how many degrees the tile is turned.
    turn: u32,
    /// Lines of the hatch in its tile; empty for a plain colour.
    lines: &'static str,
    /// Their width, in tenths of a pixel.
    stroke: u32,
}

const fn look(
    fill: (&'static str, &'static str),
    hatch: (&'static str, &'static str),
    (tile, turn, lines, stroke): (u32, u32, &'static str, u32),
) -> Look {
    Look {
        colours: StateColours { fill, hatch },
        tile,
        turn,
        lines,
        stroke,
    }
}

/// Of each activity, in the order of [`ACTIVITIES`], and behind them of what only breakdowns tell.
/// Strong colours are those of Okabe & Ito 2008; what costs nobody anything is pale.
const LOOKS: &[Look] = &[
    // starting
    look(
        ("#b4bcc6", "#5b6470"),
        ("#6b7280", "#a8b0bb"),
        (40, 0, "M20 10v10", 10),
    ),
    // computing
    look(("#009e73", "#1fa47d"), ("#009e73", "#1fa47d"), (60, 0, "", 0)),
    // waiting
    look(
        ("#d3e6f5", "#1d3d57"),
        ("#86b8dd", "#4583b0"),
        (70, 45, "M35 0v70", 10),
    ),
    // blocked
    look(
        ("#d55e00", "#d5651c"),
        ("#ffffff", "#111111"),
        (60, 45, "M30 0v60M0 30h60", 12),
    ),
    // waiting for the GIL
    look(
        ("#f0b429", "#d99a1c"),
        ("#ffffff", "#111111"),
        (56, 135, "M28 0v56", 16),
    ),
    // waiting for a lock
    look(
        ("#cc79a7", "#c77ba4"),
        ("#ffffff", "#111111"),
        (50, 0, "M25 0v50", 14),
    ),
    // waiting for a permit
    look(
        ("#a88bd0", "#8a6cb8"),
        ("#ffffff", "#111111"),
        (50, 0, "M0 25h50", 14),
    ),
    // sending
    look(
        ("#0072b2", "#2c86c4"),
        ("#ffffff", "#111111"),
        (50, 45, "M15 25h20", 20),
    ),
    // idle
    look(("#eef0f2", "#24282e"), ("#eef0f2", "#24282e"), (60, 0, "", 0)),
    // joining
    look(
        ("#eef0f2", "#24282e"),
        ("#a9b1bb", "#69717b"),
        (60, 0, "M15 30h30", 8),
    ),
    // waiting for a core
    look(
        ("#a9dccb", "#14503f"),
        ("#009e73", "#1fa47d"),
        (60, 135, "M30 0v60", 12),
    ),
];

/// The look of a worker that is ready to compute and has no core.
const NO_CORE: State = ACTIVITIES.len();

/// The look of an activity.
pub fn of_activity(activity: Activity) -> State {
    activity as usize
}

/// The look of a part of a breakdown: that of the activity it is made of.
pub fn of_part(part: Part) -> State {
    let activity = match part {
        Part::NoCore => return NO_CORE,
        Part::StartUp => Activity::Starting,
        Part::Computing => Activity::Computing,
        Part::Waiting => Activity::Waiting,
        Part::Blocked => Activity::Blocked,
        Part::Gil => Activity::Gil,
        Part::Lock => Activity::Lock,
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
             patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate({})\"><rect class=\"f{state}\" \
             width=\"{tile}\" height=\"{tile}\"/>{hatch}</pattern>",
            theme::state_rules(*state, &look.colours, theme),
            look.turn
        ));
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
        assert_eq!(LOOKS.len(), ACTIVITIES.len() + 1);
        for (number, look) in LOOKS.iter().enumerate() {
            for other in &LOOKS[number + 1..] {
                let same_hatch = (look.turn, look.lines) == (other.turn, other.lines);
                assert!(
                    !same_hatch || look.lines.is_empty(),
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
