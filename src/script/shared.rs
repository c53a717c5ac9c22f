//! What all tasks of a script use: how it is called, and the lines that make it.
//!
//! To add something: a variant of [`Shared`] and its arms here.

use super::blocks::count;
use super::body::Body;
use super::models::Frame;

/// The delay server, started before the clock.
const SERVER: &str = "\
receiver, sender = multiprocessing.Pipe(duplex=False)
server = multiprocessing.Process(target=serve, args=(sender,), daemon=True)
server.start()
port = receiver.recv()";

/// The database, made before the clock.
const DATABASE: &str = "\
with contextlib.closing(sqlite3.connect(f\"{folder}/numbers.db\")) as connection:
    connection.execute(\"PRAGMA journal_mode = wal\")
    connection.executescript(CREATE)";

/// Something that all tasks use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shared {
    /// A lock by its name in the script.
    Lock(String),
    /// A semaphore by its name in the script, and how many it lets in.
    Limit(String, u64),
    /// The counter of `add`.
    Counter,
    /// The counter of atomic `add`s, between threads.
    Ticket,
    /// The port of the delay server.
    Port,
    /// The folder for files and databases.
    Folder,
}

impl Shared {
    /// What it is called.
    pub fn name(&self) -> &str {
        match self {
            Shared::Lock(name) | Shared::Limit(name, _) => name,
            Shared::Counter => "counter",
            Shared::Ticket => "ticket",
            Shared::Port => "port",
            Shared::Folder => "folder",
        }
    }

    /// Whether it is a lock or a counter: interpreters have none for all of them.
    pub fn is_state(&self) -> bool {
        !matches!(self, Shared::Port | Shared::Folder)
    }

    /// Whether it is a lock or a semaphore.
    pub fn is_lock(&self) -> bool {
        matches!(self, Shared::Lock(_) | Shared::Limit(..))
    }

    /// The class of a lock or semaphore in `module`, called.
    fn lock_made(&self, module: &str) -> Option<String> {
        match self {
            Shared::Lock(_) => Some(format!("{module}.Lock()")),
            Shared::Limit(_, most) => Some(format!("{module}.Semaphore({})", count(*most))),
            _ => None,
        }
    }
}

/// Names of what tasks share.
pub fn names<'a>(body: &'a Body<'_>) -> Vec<&'a str> {
    body.shared.iter().map(Shared::name).collect()
}

/// Names as a tuple.
pub fn tuple(names: &[&str]) -> String {
    match names {
        [one] => format!("({one},)"),
        _ => format!("({})", names.join(", ")),
    }
}

/// Lines before all functions that make what threads and coroutines share.
pub fn global_lines(frame: &Frame, body: &Body) -> Vec<String> {
    if !frame.style.is_in_one_process() {
        return Vec::new();
    }
    let made = |shared: &Shared| match shared {
        Shared::Counter => Some("counter = 0".to_owned()),
        Shared::Ticket => Some("ticket = itertools.count()".to_owned()),
        // Those of an event loop are made where it runs.
        _ if frame.style.is_async() => None,
        _ => Some(format!(
            "{} = {}",
            shared.name(),
            shared.lock_made("threading")?
        )),
    };
    body.shared.iter().filter_map(made).collect()
}

/// Lines of `main` that make what worker processes share, and the delay server.
pub fn main_lines(frame: &Frame, body: &Body) -> Vec<String> {
    let mut lines = Vec::new();
    let (apart, module) = (!frame.style.is_in_one_process(), frame.processes());
    for shared in &body.shared {
        match shared {
            Shared::Port => lines.extend(SERVER.lines().map(str::to_owned)),
            Shared::Counter if apart => {
                lines.push(format!("counter = {module}.RawValue(\"q\", 0)"))
            }
            _ if apart => {
                let made = shared.lock_made(module);
                lines.extend(made.map(|made| format!("{} = {made}", shared.name())));
            }
            _ => {}
        }
    }
    lines
}

/// Lines of `main` that fill the folder.
pub fn folder_lines(body: &Body) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(bytes) = body.file_bytes {
        lines.push("with open(f\"{folder}/data\", \"wb\") as file:".to_owned());
        lines.push(format!("    file.write(bytes({}))", count(bytes)));
    }
    if body.database {
        lines.extend(DATABASE.lines().map(str::to_owned));
    }
    lines
}

/// Lines of `run_all` that make locks of the event loop.
pub fn loop_lines(body: &Body) -> String {
    let locks: Vec<&Shared> = body.shared.iter().filter(|one| one.is_lock()).collect();
    if locks.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = locks.iter().map(|lock| lock.name()).collect();
    let mut text = format!(
        "    global {}\n    # Made here: up to Python 3.9 they belong to the loop that runs.\n",
        names.join(", ")
    );
    for lock in locks {
        if let Some(made) = lock.lock_made("asyncio") {
            text.push_str(&format!("    {} = {made}\n", lock.name()));
        }
    }
    text
}

/// The function by which a worker is given what tasks share; empty where that is nothing.
pub fn share_function(body: &Body) -> Option<String> {
    let names = names(body);
    if names.is_empty() {
        return None;
    }
    let target = match names.as_slice() {
        [one] => format!("({one},)"),
        _ => names.join(", "),
    };
    Some(format!(
        "def share(*objects):\n    \"\"\"Makes what all tasks use known in this process.\"\"\"\n    global {}\n    \
         {target} = objects",
        names.join(", ")
    ))
}
