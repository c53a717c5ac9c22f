//! The registries together: what `help` and `show` answer, from the rows that everything else reads too.
//!
//! Nothing is described here: a step's text stands with the step, a model's with the model.

pub mod keys;

use crate::describe::{
    Better, Evidence, FigureDef, MetricDef, ModelDef, Quantity, Setting, StepDef, TextForm, nearest,
};
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
    found.extend(STEPS.iter().flat_map(|step| {
        let settings = step.def.settings.iter().filter(|row| row.name == word);
        settings.map(|setting| setting_help(&step.def, setting))
    }));
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
        "claims" => Ok(claims_markdown()),
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
    let settings = STEPS.iter().flat_map(|step| step.def.settings);
    let models = MODELS.iter().map(|model| model.def().name);
    let figures = FIGURES.iter().map(|figure| figure.def.name);
    let metrics = METRICS.iter().map(|metric| metric.name);
    keys.chain(steps)
        .chain(settings.map(|setting| setting.name))
        .chain(models)
        .chain(figures)
        .chain(metrics)
        .chain(["steps", "figures", "claims"])
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
         `help = \"WORD\"` explains any of these words, `help = \"claims\"` the claims of `check` and `predict`. `show = \"steps\"`, `\"models\"`, `\"figures\"`, \
         `\"machine\"`, `\"results\"` and `\"version\"` show what there is. A cell without `task` sets \
         defaults for the cells that follow.",
        keys.join(" "),
        steps.join(" "),
        models.join(" "),
        figures.join(" ")
    )
}

fn step_help(def: &StepDef) -> String {
    let settings = def.settings.iter().map(|setting| {
        let default = match setting.default {
            "" => String::new(),
            default => format!(" Default: `{default}`."),
        };
        let takes = quantity(setting.quantity, setting.range);
        format!(
            "\n- `{}`: {} Takes {takes}.{default}",
            setting.name, setting.doc
        )
    });
    let settings: String = settings.collect();
    let settings = match settings.as_str() {
        "" => settings,
        rows => format!("\n\nSettings beside the verb:\n{rows}"),
    };
    format!(
        "**{}**: a step that {}.\n\n{}\n\n```toml\ntask = {}\n```\n\nTakes {}. In Python: `{}`.{settings}",
        def.verb,
        def.summary,
        def.doc,
        def.example,
        quantity(def.quantity, def.range),
        def.python
    )
}

/// A setting's own help, for the word alone.
fn setting_help(def: &StepDef, setting: &Setting) -> String {
    let help = key_help(setting);
    let help = help.replacen("**: ", &format!("** (of `{}`): ", def.verb), 1);
    help.replacen("```toml\n", "```toml\ntask = ", 1)
}

fn model_help(def: &ModelDef) -> String {
    format!(
        "**{}**: {}.\n\n{}\n\n```toml\nmodels = [\"sequential\", \"{}\"]\n```\n\nIn Python: `{}`.",
        def.name, def.summary, def.doc, def.name, def.python
    )
}

fn figure_help(def: &FigureDef) -> String {
    format!(
        "**{}**: {}.\n\n{}\n\n```toml\nplot = [\"{}\"]\n```",
        def.name, def.summary, def.doc, def.name
    )
}

fn metric_help(def: &MetricDef) -> String {
    let better = match def.better {
        Better::Lower => " Less is better.",
        Better::Higher => " More is better.",
        Better::Neither => "",
    };
    format!(
        "**{}** ({}): {}{better}\n\n```toml\ncheck = \"{}\"\n```\n\nA claim about it holds where {}",
        def.name,
        def.title,
        def.doc,
        claim_example(def),
        evidence(def.evidence)
    )
}

/// A claim about a metric.
fn claim_example(def: &MetricDef) -> String {
    let name = def.name;
    match (def.unit, def.better) {
        ("ns" | "bytes", _) => format!("{name}(threads) < {name}(processes)"),
        ("ratio", _) => format!("{name}(threads) > 1.5"),
        ("share", _) => format!("{name}(threads) > 0.8"),
        ("1/s", _) => format!("{name}(threads) > 100"),
        (_, Better::Neither) => format!("{name}(threads) > {name}(async)"),
        _ if name == "succeeded" => format!("{name}(threads) == 8"),
        _ => format!("{name}(threads) == 0"),
    }
}

/// What a claim about a metric needs to hold.
fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Interval => "the 95 % interval over the runs, paired by block, says so.",
        Evidence::Readings => "every reading says so.",
        Evidence::Count => "every run says so; `> 0` is proved by any of them.",
        Evidence::Single => "the one reading says so by more than 5 %.",
    }
}

/// The language of `check` and `predict`.
fn claims_markdown() -> String {
    let metrics = METRICS.iter().map(|def| {
        format!(
            "| `{}` | {} | `{}` |\n",
            def.name,
            def.title,
            claim_example(def)
        )
    });
    let metrics: String = metrics.collect();
    format!(
        "**Claims** are sentences about the answer that conclab checks against what it measured: `check` in \
         a lesson or a test, `predict` for your own guess.\n\n```toml\ncheck = [\n  \"wall(process-pool) < \
         0.7 * wall(sequential)\",\n  \"speedup(threads) >= 1.5 when tasks >= 100\",\n  'wall(\"pool of 4\") < \
         1s',\n  \"fastest == async when case == 'I/O-bound'\",\n]\npredict = \"speedup(threads) > \
         1.5\"\n```\n\n\
         - A claim compares `metric(series)` by `<`, `<=`, `>`, `>=` or `==` with a number and its unit (`1s`, \
         `64MiB`, `1.1`, `0`) or with another metric of the same unit, perhaps times a factor; or it says \
         `fastest == series`.\n\
         - A series is called by its label or model, with `@runtime` where the cell has several; a name with \
         spaces needs quotes.\n\
         - `when key == value and key >= value` chooses points of a sweep and cases; without it a claim is \
         about all of them. A metric may name its own point: `wall(threads, tasks = 8)`; `latency` and `p95` \
         their group: `latency(threads, group = 'I/O')`.\n\
         - **ok**: the measurements say so, at every point. **FAILED**: they say the opposite. **not \
         clear**: they don't say; more repeats, or a larger difference, would tell. Times are compared by \
         95 % intervals, and two that differ by less than 3 to 5 % count as equal; memory by every reading, \
         counts by every run, but `> 0` is proved by any run. `==` between times means within \
         5 %.\n\n| metric | what it is | example |\n|:---|:---|:---|\n{metrics}\n`conclab check FOLDER` runs \
         notebooks and reports their claims."
    )
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
        Quantity::DurationOr(form) => format!(
            "{}, or {}",
            self::quantity(Quantity::Duration, (low, high)),
            match form {
                TextForm::Url => "a URL (`\"http://…\"`, `\"https://…\"`)",
                TextForm::Sql => "SQL",
            }
        ),
        Quantity::Command => "a list of texts: a program and its arguments".to_owned(),
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
