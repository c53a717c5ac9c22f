//! A worker process, from both sides: what it is told, what it answers.
//!
//! It is told once what the tasks do. Then each line asks for something: turns of tasks (`start end`, and
//! behind it the bytes that these tasks are given), answered with a [`Part`]; or an [`Offer`], one
//! operation of a task that runs elsewhere, answered with an [`Answer`]. Bytes follow lines raw. When
//! nothing more comes it says how large it was, and ends. In a traced run it is told by a line of its own who it
//! is and when it was asked for, and leaves what it noted in a file of the trial's folder: writing that costs
//! one call inside the clock, and the trial reads it behind.

use super::executor::{Answer, Offer};
use super::{Job, Latencies, Settings, Sharing, Site, Tally, blocking, data, spans_of};
use crate::measure::own_memory_bytes;
use crate::measure::trace::recorder::{MOST_SPANS, Recorder, during, enter, is_on};
use crate::measure::trace::{Activity, Role};
use crate::process::explained;
use crate::process::worker::{Worker, die_with_parent, wait_any};
use crate::program::Program;
use crate::runtime::Runtime;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Read, Write};
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest that a worker which stopped answering is given to end, so that it can be told how it did.
const END_PATIENCE: Duration = Duration::from_millis(300);

/// What every worker is given first.
#[derive(Serialize, Deserialize)]
struct SetUp {
    program: Program,
    runtime: Runtime,
    settings: Settings,
    site: Site,
    /// Tasks that start together, where the workers share memory.
    sharing: Option<u64>,
    latencies: bool,
    /// Whether a line about the worker itself follows.
    trace: bool,
    switch_interval_ns: Option<u64>,
}

/// What a worker is told of itself in a traced run: it opens its lane with that.
#[derive(Serialize, Deserialize)]
struct Own {
    /// Its number, from 1.
    number: u32,
    /// When it was asked for, by the monotonic clock.
    asked_ns: u64,
    /// Most spans that it may keep.
    most_spans: usize,
    /// Tasks that it runs, about.
    tasks: u64,
}

/// The answer to turns of tasks. Behind it come a mark for each task, where latencies are asked for, and
/// what the tasks give back.
#[derive(Serialize, Deserialize)]
struct Part {
    tally: Tally,
    result_bytes: u64,
    check: u64,
}

/// The first line for the workers of a job.
pub(super) fn set_up(job: &Job) -> String {
    let set_up = SetUp {
        program: Program::clone(&job.program),
        runtime: job.runtime.clone(),
        settings: job.settings,
        site: Site::clone(&job.site),
        sharing: job
            .sharing
            .as_ref()
            .and_then(|sharing| sharing.between_processes()),
        latencies: job.latencies.is_some(),
        trace: job.trace.is_some(),
        switch_interval_ns: job.gil.as_ref().map(|gil| gil.interval_ns()),
    };
    serde_json::to_string(&set_up).expect("a program is plain data")
}

/// A new worker of this job, told what the tasks do; `number` is for the error, from 0.
pub(super) fn start(job: &Job, set_up: &str, number: u64, of: u64) -> Result<Worker, String> {
    let number = number + 1;
    let own = job.trace.as_ref().map(|_| Own {
        number: number as u32,
        asked_ns: job.asked_ns(),
        most_spans: MOST_SPANS / of as usize,
        tasks: job.program.tasks() / of,
    });
    let mut worker = Worker::start(&job.site.executable).map_err(|error| {
        format!(
            "worker process {number} of {of} could not be started: {}",
            explained(&error)
        )
    })?;
    let told = during(Activity::Sending, || {
        worker.send(set_up)?;
        match own {
            Some(own) => worker.send(&serde_json::to_string(&own)?),
            None => Ok(()),
        }
    });
    match told {
        Ok(()) => Ok(worker),
        // How it ended says more than that it can't be written to.
        Err(error) => Err(match worker.join() {
            Ok(()) => format!("worker process {number} can't be spoken to: {error}"),
            Err(ended) => format!("worker process {number} {ended}"),
        }),
    }
}

/// All workers of a pool.
pub(super) fn start_all(job: &Job, count: u32) -> Result<Vec<Worker>, String> {
    let set_up = set_up(job);
    let mut workers = Vec::with_capacity(count as usize);
    for number in 0..count {
        match start(job, &set_up, number.into(), count.into()) {
            Ok(worker) => workers.push(worker),
            Err(error) => {
                join_all(workers, Err(error.clone()))?;
                return Err(error);
            }
        }
    }
    Ok(workers)
}

