"""Keeping the parts of a stack alive: one that dies is started again, on the same port with the same data."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import httpx

from deployments.process import Children, where
from ledger.patience import full_disk
from shipline.errors import ShiplineError, Unavailable

STARTS, WITHIN = 5, 60.0  # a part that died more often than this in so many seconds is given up
PAUSE = 0.5  # seconds before the second start in a row, doubled for each that follows
LOOK = 2.0  # seconds between two looks at a full disk

Again = Callable[[], Awaitable[object]]
Tell = Callable[[str, str], None]


class Healing:
    """Watches the children of one stack. ``tell`` gets the part and one line, with the time of day."""

    def __init__(self, children: Children, tell: Tell) -> None:
        self._children, self._tell = children, tell

    async def keep(self, parts: Mapping[str, tuple[str, Again]]) -> None:
        """Keep the parts (each: its process's name, and what starts it) alive until cancelled.

        Raises Unavailable, with the log's name, when one cannot be: the stack should end then.
        """
        if not parts:
            await asyncio.Event().wait()
        try:
            async with asyncio.TaskGroup() as group:
                for part, (process, again) in parts.items():
                    group.create_task(self._keep(part, process, again))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _keep(self, part: str, process: str, again: Again) -> None:
        deaths: deque[float] = deque(maxlen=STARTS + 1)
        while True:
            child = self._children.newest(process)
            code = await child.wait()
            died = time.monotonic()
            deaths.append(died)
            if len(deaths) > STARTS and died - deaths[0] < WITHIN:
                raise Unavailable(f"{part} has ended {len(deaths)} times within a minute ({how(code)}).", where(child))
            await self._wait_for_space(part)
            self._say(part, f"has ended ({how(code)}); starting it again")
            lately = sum(died - each < WITHIN for each in deaths)
            await asyncio.sleep(PAUSE * 2.0 ** (lately - 2) if lately > 1 else 0)
            if await self._started(part, process, again):
                self._say(part, f"is back after {time.monotonic() - died:.1f} s")

    async def _started(self, part: str, process: str, again: Again) -> bool:
        before = self._children.newest(process)
        try:
            await again()
        except (ShiplineError, httpx.HTTPError) as error:
            self._say(part, f"did not come up: {error}")
            child = self._children.newest(process)
            if child is not before:
                await child.terminate()
            return False
        return True

    async def _wait_for_space(self, part: str) -> None:
        full = full_disk(self._children.home)
        if full:
            self._say(part, f"has ended. {full} It starts again when there is space.")
        while full_disk(self._children.home):  # noqa: ASYNC110 (a disk sets no event)
            await asyncio.sleep(LOOK)

    def _say(self, part: str, what: str) -> None:
        self._tell(part, f"{datetime.now().astimezone():%H:%M:%S} {what}")


def how(code: int) -> str:
    """How a process ended, in words."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
