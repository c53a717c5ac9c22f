//! What is no TOML: errors in words that help, and whether a cell is complete yet.

use super::python;
use crate::catalog::{self, Entry};
use crate::describe::{Quantity, nearest};
use crate::diagnostic::{Diagnostic, Span};
use crate::units::{parse_bytes, parse_duration_ns};
use toml::de::{DeTable, Error};

/// Most syntax errors that are shown: the rest are mostly echoes.
const MOST_ERRORS: usize = 3;
/// Most lines with errors that are looked at.
const MOST_LINES: usize = 20;

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
    if unclosed(text).is_some() {
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

/// What is still open at the end, and where: a bracket, a brace or a text of several lines.
fn unclosed(text: &str) -> Option<(usize, &str)> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let at = text.len() - rest.len();
        for quote in ["\"\"\"", "'''", "\"", "'"] {
            if !rest.starts_with(quote) {
                continue;
            }
            match end_of_string(&rest[quote.len()..], quote) {
                Some(end) => rest = &rest[quote.len() + end..],
                // A text of one line that isn't closed is a mistake, not a beginning.
                None => return (quote.len() == 3).then_some((at, quote)),
            }
            break;
        }
        // A string may have ended the text, or another begins at once.
        let Some(next) = rest.chars().next() else {
            break;
        };
        let at = text.len() - rest.len();
        match next {
            '"' | '\'' if c != next => continue,
            '#' => {
                rest = rest.find('\n').map_or("", |end| &rest[end..]);
                continue;
            }
            '[' | '{' => open.push((at, next)),
            ']' | '}' => {
                let opening = if next == ']' { '[' } else { '{' };
                if open.last().is_some_and(|(_, last)| *last == opening) {
                    open.pop();
                }
            }
            _ => {}
        }
        rest = &rest[next.len_utf8()..];
    }
    let (at, _) = open.pop()?;
    Some((at, &text[at..at + 1]))
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

/// What is no TOML in a cell.
pub struct Faults {
    /// What is told of it, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// Every place at which the parser stumbled, in order.
    places: Vec<usize>,
    /// From here on nothing is what it seems to be.
    lost_from: usize,
}

impl Faults {
    /// Whether a problem may be an echo of these faults: it lies on a line that is half read.
    pub fn spoil(&self, text: &str, problem: &Diagnostic) -> bool {
        let (start, end) = (
            line_at(text, problem.span.start).start,
            line_at(text, problem.span.end).end,
        );
        let next = self.places.partition_point(|place| *place < start);
        end >= self.lost_from || self.places.get(next).is_some_and(|place| *place <= end)
    }
}

/// Syntax errors as diagnostics, one a line: of Python the first line alone, of others at most three.
pub fn faults(text: &str, errors: &[Error]) -> Faults {
    let start = |error: &Error| error.span().map_or(0, |span| floor(text, span.start));
    let mut sorted: Vec<&Error> = errors.iter().collect();
    sorted.sort_by_key(|error| start(error));
    let mut faults = Faults {
        diagnostics: Vec::new(),
        places: sorted.iter().map(|error| start(error)).collect(),
        lost_from: usize::MAX,
    };
    let mut firsts: Vec<&Error> = Vec::new();
    let mut line_end = None;
    for error in sorted {
        if line_end.is_none_or(|end| start(error) > end) {
            line_end = Some(line_at(text, start(error)).end);
            firsts.push(error);
        }
        if firsts.len() == MOST_LINES {
            break;
        }
    }
    let lines = firsts.iter().map(|error| line_at(text, start(error)));
    if let Some(python) = lines
        .into_iter()
        .find_map(|line| python::statement(text, line))
    {
        faults.diagnostics.push(python);
        faults.lost_from = 0;
        return faults;
    }
    let open = unclosed(text).filter(|_| !errors.is_empty());
    // What is not closed swallows the lines below it.
    let open_line_end = open.map_or(usize::MAX, |(at, _)| line_at(text, at).end);
    let near = firsts
        .into_iter()
        .filter(|error| start(error) <= open_line_end);
    faults.diagnostics = near
        .filter_map(|error| diagnostic(text, error, open))
        .take(MOST_ERRORS)
        .collect();
    if let Some((at, bracket)) = open {
        faults.lost_from = at;
        let (what, end) = match bracket {
            "[" => ("this `[` is not closed", "]"),
            "{" => ("this `{` is not closed", "}"),
            quotes => ("this text is not closed", quotes),
        };
        let help = format!("put a {end} where it ends");
        faults
            .diagnostics
            .push(Diagnostic::new(at..at + bracket.len(), what, help));
    }
    faults
        .diagnostics
        .sort_by_key(|diagnostic| diagnostic.span.start);
    faults
}