/// Sends turns of tasks, with what they are given.
///
/// A worker reads all of it before it begins, and answers when it is done with all: neither side ever
/// writes while the other does.
pub(super) fn give(job: &Job, worker: &mut Worker, turns: Range<u64>) -> io::Result<()> {
    during(Activity::Sending, || {
        worker.send(&format!("{} {}", turns.start, turns.end))?;
        if job.program.argument.is_some() {
            for turn in turns {
                let bytes = job.program.argument_bytes(job.program.in_turn(turn));
                worker.send_bytes(&job.argument[..bytes as usize])?;
            }
        }
        Ok(())
    })
}

/// Reads the answer to turns of tasks, with what they give back and how long they took.
pub(super) fn take(job: &Job, worker: &mut Worker, turns: Range<u64>) -> Result<Tally, String> {
    if is_on() {
        // Apart from the answer's transfer.
        wait_any([&*worker].into_iter()).map_err(not_read)?;
    }
    during(Activity::Sending, || read_part(job, worker, turns))
}

fn not_read(error: io::Error) -> String {
    format!("could not be read from: {error}")
}

fn read_part(job: &Job, worker: &mut Worker, turns: Range<u64>) -> Result<Tally, String> {
    let line = worker.receive().map_err(not_read)?;
    let line = line.ok_or("ended before its tasks were done")?;
    let part: Part =
        serde_json::from_str(&line).map_err(|error| format!("answered nonsense: {error}"))?;
    if let Some(latencies) = &job.latencies {
        let mut mark = [0; 8];
        for turn in turns {
            worker.receive_bytes(&mut mark).map_err(not_read)?;
            latencies.set(job.program.in_turn(turn), u64::from_le_bytes(mark));
        }
    }
    if part.result_bytes > 0 {
        let mut results = vec![0; part.result_bytes as usize];
        worker.receive_bytes(&mut results).map_err(not_read)?;
        if data::check(&results) != part.check {
            return Err("sent other bytes than it had".to_owned());
        }
    }
    Ok(part.tally)
}

/// What a worker's last line says: its largest resident set.
pub(super) fn peak_bytes(last: &str) -> u64 {
    last.trim().parse().unwrap_or(0)
}

/// Waits for all workers. Where one has failed the others are ended, for they may wait for what it holds
/// and never will give back; how it ended says more than that it stopped answering.
pub(super) fn join_all(
    mut workers: Vec<Worker>,
    tally: Result<Tally, String>,
) -> Result<Tally, String> {
    enter(Activity::Joining, None);
    match tally {
        Ok(mut tally) => {
            workers.iter_mut().for_each(Worker::close);
            let mut failure = None;
            for (number, mut worker) in workers.into_iter().enumerate() {
                let last = worker.receive().ok().flatten().unwrap_or_default();
                tally.worker_peak_bytes = tally.worker_peak_bytes.max(peak_bytes(&last));
                if let Err(error) = worker.join() {
                    failure.get_or_insert(format!("worker process {} {error}", number + 1));
                }
            }
            failure.map_or(Ok(tally), Err)
        }
        Err(error) => {
            let start = Instant::now();
            let found = loop {
                let ended = workers.iter_mut().enumerate().find_map(|(number, worker)| {
                    Some(format!(
                        "worker process {} {}",
                        number + 1,
                        worker.failure()?
                    ))
                });
                if ended.is_some() || start.elapsed() > END_PATIENCE {
                    break ended;
                }
                std::thread::sleep(Duration::from_millis(1));
            };
            workers.iter_mut().for_each(Worker::kill);
            workers.into_iter().for_each(|worker| {
                let _ = worker.join();
            });
            Err(found.unwrap_or(error))
        }
    }
}

