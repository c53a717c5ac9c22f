//! The kernel's side of one trial: start the process through the warden, turn its end into a record.
//!
//! Every way a trial can end has its sentence in [`failure`]; to add one, add an arm there.

use super::thread_states;
use super::thread_states::notes::{self, ProcessNotes};
use super::{
    Kind, Measurement, MemorySource, Observed, Outcome, PeakMemory, Record, Reply, Request,
};
use crate::host::interpreters::{GIL_OFF, GIL_ON};
use crate::measure::trace::Trace;
use crate::process::MemorySample;
use crate::process::{
    End, Ended, Launch, REPLY_DESCRIPTOR, Stop, Warden, Watch, explained, thinned,
};
use crate::units::{duration_text, format_bytes, format_ns};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Most samples of one trial that are kept in its record.
const MOST_SAMPLES: usize = 1024;

/// One trial to run.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Index of its series in the experiment.
    pub series: usize,
    /// Index of its point.
    pub point: usize,
    /// Number of its block.
    pub block: u32,
    /// Kind of repeat.
    pub kind: Kind,
    /// What the process is asked; its site's directory is made before and removed after.
    pub request: Request,
    /// Killed after this long.
    pub timeout_ns: u64,
    /// Killed when its tree holds more.
    pub memory_limit_bytes: u64,
}

/// Runs a trial to its end. Blocks; whatever goes wrong is in the record.
pub fn run(warden: &Warden, trial: &Trial, stop: &Stop) -> Record {
    let directory = &trial.request.site.directory;
    if let Err(error) = fs::create_dir_all(directory) {
        let why = format!(
            "no folder for its files could be made in {}: {}",
            directory.display(),
            explained(&error)
        );
        return record(trial, Err((Outcome::Failed, why)));
    }
    let request = match serde_json::to_string(&trial.request) {
        Ok(request) => request,
        Err(error) => return record(trial, Err((Outcome::Failed, error.to_string()))),
    };
    let executable = trial.request.site.executable.to_string_lossy().into_owned();
    let launch = Launch {
        argv: vec![executable, "trial".to_owned()],
        directory: directory.clone(),
        stdin: request,
        timeout_ns: trial.timeout_ns,
        memory_limit_bytes: trial.memory_limit_bytes,
        watch: watch(trial),
    };
    let ended = warden.run(&launch, stop);
    let noted = match launch.watch {
        Watch::Threads => notes::read(directory),
        _ => Vec::new(),
    };
    // What a trial wrote must not weigh on the next one; the warden removes the rest at its end.
    let _ = fs::remove_dir_all(directory);
    record(trial, measurement(trial, ended, &noted))
}

/// What the warden looks at. Only an interpreter needs somebody who looks at its threads: a trial of this program
/// notes by itself what they do.
fn watch(trial: &Trial) -> Watch {
    match trial.kind {
        Kind::Sampled => Watch::Memory,
        Kind::Traced if trial.request.python.is_some() => Watch::Threads,
        Kind::Traced | Kind::Timed => Watch::Nothing,
    }
}

fn record(trial: &Trial, result: Result<Measurement, (Outcome, String)>) -> Record {
    let (outcome, why, measurement) = match result {
        Ok(measurement) => (Outcome::Ok, None, Some(measurement)),
        Err((outcome, why)) => (outcome, Some(why), None),
    };
    Record {
        series: trial.series,
        point: trial.point,
        block: trial.block,
        kind: trial.kind,
        outcome,
        why,
        measurement,
    }
}

