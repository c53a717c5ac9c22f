//! Where the cursor is in a cell that is being typed, however broken its text is.
//!
//! TOML's parser gives no tree for half a cell, so this one cuts the text into tokens and follows them with
//! a stack of open tables and lists. It never fails: what makes no sense is passed over, and a line that
//! plainly begins a new key closes what was left open above it. It knows TOML's shape and no word of the
//! language; what belongs at a place is [`super::slot`]'s to say.

use super::tokens::{Kind, Quote, Token, tokens};
use crate::diagnostic::Span;
use std::collections::{HashMap, HashSet};

/// Longest path that is told apart; deeper than this nothing has a meaning anyway.
const LONGEST_PATH: usize = 200;

/// What stands where the cursor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A key of the table at the path.
    Key,
    /// The value at the path.
    Value,
    /// A key in a `[header]`; the path is that of the keys before it.
    Header,
    /// A comment, or a place where only punctuation fits.
    Nothing,
}

/// The place of the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// What belongs here.
    pub role: Role,
    /// Keys from the top, joined by dots; an element of a list is `[]`: `mix[].task.cpu`.
    pub path: String,
    /// The word at the cursor, without its quotes; empty where there is none.
    pub word: Span,
    /// The quotes of the word.
    pub quote: Option<Quote>,
    /// Keys beside the one at the cursor, then those of the tables around it, innermost first.
    pub tables: Vec<Vec<&'a str>>,
}

/// A value that stands in the text, with its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// See [`Place::path`].
    pub path: String,
    /// The value as it is written, without quotes.
    pub span: Span,
}

/// The place of `cursor` (a byte offset on a character's boundary) in `text`, and every value of the text.
pub fn scan(text: &str, cursor: usize) -> (Place<'_>, Vec<Leaf>) {
    let mut walk = Walk::new(text, cursor);
    let tokens = tokens(text);
    for (index, token) in tokens.iter().enumerate() {
        walk.step(&tokens, index, token);
    }
    walk.finish()
}

/// The nearest character's boundary at or before `at`.
pub fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Top,
    Table,
    List,
    Header,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A key comes, or another part of it behind a dot.
    Key,
    /// A key has come; `=` follows.
    Equals,
    /// A value comes.
    Value,
    /// A value has come.
    Done,
}

#[derive(Debug)]
struct Frame {
    open: Open,
    state: State,
    /// Length of the path outside this frame's current key.
    path: usize,
    /// The table that plain keys here belong to.
    table: usize,
    /// The table of the current key, which dots may have moved.
    current: usize,
    /// The last part of the current key.
    key: Span,
    /// Whether a header has two brackets.
    twice: bool,
}

/// Keys of one table.
#[derive(Debug, Default)]
struct Table {
    parent: Option<usize>,
    keys: Vec<Span>,
}

