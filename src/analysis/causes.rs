//! What kept the workers of a row from being done sooner, by where workers × wall went.
//!
//! To tell another cause: a variant of [`Cause`], its line in [`causes`] and its words in [`super::limits`].

use super::Row;
use super::feeding::{Feeding, feeding};
use super::traced::{Breakdown, Part, Traced};
use crate::measure::trace::{Activity, Lane, Role};

/// Share of the time in which a row's workers had something to do from which one cause is the main one.
pub(super) const MAIN: f64 = 0.5;
/// The same from which a second cause is worth a word.
pub(super) const SECOND: f64 = 0.2;
/// Share of the cores that it could have used below which a row was kept from them.
const FEW_CORES: f64 = 0.7;
/// Share of all computing, or of the run, from which on one worker, one task or one lock makes up nearly all.
const NEARLY_ALL: f64 = 0.8;

/// What kept workers from being done sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// All cores were busy.
    Cpu,
    /// It computed, on fewer cores than there are, and nothing tells why.
    Computing,
    /// It computed on one thread.
    OneCore,
    /// Of several workers one event loop did nearly all.
    OneLoop,
    /// Of several workers one did nearly all.
    OneWorker,
    /// One task took nearly the whole run, and the others were done long before.
    OneTask,
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
    /// Of tasks on an event loop: for what isn't known.
    TasksWait,
    Blocked,
    /// Of an event loop beside threads of the same interpreter: one of them that starves looks like a call that blocks.
    BlockedOrGil,
    Gil,
    /// One thread at a time computed; who waited for it was asked for late.
    GilTurns,
    Lock,
    Limit,
    StartUp,
    /// Workers that weren't asked for yet, while others were made.
    Creating,
    /// One thread made and handed out tasks.
    Feeding,
    /// There were tasks enough, and they didn't reach the workers: who made them isn't known.
    Unfed,
    Transfer,
    /// Fewer tasks than workers.
    Idle,
}

/// A cause and its share of workers × wall.
pub(super) type Share = (Cause, f64);

/// Everything that took its part.
pub(super) struct Causes {
    /// What held up all others, with the share of the run or of the workers' time that its words tell.
    pub main: Option<Share>,
    /// Shares of workers × wall.
    pub shares: Vec<Share>,
    /// Cores that were busy on average.
    pub cores: f64,
}

impl Cause {
    /// Whether nothing beside it is worth a word: what the others did was its doing.
    pub fn is_alone(self) -> bool {
        matches!(
            self,
            Cause::OneTask | Cause::OneLoop | Cause::OneWorker | Cause::Feeding | Cause::GilTurns
        )
    }
}

/// What a row's trace says, put together.
struct Seen<'a> {
    row: &'a Row,
    traced: &'a Traced,
    parts: &'a Breakdown,
    cpus: u32,
    feeding: Feeding,
    /// Cores that its workers and whoever feeds them kept busy.
    cores: f64,
    /// Whether its workers are threads that share an interpreter's lock.
    shares_gil: bool,
}

/// Every cause with its share of workers × wall. What a worker did before others were done is none, unless
/// it had nothing to do from the start.
pub(super) fn causes(row: &Row, traced: &Traced, cpus: u32) -> Option<Causes> {
    let parts = traced.breakdown.as_ref()?;
    let trace = &traced.trace;
    let alone = parts.workers == 1;
    let mains = trace.lanes.iter().filter(|lane| lane.role == Role::Main);
    let on_core_ns = |lane: &Lane| {
        let busy = [Activity::Starting, Activity::Computing, Activity::Sending];
        let busy_ns = busy.map(|activity| lane.total_ns(activity)).iter().sum();
        lane.cpu_ns.map_or(0, |cpu_ns| cpu_ns.min(busy_ns))
    };
    let main_ns: u64 = mains.map(on_core_ns).sum();
    let cores = (parts.part_ns(Part::Computing) + main_ns) as f64 / parts.wall_ns as f64;
    let seen = Seen {
        row,
        traced,
        parts,
        cpus,
        feeding: match alone {
            true => Feeding::default(),
            false => feeding(trace, parts.wall_ns),
        },
        cores: cores.min(f64::from(cpus)),
        shares_gil: !alone
            && row.has_gil()
            && row.model != "interpreters"
            && trace.workers().all(|lane| lane.process == 0),
    };
    let shares = seen.shares();
    let main = seen.main(&shares);
    Some(Causes {
        main,
        shares,
        cores: seen.cores,
    })
}

