//! One word of the language and what there is to say about it: the same answer for `help`, completion, hover
//! text and the reference.
//!
//! To add a kind of word: a variant of [`Entry`], its arms here, and a line of [`entries`].

use super::claims;
use super::keys::{
    self, CODE_KEYS, COMMANDS, GROUP, KEYS, MIX_KEYS, MODEL_KEYS, MODIFIERS, VALUE_FORMS,
};
use crate::describe::{
    Better, FigureDef, MetricDef, ModelDef, Quantity, RuntimeDef, Setting, StepDef, TextForm,
};
use crate::measure::metrics::METRICS;
use crate::model::MODELS;
use crate::plot::FIGURES;
use crate::runtime::RUNTIMES;
use crate::step::STEPS;
use crate::units::{bytes_text, duration_text, format_count};

/// Where a key stands.
#[derive(Clone, Copy, Debug)]
pub enum Owner {
    /// At the top of a cell.
    Cell,
    /// Alone in its cell.
    Command,
    /// Beside the verb of any step.
    Modifier,
    /// Beside the verb of this step.
    Step(&'static StepDef),
    /// It is a step's verb itself.
    Verb,
    /// In a model's table.
    Model,
    /// In an entry of `mix`.
    Mix,
    /// In the place of a step's value.
    Form,
    /// In the table of a `python` step.
    Code,
}

/// A word of the language with its definition.
#[derive(Clone, Copy, Debug)]
pub enum Entry {
    /// A key.
    Key(Owner, &'static Setting),
    /// A step, by its verb.
    Step(&'static StepDef),
    /// A model.
    Model(&'static ModelDef),
    /// A runtime.
    Runtime(&'static RuntimeDef),
    /// A figure.
    Figure(&'static FigureDef),
    /// A metric.
    Metric(&'static MetricDef),
}

/// Every word that has help, in the order in which help lists them. A word may be there more than once.
pub fn entries() -> impl Iterator<Item = Entry> {
    let of = |owner: Owner| move |key: &'static Setting| Entry::Key(owner, key);
    let settings = STEPS.iter().flat_map(|step| {
        let owner = Owner::Step(&step.def);
        step.def
            .settings
            .iter()
            .map(move |key| Entry::Key(owner, key))
    });
    // The entries of `mix` have help where there is a `mix`.
    let mix = keys::find("mix").map_or(&[][..], |_| MIX_KEYS);
    KEYS.iter()
        .map(of(Owner::Cell))
        .chain(COMMANDS.iter().map(of(Owner::Command)))
        .chain(STEPS.iter().map(|step| Entry::Step(&step.def)))
        .chain([Entry::Key(Owner::Verb, &GROUP)])
        .chain(settings)
        .chain(MODIFIERS.iter().map(of(Owner::Modifier)))
        .chain(VALUE_FORMS.iter().map(of(Owner::Form)))
        .chain(CODE_KEYS.iter().map(of(Owner::Code)))
        .chain(MODELS.iter().map(|model| Entry::Model(model.def())))
        .chain(MODEL_KEYS.iter().map(of(Owner::Model)))
        .chain(RUNTIMES.iter().map(Entry::Runtime))
        .chain(mix.iter().map(of(Owner::Mix)))
        .chain(FIGURES.iter().map(|figure| Entry::Figure(&figure.def)))
        .chain(METRICS.iter().map(Entry::Metric))
}

impl Entry {
    /// The word.
    pub fn name(&self) -> &'static str {
        match self {
            Entry::Key(_, key) => key.name,
            Entry::Step(def) => def.verb,
            Entry::Model(def) => def.name,
            Entry::Runtime(def) => def.name,
            Entry::Figure(def) => def.name,
            Entry::Metric(def) => def.name,
        }
    }

    /// What kind of word it is, in one word.
    pub fn kind(&self) -> &'static str {
        match self {
            Entry::Key(Owner::Cell | Owner::Command | Owner::Mix, _) => "key",
            Entry::Key(Owner::Modifier, _) => "modifier",
            Entry::Key(Owner::Step(_) | Owner::Model | Owner::Code, _) => "setting",
            Entry::Key(Owner::Verb, _) | Entry::Step(_) => "step",
            Entry::Key(Owner::Form, _) => "form",
            Entry::Model(_) => "model",
            Entry::Runtime(_) => "runtime",
            Entry::Figure(_) => "figure",
            Entry::Metric(_) => "metric",
        }
    }

    /// One line about it.
    pub fn summary(&self) -> &'static str {
        match self {
            Entry::Key(_, key) => first_sentence(key.doc),
            Entry::Step(def) => def.summary,
            Entry::Model(def) => def.summary,
            Entry::Runtime(def) => def.summary,
            Entry::Figure(def) => def.summary,
            Entry::Metric(def) => def.title,
        }
    }

    /// All that is said about it, without its example.
    pub fn doc(&self) -> &'static str {
        match self {
            Entry::Key(_, key) => key.doc,
            Entry::Step(def) => def.doc,
            Entry::Model(def) => def.doc,
            Entry::Runtime(def) => def.doc,
            Entry::Figure(def) => def.doc,
            Entry::Metric(def) => def.doc,
        }
    }

    /// What its value may be, in words; empty where it takes none, or where only its text can tell.
    pub fn takes(&self) -> String {
        let (quantity, range) = match self {
            Entry::Key(_, key) => (key.quantity, key.range),
            Entry::Step(def) => (def.quantity, def.range),
            _ => return String::new(),
        };
        match quantity {
            Quantity::Structure => String::new(),
            other => values(other, range),
        }
    }

    /// Lines of a cell that use it; empty where there is nothing to write.
    pub fn example(&self) -> String {
        match self {
            Entry::Key(Owner::Cell | Owner::Command | Owner::Mix, key) => key.example.to_owned(),
            Entry::Key(Owner::Model, key) => match key.example.starts_with('{') {
                true => format!("models = [\"sequential\", {}]", key.example),
                false => key.example.to_owned(),
            },
            Entry::Key(_, key) => match key.example.starts_with(['{', '[']) {
                true => format!("task = {}", key.example),
                false => key.example.to_owned(),
            },
            Entry::Step(def) => format!("task = {}", def.example),
            Entry::Model(def) if def.name == "sequential" => "models = [\"sequential\"]".to_owned(),
            Entry::Model(def) => format!("models = [\"sequential\", \"{}\"]", def.name),
            Entry::Runtime(def) => format!("runtime = \"{}\"", def.name),
            Entry::Figure(def) => format!("plot = [\"{}\"]", def.name),
            Entry::Metric(def) => claims::lines(def),
        }
    }

    /// Everything about it, as Markdown.
    pub fn markdown(&self) -> String {
        let name = self.name();
        let what = match self {
            Entry::Key(Owner::Cell, _) => "a key of a cell.".to_owned(),
            Entry::Key(Owner::Command, _) => "a key that stands alone in its cell.".to_owned(),
            Entry::Key(Owner::Modifier, _) => "a modifier, beside the verb of any step.".to_owned(),
            Entry::Key(Owner::Step(def), _) => format!("a setting of the step `{}`.", def.verb),
            Entry::Key(Owner::Verb, _) => "a step that is made of steps.".to_owned(),
            Entry::Key(Owner::Model, _) => "a setting of a model, in its table.".to_owned(),
            Entry::Key(Owner::Mix, _) => "a key of one entry of `mix`.".to_owned(),
            Entry::Key(Owner::Form, _) => "a form that a step's value can have.".to_owned(),
            Entry::Key(Owner::Code, _) => "a key of the table of a `python` step.".to_owned(),
            Entry::Step(def) => format!("a step that {}.", def.summary),
            Entry::Model(def) => format!("a model: {}.", def.summary),
            Entry::Runtime(def) => format!("a runtime: {}.", def.summary),
            Entry::Figure(def) => format!("a figure: {}.", def.summary),
            Entry::Metric(def) => {
                let measured = match def.unit {
                    "ratio" | "share" | "count" => String::new(),
                    other => format!(", in {}", unit(other)),
                };
                format!("a metric: {}{measured}.", def.title)
            }
        };
        let mut text = format!("**{name}**: {what}\n\n{}", self.doc());
        let example = self.example();
        if !example.is_empty() {
            text.push_str(&format!("\n\n```toml\n{example}\n```"));
        }
        let last = self.small_print();
        if !last.is_empty() {
            text.push_str(&format!("\n\n{last}"));
        }
        text
    }

    /// Values, default, settings and the Python counterpart.
    fn small_print(&self) -> String {
        let mut parts = Vec::new();
        let takes = self.takes();
        if !takes.is_empty() {
            parts.push(format!("Takes {takes}."));
        }
        match self {
            Entry::Key(Owner::Form | Owner::Verb | Owner::Command, _) => {}
            Entry::Key(_, key) => parts.push(format!("Default: {}.", default_text(key))),
            Entry::Step(def) => {
                if !def.settings.is_empty() {
                    let names = def.settings.iter().map(|key| format!("`{}`", key.name));
                    let names: Vec<String> = names.collect();
                    parts.push(format!("Settings: {}.", names.join(", ")));
                }
                parts.push(format!("In Python: `{}`.", def.python));
            }
            Entry::Model(def) => {
                let names: Vec<String> = def
                    .all_settings()
                    .map(|key| format!("`{}`", key.name))
                    .collect();
                parts.push(format!("Its table takes {}.", names.join(", ")));
                parts.push(format!("In Python: `{}`.", def.python));
            }
            Entry::Metric(def) => {
                match def.better {
                    Better::Lower => parts.push("Less is better.".to_owned()),
                    Better::Higher => parts.push("More is better.".to_owned()),
                    Better::Neither => {}
                }
                let evidence = claims::evidence(def.evidence);
                parts.push(format!("A claim about it holds where {evidence}"));
            }
            Entry::Runtime(_) => {
                parts.push(format!(
                    "`\"threads@{}\"` in `models` is one model's own.",
                    self.name()
                ));
            }
            Entry::Figure(_) => {}
        }
        parts.join(" ")
    }
}

/// A key's default: code where it is a value, words where it is described.
pub fn default_text(key: &Setting) -> String {
    let is_value = key
        .default
        .starts_with(|c: char| c.is_ascii_digit() || "\"[{".contains(c))
        && !key.default.contains(" of ")
        || matches!(key.default, "true" | "false");
    match key.default {
        "" => "none".to_owned(),
        value if is_value => format!("`{value}`"),
        words => words.to_owned(),
    }
}

/// What a value may be, in words.
pub fn values(quantity: Quantity, (low, high): (u64, u64)) -> String {
    // What is measured on a larger scale has a larger example.
    let example = match quantity {
        Quantity::Duration if low < 1_000_000 => "50ms",
        Quantity::Duration => "10s",
        _ if low < 1 << 20 => "64KiB",
        _ => "2GiB",
    };
    match quantity {
        Quantity::Duration => format!(
            "a time from {} to {}, such as `\"{example}\"`",
            duration_text(low),
            duration_text(high)
        ),
        Quantity::Size => format!(
            "a size from {} to {}, such as `\"{example}\"`",
            bytes_text(low),
            large_size(high)
        ),
        Quantity::Count if high >= i64::MAX as u64 => {
            format!("a whole number from {} up", format_count(low))
        }
        Quantity::Count => format!(
            "a whole number from {} to {}",
            format_count(low),
            format_count(high)
        ),
        Quantity::Word(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
            match words.split_last() {
                Some((last, [])) => last.clone(),
                Some((last, others)) => format!("{} or {last}", others.join(", ")),
                None => "a word".to_owned(),
            }
        }
        Quantity::DurationOr(form) => format!(
            "{}, or {}",
            values(Quantity::Duration, (low, high)),
            match form {
                TextForm::Url => "a URL (`\"http://…\"`, `\"https://…\"`)",
                TextForm::Sql => "SQL",
            }
        ),
        Quantity::Command => "a list of texts: a program and its arguments".to_owned(),
        Quantity::Code => "text, or { file = \"work.py\", call = \"task\" }".to_owned(),
        Quantity::Flag => "`true` or `false`".to_owned(),
        Quantity::Text => "text".to_owned(),
        Quantity::Structure => "what its help describes".to_owned(),
    }
}

/// A limit that nobody writes in a cell, in words.
fn large_size(bytes: u64) -> String {
    match bytes {
        bytes if bytes >= 1 << 40 => format!("{} TiB", bytes >> 40),
        bytes => bytes_text(bytes),
    }
}

/// The unit of a metric, in words.
pub fn unit(unit: &str) -> &str {
    match unit {
        "ns" => "nanoseconds",
        "1/s" => "a number a second",
        "ratio" | "share" => "a plain number",
        other => other,
    }
}

/// Up to the first full stop that ends a sentence, or the colon of a long one, without it.
fn first_sentence(doc: &'static str) -> &'static str {
    let end = doc.find(". ").unwrap_or(doc.len());
    doc[..end].trim_end_matches('.')
}
