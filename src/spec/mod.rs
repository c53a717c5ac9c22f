//! The text of a cell becomes an experiment, or diagnostics. Parsing never fails and never acts.
//!
//! [`read`] parses TOML, `resolve` walks it key by key, `reader` reads single values with complaints that
//! say what to write instead, `syntax` puts TOML's own errors into words. To add a key of a
//! cell: a row in `catalog::keys` and the lines of `resolve` that read it.
//!
//! While a cell is being typed, `scan` finds where the cursor is in half a cell, `slot` knows what belongs
//! there, and [`complete`] and [`inspect`] say it.

mod argument;
mod claims;
mod command;
mod complete;
mod inspect;
mod later;
mod layers;
mod models;
mod number;
mod place;
mod print;
mod python;
mod reader;
mod resolve;
mod scan;
mod slot;
mod syntax;
mod task;
mod title;
mod workload;
mod tokens;

pub use complete::{Completion, Completions, complete};
pub use inspect::{Detail, Inspection, inspect};
pub use place::{line_of, place_of};
pub use print::print;
pub use syntax::{Completeness, is_complete};

use crate::diagnostic::{Diagnostic, MOST_TOLD};
use crate::experiment::{CellSource, Experiment, Theme};
use crate::units::format_bytes;
use toml::Spanned;
use toml::de::DeTable;

/// Keys that make a cell a command, and those that may stand beside each.
const COMMANDS: &[(&str, &[&str])] = &[
    ("show", &["of", "plot", "theme", "zoom"]),
    ("help", &[]),
    ("compare", &[]),
    ("save", &["of"]),
];

/// What a cell asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing but blanks and comments.
    Empty,
    /// Something to run.
    Experiment(Box<Experiment>),
    /// Values for the later cells of the session, the earlier ones included.
    Defaults(Defaults),
    /// `show = "…"`: one of the fixed words, or the name of an earlier experiment.
    Show(Show),
    /// `compare = ["…", "…"]`: two earlier experiments, or files of saved answers.
    Compare(String, String),
    /// `save = "FILE"`: the answer of the last experiment, or of the one that `of` names.
    Save {
        /// Ends in `.csv` or `.json`.
        path: String,
        /// Name of an experiment.
        of: Option<String>,
    },
    /// `help = "…"`; empty for the overview.
    Help(String),
}

/// What to show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Show {
    /// A word, or the name of an experiment.
    pub what: String,
    /// The experiment that `python` is shown of; `None`: the last one.
    pub of: Option<String>,
    /// Figures in place of the experiment's own; empty for those.
    pub plots: Vec<String>,
    /// Colours in place of the experiment's own.
    pub theme: Option<Theme>,
    /// Whether figures can be zoomed, in place of what the experiment says.
    pub zoom: Option<bool>,
}

/// What the cells before said that this one may refer to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session {
    /// Values for keys that a cell leaves out.
    pub defaults: Defaults,
    /// Experiments with a name, oldest first.
    pub earlier: Vec<Earlier>,
    /// Words that may name interpreters of this machine, for completion.
    pub pythons: Vec<String>,
}

/// An experiment that ran and has a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Earlier {
    /// Its name.
    pub name: String,
    /// Its cell, and those that this one built on.
    pub texts: Vec<String>,
}

impl Session {
    /// The newest experiment of that name.
    pub fn find(&self, name: &str) -> Option<&Earlier> {
        self.earlier
            .iter()
            .rev()
            .find(|earlier| earlier.name == name)
    }

    /// Takes note of an experiment that ran, by its cell and those that this one built on.
    pub fn remember(&mut self, name: &str, texts: Vec<String>) {
        let name = name.to_owned();
        self.earlier.push(Earlier { name, texts });
    }

    /// Names of the experiments, newest first, each once.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for earlier in self.earlier.iter().rev() {
            if !names.contains(&earlier.name.as_str()) {
                names.push(&earlier.name);
            }
        }
        names
    }

    /// The session in which a saved answer's cell reads as it did.
    fn of(source: &CellSource) -> (Session, String) {
        let mut session = Session::default();
        let (table, _) = DeTable::parse_recoverable(&source.defaults);
        for (key, item) in table.get_ref().iter() {
            session.defaults.set(
                key.get_ref(),
                source.defaults.get(item.span()).unwrap_or(""),
            );
        }
        let (own, bases) = source
            .texts
            .split_first()
            .map_or(("", &[][..]), |(own, bases)| (own.as_str(), bases));
        let name = base_name(own);
        session.earlier.extend(name.map(|name| Earlier {
            name,
            texts: bases.to_vec(),
        }));
        (session, own.to_owned())
    }
}

