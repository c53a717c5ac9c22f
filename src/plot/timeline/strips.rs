//! Draws a strip or a stack of many at its place: every span where they are few and long enough to be seen,
//! else the share of each activity in narrow columns.

use super::columns::{Columns, STACK};
use super::lines::{Bundle, Strip};
use crate::measure::trace::{ACTIVITIES, Activity, Span};
use crate::plot::page::MARK;
use crate::plot::states;
use crate::plot::svg::{Anchor, Canvas, Look, Segment};
use crate::units::format_count;

/// Narrowest that a span with something to tell is drawn.
const LEAST: f64 = 1.0;
/// Share of a strip that spans may be drawn wider than they are; beyond it columns tell the truth.
const MOST_WIDENED: f64 = 0.12;
/// Spans of one activity that are closer to each other are drawn as one.
const CLOSE: f64 = 0.3;
/// Narrowest piece beside which the boundary between two tasks is drawn.
const LEAST_BESIDE: f64 = 3.0;
/// Piece from whose width on its boundaries are drawn whatever is beside it.
const WIDE: f64 = 12.0;
/// Heights in columns are rounded to this part of a pixel: equal neighbours are one step.
const STEP: f64 = 0.5;

/// Narrowest piece that any number has room in.
const LEAST_NUMBERED: f64 = 8.0;

/// Numbers of tasks.
const NUMBER: Look = Look { size: 10.0, ..MARK };

/// How much of a trace is drawn.
#[derive(Clone, Copy)]
pub struct Detail {
    /// Width of a column.
    column: f64,
    /// Most spans of a strip that are drawn one by one.
    spans: usize,
    /// Most numbers of tasks in a strip.
    numbers: usize,
}

/// From what is finer than pixels to what always fits.
pub const DETAILS: [Detail; 7] = [
    detail(1.0, 400, 40),
    detail(1.0, 200, 24),
    detail(2.0, 120, 12),
    detail(3.0, 80, 8),
    detail(4.0, 40, 4),
    detail(8.0, 20, 0),
    detail(16.0, 10, 0),
];

const fn detail(column: f64, spans: usize, numbers: usize) -> Detail {
    Detail {
        column,
        spans,
        numbers,
    }
}

/// Where the lines of a section are drawn.
pub struct Plot<'a> {
    /// The clock's start.
    pub left: f64,
    /// The end of the time axis.
    pub right: f64,
    /// How long the time axis is.
    pub whole_ns: f64,
    /// How much is drawn.
    pub detail: Detail,
    /// The activities that are drawn.
    pub seen: &'a [Activity],
}

/// Pieces of a strip by activity: from left to right.
type Pieces = [Vec<(f64, f64)>; ACTIVITIES.len()];

