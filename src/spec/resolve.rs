//! Keys and defaults become an experiment.

use super::models;
use super::reader::{Axis, Item, Reader};
use super::task;
use super::{Defaults, later};
use crate::catalog::keys::{KEYS, find};
use crate::describe::{Quantity, nearest};
use crate::diagnostic::{Diagnostic, Span};
use crate::experiment::{Experiment, Order, Origin, Point, Resolved, Series, Theme};
use crate::plot::FIGURES;
use crate::program::{Group, Op, Program};
use crate::runtime::Runtime;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Most points of a sweep.
const MOST_POINTS: usize = 200;
/// Most keys that may be swept at the same time.
const MOST_AXES: usize = 2;
const DEFAULT_TASKS: u64 = 8;
const DEFAULT_MODELS: [&str; 4] = ["sequential", "threads", "processes", "async"];

/// Complaints about keys that don't exist, in a cell or in a cell of defaults.
pub fn unknown_keys(reader: &mut Reader, table: &DeTable) {
    for (key, item) in table.iter() {
        let name = key.get_ref().as_ref();
        if find(name).is_some() {
            continue;
        }
        if later::KEYS.contains(&name) {
            reader.problem(
                key.span(),
                format!("`{name}` is not in this version of conclab yet"),
                "leave it out; `help = \"\"` lists the keys that there are",
            );
            continue;
        }
        let help = match nearest(name, KEYS.iter().map(|key| key.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if crate::step::find(name).is_some() => {
                format!(
                    "a step stands in the task: task = {{ {name} = {} }}",
                    reader.source(item)
                )
            }
            None => "`help = \"\"` lists the keys that there are".to_owned(),
        };
        reader.problem(key.span(), format!("there is no key `{name}`"), help);
    }
}

/// Where a key's value comes from.
struct Source<'a> {
    table: &'a DeTable<'a>,
    defaults: &'a DeTable<'a>,
}

impl<'a> Source<'a> {
    fn get(&self, key: &str) -> Option<(&'a Item<'a>, Origin)> {
        let own = self.table.get(key).map(|item| (item, Origin::Cell));
        own.or_else(|| self.defaults.get(key).map(|item| (item, Origin::Defaults)))
    }
}

/// Two readers: problems of the cell have places in it, those of earlier defaults don't.
struct Readers<'a> {
    cell: Reader<'a>,
    defaults: Reader<'a>,
}

/// Reads every key of a cell that is an experiment.
pub fn experiment(
    text: &str,
    table: &Spanned<DeTable>,
    defaults: &Defaults,
) -> (Option<Experiment>, Vec<Diagnostic>) {
    let earlier = defaults.text();
    let (earlier_table, _) = DeTable::parse_recoverable(&earlier);
    let source = Source {
        table: table.get_ref(),
        defaults: earlier_table.get_ref(),
    };
    let mut readers = Readers {
        cell: Reader::new(text, Vec::new()),
        defaults: Reader::new(&earlier, Vec::new()),
    };
    unknown_keys(&mut readers.cell, table.get_ref());
    let limited = source
        .get("models")
        .map_or(Vec::new(), |(item, _)| models::limited(item));
    let limit = |readers: &mut Readers| {
        for reader in [&mut readers.cell, &mut readers.defaults] {
            reader.limited = limited.clone();
        }
    };
    limit(&mut readers);
    let first = read_point(&mut readers, &source);
    let series = read_series(&mut readers, &source);
    let scalars = Scalars::read(&mut readers, &source);
    check_each(&mut readers, &source, first.as_ref());
    // Axes in the cell come first: that is the order in which `read_point` meets them again.
    let axes: Vec<Axis> = readers
        .cell
        .axes
        .iter()
        .chain(&readers.defaults.axes)
        .cloned()
        .collect();
    check_axes(&mut readers.cell, &axes);
    let mut problems = readers.cell.problems;
    problems.extend(
        readers
            .defaults
            .problems
            .into_iter()
            .map(|problem| Diagnostic {
                span: 0..0,
                message: format!("in an earlier cell of defaults: {}", problem.message),
                ..problem
            }),
    );
    if !problems.is_empty() {
        return (None, problems);
    }
    let own_axes = readers.cell.axes.len();
    let points: Option<Vec<Point>> = choices(&axes)
        .into_iter()
        .map(|choice| {
            let (own, rest) = choice.split_at(own_axes);
            let mut readers = Readers {
                cell: Reader::new(text, own.to_vec()),
                defaults: Reader::new(&earlier, rest.to_vec()),
            };
            limit(&mut readers);
            let (ops, tasks, workers) = read_point(&mut readers, &source)?;
            let at = axes
                .iter()
                .zip(&choice)
                .map(|(axis, index)| (axis.key.clone(), axis.values[*index].clone()));
            let program = Program {
                groups: vec![Group {
                    name: String::new(),
                    tasks,
                    ops,
                }],
                seed: scalars.seed,
                ..Program::default()
            };
            Some(Point {
                case: None,
                at: at.collect(),
                program,
                workers,
                chunk: None,
            })
        })
        .collect();
    let Some(points) = points else {
        return (None, problems);
    };
    let title = scalars
        .title
        .clone()
        .unwrap_or_else(|| generated_title(text, table.get_ref(), &points));
    let settings = settings(text, &source, defaults);
    let experiment = Experiment {
        title,
        name: scalars.name,
        series,
        points,
        repeat: scalars.repeat,
        warmup: scalars.warmup,
        order: scalars.order,
        seed: scalars.seed,
        trial_timeout_ns: scalars.trial_timeout_ns,
        budget_ns: scalars.budget_ns,
        memory_limit_bytes: scalars.memory_limit_bytes,
        plots: scalars.plots,
        theme: scalars.theme,
        settings,
    };
    (Some(experiment), problems)
}

