"""One supervisor a folder: a file lock that the system lets go of however its holder ends."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from shipline.errors import ConfigError

LOCK_FILE = "stack.lock"
STACK = "stack"
COMMAND = "command"  # a read-only command that has MongoDB up for a moment
PATIENCE = 10.0  # seconds a stack waits for such a command to end


class Held(Exception):
    """Somebody else holds the lock."""

    def __init__(self, pid: int, role: str) -> None:
        super().__init__(f"held by {pid} as {role}")
        self.pid = pid
        self.role = role


@contextlib.contextmanager
def held(home: Path, role: str) -> Iterator[None]:
    """Hold the folder's lock. Raises ``Held`` at once when another process (or another stack of this one) has it."""
    path = home / LOCK_FILE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _holder(path) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {role}\n".encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


async def hold_for_stack(home: Path, stack: contextlib.AsyncExitStack) -> None:
    """Hold the lock for a stack; a command's short hold is waited out, another stack's is refused."""
    until = asyncio.get_running_loop().time() + PATIENCE
    while True:
        try:
            stack.enter_context(held(home, STACK))
        except Held as other:
            if other.role == STACK or asyncio.get_running_loop().time() > until:
                raise ConfigError(
                    f"A stack is already running here (pid {other.pid}).",
                    "Stop it, or set SHIPLINE_HOME to another folder.",
                ) from None
            await asyncio.sleep(0.05)
        else:
            return


def _holder(path: Path) -> Held:
    """Who holds it. The file may be empty for an instant: its holder has locked it and not yet written."""
    pid, _, role = path.read_text().strip().partition(" ")
    return Held(int(pid) if pid.isdigit() else -1, role or COMMAND)
