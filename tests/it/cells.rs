//! What the cell language answers to wrong cells, and what it makes of right ones.
//!
//! A wrong cell carries its expectation: below a faulty line stands a comment with carets under the
//! fault, a part of the message and, behind `|`, a part of the help. All problems must be named, and no
//! others. Cells are indented, so that a caret can stand under a line's first character.

use conclab::diagnostic::{line_column, render};
use conclab::experiment::{At, Experiment};
use conclab::program::{Op, Value};
use conclab::spec::{Cell, Defaults, Earlier, Session, read};

/// Line, column, length, part of the message, part of the help.
type Expected = (usize, usize, usize, String, String);

fn expected(cell: &str) -> Vec<Expected> {
    let mut found = Vec::new();
    let mut fault_line = 0;
    for (number, line) in cell.lines().enumerate() {
        let comment = line.trim_start().strip_prefix('#');
        let Some(text) = comment.filter(|text| text.trim_start().starts_with('^')) else {
            fault_line = number + 1;
            continue;
        };
        let start = line.find('^').unwrap();
        let length = line[start..].chars().take_while(|c| *c == '^').count();
        let (message, help) = text
            .trim_start()
            .trim_start_matches('^')
            .split_once('|')
            .unwrap_or((text, ""));
        let message = message.trim_start_matches([' ', '^']).trim().to_owned();
        found.push((
            fault_line,
            start + 1,
            length,
            message,
            help.trim().to_owned(),
        ));
    }
    found
}

/// Reads a cell and compares its problems with what its comments say.
fn check_in(session: &Session, cell: &str) {
    let (read, problems) = read(cell, session);
    let shown = render(cell, &problems);
    let expected = expected(cell);
    assert_eq!(problems.len(), expected.len(), "{cell}\n---\n{shown}");
    for (problem, (line, column, length, message, help)) in problems.iter().zip(expected) {
        let at = line_column(cell, problem.span.start);
        let fault = cell[problem.span.clone()]
            .lines()
            .next()
            .unwrap_or("")
            .chars()
            .count();
        assert_eq!(
            (at, fault),
            ((line, column), length),
            "{cell}\n---\n{shown}"
        );
        assert!(
            problem.message.contains(&message),
            "{message:?} is not in\n{shown}"
        );
        assert!(problem.help.contains(&help), "{help:?} is not in\n{shown}");
        assert!(!problem.help.is_empty(), "no remedy:\n{shown}");
    }
    assert_eq!(read.is_none(), !problems.is_empty());
}

fn check(cell: &str) {
    check_in(&Session::default(), cell);
}

fn experiment(cell: &str) -> Experiment {
    experiment_in(&Session::default(), cell)
}

fn experiment_in(session: &Session, cell: &str) -> Experiment {
    match read(cell, session) {
        (Some(Cell::Experiment(experiment)), _) => *experiment,
        (_, problems) => panic!("{cell}\n---\n{}", render(cell, &problems)),
    }
}

#[test]
fn slips_of_the_pen_are_told_the_nearest_word() {
    check(
        r##"
  task  = { cpu = "1ms" }
  modles = ["threads"]
# ^^^^^^ there is no key `modles` | did you mean `models`?
  models = ["thraeds", "multiprocessing", "banana"]
#           ^^^^^^^^^ there is no model `thraeds` | did you mean "threads"?
#                      ^^^^^^^^^^^^^^^^^ there is no model | did you mean "processes"?
#                                         ^^^^^^^^ there is no model `banana` | the models are sequential,
  order = "interleved"
#         ^^^^^^^^^^^^ `order` is "interleaved" or "blocked" | did you mean order = "interleaved"?
"##,
    );
}

#[test]
fn a_bare_number_is_proposed_a_unit_and_a_unit_its_right_name() {
    check(
        r##"
  task = [{ sleep = 20 }, { sleep = "20 sec" }, { write = "1ms" }, { cpu = "fast" }]
#                   ^^ 20 has no unit | write "20ms"
#                                   ^^^^^^^^ `sec` is no unit of time | write "20s"
#                                                         ^^^^^ is a time | a size
#                                                                          ^^^^^^ is none | a number and its unit
  budget = 60
#          ^^ has no unit | write "60s"
"##,
    );
}

