//! Several runtimes in one answer: the part of each, and what may be said across them.
//!
//! Ratios are told within a runtime; across runtimes stand absolute times and how a model fared on each.
//! A [`part`](Report::on) is a report of one runtime alone, with labels that leave the runtime out: what is
//! told of a cell with one runtime is told of a part in the same words.

use super::verdict::{MOST_NAMES, MOST_POINTS, list, place, points};
use super::{Report, Row, Speedup};
use crate::model;
use crate::runtime::Runtime;
use crate::units::{format_ns, format_ratio};

/// Share of the baseline's wall time from which the work is called computing.
pub(super) const COMPUTES_FROM: f64 = 0.85;

/// A label without the runtime that it ends in.
pub fn short<'a>(label: &'a str, runtime: &str) -> &'a str {
    let named = label.strip_suffix(runtime);
    named
        .and_then(|label| label.strip_suffix('@'))
        .unwrap_or(label)
}

impl Row {
    /// Its label without the runtime: what it is called where its runtime is said beside it.
    pub fn short(&self) -> &str {
        short(&self.label, &self.runtime)
    }

    /// Whether one lock lets one thread compute at a time there; not on a free-threaded interpreter.
    pub fn has_gil(&self) -> bool {
        match Runtime::from(self.runtime.clone()) {
            Runtime::Native => false,
            Runtime::Gil => true,
            Runtime::Python(_) => {
                let version = self.runtime_version.as_str();
                !version.contains("free-threaded") || version.contains("GIL on")
            }
        }
    }
}

impl Report {
    /// Names of the runtimes, in the order of the rows.
    pub fn runtimes(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !names.contains(&row.runtime.as_str()) {
                names.push(&row.runtime);
            }
        }
        names
    }

    /// Whether rows of several runtimes stand beside each other.
    pub fn has_runtimes(&self) -> bool {
        self.runtimes().len() > 1
    }

    /// What a runtime is called: "native", "emulated GIL", "python (3.11.7)".
    pub fn runtime_title(&self, runtime: &str) -> String {
        let own = self.rows.iter().filter(|row| row.runtime == runtime);
        let version = own
            .map(|row| row.runtime_version.as_str())
            .find(|version| !version.is_empty());
        let title = Runtime::from(runtime.to_owned()).title().to_owned();
        match version {
            Some(version) => format!("{title} ({})", version.trim_start_matches("CPython ")),
            None => title,
        }
    }

    /// The same where there is something to tell: of several runtimes, or of one that isn't native.
    pub fn only_runtime(&self) -> Option<String> {
        match self.runtimes().as_slice() {
            ["native"] => None,
            [one] => Some(self.runtime_title(one)),
            _ => None,
        }
    }

    /// The part of one runtime, its labels without it.
    pub fn on(&self, runtime: &str) -> Report {
        let mut part = self.clone();
        let shorten = |label: &mut String| *label = short(label, runtime).to_owned();
        part.rows.retain(|row| row.runtime == runtime);
        part.crossovers.retain(|found| found.runtime == runtime);
        part.scaling.retain(|scaling| scaling.runtime == runtime);
        part.winners.retain(|winner| winner.runtime == runtime);
        for row in &mut part.rows {
            shorten(&mut row.label);
            if let Some(speedup) = &mut row.speedup {
                shorten(&mut speedup.over);
            }
        }
        for found in &mut part.crossovers {
            shorten(&mut found.series);
            shorten(&mut found.over);
        }
        for scaling in &mut part.scaling {
            // Where it is its own baseline, that is called by its label and a number.
            match scaling.over.strip_prefix(scaling.series.as_str()) {
                Some(rest) => scaling.over = format!("{}{rest}", short(&scaling.series, runtime)),
                None => shorten(&mut scaling.over),
            }
            shorten(&mut scaling.series);
        }
        for winner in &mut part.winners {
            shorten(&mut winner.label);
            winner.over.iter_mut().for_each(shorten);
            winner.tied.iter_mut().for_each(shorten);
        }
        part
    }
}

/// Rows that are called alike on several runtimes, in the order of the first.
fn alike<'a>(rows: &[&'a Row]) -> Vec<Vec<&'a Row>> {
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|g| g[0].short() == row.short()) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

