"""Turns a program into the source of a module, `conclab_task`: the tasks as a script would have them.

Straight Python instead of an interpreter of operations, so that a task costs what it costs in a script; and a
real module, so that worker processes find its functions by name. A task returns only what isn't known before:
results of functions, statuses, rows. `conclab_answer` folds them after the clock.

To add an operation: a method of [`TaskWriter`] with its name, and its line in `conclab_program.is_unknown` or in
`KNOWN` of `conclab_answer`.
"""

from conclab_program import (
    MANY,
    NONE,
    ONE,
    adds,
    code_place,
    kind_of,
    limit_names,
    lock_names,
    shape,
    shared_names,
    walk,
)

# Functions whose result depends on the task's seed.
SEEDED = ("pi", "sort", "matmul", "hash", "compress", "blur")
# What a function would import when it is called first: imported before the clock.
FUNCTION_IMPORTS = {"hash": "hashlib", "compress": "zlib"}

ONE_SOURCE = "def one():\n    return 1"
NO_POSTGRES = (
    "Python's standard library has no client for PostgreSQL: use a `python` step with a driver, or a native row"
)


class Style:
    """How the tasks of a model are written."""

    def __init__(self, is_async=False, pool=None, processes=False, tables=True):
        # Coroutines, instead of functions.
        self.is_async = is_async
        # What computes goes to the loop's pool: "threads" or "processes".
        self.pool = pool
        # Tasks run in processes of their own, and share memory only where it is made for it.
        self.processes = processes
        # Values that differ from task to task are lists that were made before the clock.
        self.tables = tables


class Table:
    """Values by task, to be filled before the clock."""

    def __init__(self, name, value, first, tasks, of, in_seconds):
        self.name, self.value, self.in_seconds = name, value, in_seconds
        # Number of the group's first task, the group's tasks, and those that the value is divided over.
        self.first, self.tasks, self.of = first, tasks, of


