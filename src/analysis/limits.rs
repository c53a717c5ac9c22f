//! What limited each row: by its traced run, which says where workers × wall went; where nothing was traced,
//! by CPU time beside wall time alone.
//!
//! [`causes`](super::causes) finds them; here they get their words.

use super::causes::{Cause, MAIN, SECOND, Share, causes};
use super::verdict::{MOST_POINTS, list, place, points};
use super::{Report, Row, Summary, runtimes};

/// Shortest run of which anything is told: a shorter one is the trace's own doing.
const SHORTEST_NS: u64 = 1_000_000;

/// What is told of a row.
struct Told<'a> {
    row: &'a Row,
    /// The main one, and a second where that matters.
    causes: Vec<Share>,
    /// Whether the first of them is the main one, more than all others together.
    is_clear: bool,
    cores: f64,
}

/// The sentences: of traced runs where there are any.
pub(super) fn limits(report: &Report) -> Vec<String> {
    let points = points(report);
    let chosen: Vec<&Vec<&Row>> = match points.len() > MOST_POINTS {
        true => points.iter().take(1).chain(points.last()).collect(),
        false => points.iter().collect(),
    };
    let sentences = chosen.into_iter().filter_map(|rows| {
        let cpus = report.machine.usable_cpus;
        let told: Vec<Told> = rows.iter().filter_map(|row| told(row, cpus)).collect();
        (!told.is_empty()).then(|| format!("{}{}", place(rows[0]), sentence(&told, cpus)))
    });
    let sentences: Vec<String> = sentences.collect();
    match sentences.is_empty() {
        true => by_cpu_time(report),
        false => sentences,
    }
}

/// What is told of a row; `None` where its trace is none to tell of.
fn told(row: &Row, cpus: u32) -> Option<Told<'_>> {
    let traced = row.traced.as_ref().filter(|_| row.did_the_work())?;
    if traced.wall_ns < SHORTEST_NS {
        return None;
    }
    let found = causes(row, traced, cpus)?;
    let mut causes = found.shares;
    causes.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let active: f64 = causes.iter().map(|(_, share)| share).sum();
    if let Some(main) = found.main {
        causes.retain(|(cause, _)| *cause != main.0);
        causes.insert(0, main);
    }
    let (main, largest) = *causes.first().filter(|(_, share)| *share > 0.0)?;
    let is_clear = found.main.is_some() || largest >= MAIN * active;
    let most = match (is_clear, main.is_alone()) {
        (true, true) => 1,
        (true, false) => 2,
        (false, _) => 3,
    };
    let mut is_first = true;
    causes.retain(|(_, share)| std::mem::take(&mut is_first) || *share >= SECOND * active);
    causes.truncate(most);
    Some(Told {
        row,
        causes,
        is_clear,
        cores: found.cores,
    })
}

/// Whether the GIL is what clearly limited a row.
pub(super) fn by_gil(row: &Row, cpus: u32) -> bool {
    told(row, cpus).is_some_and(|told| {
        told.is_clear && matches!(told.causes[0].0, Cause::Gil | Cause::GilTurns)
    })
}

