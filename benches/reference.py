"""Lets cells measure what was measured by hand before conclab was written, and puts both side by side.

Each row is a figure of a model on CPython 3.9, 3.11 and 3.13 of a machine with two cores. It comes out where every
interpreter's is within a factor of two of what was measured by hand: machines differ, orders of magnitude don't.

    python benches/reference.py CONCLAB [--rounds N] [--only WORD]

Interpreters are those of CONCLAB_TEST_PYTHONS (paths, with colons between), else `python3`. To add a figure: a row
in ROWS, and its cell in CELLS.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

FACTOR = 2
STARTS = ("fork", "spawn", "forkserver")
POOLS = ", ".join(
    f'{{ model = "process-pool", workers = 2, start = "{start}", label = "{start}" }}' for start in ("fork", "spawn")
)
PROCESSES = ", ".join(f'{{ model = "processes", start = "{start}", label = "{start}" }}' for start in STARTS)
# Cells without what is the same in all of them. Memory is read in the warm-up, so a repeat more is enough.
CELLS = {
    "primes": f"""
task = {{ primes = {{ sweep = [1_000, 20_000, 100_000] }} }}
tasks = 4
models = ["sequential", "threads", {POOLS}]
""",
    "waits": """
task = { http = "50ms" }
tasks = 100
models = ["sequential", "threads", { model = "thread-pool", workers = 100 }, "async"]
repeat = 3
""",
    "memory": """
task = { http = "1s" }
tasks = [100, 500]
models = ["threads", "async"]
repeat = 1
""",
    "native memory": """
task = { sleep = "500ms" }
tasks = [100, 10_000]
models = ["threads", "async"]
repeat = 1
runtime = "native"
""",
    "processes": f"""
task = {{ count = 1 }}
tasks = [1, 5]
models = [{PROCESSES}]
""",
    "native processes": """
task = { count = 1 }
tasks = 1
models = ["processes"]
runtime = "native"
""",
    "native threads": """
