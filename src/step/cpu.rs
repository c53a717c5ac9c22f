//! Work of a given duration: the calibrated CPU step.

use super::DURATION;
use super::Step;
use super::compute;
use crate::describe::Family;
use crate::describe::StepDef;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "cpu",
        family: Family::Compute,
        quantity: DURATION.0,
        range: DURATION.1,
        summary: "keeps a core busy for a given time",
        doc: "Integer arithmetic, calibrated once per machine: the duration says how much work \
              it is on an undisturbed core, and every model does the same amount of it, \
              however long it takes there. Under `async` it runs on the event loop and freezes \
              it: no other task goes on meanwhile.",
        example: "{ cpu = \"50ms\" }",
        python: "a pure Python loop that takes this long",
        settings: &[],
    },
    ops: |arguments| compute("cpu", arguments),
};
