//! How answers are worded and laid out, on simulated records: each thing once, short, and in every form.

use crate::simulator::{Lane, Simulation, cases, cpu_bound, sweep};
use conclab::analysis::compare::compare;
use conclab::analysis::{GroupReport, Latency, Report, TaskCounts};
use conclab::experiment::{At, Theme};
use conclab::model::GroupLatencies;
use conclab::plot;
use conclab::render::{self, Bundle};
use conclab::trial::{Kind, MemorySource, Outcome, Record};

const FORMS: [&str; 4] = ["text/html", "text/markdown", "text/latex", "text/plain"];

fn form<'a>(bundle: &'a Bundle, mime: &str) -> &'a str {
    bundle.data[mime].as_str().unwrap()
}

fn interrupted(simulation: Simulation, keep: impl Fn(&Record) -> bool) -> Report {
    let simulation = Simulation {
        interrupted: true,
        ..simulation
    };
    let records: Vec<Record> = simulation.records().into_iter().filter(keep).collect();
    simulation.report_of(&records)
}

#[test]
fn an_interrupt_before_any_number_is_one_sentence_without_figure_or_table() {
    for report in [
        interrupted(cpu_bound(), |_| false),
        interrupted(sweep(), |record| record.kind == Kind::Sampled),
    ] {
        assert_eq!(
            report.verdict,
            ["Interrupted before any timed run had ended: there is nothing to show."]
        );
        assert!(plot::draw(&report, &[], Theme::Light).is_empty());
        let text = render::terminal(&report);
        assert_eq!(
            text.to_lowercase().matches("interrupted").count(),
            1,
            "{text}"
        );
        assert!(!text.contains("wall time"), "{text}");
    }
}

#[test]
fn an_interrupt_halfway_shows_what_was_measured_and_the_rest_once() {
    let report = interrupted(cpu_bound(), |record| record.series < 2);
    assert_eq!(
        report.verdict.last().unwrap(),
        "Interrupted: 2 of 4 rows have numbers, from what was measured until then."
    );
    let table = render::table_text(&report);
    assert_eq!(
        table.matches("interrupted").count(),
        2,
        "one a row: {table}"
    );
    assert!(!table.contains("before its turn"), "{table}");
    for drawing in plot::draw(&report, &["trio".into(), "speedup".into()], Theme::Light) {
        let svg = &drawing.svg;
        assert!(svg.contains(">threads<") && !svg.contains(">async<"));
        assert!(!drawing.alt.contains("interrupted"), "{}", drawing.alt);
    }
    let swept = interrupted(sweep(), |record| record.point < 2);
    let [drawing] = plot::draw(&swept, &[], Theme::Light).try_into().unwrap();
    assert!(!drawing.alt.contains("interrupted"), "{}", drawing.alt);
}

#[test]
fn several_points_are_a_headline_and_a_short_list_in_every_form() {
    let report = cases().report();
    assert_eq!(
        report.verdict[0],
        "Fastest: threads (CPU-bound); threads and async (I/O-bound)."
    );
    assert!(report.verdict[1].starts_with("CPU-bound: threads finished 2.0× faster"));
    assert!(report.verdict[2].starts_with("I/O-bound: async finished 7.9× faster"));
    let bundle = render::verdict_bundle(&report);
    for (mime, first, item, count) in [
        ("text/html", "<p><strong>Fastest: threads", "<li>", 2),
        ("text/markdown", "**Fastest: threads", "\n- ", 2),
        ("text/latex", "\\textbf{Fastest: threads", "\n\\item ", 2),
        ("text/plain", "Fastest: threads", "\n- ", 2),
    ] {
        let text = form(&bundle, mime);
        assert!(text.starts_with(first), "{text}");
        assert_eq!(text.matches(item).count(), count, "{text}");
    }
    let terminal = render::terminal(&report);
    assert_eq!(terminal.matches("\n- ").count(), 2, "{terminal}");
    // A single finding needs no list.
    let single = render::verdict_bundle(&cpu_bound().report());
    assert!(!form(&single, "text/html").contains("<li>"));
}

