//! The spans of a lane: its segments, filled with what was seen in them.

use super::segments::Piece;
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
        let Piece {
            start_ns, end_ns, ..
        } = *piece;
        let mut at_ns = start_ns;
        // When somebody looked last, and what that was.
        let mut seen: Option<(u64, ThreadState)> = None;
        for run in runs.iter().take_while(|run| run.first_ns < end_ns) {
            if !has_look_in(run, start_ns, end_ns) {
                continue;
            }
            if let Some((last_ns, state)) = seen
                && state != run.state
            {
                let change_ns = (last_ns + run.first_ns) / 2;
                self.add(piece, Some(state), at_ns, change_ns, None);
                at_ns = change_ns;
            }
            seen = Some((run.last_ns.min(end_ns), run.state));
        }
        let used = || {
            let is_waiting = 2 * piece.cpu_ns? < end_ns - start_ns;
            Some(match is_waiting {
                true => ThreadState::Waiting,
                false => ThreadState::Running,
            })
        };
        let state = seen.map(|(_, state)| state).or_else(used);
        self.add(piece, state, at_ns, end_ns, piece.then);
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

/// Whether one of a run's looks was within a segment. Its first and its last are known, the others come about evenly.
pub(super) fn has_look_in(run: &StateRun, start_ns: u64, end_ns: u64) -> bool {
    let within = |at_ns: u64| (start_ns..end_ns).contains(&at_ns);
    let between_ns = (run.last_ns - run.first_ns) / u64::from(run.looks.max(2) - 1);
    within(run.first_ns) || within(run.last_ns) || end_ns - start_ns >= 2 * between_ns
}
