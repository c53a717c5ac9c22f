//! Records become rows: summaries, comparisons with the baseline, answers that agree or don't.

use super::over_time::over_time;
use super::said;
use super::statistics::{bootstrap_median, holm, paired_ratio};
use super::traced::traced;
use super::{
    Crossover, GroupReport, Interval, Latency, Report, Row, SCHEMA, Scaling, Speedup, Summary,
    TaskCounts, UNTRACED, Winner, checks, crossover, notes, scaling, sweep, verdict, warnings,
    winner,
};
use crate::experiment::Experiment;
use crate::host::Machine;
use crate::model::{self, QUANTILES};
use crate::plan::{self, RowId};
use crate::runtime::Runtime;
use crate::trial::{Kind, Measurement, Outcome, Record};
use std::collections::HashMap;

/// Largest Holm-corrected p that still counts as a difference.
pub(super) const SIGNIFICANT: f64 = 0.05;
/// Smallest relative difference that is called one, where both models use one core.
pub(super) const FLOOR_ONE_CORE: f64 = 0.03;
/// The same where one of them uses several: scheduling alone moves those times.
pub(super) const FLOOR_SEVERAL_CORES: f64 = 0.05;

/// The report of an experiment's records.
pub fn report(
    experiment: &Experiment,
    records: &[Record],
    machine: &Machine,
    interrupted: bool,
) -> Report {
    let ids = plan::rows(experiment);
    let mut of: HashMap<RowId, Vec<&Record>> = HashMap::new();
    for record in records {
        of.entry(RowId {
            series: record.series,
            point: record.point,
        })
        .or_default()
        .push(record);
    }
    let records_of = |id: &RowId| of.get(id).map(Vec::as_slice).unwrap_or_default();
    let mut rows: Vec<Row> = ids
        .iter()
        .map(|id| row(experiment, *id, records_of(id), machine, interrupted))
        .collect();
    let mut texts = Vec::new();
    for (row, id) in rows.iter_mut().zip(&ids) {
        let all = records_of(id);
        let timed: Vec<&Record> = all
            .iter()
            .copied()
            .filter(|r| r.kind == Kind::Timed)
            .collect();
        said::add(&mut texts, row, &measurements(&timed));
    }
    compare_times(experiment, &ids, &records_of, &mut rows);
    compare_answers(experiment, &ids, &records_of, &mut rows);
    let x = sweep::x_key(&rows, experiment.x.as_deref());
    let walls = |index: usize| walls(records_of(&ids[index]));
    let (crossovers, scaling) = match &x {
        Some(key) => along(experiment, &ids, &rows, key, machine, &walls),
        None => (Vec::new(), Vec::new()),
    };
    let winners = winners(experiment, &ids, &rows, &walls);
    let mut report = Report {
        schema: SCHEMA,
        title: experiment.title.clone(),
        machine: machine.clone(),
        diagnostics: Vec::new(),
        rows,
        said: texts,
        verdict: Vec::new(),
        warnings: Vec::new(),
        x,
        calibrated: experiment.points.iter().any(|p| p.program.uses_cpu()),
        crossovers,
        scaling,
        winners,
        checks: Vec::new(),
        predictions: Vec::new(),
        settings: experiment.settings.clone(),
        interrupted,
    };
    report.checks = checks::checks(&experiment.checks, experiment, records, &report.rows);
    report.predictions = checks::checks(&experiment.predictions, experiment, records, &report.rows);
    report.verdict = verdict::verdict(&report);
    report.warnings = warnings::warnings(&report);
    report
}

