//! Counts to a number, one by one: the loop that shows what a core does, and nothing else.

use super::{Tick, in_chunks};
use std::hint::black_box;
use std::ops::ControlFlow;

/// The number of steps, counted.
pub fn run(size: u64, _seed: u64, tick: Tick) -> ControlFlow<(), u64> {
    in_chunks(size, 8192, tick, |counted, _| black_box(counted + 1))
}
