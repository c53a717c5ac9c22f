//! What operations do outside their process, against real servers, files and programs.

use conclab::io::{Connections, Site, Statement, command, files, http, prepare, sqlite};
use conclab::program::{Group, Op, Program, Value};
use conclab::service::Ask;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// A site in a folder of its own, which is removed again.
struct Place(Site);

impl Place {
    fn new(delay_server: Option<SocketAddr>) -> Self {
        let directory = std::env::temp_dir().join(format!("conclab-test-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&directory).unwrap();
        Place(Site {
            delay_server,
            directory,
            home: PathBuf::from("/"),
            executable: env!("CARGO_BIN_EXE_conclab").into(),
            connections: Connections::default(),
        })
    }

    fn prepare(&self, ops: Vec<Op>) {
        let groups = vec![Group {
            name: String::new(),
            tasks: 3,
            ops,
        }];
        prepare(
            &Program {
                groups,
                seed: 1,
                ..Program::default()
            },
            &self.0,
        )
        .unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0.directory);
    }
}

/// A delay server, ended with the test.
struct DelayServer(Child, SocketAddr);

impl DelayServer {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_conclab"))
            .arg("delay-server")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        DelayServer(child, line.trim().parse().unwrap())
    }
}

impl Drop for DelayServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that counts connections; it closes those whose request asks for that.
fn counting_server() -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicU64::new(0));
    let count = connections.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            count.fetch_add(1, Ordering::SeqCst);
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut received = Vec::new();
                let mut buffer = [0; 512];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    received.extend_from_slice(&buffer[..count]);
                    if received.ends_with(b"\r\n\r\n") {
                        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
                        stream.write_all(answer).unwrap();
                        if String::from_utf8_lossy(&received).contains("close") {
                            return;
                        }
                        received.clear();
                    }
                }
            });
        }
    });
    (address, connections)
}

fn event_loop() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn ask(status: u64, bytes: u64, reuse: bool) -> Ask {
    Ask {
        time_ns: 1_000_000,
        status,
        bytes,
        reuse,
    }
}

#[test]
fn connections_are_opened_for_each_request_or_kept() {
    let (address, connections) = counting_server();
    let opened = |work: &dyn Fn(&Site)| {
        let place = Place::new(Some(address));
        let before = connections.load(Ordering::SeqCst);
        work(&place.0);
        connections.load(Ordering::SeqCst) - before
    };
    for (reuse, expected) in [(false, 6), (true, 1)] {
        let in_turn = |site: &Site| {
            for _ in 0..6 {
                assert_eq!(http::get(site, &ask(200, 0, reuse)), Ok(200));
            }
        };
        assert_eq!(opened(&in_turn), expected);
    }
    for (reuse, expected) in [(false, 9), (true, 3)] {
        let at_once = |site: &Site| {
            event_loop().block_on(async {
                for _ in 0..3 {
                    let ask = ask(200, 0, reuse);
                    let get = || http::get_async(site, &ask);
                    let (a, b, c) = tokio::join!(get(), get(), get());
                    assert_eq!([a, b, c], [Ok(200), Ok(200), Ok(200)]);
                }
            });
        };
        assert_eq!(opened(&at_once), expected);
    }
}

#[test]
fn the_delay_server_answers_with_the_status_and_the_bytes_that_were_asked_for() {
    let server = DelayServer::start();
    let place = Place::new(Some(server.1));
    let event_loop = event_loop();
    for reuse in [false, true] {
        for (status, bytes) in [
            (200, 0),
            (204, 1),
            (302, 1024),
            (399, 1025),
            (200, 5_000_000),
        ] {
            let ask = ask(status, bytes, reuse);
            assert_eq!(http::get(&place.0, &ask), Ok(status), "{ask:?}");
            let got = event_loop.block_on(http::get_async(&place.0, &ask));
            assert_eq!(got, Ok(status), "{ask:?}");
        }
        for status in [400, 404, 503, 599] {
            let why = Err(format!("the server answered with status {status}"));
            let ask = ask(status, 10, reuse);
            assert_eq!(http::get(&place.0, &ask), why);
            assert_eq!(event_loop.block_on(http::get_async(&place.0, &ask)), why);
        }
    }
    // What comes back really is as long as it says.
    let mut stream = std::net::TcpStream::connect(server.1).unwrap();
    stream
        .write_all(ask(200, 70_000, false).request().as_bytes())
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let head = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    assert_eq!(answer.len() - head - 4, 70_000);
}

