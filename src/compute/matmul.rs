//! Multiplies two square matrices.

use super::{Pace, Tick, draw};
use std::ops::ControlFlow;

/// What it holds: three matrices of doubles.
pub fn memory_bytes(size: u64) -> u64 {
    size.saturating_mul(size).saturating_mul(24)
}

/// C = A · B for matrices of `size` × `size` doubles, whose entries are the upper bytes of SplitMix64's
/// numbers: row by row, A's first, B's behind them.
///
/// The entries are whole numbers below 256 and every sum stays below 2^53, so the result is exact on
/// every runtime: the sum of (place + 1) × entry over C row by row, modulo 2^64.
pub fn run(size: u64, seed: u64, tick: Tick) -> ControlFlow<(), u64> {
    // Multiplications between two ticks.
    let mut pace = Pace::new(tick, 16_384);
    let n = size as usize;
    let entries = size * size;
    let mut matrix = |first: u64| {
        let mut matrix = Vec::with_capacity(entries as usize);
        for index in first..first + entries {
            matrix.push((draw(seed, index) >> 56) as f64);
            pace.done(1)?;
        }
        ControlFlow::Continue(matrix)
    };
    let (a, b) = (matrix(0)?, matrix(entries)?);
    let mut sum = 0u64;
    let mut place = 0u64;
    // One row at a time, in the order i, k, j: memory is read as it lies.
    let mut row = vec![0.0f64; n];
    let mut c: Vec<f64> = Vec::with_capacity(entries as usize);
    for i in 0..n {
        row.fill(0.0);
        for k in 0..n {
            let factor = a[i * n + k];
            for (target, entry) in row.iter_mut().zip(&b[k * n..(k + 1) * n]) {
                *target += factor * entry;
            }
            pace.done(n as u32)?;
        }
        c.extend_from_slice(&row);
    }
    for entry in c {
        place += 1;
        sum = sum.wrapping_add(place.wrapping_mul(entry as u64));
        pace.done(1)?;
    }
    ControlFlow::Continue(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_product_of_the_two_matrices() {
        let entry = |index: u64| draw(9, index) >> 56;
        let n = 5;
        let mut expected = 0u64;
        for i in 0..n {
            for j in 0..n {
                let c: u64 = (0..n)
                    .map(|k| entry(i * n + k) * entry(n * n + k * n + j))
                    .sum();
                expected += (i * n + j + 1) * c;
            }
        }
        let result = run(n, 9, &mut || ControlFlow::Continue(()));
        assert_eq!(result, ControlFlow::Continue(expected));
    }
}
