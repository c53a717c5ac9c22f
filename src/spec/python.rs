//! Text that is Python and no TOML, which learners bring along: it is answered with the same in a cell.
//!
//! Only places where TOML's parser has stumbled are looked at. To know another statement: a row in
//! [`is_statement`].

use crate::catalog::also_called;
use crate::describe::{Quantity, StepDef};
use crate::diagnostic::{Diagnostic, Span};
use crate::step;
use crate::units::{parse_bytes, parse_duration_ns};

const MESSAGE: &str = "this is Python; a cell says what a task does in TOML";

/// What is said of the line `text[line]`, where it is a statement of Python.
pub fn statement(text: &str, line: Span) -> Option<Diagnostic> {
    let code = text[line.clone()].trim();
    if !is_statement(code) {
        return None;
    }
    let start = line.start + text[line].find(code)?;
    let step = text.find("sleep(").map_or_else(
        || "{ sleep = \"1s\" }".to_owned(),
        |at| step_like("sleep", &text[at + "sleep".len()..]),
    );
    let tasks = text.find("range(").and_then(|at| {
        let digits: String = text[at + "range(".len()..]
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        digits.parse::<u32>().ok().filter(|tasks| *tasks > 0)
    });
    Some(Diagnostic::new(
        start..start + code.len(),
        MESSAGE,
        format!(
            "say what each task does, and how many there are, such as\n  task = {step}\n  tasks = {}\n\
             `show = \"steps\"` lists what a task can do",
            tasks.unwrap_or(8)
        ),
    ))
}

/// Whether a line without its indentation is a statement of Python, and could be nothing else.
fn is_statement(code: &str) -> bool {
    let code = code.split(" #").next().unwrap_or(code).trim_end();
    let word_end = code
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(code.len());
    let (word, rest) = code.split_at(word_end);
    let rest = rest.trim_start();
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let opens_block = code.ends_with(':') && rest.len() > 1;
    match word {
        "import" => rest
            .split([',', ' '])
            .next()
            .is_some_and(|name| !name.is_empty() && name.chars().all(is_name)),
        "from" => rest.contains(" import "),
        "def" => rest.contains('('),
        "class" | "while" | "if" | "elif" | "with" | "except" => opens_block,
        "else" | "try" | "finally" => rest == ":",
        "for" => rest.contains(" in ") && rest.contains(':'),
        "async" => ["def ", "for ", "with "]
            .iter()
            .any(|word| rest.starts_with(word)),
        "await" | "return" | "raise" | "yield" | "global" => {
            rest.starts_with(|c: char| c.is_alphanumeric() || "_([{\"'".contains(c))
        }
        _ if code.starts_with('@') => code[1..].starts_with(char::is_alphabetic),
        _ => {
            let name = code.find(|c| !is_name(c)).unwrap_or(code.len());
            name > 0 && code.starts_with(char::is_alphabetic) && code[name..].starts_with('(')
        }
    }
}

/// What is said of an expression of Python that begins with the word at `place`, where it is one; `key` is
/// the key that it is the value of, and `taken` what that key takes.
pub fn expression(
    text: &str,
    place: &Span,
    key: Option<&str>,
    taken: Option<String>,
) -> Option<Diagnostic> {
    let line_end = text[place.start..]
        .find('\n')
        .map_or(text.len(), |end| place.start + end);
    let (word, behind) = (&text[place.clone()], &text[place.end..line_end]);
    let is_call = behind.starts_with('(');
    let is_other = matches!(word, "lambda" | "await" | "range")
        || behind.trim_start().starts_with("for ")
        || (word == "f" && behind.starts_with(['"', '\'']));
    if !is_call && !is_other {
        return None;
    }
    let length = match closing_bracket(behind) {
        Some(end) if is_call => end + 1,
        _ => behind.trim_end_matches([']', '}', ' ', '\r']).len(),
    };
    let help = match (key, taken) {
        (Some(key), Some(taken)) if key != "task" && step::find(key).is_none() => taken,
        _ => format!("write task = {}", step_like(word, behind)),
    };
    Some(Diagnostic::new(
        place.start..place.end + length,
        MESSAGE,
        help,
    ))
}

/// The step that does what a call of `name` does in Python, with its argument where that is a plain one.
fn step_like(name: &str, behind: &str) -> String {
    let last = name.rsplit('.').next().unwrap_or(name);
    let here = [last, name]
        .into_iter()
        .find_map(|word| step::find(word).or_else(|| step::find(also_called(word)?)));
    let Some(step) = here else {
        return "{ sleep = \"1s\" }".to_owned();
    };
    let inner = closing_bracket(behind).map_or("", |end| behind[1..end].trim());
    match argument(&step.def, inner) {
        Some(argument) => format!("{{ {} = {argument} }}", step.def.verb),
        None => step.def.example.to_owned(),
    }
}

/// The argument of a call as the value of a step's verb, where it can be one.
fn argument(def: &StepDef, inner: &str) -> Option<String> {
    let text = inner.trim_matches(['"', '\'']);
    let number = inner.parse::<f64>().ok().filter(|number| *number > 0.0);
    match def.quantity {
        Quantity::Duration | Quantity::DurationOr(_) => match number {
            // Python sleeps in seconds.
            Some(_) if def.verb == "sleep" => Some(format!("\"{inner}s\"")),
            Some(_) => Some(format!("\"{inner}ms\"")),
            None => parse_duration_ns(text).ok().map(|_| format!("\"{text}\"")),
        },
        Quantity::Size => parse_bytes(text).ok().map(|_| format!("\"{text}\"")),
        Quantity::Count => inner.parse::<u64>().ok().map(|_| inner.to_owned()),
        _ => None,
    }
}

/// Where the bracket closes that `text` begins with.
fn closing_bracket(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            '\n' => return None,
            _ => {}
        }
        if depth == 0 {
            return (at > 0).then_some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_of_python_are_known_and_lines_of_cells_are_none() {
        for code in [
            "import time",
            "import numpy as np",
            "from threading import Thread",
            "def task(i):",
            "async def main():",
            "for i in range(5):",
            "for i in x: print(i)",
            "with Pool(4) as pool:  # four",
            "else:",
            "print(\"done\")",
            "time.sleep(1)",
            "@dataclass",
            "return i * i",
        ] {
            assert!(is_statement(code), "{code}");
        }
        for code in [
            "task = { cpu = \"1ms\" }",
            "tasks: 4",
            "import",
            "from = 3",
            "for the CPU",
            "threads",
            "if = 4",
            "(threads)",
            "class: x",
        ] {
            assert!(!is_statement(code), "{code}");
        }
    }
}
