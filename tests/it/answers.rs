//! Whole answers: cells run by the real executable, on real processes.
//!
//! Each run has a temporary folder of its own, by which all its processes are found again.

use conclab::describe::Quantity;
use conclab::model::{MODELS, Model};
use conclab::runtime::Runtime;
use conclab::step::{STEPS, Step};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// `conclab run` on a cell.
pub struct Run {
    child: Option<Child>,
    folder: PathBuf,
}

impl Run {
    pub fn start(cell: &str, arguments: &[&str]) -> Run {
        Run::start_with(cell, arguments, |_| {})
    }

    /// The same, with an environment or a folder of its own.
    pub fn start_with(cell: &str, arguments: &[&str], prepare: impl FnOnce(&mut Command)) -> Run {
        // Short, as a user's is: sockets are made below it.
        let number = uuid::Uuid::new_v4().as_fields().0;
        let folder = std::env::temp_dir().join(format!("conclab-{number:08x}"));
        fs::create_dir(&folder).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_conclab"));
        command
            .args(["run", "-"])
            .args(arguments)
            .env("TMPDIR", &folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        prepare(&mut command);
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(cell.as_bytes())
            .unwrap();
        Run {
            child: Some(child),
            folder,
        }
    }

    /// Processes of this run, with their subcommands.
    pub fn processes(&self) -> Vec<(i32, String)> {
        // In TMPDIR or in the mark of a trial's folder below it.
        let marker = self.folder.to_str().unwrap().as_bytes();
        let pids = fs::read_dir("/proc").unwrap().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.filter_map(|pid| {
            let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
            environment
                .windows(marker.len())
                .find(|part| *part == marker)?;
            let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let name = arguments.split(|byte| *byte == 0).nth(1)?.to_vec();
            Some((pid, String::from_utf8(name).ok()?))
        })
        .collect()
    }

    /// Waits for a process with that subcommand.
    pub fn wait_for(&self, name: &str) -> i32 {
        let start = Instant::now();
        loop {
            if let Some((pid, _)) = self.processes().into_iter().find(|(_, own)| own == name) {
                return pid;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "no {name} among {:?}",
                self.processes()
            );
            sleep(Duration::from_millis(2));
        }
    }

    /// Waits until none of its processes is left, nor any file of theirs.
    pub fn assert_gone(&self) {
        let start = Instant::now();
        let left = || {
            (
                self.processes(),
                fs::read_dir(&self.folder).unwrap().count(),
            )
        };
        while left() != (Vec::new(), 0) {
            assert!(start.elapsed() < PATIENCE, "left behind: {:?}", left());
            sleep(Duration::from_millis(5));
        }
    }

    /// Its end; the run itself stays, for what may have been left behind.
    pub fn end(mut self) -> (Run, Output) {
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        (self, output)
    }

    pub fn child(&mut self) -> &mut Child {
        self.child.as_mut().unwrap()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub fn signal(pid: i32, signal: i32) {
    // SAFETY: kill has no memory effects; the processes are this test's own.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}

/// Exit code and report of a cell.
pub fn answer(cell: &str) -> (i32, Value) {
    answer_with(cell, |_| {})
}

/// The same, with an environment or a folder of its own.
pub fn answer_with(cell: &str, prepare: impl FnOnce(&mut Command)) -> (i32, Value) {
    let (run, output) = Run::start_with(cell, &["--json"], prepare).end();
    run.assert_gone();
    let text = String::from_utf8(output.stdout).unwrap();
    let report = serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!(
            "{error}: {text}\n{}",
            String::from_utf8_lossy(&output.stderr)
        )
    });
    (output.status.code().unwrap(), report)
}

pub fn row<'a>(report: &'a Value, label: &str) -> &'a Value {
    let rows = report["rows"].as_array().unwrap();
    rows.iter()
        .find(|row| row["label"] == label)
        .unwrap_or_else(|| panic!("no {label} in {report:#}"))
}

pub fn median(row: &Value, metric: &str) -> f64 {
    row[metric]["median"]
        .as_f64()
        .unwrap_or_else(|| panic!("no {metric} in {row:#}"))
}

/// Every model, with every pool that one can be told to use.
fn native_models() -> impl Iterator<Item = &'static &'static dyn Model> {
    MODELS
        .iter()
        .filter(|model| model.unsupported(&Runtime::Native).is_none())
}

fn all_models() -> String {
    let models = native_models().map(|model| model.def());
    let tables = models.map(|def| match def.takes("pool") {
        true => format!(
            "\"{0}\", {{ model = \"{0}\", pool = \"processes\", label = \"{0} (processes)\" }}",
            def.name
        ),
        false => format!("\"{}\"", def.name),
    });
    format!("[{}]", tables.collect::<Vec<_>>().join(", "))
}

