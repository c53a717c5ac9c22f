//! Memory and CPU time over time, by process: the sampled repeat of a row as a series.
//!
//! To tell something else over time: a field of [`ProcessAt`] and the line of [`over_time`] that fills it.

use crate::experiment::Series;
use crate::model::{self, Start};
use crate::process::{MOST_APART, MemorySample};
use crate::trial::Measurement;
use std::collections::BTreeSet;

/// Shortest time over which CPU time is turned into cores: the system counts a computing thread's at its
/// ticks, mostly 4 ms apart.
const WINDOW_NS: u64 = 20_000_000;
/// Windows that a longer run is divided into.
const WINDOWS: u64 = 100;
/// Between two of the system's ticks, mostly.
const TICK_NS: f64 = 4e6;

/// Memory and CPU time of a row's processes while the clock ran, in its sampled repeat with the highest peak.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OverTime {
    /// Wall time of that repeat: the end of the series.
    pub wall_ns: u64,
    /// In order of time; never empty.
    pub samples: Vec<OverTimeSample>,
    /// Whether bytes are proportional sets; resident ones, which count shared pages more than once, where not.
    pub pss: bool,
}

/// All processes at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OverTimeSample {
    /// Since the clock started.
    pub at_ns: u64,
    /// Those that there were, the trial's own first, then in the order of their start.
    pub processes: Vec<ProcessAt>,
}

/// One process at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessAt {
    /// "trial", "worker 1", "process 1" where not all are workers, "others" for those beyond a bound.
    pub label: String,
    /// What it held.
    pub bytes: u64,
    /// Cores that it kept busy on the way here: its CPU time over the last 20 ms, or the last 1 % of a longer
    /// run, divided by that time; in the first of these, over all of it.
    pub cores: f64,
}

impl OverTime {
    /// Labels of all processes that were seen, the trial's own first, then in the order of their start.
    pub fn labels(&self) -> Vec<&str> {
        let mut labels: Vec<&str> = Vec::new();
        for process in self.samples.iter().flat_map(|sample| &sample.processes) {
            if !labels.contains(&process.label.as_str()) {
                labels.push(&process.label);
            }
        }
        labels
    }
}

/// The series of a sampled repeat on so many CPUs; `None` where nothing was seen while its clock ran.
pub(super) fn over_time(run: &Measurement, series: &Series, cpus: u32) -> Option<OverTime> {
    let clock_ns = run.observed.clock_ns?;
    let wall_ns = run.reply.wall_ns;
    let samples = &run.observed.samples;
    let first = samples.partition_point(|sample| sample.at_ns < clock_ns);
    let end_ns = clock_ns.saturating_add(wall_ns);
    let end = samples.partition_point(|sample| sample.at_ns <= end_ns);
    let inside = samples.get(first..end)?;
    if inside.iter().all(|sample| sample.by_process.is_empty()) {
        return None;
    }
    let seen: BTreeSet<u32> = inside
        .iter()
        .flat_map(|sample| &sample.by_process)
        .map(|process| process.number)
        .collect();
    let are_workers = are_workers(run, series, &seen);
    let window_ns = WINDOW_NS.max(wall_ns / WINDOWS);
    // What each had used when the clock started: the sample next to that says it.
    let apart_ns = |index: &usize| samples[*index].at_ns.abs_diff(clock_ns);
    let from = [first.saturating_sub(1), first];
    let from = from.into_iter().min_by_key(apart_ns).unwrap_or(first);
    let single = model::find(&series.model).is_some_and(|model| model.def().single_threaded);
    let told = (first..end).map(|index| {
        let sample = &samples[index];
        let earlier = samples[from..index.max(from)]
            .iter()
            .rposition(|earlier| earlier.at_ns.saturating_add(window_ns) <= sample.at_ns)
            .map(|position| from + position);
        // Before the first window has passed all of it tells: a shorter one would be an accident of ticks.
        let window = match earlier {
            Some(earlier) => &samples[earlier..=index],
            None => {
                let passed = |later: &MemorySample| {
                    later.at_ns >= samples[from].at_ns.saturating_add(window_ns)
                };
                let later = samples[from..end].iter().position(passed);
                let later = later.map_or(end - 1, |position| from + position);
                &samples[from.min(later)..=later]
            }
        };
        let mut processes = processes(sample, window, are_workers);
        let most = match single {
            // One thread, of which the system has counted a tick too many at most.
            true if cores(&processes) <= 1.0 + TICK_NS / window_ns as f64 => 1.0,
            _ => f64::from(cpus.max(1)),
        };
        let all = cores(&processes);
        if all > most {
            for process in &mut processes {
                process.cores *= most / all;
            }
        }
        OverTimeSample {
            at_ns: sample.at_ns - clock_ns,
            processes,
        }
    });
    Some(OverTime {
        wall_ns,
        samples: told.collect(),
        pss: inside.iter().all(|sample| sample.pss),
    })
}

