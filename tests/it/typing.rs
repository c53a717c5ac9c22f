//! Help while typing: what completion proposes and what hover text says, at marked places of cells.

use conclab::catalog::{self, entries, keys};
use conclab::spec::{self, Cell, Completions, Defaults, Detail, Earlier, Session};

/// A text with its `|` taken out, and where that was.
fn marked(text: &str) -> (String, usize) {
    let cursor = text.find('|').expect("a mark");
    (text.replacen('|', "", 1), cursor)
}

/// Experiments to refer to, and no defaults that would change what a cell means.
fn names_alone() -> Session {
    Session {
        defaults: Defaults::default(),
        ..known()
    }
}

fn known() -> Session {
    Session {
        earlier: ["first", "second"]
            .map(|name| Earlier {
                name: name.to_owned(),
                texts: vec!["task = { count = 5 }".to_owned()],
            })
            .to_vec(),
        defaults: Defaults {
            values: vec![("tasks".to_owned(), "16".to_owned())],
        },
        pythons: vec!["python3.9".to_owned(), "python3.14t".to_owned()],
    }
}

fn complete(text: &str) -> (String, Completions) {
    let (text, cursor) = marked(text);
    let completions = spec::complete(&text, cursor, &known());
    (text, completions)
}

/// The texts that are proposed.
fn proposed(text: &str) -> Vec<String> {
    complete(text)
        .1
        .items
        .into_iter()
        .map(|item| item.text)
        .collect()
}

/// The text once the named proposal has been taken.
fn taken(text: &str, item: &str) -> String {
    let (text, completions) = complete(text);
    let found = completions.items.iter().find(|offer| offer.text == item);
    let found = found.unwrap_or_else(|| panic!("{item} in {:?}", completions.items));
    format!(
        "{}{}{}",
        &text[..completions.start],
        found.text,
        &text[completions.end..]
    )
}

#[test]
fn an_empty_cell_is_offered_every_key_and_command_with_a_line_about_it() {
    let (_, completions) = complete("|");
    for key in keys::KEYS.iter().chain(keys::COMMANDS) {
        let begins = |item: &&spec::Completion| item.text.starts_with(key.name);
        let item = completions
            .items
            .iter()
            .find(begins)
            .unwrap_or_else(|| panic!("{}", key.name));
        assert!(
            item.text.ends_with(" = ") || item.text == "cases.",
            "{}",
            item.text
        );
        assert!(!item.detail.is_empty() && item.kind == "key", "{item:?}");
    }
    let tasks = completions
        .items
        .iter()
        .find(|item| item.text == "tasks = ")
        .unwrap();
    assert!(
        tasks.detail.ends_with("(set to 16 by an earlier cell)"),
        "{}",
        tasks.detail
    );
}

#[test]
fn keys_that_are_there_are_not_offered_again() {
    let keys = proposed("task = { cpu = \"1ms\" }\n|\nseed = 1");
    assert!(keys.contains(&"models = ".to_owned()), "{keys:?}");
    for gone in [
        "task = ",
        "seed = ",
        "show = ",
        "mix = ",
        "stages = ",
        "cases.",
    ] {
        assert!(!keys.contains(&gone.to_owned()), "{gone} in {keys:?}");
    }
    assert_eq!(
        proposed("ta|sks = 8"),
        ["task", "tasks"],
        "the key itself can be replaced"
    );
}

#[test]
fn a_step_is_offered_verbs_and_then_what_stands_beside_its_verb() {
    let (_, completions) = complete("task = { |");
    let verbs: Vec<&str> = completions
        .items
        .iter()
        .map(|item| item.text.as_str())
        .collect();
    for step in conclab::step::STEPS {
        assert!(
            verbs.contains(&format!("{} = ", step.def.verb).as_str()),
            "{}",
            step.def.verb
        );
    }
    assert!(verbs.contains(&"do = "));
    assert_eq!(
        completions.items[0].detail,
        conclab::step::STEPS[0].def.summary
    );
    for text in [
        "task = { cpu = \"1ms\", |",
        "task = [{ sleep = \"1ms\", | }]",
        "cases.a = { cpu = \"1ms\", |",
        "[task]\ncpu = \"1ms\"\n|",
        "mix = [{ task = { cpu = \"1ms\", |",
        "task = { do = [{ cpu = \"1ms\", |",
    ] {
        let keys = proposed(text);
        assert!(keys.contains(&"times = ".to_owned()), "{text}: {keys:?}");
        assert!(!keys.contains(&"cpu = ".to_owned()), "{text}: {keys:?}");
    }
    // Settings of a step come from its row, whichever steps have some.
    for step in conclab::step::STEPS {
        let keys = proposed(&format!("task = {{ {} = 1, |", step.def.verb));
        let own = step.def.settings.iter().chain(keys::MODIFIERS);
        let own: Vec<String> = own.map(|key| format!("{} = ", key.name)).collect();
        assert_eq!(keys, own, "{}", step.def.verb);
    }
}

