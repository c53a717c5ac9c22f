//! Figures of simulated experiments: what they draw and say, and that no text lies on another.

use crate::simulator::{
    Lane, Place, Simulation, cases, cpu_bound, failing, runtimes, runtimes_sweep, sweep, waiting,
};
use conclab::analysis::{GroupReport, Latency, Report, TaskCounts};
use conclab::experiment::{At, Theme};
use conclab::plot::font::{self, Weight};
use conclab::plot::{self, Drawing, FIGURES};
use conclab::trial::Outcome;

const MODELS: [&str; 6] = [
    "sequential",
    "threads",
    "thread-pool",
    "processes",
    "process-pool",
    "async",
];

fn counts(key: &str, values: &[u64]) -> Vec<Place> {
    let at = |value: &u64| (None, vec![(key.to_owned(), At::Count(*value))]);
    values.iter().map(at).collect()
}

/// So many series with names of some length, along so many values.
fn many(series: usize, points: usize, long: bool) -> Simulation {
    let lane = |number: usize| {
        let model = MODELS[number % MODELS.len()];
        let label = match long {
            true => format!("{model} number {number} with a label that nobody should give to it"),
            false => format!("{model} {number}"),
        };
        let wall = |point: usize| {
            let work = 3.0 * 1.3f64.powi(point as i32);
            6.0 / (1.0 + number as f64) + work * (1.0 + (number * 7 % 5) as f64) / 3.0
        };
        Lane {
            label,
            wall_ms: (0..points).map(wall).collect(),
            cpu_share: 0.3 + 0.2 * (number % 4) as f64,
            peak_mib: 3.0 + 4.0 * (number % 5) as f64,
            ..Lane::new(model, 0.0)
        }
    };
    let values: Vec<u64> = (0..points)
        .map(|n| (10.0 * 1.4f64.powi(n as i32)) as u64)
        .collect();
    Simulation {
        title: "Work of growing size".into(),
        points: counts("primes", &values),
        noise: 0.03,
        ..Simulation::of((0..series).map(lane).collect())
    }
}

/// Pools on a machine with eight cores; a twentieth of the work is serial.
fn workers() -> Simulation {
    let counts_of = [1u64, 2, 4, 8, 16];
    let pool = |model, serial: f64, start_ms: f64| Lane {
        wall_ms: counts_of
            .iter()
            .map(|n| {
                let n = *n as f64;
                800.0 * (serial + (1.0 - serial) / n.min(8.0)) + start_ms * n
            })
            .collect(),
        ..Lane::new(model, 0.0)
    };
    let mut simulation = Simulation {
        title: "8 × cpu 100ms over workers".into(),
        points: counts("workers", &counts_of),
        ..Simulation::of(vec![
            Lane::new("sequential", 805.0),
            pool("thread-pool", 0.05, 0.0),
            pool("process-pool", 0.05, 6.0),
        ])
    };
    simulation.machine.usable_cpus = 8;
    simulation
}

/// A pool that starts slow and pays off, one that never does, one like the baseline, along a time.
fn task_sizes() -> Simulation {
    let sizes = [100_000u64, 300_000, 1_000_000, 3_000_000, 10_000_000];
    let work = sizes.map(|ns| 8.0 * ns as f64 / 1e6);
    let lane = |model, of: &dyn Fn(f64) -> f64| Lane {
        wall_ms: work.iter().map(|ms| of(*ms)).collect(),
        ..Lane::new(model, 0.0)
    };
    let at = |ns: &u64| (None, vec![("cpu".to_owned(), At::Duration(*ns))]);
    Simulation {
        title: "8 tasks: cpu, swept".into(),
        points: sizes.iter().map(at).collect(),
        ..Simulation::of(vec![
            lane("sequential", &|ms| ms),
            lane("threads", &|ms| 0.2 + ms / 1.9),
            lane("process-pool", &|ms| 6.0 + ms / 1.9),
            lane("async", &|ms| ms * 1.005),
        ])
    }
}

