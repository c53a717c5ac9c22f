//! Hashes bytes with SHA-256.

use super::{Tick, draw};
use sha2::{Digest, Sha256};
use std::ops::ControlFlow;

/// Bytes of data before they repeat, and bytes between two ticks.
const BLOCK_BYTES: usize = 4096;

/// SHA-256 (FIPS 180-4) of `size` bytes; the result is its first eight bytes, the most significant first.
///
/// The data are the first 512 numbers of SplitMix64, least significant byte first, again and again.
pub fn run(size: u64, seed: u64, tick: Tick) -> ControlFlow<(), u64> {
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    for index in 0..(BLOCK_BYTES / 8) as u64 {
        block.extend(draw(seed, index).to_le_bytes());
    }
    let mut hash = Sha256::new();
    let mut left = size;
    while left > 0 {
        let part = left.min(BLOCK_BYTES as u64);
        hash.update(&block[..part as usize]);
        left -= part;
        tick()?;
    }
    let digest = hash.finalize();
    let first = digest
        .iter()
        .take(8)
        .fold(0, |result, byte| result << 8 | u64::from(*byte));
    ControlFlow::Continue(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hashes_to_the_published_value() {
        let result = run(0, 1, &mut || ControlFlow::Continue(()));
        assert_eq!(result, ControlFlow::Continue(0xe3b0_c442_98fc_1c14));
    }
}
