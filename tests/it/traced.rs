//! What an answer says of traced runs, on traces built by hand: what limited each row, columns, claims, the
//! cost of observing.

use crate::simulator::{Lane, Simulation, turning, worker};
use conclab::analysis::{Part, Report};
use conclab::lab::{Lab, Options};
use conclab::measure::trace::{self, Activity, Activity::*, Lag, Role, Trace};
use conclab::render;
use conclab::spec::{self, Cell, Session};

const MS: u64 = 1_000_000;

/// A trace of these workers, whose trial's own thread does nothing but wait for them.
pub fn of(lanes: Vec<trace::Lane>) -> Trace {
    let end_ns = lanes.iter().map(|lane| lane.end_ns).max().unwrap_or(0);
    let main = worker(Role::Main, 1, 0.0, &[(Joining, end_ns as f64 / MS as f64)]);
    Trace {
        lanes: [vec![main], lanes].concat(),
        ..Trace::default()
    }
}

/// A series with this trace, which took as long.
fn traced(model: &'static str, trace: Trace) -> Lane {
    let end_ns = trace
        .lanes
        .iter()
        .map(|lane| lane.end_ns)
        .max()
        .unwrap_or(0);
    let workers = trace.workers().count() as u32;
    Lane {
        workers,
        traces: vec![trace],
        ..Lane::new(model, end_ns as f64 / MS as f64)
    }
}

/// So many workers that all do the same.
fn workers(count: u32, did: &[(Activity, f64)]) -> Trace {
    of((1..=count)
        .map(|n| worker(Role::Worker, n, 0.0, did))
        .collect())
}

/// The same, each on a core for a part of the time in which it was ready to.
fn sharing_cores(count: u32, ms: f64, on_core: f64) -> Trace {
    let mut trace = workers(count, &[(Computing, ms)]);
    for lane in &mut trace.lanes {
        lane.cpu_ns = Some((ms * MS as f64 * on_core) as u64);
    }
    trace
}

/// An event loop on which so many tasks wait for so long at the same time.
fn waiting_loop(tasks: u64, ms: f64) -> Trace {
    let mut did = vec![(Starting, 1.0, None, None)];
    did.extend((0..tasks).map(|task| (Computing, 0.1, Some(task), Some(Waiting))));
    did.push((Idle, ms, None, None));
    did.extend((0..tasks).map(|task| (Computing, 0.1, Some(task), None)));
    Trace {
        lanes: vec![turning(Role::Loop, 1, 0.0, &did)],
        lags: vec![Lag {
            due_ns: 10 * MS,
            late_ns: 90_000,
        }],
        ..Trace::default()
    }
}

/// An event loop that one task blocks while others wait.
fn blocked_loop(ms: f64) -> Trace {
    let did = [
        (Computing, 1.0, Some(1), Some(Waiting)),
        (Blocked, ms, Some(0), None),
        (Computing, 1.0, Some(1), None),
    ];
    Trace {
        lanes: vec![turning(Role::Loop, 1, 0.0, &did)],
        lags: vec![Lag {
            due_ns: 6 * MS,
            late_ns: (ms * MS as f64) as u64 - 5 * MS,
        }],
        ..Trace::default()
    }
}

fn report(lanes: Vec<Lane>) -> Report {
    Simulation::of(lanes).report()
}

/// The sentence about what limited the rows.
fn limits(lanes: Vec<Lane>) -> String {
    let report = report(lanes);
    let said = |text: &&String| text.contains(" limited by ") || text.contains(" spent its ");
    let found: Vec<&String> = report.verdict.iter().filter(said).collect();
    assert_eq!(found.len(), 1, "{:?}", report.verdict);
    found[0].clone()
}

#[test]
fn rows_that_are_limited_alike_are_told_together() {
    let text = limits(vec![
        traced("sequential", workers(1, &[(Computing, 400.0)])),
        traced("threads", sharing_cores(8, 200.0, 0.25)),
        traced(
            "thread-pool",
            workers(2, &[(Computing, 196.0), (Idle, 4.0)]),
        ),
        traced("async", waiting_loop(8, 300.0)),
    ]);
    assert_eq!(
        text,
        "sequential was limited by the speed of one core (busy 100 % of the time); threads and thread-pool by the \
         CPU (2.0 of 2 cores busy); async by waiting (99 % of its time)."
    );
}

