//! One script as text: imports, constants, functions, what tasks share, and `main`.

use super::author::{self, Module, ReadFile};
use super::blocks;
use super::body::{Body, Style};
use super::models::{self, Frame};
use super::ops::is_handed_over;
use super::shared::{self, Shared};
use crate::experiment::{Experiment, Point, Series};
use crate::io::sqlite;
use crate::model::Settings;
use crate::program::Program;
use std::collections::BTreeSet;

/// The script of a series at a point, and the modules that it imports beside the standard library's.
///
/// # Errors
/// A sentence: Python's standard library has nothing like it.
pub fn script(
    experiment: &Experiment,
    series: &Series,
    point: &Point,
    settings: &Settings,
    read: ReadFile,
) -> Result<(String, Vec<Module>), String> {
    let mut program = point.program.clone();
    program.limits = point.limits(series);
    let parts = Parts {
        experiment,
        series,
        point,
        settings,
        program: &program,
    };
    match parts.text(false, read)? {
        Some(whole) => Ok(whole),
        None => parts
            .text(true, read)?
            .ok_or_else(|| "Your code has names of the script's own".to_owned()),
    }
}

/// What a script is put together from.
struct Parts<'a> {
    experiment: &'a Experiment,
    series: &'a Series,
    point: &'a Point,
    settings: &'a Settings,
    /// With the limits of the series.
    program: &'a Program,
}

impl Parts<'_> {
    /// The script, or `None` where the author's text has to stand apart and doesn't.
    fn text(&self, apart: bool, read: ReadFile) -> Result<Option<(String, Vec<Module>)>, String> {
        let authors = author::authors(self.program, apart, read)?;
        let hands_over = self.program.uses(|op| is_handed_over(op, &authors));
        let frame = models::frame(self.series, self.settings, hands_over)?;
        let mut body = Body::new(self.program, &authors, frame.style);
        let (functions, task) = tasks(&mut body, self.program)?;
        if frame.is_isolated && body.shared.iter().any(Shared::is_state) {
            return Err(
                "Interpreters share no locks and no counter: there is no script for this"
                    .to_owned(),
            );
        }
        let mut imports = imports(&frame, &body);
        if self.experiment.switch_interval_ns.is_some() {
            imports.insert("import sys".to_owned());
        }
        let mut blocks = std::mem::take(&mut body.blocks);
        let author_place = blocks.len();
        blocks.extend(functions);
        if !frame.style.is_in_one_process() {
            blocks.extend(shared::share_function(&body));
            if frame.is_isolated && !body.shared.is_empty() {
                // What an initializer makes global there isn't seen by later calls.
                imports.insert("import functools".to_owned());
                blocks.push(format!(
                    "def run(shared, i):\n    share(*shared)\n    return {task}(i)"
                ));
            }
        }
        let fill = |text: &str| fill(text, &frame, &body, &task);
        if !frame.block.is_empty() {
            blocks.push(fill(&frame.block));
        }
        blocks.push(main(&frame, &body, fill));
        let paragraphs = [self.imports(imports), self.constants(&frame, &body)];
        let own: Vec<&str> = body.author_imports.iter().map(String::as_str).collect();
        let own = own.join("\n");
        let rest: Vec<&String> = paragraphs.iter().chain(&blocks).collect();
        let brought = [Some(&own), body.author_text.as_ref()];
        if brought
            .into_iter()
            .flatten()
            .any(|text| author::collides(text, &rest))
        {
            return Ok(None);
        }
        if let Some(text) = &body.author_text {
            blocks.insert(author_place, text.clone());
        }
        let [imports, constants] = &paragraphs;
        let head = [imports, &own, constants];
        let head: Vec<&str> = head
            .into_iter()
            .map(String::as_str)
            .filter(|text| !text.is_empty())
            .collect();
        let mut text = format!("\"\"\"{}\"\"\"\n\n{}\n", self.title(), head.join("\n\n"));
        for block in blocks {
            text.push_str(&format!("\n\n{block}\n"));
        }
        text.push_str("\n\nif __name__ == \"__main__\":\n    main()\n");
        Ok(Some((text, std::mem::take(&mut body.modules))))
    }

    /// What the script does, as its first line says it.
    fn title(&self) -> String {
        let case = self.point.case.as_ref();
        let case = case.map_or(String::new(), |case| format!("{case}, "));
        format!("{}: {case}{}.", self.experiment.title, self.series.model)
            .replace('\\', "\\\\")
            .replace("\"\"\"", "'''")
            .replace(|c: char| c.is_control() && c != '\n', " ")
    }

    /// Lines that import from the standard library, sorted as usual.
    fn imports(&self, imports: BTreeSet<String>) -> String {
        let (plain, from): (Vec<String>, Vec<String>) = imports
            .into_iter()
            .partition(|line| line.starts_with("import "));
        [plain, from].concat().join("\n")
    }

    /// Lines that make what doesn't change, and what threads and coroutines share.
    fn constants(&self, frame: &Frame, body: &Body) -> String {
        let mut constants = Vec::new();
        // Those of several groups are counted where their jobs are listed.
        if self.program.groups.len() == 1 {
            constants.push(format!("TASKS = {}", blocks::count(self.program.tasks())));
        }
        if frame.workers {
            constants.push(format!("WORKERS = {}", self.settings.workers));
        }
        constants.extend(body.constants.iter().cloned());
        if body.database {
            constants.push(format!("CREATE = \"\"\"\n{}\"\"\"", sqlite::CREATE));
        }
        constants.extend(shared::global_lines(frame, body));
        if let Some(ns) = self.experiment.switch_interval_ns {
            constants.push(format!("sys.setswitchinterval({})", blocks::in_seconds(ns)));
        }
        constants.join("\n")
    }
}

