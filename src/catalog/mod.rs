//! The registries together: what `help` and `show` answer, from the rows that everything else reads too.
//!
//! Nothing is described here: a step's text stands with the step, a model's with the model.

pub mod keys;

use crate::describe::{FigureDef, MetricDef, ModelDef, Quantity, Setting, StepDef, nearest};
use crate::measure::metrics::METRICS;
use crate::model::MODELS;
use crate::plot::FIGURES;
use crate::step::STEPS;
use crate::units::{bytes_text, duration_text, format_count};
use keys::{KEYS, MODIFIERS};

/// Help on a word, as Markdown; the overview for the empty one.
///
/// # Errors
/// A sentence with the nearest word, where nothing has that name.
pub fn help_markdown(word: &str) -> Result<String, String> {
    let word = word.trim();
    if word.is_empty() || word == "help" {
        return Ok(overview());
    }
    let mut found = Vec::new();
    found.extend(KEYS.iter().filter(|key| key.name == word).map(key_help));
    found.extend(
        MODIFIERS
            .iter()
            .filter(|key| key.name == word)
            .map(key_help),
    );
    found.extend(
        STEPS
            .iter()
            .map(|step| &step.def)
            .filter(|def| def.verb == word)
            .map(step_help),
    );
    found.extend(
        MODELS
            .iter()
            .map(|model| model.def())
            .filter(|def| def.name == word)
            .map(model_help),
    );
    found.extend(
        FIGURES
            .iter()
            .map(|figure| &figure.def)
            .filter(|def| def.name == word)
            .map(figure_help),
    );
    found.extend(
        METRICS
            .iter()
            .filter(|metric| metric.name == word)
            .map(metric_help),
    );
    if !found.is_empty() {
        return Ok(found.join("\n\n"));
    }
    match word {
        "models" => Ok(models_markdown()),
        "steps" => Ok(steps_markdown()),
        "figures" => Ok(figures_markdown()),
        _ => Err(match nearest(word, words()) {
            Some(near) => {
                format!("there is no help on \"{word}\": did you mean `help = \"{near}\"`?")
            }
            None => format!("there is no help on \"{word}\": `help = \"\"` gives the overview"),
        }),
    }
}

/// Every word that has help.
pub fn words() -> impl Iterator<Item = &'static str> {
    let keys = KEYS.iter().chain(MODIFIERS).map(|key| key.name);
    let steps = STEPS.iter().map(|step| step.def.verb);
    let models = MODELS.iter().map(|model| model.def().name);
    let figures = FIGURES.iter().map(|figure| figure.def.name);
    let metrics = METRICS.iter().map(|metric| metric.name);
    keys.chain(steps)
        .chain(models)
        .chain(figures)
        .chain(metrics)
        .chain(["steps", "figures"])
}

fn overview() -> String {
    let keys: Vec<String> = KEYS.iter().map(|key| format!("`{}`", key.name)).collect();
    let steps: Vec<String> = STEPS
        .iter()
        .map(|step| format!("`{}`", step.def.verb))
        .collect();
    let models: Vec<String> = MODELS
        .iter()
        .map(|model| format!("`{}`", model.def().name))
        .collect();
    let figures: Vec<String> = FIGURES
        .iter()
        .map(|figure| format!("`{}`", figure.def.name))
        .collect();
    format!(
        "A cell says what a task does and which concurrency models to race:\n\n```toml\ntask   = {{ cpu = \
         \"50ms\" }}\ntasks  = 8\nmodels = [\"sequential\", \"threads\", \"processes\", \"async\"]\n```\n\n\
         - **keys**: {}\n- **steps** of a task: {}\n- **models**: {}\n- **figures**: {}\n\n\
         `help = \"WORD\"` explains any of these words. `show = \"steps\"`, `\"models\"`, `\"figures\"`, \
         `\"machine\"`, `\"results\"` and `\"version\"` show what there is. A cell without `task` sets \
         defaults for the cells that follow.",
        keys.join(" "),
        steps.join(" "),
        models.join(" "),
        figures.join(" ")
    )
}

fn step_help(def: &StepDef) -> String {
    let settings: Vec<String> = def
        .settings
        .iter()
        .map(|setting| {
            format!(
                "\n- `{}`: {} Takes {}; default {}.",
                setting.name,
                setting.doc,
                quantity(setting.quantity, setting.range),
                setting.default
            )
        })
        .collect();
    format!(
        "**{}**: a step that {}.\n\n{}\n\n```toml\ntask = {}\n```\n\nTakes {}. In Python: `{}`.{}",
        def.verb,
        def.summary,
        def.doc,
        def.example,
        quantity(def.quantity, def.range),
        def.python,
        settings.concat()
    )
}