#[test]
fn small_numbers_and_fractions_may_be_seconds() {
    check(
        r##"
  task = [{ sleep = 1.5 }, { sleep = 2 }, { sleep = 0x20 }]
#                   ^^^ 1.5 has no unit | write "1.5s" or "1.5ms"
#                                    ^ 2 has no unit | write "2s" or "2ms"
#                                                   ^^^^ has no unit | write "32ms", or
"##,
    );
}

#[test]
fn what_is_out_of_range_is_told_the_limit_and_asked_for_a_zero_only_where_it_has_one() {
    check(
        r##"
  task   = { cpu = "3h" }
#                  ^^^^ `cpu` can be at most "1h" | write cpu = "1h" or less: a run is stopped at `trial_timeout`
  repeat = 5_000
#          ^^^^^ `repeat` can be at most 1,000 | write repeat = 1_000 or less; is that a zero too many?
  seed   = -9223372036854775808
#          ^^^^^^^^^^^^^^^^^^^^ `seed` can't be negative | write seed = 0 or more
  warmup = -3
#          ^^ `warmup` can't be negative | write warmup = 3
  budget = -inf
#          ^^^^ `budget` takes a time, and -inf is none | write budget = "30s"
  tasks  = inf
#          ^^^ `tasks` takes a whole number, and inf is none | write tasks = 8
"##,
    );
    check(
        r##"
  task = { count = 5 }
  seed = 99_999_999_999_999_999_999
#        ^^^^^^^^^^^^^^^^^^^^^^^^^^ more than a computer can count | write seed = 9_223_372_036_854_775_807 or less
  warmup = 1e30
#          ^^^^ takes a whole number | write 1_000
"##,
    );
}

#[test]
fn text_that_is_python_is_answered_with_the_same_in_toml() {
    check(
        r##"
  import time
# ^^^^^^^^^^^ this is Python | task = { sleep = "0.5s" }
  def task(i):
      time.sleep(0.5)
  for i in range(5):
      task(i)
"##,
    );
    check(
        r##"
  title = "A mistake"
  for i in range(5):
# ^^^^^^^^^^^^^^^^^^ this is Python | tasks = 5
  tasks = 0
"##,
    );
    check(
        r##"
  task   = time.sleep(1)
#          ^^^^^^^^^^^^^ this is Python; a cell says what a task does in TOML | write task = { sleep = "1s" }
  order  = "interleved"
#          ^^^^^^^^^^^^ `order` is | did you mean
"##,
    );
    check(
        r##"
  task = sleep("10ms")
#        ^^^^^^^^^^^^^ this is Python | write task = { sleep = "10ms" }
  tasks = range(5)
#         ^^^^^^^^ this is Python | `tasks` takes a whole number from 1
"##,
    );
    check(
        r##"
  task = {'cpu': "1ms"}
#              ^ joined by `=` | write cpu = "1ms"
"##,
    );
}

#[test]
fn words_without_quotes_are_told_what_their_key_takes() {
    check(
        r##"
  task   = { write = "1KiB", sync = True }
#                                   ^^^^ `True` is a word of another language | write true
  repeat = True
#          ^^^^ `True` is a word of another language | `repeat` takes a whole number from 1 to 1,000: write repeat = 10
  order  = blockd
#          ^^^^^^ needs quotes | write "blocked"
"##,
    );
    check(
        r##"
  task   = { sleep = 10ms }
#                    ^^^^ `10ms` needs quotes, as all values with a unit | write "10ms"
"##,
    );
}

#[test]
fn what_is_not_closed_is_shown_where_it_opens() {
    check(
        r##"
  models = ["threads", "async"
#          ^ this `[` is not closed | put a ]
  tasks = 8
  task = { cpu = "1ms" }
"##,
    );
    let deep = format!(
        "task = {}{{ cpu = \"1ms\" }}{}",
        "{ do = [".repeat(60),
        "] }".repeat(60)
    );
    let (_, problems) = read(&deep, &Session::default());
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].message.contains("too deep"), "{problems:?}");
    assert!(problems[0].help.contains("`do`"), "{problems:?}");
}