#[test]
fn each_cause_has_its_words() {
    let in_turn = traced("sequential", workers(1, &[(Waiting, 100.0)]));
    let pool = traced("thread-pool", workers(2, &[(Waiting, 100.0)]));
    let all = traced("threads", workers(8, &[(Starting, 1.0), (Waiting, 99.0)]));
    let text = limits(vec![in_turn, pool, all]);
    assert_eq!(
        text,
        "sequential was limited by waiting for one thing after the other (100 % of its time); thread-pool by \
         waiting, as many tasks at a time as there are workers (100 % of its workers' time); threads by waiting \
         (99 % of its workers' time)."
    );
    // One holds the lock, the next one waits; whoever is done waits for the others.
    let holding = (0..8).map(|n| {
        let before = f64::from(n) * 10.0;
        let did = [(Lock, before), (Computing, 10.0)];
        worker(Role::Worker, n + 1, 0.0, &did)
    });
    let convoy = traced("threads", of(holding.collect()));
    assert_eq!(
        limits(vec![convoy]),
        "threads was limited by a lock (waiting for it 44 % of its workers' time), beside computing (12 %)."
    );
    let permits = workers(8, &[(Limit, 80.0), (Waiting, 20.0)]);
    let started = workers(4, &[(Starting, 60.0), (Computing, 30.0), (Sending, 10.0)]);
    let sending = workers(2, &[(Sending, 90.0), (Computing, 10.0)]);
    let idle = workers(8, &[(Idle, 90.0), (Computing, 10.0)]);
    let text = limits(vec![
        traced("threads", permits),
        traced("processes", started),
        traced("process-pool", sending),
        traced("thread-pool", idle),
    ]);
    assert_eq!(
        text,
        "threads was limited by `limits` (waiting for a permit 80 % of its workers' time), beside waiting (20 %); \
         processes by start-up (60 % of its workers' time), beside computing (30 %); process-pool by sending tasks \
         and results (90 % of its workers' time); thread-pool by too little to do for so many workers (idle 90 % of \
         its workers' time)."
    );
}

#[test]
fn cores_that_others_took_are_no_limit_of_the_row() {
    let text = limits(vec![traced("threads", sharing_cores(2, 200.0, 0.3))]);
    assert_eq!(
        text,
        "threads was limited by other programs on the cores (0.6 of 2 were its own)."
    );
}

#[test]
fn a_row_without_a_main_cause_is_told_by_its_parts() {
    let mixed = workers(2, &[(Computing, 40.0), (Waiting, 35.0), (Starting, 25.0)]);
    assert_eq!(
        limits(vec![traced("threads", mixed)]),
        "threads spent its workers' time on computing (40 %), waiting (35 %) and start-up (25 %)."
    );
}

#[test]
fn where_there_is_a_trace_it_speaks_instead_of_cpu_time_beside_wall_time() {
    let lanes = |trace: Vec<Trace>| {
        let sequential = Lane {
            traces: trace,
            ..Lane::new("sequential", 400.0)
        };
        vec![sequential, Lane::new("threads", 200.0)]
    };
    let cpu_bound = |report: &Report| {
        let mut sentences = report.verdict.iter();
        sentences.any(|sentence| sentence.contains("CPU-bound"))
    };
    let untraced = report(lanes(Vec::new()));
    assert!(cpu_bound(&untraced), "{:?}", untraced.verdict);
    let traced = report(lanes(vec![workers(1, &[(Computing, 400.0)])]));
    assert!(!cpu_bound(&traced), "{:?}", traced.verdict);
    let said = traced.verdict.iter().any(|s| s.contains("one core"));
    assert!(said, "{:?}", traced.verdict);
    // Too short a trace tells more of itself than of the row.
    let brief = workers(1, &[(Computing, 0.4)]);
    let short = report(vec![crate::traced::traced("sequential", brief)]);
    assert!(!short.verdict.iter().any(|s| s.contains("limited by")));
}

#[test]
fn a_blocked_loop_comes_with_what_to_try() {
    let report = report(vec![traced("async", blocked_loop(300.0))]);
    let text = report.verdict.join(" ");
    assert!(
        text.contains("async was limited by calls that block the event loop (99 % of its time)."),
        "{text}"
    );
    assert!(
        text.contains(
            "The event loop of async was up to 295 ms late: while one task blocks, no other on it goes on; `hybrid` hands \
             such calls to threads."
        ),
        "{text}"
    );
    // Late by what others did on the machine, not by its own tasks.
    let mut late = waiting_loop(8, 300.0);
    late.lags[0].late_ns = 50 * MS;
    let text = self::report(vec![traced("async", late)]).verdict.join(" ");
    assert!(!text.contains("late"), "{text}");
    // Tasks that only wait are served in time: there is nothing to try.
    let text = Simulation::of(vec![traced("async", waiting_loop(8, 300.0))])
        .report()
        .verdict
        .join(" ");
    assert!(!text.contains("late"), "{text}");
}

