//! Functions that keep a core busy, one file each, all with the signature [`Function`].
//!
//! Every result depends on all of the work, and `black_box` inside each loop keeps the optimiser from
//! finding a closed form. To add one: a file here, `mod x;`, and a row in [`FUNCTIONS`].

mod count;
mod cpu;
mod primes;
mod sum_squares;

pub use cpu::{calibrate, calibrate_program};

use std::ops::ControlFlow;
use std::process::ExitCode;

/// Called by a function every few microseconds of work; a `Break` asks it to end at once.
pub type Tick<'a> = &'a mut dyn FnMut() -> ControlFlow<()>;

/// `(size, seed, tick)` to a result that depends on all of the work; `Break` where `tick` said so.
///
/// `seed` is the task's own, for functions that generate their data.
pub type Function = fn(u64, u64, Tick) -> ControlFlow<(), u64>;

/// Name and code of every function.
pub const FUNCTIONS: &[(&str, Function)] = &[
    ("cpu", cpu::run),
    ("count", count::run),
    ("sum_squares", sum_squares::run),
    ("primes", primes::run),
];

/// The function of that name.
pub fn find(name: &str) -> Option<Function> {
    FUNCTIONS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, function)| *function)
}

/// Prints the calibration of `cpu`, for the process that measures it.
pub fn calibrate_main() -> ExitCode {
    println!("{}", calibrate());
    ExitCode::SUCCESS
}

/// Folds `0..size` into a result by `step`, ticking every `chunk` steps.
fn in_chunks(
    size: u64,
    chunk: u64,
    tick: Tick,
    mut step: impl FnMut(u64, u64) -> u64,
) -> ControlFlow<(), u64> {
    let mut result = 0;
    let mut start = 0;
    while start < size {
        let end = size.min(start.saturating_add(chunk));
        for index in start..end {
            result = step(result, index);
        }
        start = end;
        tick()?;
    }
    ControlFlow::Continue(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn run(name: &str, size: u64) -> u64 {
        match find(name).unwrap()(size, 1, &mut || ControlFlow::Continue(())) {
            ControlFlow::Continue(result) => result,
            ControlFlow::Break(()) => panic!("nobody asked it to end"),
        }
    }

    #[test]
    fn known_answers() {
        assert_eq!(run("primes", 1000), 168);
        assert_eq!(run("primes", 2), 0);
        assert_eq!(run("primes", 3), 1);
        assert_eq!(run("sum_squares", 1000), 999 * 1000 * 1999 / 6);
        assert_eq!(run("count", 12_345), 12_345);
        for (name, _) in FUNCTIONS {
            run(name, 0);
        }
    }

    #[test]
    fn the_same_work_gives_the_same_answer_and_other_work_another() {
        for (name, _) in FUNCTIONS {
            assert_eq!(run(name, 5000), run(name, 5000), "{name}");
            assert_ne!(run(name, 5000), run(name, 6000), "{name}");
        }
    }

    #[test]
    fn time_grows_with_size() {
        for (name, _) in FUNCTIONS {
            let fastest = |size| {
                let time = || {
                    let start = Instant::now();
                    run(name, size);
                    start.elapsed()
                };
                (0..5).map(|_| time()).min().unwrap()
            };
            // Sixteen times the size: a closed form would take the same time.
            assert!(
                fastest(160_000) > fastest(10_000) * 4,
                "{name} was optimised away"
            );
        }
    }

    #[test]
    fn a_break_ends_the_work_at_once_and_ticks_come_often() {
        for (name, function) in FUNCTIONS {
            let mut ticks = 0;
            let ended = function(u64::MAX, 1, &mut || {
                ticks += 1;
                if ticks == 3 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            assert!(ended.is_break() && ticks == 3, "{name}");
        }
    }
}
