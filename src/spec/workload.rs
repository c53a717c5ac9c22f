//! What runs at one point: a `task`, a `mix` of tasks, or one of several `cases`.
//!
//! [`read`] reads a workload for one choice of every swept value. To add a shape: its function here and a
//! word in `layers::WORKLOADS`.

use super::layers::{LayerId, Readers, Source};
use super::models;
use super::reader::{Item, Reader};
use super::task;
use crate::catalog::keys::{MIX_KEYS, find};
use crate::describe::{Quantity, nearest};
use crate::program::{Code, Group, Op, Program};
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

/// Tasks of a cell that says nothing about their number.
const DEFAULT_TASKS: u64 = 8;
/// Most cases.
const MOST_CASES: usize = 200;
/// Most groups of a mix.
const MOST_GROUPS: usize = 16;

/// What differs from point to point.
pub struct Workload {
    /// What runs.
    pub program: Program,
    /// Size of the pools, where the cell says it.
    pub workers: Option<u32>,
    /// Tasks a message of a process pool, where the cell says it.
    pub chunk: Option<u64>,
}

/// Names of the cases in the order of the text; one nameless where the cell has none.
pub fn cases(source: &Source, readers: &mut Readers) -> Vec<Option<String>> {
    let Some((item, layer)) = source.get("cases") else {
        return vec![None];
    };
    let reader = readers.of(layer);
    let Some(table) = item.get_ref().as_table().filter(|table| !table.is_empty()) else {
        reader.problem(
            item.span(),
            "`cases` are named tasks",
            "write cases.\"CPU-bound\" = { cpu = \"50ms\" } and cases.\"I/O-bound\" = { http = \"50ms\" }, \
             for example",
        );
        return Vec::new();
    };
    if table.len() > MOST_CASES {
        reader.problem(
            item.span(),
            format!(
                "this cell has {} cases, each with runs of every model",
                table.len()
            ),
            format!("use at most {MOST_CASES}; a few are easier to compare"),
        );
        return Vec::new();
    }
    let mut cases: Vec<_> = table.iter().collect();
    cases.sort_by_key(|(key, _)| key.span().start);
    // TOML's one trap: everything below a header belongs to it.
    let below_header = reader.source(item).starts_with('[');
    let mut trapped = false;
    for (key, item) in &cases {
        let name = key.get_ref();
        let is_task = match item.get_ref() {
            DeValue::Table(_) => true,
            DeValue::Array(steps) => steps.iter().all(|step| step.get_ref().is_table()),
            _ => false,
        };
        if find(name).is_none() || is_task || reader.is_full() {
            continue;
        }
        trapped = true;
        let (place, remedy) = match below_header {
            true => ("stands below [cases]", "above [cases]"),
            false => ("stands among the cases", "at the top of the cell"),
        };
        reader.problem(
            key.span(),
            format!("`{name}` {place}, so it would be the name of a case"),
            format!("put `{name}` {remedy}, or call the case otherwise"),
        );
    }
    if trapped {
        return Vec::new();
    }
    cases
        .into_iter()
        .map(|(key, _)| Some(key.get_ref().to_string()))
        .collect()
}

/// Complains where a layer says in two ways what runs.
pub fn check_shape(source: &Source, readers: &mut Readers) {
    let shapes: Vec<(&str, &Item, LayerId)> = super::layers::WORKLOADS
        .iter()
        .filter_map(|key| {
            let (item, layer) = source.get(key)?;
            Some((*key, item, layer))
        })
        .collect();
    if let [(first, ..), (second, item, layer), ..] = shapes.as_slice() {
        readers.of(*layer).problem(
            item.span(),
            format!("`{first}` and `{second}` both say what runs"),
            "keep one: `task` for tasks that do the same, `cases` for several workloads one after the \
             other, `mix` for different tasks at the same time",
        );
    }
}

