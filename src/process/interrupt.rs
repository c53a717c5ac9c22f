//! Interrupts that can't be lost: each request is stamped with the epoch at which it was received.
//!
//! A flag that is reset when a cell starts loses an interrupt that arrives just before; comparing epochs
//! does not. Killing the trial that runs is [`super::Warden::kill`]'s part: whoever raises an interrupt
//! does both, in this order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts interrupts. Cheap to clone; all clones count together.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicU64>);

/// The moment at which a request was received; tells whether an interrupt came after it.
#[derive(Clone, Debug)]
pub struct Stop {
    interrupt: Interrupt,
    epoch: u64,
}

impl Interrupt {
    /// Counts one interrupt: every [`Stop`] made before is set from now on.
    pub fn raise(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// A stop for a request that is received now.
    pub fn stop(&self) -> Stop {
        Stop {
            interrupt: self.clone(),
            epoch: self.0.load(Ordering::SeqCst),
        }
    }
}

impl Stop {
    /// Whether an interrupt was raised since.
    pub fn is_set(&self) -> bool {
        self.interrupt.0.load(Ordering::SeqCst) != self.epoch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_right_behind_a_request_is_seen_and_the_next_request_is_not_stopped() {
        let interrupt = Interrupt::default();
        let first = interrupt.stop();
        interrupt.raise();
        let second = interrupt.stop();
        assert!(first.is_set());
        assert!(!second.is_set());
    }
}
