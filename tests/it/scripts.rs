//! `show = "python"`: every script runs on a real Python and computes what conclab computes.
//!
//! Interpreters are those of `CONCLAB_TEST_PYTHONS` (paths, with `:` between), else `python3`.

use conclab::compute;
use conclab::program::Program;
use conclab::script::{self, Script};
use conclab::spec::{self, Cell, Session};
use std::ops::ControlFlow;
use std::process::Command;

fn scripts(cell: &str) -> Vec<Script> {
    let (parsed, problems) = spec::read(cell, &Session::default());
    assert!(problems.is_empty(), "{cell}\n{problems:?}");
    let Some(Cell::Experiment(experiment)) = parsed else {
        panic!("no experiment: {cell}");
    };
    script::scripts(&experiment, 2)
}

fn pythons() -> Vec<String> {
    match std::env::var("CONCLAB_TEST_PYTHONS") {
        Ok(paths) => paths.split(':').map(str::to_owned).collect(),
        Err(_) => vec!["python3".to_owned()],
    }
}

/// Runs a script as a file of its own; what it printed.
fn run(python: &str, script: &Script) -> String {
    let text = script.text.as_ref().unwrap();
    let folder = std::env::temp_dir().join(format!("conclab-script-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("script.py"), text).unwrap();
    let output = Command::new("timeout")
        .args(["60", python, "-W", "error", "script.py"])
        .current_dir(&folder)
        .output()
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}\n{text}\n{told}\n{errors}",
        script.title
    );
    told
}

/// Models that every Python has.
const MODELS: &str = "models = [\"sequential\", \"threads\", \"thread-pool\", \"processes\", \"process-pool\", \
                      \"async\", \"hybrid\", { model = \"hybrid\", pool = \"processes\" }, \
                      { model = \"process-pool@python\", start = \"spawn\", chunk = 2 }]";

/// Runs every script of a cell and looks for a line in what each prints.
fn check(cell: &str, line: &str) {
    let scripts = scripts(cell);
    assert!(!scripts.is_empty());
    for python in pythons() {
        for script in &scripts {
            let told = run(&python, script);
            let found = told.lines().any(|told| told == line);
            assert!(
                found,
                "{}: {told}, where {line} is expected\n{}",
                script.title,
                script.text.as_ref().unwrap()
            );
        }
    }
}

/// The sum of a function's results over tasks, as conclab computes them.
fn expected(function: &str, sizes: &[u64], seed: u64) -> u128 {
    let program = Program {
        seed,
        ..Program::default()
    };
    let run = compute::find(function).unwrap().run;
    let of = |(task, size): (u64, &u64)| match run(*size, program.task_seed(task), &mut || {
        ControlFlow::Continue(())
    }) {
        ControlFlow::Continue(result) => u128::from(result),
        ControlFlow::Break(()) => panic!("nothing asked it to stop"),
    };
    (0..).zip(sizes).map(of).sum()
}

#[test]
fn every_compute_function_computes_the_same_in_a_script() {
    for (function, size) in [
        ("count", 1000),
        ("sum_squares", 1000),
        ("primes", 500),
        ("pi", 300),
        ("fib", 12),
        ("sort", 200),
        ("matmul", 8),
        ("hash", 5000),
        ("compress", 70_000),
        ("blur", 400),
    ] {
        let cell = format!(
            "task = {{ {function} = {} }}\ntasks = 3\nseed = 7\nmodels = [\"sequential\", \"process-pool\"]",
            match function {
                "hash" | "compress" => format!("\"{size}B\""),
                _ => size.to_string(),
            }
        );
        check(
            &cell,
            &format!("answer: {}", expected(function, &[size; 3], 7)),
        );
    }
}

#[test]
fn every_model_computes_the_same() {
    let cell = format!("task = {{ primes = {{ each = [100, 200, 300, 400] }} }}\n{MODELS}");
    check(
        &cell,
        &format!("answer: {}", expected("primes", &[100, 200, 300, 400], 1)),
    );
    let cell = format!(
        "task = [{{ sum_squares = {{ total = 1_001 }} }}, {{ sleep = \"1ms..2ms\" }}]\ntasks = 4\n{MODELS}"
    );
    check(
        &cell,
        &format!(
            "answer: {}",
            expected("sum_squares", &[251, 250, 250, 250], 1)
        ),
    );
}

#[test]
fn shared_counters_and_locks_count_every_update() {
    for sync in ["mutex", "rwlock", "atomic", "local"] {
        let cell = format!("task = {{ add = 200, sync = \"{sync}\" }}\ntasks = 4\n{MODELS}");
        check(&cell, "counter: 800 of 800");
    }
    let cell = format!(
        "task = {{ do = [{{ add = 5, body = \"call\" }}, {{ sleep = \"1ms\" }}], lock = \"the list\", times = 2, label = \"in turn\" }}\ntasks = 4\nlimits = {{ sleep = 2 }}\n{MODELS}"
    );
    check(&cell, "counter: 40 of 40");
}

