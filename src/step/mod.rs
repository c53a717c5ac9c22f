//! Steps: the verbs of the cell language, one file each. A step turns its table into operations.
//!
//! A step knows no model. To add one: a file here with its [`Step`], `mod x;`, and a row in [`STEPS`].

mod add;
mod alloc;
mod block;
mod blur;
mod compress;
mod count;
mod cpu;
mod fib;
mod hash;
mod http;
mod matmul;
mod pi;
mod primes;
mod python;
mod query;
mod read;
mod run;
mod sleep;
mod sort;
mod sum_squares;
mod write;

use crate::describe::{Quantity, StepDef};
use crate::program::{Code, Op, Value};

/// Every step, in the order in which help lists them.
pub const STEPS: &[Step] = &[
    cpu::STEP,
    count::STEP,
    sum_squares::STEP,
    primes::STEP,
    pi::STEP,
    fib::STEP,
    sort::STEP,
    matmul::STEP,
    hash::STEP,
    compress::STEP,
    blur::STEP,
    sleep::STEP,
    http::STEP,
    query::STEP,
    read::STEP,
    write::STEP,
    run::STEP,
    block::STEP,
    alloc::STEP,
    add::STEP,
    python::STEP,
];

/// Longest time that a step may ask for: an hour.
const LONGEST_NS: u64 = 3_600_000_000_000;

/// A verb: what it says about itself and what it becomes.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Name, units, help.
    pub def: StepDef,
    /// Operations of one task.
    ///
    /// `cpu` becomes `Compute` with nanoseconds; calibration turns them into steps later.
    pub ops: fn(&Arguments) -> Result<Vec<Op>, Misfit>,
}

/// What a step was given: its verb's value and its settings, each read by its row and within its range.
#[derive(Clone, Debug, PartialEq)]
pub struct Arguments {
    /// The verb's value.
    pub value: Argument,
    /// Settings that the cell gives, then those that have a default, each by its name.
    pub settings: Vec<(&'static str, Argument)>,
    /// How many of the settings the cell gives.
    pub given: usize,
}

/// One value, by its quantity.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// A duration, a size or a count, in its base unit; it may differ from task to task.
    Number(Value),
    /// Text, also one that stands in a time's place.
    Text(String),
    /// One of the words of its row.
    Word(&'static str),
    /// `true` or `false`.
    Flag(bool),
    /// A program and its arguments.
    Command(Vec<String>),
    /// The author's own Python.
    Code(Code),
}

/// A setting that doesn't go with the rest of its step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Its name, or the verb.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl Arguments {
    /// Just a verb's value.
    pub fn of(value: Argument) -> Self {
        Arguments {
            value,
            settings: Vec::new(),
            given: 0,
        }
    }

    /// The verb's value as a number.
    ///
    /// # Panics
    /// As all of these: where the step's own row says something else, which is a mistake in the step.
    pub fn number(&self) -> Value {
        match &self.value {
            Argument::Number(value) => value.clone(),
            other => panic!("{other:?} is no number"),
        }
    }

    /// A setting, if the cell gives it or it has a default.
    pub fn setting(&self, name: &str) -> Option<&Argument> {
        let found = self.settings.iter().find(|(known, _)| *known == name);
        found.map(|(_, argument)| argument)
    }

    /// Whether the cell itself gives a setting.
    pub fn gives(&self, name: &str) -> bool {
        self.settings[..self.given]
            .iter()
            .any(|(known, _)| *known == name)
    }

    /// A setting that is a number.
    pub fn number_setting(&self, name: &str) -> Value {
        match self.setting(name) {
            Some(Argument::Number(value)) => value.clone(),
            other => panic!("`{name}` is {other:?}, which is no number"),
        }
    }

    /// A setting that is a word.
    pub fn word_setting(&self, name: &str) -> &'static str {
        match self.setting(name) {
            Some(Argument::Word(word)) => word,
            other => panic!("`{name}` is {other:?}, which is no word"),
        }
    }

    /// A setting that is a flag.
    pub fn flag_setting(&self, name: &str) -> bool {
        match self.setting(name) {
            Some(Argument::Flag(flag)) => *flag,
            other => panic!("`{name}` is {other:?}, which is no flag"),
        }
    }

    /// A setting that is text; `None` where it is not given and has no default.
    pub fn text_setting(&self, name: &str) -> Option<&str> {
        match self.setting(name) {
            None => None,
            Some(Argument::Text(text)) => Some(text),
            other => panic!("`{name}` is {other:?}, which is no text"),
        }
    }
}

/// The step with that verb.
pub fn find(verb: &str) -> Option<&'static Step> {
    STEPS.iter().find(|step| step.def.verb == verb)
}

/// The operation of a step that is a compute function.
fn compute(function: &str, arguments: &Arguments) -> Result<Vec<Op>, Misfit> {
    Ok(vec![Op::Compute {
        function: function.to_owned(),
        size: arguments.number(),
    }])
}

/// A duration's definition, from a nanosecond up.
const DURATION: (Quantity, (u64, u64)) = (Quantity::Duration, (1, LONGEST_NS));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute;
    use crate::describe::Family;
    use std::collections::HashSet;

    #[test]
    fn verbs_are_unique_and_fully_described() {
        let verbs: HashSet<&str> = STEPS.iter().map(|step| step.def.verb).collect();
        assert_eq!(verbs.len(), STEPS.len());
        for Step { def, .. } in STEPS {
            for text in [def.summary, def.doc, def.example, def.python] {
                assert!(!text.is_empty(), "{} leaves something unsaid", def.verb);
            }
            assert!(def.example.contains(def.verb), "{}", def.verb);
            let has_range = !matches!(def.quantity, Quantity::Command | Quantity::Code);
            assert!(!has_range || def.range.0 < def.range.1, "{}", def.verb);
            for setting in def.settings {
                assert!(!setting.doc.is_empty(), "{} of {}", setting.name, def.verb);
                assert!(
                    find(setting.name).is_none(),
                    "{} is a verb too",
                    setting.name
                );
                for word in [def.verb, setting.name] {
                    let example = setting.example;
                    assert!(example.contains(word), "{word} is not in {example}");
                }
            }
        }
    }

    #[test]
    fn every_compute_operation_names_a_function_that_exists() {
        let computes = |step: &&Step| {
            step.def.family == Family::Compute && step.def.quantity != Quantity::Code
        };
        for step in STEPS.iter().filter(computes) {
            let arguments = Arguments::of(Argument::Number(Value::Const(1)));
            for op in (step.ops)(&arguments).unwrap() {
                if let Op::Compute { function, .. } = op {
                    assert!(compute::find(&function).is_some(), "{function}");
                }
            }
        }
    }
}
