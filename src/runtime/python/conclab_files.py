"""Files and memory: what `read`, `write` and `alloc` do."""

import os

from conclab_failure import Refused

# Read and written at a time.
PART_BYTES = 1 << 20
PAGE_BYTES = 4096


def read_file(path, size):
    """Reads the beginning of a file."""
    try:
        with open(path, "rb", buffering=0) as file:
            left = size
            while left > 0:
                part = file.read(min(left, PART_BYTES))
                if not part:
                    raise EOFError("failed to fill whole buffer")
                left -= len(part)
    except (OSError, EOFError) as error:
        raise Refused(f"a file could not be read: {error}") from None


def write_file(path, size, sync):
    """Creates a file of `size` bytes, and waits until the disk has it where `sync` says so."""
    try:
        with open(path, "xb", buffering=0) as file:
            part = b"c" * min(size, PART_BYTES)
            left = size
            while left > 0:
                left -= file.write(part[:left])
            if sync:
                os.fsync(file.fileno())
    except OSError as error:
        raise Refused(f"a file could not be written: {error}") from None


def allocate(size):
    """Memory that is really there: each page has been touched."""
    try:
        memory = bytearray(size)
    except (MemoryError, OverflowError):
        raise Refused(f"{size} bytes could not be allocated") from None
    memory[::PAGE_BYTES] = b"\1" * len(range(0, size, PAGE_BYTES))
    return memory
