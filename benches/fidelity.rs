//! What a trial on a CPython takes, against the same script written by hand: it should be the same.
//!
//! Scripts by hand are in `by_hand/`: plain Python, that prints the seconds of the part that counts and what its tasks
//! returned. The same warden starts both sides, each in a fresh process on the same interpreter, in turn; what
//! is compared is the time inside. To add one: a row in [`WORKLOADS`] or a model of one, and its script.
//!
//!     cargo bench --bench fidelity [-- --rounds N] [--only WORD]    # PYTHON names the interpreter

mod ratio;

use conclab::analysis::statistics::median;
use conclab::io::{Connections, Site};
use conclab::model::Settings;
use conclab::process::{Interrupt, Launch, Warden, Watch};
use conclab::program::{Code, Group, Op, Program, Value, combine, splitmix64};
use conclab::runtime::{Runtime, harness};
use conclab::trial::run::{Trial, run};
use conclab::trial::{Kind, Outcome, Python, Reply, Request};
use conclab::units::format_ns;
use ratio::{Claim, Row, rounds_asked};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

const CONCLAB: &str = env!("CARGO_BIN_EXE_conclab");
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/by_hand");
/// Of the pools; the scripts' too.
const WORKERS: u32 = 2;
const WAIT_MS: u64 = 50;
const WARM_UP: usize = 2;
const TIMEOUT_NS: u64 = 60_000_000_000;
const MEMORY_LIMIT_BYTES: u64 = 4 << 30;
/// The median within 2 %, the whole interval within 5 %.
const SAME: Claim = Claim::Near(0.02, 0.05);
/// Times of two models that are apart by no more are in no order.
const APART: f64 = 1.05;

/// Tasks of a script of the course.
#[derive(Clone, Copy)]
enum Work {
    /// Primes below a number.
    Primes(u64),
    /// A request that takes [`WAIT_MS`].
    Wait,
    /// The square of the task's number: the author's own function.
    Square,
}

/// A workload, and each model that it is compared under with its script.
struct Workload {
    what: &'static str,
    work: Work,
    tasks: u64,
    /// How often it is repeated, in rounds that are asked for: what is over soon, more often.
    often: usize,
    models: &'static [(&'static str, &'static str, Claim)],
}

const PRIMES: &[(&str, &str, Claim)] = &[
    ("sequential", "primes_sequential", SAME),
    ("threads", "primes_threads", SAME),
    ("process-pool", "primes_pool", SAME),
];

const WORKLOADS: &[Workload] = &[
    Workload {
        what: "primes below 1,000",
        work: Work::Primes(1_000),
        tasks: 4,
        often: 4,
        models: &[
            PRIMES[0],
            PRIMES[1],
            PRIMES[2],
            ("process-pool", "primes_first_pool", Claim::Nothing),
        ],
    },
    Workload {
        what: "primes below 20,000",
        work: Work::Primes(20_000),
        tasks: 4,
        often: 2,
        models: PRIMES,
    },
    Workload {
        what: "primes below 100,000",
        work: Work::Primes(100_000),
        tasks: 4,
        often: 1,
        models: PRIMES,
    },
    Workload {
        what: "waits of 50 ms",
        work: Work::Wait,
        tasks: 4,
        often: 2,
        models: &[
            ("sequential", "waits_sequential", SAME),
            ("threads", "waits_threads", SAME),
            ("async", "waits_asyncio", SAME),
        ],
    },
    Workload {
        what: "waits of 50 ms",
        work: Work::Wait,
        tasks: 100,
        often: 2,
        models: &[
            ("threads", "waits_threads", SAME),
            ("async", "waits_asyncio", SAME),
        ],
    },
    Workload {
        what: "squares",
        work: Work::Square,
        tasks: 100,
        often: 4,
        models: &[
            ("sequential", "squares_sequential", SAME),
            ("threads", "squares_threads", SAME),
            ("process-pool", "squares_pool", SAME),
            ("async", "squares_asyncio", SAME),
        ],
    },
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let only = arguments.iter().skip_while(|word| *word != "--only").nth(1);
    let rounds = rounds_asked(20);
    let bench = Bench::start();
    let (mut rows, mut orders) = (Vec::new(), Vec::new());
    for workload in WORKLOADS {
        let what = format!("{} × {}", workload.tasks, workload.what);
        if only.is_some_and(|only| !what.contains(only.as_str())) {
            continue;
        }
        let pairs = bench.pairs(workload, rounds * workload.often);
        orders.push(order(&what, workload, &pairs));
        for ((model, script, claim), pairs) in workload.models.iter().zip(pairs) {
            rows.push(Row {
                what: format!("`{model}`, {what}"),
                compared_with: format!("[`{script}.py`](by_hand/{script}.py)"),
                pairs,
                format: format_ns,
                claim: *claim,
            });
        }
    }
    println!("On {}.\n", bench.python.version);
    ratio::print(&rows);
    println!("\n| order of the models | conclab | by hand | |\n|---|---|---|---|");
    for order in orders {
        println!("{order}");
    }
}

