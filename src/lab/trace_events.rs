//! What each worker did as a trace in the Chrome trace event format, which Perfetto and chrome://tracing open:
//! Duan & Sinclair, "Trace Event Format", Google 2016, in its JSON object form.
//!
//! Each row of the answer is a process of the trace and each of its workers a thread. Spans are complete
//! events (`X`), in microseconds since the row's clock started. A task of an event loop is a pair of
//! asynchronous events (`b`, `e`) with its waits inside; the lag of the loop, memory and CPU time are counters
//! (`C`). To export something else: a function that adds its events, and its call in [`write`].

use super::Past;
use crate::analysis::{OverTime, Report, Row, place_of};
use crate::measure::trace::{Activity, Lane, Role, Trace};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::io::{self, Write};

/// One event; fields that its phase has not are left out.
#[derive(Serialize)]
struct Event<'a> {
    name: Cow<'a, str>,
    ph: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cat: Option<&'static str>,
    pid: usize,
    tid: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<Value>,
}

/// Where the events of one row go.
struct Events<'a, W> {
    pid: usize,
    out: &'a mut W,
    /// Whether none was written before.
    is_first: bool,
}

/// The rows of an answer that have a trace.
fn traced(report: &Report) -> impl Iterator<Item = (&Row, &Trace)> {
    report.rows.iter().filter_map(|row| {
        let trace: &Trace = &row.traced.as_ref()?.trace;
        (!trace.lanes.is_empty()).then_some((row, trace))
    })
}

/// Whether no row of an answer has a trace.
pub fn is_missing(report: &Report) -> bool {
    traced(report).next().is_none()
}

/// Writes the trace of an answer, event by event, for there may be many; without any where no row has one.
///
/// # Errors
/// Those of writing.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let other = json!({
        "title": report.title,
        "machine": report.machine.cpu,
        "conclab": report.machine.conclab,
        "times": "since the clock of each row's traced run started; memory and CPU time are those of its sampled run",
    });
    writeln!(
        out,
        "{{\"displayTimeUnit\":\"ms\",\"otherData\":{other},\"traceEvents\":["
    )?;
    for (index, (row, trace)) in traced(report).enumerate() {
        let mut events = Events {
            pid: index + 1,
            out,
            is_first: index == 0,
        };
        events.names(row, trace)?;
        for (lane, tid) in trace.lanes.iter().zip(1..) {
            events.spans(lane, tid)?;
        }
        events.tasks(trace)?;
        events.lags(trace)?;
        if let Some(over_time) = &row.over_time {
            events.over_time(over_time)?;
        }
    }
    out.write_all(b"\n]}\n")
}

/// Why an answer has no trace, and how to get one.
pub fn missing(past: &Past) -> String {
    if past.experiment.wants_trace() {
        return "no row of this answer has a trace: none came to its traced run, or that was too many cells ago \
                to be kept; run the cell again"
            .to_owned();
    }
    "this answer has no trace: what workers do is noted in a run of its own, where a cell draws \
     plot = [\"timeline\"] or says itself where the trace is saved; add one of the two and run the cell again"
        .to_owned()
}

fn us(ns: u64) -> f64 {
    ns as f64 / 1e3
}

