//! Which interpreter a cell means by `python`, `python3.13`, `python3.13.2t` or a path.

use super::{Found, Interpreter, OLDEST, Refused, Source, find};
use std::env;
use std::path::{Path, PathBuf};

/// Refused candidates that an error names at most.
const MOST_REFUSED: usize = 3;

/// What a word asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// `python`: whatever is the default here.
    Default,
    /// "3.13", "3.13.2", and whether it is to be free-threaded.
    Version(String, bool),
    /// This one.
    Path(PathBuf),
}

impl Found {
    /// The interpreter that a word of a cell means.
    ///
    /// `python` is the one that CONCLAB_PYTHON names, or that of the environment that is active, or what `python3` is
    /// on the PATH, or else the newest with a GIL. A version is the first of these that has it, or else the newest
    /// that begins so; with a `t` a free-threaded build, without one never.
    ///
    /// # Errors
    /// Where there is none: what was asked for, what there is, and what to do.
    pub fn choose(&self, word: &str) -> Result<&Interpreter, String> {
        match wanted(word)? {
            Wanted::Default => {
                if let Some(named) = self.wrong_name() {
                    return Err(format!(
                        "{} names {}, and {}: name the path of a CPython {}.{} or newer",
                        find::VARIABLE,
                        named.path.display(),
                        named.why,
                        OLDEST.0,
                        OLDEST.1
                    ));
                }
                best(self.unasked()).ok_or_else(|| self.none(word, None))
            }
            Wanted::Version(version, free_threaded) => {
                let same = |python: &&Interpreter| {
                    begins(python, &version) && python.free_threaded == free_threaded
                };
                best(self.unasked().filter(same))
                    .ok_or_else(|| self.none(word, Some((&version, free_threaded))))
            }
            Wanted::Path(path) => {
                let path = self.behind(&path).to_owned();
                let identity = find::identity(&path);
                let same = |other: &Path| other == path || find::identity(other) == identity;
                if let Some(python) = self.interpreters.iter().find(|python| same(&python.path)) {
                    return Ok(python);
                }
                let refused = self.refused.iter().find(|refused| same(&refused.path));
                Err(match refused {
                    Some(refused) => format!(
                        "{} is not an interpreter that trials can run on: {}; `show = \"machine\"` lists those \
                         that are here",
                        path.display(),
                        refused.why
                    ),
                    None => format!("{} has not been looked at", path.display()),
                })
            }
        }
    }

    /// Whether the word `python` has its answer, whatever else there is.
    pub fn has_default(&self) -> bool {
        let mut sources = self.interpreters.iter().map(|python| python.source);
        sources.any(Source::is_default)
    }

    /// Whether it is known what that path is.
    pub fn knows(&self, path: &Path) -> bool {
        let path = self.behind(path);
        let identity = find::identity(path);
        let refused = self.refused.iter().map(|refused| &refused.path);
        let mut paths = self
            .interpreters
            .iter()
            .map(|python| &python.path)
            .chain(refused);
        paths.any(|other| find::identity(other) == identity)
    }

    /// Where a script leads; the path itself where it is none.
    fn behind<'a>(&'a self, path: &'a Path) -> &'a Path {
        let identity = find::identity(path);
        let mut scripts = self.scripts.iter();
        let known = scripts.find(|(script, _)| find::identity(script) == identity);
        known.map_or(path, |(_, python)| python)
    }

    /// Those that are found without being named by a cell: what words mean doesn't depend on earlier cells.
    fn unasked(&self) -> impl Iterator<Item = &Interpreter> + Clone {
        let pythons = self.interpreters.iter();
        pythons.filter(|python| python.source != Source::Asked)
    }

    /// The first that CONCLAB_PYTHON names, where it is refused and so all that it names are.
    fn wrong_name(&self) -> Option<&Refused> {
        let named = |source: Source| source == Source::Named;
        let any = self.interpreters.iter().any(|python| named(python.source));
        let refused = self.refused.iter().find(|refused| named(refused.source));
        refused.filter(|_| !any)
    }

    /// Why a word means nothing here.
    fn none(&self, word: &str, version: Option<(&str, bool)>) -> String {
        let mut here: Vec<&Interpreter> = self.interpreters.iter().collect();
        here.sort_by_key(|python| (&python.version, python.free_threaded));
        let mut here: Vec<String> = here.into_iter().map(Interpreter::release).collect();
        here.dedup();
        let here = match here.as_slice() {
            [] => "no usable CPython was found".to_owned(),
            releases => format!("which has {}", in_words(releases)),
        };
        let refused: Vec<String> = self
            .refused
            .iter()
            .filter(|refused| {
                let name = refused.path.file_name().and_then(|name| name.to_str());
                match version {
                    Some(_) => name == Some(word),
                    None => true,
                }
            })
            .take(MOST_REFUSED)
            .map(|refused| format!(" ({}: {})", refused.path.display(), refused.why))
            .collect();
        let number = version.map_or("3", |(version, _)| version);
        if too_old(number) {
            return format!(
                "`{word}` is too old: trials need CPython {}.{} or newer",
                OLDEST.0, OLDEST.1
            );
        }
        let suffix = if version.is_some_and(|(_, free)| free) {
            "t"
        } else {
            ""
        };
        let other = version.and_then(|(version, free_threaded)| {
            let other = self
                .interpreters
                .iter()
                .find(|python| begins(python, version) && python.free_threaded != free_threaded)?;
            let kind = if free_threaded {
                "with the GIL"
            } else {
                "free-threaded"
            };
            Some(format!("; {kind}, `python{}` is here", other.release()))
        });
        format!(
            "there is no `{word}` on this machine, {here}{}: install it (`uv python install {number}{suffix}`), \
             or set {} to the path of one before Jupyter starts{}",
            refused.concat(),
            find::VARIABLE,
            other.unwrap_or_default()
        )
    }
}

