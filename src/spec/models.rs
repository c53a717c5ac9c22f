//! A cell's models: words or tables become series.

use super::later;
use super::reader::{Item, Reader};
use crate::catalog;
use crate::catalog::keys::{MODEL_KEYS, MOST_WORKERS};
use crate::describe::{Quantity, nearest};
use crate::experiment::Series;
use crate::model::{self, MODELS};
use crate::runtime::Runtime;
use toml::de::{DeTable, DeValue};

/// The series of `models`, each on its own runtime or on `runtime`.
pub fn series(reader: &mut Reader, item: &Item, runtime: &Runtime) -> Vec<Series> {
    let items: Vec<&Item> = match item.get_ref() {
        DeValue::Array(list) if list.is_empty() => {
            reader.problem(
                item.span(),
                "an experiment needs at least one model",
                "write models = [\"sequential\", \"threads\"], for example",
            );
            return Vec::new();
        }
        DeValue::Array(list) => list.iter().collect(),
        // A single model needs no brackets.
        _ => vec![item],
    };
    let mut series: Vec<Series> = Vec::new();
    for item in items {
        let Some(one) = one(reader, item, runtime) else {
            continue;
        };
        if series.iter().any(|other| other.label == one.label) {
            reader.problem(
                item.span(),
                format!("two rows would be called `{}`", one.label),
                format!(
                    "leave one out, or give it a name of its own: {{ model = \"{}\", label = \"{} again\" }}",
                    one.model, one.label
                ),
            );
            continue;
        }
        series.push(one);
    }
    series
}

fn one(reader: &mut Reader, item: &Item, runtime: &Runtime) -> Option<Series> {
    match item.get_ref() {
        DeValue::String(word) => {
            let (model, runtime) = named(reader, item, word, runtime)?;
            Some(Series {
                label: word.to_string(),
                model,
                runtime,
                workers: None,
            })
        }
        DeValue::Table(table) => from_table(reader, item, table, runtime),
        _ => {
            reader.problem(
                item.span(),
                "a model is a word or a table",
                "write \"threads\", for example",
            );
            None
        }
    }
}

fn from_table(
    reader: &mut Reader,
    item: &Item,
    table: &DeTable,
    runtime: &Runtime,
) -> Option<Series> {
    for (key, _) in table.iter() {
        let name = key.get_ref().as_ref();
        if later::MODEL_KEYS.contains(&name) {
            reader.problem(
                key.span(),
                format!("`{name}` of a model is not in this version of conclab yet"),
                "a model's table takes `model`, `workers` and `label`",
            );
        } else if !MODEL_KEYS.iter().any(|known| known.name == name) {
            let help = match nearest(name, MODEL_KEYS.iter().map(|known| known.name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "a model's table takes `model`, `workers` and `label`".to_owned(),
            };
            reader.problem(key.span(), format!("a model has no key `{name}`"), help);
        }
    }
    let Some(named_item) = table.get("model") else {
        reader.problem(
            item.span(),
            "this table doesn't say which model",
            "add model = \"thread-pool\", for example",
        );
        return None;
    };
    let word = reader.string("model", named_item)?;
    let (model, runtime) = named(reader, named_item, &word, runtime)?;
    let workers = table.get("workers").and_then(|item| {
        let takes = model::find(&model).is_some_and(|model| model.def().takes_workers);
        if !takes {
            reader.problem(
                item.span(),
                format!("`{model}` has no workers to set"),
                "only `thread-pool` and `process-pool` have a fixed number of workers",
            );
        }
        reader
            .number("workers", Quantity::Count, (1, MOST_WORKERS), item)
            .map(|workers| workers as u32)
    });
    let label = table
        .get("label")
        .and_then(|item| reader.string("label", item))
        .unwrap_or(word);
    Some(Series {
        label,
        model,
        runtime,
        workers,
    })
}

/// A model and its runtime by `"model"` or `"model@runtime"`.
fn named(
    reader: &mut Reader,
    item: &Item,
    word: &str,
    runtime: &Runtime,
) -> Option<(String, Runtime)> {
    let (model, at) = word
        .split_once('@')
        .map_or((word, None), |(model, at)| (model, Some(at)));
    let runtime = match at {
        None => Some(runtime.clone()),
        Some(at) => runtime_named(reader, item, at),
    };
    if model::find(model).is_some() {
        return Some((model.to_owned(), runtime?));
    }
    let names: Vec<&str> = MODELS.iter().map(|model| model.def().name).collect();
    let list = names.join(", ");
    if later::MODELS.contains(&model) {
        reader.problem(
            item.span(),
            format!("the model `{model}` is not in this version of conclab yet"),
            format!("the models that it has are {list}"),
        );
        return None;
    }
    let called = catalog::also_called(model).filter(|called| model::find(called).is_some());
    let help = match called.or_else(|| nearest(model, names.iter().copied())) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("the models are {list}"),
    };
    reader.problem(item.span(), format!("there is no model `{model}`"), help);
    None
}

/// A runtime by its name.
pub fn runtime_named(reader: &mut Reader, item: &Item, name: &str) -> Option<Runtime> {
    if name == Runtime::Native.name() {
        return Some(Runtime::Native);
    }
    match later::is_runtime(name) {
        true => reader.problem(
            item.span(),
            format!("the runtime `{name}` is not in this version of conclab yet"),
            "it has the runtime \"native\", which is also the default",
        ),
        false => reader.problem(
            item.span(),
            format!("there is no runtime `{name}`"),
            "the runtime is \"native\", which is also the default",
        ),
    }
    None
}
