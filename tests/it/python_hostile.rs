//! The author's own Python that means harm: each of its rows is calm, and the others run.
//!
//! To add one: a row of [`HOSTILE`].

use crate::answers::row;
use crate::python::{any_python, on, rows};
use crate::python_step::{cell, told};
use crate::pythons::{newest, pythons};
use std::path::Path;

/// A row's outcome, and some of its words.
type Told = (&'static str, &'static str);

/// What tasks do to their process; outcome and words of `sequential` and of `process-pool`.
const HOSTILE: &[(&str, Told, Told)] = &[
    (
        "import sys\ndef task(i): sys.exit(3)",
        ("ok", "SystemExit: 3"),
        ("ok", "SystemExit: 3"),
    ),
    (
        "import os\ndef task(i): os._exit(0)",
        ("crashed", "something that it ran has ended its process"),
        (
            "failed",
            "ended with exit code 0 before its tasks were done",
        ),
    ),
    (
        "import os\ndef task(i): os._exit(7)",
        ("crashed", "it ended with exit code 7"),
        (
            "failed",
            "ended with exit code 7 before its tasks were done",
        ),
    ),
    (
        "import os, signal\ndef task(i): os.kill(os.getpid(), signal.SIGKILL)",
        ("crashed", "SIGKILL"),
        ("failed", "was killed by signal 9"),
    ),
    (
        "import ctypes\ndef task(i): ctypes.string_at(0)",
        ("crashed", "a segmentation fault (SIGSEGV)"),
        ("failed", "was killed by signal 11"),
    ),
    (
        "def task(i): return task(i)",
        ("ok", "RecursionError"),
        ("ok", "RecursionError"),
    ),
    (
        "def task(i): raise KeyboardInterrupt",
        ("ok", "KeyboardInterrupt"),
        ("ok", "KeyboardInterrupt"),
    ),
    (
        "import shutil, os\ndef task(i): shutil.rmtree(os.getcwd(), ignore_errors=True)",
        ("ok", ""),
        ("ok", ""),
    ),
    (
        "import os\ndef task(i): os.close(3)",
        ("crashed", "something closed descriptor 3"),
        ("ok", ""),
    ),
    (
        "import os\ndef task(i): os.write(3, b'hello')",
        ("crashed", "something else was written to descriptor 3"),
        ("crashed", "something else was written to descriptor 3"),
    ),
    (
        "import os\ndef task(i): os.close(0), os.close(1), os.close(2)",
        ("ok", ""),
        ("ok", ""),
    ),
    (
        "from threading import Thread\nimport time\n\
         def task(i): Thread(target=time.sleep, args=(1000,), daemon=i > 0).start()",
        ("ok", ""),
        ("ok", ""),
    ),
    (
        "import subprocess\ndef task(i): subprocess.Popen(['sleep', '1007'], start_new_session=True)",
        ("ok", ""),
        ("ok", ""),
    ),
    (
        "import os, time\ndef task(i):\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(1000)",
        ("ok", ""),
        ("ok", ""),
    ),
    (
        "import time, os, json, threading\ndef task(i):\n    \
         time.perf_counter_ns = time.monotonic = time.perf_counter = time.time = lambda: 0\n    \
         os.environ.clear()\n    json.loads = None",
        ("ok", ""),
        ("ok", ""),
    ),
    (
        "import resource\ndef task(i):\n    resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))\n    open('x', 'w')",
        ("crashed", "Too many open files"),
        ("ok", "Too many open files"),
    ),
    (
        "class Odd(Exception):\n    def __str__(self): raise Odd\ndef task(i): raise Odd",
        ("ok", "Odd"),
        ("ok", "Odd"),
    ),
    (
        "def task(i): raise ValueError('\\udcff')",
        ("ok", "ValueError: "),
        ("ok", "ValueError: "),
    ),
    (
        "import sys\ndef task(i): sys.stdout = None",
        ("ok", ""),
        ("ok", ""),
    ),
    (
        "def task(i): yield i",
        ("failed", "is a generator, of which a call runs nothing"),
        ("failed", "is a generator, of which a call runs nothing"),
    ),
    (
        "def refuse(): raise ValueError('never again')\nclass Odd:\n    def __reduce__(self): return refuse, ()\n\
         def task(i): return Odd()",
        ("ok", ""),
        ("failed", "can't be unpickled"),
    ),
];

