//! Worker processes of Python, however they were started: they end with their trial, whatever ends that, and
//! what they used is counted.
//!
//! A model with processes is added in [`MODELS`].

use crate::answers::{Run, median, row, signal};
use crate::python::{answered, rows, why};
use crate::pythons::{newest, pythons};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
/// Most CPU time that starting an interpreter takes, on a busy machine.
const START_UP_NS: f64 = 250e6;
const STARTS: [&str; 3] = ["fork", "spawn", "forkserver"];
const MODELS: [&str; 3] = [
    "model = \"processes\"",
    "model = \"process-pool\", workers = 3, chunk = 1",
    "model = \"hybrid\", pool = \"processes\", workers = 3",
];

/// Every model with processes by every way to start them, labelled 0 to 8.
fn models() -> Vec<String> {
    let ways = STARTS
        .iter()
        .flat_map(|start| MODELS.map(|model| (start, model)));
    ways.enumerate()
        .map(|(label, (start, model))| {
            format!("{{ {model}, start = \"{start}\", label = \"{label}\" }}")
        })
        .collect()
}

/// Three tasks that have told their process in a folder and wait for long.
struct Busy {
    run: Option<Run>,
    pids: PathBuf,
}

impl Busy {
    fn start(python: &Path, models: &str, keys: &str) -> Busy {
        let pids = std::env::temp_dir().join(format!("conclab-pids-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&pids).unwrap();
        let cell = format!(
            "task = {{ python = '''\nimport os, signal, time\n\ndef task(i):\n    \
             signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    \
             open(f\"{}/{{os.getpid()}}\", \"w\").close()\n    time.sleep(1000)\n''' }}\n\
             tasks = 3\nrepeat = 1\nbudget = \"1h\"\nmodels = [{models}]\n{keys}",
            pids.display()
        );
        let run = Run::start_with(&cell, &["--json"], |command| {
            command.env("CONCLAB_PYTHON", python);
        });
        Busy {
            run: Some(run),
            pids,
        }
    }

    fn run(&mut self) -> &mut Run {
        self.run.as_mut().unwrap()
    }

    /// Processes that have told themselves.
    fn told(&self) -> Vec<i32> {
        let names = fs::read_dir(&self.pids).unwrap();
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        names
            .map(|entry| name(entry.unwrap()).parse().unwrap())
            .collect()
    }

    /// Waits until so many processes have told themselves.
    fn wait_for(&self, count: usize) -> Vec<i32> {
        let start = Instant::now();
        while self.told().len() < count {
            assert!(start.elapsed() < PATIENCE, "only {:?}", self.told());
            sleep(Duration::from_millis(5));
        }
        self.told()
    }

    /// Its report; none of its processes is left then.
    fn end(&mut self) -> (Option<i32>, Value) {
        let (run, output) = self.run.take().unwrap().end();
        run.assert_gone();
        for pid in self.told() {
            assert!(!is_running(pid), "{pid} runs");
        }
        let report = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code(), report)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.pids);
    }
}

/// The interpreter whose workers are looked at: the newest, whose ways are the most.
fn python() -> Option<PathBuf> {
    let pythons = pythons();
    let newest = newest(&pythons).map(Path::to_owned);
    newest.or_else(|| pythons.into_iter().next())
}

/// Whether there is such a process; one that has ended and waits to be reaped has no arguments any more.
fn is_running(pid: i32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|arguments| !arguments.is_empty())
}

/// Arguments of a process, and those of its parent.
fn ancestry(pid: i32) -> String {
    let read = |pid: i32, file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let stat = read(pid, "stat");
    let parent = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .nth(1)
        .unwrap();
    format!(
        "{} < {}",
        read(pid, "cmdline"),
        read(parent.parse().unwrap(), "cmdline")
    )
}

#[test]
fn workers_are_started_as_the_cell_says_and_end_with_an_interrupt() {
    let Some(python) = python() else { return };
    for (index, model) in models().iter().enumerate() {
        let mut busy = Busy::start(&python, model, "");
        for pid in busy.wait_for(3) {
            let line = ancestry(pid);
            let [is_spawned, is_served] =
                ["spawn_main", "from multiprocessing.forkserver"].map(|word| line.contains(word));
            assert_eq!(is_spawned, STARTS[index / 3] == "spawn", "{model}: {line}");
            assert_eq!(
                is_served,
                STARTS[index / 3] == "forkserver",
                "{model}: {line}"
            );
        }
        let pid = busy.run().child().id() as i32;
        signal(pid, libc::SIGINT);
        let (code, report) = busy.end();
        assert_eq!(
            (code, &report["interrupted"]),
            (Some(1), &true.into()),
            "{report:#}"
        );
        assert_eq!(rows(&report)[0]["outcome"], "interrupted", "{report:#}");
    }
}

