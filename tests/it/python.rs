//! Whole answers on real CPythons, beside native code and the emulated GIL: the same tasks, rows, words.
//!
//! To add one: a test that runs a cell with [`on`]. Workers and their ends: `python_workers`; the author's own
//! code: `python_step`.

use crate::answers::{answer, answer_with, row};
use crate::pythons::{newest, pythons};
use conclab::describe::{Family, Quantity};
use conclab::model::MODELS;
use conclab::step::STEPS;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Exit code and report of a cell whose word `python` means that interpreter; each row with what its tasks
/// said.
pub fn on(python: &Path, cell: &str) -> (i32, Value) {
    on_with(python, cell, |_| {})
}

/// The same, with an environment or a folder of its own.
pub fn on_with(python: &Path, cell: &str, prepare: impl FnOnce(&mut Command)) -> (i32, Value) {
    let (code, mut report) = answer_with(cell, |command| {
        prepare(command.env("CONCLAB_PYTHON", python));
    });
    let said = report["said"].take();
    for row in report["rows"].as_array_mut().into_iter().flatten() {
        let own = said.as_array().into_iter().flatten();
        let own = own.filter(|said| said["labels"].as_array().unwrap().contains(&row["label"]));
        let own: Vec<Value> = own.map(|said| said["text"].clone()).collect();
        row["said"] = own.into();
    }
    (code, report)
}

/// The report of a cell whose rows must all have been answered.
pub fn answered(python: &Path, cell: &str) -> Value {
    let (code, report) = on(python, cell);
    assert_eq!(code, 0, "{cell}\n{report:#}");
    report
}

/// Rows of a report.
pub fn rows(report: &Value) -> &Vec<Value> {
    report["rows"].as_array().unwrap()
}

/// A row's reason, or what its first task failed by.
pub fn why(row: &Value) -> String {
    row["why"].as_str().unwrap_or("").to_owned()
}

/// The first interpreter; tests of what none of them does differently need no more.
pub fn any_python() -> Option<PathBuf> {
    pythons().into_iter().next()
}

/// Every model, with every pool that one can be told to use.
fn models() -> String {
    let models = MODELS.iter().map(|model| model.def());
    let tables = models.map(|def| match def.takes("pool") {
        true => format!(
            "\"{0}\", {{ model = \"{0}\", pool = \"processes\", label = \"{0} (processes)\" }}",
            def.name
        ),
        false => format!("\"{}\"", def.name),
    });
    format!("[{}]", tables.collect::<Vec<_>>().join(", "))
}

/// Examples of the steps of some families, one after the other in one task.
fn examples(families: &[Family]) -> String {
    let steps = STEPS.iter().map(|step| &step.def).filter(|def| {
        // `cpu` is a time: how much work that is differs by runtime.
        families.contains(&def.family) && def.quantity != Quantity::Code && def.verb != "cpu"
    });
    let examples = steps.map(|def| def.example.trim_matches(['[', ']']));
    let examples: Vec<&str> = examples.collect();
    // What a wait gives doesn't depend on how long it is.
    format!("[{}]", examples.join(", ")).replace("\"100ms\"", "\"5ms\"")
}

/// Runs a task on every model and every runtime: one answer. How many rows gave it.
fn on_everything(task: &str) -> usize {
    let pythons = pythons();
    let words = pythons
        .iter()
        .map(|python| format!(", \"{}\"", python.display()));
    let (code, report) = answer(&format!(
        "task = {task}\ntasks = 2\nworkers = 2\nrepeat = 1\nbudget = \"10m\"\nmodels = {}\n\
         runtime = [\"native\", \"gil\"{}]",
        models(),
        words.collect::<String>()
    ));
    assert_eq!(code, 0, "{report:#}");
    let newest = newest(&pythons);
    let mut agreed = 0;
    for row in rows(&report) {
        let runtime = row["runtime"].as_str().unwrap();
        let is_python = runtime.starts_with('/');
        let why = why(row);
        let lacks = match row["model"].as_str().unwrap() {
            "async-threads" if is_python => "no event loop that runs on several threads",
            "interpreters" if !is_python => "only Python has interpreters",
            "interpreters" if task.contains("add =") => "interpreters share no",
            "interpreters" if newest != Some(Path::new(runtime)) => "no InterpreterPoolExecutor",
            _ => "",
        };
        if lacks.is_empty() {
            assert_eq!(row["outcome"], "ok", "{row:#}");
            assert_eq!(row["tasks"]["succeeded"], 2, "{row:#}");
            assert_eq!(row["agrees"], true, "{row:#}");
            agreed += 1;
        } else {
            assert_eq!(row["outcome"], "unsupported", "{row:#}");
            assert!(why.contains(lacks), "{row:#}");
        }
        let version = row["runtime_version"].as_str().unwrap_or("");
        if is_python && lacks.is_empty() {
            assert!(version.contains("3."), "{row:#}");
        }
    }
    let native = 9 + 9;
    assert!(
        agreed >= native + 9 * pythons.len() - pythons.len(),
        "{agreed}"
    );
    agreed
}

