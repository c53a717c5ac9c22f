//! A lane as it is noted: the moments at which a worker went on with something else.
//!
//! While the clock runs a lane only grows by such moments, 16 bytes each; [`Notes::lane`] makes spans of them
//! when it has stopped. [`Notes::write`] hands them to another process. Times are those of the monotonic
//! clock, which all processes of a machine share.

use super::{ACTIVITIES, Activity, Lane, Role, Span, Totals};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;

/// Fewest spans that a lane asks room for.
const FEWEST: usize = 4;

/// Spans that there is room for in one process.
pub struct Room(AtomicI64);

impl Room {
    /// Room for so many.
    pub fn new(spans: usize) -> Room {
        Room(AtomicI64::new(i64::try_from(spans).unwrap_or(i64::MAX)))
    }

    /// So much of it, or what is left.
    pub fn take(&self, spans: usize) -> usize {
        let wanted = spans as i64;
        let got = self.0.fetch_sub(wanted, Relaxed).clamp(0, wanted);
        self.0.fetch_add(wanted - got, Relaxed);
        got as usize
    }

    fn give_back(&self, spans: usize) {
        self.0.fetch_add(spans as i64, Relaxed);
    }
}

/// A moment at which one activity ended and another began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    start_ns: u64,
    /// Number of the task + 1; 0 is none. Tasks beyond four thousand million share a number.
    task: u32,
    activity: Activity,
    then: Option<Activity>,
}

/// Bytes of a turn on its way to another process.
const TURN_BYTES: usize = 16;

impl Turn {
    /// One that begins so.
    pub fn new(start_ns: u64, activity: Activity, task: Option<u64>) -> Turn {
        let number =
            |task: u64| u32::try_from(task).map_or(u32::MAX, |task| task.saturating_add(1));
        Turn {
            start_ns,
            task: task.map_or(0, number),
            activity,
            then: None,
        }
    }

    fn to_bytes(self) -> [u8; TURN_BYTES] {
        let then = self.then.map_or(0, |then| then as u8 + 1);
        let mut bytes = [0; TURN_BYTES];
        bytes[..8].copy_from_slice(&self.start_ns.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.task.to_le_bytes());
        (bytes[12], bytes[13]) = (self.activity as u8, then);
        bytes
    }

    fn from_bytes(bytes: [u8; TURN_BYTES]) -> Result<Turn, String> {
        let [a, b, c, d, e, f, g, h, i, j, k, l, activity, then, _, _] = bytes;
        Ok(Turn {
            start_ns: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            task: u32::from_le_bytes([i, j, k, l]),
            activity: Activity::numbered(activity)?,
            then: then.checked_sub(1).map(Activity::numbered).transpose()?,
        })
    }
}

/// What one worker has done so far.
#[derive(Serialize, Deserialize)]
pub struct Notes {
    role: Role,
    number: u32,
    process: u32,
    begin_ns: u64,
    end_ns: u64,
    cpu_ns: u64,
    totals_ns: Totals,
    /// Where the first turn began that there was no room for, and how many there were.
    cut_ns: Option<u64>,
    cut: u64,
    #[serde(skip)]
    turns: Vec<Turn>,
    /// What it does now; the last turn, where that was kept.
    #[serde(skip, default = "nothing")]
    now: Turn,
}

fn nothing() -> Turn {
    Turn::new(0, Activity::Idle, None)
}

impl Notes {
    /// Of a worker that was asked for at `begin_ns`; its turns go to `turns` first.
    pub fn new(role: Role, number: u32, process: u32, begin_ns: u64, turns: Vec<Turn>) -> Notes {
        Notes {
            role,
            number,
            process,
            begin_ns,
            end_ns: begin_ns,
            cpu_ns: 0,
            totals_ns: [0; ACTIVITIES.len()],
            cut_ns: None,
            cut: 0,
            turns,
            now: Turn::new(begin_ns, Activity::Starting, None),
        }
    }

    /// Whose they are.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What it does now.
    pub fn now(&self) -> (Activity, Option<u64>) {
        (
            self.now.activity,
            self.now.task.checked_sub(1).map(u64::from),
        )
    }

    /// Keeps the first turn.
    pub fn begin(&mut self, room: &Room) {
        self.keep(self.now, room);
    }

    /// From here on it does this.
    #[inline]
    pub fn turn(&mut self, next: Turn, room: &Room) {
        let now = self.now;
        if now.activity == next.activity && now.task == next.task && now.then.is_none() {
            return;
        }
        let length_ns = next.start_ns.saturating_sub(now.start_ns);
        self.totals_ns[now.activity as usize] += length_ns;
        let next = Turn {
            start_ns: now.start_ns + length_ns,
            ..next
        };
        self.now = next;
        if self.turns.len() < self.turns.capacity() && self.cut_ns.is_none() {
            self.turns.push(next);
        } else {
            self.keep(next, room);
        }
    }