fn row(
    experiment: &Experiment,
    id: RowId,
    records: &[&Record],
    machine: &Machine,
    interrupted: bool,
) -> Row {
    let series = &experiment.series[id.series];
    let point = &experiment.points[id.point];
    let timed: Vec<&Record> = records
        .iter()
        .copied()
        .filter(|r| r.kind == Kind::Timed)
        .collect();
    let sampled: Vec<&Record> = records
        .iter()
        .copied()
        .filter(|r| r.kind == Kind::Sampled)
        .collect();
    let (outcome, why) = outcome(&timed, &sampled, interrupted);
    let measured = measurements(&timed);
    let observed = measurements(&sampled);
    let summary = |of: &[&Measurement], read: fn(&Measurement) -> Option<f64>| {
        summary(
            of.iter().copied().filter_map(read).collect(),
            experiment.seed,
        )
    };
    let peak_bytes = |m: &&&Measurement| m.memory.map_or(0, |memory| memory.peak_bytes);
    let highest = observed.iter().copied().max_by_key(|m| peak_bytes(&m));
    let peak = highest.and_then(|m| m.memory);
    let of_trace = |record: &&&Record| record.kind == Kind::Traced;
    let traced_run = records.iter().find(of_trace);
    let untraced = traced_run.filter(|record| record.outcome != Outcome::Ok);
    let untraced = untraced.and_then(|record| record.why.clone());
    let traced_run = traced_run.and_then(|record| record.measurement.as_ref());
    let timed_median_ns = summary(&measured, |m| Some(m.reply.wall_ns as f64)).map(|s| s.median);
    let fastest_sampled_ns = summary(&observed, |m| Some(m.reply.wall_ns as f64)).map(|s| s.min);
    let interpreted = series.runtime.is_python();
    let worst = measured.iter().min_by_key(|m| m.reply.tally.succeeded);
    let mut row = Row {
        label: series.label.clone(),
        model: series.model.clone(),
        runtime: series.runtime.name().to_owned(),
        runtime_version: records
            .iter()
            .filter_map(|record| record.measurement.as_ref())
            .map(|measurement| measurement.reply.runtime_version.clone())
            .next()
            .unwrap_or_default(),
        case: point.case.clone(),
        at: point.at.clone(),
        outcome,
        why,
        tasks: worst.map_or_else(TaskCounts::default, |m| {
            let tally = &m.reply.tally;
            TaskCounts {
                succeeded: tally.succeeded,
                failed: tally.failed,
                timed_out: tally.timed_out,
                cancelled: tally.cancelled,
            }
        }),
        agrees: None,
        workers: measured.first().map_or(0, |m| m.reply.tally.workers),
        wall_ns: summary(&measured, |m| Some(m.reply.wall_ns as f64)),
        cpu_ns: summary(&measured, |m| Some(m.cpu_ns() as f64)),
        peak_pss_bytes: summary(&observed, |m| Some(m.memory?.peak_bytes as f64)),
        growth_bytes: summary(&observed, |m| Some(m.memory?.growth_bytes as f64)),
        memory_source: peak.map(|memory| memory.source),
        memory_samples: peak.map_or(0, |memory| memory.samples),
        voluntary_switches: summary(&measured, |m| Some(m.reply.voluntary_switches as f64)),
        involuntary_switches: summary(&measured, |m| Some(m.reply.involuntary_switches as f64)),
        page_faults: summary(&measured, |m| Some(m.reply.page_faults as f64)),
        speedup: None,
        imports_ns: summary(&measured, |m| Some(m.reply.imports_ns as f64)).filter(|_| interpreted),
        outside_ns: summary(&measured, |m| {
            Some(m.elapsed_ns.saturating_sub(m.reply.wall_ns) as f64)
        })
        .filter(|_| interpreted),
        updates: measured
            .iter()
            .map(|m| m.reply.tally.expected_updates)
            .max()
            .unwrap_or(0),
        lost: summary(&measured, |m| {
            let tally = &m.reply.tally;
            let lost = tally.expected_updates as f64 - tally.counted_updates as f64;
            (tally.expected_updates > 0).then_some(lost)
        }),
        groups: groups(&measured),
        traced: None,
        sampling_cost: fastest_sampled_ns
            .zip(timed_median_ns.filter(|ns| *ns > 0.0))
            .map(|(sampled_ns, timed_ns)| sampled_ns / timed_ns - 1.0),
        over_time: highest.and_then(|run| over_time(run, series, machine.usable_cpus)),
        notes: notes::notes(&series.model, &measured, &observed),
    };
    row.traced = traced_run.and_then(|run| traced(run, timed_median_ns, row.has_gil()));
    row.notes.extend(row.traced.as_ref().and_then(notes::cut));
    row.notes
        .extend(untraced.map(|why| format!("{UNTRACED}{}", said::last_line(&why))));
    row
}

