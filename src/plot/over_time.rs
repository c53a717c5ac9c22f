//! Memory and CPU over time: what each process of a run held, and how many cores it kept busy, stacked.

use super::axis::{Axis, Kind};
use super::page::{NAME, SMALL, title_sentence};
use super::svg::{Anchor, Canvas};
use super::time_panel::{self, Chart, Frame, Panel, bounded, full_name};
use super::{Drawing, theme};
use crate::analysis::{OverTime, ProcessAt, Report, Row};
use crate::experiment::Theme;
use crate::units::{format_bytes, format_count, format_ns};
use std::collections::BTreeMap;

/// Processes that a stack tells apart; beyond them it shows their sum.
const MOST_APART: usize = 6;
/// How many times the smallest peak the largest may be for all panels to share an axis.
const MOST_SHARED: f64 = 12.0;
/// Relative difference of two peaks of memory from which it is told.
const UNLIKE: f64 = 0.02;
/// Widths of columns, from fine to coarse; each shows its highest sample.
const COLUMNS: [f64; 4] = [1.5, 3.0, 6.0, 12.0];
/// Between two names at the right.
const PITCH: f64 = 13.0;
/// Heights are rounded to this part of a pixel: equal neighbours are one step.
const STEP: f64 = 0.5;

/// What is drawn over time.
struct Quantity {
    title: &'static str,
    subtitle: &'static str,
    kind: Kind,
    read: fn(&ProcessAt) -> f64,
    label: fn(f64) -> String,
    /// Smallest end of its axis.
    least: f64,
}

const MEMORY: Quantity = Quantity {
    title: "Memory over time",
    subtitle: "what each process held, in one sampled run; less is better",
    kind: Kind::Bytes,
    read: |process| process.bytes as f64,
    label: format_bytes,
    least: 1024.0,
};

const CPU: Quantity = Quantity {
    title: "CPU over time",
    subtitle: "how many cores each process kept busy (1 = one core), in one sampled run",
    kind: Kind::Cores,
    read: |process| process.cores,
    label: |cores| match cores < 0.95 {
        true => format!("{cores:.2} cores"),
        false => format!("{cores:.1} cores"),
    },
    least: 1.0,
};

/// Draws memory; `None` where nothing was sampled.
pub fn memory(report: &Report, theme: Theme) -> Option<Drawing> {
    draw(report, theme, &MEMORY)
}

/// Draws cores; `None` where nothing was sampled.
pub fn cpu(report: &Report, theme: Theme) -> Option<Drawing> {
    draw(report, theme, &CPU)
}

/// One panel's values.
struct Stack<'a> {
    row: &'a Row,
    wall_ns: f64,
    /// Names of the processes, from the bottom.
    labels: Vec<String>,
    /// Time of each sample, and the value of each of them.
    samples: Vec<(f64, Vec<f64>)>,
    /// The highest sum and when it was.
    peak: (f64, f64),
    /// The mean sum over the run.
    mean: f64,
    processes: usize,
}

impl<'a> Stack<'a> {
    fn new(row: &'a Row, over: &OverTime, read: fn(&ProcessAt) -> f64) -> Self {
        let all = over.labels();
        let apart = all.len() <= MOST_APART;
        let labels: Vec<String> = match (apart, all.len()) {
            (true, 1) => vec!["one process".to_owned()],
            (true, _) => all.iter().map(|label| (*label).to_owned()).collect(),
            (false, several) => vec![format!("{} processes", format_count(several as u64))],
        };
        let samples = over.samples.iter().map(|sample| {
            let mut values = vec![0.0; labels.len()];
            for process in &sample.processes {
                let at = all.iter().position(|label| *label == process.label);
                let slot = if apart { at.unwrap_or(0) } else { 0 };
                values[slot] += read(process);
            }
            (sample.at_ns as f64, values)
        });
        let samples: Vec<(f64, Vec<f64>)> = samples.collect();
        let sum = |values: &[f64]| values.iter().sum::<f64>();
        let peak = samples.iter().map(|(at, values)| (sum(values), *at));
        let peak = peak.fold(
            (0.0, 0.0),
            |most, one| if one.0 > most.0 { one } else { most },
        );
        let ends = samples.iter().skip(1).map(|(at, _)| *at);
        let ends = ends.chain(std::iter::once(over.wall_ns as f64));
        let held = samples
            .iter()
            .zip(ends)
            .map(|((at, values), end)| sum(values) * (end - at).max(0.0));
        let first_ns = samples.first().map_or(0.0, |(at, _)| *at);
        let mean = held.sum::<f64>() / (over.wall_ns as f64 - first_ns).max(1.0);
        Stack {
            row,
            wall_ns: over.wall_ns as f64,
            labels,
            samples,
            peak,
            mean,
            processes: all.len(),
        }
    }

