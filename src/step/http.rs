//! Requests an answer over HTTP.

use super::{Argument, LONGEST_NS, Misfit, Step};
use crate::describe::{Family, Quantity, Setting, StepDef, TextForm};
use crate::io::url;
use crate::program::Op;

/// Largest answer of the delay server: a gibibyte.
const MOST_BYTES: u64 = 1 << 30;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "http",
        family: Family::Wait,
        quantity: Quantity::DurationOr(TextForm::Url),
        range: (1, LONGEST_NS),
        summary: "requests a page that takes this long to answer, or a URL",
        doc: "With a time: a real request over a real TCP connection to a delay server on this machine, \
              which answers after that time: the network's part without the internet's noise. The \
              server is a process of its own and is not charged to the model. With a URL \
              (`\"https://example.org\"`): that page, redirects followed and all of it read. An answer \
              with status 400 and above fails the task. Threads and processes use a blocking client, \
              `async` a non-blocking one on the event loop.",
        example: "{ http = \"100ms\" }",
        python: "urllib.request.urlopen(url).read(), or aiohttp under asyncio",
        settings: &[
            Setting {
                name: "status",
                quantity: Quantity::Count,
                default: "200",
                range: (200, 599),
                doc: "The status with which the delay server answers; 400 and above fails the task.",
                example: "{ http = \"10ms\", status = 503 }",
            },
            Setting {
                name: "bytes",
                quantity: Quantity::Size,
                default: "\"0B\"",
                range: (0, MOST_BYTES),
                doc: "The length of the delay server's answer. All of it is read, and not kept.",
                example: "{ http = \"10ms\", bytes = \"256KiB\" }",
            },
            Setting {
                name: "connection",
                quantity: Quantity::Word(&["new", "reuse"]),
                default: "\"new\"",
                range: (0, 0),
                doc: "`new` opens a TCP connection for each request and closes it. `reuse` keeps it open \
                      after the answer, and the next request of any task in the same process takes it; \
                      where none is idle another is opened, so there are as many as requests at the \
                      same time: one a worker or thread that requests, one a waiting task of an event \
                      loop. They last as long as the run, or as the worker process; as a \
                      requests.Session or an aiohttp.ClientSession. A new process begins without any.",
                example: "{ http = \"10ms\", times = 3, connection = \"reuse\" }",
            },
        ],
    },
    ops: |arguments| {
        let reuse = arguments.word_setting("connection") == "reuse";
        let Argument::Text(text) = &arguments.value else {
            return Ok(vec![Op::Http {
                time: arguments.number(),
                status: arguments.number_setting("status"),
                bytes: arguments.number_setting("bytes"),
                reuse,
            }]);
        };
        if let Some(key) = ["status", "bytes"]
            .into_iter()
            .find(|key| arguments.gives(key))
        {
            return Err(Misfit {
                key,
                message: format!(
                    "`{key}` is for the delay server, and a URL's own server decides that"
                ),
                help: format!("leave `{key}` out, or write a time: http = \"100ms\""),
            });
        }
        match url::why_no_url(text) {
            Some(why) => Err(Misfit {
                key: "http",
                message: format!("this URL can't be requested: {why}"),
                help: "write a whole URL, such as \"http://127.0.0.1:8000/\"".to_owned(),
            }),
            None => Ok(vec![Op::Fetch {
                url: text.clone(),
                reuse,
            }]),
        }
    },
};
