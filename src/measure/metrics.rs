//! What is measured, by name: the headings of tables and the text of help come from these rows.
//!
//! To add a metric: a row in [`METRICS`] and the line of `analysis` that reads it.

use crate::describe::MetricDef;

/// Every metric, in the order in which help lists them.
pub const METRICS: &[MetricDef] = &[
    MetricDef {
        name: "wall",
        title: "wall time",
        unit: "ns",
        doc: "From the model's first action (creating threads, workers, an event loop) to the last task's \
              end and the joining of all that was created, by the monotonic clock.",
    },
    MetricDef {
        name: "cpu",
        title: "CPU time",
        unit: "ns",
        doc: "User and system time of the whole tree of processes while the clock ran.",
    },
    MetricDef {
        name: "memory",
        title: "peak memory",
        unit: "bytes",
        doc: "Peak of the whole tree. One process: its high-water mark, exact. Several: the sum of their \
              proportional set sizes (PSS, shared pages counted once), sampled in runs that aren't timed.",
    },
    MetricDef {
        name: "speedup",
        title: "speedup",
        unit: "1",
        doc: "How many times faster than the baseline (sequential on the same runtime, else the first \
              model): the mean of the paired log ratios, with its 95 % interval.",
    },
    MetricDef {
        name: "switches",
        title: "context switches",
        unit: "1",
        doc: "Voluntary (it waited) and involuntary (its core was taken) switches of all threads and \
              processes while the clock ran.",
    },
    MetricDef {
        name: "lost",
        title: "lost",
        unit: "1",
        doc: "Updates of the shared counter that were lost: increments that tasks made (`add`) minus what \
              the counter shows in the end.",
    },
];
