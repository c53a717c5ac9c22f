//! One new operating-system thread for each task.

use super::{Footprint, Job, Model, Settings, Tally, blocking};
use crate::describe::ModelDef;
use crate::measure::trace::recorder::enter;
use crate::measure::trace::{Activity, Role};
use std::io;
use std::sync::mpsc;
use std::thread::{self, Scope, ScopedJoinHandle};

/// Address space for a thread's stack; only what is touched becomes memory.
pub const STACK_BYTES: usize = 1 << 20;

/// The model.
pub struct Threads;

const DEF: ModelDef = ModelDef {
    name: "threads",
    summary: "one new thread for each task",
    doc: "Creates as many operating-system threads as there are tasks, all at once, and joins them. The \
          system spreads them over the cores: what computes can run at the same time, what waits costs a \
          thread's memory but no core. Creating and joining is inside the clock.",
    python: "threading.Thread(target=task, args=(i,)) for each task; start all, join all",
    settings: &[],
    single_threaded: false,
    uses_processes: false,
};

impl Model for Threads {
    fn def(&self) -> &'static ModelDef {
        &DEF
    }

    fn footprint(&self, tasks: u64, _settings: &Settings) -> Footprint {
        Footprint {
            threads: tasks,
            tasks_at_once: tasks,
            parallel: tasks,
            ..Footprint::default()
        }
    }

    fn run(&self, job: &Job) -> Result<Tally, String> {
        let tasks = job.program.tasks();
        let mut tally = Tally {
            workers: u32::try_from(tasks).unwrap_or(u32::MAX),
            ..Tally::default()
        };
        let _lane = job.own_lane(Role::Main);
        thread::scope(|scope| {
            let held = job.hold();
            let mut threads = Vec::with_capacity(tasks as usize);
            for turn in 0..tasks {
                let number = job.program.in_turn(turn);
                let builder = thread::Builder::new().stack_size(STACK_BYTES);
                let own = Own {
                    number: turn as u32 + 1,
                    tasks: 1,
                };
                let run = move || blocking::run_task(job, number);
                let started = spawn(job, scope, builder, own, run);
                threads.push(started.map_err(|error| {
                    format!(
                        "thread {} of {tasks} could not be started: {error}",
                        turn + 1
                    )
                })?);
            }
            enter(Activity::Joining, None);
            drop(held);
            for (turn, thread) in threads.into_iter().enumerate() {
                let result = thread
                    .join()
                    .unwrap_or_else(|_| Err("its thread panicked".to_owned()));
                tally.count(job.program.in_turn(turn as u64), result);
            }
            Ok(tally)
        })
    }
}

/// Whose a thread's lane is in a traced run.
#[derive(Clone, Copy)]
pub(super) struct Own {
    /// Number of the thread, from 1.
    pub number: u32,
    /// Tasks that it runs, about.
    pub tasks: u64,
}

/// Starts a thread that runs tasks. Under a GIL it holds the lock from beginning to end, and whoever starts
/// it goes on once it has begun, as after `Thread.start()`: beside threads that compute that takes its time.
pub(super) fn spawn<'scope, T: Send + 'scope>(
    job: &'scope Job,
    scope: &'scope Scope<'scope, '_>,
    builder: thread::Builder,
    own: Own,
    work: impl FnOnce() -> T + Send + 'scope,
) -> io::Result<ScopedJoinHandle<'scope, T>> {
    let asked_ns = job.asked_ns();
    if job.gil.is_none() {
        return builder.spawn_scoped(scope, move || {
            let _lane = job.worker_lane(own.number, asked_ns, own.tasks);
            work()
        });
    }
    let (begin, begun) = mpsc::sync_channel(1);
    let thread = builder.spawn_scoped(scope, move || {
        let lane = job.worker_lane(own.number, asked_ns, own.tasks);
        let _held = job.hold();
        let _ = begin.send(());
        let done = work();
        // Its lane ends before another thread can have the lock.
        drop(lane);
        done
    })?;
    let _ = job.wait_for(Activity::Starting, || begun.recv());
    Ok(thread)
}
