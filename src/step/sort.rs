//! Sorts integers.

use super::Step;
use super::compute;
use crate::describe::Family;
use crate::describe::Quantity;
use crate::describe::StepDef;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "sort",
        family: Family::Compute,
        quantity: Quantity::Count,
        range: (1, 1 << 40),
        summary: "sorts a list of n random integers",
        doc: "A merge sort of 64-bit integers, seeded by task. It holds the list and a buffer of the same size: \
              16 bytes an integer. Under `async` it runs on the event loop and freezes it.",
        example: "{ sort = 20_000 }",
        python: "sorted(data)",
        settings: &[],
    },
    ops: |arguments| compute("sort", arguments),
};
