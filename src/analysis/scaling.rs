//! How pools scale with their workers: Amdahl's law and the universal scalability law, fitted.
//!
//! Amdahl 1967: a part s of the work is serial, so T(N) = T₁ · (s + (1 − s) / N). Gunther 1993 (USL):
//! T(N) = T₁ · (1 + σ (N − 1) + κ N (N − 1)) / N, with contention σ and coherency κ. Both are linear in
//! their unknowns when written so; they are fitted to the median times by least squares of the relative
//! errors. More workers than cores can't compute faster, which is no property of the program: where the
//! work computes, Amdahl's law is fitted up to the usable CPUs only (with two points it is the
//! experimentally determined serial fraction of Karp & Flatt 1990).

use super::Row;
use super::statistics::{deviation, mean, median, t_quantile};
use super::sweep::{Curve, Interval, Quantity};
use crate::experiment::At;
use serde::Serialize;

/// Points from which on the universal scalability law is fitted: one more than it has unknowns.
const USL_FROM: usize = 4;
/// Share of the wall time at the fewest workers from which on the work computes.
const COMPUTES_FROM: f64 = 0.5;

/// A pool's speedup with a number of workers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ScalingPoint {
    /// Workers.
    pub workers: f64,
    /// Speedup over [`Scaling::over`].
    pub speedup: Interval,
}

/// The universal scalability law, fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Usl {
    /// Contention: what waits for its turn.
    pub sigma: f64,
    /// Coherency: what is agreed between every two workers.
    pub kappa: f64,
    /// Speedup of a single worker by the fit.
    pub one: f64,
    /// Workers beyond which more of them are slower; `None` where there is no such number.
    pub peak: Option<f64>,
}

/// One pool along `workers`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scaling {
    /// Label of the series.
    pub series: String,
    /// What speedups are taken over: the baseline, or the series itself with its fewest workers.
    pub over: String,
    /// Runtime of both.
    pub runtime: String,
    /// Case; `None` where the cell has none.
    pub case: Option<String>,
    /// The other swept values.
    #[serde(serialize_with = "super::as_map")]
    pub at: Vec<(String, At)>,
    /// Measured speedups, by workers.
    pub points: Vec<ScalingPoint>,
    /// Amdahl's serial fraction; `None` where fewer than two points could be fitted.
    pub serial_fraction: Option<Interval>,
    /// Speedup of a single worker by Amdahl's fit.
    pub one: f64,
    /// Most workers of that fit.
    pub fitted_to: f64,
    /// Cores that limit it; `None` where the work mostly waits.
    pub cores: Option<u32>,
    /// The universal scalability law; from four points on.
    pub usl: Option<Usl>,
}

impl Usl {
    /// "σ = 0.05, κ = 0.001, fastest with 14 workers".
    pub fn words(&self) -> String {
        let peak = self
            .peak
            .filter(|peak| *peak < 1e6)
            .map_or(String::new(), |peak| {
                let workers = Quantity::Count.text("workers", peak.max(1.0));
                format!(", fastest with {workers}")
            });
        format!("σ = {}, κ = {}{peak}", small(self.sigma), small(self.kappa))
    }
}

impl Scaling {
    /// "5 % (95 % interval 3–7 %)"; `None` where nothing was fitted.
    pub fn serial_words(&self) -> Option<String> {
        let serial = self.serial_fraction?;
        let percent = |share: f64| format!("{:.0}", 100.0 * share);
        let (low, high) = (percent(serial.low), percent(serial.high));
        let interval = match (low == high, serial.low <= 0.0 && serial.high >= 1.0) {
            (true, _) => String::new(),
            (_, true) => " (not clear)".to_owned(),
            _ => format!(" ({low}–{high} %)"),
        };
        Some(format!("{} %{interval}", percent(serial.estimate)))
    }
}