/// Reads the values of a cell of defaults, for their problems.
pub fn check_defaults(text: &str, table: &DeTable) -> Vec<Diagnostic> {
    let nothing = DeTable::new();
    let source = Source {
        table,
        defaults: &nothing,
    };
    let mut readers = Readers {
        cell: Reader::new(text, Vec::new()),
        defaults: Reader::new("", Vec::new()),
    };
    unknown_keys(&mut readers.cell, table);
    read_counts(&mut readers, &source);
    read_series(&mut readers, &source);
    Scalars::read(&mut readers, &source);
    readers.cell.problems
}

impl<'a> Readers<'a> {
    fn of(&mut self, origin: Origin) -> &mut Reader<'a> {
        if origin == Origin::Cell {
            &mut self.cell
        } else {
            &mut self.defaults
        }
    }
}

/// What differs from point to point: operations, number of tasks, workers.
fn read_point(readers: &mut Readers, source: &Source) -> Option<(Vec<Op>, u64, Option<u32>)> {
    let ops = source
        .get("task")
        .map(|(item, origin)| task::ops(readers.of(origin), item, 0))
        .unwrap_or_default();
    let (tasks, workers) = read_counts(readers, source);
    // The shortest list decides; `check_each` has complained about others.
    let each = readers
        .cell
        .each
        .iter()
        .map(|(length, _)| *length as u64)
        .min();
    let tasks = tasks.or(each).unwrap_or(DEFAULT_TASKS);
    (!ops.is_empty()).then_some((ops, tasks, workers))
}

fn read_counts(readers: &mut Readers, source: &Source) -> (Option<u64>, Option<u32>) {
    let range = |key: &str| find(key).map_or((0, u64::MAX), |key| key.range);
    let tasks = source.get("tasks").and_then(|(item, origin)| {
        let reader = readers.of(origin);
        if item.get_ref().is_table() {
            let step = reader.source(item).to_owned();
            reader.problem(
                item.span(),
                "`tasks` is how many tasks there are, and this says what one does",
                if step.starts_with('{') {
                    format!("write task = {step}")
                } else {
                    "write [task]".to_owned()
                },
            );
            return None;
        }
        reader.number_or_sweep("tasks", range("tasks"), item)
    });
    let workers = source.get("workers").and_then(|(item, origin)| {
        readers
            .of(origin)
            .number_or_sweep("workers", range("workers"), item)
    });
    (
        tasks,
        workers.and_then(|workers| u32::try_from(workers).ok()),
    )
}

