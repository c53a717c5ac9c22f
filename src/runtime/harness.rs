//! The program that runs a trial on a real CPython: its files, written where an interpreter can read them.
//!
//! They are plain Python of the standard library, for CPython 3.9 and later. To add a file: a row in [`FILES`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file that an interpreter is started with.
const MAIN: &str = "conclab_trial.py";

/// Name and text of each file.
pub const FILES: &[(&str, &str)] = &[
    (
        "conclab_answer.py",
        include_str!("python/conclab_answer.py"),
    ),
    (
        "conclab_calibrate.py",
        include_str!("python/conclab_calibrate.py"),
    ),
    (
        "conclab_command.py",
        include_str!("python/conclab_command.py"),
    ),
    (
        "conclab_compute.py",
        include_str!("python/conclab_compute.py"),
    ),
    (
        "conclab_failure.py",
        include_str!("python/conclab_failure.py"),
    ),
    ("conclab_fetch.py", include_str!("python/conclab_fetch.py")),
    ("conclab_files.py", include_str!("python/conclab_files.py")),
    ("conclab_http.py", include_str!("python/conclab_http.py")),
    (
        "conclab_http_async.py",
        include_str!("python/conclab_http_async.py"),
    ),
    (
        "conclab_measure.py",
        include_str!("python/conclab_measure.py"),
    ),
    (
        "conclab_models.py",
        include_str!("python/conclab_models.py"),
    ),
    (
        "conclab_processes.py",
        include_str!("python/conclab_processes.py"),
    ),
    (
        "conclab_program.py",
        include_str!("python/conclab_program.py"),
    ),
    ("conclab_run.py", include_str!("python/conclab_run.py")),
    (
        "conclab_source.py",
        include_str!("python/conclab_source.py"),
    ),
    (
        "conclab_sqlite.py",
        include_str!("python/conclab_sqlite.py"),
    ),
    ("conclab_trace.py", include_str!("python/conclab_trace.py")),
    ("conclab_trial.py", include_str!("python/conclab_trial.py")),
    (
        "conclab_values.py",
        include_str!("python/conclab_values.py"),
    ),
    (
        "conclab_worker.py",
        include_str!("python/conclab_worker.py"),
    ),
];

/// Writes the files into a folder, where they are not there yet; the one to start.
///
/// All trials of a session share the folder, so that what an interpreter compiled once is compiled for all.
///
/// # Errors
/// Where the folder can't be written to.
pub fn install(folder: &Path) -> io::Result<PathBuf> {
    if !folder.exists() {
        // Renamed into place: a folder that exists is whole.
        let fresh = folder.with_extension("new");
        fs::create_dir_all(&fresh)?;
        for (name, text) in FILES {
            fs::write(fresh.join(name), text)?;
        }
        fs::rename(&fresh, folder)?;
    }
    Ok(folder.join(MAIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_written_and_none_is_forgotten() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/runtime/python");
        let entries = fs::read_dir(source).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".py")).collect();
        names.sort();
        let known: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, known);
    }
}
