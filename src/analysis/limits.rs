//! What limited each row: by its traced run, which says where workers × wall went; where nothing was traced,
//! by CPU time beside wall time alone.
//!
//! To tell another cause: a variant of [`Cause`], its line in [`causes`] and its words in [`Cause::words`].

use super::traced::{Part, Traced};
use super::verdict::{MOST_POINTS, list, place, points};
use super::{Report, Row, Summary, runtimes};
use crate::measure::trace::{Activity, Lane, Role};
use crate::model;

/// Share of the time in which a row's workers had something to do from which one cause is the main one.
const MAIN: f64 = 0.5;
/// The same from which a second cause is worth a word.
const SECOND: f64 = 0.2;
/// Share of the cores that it could have used below which a row was kept from them.
const FEW_CORES: f64 = 0.7;
/// Shortest run of which anything is told: a shorter one is the trace's own doing.
const SHORTEST_NS: u64 = 1_000_000;

/// What kept workers from being done sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// All cores were busy.
    Cpu,
    /// It computed on one thread.
    OneCore,
    /// All its workers computed, and there were more cores than those.
    Workers,
    /// It was ready to compute, and something else was on the cores.
    NoCore,
    Waiting,
    /// One wait after the other, on one thread.
    WaitingInTurn,
    /// As many waits at a time as there are workers, of more tasks.
    WaitingInWorkers,
    /// Of threads that share an interpreter whose lock can't be told from what else they wait for.
    WaitingOrGil,
    Blocked,
    Gil,
    Lock,
    Limit,
    StartUp,
    Transfer,
    /// Fewer tasks than workers.
    Idle,
}

/// A cause and its share of workers × wall.
type Share = (Cause, f64);

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
    let mut causes = causes(row, traced, cpus)?;
    causes.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let active: f64 = causes.iter().map(|(_, share)| share).sum();
    let (_, largest) = *causes.first().filter(|(_, share)| *share > 0.0)?;
    let is_clear = largest >= MAIN * active;
    let most = if is_clear { 2 } else { 3 };
    let mut is_first = true;
    causes.retain(|(_, share)| std::mem::take(&mut is_first) || *share >= SECOND * active);
    causes.truncate(most);
    let computing_ns = traced.breakdown.as_ref()?.part_ns(Part::Computing);
    Some(Told {
        row,
        causes,
        is_clear,
        cores: computing_ns as f64 / traced.wall_ns as f64,
    })
}

/// Whether the GIL is what clearly limited a row.
pub(super) fn by_gil(row: &Row, cpus: u32) -> bool {
    told(row, cpus).is_some_and(|told| told.is_clear && told.causes[0].0 == Cause::Gil)
}

