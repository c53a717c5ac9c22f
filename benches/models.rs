//! What each model costs, against a program by hand that does the same work and nothing else.
//!
//! Both sides are processes that the same warden starts, and both measure themselves inside: from the first
//! thread, worker or loop that they create to the last that they join. What is compared is in `by_hand.rs`.
//! Three tables: time, memory, and how far the models go on this machine.
//!
//!     cargo bench --bench models [-- --rounds N] [--only time|memory|scale]

mod by_hand;
mod ratio;

use by_hand::{REQUESTS_AT_ONCE, WORKERS, Work};
use conclab::io::{Connections, Site};
use conclab::model::{MODELS, Model, Settings};
use conclab::process::{Interrupt, Launch, Warden, Watch};
use conclab::program::{Group, Op, Program, Value};
use conclab::runtime::Runtime;
use conclab::trial::run::{Trial, run};
use conclab::trial::{Kind, Measurement, Outcome, Reply, Request};
use conclab::units::{format_bytes, format_count, format_ns};
use ratio::{Claim, Row, rounds_asked};
use std::net::SocketAddr;
use std::path::Path;

const CONCLAB: &str = env!("CARGO_BIN_EXE_conclab");
const WARM_UP: usize = 2;
const TIMEOUT_NS: u64 = 120_000_000_000;
const MEMORY_LIMIT_BYTES: u64 = 16 << 30;

const COMPUTE: Work = Work::Count(100_000_000);
const COMPUTE_TASKS: u64 = 8;
const TINY: Work = Work::Count(100);
const TINY_TASKS: u64 = 100_000;
/// Of the model that creates a thread for each.
const TINY_THREADS: u64 = 10_000;
const REQUESTS: u64 = 20_000;
const SLEEPERS: u64 = 1_000_000;
const SLEEP: Work = Work::Sleep(1_000_000_000);

/// What Python's own pool does with tasks that do nothing at all; the answer comes as a trial's does.
const PYTHON_POOL: &str = r#"
import json, multiprocessing, os, sys, time
def task(number):
    return number
if __name__ == "__main__":
    tasks, workers = int(sys.argv[1]), int(sys.argv[2])
    start = time.perf_counter_ns()
    with multiprocessing.Pool(workers) as pool:
        results = pool.map(task, range(tasks))
        pool.close()
        pool.join()
    wall_ns = time.perf_counter_ns() - start
    assert sum(results) == tasks * (tasks - 1) // 2
    os.write(3, json.dumps({"wall_ns": wall_ns}).encode())
"#;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if by_hand::take_over(&arguments) {
        return;
    }
    let only = arguments.iter().skip_while(|word| *word != "--only").nth(1);
    let is_asked = |table: &str| only.is_none_or(|only| only == table);
    let warden = Warden::start(Path::new(CONCLAB)).expect("a warden starts");
    let address = warden.service(&[CONCLAB.to_owned(), "delay-server".to_owned()]);
    let address = address.expect("a delay server").trim().parse();
    let bench = Bench {
        warden,
        delay_server: address.expect("its address"),
        this: std::env::current_exe()
            .expect("its path")
            .to_string_lossy()
            .into_owned(),
    };
    if is_asked("time") {
        ratio::print(&bench.time(rounds_asked(20)));
    }
    if is_asked("memory") {
        println!();
        ratio::print(&[bench.memory(rounds_asked(10))]);
    }
    if is_asked("scale") {
        println!();
        bench.scale();
    }
}

struct Bench {
    warden: Warden,
    delay_server: SocketAddr,
    /// This executable.
    this: String,
}

/// One side of a pair.
type Side<'a> = Box<dyn Fn() -> Reply + 'a>;

