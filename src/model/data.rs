//! What tasks are given and give back: real bytes, touched on both sides.
//!
//! Within one process the data is there once and nothing is sent: a task reads its part of one block.
//! To and from worker processes every task's bytes go through a pipe.

use crate::program::{Program, splitmix64};
use std::sync::Arc;

/// What all arguments are the beginnings of: as long as the longest.
pub fn block(program: &Program) -> Arc<[u8]> {
    let argument = program.argument.as_ref();
    let bytes = argument.map_or(0, |size| size.largest(program.tasks()));
    let words = (0..bytes.div_ceil(8)).flat_map(|word| splitmix64(word).to_le_bytes());
    words.take(bytes as usize).collect()
}

/// A cheap check of bytes that reads all of them: their sum.
pub fn check(bytes: &[u8]) -> u64 {
    // In parts whose sums fit into 32 bits, which the compiler turns into wide instructions.
    let part = |part: &[u8]| part.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    bytes
        .chunks(1 << 16)
        .map(|bytes| u64::from(part(bytes)))
        .sum()
}

/// Appends what a task gives back.
pub fn fill(into: &mut Vec<u8>, bytes: u64, seed: u64) -> Result<(), String> {
    let more = usize::try_from(bytes).map_err(|_| "more bytes than addresses".to_owned())?;
    into.try_reserve(more)
        .map_err(|_| format!("{bytes} bytes of results could not be held"))?;
    into.resize(into.len() + more, seed as u8);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Value;

    #[test]
    fn the_check_sees_every_byte_and_parts_add_up_to_the_whole() {
        let program = Program {
            argument: Some(Value::Const(300_001)),
            ..Program::default()
        };
        let block = block(&program);
        assert_eq!(block.len(), 300_001);
        let mut changed = block.to_vec();
        changed[300_000] ^= 1;
        assert_ne!(check(&block), check(&changed));
        let (front, back) = block.split_at(70_000);
        assert_eq!(check(front) + check(back), check(&block));
        let mut filled = vec![1];
        fill(&mut filled, 3, 0x105).unwrap();
        assert_eq!((check(&filled), filled.len()), (1 + 15, 4));
    }
}
