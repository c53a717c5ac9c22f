//! A cell's task: steps become operations.

use super::later;
use super::reader::{Item, Reader};
use crate::catalog::keys;
use crate::describe::{Quantity, nearest};
use crate::diagnostic::Span;
use crate::program::{Op, Sync};
use crate::step::{self, STEPS};
use std::borrow::Cow;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Most that steps may stand inside each other by `do`.
const DEEPEST: usize = 16;

/// A key with its place.
type Key<'a> = Spanned<Cow<'a, str>>;

/// Operations of a step or a list of steps.
pub fn ops(reader: &mut Reader, item: &Item, depth: usize) -> Vec<Op> {
    match item.get_ref() {
        DeValue::Array(steps) if steps.is_empty() => {
            reader.problem(
                item.span(),
                "a task needs at least one step",
                "write [{ cpu = \"50ms\" }], for example",
            );
            Vec::new()
        }
        DeValue::Array(steps) => steps
            .iter()
            .flat_map(|item| step(reader, item, depth))
            .collect(),
        _ => step(reader, item, depth),
    }
}

fn step(reader: &mut Reader, item: &Item, depth: usize) -> Vec<Op> {
    match item.get_ref() {
        DeValue::Table(table) => step_table(reader, item, table, depth),
        DeValue::String(text) => {
            let verb = text.split([' ', '=', ':']).next().unwrap_or("");
            let example = match step::find(verb) {
                Some(step) => step.def.example,
                None => "{ cpu = \"50ms\" }",
            };
            reader.problem(
                item.span(),
                "a step is a table, and this is text",
                format!("write {example}"),
            );
            Vec::new()
        }
        _ => {
            reader.problem(
                item.span(),
                "a step is a table with a verb",
                "write { cpu = \"50ms\" }, for example",
            );
            Vec::new()
        }
    }
}

fn step_table(reader: &mut Reader, item: &Item, table: &DeTable, depth: usize) -> Vec<Op> {
    let mut entries: Vec<(&Key, &Item)> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let is_verb = |name: &str| name == "do" || step::find(name).is_some();
    // What a step's own keys are depends on its verb, wherever in the table that stands.
    let own: Vec<&str> = entries
        .iter()
        .filter_map(|(key, _)| step::find(key.get_ref()))
        .flat_map(|step| step.def.settings)
        .map(|setting| setting.name)
        .collect();
    let mut verbs: Vec<(&Key, &Item)> = Vec::new();
    let mut complained = false;
    for (key, value) in &entries {
        let name = key.get_ref().as_ref();
        if is_verb(name) {
            verbs.push((key, value));
        } else if !own.contains(&name)
            && !keys::MODIFIERS.iter().any(|modifier| modifier.name == name)
        {
            unknown_key(reader, item, key);
            complained = true;
        }
    }
    let times = entries.iter().find(|(key, _)| key.get_ref() == "times");
    let times = times.and_then(|(_, value)| {
        reader.number("times", Quantity::Count, keys::MODIFIERS[0].range, value)
    });
    let label = entries.iter().find(|(key, _)| key.get_ref() == "label");
    let label = label.and_then(|(_, value)| reader.string("label", value));
    let lock = entries.iter().find(|(key, _)| key.get_ref() == "lock");
    let lock_span = lock.map(|(_, value)| value.span());
    let lock = lock.and_then(|(_, value)| reader.string("lock", value));
    let (verb, value) = match verbs.as_slice() {
        [one] => *one,
        [] if complained => return Vec::new(),
        [] => {
            let verbs: Vec<&str> = STEPS.iter().map(|step| step.def.verb).collect();
            reader.problem(
                item.span(),
                "a step needs a verb",
                format!("the verbs are {}", verbs.join(", ")),
            );
            return Vec::new();
        }
        several => {
            two_verbs(reader, item, several);
            return Vec::new();
        }
    };
    let name = verb.get_ref().as_ref();
    let inner = match step::find(name) {
        Some(step) => {
            let value = reader.value(name, step.def.quantity, step.def.range, value);
            let mut ops = value.map_or_else(Vec::new, step.ops);
            set_sync(reader, step, &entries, &mut ops);
            ops
        }
        // Only `do` is a verb without a definition.
        None if depth >= DEEPEST => {
            reader.problem(
                verb.span(),
                "steps stand too deep inside each other",
                format!("use at most {DEEPEST} levels of `do`"),
            );
            Vec::new()
        }
        None => ops(reader, value, depth + 1),
    };
    if let (Some(lock), Some(span)) = (&lock, lock_span) {
        held_twice(reader, lock, &inner, span);
    }
    let permit = reader.limited.iter().find(|verb| *verb == name).cloned();
    match (times, label, lock, permit) {
        (None, None, None, None) if name != "do" => inner,
        (times, label, lock, permit) => {
            vec![Op::Group {
                ops: inner,
                times: times.unwrap_or(1),
                lock,
                permit,
                label: label.unwrap_or_default(),
            }]
        }
    }
}

