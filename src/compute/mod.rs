//! Functions that keep a core busy, one file each, all with the signature [`Function`].
//!
//! Every result depends on all of the work, and `black_box` inside each loop keeps the optimiser from
//! finding a closed form. To add one: a file here, `mod x;`, and a row in [`FUNCTIONS`].

mod blur;
mod compress;
mod count;
mod cpu;
mod fib;
mod hash;
mod matmul;
mod pi;
mod primes;
mod sort;
mod sum_squares;

pub use cpu::{calibrate, calibrate_program};

use crate::program::splitmix64;
use std::ops::ControlFlow;
use std::process::ExitCode;

/// Called by a function every few microseconds of work; a `Break` asks it to end at once.
pub type Tick<'a> = &'a mut dyn FnMut() -> ControlFlow<()>;

/// `(size, seed, tick)` to a result that depends on all of the work; `Break` where `tick` said so.
///
/// `seed` is the task's own, for functions that generate their data. Every result is exact, integers
/// modulo 2^64 or doubles that hold whole numbers, so that another runtime can compute the same.
pub type Function = fn(u64, u64, Tick) -> ControlFlow<(), u64>;

/// A function's row.
#[derive(Clone, Copy)]
pub struct FunctionDef {
    /// By which operations call it.
    pub name: &'static str,
    /// Its code.
    pub run: Function,
    /// Bytes that it holds while it runs, by its size.
    pub memory_bytes: fn(u64) -> u64,
}

/// Every function.
pub const FUNCTIONS: &[FunctionDef] = &[
    row("cpu", cpu::run, no_memory),
    row("count", count::run, no_memory),
    row("sum_squares", sum_squares::run, no_memory),
    row("primes", primes::run, no_memory),
    row("pi", pi::run, no_memory),
    row("fib", fib::run, no_memory),
    row("sort", sort::run, sort::memory_bytes),
    row("matmul", matmul::run, matmul::memory_bytes),
    row("hash", hash::run, no_memory),
    row("compress", compress::run, compress::memory_bytes),
    row("blur", blur::run, blur::memory_bytes),
];

const fn row(name: &'static str, run: Function, memory_bytes: fn(u64) -> u64) -> FunctionDef {
    FunctionDef {
        name,
        run,
        memory_bytes,
    }
}

/// Of functions that hold nothing to speak of.
fn no_memory(_size: u64) -> u64 {
    0
}

/// The function of that name.
pub fn find(name: &str) -> Option<&'static FunctionDef> {
    FUNCTIONS.iter().find(|function| function.name == name)
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

/// The number with `index` of the SplitMix64 generator (Steele, Lea & Flood 2014) with that seed, from 0.
fn draw(seed: u64, index: u64) -> u64 {
    splitmix64(seed.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

/// Ticks whenever so many units of work have been done.
struct Pace<'a> {
    tick: Tick<'a>,
    every: u32,
    left: u32,
}

impl<'a> Pace<'a> {
    fn new(tick: Tick<'a>, every: u32) -> Self {
        Pace {
            tick,
            every,
            left: every,
        }
    }

    /// Takes note of work that was done.
    #[inline]
    fn done(&mut self, units: u32) -> ControlFlow<()> {
        if units < self.left {
            self.left -= units;
            return ControlFlow::Continue(());
        }
        self.left = self.every;
        (self.tick)()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    /// Of each function two sizes of which the larger is at least ten times the work, and one that it
    /// would take minutes for.
    const SIZES: &[(&str, [u64; 2], u64)] = &[
        ("cpu", [10_000, 160_000], u64::MAX),
        ("count", [10_000, 160_000], u64::MAX),
        ("sum_squares", [10_000, 160_000], u64::MAX),
        ("primes", [10_000, 160_000], u64::MAX),
        ("pi", [10_000, 160_000], u64::MAX),
        ("fib", [14, 20], 90),
        ("sort", [3_000, 48_000], 1 << 26),
        ("matmul", [40, 120], 8192),
        ("hash", [10_000, 160_000], u64::MAX),
        ("compress", [70_000, 1_120_000], u64::MAX),
        ("blur", [10_000, 160_000], 1 << 28),
    ];

    fn run(name: &str, size: u64) -> u64 {
        match (find(name).unwrap().run)(size, 1, &mut || ControlFlow::Continue(())) {
            ControlFlow::Continue(result) => result,
            ControlFlow::Break(()) => panic!("nobody asked it to end"),
        }
    }

    #[test]
    fn every_function_has_sizes_here_and_ends_at_once_for_the_smallest() {
        let names: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
        let tested: Vec<&str> = SIZES.iter().map(|(name, _, _)| *name).collect();
        assert_eq!(names, tested);
        for name in names {
            run(name, 0);
            run(name, 1);
        }
    }

    #[test]
    fn known_answers() {
        assert_eq!(run("primes", 1000), 168);
        assert_eq!(run("primes", 2), 0);
        assert_eq!(run("primes", 3), 1);
        assert_eq!(run("sum_squares", 1000), 999 * 1000 * 1999 / 6);
        assert_eq!(run("count", 12_345), 12_345);
        assert_eq!(run("fib", 20), 6765);
        // Computed by a program of a few lines in Python, from the descriptions alone.
        assert_eq!(run("pi", 10_000), 7919);
        assert_eq!(run("sort", 1000), 0x7d5b_02e8_140e_9809);
        assert_eq!(run("matmul", 20), 24_430_494_116);
        assert_eq!(run("hash", 10_000), 0x98a7_5440_8f88_d375);
        assert_eq!(run("compress", 70_000), 0x0ce1_3007);
        assert_eq!(run("blur", 10_007), 6_248_737_405);
        let estimate = run("pi", 1_000_000) as f64 * 4.0 / 1_000_000.0;
        assert!(
            (estimate - std::f64::consts::PI).abs() < 0.005,
            "{estimate}"
        );
    }

    #[test]
    fn the_same_work_gives_the_same_answer_and_other_work_another() {
        for (name, [small, large], _) in SIZES {
            assert_eq!(run(name, *small), run(name, *small), "{name}");
            assert_ne!(run(name, *small), run(name, *large), "{name}");
        }
    }

    #[test]
    fn time_grows_with_size() {
        for (name, [small, large], _) in SIZES {
            let fastest = |size| {
                let time = || {
                    let start = Instant::now();
                    run(name, size);
                    start.elapsed()
                };
                (0..5).map(|_| time()).min().unwrap()
            };
            // At least ten times the work: a closed form would take the same time.
            assert!(
                fastest(*large) > fastest(*small) * 4,
                "{name} was optimised away"
            );
        }
    }

    #[test]
    fn a_break_ends_the_work_at_once_and_ticks_come_often() {
        for (name, _, endless) in SIZES {
            let mut ticks = 0;
            let ended = (find(name).unwrap().run)(*endless, 1, &mut || {
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

    #[test]
    fn a_break_ends_every_phase_of_the_work() {
        for (name, [small, _], _) in SIZES {
            let ticks = |most: u64| {
                let mut ticks = 0;
                let ended = (find(name).unwrap().run)(*small, 1, &mut || {
                    ticks += 1;
                    if ticks == most {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                });
                (ticks, ended.is_break())
            };
            let (all, ended) = ticks(u64::MAX);
            assert!(all > 0 && !ended, "{name} never ticked");
            for most in [1, all.div_ceil(2), all] {
                assert_eq!(ticks(most), (most, true), "{name}");
            }
        }
    }
}
