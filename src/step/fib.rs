//! Computes a Fibonacci number the slow way.

use super::Step;
use super::compute;
use crate::describe::Family;
use crate::describe::Quantity;
use crate::describe::StepDef;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "fib",
        family: Family::Compute,
        quantity: Quantity::Count,
        range: (1, 90),
        summary: "computes the n-th Fibonacci number by plain recursion",
        doc: "fib(n) = fib(n − 1) + fib(n − 2), each computed anew: the work grows by 1.6 with every step of \
              n, and nearly all of it is function calls. Under `async` it runs on the event loop and \
              freezes it.",
        example: "{ fib = 24 }",
        python: "def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)",
        settings: &[],
    },
    ops: |arguments| compute("fib", arguments),
};