#[test]
fn words_of_elsewhere_are_known_as_keys() {
    check(
        r##"
  task    = { cpu = "1ms" }
  timeout = 3
# ^^^^^^^ there is no key `timeout` | did you mean `trial_timeout`?
  threads = 8
# ^^^^^^^ there is no key `threads` | models = ["sequential", "threads"]
"##,
    );
}

#[test]
fn rows_of_one_model_are_told_apart_by_their_settings() {
    let labels = |models: &str| -> Vec<String> {
        let experiment = experiment(&format!("task = {{ count = 5 }}\nmodels = {models}"));
        experiment
            .series
            .into_iter()
            .map(|series| series.label)
            .collect()
    };
    assert_eq!(
        labels(
            r#"[{ model = "thread-pool", workers = 1 }, { model = "thread-pool", workers = 8 }, "thread-pool", "async"]"#
        ),
        [
            "thread-pool (1 worker)",
            "thread-pool (8 workers)",
            "thread-pool",
            "async"
        ]
    );
    assert_eq!(
        labels(
            r#"[{ model = "process-pool", workers = 2, chunk = 1 }, { model = "process-pool", workers = 2, chunk = 1_000 },
                { model = "process-pool", workers = 2, label = "mine" }]"#
        ),
        [
            "process-pool (chunks of 1)",
            "process-pool (chunks of 1,000)",
            "mine"
        ]
    );
    assert_eq!(
        labels(
            r#"["hybrid", { model = "hybrid", pool = "processes" }, { model = "hybrid", limits = { count = 3 } }]"#
        ),
        [
            "hybrid",
            "hybrid (pool of processes)",
            "hybrid (count at most 3)"
        ]
    );
    check(
        r##"
  task   = { count = 5 }
  models = [{ model = "thread-pool", workers = 2 }, { model = "thread-pool", workers = 2 }]
#                                                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ two rows would be called `thread-pool` | leave one out, or give it a setting or a name
"##,
    );
}

#[test]
fn titles_say_how_values_differ() {
    for (task, title) in [
        (
            r#"{ cpu = { sweep = ["1ms", "10ms", "100ms"] } }"#,
            "8 tasks: cpu 1ms to 100ms",
        ),
        (
            "{ primes = { sweep = [1_000, 10_000, 30000] } }",
            "8 tasks: primes 1,000 to 30,000",
        ),
        (
            r#"{ cpu = { sweep = ["1ms", "10ms"] } }"#,
            "8 tasks: cpu 1ms / 10ms",
        ),
        (
            r#"{ sync = { sweep = ["none", "mutex"] }, add = 1 }"#,
            "8 tasks: add 1, sync none / mutex",
        ),
        (
            r#"{ sleep = { each = ["1ms", "2ms", "3ms"] } }"#,
            "3 tasks: sleep 1ms to 3ms (one each)",
        ),
        (
            r#"{ sleep = "1ms..5ms" }"#,
            "8 tasks: sleep 1ms to 5ms at random",
        ),
        (
            "{ sum_squares = { total = 1_000_000 } }",
            "8 tasks: sum_squares 1,000,000 shared over all tasks",
        ),
        (
            r#"[{ do = [{ sleep = "1ms" }, { count = 1000 }], times = 20 }, { run = ["true", "x"] }]"#,
            "8 tasks: (sleep 1ms, then count 1,000), times 20, then run true x",
        ),
        (
            r#"{ http = "http://127.0.0.1/a..b" }"#,
            "8 tasks: http http://127.0.0.1/a..b",
        ),
    ] {
        assert_eq!(experiment(&format!("task = {task}")).title, title, "{task}");
    }
}

#[test]
fn a_bare_list_in_a_step_asks_each_or_sweep() {
    check(
        r##"
  task = { sleep = ["1ms", "2ms"] }
#                  ^^^^^^^^^^^^^^ takes one value, and this is a list | { sleep = { each = ["1ms", "2ms"] } }
"##,
    );
    check(
        r##"
  task = [{ cpu = [20, 30] }, { count = ["1", 2] }, { write = [] }]
#                 ^^^^^^^^ this is a list | { cpu = { each = ["20ms", "30ms"] } }
#                                       ^^^^^^^^ this is a list | { count = { sweep = [1, 2] } }
#                                                             ^^ this is a list | { write = { each = ["10KiB", "20KiB"] } }
"##,
    );
}