/// An `each` of another length than there are tasks.
fn check_each(readers: &mut Readers, source: &Source, point: Option<&(Vec<Op>, u64, Option<u32>)>) {
    let Some((_, tasks, _)) = point else { return };
    let swept = source
        .get("tasks")
        .is_some_and(|(item, _)| item.get_ref().is_array());
    for (length, span) in std::mem::take(&mut readers.cell.each) {
        let (message, help) = match swept {
            true => (
                "`each` gives every task its value, and the number of tasks is swept".to_owned(),
                "use one number of `tasks`, or a range such as \"10ms..50ms\"".to_owned(),
            ),
            false if length as u64 == *tasks => continue,
            false => (
                format!("`each` has {length} values, and there are {tasks} tasks"),
                format!("write tasks = {length}, or leave `tasks` out"),
            ),
        };
        readers.cell.problem(span, message, help);
    }
}

fn check_axes(reader: &mut Reader, axes: &[Axis]) {
    let span = |axis: Option<&Axis>| axis.map_or(0..0, |axis| axis.span.clone());
    if axes.len() > MOST_AXES {
        let names: Vec<String> = axes.iter().map(|axis| format!("`{}`", axis.key)).collect();
        reader.problem(
            span(axes.get(MOST_AXES)),
            format!("{} keys are swept: {}", axes.len(), names.join(", ")),
            "sweep at most two at the same time; give the others one value",
        );
    }
    let points = axes.iter().fold(1usize, |points, axis| {
        points.saturating_mul(axis.values.len())
    });
    if points > MOST_POINTS {
        reader.problem(
            span(axes.first()),
            format!("this sweep has {points} points, each with runs of every model"),
            format!("use at most {MOST_POINTS}; 5 to 10 show a curve"),
        );
    }
    if let [first, second] = axes
        && first.key == second.key
    {
        reader.problem(
            second.span.clone(),
            format!(
                "`{}` is swept in two places, which no table could tell apart",
                first.key
            ),
            "sweep one of them",
        );
    }
}

/// Every combination of the axes' values, the last one fastest.
fn choices(axes: &[Axis]) -> Vec<Vec<usize>> {
    let mut choices = vec![Vec::new()];
    for axis in axes {
        choices = choices
            .into_iter()
            .flat_map(|choice: Vec<usize>| {
                (0..axis.values.len()).map(move |index| [choice.clone(), vec![index]].concat())
            })
            .collect();
    }
    choices
}

fn read_series(readers: &mut Readers, source: &Source) -> Vec<Series> {
    let runtime = source.get("runtime").and_then(|(item, origin)| {
        let reader = readers.of(origin);
        match item.get_ref() {
            DeValue::String(name) => models::runtime_named(reader, item, name),
            DeValue::Array(list) => list.iter().find_map(|item| {
                let name = item.get_ref().as_str().unwrap_or("");
                models::runtime_named(reader, item, name)
            }),
            _ => reader.string("runtime", item).and(None),
        }
    });
    let runtime = runtime.unwrap_or(Runtime::Native);
    match source.get("models") {
        Some((item, origin)) => models::series(readers.of(origin), item, &runtime),
        None => DEFAULT_MODELS
            .iter()
            .map(|model| Series::plain(model, &runtime))
            .collect(),
    }
}

/// Keys with one value each.
struct Scalars {
    title: Option<String>,
    name: Option<String>,
    repeat: u32,
    warmup: u32,
    order: Order,
    seed: u64,
    trial_timeout_ns: u64,
    budget_ns: u64,
    memory_limit_bytes: Option<u64>,
    plots: Vec<String>,
    theme: Theme,
}

