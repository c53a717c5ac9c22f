//! The registries together: what `help` and `show` answer, from the rows that everything else reads too.
//!
//! Nothing is described here: a step's text stands with the step, a model's with the model. [`entries`] is
//! all of it, word by word.

pub mod claims;
mod elsewhere;
mod entry;
pub mod keys;

pub use elsewhere::also_called;
pub use entry::{Entry, Owner, default_text, entries, unit, values};

use crate::describe::{Setting, nearest};
use crate::measure::metrics::METRICS;
use crate::model::MODELS;
use crate::plot::FIGURES;
use crate::runtime::{RUNTIME_NAMES, RUNTIMES};
use crate::step::STEPS;

/// Help on a word, as Markdown; the overview for the empty one.
///
/// # Errors
/// A sentence with the nearest word, where nothing has that name.
pub fn help_markdown(word: &str) -> Result<String, String> {
    let word = word.trim();
    if word.is_empty() {
        return Ok(overview());
    }
    let found = on_word(word);
    if !found.is_empty() {
        return Ok(found);
    }
    if let Some(here) = also_called(word) {
        return Ok(format!(
            "What is meant by \"{word}\" is called `{here}` here.\n\n{}",
            on_word(here)
        ));
    }
    let near: Vec<String> = near_words(word)
        .iter()
        .map(|near| format!("`help = \"{near}\"`"))
        .collect();
    // Markdown would read the word's own marks.
    let shown: String = word
        .chars()
        .filter(|c| !c.is_control() && *c != '`')
        .take(64)
        .collect();
    Err(match near.is_empty() {
        false => format!(
            "there is no help on `{shown}`: did you mean {}?",
            near.join(" or ")
        ),
        true => format!("there is no help on `{shown}`: `help = \"\"` gives the overview"),
    })
}

/// Most words that are proposed for one that has no help.
const MOST_NEAR: usize = 3;

/// The nearest word with help, or those that begin as `word` does, and others that have it within.
fn near_words(word: &str) -> Vec<&'static str> {
    let mut near: Vec<&str> = nearest(word, words()).into_iter().collect();
    let folded = word.to_lowercase();
    let begin: String = folded.chars().take(3).collect();
    let begins = near.is_empty();
    let akin = |other: &&str| {
        let near = other.contains(&folded) || begins && other.starts_with(&begin);
        folded.len() > 2 && near
    };
    for other in words().filter(akin) {
        if !near.contains(&other) && near.len() < MOST_NEAR {
            near.push(other);
        }
    }
    near
}

/// Everything that a word means in this language; empty where it means nothing.
fn on_word(word: &str) -> String {
    let found = entries().filter(|entry| entry.name() == word);
    let mut found: Vec<String> = found.map(|entry| entry.markdown()).collect();
    match word {
        "models" => found.push(models_markdown()),
        "steps" | "task" => found.push(steps_markdown()),
        "runtimes" | "runtime" => found.push(runtimes_markdown()),
        "figures" | "plot" => found.push(figures_markdown()),
        "claims" => found.push(claims::markdown()),
        _ => {}
    }
    found.join("\n\n")
}

/// Every word that has help.
pub fn words() -> impl Iterator<Item = &'static str> {
    entries()
        .map(|entry| entry.name())
        .chain(["steps", "runtimes", "figures", "claims"])
}

fn overview() -> String {
    const CELL: &str = "task   = { cpu = \"50ms\" }\ntasks  = 8\n\
                        models = [\"sequential\", \"threads\", \"processes\", \"async\"]";
    let named = |rows: &[Setting]| rows.iter().map(|key| key.name).collect();
    let verbs = STEPS.iter().map(|step| step.def.verb);
    let rows: [(&str, Vec<&str>); 8] = [
        ("keys of a cell", named(keys::KEYS)),
        ("steps of a task", verbs.chain([keys::GROUP.name]).collect()),
        ("beside a step's verb", named(keys::MODIFIERS)),
        (
            "models",
            MODELS.iter().map(|model| model.def().name).collect(),
        ),
        ("keys of a model's table", named(keys::MODEL_KEYS)),
        ("runtimes", RUNTIME_NAMES.to_vec()),
        (
            "figures",
            FIGURES.iter().map(|figure| figure.def.name).collect(),
        ),
        (
            "metrics",
            METRICS.iter().map(|metric| metric.name).collect(),
        ),
    ];
    let list = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        words.join(" ")
    };
    let rows = rows.map(|(what, words)| format!("| {what} | {} |\n", list(&words)));
    let shows: Vec<&str> = keys::SHOWS.iter().map(|(word, _)| *word).collect();
    format!(
        "A cell says what a task does and which concurrency models to race:\n\n```toml\n{CELL}\n```\n\n\
         | what | words |\n|:---|:---|\n{}\n\
         `help = \"WORD\"` explains any of these words, `help = \"claims\"` the claims of `check` and `predict`. \
         `show = \"WORD\"` shows what there is; its words are {}. \
         A cell without `task` sets defaults for the cells that follow.",
        rows.concat(),
        list(&shows),
    )
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
    let steps = steps.map(|def| (def.verb, def.summary, def.example));
    table("step", steps).replacen("in Python", "example", 1)
}

/// The runtimes as a Markdown table.
pub fn runtimes_markdown() -> String {
    let rows = RUNTIMES
        .iter()
        .map(|def| format!("| `{}` | {} |\n", def.name, def.summary));
    format!(
        "| runtime | what it is |\n|:---|:---|\n{}",
        rows.collect::<String>()
    )
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
                "there is no help on `thread_pol`: did you mean `help = \"thread-pool\"`?"
                    .to_owned()
            )
        );
        assert!(help_markdown("nothing like it").is_err());
    }
}
