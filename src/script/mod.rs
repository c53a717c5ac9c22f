//! The plain Python script that does what an experiment does: for readers who know Python, and for running
//! without conclab.
//!
//! Operations know their lines (`ops`, with functions from `blocks`), models know their frame (`models`); this
//! file puts a script together. A script uses the standard library alone, from Python 3.9 on.

mod blocks;
mod models;
mod ops;

use crate::analysis::place_of;
use crate::experiment::{Experiment, Point, Series};
use crate::model::Settings;
use crate::program::Op;
use crate::service::ADDRESS_VARIABLE;
use models::Frame;
use ops::{Body, Shared, Style};
use std::collections::BTreeSet;

/// One script, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// Models that it stands for, with the case where there are several.
    pub title: String,
    /// The text.
    ///
    /// # Errors
    /// A sentence: Python's standard library has nothing like it.
    pub text: Result<String, String>,
}

/// The scripts of an experiment: one for each model with its settings and each case, at the first point of
/// a sweep. What is the same on several runtimes is there once.
pub fn scripts(experiment: &Experiment, usable_cpus: u32) -> Vec<Script> {
    let mut found: Vec<Script> = Vec::new();
    let mut cases: Vec<&Option<String>> = Vec::new();
    for point in &experiment.points {
        if cases.contains(&&point.case) {
            continue;
        }
        cases.push(&point.case);
        for series in &experiment.series {
            let settings = experiment.settings(series, point, usable_cpus);
            let label = crate::analysis::short(&series.label, series.runtime.name());
            let title = match &point.case {
                Some(case) => format!("{case}: {label}"),
                None => label.to_owned(),
            };
            let script = Script {
                title,
                text: script(experiment, series, point, &settings),
            };
            let same = |other: &Script| other.text == script.text && other.title == script.title;
            if !found.iter().any(same) {
                found.push(script);
            }
        }
    }
    found
}

/// The scripts as Markdown, a fenced block each.
pub fn markdown(experiment: &Experiment, usable_cpus: u32) -> String {
    let mut text = format!("## {} in plain Python\n", experiment.title);
    let first = experiment.points.first();
    if let Some(point) = first.filter(|point| !point.at.is_empty()) {
        let keys: Vec<String> = point.at.iter().map(|(key, _)| format!("`{key}`")).collect();
        text.push_str(&format!(
            "\nThese are for {}, the first point of the sweep: change {} in the script for the others.\n",
            place_of(None, &point.at),
            keys.join(" and ")
        ));
    }
    for note in notes(experiment) {
        text.push_str(&format!("\n{note}\n"));
    }
    for script in scripts(experiment, usable_cpus) {
        text.push_str(&format!("\n### {}\n", script.title));
        match script.text {
            Ok(script) => text.push_str(&format!("\n```python\n{}\n```\n", script.trim_end())),
            Err(why) => text.push_str(&format!("\n{why}.\n")),
        }
    }
    text
}

/// What the scripts do otherwise than the experiment.
fn notes(experiment: &Experiment) -> Vec<&'static str> {
    let any = |wanted: fn(&Op) -> bool| experiment.points.iter().any(|p| p.program.uses(wanted));
    let mut notes = Vec::new();
    if any(|op| {
        matches!(
            op,
            Op::Http { reuse: true, .. } | Op::Fetch { reuse: true, .. }
        )
    }) {
        notes.push(
            "Each request opens a connection; requests.Session and aiohttp.ClientSession would keep it.",
        );
    }
    let sends = |p: &Point| p.program.argument.is_some() || p.program.result.is_some();
    if experiment.points.iter().any(sends) {
        notes.push(
            "What `argument` and `result` send is left out: a task is given its number and returns its result.",
        );
    }
    if any(|op| matches!(op, Op::Compute { function, .. } if function == "cpu")) {
        notes.push(
            "`cpu` keeps a core busy for a time of the thread's own; conclab measures out a number of steps.",
        );
    }
    if any(|op| {
        matches!(
            op,
            Op::Python {
                code: crate::program::Code::File { .. }
            }
        )
    }) {
        notes.push("Run them in the folder of your own file, which they import.");
    }
    if any(
        |op| matches!(op, Op::Python { code: crate::program::Code::Text { text, .. } } if text.contains(ADDRESS_VARIABLE)),
    ) {
        notes.push(
            "Your code asks conclab's server: start `conclab delay-server`, and set CONCLAB_DELAY_SERVER to http:// \
             and the address that it prints.",
        );
    }
    notes
}

