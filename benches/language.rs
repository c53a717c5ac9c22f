//! What a keystroke and a cell cost: a cell of 200 lines completed, inspected and read.
//!
//! Each is compared with a bound of 1 ms, and with TOML's own parser on the same text, which understands
//! none of it.
//!
//!     cargo bench --bench language [-- --rounds N]

mod ratio;

use conclab::spec::{Detail, Session, complete, inspect, read};
use conclab::units::format_ns;
use ratio::{Claim, Row, rounds_asked, timed_ns};

const LINES: usize = 200;
const GROUPS: usize = 16;
const WARM_UP: usize = 20;
const BOUND_NS: f64 = 1e6;

/// Something to be timed.
type Action<'a> = Box<dyn Fn() + 'a>;

fn main() {
    let rounds = rounds_asked(400);
    let cell = cell();
    let known = Session::default();
    let (found, problems) = read(&cell, &known);
    assert!(found.is_some(), "{problems:?}");
    // Half typed: a key at the very end, and a metric within the last claim.
    let key = format!("{cell}bud");
    let in_claim = cell.rfind("wall(").expect("a claim") + 3;
    for (text, cursor) in [(&key, key.len()), (&cell, in_claim)] {
        assert!(
            !complete(text, cursor, &known).items.is_empty(),
            "nothing to propose at {cursor}"
        );
    }
    assert!(
        inspect(&cell, in_claim, &known, Detail::Here).is_some(),
        "nothing to say"
    );
    let work: [(&str, Action); 4] = [
        (
            "read to an experiment",
            Box::new(|| keep(read(&cell, &known))),
        ),
        (
            "a key completed at its end",
            Box::new(|| keep(complete(&key, key.len(), &known))),
        ),
        (
            "a metric completed in its last claim",
            Box::new(|| keep(complete(&cell, in_claim, &known))),
        ),
        (
            "help for that metric",
            Box::new(|| keep(inspect(&cell, in_claim, &known, Detail::Here))),
        ),
    ];
    let mut rows = Vec::new();
    for (what, run) in work {
        let (mut with_bound, mut with_toml) = (Vec::new(), Vec::new());
        for round in 0..WARM_UP + rounds {
            // Each side comes first in every second round.
            let first = (round % 2 == 0).then(|| toml_ns(&cell));
            let own_ns = timed_ns(&run);
            let toml_ns = first.unwrap_or_else(|| toml_ns(&cell));
            if round >= WARM_UP {
                with_bound.push((own_ns, BOUND_NS));
                with_toml.push((own_ns, toml_ns));
            }
        }
        for (compared_with, pairs, claim) in [
            ("a bound", with_bound, Claim::AtMost(1.0)),
            ("its TOML parsed", with_toml, Claim::Nothing),
        ] {
            rows.push(Row {
                what: format!("a cell of {LINES} lines, {what}"),
                compared_with: compared_with.to_owned(),
                pairs,
                format: format_ns,
                claim,
            });
        }
    }
    ratio::print(&rows);
}

fn keep<T>(result: T) {
    std::hint::black_box(result);
}

/// The same text, parsed as TOML alone.
fn toml_ns(cell: &str) -> f64 {
    timed_ns(|| toml::de::DeTable::parse_recoverable(cell).1.len())
}

/// A long cell of everything: comments, groups with several steps each, models, claims.
fn cell() -> String {
    let mut lines: Vec<String> = vec![
        "# Everything at once: what computes, what waits, what shares.".to_owned(),
        "title = \"A long cell\"".to_owned(),
        "mix = [".to_owned(),
    ];
    let steps = [
        "{ cpu = \"20ms\", times = 2, label = \"work\" }",
        "{ sleep = \"10ms..50ms\" }",
        "{ http = \"100ms\", bytes = \"64KiB\", connection = \"reuse\" }",
        "{ sort = 10_000 }",
        "{ add = 1000, sync = \"mutex\" }",
    ];
    for group in 1..=GROUPS {
        lines.push(format!(
            "  {{ name = \"group {group}\", tasks = {group}, task = ["
        ));
        lines.extend(steps.map(|step| format!("    {step},")));
        lines.push("  ] },".to_owned());
    }
    lines.push("]".to_owned());
    lines.push("models = [".to_owned());
    for pool in 1..=10 {
        lines.push(format!(
            "  {{ model = \"thread-pool\", workers = {pool}, label = \"pool of {pool}\", limits = {{ http = {pool} }} }},"
        ));
    }
    lines.push("  \"sequential\", \"threads\", \"processes\", \"async\",".to_owned());
    lines.push("]".to_owned());
    lines.push("repeat = 10".to_owned());
    lines.push("check = [".to_owned());
    while lines.len() < LINES - 1 {
        let pool = lines.len() % 10 + 1;
        lines.push(format!(
            "  \"wall(\\\"pool of {pool}\\\") < 0.9 * wall(sequential)\","
        ));
    }
    lines.push("]".to_owned());
    lines.join("\n") + "\n"
}
