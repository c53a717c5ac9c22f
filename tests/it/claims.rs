//! Claims from the cell to their result: what a cell's text means, and how simulated records judge it.

use crate::simulator::{Lane, Simulation, cpu_bound, sweep};
use conclab::analysis::{self, Check, CheckResult, GroupReport, Latency};
use conclab::analysis::{Report, Row, Summary, TaskCounts, Traced};
use conclab::claim::Claim;
use conclab::describe::MetricDef;
use conclab::diagnostic;
use conclab::experiment::{Experiment, TRACED_METRICS};
use conclab::measure::metrics::METRICS;
use conclab::render;
use conclab::spec::{self, Cell, Session};
use conclab::trial::{Kind, MemorySource, Outcome, Record};

/// An experiment with these models, swept over tasks, that claims.
fn cell(models: &[&str], tasks: &str, claims: &[&str]) -> String {
    format!("task = {{ cpu = \"1ms\" }}\ntasks = {tasks}\nmodels = {models:?}\ncheck = {claims:?}")
}

fn experiment(cell: &str) -> Experiment {
    match spec::read(cell, &Session::default()) {
        (Some(Cell::Experiment(experiment)), problems) if problems.is_empty() => *experiment,
        (_, problems) => panic!("{}", diagnostic::render(cell, &problems)),
    }
}

/// The simulation's own claims, read from a cell with the same rows and points.
fn claims(simulation: &Simulation, texts: &[&str]) -> Vec<Claim> {
    let models: Vec<&str> = simulation.lanes.iter().map(|lane| lane.model).collect();
    let tasks = match simulation.points.len() {
        1 => "8".to_owned(),
        _ => {
            let values = simulation.points.iter().map(|(_, at)| at[0].1.to_string());
            format!("[{}]", values.collect::<Vec<_>>().join(", "))
        }
    };
    experiment(&cell(&models, &tasks, texts)).checks
}

fn checks_of(simulation: &Simulation, texts: &[&str], records: &[Record]) -> Vec<Check> {
    let simulation = Simulation {
        checks: claims(simulation, texts),
        ..simulation.clone()
    };
    simulation.report_of(records).checks
}

fn checks(simulation: &Simulation, texts: &[&str]) -> Vec<Check> {
    checks_of(simulation, texts, &simulation.records())
}

/// The result of one claim, and why.
fn check(simulation: &Simulation, text: &str) -> (CheckResult, String) {
    let check = checks(simulation, &[text]).remove(0);
    assert_eq!(check.claim, text);
    (check.result, check.why)
}

#[track_caller]
fn assert_check(simulation: &Simulation, text: &str, result: CheckResult, why: &str) {
    let (got, said) = check(simulation, text);
    assert_eq!(got, result, "{text}: {said}");
    assert!(said.contains(why), "{text}: {said}");
}

use CheckResult::{Failed, NotClear, Ok as Holds};

#[test]
fn claims_about_times_follow_the_interval() {
    let simulation = cpu_bound();
    for (text, result, why) in [
        (
            "wall(threads) < wall(sequential)",
            Holds,
            "0.52× wall(sequential) (95 % interval 0.51–0.5",
        ),
        (
            "wall(sequential) < wall(threads)",
            Failed,
            "1.9× wall(threads) (95 % interval",
        ),
        (
            "wall(threads) < 0.6 * wall(sequential)",
            Holds,
            "ms against 4",
        ),
        ("wall(threads) < 0.4 * wall(sequential)", Failed, "0.52×"),
        ("wall(async) < wall(sequential)", NotClear, "×"),
        ("wall(async) == wall(sequential)", Holds, "×"),
        ("wall(threads) == wall(sequential)", Failed, "0.52×"),
        ("wall(threads) < 1s", Holds, " ms (95 % interval 2"),
        ("wall(threads) > 1s", Failed, " ms (95 % interval 2"),
        ("wall(threads) >= 0.208s", NotClear, " ms (95 % interval 20"),
        ("wall(threads) > 0", Holds, "in all 5 runs"),
        (
            "speedup(threads) > 1.5",
            Holds,
            "1.9× (95 % interval 1.9–2.0)",
        ),
        ("speedup(threads) > 2.5", Failed, "1.9×"),
        (
            "speedup(threads) > speedup(async)",
            Holds,
            "1.9× speedup(async)",
        ),
        ("efficiency(threads) < 0.5", Holds, "0.24"),
        (
            "cpu(threads) < 1.2 * cpu(sequential)",
            Holds,
            "1.01× cpu(sequential)",
        ),
        (
            "throughput(threads) > 20",
            Holds,
            " a second (95 % interval 38.1–39.0)",
        ),
        (
            "fastest == threads",
            Holds,
            "the time of processes, the nearest (95 % interval",
        ),
        (
            "fastest == processes",
            Failed,
            "threads, at 0.94× the time of processes",
        ),
        (
            "fastest == sequential",
            Failed,
            "threads, at 0.52× the time of sequential",
        ),
    ] {
        assert_check(&simulation, text, result, why);
    }
}