/// Two significant digits of a coefficient that is small as a rule.
fn small(value: f64) -> String {
    match value.abs() {
        v if v < 1e-6 => "0".to_owned(),
        v if v >= 0.0995 => format!("{value:.2}"),
        v => format!("{value:.*}", (1.0 - v.log10().floor()) as usize),
    }
}

/// Times of one number of workers: N, all of them by block.
type Times = (f64, Vec<(u32, f64)>);

/// The scaling of a curve along workers; `None` where fewer than two points were measured. `walls` gives
/// a row's times by block, `speedup` what it gained over the baseline.
pub(super) fn scaling(
    curve: &Curve,
    rows: &[Row],
    usable_cpus: u32,
    walls: &dyn Fn(usize) -> Vec<(u32, f64)>,
    against_self: &dyn Fn(usize, usize) -> Option<Interval>,
) -> Option<Scaling> {
    let measured: Vec<(f64, usize)> = curve
        .points
        .iter()
        .copied()
        .filter(|(x, index)| *x >= 1.0 && rows[*index].wall_ns.is_some())
        .filter(|(_, index)| rows[*index].did_the_work())
        .collect();
    let &[(fewest, first), _, ..] = measured.as_slice() else {
        return None;
    };
    let row = &rows[first];
    let over = row.speedup.as_ref().map(|s| s.over.clone());
    let speedup = |index: usize| match &over {
        Some(over) => {
            let speedup = rows[index].speedup.as_ref().filter(|s| s.over == *over)?;
            Some(Interval {
                estimate: speedup.ratio,
                low: speedup.low,
                high: speedup.high,
            })
        }
        None => against_self(index, first),
    };
    let points: Vec<ScalingPoint> = measured
        .iter()
        .filter_map(|(workers, index)| {
            Some(ScalingPoint {
                workers: *workers,
                speedup: speedup(*index)?,
            })
        })
        .collect();
    let times: Vec<Times> = measured
        .iter()
        .map(|(n, index)| (*n, walls(*index)))
        .collect();
    // The least disturbed run: waiting for a core on a busy machine is not the work's waiting.
    let (cpu, wall) = (row.cpu_ns.as_ref()?, row.wall_ns.as_ref()?);
    let shares = cpu
        .samples
        .iter()
        .zip(&wall.samples)
        .map(|(cpu, wall)| cpu / wall);
    let share = shares.fold(0.0, f64::max);
    let computes = share / fewest.min(f64::from(usable_cpus)) >= COMPUTES_FROM;
    let cores = computes.then_some(usable_cpus);
    let most = cores.map_or(f64::INFINITY, f64::from);
    let fitted: Vec<&Times> = times.iter().filter(|(n, _)| *n <= most).collect();
    let medians = |times: &[&Times]| -> Vec<(f64, f64)> {
        let of = |walls: &[(u32, f64)]| median(&walls.iter().map(|w| w.1).collect::<Vec<_>>());
        times.iter().map(|(n, walls)| (*n, of(walls))).collect()
    };
    // A time of one worker by a fit is turned into a speedup beside the measured ones.
    let all = medians(&times.iter().collect::<Vec<_>>());
    let stands_for_one = all.iter().filter_map(|(n, time)| {
        let point = points.iter().find(|point| point.workers == *n)?;
        Some(point.speedup.estimate * time)
    });
    let base = mean(&stands_for_one.collect::<Vec<_>>());
    let amdahl = amdahl(&medians(&fitted));
    Some(Scaling {
        series: row.label.clone(),
        over: over.unwrap_or_else(|| format!("{} with {fewest}", row.label)),
        runtime: row.runtime.clone(),
        case: curve.case.clone(),
        at: curve.at.clone(),
        points,
        serial_fraction: amdahl.map(|(serial, _)| around(serial, &fitted)),
        one: amdahl.map_or(f64::NAN, |(_, one_ns)| base / one_ns),
        fitted_to: fitted.last().map_or(fewest, |(n, _)| *n),
        cores,
        usl: usl(&all, base),
    })
}

