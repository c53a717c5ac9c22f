"""Counts primes several times, a thread each: primes_threads.py N TASKS."""

import sys
import threading
import time


def primes(n):
    found = 0
    for number in range(2, n):
        divisor = 2
        while divisor * divisor <= number:
            if number % divisor == 0:
                break
            divisor += 1
        else:
            found += 1
    return found


def work(i):
    results[i] = primes(n)


if __name__ == "__main__":
    n, tasks = int(sys.argv[1]), int(sys.argv[2])
    results = [None] * tasks
    start = time.perf_counter()
    threads = [threading.Thread(target=work, args=(i,)) for i in range(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(time.perf_counter() - start, results)
