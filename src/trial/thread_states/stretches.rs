//! What a worker did within a segment of its life: what it was seen to do, at times that agree with what the system counted.
//!
//! Between two looks that saw different things a change lies somewhere: halfway, as long as nothing else is known. Where
//! the harness has noted how long a task or a turn was ready for a core, changes move so that the time adds up, as far as
//! no look says otherwise. A machine with other work to do looks seldom, and a short task between two looks at all
//! others would else be told as what its one look saw.

use super::segments::{Piece, Ready};
use crate::process::{StateRun, ThreadState};

/// Part of a segment by which what was seen may differ from what was counted.
const TOLERANCE: f64 = 0.05;
/// Share of a segment up to which what it did else is not worth a stretch of its own.
const ALONE: f64 = 0.1;

/// A part of a segment in which it did one thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stretch {
    /// What; `None` where nobody looked and nothing was counted.
    pub(super) state: Option<ThreadState>,
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    /// The first look and the last that saw it; the whole stretch is open where there was none.
    looks: Option<(u64, u64)>,
}

impl Stretch {
    fn unseen(state: Option<ThreadState>, start_ns: u64, end_ns: u64) -> Stretch {
        Stretch {
            state,
            start_ns,
            end_ns,
            looks: None,
        }
    }

    fn runs(&self) -> bool {
        self.state == Some(ThreadState::Running)
    }

    /// Where it may begin at the latest, and end at the earliest.
    fn held(&self) -> (u64, u64) {
        self.looks.unwrap_or((self.end_ns, self.start_ns))
    }
}

/// The stretches of a segment, in order, without gaps; `runs` begins with the first that ends in it or later.
pub(super) fn stretches(piece: &Piece, runs: &[StateRun]) -> Vec<Stretch> {
    let (start_ns, end_ns) = (piece.start_ns, piece.end_ns);
    let mut found: Vec<Stretch> = Vec::new();
    for run in runs.iter().take_while(|run| run.first_ns < end_ns) {
        if !has_look_in(run, start_ns, end_ns) {
            continue;
        }
        let looks = looks_in(run, start_ns, end_ns);
        match found.last_mut() {
            Some(last) if last.state == Some(run.state) => {
                last.looks = last.looks.map(|(first, _)| (first, looks.1));
            }
            Some(last) => {
                let seen_ns = last.looks.map_or(last.start_ns, |(_, seen_ns)| seen_ns);
                last.end_ns = u64::midpoint(seen_ns, looks.0);
                let start_ns = last.end_ns;
                found.push(Stretch {
                    state: Some(run.state),
                    start_ns,
                    end_ns,
                    looks: Some(looks),
                });
            }
            None => found.push(Stretch {
                state: Some(run.state),
                start_ns,
                end_ns,
                looks: Some(looks),
            }),
        }
    }
    match (piece.ready, found.is_empty()) {
        (Some(ready), true) => counted(piece, ready),
        (None, true) => vec![Stretch::unseen(None, start_ns, end_ns)],
        (Some(ready), false) => agreeing(found, piece, ready),
        (None, false) => found,
    }
}

/// What a segment did that nobody looked at, by what was counted: first what kept it ready, then what it waited for.
fn counted(piece: &Piece, ready: Ready) -> Vec<Stretch> {
    let length_ns = piece.length_ns();
    let share = ready.most_ns as f64 / length_ns.max(1) as f64;
    let all = |state| vec![Stretch::unseen(Some(state), piece.start_ns, piece.end_ns)];
    let is_mostly_ready = match ready.is_whole {
        true => share > 1.0 - ALONE,
        false => share >= 0.5,
    };
    match is_mostly_ready {
        true => all(ThreadState::Running),
        false if !ready.is_whole || share < ALONE => all(ThreadState::Waiting),
        false => {
            let change_ns = piece.start_ns + ready.most_ns.min(length_ns);
            vec![
                Stretch::unseen(Some(ThreadState::Running), piece.start_ns, change_ns),
                Stretch::unseen(Some(ThreadState::Waiting), change_ns, piece.end_ns),
            ]
        }
    }
}

/// Moves changes to where the time that it was ready adds up to what was counted, as far as looks allow.
fn agreeing(mut found: Vec<Stretch>, piece: &Piece, ready: Ready) -> Vec<Stretch> {
    let tolerance_ns = (TOLERANCE * piece.length_ns() as f64) as u64;
    let ran = found.iter().filter(|stretch| stretch.runs());
    let ran_ns: u64 = ran.map(|stretch| stretch.end_ns - stretch.start_ns).sum();
    if ready.least_ns > ran_ns + tolerance_ns {
        let missing_ns = ready.least_ns.min(piece.length_ns()) - ran_ns;
        shift(&mut found, piece, missing_ns, true);
    } else if ready.is_whole && ran_ns > ready.most_ns + tolerance_ns {
        shift(&mut found, piece, ran_ns - ready.most_ns, false);
    }
    found.retain(|stretch| stretch.end_ns > stretch.start_ns);
    found
}

