"""Squares numbers, one after the other: squares_sequential.py TASKS."""

import sys
import time


def square(x):
    return x * x


def sequential(tasks):
    results = []
    for x in range(tasks):
        results.append(square(x))
    return results


if __name__ == "__main__":
    tasks = int(sys.argv[1])
    start = time.perf_counter()
    results = sequential(tasks)
    print(time.perf_counter() - start, results)
