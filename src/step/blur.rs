//! Blurs an image.

use super::Step;
use super::compute;
use crate::describe::Family;
use crate::describe::Quantity;
use crate::describe::StepDef;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "blur",
        family: Family::Compute,
        quantity: Quantity::Count,
        range: (1, 1 << 40),
        summary: "blurs a generated grey image of n pixels",
        doc: "A 5 × 5 binomial (nearly Gaussian) blur, along the rows and then along the columns; the image is \
              about square. It holds two bytes a pixel. Under `async` it runs on the event loop and \
              freezes it.",
        example: "{ blur = 40_000 }",
        python: "PIL: image.filter(ImageFilter.GaussianBlur(1))",
        settings: &[],
    },
    ops: |arguments| compute("blur", arguments),
};
