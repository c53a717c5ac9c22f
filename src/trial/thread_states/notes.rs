//! What Python's harness noted in a traced run: the files that `src/runtime/python/conclab_trace.py` writes.
//!
//! To add a kind of note: a variant of [`Kind`], its number there and here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Bytes of a note: its time, its thread, its kind, its value.
const NOTE_BYTES: usize = 24;
/// Bytes of a file of notes, which are taken on the disk at once.
pub const FILE_BYTES: usize = NOTE_BYTES << 14;
/// Most notes that are read.
const MOST_NOTES: usize = 2_000_000;
/// Places without a note behind which there are no more: a process that was killed may have left some of its own.
const MOST_HOLES: usize = 64;

/// What a note says; its value in parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The clock starts (CPU time of the thread so far).
    ClockStart,
    /// It stops (likewise).
    ClockStop,
    /// Somebody is asked for who runs a task first (its number).
    Asked,
    /// A task begins (its number).
    Begin,
    /// It ends (CPU time).
    End,
    /// A task's turn on an event loop begins (its number).
    Turn,
    /// It ends with a wait (the kind of the wait's note, or 0).
    Pause,
    /// It ends with the task.
    Last,
    /// A wait for a lock begins.
    Lock,
    /// A wait for a permit begins.
    Limit,
    /// It is over.
    Got,
    /// The event loop has nothing that is ready.
    Idle,
    /// It goes on.
    Busy,
    /// A timer was due at the note's time (how much later it ran).
    Lag,
    /// From here on the others are waited for.
    Join,
    /// A task's outcome is on its way (CPU time).
    Sent,
    /// A pool's worker is there (when it was asked for, or 0).
    Born,
    /// A worker's process is about to act for the first time, or a long turn to end (CPU time).
    Used,
    /// A very long task or turn is about to end (how long the thread was ready without a core in it).
    Queued,
}

/// The number of each kind in the files; 1 and 18 are the first note of a file.
const KINDS: &[(i32, Kind)] = &[
    (2, Kind::ClockStart),
    (3, Kind::ClockStop),
    (4, Kind::Asked),
    (5, Kind::Begin),
    (6, Kind::End),
    (7, Kind::Turn),
    (8, Kind::Pause),
    (9, Kind::Last),
    (10, Kind::Lock),
    (11, Kind::Limit),
    (12, Kind::Got),
    (13, Kind::Idle),
    (14, Kind::Busy),
    (15, Kind::Lag),
    (16, Kind::Join),
    (17, Kind::Sent),
    (19, Kind::Born),
    (20, Kind::Used),
    (21, Kind::Queued),
];
const FILE: i32 = 1;
const CUT: i32 = 18;

/// One note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// When, by the monotonic clock.
    pub at_ns: u64,
    /// What.
    pub kind: Kind,
    /// What that says of it.
    pub value: u64,
    /// CPU time of the thread so far, for the kinds that tell it.
    pub cpu_ns: u64,
}

/// What the value of a note means: the kind's value and the CPU time.
fn meaning(kind: Kind, value: u64) -> (u64, u64) {
    match kind {
        Kind::End | Kind::Sent | Kind::ClockStart | Kind::ClockStop | Kind::Used => (0, value),
        _ => (value, 0),
    }
}

/// What the threads of one process noted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessNotes {
    /// The process.
    pub pid: u32,
    /// Whether its interpreter has a GIL.
    pub has_gil: bool,
    /// Notes that there was no room for.
    pub cut: u64,
    /// The notes of each thread, in order.
    pub threads: BTreeMap<u32, Vec<Note>>,
}

/// All notes in a trial's folder, by process; none where nothing was noted.
pub fn read(folder: &Path) -> Vec<ProcessNotes> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    // Process and number of the file, in the order in which it was begun.
    let mut files: Vec<(u32, u32)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let (pid, number) = name.strip_prefix("notes-")?.split_once('-')?;
            Some((pid.parse().ok()?, number.parse().ok()?))
        })
        .collect();
    files.sort_unstable();
    let mut processes: Vec<ProcessNotes> = Vec::new();
    let mut room = MOST_NOTES;
    for (pid, number) in files {
        if processes.last().is_none_or(|last| last.pid != pid) {
            processes.push(ProcessNotes {
                pid,
                ..ProcessNotes::default()
            });
        }
        let bytes = fs::read(folder.join(format!("notes-{pid}-{number}"))).unwrap_or_default();
        if let Some(process) = processes.last_mut() {
            process.take(&bytes, &mut room);
        }
    }
    processes
}