/// The functions of a program's tasks, and the name of the one that runs a task by its number.
fn tasks(body: &mut Body, program: &Program) -> Result<(Vec<String>, String), String> {
    let name = if program.uses_python() {
        "run_task"
    } else {
        "task"
    };
    if let [group] = program.groups.as_slice() {
        if let Some(call) = body.author_alone(group) {
            return Ok((Vec::new(), call));
        }
        return Ok((vec![body.function(name, group, 0)?], name.to_owned()));
    }
    let (mut functions, mut jobs, mut offset) = (Vec::new(), Vec::new(), 0);
    for group in &program.groups {
        let mut name = blocks::identifier(&group.name, "_task");
        if jobs.iter().any(|(known, _)| *known == name) {
            name = format!("{name}_{}", jobs.len() + 1);
        }
        functions.push(body.function(&name, group, offset)?);
        jobs.push((name, group.tasks));
        offset += group.tasks;
    }
    let jobs = jobs.iter().map(|(name, tasks)| match tasks {
        1 => format!("    (0, {name}),\n"),
        _ => format!(
            "    *[(i, {name}) for i in range({})],\n",
            blocks::count(*tasks)
        ),
    });
    let jobs = jobs.collect::<String>();
    functions.push(match body.style {
        Style::Alone => format!("JOBS = [\n{jobs}]\nTASKS = len(JOBS)"),
        _ => format!(
            "# Sorted by number: the groups take turns.\nJOBS = sorted([\n{jobs}], key=lambda job: job[0])\n\
             TASKS = len(JOBS)"
        ),
    });
    let wait = if body.style.is_async() { "await " } else { "" };
    functions.push(format!(
        "{} {name}({}):\n    i, function = JOBS[number]\n    return {wait}function({})",
        body.def(),
        body.parameters("number"),
        body.parameters("i")
    ));
    Ok((functions, name.to_owned()))
}

/// Lines that import from the standard library.
fn imports(frame: &Frame, body: &Body) -> BTreeSet<String> {
    let mut imports: BTreeSet<String> = body
        .imports
        .iter()
        .map(|name| format!("import {name}"))
        .collect();
    imports.insert("import time".to_owned());
    imports.extend(frame.imports.iter().cloned());
    if body.shared.contains(&Shared::Folder) {
        imports.insert("import tempfile".to_owned());
    }
    let own_process = matches!(frame.style, Style::Alone | Style::Threads);
    if own_process && body.shared.iter().any(Shared::is_lock) {
        imports.insert("import threading".to_owned());
    }
    imports
}

