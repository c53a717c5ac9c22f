//! Compresses bytes with DEFLATE, as gzip and zip do.

use super::{Tick, draw};
use flate2::{Compress, Compression, Crc, FlushCompress};
use std::hint::black_box;
use std::ops::ControlFlow;

/// Bytes of data before they repeat: twice DEFLATE's window, so that it can't see the repetition.
const BLOCK_BYTES: usize = 64 << 10;
/// Bytes between two ticks.
const TICK_BYTES: usize = 512;

/// What it holds: the block, the compressor's window and tables, and a buffer for what comes out.
pub fn memory_bytes(_size: u64) -> u64 {
    512 << 10
}

/// Compresses `size` bytes as zlib's level 6 does; the result is the CRC-32 of the *input*, because
/// compressed bytes differ between builds of zlib.
///
/// The data are 64 KiB of the letters a to p, again and again: the sixteen groups of four bits of each of
/// SplitMix64's numbers, the least significant first. Four bits of eight are news, as in a text.
pub fn run(size: u64, seed: u64, tick: Tick) -> ControlFlow<(), u64> {
    let mut compressor = Compress::new(Compression::new(6), true);
    let mut output = vec![0; 4 * TICK_BYTES];
    let mut checksum = Crc::new();
    let block = block(seed);
    let mut parts = block.chunks(TICK_BYTES).cycle();
    let mut left = size;
    while left > 0 {
        let part = parts.next().unwrap_or_default();
        let part = &part[..part.len().min(left.try_into().unwrap_or(usize::MAX))];
        checksum.update(part);
        feed(&mut compressor, part, &mut output, FlushCompress::None);
        left -= part.len() as u64;
        tick()?;
    }
    feed(&mut compressor, &[], &mut output, FlushCompress::Finish);
    ControlFlow::Continue(u64::from(checksum.sum()))
}

fn block(seed: u64) -> Vec<u8> {
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    for index in 0..(BLOCK_BYTES / 16) as u64 {
        let number = draw(seed, index);
        block.extend((0..16).map(|group| b'a' + (number >> (4 * group) & 15) as u8));
    }
    block
}

/// Gives the compressor `input` and takes what comes out, which nobody keeps.
fn feed(compressor: &mut Compress, input: &[u8], output: &mut [u8], flush: FlushCompress) {
    let start = compressor.total_in();
    loop {
        let done = (compressor.total_in() - start) as usize;
        let written = compressor.total_out();
        let status = compressor.compress(&input[done..], output, flush);
        black_box(&mut *output);
        debug_assert!(status.is_ok(), "compressing to memory can't fail");
        let filled = (compressor.total_out() - written) as usize == output.len();
        let all_in = (compressor.total_in() - start) as usize == input.len();
        // A full buffer may leave more to come.
        if status.is_err() || (all_in && !filled) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::ZlibDecoder;
    use std::io::Read;

    #[test]
    fn what_it_compresses_can_be_read_again_and_is_smaller() {
        let data = block(5);
        let mut compressor = Compress::new(Compression::new(6), true);
        let mut compressed = Vec::with_capacity(2 * data.len());
        compressor
            .compress_vec(&data, &mut compressed, FlushCompress::Finish)
            .unwrap();
        assert!(
            compressed.len() * 10 < data.len() * 7,
            "{}",
            compressed.len()
        );
        let mut again = Vec::new();
        ZlibDecoder::new(&compressed[..])
            .read_to_end(&mut again)
            .unwrap();
        assert_eq!(again, data);
    }

    #[test]
    fn everything_is_fed_and_comes_out() {
        let data = block(5);
        let mut compressor = Compress::new(Compression::new(6), true);
        // So small that it fills many times.
        let mut output = [0; 16];
        feed(&mut compressor, &data, &mut output, FlushCompress::None);
        feed(&mut compressor, &[], &mut output, FlushCompress::Finish);
        assert_eq!(compressor.total_in(), data.len() as u64);
        let share = compressor.total_out() as f64 / data.len() as f64;
        assert!((0.5..0.7).contains(&share), "{share}");
    }
}