/// Two swept keys, one of them a word, in two cases.
fn cases_and_keys() -> Simulation {
    let mut points = Vec::new();
    for case in ["CPU-bound", "I/O-bound"] {
        for sync in ["none", "mutex"] {
            for tasks in [2u64, 8, 32, 128] {
                let at = vec![
                    ("sync".to_owned(), At::Word(sync.to_owned())),
                    ("tasks".to_owned(), At::Count(tasks)),
                ];
                points.push((Some(case.to_owned()), at));
            }
        }
    }
    let lane = |model, factor: f64| Lane {
        wall_ms: (0..16)
            .map(|n| factor * 4f64.powi(n % 4) * if n < 8 { 1.0 } else { 3.0 })
            .collect(),
        ..Lane::new(model, 0.0)
    };
    Simulation {
        title: "Cases and two keys".into(),
        points,
        ..Simulation::of(vec![
            lane("sequential", 4.0),
            lane("threads", 2.2),
            lane("async", 3.97),
        ])
    }
}

/// A sweep in which one series fails in the middle and another at the end.
fn gaps() -> Simulation {
    many(3, 6, false)
}

fn gaps_report() -> Report {
    let mut report = gaps().report();
    for (index, row) in report.rows.iter_mut().enumerate() {
        if matches!(index, 7 | 14 | 17) {
            row.wall_ns = None;
            row.cpu_ns = None;
            row.peak_pss_bytes = None;
            row.speedup = None;
            row.outcome = Outcome::Timeout;
            row.why = Some("it was still running after 30 s and was stopped".into());
        }
    }
    report
}

/// Latencies of one or two groups for every row.
fn with_latencies(mut report: Report, groups: &[&str]) -> Report {
    for (index, row) in report.rows.iter_mut().enumerate() {
        let of = |(number, name): (usize, &&str)| {
            let base = 1e6 * (1.0 + index as f64 + 4.0 * number as f64);
            let quantiles: Vec<f64> = (0..=100)
                .map(|share| {
                    base * (1.0 + (f64::from(share) / 100.0).powi(12) * (3.0 + index as f64))
                })
                .collect();
            GroupReport {
                name: (*name).to_owned(),
                tasks: TaskCounts {
                    succeeded: 40,
                    ..TaskCounts::default()
                },
                latency_ns: Some(Latency {
                    median: quantiles[50],
                    p95: quantiles[95],
                    max: quantiles[100],
                    medians: vec![quantiles[50]; 5],
                    quantiles,
                }),
            }
        };
        row.groups = groups.iter().enumerate().map(of).collect();
    }
    report
}

/// Every kind of report that figures meet, by name.
fn reports() -> Vec<(&'static str, Report)> {
    vec![
        ("plain", with_latencies(cpu_bound().report(), &[""])),
        (
            "waiting",
            with_latencies(waiting().report(), &["hog", "I/O"]),
        ),
        ("failing", failing().report()),
        ("sweep", with_latencies(sweep().report(), &[""])),
        ("cases", cases().report()),
        (
            "runtimes",
            with_latencies(runtimes().report(), &["hog", "I/O"]),
        ),
        ("runtimes-sweep", runtimes_sweep().report()),
        ("workers", workers().report()),
        ("sizes", task_sizes().report()),
        ("keys", cases_and_keys().report()),
        ("gaps", gaps_report()),
        ("many-2-3", many(2, 3, false).report()),
        ("many-2-30", many(2, 30, false).report()),
        ("many-12-3", many(12, 3, true).report()),
        ("many-12-30", many(12, 30, false).report()),
        (
            "many-30-6",
            with_latencies(many(30, 6, true).report(), &["a", "b"]),
        ),
        (
            "single",
            Simulation::of(vec![Lane::new("threads", 100.0)]).report(),
        ),
    ]
}

/// A text of a figure: its box in pixels, and what it says.
#[derive(Debug)]
pub struct Text {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    pub says: String,
}

/// All texts of an SVG, measured with the bundled font as browsers lay them out.
pub fn texts(drawing: &Drawing) -> Vec<Text> {
    let attribute = |tag: &str, name: &str| -> Option<String> {
        let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
        Some(tag[start..].split('"').next()?.to_owned())
    };
    let mut found = Vec::new();
    for piece in drawing.svg.split("<text").skip(1) {
        let (tag, rest) = piece.split_once('>').unwrap();
        let says = rest.split("</text>").next().unwrap();
        let says = says
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&");
        let number = |name: &str| attribute(tag, name).unwrap().parse::<f64>().unwrap() / 10.0;
        let (x, y, size) = (number("x"), number("y"), number("font-size"));
        let class = attribute(tag, "class").unwrap();
        let weight = match class.split(' ').any(|class| class == "b") {
            true => Weight::Semibold,
            false => Weight::Regular,
        };
        let width = font::width(&says, size, weight);
        let left = match attribute(tag, "text-anchor").as_deref() {
            Some("middle") => x - width / 2.0,
            Some("end") => x - width,
            _ => x,
        };
        found.push(Text {
            left,
            right: left + width,
            top: y - size * font::ASCENT,
            bottom: y + size * font::DESCENT,
            says,
        });
    }
    found
}

