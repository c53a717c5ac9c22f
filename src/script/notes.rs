//! What scripts do otherwise than their experiment, in a sentence each.
//!
//! To add one: a line of [`notes`].

use super::author::{self, ReadFile};
use crate::experiment::{Experiment, Point};
use crate::program::{Code, Op};
use crate::service::ADDRESS_VARIABLE;

/// The notes of an experiment.
pub fn notes(experiment: &Experiment, read: ReadFile) -> Vec<String> {
    let points = &experiment.points;
    let any = |wanted: &dyn Fn(&Op) -> bool| points.iter().any(|point| point.program.uses(wanted));
    let mut notes = Vec::new();
    let mut note = |holds: bool, text: &str| {
        if holds {
            notes.push(text.to_owned());
        }
    };
    note(
        any(&|op| {
            matches!(
                op,
                Op::Http { reuse: true, .. } | Op::Fetch { reuse: true, .. }
            )
        }),
        "Each request opens a connection; requests.Session and aiohttp.ClientSession would keep it.",
    );
    note(
        any(&|op| matches!(op, Op::Query { database: None, .. })),
        "Each query opens a connection; conclab keeps it for the next one, as a connection pool does.",
    );
    let sends = |p: &Point| p.program.argument.is_some() || p.program.result.is_some();
    note(
        points.iter().any(sends),
        "What `argument` and `result` send is left out: a task is given its number and returns its result.",
    );
    note(
        any(&|op| matches!(op, Op::Compute { function, .. } if function == "cpu")),
        "`cpu` keeps a core busy for a time of the thread's own; conclab measures out a number of steps.",
    );
    note(
        any(&|op| matches!(op, Op::Http { status, .. } if status.largest(1) >= 400)),
        "A task that fails ends a script, unless it has a thread or a process of its own; conclab counts it and \
         goes on.",
    );
    note(
        any(&|op| {
            matches!(
                op,
                Op::Python {
                    code: Code::File { .. }
                }
            )
        }),
        "Save them in the folder of your own file, which they import.",
    );
    note(
        any(
            &|op| matches!(op, Op::Python { code } if author::tells_whether_async(code, read).is_none()),
        ),
        "Your function is called as a plain one: whether it is an `async def` can't be told from its text.",
    );
    note(
        any(
            &|op| matches!(op, Op::Python { code: Code::Text { text, .. } } if text.contains(ADDRESS_VARIABLE)),
        ),
        "Your code asks conclab's server: start `conclab delay-server`, and set CONCLAB_DELAY_SERVER to http:// and \
         the address that it prints.",
    );
    notes
}
