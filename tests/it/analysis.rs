//! Records to report, on simulated records: false alarms, real differences, failures, and how it looks.

use crate::simulator::{Lane, Simulation, cases, cpu_bound, failing, sweep, waiting};
use conclab::analysis::{Course, Crossover, Report, Row};
use conclab::experiment::{At, Order};
use conclab::model::GroupLatencies;
use conclab::render;
use conclab::trial::{Kind, MemorySource, Outcome};

fn row<'a>(report: &'a Report, label: &str) -> &'a Row {
    report
        .rows
        .iter()
        .find(|row| row.label == label)
        .unwrap_or_else(|| panic!("no row {label}"))
}

/// The same program under four names.
fn same(noise: f64, seed: u64) -> Simulation {
    let lanes = ["sequential", "threads", "processes", "async"];
    Simulation {
        noise,
        seed,
        ..Simulation::of(lanes.map(|model| Lane::new(model, 100.0)).to_vec())
    }
}

/// Comparisons of 1,000 seeded experiments that differ, and experiments with at least one that does.
fn false_alarms(experiment: impl Fn(u64) -> Simulation) -> (f64, f64) {
    const RUNS: u64 = 1_000;
    let (mut compared, mut differ, mut alarmed) = (0, 0, 0);
    for seed in 1..=RUNS {
        let report = experiment(seed).report();
        let speedups = report.rows.iter().filter_map(|row| row.speedup.as_ref());
        let differs: Vec<bool> = speedups.map(|speedup| speedup.differs).collect();
        compared += differs.len();
        differ += differs.iter().filter(|differs| **differs).count();
        alarmed += usize::from(differs.contains(&true));
    }
    assert_eq!(compared, 3 * RUNS as usize, "every row is compared");
    (
        differ as f64 / compared as f64,
        alarmed as f64 / RUNS as f64,
    )
}

#[test]
fn the_same_program_under_two_names_does_not_differ() {
    for noise in [0.005, 0.02, 0.05, 0.15] {
        let (comparisons, experiments) = false_alarms(|seed| same(noise, seed));
        assert!(
            comparisons <= 0.05,
            "noise {noise}: {comparisons} of the comparisons"
        );
        assert!(
            experiments <= 0.05,
            "noise {noise}: {experiments} of the experiments"
        );
    }
}

#[test]
fn interleaving_is_what_protects_from_a_machine_that_drifts() {
    let drifting = |order| {
        move |seed| Simulation {
            lasting_noise: 0.06,
            drift: 0.1,
            order,
            ..same(0.01, seed)
        }
    };
    let (comparisons, _) = false_alarms(drifting(Order::Interleaved));
    assert!(comparisons <= 0.05, "interleaved: {comparisons}");
    let (comparisons, _) = false_alarms(drifting(Order::Blocked));
    assert!(
        comparisons > 0.08,
        "blocked should be fooled: {comparisons}"
    );
}

#[test]
fn real_differences_are_found() {
    let found = (1..=100u64)
        .filter(|seed| {
            let lanes = vec![Lane::new("sequential", 100.0), Lane::new("threads", 90.0)];
            let simulation = Simulation {
                repeat: 10,
                noise: 0.02,
                seed: *seed,
                ..Simulation::of(lanes)
            };
            let report = simulation.report();
            let speedup = row(&report, "threads").speedup.clone().unwrap();
            speedup.differs && speedup.low < 100.0 / 90.0 + 0.05 && speedup.ratio > 1.0
        })
        .count();
    assert!(found >= 95, "{found} of 100");
}

#[test]
fn intervals_contain_the_truth_about_as_often_as_they_say() {
    let truth = 402.0 / 208.0;
    let covered = (1..=400u64)
        .filter(|seed| {
            let report = Simulation {
                noise: 0.04,
                seed: *seed,
                ..cpu_bound()
            }
            .report();
            let speedup = row(&report, "threads").speedup.clone().unwrap();
            speedup.low <= truth && truth <= speedup.high
        })
        .count();
    assert!(
        (365..=395).contains(&covered),
        "{covered} of 400, where 380 are expected"
    );
}

