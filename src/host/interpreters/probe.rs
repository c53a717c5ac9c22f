//! Asking one candidate what it is: a short program runs on it, in bounded time, and its answer is judged.
//!
//! What it says is not trusted further than it can be checked: sizes are bounded, words are taken only where they are
//! known, and the path that it gives itself must be a program.

use super::{Candidate, Interpreter, MODULES, OLDEST, Refused, Version, find};
use crate::process::{End, Ended, Launch, Stop, Warden};
use serde::Deserialize;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What runs on a candidate.
const PROGRAM: &str = include_str!("probe.py");

/// Longest that a candidate may take to answer: some 30 ms are usual.
pub const TIMEOUT_NS: u64 = 5_000_000_000;

/// Most memory that a candidate may hold while it answers: some 15 MB are usual.
const MEMORY_LIMIT_BYTES: u64 = 1 << 30;

/// Longest answer that is read.
const MOST_ANSWER: usize = 64 << 10;

/// Longest text that is kept of what a candidate says.
const MOST_TEXT: usize = 200;

/// What the program answers.
#[derive(Deserialize)]
struct Facts {
    implementation: String,
    version: Version,
    build: String,
    executable: String,
    free_threaded: bool,
    gil: bool,
    debug: bool,
    /// Arguments of `configure`.
    configured: String,
    /// Arguments of the compiler.
    flags: String,
    start_methods: Vec<String>,
    interpreter_pool: bool,
    missing: Vec<String>,
}

/// What a candidate is, and how long it took to tell.
pub struct Probed {
    /// An interpreter, or why it is none.
    pub result: Result<Interpreter, Refused>,
    /// How long it took.
    pub elapsed_ns: u64,
}

/// Asks a candidate; `None` where that was interrupted or the warden ended.
pub fn probe(warden: &Warden, candidate: &Candidate, stop: &Stop) -> Option<Probed> {
    let refused = |why: String| Refused {
        path: candidate.path.clone(),
        source: candidate.source,
        why,
    };
    if let Some(why) = no_program(&candidate.path) {
        return Some(Probed {
            result: Err(refused(why)),
            elapsed_ns: 0,
        });
    }
    let path = candidate.path.to_string_lossy();
    let mut argv: Vec<String> = [&path, "-I", "-S", "-c", PROGRAM]
        .map(str::to_owned)
        .to_vec();
    argv.extend(MODULES.iter().map(|(name, _)| (*name).to_owned()));
    let launch = Launch {
        argv,
        directory: warden.directory().to_owned(),
        stdin: String::new(),
        timeout_ns: TIMEOUT_NS,
        memory_limit_bytes: MEMORY_LIMIT_BYTES,
        sample: false,
    };
    let ended = warden.run(&launch, stop);
    match ended.end {
        End::Interrupted | End::WardenLost => None,
        _ => Some(Probed {
            elapsed_ns: ended.elapsed_ns,
            result: judge(candidate, &ended).map_err(refused),
        }),
    }
}

/// Why a path can't even be started.
fn no_program(path: &Path) -> Option<String> {
    match path.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Some("there is no such file".to_owned())
        }
        Err(error) => Some(format!("it can't be looked at: {error}")),
        Ok(file) if file.is_dir() => Some("it is a folder without bin/python3".to_owned()),
        Ok(_) if !find::is_executable(path) => {
            Some("it is no file that may be executed".to_owned())
        }
        Ok(_) if path.to_str().is_none() => Some("its path is not UTF-8".to_owned()),
        Ok(_) => None,
    }
}

/// What an answer comes to.
fn judge(candidate: &Candidate, ended: &Ended) -> Result<Interpreter, String> {
    let answer = ended.reply.trim();
    if answer.is_empty() || ended.end != End::Exited(0) {
        return Err(no_answer(ended));
    }
    let facts: Option<Facts> = match answer.len() > MOST_ANSWER {
        true => None,
        false => serde_json::from_str(answer).ok(),
    };
    let facts =
        facts.ok_or_else(|| format!("it answers as no Python does: {}", short(answer, 60)))?;
    let version = &facts.version;
    if facts.implementation != "cpython" {
        let name = match facts.implementation.as_str() {
            "pypy" => "PyPy",
            "graalpy" => "GraalPy",
            other => other,
        };
        return Err(format!(
            "it is {} {version}: trials run on CPython only",
            short(name, 40)
        ));
    }
    if (version.major, version.minor) < OLDEST {
        return Err(format!(
            "it is CPython {version}: trials need {}.{} or newer",
            OLDEST.0, OLDEST.1
        ));
    }
    let levels = ["alpha", "beta", "candidate", "final"];
    if version.major != OLDEST.0 || !levels.contains(&version.level.as_str()) {
        return Err(format!(
            "it calls itself CPython {version} {}, which is not known here",
            short(&version.level, 20)
        ));
    }
    let (optimised, optimisation) = optimisation(&facts.configured, &facts.flags, facts.debug);
    let known = |said: &[String], known: &[&str]| {
        let mut kept: Vec<String> = Vec::new();
        for word in said {
            if known.contains(&word.as_str()) && !kept.contains(word) {
                kept.push(word.clone());
            }
        }
        kept
    };
    let modules: Vec<&str> = MODULES.iter().map(|(name, _)| *name).collect();
    Ok(Interpreter {
        path: own_path(candidate, &facts.executable)?,
        source: candidate.source,
        build: short(&facts.build, MOST_TEXT),
        free_threaded: facts.free_threaded,
        gil: facts.gil,
        optimised,
        optimisation,
        start_methods: known(&facts.start_methods, &["fork", "spawn", "forkserver"]),
        interpreter_pool: facts.interpreter_pool,
        missing: known(&facts.missing, &modules),
        version: facts.version,
    })
}

