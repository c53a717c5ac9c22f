"""`query` steps with `database`: against a real PostgreSQL server, started for these tests alone."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from outside import MODELS, assert_all_fail, assert_all_succeed, run

PASSWORD = "not a secret"


def find_programs():
    """The folder of initdb and postgres; Debian keeps it off the PATH. None where there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    folders += [Path(found).resolve().parent] if found else []
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


pytestmark = pytest.mark.skipif(
    find_programs() is None and not os.environ.get("CI"),
    reason="needs PostgreSQL (Debian: apt install postgresql)",
)


class Server:
    """A server in a folder of its own, as another user than root, whom it refuses."""

    def __init__(self, folder):
        self.folder = folder
        programs = find_programs()
        assert programs, "there is no PostgreSQL on this machine"
        self.user = {}
        if os.getuid() == 0:
            self.user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(folder, "nobody", "nogroup")
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self.call(programs / "initdb", "--pgdata", folder / "data", "--username", "tester", "--pwfile", password,
                  "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = folder / "log"
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
                    "fsync": "off", "log_connections": "on"}
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([programs / "postgres", "-D", folder / "data", *arguments],
                                            cwd=folder, stdout=log, stderr=log, **self.user)
        self.wait_until_ready(programs)

    def call(self, *argv):
        done = subprocess.run(argv, cwd=self.folder, capture_output=True, text=True, **self.user)
        assert done.returncode == 0, done.stderr

    def wait_until_ready(self, programs):
        deadline = time.monotonic() + 60
        ready = [programs / "pg_isready", "--quiet", "--host", "127.0.0.1", "--port", str(self.port)]
        while subprocess.run(ready).returncode != 0:
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def url(self, password=PASSWORD):
        return f"postgres://tester:{password.replace(' ', '%20')}@127.0.0.1:{self.port}/postgres"

    def query(self, what, **settings):
        """A step, as TOML."""
        keys = {"query": what, "database": self.url(), **settings}
        return "{ " + ", ".join(f"{key} = {value!r}" for key, value in keys.items()) + " }"

    def connections(self):
        return self.log.read_text().count("connection authorized")

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def server():
    # Not pytest's own folder: only its owner may look into that.
    with tempfile.TemporaryDirectory(prefix="conclab-postgres-") as folder:
        os.chmod(folder, 0o755)
        server = Server(Path(folder))
        yield server
        server.close()


def test_every_model_gets_the_same_answer(server):
    assert_all_succeed(run(server.query("5ms", times=3)))
    assert_all_succeed(run(server.query("SELECT generate_series(1, 10)")))
    assert_all_succeed(run(server.query("CREATE TEMP TABLE t (x int); INSERT INTO t VALUES (1), (2); DROP TABLE t")))


def test_waits_overlap_on_an_event_loop_as_they_do_on_threads(server):
    # Long beside connecting, which takes CPU time for the password.
    rows = run(server.query("400ms"), repeat=3, models=["sequential", "threads", "async"])
    assert_all_succeed(rows)
    serial = rows["sequential"]["wall_ns"]["min"]
    for model in ("threads", "async"):
        assert rows[model]["wall_ns"]["min"] < 0.8 * serial, rows[model]


@pytest.mark.parametrize("model", MODELS)
def test_connections_are_kept_for_the_next_query(server, model):
    before = server.connections()
    assert_all_succeed(run(server.query("2ms", times=10), models=[model]))
    # A pilot and one timed run of four tasks: at most one connection a task, and not one a query.
    opened = server.connections() - before
    assert 2 <= opened <= 8, opened
    if model == "sequential":
        assert opened == 2


def test_an_open_transaction_is_not_left_to_the_next_query(server):
    task = f"[{server.query('BEGIN; SELECT 1')}, {server.query('SET TRANSACTION READ ONLY; SELECT 2')}]"
    assert_all_succeed(run(task))


def test_what_the_server_says_is_the_reason(server):
    assert_all_fail(run(server.query("SELECT * FROM nowhere")), 'relation \\"nowhere\\" does not exist')
    wrong = server.query("1ms").replace(server.url(), server.url("wrong"))
    assert_all_fail(run(wrong), "password authentication failed")
