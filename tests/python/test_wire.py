"""The kernel as a stranger on the wire sees it: messages, order, signatures, interrupts, and how it ends."""

import os
import signal
import socket
import struct
import subprocess
import sys

import cells
import pytest
import zmq
from wire import DELIMITER, RawKernel, descendants, eventually

# ZMTP 3.0's greeting of a client without security.
GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)


def kinds(messages):
    return [message["type"] for message in messages]


def states(messages):
    return [message["content"]["execution_state"] for message in messages if message["type"] == "status"]


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_kernel_info_over(transport, start_kernel):
    info = start_kernel(transport=transport).ready()["content"]
    assert info["status"] == "ok"
    assert info["protocol_version"].startswith("5.")
    assert info["implementation"] == "conclab"
    language = info["language_info"]
    assert (language["name"], language["file_extension"]) == ("toml", ".toml")
    assert language["mimetype"] == "text/x-toml"


def test_a_subscriber_is_welcomed(start_kernel):
    kernel = start_kernel()
    first = kernel.receive(kernel.iopub)
    assert first["type"] == "iopub_welcome"
    assert first["content"] == {"subscription": ""}


def test_the_heartbeat_echoes(kernel):
    heart = kernel.context.socket(zmq.REQ)
    heart.connect(kernel.address("hb"))
    for beat in (b"ping", b"", b"\x00\xff" * 500):
        heart.send(beat)
        assert heart.poll(60_000)
        assert heart.recv() == beat


def test_an_experiment_is_answered_in_order(kernel):
    identifier = kernel.execute(cells.QUICK)
    reply = kernel.reply(identifier)
    messages = kernel.outputs(identifier)
    assert reply["content"]["status"] == "ok"
    assert reply["content"]["execution_count"] == 1
    assert kinds(messages)[:2] == ["status", "execute_input"]
    assert states(messages) == ["busy", "idle"]
    assert kinds(messages)[-1] == "status"
    assert messages[1]["content"] == {"code": cells.QUICK, "execution_count": 1}
    bundles = [message["content"]["data"] for message in messages if message["type"] == "display_data"]
    figures = [bundle for bundle in bundles if "image/png" in bundle]
    assert figures, "no figure"
    for bundle in bundles:
        assert "text/plain" in bundle
        assert "image/svg+xml" not in bundle
    assert any("sequential" in bundle["text/plain"] and "threads" in bundle["text/plain"] for bundle in bundles)


def test_outputs_are_there_when_the_reply_comes(kernel):
    """Whoever reads the reply first finds every output waiting, without a pause."""
    identifier = kernel.execute(cells.QUICK)
    kernel.reply(identifier)
    found = []
    while (message := kernel.receive(kernel.iopub, 0.5)) is not None:
        found.append(message)
    assert states(found) == ["busy", "idle"]
    assert any("image/png" in message["content"].get("data", {}) for message in found)


def test_silent_cells_say_nothing_and_are_not_counted(kernel):
    reply, messages = kernel.run(cells.SHOW, silent=True, store_history=False)
    assert reply["content"]["status"] == "ok"
    assert kinds(messages) == ["status", "status"]
    reply, _ = kernel.run(cells.SHOW)
    assert reply["content"]["execution_count"] == 1


def test_cells_are_counted_when_they_are_stored(kernel):
    counts = [kernel.run(cells.SHOW, store_history=store)[0]["content"]["execution_count"]
              for store in (True, False, True)]
    assert counts[0] == 1
    assert counts[2] == 2


def test_a_wrong_cell_is_an_error_with_the_place(kernel):
    reply, messages = kernel.run(cells.WRONG)
    assert reply["content"]["status"] == "error"
    errors = [message["content"] for message in messages if message["type"] == "error"]
    assert len(errors) == 1
    text = "\n".join(errors[0]["traceback"])
    assert "taks" in text and "did you mean" in text and "task" in text
    assert "^" in text
    assert "\n" not in errors[0]["evalue"]


