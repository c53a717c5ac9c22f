//! `check` and `predict`: claims are read, and their names settled against the experiment.
//!
//! The grammar is [`crate::claim`]'s; what is complained about here is meaning: metrics, units, series,
//! swept keys, cases, groups. Complaints are placed inside the claim's text in the cell. To add a metric:
//! a row in METRICS. `source` knows the texts of claims, `resolver` settles their names.

mod resolver;
mod source;

use super::reader::{Item, Reader};
use crate::claim::{Claim, parse};
use crate::experiment::Experiment;
use resolver::Resolver;
use source::texts;

/// Most claims of one key.
const MOST_CLAIMS: usize = 200;

/// Keys that hold claims.
pub const KEYS: [&str; 2] = ["check", "predict"];

/// Reads claims for what is wrong with them whatever the experiment: syntax, metrics, units.
pub fn check_alone(reader: &mut Reader, key: &str, item: &Item) {
    let found = texts(reader, key, item);
    for source in &found {
        if let Some(written) = source.parse(reader) {
            source.check_metrics(reader, &written);
        }
    }
}

/// The claims of an experiment; `check_alone` has complained about the rest.
pub fn resolve(reader: &mut Reader, key: &str, item: &Item, experiment: &Experiment) -> Vec<Claim> {
    let found = texts(reader, key, item);
    let resolved = found.iter().filter_map(|source| {
        let written = parse(&source.text).ok()?;
        let mut resolver = Resolver {
            source,
            reader,
            experiment,
        };
        resolver.claim(&written)
    });
    resolved.collect()
}

#[cfg(test)]
mod tests {
    use super::resolver::compare_at;
    use super::*;
    use crate::claim::{Operand, Question};
    use crate::experiment::{At, Point};
    use crate::spec::{Cell, Session, read};
    use std::cmp::Ordering;
    use toml::de::DeTable;

    /// Two cases at two sizes, each with two groups of tasks.
    fn experiment() -> Experiment {
        let cell =
            "task = { cpu = \"1ms\" }\ntasks = [2, 8]\nmodels = [\"sequential\", \"threads\"]";
        let Some(Cell::Experiment(mut experiment)) = read(cell, &Session::default()).0 else {
            panic!("an experiment")
        };
        for point in &mut experiment.points {
            let mut second = point.program.groups[0].clone();
            point.program.groups[0].name = "hog".to_owned();
            second.name = "I/O".to_owned();
            point.program.groups.push(second);
        }
        let mut points = Vec::new();
        for case in ["CPU-bound", "I/O-bound"] {
            points.extend(experiment.points.iter().map(|point| Point {
                case: Some(case.to_owned()),
                ..point.clone()
            }));
        }
        experiment.points = points;
        *experiment
    }

    fn resolved(claim: &str) -> Result<Claim, (String, String)> {
        let cell = format!("check = {claim:?}");
        let (table, _) = DeTable::parse_recoverable(&cell);
        let item = table.get_ref().get("check").unwrap();
        let mut reader = Reader::new(&cell, Vec::new());
        let claims = resolve(&mut reader, "check", item, &experiment());
        match reader.problems.pop() {
            Some(problem) => Err((problem.message, problem.help)),
            None => Ok(claims.into_iter().next().unwrap()),
        }
    }

    /// Points of the left side, one for each question.
    fn points(claim: &str) -> Vec<usize> {
        let point = |question: &Question| match question {
            Question::Compare { left, .. } => left.point,
            Question::Fastest { point, .. } => *point,
        };
        resolved(claim)
            .unwrap()
            .questions
            .iter()
            .map(point)
            .collect()
    }

    #[test]
    fn conditions_choose_points_and_terms_may_name_their_own() {
        assert_eq!(points("wall(threads) < 1s"), [0, 1, 2, 3]);
        assert_eq!(
            points("fastest == threads when case == 'I/O-bound'"),
            [2, 3]
        );
        assert_eq!(
            points("wall(threads) < 1s when tasks < 8 and case == I/O-bound"),
            [2]
        );
        assert_eq!(points("wall(threads, tasks = 8) < 1s"), [1, 3]);
        assert_eq!(
            points("wall(threads, tasks = 8, case = CPU-bound) < 1s"),
            [1]
        );
        let claim =
            resolved("latency(threads, group = 'I/O') < p95(sequential, group = hog)").unwrap();
        assert!(claim.asks_for("latency") && claim.asks_for("p95") && !claim.asks_for("wall"));
        let Question::Compare { left, right, .. } = &claim.questions[0] else {
            panic!("a comparison")
        };
        assert_eq!(left.group.as_deref(), Some("I/O"));
        assert!(
            matches!(right, Operand::Reading { reading, .. } if reading.group.as_deref() == Some("hog"))
        );
    }

    #[test]
    fn cases_and_groups_that_do_not_exist_are_told_with_those_that_do() {
        for (claim, message, help) in [
            (
                "wall(threads) < 1s when case == 'IO-bound'",
                "no case `IO-bound`",
                "case == 'I/O-bound'?",
            ),
            (
                "wall(threads) < 1s when case == nothing",
                "no case",
                "CPU-bound, I/O-bound",
            ),
            (
                "wall(threads) < 1s when case > 'I/O-bound'",
                "no order",
                "`==`",
            ),
            (
                "latency(threads) < 1s",
                "several groups",
                "latency(threads, group = hog)",
            ),
            (
                "latency(threads, group = hok) < 1s",
                "no group `hok`",
                "did you mean hog?",
            ),
            (
                "latency(threads, group = x) < 1s",
                "no group `x`",
                "hog, I/O",
            ),
        ] {
            let (said, remedy) = resolved(claim).expect_err(claim);
            assert!(said.contains(message), "{claim}: {said}");
            assert!(remedy.contains(help), "{claim}: {remedy}");
        }
    }

    #[test]
    fn only_models_with_an_event_loop_have_a_lag() {
        let (said, remedy) = resolved("lag(threads) < 1s").unwrap_err();
        assert!(said.contains("`threads` has no event loop"), "{said}");
        assert!(remedy.contains("async, hybrid, async-threads"), "{remedy}");
        let cell = "task = { cpu = \"1ms\" }\ncheck = [\"lag(async) < 1s\", \"lag(threads) < 1s\"]";
        let (_, problems) = read(cell, &Session::default());
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].help.starts_with("write lag(async)"),
            "{problems:?}"
        );
        assert_eq!(&cell[problems[0].span.clone()], "threads");
    }

    #[test]
    fn the_example_of_every_metric_is_one_that_its_rows_can_answer() {
        for metric in crate::measure::metrics::METRICS {
            let cell = format!(
                "task = {{ cpu = \"1ms\" }}\n{}",
                crate::catalog::claims::lines(metric)
            );
            let (_, problems) = read(&cell, &Session::default());
            assert_eq!(problems, [], "{cell}");
        }
    }

    #[test]
    fn swept_values_are_compared_as_what_they_are() {
        let compare = |left: At, right: At| compare_at(&left, &right);
        assert_eq!(compare(At::Count(9), At::Count(10)), Some(Ordering::Less));
        assert_eq!(compare(At::Duration(9), At::Count(10)), None);
        assert_eq!(compare(At::Word("a".into()), At::Word("b".into())), None);
        assert_eq!(
            compare(At::Word("a".into()), At::Word("a".into())),
            Some(Ordering::Equal)
        );
    }
}
