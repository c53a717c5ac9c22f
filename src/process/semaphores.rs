//! Named semaphores of Python's `multiprocessing`, which outlive whoever is killed while it holds their names.
//!
//! The harness puts the names of a trial's folder and of the warden's into them ([`prefix`]), so that the warden
//! can remove what a trial has left. On Linux they are files below `/dev/shm`.

use std::fs;
use std::path::Path;

const FOLDER: &str = "/dev/shm";

/// How names of the semaphores begin that are made by a trial in this folder: `multiprocessing` puts a slash
/// before it and random letters behind.
pub fn prefix(directory: &Path) -> String {
    let part = |path: Option<&Path>| {
        let name = path.and_then(Path::file_name).unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    format!("mp-{}-{}-", part(directory.parent()), part(Some(directory)))
}

/// Removes all whose names begin so. What can't be removed stays: nothing depends on it.
pub fn remove(prefix: &str) {
    let begins = format!("sem.{prefix}");
    for entry in fs::read_dir(FOLDER).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&begins) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_begins_so_is_removed() {
        let name = format!("conclab-test-{}", std::process::id());
        let own = prefix(&Path::new("/tmp").join(&name).join("trial-1"));
        assert_eq!(own, format!("mp-{name}-trial-1-"));
        let file = |prefix: &str| Path::new(FOLDER).join(format!("sem.{prefix}abc"));
        let (mine, other) = (file(&own), file(&format!("mp-{name}-trial-12-")));
        fs::write(&mine, "").unwrap();
        fs::write(&other, "").unwrap();
        remove(&own);
        assert!(!mine.exists() && other.exists());
        fs::remove_file(other).unwrap();
    }
}
