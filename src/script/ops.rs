//! What each operation is in a Python script: its lines in a plain function and in a coroutine.
//!
//! [`Body`] collects what the lines need: imports, functions, objects that all tasks share. To add an
//! operation: its arm in [`Body::op`].

use super::blocks::{
    CPU, FETCH, GET, GET_ASYNC, QUERY, READ, RUN_ASYNC, SERVE, WRITE, WRITE_SYNC, count,
    identifier, in_seconds, is_number, is_seeded, quoted, source,
};
use crate::program::{Body as Between, Code, Group, Op, Program, Statement, Sync, Value};
use std::collections::BTreeSet;

/// How a task's function is called, which decides what its lines look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// By threads of one process: shared objects are global.
    Threads,
    /// By other processes or interpreters: shared objects are handed over.
    Processes,
    /// On an event loop.
    Loop,
    /// On an event loop with a pool for what computes.
    LoopAndPool,
}

impl Style {
    /// Whether tasks are coroutines.
    pub fn is_async(self) -> bool {
        matches!(self, Style::Loop | Style::LoopAndPool)
    }
}

/// Something that all tasks use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shared {
    /// A lock by its name.
    Lock(String),
    /// A semaphore by its name, and how many it lets in.
    Limit(String, u64),
    /// The counter of `add`.
    Counter,
    /// The port of the delay server.
    Port,
    /// The folder for files and databases: whether a file of that many bytes, and a database are in it.
    Folder,
}

impl Shared {
    /// What it is called.
    pub fn name(&self) -> String {
        match self {
            Shared::Lock(name) | Shared::Limit(name, _) => name.clone(),
            Shared::Counter => "counter".to_owned(),
            Shared::Port => "port".to_owned(),
            Shared::Folder => "folder".to_owned(),
        }
    }
}

/// A task's lines and what they need.
pub struct Body<'a> {
    program: &'a Program,
    /// Decides between plain lines and awaited ones.
    pub style: Style,
    /// Modules.
    pub imports: BTreeSet<&'static str>,
    /// Functions and constants before the task, each a block of lines.
    pub blocks: Vec<String>,
    /// What tasks share.
    pub shared: Vec<Shared>,
    /// Bytes of the file that `read` steps read; 0 for none.
    pub file_bytes: u64,
    /// Whether a database is queried.
    pub database: bool,
    /// Increments that all tasks make of the counter.
    pub updates: u64,
    /// Whether tasks return something to add up.
    pub sums: bool,
    /// Whether the author's own function returns something.
    pub returns: bool,
    /// Whether tasks of some group return nothing.
    pub silent: bool,
    lines: Vec<String>,
    depth: usize,
    offset: u64,
    tasks: u64,
    /// Whether the task needs its seed, a list of held memory, the counter, what a call returned.
    seeded: bool,
    holds: bool,
    counts: bool,
    keeps: bool,
    summing: bool,
}

impl<'a> Body<'a> {
    /// Of a program.
    pub fn new(program: &'a Program, style: Style) -> Self {
        Body {
            program,
            style,
            imports: BTreeSet::new(),
            blocks: Vec::new(),
            shared: Vec::new(),
            file_bytes: 0,
            database: false,
            updates: 0,
            sums: false,
            returns: false,
            lines: Vec::new(),
            depth: 0,
            offset: 0,
            tasks: 0,
            seeded: false,
            holds: false,
            counts: false,
            keeps: false,
            summing: false,
            silent: false,
        }
    }

