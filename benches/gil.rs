//! The emulated GIL beside the real one: how late a wait comes beside one thread that computes, and what
//! threads that compute take over one after the other.
//!
//! Both sides run in turn: a trial of conclab, and a program of a few lines on the Python that the
//! environment variable `PYTHON` names (else `python3`). The numbers say how near the emulation comes; they promise
//! nothing, as versions of Python differ too.
//!
//!     cargo bench --bench gil [-- --rounds N]

mod ratio;

use conclab::compute::{calibrate, calibrate_program};
use conclab::io::{Connections, Site};
use conclab::model::Settings;
use conclab::process::{Interrupt, Warden};
use conclab::program::{Group, Op, Program, Value};
use conclab::runtime::Runtime;
use conclab::trial::run::{Trial, run};
use conclab::trial::{Kind, Reply, Request};
use conclab::units::{format_ns, format_ratio};
use ratio::{Claim, Row, rounds_asked};
use std::path::Path;
use std::process::Command;

const CONCLAB: &str = env!("CARGO_BIN_EXE_conclab");
const INTERVALS_NS: [u64; 3] = [5_000_000, 1_000_000, 100_000];
/// Waits of a millisecond beside the thread that computes.
const WAITS: u64 = 50;
const HOG_NS: u64 = 500_000_000;
const TASKS: u64 = 4;
const TASK_NS: u64 = 9_000_000;

/// Time that a wait takes longer than a millisecond, on average, in nanoseconds.
const PYTHON_LATE: &str = r#"
import sys, threading, time
interval, waits, hog_s = float(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
sys.setswitchinterval(interval)
def hog():
    end = time.perf_counter() + hog_s
    while time.perf_counter() < end:
        for _ in range(1000):
            pass
def wait():
    global took
    start = time.perf_counter_ns()
    for _ in range(waits):
        time.sleep(0.001)
    took = time.perf_counter_ns() - start
threads = [threading.Thread(target=hog), threading.Thread(target=wait)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(took / waits - 1e6)
"#;

/// What threads that compute take over one after the other.
const PYTHON_RATIO: &str = r#"
import sys, threading, time
tasks, task_ns = int(sys.argv[1]), int(sys.argv[2])
def work(n):
    for _ in range(n):
        pass
def wall(run):
    start = time.perf_counter_ns()
    run()
    return time.perf_counter_ns() - start
n = 1000
while wall(lambda: work(n)) < task_ns:
    n = n * 5 // 4
def in_threads():
    threads = [threading.Thread(target=work, args=(n,)) for _ in range(tasks)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
one_by_one = wall(lambda: [work(n) for _ in range(tasks)])
print(wall(in_threads) / one_by_one)
"#;

fn main() {
    let rounds = rounds_asked(20);
    let bench = Bench {
        warden: Warden::start(Path::new(CONCLAB)).expect("a warden starts"),
        steps_per_ns: calibrate(),
        python: std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned()),
    };
    let mut rows: Vec<Row> = INTERVALS_NS
        .map(|interval_ns| {
            bench.row(
                format!(
                    "a wait beside a thread that computes comes late, interval {}",
                    format_ns(interval_ns as f64)
                ),
                rounds,
                format_ns,
                || bench.late_ns(interval_ns),
                || bench.python_late_ns(interval_ns),
            )
        })
        .into();
    rows.push(bench.row(
        format!(
            "{TASKS} tasks of {} on `threads`, over `sequential`",
            format_ns(TASK_NS as f64)
        ),
        rounds,
        format_ratio,
        || bench.ratio(),
        || bench.python(PYTHON_RATIO, &[TASKS.to_string(), TASK_NS.to_string()]),
    ));
    ratio::print(&rows);
}

struct Bench {
    warden: Warden,
    steps_per_ns: f64,
    python: String,
}

impl Bench {
    fn row(
        &self,
        what: String,
        rounds: usize,
        format: fn(f64) -> String,
        emulated: impl Fn() -> f64,
        real: impl Fn() -> f64,
    ) -> Row {
        let pair = |round: usize| match round % 2 {
            0 => (emulated(), real()),
            _ => {
                let real = real();
                (emulated(), real)
            }
        };
        Row {
            what,
            compared_with: "the same in Python".to_owned(),
            pairs: (0..rounds).map(pair).collect(),
            format,
            claim: Claim::Nothing,
        }
    }

    fn late_ns(&self, interval_ns: u64) -> f64 {
        let wait = Op::Group {
            ops: vec![Op::Sleep {
                time: Value::Const(1_000_000),
            }],
            times: WAITS,
            lock: None,
            permit: None,
            label: String::new(),
        };
        let groups = vec![group("hog", 1, cpu(HOG_NS)), group("waits", 1, wait)];
        let reply = self.trial("threads", groups, Some(interval_ns));
        let took_ns = reply.groups[1].quantiles_ns[50] as f64;
        took_ns / WAITS as f64 - 1e6
    }

    fn python_late_ns(&self, interval_ns: u64) -> f64 {
        let seconds = |ns: u64| (ns as f64 / 1e9).to_string();
        self.python(
            PYTHON_LATE,
            &[seconds(interval_ns), WAITS.to_string(), seconds(HOG_NS)],
        )
    }

    fn ratio(&self) -> f64 {
        let wall_ns = |model| {
            let groups = vec![group("", TASKS, cpu(TASK_NS))];
            self.trial(model, groups, None).wall_ns as f64
        };
        wall_ns("threads") / wall_ns("sequential")
    }

    fn python(&self, program: &str, arguments: &[String]) -> f64 {
        let output = Command::new(&self.python)
            .args(["-c", program])
            .args(arguments)
            .output()
            .expect("Python starts");
        let text = String::from_utf8_lossy(&output.stdout);
        text.trim().parse().expect("a number")
    }

    fn trial(&self, model: &str, groups: Vec<Group>, switch_interval_ns: Option<u64>) -> Reply {
        let mut program = Program {
            groups,
            ..Program::default()
        };
        calibrate_program(&mut program, self.steps_per_ns);
        let trial = Trial {
            series: 0,
            point: 0,
            block: 0,
            kind: Kind::Timed,
            request: Request {
                program,
                model: model.to_owned(),
                runtime: Runtime::Gil,
                settings: Settings::default(),
                latencies: true,
                trace: false,
                switch_interval_ns,
                python: None,
                site: Site {
                    delay_server: None,
                    directory: self.warden.directory().join("trial"),
                    executable: CONCLAB.into(),
                    home: self.warden.directory().to_owned(),
                    connections: Connections::default(),
                },
            },
            timeout_ns: 30_000_000_000,
            memory_limit_bytes: 1 << 30,
        };
        let record = run(&self.warden, &trial, &Interrupt::default().stop());
        record
            .measurement
            .unwrap_or_else(|| panic!("{:?}", record.why))
            .reply
    }
}

fn group(name: &str, tasks: u64, op: Op) -> Group {
    Group {
        name: name.to_owned(),
        tasks,
        ops: vec![op],
    }
}

fn cpu(ns: u64) -> Op {
    Op::Compute {
        function: "cpu".to_owned(),
        size: Value::Const(ns),
    }
}
