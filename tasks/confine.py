"""Run someone else's words: a scrubbed environment, limits of time and output, and no process left behind.

What this does not do without a fence (``tasks.fence``): the program runs as the same user, so it can read and write
what that user can, and it may open connections. Whoever has no bwrap and needs more than that puts Shipline in a
container, or gives it a user of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tasks.fence import Fence, usable

SUPERVISOR = Path(__file__).with_name("confine_supervisor.py")
_PASSED_ON = "SHIPLINE_STACK_ID"  # the local stack ends its leftovers by this label
_ROUNDS = 20


@dataclass(frozen=True)
class Completed:
    """How a program ended. ``returncode`` is minus the signal when one ended it; 127 when it could not start."""

    returncode: int
    stdout: str
    stderr: str
    timed_out: bool
    seconds: float

    @property
    def words(self) -> str:
        """What it said, errors last, as a person would have seen it."""
        return "\n".join(part.strip() for part in (self.stdout, self.stderr) if part.strip())


async def run_confined(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    venv: Path | None = None,
    timeout: float,
    output_limit: int = 1_000_000,
    fence: Fence | None = None,
) -> Completed:
    """Run ``argv`` in ``cwd`` and wait for its end; at the end, in time or not, none of its processes lives.

    It sees PATH (``venv``'s first), a HOME and TMPDIR of its own that are removed afterwards, and ``env``; no more.
    ``output_limit`` is in bytes for each of stdout and stderr; what is beyond is read and dropped. Behind a ``fence``
    it sees nothing else either, where there can be one.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="shipline-", ignore_cleanup_errors=True) as home:
        if fence is not None and await asyncio.to_thread(usable):
            argv = fence.with_writable(Path(home)).around(argv)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(SUPERVISOR), str(os.getpid()), *argv),
                cwd=cwd,
                env={**scrubbed_environment(home, venv), **(env or {})},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
            said = [asyncio.create_task(_drain(each, output_limit)) for each in (process.stdout, process.stderr)]
            try:
                timed_out = await _wait(process, timeout)
            finally:
                end_tree(process)
                sweep_home(home)  # nobody holds the pipes now, so reading comes to an end
                stdout, stderr = await asyncio.gather(*said)
                returncode = await process.wait()
        finally:
            sweep_home(home)
    return Completed(returncode, stdout, stderr, timed_out, time.monotonic() - started)


def scrubbed_environment(home: str, venv: Path | None = None) -> dict[str, str]:
    """The variables that a foreign program sees: none of ours but PATH and the stack's label."""
    path = os.environ.get("PATH", os.defpath)
    found = {
        "PATH": f"{venv / 'bin'}{os.pathsep}{path}" if venv is not None else path,
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if _PASSED_ON in os.environ:
        found[_PASSED_ON] = os.environ[_PASSED_ON]
    return found


async def _wait(process: asyncio.subprocess.Process, timeout: float) -> bool:
    """Wait for the end; True when the time was up before it."""
    try:
        async with asyncio.timeout(timeout):
            await process.wait()
    except TimeoutError:
        return True
    return False


async def _drain(stream: asyncio.StreamReader | None, limit: int) -> str:
    """Read to the end so that the writer never blocks, keep the first ``limit`` bytes."""
    kept = bytearray()
    total = 0
    while stream is not None and (chunk := await stream.read(65536)):
        total += len(chunk)
        kept += chunk[: max(0, limit - len(kept))]
    text = kept.decode(errors="replace")
    return text if total <= limit else f"{text}\n[{total - limit} more bytes were dropped]\n"


def end_tree(process: asyncio.subprocess.Process) -> None:
    """SIGKILL the supervisor's descendants, then the supervisor (while it lives, orphans are adopted by it)."""
    if process.returncode is not None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        supervisor = psutil.Process(process.pid)
        for _ in range(_ROUNDS):
            living = [each for each in supervisor.children(recursive=True) if _alive(each)]
            if not living:
                break
            _kill(living)
        _kill([supervisor])


def sweep_home(home: str) -> None:
    """SIGKILL whoever still has our private HOME: all that is left when a program has killed its supervisor."""
    for _ in range(_ROUNDS):
        living = [each for each in psutil.process_iter() if _lives_in(each, home)]
        if not living:
            return
        _kill(living)


def _lives_in(process: psutil.Process, home: str) -> bool:
    with contextlib.suppress(psutil.Error, OSError):  # ended meanwhile, or somebody else's
        return process.environ().get("HOME") == home and _alive(process)
    return False


def _alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    return False


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    time.sleep(0.002)  # SIGKILL takes a moment; psutil's own wait would steal the exit code from asyncio
