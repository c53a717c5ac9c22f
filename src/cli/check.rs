//! `conclab check PATH… [--strict]`: runs notebooks and cell files, and reports their claims alone.
//!
//! A notebook's code cells run in order in one session; a cell file is a session of its own. To read
//! another kind of file: a row in [`KINDS`].

use super::{BROKEN, WRONG, usage};
use crate::analysis::CheckResult;
use crate::lab::{Answer, Event, Lab, Options};
use anyhow::Context;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

/// Exit code where a claim failed.
const FAILED: u8 = 1;

/// A cell of a file: what it is called in the report, its text, and whether it is meant to be wrong.
struct CellText {
    name: String,
    text: String,
    may_fail: bool,
}

/// Reads a file's cells; `None` with a reason where it is none of conclab's.
type ReadCells = fn(&str) -> anyhow::Result<Result<Vec<CellText>, String>>;

/// Extensions and how their files are read.
const KINDS: &[(&str, ReadCells)] = &[("ipynb", notebook), ("toml", cell_file)];

/// Files that folders of code have, and that are no cells.
const OTHER_TOML: [&str; 5] = [
    "Cargo.toml",
    "pyproject.toml",
    "rustfmt.toml",
    "clippy.toml",
    "rust-toolchain.toml",
];

/// How many claims came out how.
#[derive(Default)]
struct Tally {
    ok: usize,
    failed: usize,
    unclear: usize,
    wrong: usize,
    files: usize,
}

/// Runs what the paths name.
pub fn main(arguments: &[String]) -> ExitCode {
    let (mut paths, mut strict) = (Vec::new(), false);
    for argument in arguments {
        match argument.as_str() {
            "--strict" => strict = true,
            flag if flag.starts_with("--") => {
                return usage(&format!(
                    "check has no option {flag}; usage: conclab check PATH… [--strict]"
                ));
            }
            path => paths.push(PathBuf::from(path)),
        }
    }
    if paths.is_empty() {
        return usage(
            "usage: conclab check PATH… [--strict]; a PATH is a notebook, a cell file or a folder",
        );
    }
    match check(&paths) {
        Ok(tally) => {
            println!("{}", summary(&tally));
            exit_code(&tally, strict)
        }
        Err(error) => {
            eprintln!("conclab: {error:#}{}", super::remedy(&error));
            ExitCode::from(BROKEN)
        }
    }
}

fn exit_code(tally: &Tally, strict: bool) -> ExitCode {
    if tally.wrong > 0 {
        ExitCode::from(WRONG)
    } else if tally.failed > 0 || (strict && tally.unclear > 0) {
        ExitCode::from(FAILED)
    } else {
        ExitCode::SUCCESS
    }
}

fn summary(tally: &Tally) -> String {
    let count = |count: usize, noun: &str| match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    };
    let claims = tally.ok + tally.failed + tally.unclear;
    let mut text = format!(
        "{} in {}: {} ok, {} FAILED, {} not clear",
        count(claims, "claim"),
        count(tally.files, "file"),
        tally.ok,
        tally.failed,
        tally.unclear
    );
    if tally.wrong > 0 {
        text.push_str(&format!(
            "; {} could not be run",
            count(tally.wrong, "cell")
        ));
    }
    text
}

fn check(paths: &[PathBuf]) -> anyhow::Result<Tally> {
    let mut files = Vec::new();
    for path in paths {
        match path.is_dir() {
            true => {
                walk(path, &mut files).with_context(|| format!("reading {}", path.display()))?
            }
            // Named by hand: read it whatever it is called.
            false => files.push(path.clone()),
        }
    }
    let executable = env::current_exe().context("finding conclab's own executable")?;
    let mut tally = Tally::default();
    for file in files {
        let text =
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let extension = file.extension().and_then(|extension| extension.to_str());
        let kind = KINDS.iter().find(|(known, _)| Some(*known) == extension);
        let read = kind.map_or(cell_file as ReadCells, |(_, read)| *read);
        let cells = match read(&text).with_context(|| format!("reading {}", file.display()))? {
            Ok(cells) => cells,
            Err(why) => {
                println!("{}: left out, {why}", file.display());
                continue;
            }
        };
        tally.files += 1;
        let lab = Lab::new(Options {
            executable: executable.clone(),
            static_output: true,
        });
        session(lab, &file, &cells, &mut tally)?;
    }
    Ok(tally)
}

