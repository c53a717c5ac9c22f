//! Queries to a PostgreSQL server, named by its URL. Without TLS.

use super::{Site, Statement};
use postgres::SimpleQueryMessage;
use tokio_postgres::{Error, NoTls};

/// Why a text is no URL of a PostgreSQL database; `None` where it is one.
pub fn why_no_url(text: &str) -> Option<String> {
    let prefixed = ["postgres://", "postgresql://"]
        .iter()
        .any(|prefix| text.starts_with(prefix));
    match text.parse::<postgres::Config>() {
        _ if !prefixed => Some("it doesn't begin with postgres://".to_owned()),
        Ok(_) => None,
        Err(error) => Some(reason(&error)),
    }
}

/// Runs a query on a connection of its own, an idle one or a new one, and blocks until its end. The result
/// is the time, or how many rows came back or were changed.
///
/// # Errors
/// A sentence with the server's reason.
pub fn query(site: &Site, url: &str, statement: &Statement) -> Result<u64, String> {
    let pool = &site.connections.open().postgres;
    let run = || {
        let mut connection = match pool.take(url) {
            Some(connection) => connection,
            None => postgres::Client::connect(url, NoTls)?,
        };
        let messages = connection.simple_query(&sql(statement))?;
        if can_be_kept(statement) {
            pool.put(url, connection);
        }
        Ok(result(statement, &messages))
    };
    run().map_err(failed)
}

/// The same on an event loop, which serves others meanwhile.
///
/// # Errors
/// As [`query`].
pub async fn query_async(site: &Site, url: &str, statement: &Statement) -> Result<u64, String> {
    let pool = &site.connections.open().postgres_async;
    let run = async {
        let client = match pool.take(url) {
            Some(client) => client,
            None => {
                let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
                // Ends with the client; what goes wrong there comes out of the client's own calls.
                tokio::spawn(async move { connection.await.ok() });
                client
            }
        };
        let messages = client.simple_query(&sql(statement)).await?;
        if can_be_kept(statement) {
            pool.put(url, client);
        }
        Ok(result(statement, &messages))
    };
    run.await.map_err(failed)
}

fn sql(statement: &Statement) -> String {
    match statement {
        Statement::Time(time_ns) => format!("SELECT pg_sleep({:.9})", *time_ns as f64 / 1e9),
        Statement::Sql(sql) => sql.clone(),
    }
}

/// Whether the next query may have the connection: not from the middle of somebody's transaction. A
/// connection whose query failed isn't kept either.
fn can_be_kept(statement: &Statement) -> bool {
    match statement {
        Statement::Time(_) => true,
        Statement::Sql(sql) => {
            let sql = sql.to_ascii_uppercase();
            !sql.contains("BEGIN") && !sql.contains("START")
        }
    }
}

fn result(statement: &Statement, messages: &[SimpleQueryMessage]) -> u64 {
    match statement {
        Statement::Time(time_ns) => *time_ns,
        // The server counts both what a statement returned and what it changed.
        Statement::Sql(_) => messages
            .iter()
            .map(|message| match message {
                SimpleQueryMessage::CommandComplete(rows) => *rows,
                _ => 0,
            })
            .sum(),
    }
}

fn failed(error: Error) -> String {
    format!("the query failed: {}", reason(&error))
}

fn reason(error: &Error) -> String {
    if let Some(error) = error.as_db_error() {
        return error.message().to_owned();
    }
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_told_from_other_text() {
        assert_eq!(why_no_url("postgres://user:word@host:5433/data"), None);
        assert_eq!(why_no_url("postgresql://host/data"), None);
        for text in [
            "",
            "host=localhost",
            "mysql://host/data",
            "postgres://host:port/data",
        ] {
            assert!(why_no_url(text).is_some(), "{text}");
        }
    }

    #[test]
    fn times_are_written_in_full() {
        assert_eq!(sql(&Statement::Time(1)), "SELECT pg_sleep(0.000000001)");
        assert_eq!(
            sql(&Statement::Time(1_500_000_000)),
            "SELECT pg_sleep(1.500000000)"
        );
    }
}
