//! Traces as files: by the rules of the Chrome trace event format, on traces built by hand and on real ones.

use crate::answers::Run;
use crate::session::Session;
use crate::simulator::{Lane, Simulation, turning, worker};
use crate::traced::of;
use conclab::lab;
use conclab::measure::trace::{Activity::*, Lag, Role, Trace};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

/// What breaks the rules of the format: each event has the fields of its phase, times are finite and not
/// negative, `b` and `e` of one id pair up like brackets, complete events of one thread nest, and whatever
/// has events has a name.
pub fn problems(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let file: Value = match serde_json::from_str(text) {
        Ok(file) => file,
        Err(error) => return vec![error.to_string()],
    };
    if !matches!(file["displayTimeUnit"].as_str(), Some("ms" | "ns")) {
        problems.push(format!("displayTimeUnit {}", file["displayTimeUnit"]));
    }
    let Some(events) = file["traceEvents"].as_array() else {
        return vec!["no traceEvents".to_owned()];
    };
    let (mut named, mut used) = (BTreeSet::new(), BTreeSet::new());
    let mut complete: BTreeMap<(u64, u64), Vec<(f64, f64)>> = BTreeMap::new();
    let mut open: BTreeMap<String, Vec<(String, f64)>> = BTreeMap::new();
    for event in events {
        let mut wrong = |why: &str| problems.push(format!("{why}: {event}"));
        let (Some(name), Some(phase)) = (event["name"].as_str(), event["ph"].as_str()) else {
            wrong("without name or phase");
            continue;
        };
        let (Some(pid), Some(tid)) = (event["pid"].as_u64(), event["tid"].as_u64()) else {
            wrong("without pid or tid");
            continue;
        };
        let time = |field: &str| {
            event[field]
                .as_f64()
                .filter(|us| us.is_finite() && *us >= 0.0)
        };
        let ts = time("ts");
        if phase != "M" && ts.is_none() {
            wrong("without a time");
            continue;
        }
        let ts = ts.unwrap_or(0.0);
        match phase {
            "M" => {
                let given = match name {
                    "process_name" | "thread_name" => event["args"]["name"].is_string(),
                    "process_sort_index" | "thread_sort_index" => {
                        event["args"]["sort_index"].is_u64()
                    }
                    _ => false,
                };
                if !given {
                    wrong("metadata without its argument");
                }
                match name {
                    "process_name" => drop(named.insert((pid, None))),
                    "thread_name" => drop(named.insert((pid, Some(tid)))),
                    _ => {}
                }
                continue;
            }
            "X" => {
                used.insert((pid, Some(tid)));
                match time("dur") {
                    Some(dur) => complete.entry((pid, tid)).or_default().push((ts, ts + dur)),
                    None => wrong("complete without a duration"),
                }
            }
            "b" | "e" => {
                let (Some(id), Some(cat)) = (event["id"].as_str(), event["cat"].as_str()) else {
                    wrong("asynchronous without id or category");
                    continue;
                };
                let stack = open.entry(format!("{cat} {id}")).or_default();
                if phase == "b" {
                    stack.push((name.to_owned(), ts));
                } else if !stack
                    .pop()
                    .is_some_and(|(known, at)| known == name && at <= ts)
                {
                    wrong("an end without its beginning");
                }
            }
            "C" => {
                let values = event["args"].as_object();
                let numbers = |values: &serde_json::Map<String, Value>| {
                    values
                        .values()
                        .all(|value| value.as_f64().is_some_and(f64::is_finite))
                };
                if !values.is_some_and(|values| !values.is_empty() && numbers(values)) {
                    wrong("a counter without numbers");
                }
            }
            _ => wrong("of an unknown phase"),
        }
        used.insert((pid, None));
    }
    problems.extend(
        used.difference(&named)
            .map(|who| format!("no name: {who:?}")),
    );
    problems.extend(
        open.iter()
            .filter(|(_, stack)| !stack.is_empty())
            .map(|(id, _)| format!("open: {id}")),
    );
    for (who, mut spans) in complete {
        spans.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
        let mut around: Vec<f64> = Vec::new();
        for (start, end) in spans {
            // Nanoseconds as fractions of microseconds are not exact.
            while around.last().is_some_and(|outer| *outer <= start + 1e-4) {
                around.pop();
            }
            if around.last().is_some_and(|outer| end > outer + 1e-4) {
                problems.push(format!("{who:?}: {start} to {end} overlaps"));
            }
            around.push(end);
        }
    }
    problems
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let folder = std::env::temp_dir().join(format!("conclab-traces-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Events of one phase, as "name@start".
fn names(text: &str, phase: &str) -> Vec<String> {
    let file: Value = serde_json::from_str(text).unwrap();
    let events = file["traceEvents"].as_array().unwrap().iter();
    let own = events.filter(|event| event["ph"] == phase);
    own.map(|event| match event["ts"].as_f64() {
        Some(ts) => format!("{}@{ts}", event["name"].as_str().unwrap()),
        None => event["args"]["name"].as_str().unwrap_or("").to_owned(),
    })
    .collect()
}

#[test]
fn the_rules_of_the_format_are_known_to_this_test() {
    let file = |events: &str| format!("{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[{events}]}}");
    let names = r#"{"name":"process_name","ph":"M","pid":1,"tid":0,"args":{"name":"p"}},
                   {"name":"thread_name","ph":"M","pid":1,"tid":1,"args":{"name":"t"}}"#;
    let x = |ts: f64, dur: f64| {
        format!(r#"{{"name":"a","ph":"X","pid":1,"tid":1,"ts":{ts},"dur":{dur}}}"#)
    };
    let pair = |ph: &str, name: &str| {
        format!(r#"{{"name":"{name}","ph":"{ph}","cat":"t","id":"1","pid":1,"tid":1,"ts":1}}"#)
    };
    let good = file(&[names, &x(0.0, 5.0), &x(1.0, 2.0), &x(5.0, 1.5)].join(","));
    assert_eq!(problems(&good), Vec::<String>::new());
    for (events, problem) in [
        ([names, &x(0.0, 5.0), &x(4.0, 2.0)].join(","), "overlaps"),
        (x(0.0, 5.0), "no name"),
        ([names, &x(-1.0, 5.0)].join(","), "without a time"),
        ([names, &pair("b", "a")].join(","), "open"),
        ([names, &pair("e", "a")].join(","), "an end without"),
        (
            [names, &pair("b", "a"), &pair("e", "b")].join(","),
            "an end without",
        ),
        (
            format!(r#"{names},{{"name":"c","ph":"C","pid":1,"tid":0,"ts":1,"args":{{}}}}"#),
            "without numbers",
        ),
        (
            format!(r#"{names},{{"name":"c","ph":"Q","pid":1,"tid":0,"ts":1}}"#),
            "unknown",
        ),
    ] {
        let found = problems(&file(&events));
        assert!(
            found.iter().any(|found| found.contains(problem)),
            "{problem}: {found:?}"
        );
    }
}

#[test]
fn every_row_is_a_process_every_worker_a_thread_and_tasks_of_a_loop_are_seen() {
    let threads = of(vec![
        worker(
            Role::Worker,
            1,
            0.5,
            &[(Starting, 1.0), (Computing, 7.25), (Lock, 2.0)],
        ),
        worker(Role::Worker, 2, 1.0, &[(Computing, 3.0)]),
    ]);
    let turns = [
        (Computing, 1.0, Some(0), Some(Waiting)),
        (Computing, 1.0, Some(1), Some(Lock)),
        (Idle, 3.0, None, None),
        (Computing, 1.0, Some(0), None),
        (Computing, 1.0, Some(1), None),
    ];
    let on_loop = Trace {
        lanes: vec![turning(Role::Loop, 1, 0.0, &turns)],
        lags: vec![Lag {
            due_ns: 4_000_000,
            late_ns: 250_000,
        }],
        ..Trace::default()
    };
    let with = |model, trace| Lane {
        traces: vec![trace],
        ..Lane::new(model, 20.0)
    };
    let lanes = vec![
        with("threads", threads),
        Lane::new("processes", 20.0),
        with("async", on_loop),
    ];
    let report = Simulation::of(lanes).report();
    assert!(!lab::has_no_trace(&report));
    let mut text = Vec::new();
    lab::write_trace(&report, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(problems(&text), Vec::<String>::new());
    let called: Vec<String> = names(&text, "M")
        .into_iter()
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(
        called,
        [
            "threads",
            "main thread",
            "worker 1",
            "worker 2",
            "async",
            "event loop 1"
        ]
    );
    let spans = names(&text, "X");
    assert_eq!(
        &spans[..5],
        [
            "joining@0",
            "starting@500",
            "computing@1500",
            "waiting for a lock@8750",
            "computing@1000"
        ]
    );
    assert_eq!(
        names(&text, "b"),
        [
            "task@0",
            "waiting@1000",
            "task@1000",
            "waiting for a lock@2000"
        ]
    );
    assert_eq!(
        names(&text, "e"),
        [
            "waiting@5000",
            "task@6000",
            "waiting for a lock@6000",
            "task@7000"
        ]
    );
    assert_eq!(names(&text, "C"), ["lag of the event loop (ms)@4000"]);
    let untraced = Simulation::of(vec![Lane::new("threads", 20.0)]).report();
    assert!(lab::has_no_trace(&untraced));
}

#[test]
fn a_cell_saves_what_its_workers_did() {
    let folder = Folder::new();
    let file = |name: &str| folder.0.join(name).to_string_lossy().into_owned();
    let mut session = Session::new();
    let cell = |more: &str| {
        format!(
            "task = [{{ cpu = \"2ms\" }}, {{ sleep = \"3ms\" }}]\ntasks = 4\nmodels = [\"sequential\", \"threads\", \
             \"async\"]\nrepeat = 3\n{more}"
        )
    };
    session
        .run(&cell(&format!("save = {:?}", file("trace.json"))))
        .unwrap();
    let text = fs::read_to_string(file("trace.json")).unwrap();
    assert_eq!(problems(&text), Vec::<String>::new());
    // The last answer again, alone in a cell.
    session
        .run(&format!("save = {:?}", file("again-trace.json")))
        .unwrap();
    assert_eq!(fs::read_to_string(file("again-trace.json")).unwrap(), text);
    // It is no answer.
    let trace = file("trace.json");
    let error = session
        .run(&format!("compare = [{trace:?}, {trace:?}]"))
        .unwrap_err();
    assert!(error.contains("is a trace"), "{error}");
    // An answer without one says how to get it.
    session.run(&cell("")).unwrap();
    let error = session
        .run(&format!("save = {:?}", file("no-trace.json")))
        .unwrap_err();
    assert!(
        error.contains("this answer has no trace") && error.contains("plot = [\"timeline\"]"),
        "{error}"
    );
    assert!(!folder.0.join("no-trace.json").exists());
}

#[test]
fn the_command_line_writes_a_trace_beside_the_answer() {
    let folder = Folder::new();
    let out = folder.0.join("out");
    let run = |cell: &str| {
        let (_, output) = Run::start(cell, &["--out", out.to_str().unwrap()]).end();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let cell = "task = { cpu = \"2ms\" }\ntasks = 4\nmodels = [\"threads\"]\nrepeat = 3\nplot = [\"wall\"]\n";
    run(cell);
    assert!(!out.join("trace.json").exists());
    let save = folder.0.join("my-trace.json");
    run(&format!("{cell}save = {save:?}\n"));
    let text = fs::read_to_string(out.join("trace.json")).unwrap();
    assert_eq!(problems(&text), Vec::<String>::new());
    assert_eq!(fs::read_to_string(save).unwrap(), text);
}