impl<W: Write> Events<'_, W> {
    fn push(&mut self, event: &Event) -> io::Result<()> {
        if !std::mem::take(&mut self.is_first) {
            self.out.write_all(b",\n")?;
        }
        Ok(serde_json::to_writer(&mut *self.out, event)?)
    }

    /// An event with a name, a phase and nothing else yet.
    fn event<'e>(&self, name: impl Into<Cow<'e, str>>, ph: &'static str, tid: usize) -> Event<'e> {
        Event {
            name: name.into(),
            ph,
            cat: None,
            pid: self.pid,
            tid,
            ts: None,
            dur: None,
            id: None,
            args: None,
        }
    }

    fn metadata(&mut self, name: &'static str, tid: usize, args: Value) -> io::Result<()> {
        let event = Event {
            args: Some(args),
            ..self.event(name, "M", tid)
        };
        self.push(&event)
    }

    /// What the row and its workers are called, and their order.
    fn names(&mut self, row: &Row, trace: &Trace) -> io::Result<()> {
        let place = place_of(row.case.as_deref(), &row.at);
        let name = match place.is_empty() {
            true => row.label.clone(),
            false => format!("{} ({place})", row.label),
        };
        self.metadata("process_name", 0, json!({ "name": name }))?;
        self.metadata("process_sort_index", 0, json!({ "sort_index": self.pid }))?;
        for (lane, tid) in trace.lanes.iter().zip(1..) {
            self.metadata("thread_name", tid, json!({ "name": called(lane) }))?;
            self.metadata("thread_sort_index", tid, json!({ "sort_index": tid }))?;
        }
        Ok(())
    }

    fn spans(&mut self, lane: &Lane, tid: usize) -> io::Result<()> {
        for span in &lane.spans {
            let event = Event {
                cat: Some("worker"),
                ts: Some(us(span.start_ns)),
                dur: Some(us(span.length_ns())),
                args: span.task.map(|task| json!({ "task": task })),
                ..self.event(span.activity.def().title, "X", tid)
            };
            self.push(&event)?;
        }
        Ok(())
    }

    /// Tasks of event loops: from the first turn to the last, with what each did between its turns.
    fn tasks(&mut self, trace: &Trace) -> io::Result<()> {
        for life in trace.tasks() {
            let id = format!("{}.{}", self.pid, life.task);
            let pair = |name: &'static str, start_ns: u64, end_ns: u64, args: Option<Value>| {
                [("b", start_ns), ("e", end_ns)].map(|(ph, ns)| Event {
                    cat: Some("task"),
                    ts: Some(us(ns)),
                    id: Some(id.clone()),
                    args: args.clone().filter(|_| ph == "b"),
                    ..self.event(name, ph, 0)
                })
            };
            // One name for all: viewers put tasks that don't overlap into one line.
            let whole = json!({ "task": life.task });
            let [begin, end] = pair("task", life.start_ns(), life.end_ns(), Some(whole));
            let inside: Vec<Event> = life
                .spans
                .iter()
                .filter(|span| span.activity != Activity::Computing)
                .flat_map(|span| {
                    let name = span.activity.def().title;
                    pair(name, span.start_ns, span.end_ns, None)
                })
                .collect();
            for event in [begin].iter().chain(&inside).chain([&end]) {
                self.push(event)?;
            }
        }
        Ok(())
    }

    fn counter(
        &mut self,
        name: &'static str,
        at_ns: u64,
        values: Map<String, Value>,
    ) -> io::Result<()> {
        let event = Event {
            ts: Some(us(at_ns)),
            args: Some(Value::Object(values)),
            ..self.event(name, "C", 0)
        };
        self.push(&event)
    }

    fn lags(&mut self, trace: &Trace) -> io::Result<()> {
        for lag in &trace.lags {
            let late = json!(us(lag.late_ns) / 1e3);
            self.counter(
                "lag of the event loop (ms)",
                lag.due_ns,
                Map::from_iter([("late".to_owned(), late)]),
            )?;
        }
        Ok(())
    }

    fn over_time(&mut self, over_time: &OverTime) -> io::Result<()> {
        for sample in &over_time.samples {
            let of = |read: &dyn Fn(&crate::analysis::ProcessAt) -> Value| {
                let processes = sample.processes.iter();
                processes
                    .map(|process| (process.label.clone(), read(process)))
                    .collect::<Map<String, Value>>()
            };
            let mib = of(&|process| json!(process.bytes as f64 / f64::from(1 << 20)));
            let cores = of(&|process| json!(process.cores));
            self.counter("memory (MiB)", sample.at_ns, mib)?;
            self.counter("CPU (cores)", sample.at_ns, cores)?;
        }
        Ok(())
    }
}

/// "worker 3", "worker 3 (process 2)"
fn called(lane: &Lane) -> String {
    let role = match lane.role {
        Role::Main => "main thread".to_owned(),
        Role::Worker => format!("worker {}", lane.number),
        Role::Loop => format!("event loop {}", lane.number),
    };
    match lane.process {
        0 => role,
        process => format!("{role} (process {process})"),
    }
}
