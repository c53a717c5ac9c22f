//! Where a CPython can be: places of the file system, read and never run.
//!
//! The places of Python's own tools are theirs to define: pyenv's `versions`, uv's `python` folder, the `bin` of a
//! virtual environment (PEP 405) or of a conda environment.

use super::OLDEST;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, fs};

/// The variable in which a user names interpreters: paths, with colons between them.
pub const VARIABLE: &str = "CONCLAB_PYTHON";

/// Folders that are looked through though they are not on the PATH.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/local/bin", "/usr/bin"];

/// A program that may be a CPython.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where it is.
    pub path: PathBuf,
    /// How it was found.
    pub source: Source,
}

/// How an interpreter was found, in the order of preference for the word `python`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Named in [`VARIABLE`].
    Named,
    /// Of the environment that is active where conclab was started: VIRTUAL_ENV, CONDA_PREFIX.
    Environment,
    /// What `python3`, or else `python`, means on the PATH.
    Path,
    /// Anywhere else: another name on the PATH, pyenv's, uv's, the system's.
    Elsewhere,
    /// A cell or a command names its path.
    Asked,
}

impl Source {
    /// Whether the word `python` may mean it though there are newer ones.
    pub fn is_default(self) -> bool {
        matches!(self, Source::Named | Source::Environment | Source::Path)
    }
}

/// All candidates, each once, in the order of preference. `variable` reads the environment.
pub fn candidates(variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<Candidate> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let home = set("HOME").map(PathBuf::from);
    let path: Vec<PathBuf> = env::split_paths(&set("PATH").unwrap_or_default())
        .filter(|folder| folder.is_absolute())
        .collect();
    let pyenv = set("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| Some(home.as_ref()?.join(".pyenv")));
    let uv = set("UV_PYTHON_INSTALL_DIR").map(PathBuf::from).or_else(|| {
        let data = set("XDG_DATA_HOME").map(PathBuf::from);
        let data = data.or_else(|| Some(home.as_ref()?.join(".local/share")));
        Some(data?.join("uv/python"))
    });
    let mut list = List::default();
    for named in env::split_paths(&set(VARIABLE).unwrap_or_default()) {
        if !named.as_os_str().is_empty() {
            // Whether it exists or not: a name that is wrong shall be told.
            list.add(executable(&at_home(&named, home.as_deref())), Source::Named);
        }
    }
    for name in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        if let Some(python) = set(name).and_then(|folder| python_of(Path::new(&folder))) {
            list.add(python, Source::Environment);
        }
    }
    for name in ["python3", "python"] {
        let mut found = path.iter().map(|folder| folder.join(name));
        if let Some(python) = found.find(|path| is_executable(path)) {
            list.add(python, Source::Path);
        }
    }
    // Every one of pyenv's shims leads to one of its versions, by way of a shell.
    let shims = pyenv.as_ref().map(|pyenv| pyenv.join("shims"));
    let folders = path.into_iter().chain(SYSTEM_FOLDERS.map(PathBuf::from));
    for folder in folders.filter(|folder| Some(folder) != shims.as_ref()) {
        for python in sorted(&folder, is_python_name) {
            if is_executable(&python) {
                list.add(python, Source::Elsewhere);
            }
        }
    }
    for versions in pyenv
        .map(|pyenv| pyenv.join("versions"))
        .into_iter()
        .chain(uv)
    {
        for folder in sorted(&versions, |_| true) {
            if let Some(python) = python_of(&folder) {
                list.add(python, Source::Elsewhere);
            }
        }
    }
    list.candidates
}

/// Words by which cells can name what may be here, oldest version first: `python3.9`, `python3.14t`. Read off the
/// names of files, once; nothing is run, so a word may turn out to name no CPython.
pub fn words() -> &'static [String] {
    static WORDS: OnceLock<Vec<String>> = OnceLock::new();
    WORDS.get_or_init(|| words_of(&candidates(&|name| env::var_os(name))))
}

