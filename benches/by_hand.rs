//! Programs as one would write them by hand: what a model does, for one workload, and nothing else.
//!
//! Each is the bench's own executable, started again with arguments by the same warden that starts trials.
//! It measures itself as a trial does and answers the same way. It has no operations to interpret, no
//! settings, and nothing that catches what goes wrong; the results it folds into the same answer, by which
//! the bench sees that both did the same work.
//!
//! To add one: an arm of [`run`] or of [`Work`].

use conclab::compute;
use conclab::measure::{Usage, own_memory_bytes};
use conclab::model::Tally;
use conclab::process::REPLY_DESCRIPTOR;
use conclab::program::{combine, splitmix64};
use conclab::service::{Ask, raise_descriptor_limit};
use conclab::trial::Reply;
use std::env::current_exe;
use std::fs::File;
use std::future::Future;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::ops::{ControlFlow, Range};
use std::os::fd::FromRawFd;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, oneshot};

/// Threads or processes of a pool.
pub const WORKERS: u32 = 2;
/// Requests at the same time.
pub const REQUESTS_AT_ONCE: u64 = 1_000;
/// The first argument of such a program, of one task's process, and of a pool's worker.
const ROLES: [&str; 3] = ["by-hand", "by-hand-task", "by-hand-worker"];

/// What one task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Counts to a number.
    Count(u64),
    /// Waits for a timer, so many nanoseconds.
    Sleep(u64),
    /// Requests an answer that takes a nanosecond, on a new connection or an open one.
    Http { reuse: bool },
}

/// Arguments of a program by hand.
pub fn arguments(
    model: &str,
    work: Work,
    tasks: u64,
    delay_server: Option<SocketAddr>,
) -> Vec<String> {
    let (verb, value) = match work {
        Work::Count(size) => ("count", size),
        Work::Sleep(time_ns) => ("sleep", time_ns),
        Work::Http { reuse } => ("http", u64::from(reuse)),
    };
    let address = delay_server.map_or(String::new(), |address| address.to_string());
    [ROLES[0], model, verb]
        .map(str::to_owned)
        .into_iter()
        .chain([value.to_string(), tasks.to_string(), address])
        .collect()
}

/// Is one of these programs, where the arguments say so.
pub fn take_over(arguments: &[String]) -> bool {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u64>().expect("a number");
    match arguments[..] {
        ["by-hand", model, verb, value, tasks, address] => {
            let work = match verb {
                "count" => Work::Count(number(value)),
                "sleep" => Work::Sleep(number(value)),
                _ => Work::Http {
                    reuse: value == "1",
                },
            };
            measure(model, work, number(tasks), address.parse().ok());
        }
        ["by-hand-task", size] => println!("{}", count(number(size))),
        ["by-hand-worker", size] => pool_worker(number(size)),
        _ => return false,
    }
    true
}

/// Runs it with the clock running and answers as a trial does.
fn measure(model: &str, work: Work, tasks: u64, delay_server: Option<SocketAddr>) {
    // SAFETY: the warden opened this descriptor for the reply, and nothing else here owns it.
    let mut output = unsafe { File::from_raw_fd(REPLY_DESCRIPTOR) };
    raise_descriptor_limit();
    let idle_bytes = own_memory_bytes("VmRSS");
    let before = Usage::now();
    let clock = Instant::now();
    let answer = run(model, work, tasks, delay_server);
    let wall_ns = clock.elapsed().as_nanos() as u64;
    let used = Usage::now().since(before);
    let reply = Reply {
        wall_ns,
        user_ns: used.user_ns,
        system_ns: used.system_ns,
        own_peak_bytes: own_memory_bytes("VmHWM"),
        idle_bytes,
        tally: Tally {
            succeeded: tasks,
            answer,
            ..Tally::default()
        },
        ..Reply::default()
    };
    let text = serde_json::to_string(&reply).expect("plain data");
    output.write_all(text.as_bytes()).expect("the warden reads");
}

