//! The keys of a cell: one row each, read by the parser, the help and whatever else explains them.
//!
//! To add a key: a row here and the lines of `spec` that resolve it.

use crate::describe::{Quantity, Setting};
use crate::model::settings::MOST_WORKERS;
use crate::model::settings::{CHUNK, LABEL, LIMITS, POOL, START, WORKERS};
use crate::runtime::RUNTIME_NAMES;

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
        name: "cases",
        quantity: Quantity::Structure,
        default: "",
        range: (0, 0),
        doc: "Several workloads side by side, by name, each a step or a list of steps: all models run each of them, and the answer has a panel for each.",
        example: "cases.\"CPU-bound\" = { cpu = \"50ms\" }",
    },
    Setting {
        name: "mix",
        quantity: Quantity::Structure,
        default: "",
        range: (0, 0),
        doc: "Different tasks at the same time: a list of groups with a `name`, a `task` and `tasks` (1 each). Latencies are told for each group.",
        example: "mix = [{ name = \"hog\", task = { cpu = \"500ms\" } }, { name = \"I/O\", task = { sleep = \"1ms\" } }]",
    },
    Setting {
        name: "base",
        quantity: Quantity::Text,
        default: "",
        range: (0, 0),
        doc: "Name of an earlier experiment of this session, whose keys hold where this cell has none of its own; `title`, `name`, `save`, `check` and `predict` are not taken over.",
        example: "base = \"first\"",
    },
    Setting {
        name: "argument",
        quantity: Quantity::Size,
        default: "0",
        range: (0, 1 << 40),
        doc: "Bytes that each task is given. Models with processes must send them, the others have them already. `{ total = \"8MB\" }` is divided over the tasks.",
        example: "argument = { total = \"8MB\" }",
    },
    Setting {
        name: "result",
        quantity: Quantity::Size,
        default: "0",
        range: (0, 1 << 40),
        doc: "Bytes that each task gives back; models with processes must send them.",
        example: "result = \"64KiB\"",
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
        quantity: Quantity::Word(RUNTIME_NAMES),
        default: "\"native\"",
        range: (0, 0),
        doc: "What executes the tasks: `native` is compiled code, whose threads compute at the same time; \
              `gil` the same under an emulated GIL; `python` a real CPython of this machine (`python3.13`, \
              `python3.14t` or a path for a certain one). A list runs every model on each; \
              `\"threads@gil\"` in `models` names one model's own. With a `python` step the default is \
              `python`.",
        example: "runtime = [\"native\", \"python\"]",
    },
    Setting {
        name: "switch_interval",
        quantity: Quantity::Duration,
        default: "\"5ms\"",
        range: (1_000, 1_000_000_000_000),
        doc: "How long a thread may keep the GIL while others wait for it, of the emulated one and of CPython \
              (`sys.setswitchinterval`).",
        example: "switch_interval = \"1ms\"",
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
        name: "chunk",
        quantity: Quantity::Count,
        default: "tasks / (4 · workers), rounded up",
        range: (1, MOST_TASKS),
        doc: "Tasks that `process-pool` sends to a worker at once. A list compares several.",
        example: "chunk = 16",
    },
    Setting {
        name: "limits",
        quantity: Quantity::Structure,
        default: "",
        range: (1, MOST_WORKERS),
        doc: "At most so many of a step at once, over all tasks and in every model: a connection pool, a \
              rate limit. A list compares several.",
        example: "limits = { query = 5 }",
    },
    Setting {
        name: "repeat",
        quantity: Quantity::Count,
        default: "5",
        range: (1, MOST_REPEATS),
        doc: "Timed runs of each row. `\"auto\"` runs until the interval of each ratio is within ±2 %, at most 50 \
              or the budget. More repeats make intervals narrower; from 10 on the spread of the \
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
              down to 3; if that is not enough the dearest rows are left out and say so. Traced runs take what the \
              timed ones leave of it.",
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
        name: "answers",
        quantity: Quantity::Word(&["compare", "ignore"]),
        default: "\"compare\"",
        range: (0, 0),
        doc: "Every model must compute the same, and a row that does not is marked wrong. `ignore` is for tasks whose results differ by design.",
        example: "answers = \"ignore\"",
    },
    Setting {
        name: "plot",
        quantity: Quantity::Structure,
        default: "by the experiment's shape",
        range: (0, 0),
        doc: "The figures of the answer. Where it is left out: what was measured (as lines where a number is \
              swept over three values or more), and the speedup where `workers` is swept. `show = \"figures\"` lists them.",
        example: "plot = [\"wall\", \"memory\"]",
    },
    Setting {
        name: "x",
        quantity: Quantity::Text,
        default: "",
        range: (0, 0),
        doc: "Which swept key is the x axis of the figures: the one with most points where this is left out.",
        example: "x = \"tasks\"",
    },
    Setting {
        name: "save",
        quantity: Quantity::Text,
        default: "",
        range: (0, 0),
        doc: "Saves the answer: every single run as `.csv`, or all of it (runs, machine, versions, the cell) as `.json`. Under a name that ends in `trace.json`: what each worker did when, in the Chrome trace event format, which Perfetto (ui.perfetto.dev) opens. Alone in a cell it saves the last answer, or the one that `of` names.",
        example: "save = \"results.csv\"",
    },
    Setting {
        name: "check",
        quantity: Quantity::Structure,
        default: "",
        range: (0, 0),
        doc: "Claims that the answer is checked against: one, or a list. Each comes out as ok, FAILED or not \
              clear, by what was measured. `help = \"claims\"` explains the language.",
        example: "check = [\"wall(threads) < 0.7 * wall(sequential)\", \"fastest == threads\"]",
    },
    Setting {
        name: "predict",
        quantity: Quantity::Structure,
        default: "",
        range: (0, 0),
        doc: "Your guess, before you run the cell: claims as in `check`, revealed beside the answer. A wrong \
              guess is no failure.",
        example: "predict = \"speedup(threads) > 1.5\"",
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
    Setting {
        name: "zoom",
        quantity: Quantity::Flag,
        default: "false",
        range: (0, 0),
        doc: "Whether the figure `timeline` comes with a view that can be zoomed and moved, and tells each span \
              where the pointer is. JupyterLab shows it below the picture (Vega-Lite, without an extension); where \
              that is not known, and in exports, the picture stands alone.",
        example: "zoom = true",
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

/// Keys of a model's table, the model itself first; each model says which of the others it takes.
pub const MODEL_KEYS: &[Setting] = &[
    Setting {
        name: "model",
        quantity: Quantity::Text,
        default: "",
        range: (0, 0),
        doc: "Which model; `show = \"models\"` lists them.",
        example: "{ model = \"thread-pool\" }",
    },
    WORKERS,
    CHUNK,
    POOL,
    START,
    LIMITS,
    LABEL,
];

/// Keys of one entry of `mix`.
pub const MIX_KEYS: &[Setting] = &[
    Setting {
        name: "name",
        quantity: Quantity::Text,
        default: "",
        range: (0, 0),
        doc: "What rows and figures call the group.",
        example: "mix = [{ name = \"hog\", task = { cpu = \"50ms\" } }]",
    },
    Setting {
        name: "task",
        quantity: Quantity::Structure,
        default: "",
        range: (0, 0),
        doc: "What each task of this group does: a step, or a list of steps in order.",
        example: "mix = [{ name = \"hog\", task = { cpu = \"50ms\" } }]",
    },
    Setting {
        name: "tasks",
        quantity: Quantity::Count,
        default: "1",
        range: (1, MOST_TASKS),
        doc: "How many tasks of this group.",
        example: "mix = [{ name = \"I/O\", task = { sleep = \"50ms\" }, tasks = 4 }]",
    },
];

/// The verb that groups steps. It is no step of its own: it does what its steps do.
pub const GROUP: Setting = Setting {
    name: "do",
    quantity: Quantity::Structure,
    default: "",
    range: (0, 0),
    doc: "Several steps as one, so that a modifier such as `times` holds for all of them.",
    example: "{ do = [{ sleep = \"1ms\" }, { count = 1_000 }], times = 20 }",
};

/// Ways in which a step's value can differ from task to task or from run to run: tables in its place.
pub const VALUE_FORMS: &[Setting] = &[
    Setting {
        name: "each",
        quantity: Quantity::Structure,
        default: "",
        range: (0, 0),
        doc: "One value for each task, in order; `tasks` is the length of the list.",
        example: "{ sleep = { each = [\"10ms\", \"20ms\", \"400ms\"] } }",
    },
    Setting {
        name: "total",
        quantity: Quantity::Structure,
        default: "",
        range: (0, 0),
        doc: "One value for all tasks together, divided over them: the same work however many tasks share \
              it.",
        example: "{ sum_squares = { total = 1_000_000 } }",
    },
    Setting {
        name: "sweep",
        quantity: Quantity::Structure,
        default: "",
        range: (0, 0),
        doc: "One run of the whole experiment for each value, so that they can be compared.",
        example: "{ cpu = { sweep = [\"1ms\", \"10ms\", \"100ms\"] } }",
    },
];

/// Keys of a table in the place of a `python` step's text.
pub const CODE_KEYS: &[Setting] = &[
    Setting {
        name: "file",
        quantity: Quantity::Text,
        default: "",
        range: (0, 0),
        doc: "The file that the function of a `python` step stands in, looked up from the notebook's folder. It can \
              import what stands beside it.",
        example: "{ python = { file = \"work.py\" } }",
    },
    Setting {
        name: "call",
        quantity: Quantity::Text,
        default: "\"task\"",
        range: (0, 0),
        doc: "The function of that file: each task calls it with its number.",
        example: "{ python = { file = \"work.py\", call = \"task\" } }",
    },
];

/// What stands alone in its cell and runs nothing.
pub const COMMANDS: &[Setting] = &[
    Setting {
        name: "show",
        quantity: Quantity::Text,
        default: "",
        range: (0, 0),
        doc: "Shows what there is (`\"models\"`, `\"steps\"`, `\"figures\"`), this machine (`\"machine\"`), \
              the session's experiments (`\"results\"`), or one of them again by its `name`, without a new \
              run. `\"python\"` shows each model of the last experiment, or with `of = \"NAME\"` of that one, as \
              a plain Python script that runs without conclab. `%show models` does the same.",
        example: "show = \"models\"",
    },
    Setting {
        name: "help",
        quantity: Quantity::Text,
        default: "",
        range: (0, 0),
        doc: "Explains a word of this language; the empty text gives an overview. `%help threads` and \
              `?threads` do the same.",
        example: "help = \"threads\"",
    },
    Setting {
        name: "compare",
        quantity: Quantity::Structure,
        default: "",
        range: (0, 0),
        doc: "Two answers of the same cell beside each other: names of experiments of this session, or files \
              that were saved as `.json`, perhaps on another machine. Refused where their work differs.",
        example: "compare = [\"first\", \"second\"]",
    },
];

/// Every word of `show` beside the names of experiments, and what it shows.
pub const SHOWS: &[(&str, &str)] = &[
    ("machine", "this machine's facts, limits and Pythons"),
    ("models", "the concurrency models"),
    ("steps", "what a task can do"),
    ("figures", "the figures of an answer"),
    ("results", "the experiments of this session"),
    ("python", "an experiment as plain Python scripts"),
    ("version", "which conclab this is"),
];

/// Names that an answer can be saved under, one of each ending, and what is saved.
pub const SAVES: &[(&str, &str)] = &[
    (
        "results.json",
        "all of the answer: runs, machine, versions and the cell, to be compared later",
    ),
    ("results.csv", "every single run as a line of a table"),
    (
        "trace.json",
        "what each worker did when, for Perfetto; any name that ends so",
    ),
];

/// The key of that name.
pub fn find(name: &str) -> Option<&'static Setting> {
    KEYS.iter().find(|key| key.name == name)
}
