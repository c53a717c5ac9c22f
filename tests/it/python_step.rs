//! The author's own Python: what tells of its mistakes, and what its tasks return.
//!
//! Programs that mean harm: `python_hostile`.

use crate::answers::{Run, row, signal};
use crate::python::{answered, any_python, on, on_with, rows, why};
use crate::pythons::{newest, pythons};
use serde_json::Value;
use std::fs;

/// A cell of three tasks that run that program.
pub fn cell(program: &str, keys: &str) -> String {
    format!("task = {{ python = '''\n{program}\n''' }}\ntasks = 3\nworkers = 2\nrepeat = 1\n{keys}")
}

/// All that a row tells in words.
pub fn told(row: &Value) -> String {
    let notes = row["notes"].as_array().unwrap().iter();
    let notes = notes.map(|note| note.as_str().unwrap().to_owned());
    let said = row["said"].as_array().into_iter().flatten();
    let said = said.map(|text| text.as_str().unwrap().to_owned());
    [why(row)]
        .into_iter()
        .chain(notes)
        .chain(said)
        .collect::<Vec<_>>()
        .join("\n")
}

const ALL: &str = "models = [\"sequential\", \"threads\", \"thread-pool\", \"processes\", \"process-pool\", \"async\", \
                   \"hybrid\", { model = \"process-pool\", start = \"spawn\", label = \"spawned\" }, \
                   { model = \"hybrid\", pool = \"processes\", label = \"hybrid 2\" }]";

#[test]
fn a_program_has_imports_helpers_and_globals() {
    let program = "import math\nfrom functools import reduce\n\nFACTOR = 3\ntable = [n * n for n in range(10)]\n\n\
                   class Pair:\n    def __init__(self, a, b):\n        self.a, self.b = a, b\n\n\
                   def helper(pair):\n    return math.gcd(pair.a, pair.b) * FACTOR\n\n\
                   def task(i):\n    '''Ends a TOML text of three '.'''\n    \
                   return reduce(lambda a, b: a + b, table) + helper(Pair(12, i + 6))"
        .replace("'''", "\"\"\"");
    let coroutine = "import asyncio\n\nasync def half(i):\n    await asyncio.sleep(0.001)\n    return i\n\n\
                     async def task(i):\n    first, second = await asyncio.gather(half(i), half(i + 1))\n    \
                     return first + second";
    for python in pythons() {
        let extra = match newest(&pythons()) == Some(&python) {
            true => ALL.replace("\"async\",", "\"async\", \"interpreters\","),
            false => ALL.to_owned(),
        };
        for program in [&program, coroutine] {
            let report = answered(&python, &cell(program, &extra));
            for row in rows(&report) {
                assert_eq!(row["tasks"]["succeeded"], 3, "{row:#}");
                assert_eq!(row["agrees"], true, "{row:#}");
            }
        }
    }
}