def test_cells_behind_an_error_are_aborted(kernel):
    wrong = kernel.execute(cells.WRONG)
    behind = [kernel.execute(cells.SHOW) for _ in range(2)]
    assert kernel.reply(wrong)["content"]["status"] == "error"
    assert [kernel.reply(identifier)["content"]["status"] for identifier in behind] == ["aborted", "aborted"]
    assert kernel.run(cells.SHOW)[0]["content"]["status"] == "ok"


def test_cells_behind_an_error_run_when_asked_to(kernel):
    wrong = kernel.execute(cells.WRONG, stop_on_error=False)
    behind = kernel.execute(cells.SHOW)
    assert kernel.reply(wrong)["content"]["status"] == "error"
    assert kernel.reply(behind)["content"]["status"] == "ok"


def test_user_expressions_are_answered(kernel):
    reply, _ = kernel.run(cells.SHOW, user_expressions={"one": "show = 'version'"})
    assert set(reply["content"]["user_expressions"]) == {"one"}
    assert reply["content"]["user_expressions"]["one"]["status"] in ("ok", "error")


def test_control_is_answered_while_a_cell_runs(kernel):
    identifier = kernel.execute(cells.LONG)
    kernel.wait_for(identifier, "execute_input")
    assert kernel.ask("kernel_info_request", {}, kernel.control)["content"]["status"] == "ok"
    assert kernel.shell.poll(0) == 0, "the cell ended meanwhile, so this proves nothing"
    kernel.ask("interrupt_request", {}, kernel.control)
    assert kernel.reply(identifier)["content"]["ename"] == "Interrupted"


@pytest.mark.parametrize("how", ["message", "signal"])
def test_an_interrupt_ends_the_cell_and_the_next_one_works(kernel, how):
    identifier = kernel.execute(cells.LONG)
    # Until a trial of it runs: kernel and warden are two processes, a trial is more.
    assert eventually(lambda: len(descendants(kernel.mark)) > 3)
    if how == "message":
        assert kernel.ask("interrupt_request", {}, kernel.control)["content"]["status"] == "ok"
    else:
        kernel.process.send_signal(signal.SIGINT)
    reply = kernel.reply(identifier)["content"]
    assert (reply["status"], reply["ename"]) == ("error", "Interrupted")
    kernel.outputs(identifier)
    assert kernel.run(cells.QUICK)[0]["content"]["status"] == "ok"


def test_an_interrupt_right_behind_a_cell_is_never_lost(kernel):
    """Sent in the very moment in which a cell begins: where it is forgotten, the cell runs for minutes."""
    for _ in range(10):
        identifier = kernel.execute(cells.LONG)
        kernel.wait_for(identifier, "status")
        kernel.send(kernel.control, "interrupt_request", {})
        assert kernel.reply(identifier)["content"]["ename"] == "Interrupted"
        kernel.outputs(identifier)


def test_an_interrupt_when_nothing_runs_does_not_hit_the_next_cell(kernel):
    kernel.ask("interrupt_request", {}, kernel.control)
    assert kernel.run(cells.QUICK)[0]["content"]["status"] == "ok"


def test_history_is_kept(kernel):
    for code in (cells.SHOW, cells.DEFAULTS, cells.SHOW):
        kernel.run(code)
    kernel.run("repeat = 4", store_history=False)

    def ask(**content):
        return kernel.ask("history_request", {"output": False, "raw": True, **content})["content"]["history"]

    tail = ask(hist_access_type="tail", n=2)
    assert [entry[1:] for entry in tail] == [[2, cells.DEFAULTS], [3, cells.SHOW]]
    session = tail[0][0]
    assert [entry[1] for entry in ask(hist_access_type="range", session=session, start=1, stop=3)] == [1, 2]
    assert [entry[2] for entry in ask(hist_access_type="search", pattern="rep*", n=9)] == [cells.DEFAULTS]
    assert len(ask(hist_access_type="search", pattern="*version*", n=9, unique=True)) == 1


