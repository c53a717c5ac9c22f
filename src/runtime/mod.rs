//! What executes a task's operations. A model asks the runtime before it computes and before it waits.
//!
//! Native code needs no leave for either; a runtime with an interpreter lock takes the lock before it
//! computes and gives it up before it waits. To add a runtime: a variant here and its arms below.

use serde::{Deserialize, Serialize};

/// What executes operations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// Rust, compiled: threads compute at the same time.
    Native,
}

impl Runtime {
    /// As a cell writes it.
    pub fn name(&self) -> &str {
        match self {
            Runtime::Native => "native",
        }
    }

    /// Runs something that computes.
    pub fn compute<T>(&self, work: impl FnOnce() -> T) -> T {
        match self {
            Runtime::Native => work(),
        }
    }

    /// Runs something that waits.
    pub fn wait<T>(&self, work: impl FnOnce() -> T) -> T {
        match self {
            Runtime::Native => work(),
        }
    }
}