#[test]
fn a_difference_too_small_to_matter_is_none() {
    // 2 % is real at this noise, and below the floor all the same.
    let lanes = vec![Lane::new("sequential", 100.0), Lane::new("async", 102.0)];
    let report = Simulation {
        noise: 0.001,
        ..Simulation::of(lanes)
    }
    .report();
    let speedup = row(&report, "async").speedup.clone().unwrap();
    assert!(speedup.p < 0.05 && !speedup.differs, "{speedup:?}");
    // 4 % counts where both models use one core, and not where one may be scheduled over several.
    for (model, differs) in [("async", true), ("threads", false)] {
        let lanes = vec![Lane::new("sequential", 100.0), Lane::new(model, 104.0)];
        let report = Simulation {
            noise: 0.001,
            ..Simulation::of(lanes)
        }
        .report();
        assert_eq!(
            row(&report, model).speedup.as_ref().unwrap().differs,
            differs,
            "{model}"
        );
    }
}

#[test]
fn missing_blocks_are_left_out_of_the_pairs() {
    // Each block is slower than the one before: comparing different blocks would give another ratio.
    let simulation = Simulation {
        noise: 0.0,
        drift: 2.0,
        ..cpu_bound()
    };
    let records: Vec<_> = simulation
        .records()
        .into_iter()
        .filter(|r| {
            let lost = (r.series == 0 && r.block == 1) || (r.series == 1 && r.block >= 3);
            r.kind == Kind::Sampled || !lost
        })
        .collect();
    let report = simulation.report_of(&records);
    let threads = row(&report, "threads");
    let lengths = |label| row(&report, label).wall_ns.as_ref().unwrap().samples.len();
    assert_eq!(
        (lengths("sequential"), lengths("threads"), lengths("async")),
        (4, 3, 5)
    );
    // Blocks 0 and 2 are the only pairs, and two are too few for an interval.
    let speedup = threads.speedup.clone().unwrap();
    assert_eq!((speedup.low, speedup.high), (0.0, f64::INFINITY));
    assert!(
        !speedup.differs && (1.2..3.0).contains(&speedup.ratio),
        "{speedup:?}"
    );
}

#[test]
fn few_repeats_give_numbers_and_no_claim() {
    for repeat in [1, 2] {
        let report = Simulation {
            repeat,
            ..cpu_bound()
        }
        .report();
        let threads = row(&report, "threads");
        let wall = threads.wall_ns.as_ref().unwrap();
        assert_eq!((wall.samples.len(), wall.interval), (repeat as usize, None));
        let speedup = threads.speedup.as_ref().unwrap();
        assert!(
            (1.7..2.2).contains(&speedup.ratio) && !speedup.differs,
            "{speedup:?}"
        );
        let verdict = report.verdict.join(" ");
        assert!(verdict.contains("too few to tell"), "{verdict}");
        assert!(!verdict.contains("no clear difference"), "{verdict}");
    }
    let wall = |repeat| {
        let report = Simulation {
            repeat,
            ..cpu_bound()
        }
        .report();
        row(&report, "threads").wall_ns.clone().unwrap()
    };
    assert_eq!(wall(9).interval, None);
    let wall = wall(10);
    let (low, high) = wall.interval.unwrap();
    assert!(wall.min <= low && low <= wall.median && wall.median <= high && high <= wall.max);
}

#[test]
fn equal_times_do_not_divide_by_zero() {
    let report = Simulation {
        noise: 0.0,
        ..same(0.0, 1)
    }
    .report();
    for row in &report.rows[1..] {
        let speedup = row.speedup.as_ref().unwrap();
        assert_eq!(
            (speedup.ratio, speedup.p, speedup.differs),
            (1.0, 1.0, false)
        );
    }
    let zero = Simulation {
        noise: 0.0,
        ..same(0.0, 1)
    };
    let mut records = zero.records();
    for record in &mut records {
        record.measurement.as_mut().unwrap().reply.wall_ns = 0;
    }
    let report = zero.report_of(&records);
    assert!(report.rows.iter().all(|row| row.speedup.is_none()));
    assert!(!render::terminal(&report).contains("NaN"));
}

#[test]
fn the_verdict_names_winner_ratio_interval_and_memory() {
    let verdict = cpu_bound().report().verdict;
    assert!(
        verdict[0]
            .starts_with("threads finished 1.9× faster than sequential (95 % interval 1.9–2.0)"),
        "{verdict:?}"
    );
    assert!(
        verdict[0].contains("processes 1.8×, at 4.1× the memory"),
        "{verdict:?}"
    );
    assert!(
        verdict[0].contains("async: no clear difference"),
        "{verdict:?}"
    );
    assert!(verdict.len() <= 3, "{verdict:?}");
}

#[test]
fn small_differences_are_given_with_digits_that_show_them() {
    let lanes = vec![Lane::new("sequential", 100.0), Lane::new("async", 93.0)];
    let report = Simulation {
        noise: 0.002,
        ..Simulation::of(lanes)
    }
    .report();
    let verdict = report.verdict.join(" ");
    assert!(
        verdict.contains("async finished 1.08× faster") || verdict.contains("1.07× faster"),
        "{verdict}"
    );
}

