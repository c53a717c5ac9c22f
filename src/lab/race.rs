//! The race: pilots, the budget's cuts, then timed blocks, until all rows are settled or someone stops it.
//!
//! What runs a trial and what tells the time are parameters, so that tests simulate the machine.

use super::Progress;
use crate::analysis::statistics::paired_ratio;
use crate::experiment::{Experiment, Order};
use crate::plan::{self, FEWEST_REPEATS, RowId};
use crate::process::Stop;
use crate::trial::{Kind, Outcome, Record};
use crate::units::{format_count, format_ns};
use std::cmp::Reverse;
use std::collections::HashMap;

/// Between two messages of progress.
const PROGRESS_EVERY_NS: u64 = 200_000_000;

/// Repeats that `repeat = "auto"` makes at least: an interval of fewer may be narrow by luck.
const FEWEST_AUTO: u32 = 5;
/// Half the width of an interval, as a share of its ratio, at which `repeat = "auto"` is content.
const NARROW: f64 = 0.02;

/// The machine as the race sees it.
pub struct Machinery<'a> {
    /// Why a row must not start; `None` where it may.
    pub refusal: &'a dyn Fn(RowId) -> Option<(Outcome, String)>,
    /// Runs one trial to its end.
    pub run: &'a mut dyn FnMut(RowId, Kind, u32) -> Record,
    /// Nanoseconds since the race began.
    pub elapsed_ns: &'a dyn Fn() -> u64,
    /// Told how far it is.
    pub progress: &'a mut dyn FnMut(Progress),
}

/// Number that the traced runs' order is shuffled with; blocks count up from 0, pilots down from the top.
const TRACED_BLOCK: u32 = u32::MAX / 2;

struct Race<'a, 'm> {
    experiment: &'a Experiment,
    machinery: Machinery<'m>,
    stop: &'a Stop,
    records: Vec<Record>,
    done: u32,
    total: u32,
    told_ns: Option<u64>,
}

/// Runs an experiment. Every row has at least one record when it returns.
pub fn race(experiment: &Experiment, machinery: Machinery, stop: &Stop) -> Vec<Record> {
    let rows = plan::rows(experiment);
    let mut race = Race {
        experiment,
        machinery,
        stop,
        records: Vec::new(),
        done: 0,
        total: 0,
        told_ns: None,
    };
    let mut running = Vec::new();
    for row in rows.iter().copied() {
        match (race.machinery.refusal)(row) {
            Some((outcome, why)) => race.settle(row, outcome, why),
            None => running.push(row),
        }
    }
    let pilots = experiment.warmup.max(1);
    let traced = u32::from(experiment.wants_trace());
    race.total = (pilots + traced + experiment.repeat) * running.len() as u32;
    let costs = race.pilots(&mut running, pilots);
    race.leave_out(&mut running, &costs);
    if experiment.wants_trace() {
        race.traced(&running, &costs);
    }
    let repeats = race.repeats(&running, &costs);
    race.total = race.done + repeats * running.len() as u32;
    race.timed(&running, repeats, &costs);
    for row in rows {
        let settled = |record: &Record| {
            let settles = match record.kind {
                Kind::Timed => true,
                Kind::Sampled => record.outcome != Outcome::Ok,
                Kind::Traced => false,
            };
            id(record) == row && settles
        };
        if !race.records.iter().any(settled) {
            race.settle(
                row,
                Outcome::Interrupted,
                "the cell was interrupted before its turn".to_owned(),
            );
        }
    }
    race.finish();
    race.records
}

fn id(record: &Record) -> RowId {
    RowId {
        series: record.series,
        point: record.point,
    }
}

/// The record of a row that doesn't run.
fn without_trial(row: RowId, outcome: Outcome, why: String) -> Record {
    Record {
        series: row.series,
        point: row.point,
        block: 0,
        kind: Kind::Timed,
        outcome,
        why: Some(why),
        measurement: None,
    }
}

impl Race<'_, '_> {
    /// A record without a trial.
    fn settle(&mut self, row: RowId, outcome: Outcome, why: String) {
        self.records.push(without_trial(row, outcome, why));
    }

