//! The language of claims, explained: what `help = "claims"` and the help of each metric say.

use crate::describe::{Better, Evidence, MetricDef};
use crate::measure::metrics::METRICS;

/// A claim about a metric.
pub fn example(def: &MetricDef) -> String {
    let name = def.name;
    match (def.unit, def.better) {
        // Only some rows have it.
        _ if name == "lag" => "lag(async) < 50ms".to_owned(),
        _ if name == "gil_wait" => "gil_wait(threads@gil) > 10ms".to_owned(),
        _ if name == "lock_wait" => "lock_wait(threads) < 10ms".to_owned(),
        ("ns" | "bytes", _) => format!("{name}(threads) < {name}(processes)"),
        ("ratio", _) => format!("{name}(threads) > 1.5"),
        ("share", _) => format!("{name}(threads) > 0.8"),
        ("1/s", _) => format!("{name}(threads) > 100"),
        (_, Better::Neither) => format!("{name}(threads) > {name}(async)"),
        _ if name == "succeeded" => format!("{name}(threads) == 8"),
        _ => format!("{name}(threads) == 0"),
    }
}

/// The same as lines of a cell, with the rows that it names where they are not the usual ones.
pub fn lines(def: &MetricDef) -> String {
    let models = match def.name {
        "gil_wait" => "models = [\"threads@gil\", \"processes@gil\"]\n",
        _ => "",
    };
    format!("{models}check = \"{}\"", example(def))
}

/// What a claim about a metric needs to hold.
pub fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Interval => "the 95 % interval over the runs, paired by block, says so.",
        Evidence::Readings => "every reading says so.",
        Evidence::Count => "every run says so; `> 0` is proved by any of them.",
        Evidence::Single => "the one reading says so by more than 5 %.",
    }
}

/// The language of `check` and `predict`, as Markdown.
pub fn markdown() -> String {
    let metrics = METRICS
        .iter()
        .map(|def| format!("| `{}` | {} | `{}` |\n", def.name, def.title, example(def)));
    let metrics: String = metrics.collect();
    format!(
        "**Claims** are sentences about the answer that conclab checks against what it measured: `check` in \
         a lesson or a test, `predict` for your own guess.\n\n```toml\ncheck = [\n  \"wall(process-pool) < \
         0.7 * wall(sequential)\",\n  \"speedup(threads) >= 1.5 when tasks >= 100\",\n  'wall(\"pool of 4\") < \
         1s',\n  \"fastest == async when case == 'I/O-bound'\",\n]\npredict = \"speedup(threads) > \
         1.5\"\n```\n\n\
         - A claim compares `metric(series)` by `<`, `<=`, `>`, `>=` or `==` with a number and its unit (`1s`, \
         `64MiB`, `1.1`, `0`) or with another metric of the same unit, perhaps times a factor; or it says \
         `fastest == series`.\n\
         - A series is called by its label or model, with `@runtime` where the cell has several; a name with \
         spaces needs quotes.\n\
         - `when key == value and key >= value` chooses points of a sweep and cases; without it a claim is \
         about all of them. A metric may name its own point: `wall(threads, tasks = 8)`; `latency` and `p95` \
         their group: `latency(threads, group = 'I/O')`.\n\
         - **ok**: the measurements say so, at every point. **FAILED**: they say the opposite. **not \
         clear**: they don't say; more repeats, or a larger difference, would tell. Times are compared by \
         95 % intervals, and two that differ by less than 3 to 5 % count as equal; memory by every reading, \
         counts by every run, but `> 0` is proved by any run. `==` between times means within \
         5 %.\n\n| metric | what it is | example |\n|:---|:---|:---|\n{metrics}\n`conclab check FOLDER` runs \
         notebooks and reports their claims."
    )
}
