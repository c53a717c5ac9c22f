//! A cell's task: steps become operations.

use super::later;
use super::reader::{Item, Reader};
use crate::catalog::keys;
use crate::describe::{Quantity, Setting, nearest};
use crate::diagnostic::Span;
use crate::program::Op;
use crate::step::{self, Argument, Arguments, STEPS, Step};
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
        DeValue::Array(steps) => {
            let mut ops = Vec::new();
            for item in steps.iter() {
                if reader.is_full() {
                    break;
                }
                ops.extend(step(reader, item, depth));
            }
            ops
        }
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
    let verbs: Vec<(&Key, &Item)> = entries
        .iter()
        .copied()
        .filter(|(key, _)| is_verb(key.get_ref()))
        .collect();
    let settings: &[Setting] = match verbs.as_slice() {
        [(verb, _)] => step::find(verb.get_ref()).map_or(&[], |step| step.def.settings),
        _ => &[],
    };
    let mut complained = false;
    for (key, _) in &entries {
        if reader.is_full() {
            return Vec::new();
        }
        let name = key.get_ref().as_ref();
        let has_name = |setting: &Setting| setting.name == name;
        let known = is_verb(name)
            || keys::MODIFIERS.iter().any(has_name)
            || settings.iter().any(has_name)
            // With two verbs it might belong to either.
            || (verbs.len() > 1 && owner(name).is_some());
        if !known {
            unknown_key(
                reader,
                item,
                key,
                verbs.first().map(|(verb, _)| verb.get_ref().as_ref()),
            );
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
    let inner = match step::find(verb.get_ref()) {
        Some(step) => verb_ops(reader, step, &entries).unwrap_or_default(),
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
    let name = verb.get_ref().as_ref();
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

/// The operations of a step, from its verb's value and its settings.
fn verb_ops(reader: &mut Reader, step: &Step, entries: &[(&Key, &Item)]) -> Option<Vec<Op>> {
    let def = &step.def;
    let entry = |name: &str| entries.iter().find(|(key, _)| key.get_ref() == name);
    let (verb, value) = entry(def.verb)?;
    let value = reader.argument(def.verb, def.quantity, def.range, value);
    let mut settings = Vec::new();
    let mut missing = Vec::new();
    let mut all_read = true;
    // In the cell's order, as everything that can be swept.
    for (key, item) in entries {
        let Some(setting) = def
            .settings
            .iter()
            .find(|setting| setting.name == key.get_ref())
        else {
            continue;
        };
        match reader.argument(setting.name, setting.quantity, setting.range, item) {
            Some(argument) => settings.push((setting.name, argument)),
            None => all_read = false,
        }
    }
    for setting in def
        .settings
        .iter()
        .filter(|setting| entry(setting.name).is_none())
    {
        missing.extend(default_of(setting).map(|argument| (setting.name, argument)));
    }
    let given = settings.len();
    settings.extend(missing);
    if !all_read {
        return None;
    }
    let arguments = Arguments {
        value: value?,
        settings,
        given,
    };
    match (step.ops)(&arguments) {
        Ok(ops) => Some(ops),
        Err(misfit) => {
            let span = entry(misfit.key).map_or(verb.span(), |(_, item)| item.span());
            reader.problem(span, misfit.message, misfit.help);
            None
        }
    }
}

/// What a setting is where the cell doesn't say; `None` where it has no default.
fn default_of(setting: &Setting) -> Option<Argument> {
    if setting.default.is_empty() {
        return None;
    }
    let text = format!("{} = {}", setting.name, setting.default);
    let (table, _) = DeTable::parse_recoverable(&text);
    let item = table.get_ref().get(setting.name)?;
    Reader::new(&text, Vec::new()).argument(setting.name, setting.quantity, setting.range, item)
}

/// The step that has a setting of that name.
fn owner(setting: &str) -> Option<&'static Step> {
    let has_it = |step: &&Step| step.def.settings.iter().any(|row| row.name == setting);
    STEPS.iter().find(has_it)
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

/// A key that is neither verb nor modifier, nor a setting of the verb.
fn unknown_key(reader: &mut Reader, item: &Item, key: &Key, verb: Option<&str>) {
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
    if let Some(step) = owner(name) {
        let other = step.def.verb;
        let setting = step.def.settings.iter().find(|row| row.name == name);
        let example = setting.map_or(step.def.example, |setting| setting.example);
        match verb {
            Some(verb) => reader.problem(
                span,
                format!("`{name}` is a setting of `{other}`, and this step is `{verb}`"),
                format!("leave it out; it belongs to a step such as {example}"),
            ),
            None => reader.problem(
                span,
                format!("`{name}` is a setting of `{other}`, and this step has no verb"),
                format!("write {example}, for example"),
            ),
        }
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
    let settings: &[Setting] = verb
        .and_then(step::find)
        .map_or(&[], |step| step.def.settings);
    let settings = settings.iter().map(|setting| setting.name);
    let modifiers = keys::MODIFIERS.iter().map(|modifier| modifier.name);
    let verbs = STEPS.iter().map(|step| step.def.verb);
    // A setting of this very step is meant rather than another verb.
    let known = settings.clone().chain(modifiers).chain(verbs).chain(["do"]);
    let settings: Vec<String> = settings.map(|name| format!("`{name}`")).collect();
    let help = match (nearest(name, known), verb) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(verb)) if !settings.is_empty() => {
            format!("the settings of `{verb}` are {}", settings.join(", "))
        }
        (None, _) => "`show = \"steps\"` lists what a task can do".to_owned(),
    };
    let message = match verb {
        Some(verb) => format!("`{verb}` has no setting `{name}`, and no step is called that"),
        None => format!("there is no step `{name}`"),
    };
    reader.problem(span, message, help);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_of_settings_are_values_of_theirs() {
        for step in STEPS {
            for setting in step.def.settings {
                let default = default_of(setting);
                assert_eq!(
                    default.is_none(),
                    setting.default.is_empty(),
                    "{} of {}",
                    setting.name,
                    step.def.verb
                );
            }
        }
    }
}