    /// Runs one trial; its cost, and whether it was measured.
    fn trial(&mut self, row: RowId, kind: Kind, block: u32, what: &str) -> (u64, bool) {
        let label = self.label(row);
        self.tell(format!("{label}: {what}"), false);
        let before_ns = (self.machinery.elapsed_ns)();
        let record = (self.machinery.run)(row, kind, block);
        let cost_ns = (self.machinery.elapsed_ns)() - before_ns;
        let ok = record.outcome == Outcome::Ok;
        if record.outcome == Outcome::Interrupted {
            // It has not run to its end.
            self.total = self.total.saturating_sub(1);
        } else {
            self.done += 1;
        }
        // An interrupt doesn't take back what a row has already shown.
        let shown = record.outcome == Outcome::Interrupted
            && self.records.iter().any(|known| {
                id(known) == row && known.kind == Kind::Timed && known.outcome == Outcome::Ok
            });
        if !shown {
            self.records.push(record);
        }
        (cost_ns, ok)
    }

    /// Sampled runs; rows that fail are settled by that. Returns what one trial of each row costs.
    fn pilots(&mut self, running: &mut Vec<RowId>, pilots: u32) -> HashMap<RowId, u64> {
        let mut costs = HashMap::new();
        for number in 0..pilots {
            for row in plan::block(self.experiment, running, u32::MAX - number) {
                if self.stop.is_set() {
                    running.clear();
                    return costs;
                }
                let (cost_ns, ok) = self.trial(row, Kind::Sampled, number, "warming up");
                costs.insert(row, cost_ns);
                if !ok {
                    running.retain(|other| *other != row);
                    let traced = u32::from(self.experiment.wants_trace());
                    let left = pilots - 1 - number + traced + self.experiment.repeat;
                    self.total = self.total.saturating_sub(left);
                }
            }
        }
        costs
    }

    /// Leaves out rows whose timed repeats don't fit into the budget.
    fn leave_out(&mut self, running: &mut Vec<RowId>, costs: &HashMap<RowId, u64>) {
        let priced: Vec<(RowId, u64)> = running.iter().map(|row| (*row, costs[row])).collect();
        let spent_ns = (self.machinery.elapsed_ns)();
        for (row, why) in plan::left_out(self.experiment, &priced, spent_ns) {
            running.retain(|other| *other != row);
            self.settle(row, Outcome::NotRun, why);
            let runs = u32::from(self.experiment.wants_trace()) + self.experiment.repeat;
            self.total = self.total.saturating_sub(runs);
        }
    }

    /// What is left of the budget.
    fn left_ns(&self) -> u64 {
        let spent_ns = (self.machinery.elapsed_ns)();
        self.experiment.budget_ns.saturating_sub(spent_ns)
    }

    /// One run of each row in which its workers note what they do. Before the timed ones, so that an
    /// interrupt leaves what the figures need; one that fails settles nothing, for the timed ones tell. What the
    /// budget must keep for those is not touched: the last point, which figures draw of a sweep, is traced first.
    fn traced(&mut self, running: &[RowId], costs: &HashMap<RowId, u64>) {
        let block_ns: u64 = running.iter().map(|row| costs[row]).sum();
        let kept_ns = block_ns.saturating_mul(plan::fewest_repeats(self.experiment).into());
        let mut rows = plan::block(self.experiment, running, TRACED_BLOCK);
        rows.sort_by_key(|row| Reverse(row.point));
        // A traced run may take longer than another one.
        let enough_ns = (self.machinery.elapsed_ns)() + kept_ns.saturating_add(2 * block_ns);
        for row in rows {
            if self.stop.is_set() {
                return;
            }
            if costs[&row].saturating_add(kept_ns) > self.left_ns() {
                let why = plan::untraced(self.experiment, enough_ns);
                self.total = self.total.saturating_sub(1);
                self.records.push(Record {
                    kind: Kind::Traced,
                    ..without_trial(row, Outcome::NotRun, why)
                });
                continue;
            }
            self.trial(row, Kind::Traced, 0, "tracing");
        }
    }

    /// Timed repeats that fit into what is left of the budget.
    fn repeats(&self, running: &[RowId], costs: &HashMap<RowId, u64>) -> u32 {
        let costs: Vec<u64> = running.iter().map(|row| costs[row]).collect();
        plan::repeats_that_fit(self.experiment, &costs, self.left_ns())
    }