#[test]
fn a_wrong_answer_or_failed_tasks_never_win() {
    let report = failing().report();
    assert_eq!(row(&report, "processes").agrees, Some(false));
    assert_eq!(row(&report, "sequential").agrees, Some(true));
    assert_eq!(
        row(&report, "async").agrees,
        None,
        "failed tasks have no answer to compare"
    );
    let ranking = report
        .verdict
        .iter()
        .find(|sentence| sentence.contains("faster"))
        .unwrap();
    assert!(
        !ranking.contains("processes") && !ranking.contains("async"),
        "{ranking}"
    );
    let verdict = report.verdict.join(" ");
    assert!(verdict.contains("WRONG ANSWER: processes"), "{verdict}");
    assert!(verdict.contains("async: 3 of 8 tasks failed"), "{verdict}");
    assert!(render::table_text(&report).contains("WRONG"));
}

#[test]
fn failed_rows_say_so_and_the_others_still_show() {
    let report = failing().report();
    let threads = row(&report, "threads");
    assert_eq!(
        (threads.outcome, &threads.wall_ns),
        (Outcome::Timeout, &None)
    );
    let pool = row(&report, "process-pool");
    assert_eq!(pool.outcome, Outcome::Crashed);
    assert_eq!(
        pool.wall_ns.as_ref().unwrap().samples.len(),
        4,
        "the others are kept"
    );
    assert_eq!(
        pool.why.as_deref(),
        Some("1 of 5 runs: it was ended by signal 11")
    );
    assert!(pool.speedup.as_ref().unwrap().differs);
    let text = render::terminal(&report);
    assert!(
        text.contains("timeout: it was still running after 30 s"),
        "{text}"
    );
}

#[test]
fn lost_updates_are_a_column_and_a_sentence() {
    let lane = |model, counted| Lane {
        updates: (200_000, counted),
        ..Lane::new(model, 10.0)
    };
    let adding = Simulation::of(vec![
        lane("sequential", 200_000),
        lane("threads", 168_796),
        lane("async", 200_000),
    ]);
    let report = adding.report();
    let lost = row(&report, "threads").lost.as_ref().unwrap();
    assert_eq!((lost.median, lost.samples.len()), (31_204.0, 5));
    assert_eq!(row(&report, "async").lost.as_ref().unwrap().max, 0.0);
    let sentence = "threads lost 31,204 of 200,000 updates (16 %) without a lock; sequential and async lost \
                    none.";
    assert!(
        report.verdict.iter().any(|told| told == sentence),
        "{:?}",
        report.verdict
    );
    let text = render::terminal(&report);
    assert!(text.contains("lost") && text.contains("31,204"), "{text}");
    // Where all were kept apart there is nothing to tell; where nobody adds, no column.
    let kept = Simulation::of(vec![lane("threads", 200_000)]).report();
    assert!(!kept.verdict.iter().any(|told| told.contains("lost")));
    assert!(!render::terminal(&cpu_bound().report()).contains("lost"));
}

#[test]
fn groups_have_the_middle_repeats_latencies_and_the_worst_repeats_counts() {
    let group = |name: &str, failed, times_ns: u64| GroupLatencies {
        name: name.into(),
        succeeded: 50 - failed,
        failed,
        cancelled: 0,
        quantiles_ns: if failed == 50 {
            Vec::new()
        } else {
            (0..101).map(|percent| percent * times_ns).collect()
        },
    };
    let simulation = Simulation::of(vec![Lane::new("threads", 10.0)]);
    let mut records = simulation.records();
    for record in records.iter_mut().filter(|r| r.kind == Kind::Timed) {
        let repeat = u64::from(record.block);
        record.measurement.as_mut().unwrap().reply.groups =
            vec![group("I/O", repeat, 10 * (repeat + 1)), group("hog", 50, 1)];
    }
    let report = simulation.report_of(&records);
    let [io, hog] = row(&report, "threads").groups.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!((io.tasks.succeeded, io.tasks.failed), (46, 4), "the worst");
    let latency = io.latency_ns.as_ref().unwrap();
    assert_eq!(
        (latency.median, latency.p95, latency.max),
        (1500.0, 2850.0, 3000.0),
        "of the third of five"
    );
    assert_eq!((latency.quantiles.len(), &hog.latency_ns), (101, &None));
    let json: serde_json::Value = serde_json::from_str(&render::json(&report)).unwrap();
    let groups = &json["rows"][0]["groups"];
    assert_eq!(groups["I/O"]["latency_ns"]["p95"], 2850.0, "{groups:#}");
    assert_eq!(groups["hog"]["tasks"]["failed"], 50, "{groups:#}");
}

