//! Every model on programs of its own making, each in a real trial process: what cells can't reach yet
//! or can't ask for precisely.

use conclab::model::{MODELS, Model, Pool, Settings, Site};
use conclab::program::{Group, Op, Program, Sync, Value};
use conclab::runtime::Runtime;
use conclab::trial::{Reply, Request};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A model with its settings, on a runtime.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    pub model: &'static str,
    pub settings: Settings,
    /// Under the emulated GIL, else native.
    pub gil: bool,
    pub switch_interval_ns: Option<u64>,
}

/// Every model, with every kind of pool, native and under the emulated GIL.
pub fn lanes() -> Vec<Lane> {
    let mut lanes = native_lanes();
    lanes.extend(
        native_lanes()
            .into_iter()
            .map(|lane| Lane { gil: true, ..lane }),
    );
    lanes
}

/// Those that are native.
fn native_lanes() -> Vec<Lane> {
    let mut lanes = Vec::new();
    let native = |model: &&&dyn Model| model.unsupported(&Runtime::Native).is_none();
    for model in MODELS.iter().filter(native) {
        let settings = Settings {
            workers: 3,
            ..Settings::default()
        };
        let model = model.def();
        let plain = Lane {
            model: model.name,
            settings,
            gil: false,
            switch_interval_ns: None,
        };
        lanes.push(plain);
        if model.takes("pool") {
            lanes.push(Lane {
                settings: Settings {
                    pool: Pool::Processes,
                    ..settings
                },
                ..plain
            });
        }
        if model.takes("chunk") {
            lanes.push(Lane {
                settings: Settings {
                    chunk: Some(1),
                    ..settings
                },
                ..plain
            });
        }
    }
    lanes
}

pub struct Trial {
    child: Option<Child>,
    folder: PathBuf,
}

impl Trial {
    pub fn start(lane: Lane, program: &Program, latencies: bool) -> Trial {
        Trial::observed(lane, program, latencies, false)
    }

    pub fn observed(lane: Lane, program: &Program, latencies: bool, trace: bool) -> Trial {
        let folder = std::env::temp_dir().join(format!("conclab-model-{}", uuid::Uuid::new_v4()));
        fs::create_dir_all(&folder).unwrap();
        let request = Request {
            program: program.clone(),
            model: lane.model.to_owned(),
            runtime: match lane.gil {
                true => Runtime::Gil,
                false => Runtime::Native,
            },
            settings: lane.settings,
            latencies,
            trace,
            switch_interval_ns: lane.switch_interval_ns,
            python: None,
            site: Site {
                delay_server: None,
                directory: folder.clone(),
                executable: env!("CARGO_BIN_EXE_conclab").into(),
                home: "/tmp".into(),
                connections: Default::default(),
            },
        };
        // The shell gives the trial its reply's descriptor.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" trial 3>reply"])
            .arg(env!("CARGO_BIN_EXE_conclab"))
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let request = serde_json::to_string(&request).unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(request.as_bytes()).unwrap();
        Trial {
            child: Some(child),
            folder,
        }
    }

    /// Its worker processes.
    fn workers(&self) -> Vec<i32> {
        let pid = self.child.as_ref().unwrap().id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        children
            .split_whitespace()
            .map(|pid| pid.parse().unwrap())
            .collect()
    }

