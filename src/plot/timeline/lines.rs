//! What a timeline shows of a row: a strip for each worker, for each task of an event loop where those are
//! few, and one stack for all where they are many.

use super::columns::Columns;
use crate::analysis::{Report, Row, Traced};
use crate::measure::trace::{Lane, Role, Span, Totals, Trace};
use crate::plot::{page, time_panel};
use crate::units::format_count;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Tasks of event loops up to which each has its strip.
const MOST_TASK_STRIPS: usize = 12;

/// One row of the report.
pub struct Section<'a> {
    /// Its row.
    pub row: &'a Row,
    /// What its traced run told.
    pub traced: &'a Traced,
    /// What its series is called.
    pub name: String,
    /// Case, swept values and runtime, where there are several.
    pub place: String,
    /// What is drawn of it, from top to bottom.
    pub lines: Vec<Line<'a>>,
}

/// One line of a section.
pub enum Line<'a> {
    /// One worker, or one task.
    Strip(Strip<'a>),
    /// Many of them.
    Bundle(Bundle<'a>),
}

/// What one worker or one task did.
pub struct Strip<'a> {
    /// What it is called.
    pub label: String,
    /// Whether it is a task of the event loop above it.
    pub is_task: bool,
    /// In order, without overlap.
    pub spans: Cow<'a, [Span]>,
    /// Time of each activity.
    pub totals_ns: Totals,
}

/// How many workers or tasks were in which state.
pub struct Bundle<'a> {
    /// What they are called together.
    pub label: String,
    /// Time of each activity over all of them.
    pub totals_ns: Totals,
    members: Members<'a>,
}

enum Members<'a> {
    Workers(Vec<&'a Lane>),
    /// The tasks of its event loops.
    Tasks(&'a Trace),
}

impl Bundle<'_> {
    /// How many are in which activity in each of so many columns.
    pub fn columns(&self, columns: usize, whole_ns: f64) -> Columns {
        let mut found = Columns::new(columns, whole_ns);
        let mut add = |span: Span| found.add(span.activity, span.start_ns, span.end_ns);
        match &self.members {
            Members::Workers(lanes) => {
                let spans = lanes.iter().flat_map(|lane| &lane.spans);
                spans.for_each(|span| add(*span));
            }
            Members::Tasks(trace) => trace.for_each_task_span(add),
        }
        found
    }
}

impl Line<'_> {
    /// What it is called.
    pub fn label(&self) -> &str {
        match self {
            Line::Strip(strip) => &strip.label,
            Line::Bundle(bundle) => &bundle.label,
        }
    }

    /// Time of each activity.
    pub fn totals_ns(&self) -> &Totals {
        match self {
            Line::Strip(strip) => &strip.totals_ns,
            Line::Bundle(bundle) => &bundle.totals_ns,
        }
    }
}

/// The rows that are drawn, as far as they were traced; and what their point is called, of a sweep.
pub fn shown_rows(report: &Report) -> (Vec<(&Row, &Traced)>, Option<String>) {
    let (rows, point) = time_panel::last_point(report);
    let traced = rows.into_iter().filter_map(|row| {
        let traced = row.traced.as_ref()?;
        (!traced.trace.lanes.is_empty()).then_some((row, traced))
    });
    let mut traced: Vec<(&Row, &Traced)> = traced.collect();
    time_panel::by_case(&mut traced, |(row, _)| row);
    (traced, point)
}

impl<'a> Section<'a> {
    /// Of a row, with at most so many strips of workers and of tasks.
    pub fn new(report: &Report, row: &'a Row, traced: &'a Traced, most: usize) -> Self {
        // The sweep's point is said once, for all.
        Section {
            name: page::called(report, &row.label, &row.runtime).to_owned(),
            place: page::group(report, row.case.as_deref(), &[], &row.runtime),
            lines: lines(&traced.trace, most),
            row,
            traced,
        }
    }

    /// From the clock's start to the end of what is drawn.
    pub fn whole_ns(&self) -> f64 {
        let lanes = self.traced.trace.lanes.iter();
        let end_ns = lanes.map(|lane| lane.end_ns).max().unwrap_or(0);
        end_ns.max(self.traced.wall_ns).max(1) as f64
    }

    /// How many lanes run tasks.
    pub fn workers(&self) -> usize {
        self.traced.trace.workers().count()
    }

    /// Time of each activity over all workers.
    pub fn totals_ns(&self) -> Totals {
        totals(self.traced.trace.workers())
    }
}