/// The functions of a program's tasks, and the name of the one that runs a task by its number.
fn tasks(body: &mut Body, point: &Point) -> Result<(Vec<String>, String), String> {
    let program = &point.program;
    let style = body.style;
    let has_python = program.uses_python();
    if let [group] = program.groups.as_slice() {
        let name = if has_python { "run_task" } else { "task" };
        let function = body.function(name, group, 0)?;
        // The author's own function as it stands, where it is all that a task does.
        let bare = function == "def run_task(i):\n    return task(i)";
        return Ok(match bare {
            true => (Vec::new(), "task".to_owned()),
            false => (vec![function], name.to_owned()),
        });
    }
    let (mut functions, mut jobs, mut offset) = (Vec::new(), Vec::new(), 0);
    for group in &program.groups {
        let mut name = blocks::identifier(&group.name, "_task");
        if jobs.iter().any(|(known, _)| *known == name) {
            name = format!("{name}_{}", jobs.len() + 1);
        }
        functions.push(body.function(&name, group, offset)?);
        jobs.push((name, blocks::count(group.tasks)));
        offset += group.tasks;
    }
    let jobs = jobs
        .iter()
        .map(|(name, tasks)| format!("    *[(i, {name}) for i in range({tasks})],"));
    functions.push(format!(
        "# Sorted by number: the groups take turns.\nJOBS = sorted([\n{}\n], key=lambda job: job[0])",
        jobs.collect::<Vec<_>>().join("\n")
    ));
    let name = if has_python { "run_task" } else { "task" };
    let (word, wait) = if style.is_async() {
        ("async def", "await ")
    } else {
        ("def", "")
    };
    let pool = if style == Style::LoopAndPool {
        ", pool"
    } else {
        ""
    };
    functions.push(format!(
        "{word} {name}(number{pool}):\n    i, function = JOBS[number]\n    return {wait}function(i{pool})"
    ));
    Ok((functions, name.to_owned()))
}

