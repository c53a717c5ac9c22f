"""What a traced run notes: which task each thread runs when, by the clock that all processes of a machine share.

Imported in traced runs only. The notes of a process are in files of the trial's folder that are mapped into its
memory: a worker that is killed (a pool ends its own by SIGTERM) has written them all the same, and nothing is written
while the clock runs. `src/trial/thread_states/notes.rs` reads them; to add a kind of note: a constant here, and its arm there.
"""

import mmap
import os
import sys
import threading
from itertools import count
from os import close as os_close
from os import open as os_open
from os import read as os_read
from struct import Struct
from threading import get_native_id
from time import perf_counter_ns, thread_time_ns
from types import coroutine as awaitable

# A note: when, which thread, its kind, and what the kind says of its value.
NOTE = Struct("=qiiq")
NOTE_BYTES, pack_into = NOTE.size, NOTE.pack_into
# Notes in one file, whose size is a whole number of pages of up to 64 KiB.
FILE_BITS = 14
FILE_NOTES = 1 << FILE_BITS
# Most files of a process.
MOST_FILES = 64

# Kinds. The first note of each file: the process's number is the thread's, the value whether it has a GIL.
FILE = 1
# The clock starts and stops: CPU time of the thread so far.
CLOCK_START, CLOCK_STOP = 2, 3
# Somebody is asked for who runs the task of this number first.
ASKED = 4
# A task begins (its number) and ends (CPU time of the thread so far).
BEGIN, END = 5, 6
# On an event loop: a task's turn begins (its number); it ends with a wait (for what), or with the task.
TURN, PAUSE, LAST = 7, 8, 9
# Waiting for a lock or a permit, and having it.
LOCK, LIMIT, GOT = 10, 11, 12
# The event loop has nothing that is ready, and goes on.
IDLE, BUSY = 13, 14
# A timer of the event loop was due at the note's time: how much later it ran, in nanoseconds.
LAG = 15
# Everybody has been asked for: from here on they are waited for.
JOIN = 16
# A task's outcome is on its way: CPU time of the thread so far.
SENT = 17
# Notes that there was no room for.
CUT = 18
# A worker of a pool is there: when it was asked for, or 0.
BORN = 19
# CPU time of the thread so far: at the first action of a worker's process, and at the end of a long turn.
USED = 20
# At the end of a very long task or turn: how long the thread was ready without a core since it was asked last.
QUEUED = 21

# From this length on a turn is a long one. What it costs to ask for CPU time is a hundredth of it.
LONG_NS = 50_000
# From this length on it is a very long one, and so is a task: the system's file is read in a hundredth of it, too.
VERY_LONG_NS = 2_000_000

# Between two looks at how late the event loop is.
PROBE_S = 0.005


class Notes:
    """The notes of one process, or of one interpreter in it."""

    def __init__(self, folder):
        self.folder = folder
        self.ticket = count()
        self.files = []
        self.lock = threading.Lock()
        self.is_full = False

    def room(self, number):
        """The file of that number, which isn't there yet; `None` where there is no more room."""
        with self.lock:
            while len(self.files) <= number and not self.is_full:
                try:
                    self.files.append(self.made())
                except (OSError, ValueError):
                    # No disk is worth a trial.
                    self.is_full = True
                if len(self.files) == MOST_FILES:
                    self.is_full = True
        return self.files[number] if number < len(self.files) else None

    def made(self):
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        for number in count():
            try:
                file = os.open(f"{self.folder}/notes-{os.getpid()}-{number}", flags, 0o600)
                break
            except FileExistsError:
                pass
        try:
            size = FILE_NOTES * NOTE_BYTES
            # Its place on the disk is taken here: a lack of it would end the process where it is written to.
            os.posix_fallocate(file, 0, size)
            made = mmap.mmap(file, size)
        finally:
            os.close(file)
        pack_into(made, 0, perf_counter_ns(), os.getpid(), FILE, has_gil())
        return made


def has_gil():
    return int(getattr(sys, "_is_gil_enabled", lambda: True)())


def queued_ns():
    """How long the calling thread has been ready without a core so far; `None` where the system doesn't say."""
    try:
        file = os_open("/proc/thread-self/schedstat", os.O_RDONLY)
        try:
            return int(os_read(file, 100).split()[1])
        finally:
            os_close(file)
    except (OSError, IndexError, ValueError):
        return None


class Me(threading.local):
    """The calling thread's number, asked for once."""

    def __init__(self):
        self.tid = get_native_id()
        # When its task began.
        self.began_ns = 0
        # What the system said last. A new thread begins with 0.
        self.queued_ns = 0


notes, me = None, Me()
# Whether this process, or interpreter, is another than the trial's and has not acted yet.
is_new = False


def open_in(folder):
    """From here on notes go to files in that folder."""
    global notes
    notes = Notes(folder)


def arrive_in(folder):
    """The same where nothing opened them before: in a new interpreter."""
    global is_new
    if notes is None:
        open_in(folder)
        is_new = True


def reopen():
    """A copy of the process has files of its own."""
    global notes, me, is_new
    me = Me()
    if notes is not None:
        notes, is_new = Notes(notes.folder), True


def come_to_life():
    """What a worker's process has used up to its first action is none of its tasks'."""
    global is_new
    is_new = False
    me.queued_ns = queued_ns() or 0
    note(USED, thread_time_ns())