#[test]
fn many_points_and_series_are_told_in_six_lines() {
    let models = ["sequential", "threads", "thread-pool", "processes", "async"];
    for (keys, points) in [(1, 12), (2, 12)] {
        let lane = |number: usize| Lane {
            label: format!("{} {number}", models[number % 5]),
            wall_ms: (0..points)
                .map(|n| 4.0 + (n + 1) as f64 * (9 - number) as f64 + 9.0 * number as f64)
                .collect(),
            ..Lane::new(models[number % 5], 0.0)
        };
        let at = |n: usize| {
            let tasks = (
                "tasks".to_owned(),
                At::Count(1 + (n % 6) as u64 + 6 * (n as u64 / 6)),
            );
            let sync = (
                "sync".to_owned(),
                At::Word(["none", "mutex"][n / 6].to_owned()),
            );
            (None, [tasks, sync][..keys].to_vec())
        };
        let report = Simulation {
            points: (0..points).map(at).collect(),
            ..Simulation::of((0..9).map(lane).collect())
        }
        .report();
        let verdict = &report.verdict;
        assert!((2..=6).contains(&verdict.len()), "{verdict:#?}");
    }
}

#[test]
fn a_difference_that_is_too_small_to_count_says_so() {
    let lanes = vec![Lane::new("sequential", 100.0), Lane::new("async", 102.0)];
    let report = Simulation {
        noise: 0.001,
        ..Simulation::of(lanes)
    }
    .report();
    for mime in FORMS {
        let bundle = render::table_bundle(&report);
        let text = form(&bundle, mime).replace('\\', "");
        assert!(text.contains(", below 3 %)"), "{text}");
        assert!(text.contains("Below 3 %: the difference"), "{text}");
    }
    let clear = render::table_text(&cpu_bound().report());
    assert!(
        clear.contains(", not clear)") && !clear.contains("elow 3"),
        "{clear}"
    );
}

#[test]
fn a_ratio_that_is_not_that_of_the_medians_says_why_once() {
    const WHY: &str = "Speedups are means over pairs of runs";
    let simulation = cpu_bound();
    assert!(!render::table_text(&simulation.report()).contains(WHY));
    let mut records = simulation.records();
    // Two of five blocks in which everything but the baseline was slow.
    for record in records.iter_mut().filter(|r| r.series > 0 && r.block < 2) {
        record.measurement.as_mut().unwrap().reply.wall_ns *= 2;
    }
    let table = render::table_text(&simulation.report_of(&records));
    assert_eq!(table.matches(WHY).count(), 1, "{table}");
}

#[test]
fn a_reason_is_told_once_and_referred_to_after_that() {
    let memory = |needs| {
        Lane::new("threads", 1.0).fails_always(Outcome::NotRun, match needs {
            7 => "it needs about 7.03 TiB of memory at once, and `memory_limit` is 4 GiB: use fewer `tasks`",
            _ => "it needs about 16 GiB of memory at once, and `memory_limit` is 4 GiB: use fewer `tasks`",
        })
    };
    let named = |label: &str, lane: Lane| Lane {
        label: label.to_owned(),
        ..lane
    };
    let report = Simulation::of(vec![
        Lane::new("sequential", 10.0),
        named("first", memory(7)),
        named("second", memory(7)),
        named("third", memory(16)),
        named(
            "late",
            Lane::new("async", 1.0).fails_always(Outcome::Timeout, "it was still running"),
        ),
        named("last", memory(7)),
    ])
    .report();
    let bundle = render::table_bundle(&report);
    for mime in FORMS {
        let text = form(&bundle, mime);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(text.matches("use fewer").count(), 1, "{text}");
        assert_eq!(text.matches("not run: as above").count(), 1, "{text}");
        assert_eq!(text.matches("not run: as for first").count(), 1, "{text}");
        let differs = "not run: it needs about 16 GiB of memory at once; as above";
        assert!(text.contains(differs), "{text}");
    }
    let verdict = report.verdict.join("\n");
    assert_eq!(verdict.matches("use fewer").count(), 1, "{verdict}");
    assert!(
        verdict.contains("first, second, third and last gave no numbers: it needs about 7.03 TiB"),
        "{verdict}"
    );
    let [drawing] = plot::draw(&report, &[], Theme::Light).try_into().unwrap();
    assert_eq!(drawing.svg.matches("use fewer").count(), 1);
}