#[test]
fn nothing_measured_is_a_report_too() {
    let lanes = ["sequential", "threads", "async"].map(|model| {
        Lane::new(model, 1.0).fails_always(Outcome::Failed, "it could not be started")
    });
    let report = Simulation::of(lanes.to_vec()).report();
    assert!(
        report
            .rows
            .iter()
            .all(|row| row.outcome == Outcome::Failed && row.wall_ns.is_none())
    );
    assert_eq!(
        report.verdict,
        ["sequential, threads and async gave no numbers: it could not be started."]
    );
    let simulation = Simulation {
        interrupted: true,
        ..cpu_bound()
    };
    let report = simulation.report_of(&[]);
    assert!(
        report
            .rows
            .iter()
            .all(|row| row.outcome == Outcome::Interrupted)
    );
    assert_eq!(
        report.verdict,
        ["Interrupted before any timed run had ended: there is nothing to show."]
    );
    let partial: Vec<_> = simulation.records().into_iter().take(9).collect();
    let report = simulation.report_of(&partial);
    assert!(report.rows.iter().any(|row| row.wall_ns.is_some()));
    assert!(report.verdict.join(" ").contains("Interrupted"));
}

#[test]
fn one_row_and_twelve_rows_are_told_in_a_few_words() {
    let report = Simulation::of(vec![Lane::new("threads", 100.0)]).report();
    assert!(
        report.verdict[0].starts_with("threads took "),
        "{:?}",
        report.verdict
    );
    let twelve: Vec<Lane> = (0..12)
        .map(|index| Lane {
            label: format!("pool of {}", index + 1),
            ..Lane::new("thread-pool", 100.0 / f64::from(index + 1))
        })
        .collect();
    let report = Simulation::of(twelve).report();
    let words = report.verdict.join(" ").split_whitespace().count();
    assert!(words < 80, "{words} words: {:?}", report.verdict);
    assert!(
        report.verdict[0].starts_with("pool of 12 finished 12"),
        "{:?}",
        report.verdict
    );
}

#[test]
fn what_limits_a_row_is_told_where_the_numbers_say_it() {
    let said = |lanes: Vec<Lane>| Simulation::of(lanes).report().verdict.join(" ");
    let waits = |share| Lane {
        cpu_share: share,
        ..Lane::new("sequential", 100.0)
    };
    assert!(said(vec![waits(1.0)]).contains("CPU-bound"));
    assert!(said(vec![waits(0.01)]).contains("The work is waiting"));
    assert!(said(vec![waits(0.5)]).contains("mixed: 50 %"));
    // Starting workers costs more than the work; waiting longer for the same work is something else.
    let small = Lane::new("sequential", 2.0);
    let pool = Lane::new("process-pool", 9.0);
    let verdict = said(vec![small.clone(), pool.clone()]);
    assert!(verdict.contains("costs more than the work"), "{verdict}");
    let waiting = Lane {
        cpu_share: 0.2,
        ..pool
    };
    let verdict = said(vec![small, waiting]);
    assert!(!verdict.contains("costs more than the work"), "{verdict}");
}

#[test]
fn a_busy_machine_does_not_make_computing_look_like_waiting() {
    let simulation = cpu_bound();
    let mut records = simulation.records();
    // Every second run had to wait for a core.
    for record in records.iter_mut().filter(|record| record.block % 2 == 0) {
        record.measurement.as_mut().unwrap().reply.wall_ns *= 2;
    }
    let verdict = simulation.report_of(&records).verdict.join(" ");
    assert!(verdict.contains("CPU-bound"), "{verdict}");
}

#[test]
fn a_sweep_is_told_by_its_crossing_and_its_ends() {
    let report = sweep().report();
    let verdict = report.verdict.join(" ");
    for part in [
        "process-pool overtakes sequential from about 17 tasks (95 % interval 16.",
        "from 5.0× as long at 2 tasks to 1.9× faster at 128 tasks, at 2.0× the memory",
    ] {
        assert!(verdict.contains(part), "{part}: {verdict}");
    }
    assert!(!verdict.contains("32"), "{verdict}");
    assert_eq!(report.rows[1].memory_samples, 3);
    assert!(
        report.rows[1]
            .notes
            .iter()
            .any(|note| note.contains("lower bound"))
    );
    assert!(
        report.rows[0].notes.is_empty(),
        "a high-water mark needs no samples"
    );
}

