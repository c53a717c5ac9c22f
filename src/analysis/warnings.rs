//! What makes the numbers less certain, calmly, with what to do about it.
//!
//! To add a warning: a function and a row in [`WARNINGS`].

use super::statistics::{mean, median};
use super::{Report, Row};
use crate::units::format_ns;

/// A look at the whole report; `None` where there is nothing to say.
type Warning = fn(&Report) -> Option<String>;

const WARNINGS: &[Warning] = &[
    too_short,
    wide_spread,
    drift,
    busy_machine,
    preempted,
    oversubscribed,
    throttled,
];

/// All that there is to say; nothing where there are no numbers.
pub fn warnings(report: &Report) -> Vec<String> {
    if report.rows.iter().all(|row| row.wall_ns.is_none()) {
        return Vec::new();
    }
    WARNINGS
        .iter()
        .filter_map(|warning| warning(report))
        .collect()
}

/// Labels of the rows for which `is` holds: "threads", "threads and async", "threads and 3 more".
fn named(report: &Report, is: impl Fn(&Row) -> bool) -> Option<String> {
    let mut labels: Vec<String> = Vec::new();
    for row in report.rows.iter().filter(|row| is(row)) {
        if !labels.contains(&row.label) {
            labels.push(row.label.clone());
        }
    }
    match labels.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        [one, two] => Some(format!("{one} and {two}")),
        [one, rest @ ..] => Some(format!("{one} and {} more", rest.len())),
    }
}

fn too_short(report: &Report) -> Option<String> {
    let short = |row: &Row| row.wall_ns.as_ref().is_some_and(|wall| wall.median < 1e6);
    let who = named(report, short)?;
    Some(format!(
        "runs shorter than 1 ms ({who}): the system's own noise is large beside them; give the tasks more \
         to do"
    ))
}

fn wide_spread(report: &Report) -> Option<String> {
    // Half of the range, so that one far run of few doesn't decide alone what is said elsewhere.
    let wide = |row: &Row| {
        row.wall_ns.as_ref().is_some_and(|wall| {
            wall.median >= 1e6
                && wall.samples.len() >= 3
                && (wall.max - wall.min) / 2.0 > 0.1 * wall.median
        })
    };
    let who = named(report, wide)?;
    Some(format!(
        "wall time of {who} spreads by more than ±10 %: close other programs, or raise `repeat`"
    ))
}

/// Later blocks slower or faster than earlier ones, over all rows.
fn drift(report: &Report) -> Option<String> {
    const DRIFT: f64 = 0.1;
    let ratios: Vec<f64> = report
        .rows
        .iter()
        .filter_map(|row| row.wall_ns.as_ref())
        .filter(|wall| wall.samples.len() >= 4)
        .map(|wall| {
            let (early, late) = wall.samples.split_at(wall.samples.len() / 2);
            (median(late) / median(early)).ln()
        })
        .collect();
    let drift = mean(&ratios);
    (ratios.len() >= 2 && drift.abs() > DRIFT.ln_1p()).then(|| {
        let direction = if drift > 0.0 { "slower" } else { "faster" };
        format!(
            "the machine grew {direction} during the experiment, by about {:.0} %: comparisons are paired \
             and hold, absolute times less so",
            (drift.abs().exp() - 1.0) * 100.0
        )
    })
}

fn busy_machine(report: &Report) -> Option<String> {
    let machine = &report.machine;
    let pressure = machine.cpu_pressure.filter(|percent| *percent > 10.0);
    let load = machine
        .load
        .filter(|load| *load > 0.75 * f64::from(machine.usable_cpus.max(1)));
    match (pressure, load) {
        (Some(percent), _) => Some(format!(
            "other programs wanted the CPU before this experiment began (tasks waited {percent:.0} % of the \
             last 10 s): close them for steadier numbers"
        )),
        // The load average remembers a minute, pressure only ten seconds: without it, load has to do.
        (None, Some(load)) if machine.cpu_pressure.is_none() => Some(format!(
            "the machine was busy before this experiment began (load {load:.1})"
        )),
        _ => None,
    }
}

/// Cores were taken away while something wanted to run on them, beyond what sharing explains.
fn preempted(report: &Report) -> Option<String> {
    let cpus = f64::from(report.machine.usable_cpus.max(1));
    let often = |row: &Row| {
        let (Some(wall), Some(cpu), Some(switches)) =
            (&row.wall_ns, &row.cpu_ns, &row.involuntary_switches)
        else {
            return false;
        };
        let alone = row.workers <= 1 || f64::from(row.workers) <= cpus;
        // A core that is shared is taken some hundred times a second.
        alone
            && cpu.median > 0.5 * wall.median
            && wall.median > 20e6
            && switches.median / (wall.median / 1e9) > 150.0
    };
    let who = named(report, often)?;
    Some(format!(
        "something else took the CPU from {who} again and again: close other programs"
    ))
}

fn oversubscribed(report: &Report) -> Option<String> {
    let cpus = report.machine.usable_cpus.max(1);
    let over = |row: &Row| {
        let (Some(wall), Some(cpu)) = (&row.wall_ns, &row.cpu_ns) else {
            return false;
        };
        let pool = matches!(row.model.as_str(), "thread-pool" | "process-pool");
        pool && row.workers > cpus && cpu.median > 0.9 * wall.median * f64::from(cpus)
    };
    let who = named(report, over)?;
    Some(format!(
        "{who} ran with more workers than the {cpus} usable CPUs: more would not compute faster"
    ))
}

fn throttled(report: &Report) -> Option<String> {
    let times = report.machine.throttled.filter(|times| *times > 0)?;
    let longest = report
        .rows
        .iter()
        .filter_map(|row| row.wall_ns.as_ref())
        .map(|w| w.max)
        .fold(0.0, f64::max);
    Some(format!(
        "the container's CPU quota stopped it {times} times during the experiment (longest run {}): ask for \
         a larger quota, or fewer workers",
        format_ns(longest)
    ))
}