/// Of all of them.
fn cores(processes: &[ProcessAt]) -> f64 {
    processes.iter().map(|process| process.cores).sum()
}

/// The processes of a sample, with the cores that they kept busy from the first sample of a window to its last.
fn processes(sample: &MemorySample, window: &[MemorySample], are_workers: bool) -> Vec<ProcessAt> {
    let elapsed_ns = match window {
        [first, .., last] => last.at_ns - first.at_ns,
        _ => 0,
    };
    let used_ns = |sample: &MemorySample, number: u32| {
        let processes = sample.by_process.iter();
        processes
            .filter(|process| process.number == number)
            .map(|process| process.cpu_ns)
            .next()
    };
    let told = sample.by_process.iter().map(|process| {
        // One that has come since then had used nothing; one that has gone, what was seen last.
        let number = process.number;
        let before_ns = window.first().and_then(|first| used_ns(first, number));
        let last = window.iter().rev().find_map(|last| used_ns(last, number));
        let used_ns = last.unwrap_or(0).saturating_sub(before_ns.unwrap_or(0));
        ProcessAt {
            label: label(number, are_workers),
            bytes: process.bytes,
            cores: match elapsed_ns {
                0 => 0.0,
                elapsed_ns => used_ns as f64 / elapsed_ns as f64,
            },
        }
    });
    told.collect()
}

fn label(number: u32, are_workers: bool) -> String {
    match number {
        0 => "trial".to_owned(),
        MOST_APART => "others".to_owned(),
        number if are_workers => format!("worker {number}"),
        number => format!("process {number}"),
    }
}

