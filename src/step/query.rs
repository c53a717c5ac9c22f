//! Queries a database.

use super::{Argument, LONGEST_NS, Misfit, Step};
use crate::describe::{Family, Quantity, Setting, StepDef, TextForm};
use crate::io::postgres;
use crate::program::{Op, Statement};

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "query",
        family: Family::Wait,
        quantity: Quantity::DurationOr(TextForm::Sql),
        range: (1, LONGEST_NS),
        summary: "queries a database: a statement that takes this long, or SQL",
        doc: "With a time: a statement that keeps its connection that long. With SQL: that; the answer is \
              how many rows came back or were changed. The database is an SQLite file of the run's own, \
              in WAL mode (readers don't wait; one writes at a time), with a table `numbers` of 1,000 \
              rows (`id`, and `value`, its square), made before the clock starts. A task takes an \
              idle connection or opens another, so there are as many as queries at the same time; \
              what a transaction leaves open is rolled back. Under `async` a thread of the runtime's \
              blocking pool (at most 512) does it: SQLite has no asynchronous interface. PostgreSQL \
              has, and `async` uses it.",
        example: "{ query = \"20ms\" }",
        python: "sqlite3.connect(path).execute(sql).fetchall(), with asyncio.to_thread under asyncio",
        settings: &[Setting {
            name: "database",
            quantity: Quantity::Text,
            default: "",
            range: (0, 0),
            doc: "A PostgreSQL server to query instead of SQLite, by its URL (without TLS). A time becomes \
                  `pg_sleep`. Connections are opened by the tasks, so the first ones pay for that, and \
                  kept as those to SQLite.",
            example: "{ query = \"20ms\", database = \"postgres://user:password@127.0.0.1:5432/test\" }",
        }],
    },
    ops: |arguments| {
        let database = arguments.text_setting("database").map(str::to_owned);
        if let Some(why) = database.as_deref().and_then(postgres::why_no_url) {
            return Err(Misfit {
                key: "database",
                message: format!("`database` takes the URL of a PostgreSQL server, and {why}"),
                help: "write database = \"postgres://user:password@host:5432/name\", or leave it out for an \
                       SQLite of the run's own"
                    .to_owned(),
            });
        }
        let statement = match &arguments.value {
            Argument::Text(sql) => Statement::Sql(sql.clone()),
            _ => Statement::Time(arguments.number()),
        };
        Ok(vec![Op::Query {
            statement,
            database,
        }])
    },
};