/// The line around a place, without its end.
fn line_at(text: &str, at: usize) -> Span {
    let at = floor(text, at);
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..]
        .find('\n')
        .map_or(text.len(), |length| at + length);
    start..end
}

/// What is said of one error; nothing where `open` says it all.
fn diagnostic(text: &str, error: &Error, open: Option<(usize, &str)>) -> Option<Diagnostic> {
    let span = error.span().unwrap_or(0..0);
    let start = span.start.min(text.len());
    let Span {
        start: line_start,
        end: line_end,
    } = line_at(text, start);
    let line = &text[line_start..line_end];
    let span = floor(text, start)..ceil(text, span.end.clamp(start, text.len()));

    if let Some(at) = line.find(['“', '”', '„', '‘', '’', '«', '»']) {
        let quote = line[at..].chars().next().map_or(1, char::len_utf8);
        let place = line_start + at..line_start + at + quote;
        return Some(Diagnostic::new(
            place,
            "typographic quotes are not quotes to a computer",
            "write \" instead",
        ));
    }
    let colon = yaml_style(line).or_else(|| dict_style(line, span.start - line_start));
    if let Some((at, key, value)) = colon {
        let at = line_start + at;
        return Some(Diagnostic::new(
            at..at + 1,
            "a key and its value are joined by `=`, not by `:`",
            format!("write {key} = {value}"),
        ));
    }
    if let Some((word, place)) = bare_word(text, line, line_start, span.start) {
        let key = key_before(&text[line_start..place.start]);
        let taken = key.and_then(taken);
        if let Some(python) = python::expression(text, &place, key, taken) {
            return Some(python);
        }
        return Some(Diagnostic::new(
            place,
            match word.as_str() {
                "True" | "False" | "None" => format!("`{word}` is a word of another language"),
                amount if amount.starts_with(|c: char| c.is_ascii_digit()) => {
                    format!("`{word}` needs quotes, as all values with a unit")
                }
                _ => format!("`{word}` needs quotes, or is a word of another language"),
            },
            meant_by(&word, key),
        ));
    }
    let message = error.message().trim();
    let (message, help) = match message {
        m if m.contains("duplicate") => (
            "this key stands in the cell twice".to_owned(),
            "leave one of them out".to_owned(),
        ),
        m if m.contains("recurs") => (
            "brackets stand too deep inside each other here: TOML's limit is 80".to_owned(),
            "steps need no more than a few levels of `do` (16 at most); `times` repeats a step \
             without another level"
                .to_owned(),
        ),
        _ if open.is_some_and(|(at, _)| at <= span.start) => return None,
        m if line.matches('"').count() % 2 == 1 => (
            format!("a text is not closed ({m})"),
            "put a \" at its end, on the same line".to_owned(),
        ),
        m if m.contains("unclosed") => (
            format!("something is not closed ({m})"),
            "look for a missing ] or }".to_owned(),
        ),
        m if !line.contains('=') && !line.trim_start().starts_with('[') => (
            format!("this line is no `key = value` ({m})"),
            "every line gives a key its value, such as tasks = 8; a comment begins with #"
                .to_owned(),
        ),
        m => (
            m.to_owned(),
            "a line is `key = value`: text in \"quotes\", lists in [brackets], tables in { braces }"
                .to_owned(),
        ),
    };
    Some(Diagnostic::new(span, message, help))
}

