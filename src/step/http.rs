//! Requests an answer over HTTP.

use super::DURATION;
use super::Step;
use crate::describe::Family;
use crate::describe::StepDef;
use crate::program::Op;

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "http",
        family: Family::Wait,
        quantity: DURATION.0,
        range: DURATION.1,
        summary: "requests a page that takes this long to answer",
        doc: "A real request over a real TCP connection of its own to a delay server on this \
              machine, which answers after the given time: the network's part without the \
              internet's noise. Threads and processes use a blocking client, `async` a non- \
              blocking one on the event loop. The server is a process of its own and is not \
              charged to the model.",
        example: "{ http = \"100ms\" }",
        python: "urllib.request.urlopen(url).read(), or aiohttp under asyncio",
        settings: &[],
    },
    ops: |value| vec![Op::Http { time: value }],
};