/// The interpreter itself, where a script led to it. A virtual environment's own path is kept.
fn own_path(candidate: &Candidate, executable: &str) -> Result<PathBuf, String> {
    let own = PathBuf::from(executable);
    match own.is_absolute() && find::is_executable(&own) {
        true => Ok(own),
        false => Err(format!(
            "it says that it is {:?}, which is no program",
            short(executable, MOST_TEXT)
        )),
    }
    .map(
        |own| match find::identity(&own) == find::identity(&candidate.path) {
            true => candidate.path.clone(),
            false => own,
        },
    )
}

/// Why there is no answer.
fn no_answer(ended: &Ended) -> String {
    let mut lines = ended.printed.lines().filter(|line| !line.trim().is_empty());
    // What a wrong option is comes first, what an exception is comes last.
    let telling = match ended.end {
        End::Exited(2) => lines.next(),
        _ => lines.next_back(),
    };
    let said = telling.map_or(String::new(), |line| {
        format!(" and said: {}", short(line.trim(), 100))
    });
    match &ended.end {
        // The option came with Python 3.4.
        End::Exited(2) if said.contains("Unknown option: -I") => format!(
            "it is an old Python: trials need CPython {}.{} or newer",
            OLDEST.0, OLDEST.1
        ),
        End::Exited(0) => format!("it runs no Python program: it ended without an answer{said}"),
        End::Exited(code) => format!("it ended with exit code {code}{said}"),
        End::Signalled(signal) => format!("it was ended by signal {signal}{said}"),
        End::TimedOut => format!(
            "it did not answer within {} s{said}",
            TIMEOUT_NS / 1_000_000_000
        ),
        End::OverMemory(_) => "it took more than 1 GiB of memory to answer".to_owned(),
        End::NotStarted(why) => format!("it can't be started: {}", short(why, MOST_TEXT)),
        End::Interrupted | End::WardenLost => "asking it was interrupted".to_owned(),
    }
}

/// Whether it was compiled for speed, and how, from what `sysconfig` keeps of its build.
///
/// The last `-O` counts, as for the compiler. Distributions that compile with profiles by other means than
/// `--enable-optimizations` don't tell of them: what is not told is not said.
fn optimisation(configured: &str, flags: &str, debug: bool) -> (Option<bool>, String) {
    if debug {
        return (Some(false), "debug build".to_owned());
    }
    let words = || flags.split_whitespace();
    let level = words().rfind(|word| word.starts_with("-O"));
    let level = level.filter(|level| level.len() <= 6);
    let profiled = configured.contains("--enable-optimizations")
        || words().any(|word| word.starts_with("-fprofile-use"));
    let linked = (configured.contains("--with-lto") && !configured.contains("--with-lto=no"))
        || words().any(|word| word.starts_with("-flto"));
    let slow = ["-O", "-O0", "-O1", "-Og"];
    let optimised = match level {
        Some(level) => Some(!slow.contains(&level)),
        None => profiled.then_some(true),
    };
    let parts = [level, profiled.then_some("PGO"), linked.then_some("LTO")];
    let told: Vec<&str> = parts.into_iter().flatten().collect();
    (optimised, told.join(", "))
}