/// Every cause with its share of workers × wall. What a worker did before others were done is none, unless
/// it had nothing to do from the start.
fn causes(row: &Row, traced: &Traced, cpus: u32) -> Option<Vec<Share>> {
    let parts = traced.breakdown.as_ref()?;
    let trace = &traced.trace;
    let def = model::find(&row.model).map(|model| model.def());
    let has_loop = trace.workers().any(|lane| lane.role == Role::Loop);
    let alone = parts.workers == 1;
    // More threads than cores wait for one as well, but then all cores are theirs.
    let on_cores = parts.part_ns(Part::Computing) as f64 / parts.wall_ns as f64;
    let kept_away = parts.share(Part::NoCore) > parts.share(Part::Computing)
        && on_cores < FEW_CORES * f64::from(parts.workers.min(cpus));
    let computing = match (alone, parts.workers < cpus) {
        _ if kept_away => Cause::NoCore,
        (true, _) => Cause::OneCore,
        // All of one process's threads share a core where they share a lock.
        (false, true) if !row.has_gil() || def.is_some_and(|def| def.uses_processes) => {
            Cause::Workers
        }
        _ => Cause::Cpu,
    };
    let threads = !alone && row.has_gil() && !def.is_some_and(|def| def.uses_processes);
    let waiting = match (has_loop, alone) {
        (false, false) if threads && !trace.tells_gil => Cause::WaitingOrGil,
        (true, _) => Cause::Waiting,
        (false, true) => Cause::WaitingInTurn,
        (false, false) if u64::from(parts.workers) < row.tasks.all() => Cause::WaitingInWorkers,
        (false, false) => Cause::Waiting,
    };
    let locks = |activity| -> u64 { trace.workers().map(|lane| lane.total_ns(activity)).sum() };
    let lock = match locks(Activity::Limit) > locks(Activity::Lock) {
        true => Cause::Limit,
        false => Cause::Lock,
    };
    // An idle loop is one whose tasks all wait: for what, they say.
    let whole_ns = f64::from(parts.workers) * parts.wall_ns as f64;
    let loops = trace.workers().filter(|lane| lane.role == Role::Loop);
    let idle_loop_ns: u64 = loops.map(|lane| lane.total_ns(Activity::Idle)).sum();
    let idle_loop = (idle_loop_ns as f64 / whole_ns).min(parts.share(Part::Idle));
    let idle_rest = parts.share(Part::Idle) - idle_loop;
    // While a pool beside the loop has the work, the loop's tasks wait for that.
    let pool = || trace.workers().filter(|lane| lane.role == Role::Worker);
    let pool_ns: u64 = pool().map(Lane::life_ns).sum();
    let idle_pool_ns: u64 = pool().map(|lane| lane.total_ns(Activity::Idle)).sum();
    let idle_loop = match has_loop && pool_ns > 0 {
        true => idle_loop * idle_pool_ns as f64 / pool_ns as f64,
        false => idle_loop,
    };
    let mut shares = vec![
        (
            computing,
            parts.share(Part::Computing) + parts.share(Part::NoCore),
        ),
        (waiting, parts.share(Part::Waiting)),
        (Cause::Blocked, parts.share(Part::Blocked)),
        (Cause::Gil, parts.share(Part::Gil)),
        (lock, parts.share(Part::Lock)),
        (Cause::StartUp, parts.share(Part::StartUp)),
        (Cause::Transfer, parts.share(Part::Transfer)),
    ];
    if let Some(cause) = what_tasks_wait_for(traced).filter(|_| idle_loop > 0.0) {
        match shares.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, share)) => *share += idle_loop,
            None => shares.push((cause, idle_loop)),
        }
    }
    // Else the queue is empty at the end alone, while the last tasks run.
    if idle_rest > MAIN && !has_loop {
        shares.push((Cause::Idle, idle_rest));
    }
    Some(shares)
}

/// What the tasks of an event loop wait for most; `None` where they don't wait.
fn what_tasks_wait_for(traced: &Traced) -> Option<Cause> {
    let waits = [
        (Cause::Waiting, Activity::Waiting),
        (Cause::Lock, Activity::Lock),
        (Cause::Limit, Activity::Limit),
    ];
    let waits = waits.map(|(cause, activity)| (cause, traced.tasks_ns[activity as usize]));
    let (cause, ns) = waits.into_iter().max_by_key(|(_, ns)| *ns)?;
    (ns > 0).then_some(cause)
}

impl Cause {
    /// Behind "was limited by", with what was measured of it.
    fn words(self, group: &[&Told], share: &str, cpus: u32) -> String {
        let time = time(group);
        match self {
            Cause::Cpu => format!("the CPU ({} of {cpus} cores busy)", cores(group)),
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
            Cause::Blocked => format!("calls that block the event loop ({share} of {time})"),
            Cause::Gil => format!("the GIL (waiting for it {share} of {time})"),
            Cause::Lock => format!("a lock (waiting for it {share} of {time})"),
            Cause::Limit => format!("`limits` (waiting for a permit {share} of {time})"),
            Cause::StartUp => format!("start-up ({share} of {time})"),
            Cause::Transfer => format!("sending tasks and results ({share} of {time})"),
            Cause::Idle => format!("too little to do for so many workers (idle {share} of {time})"),
        }
    }

    /// Beside others of its like: "computing 45 %".
    fn word(self) -> &'static str {
        match self {
            Cause::Cpu | Cause::OneCore | Cause::Workers => "computing",
            Cause::NoCore => "computing, as far as other programs let it",
            Cause::Waiting | Cause::WaitingInTurn | Cause::WaitingInWorkers => "waiting",
            Cause::WaitingOrGil => "waiting, for the GIL or for something else",
            Cause::Blocked => "calls that block the loop",
            Cause::Gil => "waiting for the GIL",
            Cause::Lock => "waiting for a lock",
            Cause::Limit => "waiting for a permit",
            Cause::StartUp => "start-up",
            Cause::Transfer => "sending tasks and results",
            Cause::Idle => "nothing, for want of tasks",
        }
    }
}

/// Whose time shares are of.
fn time(group: &[&Told]) -> &'static str {
    match group {
        [one] if workers(one) == 1 => "its time",
        [_] => "its workers' time",
        _ => "their workers' time",
    }
}

fn workers(told: &Told) -> u32 {
    let breakdown = told.row.traced.as_ref().and_then(|t| t.breakdown.as_ref());
    breakdown.map_or(0, |breakdown| breakdown.workers)
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
