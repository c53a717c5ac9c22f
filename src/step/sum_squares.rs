//! Sums the squares below a number.

use super::Step;
use super::compute;
use crate::describe::Family;
use crate::describe::Quantity;
use crate::describe::StepDef;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "sum_squares",
        family: Family::Compute,
        quantity: Quantity::Count,
        range: (1, 1 << 50),
        summary: "sums the squares below n",
        doc: "One multiplication and one addition a step: the classic CPU-bound example. Under \
              `async` it runs on the event loop and freezes it.",
        example: "{ sum_squares = 1_000_000 }",
        python: "sum(i * i for i in range(n))",
        settings: &[],
    },
    ops: |arguments| compute("sum_squares", arguments),
};