    /// The function of a group's tasks, as text.
    ///
    /// # Errors
    /// A sentence, where Python's standard library has nothing for an operation.
    pub fn function(&mut self, name: &str, group: &Group, offset: u64) -> Result<String, String> {
        (self.offset, self.tasks, self.depth) = (offset, group.tasks, 1);
        (self.seeded, self.holds, self.counts, self.keeps) = (false, false, false, false);
        self.lines.clear();
        let computes = |op: &Op| matches!(op, Op::Compute { function, .. } if function != "cpu");
        let mut results = 0;
        for op in &group.ops {
            op.walk(1, &mut |op, times| {
                results += usize::from(computes(op));
                if let Op::Add { times: own, .. } = op {
                    let at = |i| own.at(i, group.tasks, self.program.task_seed(offset + i));
                    let all = (0..group.tasks).map(at).fold(0, u64::saturating_add);
                    self.updates = self.updates.saturating_add(all.saturating_mul(times));
                }
            });
        }
        self.summing = results > 0;
        self.sums |= self.summing;
        let returned = self.returns;
        self.returns = false;
        let single = results == 1 && group.ops.last().is_some_and(computes);
        for (number, op) in group.ops.iter().enumerate() {
            let last = number + 1 == group.ops.len();
            self.op(op, last && (single || results == 0))?;
        }
        let pool = if self.style == Style::LoopAndPool {
            ", pool"
        } else {
            ""
        };
        let word = if self.style.is_async() {
            "async def"
        } else {
            "def"
        };
        let mut head = vec![format!("{word} {name}(i{pool}):")];
        if self.counts && self.style != Style::Processes {
            head.push("    global counter".to_owned());
        }
        if self.style == Style::LoopAndPool {
            head.push("    loop = asyncio.get_running_loop()".to_owned());
        }
        if self.seeded {
            self.function_block("draw");
            let (seed, number) = (self.program.seed, self.number());
            head.push("    # Random, but the same in every run.".to_owned());
            head.push(format!("    seed = draw({seed} ^ draw({number}, 0), 0)"));
        }
        if self.holds {
            head.push("    held = []".to_owned());
        }
        if results > 0 && !single {
            head.push("    result = 0".to_owned());
            self.lines.push("    return result".to_owned());
        } else if self.keeps {
            self.lines.push("    return returned".to_owned());
        }
        if self.lines.is_empty() {
            self.lines.push("    pass".to_owned());
        }
        self.silent |= !self.summing && !self.returns;
        self.returns |= returned;
        head.append(&mut self.lines);
        Ok(head.join("\n"))
    }

    /// The task's number among all tasks.
    fn number(&self) -> String {
        match self.offset {
            0 => "i".to_owned(),
            offset => format!("i + {offset}"),
        }
    }

    fn line(&mut self, text: impl AsRef<str>) {
        let text = format!("{}{}", "    ".repeat(self.depth), text.as_ref());
        self.lines.push(text);
    }

    fn block(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.blocks.contains(&text) {
            self.blocks.push(text);
        }
    }

    fn share(&mut self, shared: Shared) {
        if !self.shared.contains(&shared) {
            self.shared.push(shared);
        }
    }

    /// A compute function's source with the functions that it names.
    fn function_block(&mut self, name: &str) {
        let source = source(name);
        if name != "draw" && source.contains("draw(") {
            self.function_block("draw");
        }
        self.block(source);
    }

    /// A value as an expression; `per_unit` is what it is divided by (10⁹ for seconds), 1 for a count.
    fn value(&mut self, value: &Value, per_unit: u64) -> String {
        let seconds = per_unit > 1;
        let divided = if seconds { " / 1e9" } else { "" };
        match value {
            Value::Const(number) if seconds => in_seconds(*number),
            Value::Const(number) => count(*number),
            Value::Each(values) => {
                let told = values.iter().map(|value| match seconds {
                    true => in_seconds(*value),
                    false => count(*value),
                });
                let list = told.collect::<Vec<_>>().join(", ");
                let known = self
                    .blocks
                    .iter()
                    .filter(|b| b.starts_with("VALUES"))
                    .count();
                let own = |block: &&String| block.ends_with(&format!("= [{list}]"));
                if let Some(block) = self.blocks.iter().find(own) {
                    let name = block.split(' ').next().unwrap_or_default();
                    return format!("{name}[i]");
                }
                let name = match known {
                    0 => "VALUES".to_owned(),
                    more => format!("VALUES_{}", more + 1),
                };
                self.block(format!("{name} = [{list}]"));
                format!("{name}[i]")
            }
            Value::Total(total) => {
                self.block(
                    "def part(total, tasks, i):\n    \"\"\"What task i gets of a total; the first ones take \
                     the remainder.\"\"\"\n    return total // tasks + (i < total % tasks)",
                );
                format!("part({}, {}, i){divided}", count(*total), self.tasks)
            }
            Value::Uniform { low, high, stream } => {
                self.function_block("draw");
                self.block(
                    "def uniform(seed, stream, low, high):\n    \"\"\"A random whole number from low to high, \
                     the same in every run.\"\"\"\n    number = draw(seed ^ draw(2**64 - 1 - stream, 0), 0)\n    \
                     return low + (number * (high - low + 1) >> 64)",
                );
                self.seeded = true;
                format!(
                    "uniform(seed, {stream}, {}, {}){divided}",
                    count(*low),
                    count(*high)
                )
            }
        }
    }

    /// A call on a thread of its own where an event loop would have to wait for it.
    fn call(&mut self, call: &str) {
        let (name, arguments) = call.split_once('(').unwrap_or((call, ")"));
        let arguments = arguments.trim_end_matches(')');
        let comma = if arguments.is_empty() { "" } else { ", " };
        match self.style.is_async() {
            true => self.line(format!("await asyncio.to_thread({name}{comma}{arguments})")),
            false => self.line(call),
        }
    }