#[test]
fn tables_inside_a_cell_are_offered_their_own_keys() {
    let model: Vec<String> = keys::MODEL_KEYS
        .iter()
        .map(|key| format!("{} = ", key.name))
        .collect();
    assert_eq!(proposed("models = [{ |"), model);
    assert_eq!(proposed("mix = [{ |"), ["name = ", "task = ", "tasks = "]);
    assert_eq!(
        proposed("task = { cpu = { |"),
        ["each = ", "total = ", "sweep = "]
    );
    assert_eq!(proposed("[ta|"), ["task]"]);
}

#[test]
fn a_models_table_is_offered_what_that_model_takes() {
    let keys = |text: &str| proposed(text).concat().replace(" =", "").trim().to_owned();
    assert_eq!(
        keys("models = [{ model = \"thread-pool\", |"),
        "workers limits label"
    );
    assert_eq!(
        keys("models = [{ model = \"process-pool@python\", workers = 2, |"),
        "chunk start limits label"
    );
    assert_eq!(
        keys("models = [{ model = \"hybrid\", pool = \"threads\" }, { model = \"threads\", |"),
        "limits label"
    );
}

#[test]
fn words_are_offered_where_words_go_with_the_quotes_that_are_missing() {
    for (text, item, expected) in [
        ("models = [|", "\"threads\"", "models = [\"threads\""),
        ("models = [thr|", "\"threads\"", "models = [\"threads\""),
        ("models = [\"thr|", "threads\"", "models = [\"threads\""),
        ("models = [\"thr|\"]", "threads", "models = [\"threads\"]"),
        ("models = ['thr|]", "threads'", "models = ['threads']"),
        (
            "models = [\"a\", \"thr|, \"async\"]",
            "threads\"",
            "models = [\"a\", \"threads\", \"async\"]",
        ),
        (
            "models = [\"threads@|\"]",
            "threads@native",
            "models = [\"threads@native\"]",
        ),
        (
            "models = [{ model = \"pro|",
            "process-pool\"",
            "models = [{ model = \"process-pool\"",
        ),
        ("theme = |", "\"light\"", "theme = \"light\""),
        (
            "theme = \"li| # for print",
            "light\"",
            "theme = \"light\" # for print",
        ),
        ("order = bl|", "\"blocked\"", "order = \"blocked\""),
        ("plot = [\"|\"]", "wall", "plot = [\"wall\"]"),
        ("show = \"|\"", "machine", "show = \"machine\""),
        ("show = \"fi|", "first\"", "show = \"first\""),
        ("base = |", "\"second\"", "base = \"second\""),
        (
            "compare = [\"first\", \"|\"]",
            "second",
            "compare = [\"first\", \"second\"]",
        ),
        (
            "help = \"thread-|\"",
            "thread-pool",
            "help = \"thread-pool\"",
        ),
        ("check = [\"wa|", "wall(", "check = [\"wall("),
        (
            "check = [\"wall(thr|) < 1s\"]\nmodels = [\"threads\"]",
            "threads",
            "check = [\"wall(threads) < 1s\"]\nmodels = [\"threads\"]",
        ),
        (
            "check = [\"wall(|",
            "sequential",
            "check = [\"wall(sequential",
        ),
        ("%show mo|", "models", "%show models"),
        ("%mo|", "models", "%models"),
        ("?thread-|", "thread-pool", "?thread-pool"),
        ("tasks = |", "8", "tasks = 8"),
        (
            "task = |",
            "{ cpu = \"50ms\" }",
            "task = { cpu = \"50ms\" }",
        ),
        (
            "task = [sl|]",
            "{ sleep = \"100ms\" }",
            "task = [{ sleep = \"100ms\" }]",
        ),
        (
            "models = |",
            "[\"sequential\", \"thread-pool\"]",
            "models = [\"sequential\", \"thread-pool\"]",
        ),
        (
            "task = { sleep = 50|",
            "\"50ms\"",
            "task = { sleep = \"50ms\"",
        ),
        (
            "task = { sleep = \"50|\" }",
            "50ms",
            "task = { sleep = \"50ms\" }",
        ),
        (
            "task = { sleep = \"10ms..50|",
            "10ms..50ms\"",
            "task = { sleep = \"10ms..50ms\"",
        ),
        (
            "task = { sleep = { each = [\"5|\"] } }",
            "5s",
            "task = { sleep = { each = [\"5s\"] } }",
        ),
        (
            "task = { alloc = |",
            "\"64MiB\"",
            "task = { alloc = \"64MiB\"",
        ),
        ("memory_limit = \"2|\"", "2GiB", "memory_limit = \"2GiB\""),
        ("budget = |", "\"60s\"", "budget = \"60s\""),
    ] {
        assert_eq!(taken(text, item), expected, "{text}");
    }
}