/// A pool that costs 6 ms to start and then halves the work, along a time per task.
fn crossing(repeat: u32, noise: f64, seed: u64) -> Simulation {
    let sizes_us = [100u64, 300, 1_000, 3_000, 10_000];
    let at = |us: &u64| (None, vec![("cpu".to_owned(), At::Duration(us * 1_000))]);
    let lane = |model, of: fn(f64) -> f64| Lane {
        wall_ms: sizes_us
            .iter()
            .map(|us| of(8.0 * *us as f64 / 1e3))
            .collect(),
        ..Lane::new(model, 0.0)
    };
    Simulation {
        points: sizes_us.iter().map(at).collect(),
        repeat,
        noise,
        seed,
        ..Simulation::of(vec![
            lane("sequential", |ms| ms),
            lane("process-pool", |ms| 6.0 + ms / 2.0),
            lane("threads", |ms| 0.05 + ms / 2.0),
            lane("async", |ms| ms),
            lane("processes", |ms| 3.0 + 1.2 * ms),
        ])
    }
}

fn crossover<'a>(report: &'a Report, series: &str) -> &'a Crossover {
    let found = report.crossovers.iter().find(|c| c.series == series);
    found.unwrap_or_else(|| panic!("no {series} in {:?}", report.crossovers))
}

#[test]
fn a_crossing_is_found_with_its_interval_and_told_in_the_keys_unit() {
    let report = crossing(5, 0.02, 1).report();
    let pool = crossover(&report, "process-pool");
    assert_eq!(
        (pool.course, pool.over.as_str()),
        (Course::Overtakes, "sequential")
    );
    let at = pool.crossing.unwrap();
    // The lines cross at 12 ms of work, which is 1.5 ms a task; interpolation adds its own error.
    assert!(at.low < at.estimate && at.estimate < at.high);
    assert!((1.35e6..1.65e6).contains(&at.estimate), "{at:?}");
    assert_eq!(crossover(&report, "threads").course, Course::Faster);
    assert_eq!(crossover(&report, "processes").course, Course::Slower);
    assert_eq!(crossover(&report, "async").course, Course::Unclear);
    let verdict = report.verdict.join(" ");
    for part in [
        "process-pool overtakes sequential from about cpu = 1.",
        " ms (95 % interval 1.",
        "threads is faster throughout",
        "processes is slower throughout",
        "async: no clear difference",
    ] {
        assert!(verdict.contains(part), "{part}: {verdict}");
    }
    let words = verdict.split_whitespace().count();
    assert!(words < 90, "{words} words: {verdict}");
    let json: serde_json::Value = serde_json::from_str(&render::json(&report)).unwrap();
    let first = &json["crossovers"][0];
    assert_eq!(
        (&first["key"], &first["unit"]),
        (&"cpu".into(), &"ns".into())
    );
    assert_eq!(first["course"], "overtakes");
    assert!(first["crossing"]["low"].is_f64() && json["x"] == "cpu");
}

#[test]
fn the_interval_of_a_crossing_contains_it_about_as_often_as_it_says() {
    let truth = {
        let exact = crossing(5, 0.0, 1).report();
        crossover(&exact, "process-pool").crossing.unwrap().estimate
    };
    let covered = (1..=200u64)
        .filter(|seed| {
            let report = crossing(5, 0.05, *seed).report();
            let at = crossover(&report, "process-pool").crossing.unwrap();
            at.low <= truth && truth <= at.high
        })
        .count();
    assert!(
        (180..=199).contains(&covered),
        "{covered} of 200, where 190 are expected"
    );
}

#[test]
fn a_series_that_falls_behind_is_told_so_and_too_few_runs_find_nothing() {
    let mut simulation = crossing(5, 0.02, 1);
    for lane in &mut simulation.lanes {
        lane.wall_ms.reverse();
    }
    let report = simulation.report();
    assert_eq!(
        crossover(&report, "process-pool").course,
        Course::FallsBehind
    );
    let few = crossing(2, 0.02, 1).report();
    assert!(
        few.crossovers
            .iter()
            .all(|c| c.course == Course::Unclear && c.crossing.is_none())
    );
    let verdict = few.verdict.join(" ");
    assert!(verdict.contains("too few to tell"), "{verdict}");
}

