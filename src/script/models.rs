//! What each model is in a Python script: how its tasks are started and joined.
//!
//! To add a model: its row in [`frame`].

use super::body::Style;
use crate::experiment::Series;
use crate::model::{Pool, Settings, Start};

/// How a model runs `TASKS` calls of a task's function.
///
/// In `block` and `lines`, `{task}` is that function, `{processes}` is what has `Process`, `Pool` and locks;
/// `{shared}`, `{initializer}` and `{partial}` hand over what tasks share, and `{share}` are lines that make it known.
#[derive(Default)]
pub struct Frame {
    /// How tasks are called.
    pub style: Style,
    /// Lines of `import`.
    pub imports: Vec<String>,
    /// Functions before `main`.
    pub block: String,
    /// Lines that make `results`, with the clock running.
    pub lines: Vec<String>,
    /// Whether it has workers to name.
    pub workers: bool,
    /// How its processes start, where the cell says so.
    pub start: Option<&'static str>,
    /// Whether tasks can't share locks and counters.
    pub is_isolated: bool,
}

impl Frame {
    /// The object that has multiprocessing's classes: the module, or a context of it.
    pub fn processes(&self) -> &'static str {
        match self.start {
            Some(_) => "context",
            None => "multiprocessing",
        }
    }
}

/// The frame of a series; `hands_over` tells whether its tasks compute or block, which `hybrid` has a pool for.
///
/// # Errors
/// A sentence, where Python has nothing like it.
pub fn frame(series: &Series, settings: &Settings, hands_over: bool) -> Result<Frame, String> {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let import = |line: &str| vec![line.to_owned()];
    let start = settings.start.and_then(|start| {
        let mut known = Start::ALL.iter();
        known.find(|(_, one)| *one == start).map(|(word, _)| *word)
    });
    Ok(match series.model.as_str() {
        "sequential" => Frame {
            style: Style::Alone,
            lines: lines("results = [{task}(i) for i in range(TASKS)]"),
            ..Frame::default()
        },
        "threads" => Frame {
            style: Style::Threads,
            imports: import("import threading"),
            block: "def run(i, results):\n    results[i] = {task}(i)".to_owned(),
            lines: lines(
                "results = [None] * TASKS\n\
                 threads = [threading.Thread(target=run, args=(i, results)) for i in range(TASKS)]\n\
                 for thread in threads:\n    thread.start()\n\
                 for thread in threads:\n    thread.join()",
            ),
            ..Frame::default()
        },
        "thread-pool" => Frame {
            style: Style::Threads,
            imports: import("from concurrent.futures import ThreadPoolExecutor"),
            lines: lines(
                "with ThreadPoolExecutor(max_workers=WORKERS) as pool:\n    \
                 results = list(pool.map({task}, range(TASKS)))",
            ),
            workers: true,
            ..Frame::default()
        },
        "processes" => Frame {
            style: Style::Processes,
            imports: import("import multiprocessing"),
            block: "def run(i, queue{shared}):\n{share}    result = None\n    try:\n        result = {task}(i)\n    \
                    finally:\n        queue.put((i, result))  # always: it is waited for"
                .to_owned(),
            lines: lines(
                "queue = {processes}.Queue()\n\
                 processes = [{processes}.Process(target=run, args=(i, queue{shared})) for i in range(TASKS)]\n\
                 for process in processes:\n    process.start()\n\
                 # Before joining: a process ends only when the queue has taken its result.\n\
                 by_number = dict(queue.get() for _ in processes)\n\
                 for process in processes:\n    process.join()\n\
                 results = [by_number[i] for i in range(TASKS)]",
            ),
            start,
            ..Frame::default()
        },
        "process-pool" => {
            let chunk = settings.chunk;
            let chunk = chunk.map_or(String::new(), |chunk| format!(", chunksize={chunk}"));
            Frame {
                style: Style::Processes,
                imports: import("import multiprocessing"),
                lines: lines(&format!(
                    "with {{processes}}.Pool(WORKERS{{initializer}}) as pool:\n    \
                     results = pool.map({{task}}, range(TASKS){chunk})"
                )),
                workers: true,
                start,
                ..Frame::default()
            }
        }
        "hybrid" if hands_over => hybrid(series.pool, start),
        "async" | "hybrid" => Frame {
            style: Style::Loop,
            imports: import("import asyncio"),
            block: format!(
                "async def run_all():\n{{share}}{}    return await asyncio.gather(*[{{task}}(i) for i in range(TASKS)])",
                match series.model.as_str() {
                    "hybrid" => "    # Nothing here computes or blocks, so a pool would have nothing to do.\n",
                    _ => "",
                }
            ),
            lines: lines("results = asyncio.run(run_all())"),
            ..Frame::default()
        },
        "interpreters" => Frame {
            style: Style::Processes,
            imports: import(
                "from concurrent.futures import InterpreterPoolExecutor  # Python 3.14 and newer",
            ),
            lines: lines(
                "with InterpreterPoolExecutor(max_workers=WORKERS) as pool:\n    \
                 results = list(pool.map({partial}, range(TASKS)))",
            ),
            workers: true,
            is_isolated: true,
            ..Frame::default()
        },
        "async-threads" => {
            return Err("Python has no counterpart: asyncio runs an event loop on one thread, and nothing \
                        takes tasks from one loop to another"
                .to_owned());
        }
        other => return Err(format!("Python has no counterpart of `{other}`")),
    })
}

fn hybrid(pool: Pool, start: Option<&'static str>) -> Frame {
    let executor = match pool {
        Pool::Threads => "ThreadPoolExecutor",
        Pool::Processes => "ProcessPoolExecutor",
    };
    let mut imports = vec![
        "import asyncio".to_owned(),
        format!("from concurrent.futures import {executor}"),
    ];
    let (mut context, mut option) = (String::new(), "");
    if let (Pool::Processes, Some(start)) = (pool, start) {
        imports.push("import multiprocessing".to_owned());
        context = format!("    context = multiprocessing.get_context(\"{start}\")\n");
        option = ", mp_context=context";
    }
    Frame {
        style: Style::LoopAndPool,
        imports,
        block: format!(
            "async def run_all():\n{{share}}{context}    with {executor}(max_workers=WORKERS{option}) as pool:\n        \
             return await asyncio.gather(*[{{task}}(i, pool) for i in range(TASKS)])"
        ),
        lines: vec!["results = asyncio.run(run_all())".to_owned()],
        workers: true,
        ..Frame::default()
    }
}
