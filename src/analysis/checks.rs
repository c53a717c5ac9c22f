//! Claims against what was measured: ok, FAILED or not clear, with the numbers. Pure.
//!
//! A claim is a list of questions, one a point: it is ok where every question is, FAILED where one says
//! the opposite, and not clear otherwise. How a question is judged is its metric's
//! [`Evidence`]: intervals over the runs, every reading, every run, or a single clear reading. To add a
//! metric: its row in METRICS and its line in [`Measured::values`].

use super::report::{FLOOR_ONE_CORE, FLOOR_SEVERAL_CORES, SIGNIFICANT, one_core};
use super::statistics::{PairedRatio, holm, median, paired_ratio};
use super::{Check, CheckResult, FEW_SAMPLES, Row};
use crate::claim::{Claim, Operand, Operator, Question, Reading};
use crate::describe::{Evidence, MetricDef};
use crate::experiment::Experiment;
use crate::plan::{self, RowId};
use crate::trial::{Kind, Measurement, MemorySource, Outcome, Record};
use crate::units::{
    format_bytes, format_count, format_ns, format_ratio, format_ratio_range, ratio_digits,
};
use std::collections::{BTreeMap, HashMap};

/// Relative difference within which two times count as equal (`==`), and a single reading of one is not
/// clear: what scheduling alone moves them by.
pub const SAME: f64 = FLOOR_SEVERAL_CORES;

/// How each claim came out.
pub fn checks(
    claims: &[Claim],
    experiment: &Experiment,
    records: &[Record],
    rows: &[Row],
) -> Vec<Check> {
    let measured = Measured::of(experiment, records, rows);
    let check = |claim: &Claim| {
        let mut answers: Vec<Answer> = claim
            .questions
            .iter()
            .map(|question| measured.ask(question))
            .collect();
        correct(&mut answers);
        measured.settle(claim, answers)
    };
    claims.iter().map(check).collect()
}

/// How one question came out.
#[derive(Clone, Debug)]
struct Answer {
    result: CheckResult,
    /// What was measured.
    why: String,
    /// How far inside the claim, the worst point having the least; comparable within one claim.
    margin: f64,
    /// For a question that failed by an interval: the chance of that by noise, before it is corrected for
    /// the number of questions.
    p: Option<f64>,
    /// What is said instead, where the corrected chance is too large.
    unclear: String,
}

impl Answer {
    fn new(result: CheckResult, why: String, margin: f64) -> Self {
        Answer {
            result,
            unclear: why.clone(),
            why,
            margin: if margin.is_nan() { f64::NEG_INFINITY } else { margin },
            p: None,
        }
    }

    fn unknown(why: String) -> Self {
        Answer::new(CheckResult::NotClear, why, f64::NEG_INFINITY)
    }
}

/// Of many points one differs by chance: a claim fails only where that remains unlikely after Holm's
/// correction (Holm 1979). That it holds needs none: every point must say so (Berger 1982).
fn correct(answers: &mut [Answer]) {
    let p: Vec<f64> = answers.iter().filter_map(|answer| answer.p).collect();
    // Questions that did not fail count too: they were asked.
    let others = vec![1.0; answers.len() - p.len()];
    let corrected = holm(&[p, others].concat());
    for (answer, p) in answers
        .iter_mut()
        .filter(|answer| answer.p.is_some())
        .zip(corrected)
    {
        if p >= SIGNIFICANT {
            answer.result = CheckResult::NotClear;
            answer.why = answer.unclear.clone();
        }
    }
}

/// What was measured of a reading.
struct Values<'a> {
    row: &'a Row,
    /// By block; memory by number of the reading.
    by_block: BTreeMap<u32, f64>,
    /// Whether the truth may be larger.
    is_lower_bound: bool,
    /// Runs that ended without a measurement, and how.
    ended: Vec<&'a Record>,
}

impl Values<'_> {
    fn list(&self) -> Vec<f64> {
        self.by_block.values().copied().collect()
    }
}

struct Measured<'a> {
    experiment: &'a Experiment,
    records: HashMap<RowId, Vec<&'a Record>>,
    rows: HashMap<RowId, &'a Row>,
}

