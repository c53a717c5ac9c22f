//! The CPythons of this machine: which programs may be one ([`find`]), what each says of itself ([`probe`]), and
//! which of them a cell means (`choose`).
//!
//! Finding reads the file system and starts nothing; a candidate is asked by the warden, within bounded time. To look
//! somewhere else: a line in [`find::candidates`]. To know another fact: a field of [`Interpreter`] and of `Facts`
//! in [`probe`], and the line of `probe.py` that tells it.

mod choose;
pub mod find;
pub mod probe;

pub use choose::{names_one, path_of};
pub use find::{Candidate, Source};
pub use probe::probe;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// The oldest CPython that trials run on, as major and minor.
pub const OLDEST: (u32, u32) = (3, 9);

/// A CPython that trials can run on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interpreter {
    /// What to start it by: the interpreter itself, not a script that leads to it.
    pub path: PathBuf,
    /// How it was found.
    pub source: Source,
    /// Its version.
    pub version: Version,
    /// All that `sys.version` says, on one line: version, build and compiler.
    pub build: String,
    /// Whether it is a free-threaded build.
    pub free_threaded: bool,
    /// Whether its GIL is on, started as trials start it.
    pub gil: bool,
    /// Whether it was compiled for speed; `None` where it doesn't tell.
    pub optimised: Option<bool>,
    /// How it was compiled, as far as it tells: "-O3, PGO, LTO", "debug build"; empty where it doesn't.
    pub optimisation: String,
    /// Start methods of its `multiprocessing`, its default first: "fork", "spawn", "forkserver".
    pub start_methods: Vec<String>,
    /// Whether it has `InterpreterPoolExecutor`.
    pub interpreter_pool: bool,
    /// Standard modules that trials use and it lacks, of [`MODULES`].
    pub missing: Vec<String>,
}

/// How the name of a free-threaded interpreter ends whose GIL is on.
pub const GIL_ON: &str = " free-threaded, GIL on";
/// How it ends where the GIL is off.
pub const GIL_OFF: &str = " free-threaded, GIL off";

/// Standard modules that trials may use and that a build can lack, and what is lost with each.
pub const MODULES: &[(&str, &str)] = &[
    ("asyncio", "models on an event loop"),
    ("multiprocessing", "models with processes"),
    ("sqlite3", "`query` of SQLite"),
    ("ssl", "`https` addresses"),
    ("zlib", "`compress`"),
];

/// A version of CPython. Ordered by age: a final release is newer than its candidates.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// 3.
    pub major: u32,
    /// 13 of 3.13.2.
    pub minor: u32,
    /// 2 of 3.13.2.
    pub micro: u32,
    /// "alpha", "beta", "candidate" or "final": in this order, as the alphabet has it.
    pub level: String,
    /// 1 of 3.14.0rc1; 0 for a final release.
    pub serial: u32,
}

impl fmt::Display for Version {
    /// As `python --version` writes it: "3.13.2", "3.14.0rc1".
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.micro)?;
        match self.level.as_str() {
            "alpha" => write!(f, "a{}", self.serial),
            "beta" => write!(f, "b{}", self.serial),
            "candidate" => write!(f, "rc{}", self.serial),
            _ => Ok(()),
        }
    }
}

impl Interpreter {
    /// Its version as a cell writes it behind `python`: "3.13.2", "3.13.2t" where it is free-threaded.
    pub fn release(&self) -> String {
        let suffix = if self.free_threaded { "t" } else { "" };
        format!("{}{suffix}", self.version)
    }

    /// What it is, for people: "CPython 3.13.2", "CPython 3.13.2 free-threaded, GIL off".
    pub fn name(&self) -> String {
        let kind = match (self.free_threaded, self.gil) {
            (false, _) => "",
            (true, true) => GIL_ON,
            (true, false) => GIL_OFF,
        };
        format!("CPython {}{kind}", self.version)
    }

