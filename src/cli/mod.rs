//! The command line: one row a subcommand, and exit codes.
//!
//! To add a subcommand: a row in [`COMMANDS`] and its function, in a file of its own where it is long.

mod check;
mod install;
mod reference;
mod run;

use crate::compute;
use crate::kernel;
use crate::model::worker;
use crate::process::warden;
use crate::service;
use crate::trial::child;
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
        "a check failed, an answer was wrong or a row ended badly",
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
        "--help" | "-h" | "help" => {
            print!("{}", help());
            ExitCode::SUCCESS
        }
        "--version" | "-V" | "version" => {
            println!("conclab {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        _ => match COMMANDS.iter().find(|command| command.name == name) {
            Some(command) => (command.run)(rest),
            None => {
                let known = COMMANDS
                    .iter()
                    .filter(|command| !command.summary.is_empty());
                let meant = crate::describe::nearest(name, known.map(|command| command.name));
                let hint = meant.map_or("see `conclab --help`".to_owned(), |meant| {
                    format!("did you mean `conclab {meant}`?")
                });
                usage(&format!("there is no subcommand `{name}`: {hint}"))
            }
        },
    }
}

/// Complains about the command line.
fn usage(message: &str) -> ExitCode {
    eprintln!("conclab: {message}");
    ExitCode::from(WRONG)
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
    let shown: Vec<&Command> = COMMANDS
        .iter()
        .filter(|command| !command.summary.is_empty())
        .collect();
    let call = |command: &Command| format!("conclab {} {}", command.name, command.arguments);
    let width = shown
        .iter()
        .map(|command| call(command).len())
        .max()
        .unwrap_or(0);
    for command in shown {
        text.push_str(&format!(
            "  {:width$}  {}\n",
            call(command).trim_end(),
            command.summary
        ));
    }
    let codes: Vec<String> = EXIT_CODES
        .iter()
        .map(|(code, meaning)| format!("  {code}  {meaning}\n"))
        .collect();
    text.push_str(&format!(
        "\nExit codes of run:\n{}\nOf check: 0 no claim failed; 1 one did (with --strict: or was not clear); 2 a cell is wrong; 3 the\n\
         environment is.\n",
        codes.concat()
    ));
    text
}
