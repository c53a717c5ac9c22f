"""`python` steps: code as authors write it, under every model of Python that can run it, on this environment's Python.

Answers agree, and waits overlap where they should: seen in how many requests were under way at once, not in times.
"""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from outside import CONCLAB

MODELS = ["sequential", "threads", "thread-pool", "processes", "process-pool", "async", "hybrid"]
ALL = MODELS + ["interpreters"] * (sys.version_info >= (3, 14))
TASKS = 4


def run(code, folder, models=ALL, **environment):
    """The rows of a cell with that task, by model."""
    (folder / "work.py").write_text(code)
    cell = "\n".join([
        'task = { python = { file = "work.py", call = "task" } }', f"tasks = {TASKS}", f"workers = {TASKS}",
        "repeat = 1", f"models = {json.dumps(models)}", "",
    ])
    # As it is called here: where the link points at, nothing is installed.
    done = subprocess.run([CONCLAB, "run", "-", "--json"], input=cell, capture_output=True, text=True, cwd=folder,
                          env={**os.environ, "CONCLAB_PYTHON": sys.executable, **environment})
    report = json.loads(done.stdout)
    assert done.returncode == 0, report
    rows = {row["model"]: row for row in report["rows"]}
    assert list(rows) == models
    return rows


def assert_all_agree(rows):
    for row in rows.values():
        assert (row["outcome"], row["tasks"]["succeeded"], row["agrees"]) == ("ok", TASKS, True), row
        assert row["runtime"] == "python", row


class Counting(ThreadingHTTPServer):
    """Answers once `TASKS` requests have been waiting, or after a while; remembers how many waited at once."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.changed = threading.Condition()
        self.waiting = self.most = 0
        self.patience_s = 0
        self.url = f"http://127.0.0.1:{self.server_port}/"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        with server.changed:
            server.waiting += 1
            server.most = max(server.most, server.waiting)
            server.changed.notify_all()
            server.changed.wait_for(lambda: server.most >= TASKS, timeout=server.patience_s)
            server.waiting -= 1
        body = b"x" * 1000
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    server = Counting()
    yield server
    server.shutdown()
    server.server_close()


def most_at_once(server, code, folder, model, expected):
    """How many requests a model had under way at once; every task succeeded."""
    server.most = 0
    # Those who wait for each other are there long before; one by one they would wait in vain.
    server.patience_s = 4 if expected == TASKS else 0.2
    assert_all_agree(run(code, folder, models=[model], WORK_URL=server.url))
    return server.most


def test_monte_carlo_pi(tmp_path):
    code = """
import random

def task(i):
    rng = random.Random(i)
    return 4 * sum(rng.random() ** 2 + rng.random() ** 2 < 1 for _ in range(2_000)) / 2_000
"""
    assert_all_agree(run(code, tmp_path))
    (tmp_path / "unseeded").mkdir()
    # The answers really are compared: without a seed each model finds another π.
    unseeded = code.replace("random.Random(i)", "random.SystemRandom()")
    with pytest.raises(AssertionError):
        assert_all_agree(run(unseeded, tmp_path / "unseeded"))


DOWNLOAD = """
import os
from urllib.request import urlopen

URL = os.environ["WORK_URL"]

def task(i):
    with urlopen(URL) as answer:
        return len(answer.read())
"""


@pytest.mark.parametrize("model", ALL)
def test_blocking_downloads_overlap_except_on_one_thread(model, server, tmp_path):
    expected = 1 if model in ("sequential", "async") else TASKS
    assert most_at_once(server, DOWNLOAD, tmp_path, model, expected) == expected


def test_the_loopback_server_is_there_for_the_authors_code(tmp_path):
    code = DOWNLOAD.replace('os.environ["WORK_URL"]', 'os.environ["CONCLAB_DELAY_SERVER"] + "/delay?time=2ms&bytes=70000"')
    assert_all_agree(run(code + "        assert len(answer.read()) == 0\n", tmp_path))
    missing = code.replace("time=2ms", "status=404")
    for row in run(missing, tmp_path).values():
        assert (row["outcome"], row["tasks"]["failed"]) == ("ok", TASKS), row
        assert "404" in json.dumps(row), row


CLIENT = """
import os

import aiohttp

URL = os.environ["WORK_URL"]

async def task(i):
    async with aiohttp.ClientSession() as session, session.get(URL) as answer:
        return len(await answer.read())
"""


@pytest.mark.parametrize("model", MODELS)
def test_coroutines_of_aiohttp_overlap_on_the_event_loop(model, server, tmp_path):
    expected = 1 if model == "sequential" else TASKS
    assert most_at_once(server, CLIENT, tmp_path, model, expected) == expected


def test_numpy_that_releases_the_gil(tmp_path):
    code = """
import numpy

def task(i):
    rng = numpy.random.default_rng(i)
    left, right = rng.integers(0, 100, (2, 200, 200)).astype(float)
    return int((left @ right).sum())
"""
    # NumPy refuses to be imported into a second interpreter of one process.
    assert_all_agree(run(code, tmp_path, models=MODELS))


def test_threads_go_on_while_numpy_computes(tmp_path):
    # With an interval of a minute nobody is made to give the GIL up: the others come on only when NumPy does.
    code = """
import sys
import threading

import numpy

numbers = numpy.ones((500, 500))
began, seen = threading.Event(), []

def task(i):
    if i > 0:
        began.wait()
        seen.append(i)
        return 0
    sys.setswitchinterval(60)
    began.set()
    for _ in range(500):
        numbers @ numbers
        if seen:
            return 0
    raise RuntimeError("no other thread got the GIL")
"""
    assert_all_agree(run(code, tmp_path, models=["threads"]))
    with_python = code.replace("numbers @ numbers", "sum(range(10_000))")
    (row,) = run(with_python, tmp_path, models=["threads"]).values()
    assert row["tasks"]["failed"] == 1 and "no other thread got the GIL" in json.dumps(row), row
