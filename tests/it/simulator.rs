//! Simulated experiments: records with seeded noise, so that analysis and display can be tested without
//! a clock. To simulate something else: a field of [`Lane`] or [`Simulation`] and the line that uses it.

use conclab::analysis::{self, Report};
use conclab::claim::Claim;
use conclab::experiment::{At, Experiment, Order, Origin, Point, Resolved, Series, Theme};
use conclab::host::Machine;
use conclab::measure::trace::{self, Activity, Role, Span, Trace};
use conclab::model::{GroupLatencies, Tally};
use conclab::plan::{self, RowId};
use conclab::program::{Group, Op, Program, Value, splitmix64};
use conclab::runtime::Runtime;
use conclab::trial::{
    Kind, Measurement, MemorySource, Observed, Outcome, PeakMemory, Record, Reply,
};

const MS: f64 = 1e6;
const MIB: u64 = 1 << 20;

/// A series as the simulated machine would run it.
#[derive(Clone, Debug)]
pub struct Lane {
    pub label: String,
    pub model: &'static str,
    pub runtime: &'static str,
    /// Version that an interpreter's trials answer.
    pub version: &'static str,
    /// Wall time at each point; the last one stands for all that follow.
    pub wall_ms: Vec<f64>,
    /// CPU time as a share of wall time.
    pub cpu_share: f64,
    pub peak_mib: f64,
    pub source: MemorySource,
    pub samples: u32,
    /// Most processes that one sample saw.
    pub processes: u32,
    pub workers: u32,
    pub switches: u64,
    pub answer: u64,
    pub failed_tasks: u64,
    /// Tasks of a run.
    pub tasks: u64,
    /// Updates that each repeat should have counted and did count.
    pub updates: (u64, u64),
    /// What each repeat recorded of its groups.
    pub groups: Vec<GroupLatencies>,
    /// What its traced run shows of each point, the last one standing for all that follow; empty: none is made.
    pub traces: Vec<Trace>,
    /// How much longer that run takes, as a factor.
    pub traced_longer: f64,
    /// How the trials of these blocks end instead.
    pub fails: Vec<(u32, Outcome, &'static str)>,
}

impl Lane {
    pub fn new(model: &'static str, wall_ms: f64) -> Self {
        Lane {
            label: model.to_owned(),
            model,
            runtime: "native",
            version: "",
            wall_ms: vec![wall_ms],
            cpu_share: 1.0,
            peak_mib: 3.0,
            source: MemorySource::HighWater,
            samples: 40,
            processes: 1,
            workers: 1,
            switches: 12,
            answer: 7,
            failed_tasks: 0,
            tasks: 8,
            updates: (0, 0),
            groups: Vec::new(),
            traces: Vec::new(),
            traced_longer: 1.0,
            fails: Vec::new(),
        }
    }

    /// The same model on another runtime, called as a cell with several runtimes would.
    pub fn on(self, runtime: &'static str, version: &'static str) -> Self {
        Lane {
            label: format!("{}@{runtime}", self.label),
            runtime,
            version,
            ..self
        }
    }

