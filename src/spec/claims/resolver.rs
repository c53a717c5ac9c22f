//! The names of a claim, settled against the experiment: rows, points, groups.
//!
//! To let a metric name something else inside its parentheses: [`Resolver::reading`].

use super::super::reader::Reader;
use super::source::{Source, base_value};
use crate::claim::{
    Assertion, Claim, Operand, Operator, Question, Reading, Side, Term, Word, Written, parse,
};
use crate::describe::{MetricDef, nearest};
use crate::diagnostic::Span;
use crate::experiment::{At, Experiment, LOOP_MODELS, Point, Series};
use crate::measure::metrics::find;
use crate::model;
use crate::units::{parse_bytes, parse_duration_ns};
use std::cmp::Ordering;

/// What a condition compares a point with.
enum Wanted {
    /// A case by its name.
    Case(String),
    /// A swept key and a value of its kind.
    Swept(String, At),
}

impl Wanted {
    /// How a point compares; `None` where it doesn't.
    fn compare(&self, point: &Point) -> Option<Ordering> {
        match self {
            Wanted::Case(case) => (point.case.as_ref() == Some(case)).then_some(Ordering::Equal),
            Wanted::Swept(key, wanted) => {
                let (_, at) = point.at.iter().find(|(known, _)| known == key)?;
                compare_at(at, wanted)
            }
        }
    }
}

/// Settles the names of one claim.
pub struct Resolver<'r, 'a> {
    /// The claim's text.
    pub source: &'r Source,
    /// Where problems go.
    pub reader: &'r mut Reader<'a>,
    /// What its names may be.
    pub experiment: &'r Experiment,
}

impl Resolver<'_, '_> {
    fn problem(&mut self, span: &Span, message: impl Into<String>, help: impl Into<String>) {
        let span = self.source.span(span);
        self.reader.problem(span, message, help);
    }

    /// The claim with its names settled; nothing where there is a problem.
    pub fn claim(&mut self, written: &Written) -> Option<Claim> {
        let before = self.reader.problems.len();
        let points = self.points(written);
        let mut questions: Vec<Question> = Vec::new();
        for point in points.unwrap_or_default() {
            let question = match &written.assertion {
                Assertion::Fastest { series } => self.fastest(series, point),
                Assertion::Compare {
                    left,
                    operator,
                    right,
                } => self.compare(left, *operator, right, point),
            };
            if self.reader.problems.len() > before {
                return None;
            }
            // Sides that name their own points ask the same at several points of the cell.
            questions.extend(question.filter(|question| !questions.contains(question)));
        }
        if self.reader.problems.len() > before || questions.is_empty() {
            return None;
        }
        let words: Vec<&str> = self.source.text.split_whitespace().collect();
        Some(Claim {
            text: words.join(" "),
            questions,
        })
    }

    /// Indices of the points that `when` leaves.
    fn points(&mut self, written: &Written) -> Option<Vec<usize>> {
        let mut left: Vec<usize> = (0..self.experiment.points.len()).collect();
        for condition in &written.when {
            let orders = !matches!(condition.operator, Operator::Equal);
            let wanted = self.wanted(&condition.key, &condition.value, orders)?;
            left.retain(|point| {
                let at = wanted.compare(&self.experiment.points[*point]);
                at.is_some_and(|ordering| condition.operator.holds(ordering, Ordering::Equal))
            });
        }
        if left.is_empty() {
            let (first, last) = (written.when.first()?, written.when.last()?);
            let span = first.key.span.start..last.value.span.end;
            let points = self.experiment.points.len();
            self.problem(
                &span,
                format!("`when` leaves none of the {points} points"),
                "loosen it, or add such a point to the sweep",
            );
            return None;
        }
        Some(left)
    }

    /// What a condition asks of a point; `orders`: whether it asks for more than equality.
    fn wanted(&mut self, key: &Word, value: &Word, orders: bool) -> Option<Wanted> {
        if key.text == "case" {
            let case = self.case(key, value)?;
            if orders {
                self.problem(&key.span, "cases have no order", "compare them with `==`");
                return None;
            }
            return Some(Wanted::Case(case));
        }
        let values = self.swept(key)?;
        let value_wanted = self.swept_value(key, value, &values, !orders)?;
        if orders && matches!(value_wanted, At::Word(_)) {
            self.problem(
                &value.span,
                format!(
                    "the values of `{}` are words, which have no order",
                    key.text
                ),
                "compare them with `==`",
            );
            return None;
        }
        Some(Wanted::Swept(key.text.clone(), value_wanted))
    }

