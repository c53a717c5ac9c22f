//! What each thread of a trial's tree does, looked at from outside about every millisecond: whether it runs, waits,
//! or waits for an interpreter's lock. Linux's `/proc` is read here, as in `tree`.
//!
//! `/proc/PID/task/TID/syscall` says "running" of a thread that has a core or is ready for one, and otherwise in which
//! system call it sleeps, with its arguments. CPython keeps its GIL in its own static data (`_PyRuntime`), everything
//! else that threads wait for in allocated memory or on stacks: who sleeps in a futex of the interpreter's static data
//! waits for the GIL. Where the file can't be read (Yama, some sandboxes), `stat` tells running from waiting, and
//! nothing is said about the GIL.
//!
//! Looking takes one part of [`SHARE`] of a core: it comes less often the more threads there are. Threads come and go
//! while they are looked at: one that has gone is left, never an error.

use super::clock::{monotonic_ns, thread_cpu_ns};
use super::tree;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Shortest time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// One part of so many of a core may go into looking.
const SHARE: u64 = 25;
/// Looks after which processes are searched for under every thread, and CPU times are read.
const WIDE_EVERY: u64 = 16;
/// Files that are kept open; those of further threads are opened each time.
const MOST_FILES: usize = 400;
/// Runs beyond which short ones are thinned out, and looks come half as often.
const MOST_RUNS: usize = 200_000;

/// What a thread was seen to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreadState {
    /// It has a core, or is ready for one.
    Running,
    /// It waits for something.
    Waiting,
    /// It waits for the lock of its interpreter.
    Gil,
}

/// Looks at one thread, one behind the other, that all saw the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Packed", from = "Packed")]
pub struct StateRun {
    /// The first, by the monotonic clock.
    pub first_ns: u64,
    /// The last.
    pub last_ns: u64,
    /// How many.
    pub looks: u32,
    /// What they saw.
    pub state: ThreadState,
}

/// A run in JSON.
type Packed = (u64, u64, u32, ThreadState);

impl From<StateRun> for Packed {
    fn from(run: StateRun) -> Packed {
        (run.first_ns, run.last_ns, run.looks, run.state)
    }
}

impl From<Packed> for StateRun {
    fn from((first_ns, last_ns, looks, state): Packed) -> Self {
        StateRun {
            first_ns,
            last_ns,
            looks,
            state,
        }
    }
}

/// What was seen of one thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThreadLife {
    /// Its process.
    pub pid: u32,
    /// Its number; that of its process is its first thread's.
    pub tid: u32,
    /// When it was seen first, by the monotonic clock that all processes share.
    pub first_ns: u64,
    /// When it was seen alive last.
    pub last_ns: u64,
    /// CPU time that it had used when that was looked at last.
    pub cpu_ns: u64,
    /// What it did.
    pub runs: Vec<StateRun>,
}

/// What was seen of all threads of a tree.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ThreadLives {
    /// In the order in which they were seen first.
    pub lives: Vec<ThreadLife>,
    /// Whether waits for an interpreter's lock could be told from others.
    pub tells_gil: bool,
}

/// Looks at the threads of a tree of processes.
pub struct ThreadWatch {
    root: u32,
    /// What the tree's first process is before it becomes an interpreter.
    launcher: Option<PathBuf>,
    processes: Vec<Process>,
    /// Every process that was ever seen: what has ended is not to be found again.
    known: HashSet<u32>,
    /// Threads that have ended.
    ended: Vec<ThreadLife>,
    looks: u64,
    every: Duration,
    next: Instant,
    runs: usize,
    /// Runs at which they are thinned out the next time.
    most_runs: usize,
    /// Whether `syscall` may be read.
    reads_calls: bool,
}

struct Process {
    pid: u32,
    /// `/proc/PID/task`.
    folder: String,
    /// Links of that folder: the number of threads and two; 0 where it has to be read anyway.
    links: u64,
    /// The file that names what its first thread has started.
    children: Option<File>,
    /// Where an interpreter's static data is; `None` until that matters.
    statics: Option<Vec<(u64, u64)>>,
    threads: Vec<Thread>,
}

struct Thread {
    life: ThreadLife,
    /// Its file that says what it does, where that is kept open.
    file: Option<File>,
}

/// What was read about a thread.
#[derive(Debug, PartialEq)]
enum Read {
    /// It has ended.
    Gone,
    Running,
    Waiting,
    /// It sleeps on this address.
    Futex(u64),
}

