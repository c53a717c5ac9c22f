//! The author's own Python in a script: as it stands where that goes, else as a module beside the script.
//!
//! Nothing here runs Python: names are found in lines that bind them at the left margin.

use crate::program::{Code, Op, Program};
use std::path::Path;

/// Gives the text of an author's file, if it can be read.
pub type ReadFile<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// A file of Python that stands beside a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its file's name.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// One function of the author's as a script has it.
pub struct Author {
    code: Code,
    /// The expression that the function is.
    pub call: String,
    /// Lines that make it known: the text itself, or an import.
    pub known_by: KnownBy,
    /// Whether it is an `async def`; `None` where its text doesn't tell.
    pub is_async: Option<bool>,
}

/// How a script knows a function of the author's.
pub enum KnownBy {
    /// Its text stands in the script.
    Text(String),
    /// A line imports its module, which is given where it is no file of the author's.
    Import(String, Option<Module>),
}

/// The author's functions of a program, each once; `apart` where names of a text and of the script collide.
///
/// # Errors
/// A sentence, where one script can't have them all.
pub fn authors(program: &Program, apart: bool, read: ReadFile) -> Result<Vec<Author>, String> {
    let mut codes: Vec<&Code> = Vec::new();
    for op in program.groups.iter().flat_map(|group| &group.ops) {
        collect(op, &mut codes);
    }
    let apart = apart || codes.len() > 1;
    let files: Vec<(&Path, String)> = codes
        .iter()
        .filter_map(|code| match code {
            Code::File { path, .. } => Some((path.as_path(), stem(path))),
            Code::Text { .. } => None,
        })
        .collect();
    for (number, (path, stem)) in files.iter().enumerate() {
        let rest = &files[number + 1..];
        if let Some((other, _)) = rest.iter().find(|(p, s)| s == stem && p != path) {
            return Err(format!(
                "{} and {} would be one module of Python: rename one of them",
                path.display(),
                other.display()
            ));
        }
    }
    Ok(codes
        .into_iter()
        .map(|code| author(code, apart, read))
        .collect())
}

fn collect<'a>(op: &'a Op, codes: &mut Vec<&'a Code>) {
    match op {
        Op::Python { code } if !codes.contains(&code) => codes.push(code),
        Op::Group { ops, .. } => ops.iter().for_each(|op| collect(op, codes)),
        _ => {}
    }
}

fn author(code: &Code, apart: bool, read: ReadFile) -> Author {
    let (call, known_by) = match code {
        Code::Text { text, module, .. } => {
            let text = text.trim_matches('\n').trim_end();
            if !apart && !must_be_a_module(text) {
                ("task".to_owned(), KnownBy::Text(text.to_owned()))
            } else {
                let file = Module {
                    file: format!("{module}.py"),
                    text: text.to_owned(),
                };
                let known_by = KnownBy::Import(format!("import {module}"), Some(file));
                (format!("{module}.task"), known_by)
            }
        }
        Code::File { path, call } => {
            let stem = stem(path);
            let (name, line) = match (is_identifier(&stem), apart) {
                (true, false) => (stem.clone(), format!("import {stem}")),
                (true, true) => (
                    format!("{stem}_module"),
                    format!("import {stem} as {stem}_module"),
                ),
                (false, _) => {
                    let name = super::blocks::identifier(&stem, "_module");
                    let line = format!(
                        "{name} = importlib.import_module({})",
                        super::blocks::quoted(&stem)
                    );
                    (name, line)
                }
            };
            (format!("{name}.{call}"), KnownBy::Import(line, None))
        }
    };
    Author {
        code: code.clone(),
        call,
        known_by,
        is_async: tells_whether_async(code, read),
    }
}

/// Whether a function is an `async def`; `None` where its text doesn't tell.
pub fn tells_whether_async(code: &Code, read: ReadFile) -> Option<bool> {
    match code {
        Code::Text { text, .. } => is_async(text, "task"),
        Code::File { path, call } => is_async(&read(path)?, call),
    }
}

/// The one of a step.
pub fn of<'a>(authors: &'a [Author], code: &Code) -> Option<&'a Author> {
    authors.iter().find(|author| author.code == *code)
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

/// Words that can't be names.
const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

