//! Commands of one line, such as `%show models` and `?threads`, while they are being typed.

use super::slot::Slot;
use crate::diagnostic::Span;

/// The cursor in a line such as `%show models` or `?threads`.
pub struct Command {
    /// The word that the cursor is in.
    pub word: Span,
    /// What it may be; none where the command itself is typed.
    pub slot: Option<Slot>,
}

/// Where the cursor is in a command, if the cell is one.
pub fn command_at(text: &str, cursor: usize) -> Option<Command> {
    let begin = text.len() - text.trim_start().len();
    let line = text[begin..].trim_end();
    let sign = line.chars().next().filter(|c| matches!(c, '%' | '?'))?;
    if line.contains('\n') || cursor <= begin {
        return None;
    }
    let ends = |c: char| c.is_whitespace() || "%?=\"'".contains(c);
    let start = text[..cursor].trim_end_matches(|c| !ends(c)).len();
    let end = text[cursor..]
        .find(ends)
        .map_or(text.len(), |length| cursor + length);
    let before = text[begin..start].trim_matches(ends);
    let slot = match (sign, before) {
        ('?', "") | (_, "help") => Some(Slot::Help),
        (_, "show") => Some(Slot::Show),
        (_, "") => None,
        _ => Some(Slot::Unknown),
    };
    Some(Command {
        word: start..end,
        slot,
    })
}
