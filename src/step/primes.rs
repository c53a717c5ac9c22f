//! Counts primes.

use super::Step;
use super::compute;
use crate::describe::Family;
use crate::describe::Quantity;
use crate::describe::StepDef;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "primes",
        family: Family::Compute,
        quantity: Quantity::Count,
        range: (1, 1 << 40),
        summary: "counts the primes below n by trial division",
        doc: "Each number is divided by 2, 3, 4, … up to its square root until one divides it: \
              work that grows faster than n. Under `async` it runs on the event loop and \
              freezes it.",
        example: "{ primes = 20_000 }",
        python: "sum(all(k % d for d in range(2, isqrt(k) + 1)) for k in range(2, n))",
        settings: &[],
    },
    ops: |arguments| compute("primes", arguments),
};