impl ProcessNotes {
    /// Takes over what a file says.
    fn take(&mut self, bytes: &[u8], room: &mut usize) {
        let mut holes = 0;
        for bytes in bytes.chunks_exact(NOTE_BYTES) {
            let number = |from: usize| i64::from_ne_bytes(std::array::from_fn(|i| bytes[from + i]));
            let word = |from: usize| i32::from_ne_bytes(std::array::from_fn(|i| bytes[from + i]));
            let (at_ns, tid, kind, value) = (number(0), word(8), word(12), number(16));
            let (at_ns, value) = (at_ns.max(0) as u64, value.max(0) as u64);
            match kind {
                0 => holes += 1,
                FILE => self.has_gil = value != 0,
                CUT => {
                    self.has_gil = value != 0;
                    self.cut += at_ns;
                }
                _ => match KINDS.iter().find(|(number, _)| *number == kind) {
                    Some((_, kind)) if *room > 0 => {
                        *room -= 1;
                        let notes = self.threads.entry(tid as u32).or_default();
                        let (value, cpu_ns) = meaning(*kind, value);
                        notes.push(Note {
                            at_ns,
                            kind: *kind,
                            value,
                            cpu_ns,
                        });
                    }
                    Some(_) => self.cut += 1,
                    None => {}
                },
            }
            if holes > MOST_HOLES {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(at_ns: i64, tid: i32, kind: i32, value: i64) -> Vec<u8> {
        let mut bytes = at_ns.to_ne_bytes().to_vec();
        bytes.extend(tid.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value.to_ne_bytes());
        bytes
    }

    #[test]
    fn notes_are_read_by_process_and_thread() {
        let folder = std::env::temp_dir().join(format!("conclab-notes-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        let write = |name: &str, notes: &[Vec<u8>]| {
            let mut bytes = notes.concat();
            bytes.resize(200 * NOTE_BYTES, 0);
            fs::write(folder.join(name), bytes).unwrap();
        };
        // A hole between two notes, and a kind of tomorrow.
        let hole = vec![0; NOTE_BYTES];
        write(
            "notes-7-2",
            &[
                note(1, 7, FILE, 1),
                note(40, 8, 6, 5),
                hole,
                note(50, 7, 99, 0),
            ],
        );
        write("notes-7-10", &[note(3, 7, CUT, 0), note(60, 8, 5, 2)]);
        write("notes-9-0", &[note(1, 9, FILE, 0), note(70, 9, 19, 0)]);
        write("notes-x-0", &[]);
        let read = read(&folder);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].pid, read[0].cut, read[0].has_gil), (7, 3, false));
        assert_eq!(
            read[0].threads[&8],
            [
                Note {
                    at_ns: 40,
                    kind: Kind::End,
                    value: 0,
                    cpu_ns: 5
                },
                Note {
                    at_ns: 60,
                    kind: Kind::Begin,
                    value: 2,
                    cpu_ns: 0
                }
            ]
        );
        assert_eq!(read[1].threads[&9][0].kind, Kind::Born);
        assert_eq!(super::read(&folder), []);
    }

    #[test]
    fn kinds_have_the_numbers_that_the_harness_gives_them() {
        let harness = include_str!("../../runtime/python/conclab_trace.py");
        let mut numbers = BTreeMap::new();
        for line in harness.lines() {
            let Some((names, values)) = line.split_once(" = ") else {
                continue;
            };
            let names = names.split(", ").map(str::to_owned);
            let values = values
                .split(", ")
                .filter_map(|value| value.parse::<i32>().ok());
            numbers.extend(names.zip(values));
        }
        for (number, kind) in KINDS {
            let mut name = String::new();
            for letter in format!("{kind:?}").chars() {
                if letter.is_uppercase() && !name.is_empty() {
                    name.push('_');
                }
                name.push(letter.to_ascii_uppercase());
            }
            assert_eq!(numbers.get(&name), Some(number), "{name}");
        }
        assert_eq!((numbers["FILE"], numbers["CUT"]), (FILE, CUT));
    }
}
