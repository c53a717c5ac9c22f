//! Figures of traced and sampled runs, drawn of synthetic traces: what they show, say and weigh.

use crate::plots::{texts, texts_have_room};
use crate::tracer::{self, MS, REPORTS};
use conclab::analysis::Report;
use conclab::experiment::{At, TRACED_FIGURES, Theme};
use conclab::measure::trace::{ACTIVITIES, Activity, Role, Trace};
use conclab::plot::{self, Drawing, FIGURES};
use conclab::render;
use conclab::spec::{self, Cell, Session};
use serde_json::Value;
use std::collections::HashSet;

const FIGURES_OF_RUNS: [&str; 5] = [
    "timeline",
    "breakdown",
    "lag",
    "memory-over-time",
    "cpu-over-time",
];

fn drawn(report: &Report, name: &str) -> Option<Drawing> {
    let figure = FIGURES.iter().find(|figure| figure.def.name == name);
    (figure.unwrap().draw)(report, Theme::Auto)
}

fn says(drawing: &Drawing) -> Vec<String> {
    texts(drawing).into_iter().map(|text| text.says).collect()
}

fn report(name: &str) -> Report {
    let found = REPORTS.iter().find(|(other, _)| *other == name);
    (found.unwrap().1)()
}

fn one(model: &'static str, trace: Trace) -> Report {
    tracer::report(&tracer::simulation("One", &[model]), &[trace])
}

/// The paths that are filled with an activity, in the order in which they are drawn.
fn paths(drawing: &Drawing, activity: Activity) -> Vec<&str> {
    let start = format!("<path class=\"p{}\" d=\"", activity as usize);
    let pieces = drawing.svg.split(start.as_str()).skip(1);
    pieces
        .map(|piece| piece.split('"').next().unwrap())
        .collect()
}

#[test]
fn every_figure_of_a_run_is_bounded_has_room_and_says_its_result() {
    let mut figures = 0;
    for (name, make) in REPORTS {
        let report = make();
        for figure in FIGURES_OF_RUNS {
            let Some(drawing) = drawn(&report, figure) else {
                continue;
            };
            let what = format!("{name} {figure}");
            figures += 1;
            texts_have_room(&what, &drawing);
            assert!(drawing.width == 760 && drawing.height < 2000, "{what}");
            assert!(
                drawing.svg.len() < 100 << 10,
                "{what}: {}",
                drawing.svg.len()
            );
            for text in [&drawing.alt, &drawing.text] {
                assert!(text.contains(&report.title), "{what}: {text}");
                assert!(
                    !text.contains("NaN") && !text.contains("inf"),
                    "{what}: {text}"
                );
            }
            assert!(!drawing.svg.contains("NaN"), "{what}");
        }
    }
    assert!(figures > 15, "{figures} figures");
}

#[test]
fn figures_that_need_a_trace_are_those_that_ask_for_one() {
    for figure in FIGURES {
        let needs = figure.def.needs.contains("traced");
        assert_eq!(
            needs,
            TRACED_FIGURES.contains(&figure.def.name),
            "{}: {}",
            figure.def.name,
            figure.def.needs
        );
    }
}

#[test]
fn a_run_that_was_not_traced_has_none_of_them() {
    let report = tracer::simulation("Untraced", &["threads"]).report();
    for figure in FIGURES_OF_RUNS {
        assert!(drawn(&report, figure).is_none(), "{figure}");
    }
    // No event loop, no lag.
    assert!(drawn(&report_of_threads(), "lag").is_none());
}

fn report_of_threads() -> Report {
    one("threads", tracer::threads())
}

#[test]
fn every_lane_has_its_name_and_the_shares_of_its_life() {
    let drawing = drawn(&report("models"), "timeline").unwrap();
    let says = says(&drawing);
    let mut names = vec!["main", "worker 1", "worker 2"];
    let workers: Vec<String> = (1..=8).map(|number| format!("worker {number}")).collect();
    names.extend(workers.iter().map(String::as_str));
    for name in names {
        assert!(says.iter().any(|text| text == name), "{name}: {says:?}");
        assert!(drawing.text.contains(&format!("  {name} ")), "{name}");
    }
    assert!(
        says.contains(&"60 % waiting, 40 % computing".to_owned()),
        "{says:?}"
    );
    // Tasks are numbered in their spans.
    for task in 0..8 {
        assert!(says.contains(&format!("task {task}")), "{task}: {says:?}");
    }
}

