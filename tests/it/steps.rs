//! Steps as cells write them: what they become, what is wrong with them, and what a machine refuses.

use conclab::experiment::{At, Experiment};
use conclab::host::{Limits, Machine};
use conclab::plan::{RowId, refusal};
use conclab::program::{Op, Statement, Value};
use conclab::spec::{Cell, Session, read};

fn experiment(cell: &str) -> Experiment {
    match read(cell, &Session::default()) {
        (Some(Cell::Experiment(experiment)), problems) if problems.is_empty() => *experiment,
        other => panic!("{cell}: {other:?}"),
    }
}

/// Operations of a task at each point.
fn ops(task: &str) -> Vec<Vec<Op>> {
    let experiment = experiment(&format!("task = {task}\ntasks = 2"));
    let points = experiment.points.into_iter();
    points
        .map(|mut point| point.program.groups.remove(0).ops)
        .collect()
}

#[test]
fn values_and_settings_become_operations() {
    let http = |time, status, bytes, reuse| Op::Http {
        time,
        status,
        bytes,
        reuse,
    };
    let (ms, number) = (Value::Const(1_000_000), Value::Const);
    let ok = || number(200);
    for (task, expected) in [
        (
            r#"{ http = "1ms" }"#,
            http(ms.clone(), ok(), number(0), false),
        ),
        (
            r#"{ http = { each = ["1ms", "2ms"] }, status = { each = [200, 503] }, bytes = { total = "3KiB" }, connection = "reuse" }"#,
            http(
                Value::Each(vec![1_000_000, 2_000_000]),
                Value::Each(vec![200, 503]),
                Value::Total(3072),
                true,
            ),
        ),
        (
            r#"{ http = "1ms..2ms", connection = "new" }"#,
            http(
                Value::Uniform {
                    low: 1_000_000,
                    high: 2_000_000,
                    stream: 1,
                },
                ok(),
                number(0),
                false,
            ),
        ),
        (
            r#"{ connection = "reuse", http = "https://example.org/a..b?c=1" }"#,
            Op::Fetch {
                url: "https://example.org/a..b?c=1".into(),
                reuse: true,
            },
        ),
        (
            r#"{ read = "1KiB" }"#,
            Op::Read {
                bytes: number(1024),
            },
        ),
        (
            r#"{ write = "1KiB", sync = true }"#,
            Op::Write {
                bytes: number(1024),
                sync: true,
            },
        ),
        (
            r#"{ query = "1ms" }"#,
            Op::Query {
                statement: Statement::Time(ms.clone()),
                database: None,
            },
        ),
        (
            r#"{ query = "  select 1; -- one", database = "postgres://me@host/data" }"#,
            Op::Query {
                statement: Statement::Sql("  select 1; -- one".into()),
                database: Some("postgres://me@host/data".into()),
            },
        ),
        (
            r#"{ run = ["sleep", ""] }"#,
            Op::Run {
                argv: vec!["sleep".into(), String::new()],
            },
        ),
        (
            "{ matmul = 50 }",
            Op::Compute {
                function: "matmul".into(),
                size: number(50),
            },
        ),
        (
            r#"{ hash = "1KiB", times = 3, label = "sum" }"#,
            Op::Group {
                ops: vec![Op::Compute {
                    function: "hash".into(),
                    size: number(1024),
                }],
                times: 3,
                lock: None,
                permit: None,
                label: "sum".into(),
            },
        ),
    ] {
        assert_eq!(ops(task), [[expected]], "{task}");
    }
}

