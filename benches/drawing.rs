//! What drawing and rendering an answer costs, against resvg alone on the same SVG.
//!
//! The answer is a simulated report turned into everything that Jupyter is sent: the figure drawn as SVG
//! and made a PNG, table and verdict as HTML, Markdown, LaTeX and text. Beside it, resvg makes the PNG of
//! that SVG at the same scale, its fonts loaded before.
//!
//! So is the timeline of 100,000 tasks: of four workers that share them, of a thread for each, and of an event
//! loop; and how large the document becomes.
//!
//!     cargo bench --bench drawing [-- --rounds N]

mod ratio;
#[allow(dead_code)]
#[path = "../tests/it/simulator.rs"]
mod simulator;
#[allow(dead_code)]
#[path = "../tests/it/tracer.rs"]
mod tracer;

use conclab::analysis::Report;
use conclab::experiment::Theme;
use conclab::plot::font::{REGULAR, SEMIBOLD};
use conclab::plot::{Drawing, draw};
use conclab::render::{figure_bundle, table_bundle, verdict_bundle};
use conclab::units::format_ns;
use ratio::{Claim, Row, rounds_asked, timed_ns};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};
use std::sync::Arc;

/// Pixels of the PNG for one of the figure's own, as answers have it.
const SCALE: f32 = 2.0;
const WARM_UP: usize = 5;

fn main() {
    let rounds = rounds_asked(60);
    let mut fonts = Database::new();
    fonts.load_font_data(REGULAR.to_vec());
    fonts.load_font_data(SEMIBOLD.to_vec());
    fonts.set_sans_serif_family("Inter");
    let options = Options {
        fontdb: Arc::new(fonts),
        font_family: "Inter".to_owned(),
        ..Options::default()
    };
    let answers = [
        ("an answer of four models", simulator::cpu_bound().report()),
        ("an answer of a sweep", simulator::sweep().report()),
    ];
    let mut rows: Vec<Row> = answers
        .iter()
        .flat_map(|(name, report)| compared(name, report, &options, rounds))
        .collect();
    let traced = [
        ("a pool of 4", "thread-pool", tracer::pool(4, 100_000)),
        ("a thread each", "threads", tracer::thread_each(100_000)),
        (
            "an event loop",
            "async",
            tracer::event_loop(100_000, 1, 2 * tracer::US, 5 * tracer::MS),
        ),
    ];
    let mut sizes = Vec::new();
    for (name, model, trace) in traced {
        let simulation = tracer::simulation("100,000 tasks", &[model]);
        let report = tracer::report(&simulation, &[trace]);
        let drawing = timeline(&report);
        let kilobytes = drawing.svg.len().div_ceil(1 << 10);
        assert!(kilobytes <= 100, "{name}: {kilobytes} KB");
        sizes.push(format!("{name}: {kilobytes} KB"));
        rows.push(timeline_row(name, &report, &drawing, &options, rounds));
    }
    ratio::print(&rows);
    println!(
        "\nThe timeline of 100,000 tasks as SVG: {}.",
        sizes.join(", ")
    );
}

/// Drawing a timeline against resvg on the same SVG.
fn timeline_row(
    name: &str,
    report: &Report,
    drawing: &Drawing,
    options: &Options,
    rounds: usize,
) -> Row {
    let mut pairs = Vec::new();
    for round in 0..WARM_UP + rounds {
        let first = (round % 2 == 0).then(|| timed_ns(|| resvg_png(drawing, options)));
        let draw_ns = timed_ns(|| timeline(report));
        let resvg_ns = first.unwrap_or_else(|| timed_ns(|| resvg_png(drawing, options)));
        if round >= WARM_UP {
            pairs.push((draw_ns, resvg_ns));
        }
    }
    Row {
        what: format!("the timeline of 100,000 tasks ({name}), drawn as SVG"),
        compared_with: "resvg, the same SVG to PNG".to_owned(),
        pairs,
        format: format_ns,
        claim: Claim::AtMost(1.5),
    }
}

fn timeline(report: &Report) -> Drawing {
    let mut drawings = draw(report, &["timeline".to_owned()], Theme::Auto);
    assert_eq!(drawings.len(), 1, "the timeline");
    drawings.remove(0)
}

fn compared(name: &str, report: &Report, options: &Options, rounds: usize) -> [Row; 2] {
    let drawing = figure(report);
    let (mut whole, mut drawing_alone) = (Vec::new(), Vec::new());
    for round in 0..WARM_UP + rounds {
        // Each side comes first in every second round.
        let first = (round % 2 == 0).then(|| timed_ns(|| resvg_png(&drawing, options)));
        let answer_ns = timed_ns(|| answer(report));
        let draw_ns = timed_ns(|| figure(report));
        let resvg_ns = first.unwrap_or_else(|| timed_ns(|| resvg_png(&drawing, options)));
        if round >= WARM_UP {
            whole.push((answer_ns, resvg_ns));
            drawing_alone.push((draw_ns, resvg_ns));
        }
    }
    let row = |what: String, pairs, claim| Row {
        what,
        compared_with: "resvg, the same SVG to PNG".to_owned(),
        pairs,
        format: format_ns,
        claim,
    };
    [
        row(
            format!("{name}, drawn and rendered"),
            whole,
            Claim::AtMost(1.5),
        ),
        row(
            format!("{name}, drawn as SVG alone"),
            drawing_alone,
            Claim::Nothing,
        ),
    ]
}

fn figure(report: &Report) -> Drawing {
    let mut drawings = draw(report, &[], Theme::Auto);
    assert_eq!(drawings.len(), 1, "the default figure");
    drawings.remove(0)
}

/// Everything of an answer that Jupyter is sent; its size, so that nothing of it is optimised away.
fn answer(report: &Report) -> usize {
    let figure = figure_bundle(&figure(report), false);
    let bundles = [figure, table_bundle(report), verdict_bundle(report)];
    assert!(bundles[0].data.contains_key("image/png"));
    bundles
        .iter()
        .flat_map(|bundle| bundle.data.values())
        .filter_map(|value| value.as_str())
        .map(str::len)
        .sum()
}

/// resvg and nothing else.
fn resvg_png(drawing: &Drawing, options: &Options) -> Vec<u8> {
    let tree = Tree::from_str(&drawing.svg, options).expect("an SVG");
    let size = tree.size().to_int_size().scale_by(SCALE).expect("a size");
    let mut canvas = Pixmap::new(size.width(), size.height()).expect("room for it");
    let transform = Transform::from_scale(
        size.width() as f32 / tree.size().width(),
        size.height() as f32 / tree.size().height(),
    );
    resvg::render(&tree, transform, &mut canvas.as_mut());
    canvas.encode_png().expect("a PNG")
}
