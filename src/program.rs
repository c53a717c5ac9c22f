//! What tasks do, as operations: the small language that every model and every runtime interprets.
//!
//! A cell becomes one [`Program`]: groups of identical tasks, never a list per task, so a million tasks
//! are one line of JSON. Steps produce [`Op`]s, models interpret them; neither knows the other. What
//! differs from task to task is a [`Value`], evaluated by the task's index, with numbers drawn from one
//! generator (SplitMix64) that is specified here once and repeated in every runtime.
//!
//! To add an operation: a variant of [`Op`] and the arms that the compiler then asks for.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What one experiment runs at one point: sent to every trial as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Program {
    /// Groups of identical tasks; they run at the same time.
    pub groups: Vec<Group>,
    /// Most of a step that run at once, by its verb, over all tasks and in any model.
    pub limits: BTreeMap<String, u64>,
    /// Bytes that each task is given; by its number in the whole program.
    pub argument: Option<Value>,
    /// Bytes that each task gives back; by its number in the whole program.
    pub result: Option<Value>,
    /// Seed of everything that is drawn at random.
    pub seed: u64,
}

/// Tasks that do the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The group's name; empty where the experiment has just one.
    pub name: String,
    /// How many tasks.
    pub tasks: u64,
    /// What each does, in order.
    pub ops: Vec<Op>,
}

/// A number that may differ from task to task, in the base unit of what it is for (ns, bytes, 1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// The same for every task.
    Const(u64),
    /// Drawn uniformly from `low..=high`, by task: the same on every model and runtime.
    Uniform {
        /// Smallest value.
        low: u64,
        /// Largest value.
        high: u64,
        /// Which of a program's random values this is, so that two of them are independent.
        stream: u64,
    },
    /// One for each task, by index.
    Each(Vec<u64>),
    /// Divided over the group's tasks; the first ones take the remainder.
    Total(u64),
}

/// One operation of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Run a function of [`crate::compute`] with the size.
    Compute {
        /// Its name in the registry.
        function: String,
        /// Its first argument.
        size: Value,
    },
    /// Wait for a timer; an event loop serves others meanwhile.
    Sleep {
        /// Nanoseconds.
        time: Value,
    },
    /// Wait and keep the thread, under an event loop too.
    Block {
        /// Nanoseconds.
        time: Value,
    },
    /// One request to the loopback delay server; a status of 400 and above fails the task.
    Http {
        /// Nanoseconds after which the server answers.
        time: Value,
        /// With which status.
        status: Value,
        /// With how many bytes.
        bytes: Value,
        /// Whether connections are kept open between requests.
        reuse: bool,
    },
    /// One request to any URL; a status of 400 and above fails the task.
    Fetch {
        /// `http://…` or `https://…`.
        url: String,
        /// Whether connections are kept open between requests.
        reuse: bool,
    },
    /// Read the beginning of a file that was made before the clock.
    Read {
        /// Bytes.
        bytes: Value,
    },
    /// Write a new file.
    Write {
        /// Bytes.
        bytes: Value,
        /// Whether to wait until the disk has them.
        sync: bool,
    },
    /// One query to a database.
    Query {
        /// What is asked.
        statement: Statement,
        /// URL of a PostgreSQL database; `None` for the trial's own SQLite.
        database: Option<String>,
    },
    /// Run a program to its end; another exit code than 0 fails the task.
    Run {
        /// Program and arguments.
        argv: Vec<String>,
    },
    /// Allocate and touch memory, held to the end of the task.
    Alloc {
        /// Bytes.
        bytes: Value,
    },
    /// Increment the counter that all tasks share.
    Add {
        /// How often, by one each.
        times: Value,
        /// How tasks keep out of each other's way.
        sync: Sync,
        /// What stands between reading and writing, under a GIL.
        #[serde(default)]
        body: Body,
    },
    /// The author's own Python.
    Python {
        /// Where it stands.
        code: Code,
    },
    /// Operations as one, for the modifiers' sake.
    Group {
        /// What is done, in order.
        ops: Vec<Op>,
        /// How often.
        times: u64,
        /// Name of a lock that is held while `ops` run, taken anew each time.
        #[serde(default)]
        lock: Option<String>,
        /// Verb of [`Program::limits`] of which a permit is held likewise, taken after the lock.
        #[serde(default)]
        permit: Option<String>,
        /// What figures call it; empty for none.
        label: String,
    },
}