#[test]
fn the_legend_names_exactly_what_is_drawn() {
    for (name, make) in REPORTS {
        let report = make();
        let Some(drawing) = drawn(&report, "timeline") else {
            continue;
        };
        let says = says(&drawing);
        for def in ACTIVITIES {
            let seen = !paths(&drawing, def.activity).is_empty();
            let in_legend = says
                .iter()
                .any(|text| text == def.title || text.starts_with(&format!("{} (", def.title)));
            assert_eq!(seen, in_legend, "{name}: {}", def.title);
        }
    }
}

#[test]
fn where_a_lock_is_computing_is_holding_it() {
    let title = |report: &Report| {
        let says = says(&drawn(report, "timeline").unwrap());
        let found = says.iter().find(|text| text.starts_with("computing"));
        found.unwrap().clone()
    };
    assert_eq!(title(&report_of_threads()), "computing");
    let mut gil = tracer::simulation("GIL", &["threads"]);
    gil.lanes[0] = gil.lanes[0].clone().on("gil", "");
    let gil = tracer::report(&gil, &[tracer::gil()]);
    assert_eq!(title(&gil), "computing (holds the GIL)");
    assert_eq!(
        title(&report("gil")),
        "computing (where there is a GIL: holds it)"
    );
    let alt = drawn(&gil, "timeline").unwrap().alt;
    assert!(alt.contains("55 % waiting for the GIL"), "{alt}");
    assert!(
        alt.contains("longest wait for the GIL: 15 ms, by task"),
        "{alt}"
    );
}

#[test]
fn waits_for_the_gil_that_were_not_told_apart_are_not_claimed() {
    let mut on_gil = tracer::simulation("GIL", &["threads"]);
    on_gil.lanes[0] = on_gil.lanes[0].clone().on("python", "CPython 3.11.7");
    let note = "Waits for the GIL are not told from other waits here: threads@python.";
    let told = |trace: Trace| {
        let report = tracer::report(&on_gil, &[trace]);
        let notes = drawn(&report, "timeline").unwrap().text;
        notes.contains(&note.replace("@python", "")) || notes.contains(note)
    };
    assert!(told(Trace {
        tells_gil: false,
        ..tracer::gil()
    }));
    assert!(!told(tracer::gil()));
}

#[test]
fn an_event_loop_shows_its_turns_and_a_strip_for_each_of_few_tasks() {
    let drawing = drawn(&report("turns"), "timeline").unwrap();
    let says = says(&drawing);
    for name in ["event loop", "task 0", "task 1", "task 2"] {
        assert!(says.iter().any(|text| text == name), "{name}: {says:?}");
    }
    // The loop: three turns that touch, six times; then each task's own six, which wait in between.
    let pieces = |path: &&str| path.matches('z').count();
    let turns = paths(&drawing, Activity::Computing);
    assert_eq!(turns.iter().map(pieces).collect::<Vec<_>>(), [6, 6, 6, 6]);
    let waits = paths(&drawing, Activity::Waiting);
    assert_eq!(waits.iter().map(pieces).collect::<Vec<_>>(), [5, 5, 5]);
    let gaps = drawing.svg.split("class=\"line gap\"").nth(1).unwrap();
    let gaps = gaps.split('"').nth(3).unwrap();
    assert_eq!(
        gaps.matches('M').count(),
        2 * 6,
        "between the three of each round"
    );
}

#[test]
fn tasks_of_a_loop_that_never_wait_have_no_stack() {
    let never = tracer::event_loop(13, 0, MS, MS);
    let says = says(&drawn(&one("async", never), "timeline").unwrap());
    assert!(says.contains(&"event loop".to_owned()), "{says:?}");
    assert!(
        !says.iter().any(|text| text.starts_with("all ")),
        "{says:?}"
    );
}