impl<'a> Measured<'a> {
    fn of(experiment: &'a Experiment, records: &'a [Record], rows: &'a [Row]) -> Self {
        let mut of: HashMap<RowId, Vec<&Record>> = HashMap::new();
        for record in records {
            let id = RowId {
                series: record.series,
                point: record.point,
            };
            of.entry(id).or_default().push(record);
        }
        Measured {
            experiment,
            records: of,
            rows: plan::rows(experiment).into_iter().zip(rows).collect(),
        }
    }

    fn of_kind(&self, id: RowId, kind: Kind) -> impl Iterator<Item = &'a Record> {
        let all = self.records.get(&id).map(Vec::as_slice).unwrap_or_default();
        all.iter().copied().filter(move |record| record.kind == kind)
    }

    /// One value for each timed run.
    fn timed(&self, id: RowId, read: impl Fn(&Measurement) -> Option<f64>) -> BTreeMap<u32, f64> {
        self.of_kind(id, Kind::Timed)
            .filter_map(|record| Some((record.block, read(record.measurement.as_ref()?)?)))
            .collect()
    }

    fn walls(&self, id: RowId) -> BTreeMap<u32, f64> {
        self.timed(id, |m| Some(m.reply.wall_ns as f64))
    }

    /// Speedups over sequential of the same runtime, by block.
    fn speedups(&self, id: RowId, share: impl Fn(&Measurement) -> f64) -> BTreeMap<u32, f64> {
        let series = &self.experiment.series[id.series];
        let base = self.walls(RowId {
            series: self.experiment.baseline(series),
            point: id.point,
        });
        let own = self.timed(id, |m| Some(m.reply.wall_ns as f64 * share(m)));
        own.iter()
            .filter(|(_, own)| **own > 0.0)
            .filter_map(|(block, own)| Some((*block, base.get(block)? / own)))
            .collect()
    }

    /// What a reading's row measured; no values where it has none.
    fn values(&self, reading: &Reading) -> Option<Values<'a>> {
        let id = RowId {
            series: reading.series,
            point: reading.point,
        };
        let row = *self.rows.get(&id)?;
        let tally = |read: fn(&crate::model::Tally) -> u64| {
            self.timed(id, |m| Some(read(&m.reply.tally) as f64))
        };
        let numbered = |values: Vec<f64>| (0u32..).zip(values).collect::<BTreeMap<u32, f64>>();
        let group = row.groups.iter().find(|group| {
            let wanted = reading.group.as_ref();
            wanted.is_none_or(|name| *name == group.name)
        });
        let latency = group.and_then(|group| group.latency_ns.as_ref());
        let by_block = match reading.metric.name {
            "wall" => self.walls(id),
            "cpu" => self.timed(id, |m| Some(m.cpu_ns() as f64)),
            "memory" => numbered(
                self.of_kind(id, Kind::Sampled)
                    .filter_map(|record| record.measurement.as_ref()?.memory)
                    .map(|memory| memory.peak_bytes as f64)
                    .collect(),
            ),
            "speedup" => self.speedups(id, |_| 1.0),
            "efficiency" => self.speedups(id, |m| f64::from(m.reply.tally.workers.max(1))),
            "throughput" => self.timed(id, |m| {
                let seconds = m.reply.wall_ns as f64 / 1e9;
                (seconds > 0.0).then(|| m.reply.tally.succeeded as f64 / seconds)
            }),
            "latency" => numbered(latency.map(|latency| latency.median).into_iter().collect()),
            "p95" => numbered(latency.map(|latency| latency.p95).into_iter().collect()),
            "succeeded" => tally(|tally| tally.succeeded),
            "failed" => tally(|tally| tally.failed),
            "timed_out" => tally(|tally| tally.timed_out),
            "cancelled" => tally(|tally| tally.cancelled),
            "lost" => numbered(row.lost.as_ref().map_or(Vec::new(), |lost| lost.samples.clone())),
            "switches" => self.timed(id, |m| {
                Some((m.reply.voluntary_switches + m.reply.involuntary_switches) as f64)
            }),
            _ => BTreeMap::new(),
        };
        let ended = self
            .of_kind(id, Kind::Timed)
            .filter(|record| record.measurement.is_none() && is_failure(record.outcome));
        Some(Values {
            row,
            by_block,
            is_lower_bound: reading.metric.name == "memory"
                && row.memory_source != Some(MemorySource::HighWater)
                && row.memory_samples < FEW_SAMPLES,
            ended: ended.collect(),
        })
    }

    fn ask(&self, question: &Question) -> Answer {
        match question {
            Question::Compare {
                left,
                operator,
                right,
            } => self.compare(left, *operator, right),
            Question::Fastest { series, point } => self.fastest(*series, *point),
        }
    }

    fn compare(&self, left: &Reading, operator: Operator, right: &Operand) -> Answer {
        let Some(values) = self.values(left) else {
            return Answer::unknown("nothing was measured".to_owned());
        };
        let other = match right {
            Operand::Constant(_) => None,
            Operand::Reading { reading, .. } => self.values(reading).map(|values| (reading, values)),
        };
        let sides = [Some((left, &values)), other.as_ref().map(|(r, v)| (*r, v))];
        for (reading, values) in sides.into_iter().flatten() {
            if let Some(answer) = without_numbers(reading, values) {
                return answer;
            }
        }
        let other = other.map(|(_, values)| values);
        match left.metric.evidence {
            Evidence::Interval => self.by_interval(left, operator, right, &values, other.as_ref()),
            Evidence::Single => single(left, operator, right, &values, other.as_ref()),
            Evidence::Readings | Evidence::Count => {
                every(left, operator, right, &values, other.as_ref())
            }
        }
    }

    /// A comparison of what varies from run to run.
    fn by_interval(
        &self,
        left: &Reading,
        operator: Operator,
        right: &Operand,
        values: &Values,
        other: Option<&Values>,
    ) -> Answer {
        let (pairs, factor): (Vec<(f64, f64)>, f64) = match (right, other) {
            (Operand::Reading { factor, .. }, Some(other)) => {
                (pairs(&values.by_block, &other.by_block), *factor)
            }
            (Operand::Constant(constant), _) => {
                let own = values.by_block.values();
                (own.map(|value| (*value, *constant)).collect(), 1.0)
            }
            _ => (Vec::new(), 1.0),
        };
        let Some(ratio) = paired_ratio(&scaled(&pairs, factor)) else {
            // A clock that shows 0, or a constant of 0: there is no ratio, only every single run.
            return every(left, operator, right, values, other);
        };
        // Below the floor even a real difference says nothing: the verdict keeps to the same.
        let floor = match right {
            Operand::Reading { factor, reading } if *factor == 1.0 => {
                self.floor(id(left), id(reading))
            }
            _ => 0.0,
        };
        let (ratio_word, numbers) = match right {
            Operand::Constant(constant) => (
                show(left.metric, ratio.ratio * constant),
                interval(&ratio, |share| show(left.metric, share * constant), left.metric, *constant),
            ),
            Operand::Reading { reading, .. } => {
                let range = format_ratio_range(ratio.low * factor, ratio.high * factor);
                (
                    format!("{} {}", format_ratio(ratio.ratio * factor), reading.text),
                    match ratio.high.is_finite() {
                        true => format!(" (95 % interval {range})"),
                        false => String::new(),
                    },
                )
            }
        };
        let medians = match (right, other) {
            (Operand::Reading { reading, .. }, Some(other)) => format!(
                ": {} against {}",
                show(left.metric, median(&values.list())),
                show(reading.metric, median(&other.list()))
            ),
            _ => String::new(),
        };
        let mut answer = judge(&ratio, operator, floor, &pairs, factor);
        let runs = pairs.len();
        let few = if ratio.high.is_finite() {
            String::new()
        } else {
            format!(", from {} alone: too few to tell", count(runs, "run"))
        };
        answer.why = format!("{ratio_word}{numbers}{medians}{few}{}", mishaps(values));
        let close = floor > 0.0 && few.is_empty() && answer.result == CheckResult::NotClear;
        if close && (ratio.low > 1.0 || ratio.high < 1.0) {
            let percent = (floor * 100.0).round();
            answer.why.push_str(&format!(
                "; a difference below {percent} % is none that could be told from the machine's own"
            ));
        }
        answer.unclear = format!("{}; one of several points may be so by chance", answer.why);
        answer
    }

    fn floor(&self, left: RowId, right: RowId) -> f64 {
        match one_core(self.experiment, left) && one_core(self.experiment, right) {
            true => FLOOR_ONE_CORE,
            false => FLOOR_SEVERAL_CORES,
        }
    }

    /// A series against each other one of its point.
    fn fastest(&self, series: usize, point: usize) -> Answer {
        let own = RowId { series, point };
        let Some(row) = self.rows.get(&own) else {
            return Answer::unknown("nothing was measured".to_owned());
        };
        let walls = self.walls(own);
        if walls.is_empty() {
            return Answer::unknown(no_numbers(row));
        }
        if row.agrees == Some(false) {
            return Answer::unknown(wrong_answer(row));
        }
        let rivals = (0..self.experiment.series.len())
            .filter(|other| *other != series)
            .filter_map(|series| {
                let id = RowId { series, point };
                Some((id, *self.rows.get(&id)?))
            });
        let mut answers = Vec::new();
        for (id, rival) in rivals {
            let theirs = self.walls(id);
            if theirs.is_empty() {
                match rival.outcome {
                    // It can't win: it took longer than any run that ended, or makes no sense.
                    Outcome::Timeout | Outcome::Unsupported => {}
                    _ => answers.push(Answer::unknown(no_numbers(rival))),
                }
                continue;
            }
            if rival.agrees == Some(false) {
                continue;
            }
            let pairs = pairs(&walls, &theirs);
            let Some(ratio) = paired_ratio(&pairs) else {
                answers.push(Answer::unknown(format!(
                    "{} and {} have no runs to compare",
                    row.label, rival.label
                )));
                continue;
            };
            let mut answer = judge(&ratio, Operator::Less, self.floor(own, id), &pairs, 1.0);
            let range = |low: f64, high: f64| match high.is_finite() && low > 0.0 {
                true => format!(" (95 % interval {})", format_ratio_range(low, high)),
                false => ", from too few runs to tell".to_owned(),
            };
            let near = format!(
                "{} the time of {}, the nearest{}",
                format_ratio(ratio.ratio),
                rival.label,
                range(ratio.low, ratio.high)
            );
            answer.why = match answer.result {
                CheckResult::Failed => format!(
                    "{}, at {} the time of {}{}",
                    rival.label,
                    format_ratio(1.0 / ratio.ratio),
                    row.label,
                    range(1.0 / ratio.high, 1.0 / ratio.low)
                ),
                _ => near.clone(),
            };
            answer.unclear = near;
            answers.push(answer);
        }
        let lowest_p = {
            let p: Vec<f64> = answers.iter().map(|answer| answer.p.unwrap_or(1.0)).collect();
            holm(&p).into_iter().fold(1.0, f64::min)
        };
        correct(&mut answers);
        match worst(answers) {
            Some(answer) => Answer {
                p: answer.p.map(|_| lowest_p),
                ..answer
            },
            None => Answer::unknown("there is nothing that it could be compared with".to_owned()),
        }
    }

    /// All questions of a claim as one answer.
    fn settle(&self, claim: &Claim, answers: Vec<Answer>) -> Check {
        let all = answers.len();
        let place = |index: usize| self.place(&claim.questions[index]);
        let of = |result: CheckResult| answers.iter().filter(|a| a.result == result).count();
        let Some((index, worst)) = worst_of(&answers) else {
            return Check {
                claim: claim.text.clone(),
                result: CheckResult::NotClear,
                why: "there is no point to look at".to_owned(),
            };
        };
        let same = of(worst.result);
        let why = match (all, worst.result) {
            (1, _) => worst.why.clone(),
            (_, CheckResult::Ok) => {
                format!("{}, at {}, the closest of {all} points", worst.why, place(index))
            }
            _ if same == 1 => format!("{}, at {}, one of {all} points", worst.why, place(index)),
            (_, CheckResult::Failed) => format!(
                "{}, at {}, the worst of {same} that failed of {all} points",
                worst.why,
                place(index)
            ),
            (_, CheckResult::NotClear) => format!(
                "{}, at {}, one of {same} that are not clear of {all} points",
                worst.why,
                place(index)
            ),
        };
        Check {
            claim: claim.text.clone(),
            result: worst.result,
            why,
        }
    }

    /// "tasks = 8, case I/O-bound"
    fn place(&self, question: &Question) -> String {
        let point = match question {
            Question::Compare { left, .. } => left.point,
            Question::Fastest { point, .. } => *point,
        };
        let point = &self.experiment.points[point];
        let mut parts: Vec<String> = Vec::new();
        parts.extend(point.case.iter().map(|case| format!("case {case}")));
        parts.extend(point.at.iter().map(|(key, value)| format!("{key} = {value}")));
        parts.join(", ")
    }
}