fn is_identifier(word: &str) -> bool {
    !KEYWORDS.contains(&word)
        && !word.starts_with(|c: char| c.is_ascii_digit())
        && !word.is_empty()
        && word.chars().all(is_part)
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The name that a text begins with.
fn first_name(text: &str) -> &str {
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    &text[..end]
}

/// Whether a function is an `async def`, by the last line that binds its name; `None` where none does that way.
fn is_async(text: &str, function: &str) -> Option<bool> {
    let mut found = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("async def ") {
            found = (first_name(rest) == function).then_some(true).or(found);
        } else if let Some(rest) = line.strip_prefix("def ") {
            found = (first_name(rest) == function).then_some(false).or(found);
        } else if first_name(line) == function
            && let Some(value) = line[function.len()..].trim_start().strip_prefix('=')
        {
            let value = value.split('#').next().unwrap_or_default().trim();
            found = match is_identifier(value) && value != function {
                true => is_async(text, value),
                false => value.starts_with("lambda").then_some(false),
            };
        }
    }
    found
}

/// Whether a text does something else in the middle of a script: it must be the beginning of its file, asks
/// whether it is the program, or binds names that nobody sees.
fn must_be_a_module(text: &str) -> bool {
    let words = |line: &str, word: &str| line.split(|c| !is_part(c)).any(|one| one == word);
    let binds_all = |line: &str| line.starts_with("from ") && line.trim_end().ends_with('*');
    text.lines()
        .any(|line| words(line, "__future__") || words(line, "__name__") || binds_all(line))
}

/// Whether what the author brings and the rest of the script bind a name in common, other than by importing the
/// same module.
pub fn collides(text: &str, rest: &[&String]) -> bool {
    let own = bound_names(text);
    let others: Vec<(&str, bool)> = rest.iter().flat_map(|block| bound_names(block)).collect();
    own.iter().any(|(name, is_module)| {
        let same = others.iter().filter(|(other, _)| other == name);
        same.into_iter().any(|(_, other)| !(*is_module && *other))
    })
}

/// Names that a text binds in its module, and whether each is the module of that name.
fn bound_names(text: &str) -> Vec<(&str, bool)> {
    let mut names = Vec::new();
    for line in text.lines() {
        let behind = |word: &str| line.strip_prefix(word);
        if let Some(rest) = behind("async def ").or(behind("def ")).or(behind("class ")) {
            names.push((first_name(rest), false));
        } else if let Some(list) = behind("import ") {
            names.extend(list.split(',').map(|item| match item.split_once(" as ") {
                Some((_, name)) => (first_name(name.trim()), false),
                None => (first_name(item.trim()), true),
            }));
        } else if let Some((_, list)) = behind("from ").and_then(|rest| rest.split_once(" import "))
        {
            let last = |item: &'_ str| item.rfind(" as ").map_or(0, |at| at + " as ".len());
            let items = list.trim_matches(['(', ')']).split(',');
            names.extend(items.map(|item| (first_name(item[last(item)..].trim()), false)));
        } else if let Some(list) = line.trim_start().strip_prefix("global ") {
            names.extend(list.split(',').map(|name| (first_name(name.trim()), false)));
        } else if let Some((left, _)) = line.split_once('=')
            && line.starts_with(is_part)
        {
            let targets = left.split(',').map(|target| target.trim());
            let plain = |target: &&str| is_identifier(first_name(target)) && !target.contains('(');
            names.extend(
                targets
                    .filter(plain)
                    .map(|target| (first_name(target), false)),
            );
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_binding_tells_whether_a_function_is_async() {
        for (text, told) in [
            ("def task(i): pass", Some(false)),
            ("async def task (i):\n    pass", Some(true)),
            ("# async def task(\ndef task(i): pass", Some(false)),
            ("async def task_2(i): pass\ndef task(i): pass", Some(false)),
            ("async def work(i): pass\ntask = work  # mine", Some(true)),
            ("task = lambda i: i", Some(false)),
            ("task = task", None),
            ("from work import crunch as task", None),
        ] {
            assert_eq!(is_async(text, "task"), told, "{text}");
        }
    }

    #[test]
    fn names_collide_unless_they_are_one_module() {
        let rest = [
            "import time",
            "import http.client",
            "def run(i):\n    global port",
            "TASKS = 3",
        ];
        let rest = rest.map(str::to_owned);
        let rest: Vec<&String> = rest.iter().collect();
        for text in [
            "from time import time",
            "from x import y as run, z",
            "import numpy as time",
            "port: int = 3",
            "A, TASKS = 1, 2",
            "def main():\n    global port",
            "class run:\n    pass",
        ] {
            assert!(collides(text, &rest), "{text}");
        }
        for text in [
            "import time, http",
            "from time import sleep",
            "def task(i):\n    run = 3\n    return run == 4",
            "print(TASKS == 3)",
            "TASKS_2 = 3",
        ] {
            assert!(!collides(text, &rest), "{text}");
        }
    }
}
