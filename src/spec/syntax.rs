//! What is no TOML: errors in words that help, and whether a cell is complete yet.

use crate::diagnostic::{Diagnostic, line_column};
use toml::de::{DeTable, Error};

/// Most syntax errors that are shown: the rest are mostly echoes.
const MOST_ERRORS: usize = 3;

/// Whether a cell that is being typed is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It can run.
    Complete,
    /// More is expected.
    Incomplete,
    /// More of it would not help.
    Invalid,
}

/// Whether a cell is complete: commands at once, others when a blank line ends them.
pub fn is_complete(text: &str) -> Completeness {
    let trimmed = text.trim();
    let one_line = !trimmed.contains('\n');
    if trimmed.is_empty() || super::command(trimmed).is_some() {
        return Completeness::Complete;
    }
    if is_open(text) {
        return Completeness::Incomplete;
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Completeness::Invalid;
    }
    let is_command = ["show", "help"]
        .iter()
        .any(|key| table.get_ref().contains_key(*key));
    let ended = text.ends_with("\n\n")
        || text
            .lines()
            .last()
            .is_some_and(|line| line.trim().is_empty());
    match (one_line && is_command) || ended {
        true => Completeness::Complete,
        false => Completeness::Incomplete,
    }
}

/// Whether a bracket, a brace or a text of several lines is still open at the end.
fn is_open(text: &str) -> bool {
    let mut depth = 0i64;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        for quote in ["\"\"\"", "'''", "\"", "'"] {
            if !rest.starts_with(quote) {
                continue;
            }
            match end_of_string(&rest[quote.len()..], quote) {
                Some(end) => rest = &rest[quote.len() + end..],
                // A text of one line that isn't closed is a mistake, not a beginning.
                None => return quote.len() == 3,
            }
            break;
        }
        // A string may have ended the text, or another begins at once.
        let Some(next) = rest.chars().next() else {
            break;
        };
        match next {
            '"' | '\'' if c != next => continue,
            '#' => {
                rest = rest.find('\n').map_or("", |end| &rest[end..]);
                continue;
            }
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ => {}
        }
        rest = &rest[next.len_utf8()..];
    }
    depth > 0
}

/// Bytes up to behind the closing quote.
fn end_of_string(text: &str, quote: &str) -> Option<usize> {
    let escapes = quote.starts_with('"');
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with(quote) {
            return Some(at + quote.len());
        }
        let c = rest.chars().next()?;
        if c == '\n' && quote.len() == 1 {
            return None;
        }
        at += c.len_utf8();
        if c == '\\' && escapes {
            at += text[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    None
}

/// Syntax errors as diagnostics: sorted by place, one a line, at most three.
pub fn diagnostics(text: &str, errors: &[Error]) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = errors.iter().map(|error| diagnostic(text, error)).collect();
    found.sort_by_key(|diagnostic| diagnostic.span.start);
    found.dedup_by_key(|diagnostic| line_column(text, diagnostic.span.start).0);
    found.truncate(MOST_ERRORS);
    found
}

fn diagnostic(text: &str, error: &Error) -> Diagnostic {
    let span = error.span().unwrap_or(0..0);
    let start = span.start.min(text.len());
    let line_start = text[..floor(text, start)]
        .rfind('\n')
        .map_or(0, |newline| newline + 1);
    let line_end = text[line_start..]
        .find('\n')
        .map_or(text.len(), |length| line_start + length);
    let line = &text[line_start..line_end];
    let span = floor(text, start)..ceil(text, span.end.clamp(start, text.len()));

    if let Some(at) = line.find(['“', '”', '„', '‘', '’', '«', '»']) {
        let quote = line[at..].chars().next().map_or(1, char::len_utf8);
        let place = line_start + at..line_start + at + quote;
        return Diagnostic::new(
            place,
            "typographic quotes are not quotes to a computer",
            "write \" instead",
        );
    }
    if let Some((key, value)) = yaml_style(line) {
        let at = line_start + line.find(':').unwrap_or(0);
        return Diagnostic::new(
            at..at + 1,
            "a key and its value are joined by `=`, not by `:`",
            format!("write {key} = {value}"),
        );
    }
    if let Some((word, place)) = bare_word(text, line, line_start, span.start) {
        let help = match word.as_str() {
            "True" => "write true".to_owned(),
            "False" => "write false".to_owned(),
            "None" | "null" | "nil" => "leave the key out where it has no value".to_owned(),
            _ => format!("write \"{word}\""),
        };
        return Diagnostic::new(
            place,
            format!("`{word}` needs quotes, or is a word of another language"),
            help,
        );
    }
    let message = error.message().trim();
    let (message, help) = match message {
        m if m.contains("duplicate") => ("this key stands in the cell twice".to_owned(), "leave one of them out".to_owned()),
        m if line.matches('"').count() % 2 == 1 => {
            (format!("a text is not closed ({m})"), "put a \" at its end, on the same line".to_owned())
        }
        m if m.contains("unclosed") || is_open(text) => {
            (format!("something is not closed ({m})"), "look for a missing ] or }".to_owned())
        }
        m if !line.contains('=') && !line.trim_start().starts_with('[') => (
            format!("this line is no `key = value` ({m})"),
            "every line gives a key its value, such as tasks = 8; a comment begins with #".to_owned(),
        ),
        m => (m.to_owned(), "a line is `key = value`: text in \"quotes\", lists in [brackets], tables in { braces }".to_owned()),
    };
    Diagnostic::new(span, message, help)
}

/// `tasks: 4`
fn yaml_style(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let key = key.trim();
    let is_word = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    (is_word && !line.contains('=')).then(|| (key, value.trim()))
}

/// A word without quotes where a value belongs, at or right before `at`.
fn bare_word(
    text: &str,
    line: &str,
    line_start: usize,
    at: usize,
) -> Option<(String, std::ops::Range<usize>)> {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '@');
    let at = floor(text, at).max(line_start);
    let before = text[line_start..at].trim_end_matches(part);
    let start = line_start + before.len();
    let word: String = text[start..].chars().take_while(|c| part(*c)).collect();
    // Where a value belongs: behind `=`, `[` or `,`.
    let opens = before.trim_end().ends_with(['=', '[', ',']);
    let is_word = word.chars().next().is_some_and(char::is_alphabetic)
        && !matches!(word.as_str(), "true" | "false" | "inf" | "nan");
    let is_key = text[start + word.len()..]
        .trim_start_matches([' ', '\t'])
        .starts_with('=');
    let header = line.trim_start().starts_with('[') && before.trim_end() == "[";
    (opens && is_word && !is_key && !header).then(|| (word.clone(), start..start + word.len()))
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_complete_when_a_blank_line_ends_it_and_a_command_at_once() {
        use Completeness::{Complete, Incomplete, Invalid};
        for (text, expected) in [
            ("", Complete),
            ("show = \"models\"", Complete),
            ("%show models", Complete),
            ("?threads", Complete),
            ("task = { cpu = \"1ms\" }", Incomplete),
            ("task = { cpu = \"1ms\" }\n\n", Complete),
            ("models = [\n", Incomplete),
            ("models = [\n\n", Incomplete),
            ("title = \"a # [\"\n\n", Complete),
            ("title = '''\nx\n\n", Incomplete),
            ("tasks 4\n\n", Invalid),
            ("title = \"open\n\n", Invalid),
        ] {
            assert_eq!(is_complete(text), expected, "{text:?}");
        }
    }
}
