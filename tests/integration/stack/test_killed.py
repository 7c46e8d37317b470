"""However the supervisor ends, and whenever: nothing of the stack is left, and the next start works."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from pathlib import Path

import pytest

from deployments.stack import LocalStack
from tests.integration.stack.conftest import Supervise, left, said

PARTS = ("mongodb", "sandbox")
MOMENTS = 6
SEED = 20261123


async def test_a_killed_supervisor_leaves_nothing(home: Path, supervise: Supervise) -> None:
    process = supervise(home, *PARTS)
    assert said(process) == "up"
    assert len(await left(home)) >= 5  # mongod, the sandbox, the watcher, a child and what that child has started
    process.kill()
    process.communicate()
    assert await left(home, within=3) == []
    async with LocalStack(home, fixed_ports=False, parts=("mongodb",)):
        pass  # the lock went with its holder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_all_and_a_second_one_does_not_cut_that_short(
    home: Path, supervise: Supervise, number: signal.Signals
) -> None:
    process = supervise(home, *PARTS)
    assert said(process) == "up"
    process.send_signal(number)
    await asyncio.sleep(0.1)
    process.send_signal(number)
    began = time.monotonic()
    _, err = await asyncio.to_thread(process.communicate, timeout=20)
    assert (process.returncode, err) == (128 + number, "already stopping\n")
    assert time.monotonic() - began < 8
    assert await left(home) == []
    assert '"Shutting down"' in (home / "logs" / "mongodb.log").read_text()


async def test_ctrl_c_at_any_moment_of_the_start_leaves_nothing(home: Path, supervise: Supervise) -> None:
    chance = random.Random(SEED)
    for _ in range(MOMENTS):
        after = chance.uniform(0, 1.5)
        process = supervise(home, *PARTS)
        await asyncio.sleep(after)
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.to_thread(process.communicate, timeout=20)
        assert (process.returncode, err) == (130, ""), f"after {after:.3f} s"
        assert await left(home) == [], f"after {after:.3f} s"
    async with LocalStack(home, fixed_ports=False, parts=PARTS):
        pass
    assert await left(home) == []
