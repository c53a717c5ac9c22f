"""Squares numbers on a pool of two processes: squares_pool.py TASKS.

What a pool imports when it is made first is imported at the top: imports are no part of the time.
"""

import multiprocessing.pool
import multiprocessing.popen_fork
import multiprocessing.synchronize
import sys
import time
from multiprocessing import Pool


def square(x):
    return x * x


if __name__ == "__main__":
    tasks = int(sys.argv[1])
    start = time.perf_counter()
    with Pool(2) as pool:
        results = pool.map(square, range(tasks))
    print(time.perf_counter() - start, results)
