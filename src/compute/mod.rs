//! Functions that keep a core busy, one file each, all with the signature [`Function`].
//!
//! To add one: a file here, `mod x;`, and a row in [`FUNCTIONS`].

use std::ops::ControlFlow;

/// Called by a function every few microseconds of work; a `Break` asks it to end at once.
pub type Tick<'a> = &'a mut dyn FnMut() -> ControlFlow<()>;

/// `(size, seed, tick)` to a result that depends on all of the work; `Break` where `tick` said so.
///
/// `seed` is the task's own, for functions that generate their data.
pub type Function = fn(u64, u64, Tick) -> ControlFlow<(), u64>;

/// Name and code of every function.
pub const FUNCTIONS: &[(&str, Function)] = &[];

/// The function of that name.
pub fn find(name: &str) -> Option<Function> {
    FUNCTIONS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, function)| *function)
}
