//! The spans of a lane: its segments, filled with what was seen in them.

use super::segments::Piece;
use super::stretches::stretches;
use crate::measure::trace::{Activity, Span, Totals};
use crate::process::{StateRun, ThreadState};

/// A lane's spans as they are made.
pub(super) struct Spans<'a> {
    pub(super) spans: Vec<Span>,
    pub(super) totals_ns: Totals,
    pub(super) room: &'a mut usize,
    pub(super) cut: u64,
}

impl Spans<'_> {
    /// Adds a segment, by what was seen in it: `runs` begins with the first that ends in it or later.
    pub(super) fn fill(&mut self, piece: &Piece, runs: &[StateRun]) {
        let stretches = stretches(piece, runs);
        for (index, stretch) in stretches.iter().enumerate() {
            let then = piece.then.filter(|_| index + 1 == stretches.len());
            self.add(piece, stretch.state, stretch.start_ns, stretch.end_ns, then);
        }
    }

    fn add(
        &mut self,
        piece: &Piece,
        state: Option<ThreadState>,
        start_ns: u64,
        end_ns: u64,
        then: Option<Activity>,
    ) {
        let activity = piece.segment.activity(state);
        self.totals_ns[activity as usize] += end_ns - start_ns;
        let task = piece.task.filter(|_| piece.segment.is_of_task());
        // A turn that took no time is told all the same: what follows it is.
        if end_ns == start_ns && then.is_none() {
            return;
        }
        match self.spans.last_mut() {
            Some(last)
                if self.cut == 0
                    && (last.activity, last.task) == (activity, task)
                    && last.then.is_none()
                    && last.end_ns == start_ns =>
            {
                last.end_ns = end_ns;
                last.then = then;
            }
            _ if *self.room == 0 => self.cut += 1,
            _ => {
                *self.room -= 1;
                self.spans.push(Span {
                    activity,
                    task,
                    start_ns,
                    end_ns,
                    then,
                });
            }
        }
    }
}
