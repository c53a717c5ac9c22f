//! What tracing costs: a traced run against an untraced one of the same tasks, inside the clock.
//!
//! Tiny tasks, as many as make what is noted of each weigh most. Both sides run in turn, each first in every
//! second round. To add a row: a line of [`ROWS`].
//!
//!     cargo bench --bench tracing [-- --rounds N] [--only MODEL]

mod ratio;

use conclab::io::{Connections, Site};
use conclab::model::Settings;
use conclab::process::{Interrupt, Warden};
use conclab::program::{Group, Op, Program, Value};
use conclab::runtime::Runtime;
use conclab::trial::run::{Trial, run};
use conclab::trial::{Kind, Outcome, Reply, Request};
use conclab::units::{format_count, format_ns};
use ratio::{Claim, Row, rounds_asked};
use std::path::Path;

const CONCLAB: &str = env!("CARGO_BIN_EXE_conclab");
const WARM_UP: usize = 2;
/// What is promised of tasks on threads and on an event loop.
const MOST: Claim = Claim::AtMost(1.05);

/// What a task does.
#[derive(Clone, Copy)]
enum Work {
    /// 100 steps.
    Count,
    /// It sleeps for a millisecond.
    Sleep,
}

/// Model, tasks, what each does, what is promised.
const ROWS: &[(&str, u64, Work, Claim)] = &[
    ("async", 100_000, Work::Count, MOST),
    ("threads", 10_000, Work::Count, MOST),
    ("async", 100_000, Work::Sleep, Claim::Nothing),
    ("sequential", 100_000, Work::Count, Claim::Nothing),
    ("thread-pool", 100_000, Work::Count, Claim::Nothing),
    ("process-pool", 100_000, Work::Count, Claim::Nothing),
    ("async-threads", 100_000, Work::Count, Claim::Nothing),
    ("hybrid", 100_000, Work::Count, Claim::Nothing),
];

fn main() {
    let rounds = rounds_asked(30);
    let warden = Warden::start(Path::new(CONCLAB)).expect("a warden starts");
    let mut rows = Vec::new();
    let arguments: Vec<String> = std::env::args().collect();
    let only = arguments.iter().skip_while(|word| *word != "--only").nth(1);
    for (model, tasks, work, claim) in ROWS {
        if only.is_some_and(|only| only != model) {
            continue;
        }
        let pairs = pairs(&warden, rounds, model, *tasks, *work);
        let of = |value: fn(&Reply) -> f64| {
            let pairs = pairs.iter();
            pairs
                .map(|(traced, bare)| (value(traced), value(bare)))
                .collect()
        };
        let does = match work {
            Work::Count => "of 100 steps",
            Work::Sleep => "that sleep 1 ms",
        };
        rows.push(Row {
            what: format!("`{model}`, {} tasks {does}, traced", format_count(*tasks)),
            compared_with: "untraced".to_owned(),
            pairs: of(|reply| reply.wall_ns as f64),
            format: format_ns,
            claim: *claim,
        });
        rows.push(Row {
            what: "its CPU time, a task".to_owned(),
            compared_with: "untraced".to_owned(),
            pairs: of(|reply| {
                (reply.user_ns + reply.system_ns) as f64 / reply.tally.succeeded as f64
            }),
            format: format_ns,
            claim: Claim::Nothing,
        });
    }
    ratio::print(&rows);
}

fn pairs(
    warden: &Warden,
    rounds: usize,
    model: &str,
    tasks: u64,
    work: Work,
) -> Vec<(Reply, Reply)> {
    let trial = |trace| trial(warden, model, tasks, work, trace);
    let mut pairs = Vec::with_capacity(rounds);
    for round in 0..WARM_UP + rounds {
        let first = (round % 2 == 0).then(|| trial(false));
        let traced = trial(true);
        let bare = first.unwrap_or_else(|| trial(false));
        assert_eq!(traced.tally.answer, bare.tally.answer, "not the same work");
        if round >= WARM_UP {
            pairs.push((traced, bare));
        }
    }
    pairs
}

fn trial(warden: &Warden, model: &str, tasks: u64, work: Work, trace: bool) -> Reply {
    let op = match work {
        Work::Count => Op::Compute {
            function: "count".to_owned(),
            size: Value::Const(100),
        },
        Work::Sleep => Op::Sleep {
            time: Value::Const(1_000_000),
        },
    };
    let program = Program {
        groups: vec![Group {
            name: String::new(),
            tasks,
            ops: vec![op],
        }],
        seed: 1,
        ..Program::default()
    };
    let trial = Trial {
        series: 0,
        point: 0,
        block: 0,
        kind: if trace { Kind::Traced } else { Kind::Timed },
        request: Request {
            program,
            model: model.to_owned(),
            runtime: Runtime::Native,
            settings: Settings {
                workers: 2,
                ..Settings::default()
            },
            latencies: false,
            trace,
            switch_interval_ns: None,
            python: None,
            site: Site {
                delay_server: None,
                directory: warden.directory().join("trial"),
                executable: CONCLAB.into(),
                home: warden.directory().to_owned(),
                connections: Connections::default(),
            },
        },
        timeout_ns: 60_000_000_000,
        memory_limit_bytes: 4 << 30,
    };
    let record = run(warden, &trial, &Interrupt::default().stop());
    assert_eq!(record.outcome, Outcome::Ok, "{model}: {:?}", record.why);
    let measured = record.measurement.expect("an ok trial has numbers");
    let traced = measured.observed.trace;
    assert_eq!(traced.is_some_and(|trace| !trace.lanes.is_empty()), trace);
    assert_eq!(measured.reply.tally.succeeded, tasks);
    measured.reply
}
