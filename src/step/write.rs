//! Writes a file.

use super::Step;
use crate::describe::{Family, Quantity, Setting, StepDef};
use crate::program::Op;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "write",
        family: Family::Wait,
        quantity: Quantity::Size,
        range: (1, 1 << 40),
        summary: "writes a new file of this size",
        doc: "Creates a file of its own in a temporary folder, writes it and closes it; the \
              folder is removed after the run. The data go to the page cache, as with any \
              program that doesn't ask for more. Under `async` a thread of the runtime's \
              blocking pool does it: files have no asynchronous interface.",
        example: "{ write = \"1MiB\" }",
        python: "open(path, \"wb\").write(data), with asyncio.to_thread under asyncio",
        settings: &[Setting {
            name: "sync",
            quantity: Quantity::Flag,
            default: "false",
            range: (0, 0),
            doc: "`true` waits until the disk has the data (fsync), as databases do. Where the temporary \
                  folder is in memory (tmpfs) that is at once.",
            example: "{ write = \"64KiB\", sync = true }",
        }],
    },
    ops: |arguments| {
        Ok(vec![Op::Write {
            bytes: arguments.number(),
            sync: arguments.flag_setting("sync"),
        }])
    },
};