/// The groups of a row: their tasks in the worst repeat, their latencies in the middle one.
fn groups(measured: &[&Measurement]) -> Vec<GroupReport> {
    let first = measured.first().map_or(&[][..], |m| &m.reply.groups[..]);
    let reports = first.iter().enumerate().map(|(index, group)| {
        let repeats = || measured.iter().filter_map(|m| m.reply.groups.get(index));
        let worst = repeats().min_by_key(|group| group.succeeded);
        // Quantile by quantile: a repeat without any is one without a succeeded task.
        let quantile = |percent: usize| {
            let of: Vec<f64> = repeats()
                .filter_map(|group| Some(*group.quantiles_ns.get(percent)? as f64))
                .collect();
            (!of.is_empty()).then(|| super::statistics::median(&of))
        };
        let quantiles: Option<Vec<f64>> = (0..QUANTILES).map(quantile).collect();
        GroupReport {
            name: group.name.clone(),
            tasks: worst.map_or_else(TaskCounts::default, |group| TaskCounts {
                succeeded: group.succeeded,
                failed: group.failed,
                timed_out: 0,
                cancelled: group.cancelled,
            }),
            latency_ns: quantiles.map(|quantiles| Latency {
                median: quantiles[50],
                p95: quantiles[95],
                max: quantiles[100],
                quantiles,
                medians: repeats()
                    .filter_map(|group| Some(*group.quantiles_ns.get(50)? as f64))
                    .collect(),
            }),
        }
    });
    reports.collect()
}

fn measurements<'a>(records: &[&'a Record]) -> Vec<&'a Measurement> {
    records
        .iter()
        .filter_map(|record| record.measurement.as_ref())
        .collect()
}

fn summary(samples: Vec<f64>, seed: u64) -> Option<Summary> {
    if samples.is_empty() {
        return None;
    }
    let smallest = samples.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = samples.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some(Summary {
        median: super::statistics::median(&samples),
        min: smallest,
        max: largest,
        interval: bootstrap_median(&samples, seed),
        samples,
    })
}

/// The worst that happened to a row; the pilot counts where nothing was timed.
fn outcome(timed: &[&Record], sampled: &[&Record], interrupted: bool) -> (Outcome, Option<String>) {
    let worst = |records: &[&Record]| {
        records
            .iter()
            .filter(|record| record.outcome != Outcome::Ok)
            // An interrupt says nothing about the row, a failure does; of several, the first.
            .min_by_key(|record| record.outcome == Outcome::Interrupted)
            .map(|record| (record.outcome, record.why.clone()))
    };
    if let Some((outcome, why)) = worst(timed) {
        let ended = timed.iter().filter(|r| r.outcome == outcome).count();
        let some_ok = timed.iter().any(|r| r.outcome == Outcome::Ok);
        let why = why.map(|why| match some_ok && outcome != Outcome::Interrupted {
            true => format!("{ended} of {} runs: {why}", timed.len()),
            false => why,
        });
        return (outcome, why);
    }
    if !timed.is_empty() {
        return (Outcome::Ok, None);
    }
    worst(sampled).unwrap_or_else(|| match interrupted {
        true => (
            Outcome::Interrupted,
            Some("the cell was interrupted before its turn".to_owned()),
        ),
        false => (Outcome::NotRun, Some("it was not run".to_owned())),
    })
}

/// Smallest relative difference that is called one.
pub(super) fn floor(one_core: bool) -> f64 {
    match one_core {
        true => FLOOR_ONE_CORE,
        false => FLOOR_SEVERAL_CORES,
    }
}

/// Wall times of the timed records, by block.
fn walls(records: &[&Record]) -> Vec<(u32, f64)> {
    let timed = records.iter().filter(|record| record.kind == Kind::Timed);
    let wall = |record: &&Record| {
        let wall_ns = record.measurement.as_ref()?.reply.wall_ns;
        Some((record.block, wall_ns as f64))
    };
    let mut walls: Vec<(u32, f64)> = timed.filter_map(wall).collect();
    walls.sort_by_key(|(block, _)| *block);
    walls
}