/// Points that a few sentences can speak of; none along a longer sweep.
fn few_points(report: &Report) -> Vec<Vec<&Row>> {
    let points = points(report);
    match points.len() <= MOST_POINTS {
        true => points,
        false => Vec::new(),
    }
}

/// A model that fared differently from one runtime to another: "threads: 1.9× faster than sequential on
/// native, no clear difference on python (3.11.7)".
pub(super) fn contrast(report: &Report) -> Vec<String> {
    if !report.has_runtimes() {
        return Vec::new();
    }
    let sentence = |rows: Vec<&Row>| {
        let clauses = alike(&rows).into_iter().filter_map(|group| {
            let told: Vec<(&Row, &Speedup)> = group
                .into_iter()
                .filter(|row| row.did_the_work())
                .filter_map(|row| Some((row, row.speedup.as_ref()?)))
                .filter(|(_, speedup)| speedup.high.is_finite())
                .collect();
            let sign = |speedup: &Speedup| match speedup.differs {
                true => speedup.ratio.ln().signum() as i8,
                false => 0,
            };
            let (first, rest) = told.split_first()?;
            let differs = rest.iter().any(|(_, s)| sign(s) != sign(first.1));
            differs.then(|| format!("{}: {}", first.0.short(), fared(report, &told)))
        });
        let mut clauses: Vec<String> = clauses.collect();
        let hidden = clauses.len().saturating_sub(MOST_NAMES);
        clauses.truncate(MOST_NAMES);
        if hidden > 0 {
            clauses.push(format!("{hidden} more differ too"));
        }
        let place = place(rows[0]);
        (!clauses.is_empty()).then(|| format!("{place}{}.", clauses.join("; ")))
    };
    few_points(report)
        .into_iter()
        .filter_map(sentence)
        .collect()
}

/// How one model fared on each runtime, those that are alike together.
fn fared(report: &Report, told: &[(&Row, &Speedup)]) -> String {
    let mut clauses: Vec<(String, Vec<String>)> = Vec::new();
    let mut said: Option<String> = None;
    for (row, speedup) in told {
        let over = short(&speedup.over, &row.runtime);
        let than = match said.as_deref() == Some(over) {
            true => String::new(),
            false => over.to_owned(),
        };
        let words = match (speedup.differs, speedup.ratio > 1.0, than.as_str()) {
            (false, ..) => "no clear difference".to_owned(),
            (true, true, "") => format!("{} faster", format_ratio(speedup.ratio)),
            (true, true, than) => format!("{} faster than {than}", format_ratio(speedup.ratio)),
            (true, false, "") => format!("{} as long", format_ratio(1.0 / speedup.ratio)),
            (true, false, than) => {
                format!("{} as long as {than}", format_ratio(1.0 / speedup.ratio))
            }
        };
        if speedup.differs {
            said = Some(over.to_owned());
        }
        let title = report.runtime_title(&row.runtime);
        match clauses.iter_mut().find(|(known, _)| *known == words) {
            Some((_, titles)) => titles.push(title),
            None => clauses.push((words, vec![title])),
        }
    }
    let told = clauses
        .iter()
        .map(|(words, titles)| format!("{words} on {}", list(titles)));
    told.collect::<Vec<_>>().join(", ")
}

/// Absolute times of models that ran on several runtimes: no ratio, and no winner.
pub(super) fn across(report: &Report) -> Vec<String> {
    if !report.has_runtimes() {
        return Vec::new();
    }
    let sentence = |rows: Vec<&Row>| {
        let measured: Vec<&Row> = rows
            .iter()
            .copied()
            .filter(|row| row.did_the_work() && row.wall_ns.is_some())
            .collect();
        let groups = alike(&measured);
        let hidden = groups.len().saturating_sub(MOST_NAMES);
        let mut clauses: Vec<String> = groups
            .iter()
            .take(MOST_NAMES)
            .map(|group| {
                let times = group.iter().filter_map(|row| {
                    let wall = format_ns(row.wall_ns.as_ref()?.median);
                    Some(format!("{wall} on {}", report.runtime_title(&row.runtime)))
                });
                let times: Vec<String> = times.collect();
                format!("{} {}", group[0].short(), times.join(", "))
            })
            .collect();
        if hidden > 0 {
            clauses.push(format!("the table has {hidden} more"));
        }
        let place = place(rows[0]);
        (!clauses.is_empty()).then(|| format!("{place}median wall times: {}.", clauses.join("; ")))
    };
    let mut sentences: Vec<String> = few_points(report)
        .into_iter()
        .filter_map(sentence)
        .map(capital)
        .collect();
    if report.calibrated && !sentences.is_empty() {
        sentences.push(
            "`cpu` is made to take as long on every runtime, so these times don't say which of them \
             computes faster."
                .to_owned(),
        );
    }
    sentences
}

