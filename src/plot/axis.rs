//! Axes of quantities: where the ticks are, what they are called, where a value lies.
//!
//! To add a kind of quantity: a variant of [`Kind`] and its arms.

use crate::units::{format_bytes, format_ns};

/// What an axis measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nanoseconds, labelled in the unit that fits.
    Time,
    /// Bytes, with ticks at binary sizes.
    Bytes,
}

impl Kind {
    /// A value's label.
    pub fn label(self, value: f64) -> String {
        match self {
            Kind::Time => format_ns(value),
            Kind::Bytes => format_bytes(value),
        }
    }

    /// Smallest round step that is at least `step`.
    fn round_up(self, step: f64) -> f64 {
        match self {
            // Powers of two of a byte read as 256 KiB, 1 MiB, 64 MiB.
            Kind::Bytes => step.max(1.0).log2().ceil().exp2(),
            Kind::Time => {
                let power = 10f64.powf(step.max(1.0).log10().floor());
                let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
                steps
                    .into_iter()
                    .find(|round| *round >= step * 0.999)
                    .unwrap_or(10.0 * power)
            }
        }
    }
}

/// An axis of some pixels' length.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it measures.
    pub kind: Kind,
    /// Value at its end; at its beginning it is 0, or the smallest tick of a logarithmic axis.
    high: f64,
    low: f64,
    log: bool,
    /// Values of the ticks.
    pub ticks: Vec<f64>,
}

impl Axis {
    /// From an honest zero to `high`, with at most `most` ticks beside the zero.
    pub fn linear(kind: Kind, high: f64, most: usize) -> Self {
        let high = if high > 0.0 { high } else { 1.0 };
        let mut step = kind.round_up(high / most.max(1) as f64);
        // A round step can overshoot the whole axis; one tick beside the zero there must be.
        while step > high {
            step = kind.round_up(step / 4.0);
        }
        let count = (high / step * 1.000_001).floor() as usize;
        let ticks = (0..=count).map(|number| step * number as f64).collect();
        Axis {
            kind,
            high,
            low: 0.0,
            log: false,
            ticks,
        }
    }

    /// From the power of ten below `low` to `high`; for bytes the power of two.
    pub fn logarithmic(kind: Kind, low: f64, high: f64) -> Self {
        let base: f64 = if kind == Kind::Bytes { 4.0 } else { 10.0 };
        let first = low.max(1.0).log(base).floor() as i32;
        let last = (high.max(low).max(1.0).log(base).ceil() as i32).max(first + 1);
        let ticks = (first..=last).map(|power| base.powi(power)).collect();
        Axis {
            kind,
            high: base.powi(last),
            low: base.powi(first),
            log: true,
            ticks,
        }
    }

    /// Whether it is logarithmic.
    pub fn is_log(&self) -> bool {
        self.log
    }

    /// Where a value lies, from 0 at the beginning to 1 at the end.
    pub fn share(&self, value: f64) -> f64 {
        let share = match self.log {
            true => (value.max(self.low) / self.low).ln() / (self.high / self.low).ln(),
            false => value / self.high,
        };
        share.clamp(0.0, 1.0)
    }

    /// A tick's label; the zero of a linear axis has no unit.
    pub fn tick_label(&self, tick: f64) -> String {
        if tick == 0.0 {
            "0".to_owned()
        } else {
            self.kind.label(tick)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_start_at_zero() {
        let labels = |axis: &Axis| {
            axis.ticks
                .iter()
                .map(|tick| axis.tick_label(*tick))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            labels(&Axis::linear(Kind::Time, 430e6, 3)),
            ["0", "200 ms", "400 ms"]
        );
        assert_eq!(
            labels(&Axis::linear(Kind::Time, 1.0e9, 2)),
            ["0", "500 ms", "1 s"]
        );
        assert_eq!(
            labels(&Axis::linear(Kind::Bytes, 270.0 * 1048576.0, 3)),
            ["0", "128 MiB", "256 MiB"]
        );
        assert_eq!(
            labels(&Axis::linear(Kind::Bytes, 5.5 * 1048576.0, 1)),
            ["0", "2 MiB", "4 MiB"]
        );
        assert_eq!(
            labels(&Axis::linear(Kind::Time, 43e6, 1)),
            ["0", "20 ms", "40 ms"]
        );
        assert_eq!(labels(&Axis::linear(Kind::Time, 0.0, 3)), ["0", "1 ns"]);
    }

    #[test]
    fn a_logarithmic_axis_holds_its_values() {
        let axis = Axis::logarithmic(Kind::Time, 30e3, 2e9);
        assert!(axis.share(30e3) > 0.0 && axis.share(2e9) < 1.0);
        assert!(axis.ticks.len() >= 2 && axis.ticks.is_sorted());
        assert!((axis.share(axis.ticks[0])).abs() < 1e-9);
    }
}