/// Block and both times, for the blocks that both have.
fn pairs(a: &[(u32, f64)], b: &[(u32, f64)]) -> Vec<(u32, f64, f64)> {
    let other = |block: &u32| b.iter().find(|(known, _)| known == block);
    a.iter()
        .filter_map(|(block, time)| Some((*block, *time, other(block)?.1)))
        .collect()
}

/// Crossovers and scaling along the swept key.
fn along(
    experiment: &Experiment,
    ids: &[RowId],
    rows: &[Row],
    key: &str,
    machine: &Machine,
    walls: &dyn Fn(usize) -> Vec<(u32, f64)>,
) -> (Vec<Crossover>, Vec<Scaling>) {
    let curves = sweep::curves(rows, &|index| ids[index].series, key);
    let crossovers = curves.iter().filter_map(|curve| {
        let baseline = experiment.baseline(&experiment.series[curve.series]);
        let pairs = |index: usize| {
            let base = RowId {
                series: baseline,
                point: ids[index].point,
            };
            let base = ids.iter().position(|id| *id == base);
            base.map_or(Vec::new(), |base| pairs(&walls(base), &walls(index)))
        };
        let over = &experiment.series[baseline].label;
        crossover::crossover(curve, key, rows, over, &pairs)
    });
    let pools = curves.iter().filter(|curve| {
        let series = &experiment.series[curve.series];
        let takes = model::find(&series.model).is_some_and(|m| m.def().takes("workers"));
        key == "workers" && takes && series.workers.is_none()
    });
    let scaling = pools.filter_map(|curve| {
        let against_self = |index: usize, first: usize| {
            let times = pairs(&walls(first), &walls(index));
            let times: Vec<(f64, f64)> = times.iter().map(|(_, a, b)| (*a, *b)).collect();
            let ratio = paired_ratio(&times)?;
            Some(Interval {
                estimate: ratio.ratio,
                low: ratio.low,
                high: ratio.high,
            })
        };
        scaling::scaling(curve, rows, machine.usable_cpus, walls, &against_self)
    });
    (crossovers.collect(), scaling.collect())
}

/// The winner of each point, on each runtime.
fn winners(
    experiment: &Experiment,
    ids: &[RowId],
    rows: &[Row],
    walls: &dyn Fn(usize) -> Vec<(u32, f64)>,
) -> Vec<Winner> {
    let mut runtimes: Vec<&Runtime> = Vec::new();
    for series in &experiment.series {
        if !runtimes.contains(&&series.runtime) {
            runtimes.push(&series.runtime);
        }
    }
    let of = |(point, runtime): (usize, &Runtime)| {
        let own = |(index, _): &(usize, &Row)| {
            ids[*index].point == point && experiment.series[ids[*index].series].runtime == *runtime
        };
        let rows: Vec<(usize, &Row)> = rows.iter().enumerate().filter(own).collect();
        let pairs = |a: usize, b: usize| {
            let times = pairs(&walls(a), &walls(b));
            times.iter().map(|(_, a, b)| (*a, *b)).collect()
        };
        winner::winner(&rows, &pairs, &|index| one_core(experiment, ids[index]))
    };
    let points = 0..experiment.points.len();
    let parts = points.flat_map(|point| runtimes.iter().map(move |runtime| (point, *runtime)));
    parts.filter_map(of).collect()
}

