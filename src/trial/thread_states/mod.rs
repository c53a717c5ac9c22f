//! The trace of a trial on Python: what its harness noted (tasks, turns, waits for locks) together with what the warden
//! saw of its threads (running, waiting, waiting for the GIL).
//!
//! Notes cut a worker's life into segments, exactly: within a task, between two, within a turn of the event loop
//! (`segments`). What was seen during a segment says what the worker did in it, and what the harness noted of CPU time
//! and of time without a core how much of it (`stretches`); any other segment without a look is what such segments
//! usually are.

pub mod notes;
mod segments;
mod spans;
mod stretches;

use crate::measure::trace::recorder::MOST_SPANS;
use crate::measure::trace::{Lag, Lane, Role, Totals, Trace};
use crate::process::{StateRun, ThreadLife, ThreadLives, ThreadState};
use notes::{Kind, Note, ProcessNotes};
use segments::{Piece, Whose, by_worker, segments};
use spans::Spans;
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
                is_cut: process.cut > 0,
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
    let mut numbered = HashMap::from([(main.pid, 0)]);
    let mut room = MOST_SPANS;
    for (pid, worker) in workers {
        let next = numbered.len() as u32;
        let process = *numbered.entry(pid).or_insert(next);
        let number = &mut numbers[worker.role as usize];
        *number += 1;
        let (lane, cut) = worker.lane(*number, process, &mut room);
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
    let seen = lives.last().map(|life| life.cpu_ns);
    if let Some(before_ns) = noted(Kind::ClockStart) {
        let after_ns = noted(Kind::ClockStop).or(seen)?;
        return Some(after_ns.saturating_sub(before_ns));
    }
    let own = [Kind::End, Kind::Sent].map(noted).into_iter().flatten();
    // Its process had to come to life first.
    let arrived = notes.iter().find(|note| note.kind == Kind::Used);
    let before_ns = arrived.map_or(0, |note| note.cpu_ns);
    // Behind its last task it ends: that is CPU time, and none of its work.
    let after_ns = own.max().or(seen)?;
    Some(after_ns.saturating_sub(before_ns))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::trace::{Activity, Span};

    const STARTED_NS: u64 = 1_000_000;

    fn note(at: u64, kind: Kind, value: u64) -> Note {
        Note {
            at_ns: STARTED_NS + at,
            kind,
            value,
            cpu_ns: 0,
        }
    }

    /// A task's end, after so much CPU time.
    fn end(at: u64, cpu_ns: u64) -> Note {
        Note {
            cpu_ns,
            ..note(at, Kind::End, 0)
        }
    }

    fn process(pid: u32, threads: &[(u32, &[Note])]) -> ProcessNotes {
        ProcessNotes {
            pid,
            has_gil: true,
            cut: 0,
            threads: threads
                .iter()
                .map(|(tid, notes)| (*tid, notes.to_vec()))
                .collect(),
        }
    }

    /// A thread that was looked at at these times.
    fn life(pid: u32, tid: u32, looks: &[(u64, ThreadState)]) -> ThreadLife {
        let at = |at: u64| STARTED_NS + at;
        ThreadLife {
            pid,
            tid,
            first_ns: at(looks[0].0),
            last_ns: at(looks[looks.len() - 1].0),
            cpu_ns: 1,
            runs: looks
                .iter()
                .map(|(time, state)| StateRun {
                    first_ns: at(*time),
                    last_ns: at(*time),
                    looks: 1,
                    state: *state,
                })
                .collect(),
        }
    }

    fn seen(lives: &[ThreadLife]) -> ThreadLives {
        ThreadLives {
            lives: lives.to_vec(),
            tells_gil: true,
        }
    }

    /// Activity, task and end of each span; they must cover the lane's life.
    fn told(lane: &Lane) -> Vec<(Activity, Option<u64>, u64)> {
        let mut at_ns = lane.begin_ns;
        let mut totals_ns = Totals::default();
        for span in &lane.spans {
            assert_eq!(span.start_ns, at_ns, "{lane:?}");
            totals_ns[span.activity as usize] += span.length_ns();
            at_ns = span.end_ns;
        }
        assert_eq!((at_ns, totals_ns), (lane.end_ns, lane.totals_ns));
        let tell = |span: &Span| (span.activity, span.task, span.end_ns);
        lane.spans.iter().map(tell).collect()
    }

    #[test]
    fn what_was_seen_fills_tasks_and_changes_between_two_looks() {
        use Activity::*;
        use ThreadState as See;
        let main = [
            note(0, Kind::ClockStart, 0),
            note(10, Kind::Asked, 7),
            note(20, Kind::Join, 0),
            note(1000, Kind::ClockStop, 0),
        ];
        let worker = [
            note(100, Kind::Begin, 7),
            note(500, Kind::Lock, 0),
            note(600, Kind::Got, 0),
            end(800, 30),
        ];
        let looks = [
            (90, See::Running),
            (200, See::Running),
            (300, See::Gil),
            (350, See::Gil),
            (450, See::Waiting),
            (550, See::Waiting),
            (700, See::Running),
        ];
        let notes = [process(5, &[(5, &main), (6, &worker)])];
        let found = trace(&notes, &seen(&[life(5, 6, &looks)]), STARTED_NS, 1000).unwrap();
        assert!(found.tells_gil);
        assert_eq!(
            told(&found.lanes[0]),
            [(Computing, None, 20), (Joining, None, 1000)]
        );
        let lane = &found.lanes[1];
        assert_eq!((lane.role, lane.number, lane.process), (Role::Worker, 1, 0));
        assert_eq!((lane.begin_ns, lane.cpu_ns), (10, Some(30)));
        let task = Some(7);
        assert_eq!(
            told(lane),
            [
                (Starting, None, 100),
                (Computing, task, 250),
                (Gil, task, 400),
                (Waiting, task, 500),
                (Lock, task, 600),
                (Computing, task, 800),
            ]
        );
    }

    #[test]
    fn a_task_that_nobody_looked_at_waited_if_it_used_no_cpu_time() {
        use Activity::*;
        let main = [
            note(0, Kind::ClockStart, 0),
            note(10, Kind::Begin, 0),
            end(20, 10),
            note(30, Kind::Begin, 1),
            end(130, 11),
            note(140, Kind::ClockStop, 0),
        ];
        // One that waited before and after was not looked at in between.
        let long = [StateRun {
            first_ns: STARTED_NS,
            last_ns: STARTED_NS + 140,
            looks: 2,
            state: ThreadState::Waiting,
        }];
        let mut life = life(
            5,
            5,
            &[(0, ThreadState::Waiting), (140, ThreadState::Waiting)],
        );
        life.runs = long.to_vec();
        let notes = [process(5, &[(5, &main)])];
        let found = trace(&notes, &seen(&[life]), STARTED_NS, 140).unwrap();
        let lane = &found.lanes[0];
        assert_eq!(
            (lane.role, lane.begin_ns, lane.end_ns),
            (Role::Worker, 0, 140)
        );
        assert_eq!(
            told(lane),
            [
                (Starting, None, 10),
                (Computing, Some(0), 20),
                (Computing, None, 30),
                (Waiting, Some(1), 130),
                (Computing, None, 140),
            ]
        );
    }

    #[test]
    fn a_loop_has_turns_and_waits_in_one_block_it() {
        use Activity::*;
        let main = [
            note(0, Kind::ClockStart, 0),
            note(10, Kind::Turn, 0),
            note(20, Kind::Pause, 10),
            note(25, Kind::Turn, 1),
            note(125, Kind::Pause, 0),
            note(130, Kind::Idle, 0),
            note(180, Kind::Busy, 0),
            Note {
                at_ns: STARTED_NS + 30,
                ..note(0, Kind::Lag, 155)
            },
            note(185, Kind::Turn, 1),
            note(190, Kind::Last, 0),
            note(200, Kind::ClockStop, 0),
        ];
        let looks = [(50, ThreadState::Waiting), (150, ThreadState::Waiting)];
        let notes = [process(5, &[(5, &main)])];
        let found = trace(&notes, &seen(&[life(5, 5, &looks)]), STARTED_NS, 200).unwrap();
        let lane = &found.lanes[0];
        assert_eq!(lane.role, Role::Loop);
        assert_eq!(
            told(lane),
            [
                (Starting, None, 10),
                (Computing, Some(0), 20),
                (Computing, None, 25),
                (Blocked, Some(1), 125),
                (Computing, None, 130),
                (Idle, None, 180),
                (Computing, None, 185),
                (Computing, Some(1), 190),
                (Joining, None, 200),
            ]
        );
        let then: Vec<Option<Activity>> = lane.spans.iter().map(|span| span.then).collect();
        assert_eq!(
            (then[1], then[3], then[7]),
            (Some(Lock), Some(Waiting), None)
        );
        assert_eq!(found.longest_lag_ns(), Some(155));
    }

    #[test]
    fn a_long_turn_that_nobody_looked_at_blocked_the_loop_if_it_used_no_cpu_time() {
        use Activity::*;
        let used = |at, cpu_ns| Note {
            cpu_ns,
            ..note(at, Kind::Used, 0)
        };
        let main = [
            note(0, Kind::ClockStart, 0),
            note(10, Kind::Turn, 0),
            used(110, 12),
            note(110, Kind::Pause, 0),
            // Forty that are used between two long turns belong to neither.
            note(150, Kind::Turn, 1),
            used(250, 12 + 40 + 90),
            note(250, Kind::Last, 0),
            note(260, Kind::ClockStop, 0),
        ];
        let notes = [process(5, &[(5, &main)])];
        let found = trace(&notes, &ThreadLives::default(), STARTED_NS, 260).unwrap();
        assert_eq!(
            told(&found.lanes[0]),
            [
                (Starting, None, 10),
                (Blocked, Some(0), 110),
                (Computing, None, 150),
                (Computing, Some(1), 250),
                (Joining, None, 260),
            ]
        );
    }

    #[test]
    fn a_task_around_a_lock_shares_its_cpu_time_out() {
        use Activity::*;
        let main = [note(0, Kind::ClockStart, 0), note(1, Kind::Join, 0)];
        let worker = [
            note(10, Kind::Begin, 0),
            note(110, Kind::Lock, 0),
            note(210, Kind::Got, 0),
            end(310, 4),
            note(320, Kind::Begin, 1),
            note(330, Kind::Lock, 0),
            note(340, Kind::Got, 0),
            end(440, 4 + 100),
        ];
        let notes = [process(5, &[(5, &main), (6, &worker)])];
        let found = trace(&notes, &ThreadLives::default(), STARTED_NS, 500).unwrap();
        assert_eq!(
            told(&found.lanes[1]),
            [
                (Waiting, Some(0), 110),
                (Lock, Some(0), 210),
                (Waiting, Some(0), 310),
                (Idle, None, 320),
                (Computing, Some(1), 330),
                (Lock, Some(1), 340),
                (Computing, Some(1), 440),
            ]
        );
    }

    #[test]
    fn an_interpreters_start_is_no_cpu_time_of_its_tasks() {
        let arrived = |at, cpu_ns| Note {
            cpu_ns,
            ..note(at, Kind::Used, 0)
        };
        let main = [note(0, Kind::ClockStart, 0), note(10, Kind::Asked, 3)];
        let worker = [arrived(90, 70), note(100, Kind::Begin, 3), end(150, 110)];
        let notes = [process(5, &[(5, &main)]), process(8, &[(8, &worker)])];
        let found = trace(&notes, &ThreadLives::default(), STARTED_NS, 200).unwrap();
        assert_eq!(found.lanes[1].cpu_ns, Some(40));
    }

    #[test]
    fn behind_notes_that_there_was_no_room_for_only_what_was_seen_is_told() {
        use Activity::*;
        let main = [note(0, Kind::ClockStart, 0), note(1, Kind::Join, 0)];
        let worker = [
            note(10, Kind::Begin, 0),
            end(20, 10),
            note(30, Kind::Begin, 1),
        ];
        let looks = [15, 100, 200].map(|at| (at, ThreadState::Waiting));
        let mut process = process(5, &[(5, &main), (6, &worker)]);
        process.cut = 10;
        let seen = seen(&[life(5, 6, &looks)]);
        let found = trace(&[process], &seen, STARTED_NS, 300).unwrap();
        assert_eq!(found.spans_cut, 5);
        assert_eq!(told(&found.lanes[0]).last(), Some(&(Joining, None, 300)));
        assert_eq!(
            told(&found.lanes[1]),
            [
                (Computing, Some(0), 20),
                (Idle, None, 30),
                (Waiting, None, 200),
            ]
        );
    }

    #[test]
    fn a_pools_processes_wait_for_tasks_and_send_what_came_of_them() {
        use Activity::*;
        let main = [note(0, Kind::ClockStart, 0), note(1, Kind::Join, 0)];
        let born = [
            note(200, Kind::Born, STARTED_NS + 40),
            note(300, Kind::Begin, 3),
            end(400, 60),
        ];
        let alone = [
            note(500, Kind::Begin, 4),
            end(600, 90),
            note(610, Kind::Sent, 0),
        ];
        let looks = [
            (50, ThreadState::Running),
            (250, ThreadState::Running),
            (350, ThreadState::Running),
            (450, ThreadState::Waiting),
        ];
        let notes = [
            process(5, &[(5, &main)]),
            process(9, &[(9, &alone)]),
            process(8, &[(8, &born)]),
        ];
        let found = trace(&notes, &seen(&[life(8, 8, &looks)]), STARTED_NS, 700).unwrap();
        let processes: Vec<u32> = found.lanes.iter().map(|lane| lane.process).collect();
        assert_eq!(processes, [0, 1, 2]);
        let born = &found.lanes[1];
        assert_eq!(
            (born.begin_ns, born.end_ns, born.cpu_ns),
            (40, 450, Some(60))
        );
        assert_eq!(
            told(born),
            [
                (Starting, None, 200),
                (Sending, None, 300),
                (Computing, Some(3), 400),
                (Idle, None, 450),
            ]
        );
        assert_eq!(
            told(&found.lanes[2]),
            [(Computing, Some(4), 600), (Sending, Some(4), 610)]
        );
    }

    #[test]
    fn a_threads_number_may_be_given_to_another_and_nothing_noted_is_no_trace() {
        let main = [
            note(0, Kind::ClockStart, 0),
            note(5, Kind::Asked, 0),
            note(50, Kind::Asked, 1),
        ];
        let worker = [
            note(10, Kind::Begin, 0),
            end(40, 30),
            note(60, Kind::Begin, 1),
            end(70, 10),
        ];
        let notes = [process(5, &[(5, &main), (6, &worker)])];
        let found = trace(&notes, &ThreadLives::default(), STARTED_NS, 100).unwrap();
        let lives: Vec<(u64, u64)> = found
            .workers()
            .map(|lane| (lane.begin_ns, lane.end_ns))
            .collect();
        assert_eq!(lives, [(5, 40), (50, 70)]);
        assert!(!found.tells_gil);
        assert_eq!(trace(&[], &ThreadLives::default(), STARTED_NS, 100), None);
    }
}
