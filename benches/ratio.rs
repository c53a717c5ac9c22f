//! Two things timed in turn, and what their ratio says: shared by the benches of this folder.
//!
//! Rounds are interleaved and each round's ratio is taken by itself, so that a machine that gets slower
//! slows both sides. A table has a [`Row`] for each ratio; a new bench fills rows and calls [`print`].

use conclab::analysis::statistics::{bootstrap_median, median};
use conclab::units::{format_ratio, format_ratio_range};
use std::time::Instant;

/// Seed of the bootstrap.
const SEED: u64 = 1;

/// One ratio: what conclab takes over what it is compared with.
pub struct Row {
    /// What was measured.
    pub what: String,
    /// What it is compared with.
    pub compared_with: String,
    /// Measurements of both, a pair for each round: nanoseconds, where `format` says nothing else.
    pub pairs: Vec<(f64, f64)>,
    /// How one of them is printed.
    pub format: fn(f64) -> String,
    /// What is promised.
    pub claim: Claim,
}

/// What a row promises of its ratio.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "not every bench promises each")]
pub enum Claim {
    /// Nothing: it only informs.
    Nothing,
    /// The whole interval is no larger.
    AtMost(f64),
    /// The median is so near to 1, and the whole interval so near: parts of it.
    Near(f64, f64),
}

impl Claim {
    /// In words, and whether it holds; both empty where nothing is promised.
    fn told(self, low: f64, middle: f64, high: f64) -> (String, &'static str) {
        let (words, holds) = match self {
            Claim::Nothing => return (String::new(), ""),
            Claim::AtMost(most) if most < 0.5 => {
                (format!("at most 1/{}", 1.0 / most), high <= most)
            }
            Claim::AtMost(most) => (format!("at most {most}×"), high <= most),
            Claim::Near(median, interval) => (
                format!("within {} % ({} %)", median * 100.0, interval * 100.0),
                (middle - 1.0).abs() <= median && low >= 1.0 - interval && high <= 1.0 + interval,
            ),
        };
        (words, if holds { "holds" } else { "**does not hold**" })
    }
}

/// A ratio for people: one below a half as a fraction.
fn fraction(ratio: f64) -> String {
    match ratio {
        small if small > 0.0 && small < 0.5 => format!("1/{:.1}", 1.0 / small),
        _ => format_ratio(ratio),
    }
}

/// The number behind `--rounds`, or `rounds`; cargo's own arguments are passed over.
pub fn rounds_asked(rounds: usize) -> usize {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--rounds");
    match (arguments.next(), arguments.next()) {
        (None, _) => rounds,
        (Some(_), number) => number
            .and_then(|number| number.parse().ok())
            .filter(|rounds| *rounds >= 10)
            .expect("--rounds takes a number, 10 or more: an interval needs them"),
    }
}

/// How long `run` takes, in nanoseconds.
#[allow(dead_code, reason = "not every bench times by itself")]
pub fn timed_ns<T>(run: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    std::hint::black_box(run());
    start.elapsed().as_nanos() as f64
}

/// Prints rows as a Markdown table; a claim holds where the whole interval of the median does.
pub fn print(rows: &[Row]) {
    println!("| what | conclab | compared with | | ratio, median (95 % interval) | claim | |");
    println!("|---|--:|---|--:|--:|---|---|");
    for row in rows {
        let side = |pick: fn(&(f64, f64)) -> f64| {
            let values: Vec<f64> = row.pairs.iter().map(pick).collect();
            (row.format)(median(&values))
        };
        let ratios: Vec<f64> = row.pairs.iter().map(|(own, other)| own / other).collect();
        let (low, high) = bootstrap_median(&ratios, SEED).expect("there are 10 rounds or more");
        let middle = median(&ratios);
        let interval = match middle < 0.5 && low > 0.0 {
            true => format!("{}–{}", fraction(low), fraction(high)),
            false => format_ratio_range(low, high),
        };
        let (ratio, interval) = match row.claim {
            // Of a ratio near 1 each part of a hundred counts.
            Claim::Near(..) => (format!("{middle:.3}×"), format!("{low:.3}–{high:.3}")),
            _ => (fraction(middle), interval),
        };
        let (claim, verdict) = row.claim.told(low, middle, high);
        println!(
            "| {} | {} | {} | {} | {ratio} ({interval}) | {claim} | {verdict} |",
            row.what,
            side(|pair| pair.0),
            row.compared_with,
            side(|pair| pair.1),
        );
    }
}
