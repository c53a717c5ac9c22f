"""Asks a server that takes its time, all requests on one event loop: waits_asyncio.py HOST PORT MS TASKS."""

import asyncio
import sys
import time


async def get():
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET /delay?ns={ms}000000 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1])


async def main():
    return await asyncio.gather(*[get() for _ in range(tasks)])


if __name__ == "__main__":
    host, port, ms, tasks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    start = time.perf_counter()
    results = asyncio.run(main())
    print(time.perf_counter() - start, results)
