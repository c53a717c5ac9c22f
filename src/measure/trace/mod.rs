//! What each worker did when: what a traced repeat tells.
//!
//! A worker (a thread that runs tasks, an event loop's thread, the thread that starts and joins the others)
//! has a [`Lane`], and at each moment it does one thing: its spans cover its life, one behind the other,
//! without overlap. [`recorder`] notes them while the clock runs. Times are nanoseconds since the clock
//! started, by the monotonic clock that all processes of a machine share.
//!
//! To add an activity: a variant of [`Activity`] and its row in [`ACTIVITIES`]; legends, breakdowns and the
//! reference page read that row.

mod notes;
pub mod recorder;
mod tasks;

pub use tasks::TaskLife;

use serde::{Deserialize, Serialize};

/// What a worker does during a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Coming to life: from the moment in which it was asked for to its first action.
    Starting,
    /// Keeping a core busy, or ready to.
    Computing,
    /// Waiting for time, a peer or a disk.
    Waiting,
    /// Waiting and keeping the thread of an event loop.
    Blocked,
    /// Waiting for the interpreter's lock.
    Gil,
    /// Waiting for a lock that tasks share.
    Lock,
    /// Waiting for a permit of `limits`.
    Limit,
    /// Sending work or results to another process, or taking them.
    Sending,
    /// Without a task: the pool's queue is empty, or the event loop has nothing that is ready.
    Idle,
    /// Waiting for others to end.
    Joining,
}

/// What an activity is called and what it means.
#[derive(Clone, Copy, Debug)]
pub struct ActivityDef {
    /// Which.
    pub activity: Activity,
    /// In legends and tables.
    pub title: &'static str,
    /// One sentence.
    pub doc: &'static str,
}

/// Every activity, in the order of [`Activity`] and of legends.
pub const ACTIVITIES: &[ActivityDef] = &[
    ActivityDef {
        activity: Activity::Starting,
        title: "starting",
        doc: "from the moment in which it was asked for to its first action.",
    },
    ActivityDef {
        activity: Activity::Computing,
        title: "computing",
        doc: "keeping a core busy, or ready to where there are fewer cores than workers.",
    },
    ActivityDef {
        activity: Activity::Waiting,
        title: "waiting",
        doc: "waiting for time, a peer or a disk.",
    },
    ActivityDef {
        activity: Activity::Blocked,
        title: "blocked",
        doc: "waiting and keeping the thread of an event loop, which serves nobody meanwhile.",
    },
    ActivityDef {
        activity: Activity::Gil,
        title: "waiting for the GIL",
        doc: "ready to compute, while another thread holds the interpreter's lock.",
    },
    ActivityDef {
        activity: Activity::Lock,
        title: "waiting for a lock",
        doc: "waiting for a lock that another task holds.",
    },
    ActivityDef {
        activity: Activity::Limit,
        title: "waiting for a permit",
        doc: "waiting for a permit of `limits`.",
    },
    ActivityDef {
        activity: Activity::Sending,
        title: "sending",
        doc: "sending tasks or results to another process, or taking them.",
    },
    ActivityDef {
        activity: Activity::Idle,
        title: "idle",
        doc: "without a task: the pool's queue is empty, or nothing on the event loop is ready.",
    },
    ActivityDef {
        activity: Activity::Joining,
        title: "joining",
        doc: "waiting for workers to end.",
    },
];

impl Activity {
    /// Its row.
    pub fn def(self) -> &'static ActivityDef {
        &ACTIVITIES[self as usize]
    }

    fn numbered(number: u8) -> Result<Activity, String> {
        let def = ACTIVITIES.get(usize::from(number));
        def.map(|def| def.activity)
            .ok_or_else(|| format!("there is no activity {number}"))
    }
}

/// What was seen in a traced repeat.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The workers: the trial's own thread first, then in the order of their start.
    pub lanes: Vec<Lane>,
    /// How late an event loop ran timers that were due; empty where there is no loop.
    #[serde(default)]
    pub lags: Vec<Lag>,
    /// Spans that there was no room for; their time is in the totals of their lanes all the same.
    #[serde(default)]
    pub spans_cut: u64,
    /// Whether waits for an interpreter's lock were told from other waits; `false` where there is none, too.
    #[serde(default)]
    pub tells_gil: bool,
}

/// What a worker is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The trial's own thread, where it only starts, feeds and joins the others.
    Main,
    /// It runs tasks.
    Worker,
    /// It is the thread of an event loop.
    Loop,
}

