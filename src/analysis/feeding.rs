//! What the thread that starts the workers and gives them their tasks did, and what that kept workers from: those
//! that weren't asked for yet, and those that had no task yet.

use crate::measure::trace::{ACTIVITIES, Activity, Lane, Role, Span, Totals, Trace};

/// Starting and feeding, and what it kept workers from.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Feeding {
    /// What that thread did while workers weren't asked for yet, once for each of them.
    pub before_ns: Totals,
    /// Time that somebody spent on making workers and tasks and on handing these out.
    pub fed_ns: u64,
    /// As much of it as a worker or an event loop computed itself, before its first task.
    pub by_computing_ns: u64,
    /// As much of it as stands in an event loop's lane as its start.
    pub by_starting_ns: u64,
    /// Time that workers were idle meanwhile, over all of them.
    pub idle_ns: u64,
}

/// The thread that starts the workers: the trial's own.
fn starter(trace: &Trace) -> Option<&Lane> {
    let own = |role: Role| trace.lanes.iter().find(move |lane| lane.role == role);
    own(Role::Main).or_else(|| own(Role::Loop).filter(|lane| lane.begin_ns == 0))
}

/// Whether a thread that runs no tasks makes workers or tasks meanwhile, or hands them out.
fn feeds(activity: Activity) -> bool {
    matches!(
        activity,
        Activity::Starting | Activity::Computing | Activity::Sending
    )
}

/// What was started and fed in a run.
pub(super) fn feeding(trace: &Trace, wall_ns: u64) -> Feeding {
    let mut found = Feeding::default();
    let Some(starter) = starter(trace) else {
        return found;
    };
    found.before_ns = before(trace, starter, wall_ns);
    // From the first moment of it to the last.
    let (mut first_ns, mut last_ns) = (u64::MAX, 0);
    let mut between = |span: &Span| {
        first_ns = first_ns.min(span.start_ns);
        last_ns = last_ns.max(span.end_ns);
    };
    if starter.role == Role::Main {
        let fed = starter.spans.iter().filter(|span| feeds(span.activity));
        fed.for_each(&mut between);
        let totals = starter.totals_ns;
        let fed = ACTIVITIES.iter().zip(totals);
        let fed = fed.filter(|(def, _)| feeds(def.activity));
        found.fed_ns = fed.map(|(_, ns)| ns).sum();
    }
    // One of them makes the tasks; what others compute before their first is small.
    let first_ns_of = |lane: &&Lane| first_own(lane).map(Span::length_ns).sum::<u64>();
    if let Some(lane) = trace.workers().max_by_key(first_ns_of) {
        for span in first_own(lane) {
            // What a worker does to come to life feeds nobody.
            match (span.activity, lane.role) {
                (Activity::Starting, Role::Loop) if starter.role == Role::Loop => {
                    found.by_starting_ns += span.length_ns();
                }
                (Activity::Starting, _) => continue,
                _ => found.by_computing_ns += span.length_ns(),
            }
            between(span);
        }
    }
    found.fed_ns += found.by_computing_ns + found.by_starting_ns;
    if first_ns < last_ns {
        let lanes = trace.workers();
        found.idle_ns = lanes.map(|lane| idle_ns(lane, first_ns, last_ns)).sum();
    }
    found
}

/// What a lane computes before its first task, for none: a pool's worker or an event loop that makes the tasks.
fn first_own(lane: &Lane) -> impl Iterator<Item = &Span> {
    let first = lane.spans.iter().position(|span| span.task.is_some());
    let spans = lane.spans[..first.unwrap_or(0)].iter();
    spans.filter(|span| matches!(span.activity, Activity::Starting | Activity::Computing))
}