fn script(
    experiment: &Experiment,
    series: &Series,
    point: &Point,
    settings: &Settings,
) -> Result<String, String> {
    let frame = models::frame(series, settings)?;
    let mut program = point.clone();
    program.program.limits = point.limits(series);
    let mut body = Body::new(&program.program, frame.style);
    let (functions, task) = tasks(&mut body, point)?;
    let locks = |shared: &Shared| !matches!(shared, Shared::Port | Shared::Folder);
    if frame.makes_locks.is_none() && body.shared.iter().any(locks) {
        return Err(
            "Interpreters share no locks and no counter: there is no script for this".to_owned(),
        );
    }
    let mut imports: BTreeSet<String> =
        body.imports.iter().map(|m| format!("import {m}")).collect();
    imports.insert("import time".to_owned());
    imports.extend(frame.imports.iter().cloned());
    let names: Vec<String> = body.shared.iter().map(Shared::name).collect();
    if body.shared.contains(&Shared::Folder) {
        imports.extend(["import shutil".to_owned(), "import tempfile".to_owned()]);
    }
    if body.database {
        imports.extend(["import sqlite3".to_owned(), "import contextlib".to_owned()]);
    }
    if frame.style == Style::Threads
        && body
            .shared
            .iter()
            .any(|s| matches!(s, Shared::Lock(_) | Shared::Limit(..)))
    {
        imports.insert("import threading".to_owned());
    }
    let mut constants = vec![format!("TASKS = {}", blocks::count(point.program.tasks()))];
    if frame.workers {
        constants.push(format!("WORKERS = {}", settings.workers));
    }
    let (values, mut blocks): (Vec<String>, Vec<String>) = body
        .blocks
        .iter()
        .cloned()
        .partition(|block| block.starts_with("VALUES"));
    constants.extend(values);
    blocks.extend(functions);
    let (before, made) = made(&frame, &body);
    if !before.is_empty() {
        constants.push(before.join("\n"));
    }
    let processes = frame.style == Style::Processes;
    if processes && !names.is_empty() {
        let (objects, target) = match names.as_slice() {
            [one] => (one.clone(), format!("({one},)")),
            _ => (names.join(", "), names.join(", ")),
        };
        blocks.push(format!(
            "def share(*objects):\n    \"\"\"Makes what all tasks use known in this process.\"\"\"\n    global \
             {objects}\n    {target} = objects"
        ));
    }
    let more = if names.is_empty() { "" } else { ", *shared" };
    let fill = |text: &str| {
        let share = match frame.style {
            Style::Processes if !names.is_empty() => "    share(*shared)\n".to_owned(),
            Style::Loop | Style::LoopAndPool => loop_locks(&body),
            _ => String::new(),
        };
        let partial = match names.is_empty() {
            true => task.clone(),
            false => "functools.partial(run, shared)".to_owned(),
        };
        let initializer = match names.is_empty() {
            true => "",
            false => ", initializer=share, initargs=shared",
        };
        text.replace("{task}", &task)
            .replace("{share}", &share)
            .replace("{partial}", &partial)
            .replace("{initializer}", initializer)
            .replace("{shared}", more)
    };
    if series.model == "interpreters" && !names.is_empty() {
        // What an initializer makes global there isn't seen by later calls.
        imports.insert("import functools".to_owned());
        blocks.push(format!(
            "def run(shared, i):\n    share(*shared)\n    return {task}(i)"
        ));
    }
    if !frame.block.is_empty() {
        blocks.push(fill(&frame.block));
    }
    blocks.push(main(&frame, &body, &made, fill));
    let title = experiment.title.replace("\"\"\"", "'''").replace('\\', "/");
    let (plain, from): (Vec<String>, Vec<String>) =
        imports.into_iter().partition(|i| i.starts_with("import "));
    let mut text = format!("\"\"\"{title}: {}.\"\"\"\n\n", series.model);
    text.push_str(
        &plain
            .iter()
            .chain(&from)
            .map(|line| format!("{line}\n"))
            .collect::<String>(),
    );
    text.push_str(&format!("\n{}\n", constants.join("\n")));
    for block in blocks {
        text.push_str(&format!("\n\n{block}\n"));
    }
    text.push_str("\n\nif __name__ == \"__main__\":\n    main()\n");
    Ok(text)
}

/// Lines that make what tasks share: before all functions, and in `main`.
fn made(frame: &Frame, body: &Body) -> (Vec<String>, Vec<String>) {
    let (mut before, mut inside) = (Vec::new(), Vec::new());
    let processes = frame.style == Style::Processes;
    for shared in &body.shared {
        let name = shared.name();
        match (shared, frame.style) {
            (Shared::Counter, Style::Processes) => {
                inside.push("counter = context.Value(\"q\", 0, lock=False)".to_owned());
            }
            (Shared::Counter, _) => before.push("counter = 0".to_owned()),
            (Shared::Lock(_), Style::Threads) => before.push(format!("{name} = threading.Lock()")),
            (Shared::Limit(_, most), Style::Threads) => {
                before.push(format!("{name} = threading.Semaphore({most})"));
            }
            (Shared::Lock(_), Style::Processes) => inside.push(format!("{name} = context.Lock()")),
            (Shared::Limit(_, most), Style::Processes) => {
                inside.push(format!("{name} = context.Semaphore({most})"));
            }
            // On an event loop they are made where it runs.
            (Shared::Lock(_) | Shared::Limit(..), _) => {}
            (Shared::Port, _) => {
                if !processes {
                    inside.push("global port".to_owned());
                }
                inside.extend(
                    "receiver, sender = multiprocessing.Pipe(duplex=False)\n\
                     server = multiprocessing.Process(target=serve, args=(sender,), daemon=True)\n\
                     server.start()\n\
                     port = receiver.recv()"
                        .lines()
                        .map(str::to_owned),
                );
            }
            (Shared::Folder, _) => {
                if !processes {
                    inside.push("global folder".to_owned());
                }
                inside.push("folder = tempfile.mkdtemp()".to_owned());
                if body.file_bytes > 0 {
                    inside.push("with open(f\"{folder}/data\", \"wb\") as file:".to_owned());
                    inside.push(format!(
                        "    file.write(bytes({}))",
                        blocks::count(body.file_bytes)
                    ));
                }
                if body.database {
                    inside.extend(
                        "with contextlib.closing(sqlite3.connect(f\"{folder}/numbers.db\")) as connection:\n    \
                         with connection:\n        \
                         connection.execute(\"PRAGMA journal_mode = wal\")\n        \
                         connection.execute(\"CREATE TABLE numbers (id INTEGER PRIMARY KEY, value INTEGER)\")\n        \
                         rows = [(i, i * i) for i in range(1, 1001)]\n        \
                         connection.executemany(\"INSERT INTO numbers VALUES (?, ?)\", rows)"
                            .lines()
                            .map(str::to_owned),
                    );
                }
            }
        }
    }
    (before, inside)
}

