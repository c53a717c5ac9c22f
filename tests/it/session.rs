//! Cells of one session that refer to each other: bases, names, saved and compared answers.

use conclab::lab::{Answer, Event, Lab, Options};
use std::path::PathBuf;

/// A session of its own.
pub struct Session(Lab);

impl Session {
    pub fn new() -> Self {
        Session(Lab::new(Options {
            executable: PathBuf::from(env!("CARGO_BIN_EXE_conclab")),
            static_output: true,
        }))
    }

    /// Runs a cell; its text outputs, or the error's line.
    pub fn run(&mut self, cell: &str) -> Result<Vec<String>, String> {
        let stop = self.0.interrupter().stop();
        let mut told = Vec::new();
        let answer = self.0.run_cell(cell, &stop, &mut |event| match event {
            Event::Output(bundle) => {
                told.push(bundle.data["text/plain"].as_str().unwrap_or("").to_owned());
            }
            Event::Text(text) => told.push(text),
            Event::Progress(_) => {}
        });
        match answer {
            Answer::Ok => Ok(told),
            Answer::Error {
                value, traceback, ..
            } => {
                // Long messages are wrapped.
                let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
                Err(format!(
                    "{} / {}",
                    words(&value),
                    words(&traceback.join(" "))
                ))
            }
            Answer::Interrupted => Err("interrupted".to_owned()),
        }
    }
}

/// A folder of its own, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let path = std::env::temp_dir().join(format!("conclab-session-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn where_an_answer_can_not_be_saved_is_told_with_its_place_before_anything_runs() {
    let folder = Folder::new();
    let fifo = folder.file("x.trace.json");
    let name = std::ffi::CString::new(fifo.clone()).unwrap();
    // SAFETY: the path is a valid C string.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    std::fs::create_dir(folder.file("a.json")).unwrap();
    std::fs::write(folder.file("file"), "").unwrap();
    let mut session = Session::new();
    for (path, why, help) in [
        (
            fifo.clone(),
            "is no ordinary file",
            "save under another name",
        ),
        (folder.file("a.json"), "is a folder", "name a file in it"),
        (
            folder.file("no/such/trace.json"),
            "there is no folder",
            "mkdir -p",
        ),
        (folder.file("no/such.csv"), "there is no folder", "mkdir -p"),
        (
            folder.file("file/such.json"),
            "can't be written",
            "save under another name",
        ),
    ] {
        let cell = format!("task = {{ count = 5 }}\nsave = {path:?}");
        let error = session.run(&cell).unwrap_err();
        assert!(error.contains("nothing was run / "), "{error}");
        assert!(
            error.contains("line 2, column 8") && error.contains(why) && error.contains(help),
            "{error}"
        );
    }
    let results = session.run("show = \"results\"").unwrap();
    assert!(results[0].contains("No experiment has run"), "{results:?}");
    // Alone in a cell it is refused as well, and the session goes on.
    session
        .run("task = { count = 5 }\nplot = [\"timeline\"]\nrepeat = 1")
        .unwrap();
    let error = session.run(&format!("save = {fifo:?}")).unwrap_err();
    assert!(
        error.contains("line 1, column 8") && error.contains("is no ordinary file"),
        "{error}"
    );
    session
        .run(&format!("save = {:?}", folder.file("y.trace.json")))
        .unwrap();
}

#[test]
fn figures_that_a_budget_left_out_say_so() {
    let mut session = Session::new();
    // Its warm-up alone is over the budget.
    let told = session
        .run("task = { cpu = \"60ms\" }\ntasks = 4\nmodels = [\"sequential\"]\nrepeat = 1\nbudget = \"200ms\"\nplot = [\"timeline\", \"wall\"]")
        .unwrap()
        .join("\n");
    assert!(
        told.contains("The figures timeline, wall are left out: no row was measured"),
        "{told}"
    );
    let words: Vec<&str> = told.split_whitespace().collect();
    let told = words.join(" ");
    assert!(
        told.contains("does not fit into the budget of 200 ms"),
        "{told}"
    );
    assert!(!told.contains("1 of them"), "{told}");
}

