"""Counts primes several times, a process each that sends what it found through a pipe: primes_processes.py N TASKS.

What starting a process imports first is imported at the top: imports are no part of the time.
"""

import multiprocessing.connection
import multiprocessing.popen_fork
import sys
import time
from multiprocessing import Pipe, Process


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


def work(pipe, n):
    pipe.send(primes(n))


if __name__ == "__main__":
    n, tasks = int(sys.argv[1]), int(sys.argv[2])
    start = time.perf_counter()
    started = []
    for _ in range(tasks):
        receiver, sender = Pipe(duplex=False)
        process = Process(target=work, args=(sender, n))
        process.start()
        sender.close()
        started.append((process, receiver))
    results = [receiver.recv() for _, receiver in started]
    for process, _ in started:
        process.join()
    print(time.perf_counter() - start, results)
