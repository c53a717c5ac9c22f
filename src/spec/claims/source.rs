//! A claim's text in the cell, and what can be said of it whatever the experiment: syntax, metrics, units.

use super::super::reader::{Item, Reader};
use super::MOST_CLAIMS;
use crate::claim::{Assertion, Constant, Side, Term, Word, Written, parse};
use crate::describe::{MetricDef, nearest};
use crate::diagnostic::Span;
use crate::measure::metrics::{LATER, METRICS, find};
use toml::de::DeValue;

/// A claim's text and where each of its bytes stands in the cell.
pub struct Source {
    /// The claim.
    pub text: String,
    /// One more than the text has bytes: the last is the end.
    offsets: Vec<usize>,
}

/// The claims of a key.
pub fn texts(reader: &mut Reader, key: &str, item: &Item) -> Vec<Source> {
    const EXAMPLE: &str = "[\"wall(threads) < wall(sequential)\"]";
    let items: Vec<&Item> = match item.get_ref() {
        DeValue::Array(list) => list.iter().collect(),
        _ => vec![item],
    };
    if let Some(beyond) = items.get(MOST_CLAIMS) {
        reader.problem(
            beyond.span(),
            format!("these are {} claims", items.len()),
            format!("use at most {MOST_CLAIMS}; a few are read more gladly"),
        );
    }
    let mut found = Vec::new();
    for item in items.into_iter().take(MOST_CLAIMS) {
        if reader.is_full() {
            break;
        }
        match item.get_ref().as_str() {
            Some(text) => found.push(Source {
                text: text.to_owned(),
                offsets: offsets(reader.text, item.span(), text),
            }),
            None => reader.problem(
                item.span(),
                format!("`{key}` takes claims, which are text"),
                format!("write {key} = {EXAMPLE}, for example"),
            ),
        }
    }
    found
}

/// Where each byte of a TOML string's value stands in the cell; the whole string where that can't be told.
fn offsets(cell: &str, span: Span, value: &str) -> Vec<usize> {
    let raw = cell.get(span.clone()).unwrap_or("");
    let quote = ["\"\"\"", "'''", "\"", "'"]
        .into_iter()
        // A string that is still open ends without its quotes.
        .find(|quote| {
            raw.starts_with(quote) && raw.ends_with(quote) && raw.len() >= 2 * quote.len()
        });
    let whole = || {
        let mut offsets = vec![span.start; value.len()];
        offsets.push(span.end);
        offsets
    };
    let Some(quote) = quote else { return whole() };
    let inner = &raw[quote.len()..raw.len() - quote.len()];
    let mut at = span.start + quote.len();
    let mut rest = inner;
    if quote.len() == 3 {
        // A line break right behind the opening quotes is not part of the value.
        let skipped = rest.len() - rest.trim_start_matches('\r').len();
        if rest[skipped..].starts_with('\n') {
            at += skipped + 1;
            rest = &rest[skipped + 1..];
        }
    }
    let mut offsets = Vec::with_capacity(value.len() + 1);
    while let Some(c) = rest.chars().next() {
        let (written, bytes) = match c {
            '\\' if quote.starts_with('"') => escape(rest),
            c => (c.len_utf8(), c.len_utf8()),
        };
        offsets.extend(std::iter::repeat_n(at, bytes));
        at += written;
        rest = rest.get(written..).unwrap_or("");
    }
    offsets.push(at);
    if offsets.len() == value.len() + 1 {
        offsets
    } else {
        whole()
    }
}

/// Bytes that an escape takes in the cell, and in the value.
fn escape(text: &str) -> (usize, usize) {
    let digits = match text.as_bytes().get(1) {
        Some(b'u') => 4,
        Some(b'U') => 8,
        Some(b'x') => 2,
        Some(b'\n' | b'\r' | b' ' | b'\t') => {
            // The end of a line and the next one's indent.
            return (text.len() - text[1..].trim_start().len(), 0);
        }
        _ => return (2, 1),
    };
    let code = text.get(2..2 + digits);
    let code = code.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let c = code.and_then(char::from_u32);
    (2 + digits, c.map_or(1, char::len_utf8))
}

impl Source {
    /// A place of the claim in the cell.
    pub fn span(&self, span: &Span) -> Span {
        let last = self.offsets.len() - 1;
        self.offsets[span.start.min(last)]..self.offsets[span.end.min(last)]
    }

