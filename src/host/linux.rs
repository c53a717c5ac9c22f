//! What Linux tells of itself: `/proc`, `/sys` and cgroups of both versions.
//!
//! [`System`] reads below a root folder, so that tests can lay out a machine of their own. To read
//! another fact: a method here and the line in [`super`] that calls it.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// The files of a machine.
#[derive(Clone, Debug)]
pub struct System {
    root: PathBuf,
}

impl System {
    /// This machine's.
    pub fn this() -> Self {
        Self::at(Path::new("/"))
    }

    /// Those below `root`, laid out as on a machine.
    pub fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    fn text(&self, path: &str) -> Option<String> {
        let read: io::Result<String> =
            fs::read_to_string(self.root.join(path.trim_start_matches('/')));
        read.ok().map(|text| text.trim().to_owned())
    }

    fn number(&self, path: &str) -> Option<u64> {
        self.text(path)?.parse().ok()
    }

    /// Name of the first CPU; where the system gives none (some ARM), its architecture.
    pub fn cpu_name(&self) -> String {
        let info = self.text("proc/cpuinfo").unwrap_or_default();
        let named = ["model name", "Model", "cpu model", "Hardware"]
            .iter()
            .find_map(|key| {
                info.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    (name.trim() == *key)
                        .then(|| value.split_whitespace().collect::<Vec<_>>().join(" "))
                })
            });
        named.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
    }

    /// CPUs that are online.
    pub fn cpus(&self) -> Option<u32> {
        let listed = self.text("sys/devices/system/cpu/online")?;
        let count = listed.split(',').map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some(
                last.trim()
                    .parse::<u32>()
                    .ok()?
                    .checked_sub(first.trim().parse().ok()?)?
                    + 1,
            )
        });
        count.sum()
    }

    /// Kernel name and release.
    pub fn release(&self) -> String {
        let read = |path: &str| self.text(path).unwrap_or_default();
        format!(
            "{} {}",
            read("proc/sys/kernel/ostype"),
            read("proc/sys/kernel/osrelease")
        )
    }

    /// A field of `/proc/meminfo` in bytes.
    pub fn meminfo_bytes(&self, field: &str) -> Option<u64> {
        let text = self.text("proc/meminfo")?;
        let line = text
            .lines()
            .find(|line| line.split(':').next() == Some(field))?;
        line.split_whitespace()
            .nth(1)?
            .parse::<u64>()
            .ok()
            .map(|kib| kib * 1024)
    }

    /// Frequency governor of the first CPU.
    pub fn governor(&self) -> Option<String> {
        self.text("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    }

    /// Whether the CPU may run above its base frequency.
    pub fn turbo(&self) -> Option<bool> {
        let off = self
            .number("sys/devices/system/cpu/intel_pstate/no_turbo")
            .map(|off| off == 0);
        off.or_else(|| {
            self.number("sys/devices/system/cpu/cpufreq/boost")
                .map(|on| on != 0)
        })
    }

    /// Load average over a minute.
    pub fn load(&self) -> Option<f64> {
        self.text("proc/loadavg")?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    }

    /// Threads that exist on the machine.
    pub fn threads(&self) -> Option<u64> {
        self.text("proc/loadavg")?
            .split_whitespace()
            .nth(3)?
            .split('/')
            .nth(1)?
            .parse()
            .ok()
    }

    /// Threads of a user, whose number is that of the real user: what `ulimit -u` counts.
    pub fn threads_of(&self, user: u32) -> Option<u64> {
        let entries = fs::read_dir(self.root.join("proc")).ok()?;
        let processes = entries.flatten().filter(|entry| {
            let name = entry.file_name();
            name.to_str()
                .is_some_and(|name| name.parse::<u32>().is_ok())
        });
        let threads = processes.filter_map(|entry| {
            // One that has gone meanwhile counts no more.
            let status = fs::read_to_string(entry.path().join("status")).ok()?;
            let number = |name: &str| -> Option<u64> {
                let line = status.lines().find_map(|line| line.strip_prefix(name))?;
                line.split_whitespace().next()?.parse().ok()
            };
            (number("Uid:")? == u64::from(user)).then(|| number("Threads:"))?
        });
        Some(threads.sum())
    }

    /// Percent of the last 10 s in which some task waited for a CPU.
    pub fn cpu_pressure(&self) -> Option<f64> {
        let text = self.text("proc/pressure/cpu")?;
        text.lines()
            .next()?
            .split_whitespace()
            .find_map(|field| field.strip_prefix("avg10="))?
            .parse()
            .ok()
    }

    /// Mappings that one process can have.
    pub fn max_map_count(&self) -> Option<u64> {
        self.number("proc/sys/vm/max_map_count")
    }

    /// Threads that the kernel allows on the whole machine, by count and by number of ids.
    pub fn threads_max(&self) -> Option<u64> {
        let by_count = self.number("proc/sys/kernel/threads-max");
        let by_id = self.number("proc/sys/kernel/pid_max");
        [by_count, by_id].into_iter().flatten().min()
    }

    /// Lowest value that `read` finds in the cgroups of this process, from its own up to the root.
    ///
    /// `controller` names the version 1 hierarchy; version 2 has one for all.
    fn cgroups<T: PartialOrd>(
        &self,
        controller: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let membership = self.text("proc/self/cgroup")?;
        let mut least: Option<T> = None;
        for line in membership.lines() {
            let mut fields = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
                continue;
            };
            let mount = match controllers {
                "" => "sys/fs/cgroup".to_owned(),
                list if list.split(',').any(|name| name == controller) => {
                    format!("sys/fs/cgroup/{controller}")
                }
                _ => continue,
            };
            // Inside a container the path may be the host's and not exist here: its ancestors do.
            let mut path = path.trim_end_matches('/');
            loop {
                if let Some(value) = read(&format!("{mount}{path}")) {
                    least = match least {
                        Some(known) if known <= value => Some(known),
                        _ => Some(value),
                    };
                }
                match path.rfind('/') {
                    Some(slash) => path = &path[..slash],
                    None => break,
                }
            }
        }
        least
    }

    /// CPUs' worth of time that the cgroup's quota allows.
    pub fn cpu_quota(&self) -> Option<f64> {
        self.cgroups("cpu", |folder| {
            if let Some(text) = self.text(&format!("{folder}/cpu.max")) {
                let (quota, period) = text.split_once(' ')?;
                return Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?);
            }
            let quota = self.number(&format!("{folder}/cpu.cfs_quota_us"))?;
            Some(quota as f64 / self.number(&format!("{folder}/cpu.cfs_period_us"))? as f64)
        })
    }

    /// Memory that the cgroup may hold.
    pub fn memory_limit_bytes(&self) -> Option<u64> {
        self.cgroups("memory", |folder| {
            self.number(&format!("{folder}/memory.max"))
                .or_else(|| self.number(&format!("{folder}/memory.limit_in_bytes")))
                // Version 1 writes "no limit" as a number near 2^63.
                .filter(|bytes| *bytes < 1 << 60)
        })
    }

    /// Memory that the cgroup may still take; its page cache counts as free.
    pub fn memory_left_bytes(&self) -> Option<u64> {
        self.cgroups("memory", |folder| {
            let number = |name: &str| self.number(&format!("{folder}/{name}"));
            let limit = number("memory.max").or_else(|| number("memory.limit_in_bytes"))?;
            let used = number("memory.current").or_else(|| number("memory.usage_in_bytes"))?;
            let statistics = self
                .text(&format!("{folder}/memory.stat"))
                .unwrap_or_default();
            let cache = statistics
                .lines()
                .find_map(|line| line.strip_prefix("inactive_file "))
                .and_then(|bytes| bytes.parse::<u64>().ok())
                .unwrap_or(0);
            (limit < 1 << 60).then(|| limit.saturating_sub(used.saturating_sub(cache)))
        })
    }

    /// Threads and processes that the cgroup may still start.
    pub fn pids_left(&self) -> Option<u64> {
        self.cgroups("pids", |folder| {
            let limit = self.number(&format!("{folder}/pids.max"))?;
            Some(limit.saturating_sub(self.number(&format!("{folder}/pids.current")).unwrap_or(0)))
        })
    }

    /// Times that a quota has stopped the cgroup so far.
    pub fn throttled(&self) -> Option<u64> {
        self.cgroups("cpu", |folder| {
            let text = self.text(&format!("{folder}/cpu.stat"))?;
            text.lines()
                .find_map(|line| line.strip_prefix("nr_throttled "))?
                .parse()
                .ok()
        })
    }
}

