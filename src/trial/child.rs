//! The trial's own process: `conclab trial` reads a request, runs its model with the clock running, and
//! writes a reply on its own descriptor.
//!
//! What only the measuring pays (exec, reading the request, raising limits, making the files and the database
//! that tasks use) happens before the clock.

use super::{Reply, Request};
use crate::io::prepare;
use crate::measure::{Usage, own_memory_bytes, own_pss_bytes};
use crate::model::{self, Job, Settings, Tally};
use crate::process::clock::monotonic_ns;
use crate::process::{REPLY_DESCRIPTOR, signals};
use crate::service::raise_descriptor_limit;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::FromRawFd;
use std::process::ExitCode;
use std::time::Instant;

/// The process itself.
pub fn main() -> ExitCode {
    // SAFETY: the warden opened this descriptor for the reply, and nothing else here owns it. Where a
    // person starts `conclab trial` by hand it isn't open, and the write below says so.
    let output = unsafe { File::from_raw_fd(REPLY_DESCRIPTOR) };
    match answer(output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conclab trial: {error}");
            ExitCode::FAILURE
        }
    }
}

fn answer(mut output: File) -> io::Result<()> {
    signals::keep_children_waitable();
    signals::become_subreaper();
    raise_descriptor_limit();
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let request: Request = serde_json::from_str(&text)?;
    if let Some(python) = &request.python {
        let error = match prepare(&request.program, &request.site) {
            Ok(()) => super::python::exec(python, &request, &text)?,
            Err(error) => error,
        };
        return write_error(output, error);
    }
    drop(text);
    let model = model::find(&request.model)
        .ok_or_else(|| io::Error::other(format!("there is no model {}", request.model)))?;
    let settings = Settings {
        workers: request.settings.workers.max(1),
        ..request.settings
    };
    if let Err(error) = prepare(&request.program, &request.site) {
        return write_error(output, error);
    }
    let mut job = Job::new(
        model,
        request.program,
        request.runtime,
        settings,
        request.site,
        request.latencies,
        request.switch_interval_ns,
    )?;
    if request.trace {
        job.record(model);
    }
    let idle_bytes = own_memory_bytes("VmRSS");
    let idle_pss_bytes = own_pss_bytes().unwrap_or(idle_bytes);
    let before = Usage::now();
    let started_ns = monotonic_ns();
    let clock = Instant::now();
    let result = model.run(&job);
    let wall_ns = clock.elapsed().as_nanos() as u64;
    let used = Usage::now().since(before);
    let (mut tally, error) = match result {
        Ok(tally) => (tally, None),
        Err(error) => (Tally::default(), Some(error)),
    };
    if let Some(updates) = job.sharing.as_ref().and_then(|sharing| sharing.updates()) {
        (tally.expected_updates, tally.counted_updates) = updates;
    }
    let groups = job
        .latencies
        .as_ref()
        .map_or_else(Vec::new, |latencies| latencies.by_group(&job.program));
    // Where the model could not go on, its workers may have left anything.
    let trace = match error {
        None => job.recorded(started_ns)?,
        Some(_) => None,
    };
    let all = Usage::now();
    let reply = Reply {
        wall_ns,
        user_ns: used.user_ns,
        system_ns: used.system_ns,
        voluntary_switches: used.voluntary_switches,
        involuntary_switches: used.involuntary_switches,
        page_faults: used.page_faults,
        outside_cpu_ns: (all.user_ns + all.system_ns).saturating_sub(used.user_ns + used.system_ns),
        own_peak_bytes: own_memory_bytes("VmHWM"),
        idle_bytes,
        idle_pss_bytes,
        tally,
        groups,
        started_ns,
        trace,
        error,
        // What only an interpreter has to tell.
        ..Reply::default()
    };
    output.write_all(serde_json::to_string(&reply)?.as_bytes())
}

fn write_error(mut output: File, error: String) -> io::Result<()> {
    let reply = Reply {
        error: Some(error),
        ..Reply::default()
    };
    output.write_all(serde_json::to_string(&reply)?.as_bytes())
}
