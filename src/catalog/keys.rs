//! The keys of a cell: one row each, read by the parser, the help and whatever else explains them.
//!
//! To add a key: a row here and the lines of `spec` that resolve it.

use crate::describe::{Quantity, Setting};
use crate::model::settings::MOST_WORKERS;

/// Longest duration that a key may ask for: a day.
const DAY_NS: u64 = 86_400_000_000_000;
/// Most repeats and warm-ups.
const MOST_REPEATS: u64 = 1_000;
/// Most tasks: beyond it a cell is a slip of the pen.
pub const MOST_TASKS: u64 = 1_000_000_000;

/// Every key of an experiment, in the order in which help lists them.
pub const KEYS: &[Setting] = &[
    Setting {
        name: "title",
        quantity: Quantity::Text,
        default: "",
        range: (0, 0),
        doc: "What the answer is headed. Generated from the task where it is left out.",
        example: "title = \"CPU-bound work: who wins?\"",
    },
    Setting {
        name: "name",
        quantity: Quantity::Text,
        default: "",
        range: (0, 0),
        doc: "A word by which later cells call this experiment: `show = \"NAME\"` shows it again without a \
              new run.",
        example: "name = \"first\"",
    },
    Setting {
        name: "task",
        quantity: Quantity::Structure,
        default: "",
        range: (0, 0),
        doc: "What each task does: a step, or a list of steps in order. `show = \"steps\"` lists the steps.",
        example: "task = [{ http = \"50ms\" }, { cpu = \"20ms\" }]",
    },
    Setting {
        name: "tasks",
        quantity: Quantity::Count,
        default: "8",
        range: (1, MOST_TASKS),
        doc: "How many tasks. A list compares several numbers of them (a sweep). Where a step has `each`, the \
              default is its length.",
        example: "tasks = 16",
    },
    Setting {
        name: "models",
        quantity: Quantity::Structure,
        default: "[\"sequential\", \"threads\", \"processes\", \"async\"]",
        range: (0, 0),
        doc: "The concurrency models to race, a row of the answer each: a word, or a table such as \
              `{ model = \"thread-pool\", workers = 4, label = \"pool of 4\" }`. `show = \"models\"` lists \
              them.",
        example: "models = [\"sequential\", \"thread-pool\"]",
    },
    Setting {
        name: "runtime",
        quantity: Quantity::Word(&["native"]),
        default: "\"native\"",
        range: (0, 0),
        doc: "What executes the tasks: `native` is compiled code, whose threads compute at the same time.",
        example: "runtime = \"native\"",
    },
    Setting {
        name: "workers",
        quantity: Quantity::Count,
        default: "the usable CPUs",
        range: (1, MOST_WORKERS),
        doc: "Threads or processes of the models that have a fixed number of them (`thread-pool`, \
              `process-pool`, `async-threads`, `hybrid`). A list compares several.",
        example: "workers = 4",
    },
    Setting {
        name: "repeat",
        quantity: Quantity::Count,
        default: "5",
        range: (1, MOST_REPEATS),
        doc: "Timed runs of each row. More repeats make intervals narrower; from 10 on the spread of the \
              median is shown too.",
        example: "repeat = 10",
    },
    Setting {
        name: "warmup",
        quantity: Quantity::Count,
        default: "1",
        range: (0, MOST_REPEATS),
        doc: "Runs of each row before the timed ones. Their times are dropped; memory is sampled in them, so \
              that one is made even where this is 0.",
        example: "warmup = 2",
    },
    Setting {
        name: "order",
        quantity: Quantity::Word(&["interleaved", "blocked"]),
        default: "\"interleaved\"",
        range: (0, 0),
        doc: "`interleaved` runs every row once, shuffled, then again: what slows the machine slows all rows \
              alike. `blocked` runs all repeats of a row in turn, to show why one should not.",
        example: "order = \"blocked\"",
    },
    Setting {
        name: "seed",
        quantity: Quantity::Count,
        default: "1",
        range: (0, i64::MAX as u64),
        doc: "What the order of runs and all random values are drawn from: the same seed, the same draws.",
        example: "seed = 42",
    },
    Setting {
        name: "trial_timeout",
        quantity: Quantity::Duration,
        default: "\"30s\"",
        range: (1_000_000, DAY_NS),
        doc: "Most that one run may take; longer ones are stopped and the row says so.",
        example: "trial_timeout = \"10s\"",
    },
    Setting {
        name: "budget",
        quantity: Quantity::Duration,
        default: "\"60s\"",
        range: (1_000_000, DAY_NS),
        doc: "Most that the whole cell should take. Where the repeats would break it there are fewer of them, \
              down to 3; if that is not enough the dearest rows are left out and say so.",
        example: "budget = \"2m\"",
    },
    Setting {
        name: "memory_limit",
        quantity: Quantity::Size,
        default: "3/4 of what is free",
        range: (1 << 20, 1 << 50),
        doc: "Most that one run may hold, all its processes together; one that holds more is stopped.",
        example: "memory_limit = \"2GiB\"",
    },
    Setting {
        name: "plot",
        quantity: Quantity::Structure,
        default: "[\"trio\"]",
        range: (0, 0),
        doc: "The figures of the answer. `show = \"figures\"` lists them.",
        example: "plot = [\"wall\", \"memory\"]",
    },
    Setting {
        name: "theme",
        quantity: Quantity::Word(&["auto", "light", "dark"]),
        default: "\"auto\"",
        range: (0, 0),
        doc: "Colours of the figures: `auto` follows the reader's light or dark mode, `light` is for courses \
              and print.",
        example: "theme = \"light\"",
    },
];

/// Modifiers: keys beside a step's verb.
pub const MODIFIERS: &[Setting] = &[
    Setting {
        name: "times",
        quantity: Quantity::Count,
        default: "1",
        range: (1, 1_000_000_000),
        doc: "How often the step is done, one after the other, within its task.",
        example: "{ sleep = \"1ms\", times = 50 }",
    },
    Setting {
        name: "label",
        quantity: Quantity::Text,
        default: "",
        range: (0, 0),
        doc: "What figures call the step.",
        example: "{ http = \"50ms\", label = \"fetch\" }",
    },
    Setting {
        name: "lock",
        quantity: Quantity::Text,
        default: "",
        range: (0, 0),
        doc: "A name: the step is done while a lock of that name is held, by one task at a time. With \
              `times` it is taken anew for each time; `{ do = [{ add = 1, times = 50 }], lock = \"sum\" }` \
              holds it throughout. Processes share it too; under an event loop a task that waits for it \
              lets others run.",
        example: "{ add = 1, times = 1_000, lock = \"sum\" }",
    },
];

/// The key of that name.
pub fn find(name: &str) -> Option<&'static Setting> {
    KEYS.iter().find(|key| key.name == name)
}