#[test]
fn workers_end_with_a_trial_that_takes_too_long() {
    let Some(python) = python() else { return };
    let mut busy = Busy::start(&python, &models().join(", "), "trial_timeout = \"1500ms\"");
    let (code, report) = busy.end();
    assert_eq!(code, Some(1));
    for row in rows(&report) {
        assert_eq!(row["outcome"], "timeout", "{row:#}");
        assert!(
            why(row).contains("or raise `trial_timeout` (now 1500ms)"),
            "{row:#}"
        );
    }
    assert!(
        busy.told().len() >= 9,
        "hardly any worker ran: {:?}",
        busy.told()
    );
}

#[test]
fn workers_end_with_a_session_that_is_killed() {
    let Some(python) = python() else { return };
    for model in models() {
        let mut busy = Busy::start(&python, &model, "");
        let pids = busy.wait_for(3);
        busy.run().child().kill().unwrap();
        busy.run().child().wait().unwrap();
        busy.run().assert_gone();
        for pid in pids {
            assert!(!is_running(pid), "{model}: {pid} runs");
        }
    }
}

#[test]
fn workers_end_with_a_warden_that_is_killed() {
    let Some(python) = python() else { return };
    for model in models() {
        let mut busy = Busy::start(&python, &model, "");
        busy.wait_for(3);
        let warden = busy.run().wait_for("warden");
        signal(warden, libc::SIGKILL);
        let (code, report) = busy.end();
        assert_eq!(code, Some(1), "{model}");
        assert_eq!(rows(&report)[0]["outcome"], "crashed", "{report:#}");
    }
}

#[test]
fn a_worker_that_is_killed_is_told_in_its_row() {
    for python in pythons() {
        for model in models() {
            let mut busy = Busy::start(&python, &model, "");
            let pids = busy.wait_for(3);
            signal(pids[1], libc::SIGKILL);
            // `processes` waits for the others as Process.join does: they are killed as well.
            for pid in pids {
                // SAFETY: kill has no memory effects; the processes are this test's own.
                unsafe { libc::kill(pid, libc::SIGKILL) };
            }
            let (code, report) = busy.end();
            let row = &rows(&report)[0];
            assert_eq!(
                (code, &row["outcome"]),
                (Some(1), &"failed".into()),
                "{model}: {row:#}"
            );
            let why = why(row);
            let told = [
                "was killed by signal 9",
                "a worker process of the pool died",
            ];
            assert!(
                told.iter().any(|words| why.contains(words)),
                "{model}: {why}"
            );
            assert!(!why.contains("Traceback"), "{model}: {why}");
        }
    }
}

#[test]
fn the_cpu_time_of_workers_is_counted_however_they_were_started() {
    let Some(python) = python() else { return };
    let report = answered(
        &python,
        &format!(
            "task = {{ count = 4_000_000 }}\ntasks = 3\nrepeat = 1\nbudget = \"10m\"\nruntime = \"python\"\n\
                 models = [\"sequential\", {}]",
            models().join(", ")
        ),
    );
    let least = |label: &str| row(&report, label)["cpu_ns"]["min"].as_f64().unwrap();
    let serial = least("sequential");
    for (label, model) in models().iter().enumerate() {
        let row = row(&report, &label.to_string());
        let counted = least(&label.to_string());
        // A worker of three that isn't counted would show as a third less; starting an interpreter adds some.
        assert!(
            (0.8 * serial..1.6 * serial + 4.0 * START_UP_NS).contains(&counted),
            "{model}: {counted} ns, sequential {serial} ns"
        );
        let notes = row.to_string();
        assert!(!notes.contains("two ways of counting"), "{model}: {row:#}");
    }
}

#[test]
fn the_memory_of_workers_is_counted_however_they_were_started() {
    // Each holds its memory until all of them do.
    let task = "[{ alloc = \"30MB\" }, { python = '''\nimport glob, time\n\ndef task(i):\n    \
                open(f\"here-{i}\", \"w\").close()\n    while len(glob.glob(\"here-*\")) < 3:\n        \
                time.sleep(0.005)\n    time.sleep(0.2)\n''' }]";
    let Some(python) = python() else { return };
    let report = answered(
        &python,
        &format!(
            "task = {task}\ntasks = 3\nrepeat = 1\nmodels = [\"threads\", {}]",
            models().join(", ")
        ),
    );
    for row in rows(&report) {
        let megabytes = row["peak_pss_bytes"]["max"].as_f64().unwrap() / 1e6;
        // Up to six interpreters, of some 20 MB each where none is a copy of another.
        assert!(
            (90.0..270.0).contains(&megabytes),
            "{megabytes} MB: {row:#}"
        );
        assert!(median(row, "growth_bytes") >= 85e6, "{row:#}");
    }
}
