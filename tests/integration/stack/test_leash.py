"""The leash: who is tied dies with its parent, and a watcher ends what carries the stack's mark."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import uuid

import psutil
import pytest

from deployments.process import LEASH
from deployments.sweep import MARK, members, sweep

LEASHED = [sys.executable, "-I", "-S", str(LEASH)]
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the leash is Linux's")


def test_it_becomes_the_program() -> None:
    assert _run(str(os.getpid()), "--", sys.executable, "-c", "print('here')").stdout == "here\n"


def test_a_program_that_is_not_there_is_named() -> None:
    done = _run(str(os.getpid()), "--", "/nothing")
    assert (done.returncode, done.stderr) == (127, "/nothing: No such file or directory\n")


def test_it_does_not_start_when_its_parent_is_gone_already() -> None:
    done = _run("1", "--", sys.executable, "-c", "print('here')")
    assert (done.returncode, done.stdout) == (0, "")


def test_who_is_tied_dies_with_its_parent() -> None:
    leash = [*LEASHED, "PARENT", "--", *SLEEP]
    code = f"""
import os, subprocess
argv = [str(os.getpid()) if word == "PARENT" else word for word in {leash!r}]
print(subprocess.Popen(argv).pid, flush=True)
input()
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    while child.cmdline()[1:] != SLEEP[1:]:  # until it has tied itself and become the program
        time.sleep(0.01)
    parent.kill()
    parent.communicate()
    _, alive = psutil.wait_procs([child], timeout=3)
    assert alive == []


def test_the_watcher_ends_who_carries_the_mark_when_its_parent_is_gone() -> None:
    stack = uuid.uuid4().hex
    member, other = _sleeper(stack), _sleeper(f"{stack}0")
    watcher = subprocess.Popen([*LEASHED, str(os.getpid()), "--watch", stack], stdin=subprocess.PIPE)
    time.sleep(0.3)
    assert member.poll() is None
    watcher.communicate(timeout=10)  # closes its input, as the parent's end would
    assert member.wait(5) == -9
    assert other.poll() is None
    other.kill()
    other.wait()


async def test_the_sweep_ends_members_and_nobody_else() -> None:
    stack = uuid.uuid4().hex
    member, other = _sleeper(stack), _sleeper(f"{stack}0")
    stubborn = _sleeper(stack, "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)")
    await asyncio.sleep(0.5)  # until it ignores SIGTERM
    assert {each.pid for each in members(stack)} == {member.pid, stubborn.pid}
    assert await sweep(stack) == 2
    assert (member.wait(1), stubborn.wait(1), other.poll()) == (-15, -9, None)
    assert await sweep(stack) == 0
    other.kill()
    other.wait()


def _sleeper(stack: str, code: str = SLEEP[-1]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], env={MARK: stack})


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LEASHED, *words], capture_output=True, text=True, check=False)