/// The answer of one model.
fn run(model: &str, work: Work, tasks: u64, delay_server: Option<SocketAddr>) -> u64 {
    match (model, work) {
        ("async", Work::Count(size)) => current_thread(tasks, || async move { count(size) }),
        ("async", Work::Sleep(time_ns)) => current_thread(tasks, || async move {
            tokio::time::sleep(Duration::from_nanos(time_ns)).await;
            splitmix64(time_ns)
        }),
        ("async", Work::Http { reuse }) => {
            requests(tasks, delay_server.expect("its address"), reuse)
        }
        ("async-threads", Work::Count(size)) => Builder::new_multi_thread()
            .worker_threads(WORKERS as usize)
            .enable_all()
            .build()
            .expect("an event loop")
            .block_on(spawn_all(tasks, || async move { count(size) })),
        ("sequential", Work::Count(size)) => fold((0..tasks).map(|_| count(size))),
        ("threads", Work::Count(size)) => thread::scope(|scope| {
            let start = |_| {
                thread::Builder::new()
                    .stack_size(1 << 20)
                    .spawn_scoped(scope, move || count(size))
                    .expect("a thread")
            };
            let threads: Vec<_> = (0..tasks).map(start).collect();
            fold(
                threads
                    .into_iter()
                    .map(|thread| thread.join().expect("a result")),
            )
        }),
        ("thread-pool", Work::Count(size)) => {
            let mut results = vec![0; tasks as usize];
            in_pool(|pool| {
                pool.scope_fifo(|scope| {
                    for result in &mut results {
                        scope.spawn_fifo(move |_| *result = count(size));
                    }
                });
            });
            fold(results.into_iter())
        }
        ("hybrid", Work::Count(size)) => in_pool(|pool| {
            current_thread(tasks, || {
                let pool = pool.clone();
                async move {
                    let (done, result) = oneshot::channel();
                    pool.spawn_fifo(move || done.send(count(size)).expect("it waits"));
                    result.await.expect("a result")
                }
            })
        }),
        ("processes", Work::Count(size)) => {
            let children: Vec<Child> = (0..tasks).map(|_| start(ROLES[1], size)).collect();
            fold(children.into_iter().map(|mut child| {
                let mut text = String::new();
                let output = child.stdout.as_mut().expect("its pipe");
                output.read_to_string(&mut text).expect("its result");
                assert!(child.wait().expect("its end").success());
                text.trim().parse().expect("a number")
            }))
        }
        ("process-pool", Work::Count(size)) => process_pool(tasks, size),
        _ => panic!("nobody wrote {model} with {work:?}"),
    }
}

/// The function of conclab's own library, without what finds it by name.
fn count(size: u64) -> u64 {
    let run = const { compute::FUNCTIONS[1].run };
    match run(size, 0, &mut || ControlFlow::Continue(())) {
        ControlFlow::Continue(counted) => splitmix64(counted),
        ControlFlow::Break(()) => unreachable!("nobody asks it to end"),
    }
}

/// The answer from all results in order.
fn fold(results: impl Iterator<Item = u64>) -> u64 {
    (0..).zip(results).fold(0, |answer, (number, result)| {
        combine(answer, number, result)
    })
}

/// A pool of threads, which are joined.
fn in_pool<T>(work: impl FnOnce(&Arc<rayon::ThreadPool>) -> T) -> T {
    let mut threads = Vec::new();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(WORKERS as usize)
        .spawn_handler(|worker| {
            threads.push(thread::spawn(|| worker.run()));
            Ok(())
        })
        .build()
        .map(Arc::new)
        .expect("a pool");
    let result = work(&pool);
    drop(pool);
    threads
        .into_iter()
        .for_each(|thread| thread.join().expect("its end"));
    result
}

/// Spawns all tasks and awaits them.
async fn spawn_all<F: Future<Output = u64> + Send + 'static>(
    tasks: u64,
    task: impl Fn() -> F,
) -> u64 {
    let spawned: Vec<_> = (0..tasks).map(|_| tokio::spawn(task())).collect();
    let mut answer = 0;
    for (number, task) in (0..).zip(spawned) {
        answer = combine(answer, number, task.await.expect("a result"));
    }
    answer
}

