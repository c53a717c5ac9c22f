//! What will run, in which order, and what won't: refusals before the start and the budget's cuts.
//!
//! Pure: numbers come in, decisions go out; [`crate::lab`] carries them out. To add a refusal: a function
//! and a line in [`refusal`]. [`bounds`] says what runs at once, [`duration`] how long it takes at least.

mod bounds;
mod duration;

use crate::compute;
use crate::experiment::{Experiment, Order, Point, Series};
use crate::host::{Limits, Machine};
use crate::model::{Footprint, find, spans_of};
use crate::program::{Op, Value, splitmix64};
use crate::units::{format_bytes, format_count, format_ns};
use bounds::Bounds;

/// Fewest timed repeats that the budget may cut to.
pub const FEWEST_REPEATS: u32 = 3;

/// Memory of one worker process beside what its task allocates: measured 1.0–1.3 MiB of PSS.
const PROCESS_BYTES: u64 = 3 << 19;

/// Memory of one thread: touched stack and kernel structures; measured 10–36 KB.
const THREAD_BYTES: u64 = 40 << 10;

/// Memory of one database connection: measured 80–100 KiB, for SQLite.
const CONNECTION_BYTES: u64 = 100 << 10;

/// Memory of the smallest program that a task runs: measured 90–120 KiB of PSS for `sleep`. What others
/// need only they know.
const PROGRAM_BYTES: u64 = 120 << 10;

/// Memory of one task on an event loop: its future; measured 0.5–0.6 KB for a task that sleeps.
const FUTURE_BYTES: u64 = 640;

/// The same of a worker process of Python: measured 3–10 MiB of PSS, by how it is started.
const PYTHON_PROCESS_BYTES: u64 = 4 << 20;

/// The same of one task of asyncio: measured 8–10 KB.
const PYTHON_FUTURE_BYTES: u64 = 10_000;

/// Memory in which the time of one task is noted.
const LATENCY_BYTES: u64 = 8;

/// Memory of one span of a traced run: as it is noted, as it is read, and in the reply's JSON.
const SPAN_BYTES: u64 = 120;

/// Descriptors that a trial has open beside those of its tasks.
const OWN_DESCRIPTORS: u64 = 32;

/// Threads of an event loop for what has no asynchronous interface: tokio's own limit.
const BLOCKING_THREADS: u64 = 512;

/// One series at one point: a row of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId {
    /// Index of the series.
    pub series: usize,
    /// Index of the point.
    pub point: usize,
}

/// All rows of an experiment, in the order of the answer: point by point.
pub fn rows(experiment: &Experiment) -> Vec<RowId> {
    let points = 0..experiment.points.len();
    points
        .flat_map(|point| (0..experiment.series.len()).map(move |series| RowId { series, point }))
        .collect()
}

/// One block: every row once, in the experiment's seeded order.
///
/// Blocks pair measurements: what drifts, drifts for all rows of a block alike (randomised block design).
/// A blocked order keeps the rows as they are, so that the caller can run all repeats of each in turn.
pub fn block(experiment: &Experiment, rows: &[RowId], number: u32) -> Vec<RowId> {
    let mut rows = rows.to_vec();
    if experiment.order == Order::Interleaved {
        let mut state = splitmix64(experiment.seed ^ splitmix64(u64::from(number)));
        // Fisher & Yates 1938, as Durstenfeld 1964 has it.
        for last in (1..rows.len()).rev() {
            state = splitmix64(state);
            rows.swap(last, (state % (last as u64 + 1)) as usize);
        }
    }
    rows
}

/// Timed repeats that a row needs at least.
pub fn fewest_repeats(experiment: &Experiment) -> u32 {
    FEWEST_REPEATS.min(experiment.repeat)
}

/// Why a row has no traced run: the same words for all, which share a note. A budget of `enough_ns` has room for them.
pub fn untraced(experiment: &Experiment, enough_ns: u64) -> String {
    format!(
        "the budget of {} left no time for it beside the timed runs: set `budget = \"{}\"` or have fewer rows",
        format_ns(experiment.budget_ns as f64),
        duration::roomy(enough_ns.max(experiment.budget_ns + 1))
    )
}

