//! A cell's models: words or tables become series.

use super::later;
use super::reader::{Item, Reader};
use crate::catalog;
use crate::describe::{ModelDef, Quantity, Setting, nearest};
use crate::diagnostic::Span;
use crate::experiment::Series;
use crate::model::settings::{LABEL, LIMITS, START};
use crate::model::{self, MODELS, Pool, Start};
use crate::runtime::{RUNTIME_NAMES, Runtime};
use crate::step::{self, STEPS};
use crate::units::format_count;
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

/// The series of `models`: each on the runtime that it names, else on each of `runtimes`; those of one
/// runtime stand together.
pub fn series(reader: &mut Reader, item: &Item, runtimes: &[Runtime]) -> Vec<Series> {
    let items = one_or_many(item);
    if items.is_empty() {
        reader.problem(
            item.span(),
            "an experiment needs at least one model",
            "write models = [\"sequential\", \"threads\"], for example",
        );
    }
    let mut rows: Vec<Row> = Vec::new();
    for item in items {
        if reader.is_full() {
            break;
        }
        rows.extend(one(reader, item, runtimes));
        if rows.len() > MOST_ROWS {
            reader.problem(
                item.span(),
                format!("these are more than {MOST_ROWS} models"),
                "use a few at a time: each is a row of the answer",
            );
            break;
        }
    }
    group_by_runtime(&mut rows);
    label(&mut rows);
    let mut series: Vec<Series> = Vec::new();
    for row in rows {
        let one = row.series;
        if series.iter().any(|other| other.label == one.label) {
            reader.problem(
                row.span,
                format!("two rows would be called `{}`", one.label),
                format!(
                    "leave one out, or give it a setting or a name of its own: {{ model = \"{}\", label = \"{} again\" }}",
                    one.model, one.label
                ),
            );
            continue;
        }
        series.push(one);
    }
    series
}

/// The series of models that have no settings, on each of `runtimes`.
pub fn plain_series(models: &[&str], runtimes: &[Runtime]) -> Vec<Series> {
    let on = |runtime| {
        models
            .iter()
            .map(move |model| Series::plain(model, runtime))
    };
    let mut series: Vec<Series> = runtimes.iter().flat_map(on).collect();
    if runtimes.len() > 1 {
        for one in &mut series {
            one.label = format!("{}@{}", one.label, one.runtime.name());
        }
    }
    series
}

/// Puts the rows of a runtime together, in the order in which runtimes come up, and says in their labels
/// which it is, where there are several.
fn group_by_runtime(rows: &mut [Row]) {
    let mut order: Vec<Runtime> = Vec::new();
    for row in rows.iter() {
        if !order.contains(&row.series.runtime) {
            order.push(row.series.runtime.clone());
        }
    }
    if order.len() < 2 {
        return;
    }
    rows.sort_by_key(|row| order.iter().position(|known| *known == row.series.runtime));
    let labels: Vec<String> = rows.iter().map(|row| row.series.label.clone()).collect();
    for (row, label) in rows.iter_mut().zip(&labels) {
        let alone = labels.iter().filter(|other| *other == label).count() == 1;
        // A name of the reader's own needs no more words, unless several rows got it.
        if !(alone && row.given.contains_key(LABEL.name)) {
            row.series.label = format!("{label}@{}", row.series.runtime.name());
        }
    }
}

/// The entries of a list; a single one needs no brackets.
pub fn one_or_many<'i>(item: &'i Item<'i>) -> Vec<&'i Item<'i>> {
    match item.get_ref() {
        DeValue::Array(list) => list.iter().collect(),
        _ => vec![item],
    }
}

/// Most models of a cell.
const MOST_ROWS: usize = 100;

/// What a row's own settings say, by the name of the setting, in words for its label.
type Given = BTreeMap<&'static str, String>;

/// A row of the answer that may have to be told from others.
struct Row {
    series: Series,
    given: Given,
    span: Span,
}

/// Adds to the labels of rows that would be called alike what their settings differ in. A row with a label
/// of its own keeps it.
fn label(rows: &mut [Row]) {
    let labels: Vec<String> = rows.iter().map(|row| row.series.label.clone()).collect();
    let named = |row: &Row| row.given.contains_key(LABEL.name);
    for index in 0..rows.len() {
        let alike = |other: &usize| labels[*other] == labels[index] && !named(&rows[*other]);
        let alike: Vec<usize> = (0..rows.len()).filter(alike).collect();
        if named(&rows[index]) || alike.len() < 2 {
            continue;
        }
        let own = &rows[index].given;
        let differs = |name: &str| {
            alike
                .iter()
                .any(|other| rows[*other].given.get(name) != own.get(name))
        };
        let words = own.iter().filter(|(name, _)| differs(name));
        let words: Vec<&str> = words.map(|(_, words)| words.as_str()).collect();
        if !words.is_empty() {
            rows[index].series.label = format!("{} ({})", labels[index], words.join(", "));
        }
    }
}

