//! Cells that ask what happened inside on real CPythons: what the answer tells of the author's own function must be what
//! that function does.
//!
//! To add one: a test that runs a cell with [`answered`] and reads `traced` of its rows. Traces span by span:
//! `python_traces`.

use crate::answers::row;
use crate::python::{answered, rows};
use crate::pythons::pythons;
use serde_json::Value;

/// Each task uses 30 ms of CPU time, as its own thread counts them, and then sleeps for three times as long.
const CELL: &str = "\
task = { python = '''
import time
def task(i):
    end = time.thread_time() + 0.03
    while time.thread_time() < end:
        pass
    time.sleep(0.09)
    return i
''' }
tasks = 4
runtime = \"python\"
models = [\"sequential\", \"threads\", \"thread-pool\", \"async\", \"processes\", \"process-pool\"]
workers = 2
repeat = 1
plot = [\"timeline\", \"breakdown\", \"lag\"]
check = [\"lag(async) > 80ms\", \"gil_wait(processes) < gil_wait(threads)\"]
";

fn part_ns(row: &Value, part: &str) -> u64 {
    let ns = row["traced"]["breakdown"]["parts_ns"][part].as_u64();
    ns.unwrap_or_else(|| panic!("{part}: {row:#}"))
}

#[test]
fn the_breakdown_of_an_own_function_is_what_it_does_on_every_model() {
    for python in pythons() {
        let report = answered(&python, CELL);
        for row in rows(&report) {
            let label = row["label"].as_str().unwrap();
            let breakdown = &row["traced"]["breakdown"];
            let parts = breakdown["parts_ns"].as_object().unwrap();
            let sum: u64 = parts.values().filter_map(Value::as_u64).sum();
            let whole =
                breakdown["workers"].as_u64().unwrap() * breakdown["wall_ns"].as_u64().unwrap();
            assert_eq!(sum, whole, "{label}");
            let computing_ns = part_ns(row, "computing_ns");
            // What it waits for keeps the event loop, and nobody else.
            let (waits, other) = match label.starts_with("async") {
                true => ("blocked_ns", "waiting_ns"),
                false => ("waiting_ns", "blocked_ns"),
            };
            let own_ns = 4 * 30_000_000;
            assert!(
                computing_ns >= own_ns * 8 / 10 && computing_ns <= own_ns * 15 / 10,
                "{label}: {breakdown:#}"
            );
            assert!(
                part_ns(row, waits) >= own_ns * 3 * 8 / 10,
                "{label}: {breakdown:#}"
            );
            assert!(part_ns(row, other) <= own_ns / 2, "{label}: {breakdown:#}");
        }
        let lag_ns = row(&report, "async")["traced"]["longest_lag_ns"].as_u64();
        assert!(lag_ns >= Some(80_000_000), "{lag_ns:?}");
    }
}
