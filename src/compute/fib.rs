//! Fibonacci numbers by the recursive definition: the function call itself is the work.

use super::{Pace, Tick};
use std::hint::black_box;
use std::ops::ControlFlow;

/// The `size`-th Fibonacci number, modulo 2^64: fib(0) = 0, fib(1) = 1, every other the sum of the two
/// before it, each computed anew.
pub fn run(size: u64, _seed: u64, tick: Tick) -> ControlFlow<(), u64> {
    fib(size, &mut Pace::new(tick, 1024))
}

fn fib(n: u64, pace: &mut Pace) -> ControlFlow<(), u64> {
    pace.done(1)?;
    match black_box(n) {
        0 | 1 => ControlFlow::Continue(n),
        _ => ControlFlow::Continue(fib(n - 1, pace)?.wrapping_add(fib(n - 2, pace)?)),
    }
}
