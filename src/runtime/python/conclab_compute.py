"""Functions that keep a core busy, in plain Python: the twins of `src/compute/*.rs`, with the same answers.

Each is called with a size and the task's seed, and is whole by itself, but for `draw` and what it imports:
a script can show it as it stands. To add one: a function of the name that operations call it by.
"""


def draw(seed, index):
    """The number with that index, from 0, of the SplitMix64 generator (Steele, Lea & Flood 2014)."""
    mixed = (seed + (index + 1) * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return mixed ^ mixed >> 31


def cpu(size, seed=0):
    """One step of xorshift64 (Marsaglia 2003) each."""
    state = 0
    for _ in range(size):
        state |= 1 << 63
        state ^= state << 13 & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 7
        state ^= state << 17 & 0xFFFFFFFFFFFFFFFF
    return state


def count(size, seed=0):
    """Counts to a number, one by one."""
    counted = 0
    while counted < size:
        counted += 1
    return counted


def sum_squares(size, seed=0):
    """0² + 1² + … + (size − 1)², modulo 2^64."""
    total = 0
    for i in range(size):
        total += i * i
    return total & 0xFFFFFFFFFFFFFFFF


def primes(size, seed=0):
    """Primes below a number: each is divided by 2, 3, 4, … up to its root until one divides it."""
    found = 0
    for number in range(2, size):
        divisor = 2
        while divisor * divisor <= number:
            if number % divisor == 0:
                break
            divisor += 1
        else:
            found += 1
    return found


def pi(size, seed=0):
    """How many of `size` random points of a square fall into its quarter circle: about π/4 of them."""
    hits = 0
    for index in range(size):
        point = draw(seed, index)
        x, y = point >> 32, point & 0xFFFFFFFF
        if x * x + y * y < 1 << 64:
            hits += 1
    return hits


def fib(size, seed=0):
    """Fibonacci numbers by the recursive definition: the call itself is the work."""
    if size < 2:
        return size
    return fib(size - 1) + fib(size - 2) & 0xFFFFFFFFFFFFFFFF


def sort(size, seed=0):
    """Sorts random integers by merging runs of 1, 2, 4, … (Knuth 1973, 5.2.4); the sum of place × number."""
    numbers = [draw(seed, index) for index in range(size)]
    width = 1
    while width < size:
        merged = []
        for start in range(0, size, 2 * width):
            left, left_end = start, min(start + width, size)
            right, right_end = left_end, min(start + 2 * width, size)
            while left < left_end and right < right_end:
                if numbers[left] <= numbers[right]:
                    merged.append(numbers[left])
                    left += 1
                else:
                    merged.append(numbers[right])
                    right += 1
            merged += numbers[left:left_end]
            merged += numbers[right:right_end]
        numbers = merged
        width *= 2
    total = 0
    for place, number in enumerate(numbers, 1):
        total += place * number
    return total & 0xFFFFFFFFFFFFFFFF


def matmul(size, seed=0):
    """Multiplies two square matrices of random bytes as floats; the sum of place × entry, row by row."""
    a = [[float(draw(seed, i * size + k) >> 56) for k in range(size)] for i in range(size)]
    b = [[float(draw(seed, (size + k) * size + j) >> 56) for j in range(size)] for k in range(size)]
    total, place = 0, 0
    for i in range(size):
        row = [0.0] * size
        for k in range(size):
            factor, other = a[i][k], b[k]
            for j in range(size):
                row[j] += factor * other[j]
        for entry in row:
            place += 1
            total += place * int(entry)
    return total & 0xFFFFFFFFFFFFFFFF


def hash(size, seed=0):
    """SHA-256 of `size` bytes, 4 KiB of random ones again and again; its first eight bytes as a number."""
    import hashlib

    block = b"".join(draw(seed, index).to_bytes(8, "little") for index in range(512))
    digest = hashlib.sha256()
    left = size
    while left > 0:
        digest.update(block[:left])
        left -= len(block)
    return int.from_bytes(digest.digest()[:8], "big")


def compress(size, seed=0):
    """Compresses `size` bytes, 64 KiB of the letters a to p again and again; the CRC-32 of what went in."""
    import zlib

    block = bytearray()
    for index in range(4096):
        number = draw(seed, index)
        block += bytes(97 + (number >> 4 * group & 15) for group in range(16))
    compressor = zlib.compressobj(6)
    checksum, left = 0, size
    while left > 0:
        part = block[:left]
        checksum = zlib.crc32(part, checksum)
        compressor.compress(part)
        left -= len(part)
    compressor.flush()
    return checksum


def blur(size, seed=0):
    """Blurs a grey image of about `size` pixels by 5 × 5 binomial weights; the sum of place × pixel."""

    def blurred(line):
        line = [line[0], line[0], *line, line[-1], line[-1]]
        parts = zip(line, line[1:], line[2:], line[3:], line[4:])
        return [a + 4 * b + 6 * c + 4 * d + e + 8 >> 4 for a, b, c, d, e in parts]

    width = max(int(size**0.5), 1)
    height = size // width
    image = [[draw(seed, y * width + x) >> 56 for x in range(width)] for y in range(height)]
    rows = [blurred(row) for row in image]
    columns = [blurred(column) for column in zip(*rows)]
    total, place = 0, 0
    for row in zip(*columns):
        for pixel in row:
            place += 1
            total += place * pixel
    return total & 0xFFFFFFFFFFFFFFFF