#[test]
fn the_file_to_read_is_as_large_as_the_largest_read() {
    let place = Place::new(None);
    let reads = |bytes| Op::Group {
        ops: vec![Op::Read { bytes }],
        times: 2,
        lock: None,
        permit: None,
        label: String::new(),
    };
    place.prepare(vec![
        reads(Value::Each(vec![10, 200_000, 30])),
        reads(Value::Const(7)),
    ]);
    let file = files::to_read(&place.0.directory);
    assert_eq!(std::fs::metadata(&file).unwrap().len(), 200_000);
    for bytes in [1, 65_536, 65_537, 200_000] {
        assert_eq!(files::read(&file, bytes), Ok(bytes));
    }
    assert!(files::read(&file, 200_001).is_err());
    let written = place.0.directory.join("written");
    assert_eq!(files::write(&written, 100_000, true), Ok(100_000));
    assert_eq!(std::fs::metadata(&written).unwrap().len(), 100_000);
    assert!(
        files::write(&written, 1, false).is_err(),
        "never over another file"
    );
}

#[test]
fn the_database_answers_many_at_once_and_forgets_open_transactions() {
    let place = Place::new(None);
    place.prepare(vec![Op::Query {
        statement: conclab::program::Statement::Time(Value::Const(1)),
        database: None,
    }]);
    let query = |sql: &str| sqlite::query(&place.0, &Statement::Sql(sql.to_owned()));
    assert_eq!(
        query("SELECT * FROM numbers WHERE value = id * id"),
        Ok(1000)
    );
    assert_eq!(sqlite::query(&place.0, &Statement::Time(2_000)), Ok(2_000));
    assert_eq!(
        query("CREATE TABLE t (x); INSERT INTO t VALUES (1), (2); SELECT * FROM t"),
        Ok(4)
    );
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    assert_eq!(query("INSERT INTO t VALUES (3)"), Ok(1));
                }
            });
        }
    });
    assert_eq!(
        query("BEGIN; DELETE FROM t"),
        Ok(102),
        "deletes, and is left open"
    );
    assert_eq!(query("SELECT * FROM t"), Ok(102), "it was rolled back");
    assert!(
        query("SELECT * FROM nowhere")
            .unwrap_err()
            .contains("no such table")
    );
    assert_eq!(
        query("SELECT 1"),
        Ok(1),
        "the next one finds everything in order"
    );
}

#[test]
fn programs_run_at_the_same_time_on_an_event_loop_and_in_the_authors_folder() {
    let place = Place::new(None);
    let directory = &place.0.directory;
    // Each waits for the other's file: in turn they would never end.
    let argv = |own: &str, other: &str| -> Vec<String> {
        let script = format!("touch {own}; while [ ! -e {other} ]; do sleep 0.01; done");
        ["sh", "-c", &script].map(str::to_owned).to_vec()
    };
    let (first, second) = (argv("a", "b"), argv("b", "a"));
    let ended = event_loop().block_on(async {
        tokio::join!(
            command::run_async(&first, directory),
            command::run_async(&second, directory)
        )
    });
    assert_eq!(ended, (Ok(0), Ok(0)));
    assert!(directory.join("a").exists() && directory.join("b").exists());
    let fails = ["sh", "-c", "echo why >&2; exit 2"].map(str::to_owned);
    let told = Err("`sh` ended with exit code 2: why".to_owned());
    assert_eq!(command::run(&fails, directory), told);
    assert_eq!(
        event_loop().block_on(command::run_async(&fails, directory)),
        told
    );
}
