"""The processes of one stack: each on a leash, in a session of its own, with its output in a log file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path

from deployments.sweep import MARK
from shipline.errors import Unavailable

LEASH = Path(__file__).with_name("leash.py")
TICK = 0.02  # seconds between two looks at a process
LOG_LIMIT = 5_000_000  # bytes; a log larger than this begins anew at the next start


class Child:
    """A process that the stack started. Polled, not awaited through a watcher: nothing comes between fork and here."""

    def __init__(self, name: str, log: Path, process: subprocess.Popen[bytes]) -> None:
        self.name = name
        self.log = log
        self._process = process

    @property
    def pid(self) -> int:
        """The process, which is also its group and session."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended (negative: by that signal), or nothing while it runs."""
        return self._process.poll()

    async def wait(self) -> int:
        """Wait for its end."""
        while (code := self.exit_code) is None:  # noqa: ASYNC110 (a child's end sets no event)
            await asyncio.sleep(TICK)
        return code

    async def terminate(self, patience: float = 5.0) -> int:
        """Ask it to end (SIGTERM); when ``patience`` seconds have passed, kill its whole group."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(patience):
                await self.wait()
        except TimeoutError:
            self._signal(signal.SIGKILL)
        return await self.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self.exit_code is not None:
            return
        # Before it has made its session there is no such group; SIGTERM is for the process alone in any case.
        with contextlib.suppress(ProcessLookupError):
            if number is signal.SIGKILL:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)


class Children:
    """Starts and ends the processes of one stack; must be used from the main thread, whose end ends them."""

    def __init__(self, home: Path, stack: str) -> None:
        self.home = home
        self.stack = stack
        self._all: list[Child] = []
        self._watcher: subprocess.Popen[bytes] | None = None

    def spawn(self, name: str, argv: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start ``argv`` with exactly this environment (and the stack's mark); known from the instant it exists."""
        logs = self.home / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        log = logs / f"{name}.log"
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.unlink()
        with log.open("ab") as out:
            child = subprocess.Popen(
                [*_leash(), "--", *argv],
                # Not the home: its folder `sandbox` would hide the package from `python -m sandbox`.
                cwd=logs,
                env={**environment, MARK: self.stack},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            known = Child(name, log, child)
            # One that was started again takes the place of those before it, whose ends nobody asks for any more.
            self._all = [each for each in self._all if each.name != name or each.exit_code is None] + [known]
        return known

    def watch_over(self) -> None:
        """Start the process that, should this one be killed, also ends what the children have started."""
        self._watcher = subprocess.Popen(
            [*_leash(), "--watch", self.stack],
            env={"PATH": os.defpath, MARK: self.stack},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    async def stop(self, *, keep: Iterable[str] = (), patience: float) -> None:
        """End every child but those to keep, side by side."""
        kept = frozenset(keep)
        await asyncio.gather(*(each.terminate(patience) for each in self._all if each.name not in kept))

    def dismiss_watcher(self) -> None:
        """End the watcher without letting it act."""
        if self._watcher is not None:
            self._watcher.kill()
            self._watcher.communicate()
            self._watcher = None

    def newest(self, name: str) -> Child:
        """The last one that was started under this name."""
        return next(each for each in reversed(self._all) if each.name == name)


async def ready(child: Child, answers: Callable[[], Awaitable[bool]], within: float) -> None:
    """Wait until ``answers`` says yes; Unavailable, with the log's name, when the child ends or time runs out."""
    until = time.monotonic() + within
    while not await answers():
        if child.exit_code is not None:
            raise Unavailable(f"{child.name} ended at once (exit code {child.exit_code}).", where(child))
        if time.monotonic() > until:
            raise Unavailable(f"{child.name} did not answer within {within:.0f} s.", where(child))
        await asyncio.sleep(TICK)


def where(child: Child) -> str:
    """The hint that names a child's log, with its last line."""
    lines = child.log.read_text(errors="replace").strip().splitlines() if child.log.exists() else []
    last = f" It ends with: {lines[-1][:300]}" if lines else ""
    return f"Its log is {child.log}.{last}"


def own_environment(*, without: str | None = None) -> dict[str, str]:
    """This process's environment, optionally without the variables of a prefix, for a child."""
    return {key: value for key, value in os.environ.items() if not (without and key.startswith(without))}


def _leash() -> list[str]:
    return [sys.executable, "-I", "-S", str(LEASH), str(os.getpid())]
