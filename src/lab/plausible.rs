//! Whether numbers that were read from a file can be measurements of a cell: what else is done with them
//! adds them up, draws them and counts to them.
//!
//! To check another number: a line in [`measurement`].

use crate::experiment::Experiment;
use crate::host::Machine;
use crate::measure::trace::{Lane, Trace};
use crate::model::QUANTILES;
use crate::model::settings::MOST_WORKERS;
use crate::plan::RowId;
use crate::process::MOST_APART;
use crate::program::Program;
use crate::trial::{Measurement, Record};
use std::collections::HashMap;

/// Longest that anything can take: the most that a cell can allow a trial, and the machinery's own part.
const MOST_NS: u64 = 2 * 24 * 3_600_000_000_000;
/// Most CPUs of a machine.
const MOST_CPUS: u64 = 1 << 14;
/// Most memory of a machine.
const MOST_MEMORY: u64 = 1 << 50;
/// Most samples of one run, twice what is kept of them.
const MOST_SAMPLES: usize = 8192;

/// Whether all numbers can be true.
pub fn all(experiment: &Experiment, records: &[Record], machine: &Machine) -> bool {
    let per_row = u64::from(experiment.repeat) + u64::from(experiment.warmup.max(1)) + 1;
    let mut of_row: HashMap<RowId, u64> = HashMap::new();
    let cpus = [machine.cpus, machine.usable_cpus];
    cpus.iter()
        .all(|cpus| (1..=MOST_CPUS).contains(&u64::from(*cpus)))
        && records.iter().all(|record| {
            let id = RowId {
                series: record.series,
                point: record.point,
            };
            let count = of_row.entry(id).or_insert(0);
            *count += 1;
            let program = &experiment.points[record.point].program;
            let measured = record.measurement.as_ref();
            *count <= per_row && measured.is_none_or(|m| measurement(m, program))
        })
}

fn measurement(m: &Measurement, program: &Program) -> bool {
    let reply = &m.reply;
    let tally = &reply.tally;
    let tasks = program.tasks();
    let times = [reply.wall_ns, m.elapsed_ns];
    let cpu_times = [
        reply.user_ns,
        reply.system_ns,
        reply.outside_cpu_ns,
        m.warden_cpu_ns,
    ];
    let counts = [
        tally.succeeded,
        tally.failed,
        tally.timed_out,
        tally.cancelled,
    ];
    let memory = m.memory.iter().flat_map(|m| [m.peak_bytes, m.growth_bytes]);
    let samples = &m.observed.samples;
    times.iter().all(|ns| *ns <= MOST_NS)
        && cpu_times.iter().all(|ns| *ns <= MOST_NS * MOST_CPUS)
        && are_of(&counts, tasks)
        && u64::from(tally.workers) <= tasks.max(MOST_WORKERS)
        && memory.into_iter().all(|bytes| bytes <= MOST_MEMORY)
        && samples.len() <= MOST_SAMPLES
        && samples.iter().all(|sample| {
            sample.at_ns <= MOST_NS
                && sample.bytes <= MOST_MEMORY
                && sample.cpu_ns <= MOST_NS * MOST_CPUS
                && sample.by_process.len() <= MOST_APART as usize + 1
                && sample.by_process.iter().all(|process| {
                    process.number <= MOST_APART
                        && process.bytes <= MOST_MEMORY
                        && process.cpu_ns <= MOST_NS * MOST_CPUS
                })
        })
        && samples.is_sorted_by_key(|sample| sample.at_ns)
        && m.observed
            .trace
            .as_ref()
            .is_none_or(|seen| trace(seen, tasks))
        && reply.groups.len() <= program.groups.len()
        && reply
            .groups
            .iter()
            .zip(&program.groups)
            .all(|(told, group)| {
                are_of(&[told.succeeded, told.failed, told.cancelled], group.tasks)
                    && told.quantiles_ns.len() <= QUANTILES
                    && told.quantiles_ns.iter().all(|ns| *ns <= MOST_NS)
                    && told.quantiles_ns.is_sorted()
            })
}

fn trace(trace: &Trace, tasks: u64) -> bool {
    let spans = |lane: &Lane| {
        lane.spans.is_sorted_by(|a, b| a.end_ns <= b.start_ns)
            && lane.spans.iter().all(|span| {
                span.end_ns <= MOST_NS && span.task.is_none_or(|number| number < tasks.max(1))
            })
    };
    // Besides those that run tasks: what starts them, and an event loop.
    trace.lanes.len() as u64 <= tasks.max(MOST_WORKERS).saturating_add(2)
        && trace.lanes.iter().all(|lane| {
            lane.begin_ns <= lane.end_ns
                && lane.end_ns <= MOST_NS
                && lane.totals_ns.iter().all(|ns| *ns <= MOST_NS)
                && lane.cpu_ns.is_none_or(|ns| ns <= MOST_NS)
                && spans(lane)
        })
        && trace
            .lags
            .iter()
            .all(|lag| lag.due_ns <= MOST_NS && lag.late_ns <= MOST_NS)
}

/// Whether so many tasks of each kind are no more than all.
fn are_of(counts: &[u64], tasks: u64) -> bool {
    counts.iter().copied().fold(0, u64::saturating_add) <= tasks
}
