//! Several runtimes in one answer, on simulated records: groups, ratios within a runtime, absolute times
//! across.

use crate::analysis::every_form;
use crate::simulator::{Lane, Simulation, runtimes, runtimes_sweep};
use conclab::analysis::Report;
use conclab::experiment::Theme;
use conclab::{plot, render};

#[test]
fn answers_with_several_runtimes_look_as_they_did() {
    insta::assert_snapshot!("runtimes", every_form(&runtimes().report()));
    insta::assert_snapshot!("runtimes_sweep", every_form(&runtimes_sweep().report()));
}

#[test]
fn every_speedup_and_every_winner_is_within_one_runtime() {
    for report in [runtimes().report(), runtimes_sweep().report()] {
        let runtime = |label: &str| {
            let row = report.rows.iter().find(|row| row.label == label);
            &row.unwrap().runtime
        };
        let mut compared = 0;
        for row in &report.rows {
            if let Some(speedup) = &row.speedup {
                assert_eq!(runtime(&speedup.over), &row.runtime, "{}", row.label);
                compared += 1;
            }
        }
        assert!(compared >= 4);
        for winner in &report.winners {
            assert_eq!(runtime(&winner.label), &winner.runtime);
            for other in winner.over.iter().chain(&winner.tied) {
                assert_eq!(runtime(other), &winner.runtime);
            }
        }
        let points = report
            .rows
            .iter()
            .filter(|row| row.label == report.rows[0].label);
        assert_eq!(
            report.winners.len(),
            points.count() * report.runtimes().len()
        );
    }
}

#[test]
fn the_verdict_contrasts_runtimes_and_claims_no_winner_across_them() {
    let verdict = runtimes().report().verdict;
    assert!(
        verdict[0].starts_with("threads: 1.9× faster than sequential on native, no clear difference on emulated GIL and python3.14 (3.14.1)"),
        "{}",
        verdict[0]
    );
    let across = verdict
        .iter()
        .find(|s| s.starts_with("Median wall times: "));
    let across = across.expect("absolute times are told");
    assert!(
        across.contains("threads 94.5 ms on native, 187 ms on emulated GIL"),
        "{across}"
    );
    assert!(
        !across.contains('×') && !across.contains("faster"),
        "{across}"
    );
}

/// Sequential and threads that gain nothing, on that runtime.
fn flat(runtime: &'static str, version: &'static str, threads_ms: f64) -> Report {
    let lanes = [
        Lane::new("sequential", 400.0),
        Lane::new("threads", threads_ms),
    ];
    Simulation::of(
        lanes
            .map(|lane| Lane {
                runtime,
                version,
                ..lane
            })
            .to_vec(),
    )
    .report()
}

#[test]
fn the_lock_is_the_reason_only_where_there_is_one() {
    let says = |report: &Report, what: &str| report.verdict.iter().any(|s| s.contains(what));
    assert!(says(
        &flat("python", "CPython 3.11.7", 405.0),
        "the GIL lets one thread"
    ));
    assert!(says(&flat("gil", "", 405.0), "the GIL lets one thread"));
    let free = "CPython 3.14.1 free-threaded, GIL off";
    assert!(!says(&flat("python3.14t", free, 405.0), "GIL lets"));
    assert!(says(&flat("python3.14t", free, 210.0), "it has no GIL"));
    let forced = "CPython 3.14.1 free-threaded, GIL on";
    assert!(says(
        &flat("python3.14t", forced, 405.0),
        "the GIL lets one thread"
    ));
    for threads_ms in [210.0, 405.0] {
        assert!(!says(&flat("native", "", threads_ms), "GIL"));
    }
    // What is computed there gives the lock up: then it isn't the reason for anything.
    assert!(!says(
        &flat("python", "CPython 3.11.7", 210.0),
        "the GIL lets one thread"
    ));
}

#[test]
fn figures_group_by_runtime_and_call_series_by_their_short_names() {
    for (report, figures) in [
        (
            runtimes().report(),
            &["trio", "speedup", "distribution", "grid"][..],
        ),
        (
            runtimes_sweep().report(),
            &["trio", "speedup", "crossover", "grid"],
        ),
    ] {
        for figure in figures {
            let drawn = plot::draw(&report, &[(*figure).to_owned()], Theme::Auto);
            let svg = &drawn[0].svg;
            assert!(
                !svg.contains("@native") && !svg.contains("@gil"),
                "{figure}"
            );
            assert!(!svg.contains("@python"), "{figure}");
            for runtime in report.runtimes() {
                let title = report.runtime_title(runtime);
                assert!(svg.contains(&format!(">{title}")), "{figure}: {title}");
            }
        }
    }
}

#[test]
fn what_an_interpreter_takes_outside_the_clock_is_told_where_it_is_much() {
    let told = |wall_ms: f64| {
        let lanes = ["sequential", "threads"].map(|model| {
            let lane = Lane::new(model, wall_ms);
            Lane {
                runtime: "python",
                version: "CPython 3.11.7",
                ..lane
            }
        });
        let text = render::table_text(&Simulation::of(lanes.to_vec()).report());
        assert!(text.contains("Runtime: python (3.11.7)."), "{text}");
        text.contains("starting and ending python (3.11.7) took 52 ms (imports 31 ms).")
    };
    assert!(told(40.0));
    assert!(!told(4000.0));
}