impl Cause {
    /// Behind "was limited by", with what was measured of it.
    fn words(self, group: &[&Told], share: &str, cpus: u32) -> String {
        let time = time(group);
        match self {
            Cause::Cpu => format!("the CPU ({} of {cpus} cores busy)", cores(group)),
            Cause::Computing => format!("computing ({} of {cpus} cores busy)", cores(group)),
            Cause::OneLoop => format!("the one core of its event loop (busy {share} of the run)"),
            Cause::OneWorker => {
                format!("one worker that had nearly all of the work (computing {share} of the run)")
            }
            Cause::OneTask => format!("one long task (it took {share} of the run)"),
            Cause::OneCore => format!("the speed of one core (busy {share} of the time)"),
            Cause::Workers => format!(
                "the number of workers (computing {share} of {time}, on {} of {cpus} cores)",
                cores(group)
            ),
            Cause::NoCore => format!(
                "other programs on the cores ({} of {cpus} were its own)",
                cores(group)
            ),
            Cause::Waiting => format!("waiting ({share} of {time})"),
            Cause::WaitingInTurn => {
                format!("waiting for one thing after the other ({share} of {time})")
            }
            Cause::WaitingInWorkers => {
                format!("waiting, as many tasks at a time as there are workers ({share} of {time})")
            }
            Cause::WaitingOrGil => {
                format!("waiting, for the GIL or for something else ({share} of {time})")
            }
            Cause::TasksWait => {
                format!(
                    "waiting: its event loop was idle, for all its tasks wait ({share} of {time})"
                )
            }
            Cause::BlockedOrGil => format!(
                "other threads of the same process that hold the GIL, or calls that block the event loop ({share} of {time})"
            ),
            Cause::Blocked => format!("calls that block the event loop ({share} of {time})"),
            Cause::Gil => format!("the GIL (waiting for it {share} of {time})"),
            Cause::GilTurns => {
                format!("the GIL (one thread computes at a time, for {share} of the run)")
            }
            Cause::Lock => format!("a lock (waiting for it {share} of {time})"),
            Cause::Limit => format!("`limits` (waiting for a permit {share} of {time})"),
            Cause::StartUp => format!("start-up ({share} of {time})"),
            Cause::Creating => {
                format!("creating its workers, one after the other ({share} of {time})")
            }
            Cause::Feeding => {
                format!("handing out tasks (one thread is busy with that for {share} of the run)")
            }
            Cause::Unfed => {
                format!("how soon tasks reach its workers (idle {share} of {time})")
            }
            Cause::Transfer => format!("sending tasks and results ({share} of {time})"),
            Cause::Idle => format!("too little to do for so many workers (idle {share} of {time})"),
        }
    }

    /// Beside others of its like: "computing 45 %".
    fn word(self) -> &'static str {
        match self {
            Cause::Cpu
            | Cause::Computing
            | Cause::OneCore
            | Cause::OneLoop
            | Cause::OneWorker
            | Cause::OneTask
            | Cause::Workers => "computing",
            Cause::NoCore => "computing, as far as other programs let it",
            Cause::Waiting | Cause::WaitingInTurn | Cause::WaitingInWorkers | Cause::TasksWait => {
                "waiting"
            }
            Cause::WaitingOrGil => "waiting, for the GIL or for something else",
            Cause::Blocked => "calls that block the loop",
            Cause::BlockedOrGil => "threads that hold the GIL, or calls that block the loop",
            Cause::Gil | Cause::GilTurns => "waiting for the GIL",
            Cause::Lock => "waiting for a lock",
            Cause::Limit => "waiting for a permit",
            Cause::StartUp => "start-up",
            Cause::Creating => "creating workers",
            Cause::Feeding => "handing out tasks",
            Cause::Unfed => "waiting for tasks",
            Cause::Transfer => "sending tasks and results",
            Cause::Idle => "nothing, for want of tasks",
        }
    }
}

/// Whose time shares are of.
fn time(group: &[&Told]) -> String {
    let breakdown = |told: &Told| told.row.traced.as_ref()?.breakdown.clone();
    match group {
        [one] => match breakdown(one) {
            Some(parts) if parts.workers == 1 => "its time".to_owned(),
            Some(parts) if (1..parts.workers).contains(&parts.loops) => {
                format!("the time of {}", parts.team())
            }
            _ => "its workers' time".to_owned(),
        },
        _ if group
            .iter()
            .all(|one| breakdown(one).is_some_and(|b| b.workers == 1)) =>
        {
            "their time".to_owned()
        }
        _ => "their workers' time".to_owned(),
    }
}

/// "1.9", "1.8–1.9"
fn cores(group: &[&Told]) -> String {
    let cores: Vec<String> = group
        .iter()
        .map(|told| format!("{:.1}", told.cores))
        .collect();
    range(&cores)
}

/// The first and the last in order, where they differ.
fn range(texts: &[String]) -> String {
    let lowest = texts.iter().min_by(|a, b| number(a).total_cmp(&number(b)));
    let highest = texts.iter().max_by(|a, b| number(a).total_cmp(&number(b)));
    match (lowest, highest) {
        (Some(low), Some(high)) if low != high => format!("{low}–{high}"),
        (Some(low), _) => low.clone(),
        _ => String::new(),
    }
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or(0.0)
}

/// "98 %", "97–99 %": of the cause that stands at `index` of each.
fn shares(group: &[&Told], index: usize) -> String {
    let shares = group.iter().filter_map(|told| told.causes.get(index));
    let shares: Vec<String> = shares
        .map(|(_, share)| format!("{:.0}", share * 100.0))
        .collect();
    format!("{} %", range(&shares))
}