/// What the starting thread did in the time before each worker was asked for, added up.
fn before(trace: &Trace, starter: &Lane, wall_ns: u64) -> Totals {
    let mut begins: Vec<u64> = trace.workers().map(|l| l.begin_ns.min(wall_ns)).collect();
    begins.sort_unstable();
    let mut sum_ns = Totals::default();
    let mut so_far_ns = Totals::default();
    let mut spans = starter.spans.iter().peekable();
    for begin_ns in begins {
        while let Some(span) = spans.next_if(|span| span.end_ns <= begin_ns) {
            so_far_ns[span.activity as usize] += span.length_ns();
        }
        for (sum, ns) in sum_ns.iter_mut().zip(so_far_ns) {
            *sum += ns;
        }
        if let Some(span) = spans.peek() {
            sum_ns[span.activity as usize] += begin_ns.saturating_sub(span.start_ns);
        }
    }
    sum_ns
}

/// How long a worker was idle between two moments; of what its spans don't tell, its part.
fn idle_ns(lane: &Lane, first_ns: u64, last_ns: u64) -> u64 {
    let within =
        |start_ns: u64, end_ns: u64| end_ns.min(last_ns).saturating_sub(start_ns.max(first_ns));
    let idle = lane.spans.iter().filter(|s| s.activity == Activity::Idle);
    let (mut told_ns, mut inside_ns) = (0, 0);
    for span in idle {
        told_ns += span.length_ns();
        inside_ns += within(span.start_ns, span.end_ns);
    }
    let rest_ns = lane.total_ns(Activity::Idle).saturating_sub(told_ns);
    let from_ns = lane.spans.last().map_or(lane.begin_ns, |span| span.end_ns);
    let untold_ns = lane.end_ns.saturating_sub(from_ns).max(1);
    let share = within(from_ns, lane.end_ns) as f64 / untold_ns as f64;
    inside_ns + (rest_ns as f64 * share) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(role: Role, begin_ns: u64, did: &[(Activity, Option<u64>, u64)]) -> Lane {
        let (mut at_ns, mut totals_ns) = (begin_ns, Totals::default());
        let spans = did.iter().map(|(activity, task, ns)| {
            totals_ns[*activity as usize] += ns;
            at_ns += ns;
            Span {
                activity: *activity,
                task: *task,
                start_ns: at_ns - ns,
                end_ns: at_ns,
                then: None,
            }
        });
        let spans = spans.collect();
        Lane {
            role,
            number: 1,
            process: 0,
            begin_ns,
            end_ns: at_ns,
            cpu_ns: None,
            totals_ns,
            spans,
        }
    }

    #[test]
    fn what_comes_before_a_worker_is_what_its_starter_did() {
        use Activity::*;
        let main = [(Starting, None, 10), (Gil, None, 40), (Joining, None, 50)];
        let trace = Trace {
            lanes: vec![
                lane(Role::Main, 0, &main),
                lane(Role::Worker, 5, &[(Computing, Some(0), 45)]),
                lane(Role::Worker, 30, &[(Computing, Some(1), 50)]),
            ],
            ..Trace::default()
        };
        let found = feeding(&trace, 100);
        assert_eq!(found.before_ns[Starting as usize], 5 + 10);
        assert_eq!(found.before_ns[Gil as usize], 20);
        assert_eq!((found.fed_ns, found.idle_ns), (10, 0));
    }

    #[test]
    fn idle_is_counted_while_somebody_feeds_and_of_a_cut_lane_by_its_part() {
        use Activity::*;
        let feeder = [
            (Idle, None, 10),
            (Computing, None, 60),
            (Computing, Some(0), 10),
            (Idle, None, 20),
        ];
        let mut cut = lane(Role::Worker, 0, &[(Idle, None, 20)]);
        cut.totals_ns[Idle as usize] += 40;
        cut.totals_ns[Computing as usize] += 40;
        cut.end_ns = 100;
        let trace = Trace {
            lanes: vec![
                lane(Role::Main, 0, &[(Joining, None, 100)]),
                lane(Role::Worker, 0, &feeder),
                cut,
            ],
            ..Trace::default()
        };
        let found = feeding(&trace, 100);
        assert_eq!((found.fed_ns, found.by_computing_ns), (60, 60));
        // Of the one that was cut 10 of the 20 that are told, and of the 40 that aren't 50 of 80 parts.
        assert_eq!(found.idle_ns, 10 + 25);
    }
}