impl ThreadWatch {
    /// For the tree below `root`, which is this program until it becomes an interpreter.
    pub fn new(root: u32) -> ThreadWatch {
        ThreadWatch {
            root,
            launcher: fs::read_link("/proc/self/exe").ok(),
            processes: Vec::new(),
            known: HashSet::new(),
            ended: Vec::new(),
            looks: 0,
            every: LOOK_EVERY,
            next: Instant::now(),
            runs: 0,
            most_runs: MOST_RUNS,
            reads_calls: true,
        }
    }

    /// When the next look is due.
    pub fn next(&self) -> Instant {
        self.next
    }

    /// Looks at every thread, where that is due.
    pub fn look(&mut self) {
        let start = Instant::now();
        if start < self.next {
            return;
        }
        // Not the time that it took: who looks may be without a core itself.
        let cpu_before_ns = thread_cpu_ns();
        if self.looks == 0 && !self.is_interpreter() {
            self.next = start + self.every;
            return;
        }
        let is_wide = self.looks.is_multiple_of(WIDE_EVERY);
        self.looks += 1;
        if is_wide {
            let below = tree::descendants(self.root);
            std::iter::once(self.root)
                .chain(below)
                .for_each(|pid| self.add(pid));
        }
        let mut files = self.processes.iter().map(Process::files).sum();
        let mut index = 0;
        // Processes that are found meanwhile are looked at as well.
        while index < self.processes.len() {
            let children = self.look_at(index, is_wide, &mut files);
            children.into_iter().for_each(|pid| self.add(pid));
            index += 1;
        }
        self.processes.retain(|process| !process.threads.is_empty());
        if self.runs >= self.most_runs {
            self.thin();
        }
        let cpu_ns = thread_cpu_ns().saturating_sub(cpu_before_ns);
        self.next = start + self.every.max(Duration::from_nanos(cpu_ns * SHARE));
    }

    /// All that was seen.
    pub fn finish(self) -> ThreadLives {
        let threads = self.processes.into_iter().flat_map(|one| one.threads);
        let mut lives = self.ended;
        lives.extend(threads.map(|thread| thread.life));
        lives.sort_by_key(|life| life.first_ns);
        ThreadLives {
            lives,
            tells_gil: self.reads_calls && self.looks > 0,
        }
    }

    /// Whether the root has become the interpreter.
    fn is_interpreter(&self) -> bool {
        fs::read_link(format!("/proc/{}/exe", self.root))
            .is_ok_and(|executable| Some(executable) != self.launcher)
    }

    fn add(&mut self, pid: u32) {
        if self.known.insert(pid) {
            self.processes.push(Process {
                pid,
                folder: format!("/proc/{pid}/task"),
                links: 0,
                children: None,
                statics: None,
                threads: Vec::new(),
            });
        }
    }

    /// Looks at the threads of one process; the processes that its first thread has started.
    fn look_at(&mut self, index: usize, is_wide: bool, files: &mut usize) -> Vec<u32> {
        let process = &mut self.processes[index];
        process.list();
        let at_ns = monotonic_ns();
        for mut thread in std::mem::take(&mut process.threads) {
            let tid = thread.life.tid;
            let mut read = Err(io::ErrorKind::Unsupported.into());
            if self.reads_calls {
                read = thread.read_call(&process.folder, files);
                // Refused once, refused for all; `stat` is open to everyone.
                self.reads_calls = read.is_ok();
            }
            let state = match read.unwrap_or_else(|_| read_state(&process.folder, tid)) {
                Read::Gone => {
                    process.links = 0;
                    *files -= usize::from(thread.file.is_some());
                    self.ended.push(thread.life);
                    continue;
                }
                Read::Running => ThreadState::Running,
                Read::Waiting => ThreadState::Waiting,
                Read::Futex(address) => process.sleeps_on(address),
            };
            self.runs += usize::from(thread.life.saw(at_ns, state));
            if (is_wide || thread.life.cpu_ns == 0)
                && let Some(cpu_ns) = cpu_ns(&process.folder, tid)
            {
                thread.life.cpu_ns = cpu_ns;
            }
            process.threads.push(thread);
        }
        match process.threads.is_empty() {
            true => Vec::new(),
            false => process.children(files),
        }
    }

