//! The kernel as a client on the real wire sees it: the real executable, real sockets.

use crate::kernel_client::{Kernel, PATIENCE, Wire, ends, greeting, ready};
use serde_json::{Value, json};
use std::io::Write;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

const KEY: &str = "a-secret-of-this-test";
/// For what must not happen.
const A_MOMENT: Duration = Duration::from_millis(300);

#[test]
fn the_kernel_introduces_itself_over_every_transport_signed_or_not() {
    for (transport, key) in [("tcp", KEY), ("ipc", KEY), ("tcp", ""), ("ipc", "")] {
        let mut kernel = Kernel::start(transport, key);
        let mut client = kernel.client();
        let info = client.ask("kernel_info_request", json!({}));
        assert_eq!(info["status"], "ok");
        assert!(info["protocol_version"].as_str().unwrap().starts_with("5."));
        assert_eq!(info["implementation_version"], env!("CARGO_PKG_VERSION"));
        let language = &info["language_info"];
        assert_eq!(
            (&language["name"], &language["file_extension"]),
            (&json!("toml"), &json!(".toml"))
        );
        client.control_request("shutdown_request", json!({"restart": false}));
        assert_eq!(
            client.control_reply().content,
            json!({"status": "ok", "restart": false})
        );
        assert_eq!(kernel.exit_code(PATIENCE), Some(0));
        let left = std::fs::read_dir(&kernel.folder).unwrap().count();
        assert_eq!(left, 1, "only the connection file is left, no socket");
    }
}

#[test]
fn a_stale_ipc_socket_is_replaced_and_another_file_is_not() {
    let mut kernel = Kernel::start("ipc", KEY);
    kernel.child.kill().unwrap();
    kernel.child.wait().unwrap();
    let start = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conclab"));
        command
            .args(["kernel", "-f"])
            .arg(kernel.folder.join("connection.json"));
        command
    };
    let mut second = start().spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while std::os::unix::net::UnixStream::connect(kernel.folder.join("kernel-5")).is_err() {
        assert!(
            Instant::now() < deadline,
            "the second kernel listens where the first did"
        );
    }
    second.kill().unwrap();
    second.wait().unwrap();
    let file = kernel.folder.join("kernel-1");
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "precious").unwrap();
    let output = start().output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("kernel-1"),
        "{output:?}"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
}

#[test]
fn outputs_come_before_the_reply_and_the_reply_before_idle() {
    let kernel = Kernel::start("tcp", KEY);
    let mut client = kernel.client();
    for _ in 0..100 {
        let id = client.request(
            "execute_request",
            json!({"code": "# nothing", "store_history": false}),
        );
        assert_eq!(client.outputs(&id).len(), 2, "busy and execute_input");
        // Idle is here, so the reply is: no waiting.
        assert!(client.shell.receive(Duration::from_millis(1)).is_some());
    }
    for count in 1..=300 {
        let id = client.request("execute_request", json!({"code": "# nothing"}));
        let reply = client.reply();
        assert_eq!(reply.parent_id(), id);
        assert_eq!(reply.content["status"], "ok");
        assert_eq!(reply.content["execution_count"], count);
        // What was written before the reply is here when the reply is: no waiting.
        let mut seen = Vec::new();
        while seen.len() < 2 {
            let frames = client
                .iopub
                .receive(Duration::from_millis(1))
                .expect("before the reply");
            let text = frames
                .iter()
                .map(|frame| String::from_utf8_lossy(frame))
                .collect::<String>();
            if text.contains(&id) {
                seen.push(text);
            }
        }
        assert!(
            seen[0].contains("busy") && seen[1].contains("execute_input"),
            "{seen:?}"
        );
        assert_eq!(client.outputs(&id).len(), 0, "idle is next");
    }
}

#[test]
fn a_reply_waits_for_subscribers_that_still_read_but_not_for_ever() {
    let kernel = Kernel::start("tcp", "");
    let mut client = kernel.client();
    // More than the system's buffers hold; it comes back in comm_close.
    let large = json!({"comm_id": "x".repeat(16 << 20), "target_name": "jupyter.widget"});
    let comm = client.request("comm_open", large.clone());
    while client.output().parent_id() != comm {}
    let info = client.request("kernel_info_request", json!({}));
    assert!(
        client.shell.receive(A_MOMENT).is_none(),
        "an output before it is still on the way"
    );
    assert_eq!(client.outputs(&comm)[0].msg_type(), "comm_close");
    assert_eq!(client.reply().parent_id(), info);

    let comm = client.request("comm_open", large);
    let reply = client.ask("kernel_info_request", json!({}));
    assert_eq!(reply["status"], "ok", "though nobody reads the output");
    assert_eq!(kernel.client().execute("# next").1["status"], "ok");
    let outputs = client.outputs(&comm);
    assert_eq!(
        outputs.len(),
        2,
        "busy and comm_close: late, but nothing is lost"
    );
}

