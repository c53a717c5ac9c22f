//! What a model can be told beside its name: the rows that its definition lists, and their values.
//!
//! To add a setting: a field of [`Settings`], a row here that the models which take it list, and the
//! lines of `spec` and [`crate::experiment`] that read it.

use crate::describe::{ModelDef, Quantity, Setting};
use serde::{Deserialize, Serialize};

/// Most workers of a pool.
pub const MOST_WORKERS: u64 = 1_000_000;
/// Most tasks of a chunk.
pub const MOST_CHUNK: u64 = 1_000_000_000;

/// A model's settings, with every default resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Size of the pool, for models that have one; at least 1.
    pub workers: u32,
    /// Tasks of a message to a worker process; `None` for the model's own choice.
    pub chunk: Option<u64>,
    /// What `hybrid` computes on.
    pub pool: Pool,
    /// How an interpreter of Python starts processes; `None` for its own default.
    #[serde(default)]
    pub start: Option<Start>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            workers: 1,
            chunk: None,
            pool: Pool::Threads,
            start: None,
        }
    }
}

/// What an event loop hands its computing to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
    /// Threads of the same process.
    #[default]
    Threads,
    /// Worker processes.
    Processes,
}

/// How multiprocessing starts a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// A copy of the parent.
    Fork,
    /// A new interpreter.
    Spawn,
    /// A copy of a small server process, which is started first.
    Forkserver,
}

impl Start {
    /// All of them, with the words of a cell.
    pub const ALL: &[(&str, Start)] = &[
        ("fork", Start::Fork),
        ("spawn", Start::Spawn),
        ("forkserver", Start::Forkserver),
    ];
}

/// `workers`.
pub const WORKERS: Setting = Setting {
    name: "workers",
    quantity: Quantity::Count,
    default: "the usable CPUs",
    range: (1, MOST_WORKERS),
    doc: "Threads or processes of the pool.",
    example: "{ model = \"thread-pool\", workers = 4 }",
};

/// `chunk`.
pub const CHUNK: Setting = Setting {
    name: "chunk",
    quantity: Quantity::Count,
    default: "tasks / (4 · workers), rounded up",
    range: (1, MOST_CHUNK),
    doc: "Tasks of one message to a worker process. Small chunks share uneven work out better, large ones \
          cost fewer messages.",
    example: "{ model = \"process-pool\", chunk = 8 }",
};

/// `pool`.
pub const POOL: Setting = Setting {
    name: "pool",
    quantity: Quantity::Word(&["threads", "processes"]),
    default: "\"threads\"",
    range: (0, 0),
    doc: "What the event loop hands its computing to.",
    example: "{ model = \"hybrid\", pool = \"processes\" }",
};

/// `start`.
pub const START: Setting = Setting {
    name: "start",
    quantity: Quantity::Word(&["fork", "spawn", "forkserver"]),
    default: "the interpreter's own",
    range: (0, 0),
    doc: "On Python: how multiprocessing starts processes. `fork` copies the parent, `spawn` starts a new \
          interpreter, `forkserver` copies a small server. The default is `fork` up to Python 3.13 and \
          `forkserver` from 3.14 on.",
    example: "{ model = \"process-pool@python\", start = \"spawn\" }",
};

/// `limits`, which every model takes.
pub const LIMITS: Setting = Setting {
    name: "limits",
    quantity: Quantity::Structure,
    default: "",
    range: (1, MOST_WORKERS),
    doc: "At most so many of a step at once, over all tasks: a connection pool.",
    example: "{ model = \"threads\", limits = { http = 5 } }",
};

/// `label`, which every model takes.
pub const LABEL: Setting = Setting {
    name: "label",
    quantity: Quantity::Text,
    default: "the model's name",
    range: (0, 0),
    doc: "What tables and figures call it.",
    example: "{ model = \"thread-pool\", workers = 4, label = \"pool of 4\" }",
};

/// What every model takes beside its own settings.
pub const EVERY_MODEL: &[Setting] = &[LIMITS, LABEL];

impl ModelDef {
    /// Whether a model can be told this.
    pub fn takes(&self, setting: &str) -> bool {
        self.all_settings().any(|own| own.name == setting)
    }

    /// Its own settings and those of every model.
    pub fn all_settings(&self) -> impl Iterator<Item = &'static Setting> {
        self.settings.iter().chain(EVERY_MODEL)
    }
}
