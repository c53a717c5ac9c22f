//! Compresses bytes.

use super::Step;
use super::compute;
use crate::describe::Family;
use crate::describe::Quantity;
use crate::describe::StepDef;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "compress",
        family: Family::Compute,
        quantity: Quantity::Size,
        range: (1, 1 << 46),
        summary: "compresses this many bytes, as gzip does",
        doc: "DEFLATE at level 6 over generated text that shrinks to about 60 %. The answer is a checksum of the \
              input, because compressed bytes differ between builds of zlib. On Python it is zlib, \
              which releases the GIL: threads can compress at the same time there, as they always can \
              here. Under `async` it runs on the event loop and freezes it.",
        example: "{ compress = \"128KiB\" }",
        python: "zlib.compress(data, 6)",
        settings: &[],
    },
    ops: |arguments| compute("compress", arguments),
};