/// What `base` says in a cell.
fn base_name(text: &str) -> Option<String> {
    let (table, _) = DeTable::parse_recoverable(text);
    let name = table.get_ref().get("base")?.get_ref().as_str()?;
    Some(name.to_owned())
}

/// Reads the cell of a saved answer again.
///
/// # Errors
/// What this version of the language finds wrong with it.
pub fn read_saved(source: &CellSource) -> Result<Experiment, String> {
    let (session, text) = Session::of(source);
    match read(&text, &session) {
        (Some(Cell::Experiment(experiment)), _) => Ok(*experiment),
        (_, problems) => Err(problems.first().map_or_else(
            || "its cell is no experiment".to_owned(),
            |problem| problem.message.clone(),
        )),
    }
}

/// Values that earlier cells set for the later ones: the text of each key's value, as TOML.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults {
    /// Key and value.
    pub values: Vec<(String, String)>,
}

impl Defaults {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, value)| value.as_str())
    }

    /// All of them as a cell.
    fn text(&self) -> String {
        self.values
            .iter()
            .map(|(key, value)| format!("{key} = {value}\n"))
            .collect()
    }

    fn set(&mut self, key: &str, value: &str) {
        self.values.retain(|(known, _)| known != key);
        self.values.push((key.to_owned(), value.to_owned()));
    }
}

/// Most that a cell's text may be: reading takes the longer the more there is, and help while typing is given
/// between two strokes.
pub const MOST_BYTES: usize = 4 << 20;

/// Reads a cell. All problems at once, in the order of the text; a cell only where there is none.
///
/// Of very many problems the first are told, one more than [`MOST_TOLD`] beside those of the syntax.
pub fn read(text: &str, session: &Session) -> (Option<Cell>, Vec<Diagnostic>) {
    if text.len() > MOST_BYTES {
        let message = format!(
            "a cell of {} is larger than {}, the most that is read",
            format_bytes(text.len() as f64),
            format_bytes(MOST_BYTES as f64)
        );
        let help = "is this text a cell of conclab at all?";
        return (None, vec![Diagnostic::new(0..0, message, help)]);
    }
    if let Some(cell) = command(text.trim()) {
        return (Some(cell), Vec::new());
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    let (cell, mut problems) = cell(text, &table, session);
    problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
    problems.truncate(MOST_TOLD + 1);
    if !errors.is_empty() {
        // What could be read is judged too, but not what a syntax error has left half read.
        let faults = syntax::faults(text, &errors);
        problems.retain(|problem| !faults.spoil(text, problem));
        problems.extend(faults.diagnostics);
    }
    problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
    if problems.is_empty() {
        (cell, problems)
    } else {
        (None, problems)
    }
}

fn cell(
    text: &str,
    table: &Spanned<DeTable>,
    session: &Session,
) -> (Option<Cell>, Vec<Diagnostic>) {
    let keys = table.get_ref();
    if keys.is_empty() {
        return (Some(Cell::Empty), Vec::new());
    }
    let is_experiment = layers::WORKLOADS
        .iter()
        .chain(&["base"])
        .any(|key| keys.contains_key(*key));
    let command = COMMANDS.iter().find(|(key, _)| keys.contains_key(*key));
    // An experiment may save its own answer.
    if let Some((key, beside)) = command.filter(|(key, _)| !(is_experiment && *key == "save")) {
        return command_cell(text, keys, key, beside);
    }
    if is_experiment {
        let (experiment, problems) = resolve::experiment(text, table, session);
        return (
            experiment.map(|experiment| Cell::Experiment(Box::new(experiment))),
            problems,
        );
    }
    let problems = resolve::check_defaults(text, keys);
    if !problems.is_empty() {
        return (None, problems);
    }
    let mut merged = session.defaults.clone();
    let mut entries: Vec<_> = keys.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, item) in entries {
        merged.set(key.get_ref(), &print::inline(text, item));
    }
    (Some(Cell::Defaults(merged)), problems)
}

