//! Runs a program.

use super::{Argument, Step};
use crate::describe::{Family, Quantity, StepDef};
use crate::program::Op;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "run",
        family: Family::Wait,
        quantity: Quantity::Command,
        range: (0, 0),
        summary: "runs a program and waits for its end",
        doc: "The program and its arguments, without a shell, in the notebook's folder; what it prints on \
              standard output is dropped. An exit code other than 0 fails the task, with the last line \
              of its standard error as the reason. It is a process of its own under every model, and \
              its CPU time and memory are charged to the row. Threads wait for it; under `async` the \
              event loop serves other tasks meanwhile.",
        example: "{ run = [\"sleep\", \"0.05\"] }",
        python: "subprocess.run(argv, check=True), or asyncio.create_subprocess_exec",
        settings: &[],
    },
    ops: |arguments| {
        let argv = match &arguments.value {
            Argument::Command(argv) => argv.clone(),
            other => panic!("{other:?} is no command"),
        };
        Ok(vec![Op::Run { argv }])
    },
};
