//! What a timeline says in words: who computed, who waited for what, and who held up the event loop.

use super::lines::{Line, Section};
use super::{by_share, shares, time};
use crate::analysis::{Breakdown, Part, Report};
use crate::measure::trace::{Activity, Role, Span};
use crate::plot::page::{failed, failed_tasks, title_sentence, with_place};
use crate::units::{format_count, format_ratio, format_share};

/// Cost of tracing from which on it is told.
const TOLD_FROM: f64 = 0.01;
/// Share of the workers' time from which on waits for a core are told.
const NO_CORE_FROM: f64 = 0.1;
/// Share of the run from which on one turn of an event loop holds up the others.
const HOLDS_UP_FROM: f64 = 0.05;

/// Behind a section's name: its place, its workers, how long it took.
pub fn head(section: &Section) -> String {
    let mut parts: Vec<String> = Vec::new();
    if !section.place.is_empty() {
        parts.push(section.place.clone());
    }
    parts.push(workers(section));
    parts.push(time(section.traced.wall_ns));
    parts.extend(busy(section));
    parts.join(" · ")
}

fn workers(section: &Section) -> String {
    let breakdown = section.traced.breakdown.as_ref();
    breakdown.map_or_else(|| "no worker".to_owned(), Breakdown::team)
}

/// How many cores are busy on average, as the system counted it, where there are several workers.
fn busy(section: &Section) -> Option<String> {
    let breakdown = section.traced.breakdown.as_ref()?;
    let wall_ns = breakdown.wall_ns.max(1) as f64;
    let cores = breakdown.part_ns(Part::Computing) as f64 / wall_ns;
    (breakdown.workers > 1).then(|| match cores {
        cores if cores < 0.05 => "hardly a core is busy".to_owned(),
        cores => format!("{cores:.1} cores busy on average"),
    })
}

/// The share of the workers' time that computing waits for a core, where it is not small.
fn no_core(section: &Section) -> Option<f64> {
    let breakdown = section.traced.breakdown.as_ref()?;
    Some(breakdown.share(Part::NoCore)).filter(|share| *share >= NO_CORE_FROM)
}

/// What is to be known beside what is drawn, a sentence each.
pub fn notes(sections: &[Section]) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    let named = |of: &dyn Fn(&Section) -> Option<String>| -> Vec<String> {
        let told = sections.iter().filter_map(|section| {
            let what = of(section)?;
            Some(with_place(&section.name, &section.place) + &what)
        });
        told.collect()
    };
    let frozen = named(&|section| holds_up(section).map(|said| format!(": {said}")));
    if !frozen.is_empty() {
        notes.push(format!("{}.", frozen.join("; ")));
    }
    let no_core = named(&|section| Some(format!(" {}", format_share(no_core(section)?))));
    if !no_core.is_empty() {
        notes.push(format!(
            "Computing includes waiting for a core that others use: of the workers' time {}.",
            no_core.join(", ")
        ));
    }
    notes.extend(failed_tasks(&named(&|section| failed(section.row))));
    let untold = named(&|section| {
        let threads = section.workers() > 1;
        (section.row.has_gil() && threads && !section.traced.trace.tells_gil).then(String::new)
    });
    if !untold.is_empty() {
        notes.push(format!(
            "Waits for the GIL are not told from other waits here: {}.",
            untold.join(", ")
        ));
    }
    let cost = named(&|section| {
        let cost = section.traced.cost.filter(|cost| *cost > TOLD_FROM)?;
        // Within what the timed runs differ by it says nothing.
        let slowest_ns = section.row.wall_ns.as_ref()?.max;
        (section.traced.wall_ns as f64 > slowest_ns).then(|| match cost {
            cost if cost < 1.0 => format!(" by {:.0} %", 100.0 * cost),
            cost => format!(" ({} of it)", format_ratio(1.0 + cost)),
        })
    });
    if !cost.is_empty() {
        notes.push(format!(
            "The traced run took longer than the median timed run: {}.",
            cost.join(", ")
        ));
    }
    let cut = named(&|section| {
        let cut = section.traced.spans_cut;
        (cut > 0).then(|| format!(" {}", format_count(cut)))
    });
    if !cut.is_empty() {
        notes.push(format!(
            "Spans that there was no room for, which only the shares have: {}.",
            cut.join(", ")
        ));
    }
    notes
}

