//! Python text that scripts are made of: functions that stand before a task, and how numbers, texts and names
//! are written.

use crate::units::format_count;

/// Python twins of the compute functions.
const COMPUTE: &str = include_str!("../runtime/python/conclab_compute.py");

/// The source of one function of [`COMPUTE`], without a seed where it uses none; empty where there is none
/// of that name.
pub fn source(name: &str) -> String {
    let Some(start) = COMPUTE.find(&format!("\ndef {name}(")) else {
        return String::new();
    };
    let rest = &COMPUTE[start + 1..];
    let end = rest.find("\n\n\n").unwrap_or(rest.len());
    let whole = rest[..end].trim_end();
    let seed = if is_seeded(whole) { ", seed" } else { "" };
    whole.replacen(", seed=0", seed, 1)
}

/// Whether a function draws its data by the task's seed.
pub fn is_seeded(source: &str) -> bool {
    source.contains("draw(seed")
}

/// A name in the cell as one of Python.
pub fn identifier(name: &str, ending: &str) -> String {
    let of = |c: char| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_lowercase(),
        false => '_',
    };
    let name: String = name.chars().map(of).collect();
    let name = name.trim_matches('_');
    match name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        true => format!("n{name}{ending}"),
        false => format!("{name}{ending}"),
    }
}

/// A whole number as Python writes it, in groups of three.
pub fn count(number: u64) -> String {
    match number < 10_000 {
        true => number.to_string(),
        false => format_count(number).replace(',', "_"),
    }
}

/// Nanoseconds as seconds.
pub fn in_seconds(ns: u64) -> String {
    let text = format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Whether an expression is a plain number.
pub fn is_number(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_digit() || b == b'.' || b == b'_')
}

/// A text as a literal; JSON's escapes are Python's too.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What `cpu` does.
pub const CPU: &str = "\
def cpu(seconds):
    \"\"\"Keeps a core busy until this thread has used that much CPU time.\"\"\"
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass";

/// The delay server.
pub const SERVE: &str = "\
def serve(sender):
    \"\"\"A server that answers GET /SECONDS/STATUS/BYTES after that time; sends its port.\"\"\"

    async def answer(reader, writer):
        request = await reader.readuntil(b\"\\r\\n\\r\\n\")
        seconds, status, size = request.split()[1].decode().split(\"/\")[1:]
        await asyncio.sleep(float(seconds))
        head = f\"HTTP/1.1 {status} \\r\\nContent-Length: {size}\\r\\nConnection: close\\r\\n\\r\\n\"
        writer.write(head.encode() + bytes(int(size)))
        await writer.drain()
        writer.close()

    async def run():
        server = await asyncio.start_server(answer, \"127.0.0.1\", 0, backlog=4096)
        sender.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())";

/// A request to it.
pub const GET: &str = "\
def get(path):
    \"\"\"Requests a page over a connection of its own; a status of 400 and above is an error.\"\"\"
    connection = http.client.HTTPConnection(\"127.0.0.1\", port)
    connection.request(\"GET\", path)
    response = connection.getresponse()
    response.read()
    connection.close()
    if response.status >= 400:
        raise OSError(f\"status {response.status}\")";

/// The same on an event loop.
pub const GET_ASYNC: &str = "\
async def get(path):
    \"\"\"Requests a page over a connection of its own; a status of 400 and above is an error.\"\"\"
    reader, writer = await asyncio.open_connection(\"127.0.0.1\", port)
    writer.write(f\"GET {path} HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n\\r\\n\".encode())
    status = int((await reader.readline()).split()[1])
    await reader.read()
    writer.close()
    await writer.wait_closed()
    if status >= 400:
        raise OSError(f\"status {status}\")";

/// A request to a URL.
pub const FETCH: &str = "\
def fetch(url):
    with urllib.request.urlopen(url) as response:
        response.read()";

/// Reading the file.
pub const READ: &str = "\
def read(size):
    with open(f\"{folder}/data\", \"rb\") as file:
        file.read(size)";

/// Writing a new file.
pub const WRITE: &str = "\
def write(size):
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        file.write(bytes(size))";

/// The same, waiting for the disk.
pub const WRITE_SYNC: &str = "\
def write_sync(size):
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        file.write(bytes(size))
        file.flush()
        os.fsync(file.fileno())  # waits until the disk has it";

/// A connection to the database.
pub const CONNECT: &str = "\
def connect():
    connection = sqlite3.connect(f\"{folder}/numbers.db\", timeout=60, isolation_level=None)
    connection.execute(\"PRAGMA synchronous = normal\")  # with a write-ahead log, commits need no fsync
    return connection";

/// A query that takes a time.
pub const QUERY_TIME: &str = "\
def query_time(seconds):
    with contextlib.closing(connect()) as connection:
        connection.create_function(\"wait\", 1, time.sleep)
        connection.execute(\"SELECT wait(?)\", [seconds]).fetchall()";

/// A query in SQL.
pub const QUERY: &str = "\
def query(sql):
    with contextlib.closing(connect()) as connection:
        connection.execute(sql).fetchall()";

/// Several statements of SQL.
pub const QUERY_SCRIPT: &str = "\
def query_script(sql):
    with contextlib.closing(connect()) as connection:
        connection.executescript(sql)";

/// What a task gets of a total.
pub const PART: &str = "\
def part(total, tasks, i):
    \"\"\"What task i gets of a total; the first ones take the remainder.\"\"\"
    return total // tasks + (i < total % tasks)";

/// A random value.
pub const UNIFORM: &str = "\
def uniform(seed, stream, low, high):
    \"\"\"A random whole number from low to high, the same in every run.\"\"\"
    number = draw(seed ^ draw(2**64 - 1 - stream, 0), 0)
    return low + (number * (high - low + 1) >> 64)";

/// A program, on an event loop.
pub const RUN_ASYNC: &str = "\
async def run_program(*argv):
    \"\"\"Runs a program to its end; another exit code than 0 is an error.\"\"\"
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    if await process.wait() != 0:
        raise subprocess.CalledProcessError(process.returncode, argv)";

/// The same elsewhere.
pub const RUN: &str = "\
def run_program(*argv):
    \"\"\"Runs a program to its end; another exit code than 0 is an error.\"\"\"
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)";
