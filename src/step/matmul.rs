//! Multiplies matrices.

use super::Step;
use super::compute;
use crate::describe::Family;
use crate::describe::Quantity;
use crate::describe::StepDef;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "matmul",
        family: Family::Compute,
        quantity: Quantity::Count,
        range: (1, 1 << 16),
        summary: "multiplies two n × n matrices",
        doc: "Plain loops over doubles, n³ multiplications, no library. It holds three matrices: 24 · n² bytes. \
              Under `async` it runs on the event loop and freezes it.",
        example: "{ matmul = 60 }",
        python: "[[sum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a]",
        settings: &[],
    },
    ops: |arguments| compute("matmul", arguments),
};