#[test]
fn waits_for_a_core_are_told_of_what_computes() {
    let mut trace = tracer::threads();
    for lane in &mut trace.lanes {
        lane.cpu_ns = Some(lane.total_ns(Activity::Computing) / 2);
    }
    let drawing = drawn(&one("threads", trace), "timeline").unwrap();
    let said =
        "Computing includes waiting for a core that others use: of the workers' time threads 21 %.";
    assert!(
        says(&drawing).contains(&said.to_owned()),
        "{:?}",
        says(&drawing)
    );
    assert!(
        drawing
            .alt
            .contains("computing includes 21 % waiting for a core; 1.7 cores busy")
    );
}

#[test]
fn many_tasks_of_a_loop_are_one_stack() {
    let drawing = drawn(&one("async", tracer::event_loop(13, 2, MS, MS)), "timeline").unwrap();
    let says = says(&drawing);
    assert!(says.contains(&"all 13 tasks".to_owned()), "{says:?}");
    assert!(says.contains(&"13 at most".to_owned()), "{says:?}");
    assert!(!says.iter().any(|text| text == "task 0"), "{says:?}");
}

#[test]
fn a_call_that_blocks_the_loop_is_told() {
    let report = report("frozen");
    let drawing = drawn(&report, "timeline").unwrap();
    let said = "task 6 blocks the event loop for 80 ms, and no other task on it goes on meanwhile";
    assert!(drawing.alt.contains(said), "{}", drawing.alt);
    let notes = says(&drawing);
    assert!(
        notes.contains(&format!("async (block): {said}.")),
        "{notes:?}"
    );
    assert_eq!(
        paths(&drawing, Activity::Blocked).len(),
        2,
        "the loop and the task"
    );
    let lag = drawn(&report, "lag").unwrap();
    assert!(says(&lag).contains(&"84 ms".to_owned()), "{:?}", says(&lag));
    assert!(lag.alt.contains("worst 84 ms late at 20 ms"), "{}", lag.alt);
}

#[test]
fn many_workers_are_bundled_and_the_first_ones_shown() {
    let drawing = drawn(&one("threads", tracer::thread_each(100_000)), "timeline").unwrap();
    let says = says(&drawing);
    assert!(says.contains(&"all 100,000 workers".to_owned()), "{says:?}");
    assert!(says.contains(&"worker 1".to_owned()) && !says.contains(&"worker 20".to_owned()));
    let most = |workers: u32| {
        let drawing = drawn(&one("thread-pool", tracer::pool(workers, 64)), "timeline").unwrap();
        let says = texts(&drawing).into_iter().map(|text| text.says);
        says.filter(|text| text.starts_with("worker ")).count()
    };
    assert_eq!((most(2), most(16), most(17)), (2, 16, 8));
}

#[test]
fn hundreds_of_rows_stay_bounded_and_the_rest_is_told() {
    let models = [
        "threads",
        "thread-pool",
        "processes",
        "process-pool",
        "async",
        "sequential",
    ];
    let models: Vec<&'static str> = models.into_iter().cycle().take(60).collect();
    let traces: Vec<Trace> = (0..60u32).map(|n| tracer::pool(30 + n, 2_000)).collect();
    let report = tracer::report(&tracer::simulation("Sixty rows", &models), &traces);
    for figure in ["timeline", "breakdown"] {
        let drawing = drawn(&report, figure).unwrap();
        texts_have_room(figure, &drawing);
        assert!(
            drawing.svg.len() < 100 << 10,
            "{figure}: {}",
            drawing.svg.len()
        );
        assert!(drawing.height < 2000, "{figure}: {}", drawing.height);
        let says = says(&drawing);
        assert!(
            says.iter().any(|text| text.contains("more rows")),
            "{figure}: {says:?}"
        );
    }
}