#[test]
fn settings_can_be_swept_words_and_flags_too() {
    let cell = r#"
        task   = { http = "1ms", connection = { sweep = ["new", "reuse"] }, bytes = { sweep = ["1B", "1KiB"] } }
        models = ["threads"]"#;
    let points = experiment(cell).points;
    let at: Vec<Vec<String>> = points
        .iter()
        .map(|point| {
            point
                .at
                .iter()
                .map(|(key, at)| format!("{key} {at}"))
                .collect()
        })
        .collect();
    assert_eq!(
        at,
        [
            ["connection new", "bytes 1B"],
            ["connection new", "bytes 1KiB"],
            ["connection reuse", "bytes 1B"],
            ["connection reuse", "bytes 1KiB"],
        ]
    );
    assert!(matches!(
        points[3].program.groups[0].ops[0],
        Op::Http {
            bytes: Value::Const(1024),
            reuse: true,
            ..
        }
    ));
    let points = experiment(r#"task = { write = "1B", sync = { sweep = [false, true] } }"#).points;
    let swept: Vec<(&At, &Op)> = points
        .iter()
        .map(|point| (&point.at[0].1, &point.program.groups[0].ops[0]))
        .collect();
    let write = |sync| Op::Write {
        bytes: Value::Const(1),
        sync,
    };
    assert_eq!(
        swept,
        [
            (&At::Word("false".into()), &write(false)),
            (&At::Word("true".into()), &write(true)),
        ]
    );
}

#[test]
fn what_is_wrong_is_told_at_its_place_with_a_remedy() {
    // Task, the text that is pointed at, part of the message, part of the help.
    for (task, place, message, help) in [
        (
            r#"{ http = "fast" }"#,
            "\"fast\"",
            "a time or a URL",
            "\"100ms\"",
        ),
        (
            r#"{ http = "5 apples" }"#,
            "\"5 apples\"",
            "no unit of time",
            "\"5ms\"",
        ),
        (
            r#"{ http = "127.0.0.1:8000" }"#,
            "\"127.0.0.1:8000\"",
            "neither",
            "http://127.0.0.1:8000",
        ),
        (
            r#"{ http = "ftp://host/x" }"#,
            "\"ftp://host/x\"",
            "neither",
            "whole URL",
        ),
        (
            r#"{ http = "http://host:port/" }"#,
            "\"http://host:port/\"",
            "can't be requested",
            "whole URL",
        ),
        ("{ http = 50 }", "50", "no unit", "\"50ms\""),
        (
            r#"{ http = { each = ["1ms", "http://host/"] } }"#,
            "\"http://host/\"",
            "takes a time here",
            "the same for all",
        ),
        (
            r#"{ http = "1ms", status = 99 }"#,
            "99",
            "at least 200",
            "200",
        ),
        (
            r#"{ http = "1ms", status = "200" }"#,
            "\"200\"",
            "whole number",
            "status = 200",
        ),
        (r#"{ http = "1ms", bytes = 10 }"#, "10", "no unit", "KiB"),
        (
            r#"{ http = "1ms", connection = "reused" }"#,
            "\"reused\"",
            "\"new\" or \"reuse\"",
            "did you mean connection = \"reuse\"",
        ),
        (
            r#"{ http = "1ms", connection = ["new"] }"#,
            "[\"new\"]",
            "one value",
            "sweep = [\"new\"]",
        ),
        (
            r#"{ http = "http://host/", status = 404 }"#,
            "404",
            "own server decides",
            "leave `status` out",
        ),
        (
            r#"{ http = "1ms", statsu = 200 }"#,
            "statsu",
            "`http` has no setting `statsu`",
            "did you mean `status`",
        ),
        (
            r#"{ http = "1ms", time = 2 }"#,
            "time",
            "`http` has no setting",
            "`times`",
        ),
        (
            r#"{ http = "1ms", wibble = 2 }"#,
            "wibble",
            "`http` has no setting",
            "`status`, `bytes`, `connection`",
        ),
        (
            r#"{ cpu = "1ms", status = 404 }"#,
            "status",
            "a setting of `http`, and this step is `cpu`",
            "leave it out",
        ),
        (
            "{ status = 404 }",
            "status",
            "this step has no verb",
            "http",
        ),
        (
            "{ do = [{ cpu = \"1ms\" }], sync = true }",
            "sync",
            "a setting of `write`, and this step is `do`",
            "leave it out",
        ),
        (
            r#"{ slep = "1s" }"#,
            "slep",
            "no step `slep`",
            "did you mean `sleep`",
        ),
        (
            r#"{ write = "1KiB", sync = "yes" }"#,
            "\"yes\"",
            "true or false",
            "sync = true",
        ),
        (
            r#"{ query = "fast" }"#,
            "\"fast\"",
            "a time or SQL",
            "SELECT",
        ),
        (
            r#"{ query = "selct 1 + 1" }"#,
            "\"selct 1 + 1\"",
            "neither",
            "\"SELECT 1 + 1\"",
        ),
        (
            r#"{ query = "1 + 1" }"#,
            "\"1 + 1\"",
            "no unit of time",
            "\"1ms\"",
        ),
        ("{ query = 20 }", "20", "no unit", "\"20ms\""),
        (
            r#"{ query = "1ms", database = "mysql://host/x" }"#,
            "\"mysql://host/x\"",
            "postgres://",
            "or leave it out",
        ),
        (
            r#"{ run = "sleep 1" }"#,
            "\"sleep 1\"",
            "takes a list",
            "run = [\"sleep\", \"1\"]",
        ),
        (r#"{ run = ["sleep", 1] }"#, "1", "is none", "\"1\""),
        (r#"{ run = [] }"#, "[]", "takes a list", "run = ["),
        (r#"{ run = [""] }"#, "\"\"", "is empty", "sleep"),
        (r#"{ read = 100 }"#, "100", "no unit", "KiB"),
        ("{ fib = 1000 }", "1000", "at most 90", "zero too many"),
        (
            r#"{ fib = "30ms" }"#,
            "\"30ms\"",
            "whole number",
            "without a unit",
        ),
    ] {
        let cell = format!("task = {task}\n");
        let (read, problems) = read(&cell, &Session::default());
        assert!(
            read.is_none() && problems.len() == 1,
            "{task}: {problems:?}"
        );
        let problem = &problems[0];
        assert_eq!(&cell[problem.span.clone()], place, "{task}: {problem:?}");
        assert!(problem.message.contains(message), "{task}: {problem:?}");
        assert!(problem.help.contains(help), "{task}: {problem:?}");
    }
}

#[test]
fn what_a_machine_can_not_do_is_refused_before_it_starts() {
    let limits = Limits {
        threads_per_process: Some(10_000),
        tasks_left: Some(1_000),
        descriptors: Some(1_000),
        memory_available_bytes: Some(1 << 30),
    };
    let machine = Machine {
        usable_cpus: 4,
        ..Machine::default()
    };
    // What is refused on these models, and on which it may run.
    for (task, tasks, refused, runs) in [
        (
            r#"{ sort = 10_000_000 }"#,
            8,
            vec!["threads", "processes"],
            vec!["sequential", "async", "thread-pool"],
        ),
        (
            "{ matmul = 10_000 }",
            1,
            vec!["sequential", "async"],
            vec![],
        ),
        (
            r#"{ hash = "100GiB" }"#,
            8,
            vec![],
            vec!["threads", "async"],
        ),
        (
            r#"{ run = ["true"] }"#,
            600,
            vec!["processes"],
            vec!["sequential"],
        ),
        (
            r#"{ run = ["true"] }"#,
            200,
            vec!["async"],
            vec!["sequential", "thread-pool"],
        ),
        (
            r#"{ query = "1ms" }"#,
            600,
            vec!["threads", "async"],
            vec!["sequential", "thread-pool"],
        ),
        (
            r#"[{ http = "1ms", connection = "reuse" }, { read = "1B" }]"#,
            490,
            vec!["async"],
            vec!["sequential"],
        ),
        (
            r#"[{ http = "1ms", connection = "new" }, { read = "1B" }]"#,
            490,
            vec![],
            vec!["async", "sequential"],
        ),
        (
            r#"{ query = "1s" }"#,
            40,
            vec!["sequential"],
            vec!["async", "threads"],
        ),
        (
            r#"{ query = "14s" }"#,
            4,
            vec!["sequential"],
            vec!["threads"],
        ),
    ] {
        let names: Vec<&str> = refused.iter().chain(&runs).copied().collect();
        let cell = experiment(&format!(
            "task = {task}\ntasks = {tasks}\nmodels = {names:?}"
        ));
        for (series, name) in names.iter().enumerate() {
            let why = refusal(&cell, RowId { series, point: 0 }, &machine, &limits);
            assert_eq!(
                why.is_some(),
                refused.contains(name),
                "{task} on {name}: {why:?}"
            );
        }
    }
}