    /// What it was compiled with, as `sys.version` says it in brackets: "GCC 12.2.0".
    pub fn compiler(&self) -> Option<&str> {
        let (_, rest) = self.build.rsplit_once('[')?;
        let (compiler, _) = rest.split_once(']')?;
        Some(compiler.trim()).filter(|compiler| !compiler.is_empty())
    }

    /// What is worth knowing beside its version: how it was built, and what it can't do.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        remarks.extend(self.compiler().map(str::to_owned));
        match self.optimised {
            Some(true) => remarks.push(self.optimisation.clone()),
            Some(false) => remarks.push(format!("not optimised ({})", self.optimisation)),
            None => remarks.push("optimisation unknown".to_owned()),
        }
        let lost = MODULES
            .iter()
            .filter(|(module, _)| self.missing.iter().any(|missing| missing == module));
        remarks.extend(lost.map(|(module, lost)| format!("no {module}: no {lost}")));
        remarks
    }
}

/// A candidate that trials can't run on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// What was tried.
    pub path: PathBuf,
    /// How it was found.
    pub source: Source,
    /// Why, as a sentence without its beginning: "it is PyPy 3.10: …".
    pub why: String,
}

/// What has been found, each list in the order of preference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What trials can run on.
    pub interpreters: Vec<Interpreter>,
    /// What they can't run on, and why.
    pub refused: Vec<Refused>,
    /// Scripts that lead to an interpreter, and where each leads.
    pub scripts: Vec<(PathBuf, PathBuf)>,
}

impl Found {
    /// The usable ones as a list is read best.
    pub fn newest_first(&self) -> Vec<&Interpreter> {
        let mut sorted: Vec<&Interpreter> = self.interpreters.iter().collect();
        sorted.sort_by_key(|python| std::cmp::Reverse((&python.version, python.free_threaded)));
        sorted
    }
}

/// Makers of interpreters for the tests of this folder.
#[cfg(test)]
mod made {
    use super::*;

    pub fn interpreter(path: &str, version: (u32, u32, u32), source: Source) -> Interpreter {
        Interpreter {
            path: path.into(),
            source,
            version: Version {
                major: version.0,
                minor: version.1,
                micro: version.2,
                level: "final".to_owned(),
                serial: 0,
            },
            build: String::new(),
            free_threaded: false,
            gil: true,
            optimised: None,
            optimisation: String::new(),
            start_methods: Vec::new(),
            interpreter_pool: false,
            missing: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_written_and_ordered_as_pythons_are() {
        let version = |level: &str, serial| Version {
            major: 3,
            minor: 14,
            micro: 0,
            level: level.to_owned(),
            serial,
        };
        let ages = [
            version("alpha", 7),
            version("beta", 4),
            version("candidate", 1),
            version("candidate", 2),
            version("final", 0),
        ];
        assert!(ages.is_sorted());
        let texts: Vec<String> = ages.iter().map(Version::to_string).collect();
        assert_eq!(
            texts,
            ["3.14.0a7", "3.14.0b4", "3.14.0rc1", "3.14.0rc2", "3.14.0"]
        );
    }

    #[test]
    fn what_an_interpreter_is_and_lacks_is_told() {
        let mut python = made::interpreter("/p", (3, 13, 2), Source::Path);
        assert_eq!(
            (python.name(), python.release()),
            ("CPython 3.13.2".to_owned(), "3.13.2".to_owned())
        );
        assert_eq!(python.remarks(), ["optimisation unknown"]);
        python.free_threaded = true;
        python.gil = false;
        python.build = "3.13.2 (main, May 9 2026, 07:35:25) [GCC 12.2.0]".to_owned();
        python.optimised = Some(false);
        python.optimisation = "debug build".to_owned();
        python.missing = vec!["sqlite3".to_owned()];
        assert_eq!(python.name(), "CPython 3.13.2 free-threaded, GIL off");
        assert_eq!(python.release(), "3.13.2t");
        assert_eq!(
            python.remarks(),
            [
                "GCC 12.2.0",
                "not optimised (debug build)",
                "no sqlite3: no `query` of SQLite"
            ]
        );
    }
}
