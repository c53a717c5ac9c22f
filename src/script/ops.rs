//! What each operation is in a Python script: its lines in a plain function and in a coroutine.
//!
//! [`Body`] collects what the lines need: imports, functions, objects that all tasks share. To add an
//! operation: its arm in [`Body::op`].

use crate::program::{Body as Between, Code, Group, Op, Program, Statement, Sync, Value};
use crate::units::format_count;
use std::collections::BTreeSet;

/// Python twins of the compute functions.
const COMPUTE: &str = include_str!("../runtime/python/conclab_compute.py");

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
    lines: Vec<String>,
    depth: usize,
    offset: u64,
    tasks: u64,
    /// Whether the task needs its seed, a list of held memory, the event loop, the counter.
    seeded: bool,
    holds: bool,
    counts: bool,
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
        }
    }

    /// The function of a group's tasks, as text.
    ///
    /// # Errors
    /// A sentence, where Python's standard library has nothing for an operation.
    pub fn function(&mut self, name: &str, group: &Group, offset: u64) -> Result<String, String> {
        (self.offset, self.tasks, self.depth) = (offset, group.tasks, 1);
        (self.seeded, self.holds, self.counts) = (false, false, false);
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
        let single = results == 1 && group.ops.last().is_some_and(computes);
        for (number, op) in group.ops.iter().enumerate() {
            self.op(op, single && number + 1 == group.ops.len())?;
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
        if results > 0 {
            self.sums = true;
            if !single {
                head.push("    result = 0".to_owned());
                self.lines.push("    return result".to_owned());
            }
        }
        if self.lines.is_empty() {
            self.lines.push("    pass".to_owned());
        }
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
                let known = self.blocks.iter().filter(|b| b.starts_with("EACH")).count();
                let own = |block: &&String| block.ends_with(&format!("= [{list}]"));
                if let Some(block) = self.blocks.iter().find(own) {
                    let name = block.split(' ').next().unwrap_or_default();
                    return format!("{name}[i]");
                }
                let name = match known {
                    0 => "EACH".to_owned(),
                    more => format!("EACH_{}", more + 1),
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
            body.share(Shared::Lock("counter_lock".to_owned()));
            body.line("with counter_lock:");
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
        match body {
            Between::Plain => self.line(format!("{counter} += 1")),
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
        self.returns = true;
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
        let word = if last || self.depth == 1 {
            "return "
        } else {
            ""
        };
        self.line(format!("{word}{call}"));
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

/// The source of one function of [`COMPUTE`], without a seed where it uses none; empty where there is none
/// of that name.
fn source(name: &str) -> String {
    let Some(start) = COMPUTE.find(&format!("\ndef {name}(")) else {
        return String::new();
    };
    let rest = &COMPUTE[start + 1..];
    let end = rest.find("\n\n\n").unwrap_or(rest.len());
    let whole = rest[..end].trim_end();
    let seed = if is_seeded(whole) { ", seed" } else { "" };
    whole.replacen(", seed=0", seed, 1)
}

/// Whether a function draws its data by the task's seed.
fn is_seeded(source: &str) -> bool {
    source.contains("draw(seed")
}

/// A name in the cell as one of Python.
pub fn identifier(name: &str, ending: &str) -> String {
    let of = |c: char| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_lowercase(),
        false => '_',
    };
    let name: String = name.chars().map(of).collect();
    let name = name.trim_matches('_');
    match name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        true => format!("n{name}{ending}"),
        false => format!("{name}{ending}"),
    }
}

/// A whole number as Python writes it, in groups of three.
pub fn count(number: u64) -> String {
    match number < 10_000 {
        true => number.to_string(),
        false => format_count(number).replace(',', "_"),
    }
}

/// Nanoseconds as seconds.
fn in_seconds(ns: u64) -> String {
    let text = format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn is_number(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_digit() || b == b'.' || b == b'_')
}

/// A text as a literal; JSON's escapes are Python's too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

const CPU: &str = "\
def cpu(seconds):
    \"\"\"Keeps a core busy until this thread has used that much CPU time.\"\"\"
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass";

const SERVE: &str = "\
def serve(sender):
    \"\"\"A server that answers GET /SECONDS/STATUS/BYTES after that time; sends its port.\"\"\"

    async def answer(reader, writer):
        request = await reader.readuntil(b\"\\r\\n\\r\\n\")
        seconds, status, size = request.split()[1].decode().split(\"/\")[1:]
        await asyncio.sleep(float(seconds))
        head = f\"HTTP/1.1 {status} \\r\\nContent-Length: {size}\\r\\nConnection: close\\r\\n\\r\\n\"
        writer.write(head.encode() + bytes(int(size)))
        await writer.drain()
        writer.close()

    async def run():
        server = await asyncio.start_server(answer, \"127.0.0.1\", 0, backlog=4096)
        sender.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())";

const GET: &str = "\
def get(path):
    \"\"\"Requests a page over a connection of its own; a status of 400 and above is an error.\"\"\"
    connection = http.client.HTTPConnection(\"127.0.0.1\", port)
    connection.request(\"GET\", path)
    response = connection.getresponse()
    response.read()
    connection.close()
    if response.status >= 400:
        raise OSError(f\"status {response.status}\")";

const GET_ASYNC: &str = "\
async def get(path):
    \"\"\"Requests a page over a connection of its own; a status of 400 and above is an error.\"\"\"
    reader, writer = await asyncio.open_connection(\"127.0.0.1\", port)
    writer.write(f\"GET {path} HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n\\r\\n\".encode())
    status = int((await reader.readline()).split()[1])
    await reader.read()
    writer.close()
    await writer.wait_closed()
    if status >= 400:
        raise OSError(f\"status {status}\")";

const FETCH: &str = "\
def fetch(url):
    with urllib.request.urlopen(url) as response:
        response.read()";

const READ: &str = "\
def read(size):
    with open(f\"{folder}/data\", \"rb\") as file:
        file.read(size)";

const WRITE: &str = "\
def write(size):
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        file.write(bytes(size))";

const WRITE_SYNC: &str = "\
def write(size):
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        file.write(bytes(size))
        file.flush()
        os.fsync(file.fileno())  # waits until the disk has it";

const QUERY: &str = "\
def query(sql, *parameters):
    with contextlib.closing(sqlite3.connect(f\"{folder}/numbers.db\", timeout=60)) as connection:
        connection.create_function(\"wait\", 1, time.sleep)
        with connection:
            return len(connection.execute(sql, parameters).fetchall())";

const RUN_ASYNC: &str = "\
async def run_program(*argv):
    process = await asyncio.create_subprocess_exec(*argv, stdout=subprocess.DEVNULL)
    if await process.wait() != 0:
        raise subprocess.CalledProcessError(process.returncode, argv)";
