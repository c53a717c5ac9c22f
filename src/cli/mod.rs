//! The command line: one row a subcommand, and exit codes.
//!
//! To add a subcommand: a row in [`COMMANDS`] and its function, in a file of its own where it is long.

use crate::compute;
use crate::kernel;
use crate::model::worker;
use crate::process::warden;
use crate::service;
use crate::trial::child;
use std::process::ExitCode;

/// A subcommand: its name and its function.
type Command = (&'static str, fn(&[String]) -> ExitCode);

const COMMANDS: &[Command] = &[
    ("kernel", kernel::main),
    ("warden", |_| warden::main()),
    ("trial", |_| child::main()),
    ("worker", worker::main),
    ("delay-server", |_| service::main()),
    ("calibrate", |_| compute::calibrate_main()),
];

/// Runs the command line; the first argument is the subcommand.
pub fn main(arguments: &[String]) -> ExitCode {
    let (name, rest) = arguments
        .split_first()
        .map_or(("", &[][..]), |(name, rest)| (name, rest));
    match COMMANDS.iter().find(|(known, _)| *known == name) {
        Some((_, run)) => run(rest),
        None => ExitCode::from(2),
    }
}
