//! What the tasks themselves said in several lines: tracebacks, and what they printed.
//!
//! A line fits into a note below the table; more is told in full, once for all rows that say the same.

use super::{Row, Said};
use crate::trial::{Measurement, Outcome};

/// Lines of what was printed that are told, the last ones.
const MOST_LINES: usize = 20;
/// Characters of one text that are told, the last ones.
const MOST_CHARACTERS: usize = 4_000;
/// Texts that are told.
const MOST_TEXTS: usize = 8;

/// The last line of a text, which says most of a traceback.
pub(super) fn last_line(text: &str) -> &str {
    text.trim().lines().last().unwrap_or_default().trim()
}

/// Whether a reason is a traceback, which is told in full elsewhere.
pub(super) fn is_traceback(text: &str) -> bool {
    text.contains("Traceback (most recent call last)")
}

/// Whether what was printed is told in full elsewhere, because it has several lines.
pub(super) fn is_long(text: &str) -> bool {
    text.trim().lines().nth(1).is_some()
}

/// Adds what a row's runs said; of what its runs printed, the last one's. A reason of several lines keeps its last
/// one in the row.
pub(super) fn add(said: &mut Vec<Said>, row: &mut Row, measured: &[&Measurement]) {
    let mut tell = |what: &'static str, text: &str| {
        let text = end_of(text);
        let same = |known: &Said| known.what == what && known.text == text;
        match said.iter().position(same) {
            Some(at) if said[at].labels.last() == Some(&row.label) => {}
            Some(at) => said[at].labels.push(row.label.clone()),
            None if said.len() < MOST_TEXTS => said.push(Said {
                labels: vec![row.label.clone()],
                what,
                text,
            }),
            None => {}
        }
    };
    let errors = measured
        .iter()
        .map(|m| m.reply.tally.first_error.as_deref());
    if let Some(error) = errors.flatten().find(|error| is_traceback(error)) {
        tell("a task failed", error);
    }
    if let Some(printed) = measured.iter().map(|m| &m.printed).rfind(|p| is_long(p)) {
        tell("printed", printed);
    }
    if let Some(why) = row.why.take() {
        let is_own =
            matches!(row.outcome, Outcome::Failed | Outcome::Crashed) && is_traceback(&why);
        if is_own {
            tell(row.outcome.name(), &why);
        }
        row.why = Some(match is_own {
            true => last_line(&why).to_owned(),
            false => why,
        });
    }
}

/// The end of a text, by lines and characters, with a mark where there was more.
fn end_of(text: &str) -> String {
    let text = text.trim_end().trim_start_matches('\n');
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(MOST_LINES);
    let mut kept = lines[from..].join("\n");
    let mut cut = from > 0;
    if let Some((at, _)) = kept.char_indices().rev().nth(MOST_CHARACTERS) {
        kept.drain(..at);
        cut = true;
    }
    match cut {
        true => format!("…\n{kept}"),
        false => kept,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_told_by_their_end() {
        assert_eq!(end_of("\n  a\nb\n\n"), "  a\nb");
        let many: Vec<String> = (0..50).map(|line| line.to_string()).collect();
        let end = end_of(&many.join("\n"));
        assert!(end.starts_with("…\n30\n") && end.ends_with("\n49"), "{end}");
        assert!(end_of(&"ä".repeat(9_000)).chars().count() <= MOST_CHARACTERS + 3);
        assert_eq!(
            last_line("Traceback\n  File\nValueError: no\n"),
            "ValueError: no"
        );
    }
}
