//! Statistics of repeated measurements: centres, spreads, intervals, paired differences.
//!
//! Sources stand with each function. Everything is deterministic: what is resampled is seeded.

use crate::program::splitmix64;

/// Repeats from which on a bootstrap interval says more than the range does.
const BOOTSTRAP_FROM: usize = 10;
/// Pairs from which on an interval is given: Student's t of a single degree of freedom is 12.7 standard
/// errors wide, and two runs that happen to agree would still look certain.
const INTERVAL_FROM: usize = 3;
/// Resamples of the bootstrap.
const RESAMPLES: usize = 2_000;
/// Modified z-score above which a value is an outlier (Iglewicz & Hoaglin 1993).
const OUTLIER: f64 = 3.5;

/// The middle value, or the mean of the two middle ones; NaN of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// Arithmetic mean; NaN of none.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Sample standard deviation (n − 1); 0 of fewer than two.
pub fn deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

/// 95 % percentile-bootstrap interval of the median (Efron 1979), from 10 values on.
///
/// With fewer the interval would be the range itself, and calling that 95 % would be wrong.
pub fn bootstrap_median(values: &[f64], seed: u64) -> Option<(f64, f64)> {
    if values.len() < BOOTSTRAP_FROM {
        return None;
    }
    let mut state = splitmix64(seed);
    let mut resample = values.to_vec();
    let middle = values.len() / 2;
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            for value in &mut resample {
                state = splitmix64(state);
                *value = values[(state % values.len() as u64) as usize];
            }
            // The same as `median`, without sorting what isn't looked at.
            let (below, upper, _) = resample.select_nth_unstable_by(middle, f64::total_cmp);
            match values.len() % 2 {
                1 => *upper,
                _ => f64::midpoint(below.iter().copied().fold(f64::MIN, f64::max), *upper),
            }
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    let at = |share: f64| medians[((RESAMPLES - 1) as f64 * share).round() as usize];
    Some((at(0.025), at(0.975)))
}

/// Positions of outliers by the modified z-score (Iglewicz & Hoaglin 1993); from 5 values on.
pub fn outliers(values: &[f64]) -> Vec<usize> {
    let centre = median(values);
    let distances: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    let spread = median(&distances);
    // Half of the values equal: any other would be an outlier, which says nothing.
    if values.len() < 5 || spread <= f64::EPSILON * centre.abs() {
        return Vec::new();
    }
    // Far in the statistic's terms and far enough to matter.
    let far = |distance: f64| 0.6745 * distance / spread > OUTLIER && distance > 0.1 * centre.abs();
    (0..values.len())
        .filter(|index| far(distances[*index]))
        .collect()
}

/// A difference between paired measurements, as a ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedRatio {
    /// exp of the mean of the log ratios.
    pub ratio: f64,
    /// Lower end of the 95 % t-interval.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
    /// Two-sided p of the paired t-test that the ratio is 1.
    pub p: f64,
}

/// The ratio `numerator / denominator` over pairs, on the log scale (Student 1908).
///
/// One or two pairs give a ratio without an interval (0 to infinity, p = 1); `None` without pairs or
/// where a value isn't positive.
pub fn paired_ratio(pairs: &[(f64, f64)]) -> Option<PairedRatio> {
    if pairs.is_empty() || pairs.iter().any(|(a, b)| !(*a > 0.0 && *b > 0.0)) {
        return None;
    }
    let logs: Vec<f64> = pairs.iter().map(|(a, b)| (a / b).ln()).collect();
    let centre = mean(&logs);
    let ratio = centre.exp();
    if logs.len() < INTERVAL_FROM {
        return Some(PairedRatio {
            ratio,
            low: 0.0,
            high: f64::INFINITY,
            p: 1.0,
        });
    }
    let freedom = (logs.len() - 1) as f64;
    let error = deviation(&logs) / (logs.len() as f64).sqrt();
    if error <= f64::EPSILON {
        // All pairs agree to the last bit: simulated, or a clock too coarse to differ.
        let p = if centre == 0.0 { 1.0 } else { 0.0 };
        return Some(PairedRatio {
            ratio,
            low: ratio,
            high: ratio,
            p,
        });
    }
    let margin = t_quantile(0.975, freedom) * error;
    let p = t_two_sided(centre / error, freedom);
    Some(PairedRatio {
        ratio,
        low: (centre - margin).exp(),
        high: (centre + margin).exp(),
        p,
    })
}

/// p-values corrected for their number by Holm's step-down method (Holm 1979), in the same order.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut corrected = vec![0.0; p_values.len()];
    let mut largest = 0.0f64;
    for (rank, index) in order.into_iter().enumerate() {
        largest = largest
            .max(p_values[index] * (p_values.len() - rank) as f64)
            .min(1.0);
        corrected[index] = largest;
    }
    corrected
}

