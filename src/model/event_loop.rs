//! One event loop on one thread: tokio's current-thread runtime. [`run_all`] is for every model whose
//! tasks are futures.

use super::nonblocking::{self, Loop};
use super::turns::Turns;
use super::{Footprint, Job, Model, Settings, Tally, blocking};
use crate::describe::ModelDef;
use crate::measure::trace::recorder::{end_lane, enter};
use crate::measure::trace::{Activity, Role};
use crate::program::{Op, Program};
use crate::runtime::gil::tick;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, mpsc};

/// The model.
pub struct Async;

const DEF: ModelDef = ModelDef {
    name: "async",
    summary: "one event loop on one thread; tasks give way while they wait",
    doc: "All tasks are started on one event loop, which goes on with another whenever one waits. A wait \
          costs neither a thread nor a core, so thousands fit. What computes or blocks keeps the loop's \
          only thread: nothing overlaps then. Creating and closing the loop is inside the clock.",
    python: "asyncio.run(main()) with asyncio.gather(*(task(i) for i in range(tasks)))",
    settings: &[],
    single_threaded: true,
    uses_processes: false,
};

/// What the tasks of one run share.
struct Shared {
    on: Loop,
    turns: Option<Arc<Turns>>,
    state: Mutex<State>,
    all_done: Notify,
}

struct State {
    left: u64,
    tally: Tally,
}

impl Shared {
    fn count(&self, number: u64, result: Result<u64, String>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tally.count(number, result);
        state.left -= 1;
        if state.left == 0 {
            self.all_done.notify_one();
        }
    }
}

/// Counts its task as failed when dropped before it has finished: it panicked.
struct Unfinished {
    shared: Arc<Shared>,
    number: u64,
}

impl Unfinished {
    fn finish(mut self, result: Result<u64, String>) {
        self.shared.count(self.number, result);
        self.number = FINISHED;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.number != FINISHED {
            let panicked = Err("the task panicked".to_owned());
            self.shared.count(self.number, panicked);
        }
    }
}

/// No task has this number.
const FINISHED: u64 = u64::MAX;

impl Model for Async {
    fn def(&self) -> &'static ModelDef {
        &DEF
    }

    fn footprint(&self, tasks: u64, _settings: &Settings) -> Footprint {
        Footprint {
            tasks_at_once: tasks,
            futures: tasks,
            ..Footprint::default()
        }
    }

    fn run(&self, job: &Job) -> Result<Tally, String> {
        let _lane = job.own_lane(Role::Loop);
        let event_loop = start(&mut Builder::new_current_thread(), job, 0)?;
        let tally = run_all(&event_loop, Loop::new(job, None), 1, None);
        // Waits for the threads that wrote files, as asyncio.run does.
        drop(event_loop);
        tally
    }
}

/// A running event loop; dropping it waits for its threads.
pub(super) struct EventLoop {
    /// The loop itself.
    pub runtime: Runtime,
    /// What is noted of it, in a traced run.
    turns: Option<Arc<Turns>>,
    /// Threads beside the trial's own.
    threads: u32,
}

/// An event loop with so many threads beside the trial's own, with timers and sockets. Under a GIL its threads
/// drop the lock before they park; they take it with the next task that they run ([`spawn`]).
pub(super) fn start(builder: &mut Builder, job: &Job, threads: u32) -> Result<EventLoop, String> {
    let turns = Turns::new(job, threads);
    // What a thread does is noted before it drops the lock.
    if turns.is_some() || job.gil.is_some() {
        let (noted, gil) = (turns.clone(), job.gil.clone());
        builder.on_thread_park(move || {
            if let Some(turns) = &noted {
                turns.park();
            }
            if let Some(gil) = &gil {
                gil.release();
            }
        });
        let gil = job.gil.clone();
        builder.on_thread_stop(move || {
            end_lane();
            if let Some(gil) = &gil {
                gil.release();
            }
        });
    }
    let runtime = builder
        .enable_all()
        .build()
        .map_err(|error| format!("the event loop could not be started: {error}"))?;
    Ok(EventLoop {
        runtime,
        turns,
        threads,
    })
}

/// Whether tasks of this program ever give way to others on a loop without an executor.
fn waits(program: &Program) -> bool {
    let mut waits = false;
    program.walk(|op| {
        waits |= match op {
            Op::Compute { .. } | Op::Block { .. } | Op::Alloc { .. } | Op::Add { .. } => false,
            Op::Group { lock, permit, .. } => lock.is_some() || permit.is_some(),
            _ => true,
        };
    });
    waits
}