#[test]
fn columns_that_say_the_same_in_every_row_are_a_line_below() {
    let pool = Lane {
        workers: 2,
        ..Lane::new("process-pool", 5.0)
    };
    let report = Simulation {
        points: sweep().points,
        ..Simulation::of(vec![Lane::new("sequential", 8.0), pool])
    }
    .report();
    for text in FORMS.map(|mime| form(&render::table_bundle(&report), mime).to_owned()) {
        let line = "Workers: sequential 1, process-pool 2. All answers are the same.";
        assert!(text.contains(line), "{text}");
        assert!(
            !text.contains("answer ") && !text.contains(">answer<"),
            "{text}"
        );
    }
    // Where they differ within one point, or an answer is wrong, the columns stay.
    let mut wrong = cpu_bound();
    wrong.lanes[3].answer = 1;
    let table = render::table_text(&wrong.report());
    let head: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
    assert!(head.ends_with(&["workers", "answer"]), "{table}");
    assert!(form(&render::table_bundle(&report), "text/html").contains("overflow-x:auto"));
}

#[test]
fn a_peak_that_missed_processes_is_a_lower_bound() {
    let noted = |model, processes, workers| {
        let lane = Lane {
            source: MemorySource::Pss,
            processes,
            workers,
            ..Lane::new(model, 200.0)
        };
        let report = Simulation::of(vec![lane]).report();
        report.rows[0]
            .notes
            .iter()
            .find(|n| n.contains("at once"))
            .cloned()
    };
    assert_eq!(
        noted("processes", 34, 1000).as_deref(),
        Some("33 of 1,000 processes were seen at once: the peak of memory is a lower bound")
    );
    for (model, processes, workers) in [
        ("processes", 951, 1000),
        ("processes", 4, 8),
        ("threads", 1, 1000),
        // An answer saved before the number was kept.
        ("processes", 0, 1000),
    ] {
        assert_eq!(
            noted(model, processes, workers),
            None,
            "{model} {processes}"
        );
    }
}

#[test]
fn one_slow_run_does_not_stretch_a_sweeps_axis() {
    let simulation = sweep();
    let ticks = |records: &[Record]| {
        let report = simulation.report_of(records);
        let [drawing] = plot::draw(&report, &["wall".into()], Theme::Light)
            .try_into()
            .unwrap();
        drawing.svg
    };
    let mut records = simulation.records();
    assert!(!ticks(&records).contains("Arrows"));
    let slow = records
        .iter_mut()
        .find(|r| r.kind == Kind::Timed && r.point == 1 && r.block == 1);
    slow.unwrap().measurement.as_mut().unwrap().reply.wall_ns = 3_000_000_000;
    let svg = ticks(&records);
    assert!(svg.contains("Arrows: a run that was far slower"), "{svg}");
    assert!(svg.contains("3 s at tasks = 8"), "{svg}");
    assert!(
        !svg.contains(">1 s<") && !svg.contains(">500 ms<"),
        "no tick that far up"
    );
}

/// Rows whose tasks of one group waited for another on async.
fn mixed() -> Report {
    let mut report = Simulation::of(vec![
        Lane::new("threads", 350.0),
        Lane::new("async", 360.0),
        Lane::new("hybrid", 352.0),
    ])
    .report();
    let group = |name: &str, ms: f64| GroupReport {
        name: name.to_owned(),
        tasks: TaskCounts::default(),
        latency_ns: Some(Latency {
            median: ms * 1e6,
            p95: ms * 1.1e6,
            max: ms * 1.2e6,
            medians: Vec::new(),
            quantiles: (0..=100)
                .map(|n| ms * 1e6 * (1.0 + f64::from(n) / 500.0))
                .collect(),
        }),
    };
    for (row, io) in report.rows.iter_mut().zip([52.0, 350.0, 54.0]) {
        row.groups = vec![group("hog", 300.0), group("I/O|*", io)];
    }
    report
}

