//! Cells and surroundings that mean harm: the answer is short, in time, and says what to do.
//!
//! To add one: a test that runs `conclab run -` with [`run`].

use conclab::host::{Limits, Machine};
use conclab::plan::{self, RowId};
use conclab::spec::{self, Cell, Session, read};
use std::io::Write;
use std::process::{Command, Output, Stdio};

fn run(cell: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_conclab"))
        .args(["run", "-"])
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = process.stdin.take().unwrap();
    input.write_all(cell.as_bytes()).unwrap();
    drop(input);
    process.wait_with_output().unwrap()
}

/// Unknown keys; with a syntax error too, which is told beside the first of them.
#[test]
fn of_very_many_problems_the_first_are_told() {
    let cell: String = (0..5_000).map(|n| format!("k{n} = 1\n")).collect();
    for (cell, diagnostics) in [(cell.clone(), 101), (format!("{cell}oops\n"), 102)] {
        let output = run(&cell, &[], &[]);
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            told.starts_with("more than 100 problems in this cell"),
            "{told}"
        );
        assert!(told.contains("line 101, column 1"), "{told}");
        assert!(!told.contains("line 102, column 1"), "{told}");
        let json = run(&cell, &["--json"], &[]).stdout;
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["diagnostics"].as_array().unwrap().len(), diagnostics);
    }
}

/// The same of lists and tables: what is beyond the first problems is not even looked at.
#[test]
fn of_long_lists_of_mistakes_the_first_are_told() {
    let many = |item: &str| vec![item; 2_000].join(", ");
    let keys: Vec<String> = (0..2_000).map(|n| format!("x{n} = 1")).collect();
    let keys = keys.join(", ");
    for value in [
        format!("models = [{}]", many("\"thraeds\"")),
        format!("plot = [{}]", many("\"wlal\"")),
        format!("check = [{}]", many("\"wlal(threads) < 1s\"")),
        format!("tasks = [{}]", many("0")),
        format!("limits = {{ {keys} }}"),
    ] {
        let cell = format!("task = {{ cpu = \"1ms\" }}\n{value}");
        let (_, problems) = read(&cell, &Session::default());
        assert_eq!(problems.len(), 101, "{:?}", &problems[..3]);
    }
    for task in [
        format!("[{}]", many("{ slep = 1 }")),
        format!("{{ cpu = \"1ms\", {keys} }}"),
        format!("{{ sleep = {{ each = [{}] }} }}", many("1")),
    ] {
        let (_, problems) = read(&format!("task = {task}"), &Session::default());
        assert_eq!(problems.len(), 101, "{:?}", &problems[..3]);
    }
}