#[test]
fn computing_gives_the_same_answer_on_every_model_and_runtime() {
    on_everything(&examples(&[Family::Compute]));
}

#[test]
fn waiting_and_blocking_give_the_same_answer_on_every_model_and_runtime() {
    on_everything(&examples(&[Family::Wait, Family::Block]));
}

#[test]
fn holding_and_sharing_memory_give_the_same_answer_on_every_model_and_runtime() {
    on_everything(&examples(&[Family::Memory]));
    on_everything(
        "[{ alloc = \"1MiB\" }, { primes = \"100..3_000\", times = 2 }, { sleep = \"1ms..4ms\" }]",
    );
}

#[test]
fn a_python_step_runs_on_python_and_nowhere_else() {
    let pythons = pythons();
    let step = STEPS
        .iter()
        .find(|step| step.def.quantity == Quantity::Code);
    for python in &pythons {
        let (code, report) = on(
            python,
            &format!(
                "task = {}\ntasks = 3\nrepeat = 1\nmodels = {}",
                step.unwrap().def.example,
                models()
            ),
        );
        assert_eq!(code, 0, "{report:#}");
        let ok = rows(&report).iter().filter(|row| row["outcome"] == "ok");
        let expected = 8 + usize::from(newest(&pythons) == Some(python.as_path()));
        assert_eq!(ok.count(), expected, "{report:#}");
        for row in rows(&report).iter().filter(|row| row["outcome"] == "ok") {
            assert_eq!(row["runtime"], "python", "the default of a python step");
            assert_eq!(row["agrees"], true, "{row:#}");
        }
    }
    let Some(python) = pythons.first() else {
        return;
    };
    let (code, report) = on(
        python,
        "task = { python = '''def task(i): return i''' }\nrepeat = 1\nruntime = [\"native\", \"gil\", \"python\"]\n\
         models = [\"sequential\", \"threads\"]",
    );
    assert_eq!(code, 0, "{report:#}");
    for (label, outcome, words) in [
        (
            "sequential@native",
            "unsupported",
            "this row runs on native: write \"sequential@python\"",
        ),
        (
            "threads@gil",
            "unsupported",
            "this row runs on emulated GIL: write \"threads@python\"",
        ),
        ("threads@python", "ok", ""),
    ] {
        let row = row(&report, label);
        assert_eq!(row["outcome"], outcome, "{row:#}");
        assert!(why(row).contains(words), "{row:#}");
    }
}

#[test]
fn runtimes_and_models_are_a_product_and_labels_say_which_is_which() {
    let Some(python) = any_python() else { return };
    let path = python.display();
    let report = answered(
        &python,
        &format!(
            "task = {{ count = 1000 }}\ntasks = 2\nrepeat = 1\nruntime = [\"gil\", \"python\"]\n\
             models = [\"threads\", \"sequential@native\", {{ model = \"threads\", label = \"mine\" }}, \
             {{ model = \"process-pool@{path}\", start = \"fork\" }}]"
        ),
    );
    let labels: Vec<&str> = rows(&report)
        .iter()
        .map(|row| row["label"].as_str().unwrap())
        .collect();
    assert_eq!(
        labels,
        [
            "threads@gil",
            "mine@gil",
            "threads@python",
            "mine@python",
            "sequential@native",
            &format!("process-pool@{path}"),
        ]
    );
    let alone = answered(
        &python,
        "task = { count = 1000 }\nruntime = \"python\"\nmodels = [\"threads\"]\nrepeat = 1",
    );
    assert_eq!(rows(&alone)[0]["label"], "threads");
    assert_eq!(rows(&alone)[0]["runtime"], "python");
}

