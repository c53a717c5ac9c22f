//! Cells and surroundings that mean harm: the answer is short, in time, and says what to do.
//!
//! To add one: a test that runs `conclab run -` with [`run`].

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

/// 20,000 unknown keys; with a syntax error too, which has what else is wrong looked at once more.
#[test]
fn of_very_many_problems_the_first_are_told_and_the_rest_counted() {
    let cell: String = (0..20_000).map(|n| format!("k{n} = 1\n")).collect();
    for cell in [cell.clone(), format!("{cell}oops\n")] {
        let output = run(&cell, &[], &[]);
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("line 100, column 1"), "{told}");
        assert!(!told.contains("line 102, column 1"), "{told}");
        assert!(told.contains("19900 more problems"), "{told}");
        let json = run(&cell, &["--json"], &[]).stdout;
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let diagnostics = json["diagnostics"].as_array().unwrap();
        assert!(
            (101..=102).contains(&diagnostics.len()),
            "{}",
            diagnostics.len()
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
