"""Ties a process to the one that started it. Stand-alone: standard library only, run by its path.

``python -I -S leash.py PARENT -- argv…`` asks Linux to kill this process when PARENT dies, and becomes ``argv``.
``python -I -S leash.py PARENT --watch STACK`` waits for PARENT's end (its standard input closes), then kills every
process that carries STACK in its environment: what the direct children had started themselves.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
WATCH_FOR = 10  # seconds after the parent's end


def main() -> None:
    """Do what the module says; 127 is a shell's answer for a program that does not exist."""
    parent, verb, *rest = sys.argv[1:]
    if verb == "--watch":
        watch(rest[0])
        return
    tie(int(parent))
    try:
        os.execvp(rest[0], rest)  # noqa: S606 (no shell is the point)
    except OSError as error:
        sys.stderr.write(f"{rest[0]}: {error.strerror}\n")
        sys.exit(127)


def tie(parent: int) -> None:
    """Die with ``parent``. It may be dead already: then our parent is another one and nobody would tell us."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


def watch(stack: str) -> None:
    """Wait for the end of standard input, then kill until two looks in a row find nobody."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    until, empty = time.monotonic() + WATCH_FOR, 0
    while empty < 2 and time.monotonic() < until:
        found = carriers(f"SHIPLINE_STACK_ID={stack}".encode())
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        empty = 0 if found else empty + 1
        time.sleep(0.1)


def carriers(mark: bytes) -> list[int]:
    """The processes whose environment holds ``mark``; another user's cannot be read and are not ours."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0") and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found


if __name__ == "__main__":
    main()
