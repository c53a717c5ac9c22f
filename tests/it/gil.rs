//! The emulated GIL in real trials: the same answers as native, and the shapes that are known of CPython.
//!
//! Times are only ever compared with each other or with the interval, in margins that a busy machine keeps;
//! where it may not, one of several attempts will do.

use super::models::{Lane, Trial, add, count, group, held, lanes, program, run, sleep};
use conclab::compute::FUNCTIONS;
use conclab::model::{GroupLatencies, Settings};
use conclab::program::{Body, Code, Op, Program, Statement, Sync, Value};

/// A model under the emulated GIL, with that many workers.
fn under_gil(model: &'static str, workers: u32) -> Lane {
    let settings = Settings {
        workers,
        ..Settings::default()
    };
    Lane {
        model,
        settings,
        gil: true,
        switch_interval_ns: None,
    }
}

#[test]
fn every_operation_has_the_same_answer_as_native_on_every_model() {
    let compute = |name: &str, size: u64| Op::Compute {
        function: name.to_owned(),
        size: Value::Const(size),
    };
    let mut ops: Vec<Op> = FUNCTIONS
        .iter()
        .map(|function| match function.name {
            "fib" => compute("fib", 12),
            "matmul" => compute("matmul", 12),
            name => compute(name, 3_000),
        })
        .collect();
    let time = || Value::Const(1_000_000);
    let bytes = || Value::Const(5_000);
    ops.extend([
        sleep(1),
        Op::Block { time: time() },
        Op::Alloc { bytes: bytes() },
        Op::Read { bytes: bytes() },
        Op::Write {
            bytes: bytes(),
            sync: false,
        },
        Op::Query {
            statement: Statement::Time(time()),
            database: None,
        },
        Op::Run {
            argv: vec!["true".to_owned()],
        },
        add(100, Sync::Mutex),
        held(
            // The same lock as above: another one would not keep the two kinds of increments apart.
            vec![add(1, Sync::Mutex), sleep(0)],
            10,
            Some("a"),
            Some("sleep"),
        ),
    ]);
    let all = Program {
        limits: [("sleep".to_owned(), 2)].into(),
        argument: Some(Value::Const(70_000)),
        result: Some(Value::Const(10)),
        ..program(5, ops)
    };
    let mut answer = None;
    for lane in lanes() {
        let tally = run(lane, &all).tally;
        assert_eq!(tally.first_error, None, "{lane:?}");
        assert_eq!(
            (tally.succeeded, tally.counted_updates),
            (5, 550),
            "{lane:?}"
        );
        assert_eq!(
            tally.answer,
            *answer.get_or_insert(tally.answer),
            "{lane:?}"
        );
    }
}

#[test]
fn two_threads_never_compute_at_the_same_moment() {
    let busy = program(4, vec![count(Value::Const(10_000_000))]);
    for model in ["threads", "thread-pool", "async-threads", "hybrid"] {
        let reply = run(under_gil(model, 4), &busy);
        let cpu_ns = reply.user_ns + reply.system_ns;
        // Handing over costs a little on both sides at once.
        let most = reply.wall_ns + reply.wall_ns / 8 + 5_000_000;
        assert!(cpu_ns <= most, "{model}: {cpu_ns} of {}", reply.wall_ns);
        assert!(reply.voluntary_switches > 4, "{model}: nobody waited");
    }
}

#[test]
fn waits_overlap_as_without_a_lock() {
    let waiting = program(40, vec![sleep(50)]);
    for model in ["threads", "thread-pool", "async", "async-threads", "hybrid"] {
        for op in [
            waiting.clone(),
            program(40, vec![count(Value::Const(10)), sleep(50)]),
        ] {
            let reply = run(under_gil(model, 40), &op);
            // One after the other they take two seconds.
            assert!(reply.wall_ns < 1_000_000_000, "{model}: {}", reply.wall_ns);
        }
    }
}

/// Time by which one wait of a millisecond takes longer beside so many threads that compute all the while,
/// in nanoseconds.
fn late_ns(hogs: u64, interval_ns: Option<u64>) -> u64 {
    const WAITS: u64 = 20;
    let waits = group("waits", 1, vec![held(vec![sleep(1)], WAITS, None, None)]);
    let hog = group("hog", hogs, vec![count(Value::Const(60_000_000))]);
    let beside = Program {
        groups: vec![hog, waits],
        ..program(0, Vec::new())
    };
    let lane = Lane {
        switch_interval_ns: interval_ns,
        ..under_gil("threads", 1)
    };
    let groups: Vec<GroupLatencies> = Trial::start(lane, &beside, true).end().groups;
    let wait = groups.iter().find(|group| group.name == "waits").unwrap();
    (wait.quantiles_ns[50] / WAITS).saturating_sub(1_000_000)
}

#[test]
fn beside_a_thread_that_computes_each_wait_comes_an_interval_late() {
    let interval_ns = 5_000_000;
    let attempt = || {
        let (alone, beside) = (late_ns(0, None), late_ns(1, None));
        let short = late_ns(1, Some(500_000));
        let late = beside >= interval_ns * 9 / 10 && beside < interval_ns * 3;
        let fits = alone < interval_ns / 2 && short < beside / 2;
        let numbers = (alone, beside, short);
        (late && fits).then_some(()).ok_or(numbers)
    };
    let mut failed = Vec::new();
    while let Err(numbers) = attempt() {
        failed.push(numbers);
        assert!(failed.len() < 5, "{failed:?}");
    }
}

#[test]
fn increments_are_lost_only_where_something_is_called_in_between() {
    let racing = |body| {
        let op = Op::Add {
            times: Value::Const(1_000_000),
            sync: Sync::None,
            body,
        };
        let lane = Lane {
            switch_interval_ns: Some(100_000),
            ..under_gil("threads", 2)
        };
        let tally = run(lane, &program(2, vec![op])).tally;
        assert_eq!(tally.expected_updates, 2_000_000);
        tally.expected_updates - tally.counted_updates
    };
    assert!((0..3).all(|_| racing(Body::Plain) == 0));
    assert!((0..10).any(|_| racing(Body::Call) > 0), "none was lost");
}

#[test]
fn a_task_that_fails_gives_the_lock_back() {
    let python = Op::Python {
        code: Code::Text {
            text: "task = None".to_owned(),
            line: 1,
            module: "task".to_owned(),
        },
    };
    for lane in lanes().into_iter().filter(|lane| lane.gil) {
        let mixed = Program {
            groups: vec![
                group("bad", 2, vec![count(Value::Const(1_000)), python.clone()]),
                group("good", 3, vec![sleep(1), count(Value::Const(1_000))]),
            ],
            ..program(0, Vec::new())
        };
        let tally = run(lane, &mixed).tally;
        assert_eq!((tally.failed, tally.succeeded), (2, 3), "{lane:?}");
    }
}
