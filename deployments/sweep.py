"""Finding and ending what a stack left behind: every process with the stack's id in its environment."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import psutil

MARK = "SHIPLINE_STACK_ID"
PATIENCE = 1.0  # seconds between SIGTERM and SIGKILL


def stack_id(home: Path) -> str:
    """The name of the stack of this folder, the same after every start."""
    return hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:16]


def members(stack: str) -> list[psutil.Process]:
    """This user's processes that belong to the stack, without this one and its ancestors."""
    above = {os.getpid(), *(each.pid for each in psutil.Process().parents())}
    return [each for each in psutil.process_iter() if each.pid not in above and _carries(each, stack)]


async def sweep(stack: str) -> int:
    """End every member (SIGTERM, then SIGKILL) and say how many there were."""
    found = members(stack)
    _each(found, psutil.Process.terminate)
    if not await _gone(found, PATIENCE):
        # Asked anew: somebody may have been started by one that was just ending.
        _each(found := [*found, *members(stack)], psutil.Process.kill)
        await _gone(found, PATIENCE)
    return len({each.pid for each in found})


def _carries(process: psutil.Process, stack: str) -> bool:
    try:
        return process.environ().get(MARK) == stack and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


def _each(processes: list[psutil.Process], act: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            act(process)


async def _gone(processes: list[psutil.Process], within: float) -> bool:
    loop = asyncio.get_running_loop()
    until = loop.time() + within
    while any(_alive(each) for each in processes):
        if loop.time() > until:
            return False
        await asyncio.sleep(0.02)
    return True


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
