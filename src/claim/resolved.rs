//! A claim whose names are settled: what an experiment holds and `analysis` evaluates.
//!
//! Series and points are indices into the experiment; a claim over several points is a list of questions,
//! all of which must be answered with yes.

use super::Operator;
use crate::describe::MetricDef;

/// A claim about one experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// As the cell wrote it.
    pub text: String,
    /// One for each point that it is about; at least one.
    pub questions: Vec<Question>,
}

/// A claim at one point.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Whether a comparison holds.
    Compare {
        /// What is measured.
        left: Reading,
        /// How it compares.
        operator: Operator,
        /// With what.
        right: Operand,
    },
    /// Whether a series is faster than every other one of its point.
    Fastest {
        /// Index of the series.
        series: usize,
        /// Index of the point.
        point: usize,
    },
}

/// What a reading is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A constant, in the metric's base unit.
    Constant(f64),
    /// Another reading times a factor.
    Reading {
        /// Above 0.
        factor: f64,
        /// The other reading.
        reading: Reading,
    },
}

/// One metric of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What is measured.
    pub metric: &'static MetricDef,
    /// Index of the series.
    pub series: usize,
    /// Index of the point.
    pub point: usize,
    /// Name of the group, where the claim names one.
    pub group: Option<String>,
    /// As the claim wrote it, such as `wall(threads)`.
    pub text: String,
}

impl Claim {
    /// Whether it asks for a metric by name.
    pub fn asks_for(&self, metric: &str) -> bool {
        let is = |reading: &Reading| reading.metric.name == metric;
        self.questions.iter().any(|question| match question {
            Question::Compare { left, right, .. } => {
                is(left) || matches!(right, Operand::Reading { reading, .. } if is(reading))
            }
            Question::Fastest { .. } => metric == "wall",
        })
    }
}
