//! Synthetic traces: runs whose every span is known, so that figures can be tested without a clock. Beside
//! the [`simulator`](crate::simulator), which gives their reports.
//!
//! To trace something else: a function that returns [`Trace`]s for the lanes of a simulation.

use crate::simulator::{self, Simulation};
use conclab::analysis::{OverTime, OverTimeSample, ProcessAt, Report};
use conclab::measure::trace::{Activity, Lag, Lane, Role, Span, Totals, Trace};
use conclab::trial::Kind;
use std::sync::Arc;

pub const US: u64 = 1_000;
pub const MS: u64 = 1_000_000;

/// What a lane does next: an activity, for a task, so long; and what that task does afterwards.
pub type Step = (Activity, Option<u64>, u64, Option<Activity>);

/// A lane that does these one behind the other from `begin_ns` on.
pub fn lane(role: Role, number: u32, process: u32, begin_ns: u64, steps: &[Step]) -> Lane {
    let mut at = begin_ns;
    let mut totals_ns = Totals::default();
    let spans: Vec<Span> = steps
        .iter()
        .map(|(activity, task, length_ns, then)| {
            let start_ns = at;
            at += length_ns;
            totals_ns[*activity as usize] += length_ns;
            Span {
                activity: *activity,
                task: *task,
                start_ns,
                end_ns: at,
                then: *then,
            }
        })
        .collect();
    Lane {
        role,
        number,
        process,
        begin_ns,
        end_ns: at,
        cpu_ns: None,
        totals_ns,
        spans,
    }
}

pub fn step(activity: Activity, task: u64, length_ns: u64) -> Step {
    (activity, Some(task), length_ns, None)
}

pub fn own(activity: Activity, length_ns: u64) -> Step {
    (activity, None, length_ns, None)
}

/// One traced run for each row of a simulation, whose wall time is that of its longest lane.
pub fn report(simulation: &Simulation, traces: &[Trace]) -> Report {
    let mut records = simulation.records();
    let sampled = records.iter().filter(|record| record.kind == Kind::Sampled);
    let traced: Vec<_> = sampled
        .zip(traces)
        .filter(|(_, trace)| !trace.lanes.is_empty())
        .filter_map(|(record, trace)| {
            let mut record = record.clone();
            record.kind = Kind::Traced;
            let measurement = record.measurement.as_mut()?;
            let ends = trace.lanes.iter().map(|lane| lane.end_ns);
            measurement.reply.wall_ns = ends.max().unwrap_or(0);
            measurement.observed.trace = Some(Arc::new(trace.clone()));
            Some(record)
        })
        .collect();
    records.extend(traced);
    simulation.report_of(&records)
}

fn trace(lanes: Vec<Lane>) -> Trace {
    Trace {
        lanes,
        ..Trace::default()
    }
}

fn main_lane(starting_ns: u64, joining_ns: u64) -> Lane {
    let steps = [
        own(Activity::Starting, starting_ns),
        own(Activity::Joining, joining_ns),
    ];
    lane(Role::Main, 1, 0, 0, &steps)
}

/// Eight tasks that compute and wait in turn, one behind the other.
pub fn sequential() -> Trace {
    let mut steps = vec![own(Activity::Starting, 20 * US)];
    for task in 0..8 {
        steps.push(step(Activity::Computing, task, 20 * MS));
        steps.push(step(Activity::Waiting, task, 30 * MS));
    }
    trace(vec![lane(Role::Worker, 1, 0, 0, &steps)])
}

/// A thread for each of the eight.
pub fn threads() -> Trace {
    let of = |task: u64| {
        let steps = [
            own(Activity::Starting, 80 * US),
            step(Activity::Computing, task, 20 * MS + 3 * MS * task),
            step(Activity::Waiting, task, 30 * MS),
        ];
        lane(Role::Worker, task as u32 + 1, 0, 60 * US * task, &steps)
    };
    let mut lanes = vec![main_lane(500 * US, 72 * MS)];
    lanes.extend((0..8).map(of));
    trace(lanes)
}

