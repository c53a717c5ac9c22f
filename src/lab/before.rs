//! What is looked at before the first run: files that a cell names, and the Python that stands in it.
//!
//! To look at something else: a function here that returns what is wrong, and its call in [`super::Lab::race`].

use super::files::{self, Fault};
use super::trials::Trials;
use crate::diagnostic::{Diagnostic, Span};
use crate::experiment::{CellSource, Experiment};
use crate::program::{Code, Op};
use crate::spec::{line_of, place_of};
use serde::Deserialize;
use std::path::Path;

/// Reads texts as a list in JSON, and says of each where Python stumbles. Warnings are the runs' to tell.
pub const COMPILE: &str = "\
import json, sys, warnings
warnings.simplefilter('ignore')
def fault(text):
    try:
        compile(text, 'cell', 'exec', dont_inherit=True)
    except SyntaxError as error:
        return {'kind': type(error).__name__, 'message': str(error.msg), 'line': error.lineno or 1,
                'column': error.offset or 1, 'says': error.text or ''}
    except Exception:
        pass
print(json.dumps([fault(text) for text in json.load(sys.stdin)]))
";

/// Where Python stumbles in a text.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SyntaxFault {
    /// Name of the exception.
    kind: String,
    message: String,
    /// From 1, in the text.
    line: u64,
    /// From 1, in characters.
    column: u64,
    /// The line itself.
    says: String,
}

/// Files that can't be written or read.
pub fn wrong_files(experiment: &Experiment) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let mut look = |key: &str, value: &str, fault: Option<Fault>| {
        let place = place_of(&experiment.source, key, value);
        problems.extend(fault.map(|fault| problem(place, fault)));
    };
    if let Some(path) = &experiment.save {
        look("save", path, files::unwritable(Path::new(path)));
    }
    for code in codes(experiment) {
        if let Code::File { path, .. } = code {
            look("file", &path.to_string_lossy(), files::unreadable(&path));
        }
    }
    problems
}

/// Why the file of `save = "…"`, alone in its cell, can't be written.
pub fn unwritable(cell: &str, path: &str) -> Option<Diagnostic> {
    let source = CellSource {
        texts: vec![cell.to_owned()],
        defaults: String::new(),
    };
    let fault = files::unwritable(Path::new(path))?;
    Some(problem(place_of(&source, "save", path), fault))
}

fn problem(place: Span, fault: Fault) -> Diagnostic {
    Diagnostic::new(place, fault.why, fault.help)
}

/// Python that none of the interpreters of the experiment reads: what only some of them read, their rows tell.
pub fn wrong_python(experiment: &Experiment, trials: &Trials) -> Vec<Diagnostic> {
    let codes = codes(experiment);
    let texts: Vec<(&str, u64)> = codes
        .iter()
        .filter_map(|code| match code {
            Code::Text { text, line, .. } => Some((text.as_str(), *line)),
            Code::File { .. } => None,
        })
        .collect();
    if texts.is_empty() {
        return Vec::new();
    }
    let said = trials.syntax_faults(&texts.iter().map(|(text, _)| *text).collect::<Vec<_>>());
    let problem = |(number, (text, first)): (usize, &(&str, u64))| {
        let found: Option<Vec<&SyntaxFault>> = said
            .iter()
            .map(|(_, faults)| faults.get(number)?.as_ref())
            .collect();
        let fault = *found?.first()?;
        let (version, _) = said.first()?;
        let all = place_of(&experiment.source, "python", text);
        let line = first + fault.line.saturating_sub(1);
        Some(Diagnostic::new(
            line_of(&experiment.source, all, line, fault.column, &fault.says),
            format!(
                "{version} can't read this: {} ({})",
                fault.message, fault.kind
            ),
            "correct it; a cell's Python is read before anything runs",
        ))
    };
    texts.iter().enumerate().filter_map(problem).collect()
}

/// The author's code of an experiment, each once.
fn codes(experiment: &Experiment) -> Vec<Code> {
    let mut codes: Vec<Code> = Vec::new();
    let groups = experiment
        .points
        .iter()
        .flat_map(|point| &point.program.groups);
    for op in groups.flat_map(|group| &group.ops) {
        op.walk(1, &mut |op, _| {
            if let Op::Python { code } = op
                && !codes.contains(code)
            {
                codes.push(code.clone());
            }
        });
    }
    codes
}
