//! A worker's life, cut into segments where its notes say, and what it does in each.
//!
//! To add a segment: a variant of [`Segment`], its arms in [`Segment::activity`], and the note that begins it in
//! [`segments`].

use super::Clock;
use super::notes::{Kind, Note};
use crate::measure::trace::{Activity, Role};
use crate::process::ThreadState;
use std::collections::HashMap;

/// Whose notes they are.
#[derive(Clone, Copy)]
pub(super) struct Whose {
    /// The trial's own thread.
    pub(super) is_main: bool,
    /// A thread of the trial's own process.
    pub(super) is_own: bool,
    pub(super) has_gil: bool,
    /// Its process had no room for all of its notes.
    pub(super) is_cut: bool,
}

/// What a worker is in, by the notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// Before its first action.
    Starting,
    /// In a task: computing, or waiting where it was seen to.
    Task,
    /// In a turn of the event loop: computing, or keeping the loop from others.
    Turn,
    /// In a wait for a lock, whatever was seen.
    Lock,
    /// In one for a permit.
    Limit,
    /// The event loop waits for something to become ready.
    Idle,
    /// The event loop's own work.
    Loop,
    /// Between tasks: without one, or fetching it.
    Between,
    /// The same in a process of its own, where fetching and telling is work.
    Transfer,
    /// A task's outcome is told to the trial.
    Telling,
    /// Only one after the other, a thread runs tasks: the work between.
    Serial,
    /// Creating workers and feeding them.
    Feeding,
    /// Waiting for them to end.
    Joining,
    /// There was no room for what it noted from here on.
    Untold,
}

/// A segment from one moment to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) segment: Segment,
    pub(super) task: Option<u64>,
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    pub(super) then: Option<Activity>,
    /// How long it computed or could have, where that was noted.
    pub(super) ready: Option<Ready>,
}

/// Time in which a thread had a core, or was ready for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ready {
    /// CPU time alone.
    pub(super) least_ns: u64,
    /// With waits for a core, and what was used or waited for between the segment and the one noted before.
    pub(super) most_ns: u64,
    /// Whether waits for a core are in it; else it is CPU time, and may have been more.
    pub(super) is_whole: bool,
}

impl Segment {
    /// What a worker does in it that was seen so; `None`: nobody looked.
    pub(super) fn activity(self, seen: Option<ThreadState>) -> Activity {
        use ThreadState::{Gil, Running, Waiting};
        match (self, seen) {
            (Segment::Starting, _) => Activity::Starting,
            (Segment::Lock, _) => Activity::Lock,
            (Segment::Limit, _) => Activity::Limit,
            (Segment::Telling, _) => Activity::Sending,
            (_, Some(Gil)) => Activity::Gil,
            (Segment::Task, Some(Waiting)) => Activity::Waiting,
            (Segment::Task, _) => Activity::Computing,
            (Segment::Turn | Segment::Loop, Some(Waiting)) => Activity::Blocked,
            (Segment::Turn | Segment::Loop, _) => Activity::Computing,
            (Segment::Idle, _) => Activity::Idle,
            (Segment::Between, Some(Running)) => Activity::Computing,
            (Segment::Transfer, Some(Running)) => Activity::Sending,
            (Segment::Between | Segment::Transfer, _) => Activity::Idle,
            (Segment::Serial | Segment::Feeding, Some(Waiting)) => Activity::Waiting,
            (Segment::Serial | Segment::Feeding, _) => Activity::Computing,
            (Segment::Joining, Some(Running)) => Activity::Computing,
            (Segment::Joining, _) => Activity::Joining,
            (Segment::Untold, Some(Waiting)) => Activity::Waiting,
            (Segment::Untold, _) => Activity::Computing,
        }
    }

    /// Whether what is done in it belongs to the task.
    pub(super) fn is_of_task(self) -> bool {
        matches!(
            self,
            Segment::Task | Segment::Turn | Segment::Lock | Segment::Limit | Segment::Telling
        )
    }
}

/// The notes of each worker that had the same number as a thread, one after the other: where a task's worker was asked
/// for, a new one begins.
pub(super) fn by_worker<'a>(notes: &'a [Note], asked: &HashMap<u64, u64>) -> Vec<&'a [Note]> {
    let is_first = |note: &Note| note.kind == Kind::Begin && asked.contains_key(&note.value);
    let mut parts = Vec::new();
    let mut rest = notes;
    // What is noted before the first task is that task's worker's own.
    let mut own = 1 + notes
        .iter()
        .take_while(|note| note.kind == Kind::Used)
        .count();
    while let Some(next) = rest.iter().skip(own).position(is_first) {
        let (part, others) = rest.split_at(own + next);
        own = 1;
        parts.push(part);
        rest = others;
    }
    parts.push(rest);
    parts
}