#[test]
fn two_verbs_are_a_list_of_steps() {
    check(
        r##"
  task = { http = "50ms", cpu = "20ms" }
#        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the verbs `http` and `cpu` | [{ http = "50ms" }, { cpu = "20ms" }]
"##,
    );
}

#[test]
fn tasks_says_how_many_and_not_what() {
    check(
        r##"
  task  = { cpu = "1ms" }
  tasks = { primes = 1000 }
#         ^^^^^^^^^^^^^^^^^ `tasks` is how many | write task = { primes = 1000 }
"##,
    );
}

#[test]
fn a_key_below_a_header_is_sent_to_the_top() {
    check(
        r##"
  [task]
  cpu = "1ms"
  models = ["threads"]
# ^^^^^^ stands below [task] | `models` belongs at the top of the cell, above [task]
"##,
    );
}

#[test]
fn what_is_neither_a_time_nor_a_url_is_neither() {
    check(
        r##"
  task = { http = "fast" }
#                 ^^^^^^ neither
"##,
    );
    check(
        r##"
  task = { http = "10x" }
#                 ^^^^^ `x` is no unit of time | "10ms"
"##,
    );
}

#[test]
fn syntax_errors_and_the_rest_are_told_together() {
    check(
        r##"
  task   = { cpu = "1ms" }
  models = [threads]
#           ^^^^^^^ | write "threads"
  tasks  = 0
#          ^ `tasks` must be at least 1
"##,
    );
}

#[test]
fn keys_below_a_header_of_cases_are_told_where_they_belong() {
    check(
        r##"
  [cases]
  "CPU-bound" = { cpu = "1ms" }
  tasks  = 4
# ^^^^^ `tasks` stands below [cases] | put `tasks` above [cases]
  models = ["threads"]
# ^^^^^^ `models` stands below [cases] | put `models` above [cases]
  mix    = [{ cpu = "1ms" }, { sleep = "1ms" }]
"##,
    );
}

#[test]
fn a_series_alone_is_no_measure() {
    check(
        r##"
  task  = { cpu = "1ms" }
  check = ["threads < sequential"]
#           ^^^^^^^ alone can't be measured | wall(threads)
"##,
    );
}

#[test]
fn several_ways_to_say_what_runs_are_one_too_many() {
    check(
        r##"
  task  = { cpu = "1ms" }
  cases.a = { cpu = "1ms" }
# ^^^^^ `task` and `cases` both say what runs | keep one
"##,
    );
}

#[test]
fn cases_are_points_of_their_own_with_their_own_sweeps() {
    let experiment = experiment(
        r##"
  cases."CPU-bound" = { count = { sweep = [10, 20] } }
  cases.waiting     = [{ sleep = "1ms" }, { sleep = "2ms" }]
  tasks  = [2, 4]
  models = ["sequential", "threads"]
"##,
    );
    let points: Vec<(&str, usize)> = experiment
        .points
        .iter()
        .map(|point| (point.case.as_deref().unwrap(), point.at.len()))
        .collect();
    assert_eq!(
        points,
        [("CPU-bound", 2); 4]
            .into_iter()
            .chain([("waiting", 1); 2])
            .collect::<Vec<_>>()
    );
    assert_eq!(experiment.title, "CPU-bound, waiting");
    check(
        r##"
  cases.a = { cpu = "1ms" }
  cases.b = { cup = "1ms" }
#             ^^^ there is no step `cup` | did you mean `cpu`?
  tasks = "many"
#         ^^^^^^ `tasks` takes a whole number
"##,
    );
    check(
        r##"
  cases = { cpu = "1ms" }
#                 ^^^^^ a step is a table, and this is text | write
"##,
    );
}

