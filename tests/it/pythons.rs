//! The CPythons that tests run on: those of CONCLAB_TEST_PYTHONS, which tests/run.sh sets, or else what is at hand.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Paths of CPythons to test with, one of each version, this machine's `python3` first.
///
/// Where there is none, tests say so and are skipped, but under CI: there `python3` and a 3.14 must be.
pub fn pythons() -> Vec<PathBuf> {
    let fetched =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(".test-env/python3.14/usr/bin/python3.14");
    let pythons: Vec<PathBuf> = match env::var_os("CONCLAB_TEST_PYTHONS") {
        Some(list) => env::split_paths(&list)
            .filter(|path| !path.as_os_str().is_empty())
            .collect(),
        None => [real_python3(), fetched.exists().then_some(fetched)]
            .into_iter()
            .flatten()
            .collect(),
    };
    let under_ci = env::var_os("CI").is_some();
    if under_ci {
        assert!(
            pythons.len() >= 2 && newest(&pythons).is_some(),
            "tests under CI need python3 and a Python 3.14: tests/run.sh sees to them ({pythons:?})"
        );
    }
    if pythons.is_empty() {
        eprintln!("SKIPPED: no Python is at hand (tests/run.sh sees to some)");
    }
    pythons
}

/// A 3.14 or newer among them.
pub fn newest(pythons: &[PathBuf]) -> Option<&Path> {
    let found = pythons.iter().map(PathBuf::as_path).find(|path| {
        asked(path, "import sys; print(sys.version_info >= (3, 14))").as_deref() == Some("True")
    });
    if found.is_none() {
        eprintln!("SKIPPED: no Python 3.14 is at hand (tests/python314.sh fetches one)");
    }
    found
}

/// What `python3` really starts: it may be a script that looks for one.
fn real_python3() -> Option<PathBuf> {
    let path = asked(Path::new("python3"), "import sys; print(sys.executable)")?;
    Some(PathBuf::from(path)).filter(|path| path.exists())
}

fn asked(python: &Path, program: &str) -> Option<String> {
    let output = Command::new(python)
        .args(["-I", "-S", "-c", program])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