/// What a query asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statement {
    /// To wait so many nanoseconds.
    Time(Value),
    /// SQL.
    Sql(String),
}

/// The author's own Python: a function of the task's index. Equal is what does the same, wherever it stands.
#[derive(Clone, Debug, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Text of a cell that binds `task`.
    Text {
        /// The text.
        text: String,
        /// Line of the cell in which it begins, from 1.
        line: u64,
        /// What its module is called; two different texts of a program have two names.
        module: String,
    },
    /// A file of the author's.
    File {
        /// As the cell writes it: relative to the notebook's folder.
        path: PathBuf,
        /// Name of the function.
        call: String,
    },
}

impl PartialEq for Code {
    fn eq(&self, other: &Code) -> bool {
        match (self, other) {
            (
                Code::Text { text, module, .. },
                Code::Text {
                    text: other_text,
                    module: other_module,
                    ..
                },
            ) => text == other_text && module == other_module,
            (Code::File { path, call }, Code::File { path: p, call: c }) => path == p && call == c,
            _ => false,
        }
    }
}

/// What stands between reading and writing the shared counter, on Python.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Nothing: `counter += 1`.
    #[default]
    Plain,
    /// A call, at which an interpreter may give its lock to another thread.
    Call,
}

/// How increments of the shared counter are kept apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sync {
    /// Not at all: read, add, write. Another task's updates in between are lost.
    #[default]
    None,
    /// A mutex around each increment.
    Mutex,
    /// The write side of a readers-writer lock around each increment.
    Rwlock,
    /// One atomic instruction.
    Atomic,
    /// Counted in the task's own memory, added at the end.
    Local,
}

impl Sync {
    /// All of them, with the words of a cell.
    pub const ALL: &[(&str, Sync)] = &[
        ("none", Sync::None),
        ("mutex", Sync::Mutex),
        ("rwlock", Sync::Rwlock),
        ("atomic", Sync::Atomic),
        ("local", Sync::Local),
    ];

    /// By the word of a cell.
    pub fn named(word: &str) -> Option<Sync> {
        Sync::ALL
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, sync)| *sync)
    }
}

impl Program {
    /// Whether any operation, however deep inside another, is what `wanted` looks for.
    pub fn uses(&self, wanted: impl Fn(&Op) -> bool) -> bool {
        let mut found = false;
        for op in self.groups.iter().flat_map(|group| &group.ops) {
            op.walk(1, &mut |op, _| found |= wanted(op));
        }
        found
    }

    /// Whether a task does `cpu`, whose work is measured out for each machine and runtime.
    pub fn uses_cpu(&self) -> bool {
        self.uses(|op| matches!(op, Op::Compute { function, .. } if function == "cpu"))
    }

    /// Whether a task runs the author's own Python.
    pub fn uses_python(&self) -> bool {
        self.uses(|op| matches!(op, Op::Python { .. }))
    }

    /// Tasks of all groups.
    pub fn tasks(&self) -> u64 {
        self.groups
            .iter()
            .map(|group| group.tasks)
            .fold(0, u64::saturating_add)
    }

    /// The group of a task by its number in the whole program, and its index within that group.
    ///
    /// # Panics
    /// Where `task` is not below [`Program::tasks`].
    pub fn locate(&self, task: u64) -> (&Group, u64) {
        let mut index = task;
        for group in &self.groups {
            if index < group.tasks {
                return (group, index);
            }
            index -= group.tasks;
        }
        panic!("task {task} of a program of {} tasks", self.tasks());
    }