    /// Drops every second one of the looks that stand alone, and looks half as often.
    fn thin(&mut self) {
        self.every *= 2;
        self.runs = 0;
        let threads = self.processes.iter_mut().flat_map(|one| &mut one.threads);
        let alive = threads.map(|thread| &mut thread.life);
        for life in alive.chain(&mut self.ended) {
            let mut number = 0;
            life.runs.retain(|run| {
                number += 1;
                run.looks > 1 || number % 2 == 1
            });
            // Runs that nothing stands between any more are one.
            life.runs.dedup_by(|next, run| {
                let is_same = next.state == run.state;
                if is_same {
                    run.last_ns = next.last_ns;
                    run.looks += next.looks;
                }
                is_same
            });
            self.runs += life.runs.len();
        }
        // Where little could be dropped there is more before the next time.
        self.most_runs = MOST_RUNS.max(self.runs + MOST_RUNS / 2);
    }
}

impl Process {
    /// Takes note of threads that are new.
    fn list(&mut self) {
        let links = fs::metadata(&self.folder).map_or(0, |folder| folder.nlink());
        if links == self.links && links != 0 {
            return;
        }
        self.links = links;
        let known: HashSet<u32> = self.threads.iter().map(|thread| thread.life.tid).collect();
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        let at_ns = monotonic_ns();
        let tids = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        for tid in tids.filter(|tid| !known.contains(tid)) {
            self.threads.push(Thread {
                life: ThreadLife {
                    pid: self.pid,
                    tid,
                    first_ns: at_ns,
                    last_ns: at_ns,
                    cpu_ns: 0,
                    runs: Vec::new(),
                },
                file: None,
            });
        }
    }

    /// Files that are kept open for it.
    fn files(&self) -> usize {
        let threads = self.threads.iter().filter(|thread| thread.file.is_some());
        threads.count() + usize::from(self.children.is_some())
    }

    /// What a thread waits for that sleeps on this address.
    fn sleeps_on(&mut self, address: u64) -> ThreadState {
        let pid = self.pid;
        let statics = self.statics.get_or_insert_with(|| {
            let executable = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
            let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
            interpreter_statics(&maps, &executable.to_string_lossy())
        });
        let is_static = statics
            .iter()
            .any(|(from, to)| (*from..*to).contains(&address));
        match is_static {
            true => ThreadState::Gil,
            false => ThreadState::Waiting,
        }
    }

    /// The processes that its first thread has started.
    fn children(&mut self, files: &mut usize) -> Vec<u32> {
        let opened;
        let file = match &self.children {
            Some(file) => file,
            None => {
                let Ok(file) = File::open(format!("{}/{}/children", self.folder, self.pid)) else {
                    return Vec::new();
                };
                if *files < MOST_FILES {
                    *files += 1;
                    self.children.insert(file)
                } else {
                    opened = file;
                    &opened
                }
            }
        };
        let mut text = [0u8; 4096];
        let count = file.read_at(&mut text, 0).unwrap_or(0);
        let text = String::from_utf8_lossy(&text[..count]);
        // A number that the end has cut is found the next time, or by the wide look.
        let whole = text.rsplit_once(' ').map_or("", |(whole, _)| whole);
        whole
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .collect()
    }
}

impl Thread {
    /// What `syscall` says of it.
    ///
    /// # Errors
    /// Where the file may not be read, or there is none.
    fn read_call(&mut self, folder: &str, files: &mut usize) -> io::Result<Read> {
        let path = || format!("{folder}/{}/syscall", self.life.tid);
        let gone = |error: io::Error| match error.raw_os_error() {
            // The thread has ended; its folder is gone with it.
            Some(libc::ESRCH) => Ok(Read::Gone),
            Some(libc::ENOENT) if !fs::exists(format!("{folder}/{}", self.life.tid))? => {
                Ok(Read::Gone)
            }
            _ => Err(error),
        };
        let opened;
        let file = match &self.file {
            Some(file) => file,
            None => match File::open(path()) {
                Err(error) => return gone(error),
                Ok(file) if *files < MOST_FILES => {
                    *files += 1;
                    self.file.insert(file)
                }
                Ok(file) => {
                    opened = file;
                    &opened
                }
            },
        };
        let mut text = [0u8; 256];
        match file.read_at(&mut text, 0) {
            Ok(count) => Ok(called(&String::from_utf8_lossy(&text[..count]))),
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(Read::Gone),
            Err(error) => Err(error),
        }
    }
}