impl Scalars {
    fn read(readers: &mut Readers, source: &Source) -> Scalars {
        let mut number = |key: &str| {
            let setting = find(key)?;
            let (item, origin) = source.get(key)?;
            let reader = readers.of(origin);
            if key == "repeat" && item.get_ref().as_str() == Some("auto") {
                reader.problem(
                    item.span(),
                    "repeat = \"auto\" is not in this version of conclab yet",
                    "write a number, such as repeat = 10",
                );
                return None;
            }
            reader.number(key, setting.quantity, setting.range, item)
        };
        let repeat = number("repeat").unwrap_or(5) as u32;
        let warmup = number("warmup").unwrap_or(1) as u32;
        let seed = number("seed").unwrap_or(1);
        let trial_timeout_ns = number("trial_timeout").unwrap_or(30_000_000_000);
        let budget_ns = number("budget").unwrap_or(60_000_000_000);
        let memory_limit_bytes = number("memory_limit");
        let mut word = |key: &str| {
            let Some(Quantity::Word(words)) = find(key).map(|setting| setting.quantity) else {
                return None;
            };
            let (item, origin) = source.get(key)?;
            readers.of(origin).word(key, words, item)
        };
        let order = if word("order") == Some("blocked") {
            Order::Blocked
        } else {
            Order::Interleaved
        };
        let theme = match word("theme") {
            Some("light") => Theme::Light,
            Some("dark") => Theme::Dark,
            _ => Theme::Auto,
        };
        let mut string = |key: &str| {
            let (item, origin) = source.get(key)?;
            readers.of(origin).string(key, item)
        };
        let (title, name) = (string("title"), string("name"));
        if let Some((item, origin)) = source.get("name")
            && name.as_ref().is_some_and(|name| !is_word(name))
        {
            let word: String = name
                .iter()
                .flat_map(|name| name.chars())
                .map(|c| if is_word_part(c) { c } else { '-' })
                .collect();
            readers.of(origin).problem(
                item.span(),
                "`name` is one word, by which later cells call this experiment",
                format!("write name = \"{word}\", and put the rest into `title`"),
            );
        }
        let plots = source
            .get("plot")
            .map_or(Vec::new(), |(item, origin)| plots(readers.of(origin), item));
        Scalars {
            title,
            name,
            repeat,
            warmup,
            order,
            seed,
            trial_timeout_ns,
            budget_ns,
            memory_limit_bytes,
            plots,
            theme,
        }
    }
}

fn is_word_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_')
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(is_word_part)
}

fn plots(reader: &mut Reader, item: &Item) -> Vec<String> {
    let items: Vec<&Item> = match item.get_ref() {
        DeValue::Array(list) => list.iter().collect(),
        _ => vec![item],
    };
    let names: Vec<&'static str> = FIGURES.iter().map(|figure| figure.def.name).collect();
    items
        .into_iter()
        .filter_map(|item| reader.word("plot", &names, item))
        .map(str::to_owned)
        .collect()
}

/// "8 tasks: cpu 50ms, then http 50ms", from the cell's own text.
fn generated_title(text: &str, table: &DeTable, points: &[Point]) -> String {
    let Some(item) = table.get("task") else {
        return "Experiment".to_owned();
    };
    let steps = match item.get_ref() {
        DeValue::Array(list) => list.iter().map(|item| step_title(text, item)).collect(),
        _ => vec![step_title(text, item)],
    };
    let steps = steps.join(", then ");
    let tasks = points[0].program.tasks();
    let swept = points.iter().any(|point| point.program.tasks() != tasks);
    match tasks {
        _ if swept => steps,
        1 => format!("1 task: {steps}"),
        tasks => format!("{} tasks: {steps}", crate::units::format_count(tasks)),
    }
}

fn step_title(text: &str, item: &Item) -> String {
    let Some(table) = item.get_ref().as_table() else {
        return String::new();
    };
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| (crate::step::find(key.get_ref()).is_none(), key.span().start));
    let parts = entries.iter().map(|(key, value)| {
        let value: Span = value.span();
        let value = text
            .get(value)
            .unwrap_or("")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        format!("{} {}", key.get_ref(), value.replace('"', ""))
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// Every key with its value and where it came from.
fn settings(text: &str, source: &Source, defaults: &Defaults) -> Vec<Resolved> {
    let rows = KEYS
        .iter()
        .filter(|key| key.name != "title" && key.name != "name");
    rows.filter_map(|key| {
        let (value, from) = match source.get(key.name) {
            Some((item, Origin::Cell)) => (text.get(item.span())?.trim().to_owned(), Origin::Cell),
            Some(_) => (defaults.get(key.name)?.to_owned(), Origin::Defaults),
            None if key.default.is_empty() => return None,
            None => (key.default.to_owned(), Origin::BuiltIn),
        };
        Some(Resolved {
            key: key.name.to_owned(),
            value,
            from,
        })
    })
    .collect()
}
