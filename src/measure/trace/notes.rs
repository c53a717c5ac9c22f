//! A lane as it is noted: the moments at which a worker went on with something else.
//!
//! While the clock runs a lane only grows by such moments, 16 bytes each; [`Notes::lane`] makes spans of them
//! when it has stopped. [`Notes::write`] hands them to another process. Moments are ticks of a [`Clock`] that all
//! processes of a trial share.
//!
//! [`Clock`]: super::clock::Clock

use super::clock::Scale;
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

    /// So much of it for one of several at the start, who must leave some to those that come later: no more than a
    /// quarter of what is left.
    pub fn take_share(&self, spans: usize) -> usize {
        let left = self.0.load(Relaxed).max(0) as usize;
        self.take(spans.min(left / 4))
    }

    fn give_back(&self, spans: usize) {
        self.0.fetch_add(spans as i64, Relaxed);
    }
}

/// A moment at which one activity ended and another began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    start: u64,
    what: What,
}

/// Bytes of a turn on its way to another process.
const TURN_BYTES: usize = 16;

/// What began, in one word, which is compared and written at once: the task's number + 1 (0: none), what the
/// task does next + 1 (0: nothing), and the activity. Tasks beyond four thousand million share a number.
#[derive(Clone, Copy, Debug, PartialEq)]
struct What(u64);

impl What {
    fn new(activity: Activity, task: Option<u64>) -> What {
        const MOST: u64 = u32::MAX as u64;
        let number = task.map_or(0, |task| task.min(MOST - 1) + 1);
        What(number << 16 | activity as u64)
    }

    fn and_then(self, then: Activity) -> What {
        What(self.0 & !0xff00 | (then as u64 + 1) << 8)
    }

    fn activity(self) -> Activity {
        ACTIVITIES[(self.0 & 0xff) as usize].activity
    }

    fn then(self) -> Option<Activity> {
        let then = (self.0 >> 8 & 0xff).checked_sub(1)?;
        Some(ACTIVITIES[then as usize].activity)
    }

    fn task(self) -> Option<u64> {
        (self.0 >> 16).checked_sub(1)
    }

    fn is_valid(self) -> bool {
        let most = ACTIVITIES.len() as u64;
        (self.0 & 0xff) < most && (self.0 >> 8 & 0xff) <= most
    }
}

impl Turn {
    /// One that begins so.
    pub fn new(start: u64, activity: Activity, task: Option<u64>) -> Turn {
        Turn {
            start,
            what: What::new(activity, task),
        }
    }

