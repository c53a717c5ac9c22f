//! Counts the primes below a number by trial division.

use super::Tick;
use std::hint::black_box;
use std::ops::ControlFlow;

/// Divisions between two ticks: a few microseconds.
const DIVISIONS_PER_TICK: u32 = 2048;

/// Primes below `size`: each number is divided by 2, 3, 4, … up to its root until one divides it.
pub fn run(size: u64, _seed: u64, tick: Tick) -> ControlFlow<(), u64> {
    let mut primes = 0;
    let mut left = DIVISIONS_PER_TICK;
    for number in 2..size {
        let mut is_prime = true;
        let mut divisor = 2u64;
        while divisor
            .checked_mul(divisor)
            .is_some_and(|square| square <= number)
        {
            left -= 1;
            if left == 0 {
                tick()?;
                left = DIVISIONS_PER_TICK;
            }
            if black_box(number).is_multiple_of(divisor) {
                is_prime = false;
                break;
            }
            divisor += 1;
        }
        primes += u64::from(is_prime);
    }
    ControlFlow::Continue(primes)
}
