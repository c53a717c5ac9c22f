//! What a step's verb and settings are given, by the quantity of their rows: words, flags, texts, commands;
//! numbers are read by [`Reader::value`].
//!
//! To add a quantity: its arm in [`Reader::argument`].

use super::reader::{Item, Reader};
use crate::describe::{Quantity, TextForm, nearest};
use crate::experiment::At;
use crate::program::Code;
use crate::step::Argument;
use toml::de::DeValue;

/// Whether a text begins as a number does: then it is a wrong number, and no text of another kind.
pub(super) fn may_be_number(text: &str) -> bool {
    let text = text.trim_start();
    let mut after_sign = text.strip_prefix(['-', '+', '.']).unwrap_or(text).chars();
    after_sign.next().is_some_and(|c| c.is_ascii_digit()) || text.is_empty()
}

/// How statements of SQL begin, in SQLite's dialect or PostgreSQL's.
const SQL_BEGINS: &[&str] = &[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "WITH",
    "VALUES",
    "CREATE",
    "DROP",
    "ALTER",
    "BEGIN",
    "START",
    "COMMIT",
    "END",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "REPLACE",
    "MERGE",
    "TRUNCATE",
    "PRAGMA",
    "VACUUM",
    "ANALYZE",
    "REINDEX",
    "EXPLAIN",
    "CALL",
    "DO",
    "SET",
    "RESET",
    "SHOW",
    "TABLE",
    "LOCK",
    "NOTIFY",
    "LISTEN",
    "REFRESH",
    "GRANT",
    "REVOKE",
    "PREPARE",
    "EXECUTE",
    "ATTACH",
];

/// What a text in a time's place is called.
pub(super) fn form_name(form: TextForm) -> &'static str {
    match form {
        TextForm::Url => "a URL",
        TextForm::Sql => "SQL",
    }
}

