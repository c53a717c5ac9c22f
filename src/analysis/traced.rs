//! What a traced run tells of a row: where workers × wall went, and what tracing cost.
//!
//! To add a part of the breakdown: a variant of [`Part`], its row in [`PARTS`] and the line of [`breakdown`]
//! that fills it.

use crate::measure::trace::{Activity, Lane, Role, Totals, Trace};
use crate::trial::Measurement;
use crate::units::format_count;
use serde::Serialize;
use std::sync::Arc;

/// What a traced run tells of a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Traced {
    /// Wall time of the traced run; its times are in no other number.
    pub wall_ns: u64,
    /// How much longer it took than the median of the timed runs, as a share; `None` where none was timed.
    pub cost: Option<f64>,
    /// Where workers × wall went; `None` where no worker was seen.
    pub breakdown: Option<Breakdown>,
    /// How late the event loop ran a due timer at worst, in nanoseconds; `None` where there is no loop.
    pub longest_lag_ns: Option<u64>,
    /// Time that tasks waited for locks and permits, on threads and on event loops alike, added up.
    pub lock_wait_ns: Option<u64>,
    /// Time that threads waited for the interpreter's lock, the one that starts and feeds the workers too, added up;
    /// 0 where there is none, and `None` where those waits weren't told from others.
    pub gil_wait_ns: Option<u64>,
    /// Time from the moment in which each worker was asked for to its first action, added up; `None` where no
    /// worker was seen.
    pub start_up_ns: Option<u64>,
    /// Spans that there was no room for.
    pub spans_cut: u64,
    /// Time that tasks of event loops spent with each activity, turns and what lies between them, added up.
    #[serde(skip)]
    pub tasks_ns: Totals,
    /// What was seen; not in the report's JSON, which would be very large: `save = "trace.json"` has it.
    #[serde(skip)]
    pub trace: Arc<Trace>,
}

/// Where workers × wall went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Breakdown {
    /// Workers that ran tasks, event loops among them.
    pub workers: u32,
    /// How many of them are the thread of an event loop.
    pub loops: u32,
    /// Wall time of the traced run.
    pub wall_ns: u64,
    /// Nanoseconds of each part, in the order of [`PARTS`]; their sum is workers × wall.
    #[serde(serialize_with = "as_map")]
    pub parts_ns: [u64; PARTS.len()],
}

/// One part of workers × wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Before the worker was asked for: whoever starts the workers did something else.
    Before,
    /// From then to its first action.
    StartUp,
    /// On a core.
    Computing,
    /// Ready to compute, without a core.
    NoCore,
    /// See [`Activity::Waiting`].
    Waiting,
    /// See [`Activity::Blocked`].
    Blocked,
    /// See [`Activity::Gil`].
    Gil,
    /// See [`Activity::Lock`].
    Lock,
    /// See [`Activity::Limit`].
    Limit,
    /// See [`Activity::Sending`].
    Transfer,
    /// See [`Activity::Idle`].
    Idle,
    /// From the worker's end to that of the run.
    Joining,
}

/// What a part is called and what it means.
#[derive(Clone, Copy, Debug)]
pub struct PartDef {
    /// Which.
    pub part: Part,
    /// In the report's JSON.
    pub key: &'static str,
    /// In legends and sentences.
    pub title: &'static str,
    /// One sentence.
    pub doc: &'static str,
}

/// Every part, in the order of [`Part`] and of legends.
pub const PARTS: &[PartDef] = &[
    PartDef {
        part: Part::Before,
        key: "not_yet_asked_for_ns",
        title: "not yet asked for",
        doc: "from the start of the run until whoever starts the workers came to this one.",
    },
    PartDef {
        part: Part::StartUp,
        key: "start_up_ns",
        title: "start-up",
        doc: "from the moment in which a worker was asked for to its first action.",
    },
    PartDef {
        part: Part::Computing,
        key: "computing_ns",
        title: "computing",
        doc: "on a core, as the system counted it.",
    },
    PartDef {
        part: Part::NoCore,
        key: "waiting_for_a_core_ns",
        title: "waiting for a core",
        doc: "ready to compute while all cores were taken.",
    },
    PartDef {
        part: Part::Waiting,
        key: "waiting_ns",
        title: "waiting",
        doc: "waiting for time, a peer or a disk.",
    },
    PartDef {
        part: Part::Blocked,
        key: "blocked_ns",
        title: "blocked",
        doc: "waiting and keeping the thread of an event loop.",
    },
    PartDef {
        part: Part::Gil,
        key: "waiting_for_the_gil_ns",
        title: "waiting for the GIL",
        doc: "ready to compute while another thread held the interpreter's lock.",
    },
    PartDef {
        part: Part::Lock,
        key: "waiting_for_a_lock_ns",
        title: "waiting for a lock",
        doc: "waiting for a lock that another task holds.",
    },
    PartDef {
        part: Part::Limit,
        key: "waiting_for_a_permit_ns",
        title: "waiting for a permit",
        doc: "waiting for a permit of `limits`.",
    },
    PartDef {
        part: Part::Transfer,
        key: "transfer_ns",
        title: "transfer",
        doc: "sending tasks and results between processes.",
    },
    PartDef {
        part: Part::Idle,
        key: "idle_ns",
        title: "idle",
        doc: "without a task: an empty queue, or an event loop with nothing that is ready.",
    },
    PartDef {
        part: Part::Joining,
        key: "joining_ns",
        title: "joining",
        doc: "from a worker's end to the end of the run.",
    },
];