#[test]
fn memory_needs_every_reading_and_a_sampled_peak_is_only_a_lower_bound() {
    let simulation = cpu_bound();
    assert_check(
        &simulation,
        "memory(threads) < memory(processes)",
        Holds,
        "3.2 MiB against 12.4 MiB",
    );
    assert_check(&simulation, "memory(threads) > 64MiB", Failed, "3.2 MiB");
    let mut short = cpu_bound();
    short.lanes[2].samples = 2;
    // A peak that may be higher than was seen proves "more", never "less".
    assert_check(
        &short,
        "memory(processes) > 3 * memory(threads)",
        Holds,
        "12.4 MiB",
    );
    assert_check(&short, "memory(processes) < 64MiB", NotClear, "too short");
    assert_check(
        &short,
        "memory(processes) < 3 * memory(threads)",
        Failed,
        "12.4 MiB",
    );
    assert_check(
        &short,
        "memory(threads) > memory(processes)",
        Failed,
        "3.2 MiB",
    );
    short.lanes[2].source = MemorySource::HighWater;
    assert_check(&short, "memory(processes) < 64MiB", Holds, "12.4 MiB");
}

#[test]
fn counts_hold_in_every_run_and_any_run_proves_that_something_happens() {
    let lane = Lane {
        failed_tasks: 3,
        ..Lane::new("threads", 40.0)
    };
    let simulation = Simulation::of(vec![Lane::new("sequential", 100.0), lane]);
    for (text, result, why) in [
        ("failed(threads) == 3", Holds, "3 in all 5 runs"),
        ("failed(sequential) == 0", Holds, "0 in all 5 runs"),
        ("succeeded(sequential) == 8", Holds, "8 in all 5 runs"),
        ("succeeded(threads) == 8", Failed, "5 in all 5 runs"),
        (
            "succeeded(threads) < succeeded(sequential)",
            Holds,
            "5 against 8 of succeeded(sequential)",
        ),
        ("failed(threads) > 0", Holds, "3 in all 5 runs"),
        ("timed_out(threads) > 0", Failed, "0 in all 5 runs"),
        ("cancelled(threads) <= 0", Holds, "0 in all 5 runs"),
        (
            "switches(threads) == switches(sequential)",
            Holds,
            "13 against 13",
        ),
    ] {
        assert_check(&simulation, text, result, why);
    }
    // One run of five fails a task.
    let mut records = Simulation::of(vec![Lane::new("sequential", 100.0)]).records();
    let odd = records
        .iter_mut()
        .find(|r| r.kind == Kind::Timed && r.block == 3);
    odd.unwrap()
        .measurement
        .as_mut()
        .unwrap()
        .reply
        .tally
        .failed = 2;
    let simulation = Simulation::of(vec![Lane::new("sequential", 100.0)]);
    let texts = [
        "failed(sequential) > 0",
        "failed(sequential) == 0",
        "failed(sequential) > 1",
    ];
    let found = checks_of(&simulation, &texts, &records);
    let results: Vec<CheckResult> = found.iter().map(|check| check.result).collect();
    assert_eq!(results, [Holds, Failed, Failed], "{found:?}");
    assert_eq!(found[0].why, "0 to 2; so in 1 of 5 runs");
    assert_eq!(found[1].why, "0 to 2; so in 4 of 5 runs");
}

