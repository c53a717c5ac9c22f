//! One new process for each task.

use super::settings::START;
use super::{Footprint, Job, Model, Settings, Tally, worker};
use crate::describe::ModelDef;
use crate::measure::trace::recorder::enter;
use crate::measure::trace::{Activity, Role};
use crate::process::worker::{Worker, wait_any};

/// The model.
pub struct Processes;

const DEF: ModelDef = ModelDef {
    name: "processes",
    summary: "one new process for each task",
    doc: "Starts as many processes as there are tasks, all at once, and waits for them. They share no \
          memory: what a task needs is sent, and each process costs its start and its own memory. \
          Starting and reaping is inside the clock.",
    python: "multiprocessing.Process(target=task, args=(i,)) for each task; start all, join all",
    settings: &[START],
    single_threaded: false,
    uses_processes: true,
};

impl Model for Processes {
    fn def(&self) -> &'static ModelDef {
        &DEF
    }

    fn footprint(&self, tasks: u64, _settings: &Settings) -> Footprint {
        Footprint {
            processes: tasks,
            tasks_at_once: tasks,
            parallel: tasks,
            descriptors: tasks * 2,
            ..Footprint::default()
        }
    }

    fn run(&self, job: &Job) -> Result<Tally, String> {
        let tasks = job.program.tasks();
        let _lane = job.own_lane(Role::Main);
        let set_up = worker::set_up(job);
        let mut workers = Vec::with_capacity(tasks as usize);
        let mut tally = Ok(Tally {
            workers: u32::try_from(tasks).unwrap_or(u32::MAX),
            ..Tally::default()
        });
        for turn in 0..tasks {
            let started = worker::start(job, &set_up, turn, tasks).and_then(|mut worker| {
                worker::give(job, &mut worker, turn..turn + 1)
                    .map_err(|error| format!("worker process {}: {error}", turn + 1))?;
                worker.close();
                Ok(worker)
            });
            match started {
                Ok(worker) => workers.push(worker),
                Err(error) => {
                    tally = Err(error);
                    break;
                }
            }
        }
        enter(Activity::Joining, None);
        if let Ok(counted) = &mut tally
            && let Err(error) = collect(job, &mut workers, counted)
        {
            tally = Err(error);
        }
        worker::join_all(workers, tally)
    }
}

/// Takes every worker's answer.
fn collect(job: &Job, workers: &mut [Worker], tally: &mut Tally) -> Result<(), String> {
    let mut take = |workers: &mut [Worker], number: usize| {
        let turn = number as u64;
        let part = worker::take(job, &mut workers[number], turn..turn + 1);
        part.map(|part| tally.merge(part))
            .map_err(|error| format!("worker process {} {error}", number + 1))
    };
    // In order costs the least. But where one may wait for what another holds, the one that died holding
    // it must be heard of although it isn't its turn.
    if job.sharing.is_none() {
        return (0..workers.len()).try_for_each(|number| take(workers, number));
    }
    let mut left: Vec<usize> = (0..workers.len()).collect();
    while !left.is_empty() {
        let ready = wait_any(left.iter().map(|number| &workers[*number]))
            .map_err(|error| error.to_string())?;
        for position in ready.into_iter().rev() {
            take(workers, left.remove(position))?;
        }
    }
    Ok(())
}