#[test]
fn scaling_is_fitted_up_to_the_cores_where_the_work_computes() {
    let counts = [1u64, 2, 4, 8];
    let at = |n: &u64| (None, vec![("workers".to_owned(), At::Count(*n))]);
    let pool = |cpu_share: f64, cores: f64| Lane {
        wall_ms: counts
            .iter()
            .map(|n| 400.0 * (0.1 + 0.9 / (*n as f64).min(cores)))
            .collect(),
        cpu_share,
        ..Lane::new("thread-pool", 0.0)
    };
    let simulation = |pool| Simulation {
        points: counts.iter().map(at).collect(),
        noise: 0.003,
        ..Simulation::of(vec![Lane::new("sequential", 400.0), pool])
    };
    // Two cores: the points beyond them say nothing about what is serial.
    let report = simulation(pool(1.0, 2.0)).report();
    let [scaling] = report.scaling.as_slice() else {
        panic!("{:?}", report.scaling)
    };
    let serial = scaling.serial_fraction.unwrap();
    assert_eq!((scaling.cores, scaling.fitted_to), (Some(2), 2.0));
    assert!((0.07..0.13).contains(&serial.estimate), "{serial:?}");
    assert!(serial.low <= serial.estimate && serial.estimate <= serial.high);
    assert_eq!(scaling.over, "sequential");
    // Waiting overlaps with as many workers as there are.
    let report = simulation(pool(0.01, 8.0)).report();
    let scaling = &report.scaling[0];
    assert_eq!((scaling.cores, scaling.fitted_to), (None, 8.0));
    assert!((0.07..0.13).contains(&scaling.serial_fraction.unwrap().estimate));
    let verdict = report.verdict.join(" ");
    assert!(
        verdict.contains("thread-pool gains most with 8 workers: 4.7× over sequential"),
        "{verdict}"
    );
    assert!(
        verdict.contains("Serial fraction by Amdahl's law: thread-pool 10 %"),
        "{verdict}"
    );
    // Alone, it is compared with itself.
    let mut alone = simulation(pool(0.01, 8.0));
    alone.lanes.remove(0);
    let report = alone.report();
    assert_eq!(report.scaling[0].over, "thread-pool with 1");
    assert!((report.scaling[0].points[0].speedup.estimate - 1.0).abs() < 1e-9);
}

#[test]
fn a_long_table_begins_with_an_overview_and_says_each_place_once() {
    let report = crossing(5, 0.02, 1).report();
    let text = render::table_text(&report);
    let overview: Vec<&str> = text.lines().take(7).collect();
    let head: Vec<&str> = overview[0].split_whitespace().collect();
    assert_eq!(
        head,
        [
            "cpu",
            "sequential",
            "process-pool",
            "threads",
            "async",
            "processes",
            "fastest"
        ]
    );
    for (line, at) in overview[2..]
        .iter()
        .zip(["100us", "300us", "1ms", "3ms", "10ms"])
    {
        assert!(
            line.trim_start().starts_with(at) && line.ends_with("threads"),
            "{text}"
        );
    }
    let places = |text: &str| text.matches("100us").count();
    assert_eq!(
        places(&text),
        2,
        "in the overview and once in the table: {text}"
    );
    let html = render::table_html(&report);
    let (before, folded) = html.split_once("<details>").unwrap();
    assert_eq!(
        (before.matches("<tr").count(), folded.matches("<tr").count()),
        (6, 26)
    );
    assert_eq!(
        folded.matches("border-top").count(),
        4,
        "a rule where a point begins"
    );
    for short in [cpu_bound().report(), sweep().report()] {
        let html = render::table_html(&short);
        assert!(!html.contains("<details>") && html.matches("<table").count() == 1);
    }
}

#[test]
fn the_winner_of_a_point_is_clearly_faster_or_shares_it() {
    let report = cases().report();
    let [cpu, io] = report.winners.as_slice() else {
        panic!("{:?}", report.winners)
    };
    assert_eq!(
        (cpu.label.as_str(), cpu.tied.as_slice()),
        ("threads", &[][..])
    );
    assert!((1.9..2.1).contains(&cpu.ratio), "{cpu:?}");
    assert_eq!(io.tied.len(), 1, "threads and async share it: {io:?}");
    assert_eq!(io.over.as_deref(), Some("sequential"));
    let failing = failing().report();
    let [winner] = failing.winners.as_slice() else {
        panic!("{:?}", failing.winners)
    };
    assert_eq!(winner.label, "process-pool", "a wrong answer never wins");
}

