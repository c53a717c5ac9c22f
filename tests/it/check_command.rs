//! `conclab check` and the exit code of `conclab run`, on real processes and small tasks.

use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A folder of its own, removed with everything in it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let path = std::env::temp_dir().join(format!("conclab-test-{}", uuid::Uuid::new_v4()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Exit code and output of `conclab` in this folder.
    fn conclab(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_conclab"))
            .args(arguments)
            .current_dir(&self.0)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), text + &errors)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn notebook(kernel: &str, cells: &[(&str, &[&str], Value)]) -> String {
    let cells: Vec<Value> = cells
        .iter()
        .map(|(kind, tags, source)| {
            json!({ "cell_type": kind, "metadata": { "tags": tags }, "source": source, "outputs": [] })
        })
        .collect();
    json!({ "nbformat": 4, "cells": cells, "metadata": { "kernelspec": { "name": kernel } } })
        .to_string()
}

/// An experiment of a moment that claims this.
fn cell(claim: &str) -> String {
    format!(
        "task = {{ sleep = \"1ms\" }}\ntasks = 2\nmodels = [\"sequential\", \"threads\"]\ncheck = '{claim}'\n"
    )
}

const TRUE: &str = "succeeded(threads) == 2";
const FALSE: &str = "failed(threads) > 0";

#[test]
fn folders_are_walked_and_claims_are_told_by_file_and_cell() {
    let folder = Folder::new();
    // One run proves nothing about times: that claim is not clear, whatever the machine.
    let lines = json!([
        "task = { sleep = \"1ms\" }\n",
        "check = [\"wall(async) < wall(threads)\", \"lost(async) > 1\"]"
    ]);
    folder.write(
        "a/lesson.ipynb",
        &notebook(
            "conclab",
            &[
                ("markdown", &[], json!("# A lesson")),
                ("code", &["parameters"], json!("repeat = 1")),
                ("code", &[], lines),
                ("code", &["raises-exception"], json!("tsak = 1")),
                ("code", &[], json!("show = \"version\"")),
                ("code", &[], json!(cell(TRUE))),
            ],
        ),
    );
    folder.write("b.toml", &cell(TRUE));
    folder.write(
        "c.ipynb",
        &notebook("python3", &[("code", &[], json!("print(1)"))]),
    );
    folder.write("Cargo.toml", "[package]\nname = \"x\"\n");
    folder.write(".ipynb_checkpoints/b.toml", "nonsense");
    folder.write("notes.txt", "nonsense");
    let (code, text) = folder.conclab(&["check", "."]);
    let (numbers, lines): (Vec<&str>, Vec<&str>) = text
        .lines()
        .partition(|line| line.ends_with("from 1 run alone: too few to tell"));
    assert_eq!(numbers.len(), 1, "{text}");
    assert_eq!(
        lines,
        [
            "not clear  ./a/lesson.ipynb, cell 3: wall(async) < wall(threads)",
            "not clear  ./a/lesson.ipynb, cell 3: lost(async) > 1",
            "           `lost` was not recorded for async",
            "ok         ./a/lesson.ipynb, cell 6: succeeded(threads) == 2",
            "ok         ./b.toml: succeeded(threads) == 2",
            "./c.ipynb: left out, its kernel is python3",
            "4 claims in 2 files: 2 ok, 0 FAILED, 2 not clear",
        ]
    );
    assert_eq!(code, 0);
    assert_eq!(folder.conclab(&["check", "--strict", "a"]).0, 1);
    assert_eq!(folder.conclab(&["check", "--strict", "b.toml"]).0, 0);
}

#[test]
fn exit_codes_say_what_went_wrong() {
    let folder = Folder::new();
    folder.write("true.toml", &cell(TRUE));
    folder.write("false.toml", &cell(FALSE));
    folder.write("wrong.toml", &cell("wal(threads) < 1s"));
    folder.write("broken.ipynb", "{");
    let (code, text) = folder.conclab(&["check", "true.toml", "false.toml"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("FAILED     false.toml: failed(threads) > 0\n           0 in all 5 runs\n"),
        "{text}"
    );
    assert!(
        text.ends_with("2 claims in 2 files: 1 ok, 1 FAILED, 0 not clear\n"),
        "{text}"
    );
    let (code, text) = folder.conclab(&["check", "false.toml", "wrong.toml"]);
    assert_eq!(code, 2, "{text}");
    assert!(
        text.contains("wrong.toml: the cell is wrong\n") && text.contains("did you mean `wall`?"),
        "{text}"
    );
    assert!(
        text.ends_with("1 FAILED, 0 not clear; 1 cell could not be run\n"),
        "{text}"
    );
    for environment in ["broken.ipynb", "absent.toml"] {
        let (code, text) = folder.conclab(&["check", environment]);
        assert_eq!(code, 3, "{text}");
        assert!(text.contains(environment), "{text}");
    }
    assert_eq!(folder.conclab(&["check"]).0, 2);
    assert_eq!(folder.conclab(&["check", "--stirct", "true.toml"]).0, 2);
}

#[test]
fn run_fails_with_a_check_and_never_with_a_prediction() {
    let folder = Folder::new();
    folder.write("check.toml", &cell(FALSE));
    folder.write("predict.toml", &cell(FALSE).replace("check =", "predict ="));
    let (code, text) = folder.conclab(&["run", "check.toml"]);
    assert!(
        code == 1 && text.contains("FAILED     failed(threads) > 0\n"),
        "{code} {text}"
    );
    let (code, text) = folder.conclab(&["run", "predict.toml"]);
    let told = "Your prediction \"failed(threads) > 0\": no, it was 0 in all 5 runs.";
    assert!(code == 0 && text.contains(told), "{code} {text}");
    let (code, text) = folder.conclab(&["run", "predict.toml", "--json"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (code, &report["predictions"][0]["result"]),
        (0, &json!("FAILED"))
    );
    assert_eq!(report["checks"], json!([]));
}

#[test]
fn subcommands_print_their_help() {
    let folder = Folder::new();
    for name in [
        "run",
        "check",
        "kernel",
        "install",
        "uninstall",
        "reference",
    ] {
        for arguments in [[name, "--help"], [name, "-h"], ["help", name]] {
            let (code, text) = folder.conclab(&arguments);
            assert_eq!(code, 0, "{text}");
            assert!(text.contains(&format!("\n  conclab {name}")), "{text}");
        }
    }
    let (_, text) = folder.conclab(&["run", "--help"]);
    assert!(
        text.contains("--out DIR") && text.contains("told, not punished"),
        "{text}"
    );
}

/// Where it is asked in a notebook, the cells that follow still run.
#[test]
fn a_word_without_help_is_answered_with_the_nearest() {
    let folder = Folder::new();
    for (word, near) in [
        ("thread_pol", "`help = \"thread-pool\"`"),
        ("sweeps", "`help = \"sweep\"`"),
        ("nothing like it", "the overview"),
    ] {
        folder.write("help.toml", &format!("help = \"{word}\""));
        let (code, text) = folder.conclab(&["run", "help.toml"]);
        assert_eq!(code, 0, "{text}");
        assert!(
            text.contains("there is no help on") && text.contains(near),
            "{text}"
        );
    }
    folder.write("show.toml", "show = \"nothing like it\"");
    assert_eq!(folder.conclab(&["run", "show.toml"]).0, 2);
}
