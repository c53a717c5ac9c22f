//! Hashes bytes.

use super::Step;
use super::compute;
use crate::describe::Family;
use crate::describe::Quantity;
use crate::describe::StepDef;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "hash",
        family: Family::Compute,
        quantity: Quantity::Size,
        range: (1, 1 << 46),
        summary: "computes the SHA-256 of this many bytes",
        doc: "The bytes are generated and not kept. On Python it is hashlib, which releases the GIL for large \
              inputs: threads can hash at the same time there, as they always can here. Under `async` \
              it runs on the event loop and freezes it.",
        example: "{ hash = \"256KiB\" }",
        python: "hashlib.sha256(data).digest()",
        settings: &[],
    },
    ops: |arguments| compute("hash", arguments),
};
