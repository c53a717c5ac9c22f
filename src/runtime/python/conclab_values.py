"""What differs from task to task: seeds and values, as `src/program.rs` specifies them."""

MASK = (1 << 64) - 1


def splitmix64(state):
    """One step of SplitMix64 (Steele, Lea & Flood 2014): a bijective mix of 64 bits."""
    mixed = (state + 0x9E3779B97F4A7C15) & MASK
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & MASK
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & MASK
    return mixed ^ mixed >> 31


def task_seed(seed, number):
    """The seed of one task, by its number in the whole program."""
    return splitmix64(seed ^ splitmix64(number))


def value_at(value, index, tasks, seed):
    """The value for the task with this index of `tasks`, whose seed is given."""
    (kind, content), = value.items()
    if kind == "const":
        return content
    if kind == "uniform":
        low, span = content["low"], min(content["high"] - content["low"] + 1, MASK)
        drawn = splitmix64(seed ^ splitmix64(~content["stream"] & MASK))
        return low + (drawn * span >> 64)
    if kind == "each":
        return content[index % len(content)]
    return content // tasks + (index < content % tasks)