#[test]
fn idle_waits_for_a_reply_that_is_still_being_read() {
    let kernel = Kernel::start("tcp", "");
    let mut client = kernel.client();
    // More than the system's buffers hold; it comes back in the reply.
    let id = client.request("debug_request", json!({"command": "x".repeat(16 << 20)}));
    while client.output().parent_id() != id {}
    assert!(
        client.iopub.receive(A_MOMENT).is_none(),
        "idle overtook the reply"
    );
    assert_eq!(client.reply().parent_id(), id);
    assert_eq!(client.outputs(&id).len(), 0, "then idle");
}

#[test]
fn headers_come_back_byte_for_byte_and_what_clients_omit_has_defaults() {
    let kernel = Kernel::start("tcp", KEY);
    let mut client = kernel.client();
    let header = r#"{ "msg_type":"kernel_info_request",  "odd": 1.50e0, "msg_id": "\u00e9" }"#;
    let frames = client.signed(header, "{}");
    client.shell.send(&frames);
    assert_eq!(client.reply().parent, header);

    for msg_type in [
        "complete",
        "inspect",
        "is_complete",
        "comm_info",
        "history",
        "execute",
        "shutdown",
    ] {
        let reply = client.ask(&format!("{msg_type}_request"), json!({}));
        assert!(reply["status"].is_string(), "{msg_type}: {reply}");
    }
}

#[test]
fn forgeries_and_rubbish_get_no_answer_and_the_kernel_lives_on() {
    let kernel = Kernel::start("tcp", KEY);
    let mut client = kernel.client();
    let (_, good) = client.frames("kernel_info_request", "{}");
    let changed = |index: usize, bytes: &[u8]| {
        let mut frames = good.clone();
        frames[index] = bytes.to_vec();
        frames
    };
    let rubbish = [
        changed(1, b""),
        changed(1, &[b'0'; 64]),
        changed(1, "é".repeat(32).as_bytes()),
        changed(5, b"{\"restart\":true}"),
        changed(0, b"<nothing>"),
        good[..4].to_vec(),
        vec![Vec::new()],
        vec![b"<IDS|MSG>".to_vec()],
        client.signed("[]", "{}"),
        client.signed("not JSON", "{}"),
        client.signed("{}", "{}"),
    ];
    for frames in &rubbish {
        client.shell.send(frames);
        client.control.send(frames);
    }
    assert!(client.shell.receive(A_MOMENT).is_none());
    assert!(client.control.receive(A_MOMENT).is_none());
    client.shell.send(&good);
    assert_eq!(client.reply().content["status"], "ok");
    client.shell.send(&good);
    assert!(
        client.shell.receive(A_MOMENT).is_none(),
        "the same message again is a replay"
    );
    assert_eq!(client.ask("kernel_info_request", json!({}))["status"], "ok");
}

#[test]
fn unknown_requests_and_json_that_is_none_are_answered_with_an_error() {
    let kernel = Kernel::start("tcp", KEY);
    let mut client = kernel.client();
    let answer = client.ask("teleport_request", json!({}));
    assert_eq!(
        (&answer["status"], &answer["ename"]),
        (&json!("error"), &json!("UnknownMessage"))
    );
    for content in [
        r#"{"code": NaN}"#,
        r#"{"code": "\ud800"}"#,
        "{\"code\": 1e400}",
        "{",
        "",
    ] {
        let (id, frames) = client.frames("execute_request", content);
        client.shell.send(&frames);
        let reply = client.reply();
        assert_eq!(
            (reply.parent_id(), reply.msg_type()),
            (id.clone(), "execute_reply")
        );
        assert_eq!(reply.content["status"], "error", "{content}");
        let states = client.outputs(&id);
        assert_eq!(states[0].content["execution_state"], "busy");
    }
    let frames = client.signed(
        r#"{"msg_type":"kernel_info_request","msg_id":"\udc80","t":NaN}"#,
        "{}",
    );
    client.shell.send(&frames);
    assert_eq!(
        client.reply().content["status"],
        "ok",
        "a header that only Python writes"
    );
    let id = client.request(
        "comm_open",
        json!({"comm_id": "c1", "target_name": "jupyter.widget"}),
    );
    let outputs = client.outputs(&id);
    assert_eq!(
        (outputs[1].msg_type(), &outputs[1].content["comm_id"]),
        ("comm_close", &json!("c1"))
    );
    client.request("surprise", json!({}));
    let debug = client.ask("debug_request", json!({"seq": 7, "command": "attach"}));
    assert_eq!(
        (&debug["request_seq"], &debug["success"]),
        (&json!(7), &json!(false))
    );
}

