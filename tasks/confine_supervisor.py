"""The parent of a confined program: adopts its orphans, and ends every one of them when the program has ended.

Run by ``tasks.confine`` as ``python -I -S confine_supervisor.py <pid of Shipline> <program> <arguments…>``; it imports
little, and of the standard library only, because it starts each time.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from types import FrameType

# From <linux/prctl.h>.
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main(shipline: int, argv: list[str]) -> None:
    """Run ``argv``, wait for it, leave no process behind, and end as it ended."""
    signal.signal(signal.SIGTERM, _shipline_died)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != shipline:  # it died before the line above could tell us
        sys.exit(1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    program = os.fork()
    if program == 0:
        _become(argv)
    status = _wait_for(program)
    _end_all()
    _end_like(status)


def _become(argv: list[str]) -> None:
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.execvp(argv[0], argv)  # noqa: S606 - there is no shell to want here
    except OSError as error:
        os.write(2, f"cannot run {argv[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _wait_for(program: int) -> int:
    """Reap whoever ends until ``program`` does; its wait status."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == program:
            return status


def _end_all() -> None:
    """SIGKILL our children until there are none: the children of the killed become ours and are next."""
    while True:
        for pid in _children():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    """The processes whose parent we are, from /proc (none where there is no /proc)."""
    me = os.getpid()
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:  # noqa: PTH112, PTH208 - pathlib is slow to import
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                    stat = file.read()
            except OSError:  # it ended while we looked
                continue
            if int(stat.rsplit(b")", 1)[1].split()[1]) == me:
                found.append(int(name))
    return found


def _end_like(status: int) -> None:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _shipline_died(_signal: int, _frame: FrameType | None) -> None:
    _end_all()
    os._exit(1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
