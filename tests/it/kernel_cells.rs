//! Cells that take their time, as a client on the real wire sees them: interrupts, the queue behind a
//! cell that failed, and what is answered meanwhile.

use crate::kernel_client::{Client, Kernel, Message, PATIENCE};
use serde_json::{Value, json};
use std::thread::sleep;
use std::time::{Duration, Instant};

const KEY: &str = "a-secret-of-this-test";
/// Runs longer than any test waits.
const LONG: &str = "task = { sleep = \"60s\" }\ntasks = 1\nmodels = [\"sequential\"]\n\
                    repeat = 1\nwarmup = 0\ntrial_timeout = \"100s\"\nbudget = \"300s\"";
const SHORT: &str = "task = { sleep = \"1ms\" }\ntasks = 2\nmodels = [\"sequential\", \"threads\"]\n\
                     repeat = 3\nwarmup = 0";
const WRONG: &str = "taks = 1";

fn send_cell(client: &mut Client, code: &str) -> String {
    client.request("execute_request", json!({"code": code}))
}

/// Waits until the cell's first display shows that it runs.
fn wait_until_running(client: &mut Client, id: &str) {
    loop {
        let output = client.output();
        assert_ne!(
            output.content["execution_state"], "idle",
            "it was to run: {output:?}"
        );
        if output.parent_id() == id && output.msg_type() == "display_data" {
            return;
        }
    }
}

#[test]
fn an_interrupt_right_behind_a_cell_is_never_lost() {
    let kernel = Kernel::start("tcp", KEY);
    let mut client = kernel.client();
    for round in 0..100 {
        let id = client.request(
            "execute_request",
            json!({"code": LONG, "stop_on_error": false}),
        );
        // On another connection, so it may well be read first.
        client.control_request("interrupt_request", json!({}));
        let reply = client.reply();
        assert_eq!(
            (reply.parent_id(), &reply.content["ename"]),
            (id, &json!("Interrupted")),
            "{round}"
        );
        assert_eq!(client.control_reply().content["status"], "ok");
    }
    for _ in 0..20 {
        let id = client.request(
            "execute_request",
            json!({"code": LONG, "stop_on_error": false}),
        );
        kernel.signal(libc::SIGINT);
        let reply = client.reply();
        assert_eq!(
            (reply.parent_id(), &reply.content["ename"]),
            (id, &json!("Interrupted"))
        );
        // A signal has no reply to wait for; what it covers ends by itself.
        sleep(Duration::from_millis(50));
    }
    assert_eq!(client.execute("# next").1["status"], "ok");
}

#[test]
fn an_interrupt_ends_a_running_cell_and_the_next_one_works() {
    let kernel = Kernel::start("tcp", KEY);
    let mut client = kernel.client();
    let id = send_cell(&mut client, LONG);
    wait_until_running(&mut client, &id);
    client.control_request("interrupt_request", json!({}));
    let reply = client.reply();
    assert_eq!(
        (reply.parent_id(), &reply.content["status"]),
        (id.clone(), &json!("error"))
    );
    assert_eq!(reply.content["ename"], "Interrupted");
    let outputs = client.outputs(&id);
    let text = |output: &Value| {
        output["data"]["text/plain"]
            .as_str()
            .unwrap_or("")
            .to_owned()
    };
    assert!(
        outputs
            .iter()
            .any(|output| text(&output.content).contains("nterrupted")),
        "the progress ends, too: {outputs:?}"
    );
    assert!(outputs.iter().any(|output| output.msg_type() == "error"));
    let (outputs, reply) = client.execute(SHORT);
    assert_eq!(reply["status"], "ok", "{reply}");
    assert!(
        outputs
            .iter()
            .any(|output| output.msg_type() == "display_data")
    );
}

#[test]
fn everything_but_cells_is_answered_while_a_cell_runs() {
    let mut kernel = Kernel::start("tcp", KEY);
    let mut client = kernel.client();
    let cell = send_cell(&mut client, LONG);
    wait_until_running(&mut client, &cell);
    for msg_type in [
        "kernel_info",
        "complete",
        "inspect",
        "is_complete",
        "history",
        "comm_info",
    ] {
        let msg_type = format!("{msg_type}_request");
        let content = json!({"code": "task", "cursor_pos": 4});
        assert!(
            client.ask(&msg_type, content.clone())["status"].is_string(),
            "{msg_type}"
        );
        let id = client.control_request(&msg_type, content);
        assert_eq!(client.control_reply().parent_id(), id);
    }
    client.control_request("shutdown_request", json!({"restart": true}));
    assert_eq!(client.control_reply().content["restart"], true);
    assert_eq!(kernel.exit_code(PATIENCE), Some(0));
}