/// Reads a line of `syscall`: "running", or number and arguments of the call that the thread sleeps in, "-1" where it
/// sleeps outside of one.
fn called(line: &str) -> Read {
    const COMMANDS: u64 = 0x7f;
    let mut words = line.split_whitespace();
    let number = words.next().and_then(|word| word.parse::<i64>().ok());
    let mut argument = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    match number {
        None if line.starts_with("running") => Read::Running,
        Some(libc::SYS_futex) => match (argument(), argument()) {
            (Some(address), Some(operation))
                if [libc::FUTEX_WAIT, libc::FUTEX_WAIT_BITSET]
                    .contains(&((operation & COMMANDS) as i32)) =>
            {
                Read::Futex(address)
            }
            _ => Read::Waiting,
        },
        // Without a stack: it has ended and waits to be reaped.
        Some(-1) if argument() == Some(0) => Read::Gone,
        _ => Read::Waiting,
    }
}

/// What `stat` says of a thread.
fn read_state(folder: &str, tid: u32) -> Read {
    let text = fs::read_to_string(format!("{folder}/{tid}/stat")).unwrap_or_default();
    let state = text
        .rsplit_once(')')
        .and_then(|(_, fields)| fields.trim_start().chars().next());
    match state {
        None | Some('Z' | 'X' | 'x') => Read::Gone,
        Some('R') => Read::Running,
        Some(_) => Read::Waiting,
    }
}

/// CPU time of a thread, from `schedstat`.
fn cpu_ns(folder: &str, tid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("{folder}/{tid}/schedstat")).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// Where the static data of a process's interpreter is, from its `maps`: what can be written of the executable and of
/// libpython, and what lies right behind it without a name (data that starts as zero).
fn interpreter_statics(maps: &str, executable: &str) -> Vec<(u64, u64)> {
    let mut found: Vec<(u64, u64)> = Vec::new();
    let mut behind = 0;
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (Some(range), Some(rights)) = (words.next(), words.next()) else {
            continue;
        };
        let path = words.nth(3).unwrap_or("");
        let ends = range.split_once('-').and_then(|(from, to)| {
            Some((
                u64::from_str_radix(from, 16).ok()?,
                u64::from_str_radix(to, 16).ok()?,
            ))
        });
        let Some((from, to)) = ends else { continue };
        let name = path.rsplit('/').next().unwrap_or("");
        let is_own = path == executable || name.starts_with("libpython");
        let is_written = rights.as_bytes().get(1) == Some(&b'w');
        if is_written && (is_own || (path.is_empty() && from == behind)) {
            found.push((from, to));
            behind = if is_own { to } else { 0 };
        } else {
            behind = 0;
        }
    }
    found
}

