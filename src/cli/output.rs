//! What subcommands print. A reader that has seen enough (`| head`) closes the pipe; that is no failure.

use std::fmt::Display;
use std::io::{self, Write};

/// Prints to standard output, as it is.
///
/// # Errors
/// What writing says, but for a closed pipe.
pub fn print(text: impl Display) -> io::Result<()> {
    unless_closed(write!(io::stdout().lock(), "{text}"))
}

/// Prints a line to standard output.
///
/// # Errors
/// See [`print`].
pub fn print_line(line: impl Display) -> io::Result<()> {
    print(format_args!("{line}\n"))
}

/// Prints to standard error, as it is; there is nowhere to tell that it failed.
pub fn complain(text: impl Display) {
    let _ = write!(io::stderr().lock(), "{text}");
}

fn unless_closed(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