/// Timed repeats that fit: `experiment.repeat`, or fewer, down to [`FEWEST_REPEATS`].
///
/// `costs_ns` is what one trial of each row took, `left_ns` what is left of the budget.
pub fn repeats_that_fit(experiment: &Experiment, costs_ns: &[u64], left_ns: u64) -> u32 {
    let block_ns: u64 = costs_ns.iter().sum();
    let fit = left_ns.checked_div(block_ns).unwrap_or(u64::MAX);
    let fewest = fewest_repeats(experiment);
    u32::try_from(fit)
        .unwrap_or(u32::MAX)
        .clamp(fewest, experiment.repeat)
}

/// Rows that are left out because even the fewest repeats of all would break the budget: the dearest
/// first, with the reason. `elapsed_ns` is what has been spent.
pub fn left_out(
    experiment: &Experiment,
    costs: &[(RowId, u64)],
    elapsed_ns: u64,
) -> Vec<(RowId, String)> {
    let repeats = u64::from(fewest_repeats(experiment));
    let left_ns = experiment.budget_ns.saturating_sub(elapsed_ns);
    let mut costs = costs.to_vec();
    costs.sort_by_key(|(row, cost_ns)| (*cost_ns, *row));
    let mut total_ns: u64 = costs.iter().map(|(_, cost_ns)| cost_ns * repeats).sum();
    let traced_ns: u64 = match experiment.wants_trace() {
        true => costs.iter().map(|(_, cost_ns)| cost_ns).sum(),
        false => 0,
    };
    let budget = format_ns(experiment.budget_ns as f64);
    let for_all = duration::roomy(elapsed_ns + total_ns + traced_ns);
    let mut left_out = Vec::new();
    while total_ns > left_ns {
        let Some((row, cost_ns)) = costs.pop() else {
            break;
        };
        let cost = format_ns(cost_ns as f64);
        let needed = duration::roomy(elapsed_ns + total_ns + traced_ns);
        // It is not the row that is too dear, where most of the budget went before its turn.
        let is_late = elapsed_ns >= left_ns && cost_ns * repeats <= experiment.budget_ns;
        let why = match (is_late, repeats) {
            (true, _) => format!(
                "the warm-up runs took {} of the budget of {budget}, which leaves no time for timed runs of \
                 {cost}: set `budget = \"{for_all}\"` or have fewer rows",
                format_ns(elapsed_ns as f64)
            ),
            (false, 1) => format!(
                "one run takes about {cost}, which does not fit into the budget of {budget}: set `budget = \
                 \"{needed}\"` or give it less to do"
            ),
            (false, _) => format!(
                "one run takes about {cost}, and {repeats} of them do not fit into the budget of {budget}: set \
                 `budget = \"{needed}\"` or give it less to do"
            ),
        };
        left_out.push((row, why));
        total_ns -= cost_ns * repeats;
    }
    left_out
}

/// Why a row makes no sense: what its runtime can't do at all; `None` where it can.
pub fn unsupported(experiment: &Experiment, row: RowId) -> Option<String> {
    let series = &experiment.series[row.series];
    let point = &experiment.points[row.point];
    let program = &point.program;
    let runtime = &series.runtime;
    if let Some(why) = find(&series.model)?.unsupported(runtime) {
        return Some(why);
    }
    if !runtime.is_python() && program.uses_python() {
        return Some(format!(
            "`python` steps run on a real interpreter, and this row runs on {}: write \"{}@python\", or leave \
             `runtime` out",
            runtime.title(),
            series.model
        ));
    }
    let limits = point.limits(series);
    let shares = |op: &Op| match op {
        Op::Add { .. } => true,
        Op::Group { lock, permit, .. } => {
            let is_limited = |verb| limits.contains_key(verb);
            lock.is_some() || permit.as_ref().is_some_and(is_limited)
        }
        _ => false,
    };
    if series.model == "interpreters" && program.uses(shares) {
        return Some(
            "interpreters share no locks, limits or counter: use threads or processes for those"
                .to_owned(),
        );
    }
    let asks_postgres = |op: &Op| {
        matches!(
            op,
            Op::Query {
                database: Some(_),
                ..
            }
        )
    };
    (runtime.is_python() && program.uses(asks_postgres)).then(|| {
        "Python's standard library has no client for PostgreSQL: run it on native, or query the embedded SQLite by \
         leaving `database` out"
            .to_owned()
    })
}

