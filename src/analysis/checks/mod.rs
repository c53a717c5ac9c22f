//! Claims against what was measured: ok, FAILED or not clear, with the numbers. Pure.
//!
//! A claim is a list of questions, one a point: it is ok where every question is, FAILED where one says
//! the opposite, and not clear otherwise. `values` reads what was measured, `judge` says what follows from
//! it by the metric's [`Evidence`], `words` writes numbers. To add a metric: its row in METRICS and its
//! line in `values`.

mod judge;
mod values;
mod words;

use super::statistics::{holm, median, paired_ratio};
use super::{Check, CheckResult, Row};
use crate::analysis::report::{FLOOR_ONE_CORE, FLOOR_SEVERAL_CORES, SIGNIFICANT, one_core};
use crate::claim::{Claim, Operand, Operator, Question, Reading};
use crate::describe::Evidence;
use crate::experiment::{Experiment, TRACED_METRICS};
use crate::plan::RowId;
use crate::runtime::Runtime;
use crate::trial::{Kind, Outcome, Record};
use crate::units::{format_ratio, format_ratio_range};
use judge::{bound_matters, every, is_failure, judge, pairs, scaled, single};
use values::{Measured, Values};
use words::{count, interval, mishaps, no_numbers, show, wrong_answer};

/// How each claim came out, by an experiment's records and the rows that were made of them.
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
            margin: if margin.is_nan() {
                f64::NEG_INFINITY
            } else {
                margin
            },
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

impl Measured<'_> {
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
            Operand::Reading { reading, .. } => {
                self.values(reading).map(|values| (reading, values))
            }
        };
        let sides = [Some((left, &values)), other.as_ref().map(|(r, v)| (*r, v))];
        for (reading, values) in sides.into_iter().flatten() {
            if let Some(answer) = self.without_numbers(reading, values) {
                return answer;
            }
        }
        let other = other.map(|(_, values)| values);
        match left.metric.evidence {
            Evidence::Interval => self.by_interval(left, operator, right, &values, other.as_ref()),
            Evidence::Single => {
                let answer = single(left, operator, right, &values, other.as_ref());
                self.with_what_is_not_seen(answer, left, operator, right, &values, other.as_ref())
            }
            Evidence::Readings | Evidence::Count => {
                every(left, operator, right, &values, other.as_ref())
            }
        }
    }

    /// The answer of a single reading, with what such a reading doesn't tell.
    fn with_what_is_not_seen(
        &self,
        mut answer: Answer,
        left: &Reading,
        operator: Operator,
        right: &Operand,
        values: &Values,
        other: Option<&Values>,
    ) -> Answer {
        let other_reading = match right {
            Operand::Reading { reading, .. } => Some(reading),
            Operand::Constant(_) => None,
        };
        if bound_matters(operator, answer.result, values, other) {
            answer = Answer::unknown(format!(
                "{}; a lock that the `python` step makes for itself is not seen, only those that the cell declares",
                answer.why
            ));
        }
        let sides = [Some((left, values)), other_reading.zip(other)];
        for (reading, values) in sides.into_iter().flatten() {
            if reading.metric.name == "gil_wait" && !values.row.has_gil() {
                let runtime = Runtime::from(values.row.runtime.clone());
                let text = format!("; {} has no GIL to wait for", runtime.title());
                if !answer.why.contains(&text) {
                    answer.why.push_str(&text);
                }
            }
        }
        answer
    }

    /// The answer about a row that can't be judged; `None` where it can.
    fn without_numbers(&self, reading: &Reading, values: &Values) -> Option<Answer> {
        let row = values.row;
        let is_count = reading.metric.evidence == Evidence::Count;
        let is_traced = TRACED_METRICS.contains(&reading.metric.name);
        // A traced run alone is no answer of a row.
        if values.by_block.is_empty() || is_traced && row.wall_ns.is_none() {
            // What ended badly kept no promise about its tasks; what never ran made none.
            let result = match is_count && is_failure(row.outcome) {
                true => CheckResult::Failed,
                false => CheckResult::NotClear,
            };
            let why = match (row.wall_ns.is_some(), reading.metric.name) {
                (true, "lag") if row.traced.is_some() => {
                    format!(
                        "the traced run of {} was over before its event loop's first timer was due, after 5 ms",
                        row.label
                    )
                }
                (true, "gil_wait") if row.traced.is_some() => format!(
                    "waits for the GIL could not be told from other waits of {}",
                    row.label
                ),
                (true, name) if is_traced => {
                    let run = self.of_kind(id(reading), Kind::Traced).next();
                    let why = run.and_then(|run| run.why.as_deref());
                    let why = why.unwrap_or("its traced run does not tell it");
                    format!("`{name}` was not recorded for {}: {why}", row.label)
                }
                (true, name) => format!("`{name}` was not recorded for {}", row.label),
                (false, _) => no_numbers(row),
            };
            return Some(Answer::new(result, why, f64::NEG_INFINITY));
        }
        let is_time = matches!(
            reading.metric.evidence,
            Evidence::Interval | Evidence::Single
        );
        (is_time && row.agrees == Some(false)).then(|| Answer::unknown(wrong_answer(row)))
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
                interval(
                    &ratio,
                    |share| show(left.metric, share * constant),
                    left.metric,
                    *constant,
                ),
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
            let p: Vec<f64> = answers
                .iter()
                .map(|answer| answer.p.unwrap_or(1.0))
                .collect();
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
        let of = |result: CheckResult| answers.iter().filter(|a| a.result == result).count();
        let Some((index, worst)) = worst_of(&answers) else {
            return Check {
                claim: claim.text.clone(),
                result: CheckResult::NotClear,
                why: "there is no point to look at".to_owned(),
            };
        };
        let same = of(worst.result);
        let alike = answers.iter().all(|answer| answer.margin == worst.margin);
        let place = || self.place(&claim.questions[index]);
        let which = match (worst.result, same == all) {
            _ if all == 1 => String::new(),
            (CheckResult::Ok, _) if alike => format!(", at all {all} points"),
            (CheckResult::Ok, _) => format!(", at {}, the closest of {all} points", place()),
            (CheckResult::Failed, true) if alike => format!(", at all {all} points"),
            (CheckResult::Failed, true) => format!(", at {}, the worst of {all} points", place()),
            (CheckResult::Failed, false) => {
                format!(", at {}; it failed at {same} of {all} points", place())
            }
            (CheckResult::NotClear, true) => {
                format!(", at {}; clear at none of {all} points", place())
            }
            (CheckResult::NotClear, false) => {
                format!(", at {}; not clear at {same} of {all} points", place())
            }
        };
        let why = format!("{}{which}", worst.why);
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
        parts.extend(
            point
                .at
                .iter()
                .map(|(key, value)| format!("{key} = {value}")),
        );
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
