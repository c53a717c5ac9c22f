//! The shape of a definition: what a step, a model, a figure or a key of a cell says about itself.
//!
//! These are plain data. The parser, the help, completion, hover text and the reference page all read
//! the same rows, so a thing is described once. The rows themselves stand with what they describe
//! (`step/`, `model/`, `plot/`, `spec/`); [`crate::catalog`] brings them together.

/// What kind of value a step, a setting or a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// A time with its unit, such as `"50ms"`.
    Duration,
    /// A size with its unit, such as `"64KiB"`.
    Size,
    /// A whole number.
    Count,
    /// One of a fixed list of words.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// Free text.
    Text,
    /// A time, or a text of another kind in its place.
    DurationOr(TextForm),
    /// A program and its arguments: a list of texts.
    Command,
    /// Python: its text, or the table of a file and a function in it.
    Code,
    /// Something with a grammar of its own (a step, a list of models); `doc` tells.
    Structure,
}

/// What a text may be where a time could stand too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextForm {
    /// `http://…` or `https://…`.
    Url,
    /// A statement, or several with `;` between them.
    Sql,
}

/// A key of a cell, of a step or of a model.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// As it is written in a cell.
    pub name: &'static str,
    /// What it takes.
    pub quantity: Quantity,
    /// The default as a reader would write it; empty where there is none.
    pub default: &'static str,
    /// Smallest and largest value allowed, in the quantity's base unit (ns, bytes, 1).
    pub range: (u64, u64),
    /// One or two sentences.
    pub doc: &'static str,
    /// A line to paste; for what stands in a step's or a model's table, the whole table.
    pub example: &'static str,
}

/// What a step does with its thread, which is what decides how the models differ on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Keeps a core busy.
    Compute,
    /// Waits without a core; an event loop serves others meanwhile.
    Wait,
    /// Waits and keeps its thread, even under an event loop.
    Block,
    /// Holds memory or shares it.
    Memory,
}

/// A step: one verb of the cell language.
#[derive(Clone, Copy, Debug)]
pub struct StepDef {
    /// The key of the step's table: `{ verb = value }`.
    pub verb: &'static str,
    /// See [`Family`].
    pub family: Family,
    /// What the verb takes.
    pub quantity: Quantity,
    /// Smallest and largest value allowed, in the quantity's base unit.
    pub range: (u64, u64),
    /// One line: what a task does.
    pub summary: &'static str,
    /// A paragraph: what exactly happens, also under `async`.
    pub doc: &'static str,
    /// A step to paste.
    pub example: &'static str,
    /// What a Python programmer would write for it.
    pub python: &'static str,
    /// Keys beside the verb; `example` of each is a whole step.
    pub settings: &'static [Setting],
}

/// A concurrency model.
#[derive(Clone, Copy, Debug)]
pub struct ModelDef {
    /// As it is written in `models`.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// A paragraph: what is created, who runs the tasks, what is inside the clock.
    pub doc: &'static str,
    /// The Python counterpart.
    pub python: &'static str,
    /// Keys of its table beside those that every model takes.
    pub settings: &'static [Setting],
    /// Whether one operating-system thread does all the work (an event loop, or plain sequence).
    pub single_threaded: bool,
    /// Whether whole tasks run in processes of their own.
    pub uses_processes: bool,
}

/// A runtime: what executes the operations.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeDef {
    /// As it is written in `runtime` and behind the `@` of a model.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// What it does, what it shows and what it leaves out.
    pub doc: &'static str,
}

/// A figure of the answer.
#[derive(Clone, Copy, Debug)]
pub struct FigureDef {
    /// As it is written in `plot`.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// A paragraph: what is on each axis, and what to look for.
    pub doc: &'static str,
    /// What is said where there is nothing to draw of it.
    pub needs: &'static str,
}

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Less of it.
    Lower,
    /// More of it.
    Higher,
    /// It depends on what one wants.
    Neither,
}

/// What it takes to believe a comparison of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// It varies from run to run: the interval over the runs, paired by block, must say so.
    Interval,
    /// It is read a few times: every reading must say so.
    Readings,
    /// It is counted: every run must say so, and a single run refutes it.
    Count,
    /// There is one reading, which must say so clearly.
    Single,
}

/// A measured quantity: how it is called in tables, and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricDef {
    /// As claims write it.
    pub name: &'static str,
    /// Heading of a table's column.
    pub title: &'static str,
    /// `"ns"`, `"bytes"`, `"ratio"`, `"share"`, `"1/s"` or `"count"`: two metrics of one unit can be compared.
    pub unit: &'static str,
    /// Which way it is better.
    pub better: Better,
    /// What a claim about it needs.
    pub evidence: Evidence,
    /// What is counted, from when to when, and how it is read.
    pub doc: &'static str,
}

/// The name of `candidates` that is nearest to `word`, where one is near enough to be meant.
///
/// Distance is Damerau–Levenshtein with adjacent transpositions (Damerau 1964); near enough is a third
/// of the word's length, at least 1.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > 64 {
        return None;
    }
    let folded = fold(word);
    let allowed = (folded.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `Thread_Pool` and `thread pool` are `thread-pool` to a reader.
fn fold(word: &str) -> String {
    word.trim().to_lowercase().replace(['_', ' '], "-")
}

fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let substitution = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = substitution.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let models = ["sequential", "threads", "thread-pool", "async"];
        assert_eq!(nearest("thraeds", models), Some("threads"));
        assert_eq!(nearest("Thread_Pool", models), Some("thread-pool"));
        assert_eq!(nearest("banana", models), None);
        assert_eq!(nearest("", models), None);
    }
}