/// Why a row must not even start on this machine, with what to change; `None` where it may.
pub fn refusal(
    experiment: &Experiment,
    row: RowId,
    machine: &Machine,
    limits: &Limits,
) -> Option<String> {
    let series = &experiment.series[row.series];
    let point = &experiment.points[row.point];
    let model = find(&series.model)?;
    let settings = experiment.settings(series, point, machine.usable_cpus);
    let footprint = model.footprint(point.program.tasks(), &settings);
    let elsewhere = model.def().uses_processes;
    let step_limits = point.limits(series);
    let bounds = Bounds {
        program: &point.program,
        limits: &step_limits,
    };
    too_many_threads(&footprint, limits)
        .or_else(|| too_many_processes(&bounds, &footprint, limits))
        .or_else(|| too_many_descriptors(&bounds, &footprint, elsewhere, limits))
        .or_else(|| too_much_memory(experiment, series, point, &footprint, limits))
        .or_else(|| duration::too_long(experiment, series, point, &footprint, machine.usable_cpus))
}

/// Most that one trial may hold: the cell's own limit, or three quarters of what is free.
pub fn memory_limit_bytes(experiment: &Experiment, limits: &Limits) -> u64 {
    let free = limits.memory_available_bytes.unwrap_or(u64::MAX);
    experiment.memory_limit_bytes.unwrap_or(free / 4 * 3)
}

fn too_many_threads(footprint: &Footprint, limits: &Limits) -> Option<String> {
    let in_process = limits.threads_per_process.unwrap_or(u64::MAX);
    let in_all = limits.tasks_left.unwrap_or(u64::MAX);
    let most = in_process.min(in_all);
    (footprint.threads > most).then(|| {
        let whose = if in_process <= in_all {
            "one process"
        } else {
            "this user or container"
        };
        format!(
            "it needs {} threads at once, and this machine allows {whose} {}: use fewer `tasks`, \
             or `thread-pool` or `async`, which need few threads",
            format_count(footprint.threads),
            format_count(most)
        )
    })
}

fn too_many_processes(bounds: &Bounds, footprint: &Footprint, limits: &Limits) -> Option<String> {
    let most = limits.tasks_left.unwrap_or(u64::MAX);
    let programs = bounds.most_held(footprint.tasks_at_once, |op| {
        u64::from(matches!(op, Op::Run { .. }))
    });
    let needed = footprint.processes.saturating_add(programs);
    (needed > most).then(|| {
        format!(
            "it needs {} processes at once, and this machine allows {} more: use fewer `tasks` or \
             `workers`, or `process-pool`, which needs one process a worker",
            format_count(needed),
            format_count(most)
        )
    })
}

/// `elsewhere`: whether tasks run in worker processes, which have descriptors of their own.
fn too_many_descriptors(
    bounds: &Bounds,
    footprint: &Footprint,
    elsewhere: bool,
    limits: &Limits,
) -> Option<String> {
    // What a task has open while it waits, in the process that runs the task; a task does one thing at a
    // time, but connections are kept for the next ones.
    let own_tasks = match elsewhere {
        true => 0,
        false => footprint.tasks_at_once,
    };
    let needed = bounds
        .most_held(own_tasks, open_by)
        .saturating_add(bounds.most_held(own_tasks, kept_by))
        .saturating_add(footprint.descriptors)
        .saturating_add(OWN_DESCRIPTORS);
    let most = limits.descriptors.unwrap_or(u64::MAX);
    (needed > most).then(|| {
        format!(
            "it needs {} open files at once, and this machine allows a process {} (ulimit -Hn): use \
             fewer `tasks`, a pool or `limits`, or raise the limit",
            format_count(needed),
            format_count(most)
        )
    })
}

