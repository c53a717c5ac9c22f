//! One new process for each task.

use super::{Footprint, Job, Model, Tally, worker};
use crate::describe::ModelDef;

/// The model.
pub struct Processes;

const DEF: ModelDef = ModelDef {
    name: "processes",
    summary: "one new process for each task",
    doc: "Starts as many processes as there are tasks, all at once, and waits for them. They share no \
          memory: what a task needs is sent, and each process costs its start and its own memory. \
          Starting and reaping is inside the clock.",
    python: "multiprocessing.Process(target=task, args=(i,)) for each task; start all, join all",
    takes_workers: false,
    single_threaded: false,
    uses_processes: true,
};

impl Model for Processes {
    fn def(&self) -> &'static ModelDef {
        &DEF
    }

    fn footprint(&self, tasks: u64, _workers: u32) -> Footprint {
        Footprint {
            processes: tasks,
            tasks_at_once: tasks,
            descriptors: tasks * 2,
            ..Footprint::default()
        }
    }

    fn run(&self, job: &Job) -> Result<Tally, String> {
        let tasks = job.program.tasks();
        let set_up = worker::set_up(job);
        let mut workers = Vec::with_capacity(tasks as usize);
        let mut failure = None;
        for number in 0..tasks {
            let started = worker::start(job, &set_up, number, tasks).and_then(|mut worker| {
                let sent = worker.send(&format!("{number} {}", number + 1));
                worker.close();
                sent.map(|()| worker)
                    .map_err(|error| format!("worker process {}: {error}", number + 1))
            });
            match started {
                Ok(worker) => workers.push(worker),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        let mut tally = Tally {
            workers: u32::try_from(tasks).unwrap_or(u32::MAX),
            ..Tally::default()
        };
        // All are waited for, whatever happened to one.
        for (number, mut worker) in workers.into_iter().enumerate() {
            let part = worker::receive(&mut worker);
            let ended = worker.join();
            match (part, ended) {
                (Ok(Some(part)), Ok(())) => tally.merge(part),
                (Err(error), Ok(())) | (_, Err(error)) => {
                    failure.get_or_insert(format!("worker process {} {error}", number + 1));
                }
                (Ok(None), Ok(())) => {
                    failure.get_or_insert(format!("worker process {} gave no answer", number + 1));
                }
            }
        }
        failure.map_or(Ok(tally), Err)
    }
}