@pytest.mark.parametrize(("code", "status"), [
    (cells.SHOW, "complete"),
    ("%show version", "complete"),
    ('task = { cpu = "1ms" ', "incomplete"),
    ('task = { cpu = "1ms" }', "incomplete"),
    ('task = { cpu = "1ms" }\n\n', "complete"),
])
def test_completeness(kernel, code, status):
    assert kernel.ask("is_complete_request", {"code": code})["content"]["status"] == status


def test_requests_that_have_nothing_to_say_are_answered(kernel):
    assert kernel.ask("comm_info_request", {})["content"] == {"status": "ok", "comms": {}}
    complete = kernel.ask("complete_request", {"code": "ta ", "cursor_pos": 3})["content"]
    assert complete == {"status": "ok", "matches": [], "cursor_start": 3, "cursor_end": 3,
                        "metadata": {"_jupyter_types_experimental": []}}
    inspect = kernel.ask("inspect_request", {"code": "# task", "cursor_pos": 4, "detail_level": 0})["content"]
    assert inspect == {"status": "ok", "found": False, "data": {}, "metadata": {}}


def test_typing_is_helped_where_the_cursor_is_in_code_points(kernel):
    code = "# \N{GRINNING FACE} f\N{LATIN SMALL LETTER U WITH DIAERESIS}r\nthe"
    complete = kernel.ask("complete_request", {"code": code, "cursor_pos": len(code)})["content"]
    assert complete["matches"] == ["theme = "]
    assert (complete["cursor_start"], complete["cursor_end"]) == (len(code) - 3, len(code))
    [entry] = complete["metadata"]["_jupyter_types_experimental"]
    assert (entry["text"], entry["type"], entry["start"]) == ("theme = ", "key", len(code) - 3)
    assert entry["signature"]
    inspect = kernel.ask("inspect_request", {"code": 'task = { cpu = "1ms" }', "cursor_pos": 10})["content"]
    assert inspect["found"] and "**cpu**" in inspect["data"]["text/markdown"]
    assert "cpu: a step" in inspect["data"]["text/plain"]


def test_requests_may_leave_out_what_real_clients_leave_out(kernel):
    assert kernel.ask("execute_request", {"code": cells.SHOW})["content"]["status"] == "ok"
    identifier, frames = kernel.frames("kernel_info_request", {})
    bare = b'{"msg_id":"bare","msg_type":"kernel_info_request"}'
    parts = [bare, b"{}", b"{}", b"{}"]
    kernel.shell.send_multipart([DELIMITER, kernel.sign(parts), *parts])
    assert kernel.reply("bare")["content"]["status"] == "ok"


def broken_messages(kernel):
    _, good = kernel.frames("kernel_info_request", {})
    header = good[2]

    def signed(*parts):
        return [DELIMITER, kernel.sign(parts), *parts]

    return {
        "wrong signature": [DELIMITER, b"0" * 64, *good[2:]],
        "no signature": [DELIMITER, b"", *good[2:]],
        "signature of another message": [DELIMITER, kernel.frames("kernel_info_request", {})[1][1], *good[2:]],
        "no delimiter": [b"hello"],
        "nothing after the delimiter": [DELIMITER],
        "too few parts": signed(header, b"{}"),
        "an empty message": [b""],
        "no JSON": signed(b"not json", b"{}", b"{}", b"{}"),
        "a list for a header": signed(b"[]", b"{}", b"{}", b"{}"),
        "a header without a type": signed(b'{"msg_id":"x"}', b"{}", b"{}", b"{}"),
        "content that is no JSON": signed(header, b"{}", b"{}", b"\xff\xfe"),
        "a number beyond bounds": signed(header, b"{}", b"{}", b'{"x":1e400}'),
        "a lone surrogate": signed(header, b"{}", b"{}", b'{"code":"\\ud800"}'),
        "an unknown type": kernel.frames("no_such_request", {})[1],
        "a type of another channel": kernel.frames("input_reply", {"value": ""})[1],
        "content of the wrong shape": kernel.frames("execute_request", {"code": 7})[1],
        "thousands of empty frames": [b""] * 5000,
    }