#[test]
fn rows_without_numbers_say_why() {
    let simulation = Simulation::of(vec![
        Lane::new("sequential", 100.0),
        Lane::new("threads", 1.0).fails_always(Outcome::Crashed, "it was ended by signal 11"),
        Lane::new("processes", 1.0).fails_always(Outcome::NotRun, "it needs too much"),
        Lane {
            fails: vec![(2, Outcome::Crashed, "it was ended by signal 9")],
            ..Lane::new("async", 50.0)
        },
    ]);
    for (text, result, why) in [
        (
            "wall(threads) < 1s",
            NotClear,
            "no numbers from threads: it was ended by signal 11",
        ),
        (
            "succeeded(threads) == 8",
            Failed,
            "no numbers from threads: it was ended by signal 11",
        ),
        (
            "succeeded(processes) == 8",
            NotClear,
            "no numbers from processes: it needs too much",
        ),
        (
            "memory(sequential) < memory(threads)",
            NotClear,
            "no numbers from threads",
        ),
        ("fastest == threads", NotClear, "no numbers from threads"),
        ("fastest == async", NotClear, "no numbers from"),
        (
            "wall(async) < wall(sequential)",
            Holds,
            "1 run ended without numbers: it was ended by signal 9",
        ),
        (
            "succeeded(async) == 8",
            Failed,
            "8 in all 4 runs; 1 run ended without numbers",
        ),
        (
            "lost(sequential) == 0",
            NotClear,
            "`lost` was not recorded for sequential",
        ),
    ] {
        assert_check(&simulation, text, result, why);
    }
    let wrong = Lane {
        answer: 8,
        ..Lane::new("threads", 20.0)
    };
    let right = |model| Lane::new(model, 100.0);
    let simulation = Simulation::of(vec![right("sequential"), wrong, right("async")]);
    assert_check(
        &simulation,
        "wall(threads) < 1s",
        NotClear,
        "threads's answer is wrong",
    );
    assert_check(
        &simulation,
        "fastest == threads",
        NotClear,
        "answer is wrong",
    );
    // It would have been faster than async, by computing something else.
    assert_check(
        &simulation,
        "fastest == async",
        NotClear,
        "the time of sequential",
    );
}

#[test]
fn a_row_that_timed_out_is_slower_than_what_ended() {
    let simulation = Simulation::of(vec![
        Lane::new("sequential", 1.0).fails_always(Outcome::Timeout, "it was still running"),
        Lane::new("threads", 50.0),
        Lane::new("async", 100.0),
    ]);
    assert_check(
        &simulation,
        "fastest == threads",
        Holds,
        "the time of async",
    );
}

#[test]
fn a_claim_holds_at_every_point_that_is_left() {
    let simulation = Simulation {
        noise: 0.002,
        ..sweep()
    };
    for (text, result, why) in [
        (
            "wall(process-pool) < wall(sequential)",
            Failed,
            "5.0× wall(sequential)",
        ),
        (
            "wall(process-pool) < wall(sequential)",
            Failed,
            "at tasks = 2; it failed at 2 of 4 points",
        ),
        (
            "wall(process-pool) < wall(sequential) when tasks >= 32",
            Holds,
            "at tasks = 32, the closest of 2 points",
        ),
        (
            "fastest == sequential when tasks < 32",
            Holds,
            "at tasks = 8, the closest of 2 points",
        ),
        (
            "fastest == process-pool when tasks == 128",
            Holds,
            "0.54× the time of sequential, the nearest",
        ),
        (
            "wall(process-pool, tasks = 2) < wall(sequential, tasks = 128)",
            Holds,
            "0.079× wall(sequential, tasks = 128)",
        ),
        (
            "failed(sequential) == 0",
            Holds,
            "0 in all 5 runs, at all 4 points",
        ),
        (
            "failed(sequential) > 0",
            Failed,
            "0 in all 5 runs, at all 4 points",
        ),
    ] {
        assert_check(&simulation, text, result, why);
    }
}

#[test]
fn too_few_runs_prove_nothing_about_times() {
    let simulation = Simulation {
        repeat: 2,
        ..cpu_bound()
    };
    assert_check(
        &simulation,
        "wall(threads) < wall(sequential)",
        NotClear,
        "from 2 runs alone: too few",
    );
    assert_check(
        &simulation,
        "speedup(threads) > 100",
        NotClear,
        "too few to tell",
    );
    assert_check(
        &simulation,
        "fastest == threads",
        NotClear,
        "too few runs to tell",
    );
    assert_check(
        &simulation,
        "succeeded(threads) == 8",
        Holds,
        "8 in all 2 runs",
    );
}

#[test]
fn a_difference_below_the_floor_is_not_clear() {
    let simulation = Simulation {
        noise: 0.0005,
        ..Simulation::of(vec![
            Lane::new("sequential", 100.0),
            Lane::new("async", 98.0),
        ])
    };
    assert_check(
        &simulation,
        "wall(async) < wall(sequential)",
        NotClear,
        "a difference below 3 %",
    );
    assert_check(
        &simulation,
        "fastest == async",
        NotClear,
        "0.98× the time of sequential",
    );
    // A factor is the author's own boundary.
    assert_check(
        &simulation,
        "wall(async) < 0.99 * wall(sequential)",
        Holds,
        "0.98×",
    );
}

