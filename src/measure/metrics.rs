//! What is measured, by name: claims, the text of help and the reference read these rows.
//!
//! To add a metric: a row in [`METRICS`] and the line of `analysis` that reads it.

use crate::describe::Better::{Higher, Lower, Neither};
use crate::describe::{Evidence, MetricDef};

/// Every metric, in the order in which help lists them.
pub const METRICS: &[MetricDef] = &[
    MetricDef {
        name: "wall",
        title: "wall time",
        unit: "ns",
        better: Lower,
        evidence: Evidence::Interval,
        doc: "From the model's first action (creating threads, workers, an event loop) to the last task's \
              end and the joining of all that was created, by the monotonic clock.",
    },
    MetricDef {
        name: "cpu",
        title: "CPU time",
        unit: "ns",
        better: Lower,
        evidence: Evidence::Interval,
        doc: "User and system time of the whole tree of processes while the clock ran.",
    },
    MetricDef {
        name: "memory",
        title: "peak memory",
        unit: "bytes",
        better: Lower,
        evidence: Evidence::Readings,
        doc: "Peak of the whole tree. One process: its high-water mark, exact. Several: the sum of their \
              proportional set sizes (PSS, shared pages counted once), sampled in runs that aren't timed.",
    },
    MetricDef {
        name: "speedup",
        title: "speedup",
        unit: "ratio",
        better: Higher,
        evidence: Evidence::Interval,
        doc: "How many times faster than the baseline (sequential on the same runtime, else the first \
              model): the mean of the paired log ratios, with its 95 % interval. In claims the baseline is \
              always sequential.",
    },
    MetricDef {
        name: "efficiency",
        title: "efficiency",
        unit: "share",
        better: Higher,
        evidence: Evidence::Interval,
        doc: "The speedup against sequential on the same runtime, divided by the workers that ran: 1 where \
              every worker is worth a whole one.",
    },
    MetricDef {
        name: "throughput",
        title: "throughput",
        unit: "1/s",
        better: Higher,
        evidence: Evidence::Interval,
        doc: "Tasks that succeeded in a second of wall time.",
    },
    MetricDef {
        name: "latency",
        title: "latency",
        unit: "ns",
        better: Lower,
        evidence: Evidence::Single,
        doc: "Median time of a task, from its start to its end.",
    },
    MetricDef {
        name: "p95",
        title: "latency, 95th percentile",
        unit: "ns",
        better: Lower,
        evidence: Evidence::Single,
        doc: "The time within which 95 % of the tasks ended, from the start of each to its end.",
    },
    MetricDef {
        name: "succeeded",
        title: "tasks that succeeded",
        unit: "count",
        better: Higher,
        evidence: Evidence::Count,
        doc: "Tasks of a run that finished.",
    },
    MetricDef {
        name: "failed",
        title: "tasks that failed",
        unit: "count",
        better: Lower,
        evidence: Evidence::Count,
        doc: "Tasks of a run that ended in an error.",
    },
    MetricDef {
        name: "timed_out",
        title: "tasks that timed out",
        unit: "count",
        better: Lower,
        evidence: Evidence::Count,
        doc: "Tasks of a run that met a deadline of their own.",
    },
    MetricDef {
        name: "cancelled",
        title: "tasks that were cancelled",
        unit: "count",
        better: Lower,
        evidence: Evidence::Count,
        doc: "Tasks of a run that were called off before their end.",
    },
    MetricDef {
        name: "lost",
        title: "lost updates",
        unit: "count",
        better: Lower,
        evidence: Evidence::Count,
        doc: "Updates of shared data (or items of a pipeline) that were made and can't be found at the end: \
              expected minus counted.",
    },
    MetricDef {
        name: "switches",
        title: "context switches",
        unit: "count",
        better: Neither,
        evidence: Evidence::Readings,
        doc: "Voluntary (it waited) and involuntary (its core was taken) switches of all threads and \
              processes while the clock ran.",
    },
    MetricDef {
        name: "lag",
        title: "lag of the event loop",
        unit: "ns",
        better: Lower,
        evidence: Evidence::Single,
        doc: "The longest time by which an event loop ran a timer later than it was due, because it was busy \
              or blocked; in the traced run, which claims about it ask for. Of the models, `async`, `hybrid` and \
              `async-threads` have an event loop. Nothing is told of runs that are over within 5 ms.",
    },
    MetricDef {
        name: "lock_wait",
        title: "waiting for locks",
        unit: "ns",
        better: Lower,
        evidence: Evidence::Single,
        doc: "Time that tasks waited for locks that the cell declares (`lock = \"NAME\"`) and for permits of \
              `limits`, added up over all of them, so that it can be longer than the run; in the traced run. A lock \
              that the code of a `python` step makes for itself is not seen: waits for it count as other waiting.",
    },
    MetricDef {
        name: "gil_wait",
        title: "waiting for the GIL",
        unit: "ns",
        better: Lower,
        evidence: Evidence::Single,
        doc: "Time that threads were ready to compute while another one held the interpreter's lock, added up \
              over all of them, the one that starts and feeds the workers too; in the traced run. 0 where there is \
              no such lock: on `native`, and on a Python without a GIL.",
    },
    MetricDef {
        name: "start_up",
        title: "start-up",
        unit: "ns",
        better: Lower,
        evidence: Evidence::Single,
        doc: "Time from the moment in which each worker was asked for to its first action, added up over all \
              workers, so that it can be longer than the run; in the traced run.",
    },
];

/// Metrics that claims will know in a later version.
pub const LATER: &[&str] = &["queue"];

/// The metric of that name.
pub fn find(name: &str) -> Option<&'static MetricDef> {
    METRICS.iter().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn metrics_are_unique_and_of_a_unit_that_constants_have() {
        let names: HashSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        for metric in METRICS {
            let units = ["ns", "bytes", "ratio", "share", "1/s", "count"];
            assert!(units.contains(&metric.unit), "{}", metric.name);
            assert!(metric.doc.ends_with('.'), "{}", metric.name);
            assert!(!LATER.contains(&metric.name), "{}", metric.name);
        }
    }
}