/// A thread that computes, and one that waits and must have the GIL after each wait.
fn convoy(tells_gil: bool) -> Trace {
    let hog = worker(Role::Worker, 1, 0.0, &[(Computing, 200.0)]);
    let waits: Vec<_> = (0..20).flat_map(|_| [(Waiting, 5.0), (Gil, 5.0)]).collect();
    Trace {
        tells_gil,
        ..of(vec![hog, worker(Role::Worker, 2, 0.0, &waits)])
    }
}

#[test]
fn waits_for_the_gil_are_told_where_they_are_known_and_claimed_nowhere_else() {
    let gil = |trace: Trace| traced("threads", trace).on("gil", "");
    let known = report(vec![gil(convoy(true))]);
    let text = known.verdict.join(" ");
    assert!(
        text.contains("each wait took 5 ms longer, until its thread had the GIL again"),
        "{text}"
    );
    let native = report(vec![traced("threads", convoy(false))]);
    assert!(
        !native.verdict.join(" ").contains("GIL"),
        "{:?}",
        native.verdict
    );

    let all = |activity| workers(8, &[(activity, 350.0), (Computing, 50.0)]);
    let told = Trace {
        tells_gil: true,
        ..all(Gil)
    };
    let text = report(vec![gil(told)]).verdict.join(" ");
    assert!(
        text.contains(
            "threads@gil was limited by the GIL (waiting for it 88 % of its workers' time)"
        ),
        "{text}"
    );
    assert!(text.contains("processes have a lock each"), "{text}");
    // One that computes all the time, and never the same: that is the lock's doing, told apart or not.
    let untold = report(vec![gil(all(Waiting))]);
    let text = untold.verdict.join(" ");
    assert!(
        text.contains("limited by the GIL (one thread computes at a time, for 100 % of the run)"),
        "{text}"
    );
    let untold = report(vec![gil(workers(
        8,
        &[(Waiting, 370.0), (Computing, 30.0)],
    ))]);
    let text = untold.verdict.join(" ");
    assert!(
        text.contains("limited by waiting, for the GIL or for something else (92 %"),
        "{text}"
    );
    assert_eq!(untold.rows[0].traced.as_ref().unwrap().gil_wait_ns, None);
    assert_eq!(
        native.rows[0].traced.as_ref().unwrap().gil_wait_ns,
        Some(0),
        "there is no such lock"
    );
}

#[test]
fn locks_are_waited_for_on_threads_and_on_loops_alike() {
    let threads = workers(4, &[(Lock, 30.0), (Limit, 10.0), (Computing, 60.0)]);
    // The loop is idle: one task holds the lock and waits, the other waits for the lock.
    let did = [
        (Computing, 1.0, Some(0), Some(Waiting)),
        (Computing, 1.0, Some(1), Some(Lock)),
        (Idle, 96.0, None, None),
        (Computing, 1.0, Some(0), None),
        (Computing, 1.0, Some(1), None),
    ];
    let on_loop = Trace {
        lanes: vec![turning(Role::Loop, 1, 0.0, &did)],
        ..Trace::default()
    };
    let report = report(vec![traced("threads", threads), traced("async", on_loop)]);
    let waits: Vec<Option<u64>> = report
        .rows
        .iter()
        .map(|row| row.traced.as_ref().unwrap().lock_wait_ns)
        .collect();
    assert_eq!(waits, [Some(4 * 40 * MS), Some(97 * MS)]);
}

/// Headings of the answer's table.
fn columns(report: &Report) -> Vec<String> {
    let markdown = render::table_markdown(report);
    let head = markdown.lines().find(|line| line.contains("wall time"));
    let cells = head.unwrap().split('|').map(|cell| cell.trim().to_owned());
    cells.filter(|cell| !cell.is_empty()).collect()
}

