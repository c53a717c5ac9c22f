//! What traced runs note, each in a real trial process, on programs whose schedules are known: the order of
//! spans, what overlaps, and shares of a worker's life.
//!
//! Lengths are only ever compared with each other, in margins that a busy machine keeps; where it may not, one
//! of several attempts will do.

use super::models::{Lane as Setup, Trial, add, count, group, held, lanes, program, sleep};
use conclab::measure::trace::recorder::MOST_SPANS;
use conclab::measure::trace::{Activity, Lane, Role, Span, Totals, Trace};
use conclab::model::{Pool, Settings};
use conclab::program::{Op, Program, Sync, Value};
use conclab::trial::Reply;
use std::collections::{BTreeMap, BTreeSet};

fn setup(model: &'static str, workers: u32) -> Setup {
    Setup {
        model,
        settings: Settings {
            workers,
            ..Settings::default()
        },
        gil: false,
        switch_interval_ns: None,
    }
}

/// A traced run whose lanes are whole, where nothing was cut.
fn traced(setup: Setup, program: &Program) -> (Reply, Trace) {
    let mut reply = Trial::observed(setup, program, false, true).end();
    assert_eq!(reply.error, None, "{setup:?}");
    assert_eq!(reply.tally.succeeded, program.tasks(), "{setup:?}");
    let trace = reply.trace.take().expect("it was asked for");
    assert_eq!(trace.tells_gil, setup.gil);
    for lane in &trace.lanes {
        if trace.spans_cut == 0 {
            is_whole(lane);
        }
        assert!(
            lane.end_ns <= reply.wall_ns + 50_000_000,
            "{setup:?} ends after its run"
        );
    }
    (reply, trace)
}

/// Its spans are its life, one behind the other, and its totals are theirs.
fn is_whole(lane: &Lane) {
    let mut at_ns = lane.begin_ns;
    let mut totals_ns = Totals::default();
    assert_eq!(lane.spans[0].activity, Activity::Starting);
    for span in &lane.spans {
        assert_eq!(span.start_ns, at_ns, "{lane:?}");
        at_ns = span.end_ns;
        totals_ns[span.activity as usize] += span.length_ns();
    }
    assert_eq!(at_ns, lane.end_ns);
    assert_eq!(totals_ns, lane.totals_ns);
}

fn lane_of(trace: &Trace, role: Role, number: u32) -> &Lane {
    let mut lanes = trace.lanes.iter();
    lanes
        .find(|lane| lane.role == role && lane.number == number)
        .unwrap_or_else(|| panic!("no {role:?} {number}"))
}

fn workers(trace: &Trace) -> Vec<&Lane> {
    let lanes = trace.lanes.iter();
    lanes.filter(|lane| lane.role == Role::Worker).collect()
}

fn total_ns(trace: &Trace, activity: Activity) -> u64 {
    trace.workers().map(|lane| lane.total_ns(activity)).sum()
}

fn of_task(lane: &Lane) -> impl Iterator<Item = &Span> {
    lane.spans.iter().filter(|span| span.task.is_some())
}

/// A task does something from one moment to another.
#[derive(Clone, Copy, Debug)]
struct State {
    task: u64,
    activity: Activity,
    start_ns: u64,
    end_ns: u64,
}

impl State {
    fn overlap_ns(&self, other: &State) -> u64 {
        let end_ns = self.end_ns.min(other.end_ns);
        end_ns.saturating_sub(self.start_ns.max(other.start_ns))
    }
}

/// What tasks did: on their workers' lanes, and between two turns on an event loop.
fn states(trace: &Trace) -> Vec<State> {
    let mut spans: Vec<(Role, &Span)> = Vec::new();
    for lane in trace.workers() {
        spans.extend(of_task(lane).map(|span| (lane.role, span)));
    }
    spans.sort_by_key(|(_, span)| span.start_ns);
    let mut states = Vec::new();
    let mut waiting: BTreeMap<u64, State> = BTreeMap::new();
    for (role, span) in spans {
        let task = span.task.unwrap();
        if role == Role::Loop
            && let Some(before) = waiting.remove(&task)
        {
            states.push(State {
                end_ns: span.start_ns,
                ..before
            });
        }
        states.push(State {
            task,
            activity: span.activity,
            start_ns: span.start_ns,
            end_ns: span.end_ns,
        });
        if let Some(activity) = span.then {
            assert_eq!(role, Role::Loop);
            let start_ns = span.end_ns;
            waiting.insert(
                task,
                State {
                    task,
                    activity,
                    start_ns,
                    end_ns: u64::MAX,
                },
            );
        }
    }
    assert!(waiting.is_empty(), "{waiting:?} waits for ever");
    states
}

