"""The program that runs a trial on CPython: the same requests as the kernel's own trials get, and the same answers.

Interpreters: those of CONCLAB_TEST_PYTHONS, paths as in PATH; without it the one that runs the tests. To add an
operation: a row in [`PROGRAMS`].
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from outside import CONCLAB

INTERPRETERS = [path for path in os.environ.get("CONCLAB_TEST_PYTHONS", "").split(os.pathsep) if path]
INTERPRETERS = INTERPRETERS or [os.path.realpath(sys.executable)]

# Model, how processes start, what computes for an event loop.
WAYS = {
    "sequential": ("sequential", {}),
    "threads": ("threads", {}),
    "thread-pool": ("thread-pool", {}),
    "async": ("async", {}),
    "hybrid": ("hybrid", {}),
    "hybrid on processes": ("hybrid", {"pool": "processes"}),
}
for start in ("fork", "spawn", "forkserver"):
    WAYS[f"processes by {start}"] = ("processes", {"start": start})
    WAYS[f"process-pool by {start}"] = ("process-pool", {"start": start})
OWN_PROCESSES = [way for way in WAYS if way.startswith("process")]


def const(number):
    return {"const": number}


SPREAD = {"uniform": {"low": 100, "high": 300, "stream": 1}}
EACH = {"each": [100, 200, 300]}
TOTAL = {"total": 1003}


def compute(function, size):
    return {"compute": {"function": function, "size": size if isinstance(size, dict) else const(size)}}


def http(status=const(200), bytes=0, reuse=True):
    return {"http": {"time": const(1_000_000), "status": status, "bytes": const(bytes), "reuse": reuse}}


def query(statement):
    return {"query": {"statement": statement, "database": None}}


def inside(ops, times=1, lock=None, permit=None):
    return {"group": {"ops": ops, "times": times, "lock": lock, "permit": permit, "label": ""}}


def add(times, sync, body="plain"):
    return {"add": {"times": times, "sync": sync, "body": body}}


def python(text, line=7, module="cell"):
    return {"python": {"code": {"text": {"text": text, "line": line, "module": module}}}}


def group(ops, tasks=4, name=""):
    return {"name": name, "tasks": tasks, "ops": ops}


SLEEP = {"sleep": {"time": const(1_000_000)}}
FUNCTIONS = {
    "count": 1000, "sum_squares": 1000, "primes": 500, "pi": 300, "fib": 10, "sort": 300, "matmul": 8,
    "hash": 10_000, "compress": 70_000, "blur": 1007, "cpu": 1000,
}  # fmt: skip

# Groups, and what else a program has.
PROGRAMS = {
    "functions": ([group([compute(name, size)], 2, name) for name, size in FUNCTIONS.items()], {}),
    "values": (
        [
            group([compute("count", SPREAD), {"sleep": {"time": SPREAD}}, compute("sum_squares", EACH)], 6),
            group([compute("count", TOTAL), compute("pi", SPREAD)], 5),
        ],
        {},
    ),
    "waits": ([group([SLEEP, {"block": {"time": EACH}}])], {}),
    "requests": ([group([http(), http(bytes=5000, reuse=False)])], {}),
    "statuses": ([group([http(status={"each": [200, 503, 204, 404]})])], {}),
    "files": (
        [
            group([
                {"read": {"bytes": SPREAD}},
                {"write": {"bytes": EACH, "sync": True}},
                inside([{"write": {"bytes": const(100), "sync": False}}], 3),
            ])
        ],
        {},
    ),
    "queries": (
        [
            group([
                query({"time": const(1_000_000)}),
                query({"sql": "SELECT * FROM numbers WHERE id < 10; UPDATE numbers SET value = 1 WHERE id = 3"}),
            ])
        ],
        {},
    ),
    "a wrong query": ([group([query({"sql": "SELECT nothing FROM nowhere"})], 2)], {}),
    "programs": ([group([{"run": {"argv": ["true"]}}])], {}),
    "failing programs": ([group([{"run": {"argv": ["sh", "-c", "echo no >&2; exit 3"]}}])], {}),
    "memory": ([group([{"alloc": {"bytes": const(100_000)}}])], {}),
    "locks and limits": (
        [
            group([
                inside([compute("count", SPREAD), SLEEP], 3, lock="a", permit="sleep"),
                inside([compute("count", 5)], 2, lock="b"),
            ])
        ],
        {"limits": {"sleep": 2}},
    ),
    "data": ([group([compute("count", 10)], 5)], {"argument": SPREAD, "result": EACH}),
    "much data": (
        [group([compute("count", 10)], 5), group([SLEEP], 2)],
        {"argument": const(70_000), "result": const(100_000)},
    ),
    "nothing": ([group([])], {}),
    "mutex": ([group([add(const(2000), "mutex"), compute("count", 3), add(SPREAD, "mutex", "call")])], {}),
    "rwlock": ([group([add(const(2000), "rwlock")])], {}),
    "atomic": ([group([add(const(2000), "atomic", "call")])], {}),
    "local": ([group([add(const(2000), "local"), add(EACH, "local", "call")])], {}),
    "additions, then a failure": ([group([add(const(2000), "mutex"), {"run": {"argv": ["false"]}}])], {}),
}


# What new interpreters must be told, or import: the rest is the same to a copy.
TOLD = ("functions", "values", "locks and limits", "much data", "mutex", "additions, then a failure")
CASES = [(name, way) for name in PROGRAMS for way in WAYS if name in TOLD or not way.endswith(("spawn", "forkserver"))]
# Answers of native code, by program.
native_outcomes = {}


@pytest.fixture(scope="module")
def harness(repository, tmp_path_factory):
    """The files, where interpreters may write what they compile."""
    folder = tmp_path_factory.mktemp("harness")
    for file in (repository / "src/runtime/python").glob("*.py"):
        shutil.copy(file, folder)
    return folder / "conclab_trial.py"


@pytest.fixture(scope="module")
def delay_server():
    with subprocess.Popen([CONCLAB, "delay-server"], stdout=subprocess.PIPE, text=True) as server:
        yield server.stdout.readline().strip()
        server.kill()


@pytest.fixture
def trial(harness, delay_server, tmp_path):
    """Runs one trial, natively or on an interpreter; its reply, with what it printed."""
    count = 0

    def run(groups, model, interpreter=None, settings={}, latencies=False, switch_interval_ns=None, **program):
        nonlocal count
        count += 1
        folder = tmp_path / str(count)
        folder.mkdir()
        request = {
            "program": {"groups": groups, "limits": {}, "argument": None, "result": None, "seed": 7, **program},
            "model": model,
            "runtime": "python" if interpreter else "native",
            "settings": {"workers": 2, "chunk": None, "pool": "threads", "start": None, **settings},
            "latencies": latencies,
            "switch_interval_ns": switch_interval_ns,
            "site": {
                "delay_server": delay_server, "directory": str(folder), "home": str(tmp_path),
                "executable": str(CONCLAB),
            },
        }  # fmt: skip
        if interpreter:
            request["python"] = {"interpreter": interpreter, "harness": str(harness), "version": "the tests' own"}
        answer = tmp_path / f"reply-{count}"
        command = ["sh", "-c", 'exec "$0" trial 3>"$1"', CONCLAB, answer]
        process = subprocess.run(command, cwd=folder, input=json.dumps(request), stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, timeout=120)
        reply, printed = answer.read_text(), process.stdout
        assert process.returncode == 0 and reply, printed
        return {**json.loads(reply), "printed": printed}

    return run


def outcome(reply):
    """What must not depend on runtime and model."""
    assert reply["error"] is None and reply["printed"] == "", reply
    names = ("answer", "succeeded", "failed", "expected_updates", "counted_updates")
    return {name: reply["tally"].get(name, 0) for name in names}


@pytest.fixture(params=INTERPRETERS, ids=lambda path: "-".join(Path(path).parts[-3:]))
def interpreter(request):
    return request.param


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


@pytest.mark.parametrize(("name", "way"), CASES)
def test_the_answer_is_that_of_native_code(trial, interpreter, way, name):
    groups, program = PROGRAMS[name]
    model, settings = WAYS[way]
    if name not in native_outcomes:
        native_outcomes[name] = trial(groups, "sequential", **program)
    native = native_outcomes[name]
    reply = trial(groups, model, interpreter, settings, **program)
    assert outcome(reply) == outcome(native)
    if native["tally"]["failed"]:
        first, other = reply["tally"]["first_error"], native["tally"]["first_error"]
        assert first.split(" ")[:3] == other.split(" ")[:3]
    assert reply["wall_ns"] > 0 and reply["imports_ns"] > 0
    assert (reply["tally"]["worker_peak_bytes"] > 0) == (way in OWN_PROCESSES) or way == "hybrid on processes"
    assert reply["own_peak_bytes"] >= reply["idle_bytes"] >= reply["idle_pss_bytes"] > 0


def test_cpu_time_of_workers_is_counted(trial, interpreter, way):
    model, settings = WAYS[way]
    reply = trial([group([compute("count", 1_000_000)])], model, interpreter, settings)
    # Four times a million steps of an interpreter take more than 40 ms anywhere.
    assert reply["user_ns"] > 40_000_000, reply


def test_latencies_are_those_of_the_groups(trial, interpreter, way):
    model, settings = WAYS[way]
    groups = [group([compute("count", 10)], 1, "hog"), group([http(status={"each": [200, 404]})], 6, "io")]
    reply = trial(groups, model, interpreter, settings, latencies=True)
    told = [(g["name"], g["succeeded"], g["failed"], g["cancelled"]) for g in reply["groups"]]
    assert told == [("hog", 1, 0, 0), ("io", 3, 3, 0)]
    hog, requests = (g["quantiles_ns"] for g in reply["groups"])
    assert len(requests) == 101 and requests == sorted(requests) and len(set(hog)) == 1
    assert requests[0] >= 1_000_000, "the server answers after a millisecond"


def test_updates_are_lost_only_where_others_come_in_between(trial, interpreter):
    version = subprocess.run([interpreter, "-c", "import sys; print(sys.version_info[:2] >= (3, 10))"],
                             capture_output=True, text=True)
    interval = {"switch_interval_ns": 100_000}
    for body, model, loses in (
        ("call", "threads", True), ("plain", "threads", version.stdout == "False\n"), ("plain", "processes", True),
        ("plain", "async", False), ("call", "sequential", False),
    ):  # fmt: skip
        reply = trial([group([add(const(300_000), "none", body)])], model, interpreter, {"start": "fork"}, **interval)
        tally = reply["tally"]
        assert tally["expected_updates"] == 1_200_000
        assert (tally["counted_updates"] < 1_200_000) == loses, (body, model)


RETURNED = {
    "int": ("def task(i): return i * i", False),
    "structure": ("def task(i): return [i, 1.5, 'ä', b'x', (1, 2), {'b': 1, 'a': [None]}, {'x', 'y', i}]", False),
    "coroutine": ("import asyncio\nasync def task(i):\n    await asyncio.sleep(0.001)\n    return i", False),
    "nothing": ("def task(i): pass", True),
    "object": ("class A: pass\ndef task(i): return A()", True),
}


@pytest.mark.parametrize("name", RETURNED)
def test_what_the_authors_code_returns_is_the_answer(trial, interpreter, name):
    text, uncompared = RETURNED[name]
    replies = {way: trial([group([python(text)], 5)], WAYS[way][0], interpreter, WAYS[way][1]) for way in WAYS}
    assert len({json.dumps(outcome(reply)) for reply in replies.values()}) == 1, replies
    for reply in replies.values():
        assert reply["tally"]["succeeded"] == 5 and reply["uncompared"] == uncompared
    other = trial([group([python("def task(i): return i")], 4)], "sequential", interpreter)
    assert other["tally"]["answer"] != replies["threads"]["tally"]["answer"]


def test_an_exception_is_told_by_the_lines_of_the_cell(trial, interpreter, way):
    text = "def inner(i):\n    raise ValueError(f'no {i}')\n\ndef task(i):\n    if i == 1: inner(i)\n    return i"
    model, settings = WAYS[way]
    reply = trial([group([python(text)], 3)], model, interpreter, settings)
    assert (reply["tally"]["succeeded"], reply["tally"]["failed"]) == (2, 1)
    error = reply["tally"]["first_error"].split("\n")
    frames = [line.strip() for line in error if line.startswith("  File")]
    assert frames == ['File "cell", line 11, in task', 'File "cell", line 8, in inner']
    assert error[0].startswith("Traceback") and error[-1] == "ValueError: no 1"


def test_a_file_is_imported_from_its_folder(trial, interpreter, way, tmp_path):
    (tmp_path / "neighbour.py").write_text("FACTOR = 3\n")
    (tmp_path / "work.py").write_text("from neighbour import FACTOR\n\ndef go(i):\n    return i * FACTOR\n")
    model, settings = WAYS[way]
    op = {"python": {"code": {"file": {"path": str(tmp_path / "work.py"), "call": "go"}}}}
    reply = trial([group([op])], model, interpreter, settings)
    same = trial([group([python("def task(i): return i * 3")])], "sequential", interpreter)
    assert outcome(reply) == outcome(same)


def test_what_can_not_be_pickled_is_python_s_own_error(trial, interpreter):
    groups = [group([python("task = lambda i: i + 1")])]
    for way, (model, settings) in WAYS.items():
        reply = trial(groups, model, interpreter, settings)
        if way in ("hybrid on processes", *OWN_PROCESSES) and way != "processes by fork":
            assert "PicklingError" in reply["error"] and "lambda" in reply["error"], way
        else:
            assert (reply["error"], reply["tally"]["succeeded"]) == (None, 4), way


def test_what_is_wrong_with_the_code_is_told_before_it_runs(trial, interpreter):
    for text, words in (
        ("import nothing_here\ndef task(i): pass", 'File "cell", line 7'),
        ("def task(i) return 1", "SyntaxError"),
        ("def tusk(i): pass", "task(i)"),
    ):
        reply = trial([group([python(text)])], "threads", interpreter)
        assert words in reply["error"], reply


def test_what_it_prints_arrives(trial, interpreter):
    groups = [group([python("def task(i): print('hello', i)")])]
    for model in ("sequential", "async", "processes"):
        printed = trial(groups, model, interpreter, {"start": "spawn"})["printed"]
        # Processes print at the same time, and may do so in parts.
        assert sorted(re.findall("hello|[0-9]", printed)) == [*"0123", *["hello"] * 4], model


@pytest.mark.parametrize("way", ["hybrid on processes", *OWN_PROCESSES])
def test_a_worker_that_is_killed_hangs_nobody(trial, interpreter, way):
    text = "import os, signal\ndef task(i):\n    if i == 2: os.kill(os.getpid(), signal.SIGKILL)\n    return i"
    model, settings = WAYS[way]
    reply = trial([group([inside([python(text)], lock="a")])], model, interpreter, settings)
    assert "killed by signal 9" in reply["error"] or "worker process of the pool died" in reply["error"]


def test_models_that_python_lacks_say_so(trial, interpreter):
    reply = trial([group([compute("count", 1)])], "async-threads", interpreter)
    assert "no counterpart" in reply["error"]
    reply = trial([group([compute("pi", SPREAD)])], "interpreters", interpreter)
    if reply["error"]:
        assert "3.14" in reply["error"]
    else:
        assert outcome(reply) == outcome(trial([group([compute("pi", SPREAD)])], "threads"))


def test_every_compute_function_has_its_twin(repository):
    rows = re.findall(r'^    row\("(\w+)"', (repository / "src/compute/mod.rs").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(FUNCTIONS)


def test_cpu_is_calibrated(harness, interpreter):
    done = subprocess.run([interpreter, "-I", "-S", harness, "calibrate"], capture_output=True, text=True, check=True)
    assert 0.0001 < float(done.stdout) < 1