    /// Every trial of it, the sampled one too, ends like this.
    pub fn fails_always(mut self, outcome: Outcome, why: &'static str) -> Self {
        self.fails = (0..100).map(|block| (block, outcome, why)).collect();
        self
    }
}

/// Case and swept values.
pub type Place = (Option<String>, Vec<(String, At)>);

/// An experiment and the machine that it is simulated on.
#[derive(Clone, Debug)]
pub struct Simulation {
    pub title: String,
    pub lanes: Vec<Lane>,
    /// Where each point is.
    pub points: Vec<Place>,
    pub repeat: u32,
    pub order: Order,
    pub seed: u64,
    /// Standard deviation of the log of a time, drawn anew for each trial (lognormal noise).
    pub noise: f64,
    /// The same of a noise that lasts: each trial keeps 0.95 of the one before it.
    pub lasting_noise: f64,
    /// By how much, relatively, the machine is slower at the end than at the start.
    pub drift: f64,
    pub machine: Machine,
    pub interrupted: bool,
    pub checks: Vec<Claim>,
    pub predictions: Vec<Claim>,
    /// The swept key on the x axis, as a cell says it.
    pub x: Option<String>,
}

impl Simulation {
    pub fn of(lanes: Vec<Lane>) -> Self {
        Simulation {
            title: "8 × cpu 50ms".into(),
            lanes,
            points: vec![(None, Vec::new())],
            repeat: 5,
            order: Order::Interleaved,
            seed: 1,
            noise: 0.01,
            lasting_noise: 0.0,
            drift: 0.0,
            machine: Machine {
                cpu: "Simulated CPU".into(),
                usable_cpus: 2,
                cpus: 4,
                memory_bytes: 8 << 30,
                system: "Linux 6.1".into(),
                governor: "performance".into(),
                turbo: Some(false),
                load: Some(0.1),
                cpu_pressure: Some(0.0),
                throttled: Some(0),
                conclab: "0.1.0".into(),
            },
            interrupted: false,
            checks: Vec::new(),
            predictions: Vec::new(),
            x: None,
        }
    }

    pub fn experiment(&self) -> Experiment {
        let program = Program {
            groups: vec![Group {
                name: String::new(),
                tasks: 8,
                ops: vec![Op::Sleep {
                    time: Value::Const(1),
                }],
            }],
            seed: self.seed,
            ..Program::default()
        };
        let setting = |key: &str, value: &str, from| Resolved {
            key: key.into(),
            value: value.into(),
            from,
        };
        Experiment {
            title: self.title.clone(),
            name: None,
            series: self
                .lanes
                .iter()
                .map(|lane| Series {
                    label: lane.label.clone(),
                    ..Series::plain(lane.model, &Runtime::from(lane.runtime.to_owned()))
                })
                .collect(),
            points: self
                .points
                .iter()
                .map(|(case, at)| Point {
                    case: case.clone(),
                    at: at.clone(),
                    program: program.clone(),
                    workers: None,
                    chunk: None,
                })
                .collect(),
            repeat: self.repeat,
            repeat_auto: false,
            warmup: 1,
            order: self.order,
            seed: self.seed,
            trial_timeout_ns: 30_000_000_000,
            budget_ns: 60_000_000_000,
            memory_limit_bytes: None,
            switch_interval_ns: None,
            compare_answers: true,
            plots: Vec::new(),
            checks: self.checks.clone(),
            predictions: self.predictions.clone(),
            x: self.x.clone(),
            theme: Theme::Auto,
            zoom: false,
            save: None,
            settings: vec![
                setting("tasks", "8", Origin::Cell),
                setting("repeat", "5", Origin::BuiltIn),
            ],
            source: Default::default(),
        }
    }

    /// All records, in the order in which the trials would have run.
    pub fn records(&self) -> Vec<Record> {
        let experiment = self.experiment();
        let rows = plan::rows(&experiment);
        let mut noise = Noise(splitmix64(self.seed));
        let mut records: Vec<Record> = rows
            .iter()
            .map(|row| self.record(*row, 0, Kind::Sampled, 1.0))
            .collect();
        let is_traced = |row: &&RowId| !self.lanes[row.series].traces.is_empty();
        let traced = rows.iter().filter(is_traced);
        records.extend(
            traced.map(|row| {
                self.record(*row, 0, Kind::Traced, self.lanes[row.series].traced_longer)
            }),
        );
        let trials: Vec<(RowId, u32)> = match self.order {
            Order::Interleaved => (0..self.repeat)
                .flat_map(|block| {
                    plan::block(&experiment, &rows, block)
                        .into_iter()
                        .map(move |row| (row, block))
                })
                .collect(),
            Order::Blocked => rows
                .iter()
                .flat_map(|row| (0..self.repeat).map(move |block| (*row, block)))
                .collect(),
        };
        let mut lasting = self.lasting_noise * noise.normal();
        for (index, (row, block)) in trials.iter().enumerate() {
            // Stationary: an autoregressive process of the first order.
            lasting = 0.95 * lasting
                + (1.0f64 - 0.95 * 0.95).sqrt() * self.lasting_noise * noise.normal();
            let drift = self.drift * index as f64 / trials.len() as f64;
            let factor = (self.noise * noise.normal() + lasting + drift.ln_1p()).exp();
            records.push(self.record(*row, *block, Kind::Timed, factor));
        }
        records
    }

