//! A cell's task: steps become operations.

use super::later;
use super::reader::{Item, Reader};
use crate::catalog::keys;
use crate::describe::{Quantity, nearest};
use crate::diagnostic::Span;
use crate::program::Op;
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
    let mut verbs: Vec<(&Key, &Item)> = Vec::new();
    let mut complained = false;
    for (key, value) in &entries {
        let name = key.get_ref().as_ref();
        if is_verb(name) {
            verbs.push((key, value));
        } else if !keys::MODIFIERS.iter().any(|modifier| modifier.name == name) {
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
            value.map_or_else(Vec::new, step.ops)
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
    match (times, label) {
        (None, None) if name != "do" => inner,
        (times, label) => {
            vec![Op::Group {
                ops: inner,
                times: times.unwrap_or(1),
                label: label.unwrap_or_default(),
            }]
        }
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
        .chain(["do", "times", "label"]);
    let help = match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`show = \"steps\"` lists what a task can do".to_owned(),
    };
    reader.problem(span, format!("there is no step `{name}`"), help);
}