impl Bench {
    fn time(&self, rounds: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        for (work, all, what) in [
            (COMPUTE, COMPUTE_TASKS, "8 tasks of 100,000,000 steps"),
            (TINY, TINY_TASKS, "tasks of 100 steps"),
        ] {
            let native = |model: &&&dyn Model| model.unsupported(&Runtime::Native).is_none();
            for model in MODELS.iter().filter(native).map(|model| model.def().name) {
                let tasks = match (model, work) {
                    ("processes", TINY) => continue,
                    ("threads", TINY) => TINY_THREADS,
                    _ => all,
                };
                let what = match work {
                    TINY => format!("{} {what}", format_count(tasks)),
                    _ => what.to_owned(),
                };
                let by_hand: Side = Box::new(move || self.by_hand(model, work, tasks));
                let pairs = self.pairs(rounds, model, work, tasks, &by_hand);
                let row = |what: String, value: fn(&Reply) -> f64, claim| Row {
                    what,
                    compared_with: "by hand".to_owned(),
                    pairs: pairs_of(&pairs, value),
                    format: format_ns,
                    claim,
                };
                rows.push(row(
                    format!("`{model}`, {what}"),
                    wall_ns,
                    Claim::AtMost(1.02),
                ));
                rows.push(row(
                    "its CPU time, a task".to_owned(),
                    cpu_ns,
                    Claim::Nothing,
                ));
            }
        }
        let python: Side = Box::new(|| self.python_pool(TINY_TASKS));
        rows.push(Row {
            what: "`process-pool`, tasks a second, of 100 steps".to_owned(),
            compared_with: "`multiprocessing.Pool.map`, empty tasks".to_owned(),
            pairs: pairs_of(
                &self.pairs(rounds, "process-pool", TINY, TINY_TASKS, &python),
                wall_ns,
            ),
            format: |ns| a_second(TINY_TASKS, ns),
            claim: Claim::AtMost(0.2),
        });
        for (reuse, word) in [(true, "reuse"), (false, "new")] {
            let work = Work::Http { reuse };
            let by_hand: Side = Box::new(move || self.by_hand("async", work, REQUESTS));
            rows.push(Row {
                what: format!("`async`, requests a second, `connection = \"{word}\"`"),
                compared_with: "a bare tokio client".to_owned(),
                pairs: pairs_of(
                    &self.pairs(rounds, "async", work, REQUESTS, &by_hand),
                    wall_ns,
                ),
                format: |ns| a_second(REQUESTS, ns),
                claim: Claim::Nothing,
            });
        }
        rows
    }

    /// Memory of a task that waits.
    fn memory(&self, rounds: usize) -> Row {
        let by_hand: Side = Box::new(|| self.by_hand("async", SLEEP, SLEEPERS));
        let grown =
            |reply: &Reply| (reply.own_peak_bytes - reply.idle_bytes) as f64 / SLEEPERS as f64;
        Row {
            what: format!(
                "`async`, memory of each of {} sleeping tasks",
                format_count(SLEEPERS)
            ),
            compared_with: "bare tokio tasks".to_owned(),
            pairs: pairs_of(
                &self.pairs(rounds, "async", SLEEP, SLEEPERS, &by_hand),
                grown,
            ),
            format: format_bytes,
            claim: Claim::Nothing,
        }
    }

    /// How far models go: a run that is timed and one whose memory is sampled.
    fn scale(&self) {
        println!("| what | wall time | peak memory of all processes |");
        println!("|---|--:|--:|");
        let reuse = Work::Http { reuse: true };
        let new = Work::Http { reuse: false };
        for (model, tasks, work, limit, what) in [
            ("threads", 10_000, SLEEP, None, "threads that sleep 1 s"),
            ("processes", 1_000, SLEEP, None, "processes that sleep 1 s"),
            ("async", SLEEPERS, SLEEP, None, "tasks that sleep 1 s"),
            (
                "async",
                100_000,
                reuse,
                Some(1_000),
                "requests, 1,000 at once on open connections",
            ),
            (
                "async",
                100_000,
                new,
                Some(1_000),
                "requests, 1,000 at once on new connections",
            ),
        ] {
            let measure = |kind| self.trial(model, work, tasks, limit, kind);
            let wall_ns = measure(Kind::Timed).reply.wall_ns;
            let memory = measure(Kind::Sampled).memory.expect("it was sampled");
            println!(
                "| `{model}`: {} {what} | {} | {} |",
                format_count(tasks),
                format_ns(wall_ns as f64),
                format_bytes(memory.peak_bytes as f64),
            );
        }
    }

    /// A trial and its counterpart, in turn; each side comes first in every second round.
    fn pairs(
        &self,
        rounds: usize,
        model: &str,
        work: Work,
        tasks: u64,
        other: &Side,
    ) -> Vec<(Reply, Reply)> {
        let limit = matches!(work, Work::Http { .. }).then_some(REQUESTS_AT_ONCE);
        let trial = || self.trial(model, work, tasks, limit, Kind::Timed).reply;
        let mut pairs = Vec::with_capacity(rounds);
        for round in 0..WARM_UP + rounds {
            let first = (round % 2 == 0).then(other);
            let own = trial();
            let other = first.unwrap_or_else(other);
            if round >= WARM_UP {
                pairs.push((own, other));
            }
        }
        pairs
    }

