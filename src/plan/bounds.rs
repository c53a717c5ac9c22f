//! What a program's operations come to when locks, limits and workers bound how many run at once.
//!
//! [`most_held`] is an upper bound, for what must not be exceeded; [`least_ns`] a lower one, for what takes
//! too long in any case. To bound operations by something else: a variant of [`Bound`] and the line that
//! makes it.

use crate::program::{Group, Op, Program};
use std::collections::BTreeMap;

/// What keeps operations from running all at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound<'a> {
    /// A lock, by its name: one task at a time.
    Lock(&'a str),
    /// A limit, by its verb.
    Limit(&'a str),
    /// So many threads.
    Threads,
}

/// A bound and the number of tasks that it lets through.
type Bounded<'a> = (Bound<'a>, u64);

/// A program's operations with the limits that hold for them.
pub struct Bounds<'a> {
    /// What the tasks do.
    pub program: &'a Program,
    /// Most of a step at once, by its verb: those of the series included.
    pub limits: &'a BTreeMap<String, u64>,
}

impl<'a> Bounds<'a> {
    /// Calls `visit` for every operation: with its group, how often a task runs it, and what bounds it,
    /// outermost first.
    pub fn walk(&self, mut visit: impl FnMut(&'a Group, &'a Op, u64, &[Bounded<'a>])) {
        for group in &self.program.groups {
            let mut bounds = Vec::new();
            self.walk_ops(&group.ops, 1, &mut bounds, &mut |op, times, bounds| {
                visit(group, op, times, bounds);
            });
        }
    }

    fn walk_ops(
        &self,
        ops: &'a [Op],
        times: u64,
        bounds: &mut Vec<Bounded<'a>>,
        visit: &mut dyn FnMut(&'a Op, u64, &[Bounded<'a>]),
    ) {
        for op in ops {
            visit(op, times, bounds);
            let Op::Group {
                ops,
                times: more,
                lock,
                permit,
                ..
            } = op
            else {
                continue;
            };
            let outer = bounds.len();
            if let Some(name) = lock {
                bounds.push((Bound::Lock(name), 1));
            }
            if let Some(verb) = permit
                && let Some(most) = self.limits.get(verb)
            {
                bounds.push((Bound::Limit(verb), *most));
            }
            self.walk_ops(ops, times.saturating_mul(*more), bounds, visit);
            bounds.truncate(outer);
        }
    }

    /// Most that is held at once of what each operation holds one by one, where `at_once` tasks are in
    /// progress.
    ///
    /// A task is in one operation at a time. So no more are in those behind a bound than it lets through;
    /// an operation behind several counts for the tightest.
    pub fn most_held(&self, at_once: u64, held: impl Fn(&Op) -> u64) -> u64 {
        let (mut any, mut free) = (0u64, 0u64);
        let mut behind: BTreeMap<Bound, (u64, u64)> = BTreeMap::new();
        self.walk(|_, op, _, bounds| {
            let each = held(op);
            any = any.max(each);
            match bounds.iter().min_by_key(|(_, most)| *most) {
                Some((bound, most)) => {
                    let known = behind.entry(*bound).or_insert((*most, 0));
                    known.1 = known.1.max(each);
                }
                None => free = free.max(each),
            }
        });
        let bounded = behind
            .values()
            .map(|(most, each)| (*most).min(at_once).saturating_mul(*each));
        bounded
            .fold(free.saturating_mul(at_once), u64::saturating_add)
            .min(any.saturating_mul(at_once))
    }

    /// Nanoseconds that the work of all operations takes at least, where `at_once` tasks are in progress.
    ///
    /// `work` says how many nanoseconds all tasks of a group spend in an operation that each runs once, and
    /// how many threads share in it, where that is not a matter of the tasks. It can't be quicker than the
    /// workers together, than one group's own tasks, or than what is let through by any one bound.
    pub fn least_ns(&self, at_once: u64, work: impl Fn(&Op, &Group) -> (u64, Option<u64>)) -> u64 {
        let at_once = at_once.max(1);
        let mut all_ns = 0u64;
        let mut of_group: BTreeMap<usize, u64> = BTreeMap::new();
        let mut behind: BTreeMap<Bound, (u64, u64)> = BTreeMap::new();
        self.walk(|group, op, times, bounds| {
            let (once_ns, threads) = work(op, group);
            let ns = once_ns.saturating_mul(times);
            all_ns = all_ns.saturating_add(ns);
            let own = of_group
                .entry(std::ptr::from_ref(group) as usize)
                .or_default();
            *own = own.saturating_add(ns / group.tasks.clamp(1, at_once));
            let threads = threads.map(|threads| (Bound::Threads, threads));
            for (bound, most) in bounds.iter().copied().chain(threads) {
                let known = behind.entry(bound).or_insert((most, 0));
                known.1 = known.1.saturating_add(ns);
            }
        });
        let behind = behind.values().map(|(most, ns)| ns / (*most).max(1));
        of_group
            .into_values()
            .chain(behind)
            .fold(all_ns / at_once, u64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Value;

    fn behind(lock: Option<&str>, permit: Option<&str>, ops: Vec<Op>) -> Op {
        Op::Group {
            ops,
            times: 1,
            lock: lock.map(str::to_owned),
            permit: permit.map(str::to_owned),
            label: String::new(),
        }
    }

    fn sleep(ns: u64) -> Op {
        let time = Value::Const(ns);
        Op::Sleep { time }
    }

    fn program(groups: Vec<(u64, Vec<Op>)>) -> Program {
        let group = |(tasks, ops)| Group {
            name: String::new(),
            tasks,
            ops,
        };
        Program {
            groups: groups.into_iter().map(group).collect(),
            ..Program::default()
        }
    }

    fn held(program: &Program, limits: &BTreeMap<String, u64>, at_once: u64) -> u64 {
        Bounds { program, limits }.most_held(at_once, |op| match op {
            Op::Sleep {
                time: Value::Const(each),
            } => *each,
            _ => 0,
        })
    }

    #[test]
    fn what_is_held_is_bounded_by_locks_and_limits() {
        let limits = BTreeMap::from([("http".to_owned(), 500)]);
        let one = |op| program(vec![(100_000, vec![op])]);
        let free = one(sleep(1));
        assert_eq!(held(&free, &limits, 100_000), 100_000);
        let limited = one(behind(None, Some("http"), vec![sleep(1)]));
        assert_eq!(held(&limited, &limits, 100_000), 500);
        assert_eq!(held(&limited, &limits, 20), 20, "fewer tasks than permits");
        assert_eq!(held(&limited, &BTreeMap::new(), 100_000), 100_000);
        let locked = one(behind(Some("a"), Some("http"), vec![sleep(3)]));
        assert_eq!(held(&locked, &limits, 100_000), 3, "one task at a time");
        let both = program(vec![(
            100_000,
            vec![behind(None, Some("http"), vec![sleep(2)]), sleep(1)],
        )]);
        assert_eq!(held(&both, &limits, 100_000), 101_000);
        assert_eq!(
            held(&both, &limits, 100),
            200,
            "never more than all of the dearest"
        );
    }

    #[test]
    fn work_takes_what_its_narrowest_part_takes() {
        let limits = BTreeMap::from([("http".to_owned(), 2)]);
        let least = |program: &Program, at_once| {
            let limits = &limits;
            Bounds { program, limits }.least_ns(at_once, |op, group| match op {
                Op::Sleep { time } => (time.sum(group.tasks), None),
                _ => (0, None),
            })
        };
        let two = program(vec![(1, vec![sleep(10)]), (3, vec![sleep(8)])]);
        assert_eq!(least(&two, 4), 10, "groups run side by side");
        assert_eq!(least(&two, 1), 34, "or one after the other");
        assert_eq!(least(&two, 2), 17);
        let limited = program(vec![(8, vec![behind(None, Some("http"), vec![sleep(10)])])]);
        assert_eq!(least(&limited, 8), 40);
        let locked = program(vec![
            (4, vec![behind(Some("a"), None, vec![sleep(10)])]),
            (2, vec![behind(Some("a"), None, vec![sleep(10)])]),
        ]);
        assert_eq!(least(&locked, 8), 60, "one lock, two groups");
    }
}
