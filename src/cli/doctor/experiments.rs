//! Whether experiments run: small ones, by the same way as those of a cell.

use super::{Finding, Mark, Patient};
use crate::host::calibration;
use crate::spec::{self, Cell, Session};
use crate::trial::Outcome;
use crate::units::{format_bytes, format_ns};

/// What is tried, and the cell that tries it.
const CELLS: &[(&str, &str)] = &[
    (
        "a trial",
        "task = { count = 1000 }\ntasks = 1\nmodels = [\"sequential\"]",
    ),
    (
        "threads",
        "task = { count = 1000 }\ntasks = 2\nmodels = [\"threads\"]",
    ),
    (
        "processes",
        "task = { count = 1000 }\ntasks = 2\nmodels = [\"processes\"]",
    ),
    (
        "shared memory",
        "task = { add = 10 }\ntasks = 2\nmodels = [\"processes\"]\nanswers = \"ignore\"",
    ),
    (
        "files",
        "task = { write = \"64KB\" }\ntasks = 1\nmodels = [\"sequential\"]",
    ),
    (
        "delay server",
        "task = { http = \"1ms\" }\ntasks = 2\nmodels = [\"async\"]",
    ),
    ("calibration", CALIBRATED),
    ("on Python", ON_PYTHON),
];

/// A cell that a CPython runs; left out where the word `python` means none, which a section of its own tells.
const ON_PYTHON: &str =
    "task = { count = 1000 }\ntasks = 2\nmodels = [\"threads\"]\nruntime = \"python\"";

const NAME_ANOTHER: &str = "set CONCLAB_PYTHON to the path of another CPython";

/// A cell that needs the calibration.
const CALIBRATED: &str = "task = { cpu = \"1ms\" }\ntasks = 1\nmodels = [\"sequential\"]";

/// One run that is sampled, one that is timed.
const ONCE: &str = "repeat = 1\nwarmup = 1\n";

pub fn look(patient: &mut Patient) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (topic, cell) in CELLS {
        if *cell == ON_PYTHON && patient.lab.interpreter("python", &patient.stop).is_err() {
            continue;
        }
        let known = steps_per_ns(patient).is_some();
        let result = run(patient, cell);
        findings.push(match result {
            Ok(said) if *cell == CALIBRATED => calibrated(patient, known, &said),
            Ok(said) => Finding::ok(topic, said),
            // The other runtimes are none the worse for it.
            Err(why) if *cell == ON_PYTHON => Finding::new(Mark::Warning, topic, why, NAME_ANOTHER),
            Err(why) => Finding::new(Mark::Broken, topic, why, ""),
        });
        // Nothing else runs where the first doesn't.
        if findings.len() == 1 && findings[0].mark == Mark::Broken {
            break;
        }
    }
    findings
}

/// Runs a cell of one row; what it measured.
fn run(patient: &mut Patient, cell: &str) -> Result<String, String> {
    let (parsed, diagnostics) = spec::read(&format!("{ONCE}{cell}"), &Session::default());
    let Some(Cell::Experiment(experiment)) = parsed.filter(|_| diagnostics.is_empty()) else {
        return Err("the cell that tries it is wrong".to_owned());
    };
    let past = patient.lab.race(*experiment, &patient.stop, &mut |_| {});
    let past = past.map_err(|failure| failure.to_string())?;
    let row = &past.report.rows[0];
    let Some(wall) = row.wall_ns.as_ref().filter(|_| row.outcome == Outcome::Ok) else {
        let why = row.why.as_deref().unwrap_or("nothing was measured");
        return Err(format!("{:?}: {why}", row.outcome).to_lowercase());
    };
    let memory = row.peak_pss_bytes.as_ref();
    let memory = memory.map_or("of unknown memory".to_owned(), |peak| {
        format!("{} of memory", format_bytes(peak.median))
    });
    Ok(format!("{}, {memory}", format_ns(wall.median)))
}

/// Steps of `cpu` a nanosecond, where they have been measured on this machine before.
fn steps_per_ns(patient: &Patient) -> Option<f64> {
    calibration::steps_per_ns(&patient.executable, None, || Err(())).ok()
}

fn calibrated(patient: &Patient, known: bool, said: &str) -> Finding {
    match (steps_per_ns(patient), known) {
        (Some(steps), true) => Finding::ok(
            "calibration",
            format!("known: {steps:.2} steps a ns; 1 ms of `cpu`: {said}"),
        ),
        (Some(steps), false) => Finding::ok(
            "calibration",
            format!("measured now: {steps:.2} steps a ns; 1 ms of `cpu`: {said}"),
        ),
        (None, _) => Finding::new(
            Mark::Warning,
            "calibration",
            format!("works but can't be kept; 1 ms of `cpu`: {said}"),
            "make the cache folder writable (XDG_CACHE_HOME, or ~/.cache): every kernel measures it anew",
        ),
    }
}
