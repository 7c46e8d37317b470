"""From the console's threads to the ledger's event loop: one loop and one store for all sessions of the process."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from ledger.queries import answers
from ledger.store import Store
from shipline.config import load_settings
from shipline.errors import Unavailable

T = TypeVar("T")

PATIENCE = 3.0  # seconds: a page says that MongoDB is away instead of waiting for it, and looks again by itself
AWAY = 6.0  # seconds that pages ask nothing of a ledger which did not answer ``ping``: many questions wait once
PINGED = 1.0  # seconds that an answer to it is good for
BRIEF = 2.0  # seconds for an answer to ``ping``
FRESH = 0.5  # seconds that viewers share an answer: less than between two looks of one of them
KEPT = 256  # shared answers
ANSWER = 90.0  # seconds that a person's command may take; a cancel waits for its proof


@dataclass(frozen=True)
class Answer:
    """What was asked for at ``begun``, on the monotonic clock."""

    begun: float
    task: asyncio.Future[Any]


def _is_stale(known: Answer, fresh: float) -> bool:
    """A question that is still out is joined; one that failed is asked anew."""
    if not known.task.done():
        return False
    failed = known.task.cancelled() or known.task.exception() is not None
    return failed or time.monotonic() - known.begun > fresh


@dataclass(frozen=True)
class Silence:
    """The ledger did not answer; ``since`` is on the monotonic clock."""

    since: float
    error: Unavailable


class Bridge:
    """An event loop in a thread of its own. Pages ask; what they ask for is awaited there."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._store: Store | None = None
        self._opening: asyncio.Lock | None = None
        self._silence: Silence | None = None
        self._answers: dict[Hashable, Answer] = {}
        self._glances: dict[Hashable, Answer] = {}
        self._seen: dict[Hashable, Any] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, name="ledger", daemon=True)
        self._thread.start()

    def read(self, question: Callable[[Store], Awaitable[T]]) -> T:
        """Ask the ledger. Raises Unavailable within seconds when it does not answer."""
        return self._wait(self._with_store(question), ANSWER)

    def ping(self) -> None:
        """Ask whether the ledger answers. Raises Unavailable, and then at once for every question, until it does."""
        self._wait(self._shared("ping", self._ping, PINGED), ANSWER)

    def share(self, key: Hashable, question: Callable[[Store], Awaitable[T]], fresh: float = FRESH) -> T:
        """Ask what other viewers ask too: one answer for all of them, begun at most ``fresh`` seconds ago."""
        answer: T = self._wait(self._shared(key, lambda: self._with_store(question), fresh), ANSWER)
        return answer

    def glance(self, key: Hashable, look: Callable[[], Coroutine[Any, Any, T]], fresh: float) -> T | None:
        """The newest answer that is there, without waiting; None before the first one. It is asked for anew behind it.

        ``look`` says what went wrong as an answer: it does not raise.
        """
        self._loop.call_soon_threadsafe(self._look, key, look, fresh)
        seen: T | None = self._seen.get(key)
        return seen

    def fetch(self, command: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Ask others than the ledger, such as GitHub; raises what it raises."""
        return self._wait(command(), ANSWER)

    def do(self, command: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Carry a person's command out; raises what it raises. What is looked at after it was asked after it."""
        try:
            return self.fetch(command)
        finally:
            self._loop.call_soon_threadsafe(self._answers.clear)

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

    def _look(self, key: Hashable, look: Callable[[], Coroutine[Any, Any, Any]], fresh: float) -> None:
        known = self._glances.get(key)
        if known is not None and not _is_stale(known, fresh):
            return

        async def keep() -> None:
            self._seen[key] = await look()

        self._glances[key] = Answer(time.monotonic(), asyncio.ensure_future(keep()))

    async def _shared(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, Any]], fresh: float) -> Any:
        known = self._answers.get(key)
        if known is None or _is_stale(known, fresh):
            known = Answer(time.monotonic(), asyncio.ensure_future(work()))
            self._answers.pop(key, None)
            self._answers[key] = known
            while len(self._answers) > KEPT:
                del self._answers[next(iter(self._answers))]
        return await asyncio.shield(known.task)

    async def _with_store(self, question: Callable[[Store], Awaitable[T]]) -> T:
        self._heed_silence()
        return await question(await self._open())

    async def _open(self) -> Store:
        self._opening = self._opening or asyncio.Lock()
        async with self._opening:
            if self._store is None:
                settings = load_settings()
                self._store = await Store.open(
                    settings.require_mongodb(), settings.database, timeout=PATIENCE, patience=PATIENCE
                )
            return self._store

    async def _ping(self) -> None:
        try:
            await answers(await self._open(), within=BRIEF)
        except Unavailable as error:
            self._silence = Silence(time.monotonic(), error)
            raise
        self._silence = None

    def _heed_silence(self) -> None:
        """A slow question is no silence: only ``ping`` tells."""
        if self._silence is not None and time.monotonic() - self._silence.since < AWAY:
            raise Unavailable(self._silence.error.message, self._silence.error.hint)

    def _wait(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)


@cache
def bridge() -> Bridge:
    """The process's bridge, made when the first page asks."""
    return Bridge()