    pub fn end(mut self) -> Reply {
        let status = self.child.take().unwrap().wait().unwrap();
        assert!(status.success(), "{status}");
        let reply = fs::read_to_string(self.folder.join("reply")).unwrap();
        serde_json::from_str(&reply).unwrap()
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub fn run(lane: Lane, program: &Program) -> Reply {
    let reply = Trial::start(lane, program, false).end();
    assert_eq!(reply.error, None, "{lane:?}");
    reply
}

pub fn group(name: &str, tasks: u64, ops: Vec<Op>) -> Group {
    Group {
        name: name.to_owned(),
        tasks,
        ops,
    }
}

pub fn program(tasks: u64, ops: Vec<Op>) -> Program {
    Program {
        groups: vec![group("", tasks, ops)],
        seed: 7,
        ..Program::default()
    }
}

pub fn sleep(ms: u64) -> Op {
    Op::Sleep {
        time: Value::Const(ms * 1_000_000),
    }
}

pub fn count(size: Value) -> Op {
    Op::Compute {
        function: "count".to_owned(),
        size,
    }
}

pub fn add(times: u64, sync: Sync) -> Op {
    Op::Add {
        body: Default::default(),
        times: Value::Const(times),
        sync,
    }
}

pub fn held(ops: Vec<Op>, times: u64, lock: Option<&str>, permit: Option<&str>) -> Op {
    Op::Group {
        ops,
        times,
        lock: lock.map(str::to_owned),
        permit: permit.map(str::to_owned),
        label: String::new(),
    }
}

#[test]
fn nothing_is_lost_where_increments_are_kept_apart() {
    let kept: [fn() -> Op; 5] = [
        || add(3000, Sync::Mutex),
        || add(3000, Sync::Rwlock),
        || add(3000, Sync::Atomic),
        || add(3000, Sync::Local),
        || held(vec![add(1, Sync::None)], 3000, Some("sum"), None),
    ];
    for op in kept {
        for lane in lanes() {
            let tally = run(lane, &program(6, vec![op()])).tally;
            assert_eq!(
                (
                    tally.succeeded,
                    tally.expected_updates,
                    tally.counted_updates
                ),
                (6, 18_000, 18_000),
                "{lane:?}: {:?}",
                op()
            );
        }
    }
}

#[test]
fn updates_are_lost_without_a_lock_where_tasks_run_in_parallel() {
    for lane in native_lanes() {
        let racing = program(3, vec![add(3_000_000, Sync::None)]);
        let single = ["sequential", "async", "hybrid"].contains(&lane.model);
        // A machine that is busy elsewhere can run the tasks one after the other: one of several will do.
        let lost = || {
            let tally = run(lane, &racing).tally;
            assert_eq!(tally.expected_updates, 9_000_000, "{lane:?}");
            tally.expected_updates - tally.counted_updates
        };
        if single {
            assert_eq!(lost(), 0, "{lane:?}");
        } else {
            assert!((0..20).any(|_| lost() > 0), "{lane:?} never lost any");
        }
    }
}

#[test]
fn a_limit_bounds_how_many_are_inside_on_every_model() {
    // Where one permit is all there is, the counter needs no other lock.
    for lane in lanes() {
        let inside = held(vec![add(1, Sync::None), sleep(0)], 200, None, Some("add"));
        let limited = Program {
            limits: [("add".to_owned(), 1)].into(),
            ..program(4, vec![inside])
        };
        let tally = run(lane, &limited).tally;
        assert_eq!(
            (tally.succeeded, tally.counted_updates),
            (4, 800),
            "{lane:?}"
        );
    }
}

#[test]
fn a_lock_and_a_limit_put_waits_one_behind_the_other() {
    for (lock, permit) in [(Some("a"), None), (None, Some("sleep"))] {
        let one_by_one = Program {
            limits: [("sleep".to_owned(), 1)].into(),
            ..program(3, vec![held(vec![sleep(30)], 1, lock, permit)])
        };
        for lane in lanes() {
            let reply = run(lane, &one_by_one);
            assert_eq!(reply.tally.succeeded, 3, "{lane:?}");
            assert!(reply.wall_ns >= 90_000_000, "{lane:?}: {}", reply.wall_ns);
        }
    }
}

#[test]
fn a_task_that_waits_for_a_lock_leaves_the_event_loop_to_others() {
    let mixed = Program {
        groups: vec![
            group("locked", 3, vec![held(vec![sleep(40)], 1, Some("a"), None)]),
            group("free", 1, vec![sleep(1)]),
        ],
        seed: 1,
        ..Program::default()
    };
    for lane in lanes()
        .into_iter()
        .filter(|lane| ["async", "hybrid"].contains(&lane.model))
    {
        let groups = Trial::start(lane, &mixed, true).end().groups;
        let longest = |group: usize| groups[group].quantiles_ns[100];
        // All start at once: the last one waits for the two before it, and the free one for none.
        assert!(longest(0) >= 110_000_000, "{lane:?}: {groups:?}");
        assert!(longest(1) < longest(0), "{lane:?}: {groups:?}");
    }
}

#[test]
fn what_tasks_are_given_and_give_back_is_the_same_everywhere() {
    let sizes = [
        (Value::Total(3_000_001), Value::Const(1)),
        (
            Value::Each(vec![0, 1, 200_000, 70_000, 65_536]),
            Value::Total(999_999),
        ),
        (
            Value::Uniform {
                low: 1,
                high: 100_000,
                stream: 0,
            },
            Value::Const(0),
        ),
    ];
    for (argument, result) in sizes {
        let with_data = Program {
            argument: Some(argument),
            result: Some(result),
            ..program(5, vec![count(Value::Const(10)), sleep(1)])
        };
        let bare = program(5, vec![count(Value::Const(10)), sleep(1)]);
        let replies: Vec<Reply> = lanes()
            .into_iter()
            .map(|lane| run(lane, &with_data))
            .collect();
        for (reply, lane) in replies.iter().zip(lanes()) {
            assert_eq!(
                (reply.tally.succeeded, reply.tally.answer),
                (5, replies[0].tally.answer),
                "{lane:?}"
            );
        }
        assert_ne!(
            replies[0].tally.answer,
            run(lanes()[0], &bare).tally.answer,
            "the data is part of the answer"
        );
    }
}

#[test]
fn every_model_notes_how_long_each_task_took_by_group() {
    let mixed = Program {
        groups: vec![
            group("hog", 1, vec![sleep(30)]),
            group("I/O", 20, vec![sleep(2)]),
            group("work", 2, vec![count(Value::Const(1000))]),
        ],
        seed: 1,
        ..Program::default()
    };
    let mut answers = Vec::new();
    for lane in lanes() {
        let reply = Trial::start(lane, &mixed, true).end();
        let [hog, io, work] = reply.groups.as_slice() else {
            panic!("{lane:?}: {:?}", reply.groups);
        };
        assert_eq!([hog.succeeded, io.succeeded, work.succeeded], [1, 20, 2]);
        assert_eq!(
            [hog, io, work].map(|group| group.quantiles_ns.len()),
            [101; 3]
        );
        assert!(hog.quantiles_ns[0] >= 30_000_000, "{lane:?}: {hog:?}");
        assert!(io.quantiles_ns[0] >= 2_000_000, "{lane:?}: {io:?}");
        assert!(io.quantiles_ns.is_sorted(), "{lane:?}: {io:?}");
        assert!(reply.wall_ns >= hog.quantiles_ns[100], "{lane:?}");
        answers.push(reply.tally.answer);
    }
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    let without = Trial::start(lanes()[0], &mixed, false).end();
    assert!(without.groups.is_empty());
}

#[test]
fn a_worker_that_dies_ends_its_trial_even_when_others_wait_for_what_it_held() {
    let patience = Duration::from_secs(20);
    let waiting = Program {
        limits: [("sleep".to_owned(), 1)].into(),
        ..program(
            3,
            vec![
                add(1, Sync::Rwlock),
                held(
                    vec![held(vec![sleep(60_000)], 1, None, Some("sleep"))],
                    1,
                    Some("a"),
                    None,
                ),
            ],
        )
    };
    let computing = program(
        3,
        vec![Op::Block {
            time: Value::Const(60_000_000_000),
        }],
    );
    for lane in lanes() {
        let program = match (lane.model, lane.settings.pool) {
            ("processes" | "process-pool", _) => &waiting,
            ("hybrid", Pool::Processes) => &computing,
            _ => continue,
        };
        let start = Instant::now();
        let trial = Trial::start(lane, program, false);
        while trial.workers().len() < 3 {
            assert!(start.elapsed() < patience, "{lane:?} starts no workers");
        }
        // Long enough for one of them to be inside; which one is killed doesn't matter.
        std::thread::sleep(Duration::from_millis(150));
        let victim = trial.workers()[1];
        // SAFETY: kill has no memory effects; the process is this test's own.
        assert_eq!(unsafe { libc::kill(victim, libc::SIGKILL) }, 0);
        let reply = trial.end();
        let error = reply.error.unwrap_or_default();
        assert!(
            error.contains("worker process 2 was killed by signal 9"),
            "{lane:?}: {error}"
        );
        assert!(start.elapsed() < patience, "{lane:?} went on");
    }
}