#[test]
fn columns_of_traced_runs_stand_where_they_matter() {
    let has = |lanes: Vec<Lane>, column: &str| columns(&report(lanes)).contains(&column.to_owned());
    let all = ["lock wait", "GIL wait", "loop lag", "start-up"];
    let computing = || vec![traced("threads", workers(2, &[(Computing, 100.0)]))];
    let plain = || vec![Lane::new("threads", 100.0)];
    for column in all {
        assert!(!has(computing(), column), "{column}");
        assert!(!has(plain(), column), "{column}");
    }
    assert!(has(computing(), "switches"));
    let locked = traced("threads", workers(2, &[(Lock, 2.0), (Computing, 98.0)]));
    assert!(has(vec![locked.clone()], "lock wait"));
    assert!(has(vec![traced("async", blocked_loop(100.0))], "loop lag"));
    assert!(!has(
        vec![traced("async", waiting_loop(8, 100.0))],
        "loop lag"
    ));
    let started = traced(
        "processes",
        workers(2, &[(Starting, 20.0), (Computing, 80.0)]),
    );
    assert!(has(vec![started.clone()], "start-up"));
    // Two of them take the place of another, so that the table is no wider.
    let two = report(vec![locked, started]);
    assert!(!columns(&two).contains(&"switches".to_owned()));
    let text = render::table_markdown(&two);
    assert!(text.contains("| 4 ms (2 %) | 0 |"), "{text}");
    assert!(text.contains("| 0 | 40 ms (20 %) |"), "{text}");
    assert!(
        text.contains(
            "Lock wait, start-up over all workers, with the share of workers × wall: of one traced run."
        ),
        "{text}"
    );
}

#[test]
fn what_observing_costs_is_told_where_it_stands_out() {
    let cost = |traced_ms: f64, noise: f64| {
        let lane = Lane {
            traced_longer: traced_ms / 100.0,
            ..traced("threads", workers(2, &[(Computing, 100.0)]))
        };
        let simulation = Simulation {
            noise,
            ..Simulation::of(vec![lane])
        };
        let text = render::table_markdown(&simulation.report());
        text.lines()
            .find(|line| line.starts_with("Against the timed runs"))
            .map(str::to_owned)
    };
    assert_eq!(
        cost(104.0, 0.0).as_deref(),
        Some(
            "Against the timed runs, where nothing is observed, the traced run took 4 % longer (threads)."
        )
    );
    // Below 1 %, and within what the timed runs differ by themselves.
    assert_eq!(cost(100.9, 0.0), None);
    assert_eq!(cost(104.0, 0.05), None);
}

#[test]
fn a_trace_that_was_cut_says_so() {
    let cut = Trace {
        spans_cut: 12_345,
        ..workers(2, &[(Computing, 100.0)])
    };
    let report = report(vec![traced("threads", cut)]);
    let [note] = report.rows[0].notes.as_slice() else {
        panic!("{:?}", report.rows[0].notes);
    };
    assert!(
        note.starts_with("its trace was cut after 3 spans, 12,345 more happened"),
        "{note}"
    );
}

#[test]
fn the_json_has_the_breakdown_and_no_spans() {
    let report = report(vec![
        traced("threads", sharing_cores(8, 200.0, 0.25)),
        Lane::new("async", 100.0),
    ]);
    let json: serde_json::Value = serde_json::from_str(&render::json(&report)).unwrap();
    let traced = &json["rows"][0]["traced"];
    assert_eq!(traced["breakdown"]["workers"], 8);
    let parts = traced["breakdown"]["parts_ns"].as_object().unwrap();
    assert_eq!(parts["computing_ns"], 8 * 50 * MS);
    assert_eq!(parts["waiting_for_a_core_ns"], 8 * 150 * MS);
    let sum: u64 = parts.values().map(|ns| ns.as_u64().unwrap()).sum();
    assert_eq!(sum, 8 * traced["wall_ns"].as_u64().unwrap());
    assert!(traced["trace"].is_null() && traced["cost"].is_number());
    assert!(json["rows"][1]["traced"].is_null());
}

