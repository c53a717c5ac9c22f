//! How much compute is a millisecond here: measured once per machine and build, and kept.
//!
//! A `cpu` step is work, not time: its duration is turned into a number of steps, so that every model
//! does the same work. The rate is kept in the user's cache folder; a cache that can't be read or
//! written costs a second measuring, never an error.

use serde_json::{Map, Value, json};
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
    let rate = known.get(&key).and_then(|entry| entry["rate"].as_f64());
    if let Some(rate) = rate.filter(|rate| PLAUSIBLE.contains(rate)) {
        return Ok(rate);
    }
    let rate = measure()?;
    let number = 1 + known.values().map(number).max().unwrap_or(0);
    known.insert(key, json!({"rate": rate, "number": number}));
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

/// When an entry was made, as a count of them.
fn number(entry: &Value) -> u64 {
    entry["number"].as_u64().unwrap_or(0)
}

/// Builds come and go: the cache is bounded, and what falls out, the oldest, is measured again.
fn write(file: &Path, mut known: Map<String, Value>) {
    const MOST: usize = 20;
    while known.len() > MOST {
        let oldest = known.iter().min_by_key(|(_, entry)| number(entry));
        let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
            break;
        };
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
    fn a_full_cache_forgets_the_oldest() {
        let folder = env::temp_dir().join(format!("conclab-cache-{}", uuid::Uuid::new_v4()));
        let file = folder.join("calibration.json");
        let mut known = Map::new();
        for number in 1..=25 {
            // The newest come first in the alphabet.
            let key = format!("{:03}", 100 - number);
            known.insert(key, json!({"rate": 0.5, "number": number}));
            write(&file, known);
            known = read(&file);
        }
        let numbers: Vec<u64> = known.values().map(number).collect();
        assert_eq!(numbers, (6..=25).rev().collect::<Vec<u64>>());
        fs::remove_dir_all(folder).unwrap();
    }

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
