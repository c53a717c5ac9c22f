"""Starts conclab and ipykernel in turn and times both with the same client.

Three ratios: start to the first kernel_info_reply, round trip of a trivial cell (reply and idle received),
and the idle kernel's memory (PSS), which has a bound of its own too. Rounds are interleaved, a ratio is
taken round by round, and its median is shown with a 95 % interval.

    python benches/kernel.py CONCLAB [--rounds N] [--json]
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

import zmq
from jupyter_client.connect import write_connection_file
from jupyter_client.session import Session

WARM_UP_CELLS = 20
CELLS = 200
KERNELS = {
    "conclab": 'show = "version"',
    "ipykernel": 'print("conclab 0.1.0")',
}
# What is measured, its title, unit and factor, and the claim: at most 1/N of ipykernel's.
ROWS = (
    ("start_s", "start to the first `kernel_info_reply`", "ms", 1e3, 25),
    ("cell_s", "round trip of a trivial cell", "ms", 1e3, 8),
    ("memory_bytes", "idle memory (PSS)", "MB", 1e-6, None),
)
# What a throwaway kernel took that could do no more than answer the protocol.
MEMORY_BOUND_BYTES = 5_000_000
RESAMPLES = 2_000


def interval(values):
    """95 % percentile-bootstrap interval of the median (Efron 1979), seeded."""
    generator = random.Random(1)
    medians = sorted(statistics.median(generator.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return medians[round(0.025 * (RESAMPLES - 1))], medians[round(0.975 * (RESAMPLES - 1))]


def verdict(high, bound):
    """A claim holds where the whole interval does."""
    return "holds" if high <= bound else "**does not hold**"


def fraction(ratio):
    return f"1/{1 / ratio:.1f}" if ratio < 1 else f"{ratio:.2f}×"


def command(kernel, conclab, connection_file):
    if kernel == "conclab":
        return [conclab, "kernel", "-f", connection_file]
    return [sys.executable, "-m", "ipykernel_launcher", "-f", connection_file]


class Client:
    """A client of one kernel on its shell and IOPub channels."""

    def __init__(self, connection_file):
        with open(connection_file) as file:
            self.info = json.load(file)
        self.session = Session(key=self.info["key"].encode())
        self.context = zmq.Context()
        self.shell = self.context.socket(zmq.DEALER)
        self.iopub = self.context.socket(zmq.SUB)
        self.iopub.setsockopt(zmq.SUBSCRIBE, b"")
        for socket, port in ((self.shell, "shell_port"), (self.iopub, "iopub_port")):
            # The kernel binds its ports some milliseconds after it starts: retry at once.
            socket.setsockopt(zmq.RECONNECT_IVL, 1)
            socket.setsockopt(zmq.LINGER, 0)
            socket.connect(f"tcp://127.0.0.1:{self.info[port]}")

    def receive(self, socket, timeout_ms=60_000):
        while True:
            if not socket.poll(timeout_ms):
                raise TimeoutError("the kernel did not answer")
            _, frames = self.session.feed_identities(socket.recv_multipart())
            message = self.session.deserialize(frames)
            if message["msg_type"] != "iopub_welcome":
                return message

    def ask(self, kind, content, wait_for_idle):
        request = self.session.send(self.shell, kind, content)
        wanted = request["header"]["msg_id"]
        while True:
            reply = self.receive(self.shell)
            if reply["parent_header"].get("msg_id") == wanted:
                break
        while wait_for_idle:
            message = self.receive(self.iopub)
            if (
                message["msg_type"] == "status"
                and message["content"]["execution_state"] == "idle"
                and message["parent_header"].get("msg_id") == wanted
            ):
                break
        return reply

    def close(self):
        self.context.destroy(linger=0)


def pss_bytes(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("no Pss line")


def measure(kernel, conclab, folder):
    connection_file, _ = write_connection_file(os.path.join(folder, f"{kernel}.json"), ip="127.0.0.1")
    started = time.perf_counter()
    process = subprocess.Popen(
        command(kernel, conclab, connection_file),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        client = Client(connection_file)
        client.ask("kernel_info_request", {}, wait_for_idle=False)
        start_s = time.perf_counter() - started
        content = {
            "code": KERNELS[kernel],
            "silent": False,
            "store_history": False,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        for _ in range(WARM_UP_CELLS):
            reply = client.ask("execute_request", content, wait_for_idle=True)
            assert reply["content"]["status"] == "ok", reply["content"]
        trips = []
        for _ in range(CELLS):
            before = time.perf_counter()
            client.ask("execute_request", content, wait_for_idle=True)
            trips.append(time.perf_counter() - before)
        memory = pss_bytes(process.pid)
        client.close()
        return {"start_s": start_s, "cell_s": statistics.median(trips), "memory_bytes": memory}
    finally:
        process.kill()
        process.wait()
        os.unlink(connection_file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("conclab", help="path of the conclab executable (release build)")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    conclab = os.path.abspath(arguments.conclab)
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.rounds + 1):
            order = list(KERNELS) if number % 2 else list(KERNELS)[::-1]
            results = {kernel: measure(kernel, conclab, folder) for kernel in order}
            if number > 0:  # the first round warms the file cache
                rounds.append(results)
    if arguments.json:
        print(json.dumps(rounds))
        return
    print("| what | conclab | compared with | | ratio, median (95 % interval) | claim | |")
    print("|---|--:|---|--:|--:|---|---|")
    for key, title, unit, factor, claim in ROWS:
        own, other = ([r[kernel][key] for r in rounds] for kernel in KERNELS)
        ratios = [mine / theirs for mine, theirs in zip(own, other)]
        low, high = interval(ratios)
        holds = "" if claim is None else verdict(high, 1 / claim)
        print(
            f"| {title} | {statistics.median(own) * factor:.2f} {unit} | ipykernel | {statistics.median(other) * factor:.2f} {unit} "
            f"| {fraction(statistics.median(ratios))} ({fraction(low)}–{fraction(high)}) "
            f"| {'' if claim is None else f'at most 1/{claim}'} | {holds} |"
        )
    memory = [r["conclab"]["memory_bytes"] for r in rounds]
    print(
        f"| idle memory (PSS), itself | {statistics.median(memory) / 1e6:.2f} MB | a bound | {MEMORY_BOUND_BYTES / 1e6:.0f} MB "
        f"| | at most {MEMORY_BOUND_BYTES / 1e6:.0f} MB | {verdict(interval(memory)[1], MEMORY_BOUND_BYTES)} |"
    )


if __name__ == "__main__":
    main()
