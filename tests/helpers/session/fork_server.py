"""``python -c CODE`` and ``python -m MODULE ...`` in forks of a process that has the libraries.

A run is a process of its own with its own modules of the bundle; what it is spared is importing
torch and MONAI, several seconds each time. Started with ``-S``, from the environment to try.
"""

from __future__ import annotations

import json
import os
import runpy
import sys

import ignite.engine  # noqa: F401
import monai.bundle  # noqa: F401


def run(words: list[str]) -> int:
    """Do what the interpreter does with these words; return its exit status."""
    try:
        if words[0] == "-c":
            sys.argv = ["-c", *words[2:]]
            exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})
        else:
            sys.argv = [words[1], *words[2:]]
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    except SystemExit as leave:
        if isinstance(leave.code, str):
            print(leave.code, file=sys.stderr)
            return 1
        return leave.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def fork(words: list[str], outputs: list[str]) -> int:
    """Run in a fork whose output and errors go to files."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for number, name in enumerate([os.devnull, *outputs]):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
    status = run(words)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    # Of this folder, which is not part of the environment.
    sys.path[0] = ""
    for line in sys.stdin:
        print(fork(*json.loads(line)), flush=True)
