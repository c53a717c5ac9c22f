//! Two things timed in turn, and what their ratio says: shared by the benches of this folder.
//!
//! Rounds are interleaved and each round's ratio is taken by itself, so that a machine that gets slower
//! slows both sides. A table has a [`Row`] for each ratio; a new bench fills rows and calls [`print`].

use conclab::analysis::statistics::{bootstrap_median, median};
use conclab::units::{format_ns, format_ratio, format_ratio_range};
use std::time::Instant;

/// Seed of the bootstrap.
const SEED: u64 = 1;

/// One ratio: what conclab takes over what it is compared with.
pub struct Row {
    /// What was measured.
    pub what: String,
    /// What it is compared with.
    pub compared_with: String,
    /// Times of both, in nanoseconds, a pair for each round.
    pub pairs_ns: Vec<(f64, f64)>,
    /// The largest ratio that is promised; `None` where the row only informs.
    pub at_most: Option<f64>,
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
            let times: Vec<f64> = row.pairs_ns.iter().map(pick).collect();
            format_ns(median(&times))
        };
        let ratios: Vec<f64> = row
            .pairs_ns
            .iter()
            .map(|(own, other)| own / other)
            .collect();
        let (low, high) = bootstrap_median(&ratios, SEED).expect("there are 10 rounds or more");
        let (claim, verdict) = match row.at_most {
            None => (String::new(), ""),
            Some(most) if high <= most => (format!("at most {most}×"), "holds"),
            Some(most) => (format!("at most {most}×"), "**does not hold**"),
        };
        println!(
            "| {} | {} | {} | {} | {} ({}) | {claim} | {verdict} |",
            row.what,
            side(|pair| pair.0),
            row.compared_with,
            side(|pair| pair.1),
            format_ratio(median(&ratios)),
            format_ratio_range(low, high),
        );
    }
}