/// Two-sided tail of Student's t: the chance of a value at least as far from 0.
pub fn t_two_sided(t: f64, freedom: f64) -> f64 {
    incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))
}

/// Quantile of Student's t for `share` above one half, by bisection of its tail.
pub fn t_quantile(share: f64, freedom: f64) -> f64 {
    let tail = 2.0 * (1.0 - share);
    let (mut low, mut high) = (0.0f64, 1.0f64);
    while t_two_sided(high, freedom) > tail {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if t_two_sided(middle, freedom) > tail {
            low = middle
        } else {
            high = middle
        }
    }
    f64::midpoint(low, high)
}

/// Regularised incomplete beta function, by its continued fraction (DLMF 8.17.22) evaluated with the
/// modified Lentz method (Thompson & Barnett 1986).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast below the mean; above it, the symmetry does.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front =
        (a * x.ln() + b * (1.0 - x).ln() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b)).exp() / a;
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..500 {
        let m = f64::from(step);
        for coefficient in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / away(1.0 + coefficient * d);
            c = away(1.0 + coefficient / c);
            fraction *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * fraction
}

/// Logarithm of the gamma function for positive arguments (Lanczos 1964, g = 7, nine terms).
fn ln_gamma(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        // Reflection (Euler).
        let pi = std::f64::consts::PI;
        return (pi / (pi * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let t = x + 7.5;
    let sum: f64 = COEFFICIENTS[0]
        + COEFFICIENTS[1..]
            .iter()
            .zip(1..)
            .map(|(c, i)| c / (x + f64::from(i)))
            .sum::<f64>();
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_agrees_with_published_tables() {
        for (freedom, quantile) in [
            (1.0, 12.706),
            (2.0, 4.303),
            (4.0, 2.776),
            (9.0, 2.262),
            (30.0, 2.042),
        ] {
            assert!(
                (t_quantile(0.975, freedom) - quantile).abs() < 0.0006,
                "{freedom}"
            );
            assert!(
                (t_two_sided(quantile, freedom) - 0.05).abs() < 0.0001,
                "{freedom}"
            );
        }
        assert!((t_two_sided(0.0, 5.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn holm_steps_down() {
        let corrected = holm(&[0.01, 0.04, 0.03, 0.005]);
        let expected = [0.03, 0.06, 0.06, 0.02];
        for (got, want) in corrected.iter().zip(expected) {
            assert!((got - want).abs() < 1e-12, "{corrected:?}");
        }
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn pairs_give_ratios_with_intervals() {
        let pairs: Vec<(f64, f64)> = [2.0, 2.1, 1.9, 2.05, 1.95]
            .iter()
            .map(|ratio| (ratio * 3.0, 3.0))
            .collect();
        let found = paired_ratio(&pairs).unwrap();
        assert!(
            (found.ratio - 2.0).abs() < 0.01 && found.low > 1.85 && found.high < 2.15,
            "{found:?}"
        );
        assert!(found.p < 0.0001);
        let single = paired_ratio(&[(4.0, 2.0)]).unwrap();
        assert_eq!((single.ratio, single.p), (2.0, 1.0));
        let two = paired_ratio(&[(4.0, 2.0), (4.04, 2.0)]).unwrap();
        assert_eq!((two.low, two.high, two.p), (0.0, f64::INFINITY, 1.0));
        assert_eq!(paired_ratio(&[]), None);
        assert_eq!(paired_ratio(&[(0.0, 1.0)]), None);
        let same = paired_ratio(&[(1.0, 1.0); 5]).unwrap();
        assert_eq!((same.ratio, same.p), (1.0, 1.0));
    }

    #[test]
    fn outliers_are_the_far_ones_alone() {
        assert_eq!(outliers(&[10.0, 10.1, 9.9, 10.05, 30.0]), [4]);
        assert!(outliers(&[10.0, 10.1, 9.9, 10.05, 10.2]).is_empty());
        assert!(outliers(&[1.0, 1.0, 1.0, 1.0, 1.01]).is_empty());
    }

    #[test]
    fn the_bootstrap_waits_for_ten_and_contains_the_median() {
        let values: Vec<f64> = (0..20).map(f64::from).collect();
        assert_eq!(bootstrap_median(&values[..9], 1), None);
        let (low, high) = bootstrap_median(&values, 1).unwrap();
        assert!(
            low < 9.5 && high > 9.5 && low > 2.0 && high < 17.0,
            "{low} {high}"
        );
        assert_eq!(bootstrap_median(&values, 1), Some((low, high)), "seeded");
        // Ten values of two kinds: a resample's median is one of them, or half-way.
        let two = [1.0, 3.0].repeat(5);
        let (low, high) = bootstrap_median(&two, 1).unwrap();
        assert_eq!((low, high), (1.0, 3.0));
    }
}
