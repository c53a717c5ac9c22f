//! Steps: the verbs of the cell language, one file each. A step turns its table into operations.
//!
//! A step knows no model. To add one: a file here with its [`Step`], `mod x;`, and a row in [`STEPS`].

mod add;
mod alloc;
mod block;
mod count;
mod cpu;
mod http;
mod primes;
mod sleep;
mod sum_squares;
mod write;

use crate::describe::{Quantity, StepDef};
use crate::program::{Op, Value};

/// Every step, in the order in which help lists them.
pub const STEPS: &[Step] = &[
    cpu::STEP,
    count::STEP,
    sum_squares::STEP,
    primes::STEP,
    sleep::STEP,
    http::STEP,
    write::STEP,
    block::STEP,
    alloc::STEP,
    add::STEP,
];

/// Longest time that a step may ask for: an hour.
const LONGEST_NS: u64 = 3_600_000_000_000;

/// A verb: what it says about itself and what it becomes.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Name, units, help.
    pub def: StepDef,
    /// Operations of one task, from the verb's value in its base unit.
    ///
    /// `cpu` becomes `Compute` with nanoseconds; calibration turns them into steps later.
    pub ops: fn(Value) -> Vec<Op>,
}

/// The step with that verb.
pub fn find(verb: &str) -> Option<&'static Step> {
    STEPS.iter().find(|step| step.def.verb == verb)
}

fn compute(function: &str, size: Value) -> Vec<Op> {
    vec![Op::Compute {
        function: function.to_owned(),
        size,
    }]
}

/// A duration's definition, from a nanosecond up.
const DURATION: (Quantity, (u64, u64)) = (Quantity::Duration, (1, LONGEST_NS));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute;
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
            assert!(def.range.0 < def.range.1, "{}", def.verb);
        }
    }

    #[test]
    fn every_compute_operation_names_a_function_that_exists() {
        for step in STEPS {
            for op in (step.ops)(Value::Const(1)) {
                if let Op::Compute { function, .. } = op {
                    assert!(compute::find(&function).is_some(), "{function}");
                }
            }
        }
    }
}
