"""Counts primes several times, on a pool of two processes: primes_first_pool.py N TASKS.

The time has in it what a pool imports when it is made first.
"""

import sys
import time
from multiprocessing import Pool


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


if __name__ == "__main__":
    n, tasks = int(sys.argv[1]), int(sys.argv[2])
    start = time.perf_counter()
    with Pool(2) as pool:
        results = pool.map(primes, [n] * tasks)
    print(time.perf_counter() - start, results)