impl ThreadLife {
    /// Notes what a look saw; whether that is something else than before.
    fn saw(&mut self, at_ns: u64, state: ThreadState) -> bool {
        self.last_ns = at_ns;
        match self.runs.last_mut() {
            Some(run) if run.state == state => {
                run.last_ns = at_ns;
                run.looks += 1;
                false
            }
            _ => {
                self.runs.push(StateRun {
                    first_ns: at_ns,
                    last_ns: at_ns,
                    looks: 1,
                    state,
                });
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, id};

    #[test]
    fn lines_of_syscall_are_understood() {
        for (line, read) in [
            ("running\n", Read::Running),
            ("-1 0x0 0x0\n", Read::Gone),
            ("-1 0x7ffe8f0 0x7f52e\n", Read::Waiting),
            ("230 0x1 0x1 0x7f 0x0 0x0 0x0 0x7f 0x7f\n", Read::Waiting),
            ("", Read::Waiting),
        ] {
            assert_eq!(called(line), read, "{line}");
        }
        let futex = libc::SYS_futex;
        for (operation, read) in [
            (0x80, Read::Futex(0x5a8)),
            (0x189, Read::Futex(0x5a8)),
            (0x81, Read::Waiting),
        ] {
            let line = format!("{futex} 0x5a8 {operation:#x} 0x0 0x7f0 0x0 0xffffffff 0x7 0x7");
            assert_eq!(called(&line), read, "{line}");
        }
    }

    #[test]
    fn static_data_is_that_of_the_interpreter_alone() {
        let maps = "\
            00400000-00401000 r--p 00000000 fe:01 12   /usr/bin/python3.13\n\
            00a00000-00a10000 rw-p 00600000 fe:01 12   /usr/bin/python3.13\n\
            00a10000-00a40000 rw-p 00000000 00:00 0 \n\
            00a40000-00a50000 rw-p 00000000 00:00 0 \n\
            01000000-01200000 rw-p 00000000 00:00 0    [heap]\n\
            7f0000000000-7f0000100000 rw-p 00000000 00:00 0 \n\
            7f0000200000-7f0000210000 rw-p 00500000 fe:01 14   /usr/lib/libpython3.13.so.1.0\n\
            7f0000210000-7f0000230000 rw-p 00000000 00:00 0 \n\
            7f0000300000-7f0000301000 rw-p 00001000 fe:01 15   /usr/lib/libc.so.6\n\
            7f0000301000-7f0000302000 rw-p 00000000 00:00 0 \n";
        assert_eq!(
            interpreter_statics(maps, "/usr/bin/python3.13"),
            [
                (0xa00000, 0xa10000),
                (0xa10000, 0xa40000),
                (0x7f00_0020_0000, 0x7f00_0021_0000),
                (0x7f00_0021_0000, 0x7f00_0023_0000),
            ]
        );
    }

    #[test]
    fn threads_of_a_tree_are_seen_to_run_and_to_wait() {
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 60 & while :; do :; done"])
            .spawn()
            .unwrap();
        let mut watch = ThreadWatch::new(shell.id());
        let start = Instant::now();
        let saw = |watch: &ThreadWatch, state: ThreadState| {
            let mut runs = watch.processes.iter().flat_map(|one| {
                one.threads
                    .iter()
                    .flat_map(|thread| thread.life.runs.iter().copied())
            });
            runs.any(|run| run.state == state && run.last_ns > run.first_ns)
        };
        while !(saw(&watch, ThreadState::Running) && saw(&watch, ThreadState::Waiting)) {
            assert!(start.elapsed() < Duration::from_secs(20));
            watch.look();
            std::thread::sleep(Duration::from_millis(1));
        }
        let below = tree::descendants(shell.id());
        for pid in below.into_iter().chain([shell.id()]) {
            // SAFETY: kill has no memory effects; the processes are this test's own.
            unsafe { libc::kill(pid as i32, libc::SIGKILL) };
        }
        // Whoever has ended is left, also before it is reaped.
        while watch.processes.iter().any(|one| one.pid == shell.id()) {
            assert!(start.elapsed() < Duration::from_secs(20));
            watch.look();
            std::thread::sleep(Duration::from_millis(1));
        }
        shell.wait().unwrap();
        let lives = watch.finish().lives;
        assert!(lives.iter().all(|life| life.pid != id()));
        let main = lives.iter().find(|life| life.tid == shell.id()).unwrap();
        assert!(main.first_ns < main.last_ns && main.cpu_ns > 0);
    }

    #[test]
    fn what_can_not_be_thinned_out_does_not_end_the_looking() {
        let mut watch = ThreadWatch::new(1);
        let life = ThreadLife {
            pid: 1,
            tid: 1,
            first_ns: 0,
            last_ns: 1,
            cpu_ns: 0,
            runs: vec![StateRun {
                first_ns: 0,
                last_ns: 1,
                looks: 2,
                state: ThreadState::Waiting,
            }],
        };
        watch.ended = vec![life; MOST_RUNS];
        watch.thin();
        assert_eq!(watch.runs, MOST_RUNS);
        assert!(watch.most_runs > watch.runs, "not again at the next look");
    }

    #[test]
    fn thinning_keeps_the_order_and_joins_what_is_alike() {
        let mut watch = ThreadWatch::new(1);
        let mut life = ThreadLife {
            pid: 1,
            tid: 1,
            first_ns: 0,
            last_ns: 0,
            cpu_ns: 0,
            runs: Vec::new(),
        };
        for at_ns in 0..10 {
            let state = [ThreadState::Running, ThreadState::Waiting][at_ns as usize % 2];
            watch.runs += usize::from(life.saw(at_ns, state));
        }
        life.saw(11, ThreadState::Waiting);
        watch.ended.push(life);
        watch.thin();
        assert_eq!((watch.runs, watch.every), (2, 2 * LOOK_EVERY));
        assert_eq!(watch.most_runs, MOST_RUNS);
        let run = |first_ns, last_ns, looks, state| StateRun {
            first_ns,
            last_ns,
            looks,
            state,
        };
        assert_eq!(
            watch.ended[0].runs,
            [
                run(0, 8, 5, ThreadState::Running),
                run(9, 11, 2, ThreadState::Waiting)
            ]
        );
    }
}