class ModuleWriter:
    """Writes the module of a program."""

    def __init__(self, request, style, is_coroutine):
        self.program, self.site, self.style = request["program"], request["site"], style
        self.latencies, self.trace = request.get("latencies", False), request.get("trace", False)
        # Whether the function with a place is an `async def`.
        self.is_coroutine = is_coroutine
        self.seed = self.program.get("seed", 0)
        self.total = sum(group["tasks"] for group in self.program["groups"])
        self.locks, self.limits = lock_names(self.program), limit_names(self.program)
        self.imports, self.constants, self.tables, self.codes = set(), [], [], {}
        self.seeds_used = False

    def text(self):
        tasks, first = [], 0
        for number, group in enumerate(self.program["groups"]):
            writer = TaskWriter(self, number, first, group)
            tasks.append(writer.text())
            first += group["tasks"]
        latencies = f"LATENCIES = {self.latencies}"
        blocks = [latencies, self.tracing(), self.sharing(), *self.constants, *tasks, self.task(), self.attempt()]
        imports = "\n".join(sorted(self.imports, key=lambda line: (line.startswith("from"), line)))
        head = '"""The tasks of one trial, as a script would have them."""\n\n' + imports
        return "\n\n".join([head, *(block for block in blocks if block)]) + "\n"

    def task(self):
        """The function of a task's number."""
        if len(self.program["groups"]) == 1:
            return "task = task_0"
        lines, first = ["def task(number):"], 0
        for number, group in enumerate(self.program["groups"]):
            after = first + group["tasks"]
            index = f"number - {first}" if first else "number"
            lines.append(f"    if number < {after}:\n        return task_{number}({index})")
            first = after
        return "\n".join(lines)

    def attempt(self):
        """The function that never fails."""
        self.imports.add("from conclab_failure import Failure")
        is_async, wait = ("async ", "await ") if self.style.is_async else ("", "")
        lines = [f"{is_async}def attempt(number):"]
        if self.style.processes and self.program.get("argument"):
            lines += ["    number, given = number"]
        if self.latencies:
            self.imports.add("from time import perf_counter_ns")
            lines += ["    start_ns = perf_counter_ns()"]
        # On an event loop each turn is noted instead.
        notes = self.trace and not self.style.is_async
        lines += ["    conclab_trace.begin(number)"] if notes else []
        result = "result =" if self.latencies else "return"
        lines += ["    try:", f"        {result} {wait}task(number)", "    except BaseException as error:"]
        lines += [f"        {result} Failure(error)"]
        lines += ["    finally:", "        conclab_trace.end()"] if notes else []
        if self.latencies:
            lines += ["    return perf_counter_ns() - start_ns, result"]
        return "\n".join(lines)

    def tracing(self):
        """Where a traced run's notes go."""
        if not self.trace:
            return ""
        self.imports.add("import conclab_trace")
        lines = [f"conclab_trace.arrive_in({self.site['directory']!r})", "sent = conclab_trace.sent"]
        return "\n".join(lines)

    def held(self, name, lock):
        """A lock or a semaphore; in a traced run one that notes who waits for it."""
        if not self.trace:
            return lock
        kind = "LIMIT" if name.startswith("limit_") else "LOCK"
        holder = "HeldByCoroutine" if lock.startswith("asyncio.") else "Held"
        return f"conclab_trace.{holder}({lock}, conclab_trace.{kind})"

    def sharing(self):
        """Locks, permits and the counter."""
        blocks = []
        names = shared_names(self.program)
        add_ways = adds(self.program)
        if self.style.processes:
            if names:
                listed = ", ".join(names)
                lines = ["def share(shared):", f"    global {listed}", f"    ({listed},) = shared"]
                if self.trace:
                    lines += [f"    {name} = {self.held(name, name)}" for name in names if name != "counter"]
                blocks.append("\n".join(lines))
            if add_ways:
                blocks.append("def counted():\n    return counter.value")
        else:
            made = [(f"lock_{index}", "Lock()") for index in range(len(self.locks))]
            limits = self.program.get("limits", {})
            made += [(f"limit_{i}", f"Semaphore({limits[verb]})") for i, verb in enumerate(self.limits)]
            module = "asyncio" if self.style.is_async else "threading"
            if made:
                self.imports.add(f"import {module}")
            lines = [f"{name} = {self.held(name, f'{module}.{call}')}" for name, call in made]
            if made and self.style.is_async:
                # Up to Python 3.9 they belong to the loop that runs when they are made.
                names = ", ".join(name for name, _ in made)
                lines = ["def share():", f"    global {names}", *(f"    {line}" for line in lines)]
            if made:
                blocks.append("\n".join(lines))
            if add_ways:
                self.imports |= {"import itertools", "import threading"}
                lock = self.held("counter_lock", "threading.Lock()")
                blocks.append(f"counter = 0\ncounter_lock = {lock}\nticket = itertools.count()")
                blocks.append("def counted():\n    return counter + next(ticket)")
        if any(body == "call" for _, body in add_ways):
            blocks.append(ONE_SOURCE)
        blocks += [self.add_function(sync, body) for sync, body in sorted(add_ways)]
        return "\n\n".join(blocks)

    def add_function(self, sync, body):
        between = self.style.processes
        counter = "counter.value" if between else "counter"
        step = f"{counter} = {counter} + one()" if body == "call" else f"{counter} += 1"
        lines = [f"def add_{sync}_{body}(times):"]
        if not between and sync != "atomic":
            lines.append("    global counter")
        if sync == "none":
            lines += ["    for _ in range(times):", f"        {step}"]
        elif sync == "local":
            own = "own = own + one()" if body == "call" else "own += 1"
            lines += ["    own = 0", "    for _ in range(times):", f"        {own}"]
            lines += ["    with counter_lock:", f"        {counter} += own"]
        elif sync == "atomic" and not between:
            # One call of a function that is written in C: no other thread comes in between.
            lines += ["    for _ in range(times):", "        next(ticket)"]
        else:
            # The standard library has no readers-writer lock, and between processes nothing atomic; the
            # write side of the one excludes everyone, as a mutex does.
            lines += ["    for _ in range(times):", "        with counter_lock:", f"            {step}"]
        return "\n".join(lines)

    def call(self, code):
        """The name under which the module has a function of the author's."""
        place = code_place(code)
        if place not in self.codes:
            module, function, _ = place
            name = self.codes[place] = f"author_{len(self.codes)}"
            self.imports.add("from importlib import import_module")
            lines = [f"{name} = getattr(import_module({module!r}), {function!r})"]
            if "text" in code:
                self.imports.add("import conclab_failure")
                lines.append(f"conclab_failure.cells.add({self.site['directory'] + '/' + module + '.py'!r})")
            self.constants.append("\n".join(lines))
        return self.codes[place], self.is_coroutine[place]


