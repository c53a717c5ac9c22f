//! The reference page is what the tables say, and every example in it is a cell.

use conclab::spec::{self, Session};
use std::fs;
use std::path::Path;
use std::process::Command;

const PAGE: &str = "notebooks/reference.md";

fn printed() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_conclab"))
        .arg("reference")
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_reference_page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let kept = fs::read_to_string(path).unwrap_or_default();
    let printed = printed();
    let differing = printed
        .lines()
        .zip(kept.lines())
        .position(|(new, old)| new != old);
    assert!(
        printed == kept,
        "{PAGE} is not what the tables say (line {}); make it anew:\n    cargo run -- reference > {PAGE}",
        differing.map_or(printed.lines().count().min(kept.lines().count()), |line| {
            line
        }) + 1
    );
}

#[test]
fn every_cell_of_the_reference_is_valid() {
    let page = printed();
    let cells: Vec<&str> = page
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(cells.len() > 30, "{}", cells.len());
    let mut session = Session::default();
    session.remember("first", vec!["task = { count = 5 }".to_owned()]);
    for cell in cells {
        let problems = [
            "",
            "task = { cpu = \"1ms\" }",
            "task = { cpu = \"1ms\" }\ntasks = [1, 2]",
        ]
        .map(|rest| spec::read(&format!("{cell}\n{rest}"), &session).1)
        // What belongs to an experiment, or to a sweep, is read in one.
        .into_iter()
        .min_by_key(Vec::len)
        .unwrap();
        assert_eq!(problems, [], "{cell}");
    }
}

#[test]
fn every_word_is_in_the_reference() {
    let page = printed();
    for entry in conclab::catalog::entries() {
        assert!(
            page.contains(&format!("`{}`", entry.name())),
            "{}",
            entry.name()
        );
        assert!(
            page.contains(&entry.doc().replace('|', "\\|")),
            "{}",
            entry.name()
        );
    }
}

/// The page that people read first.
#[test]
fn words_that_the_readme_teaches_have_help() {
    let readme = include_str!("../../README.md");
    let taught = readme.split("## What you can write").nth(1).unwrap();
    let taught = taught.split("\n## ").next().unwrap();
    let is_word = |word: &&str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || "_-".contains(c))
    };
    let words: Vec<&str> = taught
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(is_word)
        .collect();
    assert!(words.len() >= 30, "{words:?}");
    for word in words.into_iter().chain(["each", "total", "sweep"]) {
        assert!(conclab::catalog::help_markdown(word).is_ok(), "{word}");
    }
}
