//! Running one experiment's trials: the warden, the delay server and the calibration that they need.

use super::Lab;
use super::before::{COMPILE, SyntaxFault};
use crate::compute;
use crate::experiment::{Experiment, Point, Series};
use crate::host::interpreters::Interpreter;
use crate::host::{Limits, Machine, calibration};
use crate::io::Connections;
use crate::model::{Pool, Site, Start};
use crate::plan::{self, RowId};
use crate::process::{End, Launch, Stop, Warden, Watch, explained};
use crate::program::{Code, Op, Program};
use crate::runtime::{Runtime, harness};
use crate::trial::run::{Trial, run};
use crate::trial::{Kind, Python, Record, Request};
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

/// Longest that the calibration may take.
const CALIBRATION_TIMEOUT_NS: u64 = 20_000_000_000;

/// Longest that an interpreter may take to read the cell's Python.
const COMPILE_TIMEOUT_NS: u64 = 10_000_000_000;

/// What all trials of one experiment have in common.
pub struct Trials<'a> {
    experiment: &'a Experiment,
    /// What each runtime of the experiment runs.
    runtimes: Vec<Ready>,
    usable_cpus: u32,
    memory_limit_bytes: u64,
    warden: Arc<Warden>,
    delay_server: Option<SocketAddr>,
    executable: PathBuf,
    stop: &'a Stop,
    trials_started: &'a mut u64,
}

/// One runtime, ready to run an experiment's trials.
struct Ready {
    runtime: Runtime,
    /// The interpreter, for a runtime of Python; or why there is none.
    python: Result<Option<(Python, Interpreter)>, String>,
    /// The experiment's programs with `cpu` turned from time into this runtime's work, by point.
    programs: Vec<Program>,
}