/// That no text lies on another or leaves its figure.
pub fn texts_have_room(what: &str, drawing: &Drawing) {
    let texts = texts(drawing);
    assert!(texts.len() > 2, "{what}");
    for (index, text) in texts.iter().enumerate() {
        let inside = text.left >= -0.1
            && text.right <= f64::from(drawing.width) + 0.1
            && text.top >= -0.1
            && text.bottom <= f64::from(drawing.height) + 0.1;
        assert!(inside, "{what}: {text:?} leaves it");
        for other in &texts[index + 1..] {
            let apart = text.right <= other.left + 0.2
                || other.right <= text.left + 0.2
                || text.bottom <= other.top + 0.2
                || other.bottom <= text.top + 0.2;
            assert!(apart, "{what}: {text:?} on {other:?}");
        }
    }
}

#[test]
fn no_text_lies_on_another_or_leaves_its_figure() {
    let mut figures = 0;
    for (name, report) in reports() {
        for figure in FIGURES {
            let Some(drawing) = (figure.draw)(&report, Theme::Auto) else {
                continue;
            };
            figures += 1;
            texts_have_room(&format!("{name} {}", figure.def.name), &drawing);
        }
    }
    assert!(figures > 80, "{figures} figures");
}

#[test]
fn every_figure_says_its_result_in_words_and_stays_within_760_pixels() {
    for (name, report) in reports() {
        for figure in FIGURES {
            let Some(drawing) = (figure.draw)(&report, Theme::Auto) else {
                continue;
            };
            let what = format!("{name} {}", figure.def.name);
            assert_eq!(drawing.width, 760, "{what}");
            assert!(drawing.height < 2000, "{what}: {}", drawing.height);
            for text in [&drawing.alt, &drawing.text] {
                assert!(
                    text.contains(report.title.trim_end_matches('.')),
                    "{what}: {text}"
                );
                assert!(
                    !text.contains("NaN") && !text.contains("inf"),
                    "{what}: {text}"
                );
            }
            let drawn = drawing.svg.contains("NaN") || drawing.svg.contains("inf\"");
            assert!(!drawn, "{what}");
        }
    }
}

fn drawn(report: &Report, name: &str) -> Option<Drawing> {
    let figure = FIGURES
        .iter()
        .find(|figure| figure.def.name == name)
        .unwrap();
    (figure.draw)(report, Theme::Auto)
}

#[test]
fn numbers_swept_over_three_values_are_lines_and_all_else_is_bars() {
    let lines = |report: &Report| {
        drawn(report, "wall")
            .unwrap()
            .svg
            .contains("class=\"line l")
    };
    assert!(lines(&sweep().report()));
    assert!(
        lines(&cases_and_keys().report()),
        "a word beside the number makes panels"
    );
    assert!(!lines(&cpu_bound().report()) && !lines(&cases().report()));
    let two = Simulation {
        points: counts("tasks", &[2, 8]),
        ..sweep()
    };
    assert!(!lines(&two.report()), "two values are two groups of bars");
    let words = ["none", "mutex", "atomic"];
    let at = |word: &str| (None, vec![("sync".to_owned(), At::Word(word.to_owned()))]);
    let words = Simulation {
        points: words.map(at).to_vec(),
        ..sweep()
    };
    assert!(!lines(&words.report()), "words have no order");
}

