//! The interpreters that trials can run on, what each lacks, and those that are no good.

use super::{Finding, Mark, Patient};
use crate::host::interpreters::{Interpreter, Source};

/// What only some interpreters have: its name, whether one has it, and how to get one that does.
type Ability = (&'static str, fn(&Interpreter) -> bool, &'static str);

const ABILITIES: &[Ability] = &[
    (
        "subinterpreters",
        |python| python.interpreter_pool,
        "uv python install 3.14, or a distribution's python3.14: InterpreterPoolExecutor came with it",
    ),
    (
        "free-threaded",
        |python| python.free_threaded,
        "uv python install 3.14t, or pyenv install 3.14t: a build without the GIL, to compare with",
    ),
];

pub fn look(patient: &mut Patient) -> Vec<Finding> {
    match patient.lab.interpreters(&patient.stop) {
        Ok(found) => patient.found = found.clone(),
        Err(why) => {
            return vec![Finding::new(
                Mark::Warning,
                "python",
                format!("interpreters can't be asked: {why}"),
                "",
            )];
        }
    }
    let found = &patient.found;
    let mut findings = Vec::new();
    findings.push(match found.choose("python") {
        Ok(python) => Finding::ok(
            "python",
            format!("means {}, {}", python.release(), why(python.source)),
        ),
        Err(why) => Finding::new(Mark::Missing, "python", why, ""),
    });
    for python in found.newest_first() {
        let mark = match python.optimised == Some(false) || !python.missing.is_empty() {
            true => Mark::Warning,
            false => Mark::Ok,
        };
        let said = format!(
            "{} · {}",
            python.path.display(),
            python.remarks().join(" · ")
        );
        let topic = format!("python{}", python.release());
        findings.push(Finding::new(mark, &topic, said, ""));
    }
    for (name, has, remedy) in ABILITIES {
        let having: Vec<String> = found
            .interpreters
            .iter()
            .filter(|python| has(python))
            .map(Interpreter::release)
            .collect();
        findings.push(match having.as_slice() {
            [] => Finding::new(Mark::Missing, name, "no interpreter here has it", *remedy),
            having => Finding::ok(name, having.join(", ")),
        });
    }
    for refused in &found.refused {
        let (mark, remedy) = match refused.source {
            Source::Named => (Mark::Warning, "set CONCLAB_PYTHON to the path of a CPython"),
            _ => (Mark::Unused, ""),
        };
        let said = format!("{}: {}", refused.path.display(), refused.why);
        findings.push(Finding::new(mark, "other Pythons", said, remedy));
    }
    findings
}

/// Why that one is the default.
fn why(source: Source) -> &'static str {
    match source {
        Source::Named => "named in CONCLAB_PYTHON",
        Source::Environment => "of the environment that is active",
        Source::Path => "first on the PATH",
        Source::Elsewhere | Source::Asked => "the newest",
    }
}
