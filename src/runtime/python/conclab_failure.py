"""A task that failed: why, as its author is told.

An exception of the author's own code is told by its traceback, without the frames of this program; one of
an operation ([`Refused`]) is a sentence.
"""

import os
import sys

# Most that is kept of a text: its beginning and its end.
MOST_TEXT = 4000
TASK_MODULE = "conclab_task.py"
# Files whose frames are nobody's business: this program's, and those through which it calls.
HIDDEN_FOLDERS = (os.path.dirname(os.path.abspath(__file__)) + os.sep, "<frozen importlib")
HIDDEN_FILES = (
    "/" + TASK_MODULE,
    "/asyncio/base_events.py",
    "/asyncio/runners.py",
    "/concurrent/futures/process.py",
    "/concurrent/futures/thread.py",
    "/importlib/__init__.py",
    "/multiprocessing/pool.py",
)

# Paths of modules that are text of a cell.
cells = set()


class Refused(Exception):
    """An operation that failed, told by a sentence."""


class Failure:
    """What a task that failed answers instead of a result."""

    # Only the first failure of a process is told.
    told = False

    def __init__(self, error):
        self.updates = getattr(error, "conclab_updates", 0)
        self.error, self.text = None, None
        if not Failure.told:
            Failure.told = True
            self.error = error

    def why(self):
        """The text; `None` where an earlier failure has told it."""
        if self.text is None and self.error is not None:
            self.text = described(self.error)
        return self.text

    def __reduce__(self):
        return restored, (self.updates, self.why())


def restored(updates, text):
    """A failure that another process had."""
    failure = Failure.__new__(Failure)
    failure.updates, failure.error, failure.text = updates, None, text
    return failure


def described(error):
    """Why a task failed, as its author is told."""
    if isinstance(error, Refused):
        return str(error)
    import traceback

    remote = getattr(error.__cause__, "tb", None)
    if isinstance(remote, str):
        # An exception of a worker process of an executor.
        text = remote.strip('\n"')
    else:
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return shortened(without_own_frames(text.strip(), isinstance(error, SyntaxError)) + hint(error))


def hint(error):
    """What to do about it, at the end of its last line."""
    name = getattr(error, "name", None)
    if isinstance(error, ModuleNotFoundError) and name:
        return f" (for {sys.executable}: install it by `{sys.executable} -m pip install {name.partition('.')[0]}`)"
    return ""


def without_own_frames(text, marks=False):
    """A traceback without the frames of this program, and with the cell's own name for its text."""
    lines, hidden = [], False
    for line in text.split("\n"):
        if line.startswith('  File "'):
            path = line[8:].partition('"')[0]
            hidden = path.startswith(HIDDEN_FOLDERS) or path.endswith(HIDDEN_FILES)
            if path in cells:
                line = line.replace(path, "cell", 1)
        elif not line.startswith("    "):
            hidden = False
        # Marks below a line of code mean nothing where lines are wrapped.
        if not hidden and (marks or line.strip(" ^~") or not line):
            lines.append(line)
    if len(lines) > 1 and lines[0].startswith("Traceback") and not lines[1].startswith("  "):
        del lines[0]
    return "\n".join(lines)


def shortened(text):
    """Beginning and end of a long text."""
    if len(text) <= MOST_TEXT:
        return text
    return text[: MOST_TEXT // 4] + "\n  …\n" + text[-3 * MOST_TEXT // 4 :]