/// The part that an activity belongs to.
fn part_of(activity: Activity) -> Part {
    match activity {
        Activity::Starting => Part::StartUp,
        Activity::Computing => Part::Computing,
        Activity::Waiting => Part::Waiting,
        Activity::Blocked => Part::Blocked,
        Activity::Gil => Part::Gil,
        Activity::Lock => Part::Lock,
        Activity::Limit => Part::Limit,
        Activity::Sending => Part::Transfer,
        Activity::Idle => Part::Idle,
        Activity::Joining => Part::Joining,
    }
}

impl Part {
    /// Its row.
    pub fn def(self) -> &'static PartDef {
        &PARTS[self as usize]
    }
}

impl Breakdown {
    /// Nanoseconds of a part, over all workers.
    pub fn part_ns(&self, part: Part) -> u64 {
        self.parts_ns[part as usize]
    }

    /// A part's share of workers × wall, from 0 to 1.
    pub fn share(&self, part: Part) -> f64 {
        let whole = f64::from(self.workers) * self.wall_ns as f64;
        if whole > 0.0 {
            self.part_ns(part) as f64 / whole
        } else {
            0.0
        }
    }

    /// Who its workers are, in the table's way of counting: "8 workers", "an event loop and 2 workers".
    pub fn team(&self) -> String {
        let workers = |count: u32| match count {
            1 => "1 worker".to_owned(),
            several => format!("{} workers", format_count(several.into())),
        };
        match (self.loops, self.workers.saturating_sub(self.loops)) {
            (0, _) | (_, 0) => workers(self.workers),
            (1, beside) => format!("an event loop and {}", workers(beside)),
            (loops, beside) => format!("{loops} event loops and {}", workers(beside)),
        }
    }
}

impl Traced {
    /// What the tasks of its event loops wait for most while these are idle; `None` where none waits, or where
    /// what was cut of them could be more.
    pub fn tasks_wait_for(&self) -> Option<Activity> {
        let waits = [Activity::Waiting, Activity::Lock, Activity::Limit];
        let waits = waits.map(|activity| (activity, self.tasks_ns[activity as usize]));
        let (activity, ns) = waits.into_iter().max_by_key(|(_, ns)| *ns)?;
        (ns > 0).then_some(activity)
    }
}

/// What a traced run tells; `timed_wall_ns` is the median of the timed ones, `has_gil` whether its
/// interpreter has a lock. `None` where nothing was traced.
pub(super) fn traced(
    run: &Measurement,
    timed_wall_ns: Option<f64>,
    has_gil: bool,
) -> Option<Traced> {
    let trace = run.observed.trace.as_ref()?;
    let wall_ns = run.reply.wall_ns;
    let breakdown = breakdown(trace, wall_ns);
    let part = |part: Part| Some(breakdown.as_ref()?.part_ns(part));
    // On a loop it is a task that waits, not the thread. What was cut is missing there, where spans alone tell.
    let has_loop = trace.workers().any(|lane| lane.role == Role::Loop);
    let is_whole = trace.spans_cut == 0 || !has_loop;
    let tasks_ns = match is_whole {
        true => trace.tasks_totals_ns(),
        false => Totals::default(),
    };
    let on_threads = trace.workers().filter(|lane| lane.role == Role::Worker);
    let lock_wait_ns = on_threads
        .map(|lane| &lane.totals_ns)
        .chain([&tasks_ns])
        .flat_map(|totals| {
            [Activity::Lock, Activity::Limit].map(|activity| totals[activity as usize])
        })
        .fold(0, u64::saturating_add);
    let gil_wait_ns = match (has_gil, trace.tells_gil) {
        (false, _) => Some(0),
        (true, true) => {
            let lanes = trace.lanes.iter().map(|lane| lane.total_ns(Activity::Gil));
            Some(lanes.sum())
        }
        (true, false) => None,
    };
    Some(Traced {
        wall_ns,
        cost: timed_wall_ns
            .filter(|timed_ns| *timed_ns > 0.0)
            .map(|timed_ns| wall_ns as f64 / timed_ns - 1.0),
        longest_lag_ns: trace.longest_lag_ns(),
        lock_wait_ns: (breakdown.is_some() && is_whole).then_some(lock_wait_ns),
        gil_wait_ns,
        start_up_ns: part(Part::StartUp),
        breakdown,
        spans_cut: trace.spans_cut,
        tasks_ns,
        trace: trace.clone(),
    })
}