#[test]
fn of_a_sweep_the_last_point_is_drawn_in_each_case() {
    let mut swept = tracer::simulation("Swept", &["threads"]);
    let mut points = Vec::new();
    for case in ["a", "b"] {
        for tasks in [2u64, 8] {
            points.push((
                Some(case.to_owned()),
                vec![("tasks".to_owned(), At::Count(tasks))],
            ));
        }
    }
    swept.points = points;
    let traces = vec![tracer::threads(); 4];
    let report = tracer::report(&swept, &traces);
    let drawing = drawn(&report, "timeline").unwrap();
    let says = says(&drawing);
    assert!(
        says.contains(&"Of the sweep its last point is drawn: tasks = 8.".to_owned()),
        "{says:?}"
    );
    let heads = says
        .iter()
        .filter(|text| text.starts_with("8 workers") || text.contains(" · 8 workers"));
    assert_eq!(heads.count(), 2, "{says:?}");
}

#[test]
fn sections_share_a_time_axis_where_they_are_about_as_long() {
    let ticks = |traces: &[Trace]| {
        let models = ["sequential", "threads"];
        let report = tracer::report(&tracer::simulation("Two", &models), traces);
        let says = says(&drawn(&report, "timeline").unwrap());
        says.iter().filter(|text| *text == "0").count()
    };
    assert_eq!(ticks(&[tracer::sequential(), tracer::threads()]), 1);
    assert_eq!(ticks(&[tracer::sequential(), tracer::pool(2, 100)]), 2);
}

#[test]
fn short_spans_keep_their_share() {
    // 55 % computing in spans of a hundredth of a pixel: the stack's area tells the same.
    let trace = tracer::pool(1, 20_000);
    let share = {
        let lane = trace
            .lanes
            .iter()
            .find(|lane| lane.role == Role::Worker)
            .unwrap();
        lane.total_ns(Activity::Computing) as f64 / lane.life_ns() as f64
    };
    let drawing = drawn(&one("thread-pool", trace), "timeline").unwrap();
    // Steps up and down (v) and to the right (h), in relative units.
    let area = |path: &str| -> f64 {
        let (mut area, mut up) = (0.0, 0.0);
        let letter = |c: char| c.is_ascii_alphabetic();
        let mut rest = &path[path.find(['v', 'h']).unwrap()..];
        while let Some(command) = rest.chars().next().filter(|c| matches!(c, 'v' | 'h')) {
            let end = rest[1..].find(letter).map_or(rest.len(), |end| end + 1);
            let number: f64 = rest[1..end].parse().unwrap();
            match command {
                'v' => up -= number,
                _ => area += number * up,
            }
            rest = &rest[end..];
        }
        area
    };
    let whole = [
        Activity::Computing,
        Activity::Lock,
        Activity::Waiting,
        Activity::Idle,
    ]
    .iter()
    .flat_map(|activity| paths(&drawing, *activity))
    .map(area)
    .fold(0.0, f64::max);
    let computing: f64 = paths(&drawing, Activity::Computing)
        .into_iter()
        .map(area)
        .sum();
    // The strip's height is rounded to half pixels.
    assert!(
        (computing / whole - share).abs() < 0.04,
        "{} of {share}",
        computing / whole
    );
}

#[test]
fn a_breakdown_fills_its_bars_and_says_its_parts() {
    let report = report("models");
    let drawing = drawn(&report, "breakdown").unwrap();
    let number = |tag: &str, name: &str| -> i64 {
        let start = tag.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
        tag[start..].split('"').next().unwrap().parse().unwrap()
    };
    let mut bars = std::collections::BTreeMap::<i64, (i64, i64, i64)>::new();
    for piece in drawing.svg.split("<rect class=\"p").skip(1) {
        let tag = piece.split("/>").next().unwrap();
        // Not the swatches of the legend.
        if number(tag, "height") > 120 {
            let (x, wide) = (number(tag, "x"), number(tag, "width"));
            let bar = bars.entry(number(tag, "y")).or_insert((i64::MAX, 0, 0));
            *bar = (bar.0.min(x), bar.1.max(x + wide), bar.2 + wide);
        }
    }
    assert_eq!(bars.len(), 3);
    for (left, right, sum) in bars.values() {
        assert!((right - left - sum).abs() <= 10, "{bars:?}");
        assert_eq!((left, right), {
            let first = bars.values().next().unwrap();
            (&first.0, &first.1)
        });
    }
    for said in [
        "sequential (1 worker × 400 ms): 60 % waiting, 40 % computing",
        "processes (2 workers × 76 ms): 32 % computing, 32 % waiting for a lock",
    ] {
        assert!(drawing.alt.contains(said), "{}", drawing.alt);
        assert!(drawing.text.contains(said), "{}", drawing.text);
    }
    let titles = says(&drawing);
    for part in ["start-up", "transfer", "waiting for a lock"] {
        assert!(titles.iter().any(|text| text == part), "{part}: {titles:?}");
    }
    assert!(!titles.iter().any(|text| text == "blocked"), "{titles:?}");
}