    fn told(&self, quantity: &Quantity) -> String {
        let processes = match self.processes {
            1 => "1 process".to_owned(),
            several => format!("{} processes", format_count(several as u64)),
        };
        format!(
            "{processes} · peak {} at {} · mean {}",
            (quantity.label)(self.peak.0),
            format_ns(self.peak.1),
            (quantity.label)(self.mean)
        )
    }
}

fn draw(report: &Report, theme: Theme, quantity: &Quantity) -> Option<Drawing> {
    let (rows, point) = time_panel::last_point(report);
    let mut notes: Vec<String> = Vec::new();
    if let Some(point) = point {
        notes.push(format!("Of the sweep its last point is drawn: {point}."));
    }
    let mut found: Vec<(&Row, &OverTime)> = rows
        .into_iter()
        .filter_map(|row| Some((row, row.over_time.as_ref()?)))
        .collect();
    time_panel::by_case(&mut found, |(row, _)| row);
    let found = time_panel::with_room(found, &mut notes);
    if found.is_empty() {
        return None;
    }
    if quantity.kind == Kind::Bytes && found.iter().any(|(_, over)| !over.pss) {
        notes.push(
            "Some is resident memory, in which shared pages count once for each process.".into(),
        );
    }
    let stacks: Vec<Stack> = found
        .iter()
        .map(|(row, over)| Stack::new(row, over, quantity.read))
        .collect();
    if quantity.kind == Kind::Bytes {
        let unlike: Vec<String> = stacks
            .iter()
            .filter_map(|s| unlike_table(report, s))
            .collect();
        if !unlike.is_empty() {
            notes.push(format!(
                "The table's peak is another: it knows what was held between two samples, and outside the clock, \
                 too. {}.",
                unlike.join(", ")
            ));
        }
    }
    let height = time_panel::plot_height(stacks.len());
    let most = ((height / 22.0) as usize).max(2);
    let peaks = stacks.iter().map(|stack| stack.peak.0.max(quantity.least));
    let (low, high) = peaks.fold((f64::INFINITY, 0.0f64), |(low, high), peak| {
        (low.min(peak), high.max(peak))
    });
    let end = |stack: &Stack| match high <= MOST_SHARED * low {
        true => high,
        false => stack.peak.0.max(quantity.least),
    };
    let panels = stacks.iter().map(|stack| Panel {
        row: stack.row,
        whole_ns: stack.wall_ns,
        told: stack.told(quantity),
        axis: Axis::linear(quantity.kind, 1.06 * end(stack), most),
    });
    let names = stacks.iter().flat_map(|stack| &stack.labels);
    let names = names.map(|name| NAME.width(name)).fold(0.0, f64::max);
    let subtitle = match high <= MOST_SHARED * low {
        true => quantity.subtitle.to_owned(),
        false => format!("{}; axes differ", quantity.subtitle),
    };
    let chart = Chart {
        subtitle: &subtitle,
        panels: panels.collect(),
        names: (names + 24.0).min(140.0),
        notes,
    };
    let words: Vec<String> = stacks
        .iter()
        .map(|stack| format!("{}: {}", full_name(report, stack.row), stack.told(quantity)))
        .collect();
    let title = title_sentence(report);
    let alt = format!("{title} {}. {}.", quantity.title, words.join(". "));
    let text = format!("{title}\n\n{}\n{}", quantity.title, words.join("\n"));
    let define = |canvas: &Canvas| {
        let mut most: BTreeMap<&str, usize> = BTreeMap::new();
        for stack in &stacks {
            let most = most.entry(&stack.row.model).or_default();
            *most = stack.labels.len().max(*most);
        }
        for (model, processes) in most {
            tints(canvas, model, processes);
        }
    };
    bounded(&COLUMNS, |column| {
        let fill = |canvas: &Canvas, number: usize, frame: &Frame| {
            area(canvas, frame, &stacks[number], column);
        };
        let words = (alt.clone(), text.clone());
        time_panel::draw(report, theme, &chart, words, define, fill)
    })
}