/// The turn that keeps an event loop longest, where that is long beside others that wait.
fn holds_up(section: &Section) -> Option<String> {
    let trace = &section.traced.trace;
    let loops = trace.lanes.iter().filter(|lane| lane.role == Role::Loop);
    let turns = loops.flat_map(|lane| &lane.spans);
    let turns = turns.filter(|span| span.task.is_some());
    let tasks = turns.clone().filter_map(|span| span.task);
    let several = tasks.clone().max() != tasks.min();
    let longest = turns.max_by_key(|span| span.length_ns())?;
    let long = longest.length_ns() as f64 >= HOLDS_UP_FROM * section.traced.wall_ns as f64;
    (several && long).then(|| {
        let does = match longest.activity {
            Activity::Blocked => "blocks",
            _ => "keeps",
        };
        format!(
            "task {} {does} the event loop for {}, and no other task on it goes on meanwhile",
            longest.task.unwrap_or(0),
            time(longest.length_ns())
        )
    })
}

/// The longest wait for a lock, the GIL or a permit; spans that follow each other are one.
fn longest_wait(section: &Section) -> Option<String> {
    let lanes = section.traced.trace.lanes.iter();
    let alike = |a: &Span, b: &Span| (a.activity, a.task) == (b.activity, b.task);
    let waits = lanes.flat_map(|lane| lane.spans.chunk_by(alike));
    let hindered = waits.filter_map(|spans| {
        let (first, last) = (spans.first()?, spans.last()?);
        let hinders = matches!(
            first.activity,
            Activity::Lock | Activity::Limit | Activity::Gil
        );
        hinders.then_some((last.end_ns - first.start_ns, first))
    });
    let (length_ns, span) = hindered.max_by_key(|(length_ns, _)| *length_ns)?;
    let who = match span.task {
        Some(task) => format!(", by task {task}"),
        None => String::new(),
    };
    let what = match span.activity {
        Activity::Gil => "the GIL",
        Activity::Limit => "a permit",
        _ => "a lock",
    };
    Some(format!("longest wait for {what}: {}{who}", time(length_ns)))
}

fn told(section: &Section) -> String {
    let shares: Vec<String> = by_share(&section.totals_ns())
        .iter()
        .map(|(activity, share)| format!("{} {}", format_share(*share), activity.def().title))
        .collect();
    let mut parts = vec![shares.join(", ")];
    let no_core = no_core(section).map(format_share);
    parts.extend(no_core.map(|share| format!("computing includes {share} waiting for a core")));
    parts.extend(busy(section));
    parts.extend(longest_wait(section));
    parts.extend(holds_up(section));
    let place = match section.place.as_str() {
        "" => String::new(),
        place => format!("{place}, "),
    };
    format!(
        "{} ({place}{}, {}): {}",
        section.name,
        workers(section),
        time(section.traced.wall_ns),
        parts.join("; ")
    )
}

/// The result in words.
pub fn alt(report: &Report, sections: &[Section]) -> String {
    let told: Vec<String> = sections
        .iter()
        .map(|section| format!("{}.", told(section)))
        .collect();
    format!(
        "{} Timeline of one traced run, a lane for each worker. {}",
        title_sentence(report),
        told.join(" ")
    )
}

/// The same as lines, with each lane's shares.
pub fn text(report: &Report, sections: &[Section], notes: &[String]) -> String {
    let mut text = format!("{}\n\nTimeline of one traced run\n", title_sentence(report));
    for section in sections {
        text.push_str(&format!("{}\n", told(section)));
        let labels = section
            .lines
            .iter()
            .map(|line| line.label().chars().count());
        let wide = labels.max().unwrap_or(0);
        for line in &section.lines {
            let from = match line {
                Line::Strip(strip) => match (strip.spans.first(), strip.spans.last()) {
                    (Some(first), Some(last)) => {
                        format!("{} to {}: ", time(first.start_ns), time(last.end_ns))
                    }
                    _ => String::new(),
                },
                Line::Bundle(_) => String::new(),
            };
            let shares = shares(line.totals_ns(), f64::INFINITY);
            text.push_str(&format!("  {:wide$}  {from}{shares}\n", line.label()));
        }
    }
    for note in notes {
        text.push_str(&format!("{note}\n"));
    }
    text.trim_end().to_owned()
}