impl Lab {
    /// Gets ready what the experiment's trials need.
    ///
    /// # Errors
    /// Where the warden or the delay server can't be started, or the calibration fails.
    pub(super) fn trials<'a>(
        &'a mut self,
        experiment: &'a Experiment,
        machine: &Machine,
        limits: &Limits,
        stop: &'a Stop,
    ) -> Result<Trials<'a>, String> {
        let warden = self.warden()?;
        // The author's own code is told where the server is, too.
        let asks = |point: &Point| {
            point
                .program
                .uses(|op| matches!(op, Op::Http { .. } | Op::Python { .. }))
        };
        let delay_server = match experiment.points.iter().any(asks) {
            true => Some(delay_server(
                &warden,
                &self.options.executable.to_string_lossy(),
            )?),
            false => None,
        };
        let mut runtimes: Vec<Ready> = Vec::new();
        for series in &experiment.series {
            if runtimes.iter().all(|ready| ready.runtime != series.runtime) {
                runtimes.push(self.ready(experiment, &series.runtime, &warden, stop)?);
            }
        }
        Ok(Trials {
            experiment,
            runtimes,
            usable_cpus: machine.usable_cpus,
            memory_limit_bytes: plan::memory_limit_bytes(experiment, limits),
            warden,
            delay_server,
            executable: self.options.executable.clone(),
            stop,
            trials_started: &mut self.trials_started,
        })
    }

    /// The session's warden: started with its first experiment, and again if it was lost.
    pub(super) fn warden(&self) -> Result<Arc<Warden>, String> {
        let mut shared = self.warden.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(warden) = shared.as_ref().filter(|warden| warden.is_alive()) {
            return Ok(warden.clone());
        }
        let warden = Warden::start(&self.options.executable)
            .map(Arc::new)
            .map_err(|error| {
                format!(
                    "the process that starts trials could not be started from {}: {}",
                    self.options.executable.display(),
                    explained(&error)
                )
            })?;
        *shared = Some(warden.clone());
        Ok(warden)
    }

    /// A runtime with what it runs.
    fn ready(
        &mut self,
        experiment: &Experiment,
        runtime: &Runtime,
        warden: &Warden,
        stop: &Stop,
    ) -> Result<Ready, String> {
        let python = match runtime {
            Runtime::Python(word) => self.python(word, warden, stop).map(Some),
            _ => Ok(None),
        };
        let mut programs: Vec<Program> = experiment
            .points
            .iter()
            .map(|point| point.program.clone())
            .collect();
        programs.iter_mut().for_each(absolute_paths);
        if let Ok(python) = &python
            && programs.iter().any(Program::uses_cpu)
        {
            let steps_per_ns =
                self.steps_per_ns(python.as_ref().map(|(python, _)| python), warden, stop)?;
            for program in &mut programs {
                compute::calibrate_program(program, steps_per_ns);
            }
        }
        Ok(Ready {
            runtime: runtime.clone(),
            python,
            programs,
        })
    }

    /// The interpreter of that word, and the harness that it runs.
    fn python(
        &mut self,
        word: &str,
        warden: &Warden,
        stop: &Stop,
    ) -> Result<(Python, Interpreter), String> {
        let found = self.interpreter(word, stop)?;
        let folder = warden.directory().join("python");
        let harness = harness::install(&folder).map_err(|error| {
            format!(
                "the program that Python runs could not be written to {}: {}",
                folder.display(),
                explained(&error)
            )
        })?;
        let python = Python {
            interpreter: found.path.clone(),
            harness,
            version: found.name(),
        };
        Ok((python, found))
    }

    /// Steps of `cpu` a nanosecond here, measured in a process of its own where not known yet.
    fn steps_per_ns(
        &self,
        python: Option<&Python>,
        warden: &Warden,
        stop: &Stop,
    ) -> Result<f64, String> {
        let executable = &self.options.executable;
        let argv: Vec<&OsStr> = match python {
            Some(python) => vec![
                python.interpreter.as_os_str(),
                "-I".as_ref(),
                "-S".as_ref(),
                python.harness.as_os_str(),
                "calibrate".as_ref(),
            ],
            None => vec![executable.as_os_str(), "calibrate".as_ref()],
        };
        let interpreter = python.map(|python| python.interpreter.as_path());
        calibration::steps_per_ns(executable, interpreter, || {
            let launch = Launch {
                argv: argv
                    .iter()
                    .map(|word| word.to_string_lossy().into_owned())
                    .collect(),
                directory: warden.directory().to_owned(),
                stdin: String::new(),
                timeout_ns: CALIBRATION_TIMEOUT_NS,
                memory_limit_bytes: u64::MAX,
                watch: Watch::Nothing,
            };
            let ended = warden.run(&launch, stop);
            let rate = ended
                .printed
                .trim()
                .parse::<f64>()
                .ok()
                .filter(|rate| *rate > 0.0);
            match (&ended.end, rate) {
                (End::Exited(0), Some(rate)) => Ok(rate),
                (End::Interrupted, _) => {
                    Err("interrupted while the CPU was being calibrated".to_owned())
                }
                (End::WardenLost, _) => Err(
                    "the process that starts trials was killed while the CPU was being calibrated: run \
                     the cell again"
                        .to_owned(),
                ),
                (end, _) => Err(format!(
                    "the CPU could not be calibrated ({end:?}): run the cell again {}",
                    ended.printed
                )
                .trim()
                .to_owned()),
            }
        })
    }
}

/// Where the author's files are, for a process that works in another folder.
fn absolute_paths(program: &mut Program) {
    let home = std::env::current_dir().unwrap_or_default();
    for op in program.groups.iter_mut().flat_map(|group| &mut group.ops) {
        op.walk_mut(&mut |op| {
            if let Op::Python {
                code: Code::File { path, .. },
            } = op
            {
                *path = home.join(&*path);
            }
        });
    }
}

/// What a model needs and this interpreter has not; `None` where it has all.
fn lacks(series: &Series, interpreter: &Interpreter) -> Option<String> {
    if series.model == "interpreters" && !interpreter.interpreter_pool {
        return Some(format!(
            "{} has no InterpreterPoolExecutor, which came with Python 3.14: name a newer one, such as \
             \"interpreters@python3.14\"",
            interpreter.name()
        ));
    }
    let needed = match &*series.model {
        "async" => &["asyncio"][..],
        "hybrid" if series.pool == Pool::Processes => &["asyncio", "multiprocessing"],
        "hybrid" => &["asyncio"],
        "processes" | "process-pool" => &["multiprocessing"],
        _ => &[],
    };
    let is_missing = |module: &&&str| {
        interpreter
            .missing
            .iter()
            .any(|missing| missing == **module)
    };
    if let Some(module) = needed.iter().find(is_missing) {
        return Some(format!(
            "{} was built without {module}, which this model needs: name another interpreter (`show = \"machine\"` \
             lists them)",
            interpreter.name()
        ));
    }
    let (word, _) = Start::ALL
        .iter()
        .find(|(_, start)| Some(*start) == series.start)?;
    let has_it = interpreter
        .start_methods
        .iter()
        .any(|method| method == word);
    (!has_it).then(|| {
        format!(
            "{} can't start processes by {word} here: it has {}",
            interpreter.name(),
            interpreter.start_methods.join(", ")
        )
    })
}

