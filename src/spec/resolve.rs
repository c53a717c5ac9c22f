//! Keys and defaults become an experiment.

use super::claims;
use super::layers::{Readers, Source, Texts};
use super::models;
use super::print::inline;
use super::reader::{Axis, Item, Reader};
use super::title;
use super::workload::{self, Workload};
use super::{Session, later};
use crate::catalog;
use crate::catalog::keys::{KEYS, find};
use crate::describe::{ModelDef, Quantity, nearest};
use crate::diagnostic::Diagnostic;
use crate::experiment::{CellSource, Experiment, Order, Origin, Point, Resolved, Series, Theme};
use crate::model::MODELS;
use crate::plot::{FIGURES, any_zoomable, zoomable_figures};
use crate::runtime::Runtime;
use std::borrow::Cow;
use toml::Spanned;
use toml::de::DeTable;

/// Most points of a sweep.
const MOST_POINTS: usize = 200;
/// Most keys that may be swept at the same time.
const MOST_AXES: usize = 2;
/// Most repeats of `repeat = "auto"`.
const MOST_AUTO: u32 = 50;
const DEFAULT_MODELS: [&str; 4] = ["sequential", "threads", "processes", "async"];

/// A model that takes this setting in its table.
fn model_with(setting: &str) -> Option<&'static str> {
    let takes = |def: &ModelDef| def.settings.iter().any(|own| own.name == setting);
    let mut defs = MODELS.iter().map(|model| model.def());
    defs.find(|def| takes(def)).map(|def| def.name)
}

/// Complaints about keys that don't exist, in a cell or in a cell of defaults.
pub fn unknown_keys(reader: &mut Reader, table: &DeTable) {
    let unknown = |(key, _): &(&Spanned<Cow<str>>, &Item)| find(key.get_ref()).is_none();
    let mut entries: Vec<_> = table.iter().filter(unknown).collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, item) in entries {
        if reader.is_full() {
            break;
        }
        let name = key.get_ref().as_ref();
        if later::KEYS.contains(&name) {
            reader.problem(
                key.span(),
                format!("`{name}` is not in this version of conclab yet"),
                "leave it out; `help = \"\"` lists the keys that there are",
            );
            continue;
        }
        let called = catalog::also_called(name).filter(|called| find(called).is_some());
        let help = match called.or_else(|| nearest(name, KEYS.iter().map(|key| key.name))) {
            Some(near) => format!("did you mean `{near}`?"),
            None if crate::model::find(name).is_some() => {
                format!("a model stands in the list of them: models = [\"sequential\", \"{name}\"]")
            }
            None if crate::step::find(name).is_some() => {
                format!(
                    "a step stands in the task: task = {{ {name} = {} }}",
                    reader.source(item)
                )
            }
            None => match model_with(name) {
                Some(model) => format!(
                    "it stands in a model's table: models = [{{ model = \"{model}\", {name} = {} }}]",
                    reader.source(item)
                ),
                None => "`help = \"\"` lists the keys that there are".to_owned(),
            },
        };
        reader.problem(key.span(), format!("there is no key `{name}`"), help);
    }
}