/// A cell with a command: `show`, `help`, `compare`, `save`.
fn command_cell(
    text: &str,
    keys: &DeTable,
    key: &str,
    beside: &[&str],
) -> (Option<Cell>, Vec<Diagnostic>) {
    let mut reader = reader::Reader::new(text, Vec::new());
    for (other, _) in keys.iter() {
        let name = other.get_ref().as_ref();
        if name == key || beside.contains(&name) {
            continue;
        }
        reader.problem(
            other.span(),
            format!("`{name}` does not belong to a cell with `{key}`"),
            match beside {
                [] => format!("`{key}` stands alone: put `{name}` into a cell of its own"),
                beside => format!(
                    "beside `{key}` there may be `{}`; put `{name}` into a cell of its own",
                    beside.join("`, `")
                ),
            },
        );
    }
    let item = keys.get(key);
    let mut word = |key: &str| keys.get(key).and_then(|item| reader.string(key, item));
    let cell = match key {
        "help" => word("help").map(Cell::Help),
        "compare" => item
            .and_then(|item| compared(&mut reader, item))
            .map(|(a, b)| Cell::Compare(a, b)),
        "save" => {
            let (path, of) = (word("save"), word("of"));
            if let (Some(item), Some(problem)) =
                (item, path.as_deref().and_then(resolve::save_problem))
            {
                reader.problem(item.span(), problem, resolve::SAVE_HELP);
            }
            path.map(|path| Cell::Save { path, of })
        }
        _ => {
            let (what, of) = (word("show"), word("of"));
            let python = what.as_deref() == Some("python");
            if let Some(item) = keys.get("of").filter(|_| what.is_some() && !python) {
                reader.problem(
                    item.span(),
                    "`of` says what `show = \"python\"` is shown of",
                    "leave it out, or write show = \"python\"; an experiment itself is shown by show = \"NAME\"",
                );
            }
            if let Some(item) = keys.get("plot").filter(|_| python) {
                reader.problem(
                    item.span(),
                    "scripts have no figures",
                    "leave `plot` out, or show the experiment itself by its name",
                );
            }
            let plots = keys
                .get("plot")
                .map(|item| resolve::plots(&mut reader, item));
            let theme = keys
                .get("theme")
                .and_then(|item| resolve::theme(&mut reader, item));
            let zoom = keys.get("zoom");
            let zoom = zoom.and_then(|item| reader.flag("zoom", item));
            if let (Some(item), Some(true), Some(plots)) = (keys.get("zoom"), zoom, &plots) {
                resolve::check_zoom(&mut reader, item, plots);
            }
            what.map(|what| {
                Cell::Show(Show {
                    what,
                    of,
                    plots: plots.unwrap_or_default(),
                    theme,
                    zoom,
                })
            })
        }
    };
    (cell, reader.problems)
}

/// The two of `compare = ["a", "b"]`.
fn compared(reader: &mut reader::Reader, item: &reader::Item) -> Option<(String, String)> {
    let list = item.get_ref().as_array();
    let names: Option<Vec<&str>> =
        list.and_then(|list| list.iter().map(|item| item.get_ref().as_str()).collect());
    match names.as_deref() {
        Some([a, b]) => Some(((*a).to_owned(), (*b).to_owned())),
        _ => {
            reader.problem(
                item.span(),
                "`compare` takes two names of experiments, or files of saved answers",
                "write compare = [\"first\", \"second\"] or compare = [\"here.json\", \"there.json\"]",
            );
            None
        }
    }
}

/// `help`, `%show x`, `%help x`, `%x`, `?x` and `x?`: what people type elsewhere.
fn command(line: &str) -> Option<Cell> {
    if line.contains('\n') {
        return None;
    }
    let show = |what| {
        Cell::Show(Show {
            what,
            ..Show::default()
        })
    };
    if matches!(line, "help" | "show" | "help()") {
        return Some(Cell::Help(String::new()));
    }
    let unquoted = |word: &str| word.trim().trim_matches(['"', '\'', '=', ' ']).to_owned();
    if let Some(rest) = line.strip_prefix('%') {
        let rest = rest.trim_start_matches('%').trim();
        let (name, argument) = rest.split_once([' ', '=']).unwrap_or((rest, ""));
        return Some(match name {
            "help" => Cell::Help(unquoted(argument)),
            "show" => show(unquoted(argument)),
            other => show(unquoted(other)),
        });
    }
    let word = line.strip_prefix('?').or_else(|| {
        let word = line.strip_suffix('?')?;
        word.chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '?'))
            .then_some(word)
    })?;
    Some(Cell::Help(unquoted(word.trim_matches('?'))))
}