/// A worker's life, cut where its notes say.
pub(super) fn segments(
    notes: &[Note],
    whose: Whose,
    role: Role,
    begin_ns: u64,
    end_ns: u64,
    clock: Clock,
) -> Vec<Piece> {
    let between = match role {
        Role::Main => Segment::Feeding,
        Role::Loop => Segment::Loop,
        Role::Worker if whose.is_main => Segment::Serial,
        Role::Worker if whose.is_own => Segment::Between,
        Role::Worker => Segment::Transfer,
    };
    let last_turn = notes.iter().rposition(|note| note.kind == Kind::Last);
    let mut pieces: Vec<Piece> = Vec::with_capacity(notes.len());
    let mut now = Piece {
        segment: match role {
            Role::Main => Segment::Feeding,
            _ => Segment::Starting,
        },
        task: None,
        start_ns: begin_ns,
        end_ns,
        then: None,
        ready: None,
    };
    // CPU time when it was noted last, and the time since then of short turns and of what lies between turns: as
    // good as all of that is used. Between two tasks hardly any is.
    let (mut before_ns, mut short_ns, mut queued_ns) = (0, 0, None);
    // The segment that a wait for a lock interrupts.
    let mut around = between;
    for (index, note) in notes.iter().enumerate() {
        let mut then = None;
        let (segment, task) = match note.kind {
            Kind::Born | Kind::Busy => (between, None),
            Kind::Begin => (Segment::Task, Some(note.value)),
            Kind::End if !whose.is_own && notes[index..].iter().take(2).any(is_sent) => {
                (Segment::Telling, now.task)
            }
            Kind::End => (between, None),
            // It has nothing left to do.
            Kind::Sent => (Segment::Between, None),
            Kind::Turn => (Segment::Turn, Some(note.value)),
            Kind::Pause => {
                then = Some(match note.value {
                    10 => Activity::Lock,
                    11 => Activity::Limit,
                    _ => Activity::Waiting,
                });
                (between, None)
            }
            // What is left is to wait for its pools.
            Kind::Last if Some(index) == last_turn => (Segment::Joining, None),
            Kind::Last => (between, None),
            Kind::Lock | Kind::Limit => {
                around = now.segment;
                let segment = match note.kind {
                    Kind::Lock => Segment::Lock,
                    _ => Segment::Limit,
                };
                (segment, now.task)
            }
            Kind::Got => (around, now.task),
            Kind::Idle => (Segment::Idle, None),
            Kind::Join => (Segment::Joining, None),
            Kind::ClockStart => {
                before_ns = note.cpu_ns;
                continue;
            }
            Kind::Queued => {
                queued_ns = Some(note.value);
                continue;
            }
            Kind::Used => {
                let used_ns = note.cpu_ns.saturating_sub(before_ns);
                if now.segment == Segment::Turn {
                    let least_ns = used_ns.saturating_sub(short_ns);
                    now.ready = Some(ready(least_ns, used_ns, queued_ns));
                }
                (before_ns, short_ns, queued_ns) = (note.cpu_ns, 0, None);
                continue;
            }
            Kind::ClockStop | Kind::Asked | Kind::Lag => continue,
        };
        let segment = match (segment, last_turn) {
            (Segment::Loop, Some(last)) if index > last => Segment::Joining,
            _ => segment,
        };
        let at_ns = clock.since(note.at_ns).clamp(now.start_ns, end_ns);
        now.end_ns = at_ns;
        now.then = then;
        if matches!(now.segment, Segment::Turn | Segment::Loop) && now.ready.is_none() {
            short_ns += now.length_ns();
        }
        pieces.push(now);
        if note.kind == Kind::End {
            let used_ns = note.cpu_ns.saturating_sub(before_ns);
            share_out(&mut pieces, ready(used_ns, used_ns, queued_ns.take()));
            before_ns = note.cpu_ns;
        }
        now = Piece {
            segment,
            task,
            start_ns: at_ns,
            end_ns,
            then: None,
            ready: None,
        };
    }
    pieces.push(now);
    if whose.is_cut && !notes.last().is_some_and(|note| note.kind.is_final()) {
        // What began there has ended some time.
        let rest = Piece {
            segment: Segment::Untold,
            task: None,
            then: None,
            ready: None,
            ..now
        };
        pieces.pop();
        pieces.push(rest);
    }
    pieces
}

/// After so much CPU time at least and at most, and so long without a core.
fn ready(least_ns: u64, most_ns: u64, queued_ns: Option<u64>) -> Ready {
    Ready {
        least_ns,
        most_ns: most_ns.saturating_add(queued_ns.unwrap_or(0)),
        is_whole: queued_ns.is_some(),
    }
}

/// Shares the time in which a task was ready out among its pieces that waited for no lock, by their length.
fn share_out(pieces: &mut [Piece], ready: Ready) {
    let Some(task) = pieces.last().map(|last| last.task) else {
        return;
    };
    let is_its = |piece: &&mut Piece| {
        piece.task == task
            && matches!(
                piece.segment,
                Segment::Task | Segment::Lock | Segment::Limit
            )
    };
    let of_task = pieces.iter_mut().rev().take_while(is_its);
    let mut free: Vec<&mut Piece> = of_task
        .filter(|piece| piece.segment == Segment::Task)
        .collect();
    let whole_ns: u64 = free.iter().map(|piece| piece.length_ns()).sum();
    for piece in &mut free {
        let length_ns = u128::from(piece.length_ns());
        let share = |ns: u64| (u128::from(ns) * length_ns / u128::from(whole_ns.max(1))) as u64;
        piece.ready = Some(Ready {
            least_ns: share(ready.least_ns),
            most_ns: share(ready.most_ns),
            ..ready
        });
    }
}

impl Piece {
    pub(super) fn length_ns(&self) -> u64 {
        self.end_ns - self.start_ns
    }
}

impl Kind {
    /// Whether a worker has nothing to note behind it.
    fn is_final(self) -> bool {
        matches!(self, Kind::Join | Kind::Sent | Kind::ClockStop)
    }
}

pub(super) fn is_sent(note: &Note) -> bool {
    note.kind == Kind::Sent
}