fn id(reading: &Reading) -> RowId {
    RowId {
        series: reading.series,
        point: reading.point,
    }
}

/// The answer that decides: a failure before doubt before an ok, and of these the least inside.
fn worst_of(answers: &[Answer]) -> Option<(usize, &Answer)> {
    let rank = |answer: &Answer| match answer.result {
        CheckResult::Failed => 0,
        CheckResult::NotClear => 1,
        CheckResult::Ok => 2,
    };
    answers
        .iter()
        .enumerate()
        .min_by(|(_, a), (_, b)| rank(a).cmp(&rank(b)).then(a.margin.total_cmp(&b.margin)))
}

fn worst(answers: Vec<Answer>) -> Option<Answer> {
    worst_of(&answers).map(|(_, answer)| answer.clone())
}

/// Values of the blocks that both have.
fn pairs(left: &BTreeMap<u32, f64>, right: &BTreeMap<u32, f64>) -> Vec<(f64, f64)> {
    left.iter()
        .filter_map(|(block, value)| Some((*value, *right.get(block)?)))
        .collect()
}

fn scaled(pairs: &[(f64, f64)], factor: f64) -> Vec<(f64, f64)> {
    pairs.iter().map(|(a, b)| (*a, b * factor)).collect()
}

/// Whether `ratio`, left over what it is compared with, is below, above or about 1.
///
/// `pairs` are what it was made from, before the factor.
fn judge(
    ratio: &PairedRatio,
    operator: Operator,
    floor: f64,
    pairs: &[(f64, f64)],
    factor: f64,
) -> Answer {
    let far = ratio.ratio.ln().abs() >= floor.ln_1p();
    let (below, above) = (far && ratio.high < 1.0, far && ratio.low > 1.0);
    let same = (1.0 + SAME).ln();
    let (holds, opposite, margin) = match operator {
        Operator::Less | Operator::AtMost => (below, above, -ratio.high.ln()),
        Operator::More | Operator::AtLeast => (above, below, ratio.low.ln()),
        Operator::Equal => {
            let (low, high) = (ratio.low.ln(), ratio.high.ln());
            let outside = low > same || high < -same;
            // Equivalence: the whole interval within the bounds (Westlake 1972; Schuirmann 1987).
            let within = low >= -same && high <= same;
            (within, outside, same - low.abs().max(high.abs()))
        }
    };
    let result = match (holds, opposite) {
        (true, _) => CheckResult::Ok,
        (_, true) => CheckResult::Failed,
        _ => CheckResult::NotClear,
    };
    let mut answer = Answer::new(result, String::new(), margin);
    if result == CheckResult::Failed {
        let bound = match operator {
            Operator::Equal if ratio.ratio > 1.0 => 1.0 + SAME,
            Operator::Equal => 1.0 / (1.0 + SAME),
            _ => 1.0,
        };
        answer.p = paired_ratio(&scaled(pairs, factor * bound)).map(|ratio| ratio.p);
    }
    answer
}

