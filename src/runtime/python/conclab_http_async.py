"""Requests to the delay server on an event loop: by asyncio's streams."""

import asyncio

from conclab_failure import Refused

# Open connections that nobody uses right now, by address.
idle = {}
PART_BYTES = 1 << 16


async def http_get(host, port, path, reuse):
    """One request to the delay server; its status."""
    try:
        connection = None
        if reuse:
            connections = idle.setdefault((host, port), [])
            if connections:
                connection = connections.pop()
        reader, writer = connection or await asyncio.open_connection(host, port)
        kept = "keep-alive" if reuse else "close"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: {kept}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        status, left = int(head[0].split(b" ")[1]), 0
        for line in head[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                left = int(value)
        while left > 0:
            part = await reader.read(min(left, PART_BYTES))
            if not part:
                raise EOFError("unexpected end of file")
            left -= len(part)
        if reuse:
            connections.append((reader, writer))
        else:
            writer.close()
            await writer.wait_closed()
    except (OSError, EOFError, ValueError) as error:
        raise Refused(f"the request to the delay server failed: {error}") from None
    if status >= 400:
        raise Refused(f"the server answered with status {status}")
    return status