    /// The claim by its grammar.
    pub fn parse(&self, reader: &mut Reader) -> Option<Written> {
        match parse(&self.text) {
            Ok(written) => Some(written),
            Err(problem) => {
                reader.problem(self.span(&problem.span), problem.message, problem.help);
                None
            }
        }
    }

    /// Metrics that don't exist, and sides that can't be compared.
    pub fn check_metrics(&self, reader: &mut Reader, written: &Written) {
        let Assertion::Compare { left, right, .. } = &written.assertion else {
            return;
        };
        let metric = self.metric(reader, left);
        match right {
            Side::Term { term, .. } => {
                let other = self.metric(reader, term);
                if let (Some(metric), Some(other)) = (metric, other)
                    && metric.unit != other.unit
                {
                    reader.problem(
                        self.span(&term.span),
                        format!(
                            "`{}` is {} and `{}` is {}: they can't be compared",
                            metric.name,
                            unit(metric),
                            other.name,
                            unit(other)
                        ),
                        format!(
                            "write {}({}) here, for example",
                            metric.name,
                            self.name(&term.series)
                        ),
                    );
                }
            }
            Side::Number(number) => {
                if let Some(metric) = metric
                    && base_value(metric, number.value).is_none()
                {
                    let written = &self.text[number.span.clone()];
                    reader.problem(
                        self.span(&number.span),
                        format!(
                            "`{}` is {}, and {written} is not",
                            metric.name,
                            unit(metric)
                        ),
                        match (metric.unit, number.value) {
                            ("ns", Constant::Plain(_)) => {
                                format!("add its unit: {written}ms or {written}s")
                            }
                            ("bytes", Constant::Plain(_)) => format!("add its unit: {written}MiB"),
                            ("ns", _) => "write 50ms or 1.5s, for example".to_owned(),
                            ("bytes", _) => "write 64MiB, for example".to_owned(),
                            ("ratio", _) => "write 1.5 for one and a half times as fast".to_owned(),
                            _ => "write a number without a unit".to_owned(),
                        },
                    );
                }
            }
        }
    }

    pub fn metric(&self, reader: &mut Reader, term: &Term) -> Option<&'static MetricDef> {
        let name = term.metric.text.as_str();
        let span = self.span(&term.metric.span);
        if let Some(metric) = find(name) {
            return Some(metric);
        }
        if LATER.contains(&name) {
            reader.problem(
                span,
                format!("the metric `{name}` is not in this version of conclab yet"),
                format!("it measures {}", metric_names()),
            );
            return None;
        }
        let called = match name.to_lowercase().as_str() {
            "time" | "wall_time" | "walltime" | "duration" | "elapsed" => Some("wall"),
            "mem" | "ram" | "rss" | "pss" | "peak_memory" => Some("memory"),
            "cpu_time" | "cputime" => Some("cpu"),
            "speed_up" | "faster" => Some("speedup"),
            "context_switches" => Some("switches"),
            "median" => Some("latency"),
            "startup" => Some("start_up"),
            _ => None,
        };
        let help = match called.or_else(|| nearest(name, METRICS.iter().map(|m| m.name))) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the metrics are {}", metric_names()),
        };
        reader.problem(span, format!("there is no metric `{name}`"), help);
        None
    }

    /// A word as the claim wrote it, quotes included.
    pub fn name(&self, word: &Word) -> &str {
        &self.text[word.span.clone()]
    }
}

pub fn metric_names() -> String {
    let names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
    names.join(", ")
}

/// What a metric's values are, in words.
fn unit(metric: &MetricDef) -> &'static str {
    match metric.unit {
        "ns" => "a time",
        "bytes" => "a size",
        "ratio" => "a ratio of times",
        "share" => "a share of the workers",
        "1/s" => "a number a second",
        _ => "a count",
    }
}

/// A constant in the metric's base unit; `None` where it is of another kind.
pub fn base_value(metric: &MetricDef, constant: Constant) -> Option<f64> {
    match (metric.unit, constant) {
        // Nothing is nothing in every unit.
        (_, Constant::Plain(0.0)) => Some(0.0),
        ("ns", Constant::Duration(ns)) => Some(ns as f64),
        ("bytes", Constant::Size(bytes)) => Some(bytes as f64),
        ("ns" | "bytes", _) => None,
        (_, Constant::Plain(value)) => Some(value),
        _ => None,
    }
}
