//! Figures: a report becomes SVG. Pure: no I/O, no clock. One file per kind of figure.
//!
//! To add a figure: a file here with its drawing function, `mod x;`, and a row in [`FIGURES`]. What it is
//! drawn with: `rows` (a name and a mark on an axis, line by line), or `lines` (panels of curves) with
//! `sweep` for what a report has along its swept number; `page` for what all figures share.

mod axis;
mod bars;
mod breakdown;
mod crossover;
pub mod font;
mod grid;
mod lag;
mod latency;
mod lines;
mod over_time;
mod page;
mod panel;
mod rows;
mod speedup;
mod states;
mod sweep;
mod sweeps;
mod svg;
mod theme;
mod time_panel;
mod timeline;

use crate::analysis::Report;
use crate::describe::FigureDef;
use crate::experiment::Theme;
use serde_json::Value;

/// A finished figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// A whole SVG document.
    pub svg: String,
    /// Width in CSS pixels, at most 760.
    pub width: u32,
    /// Height in CSS pixels.
    pub height: u32,
    /// The result in words, for those who don't see the picture.
    pub alt: String,
    /// The numbers as plain text: a small table, or the same words where those have all of them.
    pub text: String,
    /// The same to be zoomed and moved, as a Vega-Lite 5 specification; where that was asked for.
    pub zoomable: Option<Value>,
}

/// A figure: what it says about itself and how it is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Name and help.
    pub def: FigureDef,
    /// Draws it; `None` where the report has nothing to draw.
    pub draw: fn(&Report, Theme) -> Option<Drawing>,
}

/// Every figure, in the order in which help lists them.
pub const FIGURES: &[Figure] = &[
    Figure {
        def: FigureDef {
            name: "trio",
            summary: "wall time, CPU time and memory side by side",
            doc: "The default. A row for each model, a bar from an honest zero to the median, a line from \
                  the fastest run to the slowest and a dot for each run. Where values differ by more than \
                  300 times, dots on a logarithmic axis take the bars' place. Where a number is swept over \
                  three values or more there is a line for each model along it, with the same spread at each \
                  point, logarithmic axes where the values span much, and panels for cases and the other key; \
                  a cross is a point that gave no value.",
            needs: "nothing was measured",
        },
        draw: |report, theme| measured(report, &[bars::WALL, bars::CPU, bars::MEMORY], theme),
    },
    Figure {
        def: FigureDef {
            name: "wall",
            summary: "wall time",
            doc: "From the model's first action to its last join. Compare it with `cpu`: what is not \
                  computing is waiting, and computing beyond the wall time ran on several cores.",
            needs: "nothing was measured",
        },
        draw: |report, theme| measured(report, &[bars::WALL], theme),
    },
    Figure {
        def: FigureDef {
            name: "cpu",
            summary: "CPU time of all threads and processes",
            doc: "User and system time of the whole tree of processes. The same work costs about the same \
                  on every model; what is more is the model's own cost.",
            needs: "nothing was measured",
        },
        draw: |report, theme| measured(report, &[bars::CPU], theme),
    },
    Figure {
        def: FigureDef {
            name: "memory",
            summary: "peak memory of all processes",
            doc: "The peak of the whole tree of processes, with shared pages counted once.",
            needs: "nothing was measured",
        },
        draw: |report, theme| measured(report, &[bars::MEMORY], theme),
    },
    Figure {
        def: FigureDef {
            name: "speedup",
            summary: "how many times faster than the baseline",
            doc: "Paired by block, with its 95 % interval; the line at 1 is the baseline. Along a \
                  swept number there is a line for each model. Where that is `workers` it stands \
                  beside the ideal (as many times faster as there are workers, or usable CPUs where \
                  the work computes) and Amdahl's law (1967) with the serial fraction that fits best; \
                  from four points on the parameters of Gunther's universal scalability law (1993) are \
                  told: σ for what waits for its turn, κ for what every two workers must agree on.",
            needs: "it needs a row to compare with another on the same runtime",
        },
        draw: speedup::draw,
    },
    Figure {
        def: FigureDef {
            name: "crossover",
            summary: "from which size on a model pays off",
            doc: "The ratio to the baseline along a swept number, both on logarithmic axes: above the \
                  line a model is faster. Where it crosses the line both are as fast; the bar on the \
                  line is the 95 % interval of that place.",
            needs: "it needs a swept number and a baseline",
        },
        draw: crossover::draw,
    },
    Figure {
        def: FigureDef {
            name: "latency",
            summary: "how long single tasks took",
            doc: "From a task's start to its end. A line for each model and group shows how many of \
                  its tasks took no longer; where there are many, a range from the shortest task to \
                  the longest with the part from 5 % to 95 % thick.",
            needs: "the times of single tasks were not recorded; run the cell with plot = [\"latency\"]",
        },
        draw: latency::draw,
    },
    Figure {
        def: FigureDef {
            name: "distribution",
            summary: "the wall time of every single run",
            doc: "A dot for each timed run and a line at the median: what a median hides, such as two \
                  groups of times or single far runs, is seen here. The axis begins at zero only where \
                  the times differ much.",
            needs: "nothing was measured",
        },
        draw: bars::distribution,
    },
    Figure {
        def: FigureDef {
            name: "timeline",
            summary: "what each worker did when",
            doc: "Measured in one traced run of each model, which is in no other number: a strip for each worker, \
                  coloured and hatched by what it does, with the numbers of its tasks and the largest shares of its \
                  life at the right. Where an interpreter's lock is, computing is holding it. An event loop shows its \
                  turns, and below it what each task does between them, up to 12 tasks. Where workers or tasks are \
                  many, a stack shows how many are in which state; spans shorter than a pixel are told by their share of it. Of a sweep the last point is \
                  drawn. `zoom = true` adds a view that can be zoomed and moved.",
            needs: "no run was traced; run the cell with plot = [\"timeline\"]",
        },
        draw: timeline::draw,
    },
    Figure {
        def: FigureDef {
            name: "breakdown",
            summary: "where workers × wall time went",
            doc: "Measured in one traced run of each model: all of its workers' time from the start of the run to its \
                  end is 100 %, divided into what they did. Bars are equally long, so that shares compare; what the \
                  whole is stands at their end. Computing is time on a core as the system counted it.",
            needs: "no run was traced; run the cell with plot = [\"breakdown\"]",
        },
        draw: breakdown::draw,
    },
    Figure {
        def: FigureDef {
            name: "memory-over-time",
            summary: "what each process held, along one run",
            doc: "Measured in the sampled run of each model. Up to six processes are stacked, the trial's own at the \
                  bottom; of more the sum is drawn. The dot is the peak. Of a sweep the last point is drawn.",
            needs: "no run was sampled while its clock ran; runs of a few milliseconds are too short for it",
        },
        draw: over_time::memory,
    },
    Figure {
        def: FigureDef {
            name: "cpu-over-time",
            summary: "how many cores each process kept busy, along one run",
            doc: "Measured in the sampled run of each model, over 20 ms or a hundredth of a longer run each: 1 is one \
                  core busy all the time. Up to six processes are stacked; of more the sum is drawn.",
            needs: "no run was sampled while its clock ran; runs of a few milliseconds are too short for it",
        },
        draw: over_time::cpu,
    },
    Figure {
        def: FigureDef {
            name: "lag",
            summary: "how late the event loop ran timers that were due",
            doc: "Measured in one traced run of each model with an event loop: a timer that is due runs when the loop is \
                  free. What keeps the loop, such as computing or a blocking call, makes it late. The worst is \
                  labelled.",
            needs: "no event loop was traced until its first timer was due (after 5 ms); run the cell with plot = \
                    [\"lag\"], a model such as `async`, and tasks that take longer",
        },
        draw: lag::draw,
    },
    Figure {
        def: FigureDef {
            name: "grid",
            summary: "who wins where: cases × a swept key",
            doc: "A cell for each point, in the colour of the fastest model, with how many times it is \
                  ahead of the next that is clearly slower. Models that can't be told apart share a \
                  cell; a grey cell has no clear winner.",
            needs: "it needs several points: cases, or a swept key",
        },
        draw: grid::draw,
    },
];

