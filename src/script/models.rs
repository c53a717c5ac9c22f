//! What each model is in a Python script: how its tasks are started and joined.
//!
//! To add a model: its row in [`frame`].

use super::ops::Style;
use crate::experiment::Series;
use crate::model::{Pool, Settings};

/// How a model runs `TASKS` calls of a task's function.
pub struct Frame {
    /// How tasks are called.
    pub style: Style,
    /// Lines of `import`.
    pub imports: Vec<String>,
    /// Functions before `main`; the task's function is `{task}`, further shared objects are `{shared}`.
    pub block: String,
    /// Lines that make `results`, with the clock running.
    pub lines: Vec<String>,
    /// Whether it has workers to name.
    pub workers: bool,
    /// Where locks, semaphores and a shared counter come from; `None` where tasks can't share any.
    pub makes_locks: Option<&'static str>,
    /// Whether a `context` of processes is needed, and how they start.
    pub context: Option<Option<&'static str>>,
}

/// The frame of a series.
///
/// # Errors
/// A sentence, where Python has nothing like it.
pub fn frame(series: &Series, settings: &Settings) -> Result<Frame, String> {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let plain = Frame {
        style: Style::Threads,
        imports: Vec::new(),
        block: String::new(),
        lines: Vec::new(),
        workers: false,
        makes_locks: Some("threading"),
        context: None,
    };
    let start = settings.start.map(|start| {
        let known = crate::model::Start::ALL
            .iter()
            .find(|(_, one)| *one == start);
        known.map_or("spawn", |(word, _)| *word)
    });
    let pool = match (series.pool, settings.pool) {
        (Pool::Processes, _) | (_, Pool::Processes) => "ProcessPoolExecutor",
        _ => "ThreadPoolExecutor",
    };
    Ok(match series.model.as_str() {
        "sequential" => Frame {
            lines: lines("results = [{task}(i) for i in range(TASKS)]"),
            ..plain
        },
        "threads" => Frame {
            imports: vec!["import threading".to_owned()],
            block: "def run(i, results):\n    results[i] = {task}(i)".to_owned(),
            lines: lines(
                "results = [None] * TASKS\n\
                 threads = [threading.Thread(target=run, args=(i, results)) for i in range(TASKS)]\n\
                 for thread in threads:\n    thread.start()\n\
                 for thread in threads:\n    thread.join()",
            ),
            ..plain
        },
        "thread-pool" => Frame {
            imports: vec!["from concurrent.futures import ThreadPoolExecutor".to_owned()],
            lines: lines(
                "with ThreadPoolExecutor(max_workers=WORKERS) as pool:\n    \
                 results = list(pool.map({task}, range(TASKS)))",
            ),
            workers: true,
            ..plain
        },
        "processes" => Frame {
            style: Style::Processes,
            imports: vec!["import multiprocessing".to_owned()],
            block: "def run(i, queue{shared}):\n{share}    queue.put((i, {task}(i)))".to_owned(),
            lines: lines(
                "queue = context.Queue()\n\
                 processes = [context.Process(target=run, args=(i, queue{shared})) for i in range(TASKS)]\n\
                 for process in processes:\n    process.start()\n\
                 # Before joining: a process ends only when the queue has taken its result.\n\
                 by_number = dict(queue.get() for _ in processes)\n\
                 for process in processes:\n    process.join()\n\
                 results = [by_number[i] for i in range(TASKS)]",
            ),
            makes_locks: Some("context"),
            context: Some(start),
            ..plain
        },
        "process-pool" => {
            let chunk = settings.chunk.map_or(String::new(), |chunk| format!(", chunksize={chunk}"));
            Frame {
                style: Style::Processes,
                imports: vec!["import multiprocessing".to_owned()],
                lines: lines(&format!(
                    "with context.Pool(WORKERS{{initializer}}) as pool:\n    \
                     results = pool.map({{task}}, range(TASKS){chunk})"
                )),
                workers: true,
                makes_locks: Some("context"),
                context: Some(start),
                ..plain
            }
        }
        "async" => Frame {
            style: Style::Loop,
            imports: vec!["import asyncio".to_owned()],
            block: "async def run_all():\n{share}    return await asyncio.gather(*[{task}(i) for i in range(TASKS)])"
                .to_owned(),
            lines: lines("results = asyncio.run(run_all())"),
            makes_locks: Some("asyncio"),
            ..plain
        },
        "hybrid" => Frame {
            style: Style::LoopAndPool,
            imports: vec![
                "import asyncio".to_owned(),
                format!("from concurrent.futures import {pool}"),
            ],
            block: format!(
                "async def run_all():\n{{share}}    with {pool}(max_workers=WORKERS) as pool:\n        \
                 return await asyncio.gather(*[{{task}}(i, pool) for i in range(TASKS)])"
            ),
            lines: lines("results = asyncio.run(run_all())"),
            workers: true,
            makes_locks: Some("asyncio"),
            ..plain
        },
        "interpreters" => Frame {
            style: Style::Processes,
            imports: vec![
                "from concurrent.futures import InterpreterPoolExecutor  # Python 3.14 and newer".to_owned(),
            ],
            lines: lines(
                "with InterpreterPoolExecutor(max_workers=WORKERS) as pool:\n    \
                 results = list(pool.map({partial}, range(TASKS)))",
            ),
            workers: true,
            makes_locks: None,
            ..plain
        },
        "async-threads" => {
            return Err("Python has no counterpart: asyncio runs an event loop on one thread, and nothing \
                        takes tasks from one loop to another"
                .to_owned());
        }
        other => return Err(format!("Python has no counterpart of `{other}`")),
    })
}
