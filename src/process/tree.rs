//! What the system says about a process and its descendants. Linux's `/proc` is read here.
//!
//! Processes come and go while they are read: one that has gone is left out, never an error.

use super::clock::read_ns;
use super::{MOST_APART, MemorySample, ProcessSample};
use std::collections::HashMap;
use std::fs;
use std::io::Read;

/// Threads beyond which finding children by thread is dearer than looking at every process.
const MOST_THREADS: usize = 64;

/// What `/proc/PID/stat` says of a process, as far as it is needed here.
struct Stat {
    parent: u32,
    threads: usize,
    /// Own CPU time, in ticks.
    own_ticks: u64,
    /// That of the children it has reaped, and of theirs.
    reaped_ticks: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; what follows its last one is numbers.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        parent: number(1)? as u32,
        threads: number(17)? as usize,
        own_ticks: number(11)? + number(12)?,
        reaped_ticks: number(13)? + number(14)?,
    })
}

/// All processes below `root`, zombies included, without `root` itself.
pub fn descendants(root: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        let Some(stat) = stat(pid) else { continue };
        let children = if stat.threads <= MOST_THREADS {
            children_by_thread(pid)
        } else {
            children_by_scan(pid)
        };
        found.extend(&children);
        open.extend(children);
    }
    found
}

fn children_by_thread(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut children = Vec::new();
    for thread in threads.flatten() {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(text) => children.extend(
                text.split_whitespace()
                    .filter_map(|pid| pid.parse::<u32>().ok()),
            ),
            // A kernel without this file, or a thread that has just ended.
            Err(_) => return children_by_scan(pid),
        }
    }
    children
}

fn children_by_scan(parent: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| stat(*pid).is_some_and(|stat| stat.parent == parent))
        .collect()
}

/// Processes whose environment, as they started, has this text in it; only those that this user may look at.
pub fn with_environment(text: &str) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let has = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    pids.filter(has).collect()
}

/// Sum of the resident sets of `root` and all below it: counts shared pages more than once.
pub fn resident_bytes(root: u32) -> u64 {
    std::iter::once(root)
        .chain(descendants(root))
        .filter_map(resident_bytes_of)
        .sum()
}

fn resident_bytes_of(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    // SAFETY: sysconf has no preconditions.
    Some(pages * unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64)
}

