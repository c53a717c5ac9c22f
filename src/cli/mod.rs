//! The command line: one row a subcommand, and exit codes.
//!
//! To add a subcommand: a row in [`COMMANDS`] and its function, in a file of its own where it is long.

mod check;
mod doctor;
mod install;
mod output;
mod reference;
mod run;

use crate::compute;
use crate::kernel;
use crate::model::worker;
use crate::process::warden;
use crate::service;
use crate::trial::child;
use output::{complain, print, print_line};
use std::io;
use std::process::ExitCode;

/// Exit code where the cell is wrong or the command line is.
pub const WRONG: u8 = 2;
/// Exit code where the environment broke.
pub const BROKEN: u8 = 3;

/// What `run` exits with.
const EXIT_CODES: &[(u8, &str)] = &[
    (0, "answered"),
    (
        1,
        "a check failed, an answer was wrong, or a row ended in timeout, out of memory, crashed or failed; \
         rows that were not run are told, not punished",
    ),
    (WRONG, "the cell is wrong, or the command line is"),
    (BROKEN, "the environment is broken"),
];

/// A subcommand.
struct Command {
    name: &'static str,
    /// What follows the name; empty for none.
    arguments: &'static str,
    /// One line; empty for those that conclab itself starts.
    summary: &'static str,
    run: fn(&[String]) -> ExitCode,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "run",
        arguments: "FILE.toml [--json] [--out DIR]",
        summary: "run a cell from a file (or - for standard input) and print the answer",
        run: run::main,
    },
    Command {
        name: "check",
        arguments: "PATH… [--strict]",
        summary: "run notebooks and cell files (or folders of them) and report their claims alone",
        run: check::main,
    },
    Command {
        name: "kernel",
        arguments: "-f FILE",
        summary: "answer a Jupyter frontend, as told by its connection file",
        run: kernel::main,
    },
    Command {
        name: "install",
        arguments: "[--user | --sys-prefix | --prefix DIR]",
        summary: "tell Jupyter about this kernel",
        run: install::install,
    },
    Command {
        name: "uninstall",
        arguments: "[--user | --sys-prefix | --prefix DIR]",
        summary: "take it back",
        run: install::uninstall,
    },
    Command {
        name: "doctor",
        arguments: "[--json]",
        summary: "tell what this machine can do, and what to do about the rest",
        run: doctor::main,
    },
    Command {
        name: "reference",
        arguments: "",
        summary: "print every word of the cell language as one Markdown page",
        run: reference::main,
    },
    Command {
        name: "warden",
        arguments: "",
        summary: "",
        run: |_| warden::main(),
    },
    Command {
        name: "trial",
        arguments: "",
        summary: "",
        run: |_| child::main(),
    },
    Command {
        name: "worker",
        arguments: "",
        summary: "",
        run: worker::main,
    },
    Command {
        name: "delay-server",
        arguments: "",
        summary: "",
        run: |_| service::main(),
    },
    Command {
        name: "calibrate",
        arguments: "",
        summary: "",
        run: |_| compute::calibrate_main(),
    },
];

/// Runs the command line; the first argument is the subcommand.
pub fn main(arguments: &[String]) -> ExitCode {
    let (name, rest) = match arguments.split_first() {
        Some((name, rest)) => (name.as_str(), rest),
        None => ("--help", &[][..]),
    };
    match name {
        "--help" | "-h" | "help" => match rest.first().and_then(|name| shown(name)) {
            Some(command) => printed(print(command.help())),
            None => printed(print(help())),
        },
        "--version" | "-V" | "version" => {
            printed(print_line(concat!("conclab ", env!("CARGO_PKG_VERSION"))))
        }
        _ => match COMMANDS.iter().find(|command| command.name == name) {
            Some(command) if command.is_shown() && rest.iter().any(|word| is_help(word)) => {
                printed(print(command.help()))
            }
            Some(command) => (command.run)(rest),
            None => {
                let known = COMMANDS.iter().filter(|command| command.is_shown());
                let meant = crate::describe::nearest(name, known.map(|command| command.name));
                let hint = meant.map_or("see `conclab --help`".to_owned(), |meant| {
                    format!("did you mean `conclab {meant}`?")
                });
                usage(&format!("there is no subcommand `{name}`: {hint}"))
            }
        },
    }
}

fn is_help(word: &str) -> bool {
    matches!(word, "--help" | "-h")
}

/// The subcommand of that name, where it is one for people.
fn shown(name: &str) -> Option<&'static Command> {
    COMMANDS
        .iter()
        .find(|command| command.name == name && command.is_shown())
}

impl Command {
    fn is_shown(&self) -> bool {
        !self.summary.is_empty()
    }

    /// How it is called.
    fn call(&self) -> String {
        format!("conclab {} {}", self.name, self.arguments)
            .trim_end()
            .to_owned()
    }

    /// What `conclab NAME --help` prints.
    fn help(&self) -> String {
        let codes = match self.name {
            "run" => format!("\nExit codes:\n{}", exit_codes()),
            _ => String::new(),
        };
        format!(
            "{}\n\nUsage:\n  {}\n{codes}",
            capitalized(self.summary),
            self.call()
        )
    }
}

/// A sentence of a summary.
fn capitalized(summary: &str) -> String {
    let mut letters = summary.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

fn exit_codes() -> String {
    let row = |(code, meaning): &(u8, &str)| format!("  {code}  {meaning}\n");
    EXIT_CODES.iter().map(row).collect()
}

/// Complains about the command line.
fn usage(message: &str) -> ExitCode {
    complain(format_args!("conclab: {message}\n"));
    ExitCode::from(WRONG)
}

/// Tells that the environment broke.
fn broken(error: &anyhow::Error) -> ExitCode {
    complain(format_args!("conclab: {error:#}{}\n", remedy(error)));
    ExitCode::from(BROKEN)
}

/// How a subcommand ends that only prints.
fn printed(written: io::Result<()>) -> ExitCode {
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => broken(&anyhow::Error::new(error).context("writing to standard output")),
    }
}

/// What to do about an error that says that something has run out; empty where it doesn't.
fn remedy(error: &anyhow::Error) -> &'static str {
    let system = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<std::io::Error>());
    system.map_or("", crate::process::remedy)
}

fn help() -> String {
    let mut text = format!(
        "conclab {}: concurrency experiments, run for real\n\nUsage:\n",
        env!("CARGO_PKG_VERSION")
    );
    let shown = COMMANDS.iter().filter(|command| command.is_shown());
    let calls: Vec<(String, &str)> = shown
        .map(|command| (command.call(), command.summary))
        .collect();
    let width = calls.iter().map(|(call, _)| call.chars().count()).max();
    let width = width.unwrap_or(0);
    for (call, summary) in calls {
        text.push_str(&format!("  {call:width$}  {summary}\n"));
    }
    text.push_str(&format!(
        "\nExit codes of run:\n{}\nOf check: 0 no claim failed; 1 one did (with --strict: or was not clear); 2 a cell is wrong; 3 the\n\
         environment is. Of doctor: 0 experiments run here; 3 something that they need is broken.\n",
        exit_codes()
    ));
    text
}