    /// A case by its name.
    fn case(&mut self, key: &Word, value: &Word) -> Option<String> {
        let mut cases: Vec<String> = Vec::new();
        for case in self
            .experiment
            .points
            .iter()
            .filter_map(|p| p.case.as_ref())
        {
            if !cases.contains(case) {
                cases.push(case.clone());
            }
        }
        if cases.is_empty() {
            self.problem(
                &key.span,
                "this cell has no cases",
                "leave this condition out",
            );
            return None;
        }
        if cases.contains(&value.text) {
            return Some(value.text.clone());
        }
        let help = match nearest(&value.text, cases.iter().map(String::as_str)) {
            Some(near) => format!("did you mean case == '{near}'?"),
            None => format!("the cases are {}", quoted(&cases)),
        };
        self.problem(
            &value.span,
            format!("there is no case `{}`", value.text),
            help,
        );
        None
    }

    /// The values that a swept key takes.
    fn swept(&mut self, key: &Word) -> Option<Vec<At>> {
        let mut values: Vec<At> = Vec::new();
        let all = self.experiment.points.iter().flat_map(|point| &point.at);
        for (_, value) in all.filter(|(known, _)| *known == key.text) {
            if !values.contains(value) {
                values.push(value.clone());
            }
        }
        if !values.is_empty() {
            return Some(values);
        }
        let first = self.experiment.points.first()?;
        let mut keys: Vec<&str> = first.at.iter().map(|(key, _)| key.as_str()).collect();
        if first.case.is_some() {
            keys.push("case");
        }
        let (message, help) = match (key.text.as_str(), nearest(&key.text, keys.iter().copied())) {
            ("group", _) => (
                "a group belongs to a metric".to_owned(),
                "write it inside the parentheses: latency(threads, group = 'I/O')".to_owned(),
            ),
            (name, Some(near)) => (
                format!("`{name}` is not swept here"),
                format!("did you mean `{near}`?"),
            ),
            (name, None) if keys.is_empty() => (
                format!("`{name}` has one value in this cell, so there is nothing to choose"),
                "leave this out, or sweep it: a list of values gives a point each".to_owned(),
            ),
            (name, None) => (
                format!("`{name}` is not swept here"),
                format!("this cell varies {}", keys.join(" and ")),
            ),
        };
        self.problem(&key.span, message, help);
        None
    }

    /// A value of a swept key, read as its kind; `exact`: one of those that the cell has.
    fn swept_value(&mut self, key: &Word, value: &Word, values: &[At], exact: bool) -> Option<At> {
        let text = value.text.as_str();
        let read = match values.first()? {
            At::Count(_) => text.replace('_', "").parse().ok().map(At::Count),
            At::Duration(_) => parse_duration_ns(text).ok().map(At::Duration),
            At::Size(_) => parse_bytes(text).ok().map(At::Size),
            At::Word(_) => Some(At::Word(text.to_owned())),
        };
        let listed: Vec<String> = values.iter().map(At::to_string).collect();
        let Some(read) = read else {
            let kind = match values.first()? {
                At::Duration(_) => "a time with its unit",
                At::Size(_) => "a size with its unit",
                _ => "a whole number",
            };
            self.problem(
                &value.span,
                format!("`{}` is {kind}, and `{text}` is not", key.text),
                format!("its values here are {}", listed.join(", ")),
            );
            return None;
        };
        if exact && !values.contains(&read) {
            let help = match nearest(text, listed.iter().map(String::as_str)) {
                Some(near) if matches!(read, At::Word(_)) => format!("did you mean {near}?"),
                _ => format!("its values here are {}", listed.join(", ")),
            };
            self.problem(
                &value.span,
                format!("`{}` is never {text} in this cell", key.text),
                help,
            );
            return None;
        }
        Some(read)
    }

    fn fastest(&mut self, series: &Word, point: usize) -> Option<Question> {
        let found = self.series(series)?;
        if self.experiment.series.len() < 2 {
            self.problem(
                &series.span,
                "there is only one row, so nothing to be faster than",
                "add another model to `models`",
            );
            return None;
        }
        Some(Question::Fastest {
            series: found,
            point,
        })
    }