/// Gives so much time to what runs, or takes it away, between looks that saw different things and at both ends.
fn shift(found: &mut Vec<Stretch>, piece: &Piece, mut left_ns: u64, to_running: bool) {
    let ends = match to_running {
        true => ThreadState::Running,
        false => ThreadState::Waiting,
    };
    let gains = |stretch: &Stretch| stretch.runs() == to_running;
    // A task that waits mostly does so at its end, and one that computes at its start.
    let first = (!gains(&found[0]), found[0].held().0);
    let last = found[found.len() - 1];
    let last = (!gains(&last), last.held().1);
    let mut take = |room_ns: u64| {
        let taken_ns = room_ns.min(left_ns);
        left_ns -= taken_ns;
        taken_ns
    };
    let at_start_ns = |take: &mut dyn FnMut(u64) -> u64| match first {
        (true, held_ns) => take(held_ns.saturating_sub(piece.start_ns)),
        _ => 0,
    };
    let at_end_ns = |take: &mut dyn FnMut(u64) -> u64| match last {
        (true, held_ns) => take(piece.end_ns.saturating_sub(held_ns)),
        _ => 0,
    };
    let (mut start_ns, mut end_ns) = (0, 0);
    match to_running {
        true => start_ns = at_start_ns(&mut take),
        false => end_ns = at_end_ns(&mut take),
    }
    for index in 1..found.len() {
        let (before, after) = (found[index - 1], found[index]);
        if gains(&before) == gains(&after) {
            continue;
        }
        let change_ns = after.start_ns;
        found[index].start_ns = match gains(&before) {
            true => change_ns + take(after.held().0.saturating_sub(change_ns)),
            false => change_ns - take(change_ns.saturating_sub(before.held().1)),
        };
        found[index - 1].end_ns = found[index].start_ns;
    }
    match to_running {
        true => end_ns = at_end_ns(&mut take),
        false => start_ns = at_start_ns(&mut take),
    }
    if start_ns > 0 {
        let change_ns = piece.start_ns + start_ns;
        found[0].start_ns = change_ns;
        found.insert(0, Stretch::unseen(Some(ends), piece.start_ns, change_ns));
    }
    if end_ns > 0 {
        let change_ns = piece.end_ns - end_ns;
        if let Some(last) = found.last_mut() {
            last.end_ns = change_ns;
        }
        found.push(Stretch::unseen(Some(ends), change_ns, piece.end_ns));
    }
    if to_running && left_ns > 0 {
        interrupt(found, left_ns);
    }
}

/// What was counted and is not between looks either came where they were far apart: at the start of the longest wait.
fn interrupt(found: &mut Vec<Stretch>, missing_ns: u64) {
    let waits = found.iter().enumerate().filter(|(_, wait)| !wait.runs());
    let Some((index, wait)) = waits.max_by_key(|(_, wait)| wait.end_ns - wait.start_ns) else {
        return;
    };
    let (start_ns, end_ns) = (wait.start_ns, wait.end_ns);
    let change_ns = (start_ns + missing_ns).min(end_ns);
    found[index].start_ns = change_ns;
    let runs = Stretch::unseen(Some(ThreadState::Running), start_ns, change_ns);
    found.insert(index, runs);
}

/// Whether one of a run's looks was within a segment. Its first and its last are known, the others come about evenly.
fn has_look_in(run: &StateRun, start_ns: u64, end_ns: u64) -> bool {
    let within = |at_ns: u64| (start_ns..end_ns).contains(&at_ns);
    within(run.first_ns) || within(run.last_ns) || end_ns - start_ns >= 2 * between_ns(run)
}

/// The first of a run's looks within a segment, and the last.
fn looks_in(run: &StateRun, start_ns: u64, end_ns: u64) -> (u64, u64) {
    let first_ns = match run.first_ns < start_ns {
        true => (start_ns + between_ns(run)).min(run.last_ns),
        false => run.first_ns,
    };
    let last_ns = match run.last_ns > end_ns {
        true => end_ns.saturating_sub(between_ns(run)).max(run.first_ns),
        false => run.last_ns,
    };
    let within = |at_ns: u64| at_ns.clamp(start_ns, end_ns);
    (within(first_ns.min(last_ns)), within(last_ns.max(first_ns)))
}

/// From one look to the next, on average.
fn between_ns(run: &StateRun) -> u64 {
    (run.last_ns - run.first_ns) / u64::from(run.looks.max(2) - 1)
}