/// "threads and thread-pool were limited by the CPU (1.9 of 2 cores busy); async by waiting (98 %)."
fn sentence(told: &[Told], cpus: u32) -> String {
    let mut groups: Vec<Vec<&Told>> = Vec::new();
    let kinds =
        |told: &Told| -> Vec<Cause> { told.causes.iter().map(|(cause, _)| *cause).collect() };
    for row in told {
        let alike = |group: &&mut Vec<&Told>| {
            group[0].is_clear == row.is_clear && kinds(group[0]) == kinds(row)
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    // Sentences about a main cause share their verb.
    groups.sort_by_key(|group| !group[0].is_clear);
    let mut said = false;
    let clauses = groups.iter().map(|group| {
        let labels: Vec<String> = group.iter().map(|told| told.row.label.clone()).collect();
        let (names, first) = (list(&labels), group[0]);
        if !first.is_clear {
            let parts = first.causes.iter().enumerate();
            let parts: Vec<String> = parts
                .map(|(index, (cause, _))| format!("{} ({})", cause.word(), shares(group, index)))
                .collect();
            return format!("{names} spent {} on {}", time(group), list(&parts));
        }
        let was = match (said, group.len()) {
            (true, _) => "",
            (false, 1) => " was limited",
            (false, _) => " were limited",
        };
        said = true;
        let main = first.causes[0].0.words(group, &shares(group, 0), cpus);
        let second = first.causes.get(1).map_or(String::new(), |(cause, _)| {
            format!(", beside {} ({})", cause.word(), shares(group, 1))
        });
        format!("{names}{was} by {main}{second}")
    });
    format!("{}.", clauses.collect::<Vec<_>>().join("; "))
}

/// What the baseline's time goes to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Limit {
    Computing,
    Waiting,
    Both,
}

/// What the baseline's time went to: only what CPU time beside wall time shows. Once for all runtimes where
/// they agree.
fn by_cpu_time(report: &Report) -> Vec<String> {
    // Several points can differ in this; one sentence must not speak for all of them.
    if points(report).len() != 1 {
        return Vec::new();
    }
    let found = report.runtimes().into_iter().filter_map(|runtime| {
        let own = |row: &&Row| row.runtime == runtime && row.model == "sequential";
        let row = report
            .rows
            .iter()
            .filter(own)
            .find(|row| row.wall_ns.is_some())?;
        let (wall, cpu) = row.wall_ns.as_ref().zip(row.cpu_ns.as_ref())?;
        // By the fastest run: in slower ones it may have waited for a core, which is not the work's doing.
        let share = cpu.min / wall.min;
        let limit = match share {
            share if share >= runtimes::COMPUTES_FROM => Limit::Computing,
            share if share <= 0.15 => Limit::Waiting,
            _ => Limit::Both,
        };
        // What neither computed nor gave up its core stood in line for one: that is the machine's doing.
        let switches = |of: &Option<Summary>| of.as_ref().map_or(0.0, |switches| switches.median);
        let starved = switches(&row.involuntary_switches) > switches(&row.voluntary_switches);
        if limit != Limit::Computing && starved {
            return None;
        }
        (wall.median >= 1e6).then_some((row, share, limit))
    });
    let found: Vec<(&Row, f64, Limit)> = found.collect();
    let agree = found.iter().all(|(.., limit)| *limit == found[0].2);
    let told = if agree {
        found.len().min(1)
    } else {
        found.len()
    };
    let sentences = found[..told].iter().map(|(row, share, limit)| {
        let percent = format!("{:.0} %", (share * 100.0).min(100.0));
        match limit {
            Limit::Computing => format!(
                "The work is CPU-bound (CPU time is {percent} of {}'s wall time): only more cores help, and {} to use.",
                row.label,
                match report.machine.usable_cpus {
                    1 => "here is just one".to_owned(),
                    cpus => format!("this machine has {cpus}"),
                }
            ),
            Limit::Waiting => format!(
                "The work is waiting (CPU time is {percent} of {}'s wall time): waits can overlap on a single \
                 core.",
                row.label
            ),
            Limit::Both => format!(
                "The work is mixed: {percent} of {}'s wall time is computing, the rest waiting.",
                row.label
            ),
        }
    });
    sentences.collect()
}
