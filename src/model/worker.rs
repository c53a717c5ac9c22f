//! A worker process: runs the ranges of tasks that it is given, and answers each with a tally.

use super::{Job, Site, Tally, blocking};
use crate::measure::own_memory_bytes;
use crate::process::worker::{Worker, die_with_parent};
use crate::program::Program;
use crate::runtime::Runtime;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

/// What every worker is given first.
#[derive(Serialize, Deserialize)]
struct SetUp {
    program: Program,
    runtime: Runtime,
    site: Site,
}

/// The first line for the workers of a job.
pub(super) fn set_up(job: &Job) -> String {
    let set_up = SetUp {
        program: job.program.clone(),
        runtime: job.runtime.clone(),
        site: job.site.clone(),
    };
    serde_json::to_string(&set_up).expect("a program is plain data")
}

/// A new worker of this job, told what the tasks do; `number` is for the error, from 0.
pub(super) fn start(job: &Job, set_up: &str, number: u64, of: u64) -> Result<Worker, String> {
    let start = || {
        let mut worker = Worker::start(&job.site.executable)?;
        worker.send(set_up)?;
        io::Result::Ok(worker)
    };
    start().map_err(|error| {
        format!(
            "worker process {} of {of} could not be started: {error}",
            number + 1
        )
    })
}

/// Reads one answer; `None` where the worker has ended.
pub(super) fn receive(worker: &mut Worker) -> Result<Option<Tally>, String> {
    let line = worker.receive().map_err(|error| error.to_string())?;
    line.map(|line| {
        serde_json::from_str(&line).map_err(|error| format!("answered nonsense: {error}"))
    })
    .transpose()
}

/// The process itself: `conclab worker PARENT`.
pub fn main(arguments: &[String]) -> ExitCode {
    if let Some(parent) = arguments.first().and_then(|parent| parent.parse().ok()) {
        die_with_parent(parent);
    }
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("worker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<()> {
    let mut lines = io::stdin().lock().lines();
    let Some(first) = lines.next() else {
        return Ok(());
    };
    let SetUp {
        program,
        runtime,
        site,
    } = serde_json::from_str(&first?)?;
    let job = Job {
        program: &program,
        runtime: &runtime,
        workers: 1,
        site: &site,
    };
    let mut output = io::stdout().lock();
    for line in lines {
        let line = line?;
        let (start, end) = line.split_once(' ').ok_or(io::ErrorKind::InvalidData)?;
        let bound = |text: &str| text.parse::<u64>().map_err(io::Error::other);
        let mut tally = Tally::default();
        blocking::run_range(&job, bound(start)?, bound(end)?, &mut tally);
        tally.worker_peak_bytes = own_memory_bytes("VmHWM");
        output.write_all(format!("{}\n", serde_json::to_string(&tally)?).as_bytes())?;
        output.flush()?;
    }
    Ok(())
}
