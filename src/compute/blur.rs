//! Blurs a generated image.

use super::{Pace, Tick, draw};
use std::ops::ControlFlow;

/// The binomial kernel, which is nearly Gaussian; its sum is 16.
const KERNEL: [u32; 5] = [1, 4, 6, 4, 1];
/// Pixels of a row between two ticks.
const SEGMENT: usize = 2048;

/// What it holds: the image and the half-blurred one, a byte a pixel.
pub fn memory_bytes(size: u64) -> u64 {
    size.saturating_mul(2)
}

/// Blurs a grey image by 5 × 5 binomial weights, first along the rows, then along the columns, each
/// rounded to the nearest; beyond an edge its pixels go on. The result is the sum of (place + 1) × pixel
/// over the rows, modulo 2^64.
///
/// The image is as wide as the root of `size`, rounded down, and as high as that leaves whole rows for;
/// pixel i is the upper byte of SplitMix64's i-th number.
pub fn run(size: u64, seed: u64, tick: Tick) -> ControlFlow<(), u64> {
    let mut pace = Pace::new(tick, SEGMENT as u32);
    let width = size.isqrt().max(1) as usize;
    let height = (size / width as u64) as usize;
    let mut image = Vec::with_capacity(width * height);
    for index in 0..(width * height) as u64 {
        image.push((draw(seed, index) >> 56) as u8);
        pace.done(1)?;
    }
    let mut half = vec![0u8; width * height];
    for (source, target) in image.chunks(width).zip(half.chunks_mut(width)) {
        for start in (0..width).step_by(SEGMENT) {
            let end = width.min(start + SEGMENT);
            for x in start..end {
                target[x] = blurred(|offset| source[near(x, offset, width)]);
            }
            pace.done((end - start) as u32)?;
        }
    }
    for y in 0..height {
        let rows: [&[u8]; 5] =
            std::array::from_fn(|offset| &half[near(y, offset, height) * width..][..width]);
        let target = &mut image[y * width..][..width];
        for start in (0..width).step_by(SEGMENT) {
            let end = width.min(start + SEGMENT);
            for x in start..end {
                target[x] = blurred(|offset| rows[offset][x]);
            }
            pace.done((end - start) as u32)?;
        }
    }
    let mut sum = 0u64;
    for (place, pixel) in image.iter().enumerate() {
        sum = sum.wrapping_add((place as u64 + 1).wrapping_mul(u64::from(*pixel)));
        pace.done(1)?;
    }
    ControlFlow::Continue(sum)
}

/// The place `offset - 2` from `at`, or the edge.
fn near(at: usize, offset: usize, length: usize) -> usize {
    (at + offset).saturating_sub(2).min(length - 1)
}

fn blurred(pixel: impl Fn(usize) -> u8) -> u8 {
    let sum: u32 = (0..KERNEL.len())
        .map(|offset| KERNEL[offset] * u32::from(pixel(offset)))
        .sum();
    ((sum + 8) >> 4) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_spreads_and_a_plain_image_stays() {
        assert_eq!(blurred(|_| 77), 77);
        let dot = |at: usize| {
            let image = |x: usize| if x == 3 { 160 } else { 0 };
            blurred(|offset| image(near(at, offset, 7)))
        };
        assert_eq!([0, 1, 2, 3, 4, 5, 6].map(dot), [0, 10, 40, 60, 40, 10, 0]);
        assert_eq!([near(0, 0, 7), near(6, 4, 7), near(3, 2, 7)], [0, 6, 3]);
    }
}
