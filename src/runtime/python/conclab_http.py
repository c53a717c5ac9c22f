"""Requests to the delay server where a thread waits: by http.client."""

import http.client

from conclab_failure import Refused

# Open connections that nobody uses right now, by address.
idle = {}


def http_get(host, port, path, reuse):
    """One request to the delay server; its status."""
    try:
        connection = None
        if reuse:
            connections = idle.setdefault((host, port), [])
            try:
                connection = connections.pop()
            except IndexError:
                pass
        if connection is None:
            connection = http.client.HTTPConnection(host, port)
        connection.request("GET", path, headers={} if reuse else {"Connection": "close"})
        answer = connection.getresponse()
        answer.read()
        if reuse:
            connections.append(connection)
        else:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise Refused(f"the request to the delay server failed: {error}") from None
    if answer.status >= 400:
        raise Refused(f"the server answered with status {answer.status}")
    return answer.status
