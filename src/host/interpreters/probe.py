# Tells conclab what this interpreter is: one line of JSON on descriptor 3. Runs on every Python 3.4 and newer.
import importlib.util
import json
import os
import sys
import sysconfig


def has(name):
    try:
        if importlib.util.find_spec(name) is None:
            return False
        # A package can be there without the compiled half that it stands on.
        half = {"sqlite3": "_sqlite3", "ssl": "_ssl", "ctypes": "_ctypes", "multiprocessing": "_multiprocessing"}
        if name in half:
            importlib.import_module(half[name])
        return True
    except Exception:
        return False


def start_methods():
    try:
        import multiprocessing

        return multiprocessing.get_all_start_methods()
    except Exception:
        return []


def configured(*names):
    return " ".join(str(sysconfig.get_config_var(name) or "") for name in names)


version = sys.implementation.version
facts = {
    "implementation": sys.implementation.name,
    "version": {
        "major": version[0],
        "minor": version[1],
        "micro": version[2],
        "level": version[3],
        "serial": version[4],
    },
    "build": " ".join(sys.version.split()),
    "executable": sys.executable,
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "gil": sys._is_gil_enabled() if hasattr(sys, "_is_gil_enabled") else True,
    "debug": bool(sysconfig.get_config_var("Py_DEBUG")),
    "configured": configured("CONFIG_ARGS"),
    "flags": configured("CFLAGS", "CONFIGURE_CFLAGS_NODIST", "PY_CFLAGS_NODIST"),
    "start_methods": start_methods(),
    "interpreter_pool": has("concurrent.interpreters") and has("concurrent.futures.interpreter"),
    "missing": [name for name in sys.argv[1:] if not has(name)],
}
os.write(3, (json.dumps(facts) + "\n").encode())
