//! Sums the squares below a number.

use super::{Tick, in_chunks};
use std::hint::black_box;
use std::ops::ControlFlow;

/// 0² + 1² + … + (size − 1)², modulo 2^64.
pub fn run(size: u64, _seed: u64, tick: Tick) -> ControlFlow<(), u64> {
    in_chunks(size, 8192, tick, |sum, i| {
        black_box(sum.wrapping_add(i.wrapping_mul(i)))
    })
}