    fn op(&mut self, op: &Op, last: bool) -> Result<(), String> {
        match op {
            Op::Compute { function, size } => self.compute(function, size, last),
            Op::Sleep { time } => {
                let time = self.value(time, 1_000_000_000);
                match self.style.is_async() {
                    true => self.line(format!("await asyncio.sleep({time})")),
                    false => {
                        self.imports.insert("time");
                        self.line(format!("time.sleep({time})"));
                    }
                }
            }
            Op::Block { time } => {
                self.imports.insert("time");
                let time = self.value(time, 1_000_000_000);
                match self.style {
                    Style::Loop => self.line(format!("time.sleep({time})  # keeps the event loop")),
                    Style::LoopAndPool => {
                        self.line(format!(
                            "await loop.run_in_executor(pool, time.sleep, {time})"
                        ));
                    }
                    _ => self.line(format!("time.sleep({time})")),
                }
            }
            Op::Http {
                time,
                status,
                bytes,
                ..
            } => {
                let (time, status) = (self.value(time, 1_000_000_000), self.value(status, 1));
                let bytes = self.value(bytes, 1);
                self.share(Shared::Port);
                self.imports.extend(["asyncio", "multiprocessing"]);
                self.block(SERVE);
                let path = match [&time, &status, &bytes].iter().all(|v| is_number(v)) {
                    true => format!("\"/{time}/{status}/{bytes}\""),
                    false => format!("f\"/{{{time}}}/{{{status}}}/{{{bytes}}}\""),
                };
                match self.style.is_async() {
                    true => {
                        self.block(GET_ASYNC);
                        self.line(format!("await get({path})"));
                    }
                    false => {
                        self.imports.insert("http.client");
                        self.block(GET);
                        self.line(format!("get({path})"));
                    }
                }
            }
            Op::Fetch { url, .. } => {
                self.imports.insert("urllib.request");
                self.block(FETCH);
                self.call(&format!("fetch({})", quoted(url)));
            }
            Op::Read { bytes } => {
                self.share(Shared::Folder);
                self.file_bytes = self.file_bytes.max(bytes.largest(self.tasks));
                self.block(READ);
                let bytes = self.value(bytes, 1);
                self.call(&format!("read({bytes})"));
            }
            Op::Write { bytes, sync } => {
                self.share(Shared::Folder);
                self.imports.insert("tempfile");
                if *sync {
                    self.imports.insert("os");
                }
                self.block(if *sync { WRITE_SYNC } else { WRITE });
                let bytes = self.value(bytes, 1);
                self.call(&format!("write({bytes})"));
            }
            Op::Query {
                database: Some(_), ..
            } => {
                return Err("Python's standard library has no client for PostgreSQL; psycopg or asyncpg are \
                            what one would take"
                    .to_owned());
            }
            Op::Query { statement, .. } => {
                self.share(Shared::Folder);
                self.database = true;
                self.imports.extend(["sqlite3", "contextlib", "time"]);
                self.block(QUERY);
                match statement {
                    Statement::Sql(sql) => self.call(&format!("query({})", quoted(sql))),
                    Statement::Time(time) => {
                        let time = self.value(time, 1_000_000_000);
                        self.call(&format!("query(\"SELECT wait(?)\", {time})"));
                    }
                }
            }
            Op::Run { argv } => {
                self.imports.insert("subprocess");
                let argv: Vec<String> = argv.iter().map(|word| quoted(word)).collect();
                match self.style.is_async() {
                    true => {
                        self.block(RUN_ASYNC);
                        self.line(format!("await run_program({})", argv.join(", ")));
                    }
                    false => {
                        let argv = argv.join(", ");
                        self.line(format!(
                            "subprocess.run([{argv}], stdout=subprocess.DEVNULL, check=True)"
                        ));
                    }
                }
            }
            Op::Alloc { bytes } => {
                self.holds = true;
                let bytes = self.value(bytes, 1);
                self.line(format!(
                    "held.append(b\"\\x01\" * {bytes})  # kept to the end of the task"
                ));
            }
            Op::Add { times, sync, body } => self.add(times, *sync, *body),
            Op::Python { code } => self.python(code, last),
            Op::Group {
                ops,
                times,
                lock,
                permit,
                label,
            } => {
                return self.group(ops, *times, lock.as_deref(), permit.as_deref(), label);
            }
        }
        Ok(())
    }

