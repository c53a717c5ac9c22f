//! A session: cells come in, answers go out. Parse, plan, run, analyse, render, telling what happens.
//!
//! The kernel and the command line both sit on [`Lab`]; neither knows how a cell is answered, and this
//! module knows neither sockets nor terminals. [`race`] decides what runs next, `trials` runs it,
//! `show` answers what runs nothing.

mod before;
mod compare;
mod files;
mod interpreters;
mod plausible;
mod race;
mod saved;
mod show;
mod trace_events;
mod trials;

pub use files::replace as replace_file;
pub use saved::{save, save_trace};
pub use trace_events::{is_missing as has_no_trace, write as write_trace};

use crate::analysis::{self, Report, UNTRACED};
use crate::catalog;
use crate::diagnostic::{self, Diagnostic};
use crate::experiment::{Experiment, TRACED_FIGURES};
use crate::host::{Limits, Machine};
use crate::plan::{self, RowId};
use crate::plot;
use crate::process::{Interrupt, Stop, Warden};
use crate::render::{self, Bundle};
use crate::spec::{self, Cell, Session};
use crate::trial::{Observed, Outcome, Record};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// What happens while a cell runs, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// How far it is; sent between trials only, at most a few times a second.
    Progress(Progress),
    /// A part of the answer, ready to display.
    Output(Bundle),
    /// Plain text of the answer, as a stream.
    Text(String),
}

/// How far a cell is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Trials done.
    pub done: u32,
    /// Trials to do.
    pub total: u32,
    /// What runs now, or the one-line summary at the end.
    pub label: String,
    /// Whether this is the last one.
    pub finished: bool,
}

/// How a cell ended; its outputs have been sent as events.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It was answered.
    Ok,
    /// It could not be: one line, and the whole story.
    Error {
        /// Kind of error: `"CellError"` where the text is wrong, `"EnvironmentError"` where the machine is.
        name: String,
        /// One line.
        value: String,
        /// Everything, line by line.
        traceback: Vec<String>,
    },
    /// It was interrupted; what was measured has been shown.
    Interrupted,
}

/// Why an experiment has no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// What the cell names is wrong; nothing was run.
    Cell(Vec<Diagnostic>),
    /// The environment broke: a sentence.
    Environment(String),
}

impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure::Environment(message)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Cell(problems) => {
                f.write_str(problems.first().map_or("", |problem| &problem.message))
            }
            Failure::Environment(message) => f.write_str(message),
        }
    }
}

/// Problems as a failure, where there are any.
fn found(problems: Vec<Diagnostic>) -> Result<(), Failure> {
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Failure::Cell(problems)),
    }
}

/// What a session needs to know of where it runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The conclab executable: warden, trials and workers re-execute it.
    pub executable: PathBuf,
    /// Send figures as PNG and plain text only.
    pub static_output: bool,
}

/// An experiment that was answered, in this session or another.
#[derive(Clone)]
pub struct Past {
    /// What was asked.
    pub experiment: Experiment,
    /// What came out.
    pub report: Report,
    /// Every run behind it.
    pub records: Vec<Record>,
}

/// Experiments of a session whose memory and CPU time over time are kept: they are what is large.
const SAMPLES_KEPT: usize = 20;
/// Spans that a session keeps, but for those of its last experiment: some hundred megabytes.
const SPANS_KEPT: usize = 2_000_000;

/// The warden, shared with whoever interrupts.
type SharedWarden = Arc<Mutex<Option<Arc<Warden>>>>;

/// What a session's cells have made known, shared with whoever helps typing the next one.
pub type SharedKnown = Arc<Mutex<Session>>;

/// A session.
pub struct Lab {
    options: Options,
    interrupt: Interrupt,
    warden: SharedWarden,
    /// Its lock is held for moments only, never while a cell runs.
    known: SharedKnown,
    past: Vec<Past>,
    trials_started: u64,
    interpreters: interpreters::Interpreters,
}

