"""Counts primes several times, one after the other: primes_sequential.py N TASKS."""

import sys
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


def sequential(n, tasks):
    results = []
    for _ in range(tasks):
        results.append(primes(n))
    return results


if __name__ == "__main__":
    n, tasks = int(sys.argv[1]), int(sys.argv[2])
    start = time.perf_counter()
    results = sequential(n, tasks)
    print(time.perf_counter() - start, results)