/// The key whose value follows, by what stands before it on its line.
fn key_before(line: &str) -> Option<&str> {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let before = line.rsplit_once('=')?.0.trim_end();
    let key = &before[before.trim_end_matches(part).len()..];
    (!key.is_empty()).then_some(key)
}

/// The row that says what a key takes.
fn row(key: &str) -> Option<(Entry, Quantity)> {
    catalog::entries()
        .filter(|entry| entry.name() == key)
        .find_map(|entry| match entry {
            Entry::Key(_, key) => Some((entry, key.quantity)),
            Entry::Step(def) => Some((entry, def.quantity)),
            _ => None,
        })
}

/// What a key takes, as a remedy.
fn taken(key: &str) -> Option<String> {
    let (entry, _) = row(key)?;
    let example = format!("write {}, for example", entry.example());
    Some(match entry.takes().replace('`', "").as_str() {
        "" => example,
        takes => format!("`{key}` takes {takes}: {example}"),
    })
}

/// What to write for a word that stands without quotes as the value of `key`.
fn meant_by(word: &str, key: Option<&str>) -> String {
    let quantity = key.and_then(row).map(|(_, quantity)| quantity);
    let taken = || {
        key.and_then(taken)
            .unwrap_or_else(|| format!("write \"{word}\""))
    };
    match (word, quantity) {
        ("None" | "null" | "nil", _) => "leave the key out where it has no value".to_owned(),
        ("True", None | Some(Quantity::Flag)) => "write true".to_owned(),
        ("False", None | Some(Quantity::Flag)) => "write false".to_owned(),
        ("auto", Some(Quantity::Count)) => "write \"auto\"".to_owned(),
        (_, Some(Quantity::Word(words))) => match nearest(word, words.iter().copied()) {
            Some(near) => format!("write \"{near}\""),
            None => taken(),
        },
        (_, Some(Quantity::Count | Quantity::Flag)) => taken(),
        (_, Some(Quantity::Duration)) if parse_duration_ns(word).is_err() => taken(),
        (_, Some(Quantity::Size)) if parse_bytes(word).is_err() => taken(),
        _ => format!("write \"{word}\""),
    }
}

/// `tasks: 4`
fn yaml_style(line: &str) -> Option<(usize, &str, &str)> {
    let (key, value) = line.split_once(':')?;
    let (at, key) = (key.len(), key.trim());
    let is_word = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    (is_word && !line.contains('=')).then(|| (at, key, value.trim()))
}

/// `{ cpu: "1ms" }` and `{ 'cpu': "1ms" }`, by the place in the line at which the parser stumbled.
fn dict_style(line: &str, at: usize) -> Option<(usize, &str, &str)> {
    let rest = line.get(at..)?;
    let colon = at + rest.len() - rest.trim_start_matches(['"', '\'', ' ']).len();
    let value = line.get(colon..)?.strip_prefix(':')?;
    let before = line[..colon].trim_end_matches(['"', '\'', ' ']);
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let key = &before[before.trim_end_matches(part).len()..];
    let opens = before[..before.len() - key.len()].trim_end_matches(['"', '\'', ' ']);
    let value = value.trim().trim_end_matches([']', '}', ' ']);
    (!key.is_empty() && opens.ends_with(['{', ','])).then_some((colon, key, value))
}

/// A word without quotes where a value belongs, at or right before `at`.
fn bare_word(
    text: &str,
    line: &str,
    line_start: usize,
    at: usize,
) -> Option<(String, std::ops::Range<usize>)> {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '@' | '.');
    let at = floor(text, at).max(line_start);
    let before = text[line_start..at].trim_end_matches(part);
    let start = line_start + before.len();
    let word: String = text[start..].chars().take_while(|c| part(*c)).collect();
    // Where a value belongs: behind `=`, `[` or `,`.
    let opens = before.trim_end().ends_with(['=', '[', ',']);
    let is_amount = || parse_duration_ns(&word).is_ok() || parse_bytes(&word).is_ok();
    let is_word = (word.starts_with(char::is_alphabetic) || is_amount())
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
