//! The trace of a trial on Python: what its harness noted (tasks, turns, waits for locks) together with what the warden
//! saw of its threads (running, waiting, waiting for the GIL).
//!
//! Notes cut a worker's life into segments, exactly: within a task, between two, within a turn of the event loop. What
//! was seen during a segment says what the worker did in it; where two looks differ, the change is put halfway between
//! them. A task at which nobody looked waited if it used little CPU time; any other segment without a look is what such
//! segments usually are (`Segment::activity`).

use super::notes::{Kind, Note, ProcessNotes};
use crate::measure::trace::recorder::MOST_SPANS;
use crate::measure::trace::{ACTIVITIES, Activity, Lag, Lane, Role, Span, Totals, Trace};
use crate::process::{StateRun, ThreadLife, ThreadLives, ThreadState};
use std::collections::{BTreeMap, HashMap};

/// The trace of a run whose clock started at `started_ns` of the monotonic clock and ran for `wall_ns`; `None` where
/// nothing was noted.
pub fn trace(
    processes: &[ProcessNotes],
    seen: &ThreadLives,
    started_ns: u64,
    wall_ns: u64,
) -> Option<Trace> {
    let starts = |process: &&ProcessNotes| {
        let own = process.threads.get(&process.pid);
        own.is_some_and(|notes| notes.iter().any(|note| note.kind == Kind::ClockStart))
    };
    let main = processes.iter().find(starts)?;
    let all = || {
        processes
            .iter()
            .flat_map(|process| process.threads.values())
    };
    let asked: HashMap<u64, u64> = all()
        .flatten()
        .filter(|note| note.kind == Kind::Asked)
        .map(|note| (note.value, note.at_ns))
        .collect();
    let mut lives: BTreeMap<(u32, u32), Vec<&ThreadLife>> = BTreeMap::new();
    for life in &seen.lives {
        lives.entry((life.pid, life.tid)).or_default().push(life);
    }
    let clock = Clock {
        started_ns,
        wall_ns,
    };
    let mut workers = Vec::new();
    for process in processes {
        for (tid, notes) in &process.threads {
            let is_main = (process.pid, *tid) == (main.pid, main.pid);
            let lives = lives.get(&(process.pid, *tid));
            let lives = lives.map_or(&[][..], Vec::as_slice);
            let whose = Whose {
                is_main,
                is_own: process.pid == main.pid,
                has_gil: process.has_gil,
            };
            let parts = match is_main {
                true => vec![&notes[..]],
                false => by_worker(notes, &asked),
            };
            for part in parts {
                if let Some(worker) = worker(part, whose, lives, &asked, clock) {
                    workers.push((process.pid, worker));
                }
            }
        }
    }
    workers.sort_by_key(|(_, worker)| (!worker.whose.is_main, worker.begin_ns));
    let lags = all().flatten().filter(|note| note.kind == Kind::Lag);
    let mut trace = Trace {
        lanes: Vec::with_capacity(workers.len()),
        lags: lags
            .map(|note| Lag {
                due_ns: clock.since(note.at_ns),
                late_ns: note.value,
            })
            .collect(),
        spans_cut: processes.iter().map(|process| process.cut).sum::<u64>() / 2,
        tells_gil: seen.tells_gil && main.has_gil,
    };
    trace.lags.sort_by_key(|lag| lag.due_ns);
    let mut numbers = [0; 3];
    let mut pids = vec![main.pid];
    let mut room = MOST_SPANS;
    for (pid, worker) in workers {
        let process = pids.iter().position(|known| *known == pid);
        let process = process.unwrap_or_else(|| {
            pids.push(pid);
            pids.len() - 1
        });
        let number = &mut numbers[worker.role as usize];
        *number += 1;
        let (lane, cut) = worker.lane(*number, process as u32, &mut room);
        trace.lanes.push(lane);
        trace.spans_cut += cut;
    }
    Some(trace)
}

/// The run's clock.
#[derive(Clone, Copy)]
struct Clock {
    started_ns: u64,
    wall_ns: u64,
}