impl Lab {
    /// A session with nothing in it. Starts no process.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            interrupt: Interrupt::default(),
            warden: SharedWarden::default(),
            known: SharedKnown::default(),
            past: Vec::new(),
            trials_started: 0,
            interpreters: interpreters::Interpreters::default(),
        }
    }

    /// What interrupts this session's cells: from any thread, at any time.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter {
            interrupt: self.interrupt.clone(),
            warden: self.warden.clone(),
        }
    }

    /// What this session knows: from any thread, while a cell runs too.
    pub fn known(&self) -> SharedKnown {
        self.known.clone()
    }

    /// Runs one cell and tells what happens. `stop` was made when the request was received.
    pub fn run_cell(&mut self, cell: &str, stop: &Stop, tell: &mut dyn FnMut(Event)) -> Answer {
        let session = snapshot(&self.known);
        let (parsed, diagnostics) = spec::read(cell, &session);
        if !diagnostics.is_empty() {
            return wrong_cell(cell, &diagnostics);
        }
        if stop.is_set() {
            return Answer::Interrupted;
        }
        match parsed.unwrap_or(Cell::Empty) {
            Cell::Empty => Answer::Ok,
            Cell::Defaults(defaults) => {
                tell(Event::Text(show::defaults(&defaults)));
                lock(&self.known).defaults = defaults;
                Answer::Ok
            }
            Cell::Help(word) => {
                // A word without help is a question too: no reason to stop the cells that follow.
                let (Ok(told) | Err(told)) = catalog::help_markdown(&word);
                tell(Event::Output(render::markdown_bundle(&told)));
                Answer::Ok
            }
            Cell::Show(show) => self.show(&show, stop, tell),
            Cell::Compare(a, b) => self.compare(&a, &b, tell),
            Cell::Save { path, of } => match before::unwritable(cell, &path) {
                Some(problem) => wrong_cell(cell, &[problem]),
                None => self.save(&path, of.as_deref(), stop, tell),
            },
            Cell::Experiment(experiment) => self.answer(*experiment, stop, tell),
        }
    }

    /// Runs an experiment and shows its report.
    fn answer(
        &mut self,
        experiment: Experiment,
        stop: &Stop,
        tell: &mut dyn FnMut(Event),
    ) -> Answer {
        let cell = experiment.source.texts.first().cloned().unwrap_or_default();
        let past = match self.race(experiment, stop, tell) {
            Ok(past) => past,
            Err(_) if stop.is_set() => return Answer::Interrupted,
            Err(Failure::Cell(problems)) => return wrong_cell(&cell, &problems),
            Err(Failure::Environment(message)) => return error("EnvironmentError", message),
        };
        self.display(&past.experiment, &past.report, tell);
        let path = past.experiment.save.as_deref();
        let interrupted = past.report.interrupted;
        // What an interrupt has left of the answer is saved too, until another one comes.
        let stop = match interrupted {
            true => self.interrupt.stop(),
            false => stop.clone(),
        };
        let saved = path.map(|path| saved::save(&past, path, &stop));
        if let Some(name) = &past.experiment.name {
            lock(&self.known).remember(name, past.experiment.source.texts.clone());
        }
        remember(&mut self.past, past);
        match saved {
            _ if interrupted => Answer::Interrupted,
            Some(Err(_)) if stop.is_set() => Answer::Interrupted,
            Some(Err(message)) => error("EnvironmentError", message),
            _ => Answer::Ok,
        }
    }

    /// Runs an experiment: every row measured, or with its reason, and the runs behind it.
    ///
    /// # Errors
    /// Where something that the cell names is wrong, before anything runs; where the environment broke: the
    /// warden or the delay server can't be started.
    pub fn race(
        &mut self,
        experiment: Experiment,
        stop: &Stop,
        tell: &mut dyn FnMut(Event),
    ) -> Result<Past, Failure> {
        found(before::wrong_files(&experiment))?;
        let machine = Machine::read();
        let limits = Limits::read();
        let mut trials = self.trials(&experiment, &machine, &limits, stop)?;
        found(before::wrong_python(&experiment, &trials))?;
        let refusal = |row: RowId| {
            let refused = || plan::refusal(&experiment, row, &machine, &limits);
            let not = |outcome| move |why| (outcome, why);
            plan::unsupported(&experiment, row)
                .or_else(|| trials.missing(row))
                .map(not(Outcome::Unsupported))
                .or_else(|| refused().map(not(Outcome::NotRun)))
        };
        let rows = plan::rows(&experiment).into_iter();
        let refused: HashMap<RowId, (Outcome, String)> =
            rows.filter_map(|row| Some((row, refusal(row)?))).collect();
        let start = Instant::now();
        let machinery = race::Machinery {
            refusal: &|row| refused.get(&row).cloned(),
            run: &mut |row, kind, block| trials.run(row, kind, block),
            elapsed_ns: &|| start.elapsed().as_nanos() as u64,
            progress: &mut |progress| tell(Event::Progress(progress)),
        };
        let records = race::race(&experiment, machinery, stop);
        let report = analysis::report(&experiment, &records, &machine.since(), stop.is_set());
        Ok(Past {
            experiment,
            report,
            records,
        })
    }

    /// Figures, table and verdict of a report.
    fn display(&self, experiment: &Experiment, report: &Report, tell: &mut dyn FnMut(Event)) {
        let draw = match experiment.zoom {
            true => plot::draw_zoomable,
            false => plot::draw,
        };
        for drawing in draw(report, &experiment.plots, experiment.theme) {
            tell(Event::Output(render::figure_bundle(
                &drawing,
                self.options.static_output,
            )));
            let zoomable = render::zoomable_bundle(&drawing);
            if let Some(view) = zoomable.filter(|_| !self.options.static_output) {
                tell(Event::Output(view));
            }
        }
        for sentence in missing(experiment, report) {
            tell(Event::Text(format!("{}\n", sentence.replace('`', ""))));
        }
        // Rows that nobody has come to yet are no table: the verdict says that the cell was interrupted.
        if !report.nothing_to_tell() {
            tell(Event::Output(render::table_bundle(report)));
        }
        if !report.said.is_empty() {
            tell(Event::Text(render::said_text(report)));
        }
        tell(Event::Output(render::verdict_bundle(report)));
        if !report.checks.is_empty() {
            tell(Event::Text(render::checks_text(report)));
        }
        if let Some(bundle) = render::claims_bundle(report) {
            tell(Event::Output(bundle));
        }
    }

    /// Reports of the experiments that this session has answered, oldest first.
    pub fn reports(&self) -> impl Iterator<Item = &Report> {
        self.past.iter().map(|past| &past.report)
    }
}

