//! What tasks of event loops did, from the turns of the loops: a task's own spans, end to end.
//!
//! On a loop a lane has the turns, and each turn says what its task does until the next one. Here that is
//! told task by task.

use super::{Role, Span, Totals, Trace};

/// One task of an event loop, from its first turn to its last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskLife {
    /// Its number.
    pub task: u64,
    /// Its turns and what it did between them, in order, without overlap; never empty.
    pub spans: Vec<Span>,
}

impl TaskLife {
    /// Start of its first turn, since the clock started.
    pub fn start_ns(&self) -> u64 {
        self.spans.first().map_or(0, |span| span.start_ns)
    }

    /// End of its last turn.
    pub fn end_ns(&self) -> u64 {
        self.spans.last().map_or(0, |span| span.end_ns)
    }
}

impl Trace {
    /// The tasks that had turns on event loops, by number; none where there is no loop.
    /// Of a task whose last turns were cut there is what was kept.
    pub fn tasks(&self) -> Vec<TaskLife> {
        let lanes = self.lanes.iter().filter(|lane| lane.role == Role::Loop);
        let spans = lanes.flat_map(|lane| &lane.spans);
        let mut turns: Vec<(u64, &Span)> =
            spans.filter_map(|span| Some((span.task?, span))).collect();
        turns.sort_by_key(|(task, span)| (*task, span.start_ns));
        let lives = turns.chunk_by(|(a, _), (b, _)| a == b);
        lives.map(|turns| life(turns)).collect()
    }

    /// Time that tasks of event loops spent with each activity, in the order of [`ACTIVITIES`](super::ACTIVITIES),
    /// added up; what threads did themselves is in the totals of their lanes.
    pub fn tasks_totals_ns(&self) -> Totals {
        let mut totals_ns = Totals::default();
        for span in self.tasks().iter().flat_map(|life| &life.spans) {
            let total_ns = &mut totals_ns[span.activity as usize];
            *total_ns = total_ns.saturating_add(span.length_ns());
        }
        totals_ns
    }
}

fn life(turns: &[(u64, &Span)]) -> TaskLife {
    let mut spans: Vec<Span> = Vec::with_capacity(2 * turns.len());
    for (index, (_, turn)) in turns.iter().enumerate() {
        spans.push(**turn);
        let next = turns.get(index + 1);
        if let (Some(then), Some((_, next))) = (turn.then, next)
            && next.start_ns > turn.end_ns
        {
            spans.push(Span {
                activity: then,
                start_ns: turn.end_ns,
                end_ns: next.start_ns,
                then: None,
                ..**turn
            });
        }
    }
    TaskLife {
        task: turns[0].0,
        spans,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Activity, Lane};
    use super::*;

    #[test]
    fn tasks_are_put_together_from_the_turns_of_several_loops() {
        let turn = |task, start_ns, end_ns, then| Span {
            activity: Activity::Computing,
            task: Some(task),
            start_ns,
            end_ns,
            then,
        };
        let lane = |spans: Vec<Span>| Lane {
            role: Role::Loop,
            number: 1,
            process: 0,
            begin_ns: 0,
            end_ns: 100,
            cpu_ns: None,
            totals_ns: Default::default(),
            spans,
        };
        let waits = Some(Activity::Waiting);
        let trace = Trace {
            lanes: vec![
                lane(vec![turn(1, 0, 10, waits), turn(0, 10, 20, waits)]),
                lane(vec![
                    turn(0, 50, 60, Some(Activity::Lock)),
                    turn(1, 70, 80, None),
                ]),
                lane(vec![turn(0, 60, 90, None)]),
            ],
            ..Trace::default()
        };
        let told: Vec<(u64, Vec<(Activity, u64, u64)>)> = trace
            .tasks()
            .iter()
            .map(|life| {
                let spans = life.spans.iter();
                let spans = spans.map(|s| (s.activity, s.start_ns, s.end_ns));
                (life.task, spans.collect())
            })
            .collect();
        use Activity::{Computing, Waiting};
        assert_eq!(
            told,
            [
                (
                    0,
                    vec![
                        (Computing, 10, 20),
                        (Waiting, 20, 50),
                        (Computing, 50, 60),
                        (Computing, 60, 90),
                    ]
                ),
                (
                    1,
                    vec![(Computing, 0, 10), (Waiting, 10, 70), (Computing, 70, 80)]
                ),
            ]
        );
        assert_eq!(trace.tasks_totals_ns()[Waiting as usize], 30 + 60);
        assert_eq!(
            (trace.tasks()[1].start_ns(), trace.tasks()[1].end_ns()),
            (0, 80)
        );
    }
}
