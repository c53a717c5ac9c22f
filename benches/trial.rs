//! What a trial costs beyond its clock, against a bare spawn and exit of the same binary.
//!
//! The trial counts to one under `sequential`. Its cost is everything from the call that asks for it to
//! the record: its folder, the warden's messages, exec, the request, the reply, reaping, and the folder's
//! removal, less the wall time inside the clock. Beside it, `conclab --version` with its output thrown
//! away, started from this small process.
//!
//!     cargo bench --bench trial [-- --rounds N]

mod ratio;

use conclab::io::{Connections, Site};
use conclab::model::Settings;
use conclab::process::{Interrupt, Warden};
use conclab::program::{Group, Op, Program, Value};
use conclab::runtime::Runtime;
use conclab::trial::run::{Trial, run};
use conclab::trial::{Kind, Outcome, Request};
use conclab::units::format_ns;
use ratio::{Claim, Row, rounds_asked, timed_ns};
use std::path::Path;
use std::process::{Command, Stdio};

const CONCLAB: &str = env!("CARGO_BIN_EXE_conclab");
const WARM_UP: usize = 20;

fn main() {
    let rounds = rounds_asked(400);
    let warden = Warden::start(Path::new(CONCLAB)).expect("a warden starts");
    let mut beyond_clock = Vec::new();
    let mut process_alone = Vec::new();
    for round in 0..WARM_UP + rounds {
        // Each side comes first in every second round.
        let first = (round % 2 == 0).then(spawn_ns);
        let (whole_ns, process_ns) = trial_ns(&warden, round);
        let spawn_ns = first.unwrap_or_else(spawn_ns);
        if round >= WARM_UP {
            beyond_clock.push((whole_ns, spawn_ns));
            process_alone.push((process_ns, spawn_ns));
        }
    }
    let compared_with = "spawn and exit of `conclab --version`".to_owned();
    ratio::print(&[
        Row {
            what: "a trial, beyond its clock".to_owned(),
            compared_with: compared_with.clone(),
            pairs: beyond_clock,
            format: format_ns,
            claim: Claim::AtMost(3.0),
        },
        Row {
            what: "of that, the trial's process from start to end".to_owned(),
            compared_with,
            pairs: process_alone,
            format: format_ns,
            claim: Claim::Nothing,
        },
    ]);
}

/// The same binary, doing nothing.
fn spawn_ns() -> f64 {
    timed_ns(|| {
        let status = Command::new(CONCLAB)
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.expect("it starts").success());
    })
}

/// A trial without its clock: all of it, and what the warden saw of its process.
fn trial_ns(warden: &Warden, number: usize) -> (f64, f64) {
    let trial = Trial {
        series: 0,
        point: 0,
        block: 0,
        kind: Kind::Timed,
        request: Request {
            program: Program {
                groups: vec![Group {
                    name: String::new(),
                    tasks: 1,
                    ops: vec![Op::Compute {
                        function: "count".to_owned(),
                        size: Value::Const(1),
                    }],
                }],
                seed: 1,
                ..Program::default()
            },
            model: "sequential".to_owned(),
            runtime: Runtime::Native,
            settings: Settings::default(),
            latencies: false,
            trace: false,
            switch_interval_ns: None,
            python: None,
            site: Site {
                delay_server: None,
                directory: warden.directory().join(format!("trial-{number}")),
                executable: CONCLAB.into(),
                home: warden.directory().to_owned(),
                connections: Connections::default(),
            },
        },
        timeout_ns: 30_000_000_000,
        memory_limit_bytes: 1 << 30,
    };
    let stop = Interrupt::default().stop();
    let mut record = None;
    let whole_ns = timed_ns(|| record = Some(run(warden, &trial, &stop)));
    let record = record.expect("it ran");
    assert_eq!(record.outcome, Outcome::Ok, "{:?}", record.why);
    let measured = record.measurement.expect("an ok trial has numbers");
    assert_eq!(measured.reply.tally.succeeded, 1);
    let clock_ns = measured.reply.wall_ns as f64;
    (whole_ns - clock_ns, measured.elapsed_ns as f64 - clock_ns)
}