/// What figures that were asked for are not drawn, and why.
fn missing(experiment: &Experiment, report: &Report) -> Vec<String> {
    let (traced, mut others): (Vec<String>, Vec<String>) = experiment
        .plots
        .iter()
        .cloned()
        .partition(|plot| TRACED_FIGURES.contains(&&**plot));
    let list = |names: &[String]| match names {
        [name] => format!("The figure `{name}` is left out"),
        names => format!("The figures `{}` are left out", names.join("`, `")),
    };
    if report.rows.iter().all(|row| row.wall_ns.is_none()) {
        // An interrupt, and a cell without a row, say enough.
        return match experiment.plots.is_empty() || report.nothing_to_tell() {
            true => Vec::new(),
            false => vec![format!(
                "{}: no row was measured; the table says why.",
                list(&experiment.plots)
            )],
        };
    }
    let mut sentences = Vec::new();
    let notes = report.rows.iter().flat_map(|row| &row.notes);
    let why = notes.filter_map(|note| note.strip_prefix(UNTRACED)).next();
    match why.filter(|_| trace_events::is_missing(report) && !traced.is_empty()) {
        Some(why) => sentences.push(format!("{}: {why}.", list(&traced))),
        None => others.extend(traced),
    }
    sentences.extend(plot::missing(report, &others, experiment.theme));
    sentences
}

/// A copy of what is known now.
pub fn snapshot(known: &SharedKnown) -> Session {
    lock(known).clone()
}