#[test]
fn silent_cells_leave_no_trace_and_expressions_are_each_answered() {
    let kernel = Kernel::start("tcp", KEY);
    let mut client = kernel.client();
    let id = client.request(
        "execute_request",
        json!({"code": "# quiet", "silent": true}),
    );
    assert_eq!(client.reply().content["execution_count"], 0);
    assert_eq!(client.outputs(&id).len(), 1, "busy, and nothing else");
    client.ask(
        "execute_request",
        json!({"code": "# no history", "store_history": false}),
    );
    let reply = client.ask(
        "execute_request",
        json!({"code": "# loud", "user_expressions": {"a": "1"}}),
    );
    assert_eq!(reply["execution_count"], 1);
    assert_eq!(reply["user_expressions"]["a"]["status"], "error");
    let history = client.ask(
        "history_request",
        json!({"hist_access_type": "tail", "n": 9}),
    );
    assert_eq!(history["history"], json!([[1, 1, "# loud"]]));
}

#[test]
fn history_is_found_by_tail_range_and_search() {
    let kernel = Kernel::start("tcp", KEY);
    let mut client = kernel.client();
    for code in ["# a", "# b", "# a"] {
        client.ask("execute_request", json!({"code": code}));
    }
    let mut found = |request: Value| client.ask("history_request", request)["history"].clone();
    assert_eq!(
        found(json!({"hist_access_type": "tail", "n": 1})),
        json!([[1, 3, "# a"]])
    );
    assert_eq!(
        found(json!({"hist_access_type": "range", "session": 0, "start": 1, "stop": 3})),
        json!([[1, 1, "# a"], [1, 2, "# b"]])
    );
    assert_eq!(
        found(json!({"hist_access_type": "search", "pattern": "*a", "unique": true})),
        json!([[1, 3, "# a"]])
    );
}

