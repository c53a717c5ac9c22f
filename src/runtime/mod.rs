//! What executes a task's operations. A model asks the runtime before it computes and before it waits.
//!
//! Native code needs no leave for either; a runtime with an interpreter lock takes the lock before it
//! computes and gives it up before it waits. To add a runtime: a variant here and its arms below.

pub mod harness;

use serde::{Deserialize, Serialize};

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
    pub fn title(&self) -> &str {
        match self {
            Runtime::Gil => "emulated GIL",
            _ => self.name(),
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
            _ => is_python(word).then(|| Runtime::Python(word.to_owned())),
        }
    }

    /// Runs something that computes.
    pub fn compute<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
    }

    /// Runs something that waits.
    pub fn wait<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
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

/// Whether a word asks for an interpreter: `python`, with a version and `t` for free-threaded, or a path.
fn is_python(word: &str) -> bool {
    if word.starts_with(['/', '~', '.']) && word.contains('/') {
        return true;
    }
    let Some(version) = word.strip_prefix("python") else {
        return false;
    };
    let numbers = version.strip_suffix('t').unwrap_or(version);
    let is_number = |part: &str| {
        !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit())
    };
    version.is_empty() || (numbers.split('.').count() <= 3 && numbers.split('.').all(is_number))
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