#[test]
fn what_does_not_belong_is_not_offered() {
    assert_eq!(
        proposed("models = [\"threads\", \"thr|\"]"),
        ["thread-pool"],
        "it is there already"
    );
    assert_eq!(
        proposed("budget = \"5|\""),
        ["5ms", "5s", "5m", "5h"],
        "a key's range"
    );
    for text in [
        "tasks |",
        "# ta|",
        "tasks = 8 |",
        "title = \"|\"",
        "title = \"thr|",
        "name = \"|\"",
        "cases.|",
        "banana = \"|\"",
        "'t|",
    ] {
        assert_eq!(proposed(text), Vec::<String>::new(), "{text}");
    }
    assert_eq!(spec::complete("", 999, &Session::default()).start, 0);
    assert_eq!(
        spec::complete("ü", 1, &Session::default()).end,
        0,
        "inside a character"
    );
}

#[test]
fn whatever_is_taken_in_a_whole_cell_leaves_toml_behind() {
    let cells = [
        "title = \"x\"\ntask = [{ cpu = \"50ms\", times = 2 }, { sleep = \"1ms..2ms\" }]\ntasks = [1, 2]\n\
         models = [\"threads\", { model = \"thread-pool\", workers = 2, label = \"two\" }]\nplot = [\"wall\"]\n\
         theme = 'light'\nbudget = \"60s\"\n",
        "[task]\nsleep = { each = [\"1ms\", \"2ms\"] }\nlabel = \"wait\"\n",
    ];
    for cell in cells {
        assert_eq!(spec::read(cell, &names_alone()).1, []);
        let mut tried = 0;
        for cursor in 0..=cell.len() {
            let completions = spec::complete(cell, cursor, &known());
            for item in completions
                .items
                .iter()
                .filter(|item| !item.text.ends_with(['=', ' ', '.', ']']))
            {
                let (before, behind) = (&cell[..completions.start], &cell[completions.end..]);
                let text = format!("{before}{}{behind}", item.text);
                // Between two values a comma is still to be typed; a key twice is the reader's to say.
                let is_replaced = completions.start < completions.end;
                let errors = toml::de::DeTable::parse_recoverable(&text).1;
                let broken = errors
                    .iter()
                    .any(|error| !error.message().contains("duplicate"));
                assert!(
                    !is_replaced || !broken,
                    "{cell}\nat {cursor}:\n{text}\n{errors:?}"
                );
                tried += usize::from(is_replaced);
            }
        }
        assert!(tried > 20, "{tried}");
    }
}

/// The first line of what hover text says; empty where it says nothing.
fn hover(text: &str) -> String {
    let (text, cursor) = marked(text);
    let found = spec::inspect(&text, cursor, &known(), Detail::Here);
    found.map_or_else(String::new, |found| {
        found.plain.lines().next().unwrap_or("").to_owned()
    })
}