#[test]
fn typing_is_helped_while_a_cell_runs_with_what_earlier_cells_made_known() {
    let kernel = Kernel::start("tcp", KEY);
    let mut client = kernel.client();
    assert_eq!(client.execute("seed = 7").1["status"], "ok");
    let (_, reply) = client.execute(&format!("name = \"before\"\n{SHORT}"));
    assert_eq!(reply["status"], "ok");
    let id = send_cell(&mut client, LONG);
    wait_until_running(&mut client, &id);

    // The cursor counts code points: the line before has two characters of two bytes and one of four.
    let code = "# über \u{1f600} für\nshow = \"bef";
    let cursor = code.chars().count();
    let completed = client.ask(
        "complete_request",
        json!({"code": code, "cursor_pos": cursor}),
    );
    assert_eq!(completed["matches"], json!(["before\""]));
    assert_eq!(
        (&completed["cursor_start"], &completed["cursor_end"]),
        (&json!(cursor - 3), &json!(cursor))
    );
    assert_eq!(
        completed["metadata"]["_jupyter_types_experimental"],
        json!([{
            "start": cursor - 3, "end": cursor, "text": "before\"", "type": "experiment",
            "signature": "an earlier experiment of this session",
        }])
    );
    let told = client.ask(
        "inspect_request",
        json!({"code": "seed = 1", "cursor_pos": 2, "detail_level": 0}),
    );
    assert_eq!(
        (&told["status"], &told["found"]),
        (&json!("ok"), &json!(true))
    );
    for kind in ["text/markdown", "text/plain"] {
        let text = told["data"][kind].as_str().unwrap();
        assert!(
            text.contains("An earlier cell has set it to"),
            "{kind}: {text}"
        );
    }
    let told = client.ask(
        "inspect_request",
        json!({"code": "banana = 1", "cursor_pos": 2}),
    );
    assert_eq!((&told["found"], &told["data"]), (&json!(false), &json!({})));
    client.control_request("interrupt_request", json!({}));
    assert_eq!(client.reply().parent_id(), id);
}

#[test]
fn after_an_error_what_was_queued_is_aborted_and_what_comes_later_is_not() {
    let kernel = Kernel::start("tcp", KEY);
    let mut client = kernel.client();
    for _ in 0..20 {
        let wrong = send_cell(&mut client, WRONG);
        let queued: Vec<String> = (0..5).map(|_| send_cell(&mut client, "# queued")).collect();
        let reply = client.reply();
        assert_eq!(
            (reply.parent_id(), &reply.content["status"]),
            (wrong, &json!("error"))
        );
        // As fast as a user can be: because of the reply.
        let later = send_cell(&mut client, "# later");
        for id in queued {
            let reply = client.reply();
            assert_eq!(
                (reply.parent_id(), &reply.content["status"]),
                (id, &json!("aborted"))
            );
        }
        let reply = client.reply();
        assert_eq!(
            (reply.parent_id(), &reply.content["status"]),
            (later, &json!("ok"))
        );
    }
    client.request(
        "execute_request",
        json!({"code": WRONG, "stop_on_error": false}),
    );
    send_cell(&mut client, "# queued");
    assert_eq!(client.reply().content["status"], "error");
    assert_eq!(client.reply().content["status"], "ok");
}

#[test]
fn an_error_is_told_on_both_channels_in_the_same_words() {
    let kernel = Kernel::start("ipc", KEY);
    let mut client = kernel.client();
    let (outputs, reply) = client.execute(WRONG);
    let error = outputs
        .iter()
        .find(|output| output.msg_type() == "error")
        .unwrap();
    for field in ["ename", "evalue", "traceback"] {
        assert_eq!(reply[field], error.content[field]);
    }
    assert!(
        !reply["evalue"].as_str().unwrap().contains('\n'),
        "one line: {reply}"
    );
    assert!(
        reply["traceback"]
            .as_array()
            .is_some_and(|lines| !lines.is_empty())
    );
}

#[test]
fn progress_is_one_display_that_is_updated_and_results_are_others() {
    let kernel = Kernel::start("tcp", KEY);
    let mut client = kernel.client();
    let (outputs, reply) = client.execute(SHORT);
    assert_eq!(reply["status"], "ok", "{reply}");
    let id_of = |content: &Value| {
        content["transient"]["display_id"]
            .as_str()
            .map(str::to_owned)
    };
    let ids: Vec<String> = outputs
        .iter()
        .filter_map(|output| id_of(&output.content))
        .collect();
    assert!(
        !ids.is_empty() && ids.iter().all(|id| *id == ids[0]),
        "{ids:?}"
    );
    let is_update = |output: &&Message| output.msg_type() == "update_display_data";
    let last = outputs.iter().rfind(is_update).expect("progress ends");
    assert!(
        !last.content["data"]["text/html"]
            .as_str()
            .unwrap()
            .contains("<progress"),
        "{last:?}"
    );
    let results = outputs
        .iter()
        .filter(|output| id_of(&output.content).is_none());
    let results: Vec<_> = results
        .filter(|output| output.msg_type() == "display_data")
        .collect();
    assert!(!results.is_empty(), "{outputs:?}");
    for result in results {
        assert!(
            result.content["data"]["text/plain"].is_string(),
            "{result:?}"
        );
        assert!(
            result.content["data"].get("image/svg+xml").is_none(),
            "never SVG"
        );
    }
}

#[test]
fn a_killed_kernel_leaves_no_process_behind() {
    let mut kernel = Kernel::start("tcp", KEY);
    let mut client = kernel.client();
    let cell = send_cell(&mut client, LONG);
    wait_until_running(&mut client, &cell);
    let warden = children(kernel.child.id());
    assert!(!warden.is_empty(), "a cell runs in processes of its own");
    kernel.child.kill().unwrap();
    kernel.child.wait().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while warden
        .iter()
        .any(|process| std::fs::exists(format!("/proc/{process}")).unwrap())
    {
        assert!(Instant::now() < deadline, "{warden:?} outlived the kernel");
        sleep(Duration::from_millis(10));
    }
}

/// All descendants of a process.
fn children(process: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let mut left = vec![process];
    while let Some(parent) = left.pop() {
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
                continue;
            };
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let after_name = stat.rsplit(')').next().unwrap_or("");
            if after_name.split_whitespace().nth(1) == Some(&parent.to_string()) {
                found.push(pid);
                left.push(pid);
            }
        }
    }
    found
}