def clock_starts():
    """What the trial's own thread did before is none of its tasks' either."""
    me.queued_ns = queued_ns() or 0
    note(CLOCK_START, thread_time_ns())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=reopen)


def note(kind, value=0, at_ns=0):
    """Adds a note of the calling thread."""
    own = notes
    place = next(own.ticket)
    if not place & FILE_NOTES - 1:
        # The first of each file is the file's own.
        place = next(own.ticket)
    try:
        file = own.files[place >> FILE_BITS]
    except IndexError:
        file = own.room(place >> FILE_BITS)
        if file is None:
            if own.files:
                cut = place + 1 - len(own.files) * FILE_NOTES
                pack_into(own.files[-1], 0, cut, os.getpid(), CUT, has_gil())
            return
    pack_into(file, (place & FILE_NOTES - 1) * NOTE_BYTES, at_ns or perf_counter_ns(), me.tid, kind, value)


def begin(number):
    if is_new:
        come_to_life()
    me.began_ns = at_ns = perf_counter_ns()
    note(BEGIN, number, at_ns)


def end():
    at_ns = perf_counter_ns()
    if at_ns - me.began_ns > VERY_LONG_NS:
        note_queued(at_ns)
    note(END, thread_time_ns(), at_ns)


def note_queued(at_ns):
    so_far_ns = queued_ns()
    if so_far_ns is not None:
        note(QUEUED, so_far_ns - me.queued_ns, at_ns)
        me.queued_ns = so_far_ns


def sent():
    note(SENT, thread_time_ns())


def born(share=None, *shared):
    """What a pool's worker does first."""
    # A new worker process learns from it where its notes go.
    import conclab_task  # noqa: F401

    if is_new:
        come_to_life()
    worker = threading.current_thread()
    if worker is threading.main_thread():
        worker = sys.modules["multiprocessing.process"].current_process()
    note(BORN, getattr(worker, "conclab_asked_ns", 0))
    if share:
        share(*shared)


def note_starts():
    """From here on threads and processes know when they were asked for."""

    def noting(start):
        def noted_start(self):
            self.conclab_asked_ns = perf_counter_ns()
            start(self)

        return noted_start

    kinds = [threading.Thread]
    if "multiprocessing.process" in sys.modules:
        kinds.append(sys.modules["multiprocessing.process"].BaseProcess)
    for kind in kinds:
        kind.start = noting(kind.start)


def noted(number, function, *arguments):
    """Runs what a task has handed to a pool."""
    import conclab_task  # noqa: F401

    begin(number)
    try:
        return function(*arguments)
    finally:
        end()


def asking(order, started):
    """Who runs the tasks, each to be started now."""
    for number, worker in zip(order, started):
        note(ASKED, number)
        yield worker


class Held:
    """A lock or a semaphore that notes who waits for it."""

    def __init__(self, lock, kind):
        self.lock, self.kind = lock, kind

    def __enter__(self):
        if not self.lock.acquire(False):
            note(self.kind)
            self.lock.acquire()
            note(GOT)

    def __exit__(self, *_):
        self.lock.release()


class HeldByCoroutine:
    """The same on an event loop: it says what a task's turn ended with."""

    def __init__(self, lock, kind):
        self.lock, self.kind = lock, kind

    async def __aenter__(self):
        mine = waits[0]
        mine[0] = self.kind
        try:
            await self.lock.acquire()
        finally:
            mine[0] = 0

    async def __aexit__(self, *_):
        self.lock.release()


# What the task whose turn it is would wait for.
waits = [[0]]


def turn_ends(start_ns, kind, value=0):
    end_ns = perf_counter_ns()
    if end_ns - start_ns > LONG_NS:
        if end_ns - start_ns > VERY_LONG_NS:
            note_queued(end_ns)
        note(USED, thread_time_ns(), end_ns)
    note(kind, value, end_ns)


@awaitable
def in_turns(coroutine, number):
    """Drives a task's coroutine as `await` does, and notes each of its turns."""
    wait, step, given = [0], coroutine.send, None
    while True:
        waits[0] = wait
        start_ns = perf_counter_ns()
        note(TURN, number, start_ns)
        try:
            wanted = step(given)
        except StopIteration as stop:
            turn_ends(start_ns, LAST)
            return stop.value
        except BaseException:
            turn_ends(start_ns, LAST)
            raise
        turn_ends(start_ns, PAUSE, wait[0])
        try:
            given = yield wanted
            step = coroutine.send
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as error:
            step, given = coroutine.throw, error


def turns_of(coroutine):
    """The coroutine function whose turns are noted."""

    async def traced(number):
        return await in_turns(coroutine(number), number)

    return traced


def watch_loop():
    """Notes when the running event loop has nothing to do, and how late it is."""
    from asyncio import get_running_loop

    loop = get_running_loop()
    selector = getattr(loop, "_selector", None)
    if selector is not None:
        select = selector.select

        def noted_select(timeout=None):
            if timeout is not None and timeout <= 0:
                return select(timeout)
            note(IDLE)
            try:
                return select(timeout)
            finally:
                note(BUSY)

        selector.select = noted_select

    def probe(due_s):
        now_s = loop.time()
        note(LAG, max(round((now_s - due_s) * 1e9), 0), round(due_s * 1e9))
        loop.call_at(now_s + PROBE_S, probe, now_s + PROBE_S)

    first_s = loop.time() + PROBE_S
    loop.call_at(first_s, probe, first_s)
