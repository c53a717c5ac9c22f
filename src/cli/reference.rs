//! `conclab reference`: the whole language as one Markdown page, from the tables that everything else reads.
//!
//! A new row of a table is on the page by itself; a new kind of word is a section in [`page`].
//! `notebooks/reference.md` is this page, and a test compares the two.

use super::output::print;
use super::{COMMANDS, EXIT_CODES, printed, usage};
use crate::catalog::{self, Entry, Owner, default_text, entries, keys, unit};
use crate::describe::{Quantity, Setting};
use crate::measure::metrics::METRICS;
use crate::plot::FIGURES;
use crate::units::{SIZE_UNITS, TIME_UNITS};
use std::process::ExitCode;

const OPENING: &str = r#"# The language of conclab

A cell is a short [TOML](https://toml.io) text that declares an experiment: what a task does, how many tasks there are, and
which concurrency models race on them. The answer is measured on your machine: a figure, a table and a verdict.

```toml
title  = "Waiting and computing"
task   = [{ http = "50ms" }, { cpu = "20ms" }]   # what each task does, in order
tasks  = 8                                       # how many of them
models = ["sequential", "threads", "async"]      # a row of the answer each
```

This page lists every word of the language. In a notebook the same text is nearer: press Tab for what could be typed,
Shift-Tab for what a word means, or run a cell such as `help = "threads"`.

There are three kinds of cell, told apart by what stands in them:

- **an experiment** says what to run, as above;
- **defaults** have no work in them: a cell such as `repeat = 10` sets values for the cells that follow, and a cell's own key
  beats them;
- **a command** shows something and runs nothing: see [Commands](#commands).

One trap is TOML's own: a key below a `[header]` belongs to that table. `models` and the other keys of the cell stand above it.
"#;

/// Prints the page.
pub fn main(arguments: &[String]) -> ExitCode {
    if !arguments.is_empty() {
        return usage("reference takes no arguments");
    }
    printed(print(page()))
}

/// The page.
fn page() -> String {
    let sections = [
        ("Keys of a cell", keys_section()),
        ("Steps", steps_section()),
        ("Values", values_section()),
        ("Models", models_section()),
        ("Runtimes", runtimes_section()),
        ("Figures", figures_section()),
        ("Metrics", metrics_section()),
        ("Commands", commands_section()),
        ("Command line", command_line_section()),
    ];
    let mut page = OPENING.to_owned();
    for (title, text) in sections {
        page.push_str(&format!("\n## {title}\n\n{}\n", text.trim_end()));
    }
    page
}

fn keys_section() -> String {
    let keys = entries().filter(|entry| matches!(entry, Entry::Key(Owner::Cell, _)));
    let keys: Vec<Entry> = keys.collect();
    let overview = table(
        &["key", "what it is", "default"],
        keys.iter().map(|entry| {
            let Entry::Key(_, key) = entry else {
                return Vec::new();
            };
            vec![
                code(key.name),
                entry.summary().to_owned(),
                default_text(key),
            ]
        }),
    );
    let mut text = format!(
        "Only the work itself must be there; every other key may be left out.\n\n{overview}"
    );
    keys.iter().for_each(|entry| text.push_str(&section(entry)));
    if keys::find("mix").is_some() {
        let rows = settings_table(keys::MIX_KEYS);
        text.push_str(&format!(
            "\nAn entry of `mix` has keys of its own:\n\n{rows}"
        ));
    }
    text
}

fn steps_section() -> String {
    let mut text = format!(
        "A task is a step, or a list of steps in order. A step is a table with one verb: `{{ cpu = \"50ms\" }}`. \
         Several steps become one by `{}`.\n\n{}\n\nBeside the verb of any step may stand:\n\n{}",
        keys::GROUP.name,
        without_footer(&catalog::steps_markdown()),
        settings_table(keys::MODIFIERS),
    );
    for entry in entries() {
        match entry {
            Entry::Key(Owner::Verb, _) => text.push_str(&section(&entry)),
            Entry::Step(def) => {
                text.push_str(&section(&entry));
                if !def.settings.is_empty() {
                    text.push_str(&format!("\n{}", settings_table(def.settings)));
                }
                if matches!(def.quantity, Quantity::Code) {
                    text.push_str(&format!(
                        "\nIn the text's place may stand a table:\n\n{}",
                        settings_table(keys::CODE_KEYS)
                    ));
                }
            }
            _ => {}
        }
    }
    text
}

fn values_section() -> String {
    let units = |units: &[(&str, u64)]| {
        let units: Vec<String> = units.iter().map(|(unit, _)| code(unit)).collect();
        units.join(" ")
    };
    let forms = table(
        &["form", "what it means", "example"],
        keys::VALUE_FORMS
            .iter()
            .map(|form| vec![code(form.name), form.doc.to_owned(), code(form.example)]),
    );
    format!(
        "- **Times** have a unit: {}. `\"1.5s\"`, `\"250us\"`.\n\
         - **Sizes** have a unit: {}. `\"64KiB\"` is 65,536 bytes, `\"64KB\"` 64,000.\n\
         - **Counts** are whole numbers; `1_000_000` is easier to read than `1000000`.\n\n\
         The value of a step can differ from task to task. `\"10ms..50ms\"` draws one for each task, evenly \
         from that range and from the cell's `seed`: the same values in every model and every run. Three forms \
         are tables in the value's place:\n\n{forms}\n\
         Keys whose help says so are swept by a plain list, `tasks = [1, 10, 100]`. At most two things are swept \
         at the same time.",
        units(TIME_UNITS),
        units(SIZE_UNITS),
    )
}

fn models_section() -> String {
    let mut text = format!(
        "A model is how the tasks are scheduled. Each is a word of `models`, or a table with settings.\n\n{}\n\n\
         The keys of a model's table:\n\n{}",
        without_footer(&catalog::models_markdown()),
        settings_table(keys::MODEL_KEYS),
    );
    let models = entries().filter(|entry| matches!(entry, Entry::Model(_)));
    models.for_each(|entry| text.push_str(&section(&entry)));
    text
}

fn runtimes_section() -> String {
    let mut text = format!(
        "A runtime is what executes the operations: a word of `runtime`, or behind a model's `@`.\n\n{}",
        catalog::runtimes_markdown()
    );
    let runtimes = entries().filter(|entry| matches!(entry, Entry::Runtime(_)));
    runtimes.for_each(|entry| text.push_str(&section(&entry)));
    text
}

fn figures_section() -> String {
    let rows = FIGURES.iter().map(|figure| {
        let def = figure.def;
        vec![
            code(def.name),
            format!("{}. {}", upper_first(def.summary), def.doc),
        ]
    });
    format!(
        "Words of `plot`, such as `plot = [\"wall\", \"memory\"]`.\n\n{}",
        table(&["figure", "what it shows"], rows)
    )
}

fn metrics_section() -> String {
    let rows = METRICS.iter().map(|def| {
        vec![
            code(def.name),
            def.title.to_owned(),
            unit(def.unit).to_owned(),
            def.doc.to_owned(),
        ]
    });
    format!(
        "What is measured of each row.\n\n{}",
        table(
            &["metric", "in tables", "unit of `--json`", "what is counted"],
            rows
        )
    )
}

fn commands_section() -> String {
    let mut text = String::new();
    for key in keys::COMMANDS {
        text.push_str(&section(&Entry::Key(Owner::Command, key)));
    }
    let shows = keys::SHOWS
        .iter()
        .map(|(word, shows)| vec![code(word), (*shows).to_owned()]);
    format!(
        "They stand alone in their cell.\n{text}\nWords of `show`, beside the names of experiments:\n\n{}",
        table(&["word", "what it shows"], shows)
    )
}

fn command_line_section() -> String {
    let shown = COMMANDS
        .iter()
        .filter(|command| !command.summary.is_empty());
    let commands = shown.map(|command| {
        let call = format!("conclab {} {}", command.name, command.arguments);
        vec![code(call.trim_end()), command.summary.to_owned()]
    });
    let codes = EXIT_CODES
        .iter()
        .map(|(exit, meaning)| vec![exit.to_string(), (*meaning).to_owned()]);
    format!(
        "{}\nExit codes of `conclab run`:\n\n{}",
        table(&["command", "what it does"], commands),
        table(&["code", "meaning"], codes)
    )
}

/// A word's own section: its help under a heading.
fn section(entry: &Entry) -> String {
    let help = entry.markdown();
    // The heading takes the place of the help's first line.
    let body = help.split_once("\n\n").map_or("", |(_, body)| body);
    format!("\n### `{}`\n\n{body}\n", entry.name())
}

fn settings_table(rows: &'static [Setting]) -> String {
    let rows = rows.iter().map(|key| {
        let takes = Entry::Key(Owner::Cell, key).takes();
        vec![
            code(key.name),
            key.doc.to_owned(),
            takes,
            default_text(key),
            code(key.example),
        ]
    });
    table(&["key", "what it is", "takes", "default", "example"], rows)
}

fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let row = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let rows: String = rows.map(|cells| row(&cells)).collect();
    format!("{}|{}\n{rows}", row(&heads), ":---|".repeat(heads.len()))
}

/// A table of the catalog without the line about `help` that follows it in a notebook.
fn without_footer(markdown: &str) -> &str {
    markdown
        .split_once("\n\n")
        .map_or(markdown, |(table, _)| table)
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn upper_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_uppercase(), chars.as_str())
    })
}
