"""Squares numbers, one after the other: squares_sequential.py TASKS."""

import sys
import time


def square(x):
    return x * x


if __name__ == "__main__":
    tasks = int(sys.argv[1])
    start = time.perf_counter()
    results = []
    for x in range(tasks):
        results.append(square(x))
    print(time.perf_counter() - start, results)