/// Reads what runs in one case, with a problem for each mistake; `None` where it can't be run.
pub fn read(
    source: &Source,
    readers: &mut Readers,
    case: Option<&str>,
    seed: u64,
) -> Option<Workload> {
    let range = |key: &str| find(key).map_or((0, u64::MAX), |key| key.range);
    let count = |readers: &mut Readers, key: &str| {
        let (item, layer) = source.get(key)?;
        if key == "tasks" && !tasks_is_a_number(readers.of(layer), item) {
            return None;
        }
        readers.of(layer).number_or_sweep(key, range(key), item)
    };
    let mut limited = source
        .get("models")
        .map_or_else(Vec::new, |(item, _)| models::limited(item));
    if let Some((item, _)) = source.get("limits") {
        limited.extend(models::limited_verbs(item));
    }
    readers.limit(&limited);
    let mut groups = match source.get("mix") {
        Some((item, layer)) => {
            if let Some((item, 0)) = source.get("tasks") {
                readers.cell().problem(
                    item.span(),
                    "each group of a `mix` has its own `tasks`",
                    "write { name = \"hog\", task = { cpu = \"500ms\" }, tasks = 2 } inside the mix",
                );
            }
            mix(readers, item, layer)
        }
        None => {
            let item = source.get("task").or_else(|| {
                let (cases, layer) = source.get("cases")?;
                Some((cases.get_ref().as_table()?.get(case?)?, layer))
            });
            let ops = item
                .map(|(item, layer)| task::ops(readers.of(layer), item, 0))
                .unwrap_or_default();
            let tasks = count(readers, "tasks");
            let swept = source
                .get("tasks")
                .is_some_and(|(item, _)| item.get_ref().is_array());
            let tasks = check_each(readers, tasks, swept);
            vec![Group {
                name: String::new(),
                tasks,
                ops,
            }]
        }
    };
    let limits = source
        .get("limits")
        .map_or_else(BTreeMap::new, |(item, layer)| {
            let limits = models::limits(readers.of(layer), item, true);
            if layer == 0 && case.is_none() {
                check_limited(readers.cell(), item, &limits, &groups);
            }
            limits
        });
    let workers = count(readers, "workers").and_then(|workers| u32::try_from(workers).ok());
    let chunk = count(readers, "chunk");
    let mut size = |key: &str| {
        let (item, layer) = source.get(key)?;
        let reader = readers.of(layer);
        reader.value(key, Quantity::Size, range(key), item)
    };
    let (argument, result) = (size("argument"), size("result"));
    let tasks: u64 = groups.iter().map(|group| group.tasks).max().unwrap_or(0);
    for (layer, length, span) in readers.take_each() {
        if groups.len() > 1 {
            readers.of(layer).problem(
                span,
                "`each` gives every task of one group its value, and a mix has several groups",
                "write one value for all tasks, or a range such as \"1KiB..64KiB\"",
            );
        } else if groups.len() == 1 && length as u64 != tasks {
            readers.of(layer).problem(
                span,
                format!("`each` has {length} values, and there are {tasks} tasks"),
                "give as many values as there are tasks",
            );
        }
    }
    name_modules(&mut groups);
    let whole = !groups.is_empty() && groups.iter().all(|group| !group.ops.is_empty());
    whole.then_some(Workload {
        program: Program {
            groups,
            seed,
            limits,
            argument,
            result,
        },
        workers,
        chunk,
    })
}

/// Gives each text of Python a module's name: `cell`, `cell_2`, …; the same text has the same.
fn name_modules(groups: &mut [Group]) {
    let mut known: Vec<Code> = Vec::new();
    for op in groups.iter_mut().flat_map(|group| &mut group.ops) {
        op.walk_mut(&mut |op| {
            let Op::Python { code } = op else { return };
            let place = known.iter().position(|known| known == code);
            let number = place.unwrap_or(known.len());
            if place.is_none() {
                known.push(code.clone());
            }
            if let Code::Text { module, line, .. } = code {
                // One file has one beginning.
                if let Code::Text { line: first, .. } = known[number] {
                    *line = first;
                }
                *module = match number {
                    0 => "cell".to_owned(),
                    number => format!("cell_{}", number + 1),
                };
            }
        });
    }
}

/// Complains about limits of steps that no task has.
fn check_limited(
    reader: &mut Reader,
    item: &Item,
    limits: &BTreeMap<String, u64>,
    groups: &[Group],
) {
    let mut used: Vec<String> = Vec::new();
    for op in groups.iter().flat_map(|group| &group.ops) {
        op.walk(1, &mut |op, _| {
            if let Op::Group {
                permit: Some(verb), ..
            } = op
            {
                used.push(verb.clone());
            }
        });
    }
    let any = groups.iter().any(|group| !group.ops.is_empty());
    for verb in limits.keys().filter(|verb| any && !used.contains(verb)) {
        reader.problem(
            item.span(),
            format!("`{verb}` is limited, and no step here is `{verb}`"),
            "leave the limit out, or limit a step that the task has",
        );
    }
}

/// Whether `tasks` is what it should be; the steps of a task are a common slip.
fn tasks_is_a_number(reader: &mut Reader, item: &Item) -> bool {
    if !item.get_ref().is_table() {
        return true;
    }
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
    false
}