    fn timed(&mut self, running: &[RowId], repeats: u32, costs: &HashMap<RowId, u64>) {
        let mut running = running.to_vec();
        let block_ns: u64 = running.iter().map(|row| costs[row]).sum();
        let schedule: Vec<(u32, RowId)> = match self.experiment.order {
            Order::Interleaved => (0..repeats)
                .flat_map(|block| {
                    plan::block(self.experiment, &running, block)
                        .into_iter()
                        .map(move |row| (block, row))
                })
                .collect(),
            Order::Blocked => running
                .iter()
                .flat_map(|row| (0..repeats).map(move |block| (block, *row)))
                .collect(),
        };
        let mut block_started = None;
        for (block, row) in schedule {
            if self.stop.is_set() {
                return;
            }
            // The pilot's estimate can be wrong: no further block is begun that would break the budget.
            if self.experiment.order == Order::Interleaved && block_started != Some(block) {
                block_started = Some(block);
                let would_end_ns = (self.machinery.elapsed_ns)() + block_ns;
                if block >= FEWEST_REPEATS && would_end_ns > self.experiment.budget_ns {
                    return;
                }
                if self.experiment.repeat_auto && block >= FEWEST_AUTO && self.is_narrow(&running) {
                    return;
                }
            }
            if !running.contains(&row) {
                continue;
            }
            let (_, ok) = self.trial(
                row,
                Kind::Timed,
                block,
                &format!("run {} of {repeats}", block + 1),
            );
            if !ok {
                running.retain(|other| *other != row);
                self.total = self.total.saturating_sub(repeats - 1 - block);
            }
        }
    }

    /// Whether the interval of each row's ratio to its baseline is within ±[`NARROW`].
    fn is_narrow(&self, rows: &[RowId]) -> bool {
        let walls = |row: RowId| -> Vec<(u32, f64)> {
            let timed = |record: &&Record| id(record) == row && record.kind == Kind::Timed;
            let records = self.records.iter().filter(timed);
            records
                .filter_map(|record| {
                    let wall_ns = record.measurement.as_ref()?.reply.wall_ns;
                    Some((record.block, wall_ns as f64))
                })
                .collect()
        };
        rows.iter().all(|row| {
            let series = self
                .experiment
                .baseline(&self.experiment.series[row.series]);
            let baseline = walls(RowId { series, ..*row });
            let pairs: Vec<(f64, f64)> = walls(*row)
                .into_iter()
                .filter_map(|(block, own)| {
                    let (_, base) = baseline.iter().find(|(other, _)| *other == block)?;
                    Some((*base, own))
                })
                .collect();
            // A row without a baseline has no ratio that could be wide.
            paired_ratio(&pairs)
                .is_none_or(|found| (found.high / found.low).ln() / 2.0 <= NARROW.ln_1p())
        })
    }

    fn label(&self, row: RowId) -> String {
        let point = &self.experiment.points[row.point];
        let mut label = self.experiment.series[row.series].label.clone();
        for (key, value) in &point.at {
            label.push_str(&format!(", {key} = {value}"));
        }
        match &point.case {
            Some(case) => format!("{case}, {label}"),
            None => label,
        }
    }

    fn tell(&mut self, label: String, finished: bool) {
        let now_ns = (self.machinery.elapsed_ns)();
        if finished
            || self
                .told_ns
                .is_none_or(|told_ns| now_ns - told_ns >= PROGRESS_EVERY_NS)
        {
            self.told_ns = Some(now_ns);
            let total = self.total.max(self.done);
            (self.machinery.progress)(Progress {
                done: self.done,
                total,
                label,
                finished,
            });
        }
    }

