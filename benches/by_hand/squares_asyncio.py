"""Squares numbers, a task of an event loop each: squares_asyncio.py TASKS."""

import asyncio
import sys
import time


def square(x):
    return x * x


async def work(x):
    return square(x)


async def main():
    return await asyncio.gather(*[work(x) for x in range(tasks)])


if __name__ == "__main__":
    tasks = int(sys.argv[1])
    start = time.perf_counter()
    results = asyncio.run(main())
    print(time.perf_counter() - start, results)