/// The rows of one entry of `models`: one, or one for each runtime.
fn one(reader: &mut Reader, item: &Item, runtimes: &[Runtime]) -> Vec<Row> {
    let (named_item, table) = match item.get_ref() {
        DeValue::String(_) => (item, None),
        DeValue::Table(table) => match table.get("model") {
            Some(named_item) => (named_item, Some(table)),
            None => {
                reader.problem(
                    item.span(),
                    "this table doesn't say which model",
                    "add model = \"thread-pool\", for example",
                );
                return Vec::new();
            }
        },
        _ => {
            reader.problem(
                item.span(),
                "a model is a word or a table",
                "write \"threads\", for example",
            );
            return Vec::new();
        }
    };
    let Some(word) = reader.string("model", named_item) else {
        return Vec::new();
    };
    let Some((def, own)) = named(reader, named_item, &word) else {
        return Vec::new();
    };
    let runtimes = own.as_ref().map_or(runtimes, std::slice::from_ref);
    let mut plain = Series::plain(def.name, &Runtime::Native);
    let given = match table {
        Some(table) => settings(reader, def, table, &mut plain, runtimes),
        None => Given::new(),
    };
    let row = |runtime: &Runtime| Row {
        series: Series {
            runtime: runtime.clone(),
            ..plain.clone()
        },
        given: given.clone(),
        span: item.span(),
    };
    runtimes.iter().map(row).collect()
}

/// Reads the settings of a model's table into its series; what they are in words.
fn settings(
    reader: &mut Reader,
    def: &ModelDef,
    table: &DeTable,
    series: &mut Series,
    runtimes: &[Runtime],
) -> Given {
    let mut given = Given::new();
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, item) in entries {
        if reader.is_full() {
            break;
        }
        let name = key.get_ref().as_ref();
        match def.all_settings().find(|setting| setting.name == name) {
            Some(setting) if name == START.name && !runtimes.iter().any(Runtime::is_python) => {
                reader.problem(
                    key.span(),
                    "`start` is how Python starts its processes, and this row runs no Python",
                    format!("write model = \"{}@python\", or leave it out", def.name),
                );
                given.insert(setting.name, String::new());
            }
            Some(setting) => {
                set(reader, series, setting, item);
                given.insert(setting.name, in_words(series, setting));
            }
            None if name == "model" => {}
            None => not_a_setting(reader, def, name, key.span()),
        }
    }
    given
}

/// What a setting of a series is, for its label.
fn in_words(series: &Series, setting: &Setting) -> String {
    let count = |count: u64, noun: &str| match count {
        1 => format!("1 {noun}"),
        count => format!("{} {noun}s", format_count(count)),
    };
    match setting.name {
        "workers" => count(series.workers.unwrap_or(0).into(), "worker"),
        "chunk" => format!("chunks of {}", format_count(series.chunk.unwrap_or(0))),
        "pool" if series.pool == Pool::Processes => "pool of processes".to_owned(),
        "pool" => "pool of threads".to_owned(),
        "start" => {
            let is_it = |(_, start): &&(&str, Start)| series.start == Some(*start);
            let known = Start::ALL.iter().find(is_it);
            known.map_or("", |(word, _)| word).to_owned()
        }
        "limits" => {
            let limits = series.limits.iter();
            let limits = limits.map(|(verb, limit)| format!("{verb} at most {limit}"));
            limits.collect::<Vec<_>>().join(", ")
        }
        _ => series.label.clone(),
    }
}

/// Reads one setting of a model.
fn set(reader: &mut Reader, series: &mut Series, setting: &Setting, item: &Item) {
    let name = setting.name;
    match setting.quantity {
        Quantity::Count => {
            let Some(count) = reader.number(name, setting.quantity, setting.range, item) else {
                return;
            };
            match name {
                "workers" => series.workers = u32::try_from(count).ok(),
                _ => series.chunk = Some(count),
            }
        }
        Quantity::Word(words) if name == START.name => {
            let word = reader.word(name, words, item);
            let known = Start::ALL.iter().find(|(known, _)| Some(*known) == word);
            series.start = known.map(|(_, start)| *start);
        }
        Quantity::Word(words) => match reader.word(name, words, item) {
            Some("processes") => series.pool = Pool::Processes,
            _ => series.pool = Pool::Threads,
        },
        Quantity::Text => {
            if let Some(label) = reader.string(name, item) {
                series.label = label;
            }
        }
        _ => series.limits = limits(reader, item, false),
    }
}

/// A key that this model's table doesn't take.
fn not_a_setting(reader: &mut Reader, def: &ModelDef, name: &str, span: Span) {
    let taken: Vec<String> = def
        .all_settings()
        .map(|setting| format!("`{}`", setting.name))
        .collect();
    let taken = format!("the table of `{}` takes {}", def.name, taken.join(", "));
    if later::MODEL_KEYS.contains(&name) {
        reader.problem(
            span,
            format!("`{name}` of a model is not in this version of conclab yet"),
            taken,
        );
        return;
    }
    let takers: Vec<String> = MODELS
        .iter()
        .map(|model| model.def())
        .filter(|def| def.takes(name))
        .map(|def| format!("`{}`", def.name))
        .collect();
    match takers.as_slice() {
        [] => {
            let known = def.all_settings().map(|setting| setting.name);
            let help = match nearest(name, known.chain(["model"])) {
                Some(near) => format!("did you mean `{near}`?"),
                None => taken,
            };
            reader.problem(span, format!("a model has no key `{name}`"), help);
        }
        [one] => reader.problem(
            span,
            format!("`{}` has no `{name}` to set", def.name),
            format!("only {one} takes it; {taken}"),
        ),
        [first @ .., last] => reader.problem(
            span,
            format!("`{}` has no `{name}` to set", def.name),
            format!("{} and {last} take it; {taken}", first.join(", ")),
        ),
    }
}

