//! A session: cells come in, answers go out. Parse, plan, run, analyse, render, telling what happens.
//!
//! The kernel and the command line both sit on [`Lab`]; neither knows how a cell is answered, and this
//! module knows neither sockets nor terminals.

use crate::process::{Interrupt, Stop};
use crate::render::Bundle;
use std::path::PathBuf;

/// What happens while a cell runs, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// How far it is; sent between trials only, at most a few times a second.
    Progress(Progress),
    /// A part of the answer, ready to display.
    Output(Bundle),
    /// Plain text of the answer, as a stream.
    Text(String),
}

/// How far a cell is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Trials done.
    pub done: u32,
    /// Trials to do.
    pub total: u32,
    /// What runs now, or the one-line summary at the end.
    pub label: String,
    /// Whether this is the last one.
    pub finished: bool,
}

/// How a cell ended; its outputs have been sent as events.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It was answered.
    Ok,
    /// It could not be: one line, and the whole story.
    Error {
        /// Kind of error: `"CellError"` where the text is wrong, `"EnvironmentError"` where the machine is.
        name: String,
        /// One line.
        value: String,
        /// Everything, line by line.
        traceback: Vec<String>,
    },
    /// It was interrupted; what was measured has been shown.
    Interrupted,
}

/// What a session needs to know of where it runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The conclab executable: warden, trials and workers re-execute it.
    pub executable: PathBuf,
    /// Send figures as PNG and plain text only.
    pub static_output: bool,
}

/// A session.
pub struct Lab {
    options: Options,
    interrupt: Interrupt,
}

impl Lab {
    /// A session with nothing in it. Starts no process.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            interrupt: Interrupt::default(),
        }
    }

    /// What interrupts this session's cells: from any thread, at any time.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter {
            interrupt: self.interrupt.clone(),
        }
    }

    /// Runs one cell and tells what happens. `stop` was made when the request was received.
    pub fn run_cell(&mut self, cell: &str, stop: &Stop, tell: &mut dyn FnMut(Event)) -> Answer {
        let _ = (cell, stop, tell, &self.options);
        Answer::Ok
    }
}

/// Interrupts a session from another thread.
#[derive(Clone)]
pub struct Interrupter {
    interrupt: Interrupt,
}

impl Interrupter {
    /// A stop for a request that is received now.
    pub fn stop(&self) -> Stop {
        self.interrupt.stop()
    }

    /// Stops every cell received so far, and kills the trial that runs.
    pub fn interrupt(&self) {
        self.interrupt.raise();
    }
}
