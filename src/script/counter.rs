//! Increments of the counter that all tasks share, and the ways to keep them apart.

use super::body::{Body, Style};
use super::shared::Shared;
use crate::program::{Body as Between, Sync, Value};

const SAME: &str = "def same(number):\n    return number";

impl Body<'_> {
    /// Lines of `add`.
    pub(super) fn add(&mut self, times: &Value, sync: Sync, between: Between) {
        let outside = self.depth;
        let times = self.value(times);
        let in_one_process = self.style.is_in_one_process();
        let concurrent = matches!(self.style, Style::Threads | Style::Processes);
        if sync == Sync::Atomic && matches!(self.style, Style::Alone | Style::Threads) {
            self.share(Shared::Ticket);
            self.imports.insert("itertools");
            self.line(format!("for _ in range({times}):"));
            self.depth += 1;
            self.line("next(ticket)  # one call of C: no other thread comes in between");
            self.depth = outside;
            return;
        }
        self.share(Shared::Counter);
        self.counts = true;
        let counter = match in_one_process {
            true => "counter",
            false => "counter.value",
        };
        if sync == Sync::Local {
            self.line("own = 0");
            self.line(format!("for _ in range({times}):"));
            self.depth += 1;
            self.increment("own", between);
            self.depth = outside;
            if !self.style.is_async() {
                self.with_counter_lock();
            }
            self.line(format!("{counter} += own"));
            self.depth = outside;
            return;
        }
        self.line(format!("for _ in range({times}):"));
        self.depth += 1;
        match sync {
            Sync::None if concurrent && between == Between::Call && self.locks_held == 0 => {
                self.line("# What others add during the call is lost.");
            }
            Sync::None => {}
            _ if self.style.is_async() => {
                self.line("# One thread, and nothing is awaited here: no lock is needed.");
            }
            _ => {
                match sync {
                    Sync::Rwlock => self.line("# The standard library has no readers-writer lock."),
                    Sync::Atomic => {
                        self.line("# Between processes nothing is atomic without a lock.")
                    }
                    _ => {}
                }
                self.with_counter_lock();
            }
        }
        self.increment(counter, between);
        self.depth = outside;
    }

    fn increment(&mut self, counter: &str, between: Between) {
        match between {
            Between::Plain => self.line(format!("{counter} += 1")),
            Between::Call => {
                self.block(SAME);
                self.line(format!("{counter} = same({counter}) + 1"));
            }
        }
    }

    fn with_counter_lock(&mut self) {
        self.share(Shared::Lock("counter_mutex".to_owned()));
        self.line("with counter_mutex:");
        self.depth += 1;
    }
}