/// A comparison of what is counted or read a few times: each value of one side with each of the other.
fn every(
    left: &Reading,
    operator: Operator,
    right: &Operand,
    values: &Values,
    other: Option<&Values>,
) -> Answer {
    let own = values.list();
    let against: Vec<f64> = match (right, other) {
        (Operand::Reading { factor, .. }, Some(other)) => {
            other.list().iter().map(|value| value * factor).collect()
        }
        (Operand::Constant(constant), _) => vec![*constant],
        _ => Vec::new(),
    };
    let holds = |value: &f64| against.iter().all(|other| operator.holds(*value, *other));
    let fails = |value: &f64| !against.iter().any(|other| operator.holds(*value, *other));
    let held = own.iter().filter(|value| holds(value)).count();
    let is_count = left.metric.evidence == Evidence::Count;
    // That something happens at all is shown by one run in which it does.
    let any_proves = is_count
        && match (operator, right) {
            (Operator::More, Operand::Constant(constant)) => *constant == 0.0,
            (Operator::AtLeast, Operand::Constant(constant)) => *constant > 0.0 && *constant <= 1.0,
            _ => false,
        };
    let mut result = if held == own.len() || (any_proves && held > 0) {
        CheckResult::Ok
    } else if is_count || own.iter().all(fails) {
        CheckResult::Failed
    } else {
        CheckResult::NotClear
    };
    let mut why = range(left.metric, &own);
    if let (Operand::Reading { reading, .. }, Some(other)) = (right, other) {
        let theirs = range(reading.metric, &other.list());
        why.push_str(&format!(" against {theirs} of {}", reading.text));
    }
    let runs = if left.metric.name == "memory" { "reading" } else { "run" };
    if held > 0 && held < own.len() {
        why.push_str(&format!("; so in {held} of {}", count(own.len(), runs)));
    } else if own.len() > 1 {
        why.push_str(&format!(" in all {}", count(own.len(), runs)));
    }
    // A run that ended early kept no promise about its tasks.
    if is_count && result == CheckResult::Ok && !any_proves && !values.ended.is_empty() {
        result = CheckResult::Failed;
    }
    why.push_str(&mishaps(values));
    if bound_matters(operator, result, values, other) {
        result = CheckResult::NotClear;
        why.push_str("; the run was too short for more than a few samples, so the peak may be higher");
    }
    let largest = |list: &[f64]| list.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let smallest = |list: &[f64]| list.iter().copied().fold(f64::INFINITY, f64::min);
    let margin = match operator {
        Operator::Less | Operator::AtMost => smallest(&against) - largest(&own),
        Operator::More | Operator::AtLeast => smallest(&own) - largest(&against),
        Operator::Equal => -(largest(&own) - smallest(&against))
            .abs()
            .max((smallest(&own) - largest(&against)).abs()),
    };
    Answer::new(result, why, margin)
}