/// The same under one lock: one computes at a time, in slices of 5 ms.
pub fn gil() -> Trace {
    let mut all: Vec<Vec<Step>> = vec![vec![own(Activity::Starting, 80 * US)]; 4];
    for _ in 0..4 {
        for holder in 0..4u64 {
            for (task, steps) in all.iter_mut().enumerate() {
                let does = match task as u64 == holder {
                    true => Activity::Computing,
                    false => Activity::Gil,
                };
                steps.push(step(does, task as u64, 5 * MS));
            }
        }
    }
    for (task, steps) in all.iter_mut().enumerate() {
        steps.push(step(Activity::Waiting, task as u64, 30 * MS));
    }
    let lanes = all.iter().zip(1u32..);
    let mut lanes: Vec<Lane> = lanes
        .map(|(steps, number)| lane(Role::Worker, number, 0, 0, steps))
        .collect();
    lanes.insert(0, main_lane(500 * US, 110 * MS));
    Trace {
        tells_gil: true,
        ..trace(lanes)
    }
}

/// Two processes that take turns with a lock, and send what they made.
pub fn processes() -> Trace {
    let of = |number: u64| {
        let mut steps = vec![own(Activity::Starting, 9 * MS)];
        for round in 0..4 {
            let task = 2 * round + number - 1;
            let (first, second) = match number {
                1 => (Activity::Computing, Activity::Lock),
                _ => (Activity::Lock, Activity::Computing),
            };
            steps.push(step(first, task, 6 * MS));
            steps.push(step(second, task, 6 * MS));
            steps.push(step(Activity::Sending, task, 3 * MS));
        }
        steps.push(own(Activity::Idle, 4 * MS));
        lane(Role::Worker, 1, number as u32, 400 * US * number, &steps)
    };
    trace(vec![main_lane(MS, 75 * MS), of(1), of(2)])
}

/// Three tasks on an event loop, which take turns: what the course draws.
pub fn turns() -> Trace {
    event_loop(3, 5, 2 * MS, 12 * MS)
}

/// So many tasks with so many turns on an event loop, and so long a wait between them.
pub fn event_loop(tasks: u64, rounds: u64, turn_ns: u64, wait_ns: u64) -> Trace {
    let mut steps = vec![own(Activity::Starting, 30 * US)];
    for round in 0..=rounds {
        for task in 0..tasks {
            let then = (round < rounds).then_some(Activity::Waiting);
            steps.push((Activity::Computing, Some(task), turn_ns, then));
        }
        if round < rounds {
            steps.push(own(Activity::Idle, wait_ns));
        }
    }
    let lane = lane(Role::Loop, 1, 0, 0, &steps);
    let turns = lane.spans.iter().filter(|span| span.task.is_some());
    let lags = turns.skip(tasks as usize).map(|span| Lag {
        due_ns: span.start_ns.saturating_sub(40 * US),
        late_ns: 40 * US + span.task.unwrap_or(0) * turn_ns,
    });
    Trace {
        lags: lags.collect(),
        ..trace(vec![lane])
    }
}

/// A task that blocks the loop of six others, which wait a little each time.
pub fn frozen() -> Trace {
    let mut steps = vec![own(Activity::Starting, 30 * US)];
    let round = |steps: &mut Vec<_>, last: bool| {
        for task in 0..6 {
            let then = (!last).then_some(Activity::Waiting);
            steps.push((Activity::Computing, Some(task), 300 * US, then));
        }
        if !last {
            steps.push(own(Activity::Idle, 10 * MS));
        }
    };
    round(&mut steps, false);
    round(&mut steps, false);
    steps.push((Activity::Blocked, Some(6), 80 * MS, None));
    round(&mut steps, false);
    round(&mut steps, true);
    let lane = lane(Role::Loop, 1, 0, 0, &steps);
    let lags = [10u64, 20, 22, 24, 26, 115].map(|due| Lag {
        due_ns: due * MS,
        late_ns: if (20..30).contains(&due) {
            (104 - due) * MS
        } else {
            60 * US
        },
    });
    Trace {
        lags: lags.to_vec(),
        ..trace(vec![lane])
    }
}

/// A pool of so many workers that share out so many short tasks.
pub fn pool(workers: u32, tasks: u64) -> Trace {
    let each = tasks / u64::from(workers);
    let of = |number: u32| {
        let mut steps = vec![own(Activity::Starting, 50 * US)];
        for nth in 0..each {
            let task = nth * u64::from(workers) + u64::from(number);
            let varied = 1 + (task * 2_654_435_761) % 7;
            steps.push(step(Activity::Computing, task, varied * 3 * US));
            steps.push(step(Activity::Waiting, task, 9 * US));
            if task % 5 == 0 {
                steps.push(step(Activity::Lock, task, varied * US));
            }
        }
        steps.push(own(Activity::Idle, 200 * US));
        lane(
            Role::Worker,
            number + 1,
            0,
            10 * US * u64::from(number),
            &steps,
        )
    };
    let mut lanes = vec![main_lane(100 * US, 2 * MS)];
    lanes.extend((0..workers).map(of));
    trace(lanes)
}