/// The t-interval of the serial fractions that single blocks give, around the one of the medians.
fn around(serial: f64, times: &[&Times]) -> Interval {
    let (_, first) = times[0];
    let blocks = first.iter().filter_map(|(block, _)| {
        let of = |(n, walls): &&Times| {
            let (_, wall) = walls.iter().find(|(known, _)| known == block)?;
            Some((*n, *wall))
        };
        let times: Option<Vec<(f64, f64)>> = times.iter().map(of).collect();
        Some(linear(&times?)?.serial())
    });
    let blocks: Vec<f64> = blocks.collect();
    let margin = match blocks.len() {
        0..=2 => f64::INFINITY,
        n => t_quantile(0.975, (n - 1) as f64) * deviation(&blocks) / (n as f64).sqrt(),
    };
    Interval {
        estimate: serial,
        low: (serial - margin).max(0.0),
        high: (serial + margin).min(1.0),
    }
}

/// T(N) = serial + parallel / N.
struct Line {
    serial_ns: f64,
    parallel_ns: f64,
}

impl Line {
    fn serial(&self) -> f64 {
        self.serial_ns / (self.serial_ns + self.parallel_ns)
    }
}

fn linear(times: &[(f64, f64)]) -> Option<Line> {
    let rows: Vec<([f64; 2], f64)> = times
        .iter()
        .map(|(n, time)| ([1.0 / time, 1.0 / (n * time)], 1.0))
        .collect();
    let [serial_ns, parallel_ns] = least_squares(&rows)?;
    Some(Line {
        serial_ns,
        parallel_ns,
    })
}

/// Serial fraction within 0 and 1, and the time of one worker, from (workers, time).
fn amdahl(times: &[(f64, f64)]) -> Option<(f64, f64)> {
    let line = linear(times)?;
    let one_ns = line.serial_ns + line.parallel_ns;
    let serial = line.serial();
    if (0.0..=1.0).contains(&serial) {
        return Some((serial, one_ns));
    }
    // Better than ideal, or slower with every worker: the fit at the bound, with T₁ alone unknown.
    let serial = serial.clamp(0.0, 1.0);
    let shape = |n: f64| serial + (1.0 - serial) / n;
    let rows: Vec<([f64; 1], f64)> = times.iter().map(|(n, t)| ([shape(*n) / t], 1.0)).collect();
    let [one_ns] = least_squares(&rows)?;
    Some((serial, one_ns))
}

/// `base` is the time that a speedup of 1 stands for.
fn usl(times: &[(f64, f64)], base: f64) -> Option<Usl> {
    if times.len() < USL_FROM {
        return None;
    }
    // N · T(N) = T₁ + T₁σ (N − 1) + T₁κ N (N − 1); neither coefficient may be negative: what would be
    // is left out, and the rest fitted again.
    let terms: [fn(f64) -> f64; 3] = [|_| 1.0, |n| n - 1.0, |n| n * (n - 1.0)];
    let fit = |with: [f64; 2]| {
        let row = |(n, t): &(f64, f64)| {
            let scale = 1.0 / (n * t);
            let on = [1.0, with[0], with[1]];
            let mut row = [0.0; 3];
            for (index, term) in terms.iter().enumerate() {
                row[index] = term(*n) * scale * on[index];
            }
            (row, 1.0)
        };
        least_squares(&times.iter().map(row).collect::<Vec<_>>())
    };
    let fits = [[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]].map(fit);
    let mut allowed = fits.into_iter().flatten();
    let [one_ns, contention, coherency] =
        allowed.find(|[one, a, b]| *one > 0.0 && *a >= 0.0 && *b >= 0.0)?;
    let (sigma, kappa) = (contention / one_ns, coherency / one_ns);
    let peak = (kappa > 0.0 && sigma < 1.0).then(|| ((1.0 - sigma) / kappa).sqrt());
    Some(Usl {
        sigma,
        kappa,
        one: base / one_ns,
        peak,
    })
}