#[test]
fn hover_text_says_what_a_word_is_where_it_stands() {
    for (text, expected) in [
        ("ta|sks = 8", "tasks: a key of a cell."),
        ("|tasks = 8", "tasks: a key of a cell."),
        ("tasks = |", "tasks: a key of a cell."),
        ("tasks = 8|", "tasks: a key of a cell."),
        (
            "task = { c|pu = \"1ms\" }",
            "cpu: a step that keeps a core busy for a given time.",
        ),
        (
            "task = { cpu = \"1m|s\" }",
            "cpu: a step that keeps a core busy for a given time.",
        ),
        (
            "task = { cpu = \"1ms\", ti|mes = 3 }",
            "times: a modifier, beside the verb of any step.",
        ),
        (
            "task = { cpu = { ea|ch = [] } }",
            "each: a form that a step's value can have.",
        ),
        ("task = { d|o = [] }", "do: a step that is made of steps."),
        ("[ta|sk]", "task: a key of a cell."),
        (
            "models = [\"thr|eads\"]",
            "threads: a model: one new thread for each task.",
        ),
        (
            "models = [\"threads\"|",
            "threads: a model: one new thread for each task.",
        ),
        (
            "models = [{ model = \"async\", wor|kers = 1 }]",
            "workers: a setting of a model, in its table.",
        ),
        ("plot = [\"wa|ll\"]", "wall: a figure: wall time."),
        (
            "check = [\"wa|ll(threads) < 1s\"]",
            "wall: a metric: wall time, in nanoseconds.",
        ),
        (
            "check = [\"wall(|",
            "wall: a metric: wall time, in nanoseconds.",
        ),
        (
            "check = [\"wall(threads@na|",
            "threads: a model: one new thread for each task.",
        ),
        ("order = \"blo|cked\"", "order: a key of a cell."),
        (
            "base = \"fir|st\"",
            "first: an earlier experiment of this session.",
        ),
        (
            "show = \"mach|ine\"",
            "machine: shows this machine's facts, limits and Pythons.",
        ),
        (
            "?thr|eads",
            "threads: a model: one new thread for each task.",
        ),
        (
            "help = \"thr|eads\"",
            "threads: a model: one new thread for each task.",
        ),
        (
            "task = { cpu = \"50ms\" }|",
            "cpu: a step that keeps a core busy for a given time.",
        ),
        ("banana = 1|", ""),
        ("models = [\"ban|ana\"]", ""),
        ("# ta|sks", ""),
        ("|", ""),
        ("title = \"thr|eads\"", "title: a key of a cell."),
    ] {
        assert_eq!(hover(text), expected, "{text}");
    }
    let found = spec::inspect("tasks = 8", 2, &known(), Detail::Here).unwrap();
    assert_eq!(found.span, 0..5);
    assert!(
        found
            .markdown
            .ends_with("An earlier cell has set it to `16`."),
        "{}",
        found.markdown
    );
    let more = spec::inspect("plot = \"memory\"", 10, &known(), Detail::Everything).unwrap();
    assert!(more.markdown.contains("a figure") && more.markdown.contains("a metric"));
}

#[test]
fn every_example_is_a_valid_cell_and_every_word_can_be_asked_for() {
    for entry in entries() {
        let help = catalog::help_markdown(entry.name()).unwrap();
        assert!(help.contains(entry.doc()), "{}", entry.name());
        let example = entry.example();
        if example.is_empty() {
            continue;
        }
        // A key that belongs to an experiment is read in one.
        let problems = [
            "",
            "task = { cpu = \"1ms\" }",
            "task = { cpu = \"1ms\" }\ntasks = [1, 2]",
        ]
        .map(|rest| spec::read(&format!("{example}\n{rest}"), &names_alone()).1)
        // What belongs to an experiment, or to a sweep, is read in one.
        .into_iter()
        .min_by_key(Vec::len)
        .unwrap();
        assert_eq!(problems, [], "{example}");
    }
}

#[test]
fn files_to_save_to_and_the_keys_of_a_file_of_python_are_proposed() {
    for text in [
        "task = { count = 5 }\nsave = \"|",
        "save = |",
        "save = \"|\"",
        "save = \"|\nof = \"first\"",
    ] {
        let (_, completions) = complete(text);
        for ending in ["results.json", "results.csv", "trace.json"] {
            let item = completions
                .items
                .iter()
                .find(|item| item.text.contains(ending));
            assert!(
                item.is_some_and(|item| !item.detail.is_empty()),
                "{text}: {completions:?}"
            );
        }
        assert_eq!(completions.items.len(), 3, "{text}: {completions:?}");
    }
    assert_eq!(
        taken("save = \"tr|\"", "trace.json"),
        "save = \"trace.json\""
    );
    let keys = [
        "task = { python = { |",
        "task = [{ python = { | } }]",
        "cases.a = { python = { |",
    ];
    for text in keys {
        assert_eq!(proposed(text), ["file = ", "call = "], "{text}");
    }
    let text = "task = { python = { file = \"work.py\", |";
    assert_eq!(proposed(text), ["call = "], "{text}");
    assert!(hover("task = { python = { ca|ll = \"task\" } }").starts_with("call: "));
}

#[test]
fn a_trace_is_found_by_its_other_names_and_help_alone_is_the_overview() {
    for word in ["trace", "perfetto", "Perfetto", "trace.json", "chrome"] {
        let help = catalog::help_markdown(word).unwrap_or_else(|help| panic!("{help}"));
        assert!(
            help.contains("trace.json") && help.contains("`save`"),
            "{help}"
        );
    }
    for text in ["help", "show", " help\n", "help()"] {
        let (cell, problems) = spec::read(text, &known());
        assert_eq!(
            (cell, problems),
            (Some(Cell::Help(String::new())), Vec::new())
        );
    }
}

#[test]
fn interpreters_of_the_machine_are_proposed_where_a_runtime_stands() {
    let has = |text: &str, word: &str| proposed(text).iter().any(|item| item.contains(word));
    for word in ["python3.9", "python3.14t"] {
        assert!(
            has("task = { count = 5 }\nruntime = \"py|\"", word),
            "{word}"
        );
        assert!(has("models = [\"threads@python3|\"]", word), "{word}");
    }
}