fn too_much_memory(
    experiment: &Experiment,
    series: &Series,
    point: &Point,
    footprint: &Footprint,
    limits: &Limits,
) -> Option<String> {
    let held = allocated_bytes(point, footprint.tasks_at_once)
        .saturating_add(running_bytes(series, point, footprint));
    let (process_bytes, future_bytes) = match series.runtime.is_python() {
        true => (PYTHON_PROCESS_BYTES, PYTHON_FUTURE_BYTES),
        false => (PROCESS_BYTES, FUTURE_BYTES),
    };
    let needed = held
        .saturating_add(footprint.threads.saturating_mul(THREAD_BYTES))
        .saturating_add(footprint.processes.saturating_mul(process_bytes))
        .saturating_add(footprint.futures.saturating_mul(future_bytes))
        .saturating_add(data_bytes(point, footprint))
        .saturating_add(match experiment.wants_latencies() {
            true => point.program.tasks().saturating_mul(LATENCY_BYTES),
            false => 0,
        })
        .saturating_add(match experiment.wants_trace() {
            true => spans_of(point.program.tasks()) as u64 * SPAN_BYTES,
            false => 0,
        });
    let most = memory_limit_bytes(experiment, limits);
    (needed > most).then(|| {
        let limit = match experiment.memory_limit_bytes {
            Some(_) => "`memory_limit` is",
            None => "three quarters of what is free here are",
        };
        format!(
            "it needs about {} of memory at once, and {limit} {}: use fewer `tasks` or less memory a \
             task{}",
            format_bytes(needed as f64),
            format_bytes(most as f64),
            if experiment.memory_limit_bytes.is_some() { ", or raise `memory_limit`" } else { "" }
        )
    })
}

/// Descriptors that one operation has open, and gives back.
fn open_by(op: &Op) -> u64 {
    match op {
        Op::Http { reuse: false, .. } | Op::Fetch { reuse: false, .. } => 1,
        Op::Read { .. } | Op::Write { .. } => 1,
        // Its standard input and output, the pipe from its standard error, and the handle to wait for.
        Op::Run { .. } => 6,
        _ => 0,
    }
}

/// Descriptors of a connection that one operation leaves to the next.
fn kept_by(op: &Op) -> u64 {
    match op {
        Op::Http { reuse: true, .. } | Op::Fetch { reuse: true, .. } => 1,
        // The file and its log.
        Op::Query { database: None, .. } => 2,
        // A socket and, for a blocking client, the event loop that it waits with.
        Op::Query { .. } => 5,
        _ => 0,
    }
}

/// Memory that tasks hold at the same time: each keeps what it allocates to its end.
fn allocated_bytes(point: &Point, tasks_at_once: u64) -> u64 {
    let mut bytes = 0u64;
    for group in &point.program.groups {
        for op in &group.ops {
            op.walk(1, &mut |op, times| {
                if let Op::Alloc { bytes: size } = op {
                    let at_once = size
                        .largest(group.tasks)
                        .saturating_mul(tasks_at_once.min(group.tasks));
                    bytes = bytes
                        .saturating_add(at_once.min(size.sum(group.tasks)).saturating_mul(times));
                }
            });
        }
    }
    bytes
}

/// Memory that operations hold while they run: each task in progress is in one of them. A single thread
/// computes for one task at a time, but waits for all.
fn running_bytes(series: &Series, point: &Point, footprint: &Footprint) -> u64 {
    let loops = find(&series.model).is_some_and(|model| model.def().single_threaded);
    let bounds = Bounds {
        program: &point.program,
        limits: &point.limits(series),
    };
    let mut most = 0u64;
    bounds.walk(|group, op, _, bounds| {
        let (bytes, at_once) = match op {
            Op::Compute { function, size } => {
                let size = size.largest(group.tasks);
                let def = compute::find(function);
                let at_once = if loops { 1 } else { footprint.tasks_at_once };
                (def.map_or(0, |def| (def.memory_bytes)(size)), at_once)
            }
            Op::Query { .. } => (CONNECTION_BYTES, footprint.tasks_at_once),
            Op::Run { .. } => (PROGRAM_BYTES, footprint.tasks_at_once),
            _ => return,
        };
        let tightest = bounds.iter().map(|(_, most)| *most).min();
        let at_once = at_once.min(group.tasks).min(tightest.unwrap_or(u64::MAX));
        most = most.max(bytes.saturating_mul(at_once));
    });
    most
}

