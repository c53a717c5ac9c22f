//! Waits for a timer.

use super::DURATION;
use super::Step;
use crate::describe::Family;
use crate::describe::StepDef;
use crate::program::Op;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "sleep",
        family: Family::Wait,
        quantity: DURATION.0,
        range: DURATION.1,
        summary: "waits without using a core",
        doc: "A stand-in for any wait: a disk, a network, another service. Threads and \
              processes block until the time is over; under `async` the event loop serves \
              other tasks meanwhile. Threads sleep to about 0.1 ms; the event loop's timers \
              have a grain of 1 ms and fire after it.",
        example: "{ sleep = \"100ms\" }",
        python: "time.sleep(t) in a thread, await asyncio.sleep(t) under asyncio",
        settings: &[],
    },
    ops: |arguments| {
        Ok(vec![Op::Sleep {
            time: arguments.number(),
        }])
    },
};