struct Walk<'a> {
    text: &'a str,
    cursor: usize,
    path: String,
    stack: Vec<Frame>,
    tables: Vec<Table>,
    /// Tables that headers and dots name, by their parent.
    named: HashMap<(usize, &'a str), usize>,
    /// Tables that are elements of a list, by headers of two brackets.
    listed: HashSet<usize>,
    place: Option<Place<'a>>,
    /// Where the neighbours of the place are: a table, and names that lead on from it.
    beside: (usize, Vec<&'a str>),
    leaves: Vec<Leaf>,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str, cursor: usize) -> Self {
        let top = Frame {
            open: Open::Top,
            state: State::Key,
            path: 0,
            table: 0,
            current: 0,
            key: 0..0,
            twice: false,
        };
        Walk {
            text,
            cursor,
            path: String::new(),
            stack: vec![top],
            tables: vec![Table::default()],
            named: HashMap::new(),
            listed: HashSet::new(),
            place: None,
            beside: (0, Vec::new()),
            leaves: Vec::new(),
        }
    }

    fn step(&mut self, tokens: &[Token], index: usize, token: &Token) {
        if token.kind != Kind::Newline && self.begins_a_key(&tokens[index..], token) {
            self.close_all();
        }
        if self.place.is_none() {
            self.look(token);
        }
        match token.kind {
            Kind::Newline => self.newline(),
            Kind::Comment => {}
            Kind::Mark(mark) => self.mark(token, mark),
            Kind::Bare | Kind::Text(_) => self.word(token),
        }
    }

    fn frame(&mut self) -> &mut Frame {
        // The top is never popped.
        self.stack.last_mut().expect("the top frame")
    }

    /// Whether a line plainly begins a key or a header, though something is open above it.
    fn begins_a_key(&mut self, tokens: &[Token], token: &Token) -> bool {
        let Some(indent) = token.indent else {
            return false;
        };
        let (open, state) = (self.frame().open, self.frame().state);
        if matches!(open, Open::Top | Open::Header) {
            return false;
        }
        let after = |count: usize| tokens.get(count).map(|token| token.kind);
        match token.kind {
            Kind::Bare if indent == 0 && state == State::Done => true,
            Kind::Bare => {
                let behind = tokens[1..].iter().map(|token| token.kind);
                let mut behind =
                    behind.skip_while(|kind| matches!(kind, Kind::Bare | Kind::Text(_)));
                let is_key = behind.next() == Some(Kind::Mark(b'='));
                is_key && (open == Open::List || indent == 0 || state == State::Done)
            }
            Kind::Mark(b'[') if indent == 0 => {
                after(1) == Some(Kind::Bare)
                    && after(2) == Some(Kind::Mark(b']'))
                    && matches!(after(3), None | Some(Kind::Newline))
            }
            _ => false,
        }
    }

    fn close_all(&mut self) {
        self.stack.truncate(1);
        let top = self.frame();
        let path = top.path;
        (top.state, top.current) = (State::Key, top.table);
        self.path.truncate(path);
    }

    fn newline(&mut self) {
        if self.frame().open == Open::Header {
            self.end_header();
        }
        if self.frame().open == Open::Top {
            self.close_all();
        }
    }

    fn mark(&mut self, token: &Token, mark: u8) {
        let frame = self.frame();
        match (mark, frame.open, frame.state) {
            (b'=', Open::Top | Open::Table, State::Key | State::Equals) => {
                frame.state = State::Value;
            }
            (b'[', Open::Top, State::Key) if token.indent.is_some() => self.begin_header(),
            (b'[', Open::Header, _) => frame.twice = true,
            (b']', Open::Header, _) => self.end_header(),
            (b'[' | b'{', _, State::Value) => {
                let open = if mark == b'[' {
                    Open::List
                } else {
                    Open::Table
                };
                self.push(open);
            }
            (b']', ..) => self.close(Open::List),
            (b'}', ..) => self.close(Open::Table),
            (b',', Open::List, _) => frame.state = State::Value,
            (b',', Open::Table, _) => {
                let path = frame.path;
                (frame.state, frame.current) = (State::Key, frame.table);
                self.path.truncate(path);
            }
            _ => {}
        }
    }

    fn word(&mut self, token: &Token) {
        let dotted = self.text[token.span.clone()].starts_with('.');
        let frame = self.frame();
        match frame.state {
            State::Key => self.key(token),
            // `"a".b`
            State::Equals if dotted => self.key(token),
            State::Value => {
                frame.state = State::Done;
                if self.path.len() <= LONGEST_PATH {
                    let (path, span) = (self.path.clone(), token.inner());
                    self.leaves.push(Leaf { path, span });
                }
            }
            State::Equals | State::Done => {}
        }
    }

    /// A key, or a part of one: `cases."I/O-bound"` comes as two tokens.
    fn key(&mut self, token: &Token) {
        let span = token.inner();
        let whole = &self.text[span.clone()];
        let is_bare = token.kind == Kind::Bare;
        let mut at = span.start;
        for part in whole.split(|c| c == '.' && is_bare) {
            let place = at..at + part.len();
            at = place.end + 1;
            if part.is_empty() {
                continue;
            }
            if self.path.len() > self.frame().path {
                self.descend();
            }
            self.add_key(place);
        }
        self.frame().state = match is_bare && whole.ends_with('.') {
            true => State::Key,
            false => State::Equals,
        };
    }

    /// The current key becomes the table that the next part is a key of.
    fn descend(&mut self) {
        let (current, key) = (self.frame().current, self.frame().key.clone());
        let name = &self.text[key];
        let next = self.tables.len();
        let child = *self.named.entry((current, name)).or_insert(next);
        if child == next {
            self.tables.push(Table {
                parent: Some(current),
                keys: Vec::new(),
            });
        }
        self.frame().current = child;
        if self.listed.contains(&child) {
            self.extend("[]");
        }
    }

    fn add_key(&mut self, span: Span) {
        let current = self.frame().current;
        self.tables[current].keys.push(span.clone());
        self.frame().key = span.clone();
        // A dot or a bracket inside a quoted key is no way down.
        let name = self.text[span].replace(['.', '[', ']'], "_");
        if !self.path.is_empty() {
            self.extend(".");
        }
        self.extend(&name);
    }

    fn extend(&mut self, part: &str) {
        // Bounded, so that a thousand brackets cost what one costs.
        if self.path.len() <= LONGEST_PATH {
            self.path.push_str(part);
        }
    }

    fn push(&mut self, open: Open) {
        let mut table = self.frame().current;
        match open {
            Open::List => self.extend("[]"),
            _ => {
                self.tables.push(Table {
                    parent: Some(table),
                    keys: Vec::new(),
                });
                table = self.tables.len() - 1;
            }
        }
        let state = if open == Open::List {
            State::Value
        } else {
            State::Key
        };
        let path = self.path.len();
        self.stack.push(Frame {
            open,
            state,
            path,
            table,
            current: table,
            key: 0..0,
            twice: false,
        });
    }

    /// A closing bracket closes what it fits, and all that was left open inside.
    fn close(&mut self, open: Open) {
        if let Some(at) = self.stack.iter().rposition(|frame| frame.open == open) {
            self.stack.truncate(at);
            let frame = self.frame();
            frame.state = State::Done;
            let (open, path) = (frame.open, frame.path);
            if open == Open::List {
                self.path.truncate(path);
            }
        }
    }

    fn begin_header(&mut self) {
        self.path.clear();
        let top = self.frame();
        (top.path, top.table, top.current) = (0, 0, 0);
        self.stack.push(Frame {
            open: Open::Header,
            state: State::Key,
            path: 0,
            table: 0,
            current: 0,
            key: 0..0,
            twice: false,
        });
    }

    /// What follows belongs to the header's table.
    fn end_header(&mut self) {
        if !self.path.is_empty() {
            let (current, key) = (self.frame().current, self.frame().key.clone());
            if self.frame().twice {
                // Another element of the list: a table of its own.
                let name = &self.text[key];
                self.tables.push(Table {
                    parent: Some(current),
                    keys: Vec::new(),
                });
                self.named.insert((current, name), self.tables.len() - 1);
                self.listed.insert(self.tables.len() - 1);
            }
            self.descend();
        }
        let table = self.frame().current;
        self.stack.truncate(1);
        let path = self.path.len();
        let top = self.frame();
        (top.state, top.path, top.table, top.current) = (State::Done, path, table, table);
    }

    // ---- the place of the cursor

    /// Takes note of the place where the cursor is at this token, or between the last one and this.
    fn look(&mut self, token: &Token) {
        let (span, cursor) = (token.span.clone(), self.cursor);
        if span.end < cursor {
            return;
        }
        let inner = token.inner();
        let is_inside = match token.kind {
            Kind::Newline | Kind::Mark(_) => false,
            Kind::Comment | Kind::Bare => span.start < cursor,
            Kind::Text(quote) if quote.closed => (inner.start..=inner.end).contains(&cursor),
            Kind::Text(_) => inner.start <= cursor,
        };
        if is_inside {
            self.place_of_word(token, inner);
        } else if span.start >= cursor {
            self.place_between();
        }
    }

    fn place_of_word(&mut self, token: &Token, inner: Span) {
        let quote = match token.kind {
            Kind::Text(quote) => Some(quote),
            _ => None,
        };
        let role = match (token.kind, self.frame().state, self.frame().open) {
            (Kind::Comment, ..) => Role::Nothing,
            (_, State::Key, Open::Header) => Role::Header,
            (_, State::Key, _) => Role::Key,
            (_, State::Value, _) => Role::Value,
            (_, State::Equals | State::Done, _) => Role::Nothing,
        };
        if role == Role::Nothing || role == Role::Value || quote.is_some() {
            return self.put(role, inner, quote, Vec::new());
        }
        // The part of a dotted key that the cursor is in, and the parts before it.
        let (before, behind) = self.text[inner.clone()].split_at(self.cursor - inner.start);
        let start = inner.start + before.rfind('.').map_or(0, |dot| dot + 1);
        let end = self.cursor + behind.find('.').unwrap_or(behind.len());
        let text = self.text;
        let parts = text[inner.start..start]
            .split('.')
            .filter(|part| !part.is_empty());
        self.put(role, start..end, quote, parts.collect());
    }

    fn place_between(&mut self) {
        let at_line_start = self.text[..self.cursor].ends_with('\n');
        let (open, state) = (self.frame().open, self.frame().state);
        if state == State::Done && at_line_start && !matches!(open, Open::Top | Open::Header) {
            // Something is open above, but this line begins at its beginning: a key, most likely.
            self.close_all();
        }
        let role = match (self.frame().state, open) {
            (State::Key, Open::Header) => Role::Header,
            (State::Key, _) => Role::Key,
            (State::Value, _) => Role::Value,
            (State::Equals | State::Done, _) => Role::Nothing,
        };
        self.put(role, self.cursor..self.cursor, None, Vec::new());
    }

    fn put(&mut self, role: Role, word: Span, quote: Option<Quote>, parts: Vec<&'a str>) {
        let (text, frame) = (self.text, &self.stack[self.stack.len() - 1]);
        let mut names = Vec::new();
        if matches!(role, Role::Key | Role::Header) && self.path.len() > frame.path {
            names.push(&text[frame.key.clone()]);
        }
        names.extend(&parts);
        let mut path = self.path.clone();
        for part in parts {
            if path.len() > LONGEST_PATH {
                break;
            }
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(part);
        }
        self.beside = (frame.current, names);
        self.place = Some(Place {
            role,
            path,
            word,
            quote,
            tables: Vec::new(),
        });
    }

    fn finish(mut self) -> (Place<'a>, Vec<Leaf>) {
        if self.place.is_none() {
            self.place_between();
        }
        let (start, names) = std::mem::take(&mut self.beside);
        let mut table = Some(start);
        for name in names {
            table = table.and_then(|table| self.named.get(&(table, name)).copied());
        }
        let mut place = self.place.take().unwrap_or(Place {
            role: Role::Nothing,
            path: String::new(),
            word: 0..0,
            quote: None,
            tables: Vec::new(),
        });
        if table.is_none() {
            place.tables.push(Vec::new());
        }
        while let Some(number) = table {
            let keys = self.tables[number].keys.iter();
            let is_value = place.role == Role::Value;
            let others = keys.filter(|key| is_value || **key != place.word);
            place
                .tables
                .push(others.map(|key| &self.text[key.clone()]).collect());
            table = self.tables[number].parent;
        }
        (place, self.leaves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Role, path, word and the keys beside it, with the cursor where the text has a `|`.
    fn at(marked: &str) -> String {
        let cursor = marked.find('|').unwrap();
        let text = marked.replacen('|', "", 1);
        let (place, _) = scan(&text, cursor);
        let word = &text[place.word.clone()];
        if place.role == Role::Nothing {
            return "Nothing".to_owned();
        }
        format!(
            "{:?} {} <{word}> {}",
            place.role,
            place.path,
            place.tables[0].join(" ")
        )
    }

    #[test]
    fn the_place_of_the_cursor_is_found_in_whole_and_in_half_written_cells() {
        for (marked, expected) in [
            ("|", "Key  <> "),
            ("ta|", "Key  <ta> "),
            ("ta|sks = 8\nseed = 1", "Key  <tasks> seed"),
            ("tasks = |", "Value tasks <> tasks"),
            ("tasks = 8|", "Value tasks <8> tasks"),
            ("tasks = 8 |", "Nothing"),
            ("tasks | = 8", "Nothing"),
            ("# ta|\ntasks = 1", "Nothing"),
            ("seed = 1\n|\ntasks = 8", "Key  <> seed tasks"),
            ("models = [|", "Value models[] <> models"),
            ("models = [\"a\", \"thr|", "Value models[] <thr> models"),
            (
                "models = [\"thr|, \"async\"]",
                "Value models[] <thr> models",
            ),
            (
                "models = [\"thr|]\ntasks = 8",
                "Value models[] <thr> models tasks",
            ),
            (
                "models = [\n  \"a\",\n  \"|\",\n]",
                "Value models[] <> models",
            ),
            ("models = [\"threads\"\nta|", "Key  <ta> models"),
            (
                "models = [\"threads\",\ntasks = |",
                "Value tasks <> models tasks",
            ),
            ("task = { cpu = \"50ms\", |", "Key task <> cpu"),
            ("task = { cpu = \"50ms\", |}\ntasks = 1", "Key task <> cpu"),
            ("task = { |, label = \"x\" }", "Key task <> label"),
            ("task = { cpu = \"50ms\"\n|", "Key  <> task"),
            ("task = [{ http = \"1ms\" }, { c| }]", "Key task[] <c> "),
            ("task = { cpu = { ea|", "Key task.cpu <ea> "),
            (
                "task = { cpu = { each = [\"1|",
                "Value task.cpu.each[] <1> each",
            ),
            ("task = { do = [{ add = 1 }, { sl|", "Key task.do[] <sl> "),
            ("[task]\ncpu = \"1ms\"\n|", "Key task <> cpu"),
            ("tasks = 1\n[ta|", "Header  <ta> tasks"),
            ("[cases.mixed]\nc|", "Key cases.mixed <c> "),
            ("[[mix]]\nname = \"a\"\n[[mix]]\n|", "Key mix[] <> "),
            ("[[mix]]\nname = \"a\"\n[mix.task]\n|", "Key mix[].task <> "),
            (
                "mix = [{ name = \"a\", task = { cpu = \"1ms\" }, |",
                "Key mix[] <> name task",
            ),
            ("cases.a = 1\ncases.|", "Key cases <> a"),
            ("cases.\"I/O-bound\" = { |", "Key cases.I/O-bound <> "),
            ("cases.mixed = [{ c|", "Key cases.mixed[] <c> "),
            ("check = [\"wall(a, |", "Value check[] <wall(a, > check"),
            ("title = \"\"\"\n|", "Value title <\n> title"),
            ("title = 'it|", "Value title <it> title"),
            ("ünï| = 1", "Key  <ünï> "),
            ("]]}}= , . |", "Nothing"),
        ] {
            assert_eq!(at(marked), expected, "{marked}");
        }
    }

    #[test]
    fn the_verb_of_a_step_is_found_from_inside_its_values() {
        let text = "task = { add = 1, sync = { sweep = [\"";
        let (place, _) = scan(text, text.len());
        assert_eq!(place.path, "task.sync.sweep[]");
        assert_eq!(
            place.tables,
            [vec!["sweep"], vec!["add", "sync"], vec!["task"]]
        );
    }

    #[test]
    fn values_are_found_by_their_paths() {
        let text = "models = [\"threads\", { model = \"async\", label = \"one loop\" }]\ntasks = 8";
        let (_, leaves) = scan(text, 0);
        let found: Vec<String> = leaves
            .iter()
            .map(|leaf| format!("{}: {}", leaf.path, &text[leaf.span.clone()]))
            .collect();
        assert_eq!(
            found,
            [
                "models[]: threads",
                "models[].model: async",
                "models[].label: one loop",
                "tasks: 8"
            ]
        );
    }

    #[test]
    fn depth_and_length_cost_no_more_than_their_bytes() {
        for text in [
            "[".repeat(50_000),
            "a.".repeat(50_000),
            "{a=".repeat(50_000),
            "a=[".repeat(50_000),
        ] {
            let (place, leaves) = scan(&text, text.len());
            assert!(place.path.len() < 2 * LONGEST_PATH && leaves.len() < 2);
        }
    }
}
