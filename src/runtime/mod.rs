//! What executes a task's operations.
//!
//! Native code needs no leave for anything; under the emulated GIL a thread holds a lock while it computes
//! and gives it up before it waits ([`gil`]); a CPython is another program ([`harness`]). To add a runtime:
//! a variant of [`Runtime`], its arms, and a row in [`RUNTIMES`].

pub mod gil;
pub mod harness;

use crate::describe::RuntimeDef;
use crate::host::interpreters;
use gil::{DEFAULT_INTERVAL_NS, Gil};

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Every kind of runtime, in the order in which help lists them.
pub const RUNTIMES: &[RuntimeDef] = &[
    RuntimeDef {
        name: "native",
        summary: "compiled code, whose threads compute at the same time",
        doc: "Operations are compiled Rust. Threads share memory and nothing keeps them from computing at the \
              same moment, on as many cores as there are: what a model does, without a language's own rules.",
    },
    RuntimeDef {
        name: "gil",
        summary: "the same under an emulated GIL: a thread must hold one lock to compute",
        doc: "The native operations on real threads, under CPython's algorithm (since version 3.2). A process \
              has one lock, and a thread holds it whenever it isn't waiting. A thread that wants it waits for \
              `switch_interval`, 5 ms; if the lock went to nobody else meanwhile, it requests it. The holder looks for \
              a request before each operation and every few microseconds of computing, drops the lock, and waits \
              until another thread has it. What waits (sleeping, files, requests, queries, locks) drops it before and \
              takes it after.\n\n\
              It shows what the lock alone does, at native speed: threads that compute take as long as one after the \
              other; waits overlap fully; beside a thread that computes each wait comes an interval late (the \
              convoy effect, Beazley 2010); `add` without `sync` loses nothing with `body = \"plain\"` and does \
              with `\"call\"`. Worker processes have a lock of their own each.\n\n\
              It leaves out what else makes Python slow: the interpreter, its start, its objects. One wait gives the \
              lock up once, where a library of Python may do so several times. Nothing computes without the lock, \
              though CPython's `zlib` and `hashlib` do. An event loop drops it where it really waits, asyncio at every turn.",
    },
    RuntimeDef {
        name: "python",
        summary: "a real CPython of this machine",
        doc: "The same tasks as a Python program on an interpreter of this machine: `python` is the one that is \
              found first, `python3.13` a certain version, `python3.14t` a free-threaded build, and a path a certain \
              executable. Its start and its imports are outside the clock.",
    },
];

/// Their words.
pub const RUNTIME_NAMES: &[&str] = &{
    let mut names = [""; RUNTIMES.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = RUNTIMES[index].name;
        index += 1;
    }
    names
};

/// What executes operations; in JSON and in cells by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Runtime {
    /// Rust, compiled: threads compute at the same time.
    Native,
    /// The same, but threads must hold one lock to compute, as in CPython: the emulated GIL.
    Gil,
    /// A real CPython, by the word of the cell: `python`, `python3.13`, `python3.14t` or a path.
    Python(String),
}

impl Runtime {
    /// As a cell writes it.
    pub fn name(&self) -> &str {
        match self {
            Runtime::Native => "native",
            Runtime::Gil => "gil",
            Runtime::Python(word) => word,
        }
    }

    /// As prose calls it.
    pub fn title(&self) -> String {
        match self {
            Runtime::Gil => "emulated GIL".to_owned(),
            // The end of a path tells one from another.
            Runtime::Python(path) if path.matches('/').count() > 3 => {
                let parts: Vec<&str> = path.rsplitn(4, '/').take(3).collect();
                format!("…/{}/{}/{}", parts[2], parts[1], parts[0])
            }
            _ => self.name().to_owned(),
        }
    }

    /// Whether it is an interpreter of Python.
    pub fn is_python(&self) -> bool {
        matches!(self, Runtime::Python(_))
    }

    /// The runtime of that name; `None` where no runtime is called so.
    ///
    /// Whether the machine has such an interpreter is another question.
    pub fn named(word: &str) -> Option<Runtime> {
        match word {
            "native" => Some(Runtime::Native),
            "gil" => Some(Runtime::Gil),
            _ => interpreters::names_one(word).then(|| Runtime::Python(word.to_owned())),
        }
    }

    /// The lock that threads of one process must hold to compute; `None` where they need none.
    ///
    /// `interval_ns` is how long a thread may keep it while others wait; `None`: 5 ms.
    pub fn lock(&self, interval_ns: Option<u64>) -> Option<Arc<Gil>> {
        let interval_ns = interval_ns.unwrap_or(DEFAULT_INTERVAL_NS);
        (*self == Runtime::Gil).then(|| Arc::new(Gil::new(interval_ns)))
    }
}

impl From<String> for Runtime {
    /// Every word is some runtime's here: what was saved or sent was checked when it was a cell.
    fn from(word: String) -> Self {
        Runtime::named(&word).unwrap_or(Runtime::Python(word))
    }
}

impl From<Runtime> for String {
    fn from(runtime: Runtime) -> Self {
        runtime.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_runtimes_and_are_kept_as_they_were_written() {
        for word in [
            "native",
            "gil",
            "python",
            "python3",
            "python3.13",
            "python3.14t",
            "python3.11.2",
            "/usr/bin/python3",
            "~/venv/bin/python",
            "./venv/bin/python",
        ] {
            let runtime = Runtime::named(word).unwrap_or_else(|| panic!("{word}"));
            assert_eq!(runtime.name(), word);
            let json = serde_json::to_string(&runtime).unwrap();
            assert_eq!(json, format!("\"{word}\""));
            assert_eq!(serde_json::from_str::<Runtime>(&json).unwrap(), runtime);
        }
        for word in [
            "",
            "rust",
            "pythons",
            "python3.",
            "pythont",
            "python3.x",
            "pypy",
        ] {
            assert_eq!(Runtime::named(word), None, "{word}");
        }
    }
}