impl Plot<'_> {
    /// Where a moment is.
    pub fn at(&self, ns: u64) -> f64 {
        let share = (ns as f64 / self.whole_ns).min(1.0);
        self.left + (self.right - self.left) * share
    }

    /// Draws one worker or task.
    pub fn strip(&self, canvas: &Canvas, strip: &Strip, top: f64, height: f64) {
        if let Some(pieces) = self.pieces(&strip.spans) {
            // What matters most comes last, over what it is too short to push aside.
            for activity in STACK.iter().rev().filter(|one| self.seen.contains(one)) {
                let class = states::class(states::of_activity(*activity));
                canvas.stretches(&class, top, height, &pieces[*activity as usize]);
            }
            if !strip.is_task {
                self.boundaries(canvas, &strip.spans, top, height);
                self.numbers(canvas, &strip.spans, top + height / 2.0);
            }
            return;
        }
        let mut columns = Columns::new(self.columns(), self.whole_ns);
        for span in strip.spans.iter() {
            columns.add(span.activity, span.start_ns, span.end_ns);
        }
        self.stack(canvas, &columns, top + height, height);
    }

    /// Draws how many are in which state.
    pub fn bundle(&self, canvas: &Canvas, bundle: &Bundle, top: f64, height: f64) {
        let columns = bundle.columns(self.columns(), self.whole_ns);
        let levels = columns.stacked();
        let most = levels.last().into_iter().flatten().copied();
        let most = most.fold(0.0, f64::max);
        if most <= 0.0 {
            return;
        }
        let bottom = top + height;
        self.stack(canvas, &columns, bottom, height / most);
        canvas.line("axis", 1.0, &[(self.left, bottom), (self.right, bottom)]);
        // A sum of shares: three whole ones can be a little more than 3.
        let most = format_count((most - 1e-6).ceil() as u64);
        canvas.text(
            NUMBER,
            Anchor::Start,
            self.left + 3.0,
            top + 9.0,
            &format!("{most} at most"),
        );
    }

    fn columns(&self) -> usize {
        ((self.right - self.left) / self.detail.column).ceil() as usize
    }

    /// Stacked shares, `unit` pixels high for one.
    fn stack(&self, canvas: &Canvas, columns: &Columns, bottom: f64, unit: f64) {
        let levels = columns.stacked();
        let width = (self.right - self.left) / self.columns() as f64;
        let heights = |level: &[f64]| -> Vec<f64> {
            let rounded = level
                .iter()
                .map(|count| (count * unit / STEP).round() * STEP);
            rounded.collect()
        };
        // From the largest downwards: each hides the part of those behind it that lies below.
        for (number, activity) in STACK.iter().enumerate().rev() {
            let below = number.checked_sub(1).map(|below| heights(&levels[below]));
            let own = heights(&levels[number]);
            if self.seen.contains(activity) && below.as_ref() != Some(&own) {
                let class = states::class(states::of_activity(*activity));
                canvas.steps(&class, self.left, bottom, width, &own);
            }
        }
    }

    /// The spans as pieces; `None` where they are too many or too short to be drawn one by one.
    fn pieces(&self, spans: &[Span]) -> Option<Pieces> {
        let mut pieces = Pieces::default();
        let mut widened = 0.0;
        let mut count = 0;
        for span in spans {
            let calm = matches!(
                span.activity,
                Activity::Idle | Activity::Joining | Activity::Waiting | Activity::Starting
            );
            let (left, end) = (self.at(span.start_ns), self.at(span.end_ns));
            let least = if calm { 0.05 } else { LEAST };
            if calm && end - left < least {
                continue;
            }
            let right = end.max(left + least).min(self.right.max(end));
            let own = &mut pieces[span.activity as usize];
            match own.last_mut() {
                Some((_, last)) if left - *last < CLOSE => {
                    widened += (right.max(*last) - *last - (end - left)).max(0.0);
                    *last = right.max(*last);
                }
                _ => {
                    widened += right - left - (end - left);
                    own.push((left, right));
                    count += 1;
                }
            }
            if count > self.detail.spans || widened > MOST_WIDENED * (self.right - self.left) {
                return None;
            }
        }
        Some(pieces)
    }

    /// A thin line where one task follows another at once, or so soon that nothing is seen between them.
    fn boundaries(&self, canvas: &Canvas, spans: &[Span], top: f64, height: f64) {
        let of_tasks: Vec<&Span> = spans.iter().filter(|span| span.task.is_some()).collect();
        let lines = of_tasks.windows(2).filter_map(|two| {
            let [before, after] = two else { return None };
            let x = self.at(after.start_ns);
            let at_once = before.task != after.task && x - self.at(before.end_ns) < LEAST;
            let beside = [x - self.at(before.start_ns), self.at(after.end_ns) - x];
            // A wide one has its edges whatever is beside it: its number stands within them.
            let room = beside.iter().all(|wide| *wide >= LEAST_BESIDE)
                || beside.iter().any(|wide| *wide >= WIDE);
            (at_once && room).then_some(((x, top), (x, top + height)))
        });
        canvas.segments("gap", 1.5, &lines.collect::<Vec<Segment>>());
    }

    /// The number of each task in its widest span, where they have room and aren't too many.
    fn numbers(&self, canvas: &Canvas, spans: &[Span], middle: f64) {
        let mut numbers: Vec<(usize, f64, String)> = Vec::new();
        for run in spans.chunk_by(|a, b| a.task == b.task) {
            let widest = run.iter().max_by_key(|span| span.length_ns());
            let Some((span, task)) = widest.and_then(|span| Some((span, span.task?))) else {
                continue;
            };
            let (left, right) = (self.at(span.start_ns), self.at(span.end_ns));
            // Among 100,000 hardly one has room: to measure words for the others is most of the drawing.
            if right - left < LEAST_NUMBERED {
                continue;
            }
            let said = [format!("task {task}"), task.to_string()];
            // Digits are not equally wide; that must not decide which of equal spans have their number.
            let wide = |text: &str| NUMBER.width(&text.replace(|c: char| c.is_ascii_digit(), "0"));
            if let Some(text) = said
                .into_iter()
                .find(|text| wide(text) + 4.0 <= right - left)
            {
                let state = states::of_activity(span.activity);
                numbers.push((state, f64::midpoint(left, right), text));
            }
            if numbers.len() > self.detail.numbers {
                return;
            }
        }
        for (state, x, text) in numbers {
            states::label(canvas, state, NUMBER.size, (x, middle + 3.5), &text);
        }
    }
}