/// CPUs that this process may run on; `None` where the system doesn't say.
pub fn affinity() -> Option<u32> {
    // SAFETY: an all-zero cpu_set_t is a valid empty set, and the size passed is its own.
    let set = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        if libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) != 0 {
            return None;
        }
        set
    };
    // SAFETY: CPU_COUNT only reads the set.
    u32::try_from(unsafe { libc::CPU_COUNT(&set) }).ok()
}

/// The hard limit of a resource of this process; `None` where it is unlimited or can't be read.
pub fn hard_limit(resource: libc::__rlimit_resource_t) -> Option<u64> {
    // SAFETY: rlimit is plain numbers, filled by the call.
    let limit = unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(resource, &mut limit) != 0 {
            return None;
        }
        limit
    };
    (limit.rlim_max != libc::RLIM_INFINITY).then_some(limit.rlim_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> (PathBuf, System) {
        let root = std::env::temp_dir().join(format!("conclab-host-{}", uuid::Uuid::new_v4()));
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        (root.clone(), System::at(&root))
    }

    #[test]
    fn the_tightest_cgroup_on_the_way_up_counts() {
        let (root, system) = machine(&[
            ("proc/self/cgroup", "0::/pod/box\n"),
            ("sys/fs/cgroup/pod/box/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/pod/cpu.max", "150000 100000\n"),
            ("sys/fs/cgroup/pod/memory.max", "1000000\n"),
            ("sys/fs/cgroup/pod/memory.current", "600000\n"),
            (
                "sys/fs/cgroup/pod/memory.stat",
                "anon 1\ninactive_file 100000\n",
            ),
            ("sys/fs/cgroup/pod/box/memory.max", "max\n"),
            ("sys/fs/cgroup/pod/box/pids.max", "100\n"),
            ("sys/fs/cgroup/pod/box/pids.current", "40\n"),
        ]);
        assert_eq!(system.cpu_quota(), Some(1.5));
        assert_eq!(system.memory_limit_bytes(), Some(1_000_000));
        assert_eq!(system.memory_left_bytes(), Some(500_000));
        assert_eq!(system.pids_left(), Some(60));
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn only_the_threads_of_one_user_count_for_its_limit() {
        let of = |user: u32, threads: u32| {
            format!("Name:\tx\nUid:\t{user}\t0\t0\t0\nThreads:\t{threads}\n")
        };
        let (root, system) = machine(&[
            ("proc/1/status", &of(0, 100)),
            ("proc/20/status", &of(1000, 3)),
            ("proc/21/status", &of(1000, 4)),
            ("proc/22/stat", "has gone"),
            ("proc/self/status", &of(1000, 50)),
        ]);
        assert_eq!(system.threads_of(1000), Some(7));
        assert_eq!(system.threads_of(5), Some(0));
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn version_1_and_absent_files_are_read_too() {
        let (root, system) = machine(&[
            (
                "proc/self/cgroup",
                "4:memory:/\n2:cpu,cpuacct:/docker/abc\n",
            ),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
            (
                "sys/fs/cgroup/memory/memory.limit_in_bytes",
                "9223372036854771712\n",
            ),
            ("sys/devices/system/cpu/online", "0-3,6\n"),
            ("proc/loadavg", "0.50 0.40 0.30 2/345 999\n"),
            (
                "proc/pressure/cpu",
                "some avg10=1.25 avg60=0.00 avg300=0.00 total=1\n",
            ),
        ]);
        assert_eq!(system.cpu_quota(), Some(2.0));
        assert_eq!(system.memory_limit_bytes(), None);
        assert_eq!(system.cpus(), Some(5));
        assert_eq!((system.load(), system.threads()), (Some(0.5), Some(345)));
        assert_eq!(system.cpu_pressure(), Some(1.25));
        assert_eq!(system.governor(), None);
        fs::remove_dir_all(root).unwrap();
    }
}
