//! The program that runs a trial on a real CPython: its files, written where an interpreter can read them.
//!
//! They are plain Python of the standard library, for CPython 3.9 and later. To add a file: a row in [`FILES`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file that an interpreter is started with.
const MAIN: &str = "conclab_trial.py";

/// Name and text of each file.
const FILES: &[(&str, &str)] = &[(MAIN, include_str!("python/conclab_trial.py"))];

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