/// Whether a peak that may be higher could turn the result.
fn bound_matters(
    operator: Operator,
    result: CheckResult,
    values: &Values,
    other: Option<&Values>,
) -> bool {
    let wants_less = matches!(operator, Operator::Less | Operator::AtMost);
    let other_is_bound = other.is_some_and(|other| other.is_lower_bound);
    // (a larger left side can turn it, a larger right side can turn it)
    let (left, right) = match (result, operator) {
        (CheckResult::NotClear, _) => (false, false),
        (_, Operator::Equal) => (true, true),
        (CheckResult::Ok, _) => (wants_less, !wants_less),
        (CheckResult::Failed, _) => (!wants_less, wants_less),
    };
    (left && values.is_lower_bound) || (right && other_is_bound)
}

/// A comparison of single readings: clear where they differ by more than noise would explain.
fn single(
    left: &Reading,
    operator: Operator,
    right: &Operand,
    values: &Values,
    other: Option<&Values>,
) -> Answer {
    let own = median(&values.list());
    let (against, suffix) = match (right, other) {
        (Operand::Reading { factor, reading }, Some(other)) => {
            let theirs = median(&other.list());
            let told = show(reading.metric, theirs);
            (theirs * factor, format!(" against {told} of {}", reading.text))
        }
        (Operand::Constant(constant), _) => (*constant, String::new()),
        _ => (f64::NAN, String::new()),
    };
    let why = format!("{}{suffix}", show(left.metric, own));
    let distance = (own / against).ln();
    let close = distance.abs() < SAME.ln_1p();
    let result = match (operator, close) {
        (Operator::Equal, true) => CheckResult::Ok,
        (Operator::Equal, false) => CheckResult::Failed,
        (_, true) => CheckResult::NotClear,
        _ if operator.holds(own, against) => CheckResult::Ok,
        _ => CheckResult::Failed,
    };
    let margin = match operator {
        Operator::Less | Operator::AtMost => -distance,
        Operator::More | Operator::AtLeast => distance,
        Operator::Equal => -distance.abs(),
    };
    let near = match result {
        CheckResult::NotClear => ": too close for a single reading",
        _ => "",
    };
    Answer::new(result, format!("{why}{near}"), margin)
}

