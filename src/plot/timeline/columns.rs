//! Time cut into columns: how much of each column is spent in which activity. What is shorter than a column
//! keeps its share of it, however many spans there are.

use crate::measure::trace::{ACTIVITIES, Activity};

/// From the bottom of a stack to its top: what works or hinders, then what merely waits.
pub const STACK: [Activity; ACTIVITIES.len()] = [
    Activity::Computing,
    Activity::Blocked,
    Activity::Gil,
    Activity::Lock,
    Activity::Limit,
    Activity::Sending,
    Activity::Waiting,
    Activity::Starting,
    Activity::Idle,
    Activity::Joining,
];

/// Columns of one width from the clock's start on.
pub struct Columns {
    column_ns: f64,
    /// How many are in each activity on average over each column.
    counts: Vec<[f64; ACTIVITIES.len()]>,
    /// What changes by 1 from a column on; added up by [`Columns::stacked`].
    changes: Vec<[f64; ACTIVITIES.len()]>,
}

impl Columns {
    /// So many columns over that time.
    pub fn new(columns: usize, whole_ns: f64) -> Self {
        let columns = columns.max(1);
        Columns {
            column_ns: (whole_ns / columns as f64).max(f64::MIN_POSITIVE),
            counts: vec![[0.0; ACTIVITIES.len()]; columns],
            changes: vec![[0.0; ACTIVITIES.len()]; columns + 1],
        }
    }

    /// One more in this activity from one moment to another: at the price of its two ends, however long it is.
    pub fn add(&mut self, activity: Activity, start_ns: u64, end_ns: u64) {
        let number = activity as usize;
        let columns = self.counts.len() as f64;
        let from = (start_ns as f64 / self.column_ns).min(columns);
        let to = (end_ns as f64 / self.column_ns).min(columns);
        if to <= from {
            return;
        }
        let first = from as usize;
        let last = (to as usize).min(self.counts.len() - 1);
        if first >= last {
            self.counts[last][number] += to - from;
            return;
        }
        self.counts[first][number] += (first + 1) as f64 - from;
        self.counts[last][number] += to - last as f64;
        self.changes[first + 1][number] += 1.0;
        self.changes[last][number] -= 1.0;
    }

    /// How many are in the activities of [`STACK`] up to each, in every column: each list stands on the one
    /// before it.
    pub fn stacked(&self) -> Vec<Vec<f64>> {
        let mut levels = vec![Vec::with_capacity(self.counts.len()); STACK.len()];
        let mut lasting = [0.0; ACTIVITIES.len()];
        for (counts, changes) in self.counts.iter().zip(&self.changes) {
            let mut sum = 0.0;
            for (number, change) in changes.iter().enumerate() {
                lasting[number] += change;
            }
            for (level, activity) in levels.iter_mut().zip(STACK) {
                let number = activity as usize;
                sum += counts[number] + lasting[number];
                level.push(sum);
            }
        }
        levels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_the_share_of_what_lies_in_it() {
        let mut columns = Columns::new(4, 100.0);
        columns.add(Activity::Computing, 0, 60);
        columns.add(Activity::Waiting, 60, 100);
        columns.add(Activity::Waiting, 10, 15);
        // Beyond the end.
        columns.add(Activity::Joining, 90, 200);
        columns.add(Activity::Lock, 200, 300);
        let levels = columns.stacked();
        let level = |activity: Activity| {
            let at = STACK.iter().position(|other| *other == activity).unwrap();
            levels[at].clone()
        };
        let near = |found: Vec<f64>, wanted: [f64; 4]| {
            let apart = found.iter().zip(wanted).map(|(a, b)| (a - b).abs());
            assert!(
                apart.fold(0.0, f64::max) < 1e-9,
                "{found:?}, not {wanted:?}"
            );
        };
        near(level(Activity::Computing), [1.0, 1.0, 0.4, 0.0]);
        near(level(Activity::Waiting), [1.2, 1.0, 1.0, 1.0]);
        near(level(Activity::Joining), [1.2, 1.0, 1.0, 1.4]);
    }
}
