//! Answers as files: every run as CSV, all of an answer as JSON, and such a JSON read again; what workers did
//! as a trace (`trace_events`).
//!
//! To add a format: an arm in [`save`] and the word in `spec`'s check of the name.

use super::{Past, files, plausible, trace_events};
use crate::analysis::{self, Report};
use crate::experiment::{CellSource, Experiment, is_trace};
use crate::host::Machine;
use crate::plan::{self, RowId};
use crate::process::Stop;
use crate::spec;
use crate::trial::{Kind, Record};
use crate::units::format_bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

/// Version of the JSON that is written, and read.
const SCHEMA: u32 = 1;
/// What tells such a file from another JSON file.
const KIND: &str = "conclab answer";
/// Most that such a file may be.
const MOST_BYTES: u64 = 256 << 20;

/// An answer with all that is needed to show it again.
#[derive(Deserialize)]
struct Saved {
    schema: u32,
    kind: String,
    cell: CellSource,
    machine: Machine,
    interrupted: bool,
    records: Vec<Record>,
}

/// Writes an answer to `path`, as its ending says.
///
/// # Errors
/// A sentence with the path, where it can't be written or an interrupt comes; what was there before is kept.
pub fn save(past: &Past, path: &str, stop: &Stop) -> Result<(), String> {
    let written = match path.rsplit_once('.') {
        _ if is_trace(path) => {
            if trace_events::is_missing(&past.report) {
                return Err(trace_events::missing(past));
            }
            save_trace(&past.report, Path::new(path), stop)
        }
        Some((_, "csv")) => {
            let text = csv(past);
            files::replace(Path::new(path), stop, &|out| out.write_all(text.as_bytes()))
        }
        _ => files::replace(Path::new(path), stop, &|out| write_json(past, out)),
    };
    written.map_err(|error| format!("the answer could not be saved to {path}: {error}"))
}

/// Writes what workers did as a trace.
///
/// # Errors
/// Those of writing, and an interrupt.
pub fn save_trace(report: &Report, path: &Path, stop: &Stop) -> io::Result<()> {
    files::replace(path, stop, &|mut out| trace_events::write(report, &mut out))
}