/// Reads every key of a cell that is an experiment.
pub fn experiment(
    text: &str,
    table: &Spanned<DeTable>,
    session: &Session,
) -> (Option<Experiment>, Vec<Diagnostic>) {
    let base = table
        .get_ref()
        .get("base")
        .and_then(|item| item.get_ref().as_str());
    let texts = Texts::new(session, base);
    let tables = texts.tables();
    let source = Source::new(text, table.get_ref(), &texts, &tables);
    let mut readers = source.readers(&[], &[]);
    unknown_keys(readers.cell(), table.get_ref());
    check_base(readers.cell(), table.get_ref(), session);
    workload::check_shape(&source, &mut readers);
    let scalars = Scalars::read(&mut readers, &source);
    let cases = workload::cases(&source, &mut readers);
    // Each case has its own sweeps beside those that all cases have.
    let (mut points, mut axes) = (Vec::new(), Vec::new());
    let mut problems = Vec::new();
    for case in &cases {
        let found = case_points(&source, case.as_deref(), scalars.seed);
        problems.extend(found.problems);
        points.extend(found.points);
        axes.extend(found.axes);
    }
    let uses_python = points
        .iter()
        .any(|point: &Point| point.program.uses_python());
    let by_default = match uses_python {
        true => Runtime::Python("python".to_owned()),
        false => Runtime::Native,
    };
    let series = read_series(&mut readers, &source, by_default);
    problems.extend(readers.problems());
    let mut reader = Reader::new(text, Vec::new());
    check_point_count(&mut reader, &points, &axes);
    check_x(&mut reader, &source, &axes);
    // A cell of defaults may set it for those that draw one.
    if let Some((item, 0)) = source.get("zoom").filter(|_| scalars.zoom) {
        check_zoom(&mut reader, item, &scalars.plots);
    }
    problems.extend(reader.problems);
    problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
    // What several cases have in common was read for each of them.
    problems.dedup();
    if !problems.is_empty() || points.is_empty() {
        return (None, problems);
    }
    let title = scalars.title.clone();
    let title = title.unwrap_or_else(|| title::generated(&source, &points));
    let mut experiment = Experiment {
        title,
        name: scalars.name,
        series,
        points,
        checks: Vec::new(),
        predictions: Vec::new(),
        repeat: scalars.repeat,
        repeat_auto: scalars.repeat_auto,
        warmup: scalars.warmup,
        order: scalars.order,
        seed: scalars.seed,
        trial_timeout_ns: scalars.trial_timeout_ns,
        budget_ns: scalars.budget_ns,
        memory_limit_bytes: scalars.memory_limit_bytes,
        switch_interval_ns: scalars.switch_interval_ns,
        compare_answers: scalars.compare_answers,
        plots: scalars.plots,
        x: scalars.x,
        theme: scalars.theme,
        zoom: scalars.zoom,
        save: scalars.save,
        settings: settings(&source),
        source: CellSource {
            texts: [text.to_owned()]
                .into_iter()
                .chain(texts.bases.iter().cloned())
                .collect(),
            defaults: texts.defaults.clone(),
        },
    };
    let mut readers = source.readers(&[], &[]);
    let [checks, predictions] = claims::KEYS.map(|key| {
        let found = source.get(key);
        found.map_or(Vec::new(), |(item, layer)| {
            claims::resolve(readers.of(layer), key, item, &experiment)
        })
    });
    experiment.checks = checks;
    experiment.predictions = predictions;
    let problems = readers.problems();
    (problems.is_empty().then_some(experiment), problems)
}

/// `base` names an experiment of this session.
fn check_base(reader: &mut Reader, table: &DeTable, session: &Session) {
    let Some(item) = table.get("base") else {
        return;
    };
    let Some(name) = reader.string("base", item) else {
        return;
    };
    if session.find(&name).is_some() {
        return;
    }
    let names: Vec<&str> = session
        .earlier
        .iter()
        .map(|earlier| earlier.name.as_str())
        .collect();
    let help = match nearest(&name, names.iter().copied()) {
        Some(near) => format!("did you mean base = \"{near}\"?"),
        None if names.is_empty() => "give an earlier cell a `name`, and run it first".to_owned(),
        None => format!("those that ran are {}", names.join(", ")),
    };
    reader.problem(
        item.span(),
        format!("no experiment called \"{name}\" has run in this session"),
        help,
    );
}

/// What was read of one case.
struct CasePoints {
    points: Vec<Point>,
    axes: Vec<Axis>,
    problems: Vec<Diagnostic>,
}

/// Every point of one case: first read for its problems and sweeps, then once for each choice.
fn case_points(source: &Source, case: Option<&str>, seed: u64) -> CasePoints {
    let mut readers = source.readers(&[], &[]);
    workload::read(source, &mut readers, case, seed);
    let (axes, counts) = (readers.axes(), readers.axis_counts());
    check_axes(readers.cell(), &axes);
    let problems = readers.problems();
    if !problems.is_empty() {
        return CasePoints {
            points: Vec::new(),
            axes,
            problems,
        };
    }
    let point = |choice: Vec<usize>| {
        let mut readers = source.readers(&counts, &choice);
        let Workload {
            program,
            workers,
            chunk,
        } = workload::read(source, &mut readers, case, seed)?;
        let at = axes
            .iter()
            .zip(&choice)
            .map(|(axis, index)| (axis.key.clone(), axis.values[*index].clone()));
        Some(Point {
            case: case.map(str::to_owned),
            at: at.collect(),
            program,
            workers,
            chunk,
        })
    };
    CasePoints {
        points: choices(&axes).into_iter().filter_map(point).collect(),
        axes,
        problems,
    }
}