struct Bench {
    warden: Warden,
    delay_server: SocketAddr,
    python: Python,
}

impl Bench {
    fn start() -> Bench {
        let warden = Warden::start(Path::new(CONCLAB)).expect("a warden starts");
        let address = warden.service(&[CONCLAB.to_owned(), "delay-server".to_owned()]);
        let address = address.expect("a delay server").trim().parse();
        let word = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let ask =
            "import platform, sys; print(sys.executable, platform.python_version(), sep='\\n')";
        // It may be a script that looks for the real one.
        let output = Command::new(word).args(["-c", ask]).output();
        let told = String::from_utf8(output.expect("Python starts").stdout).expect("text");
        let (executable, version) = told.trim().split_once('\n').expect("two lines");
        let python = Python {
            interpreter: PathBuf::from(executable),
            harness: harness::install(&warden.directory().join("python")).expect("it is written"),
            version: format!("CPython {version}"),
        };
        Bench {
            warden,
            delay_server: address.expect("its address"),
            python,
        }
    }

    /// Times of conclab and of the script, nanoseconds: for each model a pair a round. All models take turns, and
    /// each side comes first in every second round.
    fn pairs(&self, workload: &Workload, rounds: usize) -> Vec<Vec<(f64, f64)>> {
        let mut pairs = vec![Vec::with_capacity(rounds); workload.models.len()];
        for round in 0..WARM_UP + rounds {
            for ((model, script, _), pairs) in workload.models.iter().zip(&mut pairs) {
                let by_hand = || self.by_hand(workload, script);
                let first = (round % 2 == 0).then(by_hand);
                let reply = self.trial(workload, model);
                let (seconds, results) = first.unwrap_or_else(by_hand);
                agree(workload, &reply, &results);
                if round >= WARM_UP {
                    pairs.push((reply.wall_ns as f64, seconds * 1e9));
                }
            }
        }
        pairs
    }

    fn trial(&self, workload: &Workload, model: &str) -> Reply {
        let trial = Trial {
            series: 0,
            point: 0,
            block: 0,
            kind: Kind::Timed,
            request: Request {
                program: program(workload),
                model: model.to_owned(),
                runtime: Runtime::Python("python".to_owned()),
                settings: Settings {
                    workers: WORKERS,
                    ..Settings::default()
                },
                latencies: false,
                trace: false,
                switch_interval_ns: None,
                python: Some(self.python.clone()),
                site: Site {
                    delay_server: Some(self.delay_server),
                    directory: self.warden.directory().join("trial"),
                    executable: CONCLAB.into(),
                    home: self.warden.directory().to_owned(),
                    connections: Connections::default(),
                },
            },
            timeout_ns: TIMEOUT_NS,
            memory_limit_bytes: MEMORY_LIMIT_BYTES,
        };
        let record = run(&self.warden, &trial, &Interrupt::default().stop());
        assert_eq!(record.outcome, Outcome::Ok, "{model}: {:?}", record.why);
        record.measurement.expect("an ok trial has numbers").reply
    }

