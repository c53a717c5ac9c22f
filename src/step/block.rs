//! Waits and keeps its thread.

use super::DURATION;
use super::Step;
use crate::describe::Family;
use crate::describe::StepDef;
use crate::program::Op;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "block",
        family: Family::Block,
        quantity: DURATION.0,
        range: DURATION.1,
        summary: "waits and keeps its thread, also under async",
        doc: "The classic mistake: a blocking call inside a coroutine. In threads and \
              processes it is like `sleep`; under `async` it blocks the event loop's only \
              thread, and every other task stands still.",
        example: "{ block = \"100ms\" }",
        python: "time.sleep(t), also inside async def",
        settings: &[],
    },
    ops: |arguments| {
        Ok(vec![Op::Block {
            time: arguments.number(),
        }])
    },
};
