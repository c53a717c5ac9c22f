//! Reads a file.

use super::Step;
use crate::describe::{Family, Quantity, StepDef};
use crate::program::Op;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "read",
        family: Family::Wait,
        quantity: Quantity::Size,
        range: (1, 1 << 36),
        summary: "reads a file of this size",
        doc: "One file is written before the clock starts, as large as the largest read; each task opens it \
              and reads that much from its beginning. The data come from the page cache, as with any \
              file that was used a moment ago: it is the system calls and the copying that are \
              measured, not the disk. Under `async` a thread of the runtime's blocking pool does it: \
              files have no asynchronous interface.",
        example: "{ read = \"1MiB\" }",
        python: "open(path, \"rb\").read(n), with asyncio.to_thread under asyncio",
        settings: &[],
    },
    ops: |arguments| {
        Ok(vec![Op::Read {
            bytes: arguments.number(),
        }])
    },
};