    /// The script's seconds, and what its tasks returned.
    fn by_hand(&self, workload: &Workload, script: &str) -> (f64, Vec<u64>) {
        let mut argv = vec![self.python.interpreter.to_string_lossy().into_owned()];
        // As a trial is started: with what is installed beside the interpreter where the author's own code runs.
        if !program(workload).uses_python() {
            argv.extend(["-I", "-S"].map(str::to_owned));
        }
        argv.push(format!("{SCRIPTS}/{script}.py"));
        match workload.work {
            Work::Primes(below) => argv.push(below.to_string()),
            Work::Wait => {
                let address = self.delay_server;
                argv.extend([address.ip().to_string(), address.port().to_string()]);
                argv.push(WAIT_MS.to_string());
            }
            Work::Square => {}
        }
        argv.push(workload.tasks.to_string());
        let launch = Launch {
            argv,
            directory: self.warden.directory().to_owned(),
            stdin: String::new(),
            timeout_ns: TIMEOUT_NS,
            memory_limit_bytes: MEMORY_LIMIT_BYTES,
            watch: Watch::Nothing,
        };
        let ended = self.warden.run(&launch, &Interrupt::default().stop());
        let printed = ended.printed.trim();
        let (seconds, results) = printed
            .split_once(' ')
            .unwrap_or_else(|| panic!("{script}: {:?} {printed}", ended.end));
        let results = serde_json::from_str(results).expect("a list of integers");
        (seconds.parse().expect("seconds"), results)
    }
}

/// What a cell with these tasks becomes.
fn program(workload: &Workload) -> Program {
    let op = match workload.work {
        Work::Primes(below) => Op::Compute {
            function: "primes".to_owned(),
            size: Value::Const(below),
        },
        Work::Wait => Op::Http {
            time: Value::Const(WAIT_MS * 1_000_000),
            status: Value::Const(200),
            bytes: Value::Const(0),
            reuse: false,
        },
        Work::Square => Op::Python {
            code: Code::Text {
                text: "def task(i):\n    return i * i\n".to_owned(),
                line: 1,
                module: "cell".to_owned(),
            },
        },
    };
    Program {
        groups: vec![Group {
            name: String::new(),
            tasks: workload.tasks,
            ops: vec![op],
        }],
        seed: 1,
        ..Program::default()
    }
}

/// Refuses to compare what isn't the same work.
fn agree(workload: &Workload, reply: &Reply, results: &[u64]) {
    let tally = &reply.tally;
    let tasks = workload.tasks as usize;
    assert_eq!(tally.succeeded, workload.tasks, "{:?}", tally.first_error);
    assert_eq!(results.len(), tasks, "by hand");
    let answer = results.iter().zip(0..).fold(0, |answer, (result, task)| {
        combine(answer, task, splitmix64(*result))
    });
    match workload.work {
        Work::Primes(_) | Work::Wait => assert_eq!(tally.answer, answer, "not the same work"),
        // What the author's own code returned is in the answer as a digest.
        Work::Square => assert!(
            results
                .iter()
                .zip(0..)
                .all(|(result, task)| *result == task * task)
        ),
    }
}

/// A row: the models from the fastest to the slowest on either side, and whether that is the same order.
fn order(what: &str, workload: &Workload, pairs: &[Vec<(f64, f64)>]) -> String {
    let claimed = |(_, _, claim): &(&str, &str, Claim)| !matches!(claim, Claim::Nothing);
    let rows = workload
        .models
        .iter()
        .zip(pairs)
        .filter(|(row, _)| claimed(row));
    let times: Vec<(&str, [f64; 2])> = rows
        .map(|((model, ..), pairs)| {
            let side = |pick: fn(&(f64, f64)) -> f64| {
                median(&pairs.iter().map(pick).collect::<Vec<f64>>())
            };
            (*model, [side(|pair| pair.0), side(|pair| pair.1)])
        })
        .collect();
    let told = |side: usize| {
        let mut sorted: Vec<&(&str, [f64; 2])> = times.iter().collect();
        sorted.sort_by(|a, b| a.1[side].total_cmp(&b.1[side]));
        let first = sorted[0].1[side];
        let each = sorted
            .iter()
            .map(|(model, times)| match times[side] / first {
                1.0 => format!("`{model}`"),
                ratio => format!("`{model}` {ratio:.2}×"),
            });
        each.collect::<Vec<String>>().join(", ")
    };
    // Whoever is clearly ahead on one side is ahead on the other.
    let same = times.iter().all(|(_, a)| {
        times.iter().all(|(_, b)| {
            let clear = a[0] * APART < b[0] || a[1] * APART < b[1];
            !clear || (a[0] < b[0] && a[1] < b[1])
        })
    });
    let verdict = if same { "the same" } else { "**not the same**" };
    format!("| {what} | {} | {} | {verdict} |", told(0), told(1))
}
