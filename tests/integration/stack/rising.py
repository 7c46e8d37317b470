"""A mongod that can be killed and started again on its port, for tests of what its clients then see."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deployments.mongod import NAME, start_mongod
from deployments.ports import free_port
from deployments.process import Children
from deployments.sweep import stack_id


class Rising:
    """One mongod; ``uri`` stays the same whatever happens to it."""

    def __init__(self, home: Path) -> None:
        self._children = Children(home, stack_id(home))
        self._port = free_port()
        self.uri = ""

    async def start(self) -> None:
        """Start it; returns when it is primary."""
        self.uri = await start_mongod(self._children, self._port)

    async def kill(self) -> None:
        """End it as a crash would."""
        child = self._children.newest(NAME)
        os.kill(child.pid, signal.SIGKILL)
        await child.wait()

    async def kill_for(self, seconds: float) -> None:
        """Kill it, and start it again so many seconds later."""
        await self.kill()
        await asyncio.sleep(seconds)
        await self.start()

    async def end(self) -> None:
        """End it for good."""
        await self._children.stop(patience=5)


@asynccontextmanager
async def rising(home: Path) -> AsyncIterator[Rising]:
    """A running mongod on ``home``."""
    made = Rising(home)
    try:
        await made.start()
        yield made
    finally:
        await made.end()