fn delay_server(warden: &Warden, executable: &str) -> Result<SocketAddr, String> {
    let argv = [executable.to_owned(), "delay-server".to_owned()];
    let line = warden.service(&argv).map_err(|error| {
        format!(
            "the delay server that `http` steps talk to could not be started: {}",
            explained(&error)
        )
    })?;
    line.trim()
        .parse()
        .map_err(|_| format!("the delay server answered {line:?} instead of its address"))
}

impl Trials<'_> {
    fn ready(&self, row: RowId) -> &Ready {
        let runtime = &self.experiment.series[row.series].runtime;
        let mut runtimes = self.runtimes.iter();
        runtimes
            .find(|ready| ready.runtime == *runtime)
            .expect("every runtime of the experiment was made ready")
    }

    /// Why this machine has not what a row runs on; `None` where it has.
    pub fn missing(&self, row: RowId) -> Option<String> {
        let series = &self.experiment.series[row.series];
        match &self.ready(row).python {
            Err(why) => Some(why.clone()),
            Ok(Some((_, interpreter))) => lacks(series, interpreter),
            Ok(None) => None,
        }
    }

    /// What each interpreter of the experiment says of texts of Python, by its name; those that say nothing are
    /// left out, for their rows will tell why.
    pub fn syntax_faults(&self, texts: &[&str]) -> Vec<(String, Vec<Option<SyntaxFault>>)> {
        let pythons = self
            .runtimes
            .iter()
            .filter_map(|ready| ready.python.as_ref().ok()?.as_ref());
        let said = pythons.filter_map(|(python, _)| {
            let interpreter = python.interpreter.to_string_lossy().into_owned();
            let words = ["-I", "-S", "-c", COMPILE].map(str::to_owned);
            let launch = Launch {
                argv: [vec![interpreter], words.to_vec()].concat(),
                directory: self.warden.directory().to_owned(),
                stdin: serde_json::to_string(texts).ok()?,
                timeout_ns: COMPILE_TIMEOUT_NS,
                memory_limit_bytes: u64::MAX,
                watch: Watch::Nothing,
            };
            let ended = self.warden.run(&launch, self.stop);
            let faults = serde_json::from_str(ended.printed.trim()).ok()?;
            Some((python.version.clone(), faults))
        });
        said.collect()
    }

    /// Runs one trial of a row to its end.
    pub fn run(&mut self, row: RowId, kind: Kind, block: u32) -> Record {
        *self.trials_started += 1;
        let series = &self.experiment.series[row.series];
        let point = &self.experiment.points[row.point];
        let ready = self.ready(row);
        let trial = Trial {
            series: row.series,
            point: row.point,
            block,
            kind,
            request: Request {
                program: Program {
                    limits: point.limits(series),
                    ..ready.programs[row.point].clone()
                },
                model: series.model.clone(),
                runtime: series.runtime.clone(),
                settings: self.experiment.settings(series, point, self.usable_cpus),
                latencies: self.experiment.wants_latencies(),
                trace: kind == Kind::Traced,
                switch_interval_ns: self.experiment.switch_interval_ns,
                python: match &ready.python {
                    Ok(Some((python, _))) => Some(python.clone()),
                    _ => None,
                },
                site: Site {
                    delay_server: self.delay_server,
                    directory: self
                        .warden
                        .directory()
                        .join(format!("trial-{}", self.trials_started)),
                    home: std::env::current_dir().unwrap_or_default(),
                    executable: self.executable.clone(),
                    connections: Connections::default(),
                },
            },
            timeout_ns: self.experiment.trial_timeout_ns,
            memory_limit_bytes: self.memory_limit_bytes,
        };
        run(&self.warden, &trial, self.stop)
    }
}
