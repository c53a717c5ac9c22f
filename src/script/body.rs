//! The function of a group's tasks as it is written line by line, and what its lines need: imports, functions,
//! objects that all tasks share.
//!
//! `ops` writes the lines of operations, with `values` and `counter`.

use super::author::{Author, Module};
use super::blocks::{identifier, source};
use super::shared::Shared;
use crate::program::{Group, Op, Program};
use std::collections::{BTreeMap, BTreeSet};

/// How a task's function is called, which decides what its lines look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// One after the other.
    #[default]
    Alone,
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

    /// Whether tasks see the globals of `main`.
    pub fn is_in_one_process(self) -> bool {
        self != Style::Processes
    }
}

/// The lines of tasks, and what they need.
pub struct Body<'a> {
    pub(super) program: &'a Program,
    pub(super) authors: &'a [Author],
    /// Decides between plain lines and awaited ones.
    pub style: Style,
    /// Modules of the standard library.
    pub imports: BTreeSet<&'static str>,
    /// Lines that import modules of the author's.
    pub author_imports: BTreeSet<String>,
    /// Those that are no files of the author's.
    pub modules: Vec<Module>,
    /// The author's text, where it stands in the script.
    pub author_text: Option<String>,
    /// Values before all functions.
    pub constants: Vec<String>,
    /// Functions before the task, each a block of lines.
    pub blocks: Vec<String>,
    /// What tasks share.
    pub shared: Vec<Shared>,
    /// Bytes of the file that `read` steps read.
    pub file_bytes: Option<u64>,
    /// Whether a database is queried.
    pub database: bool,
    /// Increments that all tasks make of the counter.
    pub updates: u64,
    /// Whether tasks return something to add up.
    pub sums: bool,
    /// Whether the author's own function returns something.
    pub returns: bool,
    /// Whether tasks of some group return nothing, or fail.
    pub silent: bool,
    lines: Vec<String>,
    pub(super) depth: usize,
    offset: u64,
    pub(super) tasks: u64,
    /// Names of locks, by the cell's.
    names: BTreeMap<(String, &'static str), String>,
    /// What the task's function needs: its seed, the loop, a list of held memory, the counter.
    pub(super) seeded: bool,
    pub(super) counts: bool,
    pub(super) loops: bool,
    pub(super) holds: bool,
    /// Whether what the author's function returned is kept, and whether results are added up.
    pub(super) keeps: bool,
    pub(super) summing: bool,
    /// Whether one function computes the result, once.
    pub(super) is_only: bool,
    /// Locks that are held where lines are written.
    pub(super) locks_held: usize,
}

impl<'a> Body<'a> {
    /// Of a program.
    pub fn new(program: &'a Program, authors: &'a [Author], style: Style) -> Self {
        Body {
            program,
            authors,
            style,
            imports: BTreeSet::new(),
            author_imports: BTreeSet::new(),
            modules: Vec::new(),
            author_text: None,
            constants: Vec::new(),
            blocks: Vec::new(),
            shared: Vec::new(),
            file_bytes: None,
            database: false,
            updates: 0,
            sums: false,
            returns: false,
            silent: false,
            lines: Vec::new(),
            depth: 0,
            offset: 0,
            tasks: 0,
            names: BTreeMap::new(),
            seeded: false,
            counts: false,
            loops: false,
            holds: false,
            keeps: false,
            summing: false,
            is_only: false,
            locks_held: 0,
        }
    }

    /// The function of a group's tasks, as text.
    ///
    /// # Errors
    /// A sentence, where Python's standard library has nothing for an operation.
    pub fn function(&mut self, name: &str, group: &Group, offset: u64) -> Result<String, String> {
        (self.offset, self.tasks, self.depth) = (offset, group.tasks, 1);
        (self.seeded, self.counts, self.loops) = (false, false, false);
        (self.holds, self.keeps) = (false, false);
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
        self.is_only = results == 1 && group.ops.iter().any(computes);
        for (number, op) in group.ops.iter().enumerate() {
            let last = number + 1 == group.ops.len();
            self.op(op, last && (single || results == 0))?;
        }
        let mut head = vec![format!("{} {name}({}):", self.def(), self.parameters("i"))];
        if self.counts && self.style.is_in_one_process() {
            head.push("    global counter".to_owned());
        }
        if self.loops {
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
            if !self.is_only {
                head.push("    result = 0".to_owned());
            }
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

    /// The word that functions of tasks begin with.
    pub fn def(&self) -> &'static str {
        match self.style.is_async() {
            true => "async def",
            false => "def",
        }
    }

    /// Their parameters.
    pub fn parameters(&self, number: &str) -> String {
        match self.style {
            Style::LoopAndPool => format!("{number}, pool"),
            _ => number.to_owned(),
        }
    }

    /// The task's number among all tasks.
    fn number(&self) -> String {
        match self.offset {
            0 => "i".to_owned(),
            offset => format!("i + {offset}"),
        }
    }

    pub(super) fn line(&mut self, text: impl AsRef<str>) {
        let text = format!("{}{}", "    ".repeat(self.depth), text.as_ref());
        self.lines.push(text);
    }

    pub(super) fn block(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.blocks.contains(&text) {
            self.blocks.push(text);
        }
    }

    pub(super) fn share(&mut self, shared: Shared) {
        if !self.shared.contains(&shared) {
            self.shared.push(shared);
        }
    }

    /// A compute function's source with the functions that it names.
    pub(super) fn function_block(&mut self, name: &str) {
        let source = source(name);
        if name != "draw" && source.contains("draw(") {
            self.function_block("draw");
        }
        self.block(source);
    }

    /// A lock's name, another one for each.
    pub(super) fn name(&mut self, original: &str, ending: &'static str) -> String {
        let key = (original.to_owned(), ending);
        if let Some(name) = self.names.get(&key) {
            return name.clone();
        }
        let plain = identifier(original, ending);
        let mut name = plain.clone();
        for number in 2.. {
            if !self.names.values().any(|known| *known == name) {
                break;
            }
            name = format!("{plain}_{number}");
        }
        self.names.insert(key, name.clone());
        name
    }

    /// A call of what blocks: an event loop gives it to a thread.
    pub(super) fn call(&mut self, function: &str, argument: &str) {
        match self.style.is_async() {
            true => self.line(format!("await asyncio.to_thread({function}, {argument})")),
            false => self.line(format!("{function}({argument})")),
        }
    }

    /// The call of what computes: an event loop that has a pool gives it to that.
    pub(super) fn computed(&mut self, function: &str, arguments: &str) -> String {
        match self.style {
            Style::LoopAndPool => {
                self.loops = true;
                format!("await loop.run_in_executor(pool, {function}, {arguments})")
            }
            _ => format!("{function}({arguments})"),
        }
    }
}
