"""One trial: reads the request, makes everything ready, runs the model with the clock running, and replies.

What only the measuring pays (reading, writing the tasks' module, imports, evaluating values) is outside the clock.
"""

import gc
import json
import os
import sys
from time import perf_counter_ns

import conclab_measure as measure
from conclab_failure import TASK_MODULE, described

REPLY_DESCRIPTOR = 3
# Flags of code, of the inspect module, which takes long to import: CO_COROUTINE; CO_GENERATOR, CO_ASYNC_GENERATOR.
IS_COROUTINE = 0x80
IS_GENERATOR = 0x20 | 0x200
# Layers around a function that are looked behind.
MOST_WRAPPED = 8


def main(arguments):
    if arguments == ["calibrate"]:
        from conclab_calibrate import calibrate

        print(calibrate())
        return
    os.set_inheritable(REPLY_DESCRIPTOR, False)
    own_pid = os.getpid()
    reply = answer(json.loads(sys.stdin.buffer.read()))
    if os.getpid() != own_pid:
        # A task has forked: its copy of the trial has nothing to answer.
        os._exit(0)
    # What is no Unicode (a lone surrogate) becomes a question mark.
    text = json.dumps(reply, ensure_ascii=False).encode("utf-8", "replace")
    try:
        while text:
            text = text[os.write(REPLY_DESCRIPTOR, text) :]
    except OSError as error:
        why = f"the answer could not be written, because something closed descriptor {REPLY_DESCRIPTOR}: {error}"
        os.write(2, why.encode())
        os._exit(1)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            # The author may have put anything in its place.
            pass
    # Taking the interpreter down is nobody's work any more.
    os._exit(0)


def answer(request):
    """The reply to a request."""
    from conclab_models import Unable

    version = (request.get("python") or {}).get("version") or sys.version.replace("\n", " ")
    reply = {
        "wall_ns": 0, "started_ns": 0, **dict.fromkeys(measure.COUNTERS, 0), "outside_cpu_ns": 0, "own_peak_bytes": 0,
        "idle_bytes": 0, "idle_pss_bytes": 0, "groups": [], "error": None, "imports_ns": 0, "uncompared": False,
        "runtime_version": version, "runtime_build": sys.version.replace("\n", " "), "gil": True,
        "tally": {
            "succeeded": 0, "failed": 0, "timed_out": 0, "cancelled": 0, "answer": 0, "first_error": None,
            "workers": 0, "worker_peak_bytes": 0,
        },
    }  # fmt: skip
    try:
        job, run = ready(request, reply)
        timed(job, run, reply)
    except Unable as error:
        reply["error"] = str(error)
    except BaseException as error:
        reply["error"] = described(error)
    return reply


def ready(request, reply):
    """The job, and what is timed."""
    from conclab_models import MODELS, Job, Unable, style
    from conclab_program import adds, shared_names
    from conclab_source import ModuleWriter

    name = request["model"]
    if name not in MODELS:
        raise Unable(f"Python has no counterpart of the model {name}")
    job = Job(request)
    program, directory = job.program, request["site"]["directory"]
    if request.get("trace"):
        import conclab_trace

        conclab_trace.open_in(directory)
        job.trace = conclab_trace
    codes = author_codes(program)
    look_for_modules(request, codes)
    start_ns = perf_counter_ns()
    is_coroutine = {place: is_async_function(place, directory) for place in codes}
    chosen = style(job, name)
    writer = ModuleWriter(request, chosen, is_coroutine)
    text = writer.text()
    switch_interval_ns = request.get("switch_interval_ns")
    if switch_interval_ns:
        interval_s = switch_interval_ns / 1e9
        text = f"{text}\nimport sys\n\nsys.setswitchinterval({interval_s!r})\n"
    with open(f"{directory}/{TASK_MODULE}", "w", encoding="utf-8") as file:
        file.write(text)
    try:
        import conclab_task
    except ImportError as error:
        raise Unable(f"this Python can't import what the tasks need: {error}") from None
    reply["imports_ns"] = perf_counter_ns() - start_ns
    job.task = conclab_task
    fill(job, writer)
    if chosen.processes or chosen.pool == "processes" or name == "interpreters":
        see_that_they_can_be_sent(job, codes, name)
    if chosen.processes and shared_names(program):
        from conclab_processes import make_shared

        limits = [program["limits"][verb] for verb in writer.limits]
        make_shared(job, len(writer.locks), limits, bool(adds(program)))
    job.returns_data = chosen.processes and bool(program.get("result"))
    start_ns = perf_counter_ns()
    run = MODELS[name](job)
    reply["imports_ns"] += perf_counter_ns() - start_ns
    return job, run


def author_codes(program):
    """Places of the author's own Python, each once."""
    from conclab_program import code_place, program_ops

    codes = {}
    for kind, content in program_ops(program):
        if kind == "python":
            codes[code_place(content["code"])] = content["code"]
    return codes


def look_for_modules(request, codes):
    """Where modules are found: as a script finds its neighbours, the author's come first."""
    sys.path.append(request["site"]["directory"])
    for (_, _, path), code in codes.items():
        folder = request["site"]["directory"] if path is None else path.rpartition("/")[0]
        if sys.path[0] != folder:
            sys.path.insert(0, folder)


