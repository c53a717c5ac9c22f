//! The interpreters that a session knows: looked for when a cell first needs one, asked once each.
//!
//! `python` asks only until it has its answer; a version, or a list of them all, asks every candidate. What was
//! installed meanwhile is found by the next cell; what was refused is asked again where a cell names its path.

use super::Lab;
use crate::host::interpreters::{self, Candidate, Found, Interpreter, Refused, Source, find};
use crate::process::Stop;
use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs};

/// Longest that all candidates together are asked; what is left then is told, not asked.
const PATIENCE_NS: u64 = 30_000_000_000;

/// What a session knows of the machine's interpreters.
#[derive(Default)]
pub(super) struct Interpreters {
    found: Found,
    /// Found in the file system and not asked yet.
    left: VecDeque<Candidate>,
    /// Those that were asked or are left.
    known: HashSet<PathBuf>,
    /// What the path of each interpreter that was asked led to then.
    asked: HashMap<PathBuf, Option<Stamp>>,
    asked_ns: u64,
}

/// A file as it was: behind all links, its size and when it was changed.
type Stamp = (PathBuf, u64, SystemTime);

fn stamp(path: &Path) -> Option<Stamp> {
    let file = fs::canonicalize(path).ok()?;
    let about = fs::metadata(&file).ok()?;
    Some((file, about.len(), about.modified().ok()?))
}

impl Lab {
    /// The interpreter that a word of a cell means: `python`, `python3.13`, `python3.13t`, or a path.
    ///
    /// # Errors
    /// Where there is none, with what there is and what to do; where it was interrupted; or where the environment
    /// broke: the warden can't be started.
    pub fn interpreter(&mut self, word: &str, stop: &Stop) -> Result<Interpreter, String> {
        self.interpreters.look();
        match interpreters::path_of(word) {
            Some(path) => {
                self.interpreters.ask_first(&path);
                self.ask_until(stop, |found| found.knows(&path))?;
            }
            None => {
                let is_default = matches!(word, "python" | "python3");
                self.ask_until(stop, |found| is_default && found.has_default())?;
            }
        }
        self.interpreters.found.choose(word).cloned()
    }

    /// All interpreters of this machine, and what is none.
    ///
    /// # Errors
    /// Where it was interrupted, or the warden can't be started.
    pub fn interpreters(&mut self, stop: &Stop) -> Result<&Found, String> {
        self.interpreters.look();
        self.ask_until(stop, |_| false)?;
        Ok(&self.interpreters.found)
    }

    /// Asks candidates until what is found is enough, or none is left.
    fn ask_until(&mut self, stop: &Stop, enough: impl Fn(&Found) -> bool) -> Result<(), String> {
        while !enough(&self.interpreters.found)
            && let Some(candidate) = self.interpreters.left.pop_front()
        {
            if self.interpreters.asked_ns > PATIENCE_NS && candidate.source == Source::Elsewhere {
                self.interpreters.refuse(&candidate);
                continue;
            }
            let warden = self.warden()?;
            let Some(probed) = interpreters::probe(&warden, &candidate, stop) else {
                self.interpreters.left.push_front(candidate);
                return Err(format!(
                    "the search for interpreters was interrupted: run the cell again{}",
                    if stop.is_set() {
                        ""
                    } else {
                        " (the process that starts trials was killed)"
                    }
                ));
            };
            self.interpreters.asked_ns += probed.elapsed_ns;
            if let Ok(python) = &probed.result
                && find::identity(&python.path) != find::identity(&candidate.path)
            {
                let script = (candidate.path.clone(), python.path.clone());
                self.interpreters.found.scripts.push(script);
            }
            self.interpreters.take(probed.result);
        }
        Ok(())
    }
}

impl Interpreters {
    /// Looks for candidates that are not known yet.
    fn look(&mut self) {
        // A link may lead elsewhere by now, an interpreter may have been replaced or removed.
        let asked = &self.asked;
        let same = |path: &Path| asked.get(path).is_none_or(|then| *then == stamp(path));
        let before = self.found.interpreters.len();
        self.found.interpreters.retain(|python| same(&python.path));
        if self.found.interpreters.len() < before {
            // Whatever led to it is looked at anew.
            self.known.clear();
            self.left.clear();
            self.found.refused.clear();
            let still = self.found.interpreters.iter();
            self.known
                .extend(still.map(|python| find::identity(&python.path)));
        }
        for candidate in find::candidates(&|name| env::var_os(name)) {
            if self.known.insert(find::identity(&candidate.path)) {
                self.left.push_back(candidate);
            }
        }
    }

    /// Puts a path before all others.
    fn ask_first(&mut self, path: &Path) {
        let identity = find::identity(path);
        // It may be there, or well, by now.
        let before = self.found.refused.len();
        self.found
            .refused
            .retain(|refused| find::identity(&refused.path) != identity);
        if self.found.refused.len() == before && self.found.knows(path) {
            return;
        }
        let same = |candidate: &Candidate| find::identity(&candidate.path) == identity;
        let left = self.left.iter().position(same);
        let candidate = left.and_then(|index| self.left.remove(index));
        self.left.push_front(candidate.unwrap_or_else(|| Candidate {
            path: path.to_owned(),
            source: Source::Asked,
        }));
        self.known.insert(identity);
    }

    /// Keeps what a candidate turned out to be; one that a script led to is known from now on by itself.
    fn take(&mut self, result: Result<Interpreter, Refused>) {
        match result {
            Ok(python) => {
                let identity = find::identity(&python.path);
                self.asked.insert(python.path.clone(), stamp(&python.path));
                self.known.insert(identity.clone());
                self.left
                    .retain(|candidate| find::identity(&candidate.path) != identity);
                let mut others = self.found.interpreters.iter_mut();
                match others.find(|other| find::identity(&other.path) == identity) {
                    Some(other) => other.source = other.source.min(python.source),
                    None => self.found.interpreters.push(python),
                }
            }
            Err(refused) => self.found.refused.push(refused),
        }
    }

    /// Leaves a candidate unasked because others took too long.
    fn refuse(&mut self, candidate: &Candidate) {
        self.found.refused.push(Refused {
            path: candidate.path.clone(),
            source: candidate.source,
            why: format!(
                "it was not asked, because asking the others took more than {} s",
                PATIENCE_NS / 1_000_000_000
            ),
        });
    }
}