#[cfg(test)]
mod tests {
    use super::super::segments::Segment;
    use super::*;
    use ThreadState::{Gil, Running, Waiting};

    fn piece(ready: Option<(u64, bool)>) -> Piece {
        Piece {
            segment: Segment::Task,
            task: Some(0),
            start_ns: 1_000,
            end_ns: 2_000,
            then: None,
            ready: ready.map(|(ns, is_whole)| Ready {
                least_ns: ns,
                most_ns: ns,
                is_whole,
            }),
        }
    }

    /// State and end of each stretch; they must cover the segment.
    fn told(
        ready: Option<(u64, bool)>,
        looks: &[(u64, u64, ThreadState)],
    ) -> Vec<(Option<ThreadState>, u64)> {
        let runs: Vec<StateRun> = looks
            .iter()
            .map(|(first, last, state)| StateRun {
                first_ns: 1_000 + first,
                last_ns: 1_000 + last,
                looks: 1 + u32::from(last > first),
                state: *state,
            })
            .collect();
        let found = stretches(&piece(ready), &runs);
        let mut at_ns = 1_000;
        for stretch in &found {
            assert_eq!(stretch.start_ns, at_ns, "{found:?}");
            at_ns = stretch.end_ns;
        }
        assert_eq!(at_ns, 2_000, "{found:?}");
        let tell = |stretch: &Stretch| (stretch.state, stretch.end_ns - 1_000);
        found.iter().map(tell).collect()
    }

    #[test]
    fn without_counts_changes_lie_halfway_between_looks() {
        assert_eq!(told(None, &[]), [(None, 1_000)]);
        assert_eq!(
            told(
                None,
                &[(100, 200, Running), (400, 400, Gil), (600, 900, Waiting)]
            ),
            [
                (Some(Running), 300),
                (Some(Gil), 500),
                (Some(Waiting), 1_000)
            ]
        );
    }

    #[test]
    fn what_nobody_looked_at_is_told_by_what_was_counted() {
        let all = |state| vec![(Some(state), 1_000)];
        assert_eq!(told(Some((950, true)), &[]), all(Running));
        assert_eq!(told(Some((20, true)), &[]), all(Waiting));
        assert_eq!(
            told(Some((400, true)), &[]),
            [(Some(Running), 400), (Some(Waiting), 1_000)]
        );
        // CPU time alone tells the larger part.
        assert_eq!(told(Some((400, false)), &[]), all(Waiting));
        assert_eq!(told(Some((600, false)), &[]), all(Running));
    }

    #[test]
    fn what_was_counted_and_not_seen_is_where_nobody_looked() {
        // It computed before the first look.
        assert_eq!(
            told(Some((300, false)), &[(350, 900, Waiting)]),
            [(Some(Running), 300), (Some(Waiting), 1_000)]
        );
        // Not even all of what lies before it is enough: the rest is at the end.
        assert_eq!(
            told(Some((400, true)), &[(350, 900, Waiting)]),
            [
                (Some(Running), 350),
                (Some(Waiting), 950),
                (Some(Running), 1_000)
            ]
        );
        // It waited before, and looks were far apart.
        let across = [(0, 10, Running), (20, 900, Waiting), (950, 1_000, Running)];
        assert_eq!(
            told(Some((700, true)), &across),
            [
                (Some(Running), 20),
                (Some(Running), 600),
                (Some(Waiting), 900),
                (Some(Running), 1_000)
            ]
        );
        // A change moves up to the next look.
        assert_eq!(
            told(Some((600, true)), &[(0, 100, Running), (650, 900, Waiting)]),
            [(Some(Running), 600), (Some(Waiting), 1_000)]
        );
    }

    #[test]
    fn what_was_seen_and_not_counted_was_a_wait_where_nobody_looked() {
        assert_eq!(
            told(Some((200, true)), &[(100, 150, Running)]),
            [(Some(Running), 200), (Some(Waiting), 1_000)]
        );
        // It was seen to run at the end: it waited before.
        assert_eq!(
            told(Some((100, true)), &[(950, 1_000, Running)]),
            [(Some(Waiting), 900), (Some(Running), 1_000)]
        );
        // CPU time alone says nothing against it: it may have been ready without a core.
        assert_eq!(
            told(Some((200, false)), &[(100, 150, Running)]),
            [(Some(Running), 1_000)]
        );
        // No look is contradicted.
        assert_eq!(
            told(Some((0, true)), &[(100, 500, Running), (700, 900, Gil)]),
            [
                (Some(Waiting), 100),
                (Some(Running), 500),
                (Some(Gil), 1_000)
            ]
        );
    }
}