/// Reads the values of a cell of defaults, for their problems.
pub fn check_defaults(text: &str, table: &DeTable) -> Vec<Diagnostic> {
    let source = Source::single(text, table);
    let mut readers = source.readers(&[], &[]);
    unknown_keys(readers.cell(), table);
    for (key, item) in table.iter() {
        if let name @ ("name" | "title" | "save" | "x") = key.get_ref().as_ref() {
            readers.cell().problem(
                item.span(),
                format!("`{name}` is of one experiment, and this cell has none"),
                "add a `task`, or leave it out: a cell without one sets defaults for the cells that follow",
            );
        }
    }
    workload::read(&source, &mut readers, None, 1);
    read_series(&mut readers, &source, Runtime::Native);
    Scalars::read(&mut readers, &source);
    readers.problems()
}

const FEWER_POINTS: &str = "use at most 200 in all; 5 to 10 show a curve";

fn too_many_points(points: usize) -> String {
    format!("this sweep has {points} points, each with runs of every model")
}

/// All cases together.
fn check_point_count(reader: &mut Reader, points: &[Point], axes: &[Axis]) {
    if points.len() > MOST_POINTS {
        let span = axes.first().map_or(0..0, |axis| axis.span.clone());
        reader.problem(span, too_many_points(points.len()), FEWER_POINTS);
    }
}

