"""What a signal does to a main coroutine, and what runs to its end all the same."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import pytest

from deployments.run import to_the_end

# A main that takes half a second to clean up, and says what happens to it.
MAIN = """
import asyncio, sys
from deployments.run import run_until_signal

async def main():
    print("begun", flush=True)
    try:
        await asyncio.sleep(30)
    finally:
        print("cleaning", flush=True)
        await asyncio.sleep(0.5)
        print("clean", flush=True)

sys.exit(run_until_signal(main()))
"""


def _begun(code: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cancels_once_and_gives_its_exit_code(number: signal.Signals) -> None:
    process = _begun(MAIN)
    process.send_signal(number)
    assert process.stdout is not None
    assert process.stdout.readline() == "cleaning\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (128 + number, "clean\n", "already stopping\n")


def test_a_main_that_ends_gives_its_own_exit_code() -> None:
    for returned, code in (("3", 3), ("None", 0)):
        text = f"from deployments.run import run_until_signal\nasync def main(): return {returned}\n"
        argv = [sys.executable, "-c", f"{text}raise SystemExit(run_until_signal(main()))"]
        assert subprocess.run(argv, check=False).returncode == code


async def test_work_runs_to_its_end_though_its_caller_is_cancelled() -> None:
    done: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0.05)
        done.append("work")

    async def caller() -> None:
        await to_the_end(work())
        done.append("never")

    task = asyncio.create_task(caller())
    for _ in range(2):  # a second cancellation is held back as well
        await asyncio.sleep(0.01)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["work"]


async def test_what_fails_in_the_work_is_raised() -> None:
    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await to_the_end(work())
