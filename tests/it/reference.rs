//! The reference page is what the tables say, and every example in it is a cell.

use conclab::spec;
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
    for cell in cells {
        let alone = spec::read(cell, &spec::Defaults::default()).1;
        // What belongs to an experiment is read in one.
        let problems = match alone.is_empty() {
            true => alone,
            false => {
                spec::read(
                    &format!("{cell}task = {{ cpu = \"1ms\" }}"),
                    &spec::Defaults::default(),
                )
                .1
            }
        };
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
