//! Where in a cell something stands that turns out to be wrong only when the cell is about to run.

use crate::diagnostic::Span;
use crate::experiment::CellSource;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where the text `value` of a key stands, however deep in the cell; what `base` says where the experiment has it
/// from there, and the cell's beginning where neither is.
pub fn place_of(source: &CellSource, key: &str, value: &str) -> Span {
    let text = source.texts.first().map_or("", String::as_str);
    let (table, _) = DeTable::parse_recoverable(text);
    let table = table.get_ref();
    let base = || Some(table.get("base")?.span());
    in_table(table, key, value).or_else(base).unwrap_or(0..0)
}

fn in_table(table: &DeTable, key: &str, value: &str) -> Option<Span> {
    table.iter().find_map(|(name, item)| {
        let is_it = name.get_ref() == key && item.get_ref().as_str() == Some(value);
        match is_it {
            true => Some(item.span()),
            false => below(item, key, value),
        }
    })
}

fn below(item: &Spanned<DeValue>, key: &str, value: &str) -> Option<Span> {
    match item.get_ref() {
        DeValue::Table(table) => in_table(table, key, value),
        DeValue::Array(list) => list.iter().find_map(|item| below(item, key, value)),
        _ => None,
    }
}

/// A line of a text that stands in the cell, without what it is indented by; `line` and `column` count from 1, and
/// the line is the cell's. The whole text where its lines are not the cell's.
pub fn line_of(source: &CellSource, text: Span, line: u64, column: u64, says: &str) -> Span {
    let cell = source.texts.first().map_or("", String::as_str);
    let mut at = 0;
    let wanted = usize::try_from(line).unwrap_or(usize::MAX);
    for (number, content) in cell.split('\n').enumerate() {
        let content_end = at + content.trim_end().len();
        let is_inside = at < text.end && text.start <= content_end;
        if number + 1 == wanted
            && is_inside
            && content.contains(says.trim())
            && !says.trim().is_empty()
        {
            let first = at + (content.len() - content.trim_start().len());
            let skipped = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
            let from = content
                .char_indices()
                .nth(skipped)
                .map(|(offset, _)| at + offset);
            // Python points behind the end of a line where something is missing there.
            return match from.filter(|from| (first..content_end).contains(from)) {
                Some(from) => from..content_end,
                None => first..content_end,
            };
        }
        at += content.len() + 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_wherever_they_stand() {
        let text = "base = \"b\"\ncases.a = { python = { file = \"x.py\" } }\nmix = [{ task = [{ python = 'p' }] }]";
        let source = CellSource {
            texts: vec![text.to_owned()],
            defaults: String::new(),
        };
        let found = |key: &str, value: &str| &text[place_of(&source, key, value)];
        assert_eq!(found("file", "x.py"), "\"x.py\"");
        assert_eq!(found("python", "p"), "'p'");
        assert_eq!(found("save", "of-the-base.csv"), "\"b\"");
    }

    #[test]
    fn lines_of_a_text_are_the_cells() {
        let text = "task = { python = '''\ndef task(i):\n    return (i\n''' }";
        let source = CellSource {
            texts: vec![text.to_owned()],
            defaults: String::new(),
        };
        let all = 18..text.len() - 2;
        let found =
            |line, column, says: &str| &text[line_of(&source, all.clone(), line, column, says)];
        assert_eq!(found(3, 12, "    return (i\n"), "(i");
        assert_eq!(found(3, 99, "    return (i\n"), "return (i");
        assert_eq!(found(2, 1, "something else"), &text[all.clone()]);
    }
}