#[test]
fn a_function_in_a_file_stands_beside_the_notebook() {
    let Some(python) = any_python() else { return };
    let folder = std::env::temp_dir().join(format!("conclab-beside-{}", uuid::Uuid::new_v4()));
    fs::create_dir_all(folder.join("src")).unwrap();
    let files = [
        (
            "work.py",
            "from src.deep import VALUE\n\ndef crunch(i):\n    return i + VALUE\n\ndef task(i):\n    return -i\n",
        ),
        (
            "src/deep.py",
            "VALUE = 40\n\ndef task(i):\n    return VALUE\n",
        ),
        ("wrong.py", "x = 1\ndef task(i)\n    return 1\n"),
        ("number.py", "task = 3\n"),
        ("json.py", "def task(i):\n    return i\n"),
        (
            "fails.py",
            "import missing_module_of_nobody\n\ndef task(i):\n    return i\n",
        ),
    ];
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    let run = |source: &str| {
        let cell = format!(
            "task = {{ python = {source} }}\ntasks = 3\nrepeat = 1\nmodels = [\"sequential\", \"threads\", \
             \"processes\", {{ model = \"process-pool\", start = \"spawn\" }}, \"async\"]"
        );
        on_with(&python, &cell, |command| {
            command.current_dir(&folder);
        })
    };
    for source in [
        "{ file = \"work.py\", call = \"crunch\" }",
        "{ file = \"work.py\" }",
        "{ file = \"src/deep.py\", call = \"task\" }",
        &format!("{{ file = \"{}\" }}", folder.join("work.py").display()),
    ] {
        let (code, report) = run(source);
        assert_eq!(code, 0, "{source}: {report:#}");
        for row in rows(&report) {
            assert_eq!(row["agrees"], true, "{source}: {row:#}");
        }
    }
    for (source, words) in [
        ("{ file = \"work.py\", call = \"crnch\" }", &["`crnch`"][..]),
        (
            "{ file = \"wrong.py\" }",
            &["wrong.py\", line 2", "SyntaxError"],
        ),
        (
            "{ file = \"number.py\" }",
            &["`task`", "each task is a call of task(i)"],
        ),
        (
            "{ file = \"json.py\" }",
            &["json.py", "another module `json`", "call it otherwise"],
        ),
        (
            "{ file = \"fails.py\" }",
            &[
                "fails.py\", line 1",
                "No module named 'missing_module_of_nobody'",
            ],
        ),
    ] {
        let (code, report) = run(source);
        assert_eq!(code, 1, "{source}: {report:#}");
        for row in rows(&report) {
            assert_eq!(row["outcome"], "failed", "{source}: {row:#}");
            for word in words {
                assert!(told(row).contains(word), "{word}: {row:#}");
            }
        }
    }
    // What can't even be read is the cell's mistake, and nothing runs.
    for (source, message, help) in [
        (
            "{ file = \"none.py\" }",
            "there is no file none.py",
            "write it first",
        ),
        (
            "{ file = \"src\" }",
            "src is no ordinary file",
            "name an ordinary file",
        ),
    ] {
        let (code, report) = run(source);
        assert_eq!(code, 2, "{source}: {report:#}");
        assert_eq!(rows(&report).len(), 0, "{source}: {report:#}");
        let problem = &report["diagnostics"][0];
        assert_eq!(problem["message"], message, "{problem:#}");
        assert!(
            problem["help"].as_str().unwrap().starts_with(help),
            "{problem:#}"
        );
        assert_eq!(problem["column"], 28, "{problem:#}");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_no_python_is_told_before_anything_runs_with_its_line() {
    let Some(python) = any_python() else { return };
    for (program, line, words) in [
        ("import math\ndef task(i)\n    return 1", 3, "(SyntaxError)"),
        ("def task(i):\nreturn 1", 3, "(IndentationError)"),
        ("def task(i):\n    return (1,\n", 3, "(SyntaxError)"),
    ] {
        let (code, report) = on(
            &python,
            &cell(program, "models = [\"sequential\", \"async\"]"),
        );
        assert_eq!(code, 2, "{report:#}");
        let [problem] = &report["diagnostics"].as_array().unwrap()[..] else {
            panic!("one problem: {report:#}");
        };
        assert_eq!(problem["line"], line, "{problem:#}");
        assert!(
            problem["message"].as_str().unwrap().ends_with(words),
            "{problem:#}"
        );
        assert_eq!(rows(&report).len(), 0);
    }
}

#[test]
fn a_mistake_is_told_as_python_does_with_the_cells_own_line() {
    for python in pythons() {
        // The text begins on line 7 of the cell: what fails is on its fifth line.
        let cell = format!(
            "title = \"x\"\ntasks = 3\nrepeat = 1\n# nothing\n{ALL}\ntask = {{ python = '''\nimport math\n\n\
             def helper(i):\n    # line 10\n    return 1 / (i - 1)\n\ndef task(i):\n    return helper(i)\n''' }}"
        );
        let report = answered(&python, &cell);
        for row in rows(&report) {
            assert_eq!(row["tasks"]["failed"], 1, "{row:#}");
            let told = told(row);
            for words in [
                "a task failed: ",
                "File \"cell\", line 11, in helper",
                "return 1 / (i - 1)",
                "File \"cell\", line 14, in task",
                "ZeroDivisionError: division by zero",
            ] {
                assert!(told.contains(words), "{words}: {told}");
            }
            assert!(
                !told.contains("conclab_"),
                "frames of nobody's business: {told}"
            );
        }
    }
}

#[test]
fn a_program_that_is_none_fails_each_row_with_the_reason() {
    let Some(python) = any_python() else { return };
    for (program, words) in [
        (
            "import nothing_like_it\ndef task(i): pass",
            &["line 2", "ModuleNotFoundError"][..],
        ),
        (
            "print('no task')",
            &["doesn't bind `task`", "each task is a call of task(i)"],
        ),
        ("task = 3", &["something else than a function to `task`"]),
        (
            "raise SystemExit(4)\ndef task(i): pass",
            &["line 2", "SystemExit: 4"],
        ),
        (
            "def task(): pass",
            &["task() takes 0 positional arguments but 1 was given"],
        ),
    ] {
        let (_, report) = on(
            &python,
            &cell(
                program,
                "models = [\"sequential\", \"process-pool\", \"async\"]",
            ),
        );
        for row in rows(&report) {
            assert_eq!(row["tasks"]["succeeded"], 0, "{row:#}");
            for word in words {
                assert!(told(row).contains(word), "{word}: {row:#}");
            }
        }
    }
}

#[test]
fn what_cannot_be_sent_to_workers_fails_in_their_rows_alone() {
    let Some(python) = any_python() else { return };
    let lambda = "task = lambda i: i * 2";
    let local =
        "def make():\n    def task(i):\n        return i * 2\n    return task\n\ntask = make()";
    for (program, words) in [
        (lambda, "Can't pickle"),
        (local, "Can't pickle local object"),
    ] {
        let models = "models = [\"sequential\", \"threads\", { model = \"processes\", start = \"fork\" }, \
                      { model = \"processes\", start = \"spawn\", label = \"spawned\" }, \"process-pool\", \
                      { model = \"hybrid\", pool = \"processes\" }]";
        let (code, report) = on(&python, &cell(program, models));
        assert_eq!(code, 1, "{report:#}");
        for label in ["sequential", "threads", "processes"] {
            assert_eq!(row(&report, label)["agrees"], true, "{report:#}");
        }
        for label in ["spawned", "process-pool", "hybrid"] {
            let row = row(&report, label);
            assert_eq!(row["outcome"], "failed", "{row:#}");
            assert!(why(row).contains(words), "{words}: {row:#}");
            assert!(!why(row).contains("Traceback"), "{row:#}");
        }
    }
    // What a task returns is sent back.
    let generator = "def task(i):\n    return (n for n in range(i))";
    let (_, report) = on(
        &python,
        &cell(generator, "models = [\"threads\", \"process-pool\"]"),
    );
    assert_eq!(
        row(&report, "threads")["tasks"]["succeeded"],
        3,
        "{report:#}"
    );
    let told = told(row(&report, "process-pool"));
    assert!(told.to_lowercase().contains("pickle"), "{told}");
}

#[test]
fn a_coroutine_is_awaited_however_it_is_wrapped_and_never_taken_for_a_result() {
    let Some(python) = any_python() else { return };
    let models = "models = [\"sequential\", \"threads\", \"async\"]";
    let waits = "import asyncio\nimport functools\n\nasync def work(scale, i):\n    \
                 await asyncio.sleep(0.02)\n    return scale * i\n\n";
    let wrapped = [
        "task = functools.partial(work, 3)",
        "def logged(function):\n    @functools.wraps(function)\n    def wrapper(*arguments):\n        \
         return function(*arguments)\n    return wrapper\n\n@logged\nasync def task(i):\n    \
         return await work(3, i)",
        "class Task:\n    async def __call__(self, i):\n        return await work(3, i)\n\ntask = Task()",
    ];
    for task in wrapped {
        let report = answered(&python, &cell(&format!("{waits}{task}"), models));
        for row in rows(&report) {
            assert_eq!(row["tasks"]["succeeded"], 3, "{task}: {row:#}");
            assert!(
                row["wall_ns"]["min"].as_f64().unwrap() >= 20e6,
                "{task}: {row:#}"
            );
        }
    }
    let report = answered(
        &python,
        &cell(&format!("{waits}task = lambda i: work(3, i)"), models),
    );
    for row in rows(&report) {
        assert_eq!(row["tasks"]["failed"], 3, "{row:#}");
        assert!(told(row).contains("nobody awaits"), "{row:#}");
    }
}

#[test]
fn tuples_and_pools_of_the_authors_own_are_results_like_any() {
    let Some(python) = any_python() else { return };
    let program = "from concurrent.futures import ProcessPoolExecutor\n\ndef task(i):\n    return (i,) if i else ()";
    let report = answered(
        &python,
        &cell(program, "models = [\"sequential\", \"threads\", \"async\"]"),
    );
    for row in rows(&report) {
        assert_eq!(
            (&row["tasks"]["succeeded"], &row["agrees"]),
            (&3.into(), &true.into()),
            "{row:#}"
        );
    }
}

#[test]
fn what_tasks_return_must_be_the_same_on_every_model() {
    let Some(python) = any_python() else { return };
    let models = "models = [\"sequential\", \"threads\", \"process-pool\"]";
    let other = "import threading\n\ndef task(i):\n    \
                 return threading.current_thread() is threading.main_thread()";
    let (code, report) = on(&python, &cell(other, models));
    assert_eq!(code, 1, "{report:#}");
    assert_eq!(row(&report, "sequential")["agrees"], true, "{report:#}");
    assert_eq!(row(&report, "threads")["agrees"], false, "{report:#}");
    assert_eq!(row(&report, "process-pool")["agrees"], true, "{report:#}");
    assert!(
        report["verdict"].to_string().contains("threads"),
        "{report:#}"
    );
    for same in [
        "{'b': [1, (2.5, None)], 'a': {3, 4}}",
        "'ü' * i",
        "b'x', 1 << 200",
        "frozenset('abc')",
    ] {
        let program = format!("def task(i):\n    return {same}");
        let report = answered(&python, &cell(&program, models));
        for row in rows(&report) {
            assert_eq!(row["agrees"], true, "{same}: {row:#}");
        }
    }
    for none in ["None", "object()", "[object()]"] {
        let program = format!("def task(i):\n    return {none}");
        let report = answered(&python, &cell(&program, models));
        for row in rows(&report) {
            assert!(row["agrees"].is_null(), "{none}: {row:#}");
            assert_eq!(row["tasks"]["succeeded"], 3, "{row:#}");
        }
    }
}

#[test]
fn what_tasks_print_is_shown_and_bounded() {
    let Some(python) = any_python() else { return };
    let models = "models = [\"sequential\", \"process-pool\", { model = \"process-pool\", start = \"spawn\", label = \"spawned\" }]";
    let report = answered(
        &python,
        &cell("def task(i):\n    print('so it is')", models),
    );
    for row in rows(&report) {
        // Two workers may print at once, the text and its end apart.
        assert!(told(row).matches("so it is").count() >= 2, "{row:#}");
    }
    let report = answered(
        &python,
        &cell("def task(i):\n    print('x' * 3_000_000)", models),
    );
    for row in rows(&report) {
        let told = told(row);
        assert!(told.contains("xxx") && told.len() < 5_000, "{told}");
    }
}

#[test]
fn an_endless_loop_is_stopped_by_its_time_and_by_an_interrupt() {
    let Some(python) = any_python() else { return };
    let endless = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
                   def task(i):\n    while True:\n        try:\n            while True: pass\n        \
                   except BaseException: pass";
    let (code, report) = on(
        &python,
        &cell(endless, &format!("{ALL}\ntrial_timeout = \"1s\"")),
    );
    assert_eq!(code, 1);
    for row in rows(&report) {
        assert_eq!(row["outcome"], "timeout", "{row:#}");
    }
    for model in ["threads", "async", "process-pool"] {
        let cell = cell(endless, &format!("models = [\"{model}\"]"));
        let mut run = Run::start_with(&cell, &["--json"], |command| {
            command.env("CONCLAB_PYTHON", &python);
        });
        // The warden's own child, which has become the interpreter.
        let harness = |run: &Run| {
            run.processes()
                .iter()
                .any(|(_, name)| name.ends_with("conclab_trial.py"))
        };
        while !harness(&run) {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
        let pid = run.child().id() as i32;
        signal(pid, libc::SIGINT);
        let (run, output) = run.end();
        assert_eq!(output.status.code(), Some(1));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(rows(&report)[0]["outcome"], "interrupted", "{report:#}");
        run.assert_gone();
    }
}
