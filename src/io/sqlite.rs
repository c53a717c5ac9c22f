//! Queries to an embedded SQLite database: a real file in the trial's folder, in WAL mode.
//!
//! SQLite has no asynchronous interface; an event loop gives these calls to a blocking thread.

use super::{Site, Statement};
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Batch, Connection, Result};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// What makes the table that queries find: `numbers`, with `id` from 1 to 1,000 and `value`, the square of it.
pub const CREATE: &str = "\
CREATE TABLE numbers (id INTEGER PRIMARY KEY, value INTEGER NOT NULL);
INSERT INTO numbers
WITH RECURSIVE row (id) AS (VALUES (1) UNION ALL SELECT id + 1 FROM row WHERE id < 1000)
SELECT id, id * id FROM row;
";
/// How long a writer waits for another one: longer than any trial.
const PATIENCE: Duration = Duration::from_secs(86_400);

fn file(directory: &Path) -> PathBuf {
    directory.join("queries.sqlite")
}

/// Creates the database, by [`CREATE`].
///
/// # Errors
/// A sentence with SQLite's reason.
pub fn create(directory: &Path) -> std::result::Result<(), String> {
    let create = || {
        let connection = open(directory)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.execute_batch(CREATE)
    };
    create().map_err(|error| format!("the database could not be made: {error}"))
}

fn open(directory: &Path) -> Result<Connection> {
    let connection = Connection::open(file(directory))?;
    connection.busy_timeout(PATIENCE)?;
    // What SQLite's own documentation advises for WAL: the file stays whole, commits don't wait for the disk.
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.create_scalar_function("wait_ns", 1, FunctionFlags::SQLITE_UTF8, |context| {
        let time_ns: i64 = context.get(0)?;
        thread::sleep(Duration::from_nanos(time_ns.unsigned_abs()));
        Ok(time_ns)
    })?;
    Ok(connection)
}

/// Runs a query on a connection of its own, an idle one or a new one. The result is the time, or how many
/// rows came back or were changed.
///
/// # Errors
/// A sentence with SQLite's reason.
pub fn query(site: &Site, statement: &Statement) -> std::result::Result<u64, String> {
    let pool = &site.connections.open().sqlite;
    let run = || {
        let connection = match pool.take("") {
            Some(connection) => connection,
            None => open(&site.directory)?,
        };
        let result = match statement {
            Statement::Time(time_ns) => connection
                .query_row("SELECT wait_ns(?1)", [*time_ns as i64], |row| row.get(0))
                .map(|time_ns: i64| time_ns as u64),
            Statement::Sql(sql) => all(&connection, sql),
        };
        // The next one must not find itself in the middle of somebody's transaction.
        if connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok() {
            pool.put("", connection);
        }
        result
    };
    run().map_err(|error| format!("the query failed: {error}"))
}

/// Runs every statement of the text.
fn all(connection: &Connection, sql: &str) -> Result<u64> {
    let changed = connection.total_changes();
    let mut returned = 0;
    let mut batch = Batch::new(connection, sql);
    while let Some(mut statement) = batch.next()? {
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {
            returned += 1;
        }
    }
    Ok(returned + (connection.total_changes() - changed))
}