#[test]
fn processes_are_stacked_up_to_six_and_summed_beyond() {
    let report = report("over-time");
    for figure in ["memory-over-time", "cpu-over-time"] {
        let drawing = drawn(&report, figure).unwrap();
        let says = says(&drawing);
        for name in ["trial", "worker 1", "worker 4", "13 processes"] {
            assert!(
                says.iter().any(|text| text == name),
                "{figure} {name}: {says:?}"
            );
        }
        assert!(
            !says.iter().any(|text| text == "worker 5"),
            "{figure}: {says:?}"
        );
        assert!(
            drawing.alt.contains("processes: 5 processes · peak "),
            "{}",
            drawing.alt
        );
    }
    let cores = drawn(&report, "cpu-over-time").unwrap().alt;
    assert!(
        cores.contains("5 processes · peak 2.9 cores at "),
        "{cores}"
    );
}

#[test]
fn a_loop_and_its_pool_are_counted_alike_everywhere() {
    let pool = |number| {
        let steps = [
            tracer::own(Activity::Starting, MS),
            tracer::own(Activity::Idle, 60 * MS),
        ];
        tracer::lane(Role::Worker, number, 0, 0, &steps)
    };
    let mut hybrid = tracer::turns();
    hybrid.lanes.extend([pool(1), pool(2)]);
    let mut report = one("hybrid", hybrid);
    report.rows[0].workers = 2;
    for figure in ["timeline", "breakdown"] {
        let drawing = drawn(&report, figure).unwrap();
        let all = says(&drawing).join("\n");
        assert!(
            all.contains("an event loop and 2 workers"),
            "{figure}: {all}"
        );
        assert!(
            drawing.alt.contains("an event loop and 2 workers"),
            "{figure}"
        );
    }
    let text = render::table_markdown(&report);
    assert!(text.contains("Workers: loop + 2."), "{text}");
}

#[test]
fn permits_and_what_an_idle_loop_waits_for_are_told_apart_in_a_breakdown() {
    // One task has the permit and sleeps, the other waits for one.
    let turn = |task, then| (Activity::Computing, Some(task), MS, then);
    let steps = [
        turn(0, Some(Activity::Waiting)),
        turn(1, Some(Activity::Limit)),
        tracer::own(Activity::Idle, 96 * MS),
        turn(0, None),
        turn(1, None),
    ];
    let on_loop = Trace {
        lanes: vec![tracer::lane(Role::Loop, 1, 0, 0, &steps)],
        ..Trace::default()
    };
    let waits = [
        tracer::step(Activity::Limit, 0, 60 * MS),
        tracer::step(Activity::Waiting, 0, 40 * MS),
    ];
    let threads = Trace {
        lanes: vec![tracer::lane(Role::Worker, 1, 0, 0, &waits)],
        ..Trace::default()
    };
    let simulation = tracer::simulation("Permits", &["async", "threads"]);
    let report = tracer::report(&simulation, &[on_loop, threads]);
    let drawing = drawn(&report, "breakdown").unwrap();
    let says = says(&drawing);
    assert!(
        says.contains(&"waiting for a permit".to_owned()),
        "{says:?}"
    );
    assert!(!says.contains(&"waiting for a lock".to_owned()), "{says:?}");
    assert!(
        says.contains(
            &"An event loop is idle while all its tasks wait: async for a permit.".to_owned()
        ),
        "{says:?}"
    );
    assert_eq!(
        paths(&drawn(&report, "timeline").unwrap(), Activity::Lock).len(),
        0
    );
}

