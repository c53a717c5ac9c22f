"""After the clock: outcomes to the tally, the answer that every model and runtime must agree on, latencies.

As `src/program.rs`, `src/model/mod.rs` and `src/model/latency.rs` specify them.
"""

from types import CoroutineType

from conclab_failure import Failure, Refused
from conclab_program import MANY, NONE, is_unknown, kind_of, shape
from conclab_values import MASK, splitmix64, task_seed, value_at

QUANTILES = 101
# Beyond these, decimals take long, or Python refuses to write them.
MOST_DECIMAL_BITS = 1000
NEVER_AWAITED = (
    "the task returned a coroutine, which nobody awaits: write the function itself as `async def`, "
    "so that it is seen to be one"
)
# The field of an operation that is its result where that is known before.
KNOWN = {
    "sleep": "time", "block": "time", "read": "bytes", "write": "bytes", "alloc": "bytes", "add": "times"
}  # fmt: skip


def fold(result, value):
    """The result of one operation into a task's own."""
    return splitmix64(result ^ value)


class Group:
    """Folds what the tasks of a group returned."""

    def __init__(self, program, group, first, total, argument, returns_data):
        self.program, self.group, self.first, self.total = program, group, first, total
        self.shape = shape(group["ops"])
        self.argument, self.argument_sums = argument, {}
        self.returns_data = returns_data
        self.uncompared = False
        self.updates = 0
        # Results of tasks that differ in nothing but what they returned.
        self.alike = {} if is_constant(program, group["ops"]) else None

    def result(self, number, returned):
        """A task's result; notes how often it added."""
        seed, data = 0, None
        if self.alike is None:
            seed = task_seed(self.program.get("seed", 0), number)
        if self.returns_data:
            returned, data = returned
        elif self.alike is not None and isinstance(returned, (int, type(None))):
            if returned not in self.alike:
                before, self.updates = self.updates, 0
                self.alike[returned] = self.folded(number, seed, returned, data), self.updates
                self.updates = before
            result, updates = self.alike[returned]
            self.updates += updates
            return result
        return self.folded(number, seed, returned, data)

    def folded(self, number, seed, returned, data):
        values = iter(returned if self.shape == MANY else () if self.shape == NONE else (returned,))
        result = 0
        if self.program.get("argument"):
            size = value_at(self.program["argument"], number, self.total, seed)
            if size not in self.argument_sums:
                self.argument_sums[size] = sum(self.argument[:size])
            result = fold(fold(0, size), self.argument_sums[size])
        result = self.fold_ops(self.group["ops"], number, seed, values, result)
        if self.program.get("result"):
            size, byte = value_at(self.program["result"], number, self.total, seed), seed & 255
            if data is not None and data != bytes([byte]) * size:
                return fold(result, 0)
            result = fold(fold(result, size), size * byte & MASK)
        return result

    def fold_ops(self, ops, number, seed, values, result):
        for op in ops:
            kind, content = kind_of(op)
            if kind == "group":
                for _ in range(content["times"]):
                    result = self.fold_ops(content["ops"], number, seed, values, result)
                continue
            if is_unknown(kind, content):
                value = next(values)
                if kind == "python":
                    value = self.digest(value)
            elif kind == "run":
                value = 0
            else:
                value = content["statement"]["time"] if kind == "query" else content[KNOWN[kind]]
                value = value_at(value, number - self.first, self.group["tasks"], seed)
                if kind == "add":
                    self.updates += value
            result = fold(result, value)
        return result

    def digest(self, value):
        """64 bits of what the author's own code returned: the same in every process."""
        try:
            return digest(value)
        except NotComparable:
            self.uncompared = True
            return 0


def is_constant(program, ops):
    """Whether a result depends on nothing but what a task returned."""
    if program.get("argument") or program.get("result"):
        return False
    for op in ops:
        kind, content = kind_of(op)
        if kind == "group":
            if not is_constant(program, content["ops"]):
                return False
        elif kind == "python":
            return False
        elif not is_unknown(kind, content) and kind != "run":
            value = content["statement"]["time"] if kind == "query" else content[KNOWN[kind]]
            if "const" not in value:
                return False
    return True


