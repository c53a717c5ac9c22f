//! The text of a cell becomes an experiment, or diagnostics. Parsing never fails and never acts.
//!
//! To add a key of a cell: a row in `keys.rs` and the lines that resolve it.

use crate::diagnostic::Diagnostic;
use crate::experiment::Experiment;

/// What a cell asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing but blanks and comments.
    Empty,
    /// Something to run.
    Experiment(Box<Experiment>),
    /// Values for the later cells of the session.
    Defaults(Defaults),
    /// `show = "…"`: one of the fixed words, or the name of an earlier experiment.
    Show(String),
    /// `help = "…"`; empty for the overview.
    Help(String),
}

/// Values that an earlier cell set for the later ones: the text of each key's value, as TOML.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults {
    /// Key and value.
    pub values: Vec<(String, String)>,
}

/// Reads a cell. All problems at once; an experiment or a command only where there is none.
pub fn read(text: &str, defaults: &Defaults) -> (Option<Cell>, Vec<Diagnostic>) {
    let _ = (text, defaults);
    (None, Vec::new())
}