/// Shares of 1,000 seeded experiments in which each claim comes out ok, and FAILED.
fn shares(texts: &[&str], experiment: impl Fn(u64) -> Simulation) -> Vec<(f64, f64)> {
    const RUNS: u64 = 1_000;
    let claims = claims(&experiment(1), texts);
    let mut shares = vec![(0.0, 0.0); texts.len()];
    for seed in 1..=RUNS {
        let simulation = Simulation {
            checks: claims.clone(),
            ..experiment(seed)
        };
        for (check, share) in simulation.report().checks.iter().zip(&mut shares) {
            match check.result {
                Holds => share.0 += 1.0 / RUNS as f64,
                Failed => share.1 += 1.0 / RUNS as f64,
                NotClear => {}
            }
        }
    }
    shares
}

/// At the boundary itself neither answer is right: each may come by chance alone, and rarely.
#[test]
fn claims_at_their_boundary_are_seldom_decided() {
    let texts = [
        "wall(threads) < wall(sequential)",
        "wall(processes) < 0.7 * wall(sequential)",
        "wall(processes) > 0.07s",
        "speedup(async) >= 2",
        // 5 % is where "equal" ends.
        "wall(thread-pool) == wall(sequential)",
    ];
    for noise in [0.01, 0.05, 0.15] {
        let lanes = [
            ("sequential", 100.0),
            ("threads", 100.0),
            ("processes", 70.0),
            ("async", 50.0),
            ("thread-pool", 105.0),
        ];
        let found = shares(&texts, |seed| Simulation {
            noise,
            seed,
            ..Simulation::of(
                lanes
                    .map(|(model, wall_ms)| Lane::new(model, wall_ms))
                    .to_vec(),
            )
        });
        for (text, (ok, failed)) in texts.iter().zip(found) {
            assert!(ok <= 0.035, "{text} at noise {noise}: ok {ok}");
            // "Not equal" has two sides.
            let most = if text.contains("==") { 0.055 } else { 0.035 };
            assert!(failed <= most, "{text} at noise {noise}: FAILED {failed}");
        }
    }
}

/// Many questions in one claim must not add up to false failures.
#[test]
fn many_points_do_not_fail_a_claim_by_chance() {
    let eight = |seed| {
        let points = (1..=8u64).map(|tasks| {
            (
                None,
                vec![("tasks".to_owned(), conclab::experiment::At::Count(tasks))],
            )
        });
        Simulation {
            noise: 0.05,
            seed,
            points: points.collect(),
            ..Simulation::of(vec![
                Lane::new("sequential", 100.0),
                Lane::new("async", 70.0),
            ])
        }
    };
    let (_, failed) = shares(&["wall(async) < 0.7 * wall(sequential)"], eight)[0];
    assert!(failed <= 0.05, "FAILED {failed}");
    let same = |seed| {
        let lanes = ["sequential", "threads", "processes", "async"];
        Simulation {
            noise: 0.05,
            seed,
            ..Simulation::of(lanes.map(|model| Lane::new(model, 100.0)).to_vec())
        }
    };
    let (ok, failed) = shares(&["fastest == threads"], same)[0];
    assert!(ok <= 0.01 && failed <= 0.05, "ok {ok}, FAILED {failed}");
}

#[test]
fn true_claims_are_found() {
    let (ok, failed) = shares(&["wall(threads) < 0.7 * wall(sequential)"], |seed| {
        Simulation {
            noise: 0.03,
            seed,
            ..cpu_bound()
        }
    })[0];
    assert!(ok >= 0.99 && failed == 0.0, "ok {ok}, FAILED {failed}");
}

/// A report with claims of every result.
fn claiming() -> Report {
    let simulation = cpu_bound();
    let texts = [
        "wall(threads) < 0.7 * wall(sequential)",
        "fastest == async",
        "wall(async) < wall(sequential)",
        "memory(threads) < memory(processes)",
    ];
    let guesses = [
        "speedup(threads) > 1.5",
        "speedup(async) > 1.5",
        "wall(async) < wall(sequential)",
    ];
    Simulation {
        checks: claims(&simulation, &texts),
        predictions: claims(&simulation, &guesses),
        ..simulation
    }
    .report()
}