#[test]
fn a_mix_has_groups_with_their_own_tasks() {
    let experiment = experiment(
        r##"
  mix = [{ name = "hog", task = { count = 5 } },
         { name = "I/O", task = { sleep = { each = ["1ms", "2ms", "3ms"] } } }]
"##,
    );
    let program = &experiment.points[0].program;
    let groups: Vec<(&str, u64)> = program
        .groups
        .iter()
        .map(|g| (g.name.as_str(), g.tasks))
        .collect();
    assert_eq!(groups, [("hog", 1), ("I/O", 3)]);
    assert_eq!(experiment.title, "hog beside I/O");
    check(
        r##"
  mix = [{ task = { cpu = "1ms" } }, { name = "b", cpu = "1ms", tasks = 0 }]
#        ^^^^^^^^^^^^^^^^^^^^^^^^^^ this group has no name | add name =
#                                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ doesn't say what its tasks do | add task
#                                                  ^^^ a group of a mix has no key `cpu` | task = { cpu
  tasks = 8
#         ^ each group of a `mix` has its own `tasks`
"##,
    );
    check(
        r##"
  mix = "both"
#       ^^^^^^ `mix` is a list of groups
"##,
    );
}

#[test]
fn each_must_be_as_long_as_there_are_tasks() {
    check(
        r##"
  task  = { sleep = { each = ["1ms", "2ms"] } }
#                            ^^^^^^^^^^^^^^ `each` has 2 values, and there are 3 tasks | write tasks = 2
  tasks = 3
"##,
    );
    let experiment = experiment("task = { sleep = { each = [\"1ms\", \"2ms\"] } }");
    assert_eq!(experiment.points[0].program.tasks(), 2);
}

#[test]
fn sweeps_multiply_and_x_names_one_of_them() {
    let experiment = experiment(
        r##"
  task    = { primes = { sweep = [1000, 2000, 3000] } }
  workers = [1, 2]
  x       = "primes"
"##,
    );
    assert_eq!(experiment.points.len(), 6);
    assert_eq!(experiment.x.as_deref(), Some("primes"));
    let last = experiment.points.last().unwrap();
    assert_eq!(
        last.at,
        [
            ("primes".to_owned(), At::Count(3000)),
            ("workers".to_owned(), At::Count(2))
        ]
    );
    assert_eq!(last.workers, Some(2));
    check(
        r##"
  task    = { primes = { sweep = [1000, 2000] } }
  tasks   = [1, 2]
  workers = [1, 2]
#           ^^^^^^ 3 keys are swept: `primes`, `tasks`, `workers` | at most two
"##,
    );
    check(
        r##"
  task  = { primes = { sweep = [1000, 2000] } }
  x     = "prime"
#         ^^^^^^^ `x` names a swept key | did you mean x = "primes"?
"##,
    );
}

#[test]
fn argument_and_result_are_sizes_that_can_be_divided() {
    let experiment = experiment(
        r##"
  task     = { sum_squares = { total = 1_000_000 } }
  argument = { total = "8MB" }
  result   = "4KiB"
  tasks    = [2, 8]
  chunk    = 3
"##,
    );
    let point = &experiment.points[1];
    assert_eq!(point.program.argument, Some(Value::Total(8_000_000)));
    assert_eq!(point.program.result, Some(Value::Const(4096)));
    assert_eq!(point.chunk, Some(3));
    let [Op::Compute { size, .. }] = point.program.groups[0].ops.as_slice() else {
        panic!("{:?}", point.program);
    };
    assert_eq!(*size, Value::Total(1_000_000));
}

