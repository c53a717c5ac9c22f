//! Estimates π.

use super::Step;
use super::compute;
use crate::describe::Family;
use crate::describe::Quantity;
use crate::describe::StepDef;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "pi",
        family: Family::Compute,
        quantity: Quantity::Count,
        range: (1, 1 << 50),
        summary: "estimates π by throwing n points at a square",
        doc: "Monte Carlo: each point takes one random number, and the share that falls into the quarter \
              circle is π/4. The points are seeded by task, so every model throws the same ones. Under \
              `async` it runs on the event loop and freezes it.",
        example: "{ pi = 200_000 }",
        python: "sum(random()**2 + random()**2 < 1 for _ in range(n))",
        settings: &[],
    },
    ops: |arguments| compute("pi", arguments),
};