/// The answer about a row that can't be judged; `None` where it can.
fn without_numbers(reading: &Reading, values: &Values) -> Option<Answer> {
    let row = values.row;
    let is_count = reading.metric.evidence == Evidence::Count;
    if values.by_block.is_empty() {
        // What ended badly kept no promise about its tasks; what never ran made none.
        let result = match is_count && is_failure(row.outcome) {
            true => CheckResult::Failed,
            false => CheckResult::NotClear,
        };
        let why = match row.wall_ns.is_some() {
            true => format!("`{}` was not recorded for {}", reading.metric.name, row.label),
            false => no_numbers(row),
        };
        return Some(Answer::new(result, why, f64::NEG_INFINITY));
    }
    let is_time = matches!(reading.metric.evidence, Evidence::Interval | Evidence::Single);
    (is_time && row.agrees == Some(false)).then(|| Answer::unknown(wrong_answer(row)))
}

fn is_failure(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Timeout | Outcome::Memory | Outcome::Crashed | Outcome::Failed
    )
}

fn no_numbers(row: &Row) -> String {
    let why = row.why.as_deref().unwrap_or("no reason is known");
    format!("{} gave no numbers: {why}", row.label)
}

fn wrong_answer(row: &Row) -> String {
    format!("{}'s answer is wrong, so its times mean nothing", row.label)
}

