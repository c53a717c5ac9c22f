//! `show = "python"`: every script runs on a real Python and computes what conclab computes.

use super::pythons::{newest, pythons};
use conclab::compute;
use conclab::experiment::Experiment;
use conclab::program::Program;
use conclab::script::{self, Script};
use conclab::spec::{self, Cell, Session};
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

fn experiment(cell: &str) -> Experiment {
    let (parsed, problems) = spec::read(cell, &Session::default());
    assert!(problems.is_empty(), "{cell}\n{problems:?}");
    match parsed {
        Some(Cell::Experiment(experiment)) => *experiment,
        _ => panic!("no experiment: {cell}"),
    }
}

fn scripts(cell: &str) -> Vec<Script> {
    script::scripts(&experiment(cell), 2, &|_| None)
}

fn markdown(cell: &str) -> String {
    script::markdown(&experiment(cell), 2, &|_| None)
}

fn text(script: &Script) -> &str {
    script.text.as_ref().unwrap()
}

/// The text of a cell's only script.
fn only(cell: &str) -> String {
    let found = scripts(cell);
    assert_eq!(found.len(), 1, "{cell}");
    text(&found[0]).to_owned()
}

/// Runs a script as a file of its own, beside other files; what it printed.
fn run_beside(python: &Path, script: &Script, files: &[(&str, &str)]) -> String {
    let text = text(script);
    let folder = std::env::temp_dir().join(format!("conclab-script-{}", uuid::Uuid::new_v4()));
    fs::create_dir_all(&folder).unwrap();
    let modules = script.modules.iter();
    let modules = modules.map(|module| (module.file.as_str(), module.text.as_str()));
    for (name, text) in modules.chain(files.iter().copied()) {
        fs::write(folder.join(name), text).unwrap();
    }
    fs::write(folder.join("script.py"), text).unwrap();
    let output = Command::new("timeout")
        .arg("60")
        .arg(python)
        .args(["-W", "error", "script.py"])
        .current_dir(&folder)
        .output()
        .unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{} on {}\n{text}\n{told}\n{errors}",
        script.title,
        python.display()
    );
    told
}

fn run(python: &Path, script: &Script) -> String {
    run_beside(python, script, &[])
}

/// Models that every Python has.
const MODELS: &str = "models = [\"sequential\", \"threads\", \"thread-pool\", \"processes\", \"process-pool\", \
                      \"async\", \"hybrid\", { model = \"hybrid\", pool = \"processes\" }, \
                      { model = \"process-pool@python\", start = \"spawn\", chunk = 2 }]";

/// One for each way in which a task is written.
const STYLES: &str =
    "models = [\"sequential\", \"threads\", \"process-pool\", \"async\", \"hybrid\"]";

/// Runs every script of a cell and looks for a line in what each prints.
fn check(cell: &str, line: &str) {
    check_beside(cell, &[], line);
}

