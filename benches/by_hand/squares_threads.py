"""Squares numbers, a thread each: squares_threads.py TASKS."""

import sys
import threading
import time


def square(x):
    return x * x


def work(x):
    results[x] = square(x)


if __name__ == "__main__":
    tasks = int(sys.argv[1])
    results = [None] * tasks
    start = time.perf_counter()
    threads = [threading.Thread(target=work, args=(x,)) for x in range(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(time.perf_counter() - start, results)