fn lines(trace: &Trace, most: usize) -> Vec<Line<'_>> {
    let of = |role: Role| trace.lanes.iter().filter(move |lane| lane.role == role);
    let names = Names::of(trace);
    let mut lines: Vec<Line> = Vec::new();
    lines.extend(of(Role::Main).take(1).map(|lane| strip(lane, &names)));
    let loops: Vec<&Lane> = of(Role::Loop).collect();
    several(&mut lines, &loops, "event loops", &names, most);
    let tasks = Tasks::of(trace);
    if tasks.count <= MOST_TASK_STRIPS.min(most.max(4)) {
        lines.extend(trace.tasks().into_iter().map(|life| {
            Line::Strip(Strip {
                label: format!("task {}", life.task),
                is_task: true,
                totals_ns: totals_of(&life.spans),
                spans: life.spans.into(),
            })
        }));
    } else if tasks.wait {
        lines.push(Line::Bundle(Bundle {
            label: format!("all {} tasks", format_count(tasks.count as u64)),
            totals_ns: tasks.totals_ns,
            members: Members::Tasks(trace),
        }));
    }
    let workers: Vec<&Lane> = of(Role::Worker).collect();
    several(&mut lines, &workers, "workers", &names, most);
    lines
}

/// The tasks of event loops, all together.
#[derive(Default)]
struct Tasks {
    count: usize,
    /// Whether any had more than one turn: tasks that wait for nothing are their turns, which the loop's own
    /// strip shows.
    wait: bool,
    totals_ns: Totals,
}

impl Tasks {
    fn of(trace: &Trace) -> Self {
        let mut all = Tasks::default();
        let mut known = HashSet::new();
        trace.for_each_task_span(|span| {
            all.totals_ns[span.activity as usize] += span.length_ns();
            let is_new = known.insert(span.task);
            all.count += usize::from(is_new);
            all.wait |= !is_new;
        });
        all
    }
}

/// A strip for each lane, or for the first ones and a stack of all.
fn several<'a>(
    lines: &mut Vec<Line<'a>>,
    lanes: &[&'a Lane],
    all: &str,
    names: &Names,
    most: usize,
) {
    let shown = match lanes.len() <= most {
        true => lanes.len(),
        false => (most / 2).max(2),
    };
    lines.extend(lanes[..shown].iter().map(|lane| strip(lane, names)));
    if shown < lanes.len() {
        lines.push(Line::Bundle(Bundle {
            label: format!("all {} {all}", format_count(lanes.len() as u64)),
            totals_ns: totals(lanes.iter().copied()),
            members: Members::Workers(lanes.to_vec()),
        }));
    }
}

fn strip<'a>(lane: &'a Lane, names: &Names) -> Line<'a> {
    Line::Strip(Strip {
        label: names.name(lane),
        is_task: false,
        spans: Cow::Borrowed(&lane.spans),
        totals_ns: lane.totals_ns,
    })
}

fn totals<'a>(lanes: impl Iterator<Item = &'a Lane>) -> Totals {
    let mut sum = Totals::default();
    for lane in lanes {
        add(&mut sum, &lane.totals_ns);
    }
    sum
}

fn add(sum: &mut Totals, totals_ns: &Totals) {
    for (sum, ns) in sum.iter_mut().zip(totals_ns) {
        *sum += ns;
    }
}

fn totals_of(spans: &[Span]) -> Totals {
    let mut sum = Totals::default();
    for span in spans {
        sum[span.activity as usize] += span.length_ns();
    }
    sum
}

/// What lanes are called: with their process where that has several.
struct Names {
    several_in_one: bool,
    loops: usize,
}

impl Names {
    fn of(trace: &Trace) -> Self {
        let mut seen: HashMap<u32, usize> = HashMap::new();
        for lane in trace.lanes.iter().filter(|lane| lane.role == Role::Worker) {
            *seen.entry(lane.process).or_default() += 1;
        }
        let loops = trace.lanes.iter().filter(|lane| lane.role == Role::Loop);
        Names {
            several_in_one: seen.values().any(|lanes| *lanes > 1),
            loops: loops.count(),
        }
    }

    fn name(&self, lane: &Lane) -> String {
        match lane.role {
            Role::Main => "main".to_owned(),
            Role::Loop if self.loops > 1 => format!("event loop {}", lane.number),
            Role::Loop => "event loop".to_owned(),
            Role::Worker if lane.process == 0 => format!("worker {}", lane.number),
            Role::Worker if self.several_in_one => {
                format!("worker {}, process {}", lane.number, lane.process)
            }
            // A process of its own has the number that it has in figures of processes.
            Role::Worker => format!("worker {}", lane.process),
        }
    }
}