/// Lines where a number is swept, bars elsewhere.
fn measured(report: &Report, metrics: &[bars::Metric], theme: Theme) -> Option<Drawing> {
    sweeps::draw(report, metrics, theme).or_else(|| bars::draw(report, metrics, theme))
}

/// Names of the figures that fit the report's shape: what was measured, and how pools scale.
fn fitting(report: &Report) -> &'static [&'static str] {
    let points = report.scaling.iter().map(|scaling| scaling.points.len());
    match points.max() {
        Some(points) if points >= sweeps::LINES_FROM => &["trio", "speedup"],
        _ => &["trio"],
    }
}

/// Figures with a view that can be zoomed.
const ZOOMABLE: &[(&str, Zoomable)] = &[("timeline", timeline::vega_lite)];

/// Makes such a view: a Vega-Lite 5 specification.
type Zoomable = fn(&Report, Theme) -> Option<Value>;

/// The figures with such a view, by name.
pub fn zoomable_figures() -> impl Iterator<Item = &'static str> {
    ZOOMABLE.iter().map(|(figure, _)| *figure)
}

/// Whether one of the named figures has such a view.
pub fn any_zoomable(names: &[String]) -> bool {
    zoomable_figures().any(|figure| names.iter().any(|name| name == figure))
}

fn nothing_was_measured(report: &Report) -> bool {
    report.rows.iter().all(|row| row.wall_ns.is_none())
}

/// What figures that were asked for have nothing to draw of, a sentence each.
pub fn missing(report: &Report, names: &[String], theme: Theme) -> Vec<String> {
    if nothing_was_measured(report) {
        return Vec::new();
    }
    let asked = |figure: &&Figure| names.iter().any(|name| name == figure.def.name);
    FIGURES
        .iter()
        .filter(asked)
        .filter(|figure| (figure.draw)(report, theme).is_none())
        .map(|figure| {
            format!(
                "The figure `{}` is left out: {}.",
                figure.def.name, figure.def.needs
            )
        })
        .collect()
}

/// Draws the named figures in their order, or those that fit; what has nothing to draw is left out,
/// and all of them where nothing was measured.
pub fn draw(report: &Report, names: &[String], theme: Theme) -> Vec<Drawing> {
    if nothing_was_measured(report) {
        return Vec::new();
    }
    let names: Vec<&str> = match names {
        [] => fitting(report).to_vec(),
        names => names.iter().map(String::as_str).collect(),
    };
    let figures = names
        .into_iter()
        .filter_map(|name| FIGURES.iter().find(|figure| figure.def.name == name));
    figures
        .filter_map(|figure| (figure.draw)(report, theme))
        .collect()
}

/// The same, with the zoomable views of those figures that have one.
pub fn draw_zoomable(report: &Report, names: &[String], theme: Theme) -> Vec<Drawing> {
    let mut drawings = Vec::new();
    for name in names {
        let view = ZOOMABLE.iter().find(|(figure, _)| figure == name);
        let zoomable = view.and_then(|(_, make)| make(report, theme));
        let drawing = draw(report, std::slice::from_ref(name), theme);
        drawings.extend(drawing.into_iter().map(|drawing| Drawing {
            zoomable: zoomable.clone(),
            ..drawing
        }));
    }
    match names {
        [] => draw(report, names, theme),
        _ => drawings,
    }
}
