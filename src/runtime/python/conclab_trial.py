"""Runs one trial on CPython: the request on standard input, the reply on descriptor 3.

`python conclab_trial.py calibrate` prints the steps of `cpu` a nanosecond. Worker processes that multiprocessing
starts anew run this file too, as they would a script's: it is kept small, and what it does runs only once.
"""

import sys

FOLDER = __file__.rpartition("/")[0]
if FOLDER not in sys.path:
    sys.path.append(FOLDER)

if __name__ == "__main__":
    import conclab_run

    conclab_run.main(sys.argv[1:])
elif __name__ == "__mp_main__":
    # A worker, or the server that copies itself into workers: what a script's own top level would bring.
    try:
        import conclab_task  # noqa: F401
    except ImportError:
        # Where it is to be had, a worker is told together with its first task.
        pass