/// Whether the processes below the trial's own are all workers: not where a task runs a program, nor where
/// Python starts processes that start the workers.
fn are_workers(run: &Measurement, series: &Series, seen: &BTreeSet<u32>) -> bool {
    let uses = model::find(&series.model).is_some_and(|model| model.def().uses_processes);
    let forks = !series.runtime.is_python() || series.start == Some(Start::Fork);
    let all = seen.iter().filter(|number| **number > 0).count() as u32;
    uses && (forks || all <= run.reply.tally.workers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::ProcessSample;
    use crate::runtime::Runtime;
    use crate::trial::{Observed, Reply};

    const MS: u64 = 1_000_000;

    fn sample(at_ms: u64, processes: &[(u32, u64, u64)]) -> MemorySample {
        MemorySample {
            at_ns: at_ms * MS,
            bytes: processes.iter().map(|(_, bytes, _)| bytes).sum(),
            processes: processes.len() as u32,
            pss: true,
            by_process: processes
                .iter()
                .map(|(number, bytes, cpu_ms)| ProcessSample {
                    number: *number,
                    bytes: *bytes,
                    cpu_ns: cpu_ms * MS,
                })
                .collect(),
            ..MemorySample::default()
        }
    }

    fn run(samples: Vec<MemorySample>, clock_ms: Option<u64>) -> Measurement {
        let mut reply = Reply {
            wall_ns: 200 * MS,
            ..Reply::default()
        };
        reply.tally.workers = 2;
        Measurement {
            reply,
            elapsed_ns: 250 * MS,
            warden_cpu_ns: 0,
            memory: None,
            observed: Observed {
                samples,
                clock_ns: clock_ms.map(|ms| ms * MS),
                trace: None,
            },
            printed: String::new(),
        }
    }

    #[test]
    fn the_series_is_that_of_the_clock_and_cores_come_from_each_process() {
        let samples = vec![
            sample(5, &[(0, 70, 3)]),
            sample(20, &[(0, 100, 5)]),
            sample(40, &[(0, 100, 5), (1, 50, 20)]),
            sample(60, &[(0, 100, 5), (1, 50, 40), (2, 60, 10)]),
            sample(140, &[(0, 100, 45)]),
            sample(240, &[(0, 900, 245)]),
        ];
        let pool = Series::plain("processes", &Runtime::Native);
        let told = over_time(&run(samples.clone(), Some(30)), &pool, 2).unwrap();
        assert!(told.pss);
        let at: Vec<u64> = told.samples.iter().map(|s| s.at_ns / MS).collect();
        assert_eq!(at, [10, 30, 110], "without those before and after");
        let of = |index: usize| {
            let processes = told.samples[index].processes.iter();
            processes
                .map(|p| (p.label.as_str(), p.bytes, p.cores))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(0), [("trial", 100, 0.0), ("worker 1", 50, 1.0)]);
        assert_eq!(
            of(1),
            [
                ("trial", 100, 0.0),
                ("worker 1", 50, 1.0),
                ("worker 2", 60, 0.5)
            ]
        );
        assert_eq!(of(2), [("trial", 100, 0.5)]);
        assert_eq!(told.labels(), ["trial", "worker 1", "worker 2"]);
        // Not known when its clock started: an answer that was saved before that was kept.
        assert_eq!(over_time(&run(samples.clone(), None), &pool, 2), None);
        // Nothing was seen while it ran.
        assert_eq!(over_time(&run(samples, Some(1000)), &pool, 2), None);
    }

    #[test]
    fn the_first_points_are_no_peaks_and_no_more_cores_are_told_than_there_are() {
        let totals = |model: &str, samples: Vec<MemorySample>, clock_ms: u64| -> Vec<f64> {
            let series = Series::plain(model, &Runtime::Native);
            let told = over_time(&run(samples, Some(clock_ms)), &series, 2).unwrap();
            let samples = told.samples.iter();
            let totals = samples.map(|sample| cores(&sample.processes));
            totals.map(|cores| (cores * 1e6).round() / 1e6).collect()
        };
        // It had used 25 ms when nobody had looked yet; a tick of 4 ms is seen just behind the clock's start.
        let ticking = vec![
            sample(31, &[(0, 1, 25)]),
            sample(32, &[(0, 1, 29)]),
            sample(36, &[(0, 1, 33)]),
            sample(41, &[(0, 1, 37)]),
            sample(51, &[(0, 1, 45)]),
        ];
        assert_eq!(totals("threads", ticking.clone(), 30), [1.0; 5]);
        // Two samples around the start that are close to each other make no window.
        let mut before = ticking;
        before.insert(0, sample(29, &[(0, 1, 21)]));
        let told = totals("threads", before, 30);
        assert!(told.iter().all(|cores| *cores <= 1.2), "{told:?}");
        // More than there are, by what ticks counted.
        let many = vec![
            sample(30, &[(0, 1, 0), (1, 1, 0), (2, 1, 0)]),
            sample(50, &[(0, 1, 24), (1, 1, 24), (2, 1, 12)]),
        ];
        assert_eq!(totals("processes", many, 30), [2.0, 2.0]);
        let one = vec![sample(30, &[(0, 1, 0)]), sample(50, &[(0, 1, 24)])];
        assert_eq!(totals("async", one.clone(), 30), [1.0, 1.0]);
        assert_eq!(totals("threads", one, 30), [1.2, 1.2]);
        // A single look tells nothing of time.
        assert_eq!(
            totals("threads", vec![sample(31, &[(0, 1, 25)])], 30),
            [0.0]
        );
    }

    #[test]
    fn only_workers_are_called_so() {
        let three = [(0, 1, 0), (1, 1, 0), (2, 1, 0), (3, 1, 0)];
        let labels = |series: &Series| {
            let run = run(vec![sample(20, &three)], Some(10));
            let told = over_time(&run, series, 2).unwrap();
            told.labels().last().map(|label| (*label).to_owned())
        };
        let python = Series::plain("process-pool", &Runtime::Python("python".to_owned()));
        assert_eq!(labels(&python).as_deref(), Some("process 3"));
        let forked = Series {
            start: Some(Start::Fork),
            ..python
        };
        assert_eq!(labels(&forked).as_deref(), Some("worker 3"));
        let threads = Series::plain("threads", &Runtime::Native);
        assert_eq!(labels(&threads).as_deref(), Some("process 3"));
    }
}