    fn record(&self, row: RowId, block: u32, kind: Kind, factor: f64) -> Record {
        let lane = &self.lanes[row.series];
        let failure = lane.fails.iter().find(|(at, ..)| {
            *at == block && (kind == Kind::Timed || lane.fails.len() > self.repeat as usize)
        });
        let wall_ms = lane.wall_ms[row.point.min(lane.wall_ms.len() - 1)];
        let wall_ns = (wall_ms * MS * factor).round() as u64;
        let user_ns = (wall_ns as f64 * lane.cpu_share).round() as u64;
        let peak_bytes = (lane.peak_mib * MIB as f64) as u64;
        let measurement = Measurement {
            reply: Reply {
                wall_ns,
                user_ns,
                system_ns: 0,
                voluntary_switches: lane.switches,
                involuntary_switches: 1,
                page_faults: 200,
                outside_cpu_ns: 900_000,
                own_peak_bytes: peak_bytes,
                idle_bytes: 2 * MIB,
                idle_pss_bytes: 2 * MIB,
                tally: Tally {
                    succeeded: lane.tasks - lane.failed_tasks,
                    failed: lane.failed_tasks,
                    answer: lane.answer,
                    first_error: (lane.failed_tasks > 0).then(|| "no answer in time".to_owned()),
                    workers: lane.workers,
                    expected_updates: lane.updates.0,
                    counted_updates: lane.updates.1,
                    ..Tally::default()
                },
                groups: lane.groups.clone(),
                runtime_version: lane.version.to_owned(),
                imports_ns: if lane.version.is_empty() {
                    0
                } else {
                    31_000_000
                },
                ..Reply::default()
            },
            elapsed_ns: wall_ns
                + if lane.version.is_empty() {
                    1_500_000
                } else {
                    52_000_000
                },
            warden_cpu_ns: user_ns + 900_000,
            memory: (kind == Kind::Sampled).then_some(PeakMemory {
                peak_bytes,
                growth_bytes: peak_bytes.saturating_sub(2 * MIB),
                source: lane.source,
                samples: lane.samples,
                most_processes: lane.processes,
            }),
            observed: Observed {
                trace: (kind == Kind::Traced).then(|| {
                    lane.traces[row.point.min(lane.traces.len() - 1)]
                        .clone()
                        .into()
                }),
                ..Observed::default()
            },
            printed: String::new(),
        };
        Record {
            series: row.series,
            point: row.point,
            block,
            kind,
            outcome: failure.map_or(Outcome::Ok, |(_, outcome, _)| *outcome),
            why: failure.map(|(.., why)| (*why).to_owned()),
            measurement: failure.is_none().then_some(measurement),
        }
    }

    pub fn report(&self) -> Report {
        self.report_of(&self.records())
    }

    /// The report of some of the records, or of others.
    pub fn report_of(&self, records: &[Record]) -> Report {
        analysis::report(&self.experiment(), records, &self.machine, self.interrupted)
    }
}

/// Seeded normal numbers.
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        self.0 = splitmix64(self.0);
        // 53 bits, never 0.
        ((self.0 >> 11) as f64 + 1.0) / (1u64 << 53) as f64
    }

    /// Box & Muller 1958.
    fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (2.0 * std::f64::consts::PI * angle).cos()
    }
}

