//! The blocking interpreter: runs a task's operations on the calling thread, one after the other.
//!
//! Every model whose tasks own a thread uses it. To add an operation: its arm in [`run_ops`].

use super::{Job, Site, Tally, fold};
use crate::compute;
use crate::io::{self, command, files, http, postgres, sqlite, url};
use crate::program::{Group, Op, Statement, Value};
use crate::service::Ask;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

/// One task in progress.
pub struct Task<'a> {
    /// Number in the whole program.
    pub number: u64,
    /// Index within its group.
    pub index: u64,
    /// Its group.
    pub group: &'a Group,
    /// Its seed.
    pub seed: u64,
    /// What it allocated; held to its end.
    pub memory: Vec<Vec<u8>>,
    /// Files that it has written.
    pub files: u64,
}

impl<'a> Task<'a> {
    /// The task with this number, before its first operation.
    pub fn new(job: &Job<'a>, number: u64) -> Self {
        let (group, index) = job.program.locate(number);
        Task {
            number,
            index,
            group,
            seed: job.program.task_seed(number),
            memory: Vec::new(),
            files: 0,
        }
    }

    /// The value for this task.
    pub fn value(&self, value: &Value) -> u64 {
        value.at(self.index, self.group.tasks, self.seed)
    }
}

/// Runs tasks `start..end` in order and adds them to the tally.
pub fn run_range(job: &Job, start: u64, end: u64, tally: &mut Tally) {
    for number in start..end {
        tally.count(number, run_task(job, number));
    }
}

/// Runs one task; a panic in it is its failure, not the worker's.
pub fn run_task(job: &Job, number: u64) -> Result<u64, String> {
    let run = || {
        let mut task = Task::new(job, number);
        let group = task.group;
        run_ops(job, &mut task, &group.ops, 0)
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("unknown");
        Err(format!("the task panicked: {message}"))
    })
}

fn run_ops(job: &Job, task: &mut Task, ops: &[Op], mut result: u64) -> Result<u64, String> {
    for op in ops {
        result = match op {
            Op::Compute { function, size } => {
                let size = task.value(size);
                fold(
                    result,
                    job.runtime.compute(|| compute(function, size, task.seed))?,
                )
            }
            Op::Sleep { time } | Op::Block { time } => {
                let time_ns = task.value(time);
                job.runtime
                    .wait(|| thread::sleep(Duration::from_nanos(time_ns)));
                fold(result, time_ns)
            }
            Op::Http {
                time,
                status,
                bytes,
                reuse,
            } => {
                let ask = task.ask(time, status, bytes, *reuse);
                fold(result, job.runtime.wait(|| http::get(job.site, &ask))?)
            }
            Op::Fetch { url, reuse } => fold(
                result,
                job.runtime.wait(|| url::get(job.site, url, *reuse))?,
            ),
            Op::Read { bytes } => {
                let bytes = task.value(bytes);
                let file = files::to_read(&job.site.directory);
                fold(result, job.runtime.wait(|| files::read(&file, bytes))?)
            }
            Op::Write { bytes, sync } => {
                let bytes = task.value(bytes);
                let file = task.next_file(job.site);
                fold(
                    result,
                    job.runtime.wait(|| files::write(&file, bytes, *sync))?,
                )
            }
            Op::Query {
                statement,
                database,
            } => {
                let statement = task.statement(statement);
                let query = || match database {
                    Some(url) => postgres::query(job.site, url, &statement),
                    None => sqlite::query(job.site, &statement),
                };
                fold(result, job.runtime.wait(query)?)
            }
            Op::Run { argv } => fold(
                result,
                job.runtime.wait(|| command::run(argv, &job.site.home))?,
            ),
            Op::Alloc { bytes } => {
                let bytes = task.value(bytes);
                task.memory.push(job.runtime.compute(|| allocate(bytes))?);
                fold(result, bytes)
            }
            Op::Group { ops, times, .. } => {
                let mut result = result;
                for _ in 0..*times {
                    result = run_ops(job, task, ops, result)?;
                }
                result
            }
        };
    }
    Ok(result)
}

impl Task<'_> {
    /// What this task asks of the delay server.
    pub fn ask(&self, time: &Value, status: &Value, bytes: &Value, reuse: bool) -> Ask {
        Ask {
            time_ns: self.value(time),
            status: self.value(status),
            bytes: self.value(bytes),
            reuse,
        }
    }

    /// What this task asks of a database.
    pub fn statement(&self, statement: &Statement) -> io::Statement {
        match statement {
            Statement::Time(time) => io::Statement::Time(self.value(time)),
            Statement::Sql(sql) => io::Statement::Sql(sql.clone()),
        }
    }

    /// Where this task's next file goes.
    pub fn next_file(&mut self, site: &Site) -> std::path::PathBuf {
        self.files += 1;
        site.directory
            .join(format!("task-{}-{}", self.number, self.files))
    }
}

/// Runs a compute function to its end.
pub fn compute(function: &str, size: u64, seed: u64) -> Result<u64, String> {
    let def = compute::find(function).ok_or_else(|| format!("there is no function {function}"))?;
    match (def.run)(size, seed, &mut || ControlFlow::Continue(())) {
        ControlFlow::Continue(result) => Ok(result),
        ControlFlow::Break(()) => Err("it was asked to end".to_owned()),
    }
}

/// Allocates `bytes` and touches each page, so that the memory is really there.
pub fn allocate(bytes: u64) -> Result<Vec<u8>, String> {
    const PAGE: usize = 4096;
    let mut memory: Vec<u8> = Vec::new();
    let size = usize::try_from(bytes).map_err(|_| "more memory than addresses".to_owned())?;
    memory
        .try_reserve_exact(size)
        .map_err(|_| format!("{bytes} bytes could not be allocated"))?;
    // Reserved is not there yet: a page becomes memory when it is written to.
    for byte in memory.spare_capacity_mut().iter_mut().step_by(PAGE) {
        byte.write(1);
    }
    std::hint::black_box(memory.as_ptr());
    Ok(memory)
}
