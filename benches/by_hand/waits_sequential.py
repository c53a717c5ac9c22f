"""Asks a server that takes its time, one request after the other: waits_sequential.py HOST PORT MS TASKS."""

import http.client
import sys
import time


def get():
    connection = http.client.HTTPConnection(host, port)
    connection.request("GET", f"/delay?ns={ms}000000")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def sequential(tasks):
    results = []
    for _ in range(tasks):
        results.append(get())
    return results


if __name__ == "__main__":
    host, port, ms, tasks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    start = time.perf_counter()
    results = sequential(tasks)
    print(time.perf_counter() - start, results)
