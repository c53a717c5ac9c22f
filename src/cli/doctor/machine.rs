//! What the machine has, what it allows, and whether it is quiet enough to measure.

use super::{Finding, Mark, Patient};
use crate::catalog::keys::MOST_TASKS;
use crate::host::{Cgroup, Limits, Machine};
use crate::plan::{self, RowId};
use crate::process::tree;
use crate::spec::{self, Cell, Session};
use crate::units::{format_bytes, format_count};
use std::{env, fs};

/// Descriptors below which many requests at once run out of them.
const COMMON_DESCRIPTORS: u64 = 4096;

/// Models whose tasks cost something different each, what of, and how many examples of concurrency use: a machine
/// that allows fewer is worth a remark.
const KINDS: [(&str, &str, u64); 3] = [
    ("threads", "threads", 10_000),
    ("processes", "processes", 1000),
    ("async", "async tasks", 100_000),
];

pub fn look(patient: &mut Patient) -> Vec<Finding> {
    let (machine, limits) = (&patient.machine, &patient.limits);
    let mut findings = vec![
        cpus(machine),
        memory(machine, limits),
        Finding::ok("system", machine.system.clone()),
        tasks(machine, limits),
        descriptors(limits),
    ];
    findings.extend(frequency(machine));
    findings.extend([load(machine), pressure(machine), tree_memory(), folder()]);
    findings
}

fn cpus(machine: &Machine) -> Finding {
    let quota = match Cgroup::read().cpu_quota {
        Some(quota) => format!(", by a quota of {quota:.1}"),
        None => String::new(),
    };
    let said = format!(
        "{} of {} usable{quota}: {}",
        machine.usable_cpus, machine.cpus, machine.cpu
    );
    match machine.usable_cpus {
        1 => Finding::new(
            Mark::Warning,
            "CPUs",
            said,
            "on one CPU nothing computes side by side: give this machine or container a second",
        ),
        _ => Finding::ok("CPUs", said),
    }
}

fn memory(machine: &Machine, limits: &Limits) -> Finding {
    let size = |bytes: u64| format_bytes(bytes as f64);
    let limit = Cgroup::read().memory_limit_bytes;
    let limited = limit.map_or(String::new(), |limit| {
        format!(", the container's limit is {}", size(limit))
    });
    match limits.memory_available_bytes {
        Some(free) => Finding::ok(
            "memory",
            format!(
                "{} free of {}{limited}",
                size(free),
                size(machine.memory_bytes)
            ),
        ),
        None => Finding::new(
            Mark::Warning,
            "memory",
            "how much is free can't be read",
            "set `memory_limit` in cells that need much",
        ),
    }
}

/// The most `tasks` that a cell may ask for, by what a task is.
fn tasks(machine: &Machine, limits: &Limits) -> Finding {
    let most = KINDS.map(|(model, what, common)| {
        let most = most_tasks(model, machine, limits);
        (format!("{} {what}", format_count(most)), most < common)
    });
    let said = most.each_ref().map(|(said, _)| said.as_str()).join(", ");
    let said = format!("at once at most {said}");
    match most.iter().any(|(_, few)| *few) {
        true => Finding::new(
            Mark::Warning,
            "tasks",
            said,
            "raise the limits of processes (ulimit -u, the container's pids limit), of open files (ulimit -Hn), of \
             mappings (vm.max_map_count), or free memory",
        ),
        false => Finding::ok("tasks", said),
    }
}

/// The largest `tasks` that is not refused before it starts: exactly what a cell would meet.
fn most_tasks(model: &str, machine: &Machine, limits: &Limits) -> u64 {
    let fits = |tasks: u64| {
        let text = format!(
            "task = {{ sleep = \"1ms\" }}\ntasks = {tasks}\nmodels = [\"{model}\"]\n\
             trial_timeout = \"24h\"\nbudget = \"24h\""
        );
        let (cell, _) = spec::read(&text, &Session::default());
        let Some(Cell::Experiment(experiment)) = cell else {
            return false;
        };
        let row = RowId {
            series: 0,
            point: 0,
        };
        plan::refusal(&experiment, row, machine, limits).is_none()
    };
    let (mut fitting, mut refused) = (0, MOST_TASKS + 1);
    while refused - fitting > 1 {
        let middle = fitting + (refused - fitting) / 2;
        match fits(middle) {
            true => fitting = middle,
            false => refused = middle,
        }
    }
    fitting
}

fn descriptors(limits: &Limits) -> Finding {
    match limits.descriptors {
        Some(most) if most < COMMON_DESCRIPTORS => Finding::new(
            Mark::Warning,
            "open files",
            format!("{} a process", format_count(most)),
            "raise the hard limit of open files (ulimit -Hn): each request in flight takes one",
        ),
        Some(most) => Finding::ok("open files", format!("{} a process", format_count(most))),
        None => Finding::ok("open files", "unlimited"),
    }
}

/// Governor and turbo, where the system tells.
fn frequency(machine: &Machine) -> Vec<Finding> {
    let mut findings = Vec::new();
    match machine.governor.as_str() {
        "" => {}
        "powersave" | "ondemand" | "conservative" => findings.push(Finding::new(
            Mark::Warning,
            "governor",
            format!(
                "{}: the CPU's frequency changes while it is measured",
                machine.governor
            ),
            "cpupower frequency-set -g performance, for steadier numbers",
        )),
        governor => findings.push(Finding::ok("governor", governor)),
    }
    if let Some(turbo) = machine.turbo {
        let said = match turbo {
            true => "on: one busy core may run faster than several",
            false => "off",
        };
        findings.push(Finding::ok("turbo", said));
    }
    findings
}

fn load(machine: &Machine) -> Finding {
    match machine.load {
        Some(load) if load > 0.75 * f64::from(machine.usable_cpus.max(1)) => Finding::new(
            Mark::Warning,
            "load",
            format!("{load:.1} over the last minute: others use the CPU"),
            "close other programs before you measure",
        ),
        Some(load) => Finding::ok("load", format!("{load:.1} over the last minute")),
        None => Finding::new(Mark::Warning, "load", "can't be read", ""),
    }
}

fn pressure(machine: &Machine) -> Finding {
    match machine.cpu_pressure {
        Some(percent) => Finding::ok(
            "CPU pressure",
            format!("{percent:.0} % of the last 10 s some task waited for a CPU"),
        ),
        None => Finding::new(
            Mark::Missing,
            "CPU pressure",
            "/proc/pressure/cpu can't be read: a busy machine is told by its load alone",
            "a kernel with PSI (psi=1 on its command line)",
        ),
    }
}

fn tree_memory() -> Finding {
    match tree::pss_bytes(std::process::id()) {
        Some(_) => Finding::ok(
            "tree memory",
            "pages that processes share are counted once (PSS)",
        ),
        None => Finding::new(
            Mark::Warning,
            "tree memory",
            "smaps_rollup can't be read: pages that processes share are counted for each of them",
            "allow processes of the same user to be read (ptrace access, hidepid)",
        ),
    }
}

/// Where trials have their folders.
fn folder() -> Finding {
    let folder = env::temp_dir();
    let probe = folder.join(format!("conclab-doctor-{}", uuid::Uuid::new_v4().simple()));
    let written = fs::write(&probe, "conclab");
    let removed = fs::remove_file(&probe);
    match written.and(removed) {
        Ok(()) => Finding::ok("trial folder", folder.display().to_string()),
        Err(error) => Finding::new(
            Mark::Broken,
            "trial folder",
            format!("{} can't be written: {error}", folder.display()),
            "set TMPDIR to a folder that can be written",
        ),
    }
}