/// Lines in `run_all` that make locks of the event loop.
fn loop_locks(body: &Body) -> String {
    let made: Vec<(String, String)> = body
        .shared
        .iter()
        .filter_map(|shared| match shared {
            Shared::Lock(name) => Some((name.clone(), "asyncio.Lock()".to_owned())),
            Shared::Limit(name, most) => Some((name.clone(), format!("asyncio.Semaphore({most})"))),
            _ => None,
        })
        .collect();
    if made.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = made.iter().map(|(name, _)| name.as_str()).collect();
    let lines = made
        .iter()
        .map(|(name, value)| format!("    {name} = {value}\n"));
    format!(
        "    global {}\n{}",
        names.join(", "),
        lines.collect::<String>()
    )
}

/// `main`: sets up, runs the model with the clock running, tells time and answer, clears up.
fn main(frame: &Frame, body: &Body, made: &[String], fill: impl Fn(&str) -> String) -> String {
    let mut lines: Vec<String> = Vec::new();
    if let Some(start) = frame.context {
        let start = start.map_or(String::new(), |start| format!("\"{start}\""));
        lines.push(format!("context = multiprocessing.get_context({start})"));
    }
    // All `global` lines as one, first.
    let (globals, made): (Vec<&String>, Vec<&String>) =
        made.iter().partition(|l| l.starts_with("global "));
    if !globals.is_empty() {
        let names: Vec<&str> = globals
            .iter()
            .map(|line| &line["global ".len()..])
            .collect();
        lines.insert(0, format!("global {}", names.join(", ")));
    }
    lines.extend(made.into_iter().cloned());
    if frame.style == Style::Processes && !body.shared.is_empty() {
        let names: Vec<String> = body.shared.iter().map(Shared::name).collect();
        lines.push(match names.as_slice() {
            [one] => format!("shared = ({one},)"),
            _ => format!("shared = ({})", names.join(", ")),
        });
    }
    lines.push("start = time.perf_counter()".to_owned());
    lines.extend(frame.lines.iter().map(|line| fill(line)));
    lines.push("elapsed = time.perf_counter() - start".to_owned());
    if body.shared.contains(&Shared::Port) {
        lines.push("server.terminate()".to_owned());
    }
    if body.shared.contains(&Shared::Folder) {
        lines.push("shutil.rmtree(folder)".to_owned());
    }
    lines.push("print(f\"{len(results)} tasks in {elapsed:.3f} s\")".to_owned());
    let told = match (body.sums, body.returns) {
        (true, false) if body.silent => {
            "print(f\"answer: {sum(result for result in results if result is not None)}\")"
        }
        (true, false) => "print(f\"answer: {sum(results)}\")",
        (_, true) => "print(f\"results: {results}\")",
        (false, false) => "",
    };
    if !told.is_empty() {
        lines.push(told.to_owned());
    }
    if body.updates > 0 {
        let counter = if frame.style == Style::Processes {
            "counter.value"
        } else {
            "counter"
        };
        lines.push(format!(
            "print(f\"counter: {{{counter}}} of {}\")",
            body.updates
        ));
    }
    let lines: Vec<String> = lines.iter().map(|line| format!("    {line}")).collect();
    format!("def main():\n{}", lines.join("\n"))
}