    fn from_bytes(bytes: [u8; TURN_BYTES]) -> io::Result<Turn> {
        let all = u128::from_le_bytes(bytes);
        let (start, what) = (all as u64, What((all >> 64) as u64));
        match what.is_valid() {
            true => Ok(Turn { start, what }),
            false => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// What one worker has done so far.
#[derive(Serialize, Deserialize)]
pub struct Notes {
    role: Role,
    number: u32,
    process: u32,
    begin: u64,
    end: u64,
    cpu_ns: u64,
    /// Where the first turn began that there was no room for; how many there were, and the time of each activity
    /// from there on.
    cut_at: Option<u64>,
    cut: u64,
    cut_totals: Totals,
    #[serde(skip)]
    turns: Vec<Turn>,
    /// What it does now.
    #[serde(skip, default = "nothing")]
    now: Turn,
}

fn nothing() -> Turn {
    Turn::new(0, Activity::Idle, None)
}

impl Notes {
    /// Of a worker that was asked for at `begin`; its turns go to `turns` first.
    pub fn new(
        role: Role,
        number: u32,
        process: u32,
        begin: u64,
        turns: Vec<Turn>,
        room: &Room,
    ) -> Notes {
        let now = Turn::new(begin, Activity::Starting, None);
        let mut notes = Notes {
            role,
            number,
            process,
            begin,
            end: begin,
            cpu_ns: 0,
            cut_at: None,
            cut: 0,
            cut_totals: Totals::default(),
            turns,
            now,
        };
        notes.keep(now, now, room);
        notes
    }

    /// Whose they are.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What it does now.
    pub fn now(&self) -> (Activity, Option<u64>) {
        (self.now.what.activity(), self.now.what.task())
    }

    /// From here on it does this.
    #[inline]
    pub fn turn(&mut self, next: Turn, room: &Room) {
        let now = self.now;
        if now.what == next.what {
            return;
        }
        self.now = next;
        // Where turns were cut there is never room again.
        if self.turns.len() < self.turns.capacity() {
            self.turns.push(next);
        } else {
            self.keep(now, next, room);
        }
    }

    #[cold]
    fn keep(&mut self, now: Turn, next: Turn, room: &Room) {
        if self.cut_at.is_none() && self.turns.len() == self.turns.capacity() {
            let more = room.take(self.turns.len().max(FEWEST));
            self.turns.reserve_exact(more);
            if more == 0 {
                self.cut_at = Some(next.start);
            }
        }
        match self.cut_at {
            None => self.turns.push(next),
            Some(cut_at) => {
                self.cut += 1;
                self.add_cut(now, next.start.max(cut_at), cut_at);
            }
        }
    }

    fn add_cut(&mut self, turn: Turn, end: u64, cut_at: u64) {
        let length = end.saturating_sub(turn.start.max(cut_at));
        self.cut_totals[turn.what.activity() as usize] += length;
    }

    /// Its turn is over, and its task does this until the next one.
    #[inline]
    pub fn pause(&mut self, then: Activity) {
        self.now.what = self.now.what.and_then(then);
        if self.cut_at.is_none()
            && let Some(last) = self.turns.last_mut()
        {
            last.what = self.now.what;
        }
    }

    /// The worker has ended; the room that it didn't need is there for others.
    pub fn end(&mut self, end: u64, cpu_ns: u64, room: &Room) {
        self.end = end.max(self.now.start);
        self.cpu_ns = cpu_ns;
        match self.cut_at {
            Some(cut_at) => self.add_cut(self.now, self.end, cut_at),
            None => room.give_back(self.turns.capacity() - self.turns.len()),
        }
    }

    /// As spans, with times since the clock's start, and how many were cut.
    pub fn lane(self, scale: Scale, origin_ns: u64) -> (Lane, u64) {
        let since = |at: u64| scale.ns(at).saturating_sub(origin_ns);
        let (begin_ns, end_ns) = (since(self.begin), since(self.end));
        let cut_ns = self.cut_at.map_or(end_ns, since);
        let mut spans = Vec::with_capacity(self.turns.len());
        let mut totals_ns = Totals::default();
        let mut start_ns = begin_ns;
        let ends = self.turns.iter().skip(1).map(|turn| since(turn.start));
        for (turn, end_ns) in self.turns.iter().zip(ends.chain([cut_ns])) {
            // Counters of two cores may differ by less than it takes to go from one to the other.
            let end_ns = end_ns.max(start_ns);
            let activity = turn.what.activity();
            totals_ns[activity as usize] += end_ns - start_ns;
            spans.push(Span {
                activity,
                task: turn.what.task(),
                start_ns,
                end_ns,
                then: turn.what.then(),
            });
            start_ns = end_ns;
        }
        let end_ns = end_ns.max(start_ns);
        add_scaled(&self.cut_totals, end_ns - start_ns, &mut totals_ns);
        let lane = Lane {
            role: self.role,
            number: self.number,
            process: self.process,
            begin_ns,
            end_ns,
            cpu_ns: Some(self.cpu_ns),
            totals_ns,
            spans,
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
            bytes.extend_from_slice(&turn.start.to_le_bytes());
            bytes.extend_from_slice(&turn.what.0.to_le_bytes());
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
            notes.turns.push(Turn::from_bytes(bytes)?);
        }
        Ok(Some(notes))
    }
}

/// Adds ticks of each activity that come to `whole_ns` together.
fn add_scaled(ticks: &Totals, whole_ns: u64, totals_ns: &mut Totals) {
    let whole = ticks.iter().map(|ticks| u128::from(*ticks)).sum::<u128>();
    let (mut before, mut before_ns) = (0, 0);
    for (ticks, total_ns) in ticks.iter().zip(totals_ns) {
        before += u128::from(*ticks);
        let after_ns = (before * u128::from(whole_ns) / whole.max(1)) as u64;
        *total_ns += after_ns - before_ns;
        before_ns = after_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_small_and_survives_its_way_to_another_process() {
        assert_eq!(size_of::<Turn>(), TURN_BYTES);
        let room = Room::new(100);
        let mut notes = Notes::new(Role::Worker, 3, 2, 1_000, Vec::new(), &room);
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
        let (scale, origin_ns) = (Scale::none(), 1_000);
        let (lane, cut) = notes.lane(scale, origin_ns);
        assert_eq!(read.lane(scale, origin_ns), (lane.clone(), cut));
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