fn only(states: &[State], activity: Activity) -> Vec<State> {
    let some = states.iter().filter(|state| state.activity == activity);
    some.copied().collect()
}

/// Most of these at the same moment.
fn most_at_once(states: &[State]) -> usize {
    let at = |state: &State| {
        let inside =
            |other: &&State| other.start_ns <= state.start_ns && state.start_ns < other.end_ns;
        states.iter().filter(inside).count()
    };
    states.iter().map(at).max().unwrap_or(0)
}

/// Tries a few times: the machine may be busy elsewhere.
fn one_of(attempt: impl Fn() -> Result<(), String>) {
    let mut failed = Vec::new();
    while let Err(error) = attempt() {
        failed.push(error);
        assert!(failed.len() < 4, "{failed:#?}");
    }
}

fn block(ms: u64) -> Op {
    Op::Block {
        time: Value::Const(ms * 1_000_000),
    }
}

/// Tasks of several kinds: they compute, sleep, wait for a lock and for a permit, add.
fn mixed() -> Program {
    let work = || count(Value::Const(3_000_000));
    Program {
        groups: vec![
            group("work", 4, vec![work(), sleep(4), work()]),
            group("locked", 3, vec![held(vec![sleep(2)], 2, Some("a"), None)]),
            group(
                "limited",
                3,
                vec![held(vec![sleep(2)], 1, None, Some("sleep"))],
            ),
            group("adds", 2, vec![add(2_000, Sync::Mutex)]),
        ],
        limits: [("sleep".to_owned(), 1)].into(),
        seed: 3,
        ..Program::default()
    }
}

#[test]
fn on_every_model_every_task_is_there_where_it_ran_and_lanes_add_up() {
    let mixed = mixed();
    let tasks: BTreeSet<u64> = (0..mixed.tasks()).collect();
    for setup in lanes() {
        let (reply, trace) = traced(setup, &mixed);
        assert_eq!(trace.spans_cut, 0);
        let mut lanes_of: BTreeMap<u64, Vec<Role>> = BTreeMap::new();
        for lane in &trace.lanes {
            let seen: BTreeSet<u64> = of_task(lane).filter_map(|span| span.task).collect();
            assert!(lane.role != Role::Main || seen.is_empty(), "{setup:?}");
            for task in seen {
                lanes_of.entry(task).or_default().push(lane.role);
            }
        }
        assert!(lanes_of.keys().eq(&tasks), "{setup:?}: {lanes_of:?}");
        let kinds = |role| trace.lanes.iter().filter(|lane| lane.role == role).count();
        let counted = (kinds(Role::Main), kinds(Role::Loop), kinds(Role::Worker));
        let expected = match setup.model {
            "sequential" => (0, 0, 1),
            "threads" | "processes" => (1, 0, 12),
            "thread-pool" | "process-pool" => (1, 0, 3),
            "async" => (0, 1, 0),
            "async-threads" => (1, 3, 0),
            "hybrid" => (0, 1, 3),
            other => panic!("{other}: say which lanes it has"),
        };
        assert_eq!(counted, expected, "{setup:?}");
        for (task, roles) in &lanes_of {
            let computes = *task < 4;
            match setup.model {
                "hybrid" if computes => assert!(
                    roles.contains(&Role::Worker) && roles[0] == Role::Loop,
                    "{setup:?}: {task} on {roles:?}"
                ),
                "hybrid" | "async" => assert_eq!(roles[..], [Role::Loop], "{setup:?}: {task}"),
                "async-threads" => assert!(roles.iter().all(|role| *role == Role::Loop)),
                _ => assert_eq!(roles[..], [Role::Worker], "{setup:?}: {task}"),
            }
        }
        let processes: BTreeSet<u32> = trace.lanes.iter().map(|lane| lane.process).collect();
        let elsewhere =
            setup.model.starts_with("process") || setup.settings.pool == Pool::Processes;
        assert_eq!(processes.len() > 1, elsewhere, "{setup:?}: {processes:?}");
        assert_eq!(trace.lags.is_empty(), kinds(Role::Loop) == 0, "{setup:?}");

        let spent_ns = reply.user_ns + reply.system_ns;
        let told_ns: u64 = trace.lanes.iter().map(|lane| lane.cpu_ns.unwrap()).sum();
        // What is no lane's: a process before and behind its own, threads that end.
        let noise_ns = spent_ns * 15 / 100 + 10_000_000 + 3_000_000 * processes.len() as u64;
        assert!(
            told_ns.abs_diff(spent_ns) <= noise_ns,
            "{setup:?}: {told_ns} of {spent_ns}"
        );
        for lane in &trace.lanes {
            let busy = [Activity::Starting, Activity::Computing, Activity::Sending];
            let busy_ns: u64 = busy.iter().map(|activity| lane.total_ns(*activity)).sum();
            let cpu_ns = lane.cpu_ns.unwrap();
            assert!(
                busy_ns + busy_ns / 5 + 12_000_000 >= cpu_ns,
                "{setup:?}: busy for {busy_ns}, on a core for {cpu_ns}: {:?} {}",
                lane.role,
                lane.number
            );
        }
    }
}

