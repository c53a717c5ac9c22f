//! What the system says about a process and its descendants. Linux's `/proc` is read here.
//!
//! Processes come and go while they are read: one that has gone is left out, never an error.

use super::MemorySample;
use std::fs;
use std::io::Read;

/// Threads beyond which finding children by thread is dearer than looking at every process.
const MOST_THREADS: usize = 64;

/// What `/proc/PID/stat` says of a process, as far as it is needed here.
struct Stat {
    parent: u32,
    threads: usize,
    /// Own CPU time and that of reaped children, in ticks.
    cpu_ticks: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; what follows its last one is numbers.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        parent: number(1)? as u32,
        threads: number(17)? as usize,
        cpu_ticks: (11..=14).filter_map(number).sum(),
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

/// Memory and CPU time of `root` and all below it, now.
pub fn sample(root: u32, at_ns: u64) -> MemorySample {
    // SAFETY: sysconf has no preconditions.
    let tick_ns = 1_000_000_000 / unsafe { libc::sysconf(libc::_SC_CLK_TCK) }.max(1) as u64;
    let mut sample = MemorySample {
        at_ns,
        bytes: 0,
        processes: 0,
        cpu_ns: 0,
        pss: true,
    };
    for pid in std::iter::once(root).chain(descendants(root)) {
        let Some(stat) = stat(pid) else { continue };
        sample.cpu_ns += stat.cpu_ticks * tick_ns;
        match (pss_bytes(pid), resident_bytes_of(pid)) {
            (Some(bytes), _) => sample.bytes += bytes,
            // A zombie holds nothing; its rollup can't be read, and that is no lack.
            (None, None | Some(0)) => continue,
            (None, Some(bytes)) => {
                sample.bytes += bytes;
                sample.pss = false;
            }
        }
        sample.processes += 1;
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
        let sample = sample(shell.id(), 7);
        assert!(
            sample.processes == 2 && sample.bytes > 0 && sample.pss,
            "{sample:?}"
        );
        assert!(resident_bytes(shell.id()) >= sample.bytes);
        for pid in below {
            // SAFETY: kill has no memory effects; the process is this test's own.
            unsafe { libc::kill(pid as i32, libc::SIGKILL) };
        }
        shell.wait().unwrap();
    }
}
