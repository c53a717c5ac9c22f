//! How much compute is a millisecond here: measured once per machine and build, and kept.
//!
//! A `cpu` step is work, not time: its duration is turned into a number of steps, so that every model
//! does the same work. The rate is kept in the user's cache folder; a cache that can't be read or
//! written costs a second measuring, never an error.

use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// File of the cache folder with all rates that were measured.
const FILE: &str = "conclab/calibration.json";

/// Steps a nanosecond that a machine can have: another number in the cache is not believed.
const PLAUSIBLE: std::ops::RangeInclusive<f64> = 1e-4..=1e3;

/// Steps of `cpu` a nanosecond, from the cache, or as `measure` finds them (then kept): of this program, or of
/// an interpreter.
///
/// # Errors
/// Those of `measure`.
pub fn steps_per_ns<E>(
    executable: &Path,
    interpreter: Option<&Path>,
    measure: impl FnOnce() -> Result<f64, E>,
) -> Result<f64, E> {
    let key = key(executable, interpreter);
    let file = cache_folder().map(|folder| folder.join(FILE));
    let mut known = file.as_deref().map(read).unwrap_or_default();
    if let Some(rate) = known
        .get(&key)
        .and_then(Value::as_f64)
        .filter(|rate| PLAUSIBLE.contains(rate))
    {
        return Ok(rate);
    }
    let rate = measure()?;
    known.insert(key, rate.into());
    if let Some(file) = file {
        write(&file, known);
    }
    Ok(rate)
}

/// Machine, build and runtime.
fn key(executable: &Path, interpreter: Option<&Path>) -> String {
    let runtime = match interpreter {
        Some(interpreter) => format!("{} {}", interpreter.display(), build(interpreter)),
        None => "native".to_owned(),
    };
    format!(
        "{} | {} | {runtime}",
        super::System::this().cpu_name(),
        build(executable)
    )
}

/// A build of a program, told by size and time of change, as `make` would.
fn build(executable: &Path) -> String {
    let (size, time_ns) = fs::metadata(executable)
        .and_then(|file| Ok((file.len(), file.modified()?)))
        .ok()
        .and_then(|(size, time)| {
            Some((
                size,
                time.duration_since(std::time::UNIX_EPOCH).ok()?.as_nanos(),
            ))
        })
        .unwrap_or_default();
    format!("{size} {time_ns}")
}

fn cache_folder() -> Option<PathBuf> {
    let set = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))
}

fn read(file: &Path) -> Map<String, Value> {
    // Reading a pipe of that name would never end.
    fs::metadata(file)
        .ok()
        .filter(fs::Metadata::is_file)
        .and_then(|_| fs::read_to_string(file).ok())
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

/// Builds come and go: the cache is bounded, and what falls out is measured again.
fn write(file: &Path, mut known: Map<String, Value>) {
    const MOST: usize = 20;
    while known.len() > MOST {
        let oldest = known.keys().next().cloned().unwrap_or_default();
        known.remove(&oldest);
    }
    let Some(folder) = file.parent() else { return };
    // Renamed into place: two kernels may write at the same time.
    let fresh = folder.join(format!("calibration-{}.tmp", std::process::id()));
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&fresh, Value::Object(known).to_string()))
        .and_then(|()| fs::rename(&fresh, file));
    if written.is_err() {
        let _ = fs::remove_file(fresh);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_broken_cache_is_not_believed() {
        let folder = env::temp_dir().join(format!("conclab-cache-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        let file = folder.join("calibration.json");
        for text in ["", "{", "[]", "{\"a\": 1e999}"] {
            fs::write(&file, text).unwrap();
            assert!(read(&file).is_empty(), "{text}");
        }
        assert!(read(&folder).is_empty(), "no file");
        fs::write(&file, "{\"a\": 0.2}").unwrap();
        assert_eq!(read(&file)["a"], 0.2);
        fs::remove_dir_all(folder).unwrap();
        assert!(!PLAUSIBLE.contains(&1e300) && !PLAUSIBLE.contains(&0.0));
    }
}