#[test]
fn claims_are_shown_in_every_form_and_the_stream_has_no_numbers() {
    let report = claiming();
    assert_eq!(
        render::checks_text(&report),
        "ok         wall(threads) < 0.7 * wall(sequential)\n\
         FAILED     fastest == async\n\
         not clear  wall(async) < wall(sequential)\n\
         ok         memory(threads) < memory(processes)\n"
    );
    let bundle = render::claims_bundle(&report).unwrap();
    let forms: Vec<String> = bundle
        .data
        .iter()
        .map(|(mime, text)| format!("=== {mime}\n{}", text.as_str().unwrap()))
        .collect();
    insta::assert_snapshot!("claims", forms.join("\n"));
    assert!(!forms.concat().contains(['✓', '✗', '✔', '✘']));
    let terminal = render::terminal(&report);
    assert!(
        terminal.contains("FAILED     fastest == async\n"),
        "{terminal}"
    );
    assert!(
        terminal.contains("speedup(threads) > 1.5\": yes, 1.9×"),
        "{terminal}"
    );
    assert!(
        terminal.contains("speedup(async) > 1.5\": no, it was "),
        "{terminal}"
    );
    assert_eq!(render::claims_bundle(&cpu_bound().report()), None);
    let json: serde_json::Value = serde_json::from_str(&render::json(&report)).unwrap();
    assert_eq!(json["checks"][1]["result"], "FAILED");
    assert_eq!(json["checks"][2]["result"], "not clear");
    assert_eq!(json["predictions"][0]["claim"], "speedup(threads) > 1.5");
}

/// The simulation's claims by rows that `change` has filled in.
fn by_rows(simulation: &Simulation, texts: &[&str], change: impl Fn(&mut Row)) -> Vec<Check> {
    let mut rows = simulation.report().rows;
    rows.iter_mut().for_each(change);
    let claims = claims(simulation, texts);
    analysis::checks(
        &claims,
        &simulation.experiment(),
        &simulation.records(),
        &rows,
    )
}

fn latency(median_ms: f64, p95_ms: f64) -> GroupReport {
    GroupReport {
        name: String::new(),
        tasks: TaskCounts::default(),
        latency_ns: Some(Latency {
            medians: Vec::new(),
            median: median_ms * 1e6,
            p95: p95_ms * 1e6,
            max: p95_ms * 2e6,
            quantiles: Vec::new(),
        }),
    }
}

#[test]
fn latencies_are_single_readings_that_must_differ_clearly() {
    let texts = [
        "latency(threads) < latency(sequential)",
        "latency(sequential) < latency(threads)",
        "latency(threads) < 20ms",
        "p95(threads) < 12.2ms",
        "p95(threads) == 12ms",
        "p95(threads) > 2 * latency(threads)",
        "latency(async) < 1s",
    ];
    let found = by_rows(&cpu_bound(), &texts, |row| match row.label.as_str() {
        "threads" => row.groups = vec![latency(10.0, 12.0)],
        "sequential" => row.groups = vec![latency(50.0, 60.0)],
        _ => {}
    });
    let results: Vec<(CheckResult, &str)> = found
        .iter()
        .map(|check| (check.result, check.why.as_str()))
        .collect();
    assert_eq!(
        results,
        [
            (Holds, "10 ms against 50 ms of latency(sequential)"),
            (Failed, "50 ms against 10 ms of latency(threads)"),
            (Holds, "10 ms"),
            (NotClear, "12 ms: too close for a single reading"),
            (Holds, "12 ms"),
            (Failed, "12 ms against 10 ms of latency(threads)"),
            (NotClear, "`latency` was not recorded for async"),
        ]
    );
}

#[test]
fn lost_updates_are_counted_in_every_run() {
    let texts = [
        "lost(threads) > 0",
        "lost(threads) == 0",
        "lost(sequential) == 0",
        "lost(threads) >= lost(sequential)",
    ];
    let found = by_rows(&cpu_bound(), &texts, |row| {
        let samples = match row.label.as_str() {
            "threads" => vec![0.0, 0.0, 1_200.0],
            _ => vec![0.0; 3],
        };
        row.lost = Some(Summary {
            median: 0.0,
            min: 0.0,
            max: samples[2],
            interval: None,
            samples,
        });
    });
    let results: Vec<(CheckResult, &str)> = found
        .iter()
        .map(|check| (check.result, check.why.as_str()))
        .collect();
    assert_eq!(
        results,
        [
            (Holds, "0 to 1,200; so in 1 of 3 runs"),
            (Failed, "0 to 1,200; so in 2 of 3 runs"),
            (Holds, "0 in all 3 runs"),
            (
                Holds,
                "0 to 1,200 against 0 of lost(sequential) in all 3 runs"
            ),
        ]
    );
}

/// In the order of the table.
fn a_claim_of_every_metric() -> Vec<String> {
    let claim = |def: &MetricDef| match def.name {
        "lag" => "lag(async) >= 0".to_owned(),
        name => format!("{name}(threads) >= 0"),
    };
    METRICS.iter().map(claim).collect()
}