#[test]
fn an_untraced_run_has_no_trace() {
    let reply = Trial::start(setup("async", 1), &program(2, vec![sleep(1)]), false).end();
    assert_eq!(reply.trace, None);
}

#[test]
fn one_behind_the_other_sleeps_follow_each_other_and_are_nearly_all() {
    for gil in [false, true] {
        let setup = Setup {
            gil,
            ..setup("sequential", 1)
        };
        let (_, trace) = traced(setup, &program(4, vec![sleep(10)]));
        let lane = lane_of(&trace, Role::Worker, 1);
        let waits: Vec<&Span> = of_task(lane)
            .filter(|span| span.activity == Activity::Waiting)
            .collect();
        let order: Vec<u64> = waits.iter().map(|span| span.task.unwrap()).collect();
        assert_eq!(order, [0, 1, 2, 3]);
        assert!(
            lane.total_ns(Activity::Waiting) * 10 >= lane.life_ns() * 8,
            "{lane:?}"
        );
        assert_eq!(lane.total_ns(Activity::Gil), 0, "nobody else wants it");
    }
}

#[test]
fn who_waits_for_a_lock_waits_while_another_holds_it() {
    let locked = program(3, vec![held(vec![sleep(3)], 4, Some("a"), None)]);
    let attempt = |setup: Setup| {
        let (_, trace) = traced(setup, &locked);
        let states = states(&trace);
        // They sleep with the lock alone.
        let held = only(&states, Activity::Waiting);
        assert_eq!(held.len(), 12, "{setup:?}: {held:?}");
        assert_eq!(most_at_once(&held), 1, "{setup:?}: two hold it: {held:?}");
        let locks = only(&states, Activity::Lock);
        assert_eq!(locks.is_empty(), setup.model == "sequential", "{setup:?}");
        let others_held = |lock: &State| -> u64 {
            let others = held.iter().filter(|held| held.task != lock.task);
            others.map(|held| held.overlap_ns(lock)).sum()
        };
        let waited_ns: u64 = locks.iter().map(|lock| lock.end_ns - lock.start_ns).sum();
        let held_ns: u64 = locks.iter().map(others_held).sum();
        match held_ns * 10 >= waited_ns * 7 {
            true => Ok(()),
            false => Err(format!("{setup:?}: {held_ns} of {waited_ns}")),
        }
    };
    for setup in lanes() {
        one_of(|| attempt(setup));
    }
}