#[test]
fn a_real_run_has_memory_and_cpu_time_over_time_by_process() {
    let cell =
        "task = { cpu = \"150ms\" }\ntasks = 2\nmodels = [\"processes\", \"threads\"]\nrepeat = 1";
    let (Some(Cell::Experiment(experiment)), _) = spec::read(cell, &Session::default()) else {
        panic!("no experiment");
    };
    let mut lab = Lab::new(Options {
        executable: env!("CARGO_BIN_EXE_conclab").into(),
        static_output: true,
    });
    let stop = lab.interrupter().stop();
    let past = lab.race(*experiment, &stop, &mut |_| {}).unwrap();
    let [processes, threads] = &past.report.rows[..] else {
        panic!("two rows");
    };
    let over_time = processes.over_time.as_ref().unwrap();
    assert_eq!(over_time.labels(), ["trial", "worker 1", "worker 2"]);
    assert_eq!(threads.over_time.as_ref().unwrap().labels(), ["trial"]);
    let peak = processes.peak_pss_bytes.as_ref().unwrap().max;
    for sample in &over_time.samples {
        assert!(sample.at_ns <= over_time.wall_ns);
        let bytes: u64 = sample.processes.iter().map(|process| process.bytes).sum();
        assert!(bytes as f64 <= peak, "{bytes} of {peak}");
    }
    assert!(over_time.samples.is_sorted_by_key(|sample| sample.at_ns));
    let computed = |label: &str| {
        let all = over_time
            .samples
            .iter()
            .flat_map(|sample| &sample.processes);
        all.filter(|process| process.label == label)
            .any(|process| process.cores > 0.0)
    };
    assert!(computed("worker 1") && computed("worker 2"));
}

/// Threads of which one computes at a time, each asked for when the one that starts them had the lock again.
fn started_in_turn(count: u32, ms: f64, tells_gil: bool) -> Trace {
    let mut main = Vec::new();
    let mut lanes = Vec::new();
    for number in 0..count {
        main.extend([(Starting, 0.1), (Gil, ms - 0.1)]);
        let begin_ms = f64::from(number) * ms;
        let did = [(Starting, 0.1), (Computing, ms - 0.1)];
        lanes.push(worker(Role::Worker, number + 1, begin_ms, &did));
    }
    lanes.insert(0, worker(Role::Main, 1, 0.0, &main));
    Trace {
        lanes,
        tells_gil,
        ..Trace::default()
    }
}

#[test]
fn threads_that_are_asked_for_late_because_of_the_gil_are_limited_by_it() {
    for tells_gil in [true, false] {
        let lane = traced("threads", started_in_turn(8, 5.0, tells_gil)).on("gil", "");
        let report = report(vec![lane]);
        let text = report.verdict.join(" ");
        assert!(
            text.contains(
                "threads@gil was limited by the GIL (one thread computes at a time, for 98 % of the run)."
            ),
            "{text}"
        );
        let told = report.rows[0].traced.as_ref().unwrap();
        assert_eq!(
            told.start_up_ns,
            Some(8 * MS / 10),
            "from when each was asked for"
        );
        let waited_ns = 8 * 49 * MS / 10;
        assert_eq!(told.gil_wait_ns, tells_gil.then_some(waited_ns), "by main");
    }
    // Without such a lock it is the making of them that took the time.
    let mut native = started_in_turn(8, 5.0, false);
    native.lanes[0] = worker(Role::Main, 1, 0.0, &[(Starting, 40.0)]);
    for lane in &mut native.lanes[1..] {
        lane.totals_ns[Computing as usize] = MS / 10;
        lane.cpu_ns = Some(MS / 10);
        lane.spans[1].end_ns = lane.spans[1].start_ns + MS / 10;
        lane.end_ns = lane.spans[1].end_ns;
    }
    let text = limits(vec![traced("threads", native)]);
    assert!(
        text.starts_with("threads was limited by creating its workers, one after the other ("),
        "{text}"
    );
}

/// The same lane with its spans' tasks numbered from `first` on.
fn of_tasks(mut lane: trace::Lane, first: u64) -> trace::Lane {
    for (span, task) in lane.spans.iter_mut().zip(first..) {
        span.task = Some(task);
    }
    lane
}