class NotComparable(Exception):
    """A value that another process can't be asked to agree on."""


def digest(value):
    """64 bits of a value."""
    import hashlib

    if value is None:
        raise NotComparable
    return int.from_bytes(hashlib.blake2b(encoded(value), digest_size=8).digest(), "big")


def encoded(value):
    """A value as bytes that say all of it, in any process alike."""
    kind = type(value)
    if kind is int and value.bit_length() > MOST_DECIMAL_BITS:
        return f"int {value:#x};".encode()
    if kind in (int, float, bool, complex, type(None)):
        return f"{kind.__name__} {value!r};".encode()
    if kind is str:
        value = value.encode("utf-8", "surrogatepass")
        return b"str %d:" % len(value) + value
    if kind in (bytes, bytearray):
        return b"bytes %d:" % len(value) + bytes(value)
    if kind in (tuple, list):
        return kind.__name__.encode() + b" %d[" % len(value) + b"".join(map(encoded, value)) + b"]"
    if kind is dict:
        pairs = sorted(encoded(key) + encoded(item) for key, item in value.items())
        return b"dict %d{" % len(pairs) + b"".join(pairs) + b"}"
    if kind in (set, frozenset):
        return b"set %d{" % len(value) + b"".join(sorted(map(encoded, value))) + b"}"
    if kind.__repr__ is object.__repr__:
        raise NotComparable
    text = repr(value)
    if " at 0x" in text:
        raise NotComparable
    return encoded(text)


def tell(job, outcomes, returns_data):
    """Tally, latencies by group, and whether results can't be compared."""
    program, total = job.program, job.total
    if isinstance(outcomes, dict):
        outcomes = [outcomes[number] for number in job.order]
    times = [0] * total
    by_number = [None] * total
    for number, outcome in zip(job.order, outcomes):
        if job.latencies:
            times[number], outcome = outcome
        if type(outcome) is CoroutineType:
            outcome.close()
            outcome = Refused(NEVER_AWAITED)
        by_number[number] = Failure(outcome) if isinstance(outcome, BaseException) else outcome
    tally = {"succeeded": 0, "failed": 0, "timed_out": 0, "cancelled": 0, "answer": 0, "first_error": None}
    groups, updates, uncompared, first, why = [], 0, False, 0, None
    for group in program["groups"]:
        folder = Group(program, group, first, total, job.argument, returns_data)
        succeeded_ns, failed = [], 0
        for number in range(first, first + group["tasks"]):
            outcome = by_number[number]
            if isinstance(outcome, Failure):
                failed += 1
                updates += outcome.updates
                why = why or outcome.why()
                continue
            succeeded_ns.append(times[number])
            result = folder.result(number, outcome)
            tally["answer"] = (tally["answer"] + splitmix64(splitmix64(number) ^ result)) & MASK
        tally["succeeded"] += len(succeeded_ns)
        tally["failed"] += failed
        updates += folder.updates
        uncompared |= folder.uncompared
        if job.latencies:
            succeeded_ns.sort()
            groups.append({
                "name": group["name"], "succeeded": len(succeeded_ns), "failed": failed, "cancelled": 0,
                "quantiles_ns": quantiles(succeeded_ns),
            })  # fmt: skip
        first += group["tasks"]
    if tally["failed"]:
        tally["first_error"] = why or "it failed without a word"
    if hasattr(job.task, "counted"):
        tally["expected_updates"], tally["counted_updates"] = updates, job.task.counted()
    return tally, groups, uncompared


def quantiles(ordered):
    """0 % … 100 % of sorted times, by the nearest rank (Hyndman & Fan 1996, type 1)."""
    if not ordered:
        return []
    last = QUANTILES - 1
    return [ordered[max(-(-len(ordered) * percent // last), 1) - 1] for percent in range(QUANTILES)]