impl Reader<'_> {
    /// What a step's verb or setting is given, by its quantity.
    pub fn argument(
        &mut self,
        key: &str,
        quantity: Quantity,
        range: (u64, u64),
        item: &Item,
    ) -> Option<Argument> {
        match quantity {
            Quantity::Duration | Quantity::Size | Quantity::Count => {
                self.value(key, quantity, range, item).map(Argument::Number)
            }
            Quantity::DurationOr(form) => match item.get_ref().as_str() {
                Some(text) if !may_be_number(text) => self.text_of_form(key, form, item, text),
                _ => self.value(key, quantity, range, item).map(Argument::Number),
            },
            Quantity::Word(words) => self
                .one_or_sweep(key, item, |reader, item| {
                    let word = reader.word(key, words, item)?;
                    Some((word, word.to_owned()))
                })
                .map(Argument::Word),
            Quantity::Flag => self
                .one_or_sweep(key, item, |reader, item| {
                    let flag = reader.flag(key, item)?;
                    Some((flag, flag.to_string()))
                })
                .map(Argument::Flag),
            Quantity::Text => self.string(key, item).map(Argument::Text),
            Quantity::Command => self.command(key, item).map(Argument::Command),
            Quantity::Code => self.code(key, item).map(Argument::Code),
            Quantity::Structure => unreachable!("a structure is read by its own grammar: {key}"),
        }
    }

    /// One value, or a `sweep` of several, each with the word by which tables call it.
    fn one_or_sweep<T: Clone>(
        &mut self,
        key: &str,
        item: &Item,
        read: impl Fn(&mut Self, &Item) -> Option<(T, String)>,
    ) -> Option<T> {
        let list = match item.get_ref() {
            DeValue::Table(table) if table.contains_key("sweep") && table.len() == 1 => {
                table.get("sweep")
            }
            DeValue::Table(_) | DeValue::Array(_) => {
                let list = match item.get_ref().is_array() {
                    true => self.source(item),
                    false => "[ … ]",
                };
                self.problem(
                    item.span(),
                    format!("`{key}` takes one value"),
                    format!("one run for each value is {key} = {{ sweep = {list} }}"),
                );
                return None;
            }
            _ => return read(self, item).map(|(value, _)| value),
        }?;
        let items = self.list(list)?;
        let mut values: Vec<(T, String)> = Vec::new();
        for item in items.iter() {
            match read(self, item) {
                Some(value) => values.push(value),
                None if self.is_full() => return None,
                None => {}
            }
        }
        if values.len() < items.len() {
            return None;
        }
        let at = values.iter().map(|(_, word)| At::Word(word.clone()));
        let chosen = self.axis(key, list.span(), at.collect());
        Some(values[chosen].0.clone())
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &str, item: &Item) -> Option<bool> {
        if let DeValue::Boolean(flag) = item.get_ref() {
            return Some(*flag);
        }
        let source = self.source(item);
        let meant = match source.trim_matches('"').to_lowercase().as_str() {
            "false" | "no" | "off" | "0" => "false",
            _ => "true",
        };
        self.problem(
            item.span(),
            format!("`{key}` is true or false, and {source} is neither"),
            format!("write {key} = {meant}, without quotes"),
        );
        None
    }

    /// A program and its arguments.
    fn command(&mut self, key: &str, item: &Item) -> Option<Vec<String>> {
        let source = self.source(item);
        let Some(list) = item.get_ref().as_array().filter(|list| !list.is_empty()) else {
            let words = item.get_ref().as_str().unwrap_or("sleep 1");
            let words: Vec<String> = words
                .split_whitespace()
                .map(|word| format!("\"{word}\""))
                .collect();
            self.problem(
                item.span(),
                format!("`{key}` takes a list: a program and its arguments"),
                format!(
                    "write {key} = [{}]; there is no shell between",
                    words.join(", ")
                ),
            );
            return None;
        };
        let mut argv = Vec::new();
        for item in list.iter() {
            match item.get_ref().as_str() {
                Some(word) if !argv.is_empty() || !word.is_empty() => argv.push(word.to_owned()),
                Some(_) => {
                    self.problem(
                        item.span(),
                        "the name of the program is empty",
                        format!("write {key} = [\"sleep\", \"1\"], for example"),
                    );
                    return None;
                }
                None => {
                    let word = self.source(item);
                    self.problem(
                        item.span(),
                        format!("`{key}` takes texts, and {word} in {source} is none"),
                        format!("write it in quotes: \"{}\"", word.replace('"', "")),
                    );
                    return None;
                }
            }
        }
        Some(argv)
    }

    /// Python, as text or in a file.
    fn code(&mut self, key: &str, item: &Item) -> Option<Code> {
        match item.get_ref() {
            DeValue::String(text) => Some(Code::Text {
                text: text.to_string(),
                line: self.first_line(item),
                module: String::new(),
            }),
            DeValue::Table(table) => {
                for (name, _) in table.iter() {
                    if !matches!(name.get_ref().as_ref(), "file" | "call") {
                        self.problem(
                            name.span(),
                            format!("`{}` says nothing about a file of Python", name.get_ref()),
                            format!("write {key} = {{ file = \"work.py\", call = \"task\" }}"),
                        );
                        return None;
                    }
                }
                let Some(file) = table.get("file") else {
                    self.problem(
                        item.span(),
                        "this doesn't say in which file the function stands",
                        format!("write {key} = {{ file = \"work.py\", call = \"task\" }}"),
                    );
                    return None;
                };
                let call = match table.get("call") {
                    Some(call) => self.string("call", call)?,
                    None => "task".to_owned(),
                };
                Some(Code::File {
                    path: self.string("file", file)?.into(),
                    call,
                })
            }
            _ => {
                self.problem(
                    item.span(),
                    format!("`{key}` takes the text of a function, or a file"),
                    format!("write {key} = '''def task(i): return i''', for example"),
                );
                None
            }
        }
    }

    /// Line of the cell, from 1, in which the content of a text begins.
    fn first_line(&self, item: &Item) -> u64 {
        let before = &self.text[..item.span().start];
        let source = self.source(item);
        let opened = ["'''", "\"\"\""]
            .iter()
            .find_map(|mark| source.strip_prefix(mark))
            .unwrap_or("");
        // A line break right behind the opening is not part of the text.
        let skips = opened.starts_with('\n') || opened.starts_with("\r\n");
        1 + before.matches('\n').count() as u64 + u64::from(skips)
    }

    /// A text that stands where a time could stand too.
    fn text_of_form(
        &mut self,
        key: &str,
        form: TextForm,
        item: &Item,
        text: &str,
    ) -> Option<Argument> {
        let help = match form {
            TextForm::Url if text.starts_with("http://") || text.starts_with("https://") => {
                return Some(Argument::Text(text.to_owned()));
            }
            TextForm::Url => {
                "write how long the answer takes, such as \"100ms\", or a whole URL, such as \
                              \"http://127.0.0.1:8000/\""
                    .to_owned()
            }
            TextForm::Sql => {
                let mut words = text.split(|c: char| !c.is_ascii_alphabetic());
                let first = words.find(|word| !word.is_empty()).unwrap_or("");
                let upper = first.to_uppercase();
                if SQL_BEGINS.contains(&upper.as_str()) || text.trim_start().starts_with("--") {
                    return Some(Argument::Text(text.to_owned()));
                }
                match nearest(&upper, SQL_BEGINS.iter().copied()) {
                    Some(near) if text.trim_start().starts_with(first) && text.contains(' ') => {
                        format!(
                            "did you mean {key} = \"{near}{}\"?",
                            &text.trim_start()[first.len()..]
                        )
                    }
                    _ => "write how long the query takes, such as \"20ms\", or SQL, such as \
                          \"SELECT count(*) FROM numbers\""
                        .to_owned(),
                }
            }
        };
        let source = self.source(item);
        self.problem(
            item.span(),
            format!(
                "`{key}` takes a time or {}, and {source} is neither",
                form_name(form)
            ),
            help,
        );
        None
    }
}