#[test]
fn no_more_are_inside_than_there_are_permits_and_the_others_wait_for_one() {
    let limited = Program {
        limits: [("sleep".to_owned(), 2)].into(),
        ..program(6, vec![held(vec![sleep(4)], 2, None, Some("sleep"))])
    };
    for setup in lanes() {
        let (_, trace) = traced(setup, &limited);
        let states = states(&trace);
        let inside = only(&states, Activity::Waiting);
        assert_eq!(inside.len(), 12, "{setup:?}");
        assert!(most_at_once(&inside) <= 2, "{setup:?}: {inside:?}");
        let waits = only(&states, Activity::Limit);
        assert_eq!(waits.is_empty(), setup.model == "sequential", "{setup:?}");
        assert!(only(&states, Activity::Lock).is_empty());
    }
}

#[test]
fn increments_under_one_mutex_wait_for_it() {
    let adding = program(2, vec![add(400_000, Sync::Mutex)]);
    for model in ["threads", "thread-pool", "processes", "async-threads"] {
        one_of(|| {
            let (_, trace) = traced(setup(model, 2), &adding);
            match total_ns(&trace, Activity::Lock) {
                0 => Err(format!("{model}: nobody waited")),
                _ => Ok(()),
            }
        });
    }
}

/// One task computes while another waits again and again.
fn hog_and_waiter(waits: u64) -> Program {
    Program {
        groups: vec![
            group("hog", 1, vec![count(Value::Const(60_000_000))]),
            group("waits", 1, vec![held(vec![sleep(1)], waits, None, None)]),
        ],
        ..program(0, Vec::new())
    }
}

#[test]
fn beside_a_hog_each_wait_is_followed_by_one_for_the_gil() {
    let under_gil = Setup {
        gil: true,
        ..setup("threads", 1)
    };
    one_of(|| {
        let (_, trace) = traced(under_gil, &hog_and_waiter(15));
        let (hog, waiter) = (
            lane_of(&trace, Role::Worker, 1),
            lane_of(&trace, Role::Worker, 2),
        );
        let followed = waiter
            .spans
            .windows(2)
            .filter(|two| two[0].activity == Activity::Waiting && two[0].end_ns < hog.end_ns)
            .map(|two| two[1].activity == Activity::Gil);
        let followed: Vec<bool> = followed.collect();
        let by_gil = followed.iter().filter(|gil| **gil).count();
        // Whoever waits for the lock waits longer for it than it slept. Where other programs have the cores, the
        // hog stands in line too, and the lock is free now and then.
        let waited_ns = waiter.total_ns(Activity::Gil);
        match followed.len() >= 8 && by_gil * 3 >= followed.len() {
            true if waited_ns > waiter.total_ns(Activity::Waiting) => Ok(()),
            _ => Err(format!("{by_gil} of {}: {waiter:?}", followed.len())),
        }
    });
}

#[test]
fn under_the_gil_no_two_threads_compute_at_the_same_moment() {
    let busy = Program {
        groups: vec![
            group("work", 4, vec![count(Value::Const(8_000_000)), sleep(1)]),
            group("waits", 2, vec![held(vec![sleep(1)], 5, Some("a"), None)]),
        ],
        ..program(0, Vec::new())
    };
    for model in ["threads", "thread-pool", "async-threads", "hybrid"] {
        let setup = Setup {
            gil: true,
            switch_interval_ns: Some(1_000_000),
            ..setup(model, 3)
        };
        let (_, trace) = traced(setup, &busy);
        let mut all: Vec<(u64, u64)> = Vec::new();
        for lane in trace.workers() {
            // On a loop what isn't a task's is done without the lock.
            let computing = of_task(lane).filter(|span| span.activity == Activity::Computing);
            all.extend(computing.map(|span| (span.start_ns, span.end_ns)));
        }
        all.sort_unstable();
        let both_ns: u64 = all
            .windows(2)
            .map(|two| two[0].1.saturating_sub(two[1].0))
            .sum();
        let computing_ns: u64 = all.iter().map(|(start, end)| end - start).sum();
        assert!(
            both_ns * 50 <= computing_ns,
            "{model}: {both_ns} of {computing_ns}"
        );
        assert!(
            total_ns(&trace, Activity::Gil) > 0,
            "{model}: nobody waited"
        );
    }
}