/// Starts all tasks on a loop, groups in turn, and waits for them, or for what `failures` says.
///
/// A task is one allocation: its future, with a handle on what all share. The program is there once.
pub(super) fn run_all(
    event_loop: &EventLoop,
    on: Loop,
    workers: u32,
    failures: Option<mpsc::UnboundedReceiver<String>>,
) -> Result<Tally, String> {
    let tasks = on.job.program.tasks();
    if tasks == 0 {
        return Ok(Tally::default());
    }
    // A future that never waits needs no memory for where it waits: 100,000 of them took 70 MB, and twice
    // the time that they take without.
    let waits = on.executor.is_some() || waits(&on.job.program);
    let shared = Arc::new(Shared {
        on,
        turns: event_loop.turns.clone(),
        state: Mutex::new(State {
            left: tasks,
            tally: Tally {
                workers,
                ..Tally::default()
            },
        }),
        all_done: Notify::new(),
    });
    let ended = event_loop.runtime.block_on(async {
        if let Some(turns) = &shared.turns {
            spawn(&shared, None, turns.clone().probe());
        }
        // To make tasks is work, and on one thread nothing else goes on meanwhile.
        enter(Activity::Computing, None);
        for turn in 0..tasks {
            let number = shared.on.job.program.in_turn(turn);
            let task = Unfinished {
                number,
                shared: shared.clone(),
            };
            match (waits, &shared.turns) {
                (true, None) => spawn(&shared, Some(number), async move {
                    let result = nonblocking::run_task(&task.shared.on, task.number).await;
                    task.finish(result);
                }),
                (true, Some(turns)) => {
                    let turns = turns.clone();
                    spawn(&shared, Some(number), async move {
                        let result = {
                            let run = pin!(nonblocking::run_task(&task.shared.on, task.number));
                            turns.run(task.number, run).await
                        };
                        task.finish(result);
                    });
                }
                (false, _) => spawn(&shared, Some(number), async move {
                    // Its only turn begins with the task.
                    if let Some(turns) = &task.shared.turns {
                        turns.open();
                    }
                    let result = blocking::run_task(&task.shared.on.job, task.number);
                    task.finish(result);
                }),
            }
        }
        if event_loop.threads > 0 {
            enter(Activity::Joining, None);
        }
        let failed = async {
            match failures {
                Some(mut failures) => failures.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shared.all_done.notified() => Ok(()),
            failure = failed => Err(failure.unwrap_or_else(|| "the pool has ended".to_owned())),
        }
    });
    enter(Activity::Joining, None);
    if let Some(turns) = &shared.turns {
        turns.ran();
    }
    if let Some(gil) = &shared.on.job.gil {
        gil.release();
    }
    ended?;
    let state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(state.tally.clone())
}

/// Spawns a task; the one of the loop's own has no number. Under a GIL whichever thread runs it takes the lock
/// first, and offers it where it goes on from one task to the next.
fn spawn(
    shared: &Arc<Shared>,
    number: Option<u64>,
    task: impl Future<Output = ()> + Send + 'static,
) {
    match &shared.on.job.gil {
        None => drop(tokio::spawn(task)),
        Some(gil) => {
            let (gil, turns) = (gil.clone(), shared.turns.clone());
            let mut task = Box::pin(task);
            drop(tokio::spawn(poll_fn(move |context| {
                if let Some(turns) = &turns {
                    turns.open();
                }
                gil.take_for(number);
                enter(Activity::Computing, number);
                tick(Some(&gil));
                task.as_mut().poll(context)
            })));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{Group, Value};

    #[test]
    fn whoever_sleeps_or_takes_a_lock_waits_and_whoever_computes_does_not() {
        let program = |op: Op| Program {
            groups: vec![Group {
                name: String::new(),
                tasks: 1,
                ops: vec![op],
            }],
            ..Program::default()
        };
        let time = || Value::Const(1);
        let inside = |op: Op, lock: Option<&str>| Op::Group {
            ops: vec![op],
            times: 2,
            lock: lock.map(str::to_owned),
            permit: None,
            label: String::new(),
        };
        let sleep = || Op::Sleep { time: time() };
        let block = || Op::Block { time: time() };
        assert!(!waits(&program(block())));
        assert!(!waits(&program(inside(block(), None))));
        assert!(waits(&program(inside(block(), Some("l")))));
        assert!(waits(&program(inside(sleep(), None))));
        assert!(waits(&program(sleep())));
    }
}