    fn trial(
        &self,
        model: &str,
        work: Work,
        tasks: u64,
        limit: Option<u64>,
        kind: Kind,
    ) -> Measurement {
        let trial = Trial {
            series: 0,
            point: 0,
            block: 0,
            kind,
            request: Request {
                program: program(work, tasks, limit),
                model: model.to_owned(),
                runtime: Runtime::Native,
                settings: Settings {
                    workers: WORKERS,
                    ..Settings::default()
                },
                latencies: false,
                trace: false,
                switch_interval_ns: None,
                python: None,
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
        let measured = record.measurement.expect("an ok trial has numbers");
        let tally = &measured.reply.tally;
        assert_eq!(tally.succeeded, tasks, "{model}: {:?}", tally.first_error);
        measured
    }

    fn by_hand(&self, model: &str, work: Work, tasks: u64) -> Reply {
        let mut argv = vec![self.this.clone()];
        argv.extend(by_hand::arguments(
            model,
            work,
            tasks,
            Some(self.delay_server),
        ));
        serde_json::from_str(&self.launch(argv)).expect("a reply")
    }

    fn python_pool(&self, tasks: u64) -> Reply {
        let script = self.warden.directory().join("pool.py");
        std::fs::write(&script, PYTHON_POOL).expect("it is written");
        let script = script.to_string_lossy().into_owned();
        let argv = [
            std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned()),
            script,
            tasks.to_string(),
            WORKERS.to_string(),
        ];
        let reply: serde_json::Value =
            serde_json::from_str(&self.launch(argv.into())).expect("a reply");
        Reply {
            wall_ns: reply["wall_ns"].as_u64().expect("a time"),
            ..Reply::default()
        }
    }

    /// Runs a process as trials are run; what it replied.
    fn launch(&self, argv: Vec<String>) -> String {
        let launch = Launch {
            argv,
            directory: self.warden.directory().to_owned(),
            stdin: String::new(),
            timeout_ns: TIMEOUT_NS,
            memory_limit_bytes: MEMORY_LIMIT_BYTES,
            watch: Watch::Nothing,
        };
        let ended = self.warden.run(&launch, &Interrupt::default().stop());
        assert!(
            !ended.reply.is_empty(),
            "{:?}: {}",
            ended.end,
            ended.printed
        );
        ended.reply
    }
}

/// What a cell with this task becomes; requests within a limit, if there is one.
fn program(work: Work, tasks: u64, limit: Option<u64>) -> Program {
    let op = match work {
        Work::Count(size) => Op::Compute {
            function: "count".to_owned(),
            size: Value::Const(size),
        },
        Work::Sleep(time_ns) => Op::Sleep {
            time: Value::Const(time_ns),
        },
        Work::Http { reuse } => Op::Http {
            time: Value::Const(1),
            status: Value::Const(200),
            bytes: Value::Const(0),
            reuse,
        },
    };
    let op = match limit {
        None => op,
        Some(_) => Op::Group {
            ops: vec![op],
            times: 1,
            lock: None,
            permit: Some("http".to_owned()),
            label: String::new(),
        },
    };
    Program {
        groups: vec![Group {
            name: String::new(),
            tasks,
            ops: vec![op],
        }],
        limits: limit
            .map(|limit| ("http".to_owned(), limit))
            .into_iter()
            .collect(),
        seed: 1,
        ..Program::default()
    }
}

/// One number of each side; where both have an answer it must be the same.
fn pairs_of(pairs: &[(Reply, Reply)], value: fn(&Reply) -> f64) -> Vec<(f64, f64)> {
    let pair = |(own, other): &(Reply, Reply)| {
        if other.tally.succeeded > 0 {
            assert_eq!(own.tally.answer, other.tally.answer, "not the same work");
        }
        (value(own), value(other))
    };
    pairs.iter().map(pair).collect()
}

fn wall_ns(reply: &Reply) -> f64 {
    reply.wall_ns as f64
}

/// CPU time of one task.
fn cpu_ns(reply: &Reply) -> f64 {
    (reply.user_ns + reply.system_ns) as f64 / reply.tally.succeeded as f64
}

fn a_second(tasks: u64, wall_ns: f64) -> String {
    format!(
        "{}/s",
        format_count((tasks as f64 / wall_ns * 1e9).round() as u64)
    )
}
