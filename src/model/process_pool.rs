//! A pool of worker processes that are sent tasks in chunks.

use super::settings::{CHUNK, START, WORKERS};
use super::{Footprint, Job, Model, Settings, Tally, worker};
use crate::describe::ModelDef;
use crate::measure::trace::recorder::enter;
use crate::measure::trace::{Activity, Role};
use crate::process::worker::{Worker, wait_any};
use std::ops::Range;

/// The model.
pub struct ProcessPool;

const DEF: ModelDef = ModelDef {
    name: "process-pool",
    summary: "a fixed number of processes that are sent tasks in chunks",
    doc: "Starts `workers` processes, sends them chunks of tasks over pipes as they become free, closes \
          the pool and waits for its end. A chunk is `chunk` tasks, by default a quarter of a worker's \
          share (tasks / (4 · workers), rounded up), as in multiprocessing.Pool. Starting and closing the pool is inside the \
          clock.",
    python: "with multiprocessing.Pool(workers) as pool: pool.map(task, range(tasks))",
    settings: &[WORKERS, CHUNK, START],
    single_threaded: false,
    uses_processes: true,
};

impl Model for ProcessPool {
    fn def(&self) -> &'static ModelDef {
        &DEF
    }

    fn footprint(&self, tasks: u64, settings: &Settings) -> Footprint {
        let workers = u64::from(settings.workers);
        Footprint {
            processes: workers,
            tasks_at_once: workers.min(tasks),
            // A chunk's tasks follow each other.
            parallel: workers.min(tasks.div_ceil(chunk_size(tasks, settings))),
            descriptors: workers * 2,
            ..Footprint::default()
        }
    }

    fn run(&self, job: &Job) -> Result<Tally, String> {
        let _lane = job.own_lane(Role::Main);
        let mut workers = worker::start_all(job, job.settings.workers)?;
        let mut tally = Tally {
            workers: job.settings.workers,
            ..Tally::default()
        };
        enter(Activity::Joining, None);
        let served = serve(job, &mut workers, &mut tally);
        worker::join_all(workers, served.map(|()| tally))
    }
}

/// Tasks of one message.
fn chunk_size(tasks: u64, settings: &Settings) -> u64 {
    let pools = tasks.div_ceil(4 * u64::from(settings.workers)).max(1);
    settings.chunk.unwrap_or(pools)
}

/// Chunks of the tasks' turns, in order.
fn chunks(tasks: u64, settings: &Settings) -> impl Iterator<Item = Range<u64>> + use<> {
    let size = chunk_size(tasks, settings);
    (0..tasks.div_ceil(size)).map(move |chunk| chunk * size..((chunk + 1) * size).min(tasks))
}

/// Sends chunks to whoever is free until all are answered.
fn serve(job: &Job, workers: &mut [Worker], tally: &mut Tally) -> Result<(), String> {
    let mut chunks = chunks(job.program.tasks(), &job.settings);
    // What each worker is busy with.
    let mut given: Vec<Range<u64>> = vec![0..0; workers.len()];
    let mut busy = Vec::with_capacity(workers.len());
    let mut feed = |workers: &mut [Worker], given: &mut [Range<u64>], number: usize| {
        let Some(chunk) = chunks.next() else {
            workers[number].close();
            return Ok(false);
        };
        given[number] = chunk.clone();
        worker::give(job, &mut workers[number], chunk)
            .map(|()| true)
            .map_err(|error| format!("worker process {}: {error}", number + 1))
    };
    for number in 0..workers.len() {
        if feed(workers, &mut given, number)? {
            busy.push(number);
        }
    }
    while !busy.is_empty() {
        let ready =
            wait_any(busy.iter().map(|number| &workers[*number])).map_err(|e| e.to_string())?;
        // From the back, so that positions stay true while some are removed.
        for position in ready.into_iter().rev() {
            let number = busy[position];
            let part = worker::take(job, &mut workers[number], given[number].clone())
                .map_err(|error| format!("worker process {} {error}", number + 1))?;
            tally.merge(part);
            if !feed(workers, &mut given, number)? {
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
        let settings = |workers, chunk| Settings {
            workers,
            chunk,
            ..Settings::default()
        };
        for (tasks, workers) in [(1, 4), (100, 2), (7, 3), (1000, 1)] {
            let chunks: Vec<Range<u64>> = chunks(tasks, &settings(workers, None)).collect();
            let covered: Vec<u64> = chunks.iter().cloned().flatten().collect();
            assert_eq!(covered, (0..tasks).collect::<Vec<_>>());
            assert!(chunks.len() as u64 <= 4 * u64::from(workers));
        }
        let first = chunks(100, &settings(2, None)).next();
        assert_eq!(first, Some(0..13), "100 / 8, rounded up");
        let own: Vec<Range<u64>> = chunks(7, &settings(2, Some(3))).collect();
        assert_eq!(own, [0..3, 3..6, 6..7]);
    }
}