#[test]
fn the_key_with_most_values_is_the_x_axis_unless_the_cell_says_otherwise() {
    let mut points = Vec::new();
    for size in [10u64, 20, 40] {
        for tasks in [2u64, 4, 8, 16] {
            let at = [("primes", size), ("tasks", tasks)];
            points.push((
                None,
                at.map(|(key, n)| (key.to_owned(), At::Count(n))).to_vec(),
            ));
        }
    }
    let simulation = Simulation {
        points,
        ..many(2, 12, false)
    };
    assert_eq!(simulation.report().x.as_deref(), Some("tasks"));
    let chosen = Simulation {
        x: Some("primes".into()),
        ..simulation.clone()
    };
    let report = chosen.report();
    assert_eq!(report.x.as_deref(), Some("primes"));
    let titles: Vec<String> = texts(&drawn(&report, "wall").unwrap())
        .into_iter()
        .map(|text| text.says)
        .collect();
    for value in [2, 4, 8, 16] {
        assert!(titles.contains(&format!("tasks = {value}")), "{titles:?}");
    }
    assert_eq!(cpu_bound().report().x, None);
}

#[test]
fn axes_are_logarithmic_where_the_values_ask_for_it() {
    let says = |simulation: &Simulation, figure: &str| -> Vec<String> {
        let drawing = drawn(&simulation.report(), figure).unwrap();
        texts(&drawing).into_iter().map(|text| text.says).collect()
    };
    let sizes = says(&task_sizes(), "wall");
    assert!(sizes.contains(&"cpu (log scale)".to_owned()), "{sizes:?}");
    assert!(
        sizes.contains(&"Wall time (log scale)".to_owned()),
        "{sizes:?}"
    );
    for tick in ["100 µs", "300 µs", "1 ms", "3 ms", "10 ms"] {
        assert!(
            sizes.contains(&tick.to_owned()),
            "a tick at each value: {sizes:?}"
        );
    }
    let even = Simulation {
        points: counts("tasks", &[10, 20, 30, 40, 120]),
        ..task_sizes()
    };
    let even = says(&even, "cpu");
    assert!(even.contains(&"tasks (log scale)".to_owned()), "{even:?}");
    let even = Simulation {
        points: counts("tasks", &[1, 5, 10, 15, 20]),
        ..workers()
    };
    let even = says(&even, "wall");
    assert!(
        even.contains(&"tasks".to_owned()) && even.contains(&"0".to_owned()),
        "{even:?}"
    );
}

#[test]
fn a_model_keeps_its_colour_and_series_differ_by_mark() {
    let report = task_sizes().report();
    let class = |figure: &str, model: &str| {
        let drawing = drawn(&report, figure).unwrap();
        let number = MODELS.iter().position(|known| *known == model).unwrap();
        drawing
            .svg
            .matches(&format!("class=\"s{number} seen\""))
            .count()
    };
    for figure in ["trio", "wall", "speedup", "crossover"] {
        assert!(class(figure, "threads") > 0, "{figure}");
    }
    // The shapes behind the first mark of each series of a panel.
    let svg = drawn(&many(8, 3, false).report(), "wall").unwrap().svg;
    let mut shapes: Vec<String> = svg
        .split(" seen\" d=\"M")
        .skip(1)
        .map(|piece| {
            let path = piece.split('"').next().unwrap();
            let start = path.find('m').unwrap();
            path[start..].split('z').next().unwrap().to_owned()
        })
        .collect();
    shapes.sort();
    shapes.dedup();
    assert_eq!(shapes.len(), 8, "{shapes:?}");
}

#[test]
fn missing_points_break_the_line_and_say_why() {
    let report = gaps_report();
    let drawing = drawn(&report, "wall").unwrap();
    for said in [
        "× threads 1: timeout at primes = 19",
        "× thread-pool 2: timeout at primes = 38; primes = 53",
    ] {
        assert!(
            texts(&drawing).iter().any(|text| text.says == said),
            "{said}"
        );
        assert!(
            drawing.alt.contains(said) && drawing.text.contains(said),
            "{said}"
        );
    }
    // Two pieces of one line: nothing joins the points on both sides of the gap.
    let whole = drawn(&gaps().report(), "wall").unwrap();
    let pieces = |drawing: &Drawing| {
        drawing
            .svg
            .matches("class=\"line l1\" stroke-width=\"18\"")
            .count()
    };
    assert_eq!(
        (pieces(&whole), pieces(&drawing)),
        (1, 3),
        "the third is the cross"
    );
}

