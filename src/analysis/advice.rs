//! What to try, by a traced run: where one task keeps an event loop from the others, and where threads wait for
//! their interpreter.
//!
//! To give another piece of advice: a sentence in [`advice`], where the numbers carry it.

use super::causes::waits_beside_threads;
use super::traced::Traced;
use super::{Report, Row, limits, runtimes};
use crate::measure::trace::{Activity, Role};
use crate::units::format_ns;

/// Lag of an event loop from which its tasks suffer.
const LATE_NS: u64 = 10_000_000;
/// Waits for the GIL behind other waits from which on their mean says something, and the mean that does.
const MANY_RETURNS: u64 = 5;
const SLOW_RETURN_NS: u64 = 1_000_000;

/// What to try where an event loop was kept from its tasks, or threads from their interpreter.
pub(super) fn advice(report: &Report) -> Vec<String> {
    let traced = report.rows.iter().filter(|row| row.did_the_work());
    let traced: Vec<(&Row, &Traced)> = traced
        .filter_map(|row| Some((row, row.traced.as_ref()?)))
        .collect();
    let late = traced
        .iter()
        // There it is not the tasks' work that keeps the loop.
        .filter(|(row, _)| row.model != "hybrid")
        .filter(|(_, traced)| traced.longest_lag_ns.is_some_and(|ns| ns >= LATE_NS))
        .filter_map(|(row, traced)| Some((*row, *traced, keeps_the_loop(traced)?)));
    // The worst one speaks for all.
    let late = late.max_by_key(|(_, traced, _)| traced.longest_lag_ns);
    let late = late.map(|(row, traced, doing)| late_loop(row, traced, doing));
    let slow = traced
        .iter()
        .filter_map(|(row, traced)| Some((*row, slow_return_ns(traced)?)));
    let slow = slow.max_by_key(|(_, ns)| *ns).map(|(row, ns)| {
        format!(
            "On {}, each wait took {} longer, until its thread had the GIL again (a convoy): processes have a \
             lock each, and a shorter `switch_interval` hands it over sooner.",
            row.label,
            format_ns(ns as f64)
        )
    });
    let told_already = slow.is_some() || !runtimes::interpreter_lock(report).is_empty();
    let cpus = report.machine.usable_cpus;
    let by_gil = |(row, _): &(&Row, &Traced)| limits::by_gil(row, cpus);
    let gil = traced.iter().any(by_gil) && !told_already;
    let gil = gil.then(|| {
        "The GIL lets one thread of a process compute at a time; processes have a lock each."
            .to_owned()
    });
    late.into_iter().chain(slow).chain(gil).collect()
}

/// What keeps a loop from tasks that wait for it; `None` where none does.
fn keeps_the_loop(traced: &Traced) -> Option<Activity> {
    let loops = traced
        .trace
        .workers()
        .filter(|lane| lane.role == Role::Loop);
    let (mut blocked_ns, mut computing_ns) = (0, 0);
    let starves = waits_beside_threads(traced);
    for lane in loops {
        blocked_ns += lane.total_ns(Activity::Blocked);
        blocked_ns += if starves {
            lane.total_ns(Activity::Gil)
        } else {
            0
        };
        computing_ns += lane.total_ns(Activity::Computing);
    }
    // Else something outside the loop made it late.
    if (blocked_ns + computing_ns) < traced.longest_lag_ns.unwrap_or(0) / 2 {
        return None;
    }
    let someone_waits = traced.tasks_ns[Activity::Waiting as usize] > 0;
    match blocked_ns >= computing_ns && blocked_ns > 0 {
        true => Some(Activity::Blocked),
        false => someone_waits.then_some(Activity::Computing),
    }
}

fn late_loop(row: &Row, traced: &Traced, doing: Activity) -> String {
    let lag = format_ns(traced.longest_lag_ns.unwrap_or(0) as f64);
    let python = row.has_gil() && row.runtime != "gil";
    // Whoever starts a thread waits until that has had the lock: it looks like a call that blocks.
    if waits_beside_threads(traced) {
        return format!(
            "The event loop of {} was up to {lag} late: threads of the same process held the GIL, or a task blocked; \
             what threads compute (`asyncio.to_thread`) takes turns with the loop, and processes have a lock each.",
            row.label
        );
    }
    let (does, instead) = match (doing, python) {
        (Activity::Blocked, false) => ("blocks", "`hybrid` hands such calls to threads"),
        (Activity::Blocked, true) => (
            "blocks",
            "`hybrid` hands such calls to threads, as `asyncio.to_thread` does",
        ),
        (_, false) if !row.has_gil() => ("computes", "`hybrid` hands such work to a pool"),
        _ => (
            "computes",
            "`hybrid` with pool = \"processes\" hands such work to others",
        ),
    };
    format!(
        "The event loop of {} was up to {lag} late: while one task {does}, no other on it goes on; {instead}.",
        row.label
    )
}

/// How long threads waited on average for the GIL when another wait of theirs had ended; `None` where that
/// is not worth a word.
fn slow_return_ns(traced: &Traced) -> Option<u64> {
    if !traced.trace.tells_gil {
        return None;
    }
    let (mut count, mut sum_ns) = (0u64, 0u64);
    for lane in traced.trace.workers() {
        for pair in lane.spans.windows(2) {
            if pair[0].activity != Activity::Waiting {
                continue;
            }
            count += 1;
            if pair[1].activity == Activity::Gil {
                sum_ns = sum_ns.saturating_add(pair[1].length_ns());
            }
        }
    }
    let mean_ns = sum_ns.checked_div(count)?;
    (count >= MANY_RETURNS && mean_ns >= SLOW_RETURN_NS).then_some(mean_ns)
}