const QUICK: &str = "repeat = 3\nwarmup = 1\nmodels = [\"sequential\", \"threads\"]";

#[test]
fn a_named_answer_is_varied_shown_saved_and_compared() {
    let folder = std::env::temp_dir().join(format!("conclab-session-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    let file = |name: &str| folder.join(name).display().to_string();
    let mut session = Session::new();
    session.run(QUICK).unwrap();
    session
        .run("name = \"first\"\ntask = { count = 20_000 }\ntasks = 4")
        .unwrap();
    let varied = session
        .run("name = \"again\"\nbase = \"first\"\ntitle = \"again\"")
        .unwrap();
    assert!(
        varied.iter().any(|text| text.contains("threads")),
        "{varied:?}"
    );

    let shown = session.run("show = \"first\"\nplot = [\"wall\"]").unwrap();
    assert_eq!(shown.len(), 3, "figure, table, verdict: {shown:?}");
    let error = session.run("show = \"frist\"").unwrap_err();
    assert!(
        error.contains("did you mean `show = \"first\"`?"),
        "{error}"
    );

    let compared = session.run("compare = [\"first\", \"again\"]").unwrap();
    assert!(
        compared[0].contains("wall time, again") && compared[0].contains("\nthreads "),
        "{compared:?}"
    );
    session
        .run("base = \"first\"\nname = \"more\"\ntasks = 5")
        .unwrap();
    let refused = session.run("compare = [\"first\", \"more\"]").unwrap_err();
    assert!(refused.contains("their tasks differ"), "{refused}");
    let unknown = session
        .run("compare = [\"first\", \"nothing like it\"]")
        .unwrap_err();
    assert!(unknown.contains("has run in this session"), "{unknown}");

    session
        .run(&format!("save = {:?}\nof = \"first\"", file("first.json")))
        .unwrap();
    session
        .run(&format!("save = {:?}", file("last.csv")))
        .unwrap();
    let table = std::fs::read_to_string(file("last.csv")).unwrap();
    // Two rows, each sampled once and timed three times.
    assert_eq!(
        table
            .lines()
            .filter(|line| line.starts_with("threads,"))
            .count(),
        4,
        "{table}"
    );
    let head: Vec<&str> = table.lines().next().unwrap().split(',').collect();
    assert!(
        head.contains(&"wall_ns") && head.contains(&"cell"),
        "{head:?}"
    );

    // Another session, as on another machine.
    let mut other = Session::new();
    let saved = file("first.json");
    let compared = other
        .run(&format!("compare = [{saved:?}, {saved:?}]"))
        .unwrap();
    assert!(
        compared[0].contains("No row differs clearly"),
        "{compared:?}"
    );
    let text = std::fs::read_to_string(&saved).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
    let forged = |path: &str, value: u64| {
        let mut answer = answer.clone();
        *answer.pointer_mut(path).expect(path) = value.into();
        std::fs::write(file("forged.json"), answer.to_string()).unwrap();
        let forged = file("forged.json");
        Session::new().run(&format!("compare = [{saved:?}, {forged:?}]"))
    };
    for (path, value) in [
        ("/records/3/measurement/user_ns", u64::MAX - 1),
        ("/records/3/measurement/wall_ns", u64::MAX),
        ("/records/3/measurement/warden_cpu_ns", u64::MAX),
        ("/records/3/measurement/tally/succeeded", 5),
        ("/records/3/measurement/tally/failed", u64::MAX),
        ("/records/3/measurement/tally/workers", u64::from(u32::MAX)),
        ("/machine/usable_cpus", 0),
    ] {
        let error = forged(path, value).unwrap_err();
        assert!(
            error.contains("no run of its cell can have given"),
            "{error}"
        );
    }
    forged("/records/3/measurement/wall_ns", 1_000_000).unwrap();
    // What workers did, by a number that is changed: begin, end, a span's start and length, its task.
    let with_trace = |begin: u64, end: u64, start: u64, length: u64, task: u64| {
        let totals = vec![0u64; 10];
        let lane = serde_json::json!({
            "role": "worker", "number": 1, "process": 0, "begin_ns": begin, "end_ns": end, "cpu_ns": null,
            "totals_ns": totals, "spans": [[1, 5, 10, 1, 0], [2, start, length, task, 0]]
        });
        let mut answer = answer.clone();
        let observed = answer
            .pointer_mut("/records/0/measurement/observed")
            .unwrap();
        observed["trace"] = serde_json::json!({ "lanes": [lane] });
        std::fs::write(file("forged.json"), answer.to_string()).unwrap();
        let forged = file("forged.json");
        Session::new().run(&format!("compare = [{saved:?}, {forged:?}]"))
    };
    with_trace(0, 40, 15, 20, 2).unwrap();
    for (begin, end, start, length, task) in [
        (50, 40, 15, 20, 1),
        (0, u64::MAX, 15, 20, 1),
        (0, 40, 14, 20, 1),
        (0, 40, 15, u64::MAX - 20, 1),
        (0, 40, 15, 20, 1_000_000),
    ] {
        let error = with_trace(begin, end, start, length, task).unwrap_err();
        assert!(
            error.contains("no run of its cell can have given"),
            "{error}"
        );
    }
    std::fs::write(file("broken.json"), "{}").unwrap();
    let broken = other
        .run(&format!("compare = [{saved:?}, {:?}]", file("broken.json")))
        .unwrap_err();
    assert!(broken.contains("broken.json is no answer"), "{broken}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_answer_that_cannot_be_saved_is_still_shown() {
    let mut session = Session::new();
    session.run(QUICK).unwrap();
    let folder = Folder::new();
    // Its folder is there when the cell is read, and gone in the end.
    let (path, gone) = (folder.file("x.csv"), folder.0.display());
    let error = session
        .run(&format!(
            "task = {{ run = [\"rm\", \"-rf\", \"{gone}\"] }}\nsave = {path:?}"
        ))
        .unwrap_err();
    assert!(
        error.contains(&format!("could not be saved to {path}")),
        "{error}"
    );
    let results = session.run("show = \"results\"").unwrap();
    assert!(results[0].contains("rm -rf"), "{results:?}");
}

#[test]
fn figures_come_in_the_cells_order_and_what_is_missing_is_told() {
    let mut session = Session::new();
    session.run(QUICK).unwrap();
    let told = session
        .run("task = { count = 1000 }\nplot = [\"distribution\", \"crossover\", \"wall\"]")
        .unwrap();
    assert!(
        told[0].contains("every") || told[0].contains("run"),
        "{told:?}"
    );
    assert!(
        told[2].contains("crossover is left out: it needs a swept number"),
        "{told:?}"
    );
}

#[test]
fn the_last_experiment_or_a_named_one_is_shown_as_plain_python() {
    let mut session = Session::new();
    let nothing = session.run("show = \"python\"").unwrap();
    assert!(nothing[0].contains("No experiment has run"), "{nothing:?}");
    session.run(QUICK).unwrap();
    session
        .run("name = \"counting\"\ntask = { count = 20_000 }")
        .unwrap();
    session
        .run("name = \"adding\"\ntask = { sum_squares = 2_000 }")
        .unwrap();
    let last = session.run("show = \"python\"").unwrap();
    assert!(
        last[0].contains("```python\n") && last[0].contains("return sum_squares(2000)"),
        "{last:?}"
    );
    let line = session.run("%show python").unwrap();
    assert_eq!(line, last);
    let named = session.run("show = \"python\"\nof = \"counting\"").unwrap();
    assert!(named[0].contains("return count(20_000)"), "{named:?}");
    let error = session
        .run("show = \"python\"\nof = \"countin\"")
        .unwrap_err();
    assert!(
        error.contains("did you mean `of = \"counting\"`?"),
        "{error}"
    );
    for (cell, problem) in [
        ("show = \"models\"\nof = \"counting\"", "`of` says what"),
        (
            "show = \"python\"\nplot = [\"wall\"]",
            "scripts have no figures",
        ),
    ] {
        let error = session.run(cell).unwrap_err();
        assert!(error.contains(problem), "{error}");
    }
}
