//! What operations do outside their own process: requests, files, queries, programs. Blocking, and for an
//! event loop where the system or the library has a way to wait there.
//!
//! Interpreters call it; it knows neither operations' modifiers nor models. To add something: a file here
//! with a blocking function and, where there is one, a non-blocking one; what must exist before the clock
//! starts is a line of [`prepare`].

pub mod command;
mod connections;
pub mod files;
pub mod http;
pub mod postgres;
pub mod sqlite;
pub mod url;

pub use connections::Connections;

use crate::program::{Code, Op, Program};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where tasks find what they use outside themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The loopback delay server, where the program needs it.
    pub delay_server: Option<SocketAddr>,
    /// A fresh private folder for files; removed after the trial.
    pub directory: PathBuf,
    /// Where the cell's author works (the notebook's folder): programs are run there.
    pub home: PathBuf,
    /// The executable that workers re-execute (never the running test's own).
    pub executable: PathBuf,
    /// Connections that this process keeps open between requests; every process has its own.
    #[serde(skip)]
    pub connections: Connections,
}

/// What a query is, evaluated for one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// One that takes this many nanoseconds.
    Time(u64),
    /// SQL.
    Sql(String),
}

/// Makes what the program's tasks expect to find: the file that they read, the database that they query.
///
/// Called once, by the trial's own process, before its clock starts.
///
/// # Errors
/// A sentence, where the disk doesn't let it.
pub fn prepare(program: &Program, site: &Site) -> Result<(), String> {
    let mut read_bytes = None;
    let mut has_queries = false;
    let mut codes = Vec::new();
    for group in &program.groups {
        for op in &group.ops {
            op.walk(1, &mut |op, _| match op {
                Op::Read { bytes } => {
                    read_bytes = read_bytes.max(Some(bytes.largest(group.tasks)));
                }
                Op::Query { database: None, .. } => has_queries = true,
                Op::Python { code } => codes.push(code.clone()),
                _ => {}
            });
        }
    }
    if let Some(bytes) = read_bytes {
        files::write(&files::to_read(&site.directory), bytes, false)
            .map_err(|error| format!("before the clock, {error}"))?;
    }
    if has_queries {
        sqlite::create(&site.directory)?;
    }
    codes.iter().try_for_each(|code| module(code, site))
}

/// Makes the module of the author's own Python, or sees that there is one.
fn module(code: &Code, site: &Site) -> Result<(), String> {
    match code {
        Code::Text { text, line, module } => {
            let file = site.directory.join(format!("{module}.py"));
            // So that the interpreter's line numbers are those of the cell.
            let above = "\n".repeat(line.saturating_sub(1) as usize);
            std::fs::write(&file, format!("{above}{text}\n"))
                .map_err(|error| format!("the module of the cell could not be written: {error}"))
        }
        Code::File { path, .. } => match std::fs::metadata(path) {
            Ok(file) if file.is_file() => Ok(()),
            Ok(_) => Err(format!("{} is no file", path.display())),
            Err(error) => Err(format!(
                "{} can't be read: {error}; paths are relative to the notebook's folder",
                path.display()
            )),
        },
    }
}