#[test]
fn every_metric_can_be_read() {
    let texts = a_claim_of_every_metric();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let found = by_rows(&cpu_bound(), &texts, |row| {
        row.groups = vec![latency(1.0, 2.0)];
        row.lost = row.wall_ns.clone();
        row.traced = Some(Traced {
            longest_lag_ns: Some(1),
            lock_wait_ns: Some(2),
            gil_wait_ns: Some(0),
            start_up_ns: Some(4),
            ..Traced::default()
        });
    });
    for check in found {
        assert_eq!(check.result, Holds, "{check:?}");
    }
}

#[test]
fn metrics_of_a_traced_run_are_those_for_which_one_is_made() {
    let texts = a_claim_of_every_metric();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let found = by_rows(&cpu_bound(), &texts, |row| {
        row.groups = vec![latency(1.0, 2.0)];
        row.lost = row.wall_ns.clone();
    });
    for (def, check) in METRICS.iter().zip(found) {
        let traced = TRACED_METRICS.contains(&def.name);
        assert_eq!(check.result == NotClear, traced, "{check:?}");
        assert_eq!(def.doc.contains("traced run"), traced, "{}", def.name);
        let model = if def.name == "lag" {
            "async"
        } else {
            "sequential"
        };
        let claim = format!("{}({model}) >= 0", def.name);
        let asked = experiment(&cell(&["sequential", "async"], "8", &[&claim]));
        assert_eq!(asked.wants_trace(), traced, "{claim}");
    }
    for name in TRACED_METRICS {
        assert!(METRICS.iter().any(|def| def.name == *name), "{name}");
    }
}

#[test]
fn what_a_traced_run_tells_is_a_single_reading() {
    let texts = [
        "lag(async) < 20ms",
        "lag(async) > 20ms",
        "lock_wait(threads) < lock_wait(sequential)",
        "lock_wait(sequential) == 0",
        "lock_wait(sequential) <= lock_wait(async)",
        "lock_wait(sequential) < lock_wait(async)",
        "gil_wait(threads) < 1s",
        "start_up(async) < 3ms",
    ];
    let found = by_rows(&cpu_bound(), &texts, |row| {
        let on_loop = row.label == "async";
        row.traced = Some(Traced {
            longest_lag_ns: on_loop.then_some(7_000_000),
            lock_wait_ns: Some(if row.label == "threads" { 50_000 } else { 0 }),
            gil_wait_ns: None,
            start_up_ns: Some(2_000_000),
            ..Traced::default()
        });
    });
    let results: Vec<(CheckResult, &str)> = found
        .iter()
        .map(|check| (check.result, check.why.as_str()))
        .collect();
    assert_eq!(
        results,
        [
            (Holds, "7 ms"),
            (Failed, "7 ms"),
            (Failed, "50 µs against 0 ns of lock_wait(sequential)"),
            (Holds, "0 ns"),
            (Holds, "0 ns against 0 ns of lock_wait(async)"),
            (Failed, "0 ns against 0 ns of lock_wait(async)"),
            (
                NotClear,
                "waits for the GIL could not be told from other waits of threads"
            ),
            (Holds, "2 ms"),
        ]
    );
}

#[test]
fn what_a_traced_run_does_not_tell_is_said_and_proves_nothing() {
    let texts = [
        "lag(async) < 1s",
        "gil_wait(threads) > 1ms",
        "start_up(threads) < 1s",
    ];
    let found = by_rows(&cpu_bound(), &texts, |row| {
        row.traced = Some(Traced {
            gil_wait_ns: Some(0),
            start_up_ns: Some(1),
            ..Traced::default()
        });
        if row.label == "threads" {
            row.runtime = "native".to_owned();
        }
    });
    assert_eq!(found[0].result, NotClear);
    assert!(
        found[0]
            .why
            .contains("over before its event loop's first timer"),
        "{found:?}"
    );
    assert_eq!(found[1].result, Failed);
    assert!(found[1].why.contains("has no GIL to wait for"), "{found:?}");
    assert_eq!(found[2].result, Holds);
    // The trace of a row that gave no numbers is no answer.
    let found = by_rows(&cpu_bound(), &texts[2..], |row| {
        row.wall_ns = None;
        row.outcome = Outcome::NotRun;
        row.why = Some("the budget is used up".to_owned());
        row.traced = Some(Traced {
            start_up_ns: Some(1),
            ..Traced::default()
        });
    });
    assert_eq!(found[0].result, NotClear);
    assert!(found[0].why.contains("the budget is used up"), "{found:?}");
}