/// The path that a word of a cell names, in full; `None` where it is no path.
pub fn path_of(word: &str) -> Option<PathBuf> {
    let is_path = word.starts_with(['/', '.']) && word.contains('/') || word.starts_with("~/");
    let home = env::var_os("HOME").map(PathBuf::from);
    is_path.then(|| {
        let path = find::at_home(Path::new(word), home.as_deref());
        // One that begins with a dot is relative to the notebook's folder.
        let folder = env::current_dir().unwrap_or_default();
        find::executable(&folder.join(path))
    })
}

/// Whether a word asks for an interpreter: `python`, with a version and `t` for free-threaded, or a path.
pub fn names_one(word: &str) -> bool {
    wanted(word).is_ok()
}

/// What a word asks for.
fn wanted(word: &str) -> Result<Wanted, String> {
    if let Some(path) = path_of(word) {
        return Ok(Wanted::Path(path));
    }
    let asked = word.strip_prefix("python").and_then(|rest| {
        let number = rest.strip_suffix('t').unwrap_or(rest);
        let free_threaded = number.len() < rest.len();
        let first = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
        let known = |c: char| c.is_ascii_digit() || matches!(c, 'a' | 'b' | 'r' | 'c');
        match (number, free_threaded) {
            ("" | "3", false) => Some(Wanted::Default),
            ("3", true) => Some(Wanted::Version("3".to_owned(), true)),
            _ if number.starts_with("3.")
                && number.split('.').count() <= 3
                && number
                    .split('.')
                    .all(|part| first(part) && part.chars().all(known)) =>
            {
                Some(Wanted::Version(number.to_owned(), free_threaded))
            }
            _ => None,
        }
    });
    asked.ok_or_else(|| {
        format!(
            "`{word}` names no Python: write `python`, a version like `python3.13` or `python3.13t` \
             (free-threaded), or the path of an interpreter, which begins with `/`, `~/` or `.`"
        )
    })
}

/// Whether an interpreter has that version, or one that begins so.
fn begins(python: &Interpreter, version: &str) -> bool {
    let own = python.version.to_string();
    own.strip_prefix(version)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The first default, in the order of preference; or else the newest, one with a GIL before one without.
fn best<'a>(pythons: impl Iterator<Item = &'a Interpreter> + Clone) -> Option<&'a Interpreter> {
    let default = pythons
        .clone()
        .filter(|python| python.source.is_default())
        .min_by_key(|python| python.source);
    // Of several that are equal, max_by_key gives the last, and the first is preferred.
    default.or_else(|| {
        let pythons: Vec<&Interpreter> = pythons.collect();
        pythons
            .into_iter()
            .rev()
            .max_by_key(|python| (!python.free_threaded, &python.version))
    })
}

fn too_old(version: &str) -> bool {
    let minor = version
        .split('.')
        .nth(1)
        .and_then(|minor| minor.parse().ok());
    minor.is_some_and(|minor: u32| (3, minor) < OLDEST)
}

