//! Steps: the verbs of the cell language, one file each. A step turns its table into operations.
//!
//! A step knows no model. To add one: a file here with its [`Step`], `mod x;`, and a row in [`STEPS`].

use crate::describe::StepDef;
use crate::program::{Op, Value};

/// Every step, in the order in which help lists them.
pub const STEPS: &[Step] = &[];

/// A verb: what it says about itself and what it becomes.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Name, units, help.
    pub def: StepDef,
    /// Operations of one task. `cpu` becomes `Compute` with nanoseconds, turned to steps by calibration later.
    pub ops: fn(&Arguments) -> Vec<Op>,
}

/// A step's table, read and checked against its [`StepDef`].
#[derive(Clone, Debug, PartialEq)]
pub struct Arguments {
    /// The verb's value, in the base unit of its quantity.
    pub value: Value,
    /// Keys beside the verb, as written in the step's table, checked against `def.settings`.
    pub settings: Vec<(String, Setting)>,
}

/// The step with that verb.
pub fn find(verb: &str) -> Option<&'static Step> {
    STEPS.iter().find(|step| step.def.verb == verb)
}

/// The value of a key beside the verb.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// A duration, size or count in its base unit.
    Number(Value),
    /// A word or text.
    Text(String),
    /// `true` or `false`.
    Flag(bool),
}