#[test]
fn whoever_hands_out_tasks_is_told_where_workers_wait_for_it() {
    let feeds = "by handing out tasks (one thread is busy with that for 85 % of the run).";
    let many = |model, trace| Lane {
        tasks: 8_000,
        ..traced(model, trace)
    };
    // The main thread, as Python's pools have it.
    let main = worker(Role::Main, 1, 0.0, &[(Computing, 85.0), (Joining, 15.0)]);
    let mut idle: Vec<(Activity, f64)> = Vec::new();
    for _ in 0..10 {
        idle.extend([(Computing, 2.0), (Idle, 8.0)]);
    }
    let pool = |number| of_tasks(worker(Role::Worker, number, 0.0, &idle), 10);
    let by_main = Trace {
        lanes: vec![main, pool(1), pool(2)],
        ..Trace::default()
    };
    let text = limits(vec![many("thread-pool", by_main.clone())]);
    assert_eq!(text, format!("thread-pool was limited {feeds}"));
    // Of which the spans were cut: by what is known of the rest.
    let mut cut = by_main;
    for lane in &mut cut.lanes {
        lane.spans.truncate(4);
    }
    cut.spans_cut = 30;
    let text = limits(vec![many("thread-pool", cut)]);
    assert_eq!(text, format!("thread-pool was limited {feeds}"));
    // A thread of the pool, as rayon's is fed.
    let did = [
        (Computing, 85.0, None, None),
        (Computing, 15.0, Some(1), None),
    ];
    let feeder = turning(Role::Worker, 1, 0.0, &did);
    let text = limits(vec![many("thread-pool", of(vec![feeder, pool(2)]))]);
    assert_eq!(text, format!("thread-pool was limited {feeds}"));
    // Loops that are kept from the cores by the thread that makes their tasks.
    let mut lanes = vec![worker(
        Role::Main,
        1,
        0.0,
        &[(Starting, 85.0), (Joining, 15.0)],
    )];
    for number in 1..=2 {
        let mut one = of_tasks(worker(Role::Loop, number, 0.0, &[(Computing, 100.0)]), 7);
        one.cpu_ns = Some(30 * MS);
        lanes.push(one);
    }
    lanes[0].cpu_ns = Some(80 * MS);
    let spread = Trace {
        lanes,
        ..Trace::default()
    };
    let text = limits(vec![many("async-threads", spread)]);
    assert_eq!(text, format!("async-threads was limited {feeds}"));
    // Workers that are busy all the same are limited by what they do.
    let main = worker(Role::Main, 1, 0.0, &[(Computing, 85.0), (Joining, 15.0)]);
    let busy = |n| of_tasks(worker(Role::Worker, n, 0.0, &[(Computing, 100.0)]), 1);
    let busy = Trace {
        lanes: vec![main, busy(1), busy(2)],
        ..Trace::default()
    };
    let text = limits(vec![many("thread-pool", busy)]);
    assert!(text.contains("by the CPU (2.0 of 2 cores busy)"), "{text}");
}

#[test]
fn an_idle_loop_whose_spans_were_cut_is_told_to_wait() {
    let mut cut = waiting_loop(8, 300.0);
    cut.lanes[0].spans.truncate(5);
    cut.spans_cut = 12;
    assert_eq!(
        limits(vec![traced("async", cut)]),
        "async was limited by waiting: its event loop was idle, for all its tasks wait (99 % of its time)."
    );
}

#[test]
fn one_long_task_beside_short_ones_is_what_limits() {
    let hog = of_tasks(worker(Role::Worker, 1, 0.0, &[(Computing, 60.0)]), 0);
    let sleepers = (2..=6).map(|n| of_tasks(worker(Role::Worker, n, 0.0, &[(Waiting, 8.0)]), 1));
    let lanes = std::iter::once(hog.clone()).chain(sleepers).collect();
    assert_eq!(
        limits(vec![traced("threads", of(lanes))]),
        "threads was limited by one long task (it took 100 % of the run)."
    );
    // Not where all are about as long, nor where it is the lock that made it long.
    let alike = (1..=6).map(|n| of_tasks(worker(Role::Worker, n, 0.0, &[(Waiting, 60.0)]), 1));
    let text = limits(vec![traced("threads", of(alike.collect()))]);
    assert!(!text.contains("one long task"), "{text}");
    let convoy = (1..=4).map(|n| {
        let did = [(Lock, f64::from(n) * 20.0 - 20.0), (Computing, 20.0)];
        let lane = worker(Role::Worker, n, 0.0, &did);
        trace::Lane {
            spans: of_tasks(lane.clone(), 0).spans,
            ..lane
        }
    });
    let text = limits(vec![traced("threads", of(convoy.collect()))]);
    assert!(text.contains("by a lock"), "{text}");
}

