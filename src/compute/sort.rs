//! Sorts integers: merge sort, our own so that it can tick.

use super::{Pace, Tick, draw};
use std::ops::ControlFlow;

/// What it holds: the integers and a buffer of the same size.
pub fn memory_bytes(size: u64) -> u64 {
    size.saturating_mul(16)
}

/// Sorts the first `size` numbers of SplitMix64; the result is the sum of (place + 1) × number over the
/// sorted list, modulo 2^64.
pub fn run(size: u64, seed: u64, tick: Tick) -> ControlFlow<(), u64> {
    let mut pace = Pace::new(tick, 1024);
    let mut numbers = Vec::with_capacity(size as usize);
    for index in 0..size {
        numbers.push(draw(seed, index));
        pace.done(1)?;
    }
    merge_sort(&mut numbers, &mut pace)?;
    let mut sum = 0u64;
    for (place, number) in numbers.iter().enumerate() {
        sum = sum.wrapping_add((place as u64 + 1).wrapping_mul(*number));
        pace.done(1)?;
    }
    ControlFlow::Continue(sum)
}

/// Bottom-up merge sort (Knuth 1973, 5.2.4): runs of 1, 2, 4, … are merged pairwise.
fn merge_sort(numbers: &mut Vec<u64>, pace: &mut Pace) -> ControlFlow<()> {
    let mut merged = Vec::with_capacity(numbers.len());
    let mut width = 1;
    while width < numbers.len() {
        merged.clear();
        for pair in numbers.chunks(2 * width) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            let (mut i, mut j) = (0, 0);
            while i < left.len() || j < right.len() {
                let take_left = j == right.len() || (i < left.len() && left[i] <= right[j]);
                if take_left {
                    merged.push(left[i]);
                    i += 1;
                } else {
                    merged.push(right[j]);
                    j += 1;
                }
                pace.done(1)?;
            }
        }
        std::mem::swap(numbers, &mut merged);
        width *= 2;
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_comes_out_sorted() {
        for length in [0, 1, 2, 3, 7, 8, 9, 1000, 1025] {
            let mut numbers: Vec<u64> = (0..length).map(|index| draw(3, index) % 100).collect();
            let mut expected = numbers.clone();
            expected.sort_unstable();
            let sorted = merge_sort(
                &mut numbers,
                &mut Pace::new(&mut || ControlFlow::Continue(()), 1),
            );
            assert!(sorted.is_continue());
            assert_eq!(numbers, expected, "{length} numbers");
        }
    }
}
