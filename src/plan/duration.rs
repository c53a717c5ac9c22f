//! How long a row takes at least, by what its cell declares, and the refusal of one that is hopeless.
//!
//! To count another kind of step: an arm in [`known_wait_ns`] or [`known_compute_ns`].

use super::bounds::Bounds;
use super::{BLOCKING_THREADS, FEWEST_REPEATS};
use crate::experiment::{Experiment, Point, Series};
use crate::model::{Footprint, find};
use crate::program::{Op, Statement};
use crate::units::{duration_text, format_ns};

/// Longest that a cell can allow a trial or itself.
const DAY_NS: u64 = 24 * 3_600_000_000_000;

/// Share of the declared computing that is surely needed: `cpu` is calibrated on a machine that may have
/// been busy then.
const SURE: (u64, u64) = (2, 3);

/// Why a row would take too long, and what to change; `None` where it may not.
pub fn too_long(
    experiment: &Experiment,
    series: &Series,
    point: &Point,
    footprint: &Footprint,
    usable_cpus: u32,
) -> Option<String> {
    let wait_ns = known_wait_ns(series, point, footprint);
    let runs = u64::from(FEWEST_REPEATS.min(experiment.repeat)) + 1;
    if wait_ns > experiment.trial_timeout_ns {
        return Some(format!(
            "its waits alone take {}, and `trial_timeout` is {}: use fewer `tasks`{}",
            format_ns(wait_ns as f64),
            format_ns(experiment.trial_timeout_ns as f64),
            or_a_higher(
                "trial_timeout",
                wait_ns.saturating_mul(2),
                " and a `budget` to match"
            )
        ));
    }
    let total_ns = wait_ns.saturating_mul(runs);
    if total_ns > experiment.budget_ns {
        return Some(format!(
            "its waits alone take {} a run, and {runs} runs do not fit into the budget of {}: use \
             fewer `tasks`{}",
            format_ns(wait_ns as f64),
            format_ns(experiment.budget_ns as f64),
            or_a_higher("budget", total_ns.saturating_add(total_ns / 2), "")
        ));
    }
    let compute_ns = known_compute_ns(series, point, footprint, usable_cpus);
    let surely_ns = compute_ns / SURE.1 * SURE.0;
    let (key, limit_ns) = match experiment.trial_timeout_ns <= experiment.budget_ns {
        true => ("trial_timeout", experiment.trial_timeout_ns),
        false => ("budget", experiment.budget_ns),
    };
    (surely_ns > limit_ns).then(|| {
        let room = match key {
            "budget" => or_a_higher(key, compute_ns.saturating_mul(runs + 1), ""),
            _ => or_a_higher(key, compute_ns.saturating_mul(2), " and a `budget` to match"),
        };
        format!(
            "its computing alone takes about {} a run, and `{key}` is {}: use fewer `tasks` or less work a \
             task{room}",
            format_ns(compute_ns as f64),
            format_ns(limit_ns as f64),
        )
    })
}

/// The remedy of a higher limit, where a cell can set one so high.
fn or_a_higher(key: &str, ns: u64, more: &str) -> String {
    match roomy_ns(ns) {
        ns if ns <= DAY_NS => format!(", or set `{key} = \"{}\"`{more}", duration_text(ns)),
        _ => String::new(),
    }
}

/// A round duration of at least this, as a cell writes it.
pub fn roomy(ns: u64) -> String {
    duration_text(roomy_ns(ns))
}

fn roomy_ns(ns: u64) -> u64 {
    const SECOND: u64 = 1_000_000_000;
    let step = if ns > 100 * SECOND {
        60 * SECOND
    } else {
        SECOND
    };
    ns.div_ceil(step).saturating_mul(step)
}

/// Time that a run takes at least, by the waits that the cell itself declares.
pub fn known_wait_ns(series: &Series, point: &Point, footprint: &Footprint) -> u64 {
    let loops = find(&series.model).is_some_and(|model| model.def().single_threaded);
    let bounds = Bounds {
        program: &point.program,
        limits: &point.limits(series),
    };
    bounds.least_ns(footprint.tasks_at_once, |op, group| match op {
        Op::Sleep { time } | Op::Http { time, .. } => (time.sum(group.tasks), None),
        Op::Query {
            statement: Statement::Time(time),
            database,
        } => {
            let on_threads = database.is_none() && loops;
            (
                time.sum(group.tasks),
                on_threads.then_some(BLOCKING_THREADS),
            )
        }
        // One thread can only be blocked once at a time.
        Op::Block { time } => (time.sum(group.tasks), loops.then_some(1)),
        _ => (0, None),
    })
}

/// Time that a run takes, about, by the computing whose time the cell itself declares (`cpu`).
fn known_compute_ns(
    series: &Series,
    point: &Point,
    footprint: &Footprint,
    usable_cpus: u32,
) -> u64 {
    let bounds = Bounds {
        program: &point.program,
        limits: &point.limits(series),
    };
    let workers = footprint
        .parallel
        .max(footprint.threads)
        .max(footprint.processes);
    let cores = workers.clamp(1, u64::from(usable_cpus.max(1)));
    bounds.least_ns(cores, |op, group| match op {
        Op::Compute { function, size } if function == "cpu" => (size.sum(group.tasks), None),
        _ => (0, None),
    })
}