def test_broken_messages_are_survived(kernel):
    for channel in ("shell", "control", "stdin"):
        for name, frames in broken_messages(kernel).items():
            line = kernel.dealer(channel)
            line.send_multipart(frames)
            good = kernel.context.socket(zmq.DEALER)
            good.connect(kernel.address("control"))
            identifier, request = kernel.frames("kernel_info_request", {})
            good.send_multipart(request)
            assert kernel.reply(identifier, good)["content"]["status"] == "ok", f"{name} on {channel}"
            assert kernel.is_alive(), f"{name} on {channel}"
            line.close(linger=0)
            good.close(linger=0)
    assert kernel.run(cells.SHOW)[0]["content"]["status"] == "ok"


def test_an_unsigned_request_is_not_obeyed(kernel):
    _, frames = kernel.frames("shutdown_request", {"restart": False})
    frames[1] = b"f" * 64
    kernel.control.send_multipart(frames)
    assert kernel.ask("kernel_info_request", {}, kernel.control)["content"]["status"] == "ok"
    assert kernel.is_alive()


def test_a_length_beyond_memory_does_not_end_the_kernel(kernel):
    for channel in ("shell", "control", "iopub", "stdin", "hb"):
        for flags in (0x02, 0x06):
            with socket.create_connection(("127.0.0.1", kernel.connection[f"{channel}_port"]), timeout=60) as line:
                line.sendall(GREETING + bytes([flags]) + struct.pack(">Q", 2**36))
                line.settimeout(60)
                # It hangs up, instead of waiting for 64 GiB.
                try:
                    while line.recv(4096):
                        pass
                except ConnectionResetError:
                    pass
    assert kernel.is_alive()
    assert kernel.run(cells.SHOW)[0]["content"]["status"] == "ok"


def test_silent_connections_are_hung_up_on(kernel):
    lines = [socket.create_connection(("127.0.0.1", kernel.connection["shell_port"]), timeout=60) for _ in range(50)]
    for line in lines:
        line.settimeout(60)
        try:
            while line.recv(4096):
                pass
        except ConnectionResetError:
            pass
        line.close()
    assert kernel.run(cells.SHOW)[0]["content"]["status"] == "ok"


@pytest.mark.parametrize("restart", [False, True])
def test_shutdown_is_answered_and_done(kernel, restart):
    reply = kernel.ask("shutdown_request", {"restart": restart}, kernel.control)
    assert reply["content"] == {"status": "ok", "restart": restart}
    assert kernel.process.wait(60) == 0
    assert eventually(lambda: not descendants(kernel.mark))


def test_shutdown_ends_a_running_cell(kernel):
    kernel.execute(cells.LONG)
    assert eventually(lambda: len(descendants(kernel.mark)) > 3)
    kernel.send(kernel.control, "shutdown_request", {"restart": False})
    kernel.process.wait(60)
    assert eventually(lambda: not descendants(kernel.mark))


def test_sigkill_leaves_no_process_behind(kernel):
    kernel.execute('task = { http = "1s" }\nmodels = ["processes", "process-pool"]\nrepeat = 9\nbudget = "10m"\n')
    assert eventually(lambda: len(descendants(kernel.mark)) > 4)
    kernel.process.send_signal(signal.SIGKILL)
    kernel.process.wait(60)
    assert eventually(lambda: not descendants(kernel.mark)), descendants(kernel.mark)


class OrphanedKernel(RawKernel):
    """A kernel whose parent is a process of its own, as with a notebook server."""

    def start(self):
        program = "import os, subprocess, sys; os.environ['JPY_PARENT_PID'] = str(os.getpid()); subprocess.run(sys.argv[1:])"
        with open(self.log_file, "wb") as log:
            return subprocess.Popen([sys.executable, "-c", program, *self.argv()], env=self.environment(),
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def test_the_kernel_ends_when_its_parent_does(tmp_path):
    kernel = OrphanedKernel(tmp_path)
    try:
        kernel.ready()
        os.kill(kernel.process.pid, signal.SIGKILL)
        kernel.process.wait(60)
        assert eventually(lambda: not descendants(kernel.mark))
    finally:
        for process in descendants(kernel.mark):
            os.kill(process, signal.SIGKILL)
        kernel.close()
