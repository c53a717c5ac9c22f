"""Asks a server that takes its time, a thread for each request: waits_threads.py HOST PORT MS TASKS."""

import http.client
import sys
import threading
import time


def get():
    connection = http.client.HTTPConnection(host, port)
    connection.request("GET", f"/delay?ns={ms}000000")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def work(i):
    results[i] = get()


if __name__ == "__main__":
    host, port, ms, tasks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    results = [None] * tasks
    start = time.perf_counter()
    threads = [threading.Thread(target=work, args=(i,)) for i in range(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(time.perf_counter() - start, results)
