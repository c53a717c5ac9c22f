//! Estimates π by throwing points at a square (Monte Carlo).

use super::{Tick, draw, in_chunks};
use std::hint::black_box;
use std::ops::ControlFlow;

/// How many of `size` points fall into the quarter circle: about π/4 of them.
///
/// Point i is the i-th number of SplitMix64: its upper half is x, its lower half y, and the circle's
/// radius is 2^32. Integers only, so that every runtime counts the same points.
pub fn run(size: u64, seed: u64, tick: Tick) -> ControlFlow<(), u64> {
    in_chunks(size, 2048, tick, |hits, index| {
        let point = draw(seed, index);
        let (x, y) = (point >> 32, point & u64::from(u32::MAX));
        let inside = (x * x).checked_add(y * y).is_some();
        black_box(hits + u64::from(inside))
    })
}
