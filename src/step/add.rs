//! Increments a counter that all tasks share.

use super::Step;
use crate::describe::Family;
use crate::describe::Quantity;
use crate::describe::Setting;
use crate::describe::StepDef;
use crate::program::{Body, Op, Sync};

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "add",
        family: Family::Memory,
        quantity: Quantity::Count,
        range: (1, 1_000_000_000_000),
        summary: "increments a counter that all tasks share",
        doc: "One by one: read, add 1, write. Without `sync` what another task writes in between is \
              lost, and the row tells how many updates were. The counter stands in memory that \
              processes share too. The first tasks wait for each other before they start, so that short \
              loops overlap. One thread alone (`sequential`, `async`) loses nothing.",
        example: "{ add = 100_000, sync = \"mutex\" }",
        python: "counter.value += 1 in a loop, within `with lock:` for sync = \"mutex\"",
        settings: &[
            Setting {
                name: "sync",
                quantity: Quantity::Word(&["none", "mutex", "rwlock", "atomic", "local"]),
                default: "\"none\"",
                range: (0, 0),
                doc: "How increments are kept apart: `mutex` and `rwlock` (its write side) hold a lock \
                      for each, `atomic` is one instruction (Python has none and takes a lock), `local` \
                      counts in the task's own memory and adds once at the end.",
                example: "{ add = 1_000, sync = \"atomic\" }",
            },
            Setting {
                name: "body",
                quantity: Quantity::Word(&["plain", "call"]),
                default: "\"plain\"",
                range: (0, 0),
                doc: "What stands between reading the counter and writing it under a GIL, on Python and the \
                      emulated one. Since version 3.10 an interpreter hands its lock over at calls and \
                      backward jumps only, so that `plain` never loses an update there and `call` does. \
                      On `native` it makes no difference.",
                example: "{ add = 100_000, body = \"call\" }",
            },
        ],
    },
    ops: |arguments| {
        Ok(vec![Op::Add {
            times: arguments.number(),
            sync: Sync::named(arguments.word_setting("sync")).unwrap_or_default(),
            body: match arguments.word_setting("body") {
                "call" => Body::Call,
                _ => Body::Plain,
            },
        }])
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_has_a_word_for_every_way() {
        let words = STEP.def.settings[0].quantity;
        let all: Vec<&str> = Sync::ALL.iter().map(|(word, _)| *word).collect();
        assert!(matches!(words, Quantity::Word(words) if words == all));
    }
}