/// Proportional set size of one process; `None` where it can't be read.
pub fn pss_bytes(pid: u32) -> Option<u64> {
    let mut text = String::new();
    fs::File::open(format!("/proc/{pid}/smaps_rollup"))
        .ok()?
        .read_to_string(&mut text)
        .ok()?;
    let line = text.lines().find(|line| line.starts_with("Pss:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}

/// CPU time of all threads of a process since its start, by its own clock; `None` where it has gone.
///
/// Of a thread that computes just now, the system has counted up to its last tick (mostly 4 ms).
fn cpu_clock_ns(pid: u32) -> Option<u64> {
    // A process's clock is its number, inverted, with two in its lowest bits: what clock_getcpuclockid(3)
    // returns, without that function's call to the system.
    read_ns(((!pid) << 3 | 2) as libc::clockid_t)
}

/// Processes that samples of a tree have seen, in the order of their appearance.
#[derive(Default)]
pub struct Seen {
    /// Number, and CPU time at the last sample.
    processes: HashMap<u32, (u32, u64)>,
    /// CPU time of those from number [`MOST_APART`] on.
    rest_ns: u64,
}

impl Seen {
    /// Adds what was seen of a process to `samples`.
    fn note(&mut self, pid: u32, bytes: u64, cpu_ns: u64, samples: &mut Vec<ProcessSample>) {
        let next = self.processes.len() as u32;
        let (number, before_ns) = self.processes.entry(pid).or_insert((next, 0));
        let number = (*number).min(MOST_APART);
        self.rest_ns += match number {
            MOST_APART => cpu_ns.saturating_sub(*before_ns),
            _ => 0,
        };
        *before_ns = cpu_ns;
        match samples.iter_mut().find(|sample| sample.number == number) {
            // The sum of all those.
            Some(rest) => {
                rest.bytes += bytes;
                rest.cpu_ns = self.rest_ns;
            }
            None => samples.push(ProcessSample {
                number,
                bytes,
                cpu_ns: match number {
                    MOST_APART => self.rest_ns,
                    _ => cpu_ns,
                },
            }),
        }
    }
}

/// Memory and CPU time of `root` and all below it, now.
pub fn sample(root: u32, at_ns: u64, seen: &mut Seen) -> MemorySample {
    // SAFETY: sysconf has no preconditions.
    let tick_ns = 1_000_000_000 / unsafe { libc::sysconf(libc::_SC_CLK_TCK) }.max(1) as u64;
    let mut sample = MemorySample {
        at_ns,
        pss: true,
        ..MemorySample::default()
    };
    for pid in std::iter::once(root).chain(descendants(root)) {
        let Some(stat) = stat(pid) else { continue };
        let own_ns = cpu_clock_ns(pid).unwrap_or(stat.own_ticks * tick_ns);
        sample.cpu_ns += own_ns + stat.reaped_ticks * tick_ns;
        let bytes = match (pss_bytes(pid), resident_bytes_of(pid)) {
            (Some(bytes), _) => Some(bytes),
            // A zombie holds nothing; its rollup can't be read, and that is no lack.
            (None, None | Some(0)) => None,
            (None, Some(bytes)) => {
                sample.pss = false;
                Some(bytes)
            }
        };
        seen.note(pid, bytes.unwrap_or(0), own_ns, &mut sample.by_process);
        if let Some(bytes) = bytes {
            sample.bytes += bytes;
            sample.processes += 1;
        }
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio, id};

    #[test]
    fn a_tree_is_found_both_ways_and_has_memory() {
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 60 & echo; wait"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = [0u8; 1];
        shell
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut line)
            .unwrap();
        let below = descendants(shell.id());
        assert_eq!(below.len(), 1, "the sleep: {below:?}");
        assert!(children_by_scan(id()).contains(&shell.id()));
        let mut seen = Seen::default();
        let sample = sample(shell.id(), 7, &mut seen);
        assert!(
            sample.processes == 2 && sample.bytes > 0 && sample.pss,
            "{sample:?}"
        );
        let [own, child] = sample.by_process[..] else {
            panic!("{sample:?}");
        };
        assert_eq!((own.number, child.number), (0, 1));
        assert_eq!(own.bytes + child.bytes, sample.bytes);
        assert!(own.cpu_ns > 0 && own.cpu_ns + child.cpu_ns <= sample.cpu_ns);
        assert!(resident_bytes(shell.id()) >= sample.bytes);
        for pid in below {
            // SAFETY: kill has no memory effects; the process is this test's own.
            unsafe { libc::kill(pid as i32, libc::SIGKILL) };
        }
        shell.wait().unwrap();
    }

    #[test]
    fn a_process_has_a_clock_that_goes_on_while_it_computes() {
        let own = || cpu_clock_ns(id()).unwrap();
        let before = own();
        // However slow the machine: until some is counted.
        while own() == before {
            std::hint::black_box((0..10_000u64).sum::<u64>());
        }
        assert_eq!(cpu_clock_ns(u32::MAX >> 4), None, "no such process");
    }

    #[test]
    fn many_processes_are_told_apart_up_to_a_bound_and_the_rest_together() {
        let mut seen = Seen::default();
        let mut look = |cpu_ns: u64, pids: std::ops::Range<u32>| {
            let mut samples = Vec::new();
            for pid in pids {
                seen.note(pid, 10, cpu_ns, &mut samples);
            }
            samples
        };
        let first = look(5, 100..120);
        assert_eq!(first.len() as u32, MOST_APART + 1);
        assert!(first.is_sorted_by_key(|sample| sample.number));
        assert_eq!((first[16].bytes, first[16].cpu_ns), (40, 20));
        // One of the rest has gone, with what it used.
        let second = look(7, 101..119);
        assert_eq!((second[0].number, second[0].cpu_ns), (1, 7));
        let rest = second.last().unwrap();
        assert_eq!((rest.number, rest.bytes, rest.cpu_ns), (16, 30, 26));
    }
}