/// Where workers × wall went: each worker's life, what came before it and what came after.
fn breakdown(trace: &Trace, wall_ns: u64) -> Option<Breakdown> {
    let mut parts_ns = [0; PARTS.len()];
    let (mut workers, mut loops) = (0, 0);
    for lane in trace.workers() {
        workers += 1;
        loops += u32::from(lane.role == Role::Loop);
        // The trial's own thread, which comes first, is asked for with the run.
        let is_first = std::ptr::eq(lane, &trace.lanes[0]);
        let before = if is_first {
            Part::StartUp
        } else {
            Part::Before
        };
        add(lane, before, wall_ns, &mut parts_ns);
    }
    (workers > 0).then_some(Breakdown {
        workers,
        loops,
        wall_ns,
        parts_ns,
    })
}

fn add(lane: &Lane, before: Part, wall_ns: u64, parts_ns: &mut [u64; PARTS.len()]) {
    let begin_ns = lane.begin_ns.min(wall_ns);
    parts_ns[before as usize] += begin_ns;
    // A worker's last moments, such as telling that it has ended, can lie behind the clock's.
    let mut left_ns = wall_ns - begin_ns;
    for (number, total_ns) in lane.totals_ns.iter().enumerate() {
        let part = part_of(crate::measure::trace::ACTIVITIES[number].activity);
        let mut total_ns = (*total_ns).min(left_ns);
        left_ns -= total_ns;
        if part == Part::Computing
            && let Some(cpu_ns) = lane.cpu_ns
        {
            let on_core_ns = total_ns.min(cpu_ns);
            parts_ns[Part::NoCore as usize] += total_ns - on_core_ns;
            total_ns = on_core_ns;
        }
        parts_ns[part as usize] += total_ns;
    }
    parts_ns[Part::Joining as usize] += left_ns;
}

fn as_map<S: serde::Serializer>(
    parts_ns: &[u64; PARTS.len()],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(PARTS.iter().zip(parts_ns).map(|(def, ns)| (def.key, ns)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(role: Role, begin_ns: u64, end_ns: u64, did: &[(Activity, u64)]) -> Lane {
        let mut totals_ns = Totals::default();
        for (activity, ns) in did {
            totals_ns[*activity as usize] += ns;
        }
        Lane {
            role,
            number: 1,
            process: 0,
            begin_ns,
            end_ns,
            cpu_ns: Some(30),
            totals_ns,
            spans: Vec::new(),
        }
    }

    #[test]
    fn parts_stand_in_their_order() {
        for (number, def) in PARTS.iter().enumerate() {
            assert_eq!(def.part as usize, number, "{}", def.title);
        }
    }

    #[test]
    fn a_breakdown_sums_to_workers_times_wall() {
        use Activity::*;
        let main = lane(Role::Main, 0, 100, &[(Joining, 100)]);
        let one = lane(
            Role::Worker,
            10,
            90,
            &[(Starting, 5), (Computing, 50), (Waiting, 20), (Limit, 5)],
        );
        // It ends behind the clock.
        let other = lane(Role::Worker, 20, 110, &[(Computing, 20), (Idle, 70)]);
        let trace = Trace {
            lanes: vec![main, one, other],
            ..Trace::default()
        };
        let found = breakdown(&trace, 100).unwrap();
        assert_eq!(found.workers, 2);
        assert_eq!(found.parts_ns.iter().sum::<u64>(), 200);
        assert_eq!(found.part_ns(Part::Before), 10 + 20);
        assert_eq!(found.part_ns(Part::StartUp), 5);
        assert_eq!(found.part_ns(Part::Computing), 30 + 20);
        assert_eq!(found.part_ns(Part::NoCore), 20);
        assert_eq!(
            (found.part_ns(Part::Limit), found.part_ns(Part::Joining)),
            (5, 10)
        );
        assert_eq!(found.share(Part::Computing), 0.25);
        assert_eq!(breakdown(&Trace::default(), 100), None);
        let alone = Trace {
            lanes: vec![lane(Role::Loop, 10, 100, &[(Starting, 5), (Idle, 85)])],
            ..Trace::default()
        };
        let found = breakdown(&alone, 100).unwrap();
        assert_eq!(found.part_ns(Part::Before), 0, "nobody else asks for it");
        assert_eq!((found.part_ns(Part::StartUp), found.loops), (15, 1));
    }
}