    fn compare(
        &mut self,
        left: &Term,
        operator: Operator,
        right: &Side,
        point: usize,
    ) -> Option<Question> {
        let left = self.reading(left, point);
        let right = match right {
            Side::Number(number) => {
                let metric = left.as_ref()?.metric;
                Operand::Constant(base_value(metric, number.value)?)
            }
            Side::Term { factor, term } => Operand::Reading {
                factor: *factor,
                reading: self.reading(term, point)?,
            },
        };
        Some(Question::Compare {
            left: left?,
            operator,
            right,
        })
    }

    /// A metric of a row: of the claim's point, but for the keys that the term names.
    fn reading(&mut self, term: &Term, point: usize) -> Option<Reading> {
        let metric = find(&term.metric.text)?;
        let series = self.series(&term.series)?;
        let mut group = None;
        let mut wanted = self.experiment.points[point].clone();
        for (key, value) in &term.filters {
            match key.text.as_str() {
                "group" => group = Some(self.group(term, key, value, point)?),
                "case" => wanted.case = Some(self.case(key, value)?),
                name => {
                    let values = self.swept(key)?;
                    let value = self.swept_value(key, value, &values, true)?;
                    if let Some(slot) = wanted.at.iter_mut().find(|(known, _)| known == name) {
                        slot.1 = value;
                    }
                }
            }
        }
        let of_one = matches!(metric.name, "latency" | "p95");
        let groups = &self.experiment.points[point].program.groups;
        if of_one && group.is_none() && groups.len() > 1 {
            let names: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
            let help = format!(
                "write {}({}, group = {}); the groups are {}",
                metric.name,
                self.source.name(&term.series),
                bare_or_quoted(&names[0]),
                quoted(&names)
            );
            self.problem(&term.span, "this cell has several groups of tasks", help);
            return None;
        }
        if metric.name == "lag" {
            self.needs_loop(term, series)?;
        }
        if matches!(metric.name, "speedup" | "efficiency") {
            self.needs_sequential(term, metric, series)?;
        }
        let place = |other: &Point| other.case == wanted.case && other.at == wanted.at;
        let Some(point) = self.experiment.points.iter().position(place) else {
            self.problem(
                &term.span,
                "this cell has no such point",
                "name a case and values that stand together in the cell",
            );
            return None;
        };
        let text: Vec<&str> = self.source.text[term.span.clone()]
            .split_whitespace()
            .collect();
        Some(Reading {
            metric,
            series,
            point,
            group,
            text: text.join(" "),
        })
    }

    fn needs_loop(&mut self, term: &Term, series: usize) -> Option<()> {
        let all = &self.experiment.series;
        let has_loop = |series: &&Series| LOOP_MODELS.contains(&&*series.model);
        if has_loop(&&all[series]) {
            return Some(());
        }
        let message = format!(
            "`{}` has no event loop, so nothing of it can lag",
            self.source.name(&term.series)
        );
        let models = LOOP_MODELS.join(", ");
        let help = match all.iter().find(has_loop) {
            Some(other) => format!(
                "write lag({}); models with an event loop are {models}",
                bare_or_quoted(&other.label)
            ),
            None => format!("name a model with an event loop, and add it to `models`: {models}"),
        };
        self.problem(&term.series.span, message, help);
        None
    }

    fn needs_sequential(&mut self, term: &Term, metric: &MetricDef, series: usize) -> Option<()> {
        let runtime = &self.experiment.series[series].runtime;
        let is_base = |other: &Series| other.model == "sequential" && other.runtime == *runtime;
        if self.experiment.series.iter().any(is_base) {
            return Some(());
        }
        let runtime = runtime.name();
        let help = match self.several_runtimes() {
            true => format!("add \"sequential@{runtime}\" to `models`"),
            false => "add \"sequential\" to `models`".to_owned(),
        };
        self.problem(
            &term.span,
            format!(
                "`{}` is against sequential on the same runtime, which this cell doesn't run",
                metric.name
            ),
            help,
        );
        None
    }

    fn several_runtimes(&self) -> bool {
        let series = &self.experiment.series;
        series
            .iter()
            .any(|other| other.runtime != series[0].runtime)
    }

