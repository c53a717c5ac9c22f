//! Holds memory.

use super::Step;
use crate::describe::Family;
use crate::describe::Quantity;
use crate::describe::StepDef;
use crate::program::Op;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "alloc",
        family: Family::Memory,
        quantity: Quantity::Size,
        range: (1, 1 << 46),
        summary: "allocates memory and holds it to the end of the task",
        doc: "Every page is touched, so that the memory is really there, and kept until the \
              task ends: what tasks hold at the same time adds up. Put a wait behind it to see \
              it in the memory figure.",
        example: "[{ alloc = \"64MiB\" }, { sleep = \"100ms\" }]",
        python: "data = bytearray(n), kept in a variable",
        settings: &[],
    },
    ops: |arguments| {
        Ok(vec![Op::Alloc {
            bytes: arguments.number(),
        }])
    },
};