fn words_of(candidates: &[Candidate]) -> Vec<String> {
    let minor = |name: &str| -> Option<u32> {
        let number = name.strip_prefix("python3.")?;
        number.trim_end_matches('t').parse().ok()
    };
    let mut found: Vec<(u32, String)> = candidates
        .iter()
        .filter_map(|candidate| {
            let file = fs::canonicalize(&candidate.path).ok()?;
            let name = file.file_name()?.to_str()?;
            is_python_name(name).then(|| Some((minor(name)?, name.to_owned())))?
        })
        .filter(|(minor, _)| *minor >= OLDEST.1)
        .collect();
    found.sort();
    found.dedup();
    found.into_iter().map(|(_, name)| name).collect()
}

/// What tells two interpreters apart: the file behind all links; for a virtual environment its folder, because its
/// interpreter is its base's with other packages.
pub fn identity(path: &Path) -> PathBuf {
    let folder = path
        .parent()
        .and_then(|folder| fs::canonicalize(folder).ok());
    // PEP 405: the file is beside the interpreter or one folder above it.
    let environment = folder.iter().flat_map(|folder| folder.ancestors().take(2));
    let environment = environment
        .filter(|folder| folder.join("pyvenv.cfg").is_file())
        .map(Path::to_owned)
        .next();
    environment
        .or_else(|| fs::canonicalize(path).ok())
        .unwrap_or_else(|| path.to_owned())
}

/// The interpreter that a user means by a path: what is named, or that of an environment's folder.
pub fn executable(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match absolute.is_dir() {
        true => python_of(&absolute).unwrap_or(absolute),
        false => absolute,
    }
}

/// A path with `~/` replaced by the home folder.
pub fn at_home(path: &Path, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

/// Whether it is a file that may be run.
pub fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// The interpreter of an environment or installation.
fn python_of(folder: &Path) -> Option<PathBuf> {
    let names = ["bin/python3", "bin/python"].map(|name| folder.join(name));
    names.into_iter().find(|path| is_executable(path))
}

/// `python`, `python3`, `python3.13`, `python3.13t`: and nothing like `python3-config`.
fn is_python_name(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("python") else {
        return false;
    };
    let number = rest.strip_suffix('t').unwrap_or(rest);
    match number.strip_prefix("3.") {
        Some(minor) => !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()),
        None => ["", "3"].contains(&rest),
    }
}

/// What is in a folder under names that are wanted, in the order of their names.
fn sorted(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_str().is_some_and(&wanted));
    let mut paths: Vec<PathBuf> = named.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// Candidates, and which of them are known.
#[derive(Default)]
struct List {
    candidates: Vec<Candidate>,
    known: HashSet<PathBuf>,
}