#[test]
fn pools_of_python_have_as_many_workers_as_pythons_own() {
    let Some(python) = any_python() else { return };
    let report = answered(
        &python,
        "task = { count = 10 }\ntasks = 3\nrepeat = 1\n\
         models = [\"thread-pool\", \"process-pool\", \"thread-pool@python\", \"process-pool@python\"]",
    );
    let workers = |label: &str| row(&report, label)["workers"].as_u64().unwrap();
    let cpus = workers("thread-pool@native");
    assert_eq!(workers("process-pool@native"), cpus);
    assert_eq!(workers("thread-pool@python"), (cpus + 4).min(32));
    assert_eq!(workers("process-pool@python"), cpus);
}

#[test]
fn the_switch_interval_is_cpythons_own() {
    let Some(python) = any_python() else { return };
    let cell = |interval: &str, expected: &str| {
        format!(
            "task = {{ python = '''\nimport sys\ndef task(i):\n    interval = sys.getswitchinterval()\n    \
             assert abs(interval - {expected}) < 1e-9, interval\n    return interval\n''' }}\ntasks = 2\nrepeat = 1\n\
             models = [\"sequential\", \"threads\", \"processes\", {{ model = \"process-pool\", start = \"spawn\" }}]\n\
             {interval}"
        )
    };
    for (interval, expected) in [
        ("", "0.005"),
        ("switch_interval = \"500us\"", "0.0005"),
        ("switch_interval = \"1s\"", "1.0"),
    ] {
        let report = answered(&python, &cell(interval, expected));
        for row in rows(&report) {
            assert_eq!(row["tasks"]["succeeded"], 2, "{row:#}");
        }
    }
}

#[test]
fn pythons_that_are_not_there_are_told_and_the_others_run() {
    let Some(python) = any_python() else { return };
    let (code, report) = on(
        &python,
        "task = { count = 10 }\ntasks = 2\nrepeat = 1\nmodels = [\"threads\"]\n\
         runtime = [\"native\", \"python3.99\", \"/no/such/python\", \"/bin/true\", \"python\"]",
    );
    assert_eq!(
        code, 0,
        "what isn't there is told, not punished: {report:#}"
    );
    for (label, words) in [
        (
            "threads@python3.99",
            &[
                "there is no `python3.99` on this machine, which has 3.",
                "uv python install 3.99",
                "CONCLAB_PYTHON",
            ][..],
        ),
        (
            "threads@/no/such/python",
            &[
                "/no/such/python",
                "there is no such file",
                "`show = \"machine\"` lists",
            ],
        ),
        ("threads@/bin/true", &["/bin/true", "is not an interpreter"]),
    ] {
        let row = row(&report, label);
        assert_eq!(row["outcome"], "unsupported", "{row:#}");
        for word in words {
            assert!(why(row).contains(word), "{word}: {row:#}");
        }
    }
    for label in ["threads@native", "threads@python"] {
        assert_eq!(row(&report, label)["outcome"], "ok", "{report:#}");
    }
}

#[test]
fn the_variable_says_which_python_it_is() {
    let pythons = pythons();
    for python in &pythons {
        let report = answered(
            python,
            "task = { python = '''\nimport sys\ndef task(i): print(sys.executable)\n''' }\ntasks = 1\nrepeat = 1\n\
             models = [\"sequential\"]",
        );
        let told = rows(&report)[0].to_string();
        assert!(
            told.contains(&format!("it printed: {}", python.display())),
            "{told}"
        );
    }
    if pythons.is_empty() {
        return;
    }
    let (code, report) = on(
        Path::new("/bin/true"),
        "task = { count = 10 }\nrepeat = 1\nmodels = [\"threads@python\", \"threads\"]",
    );
    assert_eq!(code, 0, "{report:#}");
    let told = why(row(&report, "threads@python"));
    assert!(
        told.starts_with("CONCLAB_PYTHON names /bin/true, and "),
        "{told}"
    );
    assert!(
        told.ends_with("name the path of a CPython 3.9 or newer"),
        "{told}"
    );
}
