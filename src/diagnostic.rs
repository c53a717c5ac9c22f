//! What is wrong with a cell: where, why, and what to write instead.
//!
//! Every complaint about a cell's text is a [`Diagnostic`]; all of a cell's diagnostics are shown at
//! once by [`render`]. To add a complaint, build a `Diagnostic` where the fault is noticed; nothing
//! here needs to change.

use serde::Serialize;
use std::ops::Range;

/// Widest line that [`render`] prints, in characters: JupyterLab's error box wraps beyond it.
const WIDTH: usize = 80;
/// Longest message or help, in characters: both may quote a value, and a value may be of any length.
const LONGEST: usize = 2_000;

/// Most problems of a cell that are looked for: whoever has more has pasted something else.
pub const MOST_TOLD: usize = 100;

/// A range of bytes in a cell's text. Always inside the text and on character boundaries.
pub type Span = Range<usize>;

/// One problem of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The bytes of the cell's text that are at fault.
    pub span: Span,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to write instead; never empty.
    pub help: String,
}

/// A diagnostic as `--json` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Located {
    /// Line of the first byte at fault, from 1.
    pub line: usize,
    /// Character of that line, from 1.
    pub column: usize,
    /// See [`Diagnostic::message`].
    pub message: String,
    /// See [`Diagnostic::help`].
    pub help: String,
}

impl Diagnostic {
    /// A diagnostic for `span` of the cell's text.
    pub fn new(span: Span, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            span,
            message: shortened(message.into()),
            help: shortened(help.into()),
        }
    }

    /// The same problem by line and column of `source`.
    pub fn located(&self, source: &str) -> Located {
        let (line, column) = line_column(source, self.span.start);
        Located {
            line,
            column,
            message: self.message.clone(),
            help: self.help.clone(),
        }
    }
}

/// `text` with its middle left out where it is longer than [`LONGEST`].
fn shortened(text: String) -> String {
    let half = LONGEST / 2;
    let Some((head, _)) = text
        .char_indices()
        .nth(LONGEST)
        .and(text.char_indices().nth(half))
    else {
        return text;
    };
    let tail = text
        .char_indices()
        .rev()
        .nth(half - 1)
        .map_or(0, |(at, _)| at);
    format!("{} … {}", &text[..head], &text[tail..])
}

/// Line and column (both from 1, the column in characters) of a byte offset in `source`.
///
/// An offset beyond the end counts as the end; one inside a character counts as that character.
pub fn line_column(source: &str, offset: usize) -> (usize, usize) {
    let offset = floor_boundary(source, offset);
    let before = &source[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

fn floor_boundary(source: &str, offset: usize) -> usize {
    let mut offset = offset.min(source.len());
    while !source.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// The one-line summary of a wrong cell: "2 problems in this cell; nothing was run".
pub fn headline(count: usize) -> String {
    match count {
        1 => "1 problem in this cell; nothing was run".to_owned(),
        n if n > MOST_TOLD => {
            format!(
                "more than {MOST_TOLD} problems in this cell, and these are the first; nothing was run"
            )
        }
        n => format!("{n} problems in this cell; nothing was run"),
    }
}

/// All problems in the order of the text, each with its line, a caret under the fault, and its help.
///
/// Plain text without colours, at most 80 columns wide where words allow it.
pub fn render(source: &str, diagnostics: &[Diagnostic]) -> String {
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
    let mut text = String::new();
    for diagnostic in sorted {
        if !text.is_empty() {
            text.push('\n');
        }
        render_one(source, diagnostic, &mut text);
    }
    text
}

fn render_one(source: &str, diagnostic: &Diagnostic, text: &mut String) {
    let (line, column) = line_column(source, diagnostic.span.start);
    let content = source
        .split('\n')
        .nth(line - 1)
        .unwrap_or("")
        .trim_end_matches('\r');
    let fault = &source[floor_boundary(source, diagnostic.span.start)
        ..floor_boundary(source, diagnostic.span.end.max(diagnostic.span.start))];
    let number = line.to_string();
    let margin = " ".repeat(number.len());

    // A long line is shown as a window around the fault, so that the caret stays in view.
    let room = WIDTH - number.len() - 3;
    let skipped = if content.chars().count() > room {
        column.saturating_sub(room / 2)
    } else {
        0
    };
    let shown: String = content
        .chars()
        .skip(skipped)
        .take(room)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let width = fault.split('\n').next().unwrap_or("").chars().count();
    let indent = column - 1 - skipped.min(column - 1);
    let carets = width.clamp(1, room.saturating_sub(indent).max(1));

    text.push_str(&wrapped(
        &format!("line {line}, column {column}: "),
        "  ",
        &diagnostic.message,
    ));
    text.push_str(&format!("{margin} |\n{number} | {shown}\n"));
    text.push_str(&format!(
        "{margin} | {}{}\n",
        " ".repeat(indent),
        "^".repeat(carets)
    ));
    for (index, line) in diagnostic.help.lines().enumerate() {
        let lead = if index == 0 {
            format!("{margin} = help: ")
        } else {
            format!("{margin}         ")
        };
        text.push_str(&wrapped(&lead, &format!("{margin}         "), line));
    }
}

/// A message that points at no place of the cell, in lines as [`render`]'s.
pub fn message_lines(message: &str) -> Vec<String> {
    message
        .lines()
        .flat_map(|line| {
            wrapped("", "", line)
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

/// `lead` and `words`, wrapped at [`WIDTH`]; a single word longer than a line stays whole.
fn wrapped(lead: &str, indent: &str, words: &str) -> String {
    let mut text = lead.to_owned();
    let mut column = lead.chars().count();
    let mut at_start = true;
    // Leading spaces of help (an example to paste) are kept.
    let spaces = words.len() - words.trim_start().len();
    text.push_str(&words[..spaces]);
    column += spaces;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if !at_start && column + 1 + length > WIDTH {
            text.push('\n');
            text.push_str(indent);
            column = indent.chars().count();
        } else if !at_start {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
        at_start = false;
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_not_bytes() {
        assert_eq!(line_column("a\nüb", 4), (2, 2));
        assert_eq!(line_column("a\nüb", 3), (2, 1), "inside ü counts as ü");
        assert_eq!(line_column("", 9), (1, 1));
    }

    #[test]
    fn a_problem_shows_its_line_a_caret_and_its_help() {
        let source = "tasks = 4\nmodles = 3";
        let problem = Diagnostic::new(10..16, "`modles` is not a key", "did you mean `models`?");
        assert_eq!(
            render(source, &[problem]),
            "line 2, column 1: `modles` is not a key\n  |\n2 | modles = 3\n  | ^^^^^^\n  \
             = help: did you mean `models`?\n"
        );
    }

    #[test]
    fn long_lines_and_long_words_never_hide_the_caret() {
        let source = format!("{}oops = 1", " ".repeat(500));
        let problem = Diagnostic::new(500..504, "`oops` is not a key", "leave it out");
        let text = render(&source, &[problem]);
        assert!(text.contains("oops = 1") && text.contains("^^^^"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= WIDTH),
            "{text}"
        );
    }

    #[test]
    fn a_message_without_a_place_is_wrapped_between_words() {
        let message = format!("{}\n  kept apart", "word ".repeat(20).trim_end());
        let lines = message_lines(&message);
        assert_eq!(lines[2], "  kept apart");
        assert_eq!(lines[..2].join(" "), "word ".repeat(20).trim_end());
        assert!(lines.iter().all(|line| line.len() <= WIDTH), "{lines:?}");
    }
}