#[test]
fn the_plain_text_has_the_numbers_of_every_point() {
    let report = sweep().report();
    let text = drawn(&report, "trio").unwrap().text;
    for row in &report.rows {
        let wall = conclab::units::format_ns(row.wall_ns.as_ref().unwrap().median);
        assert!(text.contains(&wall), "{wall} is not in {text}");
    }
    let mut lines = text.lines().skip_while(|line| *line != "Wall time").skip(1);
    let head: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(head, ["tasks", "sequential", "process-pool"]);
    let first: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(first, ["2", "1.2", "ms", "6.01", "ms"]);
}

#[test]
fn figures_follow_the_experiments_shape() {
    let titles = |report: &Report| plot::draw(report, &[], Theme::Auto).len();
    assert_eq!(titles(&cpu_bound().report()), 1);
    assert_eq!(titles(&sweep().report()), 1);
    assert_eq!(
        titles(&workers().report()),
        2,
        "and the speedup where workers are swept"
    );
    let named = ["grid".to_owned(), "wall".to_owned()];
    assert_eq!(plot::draw(&cases().report(), &named, Theme::Auto).len(), 2);
}

#[test]
fn the_speedup_of_workers_has_its_ideal_and_its_laws() {
    let report = workers().report();
    let drawing = drawn(&report, "speedup").unwrap();
    let says: Vec<String> = texts(&drawing).into_iter().map(|text| text.says).collect();
    let said = |part: &str| says.iter().any(|text| text.contains(part));
    assert!(
        said("ideal on 8 CPUs") && said("serial fraction: thread-pool 5 %"),
        "{says:?}"
    );
    assert!(
        said("Universal scalability law (Gunther 1993): thread-pool σ = "),
        "{says:?}"
    );
    // Three points are too few for three unknowns.
    let few = Simulation {
        points: counts("workers", &[1, 2, 4]),
        ..workers()
    };
    let alt = drawn(&few.report(), "speedup").unwrap().alt;
    assert!(
        alt.contains("serial fraction") && !alt.contains("Gunther"),
        "{alt}"
    );
}

#[test]
fn the_grid_names_the_winner_and_shares_what_is_not_clear() {
    let says = |simulation: &Simulation| -> Vec<String> {
        let drawing = drawn(&simulation.report(), "grid").unwrap();
        texts(&drawing).into_iter().map(|text| text.says).collect()
    };
    let two = says(&cases());
    assert!(two.contains(&"threads".to_owned()), "{two:?}");
    assert!(
        two.iter().any(|text| text.ends_with("ahead of async")),
        "{two:?}"
    );
    assert!(
        two.contains(&"async, threads".to_owned()) || two.contains(&"threads, async".to_owned())
    );
    let lanes = vec![Lane::new("sequential", 100.0), Lane::new("async", 100.0)];
    let none = says(&Simulation::of(lanes));
    assert!(none.contains(&"no clear".to_owned()), "{none:?}");
}

#[test]
fn latencies_are_lines_where_there_are_few_and_ranges_where_there_are_many() {
    assert!(
        drawn(&cpu_bound().report(), "latency").is_none(),
        "none was recorded"
    );
    let few = with_latencies(waiting().report(), &["hog", "I/O"]);
    let drawing = drawn(&few, "latency").unwrap();
    assert!(drawing.svg.contains("class=\"line l5"), "a line for async");
    assert!(
        drawing.alt.contains("I/O, async: median 8"),
        "{}",
        drawing.alt
    );
    let many = with_latencies(sweep().report(), &[""]);
    let drawing = drawn(&many, "latency").unwrap();
    assert!(
        drawing.alt.contains("sequential (tasks = 2) 1 ms (95 %: "),
        "{}",
        drawing.alt
    );
}

#[test]
fn a_large_figure_is_sent_as_a_picture_alone() {
    let report = many(12, 30, false).report();
    let small = drawn(&report, "wall").unwrap();
    let bundle = conclab::render::figure_bundle(&small, false);
    assert!(bundle.data.contains_key("text/html"));
    let large = Drawing {
        svg: small
            .svg
            .replace("</svg>", &format!("<!--{}--></svg>", "x".repeat(60 << 10))),
        ..small
    };
    let bundle = conclab::render::figure_bundle(&large, false);
    assert!(!bundle.data.contains_key("text/html") && bundle.data.contains_key("image/png"));
    assert_eq!(bundle.data["text/plain"], large.text.as_str());
}