#[test]
fn waiting_and_files_and_groups_work() {
    let steps = [
        "{ http = \"5ms\", bytes = 1000 }",
        "{ read = \"64KiB\" }",
        "{ write = \"4KiB\", sync = true }",
        "{ query = \"2ms\" }",
        "{ query = \"SELECT * FROM numbers WHERE id < 10\" }",
        "{ run = [\"true\"] }",
        "{ alloc = \"1MiB\" }",
        "{ block = \"2ms\" }",
        "{ cpu = \"2ms\" }",
    ];
    let steps = steps.map(|step| match step {
        "{ http = \"5ms\", bytes = 1000 }" => "{ http = \"5ms\", bytes = \"1KB\" }",
        other => other,
    });
    let cell = format!("task = [{}]\ntasks = 3\n{MODELS}", steps.join(", "));
    let all = scripts(&cell);
    for python in pythons() {
        for script in &all {
            let told = run(&python, script);
            assert!(told.starts_with("3 tasks in "), "{}: {told}", script.title);
        }
    }
    let mix = format!(
        "mix = [{{ name = \"hog\", task = {{ primes = 300 }}, tasks = 1 }}, {{ name = \"I/O\", task = [{{ sleep = \"1ms\" }}, {{ pi = 100 }}], tasks = 3 }}]\n{MODELS}"
    );
    let hog = expected("primes", &[300], 1);
    let program = Program {
        seed: 1,
        ..Program::default()
    };
    let pi = compute::find("pi").unwrap().run;
    let io: u64 = (1..4)
        .map(|task| {
            match pi(100, program.task_seed(task), &mut || {
                ControlFlow::Continue(())
            }) {
                ControlFlow::Continue(hits) => hits,
                ControlFlow::Break(()) => panic!("nothing asked it to stop"),
            }
        })
        .sum();
    check(&mix, &format!("answer: {}", hog + u128::from(io)));
}

#[test]
fn the_authors_own_python_stands_as_it_was_written() {
    let models = "models = [\"sequential\", \"threads\", \"process-pool\", \"async\", \"hybrid\"]";
    for text in [
        "def task(i):\n    return i * i",
        "import asyncio\n\n\nasync def task(i):\n    await asyncio.sleep(0.001)\n    return i * i",
    ] {
        let cell = format!("task = {{ python = '''\n{text}\n''' }}\ntasks = 4\n{models}");
        assert!(
            scripts(&cell)
                .iter()
                .all(|script| script.text.as_ref().unwrap().contains(text))
        );
        check(&cell, "results: [0, 1, 4, 9]");
    }
}

#[test]
fn scripts_read_well() {
    let cell = "title = \"Primes, with some waiting\"\ntask = [{ http = \"20ms\" }, { primes = 20_000 }]\ntasks = 8\nworkers = 2\nmodels = [\"sequential\", \"threads\", \"thread-pool\", \"processes\", \"process-pool\", \"async\", \"async-threads\", \"hybrid\"]";
    let (parsed, _) = spec::read(cell, &Session::default());
    let Some(Cell::Experiment(experiment)) = parsed else {
        panic!("no experiment");
    };
    insta::assert_snapshot!("scripts", script::markdown(&experiment, 2));
}

#[test]
fn a_model_on_several_runtimes_is_shown_once_and_a_sweep_by_its_first_point() {
    let cell = "task = { primes = { sweep = [100, 200] } }\nmodels = [\"threads\", \"threads@gil\", \"threads@python\"]";
    let found = scripts(cell);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].text.as_ref().unwrap().contains("primes(100)"));
    let found = scripts("task = { sleep = \"1ms\" }\nmodels = [\"async-threads\"]");
    assert!(
        found[0]
            .text
            .as_ref()
            .unwrap_err()
            .contains("no counterpart")
    );
}

#[test]
fn interpreters_run_where_python_has_them() {
    let found: Vec<String> = pythons()
        .into_iter()
        .filter(|python| {
            let asked = Command::new(python)
                .args([
                    "-c",
                    "from concurrent.futures import InterpreterPoolExecutor",
                ])
                .output();
            asked.is_ok_and(|output| output.status.success())
        })
        .collect();
    if found.is_empty() {
        eprintln!("skipped: no Python has InterpreterPoolExecutor");
    }
    let models = "tasks = 3\nmodels = [\"interpreters@python3.14\"]";
    let answer = format!("answer: {}", expected("pi", &[300; 3], 1));
    for task in [
        "{ pi = 300 }",
        "[{ http = \"2ms\" }, { read = \"4KiB\" }, { pi = 300 }]",
    ] {
        for script in scripts(&format!("task = {task}\n{models}")) {
            for python in &found {
                let told = run(python, &script);
                assert!(told.lines().any(|line| line == answer), "{told}");
            }
        }
    }
    let shared = scripts(&format!("task = {{ add = 5, sync = \"mutex\" }}\n{models}"));
    assert!(
        shared[0]
            .text
            .as_ref()
            .unwrap_err()
            .contains("share no locks")
    );
}

#[test]
fn what_tasks_return_is_told_also_where_some_return_nothing() {
    let models = "models = [\"sequential\", \"process-pool\", \"async\", \"hybrid\"]";
    let group = |task: &str| format!("{{ name = \"a b\", task = {task}, tasks = 2 }}");
    let wait = "{ name = \"a-b\", task = { sleep = \"1ms\" }, tasks = 1 }";
    let cell = format!("mix = [{}, {wait}]\n{models}", group("{ count = 10 }"));
    check(&cell, "answer: 20");
    let python = "[{ python = 'def task(i): return i + 5' }, { sleep = \"1ms\" }]";
    let cell = format!("mix = [{}, {wait}]\n{models}", group(python));
    check(&cell, "results: [5, None, 6]");
    let cell = format!(
        "mix = [{}, {{ name = \"c\", task = {{ count = 7 }} }}]\n{models}",
        group(python)
    );
    check(&cell, "results: [5, 7, 6]");
}