/// Locks, whether or not another thread panicked meanwhile: names and defaults are never half written.
fn lock(known: &Mutex<Session>) -> std::sync::MutexGuard<'_, Session> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All problems of a cell as one error.
fn wrong_cell(cell: &str, diagnostics: &[Diagnostic]) -> Answer {
    let headline = diagnostic::headline(diagnostics.len());
    let rendered = diagnostic::render(cell, diagnostics);
    let mut traceback = vec![format!("\u{1b}[1m{headline}\u{1b}[0m"), String::new()];
    traceback.extend(rendered.lines().map(str::to_owned));
    Answer::Error {
        name: "CellError".to_owned(),
        value: headline,
        traceback,
    }
}

fn error(name: &str, message: String) -> Answer {
    Answer::Error {
        name: name.to_owned(),
        traceback: diagnostic::message_lines(&message),
        value: message,
    }
}

/// Adds an answer, and drops the samples and traces of those that are too far before it, or too large.
fn remember(past: &mut Vec<Past>, answer: Past) {
    past.push(answer);
    let mut spans = 0;
    for (age, past) in past.iter_mut().rev().enumerate() {
        let traces = past
            .report
            .rows
            .iter()
            .filter_map(|row| row.traced.as_ref());
        let lanes = traces.flat_map(|traced| &traced.trace.lanes);
        spans += lanes.map(|lane| lane.spans.len()).sum::<usize>();
        if age > 0 && (age >= SAMPLES_KEPT || spans > SPANS_KEPT) {
            forget(past);
        }
    }
}

/// Drops what is large of an answer.
fn forget(past: &mut Past) {
    let measured = past
        .records
        .iter_mut()
        .filter_map(|r| r.measurement.as_mut());
    for measurement in measured {
        measurement.observed = Observed::default();
    }
    for row in &mut past.report.rows {
        row.over_time = None;
        if let Some(traced) = &mut row.traced {
            traced.trace = Default::default();
        }
    }
}

/// Interrupts a session from another thread.
#[derive(Clone)]
pub struct Interrupter {
    interrupt: Interrupt,
    warden: SharedWarden,
}

impl Interrupter {
    /// A stop for a request that is received now.
    pub fn stop(&self) -> Stop {
        self.interrupt.stop()
    }

    /// Stops every cell received so far, and kills the trial that runs.
    pub fn interrupt(&self) {
        // In this order: a trial that starts between the two sees its stop set.
        self.interrupt.raise();
        let warden = self
            .warden
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(warden) = warden {
            warden.kill();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::MemorySample;
    use crate::trial::{Kind, Measurement, Outcome, Reply};

    #[test]
    fn a_long_session_keeps_the_samples_of_its_last_experiments_only() {
        let (cell, _) = spec::read("task = { count = 1 }", &Session::default());
        let Some(Cell::Experiment(experiment)) = cell else {
            panic!("no experiment");
        };
        let sample = MemorySample {
            at_ns: 0,
            bytes: 1,
            processes: 1,
            pss: true,
            ..MemorySample::default()
        };
        let record = Record {
            series: 0,
            point: 0,
            block: 0,
            kind: Kind::Sampled,
            outcome: Outcome::Ok,
            why: None,
            measurement: Some(Measurement {
                reply: Reply::default(),
                elapsed_ns: 1,
                warden_cpu_ns: 1,
                memory: None,
                observed: Observed {
                    samples: vec![sample],
                    ..Observed::default()
                },
                printed: String::new(),
            }),
        };
        let records = vec![record];
        let report = analysis::report(&experiment, &records, &Machine::default(), false);
        let mut past = Vec::new();
        for _ in 0..SAMPLES_KEPT + 5 {
            let answer = Past {
                experiment: (*experiment).clone(),
                report: report.clone(),
                records: records.clone(),
            };
            remember(&mut past, answer);
        }
        let samples = |past: &Past| {
            past.records[0]
                .measurement
                .as_ref()
                .unwrap()
                .observed
                .samples
                .len()
        };
        let kept: Vec<usize> = past.iter().map(samples).collect();
        assert_eq!(kept, [vec![0; 5], vec![1; SAMPLES_KEPT]].concat());
    }
}