/// The number of tasks: as the cell says, or as long as its `each`, or the default. Lists of another
/// length are problems.
fn check_each(readers: &mut Readers, tasks: Option<u64>, swept: bool) -> u64 {
    let lists = readers.take_each();
    // The shortest list decides; others get a complaint.
    let shortest = lists.iter().map(|(_, length, _)| *length as u64).min();
    let tasks = tasks.or(shortest).unwrap_or(DEFAULT_TASKS);
    for (layer, length, span) in lists {
        let (message, help) = match swept {
            true => (
                "`each` gives every task its value, and the number of tasks is swept".to_owned(),
                "use one number of `tasks`, or a range such as \"10ms..50ms\"".to_owned(),
            ),
            false if length as u64 == tasks => continue,
            false => (
                format!("`each` has {length} values, and there are {tasks} tasks"),
                format!("write tasks = {length}, or leave `tasks` out"),
            ),
        };
        readers.of(layer).problem(span, message, help);
    }
    tasks
}

/// The groups of `mix = [{ name, task, tasks }, …]`.
fn mix(readers: &mut Readers, item: &Item, layer: LayerId) -> Vec<Group> {
    const EXAMPLE: &str = "mix = [{ name = \"hog\", task = { cpu = \"500ms\" } }, { name = \"I/O\", task = { sleep = \"1ms\" } }]";
    let list = item.get_ref().as_array();
    let Some(list) = list.filter(|list| !list.is_empty() && list.len() <= MOST_GROUPS) else {
        let (message, help) = match list.map_or(0, |list| list.len()) {
            0 => (
                "`mix` is a list of groups of tasks".to_owned(),
                format!("write {EXAMPLE}, for example"),
            ),
            groups => (
                format!("this mix has {groups} groups"),
                format!("use at most {MOST_GROUPS}, each with as many `tasks` as you like"),
            ),
        };
        readers.of(layer).problem(item.span(), message, help);
        return Vec::new();
    };
    let mut groups: Vec<Group> = Vec::new();
    for item in list.iter() {
        let Some(table) = item.get_ref().as_table() else {
            readers.of(layer).problem(
                item.span(),
                "a group of a mix is a table",
                "write { name = \"hog\", task = { cpu = \"500ms\" }, tasks = 1 }, for example",
            );
            continue;
        };
        let Some(group) = group(readers, item, table, layer) else {
            continue;
        };
        if groups.iter().any(|other| other.name == group.name) {
            readers.of(layer).problem(
                item.span(),
                format!("two groups are called \"{}\"", group.name),
                "give each group a name of its own",
            );
        }
        groups.push(group);
    }
    groups
}

fn group(readers: &mut Readers, item: &Item, table: &DeTable, layer: LayerId) -> Option<Group> {
    let reader = readers.of(layer);
    for (key, _) in table.iter() {
        let name = key.get_ref().as_ref();
        if reader.is_full() {
            break;
        }
        if MIX_KEYS.iter().any(|known| known.name == name) {
            continue;
        }
        let names = MIX_KEYS.iter().map(|key| key.name);
        let help = match nearest(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None if crate::step::find(name).is_some() => {
                format!("a step stands in the group's task: task = {{ {name} = … }}")
            }
            None => "a group has a `name`, a `task` and `tasks`".to_owned(),
        };
        reader.problem(
            key.span(),
            format!("a group of a mix has no key `{name}`"),
            help,
        );
    }
    let name = table
        .get("name")
        .and_then(|item| reader.string("name", item));
    if !table.contains_key("name") {
        reader.problem(
            item.span(),
            "this group has no name",
            "add name = \"I/O\", for example: its rows and figures are called by it",
        );
    }
    let Some(task) = table.get("task") else {
        reader.problem(
            item.span(),
            "this group doesn't say what its tasks do",
            "add task = { cpu = \"50ms\" }, for example",
        );
        return None;
    };
    let ops: Vec<Op> = task::ops(reader, task, 0);
    let range = find("tasks").map_or((1, u64::MAX), |key| key.range);
    let given = table
        .get("tasks")
        .and_then(|item| reader.number_or_sweep("tasks", range, item));
    let swept = table
        .get("tasks")
        .is_some_and(|item| matches!(item.get_ref(), DeValue::Array(_)));
    let has_each = !readers.of(layer).each.is_empty();
    // Without a word about it a group is one task, or as many as its `each` has values.
    let tasks = check_each(readers, given.or((!has_each).then_some(1)), swept);
    Some(Group {
        name: name?,
        tasks,
        ops,
    })
}
