"""One supervisor a folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.lock import COMMAND, STACK, Held, held, hold_for_stack
from shipline.errors import ConfigError


def test_who_holds_it_is_named(home: Path) -> None:
    with held(home, COMMAND), pytest.raises(Held) as other, held(home, COMMAND):
        pass
    assert (other.value.pid, other.value.role) == (os.getpid(), COMMAND)
    with held(home, COMMAND):
        pass


async def test_a_second_stack_is_refused_at_once(home: Path) -> None:
    with held(home, STACK):
        async with contextlib.AsyncExitStack() as stack:
            with pytest.raises(ConfigError, match=rf"A stack is already running here \(pid {os.getpid()}\)\."):
                await hold_for_stack(home, stack)


async def test_a_command_is_waited_for(home: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        with held(home, COMMAND):
            waiting = asyncio.create_task(hold_for_stack(home, stack))
            await asyncio.sleep(0.1)
            assert not waiting.done()
        await waiting


def test_it_is_free_again_after_a_kill(home: Path) -> None:
    code = f"""
import os, pathlib, signal
from deployments.lock import STACK, held
with held(pathlib.Path({str(home)!r}), STACK):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    with held(home, STACK):
        pass