/// `x` names a swept key.
fn check_x(reader: &mut Reader, source: &Source, axes: &[Axis]) {
    let Some((item, 0)) = source.get("x") else {
        return;
    };
    let Some(x) = reader.string("x", item) else {
        return;
    };
    if axes.iter().any(|axis| axis.key == x) {
        return;
    }
    let mut keys: Vec<&str> = axes.iter().map(|axis| axis.key.as_str()).collect();
    keys.dedup();
    let help = match (nearest(&x, keys.iter().copied()), keys.as_slice()) {
        (Some(near), _) => format!("did you mean x = \"{near}\"?"),
        (None, []) => "sweep a key first, such as tasks = [2, 8, 32]".to_owned(),
        (None, keys) => format!("swept are {}", keys.join(", ")),
    };
    reader.problem(
        item.span(),
        format!("`x` names a swept key, and \"{x}\" is none"),
        help,
    );
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
        reader.problem(span(axes.first()), too_many_points(points), FEWER_POINTS);
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

/// `by_default`: the runtime of a cell that names none.
fn read_series(readers: &mut Readers, source: &Source, by_default: Runtime) -> Vec<Series> {
    let runtimes = match source.get("runtime") {
        Some((item, layer)) => models::runtimes(readers.of(layer), item),
        None => vec![by_default],
    };
    match source.get("models") {
        Some((item, layer)) => models::series(readers.of(layer), item, &runtimes),
        None => models::plain_series(&DEFAULT_MODELS, &runtimes),
    }
}

/// Keys with one value each.
struct Scalars {
    title: Option<String>,
    name: Option<String>,
    repeat: u32,
    repeat_auto: bool,
    warmup: u32,
    order: Order,
    seed: u64,
    trial_timeout_ns: u64,
    budget_ns: u64,
    memory_limit_bytes: Option<u64>,
    switch_interval_ns: Option<u64>,
    compare_answers: bool,
    plots: Vec<String>,
    x: Option<String>,
    theme: Theme,
    zoom: bool,
    save: Option<String>,
}

impl Scalars {
    fn read(readers: &mut Readers, source: &Source) -> Scalars {
        let auto = source
            .get("repeat")
            .is_some_and(|(item, _)| item.get_ref().as_str() == Some("auto"));
        let mut number = |key: &str| {
            if key == "repeat" && auto {
                return None;
            }
            let setting = find(key)?;
            let (item, layer) = source.get(key)?;
            readers
                .of(layer)
                .number(key, setting.quantity, setting.range, item)
        };
        let repeat = match auto {
            true => MOST_AUTO,
            false => number("repeat").unwrap_or(5) as u32,
        };
        let warmup = number("warmup").unwrap_or(1) as u32;
        let seed = number("seed").unwrap_or(1);
        let trial_timeout_ns = number("trial_timeout").unwrap_or(30_000_000_000);
        let budget_ns = number("budget").unwrap_or(60_000_000_000);
        let memory_limit_bytes = number("memory_limit");
        let switch_interval_ns = number("switch_interval");
        let mut word = |key: &str| {
            let Some(Quantity::Word(words)) = find(key).map(|setting| setting.quantity) else {
                return None;
            };
            let (item, layer) = source.get(key)?;
            readers.of(layer).word(key, words, item)
        };
        let compare_answers = word("answers") != Some("ignore");
        let order = if word("order") == Some("blocked") {
            Order::Blocked
        } else {
            Order::Interleaved
        };
        if let (true, Order::Blocked, Some((item, layer))) = (auto, order, source.get("repeat")) {
            readers.of(layer).problem(
                item.span(),
                "repeat = \"auto\" compares rows run by run, and a blocked order runs them one after the other",
                "leave `order` out, or write a number, such as repeat = 10",
            );
        }
        let theme = source
            .get("theme")
            .and_then(|(item, layer)| theme(readers.of(layer), item))
            .unwrap_or(Theme::Auto);
        let zoom = source
            .get("zoom")
            .and_then(|(item, layer)| readers.of(layer).flag("zoom", item))
            .unwrap_or(false);
        let mut string = |key: &str| {
            let (item, layer) = source.get(key)?;
            readers.of(layer).string(key, item)
        };
        let (title, name) = (string("title"), string("name"));
        let (x, save) = (string("x"), string("save"));
        if let Some((item, layer)) = source.get("save")
            && let Some(problem) = save.as_deref().and_then(save_problem)
        {
            readers.of(layer).problem(item.span(), problem, SAVE_HELP);
        }
        if let Some((item, layer)) = source.get("name")
            && name.as_ref().is_some_and(|name| !is_word(name))
        {
            let word: String = name
                .iter()
                .flat_map(|name| name.chars())
                .map(|c| if is_word_part(c) { c } else { '-' })
                .collect();
            readers.of(layer).problem(
                item.span(),
                "`name` is one word, by which later cells call this experiment",
                format!("write name = \"{word}\", and put the rest into `title`"),
            );
        }
        for key in claims::KEYS {
            if let Some((item, layer)) = source.get(key) {
                claims::check_alone(readers.of(layer), key, item);
            }
        }
        let plots = source
            .get("plot")
            .map_or(Vec::new(), |(item, layer)| plots(readers.of(layer), item));
        Scalars {
            title,
            name,
            repeat,
            repeat_auto: auto,
            warmup,
            order,
            seed,
            trial_timeout_ns,
            budget_ns,
            memory_limit_bytes,
            switch_interval_ns,
            compare_answers,
            plots,
            x,
            theme,
            zoom,
            save,
        }
    }
}

/// What is said of a file that can't be saved to.
pub const SAVE_HELP: &str = "write save = \"results.csv\" or save = \"results.json\", or \"trace.json\" for what \
                             each worker did";

/// Why an answer can't be saved under this name; `None` where it can.
pub fn save_problem(path: &str) -> Option<String> {
    let format = path.rsplit_once('.').map_or("", |(_, format)| format);
    (!matches!(format, "csv" | "json"))
        .then(|| format!("an answer is saved as .csv or .json, and \"{path}\" is neither"))
}

/// `zoom = true` is of a figure that has such a view.
pub fn check_zoom(reader: &mut Reader, item: &Item, plots: &[String]) {
    if any_zoomable(plots) {
        return;
    }
    let names = plots.iter().cloned();
    let names = names.chain(zoomable_figures().map(str::to_owned));
    let names: Vec<String> = names.map(|name| format!("{name:?}")).collect();
    reader.problem(
        item.span(),
        "`zoom` is a view of the figure `timeline`, which is not drawn here",
        format!("leave `zoom` out, or write plot = [{}]", names.join(", ")),
    );
}

/// The colours of `theme = "…"`.
pub fn theme(reader: &mut Reader, item: &Item) -> Option<Theme> {
    let Some(Quantity::Word(words)) = find("theme").map(|setting| setting.quantity) else {
        return None;
    };
    Some(match reader.word("theme", words, item)? {
        "light" => Theme::Light,
        "dark" => Theme::Dark,
        _ => Theme::Auto,
    })
}

fn is_word_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_')
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(is_word_part)
}

pub fn plots(reader: &mut Reader, item: &Item) -> Vec<String> {
    let items = models::one_or_many(item);
    let names: Vec<&'static str> = FIGURES.iter().map(|figure| figure.def.name).collect();
    let mut plots = Vec::new();
    for item in items {
        if reader.is_full() {
            break;
        }
        plots.extend(reader.word("plot", &names, item).map(str::to_owned));
    }
    plots
}

/// Every key with its value and where it came from.
fn settings(source: &Source) -> Vec<Resolved> {
    // The groups of a mix have their own `tasks`.
    let idle = |name: &str| name == "tasks" && source.get("mix").is_some();
    let rows = KEYS
        .iter()
        .filter(|key| key.name != "title" && key.name != "name" && !idle(key.name));
    rows.filter_map(|key| {
        let (value, from) = match source.get(key.name) {
            Some((item, layer)) => (inline(source.layer_text(layer), item), source.origin(layer)),
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
