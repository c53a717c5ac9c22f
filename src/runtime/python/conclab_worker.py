"""What worker processes run: functions that are sent by name."""

import os
import pickle

import conclab_task
from conclab_failure import Failure


def report(place, work, shared=None):
    """Runs one task in a process of its own, and adds its number and outcome to a file.

    `place` is the file's descriptor, which a copy of the trial has too, or a path to it.
    """
    if shared is not None:
        conclab_task.share(shared)
    number = work[0] if isinstance(work, tuple) else work
    outcome = conclab_task.attempt(work)
    try:
        record = pickle.dumps((number, outcome))
    except Exception as error:
        record = pickle.dumps((number, failed(error, outcome)))
    if isinstance(place, str):
        place = os.open(place, os.O_WRONLY | os.O_APPEND)
    # One write at the file's end: no other process comes in between.
    os.write(place, record)
    if hasattr(conclab_task, "sent"):
        conclab_task.sent()


def failed(error, outcome):
    """What is told of an outcome that can't be sent."""
    failure = Failure(error)
    return (outcome[0], failure) if conclab_task.LATENCIES else failure


def send(pipe, work, shared=None):
    """The same, for outcomes that are sent: results with data."""
    if shared is not None:
        conclab_task.share(shared)
    pipe.send(conclab_task.attempt(work))
    if hasattr(conclab_task, "sent"):
        conclab_task.sent()


def with_data(given, back, byte, function, *arguments):
    """Runs a function of a task whose data is sent along; its result, and what the task gives back."""
    return function(*arguments), bytes([byte]) * back