#[test]
fn a_base_gives_what_the_cell_leaves_out() {
    let earlier = |name: &str, texts: &[&str]| Earlier {
        name: name.to_owned(),
        texts: texts.iter().map(|text| (*text).to_owned()).collect(),
    };
    let first = "title = \"First\"\ntask = { sleep = { each = [\"1ms\", \"2ms\"] } }\nrepeat = 7";
    let mut session = Session {
        earlier: vec![
            earlier("first", &[first]),
            earlier("second", &["base = \"first\"\nseed = 9", first]),
        ],
        ..Session::default()
    };
    session.defaults = match read("repeat = 3\nwarmup = 2", &session) {
        (Some(Cell::Defaults(defaults)), _) => defaults,
        other => panic!("{other:?}"),
    };
    let third = experiment_in(&session, "base = \"second\"\norder = \"blocked\"");
    assert_eq!((third.repeat, third.warmup, third.seed), (7, 2, 9));
    assert_eq!(third.title, "2 tasks: sleep 1ms / 2ms (one each)");
    assert_eq!(third.source.texts.len(), 3);
    // A cell that says what runs takes nothing of that kind from its base.
    let other = experiment_in(&session, "base = \"first\"\ncases.a = { count = 3 }");
    assert_eq!(other.points[0].case.as_deref(), Some("a"));
    check_in(
        &session,
        r##"
  base = "frist"
#        ^^^^^^^ no experiment called "frist" | did you mean base = "first"?
"##,
    );
    let (_, problems) = read("base = \"first\"\ntasks = 5", &session);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0]
            .message
            .starts_with("in the experiment that `base` names: `each` has 2"),
        "{problems:?}"
    );
}

#[test]
fn saved_sources_read_as_they_did() {
    let mut session = Session::default();
    session.earlier.push(Earlier {
        name: "a".to_owned(),
        texts: vec!["task = { count = 5 }\nseed = 4".to_owned()],
    });
    session.defaults = Defaults {
        values: vec![("repeat".to_owned(), "9".to_owned())],
    };
    let experiment = experiment_in(&session, "base = \"a\"\ntasks = [1, 2]");
    let again = conclab::spec::read_saved(&experiment.source).unwrap();
    assert_eq!(again, experiment);
}

#[test]
fn commands_stand_alone_but_for_what_they_take() {
    check(
        r##"
  show = "first"
  plot = ["wall", "banana"]
#                 ^^^^^^^^ `plot` is
  tasks = 3
# ^^^^^ `tasks` does not belong to a cell with `show` | of its own
"##,
    );
    check(
        r##"
  save = "answer.xlsx"
#        ^^^^^^^^^^^^^ .csv or .json | results.csv
"##,
    );
    check(
        r##"
  compare = ["one"]
#           ^^^^^^^ takes two names | compare = [
"##,
    );
    check(
        r##"
  title = "Settings"
#         ^^^^^^^^^^ `title` is of one experiment
  repeat = 3
"##,
    );
}

#[test]
fn repeat_auto_makes_room_for_many() {
    let experiment = experiment("task = { count = 5 }\nrepeat = \"auto\"");
    assert_eq!((experiment.repeat, experiment.repeat_auto), (50, true));
    check(
        r##"
  task   = { count = 5 }
  repeat = "often"
#          ^^^^^^^ `repeat` takes a whole number
"##,
    );
}

#[test]
fn a_printed_cell_reads_as_the_same_experiment() {
    let session = {
        let mut session = Session::default();
        session.earlier.push(Earlier {
            name: "a".to_owned(),
            texts: vec!["workers = 3\n[task]\ncount = 5\ntimes = 2".to_owned()],
        });
        session
    };
    for cell in [
        "base = \"a\"\nname = \"b\"\ntitle = \"a \\\"quoted\\\" title\"",
        "cases.\"CPU-bound\" = { cpu = '1ms' }\ncases.b = [{ sleep = \"1ms..2ms\" }, { write = \"4KiB\" }]",
        "models = [\"async\", { model = \"thread-pool\", workers = 2 }]\nplot = [\"wall\"]\n[[mix]]\nname = \"x\"\n\
         task.count = 0xFF\n[[mix]]\nname = \"y\"\ntask = [\n  { count = 3 },  # three\n]\n",
        "tasks = 2\ntask = { python = '''\nimport os\n\ndef task(i):\n    return \"\"\"a\\n\"\"\"\n''' }\nmodels = [\"threads@gil\"]",
        "title = \"\"\"\nlong\n\"\"\"\ntask = { do = [{ count = { sweep = [1, 2] } }], times = 3 }\ntasks = [1, 2]",
    ] {
        let first = experiment_in(&session, cell);
        let printed = conclab::spec::print(&first);
        let mut again = experiment_in(&Session::default(), &printed);
        again.settings.clone_from(&first.settings);
        again.source = first.source.clone();
        assert_eq!(again, first, "{printed}");
    }
}