/// Least squares by the normal equations and Gauss–Jordan elimination; unknowns without influence are 0.
fn least_squares<const N: usize>(rows: &[([f64; N], f64)]) -> Option<[f64; N]> {
    let mut matrix = [[0.0; N]; N];
    let mut right = [0.0; N];
    for (row, value) in rows {
        for i in 0..N {
            right[i] += row[i] * value;
            for j in 0..N {
                matrix[i][j] += row[i] * row[j];
            }
        }
    }
    let scale: [f64; N] = std::array::from_fn(|i| matrix[i][i].sqrt());
    for i in 0..N {
        for j in 0..N {
            if scale[i] > 0.0 && scale[j] > 0.0 {
                matrix[i][j] /= scale[i] * scale[j];
            }
        }
        if scale[i] > 0.0 {
            right[i] /= scale[i];
        } else {
            matrix[i][i] = 1.0;
        }
    }
    for pivot in 0..N {
        let best = (pivot..N).max_by(|a, b| {
            let size = |row: &usize| matrix[*row][pivot].abs();
            size(a).total_cmp(&size(b))
        })?;
        matrix.swap(pivot, best);
        right.swap(pivot, best);
        if matrix[pivot][pivot].abs() < 1e-12 {
            return None;
        }
        for row in (0..N).filter(|row| *row != pivot) {
            let factor = matrix[row][pivot] / matrix[pivot][pivot];
            let subtract = matrix[pivot];
            for (value, part) in matrix[row].iter_mut().zip(subtract) {
                *value -= factor * part;
            }
            right[row] -= factor * right[pivot];
        }
    }
    Some(std::array::from_fn(|i| {
        let value = right[i] / matrix[i][i];
        if scale[i] > 0.0 {
            value / scale[i]
        } else {
            0.0
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amdahls_law_is_found_again() {
        let times = |serial: f64| -> Vec<(f64, f64)> {
            let time = |n: f64| (n, 800e6 * (serial + (1.0 - serial) / n));
            [1.0, 2.0, 4.0, 8.0].map(time).to_vec()
        };
        for serial in [0.0, 0.05, 0.5, 1.0] {
            let (found, one_ns) = amdahl(&times(serial)).unwrap();
            assert!((found - serial).abs() < 1e-9, "{serial}: {found}");
            assert!((one_ns - 800e6).abs() < 1.0);
        }
        // Faster than ideal is not less than nothing serial.
        let (found, _) = amdahl(&[(1.0, 100.0), (2.0, 40.0), (4.0, 18.0)]).unwrap();
        assert_eq!(found, 0.0);
        assert_eq!(amdahl(&[(1.0, 100.0)]), None, "one point has no slope");
    }

    #[test]
    fn gunthers_law_is_found_again_with_its_peak() {
        let (sigma, kappa) = (0.04, 0.005);
        let time = |n: f64| {
            (
                n,
                1e9 * (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0)) / n,
            )
        };
        let found = usl(&[1.0, 2.0, 4.0, 8.0, 16.0].map(time), 2e9).unwrap();
        assert!((found.sigma - sigma).abs() < 1e-6 && (found.kappa - kappa).abs() < 1e-6);
        assert!((found.one - 2.0).abs() < 1e-6);
        assert!((found.peak.unwrap() - 13.86).abs() < 0.01, "{found:?}");
        assert_eq!(usl(&[1.0, 2.0, 4.0].map(time), 1e9), None, "too few points");
        // No coherency: no peak, and never a negative coefficient.
        let ideal = usl(&[1.0, 2.0, 4.0, 8.0].map(|n| (n, 1e9 / n * 1.0)), 1e9).unwrap();
        assert!(
            ideal.sigma.abs() < 1e-9 && ideal.kappa.abs() < 1e-9,
            "{ideal:?}"
        );
    }
}
