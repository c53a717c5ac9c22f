//! The words of a claim: names, quoted labels, numbers with their units, comparisons and marks.
//!
//! To add a mark: its character in [`MARKS`].

use super::Operator;
use crate::diagnostic::{Diagnostic, Span};

/// Marks of one character.
const MARKS: [char; 5] = ['(', ')', ',', '=', '*'];

/// A word of a claim with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub kind: Kind,
    pub span: Span,
}

/// What kind of word it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A bare name, such as `thread-pool`, `threads@gil`, `limits.query`.
    Word,
    /// A name in quotes, which may hold anything else.
    Quoted,
    /// Digits and what follows them: a number, perhaps with a unit.
    Number,
    /// A comparison.
    Operator(Operator),
    /// One of [`MARKS`].
    Mark(char),
}

/// All words of a text.
///
/// # Errors
/// A character that has no meaning here, or a quote that isn't closed.
pub fn tokens(text: &str) -> Result<Vec<Token>, Diagnostic> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (kind, length) = token(text, at, c)?;
        tokens.push(Token {
            kind,
            span: at..at + length,
        });
        at += length;
    }
    Ok(tokens)
}

fn token(text: &str, at: usize, c: char) -> Result<(Kind, usize), Diagnostic> {
    let rest = &text[at..];
    let run = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    let operators = [
        ("<=", Operator::AtMost),
        (">=", Operator::AtLeast),
        ("==", Operator::Equal),
        ("<", Operator::Less),
        (">", Operator::More),
    ];
    if let Some((sign, operator)) = operators.iter().find(|(sign, _)| rest.starts_with(sign)) {
        return Ok((Kind::Operator(*operator), sign.len()));
    }
    if MARKS.contains(&c) {
        return Ok((Kind::Mark(c), 1));
    }
    if c == '"' || c == '\'' {
        return match rest[1..].find(c) {
            Some(length) => Ok((Kind::Quoted, length + 2)),
            None => Err(Diagnostic::new(
                at..text.len(),
                "a name is not closed",
                format!("put a {c} at its end"),
            )),
        };
    }
    if c.is_ascii_digit() {
        return Ok((Kind::Number, run(in_number)));
    }
    if c.is_alphabetic() || c == '_' {
        return Ok((Kind::Word, run(in_word)));
    }
    let help = match c {
        '≤' => "write <=",
        '≥' => "write >=",
        '×' | '·' => "write *",
        '!' | '≠' => "compare with `<`, `<=`, `>`, `>=` or `==`; there is no \"not equal\"",
        '-' => "what is measured is never negative",
        '.' => "a number begins with a digit: 0.7",
        '&' => "join conditions by `and`",
        '|' => "make each a claim of its own, in a list",
        '/' => "write a factor instead: wall(threads) < 0.5 * wall(sequential)",
        '+' | '%' => {
            "a claim compares one metric with a number or with a factor times another metric"
        }
        '“' | '”' | '„' | '‘' | '’' | '«' | '»' => "write \" or ' around a name",
        '[' | ']' | '{' | '}' => "use ( and )",
        _ => "write wall(threads) < 0.7 * wall(sequential), for example",
    };
    Err(Diagnostic::new(
        at..at + c.len_utf8(),
        format!("`{}` has no meaning in a claim", c.escape_debug()),
        help,
    ))
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | '/' | '+')
}

fn in_number(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '%' | '×')
}