impl Clock {
    /// A moment of the monotonic clock since the run's start; no later than its end.
    fn since(self, at_ns: u64) -> u64 {
        at_ns.saturating_sub(self.started_ns).min(self.wall_ns)
    }
}

/// Whose notes they are.
#[derive(Clone, Copy)]
struct Whose {
    /// The trial's own thread.
    is_main: bool,
    /// A thread of the trial's own process.
    is_own: bool,
    has_gil: bool,
}

/// A worker's life in segments.
struct Worker {
    whose: Whose,
    role: Role,
    begin_ns: u64,
    end_ns: u64,
    cpu_ns: Option<u64>,
    segments: Vec<Piece>,
    runs: Vec<StateRun>,
}

/// What a worker is in, by the notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment {
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
}

/// A segment from one moment to another.
#[derive(Clone, Copy, Debug)]
struct Piece {
    segment: Segment,
    task: Option<u64>,
    start_ns: u64,
    end_ns: u64,
    then: Option<Activity>,
    /// CPU time that was used in it, where that was noted.
    cpu_ns: Option<u64>,
}

impl Segment {
    /// What a worker does in it that was seen so; `None`: nobody looked.
    fn activity(self, seen: Option<ThreadState>) -> Activity {
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
        }
    }

    /// Whether what is done in it belongs to the task.
    fn is_of_task(self) -> bool {
        matches!(
            self,
            Segment::Task | Segment::Turn | Segment::Lock | Segment::Limit | Segment::Telling
        )
    }
}

/// The notes of each worker that had the same number as a thread, one after the other: where a task's worker was asked
/// for, a new one begins.
fn by_worker<'a>(notes: &'a [Note], asked: &HashMap<u64, u64>) -> Vec<&'a [Note]> {
    let is_first = |note: &Note| note.kind == Kind::Begin && asked.contains_key(&note.value);
    let mut parts = Vec::new();
    let mut rest = notes;
    while let Some(next) = rest.iter().skip(1).position(is_first) {
        let (part, others) = rest.split_at(next + 1);
        parts.push(part);
        rest = others;
    }
    parts.push(rest);
    parts
}

/// The worker that noted this; `None` where it ran no tasks and was not there to.
fn worker(
    notes: &[Note],
    whose: Whose,
    lives: &[&ThreadLife],
    asked: &HashMap<u64, u64>,
    clock: Clock,
) -> Option<Worker> {
    let has = |kind: Kind| notes.iter().any(|note| note.kind == kind);
    let role = match whose.is_main {
        true if has(Kind::Turn) => Role::Loop,
        true if !has(Kind::Begin) => Role::Main,
        false if !has(Kind::Begin) && !has(Kind::Born) => return None,
        _ => Role::Worker,
    };
    let first = notes.first()?;
    let find = |kind: Kind| notes.iter().find(|note| note.kind == kind);
    let asked_ns = match find(Kind::Born) {
        Some(born) => Some(&born.value).filter(|asked_ns| **asked_ns > 0),
        None => find(Kind::Begin).and_then(|note| asked.get(&note.value)),
    };
    let last_ns = notes.last()?.at_ns;
    // Another thread may have had the number before.
    let mine = |life: &&&ThreadLife| {
        life.last_ns >= *asked_ns.unwrap_or(&first.at_ns) && life.first_ns <= last_ns
    };
    let lives: Vec<&&ThreadLife> = lives.iter().filter(mine).collect();
    let (begin_ns, end_ns) = match whose.is_main {
        true => (0, clock.wall_ns),
        false => {
            let seen_ns = lives.first().map_or(first.at_ns, |life| life.first_ns);
            let begin_ns = asked_ns.copied().unwrap_or(seen_ns.min(first.at_ns));
            let seen_ns = lives.last().map_or(last_ns, |life| life.last_ns);
            (clock.since(begin_ns), clock.since(seen_ns.max(last_ns)))
        }
    };
    let mut runs: Vec<StateRun> = lives
        .iter()
        .flat_map(|life| &life.runs)
        .filter(|run| run.last_ns >= clock.started_ns)
        .map(|run| StateRun {
            first_ns: clock.since(run.first_ns),
            last_ns: clock.since(run.last_ns),
            ..*run
        })
        .collect();
    if !whose.has_gil {
        for run in &mut runs {
            // It waits for something else of the interpreter's.
            if run.state == ThreadState::Gil {
                run.state = ThreadState::Waiting;
            }
        }
    }
    let segments = segments(notes, whose, role, begin_ns, end_ns, clock);
    Some(Worker {
        whose,
        role,
        begin_ns,
        end_ns,
        cpu_ns: cpu_ns(notes, &lives),
        segments,
        runs,
    })
}