/// One worker's life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    /// What it is there for.
    pub role: Role,
    /// Its number among those of its role, from 1.
    pub number: u32,
    /// Its process: 0 is the trial's own, worker processes count from 1.
    pub process: u32,
    /// When it was asked for.
    pub begin_ns: u64,
    /// When it had ended.
    pub end_ns: u64,
    /// CPU time that the system counted for its thread in this time; `None` where that can't be told.
    pub cpu_ns: Option<u64>,
    /// Time of each activity, in the order of [`ACTIVITIES`]; their sum is its life.
    pub totals_ns: Totals,
    /// What it did, in order, without overlap; together its life where nothing was cut.
    pub spans: Vec<Span>,
}

/// Time of each activity, in the order of [`ACTIVITIES`].
pub type Totals = [u64; ACTIVITIES.len()];

/// What a worker did from one moment to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Packed", try_from = "Packed")]
pub struct Span {
    /// What it did.
    pub activity: Activity,
    /// Number of the task; `None` where it is the worker's own doing.
    pub task: Option<u64>,
    /// Since the clock started.
    pub start_ns: u64,
    /// Since the clock started.
    pub end_ns: u64,
    /// On an event loop: what the task does from here on to its next span; `None` where it has ended, and
    /// everywhere else.
    pub then: Option<Activity>,
}

/// A span in JSON: activity, start, length, task + 1 (0: none), then + 1 (0: none).
type Packed = (u8, u64, u64, u64, u8);

impl From<Span> for Packed {
    fn from(span: Span) -> Packed {
        (
            span.activity as u8,
            span.start_ns,
            span.end_ns - span.start_ns,
            span.task.map_or(0, |task| task + 1),
            span.then.map_or(0, |then| then as u8 + 1),
        )
    }
}

impl TryFrom<Packed> for Span {
    type Error = String;

    fn try_from((activity, start_ns, length_ns, task, then): Packed) -> Result<Span, String> {
        let end_ns = start_ns.checked_add(length_ns);
        Ok(Span {
            activity: Activity::numbered(activity)?,
            task: task.checked_sub(1),
            start_ns,
            end_ns: end_ns.ok_or("a span ends beyond all time")?,
            then: match then.checked_sub(1) {
                Some(then) => Some(Activity::numbered(then)?),
                None => None,
            },
        })
    }
}

impl Span {
    /// How long it took.
    pub fn length_ns(&self) -> u64 {
        self.end_ns - self.start_ns
    }
}

/// How late an event loop was once.
///
/// Tokio's timers and the system's waits both count whole milliseconds, so a loop that has nothing to do is up to
/// about a millisecond late: only more than that is the doing of its tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    /// When the timer was due, since the clock started.
    pub due_ns: u64,
    /// How much later it ran.
    pub late_ns: u64,
}

impl Lane {
    /// How long it lived.
    pub fn life_ns(&self) -> u64 {
        self.end_ns - self.begin_ns
    }

    /// Time of one activity.
    pub fn total_ns(&self, activity: Activity) -> u64 {
        self.totals_ns[activity as usize]
    }
}

impl Trace {
    /// The longest lag of the event loop; `None` where there is no loop.
    pub fn longest_lag_ns(&self) -> Option<u64> {
        self.lags.iter().map(|lag| lag.late_ns).max()
    }

    /// The lanes that run tasks: all but the trial's own thread where that only serves them.
    pub fn workers(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.iter().filter(|lane| lane.role != Role::Main)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activities_stand_in_their_order_and_spans_survive_their_json() {
        for (number, def) in ACTIVITIES.iter().enumerate() {
            assert_eq!(def.activity as usize, number, "{}", def.title);
            assert!(def.doc.ends_with('.'), "{}", def.title);
        }
        let spans = [
            Span {
                activity: Activity::Computing,
                task: Some(0),
                start_ns: 7,
                end_ns: 9,
                then: Some(Activity::Lock),
            },
            Span {
                activity: Activity::Joining,
                task: None,
                start_ns: 9,
                end_ns: 9,
                then: None,
            },
        ];
        let json = serde_json::to_string(&spans).unwrap();
        assert_eq!(json, "[[1,7,2,1,6],[9,9,0,0,0]]");
        assert_eq!(serde_json::from_str::<Vec<Span>>(&json).unwrap(), spans);
        assert!(serde_json::from_str::<Span>("[10,0,0,0,0]").is_err());
        assert!(serde_json::from_str::<Span>("[1,18446744073709551615,1,0,0]").is_err());
    }
}
