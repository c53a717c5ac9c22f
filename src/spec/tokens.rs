//! A cell's text in tokens, however broken it is: the first step of [`super::scan`].
//!
//! A text whose quote is missing ends where its list or its table would go on, so that the rest of the line
//! keeps its meaning.

use crate::diagnostic::Span;

/// How a word is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// `"`, `'`, or three of them.
    pub mark: &'static str,
    /// Whether it is closed behind the word.
    pub closed: bool,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The end of a line.
    Newline,
    /// From `#` to the end of the line.
    Comment,
    /// One of `= , [ ] { }`.
    Mark(u8),
    /// A word without quotes: a key with its dots, a number, a word that lacks its quotes.
    Bare,
    /// Something in quotes.
    Text(Quote),
}

/// A piece of text between blanks.
#[derive(Clone, Debug)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it is, with its quotes.
    pub span: Span,
    /// Blanks before it, where it is the first of its line.
    pub indent: Option<usize>,
}

impl Token {
    /// The token without its quotes.
    pub fn inner(&self) -> Span {
        let Kind::Text(quote) = self.kind else {
            return self.span.clone();
        };
        let start = self.span.start + quote.mark.len();
        let end = self.span.end - if quote.closed { quote.mark.len() } else { 0 };
        start..end.max(start)
    }
}

/// Every token of `text`; together with blanks they cover it.
pub fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let (mut at, mut line_start, mut first) = (0, 0, true);
    let mut line_end = text.find('\n').unwrap_or(text.len());
    while let Some(&byte) = bytes.get(at) {
        if matches!(byte, b' ' | b'\t' | b'\r') {
            at += 1;
            continue;
        }
        let rest = &text[at..];
        let (kind, length) = match byte {
            b'\n' => (Kind::Newline, 1),
            b'#' => (Kind::Comment, line_end - at),
            b'=' | b',' | b'[' | b']' | b'{' | b'}' => (Kind::Mark(byte), 1),
            b'"' | b'\'' => text_token(rest, line_end - at),
            _ => {
                let ends = |c: char| c.is_whitespace() || "=,[]{}#\"'".contains(c);
                // White space beyond ASCII has no place in TOML; a token of it is passed over.
                let length = rest.find(ends).unwrap_or(rest.len());
                let length = length.max(rest.chars().next().map_or(1, char::len_utf8));
                (Kind::Bare, length)
            }
        };
        tokens.push(Token {
            kind,
            span: at..at + length,
            indent: first.then_some(at - line_start),
        });
        first = false;
        at += length;
        // A text of several lines has ended on another one.
        if at > line_end {
            line_end = text[at..]
                .find('\n')
                .map_or(text.len(), |length| at + length);
        }
        if kind == Kind::Newline {
            (line_start, first) = (at, true);
        }
    }
    tokens
}

/// The text that `rest` begins with: its quotes and its length. The line ends after `line` bytes.
fn text_token(rest: &str, line: usize) -> (Kind, usize) {
    for mark in ["\"\"\"", "'''"] {
        if let Some(inner) = rest.strip_prefix(mark) {
            let end = closing(inner, mark);
            let length = mark.len() + end.map_or(inner.len(), |end| end + mark.len());
            let closed = end.is_some();
            return (Kind::Text(Quote { mark, closed }), length);
        }
    }
    let mark = if rest.starts_with('"') { "\"" } else { "'" };
    let line = &rest[1..line];
    if let Some(end) = closing(line, mark) {
        let behind = line[end + 1..].chars().next();
        // `["thr, "async"]`: a quote with a word right behind it opens the next text.
        if !behind.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            return (Kind::Text(Quote { mark, closed: true }), end + 2);
        }
    }
    // Not closed: it ends where the list or the table would go on, but not within `f(a, b)`.
    let mut depth = 0;
    let end = line.find(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        matches!(c, ']' | '}') || c == ',' && depth <= 0
    });
    let length = 1 + end.map_or(line.len(), |end| line[..end].trim_end().len());
    (
        Kind::Text(Quote {
            mark,
            closed: false,
        }),
        length,
    )
}

/// Where `mark` ends a text that has begun.
fn closing(inner: &str, mark: &str) -> Option<usize> {
    if mark.starts_with('\'') {
        return inner.find(mark);
    }
    let mut from = 0;
    loop {
        let at = from + inner[from..].find(['\\', '"'])?;
        if inner[at..].starts_with(mark) {
            return Some(at);
        }
        // What a backslash escapes ends nothing.
        let escaped = match inner.as_bytes()[at] {
            b'\\' => inner[at + 1..].chars().next().map_or(0, char::len_utf8),
            _ => 0,
        };
        from = at + 1 + escaped;
    }
}