/// One thread for each of so many tasks.
pub fn thread_each(tasks: u64) -> Trace {
    let of = |task: u64| {
        let steps = [
            own(Activity::Starting, 30 * US),
            step(Activity::Computing, task, 40 * US),
            step(Activity::Waiting, task, 5 * MS + task * 13 % 1_000 * US),
        ];
        lane(Role::Worker, task as u32 + 1, 0, 2 * US * task, &steps)
    };
    let mut lanes = vec![main_lane(2 * US * tasks, 6 * MS)];
    lanes.extend((0..tasks).map(of));
    trace(lanes)
}

/// A simulation of these models, called as its title says.
pub fn simulation(title: &str, models: &[&'static str]) -> Simulation {
    let lanes = models.iter().map(|model| simulator::Lane {
        workers: 8,
        ..simulator::Lane::new(model, 100.0)
    });
    Simulation {
        title: title.to_owned(),
        ..Simulation::of(lanes.collect())
    }
}

/// A run of `processes` workers beside the trial itself, which come one after the other and grow.
pub fn over_time(processes: u64, samples: u64) -> OverTime {
    let wall_ns = 200 * MS;
    let sample = |nth: u64| {
        let at_ns = wall_ns * (nth + 1) / (samples + 1);
        let process = |number: u64| {
            let since_ns = at_ns.checked_sub(wall_ns * number / 20)?;
            let alive = number == 0 || since_ns < wall_ns * 7 / 10;
            let label = match number {
                0 => "trial".to_owned(),
                number => format!("worker {number}"),
            };
            alive.then(|| ProcessAt {
                label,
                bytes: (2 << 20) + since_ns / 40 * number.min(1),
                cores: if number == 0 {
                    0.05
                } else {
                    0.5 + 0.4 * (number % 2) as f64
                },
            })
        };
        OverTimeSample {
            at_ns,
            processes: (0..=processes).filter_map(process).collect(),
        }
    };
    OverTime {
        wall_ns,
        samples: (0..samples).map(sample).collect(),
        pss: true,
    }
}

/// A kind of traced report: its name, and what makes it.
pub type Made = (&'static str, fn() -> Report);

/// Every kind.
pub const REPORTS: &[Made] = &[
    ("models", || {
        let models = ["sequential", "threads", "processes"];
        let simulation = simulation("Computing and waiting in turn", &models);
        report(&simulation, &[sequential(), threads(), processes()])
    }),
    ("gil", || {
        let title = "Computing with and without a GIL";
        let mut simulation = simulation(title, &["threads", "threads"]);
        simulation.lanes[0] = simulation.lanes[0].clone().on("native", "");
        simulation.lanes[1] = simulation.lanes[1].clone().on("gil", "");
        report(&simulation, &[threads(), gil()])
    }),
    ("turns", || {
        let simulation = simulation("The event loop: three tasks", &["async"]);
        report(&simulation, &[turns()])
    }),
    ("frozen", || {
        let mut simulation = simulation("A blocking call in the loop", &["async"]);
        simulation.points = ["sleep", "block"]
            .map(|case| (Some(case.to_owned()), Vec::new()))
            .to_vec();
        let traces = [event_loop(6, 5, 300 * US, 10 * MS), frozen()];
        report(&simulation, &traces)
    }),
    ("many", || {
        let models = ["thread-pool", "threads", "async"];
        let traces = [
            pool(4, 100_000),
            thread_each(100_000),
            event_loop(50_000, 1, 2 * US, 5 * MS),
        ];
        report(&simulation("100,000 tasks", &models), &traces)
    }),
    ("workers", || {
        let simulation = simulation("A large pool", &["thread-pool"]);
        report(&simulation, &[pool(40, 4_000)])
    }),
    ("over-time", || {
        let models = ["sequential", "processes", "process-pool"];
        let mut report = simulation("Processes come and go", &models).report();
        for (row, processes) in report.rows.iter_mut().zip([0, 4, 12]) {
            row.over_time = Some(over_time(processes, 300));
        }
        report
    }),
];