/// CPU time of a worker's thread: what it noted itself, or what was seen later.
fn cpu_ns(notes: &[Note], lives: &[&&ThreadLife]) -> Option<u64> {
    let noted = |kind: Kind| {
        let mut notes = notes.iter().rev();
        notes.find(|note| note.kind == kind).map(|note| note.cpu_ns)
    };
    if let Some(before_ns) = noted(Kind::ClockStart) {
        return Some(noted(Kind::ClockStop)?.saturating_sub(before_ns));
    }
    let own = [Kind::End, Kind::Sent].map(noted).into_iter().flatten();
    let seen = lives.last().map(|life| life.cpu_ns);
    own.chain(seen).max()
}

/// A worker's life, cut where its notes say.
fn segments(
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
        cpu_ns: None,
    };
    // CPU time at the beginning of a task.
    let mut before_ns = None;
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
            Kind::End | Kind::Sent => (between, None),
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
            Kind::ClockStart | Kind::ClockStop | Kind::Asked | Kind::Lag => continue,
        };
        let segment = match (segment, last_turn) {
            (Segment::Loop, Some(last)) if index > last => Segment::Joining,
            _ => segment,
        };
        let at_ns = clock.since(note.at_ns).clamp(now.start_ns, end_ns);
        now.end_ns = at_ns;
        now.then = then;
        now.cpu_ns = match note.kind {
            Kind::End => before_ns.map(|before_ns| note.cpu_ns.saturating_sub(before_ns)),
            _ => None,
        };
        before_ns = (note.kind == Kind::Begin).then_some(note.cpu_ns);
        pieces.push(now);
        now = Piece {
            segment,
            task,
            start_ns: at_ns,
            end_ns,
            then: None,
            cpu_ns: None,
        };
    }
    pieces.push(now);
    pieces
}

fn is_sent(note: &Note) -> bool {
    note.kind == Kind::Sent
}

impl Worker {
    /// Its lane, with as many spans as there is room for, and how many there was none for.
    fn lane(self, number: u32, process: u32, room: &mut usize) -> (Lane, u64) {
        let mut spans = Spans {
            spans: Vec::new(),
            totals_ns: Totals::default(),
            room,
            cut: 0,
        };
        let mut next = 0;
        for piece in &self.segments {
            // Runs that had ended before.
            while self
                .runs
                .get(next)
                .is_some_and(|run| run.last_ns < piece.start_ns)
            {
                next += 1;
            }
            spans.fill(piece, &self.runs[next..]);
        }
        let lane = Lane {
            role: self.role,
            number,
            process,
            begin_ns: self.begin_ns,
            end_ns: self.end_ns,
            cpu_ns: self.cpu_ns,
            totals_ns: spans.totals_ns,
            spans: spans.spans,
        };
        (lane, spans.cut)
    }
}

/// A lane's spans as they are made.
struct Spans<'a> {
    spans: Vec<Span>,
    totals_ns: Totals,
    room: &'a mut usize,
    cut: u64,
}

impl Spans<'_> {
    /// Adds a segment, by what was seen in it: `runs` begins with the first that ends in it or later.
    fn fill(&mut self, piece: &Piece, runs: &[StateRun]) {
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
fn has_look_in(run: &StateRun, start_ns: u64, end_ns: u64) -> bool {
    let within = |at_ns: u64| (start_ns..end_ns).contains(&at_ns);
    let between_ns = (run.last_ns - run.first_ns) / u64::from(run.looks.max(2) - 1);
    within(run.first_ns) || within(run.last_ns) || end_ns - start_ns >= 2 * between_ns
}

const _: () = assert!(
    ACTIVITIES.len() == 10,
    "a new activity: does a segment have it?"
);