#[test]
fn a_task_that_forks_leaves_one_answer_and_no_process() {
    let Some(python) = any_python() else { return };
    let program = "import os\ndef task(i):\n    os.fork()\n    return 2 ** 20000 + i";
    let models = "models = [\"sequential\"]\ntrial_timeout = \"20s\"";
    let (_, report) = on(&python, &cell(program, models));
    let row = &rows(&report)[0];
    assert_eq!(
        (&row["outcome"], &row["tasks"]["succeeded"]),
        (&"ok".into(), &3.into()),
        "{row:#}"
    );
}

#[test]
fn results_in_sets_are_the_same_in_every_process() {
    let Some(python) = any_python() else { return };
    let program = "from collections import deque\nfrom dataclasses import dataclass\n\n@dataclass\nclass Found:\n    \
                   words: set\n\ndef task(i):\n    \
                   return deque([Found({'one', 'two', 'three', 'four'})])";
    let models = "models = [\"sequential\", { model = \"process-pool\", start = \"spawn\" }]";
    let (_, report) = on(&python, &cell(program, models));
    for row in rows(&report) {
        assert_eq!(row["agrees"], true, "{row:#}");
    }
}

#[test]
fn semaphores_of_pools_that_were_killed_are_removed() {
    let Some(python) = any_python() else { return };
    let file = std::env::temp_dir().join(format!("conclab-test-{}", uuid::Uuid::new_v4()));
    let program = format!(
        "import os\nopen({file:?}, 'w').write(os.getcwd())\ndef task(i):\n    while True: pass"
    );
    let models =
        "models = [{ model = \"process-pool\", start = \"spawn\" }]\ntrial_timeout = \"3s\"";
    let (_, report) = on(&python, &cell(&program, models));
    assert_eq!(rows(&report)[0]["outcome"], "timeout", "{report:#}");
    // The trial worked in SESSION/trial-N, and so are its semaphores named.
    let folder = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let session = Path::new(&folder).parent().unwrap().file_name().unwrap();
    let session = session.to_str().unwrap();
    assert!(session.starts_with("conclab-"), "{folder}");
    let names = std::fs::read_dir("/dev/shm")
        .into_iter()
        .flatten()
        .flatten();
    let left: Vec<String> = names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(session))
        .collect();
    assert_eq!(left, [] as [String; 0]);
}

#[test]
fn what_tasks_do_to_their_process_is_a_calm_row_and_others_run() {
    let pythons = pythons();
    for python in pythons
        .first()
        .into_iter()
        .chain(newest(&pythons).map(Path::to_owned).as_ref())
    {
        for (program, sequential, pool) in HOSTILE {
            let (_, report) = on(
                python,
                &cell(
                    program,
                    "models = [\"sequential\", { model = \"process-pool\", start = \"fork\" }, \"sequential@native\"]\ntrial_timeout = \"20s\"",
                ),
            );
            for (label, (outcome, words)) in [
                ("sequential@python", sequential),
                ("process-pool@python", pool),
            ] {
                let row = row(&report, label);
                assert_eq!(row["outcome"], *outcome, "{program}: {row:#}");
                let told = told(row);
                assert!(told.contains(words), "{program}: {told}");
                assert!(
                    told.len() < 5_000 && !told.contains("conclab_run"),
                    "{program}: {told}"
                );
            }
            assert_eq!(row(&report, "sequential@native")["outcome"], "unsupported");
        }
    }
}

#[test]
fn a_flood_of_prints_ends_with_its_time_and_keeps_nothing_waiting() {
    let Some(python) = any_python() else { return };
    let flood = "import os\ndef task(i):\n    while True: os.write(1, b'x' * 1_000_000)";
    let (code, report) = on(
        &python,
        &cell(
            flood,
            "models = [\"threads\", \"process-pool\"]\ntrial_timeout = \"1s\"",
        ),
    );
    assert_eq!(code, 1);
    for row in rows(&report) {
        assert_eq!(row["outcome"], "timeout", "{row:#}");
        assert!(told(row).len() < 2_000, "{row:#}");
    }
}
