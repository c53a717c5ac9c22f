//! The clock that lanes are noted with: the cheapest that all processes of a machine share.
//!
//! What is noted of a task must cost little beside a tiny one. To read the processor's time-stamp counter takes 9 ns
//! where to ask the system for the time takes 20 (measured, one machine). So the counter is read where the
//! system keeps its own time by it, which it only does where it runs at one rate and is the same on all cores;
//! counts become nanoseconds when the run is over, by two readings of both. Elsewhere, and on other processors,
//! a tick is a nanosecond of the system's monotonic clock.

use crate::process::clock::monotonic_ns;
use serde::{Deserialize, Serialize};
use std::fs;

/// Where Linux tells what it keeps its time by.
const SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

/// A clock that has started; the same in all processes that it is handed to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Clock {
    /// Whether it reads the processor's counter.
    counter: bool,
    start: Reading,
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Reading {
    ticks: u64,
    ns: u64,
}

/// Makes nanoseconds of the system's monotonic clock of ticks.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    start: Reading,
    end: Reading,
}

impl Clock {
    /// Starts one.
    pub fn start() -> Clock {
        let source = fs::read_to_string(SOURCE).unwrap_or_default();
        let counter = cfg!(target_arch = "x86_64") && source.trim() == "tsc";
        Clock {
            counter,
            start: reading(counter),
        }
    }

    /// Now.
    #[inline]
    pub fn ticks(self) -> u64 {
        ticks(self.counter)
    }

    /// What its ticks come to, as far as can be told by now.
    pub fn scale(self) -> Scale {
        Scale {
            start: self.start,
            end: reading(self.counter),
        }
    }
}

impl Scale {
    /// Of ticks that are nanoseconds.
    #[cfg(test)]
    pub fn none() -> Scale {
        let reading = |at| Reading { ticks: at, ns: at };
        Scale {
            start: reading(0),
            end: reading(u64::MAX),
        }
    }

    /// The time at which the clock showed so many ticks.
    pub fn ns(self, ticks: u64) -> u64 {
        let (start, end) = (self.start, self.end);
        let length_ns = u128::from(end.ns - start.ns);
        let length = u128::from(end.ticks.saturating_sub(start.ticks)).max(1);
        let since = u128::from(ticks.saturating_sub(start.ticks));
        start.ns + (since * length_ns / length) as u64
    }
}

fn reading(counter: bool) -> Reading {
    if !counter {
        let ns = monotonic_ns();
        return Reading { ticks: ns, ns };
    }
    // The one of a few that was interrupted the least.
    let read = |_| {
        let before = ticks(counter);
        let ns = monotonic_ns();
        let after = ticks(counter);
        let took = after.saturating_sub(before);
        let ticks = before + took / 2;
        (took, Reading { ticks, ns })
    };
    let best = (0..8).map(read).min_by_key(|(took, _)| *took);
    best.map_or(Reading { ticks: 0, ns: 0 }, |(_, reading)| reading)
}

#[inline]
fn ticks(counter: bool) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if counter {
        // SAFETY: reads a register that is there on every such processor.
        return unsafe { std::arch::x86_64::_rdtsc() };
    }
    let _ = counter;
    monotonic_ns()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_the_systems_time() {
        for counter in [false, Clock::start().counter] {
            let clock = Clock {
                counter,
                start: reading(counter),
            };
            let times: Vec<(u64, u64, u64)> = (0..200)
                .map(|_| {
                    std::hint::black_box((0..1_000).map(std::hint::black_box).sum::<u64>());
                    (monotonic_ns(), clock.ticks(), monotonic_ns())
                })
                .collect();
            let scale = clock.scale();
            for (before_ns, ticks, after_ns) in times {
                let ns = scale.ns(ticks);
                // Both readings that the scale is made of may have been interrupted a little.
                let noise_ns = 50_000;
                assert!(
                    ns + noise_ns >= before_ns && ns <= after_ns + noise_ns,
                    "{counter}"
                );
            }
        }
    }
}