def is_async_function(place, directory):
    """Imports the author's function; whether it is an `async def`."""
    from importlib import import_module

    import conclab_failure
    from conclab_models import Unable

    name, function, path = place
    if path is None:
        path = f"{directory}/{name}.py"
        conclab_failure.cells.add(path)
    try:
        module = import_module(name)
    except BaseException as error:
        raise Unable(described(error)) from None
    found = getattr(module, "__file__", None)
    if found is None or os.path.realpath(found) != os.path.realpath(path):
        raise Unable(f"{path} can't be imported, because Python has another module `{name}`: call it otherwise")
    task = getattr(module, function, None)
    if not callable(task):
        what = "doesn't bind" if task is None else "binds something else than a function to"
        raise Unable(f"the code {what} `{function}`: each task is a call of {function}(i)")
    # What `functools.partial` and decorators of functions put around it.
    for _ in range(MOST_WRAPPED):
        task = getattr(task, "func", None) or getattr(task, "__wrapped__", None) or task
    if not hasattr(task, "__code__"):
        task = getattr(task, "__call__", task)
    flags = getattr(getattr(task, "__code__", None), "co_flags", 0)
    if flags & IS_GENERATOR:
        raise Unable(f"`{function}` is a generator, of which a call runs nothing: `return` what it computes, not `yield`")
    return bool(flags & IS_COROUTINE)


def fill(job, writer):
    """Values that differ from task to task, and what tasks are given."""
    from conclab_values import splitmix64, task_seed, value_at

    program, task = job.program, job.task
    seed = program.get("seed", 0)
    if writer.seeds_used:
        task.seeds = [task_seed(seed, number) for number in range(job.total)]
    for table in writer.tables:
        numbers = range(table.tasks)
        values = [
            value_at(table.value, table.first_index + i, table.of, task_seed(seed, table.first + i)) for i in numbers
        ]
        setattr(task, table.name, [value / 1e9 for value in values] if table.in_seconds else values)
    argument = program.get("argument")
    if argument:
        job.argument_sizes = [
            value_at(argument, number, job.total, task_seed(seed, number)) for number in range(job.total)
        ]
        words = -(-max(job.argument_sizes, default=0) // 8)
        block = b"".join(splitmix64(word).to_bytes(8, "little") for word in range(words))
        job.argument = block[: max(job.argument_sizes, default=0)]


def see_that_they_can_be_sent(job, codes, model):
    """Functions go to worker processes by name: pickling says which of the author's can't.

    Only a copy (fork) that runs its task at once is sent nothing.
    """
    import pickle

    from conclab_models import Unable

    if model == "processes":
        from conclab_processes import is_fork

        if is_fork(job):
            return
    for module, function, _ in codes:
        try:
            pickle.dumps(getattr(sys.modules[module], function))
        except Exception as error:
            why = "worker processes are sent a function by its name, so it must be a `def` at the top of the program"
            raise Unable(f"{type(error).__name__}: {error} ({why})") from None


def timed(job, run, reply):
    """Runs the model with the clock running."""
    from conclab_models import Unable

    gc.collect()
    reply["idle_bytes"] = measure.own_memory_bytes("VmRSS")
    reply["idle_pss_bytes"] = measure.own_pss_bytes() or reply["idle_bytes"]
    reaped_before, own_before = measure.reaped_usage(), measure.own_usage()
    served_before_ns = measure.servers_cpu_ns(sys.modules)
    trace = job.trace
    if trace:
        trace.clock_starts()
    start_ns = reply["started_ns"] = perf_counter_ns()
    try:
        outcomes = run()
        reply["wall_ns"] = perf_counter_ns() - start_ns
        own_after = measure.own_usage()
        if trace:
            trace.note(trace.CLOCK_STOP, trace.thread_time_ns())
    finally:
        measure.end_servers(sys.modules)
    measure.reap_the_rest()
    reaped_after = measure.reaped_usage()
    for index, name in enumerate(measure.COUNTERS):
        own = own_after[index] - own_before[index]
        reply[name] = own + reaped_after[index] - reaped_before[index]
    # What a server of multiprocessing had used before the clock is counted when it has ended.
    taken_ns = min(served_before_ns, reply["user_ns"])
    reply["user_ns"] -= taken_ns
    reply["system_ns"] = max(reply["system_ns"] - (served_before_ns - taken_ns), 0)
    reply["own_peak_bytes"] = measure.own_memory_bytes("VmHWM")
    # What is imported can turn it on.
    reply["gil"] = getattr(sys, "_is_gil_enabled", lambda: True)()
    if hasattr(job, "collect"):
        outcomes = job.collect(outcomes)
    broken = broken_pool(outcomes, job.latencies)
    if broken:
        raise Unable(broken)
    from conclab_answer import tell

    tally, reply["groups"], reply["uncompared"] = tell(job, outcomes, job.returns_data)
    reply["tally"].update(tally)
    reply["tally"]["workers"] = job.workers_ran
    if uses_processes(job):
        reply["tally"]["worker_peak_bytes"] = measure.reaped_peak_bytes()
    all_ns = sum(measure.own_usage()[:2]) + sum(measure.reaped_usage()[:2])
    reply["outside_cpu_ns"] = max(all_ns - reply["user_ns"] - reply["system_ns"], 0)


def uses_processes(job):
    model = job.request["model"]
    return model in ("processes", "process-pool") or (model == "hybrid" and job.pool == "processes")


def broken_pool(outcomes, latencies):
    """Why a pool of an event loop has ended before its tasks; `None` where none has."""
    process = sys.modules.get("concurrent.futures.process")
    if process is None:
        return None
    for outcome in outcomes:
        error = outcome
        if latencies:
            error = outcome[1]
        error = getattr(error, "error", error)
        if isinstance(error, process.BrokenProcessPool):
            return f"a worker process of the pool died: {error}"
    return None