/// The same for scripts that import the author's files.
fn check_beside(cell: &str, files: &[(&str, &str)], line: &str) {
    let read = |path: &Path| {
        let file = files.iter().find(|(name, _)| Path::new(name) == path);
        file.map(|(_, text)| (*text).to_owned())
    };
    let scripts = script::scripts(&experiment(cell), 2, &read);
    assert!(!scripts.is_empty());
    for python in pythons() {
        for script in &scripts {
            let told = run_beside(&python, script, files);
            assert!(
                told.lines().any(|told| told == line),
                "{}: {told}, where {line} is expected\n{}",
                script.title,
                text(script)
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
        "{ http = \"5ms\", bytes = \"10KB\" }",
        "{ read = \"64KiB\" }",
        "{ write = \"4KiB\", sync = true }",
        "{ query = \"2ms\" }",
        "{ query = \"SELECT * FROM numbers WHERE id < 10\" }",
        "{ run = [\"true\"] }",
        "{ alloc = \"1MiB\" }",
        "{ block = \"2ms\" }",
        "{ cpu = \"2ms\" }",
    ];
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
    for text in [
        "def task(i):\n    return i * i",
        "import asyncio\n\n\nasync def task(i):\n    await asyncio.sleep(0.001)\n    return i * i",
    ] {
        let cell = format!("task = {{ python = '''\n{text}\n''' }}\ntasks = 4\n{STYLES}");
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
    insta::assert_snapshot!("scripts", markdown(cell));
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
    let pythons = pythons();
    let newest = newest(&pythons);
    let models = "tasks = 3\nmodels = [\"interpreters@python3.14\"]";
    let answer = format!("answer: {}", expected("pi", &[300; 3], 1));
    for task in [
        "{ pi = 300 }",
        "[{ http = \"2ms\" }, { read = \"4KiB\" }, { pi = 300 }]",
    ] {
        for script in scripts(&format!("task = {task}\n{models}")) {
            if let Some(python) = newest {
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
    let models = "models = [\"threads\", \"process-pool\", \"async\", \"hybrid\"]";
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

/// Runs every script of a cell of four tasks to its end.
fn check_all_run(cell: &str) {
    let all = scripts(cell);
    for python in pythons() {
        for script in &all {
            let told = run(&python, script);
            assert!(told.starts_with("4 tasks in "), "{}: {told}", script.title);
        }
    }
}

#[test]
fn values_of_every_kind_go_into_every_step() {
    for [time, size] in [
        ["\"1ms..2ms\"", "\"1KB..20KB\""],
        ["{ total = \"4ms\" }", "{ total = \"50KB\" }"],
        [
            "{ each = [\"1ms\", \"2ms\", \"3ms\", \"1ms\"] }",
            "{ each = [\"1KB\", \"2KB\", \"12KB\", \"1B\"] }",
        ],
    ] {
        let steps = [
            format!(
                "{{ http = {time}, bytes = {size}, status = {{ each = [200, 201, 301, 399] }} }}"
            ),
            format!("{{ read = {size} }}"),
            format!("{{ write = {size}, sync = true }}"),
            format!("{{ write = {size} }}"),
            format!("{{ query = {time} }}"),
            format!("{{ alloc = {size} }}"),
            format!("{{ sleep = {time} }}, {{ block = {time} }}, {{ cpu = {time} }}"),
        ];
        check_all_run(&format!(
            "task = [{}]\ntasks = 4\n{STYLES}",
            steps.join(", ")
        ));
    }
}

#[test]
fn both_ways_to_write_stand_in_one_script() {
    let text = only(
        "task = [{ write = \"1KB\", sync = true }, { write = \"1KB\" }]\nmodels = [\"sequential\"]",
    );
    assert!(
        text.contains("    write_sync(1000)\n    write(1000)\n"),
        "{text}"
    );
}

#[test]
fn queries_are_made_as_in_a_run() {
    let several =
        "BEGIN IMMEDIATE; UPDATE numbers SET value = value + 1 WHERE id = 1; SELECT ';'; COMMIT";
    check_all_run(&format!(
        "task = [{{ query = \"{several}\" }}, {{ query = \"SELECT ';'\" }}, {{ query = \"SELECT 1;\" }}]\ntasks = 4\n{STYLES}"
    ));
    let text = markdown("task = { query = \"SELECT 1\" }\nmodels = [\"threads\"]");
    for part in [
        conclab::io::sqlite::CREATE,
        "PRAGMA synchronous = normal",
        "PRAGMA journal_mode = wal",
        "Each query opens a connection",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for part in ["executescript(sql)", "create_function"] {
        assert!(!text.contains(part), "{part}: {text}");
    }
}

#[test]
fn texts_of_python_keep_to_themselves() {
    let group = |name: &str, add: u32| {
        format!(
            "{{ name = \"{name}\", tasks = 2, task = {{ python = '''OWN = {add}\n\ndef task(i): return i + OWN''' }} }}"
        )
    };
    let cell = format!("mix = [{}, {}]\n{MODELS}", group("a", 10), group("b", 20));
    check(
        &cell.replace("\"sequential\", ", ""),
        "results: [10, 20, 11, 21]",
    );
    let modules = &scripts(&cell)[0].modules;
    let files: Vec<&str> = modules.iter().map(|module| module.file.as_str()).collect();
    assert_eq!(files, ["cell.py", "cell_2.py"]);
    let shown = markdown(&cell);
    let heading = "`cell_2.py`, beside the script";
    assert_eq!(shown.matches(heading).count(), 1, "{shown}");
    // A task may do both; one text stands in the script, however often it is used.
    let two = "[{ python = 'def task(i): return i' }, { python = 'def task(i): return i + 7' }]";
    check(
        &format!("task = {two}\ntasks = 2\nmodels = [\"sequential\", \"process-pool\"]"),
        "results: [7, 8]",
    );
    let twice = "[{ python = 'def task(i): return i' }, { python = 'def task(i): return i' }]";
    assert!(scripts(&format!("task = {twice}"))[0].modules.is_empty());
}

#[test]
fn names_of_the_authors_own_do_no_harm() {
    for (head, value) in [
        ("from time import time", "i if time() else 0"),
        (
            "WORKERS = TASKS = 9\ndef run(*x): return 1\nmain = share = run",
            "i * run()",
        ),
        ("from __future__ import annotations", "i"),
        ("results = start = elapsed = 5", "i * results // 5"),
    ] {
        let text = format!("{head}\ndef task(i): return {value}");
        check(
            &format!("task = {{ python = '''\n{text}\n''' }}\ntasks = 3\n{STYLES}"),
            "results: [0, 1, 2]",
        );
    }
    // Where nothing collides, it stands in the script.
    let cell = "task = { python = '''import time\ndef task(i): return time.time()''' }";
    assert!(scripts(cell).iter().all(|script| script.modules.is_empty()));
}

#[test]
fn files_of_the_authors_are_imported() {
    let plain = "def crunch(i):\n    return i * i\n";
    let waits = "import asyncio\n\n\nasync def crunch(i):\n    await asyncio.sleep(0.001)\n    return i * i\n";
    for name in ["work.py", "my-work.py", "main.py", "class.py"] {
        for text in [plain, waits] {
            let cell = format!(
                "task = {{ python = {{ file = \"{name}\", call = \"crunch\" }} }}\ntasks = 4\n{STYLES}"
            );
            check_beside(&cell, &[(name, text)], "results: [0, 1, 4, 9]");
        }
    }
    let cell = "task = { python = { file = \"work.py\" } }\nmodels = [\"async\"]";
    let seen = |text: &str| script::markdown(&experiment(cell), 2, &|_| Some(text.to_owned()));
    assert!(seen("async def task(i): pass").contains("gather(*[work.task(i)"));
    assert!(seen("def task(i): pass").contains("return work.task(i)  # a plain function"));
    let untold = "can't be told";
    assert!(markdown(cell).contains(untold), "the file is missing");
    assert!(!seen("def task(i): pass").contains(untold));
    let two =
        "task = [{ python = { file = \"a/work.py\" } }, { python = { file = \"b/work.py\" } }]";
    let why = scripts(two)[0].text.clone().unwrap_err();
    assert!(why.contains("would be one module"), "{why}");
}

#[test]
fn groups_take_turns_but_for_sequential() {
    let group = |name: &str| {
        format!(
            "{{ name = \"{name}\", tasks = 2, task = {{ python = 'def task(i): print(f\"{name}{{i}}\")' }} }}"
        )
    };
    for (model, order) in [
        ("\"sequential\"", ["a0", "a1", "b0", "b1"]),
        (
            "{ model = \"thread-pool\", workers = 1 }",
            ["a0", "b0", "a1", "b1"],
        ),
        ("\"async\"", ["a0", "b0", "a1", "b1"]),
    ] {
        let cell = format!("mix = [{}, {}]\nmodels = [{model}]", group("a"), group("b"));
        for python in pythons() {
            let told = run(&python, &scripts(&cell)[0]);
            let found: Vec<&str> = told.lines().take(4).collect();
            assert_eq!(found, order, "{model}");
        }
    }
}

#[test]
fn settings_of_the_interpreter_and_of_its_processes_are_there() {
    let task = "task = { python = '''import sys\ndef task(i): return sys.getswitchinterval()''' }\ntasks = 2";
    check(
        &format!("{task}\nswitch_interval = \"2ms\"\n{MODELS}"),
        "results: [0.002, 0.002]",
    );
    assert!(!markdown(&format!("{task}\n{MODELS}")).contains("setswitchinterval"));
    let task = "task = { python = '''import multiprocessing\ndef task(i): return multiprocessing.get_start_method()''' }\ntasks = 1";
    for model in [
        "process-pool\"",
        "processes\"",
        "hybrid\", pool = \"processes\"",
    ] {
        let cell = format!("{task}\nmodels = [{{ model = \"{model}, start = \"spawn\" }}]");
        check(&cell, "results: ['spawn']");
    }
}

#[test]
fn comments_and_limits_are_there_where_they_hold() {
    let cell = "task = { add = 5, body = \"call\" }\nmodels = [\"sequential\", \"threads\", \"processes\", \"async\"]";
    let found = scripts(cell);
    let said = found
        .iter()
        .map(|script| text(script).contains("during the call"));
    assert_eq!(said.collect::<Vec<_>>(), [false, true, true, false]);
    let locked =
        only("task = { add = 5, body = \"call\", sync = \"mutex\" }\nmodels = [\"threads\"]");
    assert!(!locked.contains("during the call"), "{locked}");
    let held = only("task = { add = 5, body = \"call\", lock = \"list\" }\nmodels = [\"threads\"]");
    assert!(!held.contains("during the call"), "{held}");
    let found = scripts(
        "task = { sleep = \"1ms\" }\nmodels = [\"threads\", { model = \"threads\", limits = { sleep = 2 }, label = \"two\" }]",
    );
    let [free, limited] = [text(&found[0]), text(&found[1])];
    assert!(!free.contains("Semaphore"), "{free}");
    assert!(limited.contains("Semaphore(2)"), "{limited}");
}

#[test]
fn locks_of_similar_names_are_two() {
    check_all_run(&format!(
        "task = {{ do = [{{ sleep = \"1ms\", lock = \"a-b\" }}], lock = \"a b\" }}\ntasks = 4\n{STYLES}"
    ));
}

#[test]
fn nobody_waits_for_a_task_that_failed() {
    let models = "models = [\"threads\", \"processes\"]";
    check(
        &format!("task = {{ python = 'def task(i): return 6 // i' }}\ntasks = 3\n{models}"),
        "results: [None, 6, 3]",
    );
    let status = "{ http = \"1ms\", status = { each = [200, 500, 200] } }";
    let cell = format!("task = [{status}, {{ count = 5 }}]\ntasks = 3\n{models}");
    check(&cell, "answer: 10");
    assert!(markdown(&cell).contains("A task that fails ends a script"));
}

#[test]
fn a_script_says_what_it_is_where_runtimes_and_cases_differ() {
    let titles = |cell: &str| -> Vec<String> {
        let found = scripts(cell).into_iter();
        found.map(|script| script.title).collect()
    };
    let pools = "task = { count = 5 }\nruntime = [\"native\", \"gil\", \"python\"]\nmodels = [\"thread-pool\"]";
    assert_eq!(titles(pools), ["thread-pool", "thread-pool@python"]);
    let cell = "title = \"Two\"\ncases.small = { count = 5 }\ncases.large = { count = 50 }\nmodels = [\"threads\"]";
    assert_eq!(titles(cell), ["small: threads", "large: threads"]);
    let large = text(&scripts(cell)[1]).to_owned();
    assert!(
        large.starts_with("\"\"\"Two: large, threads.\"\"\"\n"),
        "{large}"
    );
}

#[test]
fn hybrid_has_a_pool_where_something_is_handed_over() {
    let text = only("task = { sleep = \"1ms\" }\nmodels = [\"hybrid\"]");
    assert!(
        !text.contains("ThreadPoolExecutor") && !text.contains("WORKERS"),
        "{text}"
    );
    let text = only("task = { do = [{ block = \"1ms\" }] }\nmodels = [\"hybrid\"]");
    assert!(
        text.contains("run_in_executor(pool, time.sleep, 0.001)"),
        "{text}"
    );
}
