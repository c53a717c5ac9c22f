"""How much work `cpu` is on this interpreter: as `src/compute/cpu.rs`."""

from time import perf_counter_ns

from conclab_compute import cpu

RUNS = 15
RUN_NS = 8_000_000


def calibrate():
    """Steps of `cpu` a nanosecond: the fastest of several short runs, which was disturbed least."""
    steps, best = 10_000, 0.0
    for _ in range(RUNS):
        start_ns = perf_counter_ns()
        cpu(steps)
        best = max(best, steps / max(perf_counter_ns() - start_ns, 1))
        steps = max(int(best * RUN_NS), 1)
    return best