task = { count = 1 }
tasks = 1_000
models = ["threads"]
runtime = "native"
""",
}


def over(label, **at):
    """Wall time over that of sequential."""
    return lambda rows: rows.wall_ns(label, **at) / rows.wall_ns("sequential", **at)


def speedup(label):
    return lambda rows: rows.wall_ns("sequential") / rows.wall_ns(label)


def each(label, few, many):
    """Memory that each task adds, in KB."""
    return lambda rows: (
        (rows.value("growth_bytes", label, tasks=many) - rows.value("growth_bytes", label, tasks=few))
        / (many - few)
        / 1e3
    )


def started(label):
    """Start and end of one process, in ms."""
    return lambda rows: rows.wall_ns(label, tasks=1) / 1e6


def another(label):
    """The same of one that is started beside others, in ms."""
    return lambda rows: (rows.wall_ns(label, tasks=5) - rows.wall_ns(label, tasks=1)) / 4 / 1e6


# What, its cell, what was measured by hand: least, most and unit; and how it is read from the cell's rows.
ROWS = (
    ("primes below 1,000 × 4, pool by fork, over sequential", "primes", 10, 18, "×", over("fork", primes=1_000)),
    ("primes below 20,000 × 4, pool by fork", "primes", 0.81, 1.04, "×", over("fork", primes=20_000)),
    ("primes below 100,000 × 4, pool by fork", "primes", 0.56, 0.59, "×", over("fork", primes=100_000)),
    ("primes below 1,000 × 4, pool by spawn", "primes", 35, 52, "×", over("spawn", primes=1_000)),
    ("primes below 20,000 × 4, pool by spawn", "primes", 1.9, 2.5, "×", over("spawn", primes=20_000)),
    ("primes below 100,000 × 4, pool by spawn", "primes", 0.72, 0.79, "×", over("spawn", primes=100_000)),
    ("primes below 1,000 × 4, threads", "primes", 1.4, 1.8, "×", over("threads", primes=1_000)),
    ("primes below 20,000 × 4, threads", "primes", 1.03, 1.05, "×", over("threads", primes=20_000)),
    ("primes below 100,000 × 4, threads", "primes", 1.03, 1.04, "×", over("threads", primes=100_000)),
    ("100 waits of 50 ms, speed-up of threads", "waits", 63, 64, "×", speedup("threads")),
    ("the same, a pool of 100 threads", "waits", 56, 57, "×", speedup("thread-pool")),
    ("the same, async", "waits", 79, 84, "×", speedup("async")),
    (
        "the same, CPU time of async over threads",
        "waits", 0.25, 0.25, "×",
        lambda rows: rows.value("cpu_ns", "async") / rows.value("cpu_ns", "threads"),
    ),
    ("memory of a wait, threads", "memory", 27, 36, "KB", each("threads", 100, 500)),
    ("memory of a wait, async", "memory", 8, 10, "KB", each("async", 100, 500)),
    ("memory of a wait, native thread", "native memory", 10, 10, "KB", each("threads", 100, 10_000)),
    ("memory of a wait, native async", "native memory", 0.46, 0.46, "KB", each("async", 100, 10_000)),
    ("one process, fork", "processes", 1.5, 1.5, "ms", started("fork")),
    ("one process, spawn", "processes", 30, 41, "ms", started("spawn")),
    ("one process, forkserver: the first", "processes", 42, 47, "ms", started("forkserver")),
    ("one process, forkserver: a later one", "processes", 4, 9, "ms", another("forkserver")),
    ("one process, native", "native processes", 0.6, 0.6, "ms", lambda rows: rows.wall_ns("processes") / 1e6),
    (
        "a native thread", "native threads", 11, 11, "µs",
        lambda rows: rows.wall_ns("threads") / 1e3 / 1_000,
    ),
)  # fmt: skip


class Rows:
    """The rows of an answer on one runtime."""

    def __init__(self, rows):
        self.rows = rows

    def value(self, name, label, **at):
        for row in self.rows:
            if row["label"].partition("@")[0] == label and all(row["at"][key] == at[key] for key in at):
                if row["outcome"] != "ok":
                    raise SystemExit(f"{row['label']}: {row['why']}")
                return row[name]["median"]
        raise SystemExit(f"no row {label} at {at}")

    def wall_ns(self, label, **at):
        return self.value("wall_ns", label, **at)


def run(conclab, cell, pythons, rounds, folder):
    """The rows of a cell by runtime."""
    path = os.path.join(folder, "cell.toml")
    text = f'{cell}\nbudget = "10m"\nplot = []\n'
    if "repeat" not in cell:
        text += f"repeat = {rounds}\n"
    if "runtime" not in cell:
        text += f"runtime = {json.dumps(pythons)}\n"
    with open(path, "w") as file:
        file.write(text)
    process = subprocess.run([conclab, "run", path, "--json"], stdout=subprocess.PIPE, cwd=folder)
    answer = json.loads(process.stdout)
    if answer["diagnostics"]:
        raise SystemExit(f"{text}\n{answer['diagnostics']}")
    found = {}
    for row in answer["rows"]:
        version = row["runtime_version"] or "native"
        found.setdefault(version.replace("CPython ", ""), []).append(row)
    return {version: Rows(rows) for version, rows in found.items()}


def digits(value):
    return f"{value:.0f}" if value >= 19.5 else f"{value:.1f}" if value >= 1.95 else f"{value:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("conclab", help="path of the conclab executable (release build)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="cells whose name contains this", default="")
    arguments = parser.parse_args()
    pythons = [path for path in os.environ.get("CONCLAB_TEST_PYTHONS", "").split(":") if path] or ["python3"]
    conclab = os.path.abspath(arguments.conclab)
    with tempfile.TemporaryDirectory() as folder:
        answers = {
            name: run(conclab, cell, pythons, arguments.rounds, folder)
            for name, cell in CELLS.items()
            if arguments.only in name
        }
    versions = next((list(rows) for rows in answers.values() if "native" not in rows), ["native"])
    print("| what | by hand: 3.9–3.13 | cells: " + " / ".join(versions) + " | |")
    print("|---|--:|--:|---|")
    for what, cell, least, most, unit, read in ROWS:
        if cell not in answers:
            continue
        values = [read(rows) for rows in answers[cell].values()]
        holds = all(least / FACTOR <= value <= most * FACTOR for value in values)
        by_hand = f"{least:g}" if least == most else f"{least:g}–{most:g}"
        print(
            f"| {what} | {by_hand} {unit} | {' / '.join(map(digits, values))} {unit} "
            f"| {'comes out' if holds else '**does not come out**'} |"
        )


if __name__ == "__main__":
    sys.exit(main())