#[test]
fn tasks_that_failed_are_noted_below_what_is_drawn_of_them() {
    let mut report = report_of_threads();
    report.rows[0].tasks.failed = 2;
    report.rows[0].tasks.succeeded = 2;
    for figure in ["timeline", "breakdown"] {
        let drawing = drawn(&report, figure).unwrap();
        let says = says(&drawing).join("\n");
        assert!(says.contains("threads 2 of 4."), "{figure}: {says}");
        assert!(drawing.text.contains("threads 2 of 4."), "{figure}");
    }
}

#[test]
fn a_stack_of_shares_has_no_more_tasks_than_there_are() {
    for tasks in [3_000, 2_999, 1_777] {
        let drawing = drawn(
            &one("async", tracer::event_loop(tasks, 3, 700, 3 * MS)),
            "timeline",
        );
        let says = says(&drawing.unwrap());
        let most = says.iter().find(|text| text.ends_with(" at most")).unwrap();
        let digits: String = most.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(digits.parse::<u64>().unwrap(), tasks, "{most}");
    }
}

#[test]
fn one_timer_has_no_half() {
    let mut trace = tracer::turns();
    trace.lags.truncate(1);
    let drawing = drawn(&one("async", trace), "lag").unwrap();
    assert!(drawing.alt.contains("1 timer, "), "{}", drawing.alt);
    assert!(!drawing.alt.contains("half of 1"), "{}", drawing.alt);
}

#[test]
fn a_peak_that_is_not_the_tables_is_explained() {
    let mut report = report("over-time");
    let all = |report: &Report| says(&drawn(report, "memory-over-time").unwrap()).join("\n");
    let peak = report.rows[0].over_time.as_ref().unwrap().samples.iter();
    let peak = peak.map(|sample| sample.processes.iter().map(|p| p.bytes).sum::<u64>());
    let peak = peak.max().unwrap() as f64;
    for row in &mut report.rows {
        row.peak_pss_bytes = None;
    }
    let mut summary = report.rows[0].wall_ns.clone().unwrap();
    summary.max = 1.001 * peak;
    report.rows[0].peak_pss_bytes = Some(summary.clone());
    assert!(
        !all(&report).contains("The table's peak"),
        "{}",
        all(&report)
    );
    summary.max = 1.3 * peak;
    report.rows[0].peak_pss_bytes = Some(summary);
    assert!(
        all(&report).contains("The table's peak is another"),
        "{}",
        all(&report)
    );
}

#[test]
fn what_was_cut_and_what_tracing_cost_is_told() {
    let mut report = report_of_threads();
    let traced = report.rows[0].traced.as_mut().unwrap();
    traced.spans_cut = 1_234;
    traced.cost = Some(0.25);
    traced.wall_ns = 400 * MS;
    let says = says(&drawn(&report, "timeline").unwrap());
    let told = |part: &str| says.iter().any(|text| text.contains(part));
    assert!(
        told("no room for, which only the shares have: threads 1,234"),
        "{says:?}"
    );
    assert!(
        told("longer than the median timed run: threads by 25 %"),
        "{says:?}"
    );
}