impl Seen<'_> {
    /// Of workers × wall.
    fn share(&self, ns: u64) -> f64 {
        ns as f64 / (f64::from(self.parts.workers) * self.parts.wall_ns as f64).max(1.0)
    }

    /// Of the run.
    fn of_wall(&self, ns: u64) -> f64 {
        ns as f64 / self.parts.wall_ns.max(1) as f64
    }

    fn shares(&self) -> Vec<Share> {
        let (parts, trace) = (self.parts, &self.traced.trace);
        let has_loop = parts.loops > 0;
        let (mut own, mut starting) = (0.0, 0.0);
        let mut idle_fed = 0.0;
        if self.of_wall(self.feeding.fed_ns) >= SECOND {
            own = self.share(self.feeding.by_computing_ns);
            starting = self.share(self.feeding.by_starting_ns);
            idle_fed = self.share(self.feeding.idle_ns);
        }
        // An idle loop is one whose tasks all wait: for what, they say.
        let loops = trace.workers().filter(|lane| lane.role == Role::Loop);
        let idle_ns: u64 = loops.map(|lane| lane.total_ns(Activity::Idle)).sum();
        let idle_loop = self.share(idle_ns).min(parts.share(Part::Idle));
        let idle_rest = (parts.share(Part::Idle) - idle_loop - idle_fed).max(0.0);
        // While a pool beside the loop has the work, the loop's tasks wait for that.
        let pool = || trace.workers().filter(|lane| lane.role == Role::Worker);
        let pool_ns: u64 = pool().map(Lane::life_ns).sum();
        let idle_pool_ns: u64 = pool().map(|lane| lane.total_ns(Activity::Idle)).sum();
        let idle_loop = match has_loop && pool_ns > 0 {
            true => idle_loop * idle_pool_ns as f64 / pool_ns as f64,
            false => idle_loop,
        };
        let before = self.before();
        let computing = parts.share(Part::Computing) + parts.share(Part::NoCore);
        let mut shares = vec![
            (self.computing(), (computing - own).max(0.0)),
            (self.waiting(), parts.share(Part::Waiting)),
            (Cause::Gil, parts.share(Part::Gil) + before[1]),
            (Cause::Lock, parts.share(Part::Lock)),
            (Cause::Limit, parts.share(Part::Limit)),
            (
                Cause::StartUp,
                (parts.share(Part::StartUp) - starting).max(0.0) + before[2],
            ),
            (Cause::Creating, before[0]),
            (Cause::Transfer, parts.share(Part::Transfer)),
        ];
        let blocked = parts.share(Part::Blocked);
        match self.beside_threads() {
            true => {
                let gil = shares.iter_mut().find(|(cause, _)| *cause == Cause::Gil);
                let gil = gil.map_or(0.0, |(_, share)| std::mem::take(share));
                shares.push((Cause::BlockedOrGil, blocked + gil));
            }
            false => shares.push((Cause::Blocked, blocked)),
        }
        let mut fed = own + starting;
        let wait_for = match self.traced.tasks_wait_for() {
            Some(Activity::Waiting) => Cause::Waiting,
            Some(Activity::Lock) => Cause::Lock,
            Some(Activity::Limit) => Cause::Limit,
            _ => Cause::TasksWait,
        };
        if wait_for != Cause::TasksWait || idle_fed == 0.0 {
            match shares.iter_mut().find(|(known, _)| *known == wait_for) {
                Some((_, share)) => *share += idle_loop,
                None => shares.push((wait_for, idle_loop)),
            }
            fed += idle_fed
                .min(parts.share(Part::Idle) - self.share(idle_ns))
                .max(0.0);
        } else {
            fed += idle_fed;
        }
        shares.push((Cause::Feeding, fed));
        // Else the queue is empty at the end alone, while the last tasks run.
        if idle_rest > MAIN && !has_loop {
            let cause = match self.many_tasks() {
                true => Cause::Unfed,
                false => Cause::Idle,
            };
            shares.push((cause, idle_rest));
        }
        shares
    }

    /// What whoever starts the workers did while they weren't asked for: made others, waited for the GIL, waited
    /// until one had come to life. What else it did, such as waiting for tasks, needed no further worker.
    fn before(&self) -> [f64; 3] {
        let of = |activity: Activity| self.feeding.before_ns[activity as usize];
        let is_loop = !self.traced.trace.lanes.iter().any(|l| l.role == Role::Main);
        let made_ns = of(Activity::Starting)
            + match is_loop {
                true => 0,
                false => of(Activity::Computing) + of(Activity::Sending),
            };
        let told_ns: u64 = self.feeding.before_ns.iter().sum();
        let untold_ns = self.parts.part_ns(Part::Before).saturating_sub(told_ns);
        let lives_ns = match is_loop {
            true => 0,
            false => of(Activity::Waiting),
        };
        [made_ns, of(Activity::Gil), lives_ns + untold_ns].map(|ns| self.share(ns))
    }

    /// What computing was limited by.
    fn computing(&self) -> Cause {
        let parts = self.parts;
        let could = self.could();
        let few = self.cores < FEW_CORES * could;
        let kept_away = parts.share(Part::NoCore) > parts.share(Part::Computing) && few;
        let busiest = self.busiest();
        match parts.workers {
            _ if kept_away => Cause::NoCore,
            1 => Cause::OneCore,
            _ if few && busiest.is_some_and(|lane| lane.role == Role::Loop) => Cause::OneLoop,
            _ if few && busiest.is_some() => Cause::OneWorker,
            // All of one process's threads share a core where they share a lock.
            _ if few => Cause::Computing,
            workers if workers < self.cpus && !self.shares_gil => Cause::Workers,
            _ => Cause::Cpu,
        }
    }

    /// Cores that its workers could have used. More threads than cores wait for one as well, but then all cores
    /// are theirs.
    fn could(&self) -> f64 {
        f64::from(self.parts.workers.min(self.cpus))
    }

    /// The worker that did nearly all of the computing, beside others.
    fn busiest(&self) -> Option<&Lane> {
        let lanes = || self.traced.trace.workers();
        let own_ns = |lane: &Lane| lane.total_ns(Activity::Computing);
        let all_ns: u64 = lanes().map(own_ns).sum();
        let busiest = lanes().max_by_key(|lane| own_ns(lane))?;
        let is_most = own_ns(busiest) as f64 >= NEARLY_ALL * all_ns as f64;
        (self.parts.workers > 1 && is_most).then_some(busiest)
    }

    fn waiting(&self) -> Cause {
        let parts = self.parts;
        match (parts.loops > 0, parts.workers == 1) {
            (false, false) if self.shares_gil && !self.traced.trace.tells_gil => {
                Cause::WaitingOrGil
            }
            (true, _) => Cause::Waiting,
            (false, true) => Cause::WaitingInTurn,
            (false, false) if u64::from(parts.workers) < self.row.tasks.all() => {
                Cause::WaitingInWorkers
            }
            (false, false) => Cause::Waiting,
        }
    }

    /// Whether it is a lone event loop that waits for its interpreter: other threads of its process compute.
    fn beside_threads(&self) -> bool {
        waits_beside_threads(self.traced)
    }

    /// What held up everything else, where something did.
    fn main(&self, shares: &[Share]) -> Option<Share> {
        let parts = self.parts;
        if parts.workers == 1 {
            return None;
        }
        if let Some(share) = self.one_task() {
            return Some((Cause::OneTask, share));
        }
        let of = |cause: Cause| {
            let own = shares.iter().filter(|(known, _)| *known == cause);
            own.map(|(_, share)| *share).sum::<f64>()
        };
        let active: f64 = shares.iter().map(|(_, share)| share).sum();
        let fed = self.of_wall(self.feeding.fed_ns);
        let worked_ns = parts.part_ns(Part::Computing);
        let worked_ns = worked_ns.saturating_sub(self.feeding.by_computing_ns);
        let for_want = of(Cause::Feeding) >= MAIN * active;
        if fed >= MAIN && (for_want || self.feeding.fed_ns >= worked_ns) && self.many_tasks() {
            return Some((Cause::Feeding, fed.min(1.0)));
        }
        let few = self.cores < FEW_CORES * self.could();
        if self.shares_gil && few && self.busiest().is_none() {
            let mains = self.traced.trace.lanes.iter();
            let mains = mains.filter(|lane| lane.role == Role::Main);
            let main_ns: u64 = mains.map(|lane| lane.total_ns(Activity::Computing)).sum();
            let held_ns = parts.part_ns(Part::Computing) + parts.part_ns(Part::NoCore) + main_ns;
            let tells = self.traced.trace.tells_gil;
            if self.of_wall(held_ns) >= NEARLY_ALL && (!tells || of(Cause::Gil) >= SECOND * active)
            {
                let own = parts.share(Part::Gil);
                return Some(match tells && own >= MAIN * of(Cause::Gil) {
                    true => (Cause::Gil, of(Cause::Gil)),
                    false => (Cause::GilTurns, self.of_wall(held_ns).min(1.0)),
                });
            }
        }
        if let (cause @ (Cause::OneLoop | Cause::OneWorker), Some(lane)) =
            (self.computing(), self.busiest())
            && of(cause) + of(Cause::Feeding) >= MAIN * active
        {
            let own_ns = lane.total_ns(Activity::Computing) + self.feeding.by_starting_ns;
            return Some((cause, self.of_wall(own_ns).min(1.0)));
        }
        // As long as somebody waits for a lock or a permit, that is what there are too few of.
        let scarce = [Cause::Lock, Cause::Limit].map(|cause| (cause, of(cause)));
        let (cause, share) = scarce.into_iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let always = share * f64::from(parts.workers) >= MAIN;
        let most = shares.iter().all(|(other, more)| {
            *more <= share || *other == self.computing() || *other == self.waiting()
        });
        (few && always && most && share >= SECOND * active).then_some((cause, share))
    }

    /// Whether there are tasks to hand out: more of them than workers.
    fn many_tasks(&self) -> bool {
        self.row.tasks.all() > 2 * u64::from(self.parts.workers)
    }

    /// The share of the run that one task took, where that is nearly all and the other workers had ended long
    /// before.
    fn one_task(&self) -> Option<f64> {
        if self.parts.loops > 0 || self.row.tasks.all() < 2 {
            return None;
        }
        let workers = || self.traced.trace.workers();
        let runs = workers().flat_map(|lane| {
            let runs = lane.spans.chunk_by(|a, b| a.task == b.task);
            let runs = runs.filter(|run| run[0].task.is_some());
            runs.map(move |run| (run[run.len() - 1].end_ns - run[0].start_ns, run, lane))
        });
        let (longest_ns, run, own) = runs.max_by_key(|(length_ns, ..)| *length_ns)?;
        let busy_ns =
            |lane: &Lane| lane.life_ns() - lane.total_ns(Activity::Idle).min(lane.life_ns());
        let others_ns: u64 = workers().map(busy_ns).sum::<u64>() - busy_ns(own);
        let others = u64::from(self.parts.workers - 1);
        // A task that waits for a lock, a permit or the GIL has others to thank for its length.
        let held_up = run.iter().filter(|span| {
            matches!(
                span.activity,
                Activity::Lock | Activity::Limit | Activity::Gil
            )
        });
        let held_up_ns: u64 = held_up.map(|span| span.length_ns()).sum();
        let is_it = self.of_wall(longest_ns) >= NEARLY_ALL
            && 2 * others_ns < others * longest_ns
            && held_up_ns * 5 < longest_ns;
        is_it.then(|| self.of_wall(longest_ns))
    }
}

/// Whether a lone event loop waits for its interpreter's lock, which then other threads of its process hold.
pub(super) fn waits_beside_threads(traced: &Traced) -> bool {
    let Some(parts) = &traced.breakdown else {
        return false;
    };
    let blocked = parts.share(Part::Blocked);
    parts.workers == 1
        && parts.loops == 1
        && parts.share(Part::Gil) > SECOND * blocked
        && blocked > 0.0
}