/// The beginning of a text, on one line.
fn short(text: &str, most: usize) -> String {
    let line: String = text.chars().take(most).collect();
    let line = line.replace(char::is_control, " ");
    match text.chars().nth(most) {
        Some(_) => format!("{line}…"),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::*;
    use serde_json::{Value, json};

    fn ended(end: End, reply: &str, printed: &str) -> Ended {
        Ended {
            end,
            reply: reply.to_owned(),
            printed: printed.to_owned(),
            elapsed_ns: 0,
            user_ns: 0,
            system_ns: 0,
            samples: Vec::new(),
            started_ns: 0,
        }
    }

    fn candidate() -> Candidate {
        Candidate {
            path: "/bin/sh".into(),
            source: Source::Elsewhere,
        }
    }

    fn honest() -> Value {
        json!({
            "implementation": "cpython",
            "version": {"major": 3, "minor": 13, "micro": 2, "level": "final", "serial": 0},
            "build": "3.13.2 (main) [GCC]", "executable": "/bin/sh", "free_threaded": false, "gil": true,
            "debug": false, "configured": "'--enable-optimizations' '--with-lto'", "flags": "-g -O3 -Wall",
            "start_methods": ["fork", "spawn", "forkserver"], "interpreter_pool": false,
            "missing": ["sqlite3"]
        })
    }

    fn judged(change: &[(&str, Value)]) -> Result<Interpreter, String> {
        let mut facts = honest();
        for (pointer, value) in change {
            *facts.pointer_mut(pointer).expect(pointer) = value.clone();
        }
        judge(
            &candidate(),
            &ended(End::Exited(0), &format!("{facts}\n"), ""),
        )
    }

    #[test]
    fn an_answer_becomes_an_interpreter() {
        let python = judged(&[]).unwrap();
        assert_eq!(python.name(), "CPython 3.13.2");
        assert_eq!(
            (python.optimised, python.optimisation.as_str()),
            (Some(true), "-O3, PGO, LTO")
        );
        assert_eq!(python.start_methods, ["fork", "spawn", "forkserver"]);
        assert_eq!(python.missing, ["sqlite3"]);
    }

    #[test]
    fn what_no_trial_runs_on_is_refused_with_why() {
        for (pointer, value, why) in [
            (
                "/implementation",
                json!("pypy"),
                "it is PyPy 3.13.2: trials run on CPython only",
            ),
            (
                "/version/minor",
                json!(8),
                "it is CPython 3.8.2: trials need 3.9 or newer",
            ),
            (
                "/version/major",
                json!(2),
                "it is CPython 2.13.2: trials need 3.9 or newer",
            ),
            (
                "/version/major",
                json!(4),
                "it calls itself CPython 4.13.2 final, which is not known here",
            ),
            (
                "/version/level",
                json!("great"),
                "it calls itself CPython 3.13.2 great, which is not known here",
            ),
            (
                "/executable",
                json!(""),
                "it says that it is \"\", which is no program",
            ),
            (
                "/executable",
                json!("/bin"),
                "it says that it is \"/bin\", which is no program",
            ),
        ] {
            assert_eq!(judged(&[(pointer, value)]).unwrap_err(), why);
        }
    }

    #[test]
    fn lies_are_cut_to_what_is_known() {
        let long = "x".repeat(5000);
        let python = judged(&[
            ("/build", json!(format!("a\u{1b}[2J{long}"))),
            ("/start_methods", json!(["spawn", "fork", long, "spawn"])),
            ("/missing", json!([long])),
        ])
        .unwrap();
        assert_eq!(python.build.chars().count(), MOST_TEXT + 1);
        assert!(!python.build.contains('\u{1b}'));
        assert_eq!(python.start_methods, ["spawn", "fork"]);
        assert!(python.missing.is_empty());
    }

    #[test]
    fn silence_and_nonsense_are_told() {
        let said = |end, reply: &str, printed: &str| {
            judge(&candidate(), &ended(end, reply, printed)).unwrap_err()
        };
        assert_eq!(
            said(End::Exited(2), "", "\nUnknown option: -I\nusage: …\n"),
            "it is an old Python: trials need CPython 3.9 or newer"
        );
        assert_eq!(
            said(End::Exited(2), "", "no such thing\nusage: …\n"),
            "it ended with exit code 2 and said: no such thing"
        );
        assert_eq!(said(End::TimedOut, "", ""), "it did not answer within 5 s");
        assert_eq!(
            said(End::Exited(0), "", "3.13.2"),
            "it runs no Python program: it ended without an answer and said: 3.13.2"
        );
        assert_eq!(
            said(End::Exited(0), "{\"version\": 3}", ""),
            "it answers as no Python does: {\"version\": 3}"
        );
        let whole = honest().to_string();
        assert_eq!(
            said(End::Exited(1), &whole, ""),
            "it ended with exit code 1"
        );
        let padded = format!("{}{whole}", "{".repeat(MOST_ANSWER));
        assert!(said(End::Exited(0), &padded, "").starts_with("it answers as no Python does: {{{"));
    }

    #[test]
    fn how_it_was_compiled_is_read_from_its_flags() {
        for (configured, flags, debug, optimised, told) in [
            ("", "", false, None, ""),
            ("", "-g -O2 -Wall", false, Some(true), "-O2"),
            ("", "-O3 -O0", false, Some(false), "-O0"),
            ("", "-Og", false, Some(false), "-Og"),
            ("'--with-pydebug'", "-O3", true, Some(false), "debug build"),
            ("'--enable-optimizations'", "", false, Some(true), "PGO"),
            ("'--with-lto=no'", "-O3", false, Some(true), "-O3"),
            (
                "",
                "-O3 -flto=thin -fprofile-use",
                false,
                Some(true),
                "-O3, PGO, LTO",
            ),
        ] {
            assert_eq!(
                optimisation(configured, flags, debug),
                (optimised, told.to_owned()),
                "{configured} {flags}"
            );
        }
    }
}
