//! The blocking interpreter: runs a task's operations on the calling thread, one after the other.
//!
//! Every model whose tasks own a thread uses it. To add an operation: its arm in [`run_ops`].

use super::{Job, Sharing, Site, Tally, data, fold};
use crate::compute;
use crate::io::{self, command, files, http, postgres, sqlite, url};
use crate::measure::trace::Activity;
use crate::measure::trace::recorder;
use crate::process::shared::{MutexGuard, Permit};
use crate::program::{Body, Group, Op, Statement, Sync, Value};
use crate::runtime::gil::{Gil, tick};
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
    ///
    /// Boxed, as most tasks hold none and a million of them may wait at the same time.
    pub memory: Option<Box<Vec<Vec<u8>>>>,
    /// Files that it has written.
    pub files: u32,
    /// Increments of the shared counter that it has made.
    pub updates: u64,
    /// What it shares with the others.
    pub sharing: Option<&'a Sharing>,
}

impl<'a> Task<'a> {
    /// The task with this number, before its first operation. Where tasks race for the shared counter, the
    /// first ones wait here for each other.
    pub fn new(job: &'a Job, number: u64) -> Self {
        let (group, index) = job.program.locate(number);
        let sharing = job.sharing.as_deref();
        if let Some(sharing) = sharing {
            sharing.start(job.gil.as_deref());
        }
        Task {
            number,
            index,
            group,
            seed: job.program.task_seed(number),
            memory: None,
            files: 0,
            updates: 0,
            sharing,
        }
    }

    /// The value for this task.
    pub fn value(&self, value: &Value) -> u64 {
        value.at(self.index, self.group.tasks, self.seed)
    }
}

/// Runs all tasks, group by group, and adds them to the tally.
pub fn run_all(job: &Job, tally: &mut Tally) {
    for number in 0..job.program.tasks() {
        tally.count(number, run_task(job, number));
    }
}

/// Runs one task within the process that holds its data.
pub fn run_task(job: &Job, number: u64) -> Result<u64, String> {
    let given = job.program.argument_bytes(number);
    let mut results = Vec::new();
    let result = run_task_on(job, number, &job.argument[..given as usize], &mut results);
    // Who is given the bytes reads them, as behind a pipe.
    std::hint::black_box(data::check(&results));
    result
}

/// Runs one task on the bytes that it is given, and appends what it gives back to `results`; a panic in
/// it is its failure, not the worker's.
pub fn run_task_on(
    job: &Job,
    number: u64,
    argument: &[u8],
    results: &mut Vec<u8>,
) -> Result<u64, String> {
    recorder::enter(Activity::Computing, Some(number));
    if let Some(latencies) = &job.latencies {
        latencies.start(number);
    }
    let run = || {
        let mut task = Task::new(job, number);
        let group = task.group;
        let result = task.read_argument(job, argument);
        let result = run_ops(job, &mut task, &group.ops, result)?;
        task.give_back(job, result, results)
    };
    let result = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(panicked(&*panic)));
    if let Some(latencies) = &job.latencies {
        latencies.end(number, result.is_ok());
    }
    result
}

/// What a task that panicked is told to have failed of.
pub fn panicked(panic: &(dyn std::any::Any + Send)) -> String {
    let message = panic.downcast_ref::<String>().map(String::as_str);
    let message = message
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    format!("the task panicked: {message}")
}