/// Memory of what tasks are given and give back: once here, and on both sides of a pipe once for each
/// worker.
fn data_bytes(point: &Point, footprint: &Footprint) -> u64 {
    let program = &point.program;
    let largest = |size: &Option<Value>| {
        let size = size.as_ref();
        size.map_or(0, |size| size.largest(program.tasks()))
    };
    let (argument, result) = (largest(&program.argument), largest(&program.result));
    let results = result.saturating_mul(footprint.parallel.max(1));
    let copies = argument
        .saturating_add(result)
        .saturating_mul(footprint.processes);
    argument.saturating_add(results).saturating_add(copies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{Group, Program};
    use crate::runtime::Runtime;

    const MS: u64 = 1_000_000;

    fn point(lock: Option<&str>, permit: Option<&str>) -> Point {
        let time = Value::Const(20 * MS);
        let sleep = Op::Group {
            ops: vec![Op::Sleep { time }],
            times: 3,
            lock: lock.map(str::to_owned),
            permit: permit.map(str::to_owned),
            label: String::new(),
        };
        Point {
            case: None,
            at: Vec::new(),
            program: Program {
                groups: vec![Group {
                    name: String::new(),
                    tasks: 8,
                    ops: vec![sleep],
                }],
                ..Program::default()
            },
            workers: None,
            chunk: None,
        }
    }

    fn wait_ns(series: &Series, point: &Point) -> u64 {
        let model = find(&series.model).unwrap();
        let footprint = model.footprint(point.program.tasks(), &Default::default());
        duration::known_wait_ns(series, point, &footprint)
    }

    #[test]
    fn locks_and_limits_bound_the_waits_that_overlap() {
        let threads = Series::plain("threads", &Runtime::Native);
        assert_eq!(
            wait_ns(&threads, &point(None, None)),
            60 * MS,
            "all at once"
        );
        assert_eq!(wait_ns(&threads, &point(Some("a"), None)), 8 * 60 * MS);
        let permit = point(None, Some("sleep"));
        assert_eq!(wait_ns(&threads, &permit), 60 * MS, "nobody limits it");
        let limited = |most| Series {
            limits: [("sleep".to_owned(), most)].into(),
            ..threads.clone()
        };
        assert_eq!(wait_ns(&limited(2), &permit), 4 * 60 * MS);
        assert_eq!(wait_ns(&limited(99), &permit), 60 * MS);
    }

    #[test]
    fn an_event_loop_for_too_many_tasks_is_refused_and_a_million_are_not() {
        let needs = |model: &str, tasks| {
            let footprint = find(model).unwrap().footprint(tasks, &Default::default());
            footprint.futures * FUTURE_BYTES + footprint.threads * THREAD_BYTES
        };
        assert!(needs("async", 1_000_000) < 1 << 30);
        assert!(needs("async", 1_000_000_000) > 500 << 30);
        assert!(needs("hybrid", 1_000_000_000) > 500 << 30);
        assert!(needs("threads", 10_000) < 1 << 30);
    }

    fn limited(most: u64) -> Series {
        Series {
            limits: [("http".to_owned(), most)].into(),
            ..Series::plain("async", &Runtime::Native)
        }
    }

    #[test]
    fn limits_bound_what_is_open_at_once() {
        let http = Op::Http {
            time: Value::Const(MS),
            status: Value::Const(200),
            bytes: Value::Const(0),
            reuse: true,
        };
        let mut point = point(None, Some("http"));
        let Op::Group { ops, .. } = &mut point.program.groups[0].ops[0] else {
            panic!("a group");
        };
        *ops = vec![http];
        point.program.groups[0].tasks = 100_000;
        let limits = Limits {
            descriptors: Some(4096),
            ..Limits::default()
        };
        let refused = |series: &Series| {
            let footprint = find("async")
                .unwrap()
                .footprint(100_000, &Default::default());
            let bounds = Bounds {
                program: &point.program,
                limits: &point.limits(series),
            };
            too_many_descriptors(&bounds, &footprint, false, &limits)
        };
        assert_eq!(refused(&limited(500)), None);
        let why = refused(&limited(5_000)).unwrap();
        assert!(why.contains("5,032 open files"), "{why}");
        let why = refused(&Series::plain("async", &Runtime::Native)).unwrap();
        assert!(why.contains("100,032 open files"), "{why}");
    }
}
