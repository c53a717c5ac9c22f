//! What the kernel tells its operator: short lines on standard error, where Jupyter servers keep them.
//!
//! `CONCLAB_LOG=off` silences it. At most [`MOST_LINES`] lines are written, so that a peer that sends
//! rubbish can neither fill a disk nor block the kernel on a pipe that nobody reads.

use std::fmt::Arguments;
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};

/// Lines that one kernel writes at most: together well below the 64 KiB that a pipe holds.
const MOST_LINES: u32 = 300;

static LINES: AtomicU32 = AtomicU32::new(0);

/// Writes one line, cut at 200 characters.
pub fn line(text: Arguments<'_>) {
    let number = LINES.fetch_add(1, Ordering::Relaxed);
    if number > MOST_LINES || std::env::var_os("CONCLAB_LOG").is_some_and(|value| value == "off") {
        return;
    }
    let text = match number {
        MOST_LINES => "that was the last message of this kernel: there were too many".to_owned(),
        _ => text.to_string(),
    };
    let text: String = text.chars().take(200).collect();
    // Standard error may be closed; there is nobody left to tell.
    let _ = writeln!(std::io::stderr().lock(), "conclab kernel: {text}");
}
