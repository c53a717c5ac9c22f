//! `conclab doctor [--json]`: what this machine can do, a line for each thing, with what to do where one is amiss.
//!
//! Each section is a file with one function that looks and tells. To look at something else: a [`Finding`] there, or
//! a section: its file and a row in [`SECTIONS`].

mod experiments;
mod jupyter;
mod machine;
mod pythons;

use super::output::{print, print_line};
use super::{BROKEN, broken, usage};
use crate::host::interpreters::Found;
use crate::host::{Limits, Machine};
use crate::lab::{Lab, Options};
use crate::process::Stop;
use crate::render;
use crate::units::columns;
use anyhow::Context;
use serde::Serialize;
use serde_json::json;
use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

/// A section's name and what looks.
type Section = (&'static str, fn(&mut Patient) -> Vec<Finding>);

const SECTIONS: &[Section] = &[
    ("Jupyter", jupyter::look),
    ("Machine", machine::look),
    ("Experiments", experiments::look),
    ("Python", pythons::look),
];

/// Columns of a terminal that nobody has made wider.
const WIDTH: usize = 80;
/// Columns of what a finding is about.
const TOPIC_WIDTH: usize = 15;

/// What is looked at.
struct Patient {
    lab: Lab,
    stop: Stop,
    executable: PathBuf,
    /// As they were before the doctor did anything.
    machine: Machine,
    limits: Limits,
    /// Filled by its section.
    found: Found,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Mark {
    /// As it should be.
    Ok,
    /// Works, but the numbers or what can be asked suffer from it.
    Warning,
    /// Not there; experiments can do without.
    Missing,
    /// There, and experiments don't use it; nothing is to be done about it.
    Unused,
    /// Experiments need it, and it doesn't work.
    Broken,
}

impl Mark {
    fn word(self) -> &'static str {
        match self {
            Mark::Ok => "ok",
            Mark::Warning => "warning",
            Mark::Missing => "missing",
            Mark::Unused => "unused",
            Mark::Broken => "BROKEN",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
struct Finding {
    topic: String,
    mark: Mark,
    /// What was found.
    said: String,
    /// What to do; empty where nothing is to be done.
    remedy: String,
}

impl Finding {
    fn ok(topic: &str, said: impl Into<String>) -> Self {
        Self::new(Mark::Ok, topic, said, "")
    }

    fn new(mark: Mark, topic: &str, said: impl Into<String>, remedy: impl Into<String>) -> Self {
        Finding {
            topic: topic.to_owned(),
            mark,
            said: said.into(),
            remedy: remedy.into(),
        }
    }

    /// Its lines in a terminal.
    fn text(&self) -> String {
        let start = format!("  {:7}  {:TOPIC_WIDTH$}  ", self.mark.word(), self.topic);
        let indent = " ".repeat(columns(&start));
        let said = render::wrap(&self.said, &indent, columns(&start), WIDTH);
        let mut text = format!("{start}{said}\n");
        if !self.remedy.is_empty() {
            let more = format!("{indent}  ");
            let remedy = render::wrap(&self.remedy, &more, columns(&more), WIDTH);
            text.push_str(&format!("{indent}→ {remedy}\n"));
        }
        text
    }
}

/// Looks at everything.
pub fn main(arguments: &[String]) -> ExitCode {
    let json = match arguments {
        [] => false,
        [flag] if flag == "--json" => true,
        _ => return usage("usage: conclab doctor [--json]"),
    };
    examine(json).unwrap_or_else(|error| broken(&error))
}

fn examine(json: bool) -> anyhow::Result<ExitCode> {
    let executable = env::current_exe().context("finding conclab's own executable")?;
    let lab = Lab::new(Options {
        executable: executable.clone(),
        static_output: true,
    });
    let mut patient = Patient {
        stop: lab.interrupter().stop(),
        lab,
        executable,
        machine: Machine::read(),
        limits: Limits::read(),
        found: Found::default(),
    };
    let mut findings: Vec<(&str, Finding)> = Vec::new();
    for (section, look) in SECTIONS {
        let found = look(&mut patient);
        if !json {
            let lines: String = found.iter().map(Finding::text).collect();
            print(format_args!("{section}\n{lines}\n"))?;
        }
        findings.extend(found.into_iter().map(|finding| (*section, finding)));
    }
    let count = |mark: Mark| {
        findings
            .iter()
            .filter(|(_, found)| found.mark == mark)
            .count()
    };
    let broken = count(Mark::Broken);
    if json {
        let findings: Vec<_> = findings
            .iter()
            .map(|(section, found)| {
                json!({
                    "section": section, "topic": found.topic, "mark": found.mark,
                    "said": found.said, "remedy": found.remedy,
                })
            })
            .collect();
        print_line(format_args!(
            "{:#}",
            json!({
                "ready": broken == 0,
                "findings": findings,
                "machine": patient.machine,
                "limits": patient.limits,
                "interpreters": patient.found.interpreters,
                "refused": patient.found.refused,
            })
        ))?;
    } else {
        print_line(summary(broken, count(Mark::Warning) + count(Mark::Missing)))?;
    }
    Ok(match broken {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(BROKEN),
    })
}

fn summary(broken: usize, remarks: usize) -> String {
    let start = match broken {
        0 => "Experiments run here.".to_owned(),
        1 => "Experiments do not run here: one thing is broken.".to_owned(),
        more => format!("Experiments do not run here: {more} things are broken."),
    };
    match remarks {
        0 => start,
        1 => format!("{start} One remark beside that."),
        more => format!("{start} {more} remarks beside that."),
    }
}