#[test]
fn groups_have_their_latencies_in_a_table_of_every_form() {
    let bundle = render::table_bundle(&mixed());
    for mime in FORMS {
        let text = form(&bundle, mime);
        assert!(text.contains("Latency of a task"), "{text}");
        for number in ["350 ms", "385 ms", "420 ms"] {
            assert!(text.contains(number), "{number}: {text}");
        }
        assert_eq!(
            text.matches("hog").count(),
            1,
            "a group is named once: {text}"
        );
    }
    assert!(form(&bundle, "text/markdown").contains("I/O\\|\\*"));
    let none = render::table_text(&cpu_bound().report());
    assert!(!none.contains("Latency"), "{none}");
}

/// What the verdict of three models says where tasks of one group took so long in each run, in milliseconds.
fn verdict_of_latencies(runs: [[u64; 3]; 3]) -> String {
    let models = ["threads", "async", "hybrid"];
    let simulation = Simulation {
        repeat: 3,
        ..Simulation::of(models.map(|model| Lane::new(model, 400.0)).to_vec())
    };
    let mut records = simulation.records();
    for record in records.iter_mut().filter(|r| r.kind == Kind::Timed) {
        let ms = runs[record.series][record.block as usize];
        record.measurement.as_mut().unwrap().reply.groups = vec![GroupLatencies {
            name: "I/O".to_owned(),
            succeeded: 4,
            failed: 0,
            cancelled: 0,
            quantiles_ns: vec![ms * 1_000_000; 101],
        }];
    }
    simulation.report_of(&records).verdict.join(" ")
}

#[test]
fn groups_that_wait_on_some_models_are_in_the_verdict() {
    let verdict = verdict_of_latencies([[51, 52, 53], [350, 340, 360], [55, 54, 56]]);
    let told =
        "A task of I/O took 52 ms on threads and 55 ms on hybrid (median), but 350 ms on async.";
    assert!(verdict.contains(told), "{verdict}");
    // A run that contradicts it, or a difference that a busy machine makes, is none.
    for runs in [
        [[51, 52, 351], [350, 340, 360], [55, 54, 56]],
        [[51, 52, 53], [70, 71, 72], [55, 54, 56]],
    ] {
        let verdict = verdict_of_latencies(runs);
        assert!(!verdict.contains("A task of"), "{verdict}");
    }
}

#[test]
fn two_answers_and_a_list_of_answers_are_tables_whatever_their_names() {
    let (first, second) = (cpu_bound().report(), cpu_bound().report());
    let rows = compare(&first, &second);
    let names = ["a|<b>*x*", "$_{\u{1b}c}"];
    let bundle = render::comparison_bundle((names[0], &first), (names[1], &second), &rows);
    assert!(form(&bundle, "text/html").contains("wall time, a|&lt;b&gt;*x*"));
    assert!(form(&bundle, "text/markdown").contains("wall time, a\\|\\<b\\>\\*x\\*"));
    assert!(form(&bundle, "text/latex").contains("wall time, \\$\\_\\{ c\\}"));
    let plain = form(&bundle, "text/plain");
    assert!(
        plain.contains("wall time, a|<b>*x*") && !plain.contains("|---"),
        "{plain}"
    );
    assert!(plain.contains("No row differs clearly"), "{plain}");
    let swept = sweep().report();
    let answers = [(Some("one"), &first), (None, &swept)];
    let bundle = render::results_bundle(answers.into_iter());
    let plain = form(&bundle, "text/plain");
    assert!(plain.contains("one "), "{plain}");
    assert!(
        plain.contains("sequential 1.2 ms (tasks = 2) to 7"),
        "{plain}"
    );
    assert!(!plain.contains("|"), "{plain}");
}