/// Writes all of an answer, part by part: an interrupt is noticed between two.
fn write_json(past: &Past, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{{")?;
    for (name, text) in [
        ("schema", text(&SCHEMA)?),
        ("kind", text(&KIND)?),
        ("cell", text(&past.experiment.source)?),
        ("machine", text(&past.report.machine)?),
        ("interrupted", text(&past.report.interrupted)?),
    ] {
        writeln!(out, "\"{name}\": {text},")?;
    }
    // A line for each run: spans and samples have too many numbers for a line each.
    write!(out, "\"records\": [")?;
    for (number, record) in past.records.iter().enumerate() {
        out.write_all(if number == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, record)?;
    }
    // The same object as `conclab run --json` prints; for other programs, never read here.
    write!(out, "\n],\n\"report\": ")?;
    serde_json::to_writer(&mut *out, &past.report)?;
    writeln!(out, "\n}}")
}

fn text(value: &impl Serialize) -> io::Result<String> {
    Ok(serde_json::to_string(value)?)
}

/// Reads an answer that was saved as JSON.
///
/// # Errors
/// A sentence with the path: no such file, no answer of conclab, a cell that this version can't read.
pub fn load(path: &Path) -> Result<Past, String> {
    let shown = path.display();
    let text = read(path).map_err(|error| format!("{shown} could not be read: {error}"))?;
    let saved: Saved = serde_json::from_str(&text).map_err(|error| {
        match is_trace(&path.to_string_lossy()) {
            true => format!(
                "{shown} is a trace, which has no numbers to compare: save the answer under another name, such \
                 as results.json"
            ),
            false => format!("{shown} is no answer that was saved as .json: {error}"),
        }
    })?;
    if saved.kind != KIND || saved.schema != SCHEMA {
        return Err(format!(
            "{shown} was saved by another version of conclab (schema {}, and this one reads {SCHEMA})",
            saved.schema
        ));
    }
    let experiment = spec::read_saved(&saved.cell).map_err(|problem| {
        format!("the cell in {shown} can't be read by this version of conclab: {problem}")
    })?;
    let rows = plan::rows(&experiment);
    let known = |record: &Record| {
        rows.contains(&RowId {
            series: record.series,
            point: record.point,
        })
    };
    if !saved.records.iter().all(known) {
        return Err(format!("{shown} has runs that its cell doesn't ask for"));
    }
    if !plausible::all(&experiment, &saved.records, &saved.machine) {
        return Err(format!(
            "{shown} holds numbers that no run of its cell can have given: save the answer again"
        ));
    }
    let report = analysis::report(
        &experiment,
        &saved.records,
        &saved.machine,
        saved.interrupted,
    );
    Ok(Past {
        experiment,
        report,
        records: saved.records,
    })
}

/// The text of an ordinary file; one that never ends, or is far too large, is not read.
fn read(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no ordinary file"));
    }
    let mut text = String::new();
    File::open(path)?
        .take(MOST_BYTES + 1)
        .read_to_string(&mut text)?;
    match text.len() as u64 > MOST_BYTES {
        true => Err(io::Error::other(format!(
            "it is larger than {}, and no answer is",
            format_bytes(MOST_BYTES as f64)
        ))),
        false => Ok(text),
    }
}

/// Every run as a line; machine, version and cell are repeated, so that files can be put together.
fn csv(past: &Past) -> String {
    let Past {
        experiment,
        report,
        records,
    } = past;
    let keys = swept_keys(experiment);
    let mut head: Vec<String> = ["label", "model", "runtime", "case"]
        .map(str::to_owned)
        .to_vec();
    head.extend(keys.iter().cloned());
    head.extend(NUMBERS.iter().map(|(name, _)| (*name).to_owned()));
    head.extend(["outcome", "why", "cpu", "usable_cpus", "conclab", "cell"].map(str::to_owned));
    let mut lines = vec![line(head)];
    for record in records {
        let series = &experiment.series[record.series];
        let point = &experiment.points[record.point];
        let mut fields = vec![
            series.label.clone(),
            series.model.clone(),
            series.runtime.name().to_owned(),
            point.case.clone().unwrap_or_default(),
        ];
        for key in &keys {
            let value = point.at.iter().find(|(known, _)| known == key);
            fields.push(value.map_or(String::new(), |(_, value)| plain(value)));
        }
        fields.extend(
            NUMBERS
                .iter()
                .map(|(_, read)| read(record).map_or(String::new(), |n| n.to_string())),
        );
        fields.extend([
            plain(&record.outcome),
            record.why.clone().unwrap_or_default(),
            report.machine.cpu.clone(),
            report.machine.usable_cpus.to_string(),
            report.machine.conclab.clone(),
            experiment.source.texts.first().cloned().unwrap_or_default(),
        ]);
        lines.push(line(fields));
    }
    lines.concat()
}

/// A column of numbers: its name, and how it is read.
type Number = (&'static str, fn(&Record) -> Option<u64>);

const NUMBERS: &[Number] = &[
    ("block", |record| Some(record.block.into())),
    ("timed", |record| {
        Some(u64::from(record.kind == Kind::Timed))
    }),
    ("wall_ns", |record| {
        Some(record.measurement.as_ref()?.reply.wall_ns)
    }),
    ("user_ns", |record| {
        Some(record.measurement.as_ref()?.reply.user_ns)
    }),
    ("system_ns", |record| {
        Some(record.measurement.as_ref()?.reply.system_ns)
    }),
    ("peak_bytes", |record| {
        Some(record.measurement.as_ref()?.memory?.peak_bytes)
    }),
    ("voluntary_switches", |record| {
        Some(record.measurement.as_ref()?.reply.voluntary_switches)
    }),
    ("involuntary_switches", |record| {
        Some(record.measurement.as_ref()?.reply.involuntary_switches)
    }),
    ("page_faults", |record| {
        Some(record.measurement.as_ref()?.reply.page_faults)
    }),
    ("workers", |record| {
        Some(record.measurement.as_ref()?.reply.tally.workers.into())
    }),
    ("succeeded", |record| {
        Some(record.measurement.as_ref()?.reply.tally.succeeded)
    }),
    ("failed", |record| {
        Some(record.measurement.as_ref()?.reply.tally.failed)
    }),
    ("answer", |record| {
        Some(record.measurement.as_ref()?.reply.tally.answer)
    }),
];

fn swept_keys(experiment: &Experiment) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for (key, _) in experiment.points.iter().flat_map(|point| &point.at) {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}

/// A value as JSON has it, without quotes: numbers bare, sizes and times as a cell writes them.
fn plain(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => text,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// One line of CSV (RFC 4180).
fn line(fields: Vec<String>) -> String {
    let quoted = fields
        .iter()
        .map(|field| match field.contains(['"', ',', '\n', '\r']) {
            true => format!("\"{}\"", field.replace('"', "\"\"")),
            false => field.clone(),
        });
    format!("{}\n", quoted.collect::<Vec<_>>().join(","))
}

/// What a row computed, where all its runs computed the same.
pub fn answers(experiment: &Experiment, records: &[Record]) -> Vec<Option<u64>> {
    plan::rows(experiment)
        .iter()
        .map(|row| {
            let own = records
                .iter()
                .filter(|record| record.series == row.series && record.point == row.point);
            let mut answers: Vec<u64> = own
                .filter_map(|record| Some(record.measurement.as_ref()?.reply.tally.answer))
                .collect();
            answers.dedup();
            match answers.as_slice() {
                [one] => Some(*one),
                _ => None,
            }
        })
        .collect()
}