#[test]
fn locks_of_the_authors_own_code_are_not_seen_and_no_proof_of_none() {
    let cell = "task = { python = 'def task(i): return i' }\nmodels = [\"sequential\"]\ncheck = [\"lock_wait(sequential) \
                < 1ms\", \"lock_wait(sequential) > 1ms\", \"lock_wait(sequential) < 50ns\"]";
    let experiment = experiment(cell);
    let mut rows = analysis::report(&experiment, &[], &Default::default(), false).rows;
    let measured = cpu_bound().report().rows.remove(0);
    rows[0].wall_ns = measured.wall_ns;
    rows[0].outcome = Outcome::Ok;
    rows[0].traced = Some(Traced {
        lock_wait_ns: Some(100),
        ..Traced::default()
    });
    let found = analysis::checks(&experiment.checks, &experiment, &[], &rows);
    // What is seen can refute, not prove.
    let results: Vec<CheckResult> = found.iter().map(|check| check.result).collect();
    assert_eq!(results, [NotClear, NotClear, Failed]);
    assert!(
        found[0].why.contains("only those that the cell declares"),
        "{found:?}"
    );
}

#[test]
fn groups_are_a_map_by_name_in_json() {
    let mut report = cpu_bound().report();
    report.rows[0].groups = vec![GroupReport {
        name: "I/O".into(),
        ..latency(1.0, 2.0)
    }];
    let json: serde_json::Value = serde_json::from_str(&render::json(&report)).unwrap();
    assert_eq!(json["rows"][0]["groups"]["I/O"]["latency_ns"]["p95"], 2e6);
}

/// Problems of a claim: each with the text that its caret marks.
fn problems(claim: &str) -> Vec<(String, String, String)> {
    let models = "[\"sequential\", \"threads\", { model = \"thread-pool\", label = \"pool of 2\", \
                  workers = 2 }, { model = \"thread-pool\", label = \"pool of 3\", workers = 3 }]";
    let cell = format!(
        "task = {{ cpu = \"1ms\" }}\ntasks = [2, 8]\nmodels = {models}\ncheck = [{claim:?}, 'wall(threads) > 0']"
    );
    let (_, problems) = spec::read(&cell, &Session::default());
    let told = problems.into_iter();
    told.map(|problem| (cell[problem.span].to_owned(), problem.message, problem.help))
        .collect()
}

#[test]
fn claims_that_mean_nothing_in_this_cell_are_refused_inside_their_text() {
    for (claim, marked, message, help) in [
        (
            "wal(threads) < 1s",
            "wal",
            "there is no metric `wal`",
            "did you mean `wall`?",
        ),
        (
            "time(threads) < 1s",
            "time",
            "no metric",
            "did you mean `wall`?",
        ),
        (
            "queue(threads) < 1",
            "queue",
            "not in this version of conclab yet",
            "it measures wall",
        ),
        ("wall(threads) < 5", "5", "`wall` is a time", "5ms or 5s"),
        ("wall(threads) < 5MiB", "5MiB", "`wall` is a time", "50ms"),
        ("memory(threads) < 5", "5", "`memory` is a size", "5MiB"),
        ("speedup(threads) > 1s", "1s", "a ratio", "1.5"),
        ("failed(threads) > 1s", "1s", "a count", "without a unit"),
        (
            "wall(threads) < memory(threads)",
            "memory(threads)",
            "can't be compared",
            "wall(threads)",
        ),
        (
            "speedup(threads) > failed(threads)",
            "failed(threads)",
            "can't be compared",
            "speedup",
        ),
        (
            "wall(treads) < 1s",
            "treads",
            "there is no row `treads`",
            "did you mean threads?",
        ),
        (
            "wall(async) < 1s",
            "async",
            "not among this cell's models",
            "add it to `models`",
        ),
        (
            "wall(nothing) < 1s",
            "nothing",
            "there is no row",
            "'pool of 2'",
        ),
        (
            "wall(thread-pool) < 1s",
            "thread-pool",
            "several rows",
            "'pool of 2' or 'pool of 3'",
        ),
        (
            "wall(\"pool of 4\") < 1s",
            "\\\"pool of 4\\\"",
            "there is no row",
            "'pool of 2'?",
        ),
        (
            "fastest == nobody",
            "nobody",
            "there is no row",
            "the rows are",
        ),
        (
            "wall(threads) < 1s when tasks > 8",
            "tasks > 8",
            "leaves none of the 2 points",
            "loosen",
        ),
        (
            "wall(threads) < 1s when tasks == 5",
            "5",
            "never 5 in this cell",
            "2, 8",
        ),
        (
            "wall(threads) < 1s when tasks == 5ms",
            "5ms",
            "is a whole number",
            "2, 8",
        ),
        (
            "wall(threads) < 1s when taks == 8",
            "taks",
            "is not swept here",
            "did you mean `tasks`?",
        ),
        (
            "wall(threads) < 1s when workers == 8",
            "workers",
            "not swept here",
            "varies tasks",
        ),
        (
            "wall(threads) < 1s when case == x",
            "case",
            "has no cases",
            "leave",
        ),
        (
            "wall(threads) < 1s when group == x",
            "group",
            "belongs to a metric",
            "parentheses",
        ),
        (
            "wall(threads, group = x) < 1s",
            "group",
            "`latency` and `p95`",
            "leave it out",
        ),
        (
            "latency(threads, group = x) < 1s",
            "x",
            "has no groups",
            "latency(threads)",
        ),
        ("wall(threads, tasks = 3) < 1s", "3", "never 3", "2, 8"),
        (
            "wall(threads) = 1s",
            "=",
            "a comparison belongs here",
            "`==`",
        ),
    ] {
        let problems = problems(claim);
        let [(place, said, remedy)] = problems.as_slice() else {
            panic!("{claim}: {problems:?}");
        };
        assert_eq!(place, marked, "{claim}: {said}");
        assert!(said.contains(message), "{claim}: {said}");
        assert!(remedy.contains(help), "{claim}: {remedy}");
    }
    assert_eq!(problems("wall('pool of 2') < 1s when tasks >= 8"), []);
}

