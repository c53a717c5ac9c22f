//! The kernel's end of the warden.
use super::{Ended, Launch, Stop};
use std::io;
use std::path::{Path, PathBuf};

/// The kernel's handle of its warden process.
pub struct Warden {
    directory: PathBuf,
}

impl Warden {
    /// Starts the warden: `executable warden`.
    pub fn start(executable: &Path) -> io::Result<Warden> {
        let _ = executable;
        Ok(Warden {
            directory: PathBuf::new(),
        })
    }
    /// A private folder, removed when the warden ends.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
    /// Runs a process to its end; blocks without polling.
    pub fn run(&self, launch: &Launch, stop: &Stop) -> Ended {
        let _ = (launch, stop);
        todo!()
    }
    /// Starts (once) a long-lived service and returns the first line that it printed.
    pub fn service(&self, argv: &[String]) -> io::Result<String> {
        let _ = argv;
        todo!()
    }
    /// Kills whatever trial runs, with its whole tree; from any thread.
    pub fn kill(&self) {}
}