/// Speedups against the baseline, block by block, corrected over the rows of each point.
fn compare_times<'a>(
    experiment: &Experiment,
    ids: &[RowId],
    records_of: &impl Fn(&RowId) -> &'a [&'a Record],
    rows: &mut [Row],
) {
    for point in 0..experiment.points.len() {
        let mut found = Vec::new();
        for (index, id) in ids.iter().enumerate().filter(|(_, id)| id.point == point) {
            let baseline = baseline(experiment, *id, ids, rows);
            let Some(baseline) = baseline.filter(|baseline| baseline.series != id.series) else {
                continue;
            };
            // A time in which not all was done compares with nothing.
            let position = ids.iter().position(|other| *other == baseline);
            let did = |row: &Row| row.did_the_work();
            if !did(&rows[index]) || position.is_some_and(|at| !did(&rows[at])) {
                continue;
            }
            let blocks = pairs(&walls(records_of(&baseline)), &walls(records_of(id)));
            let pairs: Vec<(f64, f64)> = blocks.iter().map(|(_, a, b)| (*a, *b)).collect();
            if let Some(ratio) = paired_ratio(&pairs) {
                found.push((index, baseline, ratio));
            }
        }
        let corrected = holm(
            &found
                .iter()
                .map(|(_, _, ratio)| ratio.p)
                .collect::<Vec<_>>(),
        );
        for ((index, baseline, ratio), p) in found.into_iter().zip(corrected) {
            let floor = floor(one_core(experiment, ids[index]) && one_core(experiment, baseline));
            rows[index].speedup = Some(Speedup {
                over: experiment.series[baseline.series].label.clone(),
                ratio: ratio.ratio,
                low: ratio.low,
                high: ratio.high,
                p,
                differs: p < SIGNIFICANT && ratio.ratio.ln().abs() >= (1.0 + floor).ln(),
                floor,
            });
        }
    }
}

/// The row that another is compared with: the experiment's baseline, or where that wasn't measured, the
/// first row of the same point and runtime that was.
fn baseline(experiment: &Experiment, id: RowId, ids: &[RowId], rows: &[Row]) -> Option<RowId> {
    let series = &experiment.series[id.series];
    let first = RowId {
        series: experiment.baseline(series),
        point: id.point,
    };
    let measured = |id: &RowId| {
        ids.iter()
            .position(|other| other == id)
            .is_some_and(|index| rows[index].wall_ns.is_some())
    };
    if measured(&first) {
        return Some(first);
    }
    let same = ids.iter().copied().filter(|other| {
        other.point == id.point && experiment.series[other.series].runtime == series.runtime
    });
    same.into_iter().find(|other| measured(other))
}

pub(super) fn one_core(experiment: &Experiment, id: RowId) -> bool {
    model::find(&experiment.series[id.series].model)
        .is_some_and(|model| model.def().single_threaded)
}

/// Whether each row computed what the others did: compared with the most frequent answer of its point.
///
/// Answers are comparable where all tasks succeeded; `cpu` is calibrated by runtime, so it is compared
/// within one.
fn compare_answers<'a>(
    experiment: &Experiment,
    ids: &[RowId],
    records_of: &impl Fn(&RowId) -> &'a [&'a Record],
    rows: &mut [Row],
) {
    let answers = |id: &RowId| -> Vec<u64> {
        let all = measurements(records_of(id));
        let whole = all.iter().filter(|m| {
            let tally = &m.reply.tally;
            tally.failed + tally.timed_out + tally.cancelled == 0 && !m.reply.uncompared
        });
        whole.map(|m| m.reply.tally.answer).collect()
    };
    if !experiment.compare_answers {
        return;
    }
    for id in ids {
        let point = &experiment.points[id.point];
        let runtime = &experiment.series[id.series].runtime;
        let by_runtime = point.program.uses_cpu();
        let comparable: Vec<&RowId> = ids
            .iter()
            .filter(|other| other.point == id.point)
            .filter(|other| !by_runtime || experiment.series[other.series].runtime == *runtime)
            .collect();
        // One vote a row: a row with more repeats is no more right.
        let mut votes: HashMap<u64, (usize, usize)> = HashMap::new();
        for (position, other) in comparable.iter().enumerate() {
            if let Some(answer) = answers(other).first() {
                let vote = votes.entry(*answer).or_insert((0, position));
                vote.0 += 1;
            }
        }
        // The earlier row decides a draw: sequential comes first as a rule.
        let right = votes
            .iter()
            .max_by_key(|(_, (count, position))| (*count, usize::MAX - position));
        let own = answers(id);
        let Some((right, _)) = right.filter(|_| !own.is_empty()) else {
            continue;
        };
        let compared = comparable.len() > 1 || own.len() > 1;
        let index = ids.iter().position(|other| other == id).unwrap_or(0);
        rows[index].agrees = compared.then(|| own.iter().all(|answer| answer == right));
    }
}