    fn finish(&mut self) {
        self.total = self.done;
        let end = if self.stop.is_set() {
            "Interrupted after"
        } else {
            "Ran"
        };
        let runs = if self.done == 1 { "run" } else { "runs" };
        let elapsed = format_ns((self.machinery.elapsed_ns)() as f64);
        if self.stop.is_set() && self.done == 0 {
            return self.tell(
                "Interrupted before the first run had ended".to_owned(),
                true,
            );
        }
        self.tell(
            format!(
                "{end} {} {runs} in {elapsed}",
                format_count(self.done.into())
            ),
            true,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Point, Series, Theme};
    use crate::process::Interrupt;
    use crate::program::Program;
    use crate::runtime::Runtime;
    use std::cell::Cell;

    const SECOND: u64 = 1_000_000_000;

    fn experiment(models: usize) -> Experiment {
        let series = |number: usize| Series {
            label: format!("model {number}"),
            ..Series::plain("sequential", &Runtime::Native)
        };
        let program = Program::default();
        Experiment {
            title: "simulated".into(),
            name: None,
            series: (0..models).map(series).collect(),
            points: vec![Point {
                case: None,
                at: Vec::new(),
                program,
                workers: None,
                chunk: None,
            }],
            repeat: 5,
            repeat_auto: false,
            warmup: 1,
            order: Order::Interleaved,
            seed: 1,
            trial_timeout_ns: 30 * SECOND,
            budget_ns: 60 * SECOND,
            memory_limit_bytes: None,
            switch_interval_ns: None,
            compare_answers: true,
            plots: Vec::new(),
            x: None,
            checks: Vec::new(),
            predictions: Vec::new(),
            theme: Theme::Auto,
            zoom: false,
            save: None,
            settings: Vec::new(),
            source: Default::default(),
        }
    }

    /// Races on a simulated machine, where a trial of series n takes `cost_ns(n)` and ends as told.
    fn simulate(
        experiment: &Experiment,
        cost_ns: impl Fn(usize) -> u64,
        outcome: impl Fn(usize, Kind, u32) -> Outcome,
        stop_after: u32,
    ) -> (Vec<Record>, Vec<Progress>) {
        let clock = Cell::new(0);
        let interrupt = Interrupt::default();
        let stop = interrupt.stop();
        let mut told = Vec::new();
        let mut trials = 0;
        let machinery = Machinery {
            refusal: &|row| (row.series == 99).then(|| (Outcome::NotRun, "refused".to_owned())),
            run: &mut |row, kind, block| {
                clock.set(clock.get() + cost_ns(row.series));
                trials += 1;
                if trials == stop_after {
                    interrupt.raise();
                }
                let outcome = if trials == stop_after {
                    Outcome::Interrupted
                } else {
                    outcome(row.series, kind, block)
                };
                let (series, point) = (row.series, row.point);
                Record {
                    series,
                    point,
                    block,
                    kind,
                    outcome,
                    why: None,
                    measurement: None,
                }
            },
            elapsed_ns: &|| clock.get(),
            progress: &mut |progress| told.push(progress),
        };
        let records = race(experiment, machinery, &stop);
        (records, told)
    }

    fn timed(records: &[Record], series: usize) -> usize {
        records
            .iter()
            .filter(|record| record.series == series && record.kind == Kind::Timed)
            .count()
    }

    #[test]
    fn each_block_has_every_row_once_and_blocks_are_shuffled() {
        let (records, told) = simulate(&experiment(6), |_| 1_000_000, |_, _, _| Outcome::Ok, 0);
        assert_eq!(records.len(), 6 * (1 + 5));
        let order = |block: u32| -> Vec<usize> {
            let timed = records
                .iter()
                .filter(|r| r.kind == Kind::Timed && r.block == block);
            timed.map(|record| record.series).collect()
        };
        for block in 0..5 {
            let mut sorted = order(block);
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4, 5], "block {block}");
        }
        assert!(
            (1..5).any(|block| order(block) != order(0)),
            "not always the same order"
        );
        let last = told.last().unwrap();
        assert!(
            last.finished && last.done == 36 && last.total == 36,
            "{last:?}"
        );
    }

    #[test]
    fn a_budget_cuts_repeats_first_and_then_the_dearest_rows() {
        let mut cell = experiment(3);
        let costs = |series: usize| [SECOND, 2 * SECOND, 12 * SECOND][series];
        cell.budget_ns = 80 * SECOND;
        let (records, _) = simulate(&cell, costs, |_, _, _| Outcome::Ok, 0);
        assert_eq!(
            [0, 1, 2].map(|series| timed(&records, series)),
            [4, 4, 4],
            "65 s left, 15 s a block"
        );
        cell.budget_ns = 30 * SECOND;
        let (records, _) = simulate(&cell, costs, |_, _, _| Outcome::Ok, 0);
        assert_eq!([0, 1].map(|series| timed(&records, series)), [5, 5]);
        let dearest = records
            .iter()
            .find(|r| r.series == 2 && r.kind == Kind::Timed)
            .unwrap();
        assert_eq!(dearest.outcome, Outcome::NotRun);
        assert!(
            dearest
                .why
                .as_ref()
                .unwrap()
                .contains("set `budget = \"1m\"`"),
            "{:?}",
            dearest.why
        );
    }

    #[test]
    fn traced_runs_take_what_the_budget_leaves_and_never_the_timed_ones_share() {
        let mut cell = experiment(3);
        cell.plots = vec!["timeline".to_owned()];
        let second = Point {
            ..cell.points[0].clone()
        };
        cell.points.push(second);
        let count = |records: &[Record], point: usize, kind: Kind, outcome: Outcome| {
            let of = |r: &&Record| r.kind == kind && r.outcome == outcome && r.point == point;
            records.iter().filter(of).count()
        };
        // Pilots take 6 s and three repeats 18 s: what is left is enough for the last point, which figures draw.
        cell.budget_ns = 27 * SECOND + 1;
        let (records, told) = simulate(&cell, |_| SECOND, |_, _, _| Outcome::Ok, 0);
        assert_eq!(
            [0, 1].map(|point| count(&records, point, Kind::Timed, Outcome::Ok)),
            [9, 9]
        );
        assert_eq!(
            [0, 1].map(|point| count(&records, point, Kind::Traced, Outcome::Ok)),
            [0, 3]
        );
        let untraced = records
            .iter()
            .find(|r| r.kind == Kind::Traced && r.outcome == Outcome::NotRun);
        let why = untraced.unwrap().why.clone().unwrap();
        assert!(
            why.contains("27 s") && why.contains("set `budget = \"36s\"`"),
            "{why}"
        );
        assert!(
            told.iter().all(|progress| progress.done <= progress.total),
            "{told:?}"
        );
        // Nothing is left for any row: none is traced, and all say why.
        cell.budget_ns = 5 * SECOND;
        let (records, _) = simulate(&cell, |_| SECOND, |_, _, _| Outcome::Ok, 0);
        assert!(records.iter().all(|record| record.kind != Kind::Traced));
        let why = records.last().unwrap().why.clone().unwrap();
        assert!(why.contains("the warm-up runs took 6 s"), "{why}");
        cell.budget_ns = 60 * SECOND;
        let (records, _) = simulate(&cell, |_| SECOND, |_, _, _| Outcome::Ok, 0);
        assert_eq!(
            [0, 1].map(|point| count(&records, point, Kind::Traced, Outcome::Ok)),
            [3, 3]
        );
        assert_eq!(
            [0, 1].map(|point| count(&records, point, Kind::Timed, Outcome::Ok)),
            [15, 15]
        );
    }

    #[test]
    fn a_failed_row_is_not_run_again_and_the_others_are() {
        let fails = |series, kind, _| match (series, kind) {
            (0, Kind::Sampled) => Outcome::Timeout,
            (1, Kind::Timed) => Outcome::Crashed,
            _ => Outcome::Ok,
        };
        let (records, told) = simulate(&experiment(3), |_| 1_000_000, fails, 0);
        let count = |series| {
            records
                .iter()
                .filter(|record| record.series == series)
                .count()
        };
        assert_eq!([count(0), count(1), count(2)], [1, 2, 6]);
        assert!(
            told.iter().all(|progress| progress.done <= progress.total),
            "{told:?}"
        );
        let mut traced = experiment(3);
        traced.plots = vec!["timeline".to_owned()];
        let (_, told) = simulate(&traced, |_| SECOND / 2, fails, 0);
        let tracing = told.iter().find(|told| told.label.ends_with("tracing"));
        assert_eq!(tracing.unwrap().total, 1 + 2 * (1 + 1 + 5));
    }

    #[test]
    fn an_interrupt_keeps_what_was_measured_and_names_what_was_not() {
        let (records, told) = simulate(&experiment(4), |_| 1_000_000, |_, _, _| Outcome::Ok, 7);
        assert_eq!(
            records.iter().filter(|r| r.outcome == Outcome::Ok).count(),
            6
        );
        assert!((0..4).all(|series| records.iter().any(|record| record.series == series)));
        assert!(
            told.last()
                .unwrap()
                .label
                .starts_with("Interrupted after 6 runs"),
            "the seventh did not end: {told:?}"
        );
        let (records, told) = simulate(&experiment(4), |_| 1_000_000, |_, _, _| Outcome::Ok, 1);
        assert_eq!(records.len(), 4, "one for each row");
        assert!(
            records
                .iter()
                .all(|record| record.outcome == Outcome::Interrupted)
        );
        let last = told.last().unwrap();
        assert_eq!(last.label, "Interrupted before the first run had ended");
        assert_eq!((last.done, last.total), (0, 0));
    }

    #[test]
    fn a_refused_row_is_a_record_and_costs_nothing() {
        let (records, _) = simulate(&experiment(100), |_| 1_000, |_, _, _| Outcome::Ok, 0);
        let refused: Vec<&Record> = records
            .iter()
            .filter(|record| record.series == 99)
            .collect();
        assert_eq!(refused.len(), 1);
        assert_eq!(
            (refused[0].outcome, refused[0].why.as_deref()),
            (Outcome::NotRun, Some("refused"))
        );
    }

    #[test]
    fn blocked_order_runs_all_repeats_of_a_row_in_turn() {
        let mut cell = experiment(3);
        cell.order = Order::Blocked;
        let (records, _) = simulate(&cell, |_| 1_000, |_, _, _| Outcome::Ok, 0);
        let order: Vec<usize> = records
            .iter()
            .filter(|r| r.kind == Kind::Timed)
            .map(|record| record.series)
            .collect();
        assert_eq!(order, [vec![0; 5], vec![1; 5], vec![2; 5]].concat());
    }
}
