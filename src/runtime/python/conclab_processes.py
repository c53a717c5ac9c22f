"""The models with worker processes: multiprocessing's.

Worker processes that are copies (fork) have everything; those that are started anew are sent what they share, and
import `conclab_task` by name, as they would a script.
"""

import fcntl
import multiprocessing
import os
import pickle

import conclab_models

# How often a pool's workers are looked at while it is waited for.
LOOK_S = 1.0
MOST_PERMITS = (1 << 31) - 1


def context(job):
    """multiprocessing with the start method that was asked for, or its own."""
    # As `src/process/semaphores.rs` has it: who is killed leaves semaphores behind, and the warden removes them.
    warden, trial = job.request["site"]["directory"].rstrip("/").rsplit("/", 2)[-2:]
    multiprocessing.current_process()._config["semprefix"] = f"/mp-{warden}-{trial}"
    try:
        return multiprocessing.get_context(job.start)
    except ValueError as error:
        raise conclab_models.Unable(f"processes can't be started by {job.start}: {error}") from None


def is_fork(job):
    return context(job).get_start_method() == "fork"


def make_shared(job, locks, limits, adds):
    """What the tasks share; made before the clock."""
    made = context(job)
    shared = [made.Lock() for _ in range(locks)]
    shared += [made.Semaphore(min(permits, MOST_PERMITS)) for permits in limits]
    if adds:
        shared += [made.RawValue("Q", 0), made.Lock()]
    job.shared = tuple(shared)
    # Copies have it from here.
    job.task.share(job.shared)


def ended(number, code):
    """How a worker process ended that should not have."""
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return conclab_models.Unable(f"worker process {number} {how} before its tasks were done")


def each_with_data(job):
    """The tasks' numbers, with what each is given where that is something."""
    if not job.program.get("argument"):
        return job.order
    sizes, argument = job.argument_sizes, job.argument
    return [(number, argument[: sizes[number]]) for number in job.order]


def import_start(job):
    """Imports what starting a process would import by itself: imports are no part of the clock.

    No more than that: a copy of a process takes the longer, the more the process holds.
    """
    start = context(job).get_start_method()
    if start == "fork":
        from multiprocessing import popen_fork  # noqa: F401
    elif start == "spawn":
        from multiprocessing import popen_spawn_posix, reduction, resource_tracker, spawn  # noqa: F401
    else:
        from multiprocessing import forkserver, popen_forkserver, reduction, resource_tracker  # noqa: F401


def import_pool(job):
    """The same for a pool of processes."""
    from multiprocessing import pool, queues, synchronize  # noqa: F401

    import_start(job)


def processes(job):
    import conclab_worker

    import_start(job)

    made = context(job)
    # What tasks return goes to a file in memory: a pipe that nobody reads yet would be full some time.
    file = os.memfd_create("outcomes")
    fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND)
    place = file if is_fork(job) else f"/proc/{os.getpid()}/fd/{file}"
    order, total = job.order, job.total
    job.workers_ran = total
    shared = () if job.shared is None or is_fork(job) else (job.shared,)
    sends = bool(job.program.get("result"))

    def run():
        work = each_with_data(job)
        if sends:
            pipes = [made.Pipe(duplex=False) for _ in order]
            started = [
                made.Process(target=conclab_worker.send, args=(pipe, item, *shared))
                for (_, pipe), item in zip(pipes, work)
            ]
        else:
            started = [made.Process(target=conclab_worker.report, args=(place, item, *shared)) for item in work]
        for count, process in enumerate(job.asking(started), 1):
            try:
                process.start()
            except OSError as error:
                kill(started[: count - 1])
                raise conclab_models.Unable(
                    f"worker process {count} of {total} could not be started: {error}"
                ) from None
            if sends:
                pipes[count - 1][1].close()
        job.join()
        outcomes = receive(pipes, started) if sends else None
        if job.shared is None:
            for process in started:
                process.join()
        else:
            join_any(started)
        for count, process in enumerate(started, 1):
            if process.exitcode:
                raise ended(count, process.exitcode)
        return outcomes

    def collected(outcomes):
        if outcomes is not None:
            return outcomes
        outcomes = {}
        with open(file, "rb") as records:
            records.seek(0)
            while True:
                try:
                    number, outcome = pickle.load(records)
                except EOFError:
                    break
                outcomes[number] = outcome
        for count, number in enumerate(order, 1):
            if number not in outcomes:
                raise ended(count, 0)
        return outcomes

    job.collect = collected
    return run


def receive(pipes, started):
    outcomes = []
    for count, (pipe, _) in enumerate(pipes, 1):
        try:
            outcomes.append(pipe.recv())
        except EOFError:
            process = started[count - 1]
            process.join()
            kill(started)
            raise ended(count, process.exitcode) from None
    return outcomes


def join_any(started):
    """Waits for all, in the order in which they end.

    One that died may hold what others wait for: then they are ended too.
    """
    from multiprocessing.connection import wait

    left = {process.sentinel: (count, process) for count, process in enumerate(started, 1)}
    while left:
        for sentinel in wait(list(left)):
            count, process = left.pop(sentinel)
            process.join()
            if process.exitcode:
                kill(process for _, process in left.values())
                raise ended(count, process.exitcode)


def kill(started):
    for process in started:
        process.kill()
        process.join()


def process_pool(job):
    import_pool(job)
    made = context(job)
    workers, chunk, attempt = job.workers, job.chunk, job.task.attempt
    job.workers_ran = workers
    options = job.pool_options()
    if job.shared is not None and not is_fork(job):
        share = job.task.share
        options = {"initializer": share, "initargs": (job.shared,)}
        if job.trace:
            options = {"initializer": job.trace.born, "initargs": (share, job.shared)}

    def run():
        with made.Pool(workers, **options) as pool:
            started = list(pool._pool)
            result = pool.map_async(attempt, each_with_data(job), chunk)
            job.join()
            # A pool replaces a worker that died and waits for ever for what that one had.
            while not result.ready():
                result.wait(LOOK_S)
                if not result.ready() and not pool._result_handler.is_alive():
                    pool._cache.clear()  # or the pool refuses to end
                    raise conclab_models.Unable("what a task returned can't be unpickled; what it said is printed")
                for count, process in enumerate(started, 1):
                    if not result.ready() and process.exitcode is not None:
                        raise ended(count, process.exitcode)
            return result.get()

    return run