#[test]
fn what_blocks_an_event_loop_makes_it_late() {
    let waits = || group("waits", 3, vec![held(vec![sleep(2)], 30, None, None)]);
    let blocking = Program {
        groups: vec![waits(), group("blocks", 1, vec![sleep(15), block(60)])],
        ..program(0, Vec::new())
    };
    for gil in [false, true] {
        let setup = Setup {
            gil,
            ..setup("async", 1)
        };
        let (_, trace) = traced(setup, &blocking);
        let event_loop = lane_of(&trace, Role::Loop, 1);
        let blocked: Vec<&Span> = event_loop
            .spans
            .iter()
            .filter(|span| span.activity == Activity::Blocked)
            .collect();
        let [span] = blocked[..] else {
            panic!("{blocked:?}");
        };
        assert_eq!(span.task, Some(3));
        // The others had their turns before and behind.
        let turns = |inside: &dyn Fn(&Span) -> bool| of_task(event_loop).any(inside);
        assert!(turns(
            &|turn| turn.end_ns <= span.start_ns && turn.task < Some(3)
        ));
        assert!(turns(
            &|turn| turn.start_ns >= span.end_ns && turn.task < Some(3)
        ));
        // The probe's timer was due before the loop was free again, and soon after it was blocked.
        let late = trace
            .lags
            .iter()
            .find(|lag| lag.due_ns < span.end_ns && lag.due_ns + lag.late_ns >= span.end_ns);
        let late = late.unwrap_or_else(|| panic!("{span:?}: {:?}", trace.lags));
        assert!(
            late.late_ns * 5 >= span.length_ns() * 4,
            "{late:?} of {span:?}"
        );
        assert!(
            trace
                .lags
                .windows(2)
                .all(|two| two[0].due_ns < two[1].due_ns)
        );
    }
}

#[test]
fn a_loop_that_never_comes_to_its_timers_is_late_all_the_same() {
    let (reply, trace) = traced(setup("async", 1), &program(3, vec![block(30)]));
    let event_loop = lane_of(&trace, Role::Loop, 1);
    assert!(event_loop.total_ns(Activity::Blocked) * 10 >= reply.wall_ns * 8);
    assert_eq!(event_loop.total_ns(Activity::Waiting), 0);
    let longest_ns = trace.longest_lag_ns().unwrap();
    assert!(
        longest_ns * 10 >= reply.wall_ns * 8,
        "{longest_ns} of {}",
        reply.wall_ns
    );
}

#[test]
fn a_pool_keeps_what_blocks_from_the_loop() {
    for pool in [Pool::Threads, Pool::Processes] {
        let mut setup = setup("hybrid", 2);
        setup.settings.pool = pool;
        one_of(|| {
            let (_, trace) = traced(setup, &program(2, vec![block(150)]));
            assert_eq!(total_ns(&trace, Activity::Blocked), 0);
            let longest_ns = trace.longest_lag_ns().unwrap();
            for worker in workers(&trace) {
                let waits: Vec<&Span> = of_task(worker)
                    .filter(|span| span.activity == Activity::Waiting)
                    .collect();
                if waits.len() != 1 || longest_ns * 4 > waits[0].length_ns() {
                    return Err(format!("{longest_ns}: {worker:?}"));
                }
            }
            Ok(())
        });
    }
}

#[test]
fn a_small_pool_runs_its_tasks_one_behind_the_other() {
    for model in ["thread-pool", "process-pool"] {
        for gil in [false, true] {
            let mut setup = Setup {
                gil,
                ..setup(model, 2)
            };
            setup.settings.chunk = Some(1);
            let (_, trace) = traced(setup, &program(7, vec![sleep(8)]));
            let workers = workers(&trace);
            assert_eq!(workers.len(), 2);
            let states = states(&trace);
            let waits = only(&states, Activity::Waiting);
            assert_eq!((waits.len(), most_at_once(&waits)), (7, 2), "{setup:?}");
            for worker in workers {
                let mut ran: Vec<u64> = of_task(worker).filter_map(|span| span.task).collect();
                ran.dedup();
                assert!(ran.is_sorted() && ran.len() >= 2, "{setup:?}: {ran:?}");
            }
            // The trial's own thread serves them.
            let main = lane_of(&trace, Role::Main, 1);
            assert!(
                main.total_ns(Activity::Joining) * 2 > main.life_ns(),
                "{main:?}"
            );
            assert_eq!(main.total_ns(Activity::Computing), 0, "{main:?}");
        }
    }
}

