"""What worker processes run: functions that are sent by name."""

import os
import pickle

import conclab_task


def report(path, work, shared=None):
    """Runs one task in a process of its own, and adds its number and outcome to a file."""
    if shared is not None:
        conclab_task.share(shared)
    number = work[0] if isinstance(work, tuple) else work
    record = pickle.dumps((number, conclab_task.attempt(work)))
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    # One write: no other process comes in between.
    os.write(file, record)


def send(pipe, work, shared=None):
    """The same, for outcomes that are sent: results with data."""
    if shared is not None:
        conclab_task.share(shared)
    pipe.send(conclab_task.attempt(work))


def with_data(given, back, byte, function, *arguments):
    """Runs a function of a task whose data is sent along; its result, and what the task gives back."""
    return function(*arguments), bytes([byte]) * back