/// The process itself: `conclab worker PARENT`.
pub fn main(arguments: &[String]) -> ExitCode {
    if let Some(parent) = arguments.first().and_then(|parent| parent.parse().ok()) {
        die_with_parent(parent);
    }
    match serve(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("worker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(input: &mut impl BufRead, output: &mut impl Write) -> io::Result<()> {
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Ok(());
    }
    let set_up: SetUp = serde_json::from_str(&line)?;
    let recorder = match set_up.trace {
        true => {
            line.clear();
            input.read_line(&mut line)?;
            let own: Own = serde_json::from_str(&line)?;
            Some((Recorder::new(own.number, own.most_spans, 0), own))
        }
        false => None,
    };
    let lane = recorder.as_ref().map(|(recorder, own)| {
        let spans = spans_of(own.tasks).min(own.most_spans);
        recorder.lane(Role::Worker, own.number, Some(own.asked_ns), spans)
    });
    let sharing = set_up.sharing.map(|at_start| {
        Sharing::open(&set_up.program, &set_up.site.directory, at_start).map(Arc::new)
    });
    let job = Job {
        sharing: sharing.transpose()?,
        latencies: set_up
            .latencies
            .then(|| Arc::new(Latencies::new(&set_up.program))),
        program: Arc::new(set_up.program),
        gil: set_up.runtime.lock(set_up.switch_interval_ns),
        trace: recorder.as_ref().map(|(recorder, _)| recorder.clone()),
        runtime: set_up.runtime,
        settings: set_up.settings,
        site: Arc::new(set_up.site),
        argument: Arc::new([]),
    };
    // Its lock is its own: nobody else in this process wants it.
    let _held = job.hold();
    // An answer's line and its bytes are flushed together: a pipe's reader wakes once.
    let (mut given, mut results, mut answer) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        line.clear();
        results.clear();
        answer.clear();
        enter(Activity::Idle, None);
        if input.read_line(&mut line)? == 0 {
            break;
        }
        enter(Activity::Sending, None);
        if line.starts_with('{') {
            offered(&job, &line, input, &mut given, &mut results, &mut answer)?;
        } else {
            turns(&job, &line, input, &mut given, &mut results, &mut answer)?;
        }
        output.write_all(&answer)?;
        output.write_all(&results)?;
        output.flush()?;
    }
    drop(lane);
    if let Some((recorder, _)) = recorder {
        recorder.hand_over(&job.site.directory)?;
    }
    writeln!(output, "{}", own_memory_bytes("VmHWM"))?;
    output.flush()
}

fn read_bytes(input: &mut impl Read, given: &mut Vec<u8>, bytes: u64) -> io::Result<()> {
    given.resize(bytes as usize, 0);
    input.read_exact(given)
}

/// Runs turns of tasks.
fn turns(
    job: &Job,
    line: &str,
    input: &mut impl Read,
    given: &mut Vec<u8>,
    results: &mut Vec<u8>,
    answer: &mut Vec<u8>,
) -> io::Result<()> {
    let (start, end) = line
        .trim()
        .split_once(' ')
        .ok_or(io::ErrorKind::InvalidData)?;
    let bound = |text: &str| text.parse::<u64>().map_err(io::Error::other);
    let turns = bound(start)?..bound(end)?;
    let bytes = |turn| job.program.argument_bytes(job.program.in_turn(turn));
    if job.program.argument.is_some() {
        read_bytes(input, given, turns.clone().map(bytes).sum())?;
    }
    let mut tally = Tally::default();
    let mut at = 0;
    for turn in turns.clone() {
        let number = job.program.in_turn(turn);
        let end = at + job.program.argument_bytes(number) as usize;
        let result = blocking::run_task_on(job, number, &given[at..end], results);
        tally.count(number, result);
        at = end;
    }
    enter(Activity::Sending, None);
    let part = Part {
        tally,
        result_bytes: results.len() as u64,
        check: data::check(results),
    };
    serde_json::to_writer(&mut *answer, &part)?;
    answer.push(b'\n');
    if let Some(latencies) = &job.latencies {
        for turn in turns {
            let mark = latencies.mark(job.program.in_turn(turn));
            answer.extend_from_slice(&mark.to_le_bytes());
        }
    }
    Ok(())
}

/// Does one operation of a task that runs elsewhere.
fn offered(
    job: &Job,
    line: &str,
    input: &mut impl Read,
    given: &mut Vec<u8>,
    results: &mut Vec<u8>,
    answer: &mut Vec<u8>,
) -> io::Result<()> {
    let offer: Offer = serde_json::from_str(line)?;
    read_bytes(input, given, offer.argument_bytes)?;
    std::hint::black_box(data::check(given));
    let seed = job.program.task_seed(offer.task);
    enter(Activity::Computing, Some(offer.task));
    let result = offer.work.run(job.gil.as_deref()).and_then(|result| {
        data::fill(results, offer.result_bytes, seed)?;
        Ok(result)
    });
    enter(Activity::Sending, None);
    let reply = Answer {
        result,
        result_bytes: results.len() as u64,
        check: data::check(results),
    };
    serde_json::to_writer(&mut *answer, &reply)?;
    answer.push(b'\n');
    Ok(())
}