#[test]
fn warnings_are_calm_and_say_what_to_do() {
    let warned = |simulation: &Simulation, words: &str| {
        let report = simulation.report();
        assert!(
            report
                .warnings
                .iter()
                .any(|warning| warning.contains(words)),
            "{words}: {:?}",
            report.warnings
        );
    };
    assert_eq!(cpu_bound().report().warnings, Vec::<String>::new());
    warned(
        &Simulation {
            noise: 0.3,
            ..cpu_bound()
        },
        "spreads by more than ±10 %",
    );
    warned(
        &Simulation {
            drift: 0.6,
            ..cpu_bound()
        },
        "grew slower",
    );
    warned(
        &Simulation::of(vec![Lane::new("async", 0.3)]),
        "shorter than 1 ms",
    );
    let mut busy = cpu_bound();
    busy.machine.cpu_pressure = Some(40.0);
    warned(&busy, "other programs wanted the CPU");
    busy.machine.throttled = Some(7);
    warned(&busy, "CPU quota stopped it 7 times");
    let over = Lane {
        workers: 16,
        cpu_share: 2.0,
        ..Lane::new("thread-pool", 100.0)
    };
    warned(
        &Simulation::of(vec![Lane::new("sequential", 200.0), over]),
        "more workers than the 2 usable CPUs",
    );
}

#[test]
fn one_run_far_from_the_others_is_flagged_and_kept() {
    let simulation = cpu_bound();
    let mut records = simulation.records();
    let last = records
        .iter_mut()
        .rfind(|record| record.series == 1)
        .unwrap();
    last.measurement.as_mut().unwrap().reply.wall_ns *= 3;
    let report = simulation.report_of(&records);
    let threads = row(&report, "threads");
    assert_eq!(threads.wall_ns.as_ref().unwrap().samples.len(), 5);
    assert!(
        threads.notes.iter().any(|note| note.contains("outlier")),
        "{:?}",
        threads.notes
    );
    assert!((200e6..215e6).contains(&threads.wall_ns.as_ref().unwrap().median));
}

#[test]
fn two_ways_of_counting_cpu_time_that_disagree_are_told() {
    let simulation = cpu_bound();
    let mut records = simulation.records();
    for record in records.iter_mut().filter(|record| record.series == 2) {
        // A worker that nobody waited for: the trial saw half of it.
        record.measurement.as_mut().unwrap().reply.user_ns /= 2;
    }
    let report = simulation.report_of(&records);
    for row in &report.rows {
        let told = row.notes.iter().any(|note| note.contains("disagree"));
        assert_eq!(told, row.label == "processes", "{}", row.label);
    }
}

#[test]
fn memory_says_how_it_was_read() {
    let mut simulation = cpu_bound();
    simulation.lanes[2].source = MemorySource::Rss;
    let report = simulation.report();
    let text = render::table_text(&report);
    assert!(text.contains("12.4 MiB RSS (+10.4 MiB)"), "{text}");
    assert!(
        row(&report, "processes")
            .notes
            .iter()
            .any(|note| note.contains("RSS"))
    );
}

#[test]
fn the_json_has_the_keys_that_the_product_promises() {
    let report = failing().report();
    let json: serde_json::Value = serde_json::from_str(&render::json(&report)).unwrap();
    for key in [
        "schema",
        "title",
        "machine",
        "diagnostics",
        "rows",
        "verdict",
        "checks",
    ] {
        assert!(json.get(key).is_some(), "{key}");
    }
    assert_eq!(json["schema"], 1);
    for row in json["rows"].as_array().unwrap() {
        for key in [
            "label",
            "model",
            "runtime",
            "runtime_version",
            "case",
            "at",
            "outcome",
            "why",
            "tasks",
            "agrees",
            "workers",
            "wall_ns",
            "cpu_ns",
            "peak_pss_bytes",
            "speedup",
        ] {
            assert!(row.get(key).is_some(), "{key}");
        }
        for key in ["succeeded", "failed", "timed_out", "cancelled"] {
            assert!(row["tasks"][key].is_u64(), "{key}");
        }
    }
    let (sequential, threads, pool) = (&json["rows"][0], &json["rows"][1], &json["rows"][4]);
    assert!(sequential["speedup"].is_null(), "the baseline has none");
    assert_eq!(
        (&threads["outcome"], &threads["wall_ns"]),
        (&"timeout".into(), &serde_json::Value::Null)
    );
    for key in ["median", "min", "max", "samples"] {
        assert!(pool["wall_ns"].get(key).is_some(), "{key}");
    }
    for key in ["over", "ratio", "low", "high", "differs"] {
        assert!(pool["speedup"].get(key).is_some(), "{key}");
    }
    let sweep: serde_json::Value = serde_json::from_str(&render::json(&sweep().report())).unwrap();
    assert_eq!(sweep["rows"][0]["at"]["tasks"], 2);
    // One repeat has no upper end: null, never a word that is no JSON.
    let single = Simulation {
        repeat: 1,
        ..cpu_bound()
    }
    .report();
    let single: serde_json::Value = serde_json::from_str(&render::json(&single)).unwrap();
    assert!(single["rows"][1]["speedup"]["high"].is_null());
}

