"""From the console's threads to the ledger's event loop: one loop and one store for all sessions of the process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from functools import cache
from typing import Any, TypeVar

from ledger.store import Store
from shipline.config import load_settings

T = TypeVar("T")

PATIENCE = 3.0  # seconds: a page says that MongoDB is away instead of waiting for it, and looks again by itself
ANSWER = 90.0  # seconds that a person's command may take; a cancel waits for its proof


class Bridge:
    """An event loop in a thread of its own. Pages ask; what they ask for is awaited there."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._store: Store | None = None
        self._opening: asyncio.Lock | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="ledger", daemon=True)
        self._thread.start()

    def read(self, question: Callable[[Store], Awaitable[T]]) -> T:
        """Ask the ledger. Raises Unavailable within seconds when it does not answer."""
        return self._wait(self._with_store(question), ANSWER)

    def do(self, command: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Carry a person's command out; raises what it raises."""
        return self._wait(command(), ANSWER)

    def close(self) -> None:
        """Release the connections and end the thread. A console ends with its process; a test does not."""
        self._wait(self._release(), ANSWER)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _release(self) -> None:
        from tasks.context import close_context

        await close_context()
        if self._store is not None:
            await self._store.close()

    async def _with_store(self, question: Callable[[Store], Awaitable[T]]) -> T:
        self._opening = self._opening or asyncio.Lock()
        async with self._opening:
            if self._store is None:
                settings = load_settings()
                self._store = await Store.open(
                    settings.require_mongodb(), settings.database, timeout=PATIENCE, patience=PATIENCE
                )
        return await question(self._store)

    def _wait(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)


@cache
def bridge() -> Bridge:
    """The process's bridge, made when the first page asks."""
    return Bridge()