/// A worker that does one thing after the other, each for so many milliseconds; its first begins at
/// `begin_ms`. On a core it is while it computes.
pub fn worker(role: Role, number: u32, begin_ms: f64, did: &[(Activity, f64)]) -> trace::Lane {
    let turns: Vec<_> = did
        .iter()
        .map(|(what, ms)| (*what, *ms, None, None))
        .collect();
    turning(role, number, begin_ms, &turns)
}

/// The same with the task of each span, and what that task does from then on.
pub fn turning(
    role: Role,
    number: u32,
    begin_ms: f64,
    did: &[(Activity, f64, Option<u64>, Option<Activity>)],
) -> trace::Lane {
    let ns = |ms: f64| (ms * MS).round() as u64;
    let mut totals_ns = trace::Totals::default();
    let mut at_ns = ns(begin_ms);
    let spans = did.iter().map(|(activity, ms, task, then)| {
        let start_ns = at_ns;
        at_ns += ns(*ms);
        totals_ns[*activity as usize] += ns(*ms);
        Span {
            activity: *activity,
            task: *task,
            start_ns,
            end_ns: at_ns,
            then: *then,
        }
    });
    let spans: Vec<Span> = spans.collect();
    trace::Lane {
        role,
        number,
        process: 0,
        begin_ns: ns(begin_ms),
        end_ns: at_ns,
        cpu_ns: Some(totals_ns[Activity::Computing as usize]),
        totals_ns,
        spans,
    }
}

/// What a two-core machine gives for work that computes.
pub fn cpu_bound() -> Simulation {
    let sequential = Lane::new("sequential", 402.0);
    let threads = Lane {
        cpu_share: 1.95,
        peak_mib: 3.2,
        workers: 8,
        switches: 40,
        ..Lane::new("threads", 208.0)
    };
    let processes = Lane {
        cpu_share: 1.95,
        peak_mib: 12.4,
        source: MemorySource::Pss,
        processes: 9,
        workers: 8,
        switches: 90,
        ..Lane::new("processes", 221.0)
    };
    let event_loop = Lane {
        switches: 30,
        ..Lane::new("async", 402.5)
    };
    Simulation {
        title: "CPU-bound work: who wins?".into(),
        ..Simulation::of(vec![sequential, threads, processes, event_loop])
    }
}

/// The same for work that waits.
pub fn waiting() -> Simulation {
    let lane = |model, wall_ms, cpu_share, workers| Lane {
        cpu_share,
        workers,
        ..Lane::new(model, wall_ms)
    };
    Simulation {
        title: "40 × sleep 50ms".into(),
        ..Simulation::of(vec![
            lane("sequential", 2005.0, 0.001, 1),
            lane("threads", 51.2, 0.06, 40),
            lane("thread-pool", 1003.0, 0.002, 2),
            Lane {
                peak_mib: 3.1,
                ..lane("async", 50.6, 0.01, 1)
            },
        ])
    }
}

/// Everything that can go wrong at once, with labels that want to be markup.
pub fn failing() -> Simulation {
    let hostile = Lane {
        label: "<b>50 %_$ & | pool \\ *two*</b>".into(),
        ..Lane::new("thread-pool", 130.0)
    };
    let wrong = Lane {
        answer: 8,
        ..Lane::new("processes", 60.0)
    };
    let once = Lane {
        fails: vec![(2, Outcome::Crashed, "it was ended by signal 11")],
        ..Lane::new("process-pool", 110.0)
    };
    Simulation {
        title: "<script>alert(1)</script> & failures".into(),
        ..Simulation::of(vec![
            Lane::new("sequential", 200.0),
            Lane::new("threads", 1.0).fails_always(
                Outcome::Timeout,
                "it was still running after 30 s and was stopped: give it less to do, or set \
                 `trial_timeout = \"1m\"`",
            ),
            hostile,
            wrong,
            once,
            Lane {
                failed_tasks: 3,
                ..Lane::new("async", 40.0)
            },
        ])
    }
}

