//! What belongs at a place of a cell: which keys a table takes, and what a value may be.
//!
//! Read by completion and by hover text. Rows come from the tables of the catalog; only the shape of the
//! language (that `cases` holds tasks, that `compare` holds names) is written here.

use super::scan::{Place, Role};
use crate::catalog::keys::{
    self, CODE_KEYS, COMMANDS, GROUP, KEYS, MIX_KEYS, MODEL_KEYS, MODIFIERS, VALUE_FORMS,
};
use crate::catalog::{Entry, Owner};
use crate::describe::{Quantity, Setting, StepDef};
use crate::step::{self, STEPS};

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub enum Slot {
    /// What the key or verb takes.
    Of(Entry),
    /// A step, as a table.
    Step,
    /// A model's name, or its table where it stands in the list itself.
    Model {
        /// Whether a table may stand here.
        table: bool,
    },
    /// A runtime's name.
    Runtime,
    /// A figure's name.
    Figure,
    /// The name of an earlier experiment.
    Past,
    /// A word of `show`, or the name of an earlier experiment.
    Show,
    /// A word that has help.
    Help,
    /// The name of a file to save to.
    Save,
    /// A claim about metrics and rows.
    Claim,
    /// A word that only the author knows, or a place with no meaning.
    Unknown,
}

/// Keys that the table at the place takes, those that are there already included.
pub fn keys_at(place: &Place) -> Vec<Entry> {
    let of = |owner: Owner, rows: &'static [Setting]| -> Vec<Entry> {
        rows.iter().map(|key| Entry::Key(owner, key)).collect()
    };
    let path = place.path.as_str();
    if is_task(path) {
        let beside = place.tables.first();
        return step_keys(beside.and_then(|keys| keys.iter().find_map(|key| verb(key))));
    }
    match path {
        "" if place.role == Role::Header => of(Owner::Cell, KEYS)
            .into_iter()
            .filter(|entry| matches!(entry.name(), "task" | "cases" | "mix" | "stages" | "limits"))
            .collect(),
        "" => [of(Owner::Cell, KEYS), of(Owner::Command, COMMANDS)].concat(),
        "models" | "models[]" => of(Owner::Model, MODEL_KEYS),
        "mix" | "mix[]" => of(Owner::Mix, MIX_KEYS),
        "limits" | "models.limits" | "models[].limits" => {
            STEPS.iter().map(|step| Entry::Step(&step.def)).collect()
        }
        _ => match owner_of_value(place) {
            Some(Entry::Step(def)) if matches!(def.quantity, Quantity::Code) => {
                of(Owner::Code, CODE_KEYS)
            }
            Some(Entry::Step(_) | Entry::Key(Owner::Step(_), _)) => of(Owner::Form, VALUE_FORMS),
            Some(Entry::Key(Owner::Cell, key)) if matches!(key.name, "argument" | "result") => {
                of(Owner::Form, VALUE_FORMS)
            }
            _ => Vec::new(),
        },
    }
}

/// Verbs, or what stands beside the one that is there.
fn step_keys(verb: Option<Verb>) -> Vec<Entry> {
    let modifiers = MODIFIERS.iter().map(|key| Entry::Key(Owner::Modifier, key));
    let settings = |def: &'static StepDef| {
        let owner = Owner::Step(def);
        def.settings.iter().map(move |key| Entry::Key(owner, key))
    };
    match verb {
        None => {
            let verbs = STEPS.iter().map(|step| Entry::Step(&step.def));
            let group = Entry::Key(Owner::Verb, &GROUP);
            verbs.chain([group]).chain(modifiers).collect()
        }
        Some(Verb::Group) => modifiers.collect(),
        Some(Verb::Step(def)) => settings(def).chain(modifiers).collect(),
    }
}