fn run_ops(job: &Job, task: &mut Task, ops: &[Op], mut result: u64) -> Result<u64, String> {
    for op in ops {
        job.tick();
        result = match op {
            Op::Compute { function, size } => {
                let size = task.value(size);
                fold(
                    result,
                    compute(function, size, task.seed, job.gil.as_deref())?,
                )
            }
            Op::Sleep { time } | Op::Block { time } => {
                let time_ns = task.value(time);
                job.wait(|| thread::sleep(Duration::from_nanos(time_ns)));
                fold(result, time_ns)
            }
            Op::Http {
                time,
                status,
                bytes,
                reuse,
            } => {
                let ask = task.ask(time, status, bytes, *reuse);
                fold(result, job.wait(|| http::get(&job.site, &ask))?)
            }
            Op::Fetch { url, reuse } => {
                fold(result, job.wait(|| url::get(&job.site, url, *reuse))?)
            }
            Op::Read { bytes } => {
                let bytes = task.value(bytes);
                let file = files::to_read(&job.site.directory);
                fold(result, job.wait(|| files::read(&file, bytes))?)
            }
            Op::Write { bytes, sync } => {
                let bytes = task.value(bytes);
                let file = task.next_file(&job.site);
                fold(result, job.wait(|| files::write(&file, bytes, *sync))?)
            }
            Op::Query {
                statement,
                database,
            } => {
                let statement = task.statement(statement);
                let query = || match database {
                    Some(url) => postgres::query(&job.site, url, &statement),
                    None => sqlite::query(&job.site, &statement),
                };
                fold(result, job.wait(query)?)
            }
            Op::Run { argv } => fold(result, job.wait(|| command::run(argv, &job.site.home))?),
            Op::Alloc { bytes } => {
                let bytes = task.value(bytes);
                task.hold(allocate(bytes)?);
                fold(result, bytes)
            }
            Op::Add { times, sync, body } => {
                let times = task.value(times);
                task.add(job, times, *sync, *body)?;
                fold(result, times)
            }
            Op::Python { .. } => return Err(NO_PYTHON.to_owned()),
            Op::Group {
                ops,
                times,
                lock,
                permit,
                ..
            } => {
                let mut result = result;
                for _ in 0..*times {
                    let _lock = lock.as_deref().and_then(|name| take_lock(job, name));
                    let _permit = permit.as_deref().and_then(|verb| take_permit(job, verb));
                    result = run_ops(job, task, ops, result)?;
                }
                result
            }
        };
    }
    Ok(result)
}

fn take_lock<'a>(job: &'a Job, name: &str) -> Option<MutexGuard<'a>> {
    let sharing = job.sharing.as_deref()?;
    let free = sharing.try_lock(name);
    free.or_else(|| job.wait_for(Activity::Lock, || sharing.lock(name)))
}

fn take_permit<'a>(job: &'a Job, verb: &str) -> Option<Permit<'a>> {
    let sharing = job.sharing.as_deref()?;
    let free = sharing.try_permit(verb);
    free.or_else(|| job.wait_for(Activity::Limit, || sharing.permit(verb)))
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

    /// Reads what it is given; what that folds into is its first result.
    pub fn read_argument(&self, job: &Job, argument: &[u8]) -> u64 {
        match job.program.argument {
            Some(_) => fold(fold(0, argument.len() as u64), data::check(argument)),
            None => 0,
        }
    }

    /// Appends what it gives back to `results` and folds it into its result.
    pub fn give_back(&self, job: &Job, result: u64, results: &mut Vec<u8>) -> Result<u64, String> {
        if job.program.result.is_none() {
            return Ok(result);
        }
        let bytes = job.program.result_bytes(self.number);
        data::fill(results, bytes, self.seed)?;
        let check = bytes.wrapping_mul(u64::from(self.seed as u8));
        Ok(fold(fold(result, bytes), check))
    }

    /// Keeps memory to its end.
    pub fn hold(&mut self, memory: Vec<u8>) {
        self.memory.get_or_insert_default().push(memory);
    }

    /// Increments the shared counter.
    pub fn add(&mut self, job: &Job, times: u64, sync: Sync, body: Body) -> Result<(), String> {
        let sharing = self.sharing.ok_or("there is no shared memory")?;
        match &job.gil {
            None => sharing.add(times, sync),
            Some(gil) => sharing.add_under(gil, times, sync, body),
        }
        self.updates += times;
        Ok(())
    }

    /// Where this task's next file goes.
    pub fn next_file(&mut self, site: &Site) -> std::path::PathBuf {
        self.files += 1;
        site.directory
            .join(format!("task-{}-{}", self.number, self.files))
    }
}

impl Drop for Task<'_> {
    fn drop(&mut self) {
        if let (Some(sharing), 1..) = (self.sharing, self.updates) {
            sharing.expect(self.updates);
        }
    }
}

/// What is said of the author's Python where no interpreter runs it; plans refuse such rows before.
pub const NO_PYTHON: &str = "only a runtime of Python runs Python";

/// Runs a compute function to its end; under a GIL it offers the lock wherever it ticks.
pub fn compute(function: &str, size: u64, seed: u64, gil: Option<&Gil>) -> Result<u64, String> {
    let def = compute::find(function).ok_or_else(|| format!("there is no function {function}"))?;
    let result = match gil {
        None => (def.run)(size, seed, &mut || ControlFlow::Continue(())),
        Some(_) => (def.run)(size, seed, &mut || {
            tick(gil);
            ControlFlow::Continue(())
        }),
    };
    match result {
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