fn current_thread<F: Future<Output = u64> + Send + 'static>(
    tasks: u64,
    task: impl Fn() -> F,
) -> u64 {
    let event_loop = Builder::new_current_thread().enable_all().build();
    event_loop
        .expect("an event loop")
        .block_on(spawn_all(tasks, task))
}

/// Requests of a bare client: a semaphore, and where connections are kept a stack of them.
fn requests(tasks: u64, delay_server: SocketAddr, reuse: bool) -> u64 {
    let ask = Ask {
        time_ns: 1,
        status: 200,
        bytes: 0,
        reuse,
    };
    let request: Arc<str> = ask.request().into();
    let permits = Arc::new(Semaphore::new(REQUESTS_AT_ONCE as usize));
    let idle: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
    let take = |idle: &Mutex<Vec<TcpStream>>| idle.lock().expect("nobody panics").pop();
    current_thread(tasks, || {
        let (request, permits, idle) = (request.clone(), permits.clone(), idle.clone());
        async move {
            let _permit = permits.acquire().await.expect("it stays open");
            let mut stream = match take(&idle) {
                Some(stream) => stream,
                None => TcpStream::connect(delay_server)
                    .await
                    .expect("a connection"),
            };
            stream
                .write_all(request.as_bytes())
                .await
                .expect("it is sent");
            let mut buffer = [0; 512];
            let mut filled = 0;
            while !buffer[..filled].ends_with(b"\r\n\r\n") {
                let count = stream
                    .read(&mut buffer[filled..])
                    .await
                    .expect("it is read");
                assert!(count > 0, "an answer");
                filled += count;
            }
            let status = std::str::from_utf8(&buffer[9..12]).expect("a status");
            if reuse {
                idle.lock().expect("nobody panics").push(stream);
            }
            splitmix64(status.parse().expect("a status"))
        }
    })
}

/// This executable in another role.
fn start(role: &str, size: u64) -> Child {
    let mut command = Command::new(current_exe().expect("its path"));
    command
        .args([role, &size.to_string()])
        .stdout(Stdio::piped());
    command.stdin(if role == ROLES[1] {
        Stdio::null()
    } else {
        Stdio::piped()
    });
    command.spawn().expect("a process")
}

/// A pool of processes: a thread for each, which sends it a chunk's bounds and reads the chunk's answer.
fn process_pool(tasks: u64, size: u64) -> u64 {
    let (next, answer) = (AtomicU64::new(0), AtomicU64::new(0));
    let chunk = tasks.div_ceil(4 * u64::from(WORKERS));
    let serve = || {
        let mut child = start(ROLES[2], size);
        let mut input = child.stdin.take().expect("its pipe");
        let mut output = BufReader::new(child.stdout.take().expect("its pipe"));
        let mut line = String::new();
        loop {
            let first = next.fetch_add(chunk, Ordering::Relaxed);
            if first >= tasks {
                break;
            }
            writeln!(input, "{first} {}", tasks.min(first + chunk)).expect("it is sent");
            line.clear();
            output.read_line(&mut line).expect("it is read");
            answer.fetch_add(line.trim().parse().expect("a number"), Ordering::Relaxed);
        }
        drop(input);
        assert!(child.wait().expect("its end").success());
    };
    thread::scope(|scope| {
        (0..WORKERS).for_each(|_| drop(scope.spawn(serve)));
    });
    answer.into_inner()
}

fn pool_worker(size: u64) {
    for line in std::io::stdin().lines() {
        let line = line.expect("a line");
        let (start, end) = line.split_once(' ').expect("two numbers");
        let bound = |text: &str| text.parse::<u64>().expect("a number");
        let turns: Range<u64> = bound(start)..bound(end);
        println!(
            "{}",
            turns.fold(0, |answer, number| combine(answer, number, count(size)))
        );
    }
}