/// Reads how increments are kept apart, where the step has that setting.
fn set_sync(reader: &mut Reader, step: &step::Step, entries: &[(&Key, &Item)], ops: &mut [Op]) {
    let settings = step.def.settings.iter();
    for setting in settings.filter(|setting| setting.name == "sync") {
        let Quantity::Word(words) = setting.quantity else {
            continue;
        };
        let written = entries.iter().find(|(key, _)| key.get_ref() == "sync");
        let word = written.and_then(|(_, value)| reader.word("sync", words, value));
        if let (Some(word), [Op::Add { sync, .. }]) = (word.and_then(Sync::named), ops) {
            *sync = word;
        }
        return;
    }
}

/// A lock around a step that takes it itself: the task would wait for itself for ever.
fn held_twice(reader: &mut Reader, lock: &str, inner: &[Op], span: Span) {
    let mut twice = false;
    for op in inner {
        op.walk(1, &mut |op, _| {
            twice |= matches!(op, Op::Group { lock: Some(name), .. } if name == lock);
        });
    }
    if twice {
        reader.problem(
            span,
            format!("the lock `{lock}` is held here already when a step inside takes it again"),
            "no task could go on: leave one of the two out, or give them different names",
        );
    }
}

/// A table with several verbs: which comes first?
fn two_verbs(reader: &mut Reader, item: &Item, verbs: &[(&Key, &Item)]) {
    let names: Vec<String> = verbs
        .iter()
        .map(|(key, _)| format!("`{}`", key.get_ref()))
        .collect();
    let steps: Vec<String> = verbs
        .iter()
        .map(|(key, value)| format!("{{ {} = {} }}", key.get_ref(), reader.source(value)))
        .collect();
    let second = verbs[1].0.span();
    let span = if is_inline(reader, item) {
        item.span()
    } else {
        second
    };
    reader.problem(
        span,
        format!(
            "one step does one thing, and this one has the verbs {}",
            names.join(" and ")
        ),
        format!(
            "write a list of steps, in their order: [{}]",
            steps.join(", ")
        ),
    );
}

fn is_inline(reader: &Reader, item: &Item) -> bool {
    reader.source(item).starts_with('{')
}

/// A key that is neither verb nor modifier.
fn unknown_key(reader: &mut Reader, item: &Item, key: &Key) {
    let name = key.get_ref().as_ref();
    let span: Span = key.span();
    if later::VERBS.contains(&name) || later::MODIFIERS.contains(&name) {
        let verbs: Vec<&str> = STEPS.iter().map(|step| step.def.verb).collect();
        reader.problem(
            span,
            format!("`{name}` is not in this version of conclab yet"),
            format!("the verbs that it has are {}", verbs.join(", ")),
        );
        return;
    }
    if keys::find(name).is_some() {
        let header = reader.source(item);
        let header = header
            .find(']')
            .map_or("the [header]", |end| &header[..=end]);
        let (message, place) = match is_inline(reader, item) {
            true => (
                format!("`{name}` stands inside the step"),
                "outside the braces".to_owned(),
            ),
            // TOML's one trap: everything below a header belongs to it.
            false => (
                format!("`{name}` stands below {header}, so it belongs to that table"),
                format!("above {header}"),
            ),
        };
        reader.problem(
            span,
            message,
            format!("`{name}` belongs at the top of the cell, {place}"),
        );
        return;
    }
    let known = STEPS
        .iter()
        .map(|step| step.def.verb)
        .chain(["do"])
        .chain(keys::MODIFIERS.iter().map(|modifier| modifier.name));
    let help = match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`show = \"steps\"` lists what a task can do".to_owned(),
    };
    reader.problem(span, format!("there is no step `{name}`"), help);
}