enum Verb {
    Group,
    Step(&'static StepDef),
}

fn verb(key: &str) -> Option<Verb> {
    match key == GROUP.name {
        true => Some(Verb::Group),
        false => step::find(key).map(|step| Verb::Step(&step.def)),
    }
}

/// What the value at the place may be.
pub fn slot_at(place: &Place) -> Slot {
    let path = place.path.as_str();
    if is_task(path) {
        return Slot::Step;
    }
    match path {
        "models" | "models[]" => return Slot::Model { table: true },
        "models.model" | "models[].model" => return Slot::Model { table: false },
        "models.stages[]" | "models[].stages[]" => return Slot::Model { table: false },
        "runtime" | "runtime[]" => return Slot::Runtime,
        "plot" | "plot[]" => return Slot::Figure,
        "base" | "of" | "compare" | "compare[]" => return Slot::Past,
        "show" => return Slot::Show,
        "help" => return Slot::Help,
        "save" => return Slot::Save,
        "check" | "check[]" | "predict" | "predict[]" => return Slot::Claim,
        _ => {}
    }
    owner_of_value(place).map_or(Slot::Unknown, Slot::Of)
}

/// The key or verb that the value at the place belongs to, through `each`, `sweep` and lists.
fn owner_of_value(place: &Place) -> Option<Entry> {
    let mut path = place.path.as_str();
    loop {
        let outer = path.strip_suffix("[]");
        let form = || {
            let (outer, last) = path.rsplit_once('.')?;
            VALUE_FORMS
                .iter()
                .any(|form| form.name == last)
                .then_some(outer)
        };
        match outer.or_else(form) {
            Some(outer) => path = outer,
            None => break,
        }
    }
    let Some((table, key)) = path.rsplit_once('.') else {
        return keys::find(path).map(|key| Entry::Key(Owner::Cell, key));
    };
    let find = |owner: Owner, rows: &'static [Setting]| {
        let row = rows.iter().find(|row| row.name == key);
        row.map(|row| Entry::Key(owner, row))
    };
    if !is_task(table) {
        return match table {
            "models" | "models[]" => find(Owner::Model, MODEL_KEYS),
            "mix" | "mix[]" => find(Owner::Mix, MIX_KEYS),
            _ if is_code(table) => find(Owner::Code, CODE_KEYS),
            _ => None,
        };
    }
    if let Some(step) = step::find(key) {
        return Some(Entry::Step(&step.def));
    }
    // The verb stands in the step's own table, which may be around the one that the cursor is in.
    let own = place.tables.iter().find(|keys| keys.contains(&key));
    let setting = own.and_then(|keys| {
        let def = keys
            .iter()
            .find_map(|key| step::find(key))
            .map(|step| &step.def)?;
        find(Owner::Step(def), def.settings)
    });
    setting.or_else(|| find(Owner::Modifier, MODIFIERS))
}

/// Whether the table of a `python` step stands at the path.
fn is_code(path: &str) -> bool {
    let Some((table, verb)) = path.rsplit_once('.') else {
        return false;
    };
    let is_it = step::find(verb).is_some_and(|step| step.def.quantity == Quantity::Code);
    is_it && is_task(table)
}

/// Whether a step, or a list of steps, stands at the path.
fn is_task(mut path: &str) -> bool {
    while let Some(outer) = path.strip_suffix("[]").or_else(|| path.strip_suffix(".do")) {
        if outer == "mix" || outer == "stages" || outer.is_empty() {
            return false;
        }
        path = outer;
    }
    match path {
        "task" | "mix.task" | "mix[].task" | "stages.task" | "stages[].task" => true,
        _ => path
            .strip_prefix("cases.")
            .is_some_and(|name| !name.contains('.')),
    }
}

/// The fixed words that an entry's value can be.
pub fn words(entry: &Entry) -> &'static [&'static str] {
    match entry {
        Entry::Key(_, key) => match key.quantity {
            Quantity::Word(words) => words,
            Quantity::Flag => &["true", "false"],
            _ => &[],
        },
        Entry::Step(def) => match def.quantity {
            Quantity::Word(words) => words,
            _ => &[],
        },
        _ => &[],
    }
}