/// What happened to runs that are not among the numbers, and to tasks that are.
fn mishaps(values: &Values) -> String {
    let mut text = String::new();
    if let Some(record) = values.ended.first() {
        let why = record.why.as_deref().unwrap_or("no reason is known");
        let ended = count(values.ended.len(), "run");
        text.push_str(&format!("; {ended} ended without numbers: {why}"));
    }
    text
}

/// "1 run", "5 runs"
fn count(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!("{} {noun}s", format_count(count as u64)),
    }
}

/// "3", "3 to 5"
fn range(metric: &MetricDef, values: &[f64]) -> String {
    let low = show(metric, values.iter().copied().fold(f64::INFINITY, f64::min));
    let high = show(metric, values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    match low == high {
        true => low,
        false => format!("{low} to {high}"),
    }
}

/// A value of a metric, for people.
fn show(metric: &MetricDef, value: f64) -> String {
    match metric.unit {
        "ns" => format_ns(value),
        "bytes" => format_bytes(value),
        "ratio" => format_ratio(value),
        "1/s" => format!("{} a second", ratio_digits(value)),
        "count" if value.fract() == 0.0 && value >= 0.0 => format_count(value as u64),
        _ => ratio_digits(value),
    }
}

/// " (95 % interval 206–210 ms)"; nothing where there is none.
fn interval(
    ratio: &PairedRatio,
    show: impl Fn(f64) -> String,
    metric: &MetricDef,
    constant: f64,
) -> String {
    if !ratio.high.is_finite() {
        return String::new();
    }
    let (low, high) = (show(ratio.low), show(ratio.high));
    let range = match (metric.unit, low.rsplit_once(' '), high.rsplit_once(' ')) {
        ("ratio" | "share", ..) => format_ratio_range(ratio.low * constant, ratio.high * constant),
        (_, Some((low, one)), Some((high, two))) if one == two => match low == high {
            true => format!("{low} {one}"),
            false => format!("{low}–{high} {one}"),
        },
        _ => format!("{low}–{high}"),
    };
    format!(" (95 % interval {range})")
}