#[test]
fn places_stay_right_behind_escapes_and_in_long_strings() {
    for (text, column) in [
        (r#"check = "wall(\"threads\") < oops""#, 30),
        (r#"check = "wall(\u0022threads\u0022) < oops""#, 38),
        (r#"check = 'wall("threads") < oops'"#, 28),
        ("check = '''\nwall(threads) < oops'''", 17),
        ("check = \"\"\"wall(threads) < \\\n   oops\"\"\"", 4),
    ] {
        let cell = format!("task = {{ cpu = \"1ms\" }}\nmodels = [\"threads\"]\n{text}");
        let (_, problems) = spec::read(&cell, &Session::default());
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(&cell[problems[0].span.clone()], "oops", "{text}");
        assert_eq!(problems[0].located(&cell).column, column, "{text}");
    }
}

#[test]
fn speedup_needs_sequential_and_a_race_needs_two() {
    for (claim, message) in [
        ("speedup(threads) > 1", "against sequential"),
        ("efficiency(threads) > 1", "against sequential"),
        ("fastest == threads", "only one row"),
    ] {
        let cell = cell(&["threads"], "2", &[claim]);
        let (_, problems) = spec::read(&cell, &Session::default());
        assert_eq!(problems.len(), 1, "{claim}: {problems:?}");
        assert!(problems[0].message.contains(message), "{problems:?}");
    }
}

#[test]
fn one_claim_needs_no_list_and_defaults_can_hold_claims() {
    let text = "task = { cpu = \"1ms\" }\npredict = \"wall(threads)  <  1s\"";
    let found = experiment(text);
    assert_eq!(found.predictions.len(), 1);
    assert_eq!(found.predictions[0].text, "wall(threads) < 1s");
    assert!(!found.wants_latencies());
    let found = experiment("task = { cpu = \"1ms\" }\npredict = \"p95(threads) < 1s\"");
    assert!(found.wants_latencies());
    let wrong = spec::read("check = \"wall(threads) <\"", &Session::default()).1;
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    let (cell, problems) = spec::read("check = [\"wall(threads) < 1s\"]", &Session::default());
    let (Some(Cell::Defaults(defaults)), []) = (cell, problems.as_slice()) else {
        panic!("{problems:?}")
    };
    let session = Session {
        defaults,
        ..Session::default()
    };
    let Some(Cell::Experiment(experiment)) = spec::read("task = { cpu = \"1ms\" }", &session).0
    else {
        panic!("an experiment")
    };
    assert_eq!(experiment.checks.len(), 1);
    // In a cell without threads the default doesn't fit, which is told as what it is.
    let cell = "task = { cpu = \"1ms\" }\nmodels = [\"async\"]";
    let problems = spec::read(cell, &session).1;
    assert!(
        problems[0]
            .message
            .starts_with("in an earlier cell of defaults: `threads`"),
        "{problems:?}"
    );
}
