"""What the system has counted for this process and those it has waited for: as `src/measure/mod.rs`."""

import os
import resource
import time

# Longest that the processes which multiprocessing keeps for itself are given to end.
END_PATIENCE_S = 2.0

COUNTERS = ("user_ns", "system_ns", "voluntary_switches", "involuntary_switches", "page_faults")


def usage(who):
    """The counters of one kind, in the order of [`COUNTERS`]."""
    read = resource.getrusage(who)
    return (
        round(read.ru_utime * 1e9),
        round(read.ru_stime * 1e9),
        read.ru_nvcsw,
        read.ru_nivcsw,
        read.ru_minflt + read.ru_majflt,
    )


def own_usage():
    """Of this process: all its threads."""
    return usage(resource.RUSAGE_SELF)


def reaped_usage():
    """Of the processes that were waited for, and those that they waited for."""
    return usage(resource.RUSAGE_CHILDREN)


def reaped_peak_bytes():
    """Largest resident set of one of those.

    For a new interpreter no less than the parent's at its start, which it begins as.
    """
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def own_memory_bytes(field, file="/proc/self/status"):
    """A field of the own status, such as VmHWM, in bytes; 0 where it can't be read."""
    try:
        with open(file) as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return 0


def own_pss_bytes():
    """The own proportional set size; 0 where it can't be read."""
    return own_memory_bytes("Pss", "/proc/self/smaps_rollup")


def servers_cpu_ns(modules):
    """CPU time so far of what multiprocessing keeps for itself, where that runs."""
    forkserver = modules.get("multiprocessing.forkserver")
    tracker = modules.get("multiprocessing.resource_tracker")
    pids = [
        forkserver and forkserver._forkserver._forkserver_pid,
        tracker and tracker._resource_tracker._pid,
    ]
    used_ns = 0
    for pid in filter(None, pids):
        try:
            # Linux's clock of another process: clock_getcpuclockid(3).
            used_ns += time.clock_gettime_ns((~pid << 3) | 2)
        except OSError:
            pass
    return used_ns


def end_servers(modules):
    """Ends what multiprocessing keeps for itself, forkserver and resource tracker, and waits for it.

    Both end when their pipes close. Only then are they, and the workers that a forkserver has waited for,
    counted. `modules` are those that were imported: what isn't there has started nothing.
    """
    util = modules.get("multiprocessing.util")
    if util is not None:
        # As at the end of a script: a tracker complains of semaphores that nobody gave back.
        util._run_finalizers(0)
    forkserver = modules.get("multiprocessing.forkserver")
    tracker = modules.get("multiprocessing.resource_tracker")
    if forkserver is not None:
        server = forkserver._forkserver
        end(server, "_forkserver_alive_fd", "_forkserver_pid")
    if tracker is not None:
        end(tracker._resource_tracker, "_fd", "_pid")


def end(server, fd_name, pid_name):
    fd, pid = getattr(server, fd_name, None), getattr(server, pid_name, None)
    if fd is None or pid is None:
        return
    os.close(fd)
    setattr(server, fd_name, None)
    setattr(server, pid_name, None)
    start = time.monotonic()
    while True:
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return
        except ChildProcessError:
            return
        if time.monotonic() - start > END_PATIENCE_S:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            return
        time.sleep(0.0005)


def reap_the_rest():
    """Waits for what has ended and nobody waited for: only then is it counted."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] > 0:
            pass
    except ChildProcessError:
        pass
