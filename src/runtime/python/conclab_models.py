"""The models, as a script would write them.

Each is made ready before the clock starts (its modules are imported, its functions are there) and returns what
is timed: a function that runs all tasks and returns their outcomes, in the order of `job.order`, or by number.
To add one: a function here, and its row in [`MODELS`].
"""

import sys

from conclab_source import Style


class Unable(Exception):
    """Why a model can't go on."""


class Job:
    """What a trial runs."""

    def __init__(self, request):
        settings = request["settings"]
        self.request, self.program = request, request["program"]
        self.workers = max(settings["workers"], 1)
        self.chunk, self.start = settings.get("chunk"), settings.get("start")
        self.pool = settings.get("pool", "threads")
        self.latencies = request.get("latencies", False)
        # What notes the tasks of a traced run; `None` where nothing is noted.
        self.trace = None
        self.total = sum(group["tasks"] for group in self.program["groups"])
        self.order = in_turn(self.program)
        # The module that was written for it.
        self.task = None
        # What each task is given the beginning of.
        self.argument = b""
        # What worker processes share.
        self.shared = None
        self.workers_ran = 1

    def asking(self, started):
        """Who runs the tasks, in their order, each to be started at once."""
        return self.trace.asking(self.order, started) if self.trace else started

    def pool_options(self):
        """What a pool is told beside its size."""
        if not self.trace:
            return {}
        self.trace.note_starts()
        return {"initializer": self.trace.born}

    def join(self):
        """Everybody has been started, or their pool has: from here on they are waited for."""
        if self.trace:
            self.trace.note(self.trace.JOIN)


def in_turn(program):
    """Numbers of the tasks in the order in which they start: groups take turns, as cards are dealt."""
    sizes = [group["tasks"] for group in program["groups"]]
    if len(sizes) <= 1:
        return range(sum(sizes))
    hands, first = [], 0
    for size in sizes:
        hands.append((first, size))
        first += size
    order = []
    for turn in range(max(sizes)):
        order += [first + turn for first, size in hands if turn < size]
    return order


def sequential(job):
    job.order = range(job.total)
    order, task, attempt = job.order, job.task.task, job.task.attempt
    failure = job.task.Failure

    def run():
        outcomes = []
        for number in order:
            try:
                outcomes.append(task(number))
            except BaseException as error:
                outcomes.append(failure(error))
        return outcomes

    return (lambda: [attempt(number) for number in order]) if job.latencies or job.trace else run


def threads(job):
    from threading import Thread

    order, attempt, total = job.order, job.task.attempt, job.total
    job.workers_ran = total

    def run():
        outcomes = {}

        def keep(number):
            outcomes[number] = attempt(number)

        started = [Thread(target=keep, args=(number,)) for number in order]
        for count, thread in enumerate(job.asking(started), 1):
            try:
                thread.start()
            except RuntimeError as error:
                raise Unable(f"thread {count} of {total} could not be started: {error}") from None
        job.join()
        for thread in started:
            thread.join()
        return outcomes

    return run


def thread_pool(job):
    from concurrent.futures import ThreadPoolExecutor

    order, attempt, workers = job.order, job.task.attempt, job.workers
    job.workers_ran = workers
    options = job.pool_options()

    def run():
        with ThreadPoolExecutor(workers, **options) as pool:
            outcomes = pool.map(attempt, order)
            job.join()
            return list(outcomes)

    return run


def coroutines(job):
    """The coroutine function of each task: one whose failure is its outcome."""
    coroutine = job.task.attempt if job.latencies else job.task.task
    return job.trace.turns_of(coroutine) if job.trace else coroutine


def event_loop(job):
    import asyncio

    order, coroutine = job.order, coroutines(job)
    share = getattr(job.task, "share", None)
    watch = job.trace and job.trace.watch_loop

    async def main():
        if share:
            share()
        if watch:
            watch()
        return await asyncio.gather(*[coroutine(number) for number in order], return_exceptions=True)

    return lambda: asyncio.run(main())


def hybrid(job):
    import asyncio

    order, coroutine, task, workers = job.order, coroutines(job), job.task, job.workers
    share = getattr(task, "share", None)
    watch = job.trace and job.trace.watch_loop
    job.workers_ran = workers
    task.argument = job.argument
    if job.pool == "processes":
        from concurrent.futures import ProcessPoolExecutor as Executor

        from conclab_processes import context, import_pool

        import_pool(job)
        options = {"mp_context": context(job), **job.pool_options()}
    else:
        from concurrent.futures import ThreadPoolExecutor as Executor

        options = job.pool_options()

    async def main():
        if share:
            share()
        if watch:
            watch()
        task.run_in_executor = asyncio.get_running_loop().run_in_executor
        with Executor(workers, **options) as task.pool:
            return await asyncio.gather(*[coroutine(number) for number in order], return_exceptions=True)

    return lambda: asyncio.run(main())


def interpreters(job):
    try:
        from concurrent.futures import InterpreterPoolExecutor
    except ImportError:
        version = ".".join(map(str, sys.version_info[:2]))
        raise Unable(f"Python {version} has no InterpreterPoolExecutor: it came with 3.14") from None
    if hasattr(job.task, "share") or hasattr(job.task, "counted"):
        raise Unable("interpreters share no locks, limits or counter: use threads or processes for those")
    order, attempt, workers = job.order, job.task.attempt, job.workers
    job.workers_ran = workers
    # A new interpreter looks for modules where Python is installed, and nowhere else.
    look_here_too = f"import sys; sys.path[:] = {sys.path!r}"
    if job.trace:
        look_here_too += "; import conclab_trace; conclab_trace.born()"

    def run():
        with InterpreterPoolExecutor(workers, initializer=exec, initargs=(look_here_too,)) as pool:
            outcomes = pool.map(attempt, order)
            job.join()
            return list(outcomes)

    return run


def processes(job):
    from conclab_processes import processes

    return processes(job)


def process_pool(job):
    from conclab_processes import process_pool

    return process_pool(job)


def style(job, model):
    """How the tasks of a model are written."""
    if model == "hybrid":
        return Style(is_async=True, pool=job.pool)
    if model == "async":
        return Style(is_async=True)
    if model in ("processes", "process-pool"):
        from conclab_processes import is_fork

        return Style(processes=True, tables=is_fork(job))
    return Style(tables=model != "interpreters")


# What makes each model ready.
MODELS = {
    "sequential": sequential,
    "threads": threads,
    "thread-pool": thread_pool,
    "processes": processes,
    "process-pool": process_pool,
    "async": event_loop,
    "hybrid": hybrid,
    "interpreters": interpreters,
}