    /// The number of the task whose turn it is to start, for models that run groups side by side.
    ///
    /// The groups take turns, as cards are dealt: the first task of each, then the second of each, until
    /// only the largest group is left. So a group of one task is not last behind ten thousand others.
    ///
    /// # Panics
    /// Where `turn` is not below [`Program::tasks`].
    pub fn in_turn(&self, turn: u64) -> u64 {
        if self.groups.len() <= 1 {
            return turn;
        }
        let (mut left, mut round) = (turn, 0);
        loop {
            let playing = || self.groups.iter().filter(|group| group.tasks > round);
            let hands = playing().count() as u64;
            // The round in which the next group runs out.
            let Some(end) = playing().map(|group| group.tasks).min() else {
                panic!("turn {turn} of a program of {} tasks", self.tasks());
            };
            let dealt = (end - round).saturating_mul(hands);
            if left >= dealt {
                left -= dealt;
                round = end;
                continue;
            }
            round += left / hands;
            let mut nth = left % hands;
            let mut first = 0;
            for group in &self.groups {
                if group.tasks > round {
                    if nth == 0 {
                        return first + round;
                    }
                    nth -= 1;
                }
                first += group.tasks;
            }
        }
    }

    /// Bytes that a task is given, by its number in the whole program.
    pub fn argument_bytes(&self, task: u64) -> u64 {
        self.bytes_at(self.argument.as_ref(), task)
    }

    /// Bytes that a task gives back, by its number in the whole program.
    pub fn result_bytes(&self, task: u64) -> u64 {
        self.bytes_at(self.result.as_ref(), task)
    }

    fn bytes_at(&self, size: Option<&Value>, task: u64) -> u64 {
        size.map_or(0, |size| size.at(task, self.tasks(), self.task_seed(task)))
    }

    /// Calls `visit` for every operation of every group.
    pub fn walk(&self, mut visit: impl FnMut(&Op)) {
        for op in self.groups.iter().flat_map(|group| &group.ops) {
            op.walk(1, &mut |op, _| visit(op));
        }
    }

    /// The seed of one task, by its number in the whole program.
    pub fn task_seed(&self, task: u64) -> u64 {
        splitmix64(self.seed ^ splitmix64(task))
    }
}

impl Value {
    /// The value for the task with `index` of `tasks` in its group.
    ///
    /// `task_seed` is [`Program::task_seed`]. Shorter lists than tasks repeat (the parser refuses them).
    pub fn at(&self, index: u64, tasks: u64, task_seed: u64) -> u64 {
        match self {
            Value::Const(value) => *value,
            Value::Uniform { low, high, stream } => {
                let span = high.saturating_sub(*low).saturating_add(1);
                let draw = splitmix64(task_seed ^ splitmix64(!stream));
                // Lemire 2019, without the rejection step: the bias is below span / 2^64.
                low + ((u128::from(draw) * u128::from(span)) >> 64) as u64
            }
            Value::Each(values) => values[(index % values.len() as u64) as usize],
            Value::Total(total) => total / tasks + u64::from(index < total % tasks),
        }
    }

    /// Largest value that any task can get, of `tasks` tasks.
    pub fn largest(&self, tasks: u64) -> u64 {
        match self {
            Value::Const(value) => *value,
            Value::Uniform { high, .. } => *high,
            Value::Each(values) => values.iter().copied().max().unwrap_or(0),
            Value::Total(total) => total.div_ceil(tasks.max(1)),
        }
    }

    /// Sum over `tasks` tasks; for random values, of their mean.
    pub fn sum(&self, tasks: u64) -> u64 {
        match self {
            Value::Const(value) => value.saturating_mul(tasks),
            Value::Uniform { low, high, .. } => (low / 2 + high / 2).saturating_mul(tasks),
            Value::Each(values) => values
                .iter()
                .fold(0, |sum, value| sum.saturating_add(*value)),
            Value::Total(total) => *total,
        }
    }
}