/// Small work that starting processes costs more than, and large work that pays for it.
pub fn sweep() -> Simulation {
    let pool = Lane {
        wall_ms: vec![6.0, 7.1, 13.2, 41.0],
        cpu_share: 1.6,
        peak_mib: 6.0,
        source: MemorySource::Pss,
        samples: 3,
        workers: 2,
        ..Lane::new("process-pool", 0.0)
    };
    let sequential = Lane {
        wall_ms: vec![1.2, 4.7, 19.0, 76.0],
        ..Lane::new("sequential", 0.0)
    };
    Simulation {
        title: "sum_squares, swept".into(),
        points: [2, 8, 32, 128]
            .map(|tasks| (None, vec![("tasks".to_owned(), At::Count(tasks))]))
            .to_vec(),
        ..Simulation::of(vec![sequential, pool])
    }
}

/// Two workloads side by side.
pub fn cases() -> Simulation {
    let lane = |model, cpu_ms: f64, io_ms: f64| Lane {
        wall_ms: vec![cpu_ms, io_ms],
        cpu_share: 0.5,
        ..Lane::new(model, 0.0)
    };
    Simulation {
        title: "CPU-bound and I/O-bound".into(),
        points: vec![
            (Some("CPU-bound".into()), Vec::new()),
            (Some("I/O-bound".into()), Vec::new()),
        ],
        ..Simulation::of(vec![
            lane("sequential", 800.0, 810.0),
            lane("threads", 404.0, 103.0),
            lane("async", 801.0, 102.0),
        ])
    }
}

/// The same cell on three runtimes: what computes gains by threads where no lock of an interpreter is.
pub fn runtimes() -> Simulation {
    let lane = |model, wall_ms, cpu_share, peak_mib| Lane {
        cpu_share,
        peak_mib,
        workers: if model == "sequential" { 1 } else { 8 },
        ..Lane::new(model, wall_ms)
    };
    let of = |runtime, version, times: [f64; 3], idle_mib: f64| {
        let lanes = [
            lane("sequential", times[0], 1.0, idle_mib),
            lane(
                "threads",
                times[1],
                if runtime == "native" { 1.9 } else { 1.0 },
                idle_mib + 0.3,
            ),
            lane("processes", times[2], 1.9, 8.0 * idle_mib),
        ];
        lanes.map(|lane| lane.on(runtime, version))
    };
    let mut lanes = of("native", "", [180.0, 95.0, 99.0], 3.0).to_vec();
    lanes.extend(of("gil", "", [181.0, 187.0, 99.0], 3.0));
    lanes.extend(of(
        "python3.14",
        "CPython 3.14.1",
        [7100.0, 7220.0, 3800.0],
        11.0,
    ));
    lanes.push(
        Lane::new("async-threads", 1.0)
            .on("python3.14", "")
            .fails_always(
                Outcome::Unsupported,
                "Python has no event loop over several threads: use `async`, or `hybrid`",
            ),
    );
    Simulation {
        title: "8 × primes 20,000 on three runtimes".into(),
        ..Simulation::of(lanes)
    }
}

/// A pool that pays off at some size, on two runtimes.
pub fn runtimes_sweep() -> Simulation {
    let of = |runtime, version, slow: f64| {
        let sequential = [1.2, 4.7, 19.0, 76.0].map(|ms| ms * slow);
        let pool = sequential.map(|ms| 5.5 * slow.sqrt() + ms / 1.9);
        let lane = |model, wall_ms: &[f64]| Lane {
            wall_ms: wall_ms.to_vec(),
            ..Lane::new(model, 0.0)
        };
        [lane("sequential", &sequential), lane("process-pool", &pool)]
            .map(|lane| lane.on(runtime, version))
    };
    let lanes = [
        of("native", "", 1.0),
        of("python", "CPython 3.14.1 free-threaded, GIL off", 40.0),
    ];
    Simulation {
        title: "primes, swept, on two runtimes".into(),
        points: [2, 8, 32, 128]
            .map(|tasks| (None, vec![("tasks".to_owned(), At::Count(tasks))]))
            .to_vec(),
        ..Simulation::of(lanes.concat())
    }
}