/// Runs a task on every model. How many of the `tasks` succeeded, the same everywhere.
fn on_every_model(task: &str, tasks: u64, repeat: usize) -> u64 {
    let models = all_models();
    let (code, report) = answer(&format!(
        "task = {task}\ntasks = {tasks}\nrepeat = {repeat}\nmodels = {models}"
    ));
    assert_eq!(code, 0, "{task}: {report:#}");
    let rows = report["rows"].as_array().unwrap();
    let pools = native_models().filter(|model| model.def().takes("pool"));
    assert_eq!(rows.len(), native_models().count() + pools.count());
    let succeeded = rows[0]["tasks"]["succeeded"].as_u64().unwrap();
    for row in rows {
        assert_eq!(row["outcome"], "ok", "{task}: {row:#}");
        assert_eq!(row["tasks"], rows[0]["tasks"], "{task}: {row:#}");
        let samples = row["wall_ns"]["samples"].as_array().unwrap();
        assert_eq!(samples.len(), repeat, "{task}: {row:#}");
        if succeeded == tasks {
            assert_eq!(row["agrees"], true, "{task}: {row:#}");
        } else {
            assert_eq!(row["tasks"]["failed"], tasks - succeeded, "{task}: {row:#}");
        }
    }
    succeeded
}

#[test]
fn every_step_gives_the_same_answer_on_every_model() {
    // Python runs on interpreters only, which are tested with them.
    let native = |step: &&Step| step.def.quantity != Quantity::Code;
    for step in STEPS.iter().filter(native) {
        let succeeded = on_every_model(step.def.example, 3, 1);
        assert_eq!(succeeded, 3, "{}", step.def.example);
    }
}

#[test]
fn every_setting_of_a_step_means_the_same_on_every_model() {
    for setting in STEPS.iter().flat_map(|step| step.def.settings) {
        on_every_model(setting.example, 3, 1);
    }
}

#[test]
fn values_that_differ_by_task_and_groups_give_the_same_answer_on_every_model() {
    for task in [
        "{ sum_squares = { each = [10, 2_000, 30, 40_000] } }",
        "{ primes = \"100..5_000\" }",
        r#"{ sleep = "2ms", times = 3 }"#,
        r#"[{ http = "2ms" }, { http = "1ms..3ms", bytes = { each = ["0B", "1B", "2KiB", "300KiB"] } }]"#,
        r#"{ do = [{ write = "1KiB..100KiB" }, { alloc = "1MiB" }, { read = { each = ["1B", "64KiB", "65KiB", "1MiB"] } }], times = 2 }"#,
        "{ primes = { total = 10_000 } }",
        r#"{ do = [{ http = "1ms", connection = "reuse", bytes = "100KiB" }, { query = "SELECT * FROM numbers WHERE id <= 7" }], times = 5 }"#,
        r#"{ query = "CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (1), (2)", times = 3 }"#,
        "{ sort = \"10..3_000\" }",
        "{ add = 500 }",
        "{ add = 500, sync = \"atomic\" }",
        "{ do = [{ add = 1 }, { count = 100 }], times = 20, lock = \"sum\" }",
    ] {
        assert_eq!(on_every_model(task, 4, 2), 4, "{task}");
    }
}