    fn compute(&mut self, function: &str, size: &Value, last: bool) {
        if function == "cpu" {
            self.imports.insert("time");
            self.block(CPU);
            let time = self.value(size, 1_000_000_000);
            match self.style {
                Style::LoopAndPool => {
                    self.line(format!("await loop.run_in_executor(pool, cpu, {time})"))
                }
                _ => self.line(format!("cpu({time})")),
            }
            return;
        }
        self.function_block(function);
        let size = self.value(size, 1);
        let seed = match is_seeded(&source(function)) {
            true => {
                self.seeded = true;
                ", seed"
            }
            false => "",
        };
        let call = match self.style {
            Style::LoopAndPool => {
                format!("await loop.run_in_executor(pool, {function}, {size}{seed})")
            }
            _ => format!("{function}({size}{seed})"),
        };
        match last {
            true => self.line(format!("return {call}")),
            false => self.line(format!("result += {call}")),
        }
    }

    fn add(&mut self, times: &Value, sync: Sync, body: Between) {
        let inside = self.depth;
        let times = self.value(times, 1);
        self.share(Shared::Counter);
        self.counts = true;
        let counter = if self.style == Style::Processes {
            "counter.value"
        } else {
            "counter"
        };
        let locked = !self.style.is_async();
        let with = |body: &mut Self| {
            body.share(Shared::Lock("counter_mutex".to_owned()));
            body.line("with counter_mutex:");
            body.depth += 1;
        };
        if sync == Sync::Local {
            self.line("own = 0");
            self.line(format!("for _ in range({times}):"));
            self.depth += 1;
            self.line("own += 1");
            self.depth = inside;
            if locked {
                with(self);
            }
            self.line(format!("{counter} += own"));
            self.depth = inside;
            return;
        }
        self.line(format!("for _ in range({times}):"));
        self.depth += 1;
        if sync != Sync::None && locked {
            if sync == Sync::Atomic || sync == Sync::Rwlock {
                self.line("# The standard library has no other way than a lock.");
            }
            with(self);
        }
        let alone = match sync != Sync::None && !locked {
            true => "  # one thread: nothing comes in between",
            false => "",
        };
        match body {
            Between::Plain => self.line(format!("{counter} += 1{alone}")),
            Between::Call => {
                self.block("def same(number):\n    return number");
                self.line("# A thread switch at the call loses what others add meanwhile.");
                self.line(format!("{counter} = same({counter}) + 1"));
            }
        }
        self.depth = inside;
    }

    fn python(&mut self, code: &Code, last: bool) {
        let (block, is_async) = match code {
            Code::Text { text, .. } => {
                let text = text.trim_matches('\n').trim_end();
                (text.to_owned(), text.contains("async def task("))
            }
            Code::File { path, call } => {
                let stem = path
                    .file_stem()
                    .map_or("work".into(), |stem| stem.to_string_lossy());
                let name = if call == "task" {
                    String::new()
                } else {
                    " as task".to_owned()
                };
                (format!("from {stem} import {call}{name}"), false)
            }
        };
        self.block(block);
        self.returns |= !self.summing;
        let call = match (self.style, is_async) {
            (Style::Loop | Style::LoopAndPool, true) => "await task(i)",
            (Style::LoopAndPool, false) => "await loop.run_in_executor(pool, task, i)",
            (_, true) => {
                self.imports.insert("asyncio");
                "asyncio.run(task(i))"
            }
            (Style::Loop, false) => "task(i)  # a plain function keeps the event loop",
            (..) => "task(i)",
        };
        match (last, self.summing) {
            (true, false) => self.line(format!("return {call}")),
            (false, false) => {
                self.keeps = true;
                self.line(format!("returned = {call}"));
            }
            // What is computed elsewhere is the task's result.
            (_, true) => self.line(call),
        }
    }

    fn group(
        &mut self,
        ops: &[Op],
        times: u64,
        lock: Option<&str>,
        permit: Option<&str>,
        label: &str,
    ) -> Result<(), String> {
        let outside = self.depth;
        if !label.is_empty() {
            self.line(format!("# {}", label.replace(char::is_control, " ")));
        }
        if times != 1 {
            self.line(format!("for _ in range({}):", count(times)));
            self.depth += 1;
        }
        let word = if self.style.is_async() {
            "async with"
        } else {
            "with"
        };
        let mut held = Vec::new();
        if let Some(name) = lock {
            held.push(Shared::Lock(identifier(name, "_lock")));
        }
        if let Some(verb) = permit {
            let most = self.program.limits.get(verb).copied().unwrap_or(1);
            held.push(Shared::Limit(identifier(verb, "_limit"), most));
        }
        for shared in held {
            self.line(format!("{word} {}:", shared.name()));
            self.share(shared);
            self.depth += 1;
        }
        for op in ops {
            self.op(op, false)?;
        }
        self.depth = outside;
        Ok(())
    }
}
