//! What traced runs on real CPythons tell: order, overlap and shares of what each worker did, never absolute times.
//!
//! To add a schedule: a test that runs one with [`Bench::trace`] on the interpreters that are there.

use crate::pythons::pythons;
use conclab::measure::trace::{Activity, Lane, Role, Span, Totals, Trace};
use conclab::model::{Pool, Settings, Site, Start};
use conclab::process::{Interrupt, Warden};
use conclab::program::{Body, Code, Group, Op, Program, Sync, Value};
use conclab::runtime::{Runtime, harness};
use conclab::trial::run::{Trial, run};
use conclab::trial::{Kind, Measurement, Outcome, Python, Request};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

const MS: u64 = 1_000_000;
const STARTS: [Start; 3] = [Start::Fork, Start::Spawn, Start::Forkserver];

/// One interpreter, with a warden that runs trials on it.
struct Bench {
    warden: Warden,
    python: Python,
    number: std::cell::Cell<u32>,
}

impl Bench {
    fn new(python: &Path) -> Bench {
        let warden = Warden::start(Path::new(env!("CARGO_BIN_EXE_conclab"))).unwrap();
        let harness = harness::install(&warden.directory().join("python")).unwrap();
        Bench {
            python: Python {
                interpreter: python.to_owned(),
                harness,
                version: "Python".to_owned(),
            },
            warden,
            number: 0.into(),
        }
    }

    fn run(&self, way: &Way, program: &Program, trace: bool) -> Measurement {
        self.number.set(self.number.get() + 1);
        let folder = self.warden.directory().join(self.number.get().to_string());
        let trial = Trial {
            series: 0,
            point: 0,
            block: 0,
            kind: match trace {
                true => Kind::Traced,
                false => Kind::Timed,
            },
            request: Request {
                program: program.clone(),
                model: way.model.to_owned(),
                runtime: Runtime::Python("python".to_owned()),
                settings: Settings {
                    workers: 2,
                    pool: way.pool,
                    start: way.start,
                    chunk: way.chunk,
                },
                latencies: false,
                trace,
                switch_interval_ns: None,
                python: Some(self.python.clone()),
                site: Site {
                    delay_server: None,
                    directory: folder,
                    home: "/tmp".into(),
                    executable: env!("CARGO_BIN_EXE_conclab").into(),
                    connections: Default::default(),
                },
            },
            timeout_ns: 120_000 * MS,
            memory_limit_bytes: 4 << 30,
        };
        let record = run(&self.warden, &trial, &Interrupt::default().stop());
        assert_eq!(record.outcome, Outcome::Ok, "{way:?}: {:?}", record.why);
        record.measurement.unwrap()
    }

    /// The trace of a run in which no task failed, looked over.
    fn trace(&self, way: &Way, program: &Program) -> (Trace, u64) {
        let run = self.run(way, program, true);
        let tally = &run.reply.tally;
        assert_eq!(tally.failed, 0, "{way:?}: {:?}", tally.first_error);
        let trace = run.observed.trace.expect("a trace");
        let trace = Arc::unwrap_or_clone(trace);
        let wall_ns = run.reply.wall_ns;
        is_whole(&trace, wall_ns);
        (trace, wall_ns)
    }