/// Notebooks and cell files below a folder, in the order of their names.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    entries.sort();
    for path in entries {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or(".");
        if name.starts_with('.') || OTHER_TOML.contains(&name) {
            continue;
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() && !path.is_symlink() {
            walk(&path, files)?;
        } else if KINDS.iter().any(|(known, _)| Some(*known) == extension) {
            files.push(path);
        }
    }
    Ok(())
}

/// Runs a file's cells in one session and prints a line for each claim.
fn session(mut lab: Lab, file: &Path, cells: &[CellText], tally: &mut Tally) -> anyhow::Result<()> {
    for cell in cells {
        let place = match cell.name.is_empty() {
            true => file.display().to_string(),
            false => format!("{}, {}", file.display(), cell.name),
        };
        let answered = lab.reports().count();
        let stop = lab.interrupter().stop();
        let answer = lab.run_cell(&cell.text, &stop, &mut |_: Event| {});
        match answer {
            Answer::Ok => {}
            Answer::Interrupted => anyhow::bail!("interrupted at {place}"),
            Answer::Error { name, value, .. } if name == "EnvironmentError" => {
                anyhow::bail!("{place}: {value}")
            }
            Answer::Error { .. } if cell.may_fail => {}
            Answer::Error { traceback, .. } => {
                tally.wrong += 1;
                println!("{place}: the cell is wrong");
                for line in traceback.iter().skip(1).filter(|line| !line.is_empty()) {
                    println!("  {line}");
                }
                if traceback.len() == 1 {
                    println!("  {}", traceback[0]);
                }
            }
        }
        for report in lab.reports().skip(answered) {
            for check in &report.checks {
                match check.result {
                    CheckResult::Ok => tally.ok += 1,
                    CheckResult::Failed => tally.failed += 1,
                    CheckResult::NotClear => tally.unclear += 1,
                }
                let result = check.result.text();
                println!("{result:9}  {place}: {}", check.claim);
                if check.result != CheckResult::Ok {
                    println!("{:9}  {}", "", check.why);
                }
            }
        }
    }
    Ok(())
}

/// The code cells of a notebook that is conclab's.
fn notebook(text: &str) -> anyhow::Result<Result<Vec<CellText>, String>> {
    let notebook: Value = serde_json::from_str(text).context("it is no notebook")?;
    let kernel = notebook["metadata"]["kernelspec"]["name"]
        .as_str()
        .unwrap_or("");
    if kernel != "conclab" {
        return Ok(Err(match kernel {
            "" => "it names no kernel".to_owned(),
            kernel => format!("its kernel is {kernel}"),
        }));
    }
    let cells = notebook["cells"].as_array().context("it has no cells")?;
    let code = cells
        .iter()
        .enumerate()
        .filter(|(_, cell)| cell["cell_type"] == "code");
    let code = code.map(|(index, cell)| {
        let tags = cell["metadata"]["tags"].as_array();
        CellText {
            name: format!("cell {}", index + 1),
            text: source(&cell["source"]),
            // What Jupyter's own tools make of such a cell.
            may_fail: tags.is_some_and(|tags| tags.iter().any(|tag| tag == "raises-exception")),
        }
    });
    Ok(Ok(code.collect()))
}

/// A notebook keeps text whole, or in lines.
fn source(source: &Value) -> String {
    match source {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().unwrap_or("").to_owned(),
    }
}

fn cell_file(text: &str) -> anyhow::Result<Result<Vec<CellText>, String>> {
    Ok(Ok(vec![CellText {
        name: String::new(),
        text: text.to_owned(),
        may_fail: false,
    }]))
}
