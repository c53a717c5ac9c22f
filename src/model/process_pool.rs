//! A pool of worker processes that are sent tasks in chunks.

use super::{Footprint, Job, Model, Tally, worker};
use crate::describe::ModelDef;
use crate::process::worker::{Worker, wait_any};
use std::ops::Range;

/// The model.
pub struct ProcessPool;

const DEF: ModelDef = ModelDef {
    name: "process-pool",
    summary: "a fixed number of processes that are sent tasks in chunks",
    doc: "Starts `workers` processes, sends them chunks of tasks over pipes as they become free, closes \
          the pool and waits for its end. A chunk is a quarter of a worker's share (tasks / (4 · \
          workers), rounded up), as in multiprocessing.Pool. Starting and closing the pool is inside the \
          clock.",
    python: "with multiprocessing.Pool(workers) as pool: pool.map(task, range(tasks))",
    takes_workers: true,
    single_threaded: false,
    uses_processes: true,
};

impl Model for ProcessPool {
    fn def(&self) -> &'static ModelDef {
        &DEF
    }

    fn footprint(&self, tasks: u64, workers: u32) -> Footprint {
        let workers = u64::from(workers);
        Footprint {
            processes: workers,
            tasks_at_once: workers.min(tasks),
            descriptors: workers * 2,
            ..Footprint::default()
        }
    }

    fn run(&self, job: &Job) -> Result<Tally, String> {
        let set_up = worker::set_up(job);
        let mut workers = Vec::with_capacity(job.workers as usize);
        let mut failure = None;
        for number in 0..job.workers {
            match worker::start(job, &set_up, number.into(), job.workers.into()) {
                Ok(worker) => workers.push(worker),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        let mut tally = Tally {
            workers: job.workers,
            ..Tally::default()
        };
        if failure.is_none() {
            failure = serve(job, &mut workers, &mut tally).err();
        }
        for (number, worker) in workers.into_iter().enumerate() {
            if let Err(error) = worker.join() {
                // How a worker ended says more than that it stopped answering.
                failure = Some(format!("worker process {} {error}", number + 1));
            }
        }
        failure.map_or(Ok(tally), Err)
    }
}

/// Chunks of the tasks, in order.
fn chunks(tasks: u64, workers: u32) -> impl Iterator<Item = Range<u64>> {
    let size = tasks.div_ceil(4 * u64::from(workers)).max(1);
    (0..tasks)
        .step_by(size as usize)
        .map(move |start| start..(start + size).min(tasks))
}

/// Sends chunks to whoever is free until all are answered.
fn serve(job: &Job, workers: &mut [Worker], tally: &mut Tally) -> Result<(), String> {
    let mut chunks = chunks(job.program.tasks(), job.workers);
    let mut busy = Vec::with_capacity(workers.len());
    let mut feed = |workers: &mut [Worker], number: usize| -> Result<bool, String> {
        let Some(chunk) = chunks.next() else {
            workers[number].close();
            return Ok(false);
        };
        let sent = workers[number].send(&format!("{} {}", chunk.start, chunk.end));
        sent.map(|()| true)
            .map_err(|error| format!("worker process {}: {error}", number + 1))
    };
    for number in 0..workers.len() {
        if feed(workers, number)? {
            busy.push(number);
        }
    }
    while !busy.is_empty() {
        let ready =
            wait_any(busy.iter().map(|number| &workers[*number])).map_err(|e| e.to_string())?;
        // From the back, so that positions stay true while some are removed.
        for position in ready.into_iter().rev() {
            let number = busy[position];
            let part = worker::receive(&mut workers[number])
                .map_err(|error| format!("worker process {} {error}", number + 1))?;
            let gone = || {
                format!(
                    "worker process {} ended before its tasks were done",
                    number + 1
                )
            };
            tally.merge(part.ok_or_else(gone)?);
            if !feed(workers, number)? {
                busy.remove(position);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_every_task_once_as_pool_would() {
        for (tasks, workers) in [(1, 4), (100, 2), (7, 3), (1000, 1)] {
            let chunks: Vec<Range<u64>> = chunks(tasks, workers).collect();
            let covered: Vec<u64> = chunks.iter().cloned().flatten().collect();
            assert_eq!(covered, (0..tasks).collect::<Vec<_>>());
            assert!(chunks.len() as u64 <= 4 * u64::from(workers));
        }
        assert_eq!(chunks(100, 2).next(), Some(0..13), "100 / 8, rounded up");
    }
}