    fn is_at_least(&self, minor: u32) -> bool {
        let output = std::process::Command::new(&self.python.interpreter)
            .args(["-I", "-S", "-c", "import sys; print(sys.version_info[1])"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout)
            .unwrap()
            .trim()
            .parse::<u32>()
            .unwrap()
            >= minor
    }
}

/// How tasks are run.
#[derive(Clone, Copy, Debug)]
struct Way {
    model: &'static str,
    pool: Pool,
    start: Option<Start>,
    chunk: Option<u64>,
}

fn way(model: &'static str) -> Way {
    Way {
        model,
        pool: Pool::default(),
        start: None,
        chunk: None,
    }
}

/// Every way to run tasks on that interpreter.
fn ways(bench: &Bench) -> Vec<Way> {
    let mut ways: Vec<Way> = ["sequential", "threads", "thread-pool", "async", "hybrid"]
        .map(way)
        .into();
    if bench.is_at_least(14) {
        ways.push(way("interpreters"));
    }
    for start in STARTS.map(Some) {
        ways.push(Way {
            start,
            ..way("processes")
        });
        ways.push(Way {
            start,
            chunk: Some(1),
            ..way("process-pool")
        });
        ways.push(Way {
            start,
            pool: Pool::Processes,
            ..way("hybrid")
        });
    }
    ways
}

fn program(tasks: u64, ops: &[Op]) -> Program {
    Program {
        groups: vec![Group {
            name: String::new(),
            tasks,
            ops: ops.to_vec(),
        }],
        seed: 1,
        ..Program::default()
    }
}

fn sleep(ms: u64) -> Op {
    Op::Sleep {
        time: Value::Const(ms * MS),
    }
}

fn block(ms: u64) -> Op {
    Op::Block {
        time: Value::Const(ms * MS),
    }
}

fn count(to: u64) -> Op {
    Op::Compute {
        function: "count".to_owned(),
        size: Value::Const(to),
    }
}

/// Two tasks wait for each other: one that starts late must not find all done.
const MEETING: &str = "import glob, time\n\ndef task(i):\n    open(f'here-{i}', 'w').close()\n    \
                       while len(glob.glob('here-*')) < 2:\n        time.sleep(0.002)\n";

fn locked(ops: &[Op], times: u64) -> Op {
    Op::Group {
        ops: ops.to_vec(),
        times,
        lock: Some("one".to_owned()),
        permit: None,
        label: String::new(),
    }
}

fn code(text: &str) -> Op {
    Op::Python {
        code: Code::Text {
            text: text.to_owned(),
            line: 1,
            module: "cell".to_owned(),
        },
    }
}

/// Spans cover each worker's life, in order and without overlap, and lie within the run.
fn is_whole(trace: &Trace, wall_ns: u64) {
    for lane in &trace.lanes {
        let mut at_ns = lane.begin_ns;
        let mut totals_ns = Totals::default();
        for span in &lane.spans {
            assert_eq!(span.start_ns, at_ns, "{lane:#?}");
            totals_ns[span.activity as usize] += span.length_ns();
            at_ns = span.end_ns;
        }
        assert_eq!(
            (at_ns, totals_ns),
            (lane.end_ns, lane.totals_ns),
            "{lane:#?}"
        );
        assert!(lane.end_ns <= wall_ns, "{lane:#?}");
    }
    let mut names = BTreeSet::new();
    for lane in &trace.lanes {
        assert!(names.insert((lane.role as u8, lane.number)), "{trace:#?}");
    }
    assert_eq!(trace.spans_cut, 0);
}

/// Lane and span of everything that was done for a task.
fn of_task(trace: &Trace, task: u64) -> Vec<(&Lane, Span)> {
    let spans = trace
        .lanes
        .iter()
        .flat_map(|lane| lane.spans.iter().map(move |span| (lane, *span)));
    spans.filter(|(_, span)| span.task == Some(task)).collect()
}

/// From the start of a task to its end.
fn extent(trace: &Trace, task: u64) -> (u64, u64) {
    let spans = of_task(trace, task);
    let start_ns = spans.iter().map(|(_, span)| span.start_ns).min();
    let end_ns = spans.iter().map(|(_, span)| span.end_ns).max();
    (start_ns.expect("a span of the task"), end_ns.unwrap())
}

/// Time of an activity that a task's spans have.
fn task_ns(trace: &Trace, task: u64, activity: Activity) -> u64 {
    let spans = of_task(trace, task);
    let spans = spans.iter().filter(|(_, span)| span.activity == activity);
    spans.map(|(_, span)| span.length_ns()).sum()
}

/// An activity's share of a task.
fn share(trace: &Trace, task: u64, activity: Activity) -> f64 {
    let (start_ns, end_ns) = extent(trace, task);
    task_ns(trace, task, activity) as f64 / (end_ns - start_ns) as f64
}

fn lanes(trace: &Trace, role: Role) -> Vec<&Lane> {
    trace
        .lanes
        .iter()
        .filter(|lane| lane.role == role)
        .collect()
}

#[test]
fn every_task_is_seen_once_on_every_model_and_however_workers_start() {
    for python in pythons() {
        let bench = Bench::new(&python);
        for way in ways(&bench) {
            let program = program(5, &[count(20_000), block(3)]);
            let (trace, wall_ns) = bench.trace(&way, &program);
            for task in 0..5 {
                let spans = of_task(&trace, task);
                assert!(!spans.is_empty(), "{way:?}: task {task}: {trace:#?}");
                let (start_ns, end_ns) = extent(&trace, task);
                assert!(start_ns < end_ns && end_ns <= wall_ns, "{way:?}");
                // Where tasks don't take turns, each has one worker to itself.
                if way.model != "hybrid" {
                    let lane = (spans[0].0.role as u8, spans[0].0.number);
                    assert!(
                        spans
                            .iter()
                            .all(|(own, _)| (own.role as u8, own.number) == lane),
                        "{way:?}"
                    );
                }
            }
            let numbers = trace
                .lanes
                .iter()
                .flat_map(|lane| &lane.spans)
                .filter_map(|span| span.task);
            assert_eq!(numbers.max(), Some(4), "{way:?}");
            let workers = trace
                .lanes
                .iter()
                .filter(|lane| lane.role == Role::Worker)
                .count();
            match way.model {
                "sequential" => assert_eq!(workers, 1),
                "threads" | "processes" => assert_eq!(workers, 5, "{way:?}"),
                "async" => assert_eq!(workers, 0),
                _ => assert!((1..=2).contains(&workers), "{way:?}: {trace:#?}"),
            }
            let own = &trace.lanes[0];
            let role = match way.model {
                "sequential" => Role::Worker,
                "async" | "hybrid" => Role::Loop,
                _ => Role::Main,
            };
            assert_eq!(
                (own.role, own.process, own.begin_ns),
                (role, 0, 0),
                "{way:?}"
            );
            let is_process = way.model.starts_with("process") || way.pool == Pool::Processes;
            let processes: BTreeSet<u32> = lanes(&trace, Role::Worker)
                .iter()
                .map(|lane| lane.process)
                .collect();
            match is_process {
                true => assert_eq!(processes, (1..=workers as u32).collect(), "{way:?}"),
                false => assert!(processes.iter().all(|process| *process == 0), "{way:?}"),
            }
            // What the system counted is not more than what they lived.
            for lane in &trace.lanes {
                let has_task = lane.spans.iter().any(|span| span.task.is_some());
                assert!(lane.cpu_ns.is_some() || !has_task, "{way:?}: {lane:#?}");
                let cpu_ns = lane.cpu_ns.unwrap_or(0);
                assert!(cpu_ns <= lane.life_ns() + 20 * MS, "{way:?}: {lane:#?}");
            }
        }
    }
}

#[test]
fn tasks_that_sleep_one_after_the_other_do_not_overlap_and_wait() {
    for python in pythons() {
        let bench = Bench::new(&python);
        let (trace, _) = bench.trace(&way("sequential"), &program(4, &[sleep(30)]));
        let extents: Vec<(u64, u64)> = (0..4).map(|task| extent(&trace, task)).collect();
        assert!(
            extents.windows(2).all(|two| two[0].1 <= two[1].0),
            "{extents:?}"
        );
        for task in 0..4 {
            // No less than what it asked for; who wakes up without a core is not waiting any more.
            let waited_ns = task_ns(&trace, task, Activity::Waiting);
            assert!(waited_ns > 20 * MS, "{trace:#?}");
        }
        // Side by side they overlap, all of them.
        let (trace, _) = bench.trace(&way("threads"), &program(4, &[sleep(200)]));
        let extents: Vec<(u64, u64)> = (0..4).map(|task| extent(&trace, task)).collect();
        let last_start = extents.iter().map(|extent| extent.0).max();
        assert!(
            last_start < extents.iter().map(|extent| extent.1).min(),
            "{extents:?}"
        );
    }
}

#[test]
fn tasks_that_share_a_lock_alternate_and_wait_for_it() {
    for python in pythons() {
        let bench = Bench::new(&python);
        let held = locked(&[sleep(25)], 2);
        let together = [code(MEETING), held.clone()];
        let started = STARTS.map(|start| Way {
            start: Some(start),
            ..way("processes")
        });
        for way in [way("threads")].into_iter().chain(started) {
            let (trace, _) = bench.trace(&way, &program(2, &together));
            let waits = lanes(&trace, Role::Worker)
                .iter()
                .flat_map(|lane| &lane.spans)
                .filter(|span| span.activity == Activity::Lock)
                .count();
            assert!(waits >= 1, "{way:?}: {trace:#?}");
            // While one waits for the lock, the other holds it: it does anything but that.
            let own = |task: u64| {
                let spans = of_task(&trace, task);
                let locked = spans
                    .iter()
                    .filter(|(_, span)| span.activity == Activity::Lock);
                locked
                    .map(|(_, span)| (span.start_ns, span.end_ns))
                    .collect::<Vec<_>>()
            };
            for (start_ns, end_ns) in own(0) {
                let both = own(1)
                    .into_iter()
                    .map(|(from, to)| to.min(end_ns).saturating_sub(from.max(start_ns)));
                assert!(
                    both.sum::<u64>() * 2 < end_ns - start_ns,
                    "{way:?}: {trace:#?}"
                );
            }
        }
        // On an event loop the turn says what it ended with.
        let (trace, _) = bench.trace(&way("async"), &program(2, &[held]));
        let spans = &lanes(&trace, Role::Loop)[0].spans;
        let locked = spans
            .iter()
            .filter(|span| span.then == Some(Activity::Lock));
        let slept = spans
            .iter()
            .filter(|span| span.then == Some(Activity::Waiting));
        assert!(locked.count() >= 1 && slept.count() == 4, "{spans:#?}");
    }
}

#[test]
fn permits_are_waited_for_and_a_mutex_is_a_lock() {
    for python in pythons() {
        let bench = Bench::new(&python);
        let permit = Op::Group {
            ops: vec![sleep(25)],
            times: 1,
            lock: None,
            permit: Some("sleep".to_owned()),
            label: String::new(),
        };
        let mut limited = program(3, &[permit]);
        limited.limits.insert("sleep".to_owned(), 1);
        let (trace, _) = bench.trace(&way("threads"), &limited);
        let limits = lanes(&trace, Role::Worker)
            .iter()
            .map(|lane| lane.total_ns(Activity::Limit))
            .filter(|ns| *ns > 0)
            .count();
        assert!(limits >= 2, "{trace:#?}");
        let (trace, _) = bench.trace(&way("async"), &limited);
        let spans = &lanes(&trace, Role::Loop)[0].spans;
        assert!(
            spans
                .iter()
                .filter(|span| span.then == Some(Activity::Limit))
                .count()
                >= 2,
            "{spans:#?}"
        );
        // Between processes that add under a mutex somebody has to wait.
        let add = Op::Add {
            times: Value::Const(100_000),
            sync: Sync::Mutex,
            body: Body::Plain,
        };
        let started = Way {
            start: Some(Start::Fork),
            ..way("processes")
        };
        let (trace, _) = bench.trace(&started, &program(2, &[code(MEETING), add]));
        let locked = lanes(&trace, Role::Worker)
            .iter()
            .map(|lane| lane.total_ns(Activity::Lock))
            .sum::<u64>();
        assert!(locked > 0, "{trace:#?}");
    }
}

#[test]
fn one_that_computes_holds_the_gil_and_others_wait_for_it() {
    // The first computes, the others sleep for short, again and again.
    let text = "import time\n\ndef task(i):\n    end = time.monotonic() + 0.4\n    \
                while time.monotonic() < end:\n        if i:\n            time.sleep(0.001)\n";
    for python in pythons() {
        let bench = Bench::new(&python);
        let (trace, _) = bench.trace(&way("threads"), &program(3, &[code(text)]));
        assert!(trace.tells_gil, "{}: {trace:#?}", python.display());
        let hog = share(&trace, 0, Activity::Computing);
        assert!(hog > 0.6, "{trace:#?}");
        for task in [1, 2] {
            // One that is ready and has no core counts as computing: on a busy machine that is much.
            assert!(share(&trace, task, Activity::Computing) < hog, "{trace:#?}");
            assert!(share(&trace, task, Activity::Gil) > 0.15, "{trace:#?}");
        }
        // Two that compute have it in turns: each about half of the time.
        let together = [code(MEETING), count(8_000_000)];
        let (trace, _) = bench.trace(&way("thread-pool"), &program(2, &together));
        for task in [0, 1] {
            assert!(share(&trace, task, Activity::Computing) > 0.2, "{trace:#?}");
            assert!(share(&trace, task, Activity::Gil) > 0.05, "{trace:#?}");
        }
        // Alone nobody waits for it.
        let (trace, _) = bench.trace(&way("sequential"), &program(2, &[count(1_000_000)]));
        let lane = &trace.lanes[0];
        assert!(
            lane.total_ns(Activity::Gil) * 20 < lane.life_ns(),
            "{trace:#?}"
        );
        assert!(
            lane.total_ns(Activity::Computing) * 10 > 8 * lane.life_ns(),
            "{trace:#?}"
        );
    }
}

#[test]
fn a_call_that_blocks_keeps_the_loop_and_a_due_timer_waits() {
    for python in pythons() {
        let bench = Bench::new(&python);
        let mut mixed = program(2, &[sleep(2), sleep(2), sleep(2)]);
        mixed.groups.push(Group {
            name: "blocker".to_owned(),
            tasks: 1,
            ops: vec![sleep(3), block(150), sleep(1)],
        });
        let (trace, _) = bench.trace(&way("async"), &mixed);
        let lane = lanes(&trace, Role::Loop)[0];
        let blocked = lane
            .spans
            .iter()
            .filter(|span| span.activity == Activity::Blocked && span.task == Some(2));
        let (from_ns, to_ns) = blocked.fold((u64::MAX, 0), |(from, to), span| {
            (from.min(span.start_ns), to.max(span.end_ns))
        });
        assert!(to_ns - from_ns > 120 * MS, "{lane:#?}");
        // Nobody else has a turn meanwhile.
        let others = lane
            .spans
            .iter()
            .filter(|span| span.task.is_some_and(|task| task != 2));
        assert!(others.clone().count() > 0);
        assert!(
            others
                .clone()
                .all(|span| span.end_ns <= from_ns || span.start_ns >= to_ns),
            "{lane:#?}"
        );
        let longest_ns = trace.longest_lag_ns().expect("a loop has lags");
        assert!(longest_ns > 120 * MS, "{:?}", trace.lags);
        // Where it is handed to a pool, the loop goes on, and a worker waits.
        let (trace, _) = bench.trace(&way("hybrid"), &mixed);
        let lane = lanes(&trace, Role::Loop)[0];
        assert!(lane.total_ns(Activity::Blocked) < 50 * MS, "{lane:#?}");
        let workers = lanes(&trace, Role::Worker);
        assert!(
            workers
                .iter()
                .any(|lane| lane.total_ns(Activity::Waiting) > 100 * MS),
            "{trace:#?}"
        );
    }
}

#[test]
fn the_turns_of_tasks_on_a_loop_are_seen() {
    for python in pythons() {
        let bench = Bench::new(&python);
        let (trace, _) = bench.trace(&way("async"), &program(3, &[sleep(5), sleep(5)]));
        let lane = lanes(&trace, Role::Loop)[0];
        for task in 0..3 {
            // To the first wait, between the two, to the end.
            let turns: Vec<&Span> = lane
                .spans
                .iter()
                .filter(|span| span.task == Some(task))
                .collect();
            let then: Vec<Option<Activity>> = turns.iter().map(|turn| turn.then).collect();
            let mut whole = vec![];
            for (turn, then) in turns.iter().zip(then) {
                // A turn in which the loop was seen to wait is in parts.
                if then.is_some() || turns.last().is_some_and(|last| last == turn) {
                    whole.push(then);
                }
            }
            let waits = Some(Activity::Waiting);
            assert_eq!(whole, [waits, waits, None], "{lane:#?}");
        }
        // All have begun before one goes on.
        let first: Vec<&Span> = lane
            .spans
            .iter()
            .filter(|span| span.then.is_some())
            .take(3)
            .collect();
        assert_eq!(
            first
                .iter()
                .filter_map(|span| span.task)
                .collect::<Vec<_>>(),
            [0, 1, 2]
        );
        assert!(
            lane.total_ns(Activity::Idle) > 0 && !trace.lags.is_empty(),
            "{trace:#?}"
        );
    }
}

#[test]
fn workers_of_a_pool_take_the_tasks_one_after_the_other() {
    for python in pythons() {
        let bench = Bench::new(&python);
        let mut pools = vec![way("thread-pool")];
        pools.extend(STARTS.map(|start| Way {
            start: Some(start),
            chunk: Some(1),
            ..way("process-pool")
        }));
        for way in pools {
            let (trace, _) = bench.trace(&way, &program(7, &[sleep(20)]));
            let workers = lanes(&trace, Role::Worker);
            assert!((1..=2).contains(&workers.len()), "{way:?}");
            let mut seen = Vec::new();
            for lane in &workers {
                assert_eq!(
                    lane.spans[0].activity,
                    Activity::Starting,
                    "{way:?}: {lane:#?}"
                );
                let mut tasks: Vec<u64> = lane.spans.iter().filter_map(|span| span.task).collect();
                tasks.dedup();
                seen.extend(tasks);
            }
            seen.sort_unstable();
            assert_eq!(seen, (0..7).collect::<Vec<_>>(), "{way:?}: {trace:#?}");
            // Two that wait at the same time: the run is shorter than all the waits.
            if workers.len() == 2 && way.model == "thread-pool" {
                assert!(
                    workers
                        .iter()
                        .all(|lane| lane.total_ns(Activity::Waiting) > 30 * MS),
                    "{trace:#?}"
                );
            }
        }
    }
}

#[test]
fn the_authors_own_code_does_in_a_traced_run_what_it_does() {
    let plain = "def helper(i):\n    if i == 2:\n        raise ValueError('no two')\n    return i * i\n\n\
                 def task(i):\n    return helper(i)\n";
    let coroutine = "import asyncio\n\nasync def helper(i):\n    await asyncio.sleep(0.001)\n    if i == 2:\n        \
                     raise ValueError('no two')\n    return i * i\n\nasync def task(i):\n    \
                     try:\n        await asyncio.wait_for(asyncio.sleep(60), 0.002)\n    \
                     except asyncio.TimeoutError:\n        pass\n    \
                     inner = asyncio.ensure_future(asyncio.sleep(60))\n    await asyncio.sleep(0)\n    \
                     inner.cancel()\n    try:\n        await inner\n    except asyncio.CancelledError:\n        pass\n    \
                     return await helper(i)\n";
    for python in pythons() {
        let bench = Bench::new(&python);
        for text in [plain, coroutine] {
            for way in ways(&bench) {
                let program = program(4, &[code(text)]);
                let untraced = bench.run(&way, &program, false);
                let traced = bench.run(&way, &program, true);
                assert_eq!(untraced.observed.trace, None);
                is_whole(
                    traced.observed.trace.as_ref().unwrap(),
                    traced.reply.wall_ns,
                );
                let [before, after] = [&untraced, &traced].map(|run| &run.reply.tally);
                assert_eq!((before.succeeded, before.failed), (3, 1), "{way:?}");
                assert_eq!(
                    (after.succeeded, after.failed, after.answer),
                    (3, 1, before.answer),
                    "{way:?}"
                );
                let error = before.first_error.as_deref().unwrap();
                assert!(
                    error.contains("no two") && error.contains("in helper"),
                    "{error}"
                );
                assert_eq!(after.first_error.as_deref(), Some(error), "{way:?}");
            }
        }
    }
}

#[test]
fn tasks_that_are_too_short_to_be_seen_are_there_all_the_same() {
    for python in pythons() {
        let bench = Bench::new(&python);
        for way in [
            way("sequential"),
            way("threads"),
            way("thread-pool"),
            way("async"),
        ] {
            let (trace, _) = bench.trace(&way, &program(300, &[count(50)]));
            let mut tasks: Vec<u64> = trace
                .lanes
                .iter()
                .flat_map(|lane| &lane.spans)
                .filter_map(|span| span.task)
                .collect();
            tasks.sort_unstable();
            tasks.dedup();
            assert_eq!(tasks.len(), 300, "{way:?}");
        }
    }
}
