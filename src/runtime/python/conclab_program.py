"""Reads programs: their operations, what tasks of them return, what they share. As `src/program.rs`."""

# How many results a task returns.
NONE, ONE, MANY = 0, 1, 2


def kind_of(op):
    (kind, content), = op.items()
    return kind, content


def walk(ops):
    """Every operation, also those inside others."""
    for op in ops:
        kind, content = kind_of(op)
        yield kind, content
        if kind == "group":
            yield from walk(content["ops"])


def program_ops(program):
    for group in program["groups"]:
        yield from walk(group["ops"])


def is_unknown(kind, content):
    """Whether an operation's result is known only when it has been done."""
    if kind == "query":
        return "sql" in content["statement"]
    return kind in ("compute", "http", "fetch", "python")


def shape(ops):
    """How many results a task returns: NONE, ONE (as it is) or MANY (a list)."""
    found = NONE
    for op in ops:
        kind, content = kind_of(op)
        inner = is_unknown(kind, content)
        if kind == "group":
            inner = shape(content["ops"])
            if inner and content["times"] != 1:
                inner = MANY if content["times"] else NONE
        found = min(found + inner, MANY)
    return found


def lock_names(program):
    names = []
    for kind, content in program_ops(program):
        if kind == "group" and content.get("lock") is not None and content["lock"] not in names:
            names.append(content["lock"])
    return names


def limit_names(program):
    return sorted(program.get("limits", {}))


def adds(program):
    """`(sync, body)` of every way to add that a program uses."""
    return {(add["sync"], add.get("body", "plain")) for kind, add in program_ops(program) if kind == "add"}


def code_place(code):
    """Module and function of the author's own Python, and the module's file."""
    (kind, content), = code.items()
    if kind == "text":
        return content["module"], "task", None
    path = content["path"]
    return path.rpartition("/")[2].rpartition(".")[0], content["call"], path


def shared_names(program):
    """Names of what the tasks share, in the order in which worker processes are given it."""
    names = [f"lock_{index}" for index in range(len(lock_names(program)))]
    names += [f"limit_{index}" for index in range(len(limit_names(program)))]
    return names + (["counter", "counter_lock"] if adds(program) else [])