/// "3.9.18, 3.11.7 and 3.14.0".
fn in_words(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::made::interpreter;
    use super::*;

    /// Path, version, source, and whether it is free-threaded.
    type Made<'a> = (&'a str, (u32, u32, u32), Source, bool);

    fn found(pythons: &[Made]) -> Found {
        let make = |(path, version, source, free): &Made| Interpreter {
            free_threaded: *free,
            gil: !free,
            ..interpreter(path, *version, *source)
        };
        Found {
            interpreters: pythons.iter().map(make).collect(),
            refused: Vec::new(),
            scripts: Vec::new(),
        }
    }

    fn machine() -> Found {
        found(&[
            ("/env/bin/python3", (3, 12, 1), Source::Environment, false),
            ("/path/python3", (3, 11, 7), Source::Path, false),
            ("/usr/bin/python3", (3, 11, 9), Source::Elsewhere, false),
            ("/a/python3", (3, 13, 0), Source::Elsewhere, false),
            ("/b/python3", (3, 13, 2), Source::Elsewhere, false),
            ("/c/python3", (3, 13, 2), Source::Elsewhere, false),
            ("/t/python3", (3, 14, 1), Source::Elsewhere, true),
        ])
    }

    #[test]
    fn words_mean_interpreters() {
        let machine = machine();
        for (word, path) in [
            ("python", "/env/bin/python3"),
            ("python3", "/env/bin/python3"),
            ("python3.12", "/env/bin/python3"),
            ("python3.11", "/path/python3"),
            ("python3.11.9", "/usr/bin/python3"),
            ("python3.13", "/b/python3"),
            ("python3.13.0", "/a/python3"),
            ("python3.14t", "/t/python3"),
            ("python3.14.1t", "/t/python3"),
            ("python3t", "/t/python3"),
            ("/a/python3", "/a/python3"),
        ] {
            let chosen = machine.choose(word).map(|python| python.path.as_path());
            assert_eq!(chosen, Ok(Path::new(path)), "{word}");
        }
    }

    #[test]
    fn the_default_is_what_is_named_then_the_environment_then_the_path_then_the_newest() {
        let mut machine = machine();
        let named = interpreter("/named", (3, 9, 1), Source::Named);
        machine.interpreters.push(named);
        let mut default = || {
            let path = machine.choose("python").unwrap().path.clone();
            machine.interpreters.retain(|python| python.path != path);
            path.display().to_string()
        };
        let order: Vec<String> = (0..8).map(|_| default()).collect();
        assert_eq!(
            order,
            [
                "/named",
                "/env/bin/python3",
                "/path/python3",
                "/b/python3",
                "/c/python3",
                "/a/python3",
                "/usr/bin/python3",
                "/t/python3",
            ]
        );
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is_and_what_to_do() {
        let told = |word: &str| machine().choose(word).unwrap_err();
        assert_eq!(
            told("python3.10"),
            "there is no `python3.10` on this machine, which has 3.11.7, 3.11.9, 3.12.1, 3.13.0, 3.13.2 and \
             3.14.1t: install it (`uv python install 3.10`), or set CONCLAB_PYTHON to the path of one before Jupyter \
             starts"
        );
        assert!(told("python3.13t").ends_with("; with the GIL, `python3.13.0` is here"));
        assert!(told("python3.13t").contains("`uv python install 3.13t`"));
        assert!(told("python3.14").ends_with("; free-threaded, `python3.14.1t` is here"));
        assert!(told("python3.1").contains("too old"), "3.1 is not 3.13");
        assert!(told("python3.8").starts_with("`python3.8` is too old: trials need CPython 3.9"));
        assert!(told("/no/python").contains("/no/python has not been looked at"));
        assert_eq!(
            Found::default().choose("python").unwrap_err(),
            "there is no `python` on this machine, no usable CPython was found: install it (`uv python install 3`), \
             or set CONCLAB_PYTHON to the path of one before Jupyter starts"
        );
    }

    #[test]
    fn words_that_name_no_python_are_told() {
        for word in [
            "pythons",
            "python2",
            "python4",
            "python3.",
            "python3.x",
            "python3.13.2.1",
            "python3.13 ",
            "python-3.13",
            "python3.13tt",
            "pypy",
            "py",
            "relative/python",
            "",
        ] {
            let told = machine().choose(word).unwrap_err();
            assert!(told.contains("names no Python"), "{word}: {told}");
        }
    }

    #[test]
    fn a_name_that_is_wrong_is_told_instead_of_another_being_taken() {
        let mut machine = machine();
        let refused = |path: &str, source| Refused {
            path: path.into(),
            source,
            why: "it is PyPy 3.10.14: trials run on CPython only".to_owned(),
        };
        machine
            .refused
            .push(refused("/usr/bin/python3.10", Source::Elsewhere));
        assert!(machine.choose("python").is_ok());
        let told = machine.choose("python3.10").unwrap_err();
        assert!(
            told.contains("(/usr/bin/python3.10: it is PyPy 3.10.14:"),
            "{told}"
        );
        machine.refused.push(refused("/my/python", Source::Named));
        let told = machine.choose("python").unwrap_err();
        assert_eq!(
            told,
            "CONCLAB_PYTHON names /my/python, and it is PyPy 3.10.14: trials run on CPython only: name the path of a \
             CPython 3.9 or newer"
        );
        assert!(machine.choose("python3.13").is_ok(), "asked by its version");
        let told = machine.choose("/my/python").unwrap_err();
        assert!(
            told.starts_with("/my/python is not an interpreter"),
            "{told}"
        );
        assert!(
            machine.knows(Path::new("/my/python")) && !machine.knows(Path::new("/your/python"))
        );
    }

    #[test]
    fn what_a_cell_has_asked_for_by_its_path_changes_no_other_word() {
        let mut machine = machine();
        machine
            .interpreters
            .push(interpreter("/mine", (3, 15, 0), Source::Asked));
        assert_eq!(machine.choose("/mine").unwrap().version.minor, 15);
        assert!(machine.choose("python3.15").is_err());
        machine
            .interpreters
            .retain(|python| !python.source.is_default());
        assert_eq!(machine.choose("python").unwrap().version.minor, 13);
    }
}
