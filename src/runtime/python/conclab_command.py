"""Programs: started without a shell, and waited for."""

import subprocess
from subprocess import DEVNULL, PIPE

from conclab_failure import Refused


def run_program(argv, folder):
    """Runs a program to its end on the calling thread."""
    try:
        ended = subprocess.run(argv, cwd=folder, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE)
    except OSError as error:
        raise not_started(argv, error) from None
    judge(argv, ended.returncode, ended.stderr)


async def run_program_async(argv, folder):
    """The same on an event loop, which serves others meanwhile."""
    import asyncio

    try:
        process = await asyncio.create_subprocess_exec(
            *argv, cwd=folder, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
        )
    except OSError as error:
        raise not_started(argv, error) from None
    _, printed = await process.communicate()
    judge(argv, process.returncode, printed)


def not_started(argv, error):
    return Refused(f"`{argv[0]}` could not be started: {error}")


def judge(argv, code, printed):
    if code == 0:
        return
    how = f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
    lines = [line.strip() for line in printed.decode(errors="replace").splitlines() if line.strip()]
    last = f": {lines[-1]}" if lines else ""
    raise Refused(f"`{argv[0]}` {how}{last}")
