//! Axes of quantities: where the ticks are, what they are called, where a value lies.
//!
//! To add a kind of quantity: a variant of [`Kind`] and its arms.

use crate::analysis::Quantity;
use crate::units::{format_bytes, format_count, format_ns, format_ratio};

/// What an axis measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nanoseconds, labelled in the unit that fits.
    Time,
    /// Bytes, with ticks at binary sizes.
    Bytes,
    /// Things.
    Count,
    /// How many times as much.
    Ratio,
    /// Hundredths.
    Percent,
    /// Cores that are kept busy.
    Cores,
}

impl From<Quantity> for Kind {
    fn from(quantity: Quantity) -> Self {
        match quantity {
            Quantity::Count => Kind::Count,
            Quantity::Time => Kind::Time,
            Quantity::Bytes => Kind::Bytes,
        }
    }
}

impl Kind {
    /// A value's label.
    pub fn label(self, value: f64) -> String {
        match self {
            Kind::Time => format_ns(value),
            Kind::Bytes => format_bytes(value),
            Kind::Count => format_count(value.round() as u64),
            Kind::Ratio => format_ratio(value),
            Kind::Percent => format!("{value:.0} %"),
            Kind::Cores => format!("{value:.1}").trim_end_matches(".0").to_owned(),
        }
    }

    /// Smallest round step that is at least `step`.
    fn round_up(self, step: f64) -> f64 {
        match self {
            // Powers of two of a byte read as 256 KiB, 1 MiB, 64 MiB.
            Kind::Bytes => step.max(1.0).log2().ceil().exp2(),
            Kind::Time | Kind::Count | Kind::Ratio | Kind::Percent | Kind::Cores => {
                // Only ratios and cores have parts.
                let least = match self {
                    Kind::Ratio | Kind::Cores => 1e-9,
                    _ => 1.0,
                };
                let power = 10f64.powf(step.max(least).log10().floor());
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

    /// From `low` to `high`, with at most `most` ticks at round values between them.
    pub fn between(kind: Kind, low: f64, high: f64, most: usize) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        let mut step = kind.round_up((high - low) / most.max(1) as f64);
        while step > high - low {
            step = kind.round_up(step / 4.0);
            if step >= high - low && step <= 1.0 {
                break;
            }
        }
        let first = (low / step).ceil() as i64;
        let last = (high / step * (1.0 + 1e-9)).floor() as i64;
        let ticks = (first..=last).map(|number| number as f64 * step);
        Axis {
            kind,
            high,
            low,
            log: false,
            ticks: ticks.collect(),
        }
    }

    /// From `low` to `high` on a logarithmic scale, with at most `most` ticks at round values.
    pub fn log_between(kind: Kind, low: f64, high: f64, most: usize) -> Self {
        let low = low.max(f64::MIN_POSITIVE);
        let high = if high > low { high } else { low * 2.0 };
        let inside = |value: &f64| *value >= low * (1.0 - 1e-9) && *value <= high * (1.0 + 1e-9);
        // From the densest choice to the sparsest; the first that is not too dense.
        let powers = |base: f64, every: i32, factors: &[f64]| -> Vec<f64> {
            let first = (low.log(base) / f64::from(every)).floor() as i32;
            let last = (high.log(base) / f64::from(every)).ceil() as i32;
            let powers = (first..=last).map(|power| base.powi(power * every));
            powers
                .flat_map(|power| factors.iter().map(move |factor| factor * power))
                .filter(inside)
                .collect()
        };
        let mut choices: Vec<Vec<f64>> = if kind == Kind::Bytes {
            (1..=10).map(|every| powers(2.0, every, &[1.0])).collect()
        } else {
            let dense = [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]];
            let within = dense.map(|factors| powers(10.0, 1, factors));
            let beyond = (2..=6).map(|every| powers(10.0, every, &[1.0]));
            within.into_iter().chain(beyond).collect()
        };
        let fits = |ticks: &Vec<f64>| ticks.len() <= most.max(2);
        let chosen = choices.iter().position(fits).unwrap_or(choices.len() - 1);
        Axis {
            kind,
            high,
            low,
            log: true,
            ticks: choices.swap_remove(chosen),
        }
    }

    /// The same with ticks at these values.
    pub fn with_ticks(self, ticks: &[f64]) -> Self {
        Axis {
            ticks: ticks.to_vec(),
            ..self
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
            false => (value - self.low) / (self.high - self.low),
        };
        share.clamp(0.0, 1.0)
    }

    /// A tick's label; the zero of a linear axis has no unit.
    pub fn tick_label(&self, tick: f64) -> String {
        if tick == 0.0 {
            "0".to_owned()
        } else if self.kind == Kind::Ratio {
            // Ticks are round: 0.5×, not 0.50×.
            let digits = format!("{tick:.6}");
            format!("{}×", digits.trim_end_matches('0').trim_end_matches('.'))
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
