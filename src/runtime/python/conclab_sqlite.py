"""Queries to the trial's SQLite database, which was made before the clock: as `src/io/sqlite.rs`."""

import sqlite3
import time

from conclab_failure import Refused

# Longer than any trial.
PATIENCE_S = 86400

# Connections that nobody uses right now.
idle = []


def wait_ns(duration_ns):
    """The function of that name in SQL."""
    time.sleep(abs(duration_ns) / 1e9)
    return duration_ns


def connect(path):
    """A connection of its own."""
    connection = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = normal")
    connection.create_function("wait_ns", 1, wait_ns)
    return connection


def query(path, statements, *parameters):
    """Runs statements; how many rows came back or were changed."""
    try:
        try:
            connection = idle.pop()
        except IndexError:
            connection = connect(path)
        try:
            changed, returned = connection.total_changes, 0
            for statement in statements:
                returned += len(connection.execute(statement, parameters).fetchall())
            return returned + connection.total_changes - changed
        finally:
            # The next one must not find itself in the middle of somebody's transaction.
            if connection.in_transaction:
                connection.rollback()
            idle.append(connection)
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise Refused(f"the query failed: {error}") from None


def split(sql):
    """The statements of a text."""
    statements, rest = [], ""
    for part in sql.split(";"):
        rest += part + ";"
        if sqlite3.complete_statement(rest):
            statements.append(rest)
            rest = ""
    if rest.rstrip(";").strip():
        statements.append(rest[:-1])
    return [statement for statement in statements if statement.strip(" \t\r\n;")]