#[test]
fn the_zoomable_view_stands_beside_the_picture_and_is_bounded() {
    for (name, make) in REPORTS {
        let report = make();
        let timeline = ["timeline".to_owned()];
        let plain = plot::draw(&report, &timeline, Theme::Light);
        let zoomable = plot::draw_zoomable(&report, &timeline, Theme::Light);
        assert_eq!(plain.len(), zoomable.len(), "{name}");
        let Some((plain, zoomable)) = plain.first().zip(zoomable.first()) else {
            continue;
        };
        assert_eq!(plain.zoomable, None);
        assert_eq!(plain.svg, zoomable.svg, "{name}");
        let view = zoomable.zoomable.as_ref().unwrap();
        let bars = bars(view);
        assert!((1..=2_500).contains(&bars.len()), "{name}: {}", bars.len());
        for bar in bars {
            let [.., from, to] = bar.split(',').collect::<Vec<_>>()[..] else {
                panic!("{name}: {bar}");
            };
            let time = |text: &str| text.parse::<f64>().unwrap();
            assert!(time(from) <= time(to), "{name}: {bar}");
        }
        assert!(view.to_string().len() <= 100 << 10, "{name}");
        assert!(
            view["$schema"]
                .as_str()
                .unwrap()
                .ends_with("vega-lite/v5.json")
        );
        let params = view["vconcat"].as_array().unwrap().iter();
        let params: Vec<&Value> = params.map(|view| &view["params"][0]).collect();
        let names: HashSet<&str> = params.iter().filter_map(|p| p["name"].as_str()).collect();
        assert_eq!(names.len(), params.len(), "each is zoomed for itself");
        assert!(params.iter().all(|param| param["bind"] == "scales"));
    }
    let report = report("turns");
    let drawing = plot::draw_zoomable(&report, &["timeline".to_owned()], Theme::Auto).remove(0);
    // JupyterLab would show the picture alone, were both in one output.
    let mimes = |bundle: &render::Bundle| bundle.data.keys().cloned().collect::<Vec<String>>();
    assert_eq!(
        mimes(&render::figure_bundle(&drawing, false)),
        ["image/png", "text/html", "text/plain"]
    );
    let view = render::zoomable_bundle(&drawing).unwrap();
    assert_eq!(
        mimes(&view),
        ["application/vnd.vegalite.v5+json", "text/plain"]
    );
    // Every turn of the loop, and the tasks' own.
    let view = &view.data["application/vnd.vegalite.v5+json"];
    assert_eq!(bars(view).len(), 1 + 18 + 5 + 18 + 15);
    assert!(view["background"].is_null(), "read on light and on dark");
    let plain = plot::draw(&report, &["timeline".to_owned()], Theme::Auto).remove(0);
    assert!(render::zoomable_bundle(&plain).is_none());
}

/// The bars of all views, as lines of CSV.
fn bars(zoomable: &Value) -> Vec<&str> {
    let views = zoomable["vconcat"].as_array().unwrap().iter();
    let tables = views.map(|view| view["data"]["values"].as_str().unwrap());
    tables.flat_map(|table| table.lines().skip(1)).collect()
}

#[test]
fn zoom_is_a_key_that_is_true_or_false() {
    let zoom = |line: &str| {
        let cell = format!("task = {{ sleep = \"1ms\" }}\nplot = [\"timeline\"]\n{line}\n");
        let (cell, problems) = spec::read(&cell, &Session::default());
        match cell {
            Some(Cell::Experiment(experiment)) => Ok(experiment.zoom),
            _ => Err(problems),
        }
    };
    assert_eq!(zoom(""), Ok(false));
    assert_eq!(zoom("zoom = true"), Ok(true));
    let problems = zoom("zoom = \"yes\"").unwrap_err();
    assert_eq!(
        problems[0].message,
        "`zoom` is true or false, and \"yes\" is neither"
    );
    // It says nothing where nothing is drawn that has such a view; defaults may be for other cells.
    for cell in [
        "task = { sleep = \"1ms\" }\nzoom = true",
        "task = { sleep = \"1ms\" }\nplot = [\"wall\"]\nzoom = true",
        "show = \"a\"\nplot = [\"wall\"]\nzoom = true",
    ] {
        let (_, problems) = spec::read(cell, &Session::default());
        assert_eq!(problems.len(), 1, "{cell}: {problems:?}");
        assert_eq!(&cell[problems[0].span.clone()], "true");
        assert!(problems[0].help.contains("\"timeline\"]"), "{problems:?}");
    }
    for cell in [
        "zoom = true",
        "task = { sleep = \"1ms\" }\nzoom = false",
        "show = \"a\"\nplot = [\"wall\", \"timeline\"]\nzoom = true",
    ] {
        let (_, problems) = spec::read(cell, &Session::default());
        assert!(problems.is_empty(), "{cell}: {problems:?}");
    }
    let (shown, problems) = spec::read("show = \"machine\"\nzoom = true", &Session::default());
    assert!(problems.is_empty(), "{problems:?}");
    assert!(matches!(shown, Some(Cell::Show(show)) if show.zoom == Some(true)));
}

#[test]
fn a_timeline_is_the_same_for_the_same_trace() {
    let draw = || drawn(&report("many"), "timeline").unwrap();
    assert_eq!(draw(), draw());
}