#[test]
fn python_stands_in_a_text_or_in_a_file() {
    check(
        r##"
  cases.a = { python = 5 }
#                      ^ `python` takes the text of a function, or a file | write python = '''def task(i): return i'''
  cases.b = { python = "print(1)" }
#                      ^^^^^^^^^^ this Python has no function `task` | write def task(i)
  cases.c = { python = "def tasks(i): pass" }
#                      ^^^^^^^^^^^^^^^^^^^^ this Python has no function `task` | rename `tasks`, or add a last line task = tasks
  cases.d = { python = { file = "work.py", cal = "task" } }
#                                          ^^^ `cal` says nothing about a file of Python | file = "work.py", call = "task"
  cases.e = { python = { call = "task" } }
#                      ^^^^^^^^^^^^^^^^^ this doesn't say in which file | file = "work.py"
  cases.f = { python = { file = 5 } }
#                               ^ `file` | quotes
  cases.g = { python = ["def task(i): pass"] }
#                      ^^^^^^^^^^^^^^^^^^^^^ `python` takes | def task(i)
  cases.h = { python = "def task(i): pass", sync = "none" }
#                                           ^^^^ this step is `python` | leave it out
  cases.i = { python = "" }
#                      ^^ this Python has no function `task` | write def task(i)
"##,
    );
}

#[test]
fn runtimes_and_what_only_python_knows_are_told_their_nearest_words() {
    check(
        r##"
  task = { count = 1 }
  runtime = "pyhton"
#           ^^^^^^^^ there is no runtime `pyhton` | did you mean "python"?
  switch_interval = 5
#                   ^ 5 has no unit | write "5s" or "5ms"
  models = [
    "threads@rust",
#   ^^^^^^^^^^^^^^ there is no runtime `rust` | did you mean "native"?
    { model = "process-pool@python", start = "frok" },
#                                            ^^^^^^ `start` is "fork" or "spawn" or "forkserver" | did you mean start = "fork"?
    { model = "process-pool@native", start = "fork" },
#                                    ^^^^^ this row runs no Python | write model = "process-pool@python"
    { model = "threads@python", start = "fork" },
#                               ^^^^^ `threads` has no `start` to set | take it
    "interpreters@python3.x",
#   ^^^^^^^^^^^^^^^^^^^^^^^^ there is no runtime `python3.x` | "python3.13"
  ]
"##,
    );
    check(
        r##"
  task = { count = 1 }
  runtime = ["python", "python"]
#                      ^^^^^^^^ the runtime `python` is there twice | leave one out
"##,
    );
    check(
        r##"
  task = { count = 1 }
  switch_interval = "0ms"
#                   ^^^^^ `switch_interval` must be at least | "1us" or more
"##,
    );
}

#[test]
fn the_line_of_the_cell_in_which_python_begins_is_known() {
    let line = |cell: &str| {
        let experiment = experiment(cell);
        let found = std::cell::Cell::new(None);
        experiment.points[0].program.uses(|op| {
            if let Op::Python {
                code: conclab::program::Code::Text { line, text, .. },
            } = op
            {
                assert!(text.starts_with("def task"), "{text}");
                assert!(found.get().is_none_or(|other| other == *line));
                found.set(Some(*line));
            }
            true
        });
        found.get()
    };
    for (cell, expected) in [
        ("task = { python = 'def task(i): pass' }", 1),
        ("tasks = 2\ntask = { python = \"def task(i): pass\" }", 2),
        ("tasks = 2\ntask = { python = '''def task(i): pass''' }", 2),
        (
            "tasks = 2\ntask = { python = '''\ndef task(i): pass\n''' }",
            3,
        ),
        (
            "tasks = 2\r\n\r\ntask = { python = \"\"\"\r\ndef task(i): pass\"\"\" }",
            4,
        ),
        (
            "[task]\n# which\npython = \"\"\"\ndef task(i): pass\"\"\"",
            4,
        ),
    ] {
        assert_eq!(line(cell), Some(expected), "{cell}");
    }
}