/// "threads 4.26 MiB here and 4.85 MiB there": where the highest sample isn't the table's peak.
fn unlike_table(report: &Report, stack: &Stack) -> Option<String> {
    let table = stack.row.peak_pss_bytes.as_ref()?.max;
    let (here, there) = (format_bytes(stack.peak.0), format_bytes(table));
    let differ = (stack.peak.0 / table - 1.0).abs() > UNLIKE && here != there;
    differ.then(|| {
        let name = full_name(report, stack.row);
        format!("{name}: {here} here and {there} there")
    })
}

/// Opacities of a model's colour for neighbouring processes; every second one is hatched as well.
const TINTS: [f64; 3] = [1.0, 0.45, 0.72];

fn tint(model: &str, number: usize) -> String {
    format!(
        "{}t{}",
        theme::series_class(model),
        number % (2 * TINTS.len())
    )
}

/// Makes the looks of a model's processes known: opaque, for they are drawn over each other.
fn tints(canvas: &Canvas, model: &str, processes: usize) {
    for number in 0..processes.min(2 * TINTS.len()) {
        let id = tint(model, number);
        let class = theme::series_class(model);
        let hatch = match number % 2 {
            0 => "",
            _ => {
                "<path class=\"line hatch\" stroke-width=\"10\" d=\"M-10 10L10-10M0 60L60 0M50 70L70 50\"/>"
            }
        };
        canvas.define(&format!(
            "<style>.{id}{{fill:url(#{id})}}</style><pattern id=\"{id}\" width=\"60\" height=\"60\" \
             patternUnits=\"userSpaceOnUse\"><rect class=\"bg\" width=\"60\" \
             height=\"60\"/><rect class=\"{class}\" fill-opacity=\"{}\" width=\"60\" height=\"60\"/>{hatch}</pattern>",
            TINTS[number % TINTS.len()]
        ));
    }
}

fn area(canvas: &Canvas, frame: &Frame, stack: &Stack, column: f64) {
    let (left, right) = frame.x;
    let end = frame.at_x(stack.wall_ns);
    let columns = (((end - left) / column).ceil() as usize).max(1);
    let width = (end - left) / columns as f64;
    // The highest sample of each column; where a column has none, what was seen before.
    let mut highest: Vec<Option<&Vec<f64>>> = vec![None; columns];
    let sum = |values: &Vec<f64>| values.iter().sum::<f64>();
    for (at, values) in &stack.samples {
        let slot = ((frame.at_x(*at) - left) / width) as usize;
        let slot = &mut highest[slot.min(columns - 1)];
        if slot.is_none_or(|other| sum(other) < sum(values)) {
            *slot = Some(values);
        }
    }
    let mut last = None;
    for slot in &mut highest {
        last = slot.or(last);
        *slot = last;
    }
    let bottom = frame.y.1;
    for number in (0..stack.labels.len()).rev() {
        let heights: Vec<f64> = highest
            .iter()
            .map(|values| {
                let level = values.map_or(0.0, |values| values[..=number].iter().sum());
                ((bottom - frame.at_y(level)) / STEP).round() * STEP
            })
            .collect();
        canvas.steps(
            &tint(&stack.row.model, number),
            left,
            bottom,
            width,
            &heights,
        );
    }
    names(canvas, frame, stack, right);
    let (peak, at) = stack.peak;
    let x = frame.at_x(at);
    if peak > 0.0 {
        canvas.dot("run", x, frame.at_y(peak), 2.4, 1.0);
    }
}

/// The processes from the bottom upwards, at the right.
fn names(canvas: &Canvas, frame: &Frame, stack: &Stack, right: f64) {
    if stack.processes == 1 {
        return;
    }
    let fits = (frame.y.1 - frame.y.0) / PITCH;
    let shown = stack.labels.len().min(fits as usize);
    for (number, label) in stack.labels.iter().take(shown).enumerate() {
        let y = frame.y.1 - 5.0 - PITCH * number as f64;
        canvas.rect(
            &tint(&stack.row.model, number),
            right + 7.0,
            y - 4.5,
            10.0,
            9.0,
        );
        let label = SMALL.fitted(label, 110.0);
        canvas.text(SMALL, Anchor::Start, right + 22.0, y + 3.8, &label);
    }
}