#[test]
fn what_a_user_wrote_is_text_in_every_form() {
    let report = failing().report();
    let verdict = render::verdict_bundle(&report).data;
    let html = render::table_html(&report) + verdict["text/html"].as_str().unwrap();
    assert!(!html.contains("<b>") && !html.contains("<script"), "{html}");
    assert!(html.contains("&lt;b&gt;50 %_$ &amp; | pool"), "{html}");
    let latex = render::table_latex(&report);
    assert!(
        latex.contains("50 \\%\\_\\$ \\& \\textbar{} pool \\textbackslash{} *two*"),
        "{latex}"
    );
    let markdown = render::table_markdown(&report);
    assert!(
        markdown.contains("\\<b\\>50 %\\_\\$ & \\| pool \\\\ \\*two\\*\\</b\\>"),
        "{markdown}"
    );
    let bars = |line: &str| line.replace("\\|", "").matches('|').count();
    let counts: Vec<usize> = markdown
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(bars)
        .collect();
    assert!(counts.iter().all(|count| *count == counts[0]), "{markdown}");
    for dropped in ['█', '░', '✓', '✗'] {
        assert!(!latex.contains(dropped) && !render::table_text(&report).contains(dropped));
    }
}

#[test]
fn columns_stand_under_each_other_in_any_script() {
    let mut simulation = cpu_bound();
    simulation.lanes[1].label = "线程池".into();
    simulation.lanes[2].label = "e\u{301}toile".into();
    let text = render::table_text(&simulation.report());
    // Where the wall time's parenthesis closes, measured in columns of a terminal.
    let ends: Vec<usize> = text
        .lines()
        .skip(2)
        .take(4)
        .map(|line| {
            let before = &line[..line.find(')').unwrap()];
            let wide = before
                .chars()
                .filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c))
                .count();
            let none = before.chars().filter(|c| *c == '\u{301}').count();
            before.chars().count() + wide - none
        })
        .collect();
    assert!(ends.iter().all(|end| *end == ends[0]), "{text}\n{ends:?}");
}

pub fn every_form(report: &Report) -> String {
    let mut all = format!("=== terminal\n{}", render::terminal(report));
    for (part, bundle) in [
        ("table", render::table_bundle(report)),
        ("verdict", render::verdict_bundle(report)),
    ] {
        for (mime, text) in &bundle.data {
            all.push_str(&format!(
                "\n=== {part}, {mime}\n{}\n",
                text.as_str().unwrap()
            ));
        }
    }
    all
}

#[test]
fn answers_look_as_they_did() {
    insta::assert_snapshot!("cpu_bound", every_form(&cpu_bound().report()));
    insta::assert_snapshot!("waiting", every_form(&waiting().report()));
    insta::assert_snapshot!("failing", every_form(&failing().report()));
    insta::assert_snapshot!("sweep", every_form(&sweep().report()));
    insta::assert_snapshot!("cases", every_form(&cases().report()));
    insta::assert_snapshot!("json", render::json(&waiting().report()));
}

#[test]
fn of_two_answers_the_baselines_is_right_and_of_many_the_most_frequent() {
    let other = |model, answer| Lane {
        answer,
        ..Lane::new(model, 100.0)
    };
    let agrees = |lanes: Vec<Lane>| -> Vec<Option<bool>> {
        let report = Simulation::of(lanes).report();
        report.rows.iter().map(|row| row.agrees).collect()
    };
    let two = vec![other("sequential", 1), other("threads", 2)];
    assert_eq!(agrees(two), [Some(true), Some(false)]);
    let three = vec![
        other("sequential", 1),
        other("threads", 2),
        other("async", 2),
    ];
    assert_eq!(agrees(three), [Some(false), Some(true), Some(true)]);
    // One repeat of a row that answers differently is enough.
    let simulation = cpu_bound();
    let mut records = simulation.records();
    let last = records.iter_mut().rfind(|r| r.series == 3).unwrap();
    last.measurement.as_mut().unwrap().reply.tally.answer += 1;
    let report = simulation.report_of(&records);
    assert_eq!(row(&report, "async").agrees, Some(false));
    assert_eq!(row(&report, "threads").agrees, Some(true));
}