/// `conclab … | head -1`: the reader goes before all is written.
#[test]
fn a_reader_that_leaves_is_no_failure() {
    for arguments in [
        &["reference"][..],
        &["--help"],
        &["run", "--help"],
        &["check", "/dev/null"],
    ] {
        let mut process = Command::new(env!("CARGO_BIN_EXE_conclab"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(process.stdout.take());
        let output = process.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            (output.status.code(), told.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_complaint_about_a_huge_value_is_short() {
    let cell = format!("task = {{ sleep = \"{}ü\" }}", "ü".repeat(1_000_000));
    let output = run(&cell, &[], &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.chars().count() < 5_000, "{}", told.len());
    assert!(told.contains("write a number and its unit"), "{told}");
}

#[test]
fn a_huge_cell_is_refused_at_once() {
    let output = run(&"a = [1]\n".repeat(1 << 20), &[], &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("a cell of 8 MiB is larger than 4 MiB"),
        "{told}"
    );
    assert!(told.len() < 1_000, "{}", told.len());
}

#[test]
fn without_a_temporary_folder_the_error_names_it_and_the_remedy() {
    let environment = [("TMPDIR", "/nonexistent/folder")];
    let output = run("task = { count = 1 }", &[], &environment);
    assert_eq!(output.status.code(), Some(3));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("/nonexistent/folder"), "{told}");
    assert!(told.contains("set TMPDIR"), "{told}");
}

/// Why the first row of a cell must not start on a machine without other limits than its CPUs.
fn refused(cell: &str, usable_cpus: u32) -> Option<String> {
    let (parsed, diagnostics) = spec::read(cell, &Session::default());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let Some(Cell::Experiment(experiment)) = parsed else {
        panic!("no experiment");
    };
    let machine = Machine {
        usable_cpus,
        ..Machine::default()
    };
    let row = RowId {
        series: 0,
        point: 0,
    };
    plan::refusal(&experiment, row, &machine, &Limits::default())
}

#[test]
fn computing_that_cannot_end_in_time_is_refused_where_it_cannot_be_shared_out() {
    let cell = |model: &str, tasks: u64| {
        format!("task = {{ cpu = \"10ms\" }}\ntasks = {tasks}\nmodels = [\"{model}\"]")
    };
    let why = refused(&cell("sequential", 10_000_000), 8).unwrap();
    assert!(why.contains("computing alone takes about 27.8 h"), "{why}");
    assert!(
        !why.contains("or set"),
        "no cell can allow more than a day: {why}"
    );
    let why = refused(&cell("sequential", 6_000), 8).unwrap();
    assert!(
        why.contains("about 60 s a run, and `trial_timeout` is 30 s"),
        "{why}"
    );
    assert!(why.contains("or set `trial_timeout = \"2m\"`"), "{why}");
    assert!(refused(&cell("async", 6_000), 8).is_some(), "one thread");
    assert_eq!(refused(&cell("thread-pool", 6_000), 8), None, "eight cores");
    assert_eq!(refused(&cell("hybrid", 6_000), 8), None);
    assert!(refused(&cell("thread-pool", 6_000), 1).is_some());
    assert_eq!(
        refused(&cell("sequential", 3_500), 8),
        None,
        "too near to be sure"
    );
    let locked = "task = { cpu = \"10ms\", lock = \"a\" }\ntasks = 6_000\nmodels = [\"threads\"]";
    assert!(refused(locked, 8).is_some());
    let budget = "task = { cpu = \"1s\" }\ntasks = 8\nbudget = \"2s\"\nmodels = [\"sequential\"]";
    let why = refused(budget, 2).unwrap();
    assert!(why.contains("`budget` is 2 s"), "{why}");
}

#[test]
fn groups_that_run_side_by_side_wait_side_by_side() {
    let cell = |model: &str| {
        let group = |n| format!("{{ name = \"g{n}\", task = {{ sleep = \"10s\" }} }}");
        let groups: Vec<String> = (0..4).map(group).collect();
        format!(
            "mix = [{}]\nmodels = [\"{model}\"]\nbudget = \"10m\"",
            groups.join(", ")
        )
    };
    assert_eq!(refused(&cell("threads"), 2), None);
    let why = refused(&cell("sequential"), 2).unwrap();
    assert!(why.contains("waits alone take 40 s"), "{why}");
}

/// On a busy machine an interrupt can come before the warden has read the start: both are read at once.
#[test]
fn a_warden_that_is_told_to_start_and_to_kill_in_one_breath_does_both() {
    use conclab::process::warden::{Command as Order, Message};
    use conclab::process::{End, Launch, Watch};
    use std::io::{BufRead, BufReader};
    let mut warden = Command::new(env!("CARGO_BIN_EXE_conclab"))
        .arg("warden")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answers = BufReader::new(warden.stdout.take().unwrap()).lines();
    let mut answer = || serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
    let Message::Ready { directory } = answer() else {
        panic!("not ready");
    };
    let start = Order::Start(Launch {
        argv: vec!["sleep".to_owned(), "20".to_owned()],
        directory,
        stdin: String::new(),
        timeout_ns: 10_000_000_000,
        memory_limit_bytes: u64::MAX,
        watch: Watch::Nothing,
    });
    let line = |order: &Order| format!("{}\n", serde_json::to_string(order).unwrap());
    let orders = [line(&start), line(&Order::Kill), line(&Order::Kill)].concat();
    let mut input = warden.stdin.take().unwrap();
    input.write_all(orders.as_bytes()).unwrap();
    let Message::Ended(ended) = answer() else {
        panic!("another answer");
    };
    assert_eq!(ended.end, End::Interrupted);
    drop(input);
    assert!(warden.wait().unwrap().success());
}

#[test]
fn without_descriptors_the_error_says_how_to_have_more() {
    let script = "ulimit -n \"$1\"; exec \"$2\" run -";
    for most in ["5", "10"] {
        let output = Command::new("sh")
            .args(["-c", script, "sh", most, env!("CARGO_BIN_EXE_conclab")])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        // An empty cell needs no trial: what it needs may be there.
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.success() || told.contains("ulimit -n"),
            "{told}"
        );
    }
    let mut process = Command::new("sh")
        .args(["-c", script, "sh", "10", env!("CARGO_BIN_EXE_conclab")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = process.stdin.take().unwrap();
    input.write_all(b"task = { count = 1 }").unwrap();
    drop(input);
    let output = process.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("ulimit -n"), "{told}");
}

#[test]
fn a_cell_of_a_session_shows_no_markup_of_its_writer() {
    use conclab::lab::{Event, Lab, Options};
    let mut lab = Lab::new(Options {
        executable: env!("CARGO_BIN_EXE_conclab").into(),
        static_output: false,
    });
    let script = "<script>alert(1)</script>";
    let experiment = |name: &str| {
        format!(
            "name = \"{name}\"\ntitle = \"{script}\"\ntask = {{ run = [\"a\\n\\n{script}\"] }}\nrepeat = 3\n\
             models = [{{ model = \"sequential\", label = \"{script}\" }}]"
        )
    };
    for cell in [
        experiment("a"),
        experiment("b"),
        "show = \"results\"".to_owned(),
        "compare = [\"a\", \"b\"]".to_owned(),
    ] {
        let stop = lab.interrupter().stop();
        let mut shown = 0;
        lab.run_cell(&cell, &stop, &mut |event| {
            let Event::Output(bundle) = event else { return };
            for form in ["text/html", "text/markdown"] {
                let text = bundle.data.get(form).and_then(|text| text.as_str());
                let text = text.unwrap_or("");
                shown += usize::from(text.contains("alert(1)"));
                // In a line's code nothing is markup; behind an empty line it would be no code any more.
                let bare: Vec<&str> = text.split('`').step_by(2).collect();
                assert!(!bare.concat().contains("<script>"), "{form}: {text}");
                let code: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
                assert!(
                    code.iter().all(|code| !code.contains("\n\n")),
                    "{form}: {text}"
                );
            }
        });
        assert!(shown > 0, "{cell}");
    }
}