/// A text of the frame with what it leaves open.
fn fill(text: &str, frame: &Frame, body: &Body, task: &str) -> String {
    let shares = !body.shared.is_empty();
    let share = match frame.style {
        Style::Processes if shares => "    share(*shared)\n".to_owned(),
        Style::Loop | Style::LoopAndPool => shared::loop_lines(body),
        _ => String::new(),
    };
    let [shared, initializer, partial] = match shares {
        true => [
            ", *shared",
            ", initializer=share, initargs=shared",
            "functools.partial(run, shared)",
        ],
        false => ["", "", task],
    };
    text.replace("{task}", task)
        .replace("{share}", &share)
        .replace("{partial}", partial)
        .replace("{initializer}", initializer)
        .replace("{shared}", shared)
        .replace("{processes}", frame.processes())
}

/// `main`: sets up, runs the model with the clock running, tells time and answer, clears up.
fn main(frame: &Frame, body: &Body, fill: impl Fn(&str) -> String) -> String {
    let apart = !frame.style.is_in_one_process();
    let (mut lines, mut margin) = (vec!["def main():".to_owned()], "    ");
    let mut add = |margin: &str, more: Vec<String>| {
        lines.extend(more.iter().map(|line| format!("{margin}{line}")));
    };
    let has = |shared: Shared| body.shared.contains(&shared);
    let outside: Vec<&str> = [Shared::Port, Shared::Folder]
        .iter()
        .filter(|shared| !apart && has((*shared).clone()))
        .map(|shared| match shared {
            Shared::Port => "port",
            _ => "folder",
        })
        .collect();
    if !outside.is_empty() {
        add(margin, vec![format!("global {}", outside.join(", "))]);
    }
    if let Some(start) = frame.start {
        add(
            margin,
            vec![format!(
                "context = multiprocessing.get_context(\"{start}\")"
            )],
        );
    }
    add(margin, shared::main_lines(frame, body));
    if has(Shared::Folder) {
        add(
            margin,
            vec!["with tempfile.TemporaryDirectory() as folder:".to_owned()],
        );
        margin = "        ";
        add(margin, shared::folder_lines(body));
    }
    if apart && !body.shared.is_empty() {
        let names = shared::names(body);
        add(margin, vec![format!("shared = {}", shared::tuple(&names))]);
    }
    add(margin, vec!["start = time.perf_counter()".to_owned()]);
    add(margin, frame.lines.iter().map(|line| fill(line)).collect());
    add(
        margin,
        vec!["elapsed = time.perf_counter() - start".to_owned()],
    );
    margin = "    ";
    if has(Shared::Port) {
        add(margin, vec!["server.terminate()".to_owned()]);
    }
    add(margin, told(body, apart));
    lines.join("\n")
}

/// Lines that tell what came out.
fn told(body: &Body, apart: bool) -> Vec<String> {
    let mut lines = vec!["print(f\"{len(results)} tasks in {elapsed:.3f} s\")".to_owned()];
    lines.extend(
        match (body.sums, body.returns) {
            (true, false) if body.silent => Some(
                "print(f\"answer: {sum(result for result in results if result is not None)}\")",
            ),
            (true, false) => Some("print(f\"answer: {sum(results)}\")"),
            (_, true) => Some("print(f\"results: {results}\")"),
            (false, false) => None,
        }
        .map(str::to_owned),
    );
    let is = |shared| body.shared.contains(&shared);
    let counted = match (is(Shared::Counter), is(Shared::Ticket)) {
        (false, false) => return lines,
        (true, _) if apart => "counter.value",
        (true, false) => "counter",
        (false, true) => "next(ticket)",
        (true, true) => "counter + next(ticket)",
    };
    lines.push(format!(
        "print(f\"counter: {{{counted}}} of {}\")",
        body.updates
    ));
    lines
}