#[test]
fn processes_are_on_one_clock_and_start_when_they_are_asked_for() {
    let (reply, trace) = traced(setup("processes", 1), &program(4, vec![sleep(30)]));
    let main = lane_of(&trace, Role::Main, 1);
    let starting = |at_ns: u64| {
        let span = main.spans.iter().find(|span| span.end_ns > at_ns);
        span.map(|span| span.activity)
    };
    let mut begun = Vec::new();
    for (turn, worker) in workers(&trace).into_iter().enumerate() {
        assert_eq!(
            (worker.process, worker.number),
            (turn as u32 + 1, turn as u32 + 1)
        );
        assert_eq!(
            starting(worker.begin_ns),
            Some(Activity::Starting),
            "{main:?}"
        );
        assert!(worker.total_ns(Activity::Starting) > 0);
        assert!(worker.end_ns <= reply.wall_ns && worker.end_ns <= main.end_ns);
        let ran: BTreeSet<u64> = of_task(worker).filter_map(|span| span.task).collect();
        assert_eq!(ran.into_iter().collect::<Vec<u64>>(), [turn as u64]);
        begun.push(worker.begin_ns);
    }
    assert!(begun.len() == 4 && begun.is_sorted(), "{begun:?}");
    let order: Vec<Activity> = main.spans.iter().map(|span| span.activity).collect();
    assert_eq!(order[..2], [Activity::Starting, Activity::Sending]);
    assert_eq!(order.last(), Some(&Activity::Joining));
    let waits = only(&states(&trace), Activity::Waiting);
    assert!(
        most_at_once(&waits) > 1,
        "they sleep side by side: {waits:?}"
    );
}

#[test]
fn a_long_trace_is_cut_and_its_totals_are_not() {
    let tasks = MOST_SPANS as u64 + 5_000;
    let tiny = program(tasks, vec![count(Value::Const(1))]);
    let (_, trace) = traced(setup("sequential", 1), &tiny);
    let lane = lane_of(&trace, Role::Worker, 1);
    assert!(lane.spans.len() <= MOST_SPANS);
    assert_eq!(lane.spans.len() as u64 + trace.spans_cut, tasks + 1);
    assert_eq!(lane.totals_ns.iter().sum::<u64>(), lane.life_ns());
    assert!(lane.spans.last().unwrap().end_ns < lane.end_ns);
}

#[test]
fn a_hundred_thousand_tasks_have_room_on_every_model_that_shares_them_out() {
    let tiny = program(100_000, vec![count(Value::Const(1))]);
    let shared = lanes().into_iter().filter(|lane| {
        let each = ["threads", "processes"].contains(&lane.model);
        !each && !lane.gil
    });
    for setup in shared {
        let (_, trace) = traced(setup, &tiny);
        assert_eq!(trace.spans_cut, 0, "{setup:?}");
        let of_tasks = trace.workers().flat_map(of_task);
        let seen: BTreeSet<u64> = of_tasks.filter_map(|span| span.task).collect();
        assert_eq!(seen.len(), 100_000, "{setup:?}");
    }
}

#[test]
fn where_room_ends_every_lane_has_had_its_part() {
    let tiny = program(MOST_SPANS as u64 / 3, vec![count(Value::Const(1))]);
    let setup = setup("hybrid", 2);
    let (_, trace) = traced(setup, &tiny);
    assert!(trace.spans_cut > 0);
    let least = trace.lanes.iter().map(|lane| lane.spans.len()).min();
    assert!(least > Some(MOST_SPANS / 10), "{least:?}");
}