    fn group(&mut self, term: &Term, key: &Word, value: &Word, point: usize) -> Option<String> {
        if !matches!(term.metric.text.as_str(), "latency" | "p95") {
            self.problem(
                &key.span,
                "a group belongs to `latency` and `p95`",
                "leave it out: other metrics are of all tasks together",
            );
            return None;
        }
        let groups = &self.experiment.points[point].program.groups;
        let names: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
        if names.contains(&value.text) {
            return Some(value.text.clone());
        }
        let (message, help) = match nearest(&value.text, names.iter().map(String::as_str)) {
            _ if names.iter().all(String::is_empty) => (
                "this cell has no groups".to_owned(),
                format!(
                    "leave it out: {}({})",
                    term.metric.text,
                    self.source.name(&term.series)
                ),
            ),
            Some(near) => (
                format!("there is no group `{}`", value.text),
                format!("did you mean {}?", bare_or_quoted(near)),
            ),
            None => (
                format!("there is no group `{}`", value.text),
                format!("the groups are {}", quoted(&names)),
            ),
        };
        self.problem(&value.span, message, help);
        None
    }

    /// A series by its label, by `model@runtime`, or by its model where only one has it.
    fn series(&mut self, name: &Word) -> Option<usize> {
        let all = &self.experiment.series;
        let text = name.text.as_str();
        let of_model: Vec<usize> = (0..all.len())
            .filter(|index| all[*index].model == text)
            .collect();
        let several = of_model
            .iter()
            .any(|index| all[*index].runtime != all[of_model[0]].runtime);
        let by_label = all.iter().position(|series| series.label == text);
        let found = match text.split_once('@') {
            _ if by_label.is_some() && !several => by_label,
            Some((model, runtime)) => {
                let of_both = (0..all.len()).filter(|index| {
                    all[*index].model == model && all[*index].runtime.name() == runtime
                });
                let of_both: Vec<usize> = of_both.collect();
                (of_both.len() == 1).then(|| of_both[0])
            }
            None => (of_model.len() == 1).then(|| of_model[0]),
        };
        if found.is_some() {
            return found;
        }
        let called: Vec<String> = match of_model.len() {
            0 => all.iter().map(|series| series.label.clone()).collect(),
            _ => of_model
                .iter()
                .map(|index| match several {
                    true => format!("{}@{}", all[*index].model, all[*index].runtime.name()),
                    false => all[*index].label.clone(),
                })
                .collect(),
        };
        let written: Vec<String> = called.iter().map(|label| bare_or_quoted(label)).collect();
        let (message, help) = match (
            of_model.len(),
            nearest(text, called.iter().map(String::as_str)),
        ) {
            (0, Some(near)) => (
                format!("there is no row `{text}`"),
                format!("did you mean {}?", bare_or_quoted(near)),
            ),
            (0, None) if model::find(text.split('@').next().unwrap_or(text)).is_some() => (
                format!("`{text}` is not among this cell's models"),
                format!("add it to `models`; its rows are {}", written.join(", ")),
            ),
            (0, None) => (
                format!("there is no row `{text}`"),
                format!("the rows are {}", written.join(", ")),
            ),
            _ if several => (
                format!("`{text}` runs on several runtimes here"),
                format!("say which: {}", written.join(" or ")),
            ),
            _ => (
                format!("several rows are `{text}`"),
                format!("call it by its label: {}", written.join(" or ")),
            ),
        };
        self.problem(&name.span, message, help);
        None
    }
}

/// A label as a claim can write it.
fn bare_or_quoted(label: &str) -> String {
    let bare = parse(&format!("fastest == {label}")).is_ok();
    if bare {
        label.to_owned()
    } else if label.contains('\'') {
        format!("\"{label}\"")
    } else {
        // Single quotes can stand inside a cell's text as they are.
        format!("'{label}'")
    }
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| bare_or_quoted(name)).collect();
    names.join(", ")
}

/// How two values of one swept key compare; `None` where they are of different kinds.
pub(super) fn compare_at(left: &At, right: &At) -> Option<Ordering> {
    match (left, right) {
        (At::Count(left), At::Count(right))
        | (At::Duration(left), At::Duration(right))
        | (At::Size(left), At::Size(right)) => Some(left.cmp(right)),
        (At::Word(left), At::Word(right)) => (left == right).then_some(Ordering::Equal),
        _ => None,
    }
}
