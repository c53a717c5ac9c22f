//! The language of claims (`check`, `predict`): syntax only, a pure parser with places in the claim's text.
//!
//! ```text
//! claim     = (term op side | "fastest" "==" name) ["when" condition {"and" condition}]
//! term      = metric "(" name {"," key "=" value} ")"
//! side      = number [unit] | [factor "*"] term
//! condition = key op value
//! op        = "<" | "<=" | ">" | ">=" | "=="
//! ```
//!
//! [`parse`] never panics and knows no cell: whether a metric, a series or a key exists is `spec`'s to say,
//! and `analysis` evaluates. To add to the language: a rule here, its meaning in [`resolved`] and `spec`.

mod lexer;
mod parser;
pub mod resolved;

pub use parser::parse;
pub use resolved::{Claim, Operand, Question, Reading};

use crate::diagnostic::Span;

/// A claim as it was written; spans are bytes of its own text.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// What is claimed.
    pub assertion: Assertion,
    /// Where it is claimed; empty for everywhere.
    pub when: Vec<Condition>,
}

/// What a claim says.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "a claim has one, and a cell a few claims"
)]
pub enum Assertion {
    /// `wall(threads) < 0.7 * wall(sequential)`
    Compare {
        /// What is measured.
        left: Term,
        /// How it compares.
        operator: Operator,
        /// With what.
        right: Side,
    },
    /// `fastest == async`
    Fastest {
        /// The series that is claimed to be.
        series: Word,
    },
}

/// The right side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Side {
    /// A constant.
    Number(Number),
    /// Another measurement, times a factor.
    Term {
        /// Above 0; 1 where none is written.
        factor: f64,
        /// What is measured.
        term: Term,
    },
}

/// `metric(series, key = value)`
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Name of the metric.
    pub metric: Word,
    /// Label or model of the series.
    pub series: Word,
    /// The point or the group that it is taken at, where it isn't the claim's own.
    pub filters: Vec<(Word, Word)>,
    /// All of it.
    pub span: Span,
}

/// `key op value` behind `when`.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// A swept key, or `case`.
    pub key: Word,
    /// How it compares.
    pub operator: Operator,
    /// With what.
    pub value: Word,
}

/// A word, a quoted text or a value, with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// Without quotes.
    pub text: String,
    /// With them.
    pub span: Span,
}

/// A constant with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// What it counts.
    pub value: Constant,
    /// Its place.
    pub span: Span,
}

/// A constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Constant {
    /// A number without a unit.
    Plain(f64),
    /// Nanoseconds.
    Duration(u64),
    /// Bytes.
    Size(u64),
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
}

impl Operator {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Operator::Less => "<",
            Operator::AtMost => "<=",
            Operator::More => ">",
            Operator::AtLeast => ">=",
            Operator::Equal => "==",
        }
    }

    /// The operator with both sides exchanged.
    pub fn turned(self) -> Operator {
        match self {
            Operator::Less => Operator::More,
            Operator::AtMost => Operator::AtLeast,
            Operator::More => Operator::Less,
            Operator::AtLeast => Operator::AtMost,
            Operator::Equal => Operator::Equal,
        }
    }

    /// Whether it holds between two exact numbers.
    pub fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Operator::Less => left < right,
            Operator::AtMost => left <= right,
            Operator::More => left > right,
            Operator::AtLeast => left >= right,
            Operator::Equal => left == right,
        }
    }
}
