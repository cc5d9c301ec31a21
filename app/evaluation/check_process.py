"""The process that runs a case's check on fixed files. `checks` starts it, with resource limits, in a directory of its own.

It leaves the network where the system allows that, sees only Python's standard library, and runs the check, which imports
or reads the files in `tree`. Model-written code runs here and nowhere else.

A check that ends normally accepts the fix; an exception rejects it; exit code 77 says that it cannot tell. Only this
process knows the word on its standard input, so the fixed code cannot speak for it by accident.
"""

import ctypes
import os
import runpy
import sys
from contextlib import suppress

CANNOT_TELL = 77
CLONE_NEWUSER, CLONE_NEWNET = 0x1000_0000, 0x4000_0000


def leave_network() -> None:
    """Move to an empty network namespace; without the right to do so, stay."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).unshare(CLONE_NEWUSER | CLONE_NEWNET)


def run_check(path: str) -> str:
    """Return what the check says: `right`, `unknown`, or `wrong` and why."""
    sys.path.insert(0, "tree")
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as end:
        if end.code == CANNOT_TELL:
            return "unknown"
        return "wrong it exited" if end.code else "right"
    except BaseException as error:  # noqa: BLE001 - whatever the fixed code raises
        return f"wrong {type(error).__name__}: {error}"
    return "right"


if __name__ == "__main__":
    word = sys.stdin.readline().strip()
    leave_network()
    said = run_check(sys.argv[1])
    os.write(1, f"\n{word} {said}\n".encode("utf-8", "replace"))