/// A sentence that begins with a word of our own.
fn capital(sentence: String) -> String {
    match sentence.strip_prefix("median") {
        Some(rest) => format!("Median{rest}"),
        None => sentence,
    }
}

/// Whether a model computes on several threads of one process.
fn on_threads(row: &Row) -> bool {
    let def = model::find(&row.model).map(|model| model.def());
    let several = def.is_some_and(|def| !def.single_threaded && !def.uses_processes);
    several && row.model != "interpreters"
}

/// Why threads gained nothing, or did gain, where the work computes: by what was measured on each runtime
/// with a lock of its interpreter, or without it where interpreters as a rule have one.
pub(super) fn interpreter_lock(report: &Report) -> Vec<String> {
    if points(report).len() != 1 || report.machine.usable_cpus < 2 {
        return Vec::new();
    }
    let mut told: Vec<([String; 2], Vec<String>)> = Vec::new();
    for runtime in report.runtimes() {
        let Some(reason) = reason(&report.on(runtime)) else {
            continue;
        };
        let title = report.runtime_title(runtime);
        match told.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, titles)) => titles.push(title),
            None => told.push((reason, vec![title])),
        }
    }
    let sentences = told.into_iter().map(|([happened, why], titles)| {
        let place = match report.has_runtimes() {
            true => format!(" on {}", list(&titles)),
            false => String::new(),
        };
        format!("{happened}{place}: {why}.")
    });
    sentences.collect()
}

/// What happened to the threads of one runtime's part, and why; `None` where that isn't the lock's doing.
fn reason(part: &Report) -> Option<[String; 2]> {
    let serial = part.rows.iter().find(|row| row.model == "sequential")?;
    let (wall, cpu) = serial.wall_ns.as_ref().zip(serial.cpu_ns.as_ref())?;
    if cpu.min < COMPUTES_FROM * wall.min || wall.median < 1e6 {
        return None;
    }
    let compared = part.rows.iter().filter_map(|row| {
        let speedup = row.speedup.as_ref().filter(|_| row.did_the_work())?;
        let paired = speedup.high.is_finite() && speedup.over == serial.label;
        paired.then_some((row, speedup.differs && speedup.ratio > 1.0))
    });
    let (faster, others): (Vec<_>, Vec<_>) = compared.partition(|(_, faster)| *faster);
    let named = |rows: &[(&Row, bool)], is: &dyn Fn(&Row) -> bool| {
        let own = rows.iter().filter(|(row, _)| is(row));
        own.map(|(row, _)| row.label.clone()).collect::<Vec<_>>()
    };
    let gaining = named(&faster, &on_threads);
    let flat = named(&others, &on_threads);
    if !serial.has_gil() {
        let told = serial.runtime != "native" && !gaining.is_empty();
        return told.then(|| {
            [
                format!("{} computed at the same time", list(&gaining)),
                "this build of Python is free-threaded, it has no GIL".to_owned(),
            ]
        });
    }
    // Where some threads gain, what is computed gives the lock up.
    if flat.is_empty() || !gaining.is_empty() {
        return None;
    }
    let helps = match named(&faster, &|row| !on_threads(row)) {
        names if !names.is_empty() => format!("{} did, with a lock each", list(&names)),
        _ if serial.runtime == "gil" => "processes have a lock each".to_owned(),
        _ => {
            "processes have a lock each, and so have interpreters (from Python 3.14 on)".to_owned()
        }
    };
    Some([
        format!("{} did not compute faster", list(&flat)),
        format!("the GIL lets one thread compute at a time; {helps}"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_loses_its_runtime_and_nothing_else() {
        assert_eq!(short("threads@python3.14", "python3.14"), "threads");
        assert_eq!(short("threads@python", "python3.14"), "threads@python");
        assert_eq!(short("my pool", "gil"), "my pool");
        assert_eq!(short("gil", "gil"), "gil");
    }
}