    #[cold]
    fn keep(&mut self, turn: Turn, room: &Room) {
        if self.cut_ns.is_none() && self.turns.len() == self.turns.capacity() {
            let more = room.take(self.turns.len().max(FEWEST));
            self.turns.reserve_exact(more);
            if more == 0 {
                self.cut_ns = Some(turn.start_ns);
            }
        }
        match self.cut_ns {
            None => self.turns.push(turn),
            Some(_) => self.cut += 1,
        }
    }

    /// Its turn is over, and its task does this until the next one.
    #[inline]
    pub fn pause(&mut self, then: Activity) {
        self.now.then = Some(then);
        if self.cut_ns.is_none()
            && let Some(last) = self.turns.last_mut()
        {
            last.then = Some(then);
        }
    }

    /// The worker has ended; the room that it didn't need is there for others.
    pub fn end(&mut self, end_ns: u64, cpu_ns: u64, room: &Room) {
        let length_ns = end_ns.saturating_sub(self.now.start_ns);
        self.totals_ns[self.now.activity as usize] += length_ns;
        self.end_ns = self.now.start_ns + length_ns;
        self.cpu_ns = cpu_ns;
        room.give_back(self.turns.capacity() - self.turns.len());
    }

    /// As spans, with times since the clock's start, and how many were cut.
    pub fn lane(self, origin_ns: u64) -> (Lane, u64) {
        let since = |at_ns: u64| at_ns.saturating_sub(origin_ns);
        let ends = self.turns.iter().skip(1).map(|turn| turn.start_ns);
        let ends = ends.chain([self.cut_ns.unwrap_or(self.end_ns)]);
        let span = |(turn, end_ns): (&Turn, u64)| Span {
            activity: turn.activity,
            task: turn.task.checked_sub(1).map(u64::from),
            start_ns: since(turn.start_ns),
            end_ns: since(end_ns),
            then: turn.then,
        };
        let lane = Lane {
            role: self.role,
            number: self.number,
            process: self.process,
            begin_ns: since(self.begin_ns),
            end_ns: since(self.end_ns),
            cpu_ns: Some(self.cpu_ns),
            totals_ns: self.totals_ns,
            spans: self.turns.iter().zip(ends).map(span).collect(),
        };
        (lane, self.cut)
    }

    /// Writes them for another process: a line of JSON and the turns behind it, raw, for there may be many.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write(&self, output: &mut impl Write) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(&(self, self.turns.len()))?;
        bytes.push(b'\n');
        bytes.reserve_exact(self.turns.len() * TURN_BYTES);
        for turn in &self.turns {
            bytes.extend_from_slice(&turn.to_bytes());
        }
        output.write_all(&bytes)
    }

    /// Reads what [`Notes::write`] has written; `None` where nothing more comes.
    ///
    /// # Errors
    /// Those of reading, and where it is something else.
    pub fn read(input: &mut impl BufRead) -> io::Result<Option<Notes>> {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let (mut notes, turns): (Notes, usize) = serde_json::from_str(&line)?;
        for _ in 0..turns {
            let mut bytes = [0; TURN_BYTES];
            input.read_exact(&mut bytes)?;
            let turn = Turn::from_bytes(bytes).map_err(io::Error::other)?;
            notes.turns.push(turn);
        }
        Ok(Some(notes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_small_and_survives_its_way_to_another_process() {
        assert_eq!(size_of::<Turn>(), TURN_BYTES);
        let room = Room::new(100);
        let mut notes = Notes::new(Role::Worker, 3, 2, 1_000, Vec::new());
        notes.begin(&room);
        notes.turn(Turn::new(1_005, Activity::Computing, Some(7)), &room);
        notes.pause(Activity::Lock);
        notes.turn(Turn::new(1_020, Activity::Idle, None), &room);
        notes.turn(Turn::new(1_025, Activity::Idle, None), &room);
        notes.end(1_030, 14, &room);
        let mut bytes = Vec::new();
        notes.write(&mut bytes).unwrap();
        notes.write(&mut bytes).unwrap();
        let mut input = bytes.as_slice();
        let read = Notes::read(&mut input).unwrap().unwrap();
        assert!(Notes::read(&mut input).unwrap().is_some());
        assert!(Notes::read(&mut input).unwrap().is_none());
        let (lane, cut) = notes.lane(1_000);
        assert_eq!(read.lane(1_000), (lane.clone(), cut));
        assert_eq!((lane.begin_ns, lane.end_ns, lane.cpu_ns), (0, 30, Some(14)));
        let spans: Vec<_> = lane
            .spans
            .iter()
            .map(|span| {
                (
                    span.activity,
                    span.task,
                    span.start_ns,
                    span.end_ns,
                    span.then,
                )
            })
            .collect();
        assert_eq!(
            spans,
            [
                (Activity::Starting, None, 0, 5, None),
                (Activity::Computing, Some(7), 5, 20, Some(Activity::Lock)),
                (Activity::Idle, None, 20, 30, None),
            ]
        );
        assert_eq!(room.take(1_000), 97, "what wasn't needed is there again");
    }
}