#[test]
fn permits_that_somebody_always_waits_for_are_what_limits() {
    // One sleeps with the permit, the other waits for it, in turn.
    let one = [
        (Waiting, 20.0),
        (Limit, 20.0),
        (Waiting, 20.0),
        (Limit, 18.0),
    ];
    let other = [
        (Limit, 20.0),
        (Waiting, 20.0),
        (Limit, 20.0),
        (Waiting, 20.0),
    ];
    let pool = of(vec![
        worker(Role::Worker, 1, 0.0, &one),
        worker(Role::Worker, 2, 0.0, &other),
    ]);
    let row = traced("process-pool", pool);
    assert_eq!(
        limits(vec![row.clone()]),
        "process-pool was limited by `limits` (waiting for a permit 49 % of its workers' time), beside waiting (50 %)."
    );
    let report = report(vec![row]);
    let parts = report.rows[0].traced.as_ref().unwrap().breakdown.as_ref();
    let part = |part| parts.unwrap().part_ns(part);
    assert_eq!((part(Part::Limit), part(Part::Lock)), (78 * MS, 0));
}

#[test]
fn workers_without_tasks_are_not_too_many_where_there_are_tasks_enough() {
    // Nothing is known of who makes the tasks: all spans were cut.
    let mut trace = workers(2, &[(Idle, 60.0), (Computing, 40.0)]);
    for lane in &mut trace.lanes {
        lane.spans.clear();
    }
    trace.spans_cut = 400_010;
    let row = Lane {
        tasks: 200_000,
        ..traced("thread-pool", trace)
    };
    assert_eq!(
        limits(vec![row]),
        "thread-pool was limited by how soon tasks reach its workers (idle 60 % of its workers' time), beside \
         computing (40 %)."
    );
}

#[test]
fn a_loop_beside_threads_of_its_own_is_not_told_to_use_threads() {
    let did = [
        (Computing, 1.0, Some(0), Some(Waiting)),
        (Blocked, 20.0, Some(1), Some(Waiting)),
        (Gil, 60.0, None, None),
        (Computing, 1.0, Some(0), None),
        (Idle, 18.0, None, None),
    ];
    let trace = Trace {
        lanes: vec![turning(Role::Loop, 1, 0.0, &did)],
        lags: vec![Lag {
            due_ns: 6 * MS,
            late_ns: 70 * MS,
        }],
        tells_gil: true,
        ..Trace::default()
    };
    let report = report(vec![
        traced("async", trace).on("python3.11", "CPython 3.11.7"),
    ]);
    let text = report.verdict.join(" ");
    assert!(
        text.contains("was limited by other threads of the same process that hold the GIL, or calls that block"),
        "{text}"
    );
    assert!(
        text.contains("was up to 70 ms late: threads of the same process held the GIL"),
        "{text}"
    );
    assert!(
        !text.contains("`hybrid` hands such calls to threads"),
        "{text}"
    );
}

#[test]
fn a_wide_table_tells_workers_in_a_line_and_sums_as_sums() {
    let all = workers(
        4,
        &[
            (Lock, 40.0),
            (Gil, 20.0),
            (Starting, 20.0),
            (Computing, 20.0),
        ],
    );
    let told = Trace {
        tells_gil: true,
        ..all
    };
    let lanes = || {
        vec![
            traced("threads", told.clone()).on("gil", ""),
            traced("thread-pool", workers(2, &[(Computing, 100.0)])).on("gil", ""),
        ]
    };
    let report = report(lanes());
    assert!(!columns(&report).contains(&"workers".to_owned()));
    let text = render::table_markdown(&report);
    assert!(
        text.contains("Workers: 4 (threads@gil); 2 (thread-pool@gil)."),
        "{text}"
    );
    assert!(text.contains("Σ 160 ms (40 %)"), "{text}");
    assert!(
        text.contains("Σ: together longer than the run itself"),
        "{text}"
    );
    assert!(
        text.contains(" 80 ms (20 %)") && !text.contains("Σ 80 ms"),
        "{text}"
    );
}

#[test]
fn rows_whose_tasks_failed_are_compared_with_nothing() {
    let failing = |model| Lane {
        failed_tasks: 1,
        ..Lane::new(model, 100.0)
    };
    let report = report(vec![
        failing("threads"),
        failing("async"),
        Lane::new("processes", 50.0),
    ]);
    assert!(report.rows.iter().all(|row| row.speedup.is_none()));
    let text = render::table_markdown(&report);
    assert!(!text.contains("baseline") && !text.contains("×"), "{text}");
    let whole = self::report(vec![Lane::new("threads", 100.0), failing("async")]);
    let text = render::table_markdown(&whole);
    assert_eq!(text.matches("baseline").count(), 1, "{text}");
}