impl List {
    fn add(&mut self, path: PathBuf, source: Source) {
        if self.known.insert(identity(&path)) {
            self.candidates.push(Candidate { path, source });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A folder with executables, removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = env::temp_dir().join(format!("conclab-find-{}", uuid::Uuid::new_v4()));
            fs::create_dir(&path).unwrap();
            Folder(fs::canonicalize(path).unwrap())
        }

        fn program(&self, path: &str) -> PathBuf {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        }

        fn link(&self, path: &str, to: &str) {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            symlink(self.0.join(to), path).unwrap();
        }

        /// What is found below this folder, relative to it.
        fn found(&self, variables: &[(&str, &str)]) -> Vec<(String, Source)> {
            let variable = |name: &str| {
                let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
                Some(value.replace('@', self.0.to_str().unwrap()).into())
            };
            let below = |candidate: Candidate| {
                let path = candidate.path.strip_prefix(&self.0).ok()?;
                Some((path.to_str()?.to_owned(), candidate.source))
            };
            candidates(&variable)
                .into_iter()
                .filter_map(below)
                .collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn names(found: &[(String, Source)]) -> Vec<(&str, Source)> {
        found
            .iter()
            .map(|(path, source)| (path.as_str(), *source))
            .collect()
    }

    #[test]
    fn every_place_is_looked_at_in_the_order_of_preference() {
        let folder = Folder::new();
        for path in [
            "named/python3",
            "venv/bin/python",
            "conda/bin/python3",
            "a/python3.12",
            "a/python3-config",
            "a/python3.12-dbg",
            "a/ipython3",
            "b/python3",
            "b/python3.13t",
            "pyenv/versions/3.9.1/bin/python3",
            "pyenv/shims/python3.9",
            "uv/python/cpython-3.14/bin/python3",
        ] {
            folder.program(path);
        }
        let found = folder.found(&[
            ("CONCLAB_PYTHON", "@/named/python3:@/nothing/python3"),
            ("VIRTUAL_ENV", "@/venv"),
            ("CONDA_PREFIX", "@/conda"),
            ("PATH", "relative:@/pyenv/shims:@/a:@/b:@/none"),
            ("PYENV_ROOT", "@/pyenv"),
            ("XDG_DATA_HOME", "@"),
        ]);
        assert_eq!(
            names(&found),
            [
                ("named/python3", Source::Named),
                ("nothing/python3", Source::Named),
                ("venv/bin/python", Source::Environment),
                ("conda/bin/python3", Source::Environment),
                ("b/python3", Source::Path),
                ("a/python3.12", Source::Elsewhere),
                ("b/python3.13t", Source::Elsewhere),
                ("pyenv/versions/3.9.1/bin/python3", Source::Elsewhere),
                ("uv/python/cpython-3.14/bin/python3", Source::Elsewhere),
            ]
        );
    }

    #[test]
    fn the_homes_of_the_tools_are_the_default() {
        let folder = Folder::new();
        folder.program(".pyenv/versions/3.9.1/bin/python3");
        folder.program(".local/share/uv/python/cpython-3.14/bin/python3");
        folder.program("mine/bin/python3");
        let found = folder.found(&[("HOME", "@"), ("CONCLAB_PYTHON", "~/mine")]);
        assert_eq!(
            names(&found),
            [
                ("mine/bin/python3", Source::Named),
                (".pyenv/versions/3.9.1/bin/python3", Source::Elsewhere),
                (
                    ".local/share/uv/python/cpython-3.14/bin/python3",
                    Source::Elsewhere
                ),
            ]
        );
    }

    #[test]
    fn links_lead_to_one_interpreter_and_an_environment_is_its_own() {
        let folder = Folder::new();
        folder.program("base/python3.13");
        folder.link("base/python3", "base/python3.13");
        folder.link("base/python", "base/python3");
        for name in ["python", "python3", "python3.13"] {
            folder.link(&format!("venv/bin/{name}"), "base/python3.13");
        }
        fs::write(folder.0.join("venv/pyvenv.cfg"), "").unwrap();
        let found = folder.found(&[("PATH", "@/venv/bin:@/base")]);
        assert_eq!(
            names(&found),
            [
                ("venv/bin/python3", Source::Path),
                ("base/python", Source::Elsewhere)
            ]
        );
        assert_eq!(
            identity(&folder.0.join("venv/bin/python3.13")),
            folder.0.join("venv")
        );
    }

    #[test]
    fn what_cannot_be_run_is_no_candidate() {
        let folder = Folder::new();
        let plain = folder.program("a/python3");
        fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
        fs::create_dir(folder.0.join("a/python3.12")).unwrap();
        folder.link("a/python3.13", "gone");
        assert_eq!(folder.found(&[("PATH", "@/a")]), []);
    }

    #[test]
    fn words_come_from_file_names_oldest_first_and_once() {
        let folder = Folder::new();
        for name in ["python3.13", "python3.9", "python3.14t", "python3.8"] {
            folder.program(name);
        }
        folder.link("python3", "python3.13");
        let candidate = |name: &str| Candidate {
            path: folder.0.join(name),
            source: Source::Elsewhere,
        };
        let names = [
            "python3",
            "python3.14t",
            "python3.13",
            "python3.9",
            "python3.8",
            "gone",
        ];
        let words = words_of(&names.map(candidate));
        assert_eq!(words, ["python3.9", "python3.13", "python3.14t"]);
    }
}