#[test]
fn a_task_whose_wait_goes_wrong_fails_and_says_why_on_every_model() {
    for (task, succeeded, why) in [
        (
            r#"{ http = "1ms", status = { each = [200, 404, 404, 399] } }"#,
            2,
            "status 404",
        ),
        (
            r#"{ http = "1ms", status = 500, connection = "reuse", times = 2 }"#,
            0,
            "status 500",
        ),
        (r#"{ query = "SELECT * FROM nowhere" }"#, 0, "no such table"),
        (
            r#"{ query = "1ms", database = "postgres://127.0.0.1:1/none" }"#,
            0,
            "refused",
        ),
        (r#"{ http = "http://127.0.0.1:1/" }"#, 0, "refused"),
        (
            r#"{ run = ["sh", "-c", "echo so it is >&2; exit 7"] }"#,
            0,
            "exit code 7: so it is",
        ),
        (
            r#"{ run = ["no-such-program-here"] }"#,
            0,
            "could not be started",
        ),
    ] {
        let (code, report) = answer(&format!(
            "task = {task}\ntasks = 4\nrepeat = 1\nmodels = {}",
            all_models()
        ));
        assert_eq!(code, 0, "{task}: {report:#}");
        for row in report["rows"].as_array().unwrap() {
            assert_eq!(row["tasks"]["succeeded"], succeeded, "{task}: {row:#}");
            assert_eq!(row["tasks"]["failed"], 4 - succeeded, "{task}: {row:#}");
            let told = row.to_string();
            assert!(told.to_lowercase().contains(why), "{task}: {row:#}");
        }
    }
}

#[test]
fn waits_overlap_where_they_should() {
    let cell = format!(
        "task = {{ sleep = \"60ms\" }}\ntasks = 6\nworkers = 3\nrepeat = 3\nmodels = {}",
        all_models()
    );
    let (_, report) = answer(&cell);
    let serial = median(row(&report, "sequential"), "wall_ns");
    for (label, at_most) in [
        ("threads", 0.5),
        ("processes", 0.7),
        ("async", 0.5),
        ("async-threads", 0.5),
        ("hybrid", 0.5),
        ("thread-pool", 0.7),
    ] {
        let share = median(row(&report, label), "wall_ns") / serial;
        assert!(share < at_most, "{label} took {share} of sequential");
        assert!(row(&report, label)["speedup"]["ratio"].as_f64().unwrap() > 1.0);
    }
    assert_eq!(row(&report, "thread-pool")["workers"], 3);
}

#[test]
fn blocking_in_an_event_loop_stops_everyone() {
    let (_, report) = answer(
        "task = { block = \"40ms\" }\ntasks = 5\nrepeat = 3\nmodels = [\"sequential\", \"threads\", \"async\"]",
    );
    let serial = median(row(&report, "sequential"), "wall_ns");
    assert!(median(row(&report, "async"), "wall_ns") > 0.9 * serial);
    assert!(median(row(&report, "threads"), "wall_ns") < 0.7 * serial);
}

#[test]
fn a_pool_beside_an_event_loop_takes_what_would_keep_its_thread() {
    let (code, report) = answer(
        "task = [{ block = \"30ms\" }, { sleep = \"30ms\" }]\ntasks = 4\nworkers = 4\nrepeat = 3\n\
         models = [\"async\", \"hybrid\", { model = \"hybrid\", pool = \"processes\", label = \"h2\" }]",
    );
    assert_eq!(code, 0);
    let alone = median(row(&report, "async"), "wall_ns");
    assert!(
        alone >= 150e6,
        "four blocks one behind the other, and a wait"
    );
    for label in ["hybrid", "h2"] {
        assert!(
            median(row(&report, label), "wall_ns") < 0.9 * alone,
            "{report:#}"
        );
        assert_eq!(row(&report, label)["workers"], 4);
    }
}

#[test]
fn models_have_settings_of_their_own() {
    let (code, report) = answer(
        "task = { sleep = \"20ms\" }\ntasks = 6\nrepeat = 1\nmodels = [\n\
         { model = \"process-pool\", workers = 2, chunk = 6, label = \"one chunk\" },\n\
         { model = \"threads\", limits = { sleep = 2 } },\n\
         { model = \"async\", limits = { sleep = 1 } }]",
    );
    assert_eq!(code, 0, "{report:#}");
    // What waits one behind the other can't take less, however busy the machine is.
    for (label, least) in [("one chunk", 120e6), ("threads", 60e6), ("async", 120e6)] {
        assert!(
            median(row(&report, label), "wall_ns") >= least,
            "{report:#}"
        );
    }
    let (code, report) = answer(
        "task = { sleep = \"20ms\", lock = \"a\" }\nmodels = [{ model = \"threads\", chunk = 2, pol = 1 }]",
    );
    assert_eq!(code, 2);
    let problems = report["diagnostics"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{report:#}");
    assert_eq!(problems[0]["message"], "`threads` has no `chunk` to set");
    assert!(
        problems[0]["help"]
            .as_str()
            .unwrap()
            .contains("only `process-pool` takes it")
    );
}

#[test]
fn a_race_loses_updates_and_the_verdict_counts_them() {
    let (code, report) = answer(
        "task = { add = 2_000_000 }\ntasks = 4\nrepeat = 4\n\
         models = [\"sequential\", \"threads\", \"processes\"]",
    );
    assert_eq!(code, 0, "a race is no wrong answer: {report:#}");
    let lost = |label: &str| row(&report, label)["lost"]["max"].as_f64().unwrap();
    assert_eq!(lost("sequential"), 0.0);
    assert!(
        lost("threads") > 0.0 && lost("processes") > 0.0,
        "{report:#}"
    );
    let verdict = report["verdict"].to_string();
    assert!(verdict.contains("of 8,000,000 updates"), "{verdict}");
    for label in ["threads", "processes"] {
        assert_eq!(row(&report, label)["agrees"], true, "{report:#}");
    }
}

#[test]
fn a_lock_taken_twice_is_told_before_it_hangs() {
    let (code, report) =
        answer("task = { do = [{ add = 1, lock = \"a\" }], lock = \"a\" }\nmodels = [\"threads\"]");
    assert_eq!(code, 2);
    let problem = report["diagnostics"][0]["message"].as_str().unwrap();
    assert!(
        problem.contains("the lock `a` is held here already"),
        "{problem}"
    );
}

#[test]
fn the_same_work_is_charged_the_same_cpu_time_on_every_model() {
    // One lost worker of four would show as a quarter less. A busy machine can add, never take away.
    let cell = format!(
        "task = {{ count = 30_000_000 }}\ntasks = 4\nworkers = 4\nrepeat = 3\nbudget = \"10m\"\nmodels = {}",
        all_models()
    );
    let (_, report) = answer(&cell);
    let least = |label: &str| row(&report, label)["cpu_ns"]["min"].as_f64().unwrap();
    let serial = least("sequential");
    for label in [
        "threads",
        "thread-pool",
        "processes",
        "process-pool",
        "async",
        "async-threads",
        "hybrid",
        "hybrid (processes)",
    ] {
        let ratio = least(label) / serial;
        assert!(
            (0.85..1.6).contains(&ratio),
            "{label} was charged {ratio} times sequential's CPU time"
        );
    }
}

#[test]
fn memory_is_that_of_the_whole_tree() {
    const MIB: f64 = 1_048_576.0;
    let (_, report) = answer(
        "task = [{ alloc = \"64MiB\" }, { sleep = \"1s\" }]\ntasks = 4\nrepeat = 1\n\
         models = [\"sequential\", \"threads\", \"processes\"]",
    );
    for (label, expected) in [
        ("sequential", 64.0),
        ("threads", 256.0),
        ("processes", 256.0),
    ] {
        let growth = row(&report, label)["growth_bytes"]["max"].as_f64().unwrap() / MIB;
        assert!(
            (expected - 4.0..expected + 24.0).contains(&growth),
            "{label}: {growth} MiB"
        );
    }
}

#[test]
fn what_takes_too_long_or_holds_too_much_is_a_row_that_says_so() {
    let (code, report) = answer(
        "task = { block = \"200ms\" }\ntasks = 20\nrepeat = 2\ntrial_timeout = \"1s\"\nbudget = \"10m\"\n\
         models = [\"threads\", \"async\"]",
    );
    // The planner knows the waits and refuses what can't fit; nothing is tried.
    assert_eq!(
        (code, &row(&report, "async")["outcome"]),
        (0, &"not-run".into())
    );
    assert_eq!(row(&report, "threads")["outcome"], "ok");

    let (code, report) = answer(
        "task = { count = 2_000_000_000 }\ntasks = 8\ntrial_timeout = \"300ms\"\nmodels = [\"processes\"]",
    );
    let timed_out = row(&report, "processes");
    assert_eq!(
        (code, &timed_out["outcome"]),
        (1, &"timeout".into()),
        "{timed_out:#}"
    );
    assert!(timed_out["why"].as_str().unwrap().contains("trial_timeout"));

    let (code, report) = answer(
        "task = [{ do = [{ alloc = \"30MiB\" }], times = 8 }, { sleep = \"2s\" }]\ntasks = 1\n\
         memory_limit = \"300MiB\"\nmodels = [\"threads\"]\nrepeat = 1",
    );
    assert_eq!(
        (code, &row(&report, "threads")["outcome"]),
        (0, &"ok".into()),
        "{report:#}"
    );
}

#[test]
fn a_zero_too_many_is_refused_before_it_starts() {
    let (code, report) = answer(
        "task = { sleep = \"1ms\" }\ntasks = 10_000_000\nrepeat = 1\nmodels = [\"threads\", \"processes\"]",
    );
    assert_eq!(code, 0);
    for label in ["threads", "processes"] {
        let row = row(&report, label);
        assert_eq!(row["outcome"], "not-run", "{row:#}");
        assert!(
            row["why"].as_str().unwrap().contains("10,000,000"),
            "{row:#}"
        );
    }
    let (_, report) = answer(
        "task = { alloc = \"1TiB\" }"
            .replace("TiB", "024GiB")
            .as_str(),
    );
    for row in report["rows"].as_array().unwrap() {
        assert_eq!(row["outcome"], "not-run", "{row:#}");
    }
}

#[test]
fn a_wrong_cell_is_told_as_json_too() {
    let (code, report) = answer("task = { slep = \"1s\" }\nmodels = [\"thraeds\"]");
    assert_eq!(code, 2);
    let problems = report["diagnostics"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{report:#}");
    assert_eq!(
        (&problems[1]["line"], &problems[1]["column"]),
        (&2.into(), &11.into())
    );
    assert!(problems[0]["help"].as_str().unwrap().contains("sleep"));
    assert!(report["rows"].as_array().unwrap().is_empty());
}

#[test]
fn a_killed_trial_is_a_row_and_the_others_still_show() {
    let run = Run::start(
        "task = { sleep = \"400ms\" }\ntasks = 2\nrepeat = 1\nmodels = [\"threads\", \"async\"]",
        &["--json"],
    );
    signal(run.wait_for("trial"), libc::SIGKILL);
    let (run, output) = run.end();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let outcomes: Vec<&str> = report["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        outcomes.contains(&"crashed") && outcomes.contains(&"ok"),
        "{report:#}"
    );
    run.assert_gone();
}

#[test]
fn a_killed_worker_is_named_in_its_row() {
    let run = Run::start(
        "task = { sleep = \"400ms\" }\ntasks = 4\nrepeat = 1\nmodels = [\"processes\"]",
        &["--json"],
    );
    signal(run.wait_for("worker"), libc::SIGKILL);
    let (run, output) = run.end();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = row(&report, "processes");
    assert_eq!(row["outcome"], "failed", "{row:#}");
    assert!(
        row["why"].as_str().unwrap().contains("killed by signal 9"),
        "{row:#}"
    );
    run.assert_gone();
}

#[test]
fn a_killed_warden_is_told_and_nothing_is_left() {
    let run = Run::start(
        "task = { sleep = \"10s\" }\nmodels = [\"processes\"]\nbudget = \"1h\"",
        &["--json"],
    );
    run.wait_for("worker");
    signal(run.wait_for("warden"), libc::SIGKILL);
    let (run, output) = run.end();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        row(&report, "processes")["outcome"],
        "crashed",
        "{report:#}"
    );
    run.assert_gone();
}

#[test]
fn an_interrupt_keeps_what_was_measured_and_leaves_nothing_running() {
    let mut run = Run::start(
        "task = { http = \"1s\" }\ntasks = 2\nmodels = [\"processes\", \"threads\"]\nrepeat = 50\nbudget = \"1h\"",
        &["--json"],
    );
    run.wait_for("worker");
    let start = Instant::now();
    let pid = run.child().id() as i32;
    signal(pid, libc::SIGINT);
    let (run, output) = run.end();
    assert!(start.elapsed() < PATIENCE / 2, "it went on");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), &report["interrupted"]),
        (Some(1), &true.into()),
        "{report:#}"
    );
    run.assert_gone();
}

#[test]
fn when_the_session_is_killed_nothing_survives() {
    let cell = "task = { http = \"30s\" }\ntasks = 3\nmodels = [\"processes\"]\nbudget = \"1h\"\n\
                trial_timeout = \"1h\"";
    let mut run = Run::start(cell, &["--json"]);
    for name in ["worker", "warden", "delay-server", "trial"] {
        run.wait_for(name);
    }
    run.child().kill().unwrap();
    run.child().wait().unwrap();
    run.assert_gone();
}

#[test]
fn when_the_warden_is_killed_what_tasks_have_started_is_gone_too() {
    // In a session of its own, without a parent: only its environment tells whose it was.
    let cell = "task = { run = [\"sh\", \"-c\", \"setsid sleep 1001 & sleep 1002\"] }\ntasks = 2\nrepeat = 1\n\
                models = [\"threads\"]";
    let run = Run::start(cell, &["--json"]);
    for name in ["1001", "1002"] {
        run.wait_for(name);
    }
    signal(run.wait_for("warden"), libc::SIGKILL);
    let (run, _) = run.end();
    run.assert_gone();
}

#[test]
fn tasks_that_wait_for_a_lock_or_a_limit_end_with_their_trial() {
    for bound in [", lock = \"a\" }", " }\nlimits = { run = 1 }"] {
        let (code, report) = answer(&format!(
            "models = [\"threads\", \"processes\", \"async\"]\ntasks = 3\ntrial_timeout = \"700ms\"\n\
             task = {{ run = [\"sleep\", \"1003\"]{bound}"
        ));
        assert_eq!(code, 1);
        for model in ["threads", "processes", "async"] {
            let row = row(&report, model);
            assert_eq!(row["outcome"], "timeout", "{row:#}");
            let why = row["why"].as_str().unwrap();
            assert!(
                why.contains("or raise `trial_timeout` (now 700ms)"),
                "{why}"
            );
        }
    }
}
