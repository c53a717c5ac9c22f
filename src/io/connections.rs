//! Connections that stay open between requests, and are taken by whoever needs one next.

use rusqlite::Connection as Sqlite;
use std::fmt;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::net::TcpStream as AsyncTcpStream;

/// The open connections of one process. Clones are the same connections.
#[derive(Clone, Default)]
pub struct Connections(Arc<Open>);

/// What is open, by kind.
#[derive(Default)]
pub(super) struct Open {
    pub delay_server: Pool<TcpStream>,
    pub delay_server_async: Pool<AsyncTcpStream>,
    pub sqlite: Pool<Sqlite>,
    pub postgres: Pool<postgres::Client>,
    pub postgres_async: Pool<tokio_postgres::Client>,
    /// Clients for URLs have pools of their own: the one that keeps nothing, then the one that does.
    pub url: [OnceLock<ureq::Agent>; 2],
    pub url_async: [OnceLock<Result<reqwest::Client, String>>; 2],
}

impl Connections {
    pub(super) fn open(&self) -> &Open {
        &self.0
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connections")
    }
}

/// What happens to be open doesn't make two sites different.
impl PartialEq for Connections {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Connections {}

/// Connections that nobody uses right now, each with what it leads to.
///
/// Nobody waits here: where none is idle the caller opens another, so there are as many as were used at
/// the same time.
pub(super) struct Pool<T>(Mutex<Vec<(String, T)>>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Pool(Mutex::new(Vec::new()))
    }
}

impl<T> Pool<T> {
    /// The idle connection to `target` that was used last.
    pub fn take(&self, target: &str) -> Option<T> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = idle.iter().rposition(|(to, _)| to == target)?;
        Some(idle.swap_remove(found).1)
    }

    /// Leaves a connection to the next one who needs it.
    pub fn put(&self, target: &str, connection: T) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push((target.to_owned(), connection));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_taken_by_one_and_leads_where_it_should() {
        let pool = Pool::default();
        for (target, connection) in [("a", 1), ("b", 2), ("a", 3)] {
            pool.put(target, connection);
        }
        assert_eq!(pool.take("a"), Some(3));
        assert_eq!(pool.take("a"), Some(1));
        assert_eq!((pool.take("a"), pool.take("c")), (None, None));
        assert_eq!(pool.take("b"), Some(2));
    }
}
