//! How long each task took, from the start of its first operation to the end of its last.
//!
//! Where it is asked for, every model writes one number for each task into memory that is there before
//! the clock starts; sorting comes after it has stopped. What a task waits for before it starts (its turn
//! in a pool's queue, the creation of its thread, the transfer of its argument) is not in it; what it
//! waits for in between (a timer, a lock, a permit, its turn on the event loop) is.

use crate::program::Program;
use serde::{Deserialize, Serialize};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// Quantiles that are told: 0 %, 1 % … 100 %.
pub const QUANTILES: usize = 101;

// The lowest two bits of a mark; a mark of 0 is a task that never started.
const SUCCEEDED: u64 = 1;
const FAILED: u64 = 2;
const RUNNING: u64 = 3;

/// A mark for each task of a program, by its number.
pub struct Latencies {
    marks: Vec<AtomicU64>,
    made: Instant,
}

/// What became of the tasks of one group, and how long they took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupLatencies {
    /// The group's name.
    pub name: String,
    /// Tasks that finished.
    pub succeeded: u64,
    /// Tasks that failed.
    pub failed: u64,
    /// Tasks that never ended.
    pub cancelled: u64,
    /// Quantiles 0 % … 100 % of the succeeded tasks' times in nanoseconds, exact: each is the time of
    /// one task (the nearest rank; Hyndman & Fan 1996, type 1). Empty where none succeeded.
    pub quantiles_ns: Vec<u64>,
}

impl Latencies {
    /// Room for all tasks of a program.
    pub fn new(program: &Program) -> Latencies {
        let tasks = program.tasks();
        Latencies {
            // Written to, so that no page is touched for the first time by a task.
            marks: (0..tasks).map(|_| AtomicU64::new(0)).collect(),
            made: Instant::now(),
        }
    }

    /// Notes the start of a task. It stands in the task's mark, not with the task: a million waiting tasks
    /// would each be larger.
    pub fn start(&self, task: u64) {
        self.set(task, self.now_ns() << 2 | RUNNING);
    }

    /// Notes the end of a task.
    pub fn end(&self, task: u64, succeeded: bool) {
        let elapsed_ns = self.now_ns() - (self.mark(task) >> 2);
        let outcome = if succeeded { SUCCEEDED } else { FAILED };
        self.set(task, elapsed_ns << 2 | outcome);
    }

    fn now_ns(&self) -> u64 {
        self.made.elapsed().as_nanos() as u64
    }

    /// The mark of a task, for another process.
    pub fn mark(&self, task: u64) -> u64 {
        self.marks[task as usize].load(Relaxed)
    }

    /// Takes over a mark from another process.
    pub fn set(&self, task: u64, mark: u64) {
        self.marks[task as usize].store(mark, Relaxed);
    }

    /// What the tasks of each group took, in the order of the program.
    pub fn by_group(&self, program: &Program) -> Vec<GroupLatencies> {
        let mut first = 0;
        let groups = program.groups.iter().map(|group| {
            let marks = &self.marks[first as usize..(first + group.tasks) as usize];
            first += group.tasks;
            let count = |outcome: u64| {
                marks
                    .iter()
                    .filter(|mark| mark.load(Relaxed) & 3 == outcome)
                    .count() as u64
            };
            let mut times_ns: Vec<u64> = marks
                .iter()
                .map(|mark| mark.load(Relaxed))
                .filter(|mark| mark & 3 == SUCCEEDED)
                .map(|mark| mark >> 2)
                .collect();
            times_ns.sort_unstable();
            GroupLatencies {
                name: group.name.clone(),
                succeeded: count(SUCCEEDED),
                failed: count(FAILED),
                cancelled: count(0) + count(RUNNING),
                quantiles_ns: quantiles(&times_ns),
            }
        });
        groups.collect()
    }
}

/// Quantiles of sorted times, by the nearest rank.
fn quantiles(sorted: &[u64]) -> Vec<u64> {
    if sorted.is_empty() {
        return Vec::new();
    }
    let rank = |percent: usize| (sorted.len() * percent).div_ceil(QUANTILES - 1).max(1) - 1;
    (0..QUANTILES)
        .map(|percent| sorted[rank(percent)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Group;

    #[test]
    fn each_group_has_its_own_quantiles_and_only_of_what_succeeded() {
        let group = |name: &str, tasks| Group {
            name: name.to_owned(),
            tasks,
            ops: Vec::new(),
        };
        let program = Program {
            groups: vec![group("hog", 1), group("I/O", 200), group("none", 1)],
            ..Program::default()
        };
        let latencies = Latencies::new(&program);
        latencies.set(0, 5000 << 2 | SUCCEEDED);
        for task in 1..=200 {
            // 200, 199 … 1, and each second one failed.
            let outcome = if task % 2 == 0 { FAILED } else { SUCCEEDED };
            latencies.set(task, (201 - task) << 2 | outcome);
        }
        let groups = latencies.by_group(&program);
        assert_eq!(groups[0].quantiles_ns, vec![5000; 101]);
        let io = &groups[1];
        assert_eq!((io.succeeded, io.failed, io.cancelled), (100, 100, 0));
        // 2, 4 … 200: every percent is one of them.
        assert_eq!(
            [0, 1, 2, 50, 95, 100].map(|percent| io.quantiles_ns[percent]),
            [2, 2, 4, 100, 190, 200]
        );
        assert_eq!((groups[2].cancelled, groups[2].quantiles_ns.len()), (1, 0));
    }
}
