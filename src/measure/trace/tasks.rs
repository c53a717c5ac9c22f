//! What tasks of event loops did, from the turns of the loops: a task's own spans, end to end.
//!
//! On a loop a lane has the turns, and each turn says what its task does until the next one. Here that is
//! told task by task.

use super::{Activity, Role, Span, Totals, Trace};
use std::collections::HashMap;

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
    /// Tells what tasks of event loops did, span by span: each turn, after what its task did since the turn before.
    /// In the order of the turns; nothing where there is no loop. Of a task whose last turns were cut there is
    /// what was kept.
    pub fn for_each_task_span(&self, mut tell: impl FnMut(Span)) {
        let loops = self.lanes.iter().filter(|lane| lane.role == Role::Loop);
        let spans = loops.flat_map(|lane| &lane.spans);
        let mut turns: Vec<&Span> = spans.filter(|span| span.task.is_some()).collect();
        turns.sort_by_key(|turn| turn.start_ns);
        // What each task does between its turns, and since when.
        let mut between: HashMap<Option<u64>, (Activity, u64)> = HashMap::new();
        for turn in turns {
            let before = match turn.then {
                Some(then) => between.insert(turn.task, (then, turn.end_ns)),
                None => between.remove(&turn.task),
            };
            if let Some((activity, start_ns)) = before
                && start_ns < turn.start_ns
            {
                tell(Span {
                    activity,
                    start_ns,
                    end_ns: turn.start_ns,
                    then: None,
                    ..*turn
                });
            }
            tell(*turn);
        }
    }

    /// The tasks that had turns on event loops, by number.
    pub fn tasks(&self) -> Vec<TaskLife> {
        let mut spans = Vec::new();
        self.for_each_task_span(|span| spans.extend(span.task.map(|task| (task, span))));
        spans.sort_by_key(|(task, _)| *task);
        let lives = spans.chunk_by(|(a, _), (b, _)| a == b);
        lives
            .map(|life| TaskLife {
                task: life[0].0,
                spans: life.iter().map(|(_, span)| *span).collect(),
            })
            .collect()
    }

    /// Time that tasks of event loops spent with each activity, in the order of [`ACTIVITIES`](super::ACTIVITIES),
    /// added up; what threads did themselves is in the totals of their lanes.
    pub fn tasks_totals_ns(&self) -> Totals {
        let mut totals_ns = Totals::default();
        self.for_each_task_span(|span| {
            let total_ns = &mut totals_ns[span.activity as usize];
            *total_ns = total_ns.saturating_add(span.length_ns());
        });
        totals_ns
    }
}

#[cfg(test)]
mod tests {
    use super::super::Lane;
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
        let told: Vec<(u64, Vec<_>)> = trace
            .tasks()
            .iter()
            .map(|life| {
                let spans = life.spans.iter();
                let spans = spans.map(|s| (s.activity, s.start_ns, s.end_ns));
                (life.task, spans.collect::<Vec<_>>())
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