fn measurement(
    trial: &Trial,
    ended: Ended,
    noted: &[ProcessNotes],
) -> Result<Measurement, (Outcome, String)> {
    if let Some(failure) = failure(trial, &ended) {
        return Err(failure);
    }
    let mut reply: Reply = serde_json::from_str(&ended.reply).map_err(|error| {
        let what = match ended.reply.trim() {
            "" => {
                "it ended without an answer: something that it ran has ended its process".to_owned()
            }
            _ => format!(
                "its answer can't be read, because something else was written to descriptor \
                 {REPLY_DESCRIPTOR} ({error})"
            ),
        };
        (Outcome::Crashed, format!("{what}{}", last_words(&ended)))
    })?;
    if let Some(error) = &reply.error {
        return Err((Outcome::Failed, format!("{error}{}", last_words(&ended))));
    }
    if let Some(python) = &trial.request.python {
        // As it was in the trial: what is imported can turn it on.
        reply.runtime_version = match reply.gil {
            Some(true) => python.version.replace(GIL_OFF, GIL_ON),
            Some(false) => python.version.replace(GIL_ON, GIL_OFF),
            None => python.version.clone(),
        };
        reply.trace = thread_states::trace(noted, &ended.threads, reply.started_ns, reply.wall_ns);
        // The trial's own process may have had room, and its workers none.
        let tells = |trace: &Trace| trace.workers().next().is_some();
        if trial.kind == Kind::Traced && !reply.trace.as_ref().is_some_and(tells) {
            let folder = trial.request.site.directory.parent();
            return Err((
                Outcome::Failed,
                without_notes(folder.unwrap_or(Path::new("/tmp"))),
            ));
        }
    }
    Ok(Measurement {
        memory: (trial.kind == Kind::Sampled)
            .then(|| peak(&reply, &ended))
            .flatten(),
        elapsed_ns: ended.elapsed_ns,
        warden_cpu_ns: ended.user_ns.saturating_add(ended.system_ns),
        observed: Observed {
            samples: kept(ended.samples),
            clock_ns: (reply.started_ns >= ended.started_ns && ended.started_ns > 0)
                .then(|| reply.started_ns - ended.started_ns),
            trace: reply.trace.take().map(Arc::new),
        },
        printed: ended.printed,
        reply,
    })
}

/// Why a run on Python that ended well has no trace. Its harness goes on without notes where it finds no room for them.
fn without_notes(folder: &Path) -> String {
    format!(
        "nothing of what its workers did was noted in {}: either that folder has no room (each process takes {} \
         at least), so free some space or set TMPDIR to a folder that has it, or the tasks removed the notes",
        folder.display(),
        format_bytes(notes::FILE_BYTES as f64)
    )
}

/// As many samples as a figure can show; the peak stays.
fn kept(mut samples: Vec<MemorySample>) -> Vec<MemorySample> {
    while samples.len() > MOST_SAMPLES {
        samples = thinned(&samples);
    }
    samples
}

/// How a trial that gave no measurement came out, and why; `None` where it ended well.
fn failure(trial: &Trial, ended: &Ended) -> Option<(Outcome, String)> {
    Some(match &ended.end {
        End::Exited(0) => return None,
        End::Exited(code) => {
            (Outcome::Crashed, format!("it ended with exit code {code}{}", last_words(ended)))
        }
        // The kernel's out-of-memory killer sends this and nobody else should have.
        End::Signalled(libc::SIGKILL) => (
            Outcome::Crashed,
            format!(
                "it was killed by SIGKILL from outside: by hand, or by the system for want of memory{}",
                last_words(ended)
            ),
        ),
        End::Signalled(signal) => {
            (Outcome::Crashed, format!("it was ended by {}{}", signal_name(*signal), last_words(ended)))
        }
        End::TimedOut => (
            Outcome::Timeout,
            format!(
                "it was still running after {} and was stopped: give it less to do, or raise \
                 `trial_timeout` (now {})",
                format_ns(trial.timeout_ns as f64),
                duration_text(trial.timeout_ns)
            ),
        ),
        End::OverMemory(bytes) => (
            Outcome::Memory,
            format!(
                "it held {} and was stopped at the limit of {}: use fewer tasks or less memory a \
                 task, or set a higher `memory_limit`",
                format_bytes(*bytes as f64),
                format_bytes(trial.memory_limit_bytes as f64)
            ),
        ),
        End::Interrupted => (Outcome::Interrupted, "the cell was interrupted".to_owned()),
        End::NotStarted(reason) => (Outcome::Failed, format!("its process could not be started: {reason}")),
        End::WardenLost => (
            Outcome::Crashed,
            "the process that watches over trials was killed, and the trial with it: run the cell again"
                .to_owned(),
        ),
    })
}