impl Op {
    /// Calls `visit` for this operation and all inside it; `times` is how often a task runs it.
    pub fn walk(&self, times: u64, visit: &mut impl FnMut(&Op, u64)) {
        visit(self, times);
        if let Op::Group {
            ops, times: more, ..
        } = self
        {
            for op in ops {
                op.walk(times.saturating_mul(*more), visit);
            }
        }
    }
}

impl Op {
    /// As [`Op::walk`], where operations are changed.
    pub fn walk_mut(&mut self, visit: &mut impl FnMut(&mut Op)) {
        visit(self);
        if let Op::Group { ops, .. } = self {
            for op in ops {
                op.walk_mut(visit);
            }
        }
    }
}

/// One step of SplitMix64 (Steele, Lea & Flood 2014): a bijective mix of 64 bits.
pub fn splitmix64(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Folds one task's result into an answer; the order of tasks doesn't matter.
///
/// `answer` starts at 0; `task` is the task's number in the whole program.
pub fn combine(answer: u64, task: u64, result: u64) -> u64 {
    answer.wrapping_add(splitmix64(splitmix64(task) ^ result))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix64_is_the_published_one() {
        // First outputs of the reference implementation for the seed 0.
        assert_eq!(splitmix64(0), 0xE220_A839_7B1D_CDAF);
        assert_eq!(splitmix64(0x9E37_79B9_7F4A_7C15), 0x6E78_9E6A_A1B9_65F4);
    }

    #[test]
    fn values_are_divided_and_drawn_within_their_bounds() {
        let parts: Vec<u64> = (0..3)
            .map(|index| Value::Total(10).at(index, 3, 0))
            .collect();
        assert_eq!(parts, [4, 3, 3]);
        let uniform = Value::Uniform {
            low: 5,
            high: 9,
            stream: 0,
        };
        let drawn: Vec<u64> = (0..1000)
            .map(|task| uniform.at(task, 1000, splitmix64(task)))
            .collect();
        assert!(drawn.iter().all(|value| (5..=9).contains(value)));
        assert!(
            (5..=9).all(|value| drawn.contains(&value)),
            "every value comes up"
        );
        assert_eq!(
            Value::Uniform {
                low: 0,
                high: u64::MAX,
                stream: 0
            }
            .at(0, 1, 7),
            {
                let draw = splitmix64(7 ^ splitmix64(!0));
                ((u128::from(draw) * u128::from(u64::MAX)) >> 64) as u64
            }
        );
    }

    #[test]
    fn groups_take_turns_and_every_task_has_one() {
        let program = |sizes: &[u64]| Program {
            groups: sizes
                .iter()
                .map(|tasks| Group {
                    name: String::new(),
                    tasks: *tasks,
                    ops: Vec::new(),
                })
                .collect(),
            ..Program::default()
        };
        let order = |sizes: &[u64]| -> Vec<u64> {
            let program = program(sizes);
            (0..program.tasks())
                .map(|turn| program.in_turn(turn))
                .collect()
        };
        assert_eq!(order(&[3]), [0, 1, 2]);
        assert_eq!(
            order(&[4, 1]),
            [0, 4, 1, 2, 3],
            "the one is second, not last"
        );
        assert_eq!(order(&[1, 3, 2]), [0, 1, 4, 2, 5, 3]);
        let mut all = order(&[7, 0, 100, 3]);
        all.sort_unstable();
        assert_eq!(all, (0..110).collect::<Vec<_>>());
    }

    #[test]
    fn the_answer_does_not_depend_on_the_order() {
        let forward = (0..50).fold(0, |answer, task| combine(answer, task, task * 7));
        let backward = (0..50)
            .rev()
            .fold(0, |answer, task| combine(answer, task, task * 7));
        assert_eq!(forward, backward);
        assert_ne!(
            combine(combine(0, 0, 1), 1, 2),
            combine(combine(0, 0, 2), 1, 1),
            "swapped results show"
        );
    }
}
