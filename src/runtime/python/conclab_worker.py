"""What worker processes run: functions that are sent by name."""

import os
import pickle

import conclab_task
from conclab_failure import Failure


def report(path, work, shared=None):
    """Runs one task in a process of its own, and adds its number and outcome to a file."""
    if shared is not None:
        conclab_task.share(shared)
    number = work[0] if isinstance(work, tuple) else work
    outcome = conclab_task.attempt(work)
    try:
        record = pickle.dumps((number, outcome))
    except Exception as error:
        record = pickle.dumps((number, failed(error, outcome)))
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    # One write: no other process comes in between.
    os.write(file, record)


def failed(error, outcome):
    """What is told of an outcome that can't be sent."""
    failure = Failure(error)
    return (outcome[0], failure) if conclab_task.LATENCIES else failure


def send(pipe, work, shared=None):
    """The same, for outcomes that are sent: results with data."""
    if shared is not None:
        conclab_task.share(shared)
    pipe.send(conclab_task.attempt(work))


def with_data(given, back, byte, function, *arguments):
    """Runs a function of a task whose data is sent along; its result, and what the task gives back."""
    return function(*arguments), bytes([byte]) * back