/// The limits of a table such as `{ query = 5 }`: at most so many of each step at once. Where `sweeps`,
/// a list compares several.
pub fn limits(reader: &mut Reader, item: &Item, sweeps: bool) -> BTreeMap<String, u64> {
    let DeValue::Table(table) = item.get_ref() else {
        reader.problem(
            item.span(),
            "`limits` says of which step at most how many run at once",
            format!("write {}", LIMITS.example),
        );
        return BTreeMap::new();
    };
    let mut limits = BTreeMap::new();
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, item) in entries {
        if reader.is_full() {
            break;
        }
        let verb = key.get_ref().as_ref();
        if step::find(verb).is_none() {
            let help = match nearest(verb, STEPS.iter().map(|step| step.def.verb)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "a limit has the verb of the step that it is for".to_owned(),
            };
            reader.problem(key.span(), format!("there is no step `{verb}`"), help);
            continue;
        }
        let limit = match sweeps {
            true => reader.number_or_sweep(&format!("limits.{verb}"), LIMITS.range, item),
            false => reader.number(verb, Quantity::Count, LIMITS.range, item),
        };
        if let Some(limit) = limit {
            limits.insert(verb.to_owned(), limit);
        }
    }
    limits
}

/// Verbs that some model of `models` limits: their steps must ask for a permit.
pub fn limited(models: &Item) -> Vec<String> {
    let tables = one_or_many(models)
        .into_iter()
        .filter_map(|item| item.get_ref().as_table());
    tables
        .filter_map(|table| table.get("limits"))
        .flat_map(limited_verbs)
        .collect()
}

/// Verbs of a table such as `{ query = 5 }`.
pub fn limited_verbs(limits: &Item) -> Vec<String> {
    let table = limits.get_ref().as_table();
    table.map_or_else(Vec::new, |table| {
        table
            .iter()
            .map(|(verb, _)| verb.get_ref().to_string())
            .collect()
    })
}

/// A model by `"model"` or `"model@runtime"`, and the runtime that it names.
fn named(
    reader: &mut Reader,
    item: &Item,
    word: &str,
) -> Option<(&'static ModelDef, Option<Runtime>)> {
    let (name, at) = word
        .split_once('@')
        .map_or((word, None), |(model, at)| (model, Some(at)));
    let runtime = match at {
        None => Some(None),
        Some(at) => runtime_named(reader, item, at).map(Some),
    };
    if let Some(model) = model::find(name) {
        return Some((model.def(), runtime?));
    }
    let names: Vec<&str> = MODELS.iter().map(|model| model.def().name).collect();
    let called = catalog::also_called(name).filter(|called| model::find(called).is_some());
    let help = match called.or_else(|| nearest(name, names.iter().copied())) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("the models are {}", names.join(", ")),
    };
    reader.problem(item.span(), format!("there is no model `{name}`"), help);
    None
}

/// A runtime by its name.
fn runtime_named(reader: &mut Reader, item: &Item, name: &str) -> Option<Runtime> {
    let runtime = Runtime::named(name);
    if runtime.is_none() {
        let help = match catalog::also_called(name).or_else(|| nearest(name, RUNTIME_NAMES.iter().copied())) {
            // Who has begun with `python` knows that word.
            Some(near) if RUNTIME_NAMES.contains(&near) && !name.starts_with("python") => format!("did you mean \"{near}\"?"),
            _ => "the runtimes are \"native\", \"gil\" and \"python\"; \"python3.13\", \"python3.14t\" or a \
                  path for a certain Python"
                .to_owned(),
        };
        reader.problem(item.span(), format!("there is no runtime `{name}`"), help);
    }
    runtime
}

/// The runtimes of `runtime = …`: one, or a list of different ones.
pub fn runtimes(reader: &mut Reader, item: &Item) -> Vec<Runtime> {
    let items = one_or_many(item);
    if items.is_empty() {
        reader.problem(
            item.span(),
            "an experiment needs at least one runtime",
            "write runtime = \"native\", or leave it out",
        );
    }
    let mut runtimes: Vec<Runtime> = Vec::new();
    for item in items {
        if reader.is_full() {
            break;
        }
        let Some(name) = reader.string("runtime", item) else {
            continue;
        };
        let Some(runtime) = runtime_named(reader, item, &name) else {
            continue;
        };
        match runtimes.contains(&runtime) {
            true => reader.problem(
                item.span(),
                format!("the runtime `{name}` is there twice"),
                "leave one out",
            ),
            false => runtimes.push(runtime),
        }
    }
    runtimes
}
