"""Stacks for the tests: supervisors in processes of their own, and a look at what is left of them."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deployments.sweep import members, stack_id

# Starts a stack as the command line does, says when, and stays until it is told to end.
SUPERVISOR = """
import asyncio, sys
from pathlib import Path
import psutil
from deployments.run import run_until_signal
from deployments.stack import LocalStack

async def main():
    print("begun", flush=True)
    async with LocalStack(Path(sys.argv[1]), fixed_ports=False, parts=sys.argv[2].split(",")) as stack:
        # What the children start themselves belongs to the stack as well.
        grandchild = "import subprocess; subprocess.Popen(['sleep', '60'], start_new_session=True).wait()"
        child = await stack.start_child("busy", [sys.executable, "-c", grandchild], {})
        while not psutil.Process(child.pid).children():
            await asyncio.sleep(0.02)
        print("up", flush=True)
        await stack.watch()

sys.exit(run_until_signal(main()))
"""


Supervise = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def supervise() -> Iterator[Supervise]:
    """Gives a process that has just begun to start a stack: home, then parts. None outlives the test."""
    with contextlib.ExitStack() as ended:

        def begin(home: Path, *parts: str) -> subprocess.Popen[str]:
            argv = [sys.executable, "-c", SUPERVISOR, str(home), ",".join(parts)]
            pipe = subprocess.PIPE
            process = subprocess.Popen(argv, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
            ended.enter_context(process)  # closes its pipes and waits
            ended.callback(process.kill)
            assert said(process) == "begun"
            return process

        yield begin


def said(process: subprocess.Popen[str]) -> str:
    """The next line of its output."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def left(home: Path, within: float = 0) -> list[psutil.Process]:
    """What still runs of this home's stack when so many seconds have passed, or at once when there is nothing."""
    for _ in range(round(within / 0.05)):
        if not members(stack_id(home)):
            break
        await asyncio.sleep(0.05)
    return members(stack_id(home))
