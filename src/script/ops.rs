//! What each operation is in a Python script: its lines in a plain function and in a coroutine.
//!
//! To add an operation: its arm in [`Body::op`].

use super::author::{self, Author, KnownBy};
use super::blocks::{
    CONNECT, CPU, FETCH, GET, GET_ASYNC, QUERY, QUERY_SCRIPT, QUERY_TIME, READ, RUN, RUN_ASYNC,
    SERVE, WRITE, WRITE_SYNC, count, is_number, is_seeded, quoted, source,
};
use super::body::{Body, Style};
use super::shared::Shared;
use crate::program::{Code, Group, Op, Statement, Value};

/// Whether an operation is one that `hybrid` hands to its pool.
pub fn is_handed_over(op: &Op, authors: &[Author]) -> bool {
    match op {
        Op::Compute { .. } | Op::Block { .. } => true,
        Op::Python { code } => {
            author::of(authors, code).is_some_and(|author| author.is_async != Some(true))
        }
        _ => false,
    }
}

impl Body<'_> {
    /// Writes the lines of an operation; `last` where a task returns what it computes.
    ///
    /// # Errors
    /// A sentence, where Python's standard library has nothing for it.
    pub(super) fn op(&mut self, op: &Op, last: bool) -> Result<(), String> {
        match op {
            Op::Compute { function, size } => self.compute(function, size, last),
            Op::Sleep { time } => {
                let time = self.seconds(time);
                match self.style.is_async() {
                    true => self.line(format!("await asyncio.sleep({time})")),
                    false => self.line(format!("time.sleep({time})")),
                }
            }
            Op::Block { time } => {
                let time = self.seconds(time);
                let call = self.computed("time.sleep", &time);
                let said = match self.style {
                    Style::Loop => "  # blocks the event loop",
                    _ => "",
                };
                self.line(format!("{call}{said}"));
            }
            Op::Http {
                time,
                status,
                bytes,
                ..
            } => self.http(time, status, bytes),
            Op::Fetch { url, .. } => {
                self.imports.insert("urllib.request");
                self.block(FETCH);
                self.call("fetch", &quoted(url));
            }
            Op::Read { bytes } => {
                self.share(Shared::Folder);
                self.file_bytes = self.file_bytes.max(Some(bytes.largest(self.tasks)));
                self.block(READ);
                let bytes = self.value(bytes);
                self.call("read", &bytes);
            }
            Op::Write { bytes, sync } => {
                self.share(Shared::Folder);
                let (block, function) = match sync {
                    true => (WRITE_SYNC, "write_sync"),
                    false => (WRITE, "write"),
                };
                if *sync {
                    self.imports.insert("os");
                }
                self.block(block);
                let bytes = self.value(bytes);
                self.call(function, &bytes);
            }
            Op::Query {
                database: Some(_), ..
            } => {
                return Err("Python's standard library has no client for PostgreSQL; psycopg or asyncpg are \
                            what one would take"
                    .to_owned());
            }
            Op::Query { statement, .. } => self.query(statement),
            Op::Run { argv } => {
                self.imports.insert("subprocess");
                let argv: Vec<String> = argv.iter().map(|word| quoted(word)).collect();
                let argv = argv.join(", ");
                match self.style.is_async() {
                    true => {
                        self.block(RUN_ASYNC);
                        self.line(format!("await run_program({argv})"));
                    }
                    false => {
                        self.block(RUN);
                        self.line(format!("run_program({argv})"));
                    }
                }
            }
            Op::Alloc { bytes } => {
                self.holds = true;
                let bytes = self.value(bytes);
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
            self.block(CPU);
            let time = self.seconds(size);
            let call = self.computed("cpu", &time);
            self.line(call);
            return;
        }
        self.function_block(function);
        let mut arguments = self.value(size);
        if is_seeded(&source(function)) {
            self.seeded = true;
            arguments.push_str(", seed");
        }
        let call = self.computed(function, &arguments);
        match last {
            true => self.line(format!("return {call}")),
            false if self.is_only => self.line(format!("result = {call}")),
            false => self.line(format!("result += {call}")),
        }
    }

    fn http(&mut self, time: &Value, status: &Value, bytes: &Value) {
        self.silent |= status.largest(self.tasks) >= 400;
        let (time, status) = (self.seconds(time), self.value(status));
        let bytes = self.value(bytes);
        self.share(Shared::Port);
        self.imports.extend(["asyncio", "multiprocessing"]);
        self.block(SERVE);
        // Groups of digits are Python's, not the server's.
        let parts = [time, status, bytes].map(|part| match is_number(&part) {
            true => part.replace('_', ""),
            false => format!("{{{part}}}"),
        });
        let path = parts.join("/");
        let f = if path.contains('{') { "f" } else { "" };
        let path = format!("{f}\"/{path}\"");
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

    fn query(&mut self, statement: &Statement) {
        self.share(Shared::Folder);
        self.database = true;
        self.imports.extend(["contextlib", "sqlite3"]);
        self.block(CONNECT);
        match statement {
            Statement::Time(time) => {
                self.block(QUERY_TIME);
                let time = self.seconds(time);
                self.call("query_time", &time);
            }
            Statement::Sql(sql) => {
                // A `;` inside a text counts too: executescript takes one statement as well.
                let several = sql.trim_end().trim_end_matches(';').contains(';');
                let (block, function) = match several {
                    true => (QUERY_SCRIPT, "query_script"),
                    false => (QUERY, "query"),
                };
                self.block(block);
                self.call(function, &quoted(sql));
            }
        }
    }

    /// The author's function, where it is all that the tasks do and is called as it is.
    pub fn author_alone(&mut self, group: &Group) -> Option<String> {
        let [Op::Python { code }] = group.ops.as_slice() else {
            return None;
        };
        let author = author::of(self.authors, code)?;
        let is_coroutine = author.is_async == Some(true);
        if self.style == Style::LoopAndPool || is_coroutine != self.style.is_async() {
            return None;
        }
        self.returns = true;
        self.know(author);
        Some(author.call.clone())
    }

    /// Makes a function of the author's known.
    fn know(&mut self, author: &Author) {
        match &author.known_by {
            KnownBy::Text(text) => self.author_text = Some(text.clone()),
            KnownBy::Import(line, module) => {
                match line.starts_with("import ") {
                    true => {
                        self.author_imports.insert(line.clone());
                    }
                    false => {
                        self.imports.insert("importlib");
                        if !self.constants.contains(line) {
                            self.constants.push(line.clone());
                        }
                    }
                }
                if let Some(module) = module
                    && !self.modules.contains(module)
                {
                    self.modules.push(module.clone());
                }
            }
        }
    }

    fn python(&mut self, code: &Code, last: bool) {
        let Some(author) = author::of(self.authors, code) else {
            return;
        };
        self.know(author);
        self.returns |= !self.summing;
        let function = &author.call;
        let call = match (self.style, author.is_async == Some(true)) {
            (Style::Loop | Style::LoopAndPool, true) => format!("await {function}(i)"),
            (_, true) => {
                self.imports.insert("asyncio");
                format!("asyncio.run({function}(i))")
            }
            (Style::Loop, false) => {
                format!("{function}(i)  # a plain function blocks the event loop")
            }
            (_, false) => self.computed(function, "i"),
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
        let word = match self.style.is_async() {
            true => "async with",
            false => "with",
        };
        let mut held = Vec::new();
        if let Some(lock) = lock {
            held.push(Shared::Lock(self.name(lock, "_lock")));
        }
        // A permit of what another model limits is none here.
        if let Some((verb, most)) = permit.and_then(|verb| self.program.limits.get_key_value(verb))
        {
            held.push(Shared::Limit(self.name(verb, "_limit"), *most));
        }
        for shared in held {
            self.line(format!("{word} {}:", shared.name()));
            self.share(shared);
            self.depth += 1;
        }
        if ops.is_empty() && self.depth > outside {
            self.line("pass");
        }
        self.locks_held += usize::from(lock.is_some());
        for op in ops {
            self.op(op, false)?;
        }
        self.locks_held -= usize::from(lock.is_some());
        self.depth = outside;
        Ok(())
    }
}
