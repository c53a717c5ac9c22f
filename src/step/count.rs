//! Counts to a number.

use super::Step;
use super::compute;
use crate::describe::Family;
use crate::describe::Quantity;
use crate::describe::StepDef;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "count",
        family: Family::Compute,
        quantity: Quantity::Count,
        range: (1, 1 << 50),
        summary: "counts to n, one by one",
        doc: "The simplest loop: one addition a step, nothing else. Under `async` it runs on \
              the event loop and freezes it.",
        example: "{ count = 1_000_000 }",
        python: "for _ in range(n): counter += 1",
        settings: &[],
    },
    ops: |arguments| compute("count", arguments),
};