#[test]
fn the_heartbeat_echoes_whatever_it_is_sent() {
    let kernel = Kernel::start("tcp", KEY);
    let mut heart = Wire::new(kernel.stream("hb_port"), "REQ");
    for beat in [b"ping".to_vec(), vec![0, 255], vec![7; 3000]] {
        let message = [Vec::new(), beat];
        heart.send(&message);
        assert_eq!(heart.receive(PATIENCE).unwrap(), message);
    }
    let descriptors = kernel.descriptors();
    for _ in 0..20 {
        // Cut off between a beat and its echo.
        Wire::new(kernel.stream("hb_port"), "REQ").send(&[Vec::new(), b"gone".to_vec()]);
    }
    heart.send(&[Vec::new(), b"still".to_vec()]);
    assert_eq!(heart.receive(PATIENCE).unwrap()[1], b"still");
    let deadline = Instant::now() + PATIENCE;
    while kernel.descriptors() > descriptors + 1 {
        assert!(
            Instant::now() < deadline,
            "{} descriptors",
            kernel.descriptors()
        );
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_length_bomb_ends_its_own_connection_only() {
    let kernel = Kernel::start("tcp", KEY);
    let mut client = kernel.client();
    let before = kernel.memory_kib("VmHWM");
    // 2^36 bytes in one frame; a command beyond 64 KiB; a message beyond 256 MiB in two frames.
    let half = [&[2][..], &(200_u64 << 20).to_be_bytes()].concat();
    let bombs: [(&str, &str, Vec<u8>); 4] = [
        ("shell_port", "DEALER", vec![2, 0, 0, 0, 16, 0, 0, 0, 0]),
        ("iopub_port", "SUB", vec![2, 0, 0, 0, 16, 0, 0, 0, 0]),
        ("hb_port", "REQ", vec![6, 0, 0, 0, 0, 0, 2, 0, 0]),
        (
            "control_port",
            "DEALER",
            [&[3][..], &(300_u64 << 20).to_be_bytes()].concat(),
        ),
    ];
    for (port, kind, bomb) in bombs {
        let mut wire = Wire::new(kernel.stream(port), kind);
        wire.stream.write_all(&bomb).unwrap();
        assert!(wire.is_ended(PATIENCE), "{port}");
    }
    let mut early = kernel.stream("shell_port");
    early.write_all(&[greeting(), half].concat()).unwrap();
    assert!(ends(early.as_mut(), PATIENCE), "a message before READY");
    let grown = kernel.memory_kib("VmHWM") - before;
    assert!(grown < 20 << 10, "{grown} KiB more");
    assert_eq!(client.ask("kernel_info_request", json!({}))["status"], "ok");
}

#[test]
fn a_subscriber_that_stops_reading_stalls_nobody_and_is_cut_off() {
    let kernel = Kernel::start("tcp", "");
    let mut client = kernel.client();
    let mut stalled = kernel.client();
    // Unsigned, because hashing is slow in a debug build. Each comes back on IOPub as execute_input: 170 of 512 KiB are more than is kept for anyone.
    let code = format!("# {}", "x".repeat(512 << 10));
    for count in 1..=170 {
        let (outputs, reply) = client.execute(&code);
        assert_eq!(
            (outputs.len(), &reply["execution_count"]),
            (1, &json!(count))
        );
    }
    assert!(
        kernel.memory_kib("VmRSS") < 200 << 10,
        "{} KiB",
        kernel.memory_kib("VmRSS")
    );
    assert!(stalled.iopub.is_ended(PATIENCE));
}

#[test]
fn silent_connections_are_dropped_and_keep_nobody_out() {
    let kernel = Kernel::start("tcp", KEY);
    let before = kernel.descriptors();
    let mut silent: Vec<_> = (0..300).map(|_| kernel.stream("shell_port")).collect();
    // Half a handshake is as silent as none.
    for stream in silent.iter_mut().take(20) {
        stream.write_all(&greeting()).unwrap();
    }
    let mut client = kernel.client();
    assert_eq!(client.ask("kernel_info_request", json!({}))["status"], "ok");
    for stream in &mut silent {
        assert!(ends(stream.as_mut(), PATIENCE));
    }
    let open = kernel.descriptors();
    assert!(
        open < before + 20,
        "{before} descriptors before, {open} after"
    );
    assert_eq!(client.ask("kernel_info_request", json!({}))["status"], "ok");
}

#[test]
fn a_client_in_pieces_is_as_good_as_any() {
    let kernel = Kernel::start("tcp", KEY);
    let mut stream = kernel.stream("hb_port");
    let beat = [0x01, 0, 0x00, 2, b'h', b'i'];
    for byte in [greeting(), ready("REQ", ""), beat.to_vec()].concat() {
        stream.write_all(&[byte]).unwrap();
    }
    stream.set_patience(PATIENCE);
    let mut answer = vec![0; 64];
    stream.read_exact(&mut answer).unwrap();
    let mut rest = Vec::new();
    while !rest.ends_with(&beat) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        rest.extend(byte);
    }
}

#[test]
fn a_restart_is_said_on_both_channels_before_the_kernel_ends() {
    for round in 0..20 {
        let mut kernel = Kernel::start("tcp", KEY);
        let mut client = kernel.client();
        let id = if round % 2 == 0 {
            let id = client.control_request("shutdown_request", json!({"restart": true}));
            assert_eq!(client.control_reply().content["restart"], true);
            id
        } else {
            let id = client.request("shutdown_request", json!({"restart": true}));
            assert_eq!(client.reply().content["restart"], true);
            id
        };
        let outputs = client.outputs(&id);
        assert!(
            outputs
                .iter()
                .any(|output| output.msg_type() == "shutdown_reply"),
            "{outputs:?}"
        );
        assert_eq!(kernel.exit_code(PATIENCE), Some(0));
    }
}

#[test]
fn the_kernel_ends_with_its_parent_and_not_without_one() {
    // A shell that says it is the parent, starts the kernel, and waits to be killed.
    let mut kernel = Kernel::start_by("tcp", KEY, |file| {
        let mut command = Command::new("sh");
        let script =
            "export JPY_PARENT_PID=$$; \"$0\" kernel -f \"$1\" & echo $! > \"$1.pid\"; wait";
        command
            .args(["-c", script, env!("CARGO_BIN_EXE_conclab")])
            .arg(file);
        command
    });
    let mut client = kernel.client();
    assert_eq!(client.ask("kernel_info_request", json!({}))["status"], "ok");
    let pid = std::fs::read_to_string(kernel.folder.join("connection.json.pid")).unwrap();
    let process = format!("/proc/{}", pid.trim());
    let is_running = || {
        std::fs::read_to_string(format!("{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    };
    assert!(is_running());
    kernel.child.kill().unwrap();
    kernel.child.wait().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while is_running() {
        assert!(Instant::now() < deadline, "the kernel outlived its parent");
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_interrupt_leaves_an_idle_kernel_as_it_is() {
    let mut kernel = Kernel::start("tcp", KEY);
    let mut client = kernel.client();
    kernel.signal(libc::SIGINT);
    client.control_request("interrupt_request", json!({}));
    assert_eq!(client.control_reply().content["status"], "ok");
    // Signals and messages that came before it are covered by now.
    sleep(Duration::from_millis(100));
    assert_eq!(client.execute("# still here").1["status"], "ok");
    assert_eq!(kernel.exit_code(A_MOMENT), None);
}

#[test]
fn a_client_that_subscribes_late_misses_nothing_of_its_first_request() {
    let kernel = Kernel::start("tcp", KEY);
    // Longer than the kernel waits for a subscriber, which it does from the first request on only.
    sleep(Duration::from_millis(1200));
    let mut shell = Wire::new(kernel.stream("shell_port"), "DEALER");
    let header = r#"{"msg_type":"kernel_info_request","msg_id":"first"}"#;
    let mut signer = Kernel::start("tcp", KEY).client();
    shell.send(&signer.signed(header, "{}"));
    sleep(A_MOMENT);
    signer.iopub = Wire::new(kernel.stream("iopub_port"), "SUB");
    signer.iopub.send(&[vec![1]]);
    let outputs = signer.outputs("first");
    assert_eq!(outputs[0].content["execution_state"], "busy");
    assert!(shell.receive(PATIENCE).is_some());
}

#[test]
fn a_client_that_comes_back_with_its_identity_gets_its_answers() {
    let kernel = Kernel::start("tcp", KEY);
    let mut client = kernel.client();
    for round in 0..50 {
        // Jupyter's server keeps the identity of a session; the connection before may still be there.
        let next = Wire::named(kernel.stream("shell_port"), "DEALER", "session");
        let last = std::mem::replace(&mut client.shell, next);
        if round % 2 == 0 {
            drop(last);
        }
        assert_eq!(
            client.ask("kernel_info_request", json!({}))["status"],
            "ok",
            "round {round}"
        );
    }
}

#[test]
fn a_parent_that_cannot_be_seen_from_here_is_not_missed() {
    let mut kernel = Kernel::start_by("tcp", KEY, |file| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conclab"));
        // Above the largest process id: as a server's in another container would be.
        command
            .args(["kernel", "-f"])
            .arg(file)
            .env("JPY_PARENT_PID", "4194305");
        command
    });
    assert_eq!(kernel.exit_code(A_MOMENT), None);
    assert_eq!(
        kernel.client().ask("kernel_info_request", json!({}))["status"],
        "ok"
    );
}

#[test]
fn an_idle_kernel_is_small() {
    let kernel = Kernel::start("tcp", KEY);
    let mut client = kernel.client();
    client.ask("kernel_info_request", json!({}));
    let kib = kernel.memory_kib("VmRSS");
    println!("idle: {kib} KiB resident");
    assert!(kib < 64 << 10, "{kib} KiB");
}

#[test]
fn a_wrong_connection_file_is_explained() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_conclab"))
            .args(arguments)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, message) = run(&["kernel"]);
    assert_eq!(code, Some(3));
    assert!(message.contains("usage: conclab kernel -f"), "{message}");
    let (code, message) = run(&["kernel", "-f", "/nowhere/at-all.json"]);
    assert_eq!(code, Some(3));
    assert!(message.contains("/nowhere/at-all.json"), "{message}");
}
