//! Cells and surroundings that mean harm: the answer is short, in time, and says what to do.
//!
//! To add one: a test that runs `conclab run -` with [`run`].

use conclab::spec::{Session, read};
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
fn without_a_temporary_folder_the_error_names_it_and_the_remedy() {
    let environment = [("TMPDIR", "/nonexistent/folder")];
    let output = run("task = { count = 1 }", &[], &environment);
    assert_eq!(output.status.code(), Some(3));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("/nonexistent/folder"), "{told}");
    assert!(told.contains("set TMPDIR"), "{told}");
}