/// The last non-empty lines of what it printed, for the end of a sentence.
fn last_words(ended: &Ended) -> String {
    const LINES: usize = 3;
    const CHARACTERS: usize = 300;
    let bounded = |line: &str| line.trim().chars().take(CHARACTERS).collect::<String>();
    let lines: Vec<String> = ended
        .printed
        .lines()
        .map(bounded)
        .filter(|line| !line.is_empty())
        .collect();
    match &lines[lines.len().saturating_sub(LINES)..] {
        [] => String::new(),
        last => format!("; it said: {}", last.join(" / ")),
    }
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        libc::SIGSEGV => "a segmentation fault (SIGSEGV)",
        libc::SIGABRT => "an abort (SIGABRT)",
        libc::SIGBUS => "a bus error (SIGBUS)",
        libc::SIGTERM => "SIGTERM from outside",
        libc::SIGINT => "SIGINT from outside",
        _ => return format!("signal {signal}"),
    };
    name.to_owned()
}

/// Peak memory of the tree: exact by its own high-water mark where it stayed one process, else sampled.
///
/// A high-water mark counts pages shared with the kernel and the warden (the executable's own) in full.
/// What the process had of them when it was idle is taken off, so that one process and many are measured
/// alike.
fn peak(reply: &Reply, ended: &Ended) -> Option<PeakMemory> {
    let samples = ended.samples.len() as u32;
    let alone = ended.samples.iter().all(|sample| sample.processes <= 1);
    let shared_bytes = reply.idle_bytes.saturating_sub(reply.idle_pss_bytes);
    let own_bytes = reply.own_peak_bytes.saturating_sub(shared_bytes);
    let (peak_bytes, source) = match alone && reply.tally.worker_peak_bytes == 0 {
        true => (own_bytes, MemorySource::HighWater),
        false => {
            let all_pss = ended.samples.iter().all(|sample| sample.pss);
            let sampled = ended.samples.iter().map(|sample| sample.bytes).max()?;
            (
                // No less than what the trial's own process is known to have held.
                sampled.max(own_bytes),
                if all_pss {
                    MemorySource::Pss
                } else {
                    MemorySource::Rss
                },
            )
        }
    };
    let growth_bytes = peak_bytes.saturating_sub(reply.idle_pss_bytes);
    Some(PeakMemory {
        peak_bytes,
        growth_bytes,
        source,
        samples,
        most_processes: ended
            .samples
            .iter()
            .map(|sample| sample.processes)
            .max()
            .unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::Connections;
    use crate::model::{Settings, Site, Tally};
    use crate::process::ThreadLives;
    use crate::program::Program;
    use crate::runtime::Runtime;
    use crate::trial::Python;

    fn trial() -> Trial {
        Trial {
            series: 1,
            point: 0,
            block: 2,
            kind: Kind::Sampled,
            request: Request {
                program: Program::default(),
                model: "threads".into(),
                runtime: Runtime::Native,
                settings: Settings {
                    workers: 2,
                    ..Settings::default()
                },
                switch_interval_ns: None,
                python: None,
                latencies: false,
                trace: false,
                site: Site {
                    delay_server: None,
                    directory: "/tmp".into(),
                    home: "/tmp".into(),
                    executable: "conclab".into(),
                    connections: Connections::default(),
                },
            },
            timeout_ns: 30_000_000_000,
            memory_limit_bytes: 1 << 30,
        }
    }

    fn ended(end: End) -> Ended {
        Ended {
            end,
            reply: String::new(),
            printed: "thread 'main' panicked\n\n  boom\n".into(),
            elapsed_ns: 5,
            user_ns: 1,
            system_ns: 2,
            samples: Vec::new(),
            started_ns: 0,
            threads: ThreadLives::default(),
        }
    }

    #[test]
    fn every_end_is_a_row_that_says_why() {
        for (end, outcome, words) in [
            (
                End::Exited(101),
                Outcome::Crashed,
                "exit code 101; it said: thread 'main' panicked / boom",
            ),
            (End::Exited(0), Outcome::Crashed, "without an answer"),
            (End::Signalled(9), Outcome::Crashed, "SIGKILL from outside"),
            (End::Signalled(11), Outcome::Crashed, "segmentation fault"),
            (
                End::TimedOut,
                Outcome::Timeout,
                "raise `trial_timeout` (now 30s)",
            ),
            (End::OverMemory(2 << 30), Outcome::Memory, "limit of 1 GiB"),
            (End::Interrupted, Outcome::Interrupted, "interrupted"),
            (
                End::NotStarted("no such file".into()),
                Outcome::Failed,
                "no such file",
            ),
            (End::WardenLost, Outcome::Crashed, "run the cell again"),
        ] {
            let record = record(&trial(), measurement(&trial(), ended(end.clone()), &[]));
            assert_eq!(
                (record.outcome, record.block, record.series),
                (outcome, 2, 1),
                "{end:?}"
            );
            let why = record.why.unwrap();
            assert!(why.contains(words), "{end:?}: {why}");
        }
    }

    #[test]
    fn a_run_on_python_without_notes_says_why_it_has_no_trace() {
        let mut traced = trial();
        traced.kind = Kind::Traced;
        traced.request.site.directory = "/small/conclab-1/trial-3".into();
        traced.request.python = Some(Python {
            interpreter: "python3".into(),
            harness: "harness".into(),
            version: "python3.11".to_owned(),
        });
        let replied = || Ended {
            reply: serde_json::to_string(&Reply::default()).unwrap(),
            ..ended(End::Exited(0))
        };
        let (outcome, why) = measurement(&traced, replied(), &[]).unwrap_err();
        assert_eq!(outcome, Outcome::Failed);
        assert!(
            why.contains("noted in /small/conclab-1:") && why.contains("set TMPDIR"),
            "{why}"
        );
        traced.kind = Kind::Timed;
        assert!(measurement(&traced, replied(), &[]).is_ok());
    }

    #[test]
    fn a_tree_of_one_is_read_exactly_and_a_larger_one_by_samples() {
        let reply = Reply {
            wall_ns: 1,
            user_ns: 1,
            system_ns: 1,
            voluntary_switches: 0,
            involuntary_switches: 0,
            page_faults: 0,
            outside_cpu_ns: 0,
            own_peak_bytes: 500,
            idle_bytes: 100,
            idle_pss_bytes: 40,
            tally: Tally::default(),
            ..Reply::default()
        };
        let sample = |bytes, processes| MemorySample {
            at_ns: 0,
            bytes,
            processes,
            pss: true,
            ..MemorySample::default()
        };
        let mut single = ended(End::Exited(0));
        single.samples = vec![sample(300, 1)];
        let peak_of_one = peak(&reply, &single).unwrap();
        assert_eq!(
            (peak_of_one.peak_bytes, peak_of_one.growth_bytes),
            (440, 400)
        );
        assert_eq!(peak_of_one.source, MemorySource::HighWater);
        let mut tree = ended(End::Exited(0));
        tree.samples = vec![sample(300, 1), sample(900, 5), sample(700, 3)];
        let peak_of_tree = peak(&reply, &tree).unwrap();
        assert_eq!(
            (
                peak_of_tree.peak_bytes,
                peak_of_tree.source,
                peak_of_tree.samples,
                peak_of_tree.most_processes
            ),
            (900, MemorySource::Pss, 3, 5)
        );
    }
}
