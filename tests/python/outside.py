"""What steps talk to outside of conclab, and the cells that do: `conclab run` with its answer as JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path

CONCLAB = Path(sys.prefix) / "bin/conclab"
MODELS = ["sequential", "threads", "thread-pool", "processes", "process-pool", "async"]


def run(task, tasks=4, repeat=1, models=MODELS, **environment):
    """The rows of a cell's answer, by label; the task is TOML."""
    cell = f"task = {task}\ntasks = {tasks}\nrepeat = {repeat}\nmodels = {json.dumps(models)}\n"
    done = subprocess.run([CONCLAB, "run", "-", "--json"], input=cell, capture_output=True, text=True,
                          env={**os.environ, **environment})
    report = json.loads(done.stdout)
    assert done.returncode == 0, report
    rows = {row["label"]: row for row in report["rows"]}
    assert list(rows) == models
    return rows


def assert_all_succeed(rows, tasks=4):
    for label, row in rows.items():
        assert (row["outcome"], row["tasks"]["succeeded"], row["agrees"]) == ("ok", tasks, True), row


def assert_all_fail(rows, why, tasks=4):
    """Every task failed, and every row says why."""
    for label, row in rows.items():
        assert (row["outcome"], row["tasks"]["failed"]) == ("ok", tasks), row
        assert why in json.dumps(row), row