class TaskWriter:
    """Writes the function of a group's tasks."""

    def __init__(self, module, number, first, group):
        self.module, self.style, self.number = module, module.style, number
        self.first, self.group = first, group
        self.shape = shape(group["ops"])
        self.lines, self.depth = [], 1
        self.uses_seed = self.holds = self.writes = False
        kinds = {kind for kind, _ in walk(group["ops"])}
        # Where a task may fail behind an addition, it tells how much it added.
        self.tells_updates = "add" in kinds and bool(kinds - {"add", "group", "sleep", "block"})

    def line(self, text):
        self.lines.append("    " * self.depth + text)

    def use(self, module, *names):
        self.module.imports |= {f"from {module} import {name}" for name in names} or {f"import {module}"}

    def task_number(self):
        return f"i + {self.first}" if self.first else "i"

    def text(self):
        alone = self.author_alone()
        if alone:
            return f"task_{self.number} = {alone}"
        if self.tells_updates:
            self.depth = 2
        for op in self.group["ops"]:
            self.write(op)
        returned = {NONE: "None", ONE: "r", MANY: "r"}[self.shape]
        if self.module.program.get("result") and self.style.pool != "processes":
            value = self.value(self.module.program["result"], by_number=True)
            data = f"bytes([{self.seed()} & 255]) * {value}"
            if self.style.processes:
                returned = f"{returned}, {data}"
            else:
                self.line(data)
        if returned != "None":
            self.line(f"return {returned}")
        elif not self.lines:
            self.line("pass")
        head = [f"{'async ' if self.style.is_async else ''}def task_{self.number}(i):"]
        if self.uses_seed and self.style.tables:
            self.module.seeds_used = True
            head.append(f"    seed = seeds[{self.task_number()}]")
        elif self.uses_seed:
            self.use("conclab_values", "task_seed")
            head.append(f"    seed = task_seed({self.module.seed}, {self.task_number()})")
        head += ["    held = []"] if self.holds else []
        head += ["    files = 0"] if self.writes else []
        head += ["    r = []"] if self.shape == MANY else []
        if self.tells_updates:
            head += ["    updates = 0", "    try:"]
            self.depth = 1
            self.line("except BaseException as error:")
            self.line("    error.conclab_updates = updates")
            self.line("    raise")
        return "\n".join(head + self.lines)

    def author_alone(self):
        """The author's own function, where it is all that a task does: a call of it costs no other."""
        kind, content = kind_of(self.group["ops"][0]) if len(self.group["ops"]) == 1 else (None, None)
        if kind != "python" or self.style.pool or self.module.program.get("result"):
            return None
        name, is_coroutine = self.module.call(content["code"])
        return name if is_coroutine == self.style.is_async else None

    def seed(self):
        self.uses_seed = True
        return "seed"

    def value(self, value, in_seconds=False, by_number=False):
        """The expression of a value."""
        (kind, content), = value.items()
        if kind == "const":
            return repr(content / 1e9 if in_seconds else content)
        module = self.module
        index, of, first = ("i", self.group["tasks"], 0)
        if by_number:
            index, of, first = self.task_number(), module.total, self.first
        if self.style.tables:
            table = Table(f"values_{len(module.tables)}", value, self.first, self.group["tasks"], of, in_seconds)
            table.first_index = first
            module.tables.append(table)
            return f"{table.name}[i]"
        self.use("conclab_values", "value_at")
        name = f"value_{len(module.constants)}"
        module.constants.append(f"{name} = {value!r}")
        text = f"value_at({name}, {index}, {of}, {self.seed()})"
        return f"{text} / 1e9" if in_seconds else text

    def store(self, expression):
        """Keeps a result that wasn't known before."""
        self.line(f"r = {expression}" if self.shape == ONE else f"r.append({expression})")

    def hand_over(self, function, *arguments):
        """The call of what computes or blocks: where the task runs, or on the pool of its loop."""
        if self.style.pool is None:
            return f"{function}({', '.join(arguments)})"
        program = self.module.program
        if self.style.pool == "processes" and (program.get("argument") or program.get("result")):
            # The task's data goes with it and comes back.
            given = self.value(program.get("argument") or {"const": 0}, by_number=True)
            back = self.value(program.get("result") or {"const": 0}, by_number=True)
            self.use("conclab_worker", "with_data")
            call = ["with_data", f"argument[:{given}]", back, f"{self.seed()} & 255", function, *arguments]
            return f"(await run_in_executor(pool, {', '.join(self.noted(call))}))[0]"
        return f"await run_in_executor(pool, {', '.join(self.noted([function, *arguments]))})"

    def noted(self, call):
        """What another thread or process is handed to call; in a traced run it notes whose task that is."""
        return ["conclab_trace.noted", self.task_number(), *call] if self.module.trace else call

    def in_thread(self, function, *arguments):
        """The call of what waits and has no asynchronous interface."""
        if self.style.is_async:
            self.use("asyncio")
            return f"await asyncio.to_thread({', '.join(self.noted([function, *arguments]))})"
        return f"{function}({', '.join(arguments)})"

    def write(self, op):
        kind, content = kind_of(op)
        getattr(self, f"write_{kind}")(content)

    def write_compute(self, op):
        function = op["function"]
        self.use("conclab_compute", function)
        if function in FUNCTION_IMPORTS:
            self.use(FUNCTION_IMPORTS[function])
        arguments = [self.value(op["size"])] + ([self.seed()] if function in SEEDED else [])
        self.store(self.hand_over(function, *arguments))

    def write_sleep(self, op):
        time_s = self.value(op["time"], in_seconds=True)
        module = "asyncio" if self.style.is_async else "time"
        self.use(module)
        self.line(f"{'await ' if self.style.is_async else ''}{module}.sleep({time_s})")

    def write_block(self, op):
        self.use("time")
        self.line(self.hand_over("time.sleep", self.value(op["time"], in_seconds=True)))

    def write_http(self, op):
        address = self.module.site["delay_server"] or ":0"
        host, _, port = address.rpartition(":")
        asked = (("ns", "time"), ("status", "status"), ("bytes", "bytes"))
        query = "&".join(f"{key}={{{self.value(op[name])}}}" for key, name in asked)
        path = f'f"/delay?{query}"'
        call = f"http_get({host!r}, {port}, {path}, {op['reuse']})"
        if self.style.is_async:
            self.use("conclab_http_async", "http_get")
            self.store(f"await {call}")
        else:
            self.use("conclab_http", "http_get")
            self.store(call)

    def write_fetch(self, op):
        self.use("conclab_fetch", "fetch")
        self.store(self.in_thread("fetch", repr(op["url"])))

    def write_read(self, op):
        self.use("conclab_files", "read_file")
        path = repr(self.module.site["directory"] + "/to-read")
        self.line(self.in_thread("read_file", path, self.value(op["bytes"])))

    def write_write(self, op):
        self.use("conclab_files", "write_file")
        self.writes = True
        self.line("files += 1")
        directory = self.module.site["directory"].replace("{", "{{").replace("}", "}}")
        path = f"f{directory + '/task-{' + self.task_number() + '}-{files}'!r}"
        self.line(self.in_thread("write_file", path, self.value(op["bytes"]), repr(op["sync"])))

    def write_query(self, op):
        if op["database"] is not None:
            self.use("conclab_failure", "Refused")
            self.line(f"raise Refused({NO_POSTGRES!r})")
            return
        self.use("conclab_sqlite", "query")
        path = repr(self.module.site["directory"] + "/queries.sqlite")
        (kind, content), = op["statement"].items()
        if kind == "time":
            self.line(self.in_thread("query", path, "('SELECT wait_ns(?1)',)", self.value(content)))
            return
        from conclab_sqlite import split

        self.store(self.in_thread("query", path, repr(tuple(split(content)))))

    def write_run(self, op):
        home = repr(self.module.site["home"])
        if self.style.is_async:
            self.use("conclab_command", "run_program_async")
            self.line(f"await run_program_async({op['argv']!r}, {home})")
        else:
            self.use("conclab_command", "run_program")
            self.line(f"run_program({op['argv']!r}, {home})")

    def write_alloc(self, op):
        self.use("conclab_files", "allocate")
        self.holds = True
        self.line(f"held.append(allocate({self.value(op['bytes'])}))")

    def write_add(self, op):
        times = self.value(op["times"])
        self.line(f"add_{op['sync']}_{op.get('body', 'plain')}({times})")
        if self.tells_updates:
            self.line(f"updates += {times}")

    def write_python(self, op):
        name, is_coroutine = self.module.call(op["code"])
        if not is_coroutine:
            call = self.hand_over(name, "i") if self.style.pool else f"{name}(i)"
        elif self.style.is_async:
            call = f"await {name}(i)"
        else:
            self.use("asyncio")
            call = f"asyncio.run({name}(i))"
        self.store(call)

    def write_group(self, op):
        depth = self.depth
        if op["times"] != 1:
            self.line(f"for _ in range({op['times']}):")
            self.depth += 1
        with_ = "async with" if self.style.is_async else "with"
        if op.get("lock") is not None:
            self.line(f"{with_} lock_{self.module.locks.index(op['lock'])}:")
            self.depth += 1
        if op.get("permit") in self.module.limits:
            self.line(f"{with_} limit_{self.module.limits.index(op['permit'])}:")
            self.depth += 1
        before = len(self.lines)
        for inner in op["ops"]:
            self.write(inner)
        if len(self.lines) == before:
            self.line("pass")
        self.depth = depth
