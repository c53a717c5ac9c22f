//! Interpreters are found, asked and chosen, whatever else calls itself a Python; `conclab doctor` tells of it all.

use conclab::lab::{Lab, Options};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What an interpreter answers that is none of those; `@` stands for its own path.
const ANSWER: &str = r#"{"implementation": "cpython", "version": {"major": 3, "minor": 13, "micro": 2, "level": "final",
"serial": 0}, "build": "3.13.2 (main) [Shell]", "executable": "@", "free_threaded": false, "gil": true, "debug": false,
"configured": "", "flags": "-O3", "start_methods": ["fork"], "interpreter_pool": false, "missing": []}"#;

/// A folder with programs in it, removed with everything.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("conclab-pythons-{}", uuid::Uuid::new_v4()));
        fs::create_dir_all(path.join("empty")).unwrap();
        Folder(fs::canonicalize(path).unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// A shell script.
    fn script(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    /// A script that answers as an interpreter does, with something of it replaced.
    fn python(&self, name: &str, replace: &[(&str, &str)]) -> String {
        let mut answer = ANSWER.replace('\n', " ").replace('@', &self.path(name));
        for (from, to) in replace {
            assert!(answer.contains(from), "{from}");
            answer = answer.replace(from, to);
        }
        self.script(name, &format!("echo '{answer}' >&3"))
    }

    /// `conclab` with nothing around it but what is given; `@` stands for this folder.
    fn command(&self, variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conclab"));
        command
            .env_clear()
            .env("HOME", self.path("empty"))
            // Calibrated once for all of these tests.
            .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
        for (name, value) in variables {
            command.env(name, value.replace('@', self.0.to_str().unwrap()));
        }
        command
    }

    fn doctor(&self, variables: &[(&str, &str)]) -> (i32, Value) {
        let output = self
            .command(variables)
            .args(["doctor", "--json"])
            .output()
            .unwrap();
        let text = text(&output.stdout);
        let told = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        (output.status.code().unwrap(), told)
    }

    /// What `show = "machine"` answers.
    fn machine(&self, variables: &[(&str, &str)]) -> String {
        let mut child = self
            .command(variables)
            .args(["run", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        use std::io::Write;
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"show = \"machine\"").unwrap();
        drop(input);
        let output: Output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        text(&output.stdout)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn lab() -> Lab {
    Lab::new(Options {
        executable: PathBuf::from(env!("CARGO_BIN_EXE_conclab")),
        static_output: true,
    })
}

/// Finding of a topic.
fn finding<'a>(told: &'a Value, topic: &str) -> &'a Value {
    let findings = told["findings"].as_array().unwrap();
    findings
        .iter()
        .find(|finding| finding["topic"] == topic)
        .unwrap_or_else(|| panic!("{topic}: {told:#}"))
}

/// Why a path below the folder is refused.
fn refused(told: &Value, path: &str) -> String {
    let all = told["refused"].as_array().unwrap();
    let found = all.iter().find(|refused| refused["path"] == path);
    found.unwrap_or_else(|| panic!("{path}: {told:#}"))["why"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Paths below `folder` of the interpreters that can be used.
fn usable(told: &Value, folder: &Folder) -> Vec<String> {
    let all = told["interpreters"].as_array().unwrap();
    let paths = all.iter().map(|python| python["path"].as_str().unwrap());
    let below = paths.filter_map(|path| path.strip_prefix(&folder.path("")));
    below.map(str::to_owned).collect()
}

#[test]
fn whatever_calls_itself_a_python_costs_little_and_is_named() {
    let folder = Folder::new();
    folder.python("a/python3", &[]);
    let liars: Vec<(String, &str)> = vec![
        (
            folder.script("a/python3.9", "sleep 1000"),
            "it did not answer within 5 s",
        ),
        (
            folder.script("a/python3.10", "echo broken >&2; exit 1"),
            "it ended with exit code 1 and said: broken",
        ),
        (
            folder.script("a/python3.11", "echo hello >&3"),
            "it answers as no Python does: hello",
        ),
        (
            folder.python("a/python3.12", &[("cpython", "pypy")]),
            "it is PyPy 3.13.2: trials run on CPython only",
        ),
        (
            folder.python("a/python3.14", &[("\"minor\": 13", "\"minor\": 8")]),
            "it is CPython 3.8.2: trials need 3.9 or newer",
        ),
        (
            folder.script("a/python3.15", "yes | head -c 1000000 >&3"),
            "it answers as no Python does: y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y …",
        ),
        (
            folder.script("a/python3.16", "kill -9 $$"),
            "it was ended by signal 9",
        ),
    ];
    fs::write(folder.0.join("a/python3.17"), "no program").unwrap();
    let start = Instant::now();
    let (code, told) = folder.doctor(&[("PATH", "@/a:/usr/bin:/bin")]);
    // One that never answers, and the rest: far from what they would take by themselves.
    assert!(start.elapsed() < Duration::from_secs(120));
    assert_eq!(code, 0, "{told:#}");
    for (path, why) in liars {
        assert_eq!(refused(&told, &path), why);
    }
    assert_eq!(usable(&told, &folder), ["a/python3"]);
    let python = finding(&told, "python3.13.2");
    assert_eq!(
        python["said"],
        format!("{} · Shell · -O3", folder.path("a/python3"))
    );
    assert_eq!(
        finding(&told, "python")["said"],
        "means 3.13.2, first on the PATH"
    );
}

#[test]
fn what_a_user_names_is_preferred_and_a_wrong_name_is_told() {
    let folder = Folder::new();
    folder.python("path/python3", &[]);
    folder.python("env/bin/python3", &[("\"micro\": 2", "\"micro\": 3")]);
    let named = folder.python("named/it", &[("\"micro\": 2", "\"micro\": 4")]);
    folder.script("shim/it", &format!("exec {named} \"$@\""));
    let around = [("PATH", "@/path:/bin"), ("VIRTUAL_ENV", "@/env")];
    let (_, told) = folder.doctor(&around);
    assert_eq!(
        finding(&told, "python")["said"],
        "means 3.13.3, of the environment that is active"
    );
    // What a script leads to is the interpreter itself.
    let (_, told) = folder.doctor(&[&around[..], &[("CONCLAB_PYTHON", "@/shim/it")]].concat());
    assert_eq!(
        finding(&told, "python")["said"],
        "means 3.13.4, named in CONCLAB_PYTHON"
    );
    assert_eq!(
        usable(&told, &folder),
        ["named/it", "env/bin/python3", "path/python3"]
    );
    let (code, told) = folder.doctor(&[&around[..], &[("CONCLAB_PYTHON", "@/gone")]].concat());
    let python = finding(&told, "python");
    assert_eq!((code, &python["mark"]), (0, &Value::from("missing")));
    assert!(
        python["said"]
            .as_str()
            .unwrap()
            .starts_with("CONCLAB_PYTHON names "),
        "{python}"
    );
}

#[test]
fn the_machine_is_shown_with_its_interpreters() {
    let folder = Folder::new();
    let python = folder.python(
        "a/python3",
        &[("\"missing\": []", "\"missing\": [\"sqlite3\"]")],
    );
    let pypy = folder.python("a/python3.12", &[("cpython", "pypy")]);
    let shown = folder.machine(&[("PATH", "@/a:/bin")]);
    let line = |start: &str| {
        let line = shown.lines().find(|line| line.starts_with(start));
        line.unwrap_or_else(|| panic!("{start}: {shown}"))
            .to_owned()
    };
    assert!(line("Usable CPUs").contains(" of "), "{shown}");
    let own = line("CPython 3.13.2 ");
    assert!(
        own.ends_with(&format!(
            "{python} · Shell · -O3 · no sqlite3: no query of SQLite · what python means here"
        )),
        "{own}"
    );
    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains(&format!("No trials on {pypy}: it is PyPy 3.13.2")),
        "{shown}"
    );
}

#[test]
fn words_of_a_session_lead_to_interpreters() {
    let folder = Folder::new();
    let python = folder.python("mine/bin/python3", &[("\"minor\": 13", "\"minor\": 77")]);
    let mut lab = lab();
    let stop = lab.interrupter().stop();
    let script = folder.script("shims/python3", &format!("exec {python} \"$@\""));
    for word in [python.as_str(), &folder.path("mine"), &script] {
        let chosen = lab.interpreter(word, &stop).unwrap();
        assert_eq!(
            (chosen.path.as_path(), chosen.release().as_str()),
            (Path::new(&python), "3.77.2")
        );
    }
    let error = lab.interpreter(&folder.path("gone"), &stop).unwrap_err();
    assert!(
        error.contains("gone is not an interpreter that trials can run on: there is no such file"),
        "{error}"
    );
    let gone = folder.python("gone", &[]);
    let chosen = lab.interpreter(&gone, &stop);
    assert!(chosen.is_ok(), "it is there by now: {chosen:?}");
    let link = folder.0.join("link");
    let newer = folder.python("newer/python3", &[("\"minor\": 13", "\"minor\": 78")]);
    for (to, release) in [(&python, "3.77.2"), (&newer, "3.78.2")] {
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(to, &link).unwrap();
        let chosen = lab.interpreter(link.to_str().unwrap(), &stop).unwrap();
        assert_eq!(chosen.release(), release, "a link leads where it leads now");
    }
    let error = lab.interpreter("python3.77", &stop).unwrap_err();
    assert!(
        error.starts_with("there is no `python3.77` on this machine")
            && error.contains("uv python install 3.77"),
        "{error}"
    );
    lab.interrupter().interrupt();
    let error = lab.interpreter(&folder.path("other"), &stop);
    assert!(error.is_err(), "{error:?}");
}

#[test]
fn an_interrupt_ends_the_search_and_the_next_cell_goes_on() {
    let folder = Folder::new();
    let slow = folder.script("slow", "sleep 1000");
    let mut lab = lab();
    let interrupter = lab.interrupter();
    let stop = interrupter.stop();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        interrupter.interrupt();
    });
    let error = lab.interpreter(&slow, &stop).unwrap_err();
    assert!(error.contains("interrupted"), "{error}");
    killer.join().unwrap();
    let stop = lab.interrupter().stop();
    let error = lab.interpreter(&slow, &stop).unwrap_err();
    assert!(error.contains("did not answer within 5 s"), "{error}");
}

/// The real interpreters that the tests are told of: each is what its own `sys` says.
#[test]
fn real_interpreters_are_what_they_say() {
    let pythons = super::pythons::pythons();
    let mut lab = lab();
    let stop = lab.interrupter().stop();
    for path in &pythons {
        let python = lab.interpreter(path.to_str().unwrap(), &stop).unwrap();
        let output = Command::new(path)
            .args([
                "-I",
                "-S",
                "-c",
                "import platform; print(platform.python_version())",
            ])
            .output()
            .unwrap();
        assert_eq!(text(&output.stdout).trim(), python.version.to_string());
        assert!(
            python.build.starts_with(&python.version.to_string()),
            "{}",
            python.build
        );
        let newest = (python.version.major, python.version.minor) >= (3, 14);
        assert_eq!(python.interpreter_pool, newest, "{}", python.build);
        assert!(python.gil || python.free_threaded, "{}", python.build);
        let mut methods = python.start_methods.clone();
        methods.sort();
        assert_eq!(methods, ["fork", "forkserver", "spawn"]);
    }
}

#[test]
fn doctor_finds_all_well_where_experiments_run() {
    let folder = Folder::new();
    let kernels = folder.0.join("data/kernels/conclab");
    fs::create_dir_all(&kernels).unwrap();
    let spec = format!(
        "{{\"argv\": [{:?}, \"kernel\"]}}",
        env!("CARGO_BIN_EXE_conclab")
    );
    fs::write(kernels.join("kernel.json"), spec).unwrap();
    folder.script("bin/jupyter-lab", "");
    let (code, told) = folder.doctor(&[("PATH", "@/bin"), ("JUPYTER_DATA_DIR", "@/data")]);
    assert_eq!((code, &told["ready"]), (0, &Value::from(true)), "{told:#}");
    for topic in [
        "kernel",
        "JupyterLab",
        "trial folder",
        "a trial",
        "threads",
        "processes",
        "shared memory",
        "files",
        "delay server",
        "calibration",
    ] {
        assert_eq!(finding(&told, topic)["mark"], "ok", "{told:#}");
    }
    assert_eq!(
        told["machine"]["conclab"],
        Value::from(env!("CARGO_PKG_VERSION"))
    );
    assert!(told["limits"]["tasks_left"].is_u64());
    let tasks = finding(&told, "tasks")["said"].as_str().unwrap();
    let threads: String = tasks.chars().filter(char::is_ascii_digit).collect();
    assert!(
        tasks.contains(" threads, ") && !threads.starts_with('0'),
        "{tasks}"
    );

    // In a terminal: no line is wider, each finding has its line.
    let output = folder
        .command(&[("PATH", "@/bin")])
        .arg("doctor")
        .output()
        .unwrap();
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    for section in ["Jupyter\n", "Machine\n", "Experiments\n", "Python\n"] {
        assert!(shown.contains(section), "{shown}");
    }
    let wide = shown
        .lines()
        .find(|line| line.chars().count() > 80 && !line.contains('/'));
    assert_eq!(wide, None, "{shown}");
    assert!(shown.contains("\n  missing  kernel "), "{shown}");
    let last = shown.lines().last().unwrap();
    assert!(last.starts_with("Experiments run here."), "{last}");
}

#[test]
fn doctor_says_what_is_broken_and_how_to_mend_it() {
    let folder = Folder::new();
    let (code, told) = folder.doctor(&[("PATH", "@/empty"), ("TMPDIR", "@/gone")]);
    assert_eq!((code, &told["ready"]), (3, &Value::from(false)));
    let broken = finding(&told, "trial folder");
    assert_eq!(broken["mark"], "broken");
    assert_eq!(
        broken["remedy"],
        "set TMPDIR to a folder that can be written"
    );
    let trial = finding(&told, "a trial");
    assert_eq!(trial["mark"], "broken");
    assert!(
        trial["said"].as_str().unwrap().contains("TMPDIR"),
        "{trial}"
    );
    assert_eq!(finding(&told, "python")["mark"], "warning");
    let output = folder
        .command(&[("TMPDIR", "@/gone")])
        .arg("doctor")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let shown = text(&output.stdout);
    assert!(
        shown.contains("\n  BROKEN   trial folder ")
            && shown.contains("Experiments do not run here: 2 things are broken."),
        "{shown}"
    );
    let output = folder
        .command(&[])
        .args(["doctor", "--all"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("usage: conclab doctor [--json]"));
}

#[test]
fn doctor_knows_a_kernel_that_starts_something_else() {
    let folder = Folder::new();
    let kernels = folder.0.join("data/kernels/conclab");
    fs::create_dir_all(&kernels).unwrap();
    let told = |spec: &str| {
        fs::write(kernels.join("kernel.json"), spec).unwrap();
        let (code, told) = folder.doctor(&[("PATH", "@/empty"), ("JUPYTER_DATA_DIR", "@/data")]);
        assert_eq!(code, 0);
        let kernel = finding(&told, "kernel").clone();
        assert_eq!(kernel["mark"], "warning");
        kernel["said"].as_str().unwrap().to_owned()
    };
    assert!(told("{").ends_with("can't be read"));
    assert!(
        told("{\"argv\": [\"/gone/conclab\"]}").ends_with("/gone/conclab, which is no program")
    );
    assert!(told("{\"argv\": [\"/bin/sh\"]}").ends_with("starts another conclab: /bin/sh"));
}