fn model_help(def: &ModelDef) -> String {
    let settings: Vec<String> = def
        .all_settings()
        .map(|setting| format!("- `{}`: {}", setting.name, setting.doc))
        .collect();
    format!(
        "**{}**: {}.\n\n{}\n\n```toml\nmodels = [\"sequential\", \"{}\"]\n```\n\nIn Python: `{}`.\n\n\
         A table such as `{}` sets:\n\n{}",
        def.name,
        def.summary,
        def.doc,
        def.name,
        def.python,
        def.settings.first().map_or_else(
            || format!("{{ model = \"{}\", label = \"…\" }}", def.name),
            |setting| setting.example.to_owned()
        ),
        settings.join("\n")
    )
}

fn figure_help(def: &FigureDef) -> String {
    format!(
        "**{}**: {}.\n\n{}\n\n```toml\nplot = [\"{}\"]\n```",
        def.name, def.summary, def.doc, def.name
    )
}

fn metric_help(def: &MetricDef) -> String {
    format!("**{}** ({}): {}", def.name, def.title, def.doc)
}

fn key_help(key: &Setting) -> String {
    let default = if key.default.is_empty() {
        "none".to_owned()
    } else {
        format!("`{}`", key.default)
    };
    let takes = match key.quantity {
        Quantity::Structure | Quantity::Text => String::new(),
        other => format!("Takes {}. ", quantity(other, key.range)),
    };
    format!(
        "**{}**: {}\n\n```toml\n{}\n```\n\n{takes}Default: {default}.",
        key.name, key.doc, key.example
    )
}

/// What a value may be, in words.
pub fn quantity(quantity: Quantity, (low, high): (u64, u64)) -> String {
    match quantity {
        Quantity::Duration => {
            format!(
                "a time from {} to {}, such as `\"50ms\"`",
                duration_text(low),
                duration_text(high)
            )
        }
        Quantity::Size => format!(
            "a size from {} to {}, such as `\"64KiB\"`",
            bytes_text(low),
            bytes_text(high)
        ),
        Quantity::Count => format!(
            "a whole number from {} to {}",
            format_count(low),
            format_count(high)
        ),
        Quantity::Word(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
            words.join(" or ")
        }
        Quantity::Flag => "`true` or `false`".to_owned(),
        Quantity::Text => "text".to_owned(),
        Quantity::Structure => "what its help describes".to_owned(),
    }
}

/// The models as a Markdown table.
pub fn models_markdown() -> String {
    table(
        "model",
        MODELS
            .iter()
            .map(|model| model.def())
            .map(|def| (def.name, def.summary, def.python)),
    )
}

/// The steps as a Markdown table.
pub fn steps_markdown() -> String {
    let steps = STEPS.iter().map(|step| step.def);
    table(
        "step",
        steps.map(|def| (def.verb, def.summary, def.example)),
    )
    .replacen("in Python", "example", 1)
}

/// The figures as a Markdown table.
pub fn figures_markdown() -> String {
    let rows = FIGURES
        .iter()
        .map(|figure| format!("| `{}` | {} |\n", figure.def.name, figure.def.summary));
    format!(
        "| figure | what it shows |\n|:---|:---|\n{}",
        rows.collect::<String>()
    )
}

fn table<'a>(what: &str, rows: impl Iterator<Item = (&'a str, &'a str, &'a str)>) -> String {
    let rows = rows.map(|(name, summary, code)| format!("| `{name}` | {summary} | `{code}` |\n"));
    format!(
        "| {what} | what it does | in Python |\n|:---|:---|:---|\n{}\n`help = \"WORD\"` tells more.",
        rows.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_help_and_a_slip_is_answered_with_the_nearest() {
        for word in words() {
            let help = help_markdown(word).unwrap();
            assert!(help.contains(word.trim_end_matches('s')), "{word}: {help}");
        }
        assert!(help_markdown("").unwrap().contains("thread-pool"));
        assert_eq!(
            help_markdown("thread_pol"),
            Err(
                "there is no help on \"thread_pol\": did you mean `help = \"thread-pool\"`?"
                    .to_owned()
            )
        );
        assert!(help_markdown("nothing like it").is_err());
    }
}
