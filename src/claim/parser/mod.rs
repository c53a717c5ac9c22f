//! The parser of claims: recursive descent by hand, so that every wrong place gets its own words.
//!
//! To add a rule: a method of [`Parser`] named after it.

use super::lexer::{Kind, Token, tokens};
use super::{Assertion, Condition, Constant, Number, Operator, Side, Term, Word, Written};
use crate::describe::nearest;
use crate::diagnostic::{Diagnostic, Span};
use crate::measure::metrics::METRICS;
use crate::units::{UnitError, parse_bytes, parse_duration_ns};

/// What a whole claim looks like, for help.
const EXAMPLE: &str = "wall(threads) < 0.7 * wall(sequential)";

/// Reads a claim.
///
/// # Errors
/// The first place where it can't be read on, with what to write instead.
pub fn parse(text: &str) -> Result<Written, Diagnostic> {
    let mut parser = Parser {
        text,
        tokens: tokens(text)?,
        next: 0,
    };
    let assertion = parser.assertion()?;
    let when = parser.conditions()?;
    Ok(Written { assertion, when })
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
}

type Parsed<T> = Result<T, Diagnostic>;

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn kind(&self, ahead: usize) -> Option<&Kind> {
        self.tokens.get(self.next + ahead).map(|token| &token.kind)
    }

    fn is_mark(&self, ahead: usize, mark: char) -> bool {
        self.kind(ahead) == Some(&Kind::Mark(mark))
    }

    /// Source of a token, quotes included.
    fn source(&self, token: &Token) -> &'a str {
        &self.text[token.span.clone()]
    }

    /// Where the next token is, or the end of the text.
    fn place(&self) -> Span {
        self.peek()
            .map_or(self.text.len()..self.text.len(), |token| token.span.clone())
    }

    /// A complaint about the next token, or about the end.
    fn unexpected<T>(&self, wanted: &str, help: impl Into<String>) -> Parsed<T> {
        let message = match self.peek() {
            Some(token) => format!("{wanted} belongs here, not `{}`", self.source(token)),
            None => format!("the claim ends where {wanted} belongs"),
        };
        Err(Diagnostic::new(self.place(), message, help))
    }

    fn take_mark(&mut self, mark: char) -> bool {
        let found = self.is_mark(0, mark);
        self.next += usize::from(found);
        found
    }

    fn word(&self, token: &Token) -> Word {
        let source = self.source(token);
        let text = match token.kind {
            Kind::Quoted => &source[1..source.len() - 1],
            _ => source,
        };
        Word {
            text: text.to_owned(),
            span: token.span.clone(),
        }
    }

    fn assertion(&mut self) -> Parsed<Assertion> {
        let Some(first) = self.peek().cloned() else {
            return self.unexpected("something to measure", format!("write {EXAMPLE}"));
        };
        match first.kind {
            Kind::Word if self.is_mark(1, '(') => self.comparison(),
            Kind::Word if self.source(&first) == "fastest" => self.fastest(),
            Kind::Word => {
                let word = self.source(&first);
                let is_metric = METRICS.iter().any(|metric| metric.name == word);
                let help = match nearest(word, ["fastest"]) {
                    Some(near) => format!("did you mean {near} == async?"),
                    // The name of a series, as a rule.
                    None if !is_metric => {
                        format!("say what of it is measured: wall({word}), for example")
                    }
                    None => format!("a metric needs its series in parentheses: {word}(threads)"),
                };
                Err(Diagnostic::new(
                    first.span,
                    format!("`{word}` alone can't be measured"),
                    help,
                ))
            }
            Kind::Number => Err(Diagnostic::new(
                first.span.clone(),
                "a claim begins with what is measured",
                match self.tokens.get(1).map(|token| &token.kind) {
                    Some(Kind::Operator(operator)) => {
                        let rest = self.text[self.tokens[1].span.end..].trim();
                        let number = self.source(&first);
                        format!(
                            "turn it around: {rest} {} {number}",
                            operator.turned().text()
                        )
                    }
                    _ => format!("write {EXAMPLE}"),
                },
            )),
            _ => self.unexpected("a metric", format!("write {EXAMPLE}")),
        }
    }

    fn fastest(&mut self) -> Parsed<Assertion> {
        self.next += 1;
        match self.kind(0) {
            Some(Kind::Operator(Operator::Equal)) => self.next += 1,
            _ => return self.unexpected("`==`", "write fastest == async"),
        }
        let series = self.name("a series", "write fastest == async")?;
        Ok(Assertion::Fastest { series })
    }

    fn comparison(&mut self) -> Parsed<Assertion> {
        let left = self.term()?;
        let operator = self.operator()?;
        let right = self.side()?;
        Ok(Assertion::Compare {
            left,
            operator,
            right,
        })
    }

    fn operator(&mut self) -> Parsed<Operator> {
        if let Some(Kind::Operator(operator)) = self.kind(0) {
            let operator = *operator;
            self.next += 1;
            return Ok(operator);
        }
        let help = match (self.kind(0), self.kind(1)) {
            (Some(Kind::Mark('=')), Some(Kind::Operator(Operator::Less))) => "did you mean `<=`?",
            (Some(Kind::Mark('=')), Some(Kind::Operator(Operator::More))) => "did you mean `>=`?",
            (Some(Kind::Mark('=')), _) => "did you mean `==`?",
            _ => "compare with `<`, `<=`, `>`, `>=` or `==`",
        };
        self.unexpected("a comparison", help)
    }

    fn side(&mut self) -> Parsed<Side> {
        const HELP: &str = "compare with a number and its unit, such as 1s, or with another metric: \
                            0.7 * wall(sequential)";
        let Some(first) = self.peek().cloned() else {
            return self.unexpected("a number or a metric", HELP);
        };
        match first.kind {
            Kind::Number if self.is_mark(1, '*') => {
                let number = self.number(&first)?;
                let factor = match number.value {
                    Constant::Plain(factor) if factor > 0.0 => factor,
                    _ => {
                        return Err(Diagnostic::new(
                            first.span,
                            "a factor is a number above 0, without a unit",
                            "write 0.7 * wall(sequential), for example",
                        ));
                    }
                };
                self.next += 2;
                let term = self.term()?;
                self.no_arithmetic()?;
                Ok(Side::Term { factor, term })
            }
            Kind::Number => {
                let number = self.number(&first)?;
                self.next += 1;
                match self.kind(0) {
                    Some(Kind::Word) if self.is_mark(1, '(') => {
                        let rest = &self.text[self.place().start..];
                        let rest = rest.split_inclusive(')').next().unwrap_or(rest);
                        let factor = self.source(&first);
                        self.unexpected("`*`", format!("write {factor} * {rest}"))
                    }
                    Some(Kind::Word) if !self.is_word(0, "when") => {
                        let joined = format!("{}{}", self.source(&first), &self.text[self.place()]);
                        let is_unit =
                            parse_duration_ns(&joined).is_ok() || parse_bytes(&joined).is_ok();
                        match is_unit {
                            true => Err(Diagnostic::new(
                                first.span.start..self.place().end,
                                "a number and its unit stand together",
                                format!("write {joined}"),
                            )),
                            false => Ok(Side::Number(number)),
                        }
                    }
                    _ => {
                        self.no_arithmetic()?;
                        Ok(Side::Number(number))
                    }
                }
            }
            Kind::Word if self.is_mark(1, '(') => {
                let term = self.term()?;
                self.no_arithmetic()?;
                Ok(Side::Term { factor: 1.0, term })
            }
            Kind::Word => {
                let word = self.source(&first);
                Err(Diagnostic::new(
                    first.span,
                    format!("`{word}` is neither a number nor a metric of a series"),
                    HELP,
                ))
            }
            Kind::Quoted => {
                let inner = self.word(&first).text;
                Err(Diagnostic::new(
                    first.span,
                    "a number stands without quotes",
                    match parse_duration_ns(&inner).is_ok() || parse_bytes(&inner).is_ok() {
                        true => format!("write {inner}"),
                        false => HELP.to_owned(),
                    },
                ))
            }
            _ => self.unexpected("a number or a metric", HELP),
        }
    }

    /// `wall(a) * 2`: the one thing of arithmetic that people write, and there is none.
    fn no_arithmetic(&self) -> Parsed<()> {
        match self.is_mark(0, '*') {
            true => Err(Diagnostic::new(
                self.place(),
                "a factor stands before its metric",
                "write 0.7 * wall(sequential), for example",
            )),
            false => Ok(()),
        }
    }

    fn number(&self, token: &Token) -> Parsed<Number> {
        let text = self.source(token);
        let wrong =
            |message: String, help: String| Err(Diagnostic::new(token.span.clone(), message, help));
        let plain: Result<f64, _> = text.replace('_', "").parse();
        let value = if let Ok(plain) = plain {
            Constant::Plain(plain)
        } else if let Ok(ns) = parse_duration_ns(text) {
            Constant::Duration(ns)
        } else {
            match parse_bytes(text) {
                Ok(bytes) => Constant::Size(bytes),
                Err(UnitError::TooLarge) => {
                    return wrong(
                        format!("{text} is more than a computer can count"),
                        "write a smaller size, such as 2GiB".to_owned(),
                    );
                }
                Err(UnitError::UnknownUnit { number, unit }) => {
                    let help = match (unit.as_str(), number.parse::<f64>()) {
                        ("x" | "×", _) => format!("write {number}"),
                        ("%", Ok(percent)) => format!("write {}", percent / 100.0),
                        _ => "times end in ns, us, ms, s, m or h; sizes in B, KiB, MiB, GiB, kB, MB or GB"
                            .to_owned(),
                    };
                    return wrong(format!("`{unit}` is no unit"), help);
                }
                Err(_) => {
                    return wrong(
                        format!("`{text}` is no number"),
                        "write 0.7, 1s or 64MiB, for example".to_owned(),
                    );
                }
            }
        };
        Ok(Number {
            value,
            span: token.span.clone(),
        })
    }

    fn term(&mut self) -> Parsed<Term> {
        let help = "write a metric and its series: wall(threads)";
        let Some(first) = self.peek().cloned().filter(|t| t.kind == Kind::Word) else {
            return self.unexpected("a metric", help);
        };
        let metric = self.word(&first);
        self.next += 1;
        if !self.take_mark('(') {
            return self.unexpected("`(`", help);
        }
        let series = self.name("a series", help)?;
        let mut filters = Vec::new();
        loop {
            if self.take_mark(')') {
                break;
            }
            if !self.take_mark(',') {
                return self.after_series(&metric, &series, filters.is_empty());
            }
            filters.push(self.filter()?);
        }
        let end = self.tokens[self.next - 1].span.end;
        Ok(Term {
            metric,
            series,
            filters,
            span: first.span.start..end,
        })
    }

    /// What may have been meant where neither `,` nor `)` follows.
    fn after_series<T>(&self, metric: &Word, series: &Word, first: bool) -> Parsed<T> {
        let words = self.tokens[self.next..]
            .iter()
            .take_while(|token| matches!(token.kind, Kind::Word | Kind::Number))
            .last();
        match words {
            Some(last) if first && !self.is_mark(1, '=') => {
                let label = &self.text[series.span.start..last.span.end];
                let help = format!(
                    "a name of several words needs quotes: {}('{label}')",
                    metric.text
                );
                self.unexpected("`)`", help)
            }
            Some(_) => self.unexpected("`,` or `)`", "put a comma between them"),
            None => self.unexpected("`)`", "close the parenthesis: wall(threads)"),
        }
    }

    fn filter(&mut self) -> Parsed<(Word, Word)> {
        let help = "a metric's point is key = value, such as wall(threads, sync = mutex)";
        let key = match self.peek().cloned() {
            Some(token) if token.kind == Kind::Word => self.word(&token),
            _ => return self.unexpected("a swept key, `case` or `group`", help),
        };
        self.next += 1;
        if self.kind(0) == Some(&Kind::Operator(Operator::Equal)) {
            return self.unexpected(
                "`=`",
                "inside the parentheses a key and its value are joined by one `=`",
            );
        }
        if !self.take_mark('=') {
            return self.unexpected("`=`", help);
        }
        let value = self.value(help)?;
        Ok((key, value))
    }

    /// A bare or quoted name.
    fn name(&mut self, what: &str, help: &str) -> Parsed<Word> {
        match self.peek().cloned() {
            Some(token) if matches!(token.kind, Kind::Word | Kind::Quoted) => {
                self.next += 1;
                Ok(self.word(&token))
            }
            Some(token) if token.kind == Kind::Number => self.unexpected(
                what,
                format!(
                    "a name that begins with a digit needs quotes: '{}'",
                    self.source(&token)
                ),
            ),
            _ => self.unexpected(what, help),
        }
    }

    /// A name or a number with its unit.
    fn value(&mut self, help: &str) -> Parsed<Word> {
        match self.peek().cloned() {
            Some(token) if matches!(token.kind, Kind::Word | Kind::Quoted | Kind::Number) => {
                self.next += 1;
                Ok(self.word(&token))
            }
            _ => self.unexpected("a value", help),
        }
    }

    fn is_word(&self, ahead: usize, word: &str) -> bool {
        self.tokens
            .get(self.next + ahead)
            .is_some_and(|token| token.kind == Kind::Word && self.source(token) == word)
    }

    fn conditions(&mut self) -> Parsed<Vec<Condition>> {
        let mut conditions = Vec::new();
        while self.peek().is_some() {
            let joint = if conditions.is_empty() { "when" } else { "and" };
            if !self.is_word(0, joint) {
                return self.unexpected(&format!("`{joint}` or the end"), self.joint_help(joint));
            }
            self.next += 1;
            conditions.push(self.condition()?);
        }
        Ok(conditions)
    }

    fn joint_help(&self, joint: &str) -> String {
        let word = self.peek().map_or("", |token| self.source(token));
        if nearest(word, [joint]).is_some() {
            return format!("did you mean `{joint}`?");
        }
        match (word, joint) {
            ("and" | "or" | "&&" | "||", "when") | ("or", _) => {
                "a claim says one thing: make each a claim of its own, in a list".to_owned()
            }
            ("," | ";", _) if joint == "and" => "join conditions by `and`".to_owned(),
            ("if" | "where" | "for" | "at", "when") => {
                "write `when`, as in … when tasks >= 100".to_owned()
            }
            (_, "when") => "a claim can go on with its points: … when tasks >= 100".to_owned(),
            _ => "join conditions by `and`: when tasks >= 100 and case == 'I/O-bound'".to_owned(),
        }
    }

    fn condition(&mut self) -> Parsed<Condition> {
        let help = "write a swept key, a comparison and a value: when tasks >= 100";
        let key = match self.peek().cloned() {
            Some(token) if matches!(token.kind, Kind::Word | Kind::Quoted) => self.word(&token),
            _ => return self.unexpected("a swept key or `case`", help),
        };
        self.next += 1;
        let operator = self.operator()?;
        let value = self.value(help)?;
        Ok(Condition {
            key,
            operator,
            value,
        })
    }
}

#[cfg(test)]
mod tests;
