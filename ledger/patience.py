"""Waiting for a database that is away: how long, and what is said when it was in vain.

The driver does the waiting. Under a time limit it repeats a read, and a write with its own transaction number, until
the time is up: what was done but not answered is not done twice.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pymongo
from pymongo.asynchronous.change_stream import AsyncCollectionChangeStream
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.command_cursor import AsyncCommandCursor
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import AutoReconnect, CursorNotFound, PyMongoError
from pymongo.results import InsertOneResult, UpdateResult
from pymongo.write_concern import WriteConcern

from shipline.config import home
from shipline.errors import Unavailable

Raw = dict[str, Any]

LOW = 20_000_000  # bytes; a disk with less than this free is full
BRIEF = 2.0  # seconds, once the whole patience was in vain


class Patience:
    """How long each operation may wait. After one that waited in vain the next wait briefly, until one succeeds:
    whoever has to stop then stops soon.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._away_since: float | None = None

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Carry one operation out under it. Raises Unavailable, in words, when no database answered in time."""
        began = time.monotonic()
        try:
            with pymongo.timeout(self.seconds if self._away_since is None else min(BRIEF, self.seconds)):
                yield
        except PyMongoError as error:
            if not is_away(error):
                self._away_since = None  # it answers, if only to refuse
                raise
            self._away_since = began if self._away_since is None else self._away_since
            raise away(time.monotonic() - self._away_since) from error
        self._away_since = None


def is_away(error: PyMongoError) -> bool:
    """Whether the database did not answer, as against refusing something."""
    return isinstance(error, AutoReconnect) or error.timeout


def away(waited: float) -> Unavailable:
    """The sentence for a database that did not come back; when this machine's disk is full it says that too."""
    full = full_disk(home())
    return Unavailable(
        f"MongoDB has not answered for {waited:.0f} s." + (f" {full}" if full else ""),
        f"What it acknowledged is kept. {'Make space' if full else 'See `shipline doctor`'}; when it is back, go on: "
        "shipline resume RUN.",
    )


def full_disk(folder: Path) -> str:
    """A sentence when the disk of ``folder`` is full: a MongoDB on it has ended, and none can start. Else nothing."""
    with suppress(OSError):
        if shutil.disk_usage(folder).free < LOW:
            return f"The disk of {folder} is full."
    return ""


class PatientCollection(AsyncCollection[Raw]):
    """A collection whose single-document verbs wait as ``patience`` says. Cursors: ``read_all``, ``stirring``."""

    def __init__(
        self, database: AsyncDatabase[Raw], name: str, patience: Patience, concern: WriteConcern | None = None
    ) -> None:
        super().__init__(database, name, write_concern=concern)
        self._patience = patience

    async def insert_one(self, *args: Any, **kwargs: Any) -> InsertOneResult:
        """Insert one document, once."""
        with self._patience.applied():
            return await super().insert_one(*args, **kwargs)

    async def update_one(self, *args: Any, **kwargs: Any) -> UpdateResult:
        """Change one document, once."""
        with self._patience.applied():
            return await super().update_one(*args, **kwargs)

    async def find_one_and_update(self, *args: Any, **kwargs: Any) -> Any:
        """Change one document, once, and return it."""
        with self._patience.applied():
            return await super().find_one_and_update(*args, **kwargs)

    async def find_one(self, *args: Any, **kwargs: Any) -> Raw | None:
        """Read one document."""
        with self._patience.applied():
            return await super().find_one(*args, **kwargs)

    async def count_documents(self, *args: Any, **kwargs: Any) -> int:
        """Count documents."""
        with self._patience.applied():
            return await super().count_documents(*args, **kwargs)

    async def aggregate(self, *args: Any, **kwargs: Any) -> AsyncCommandCursor[Raw]:
        """Begin an aggregation; its first batch comes with it."""
        with self._patience.applied():
            return await super().aggregate(*args, **kwargs)

    async def read_all(self, **query: Any) -> list[Raw]:
        """All that ``find`` finds. A cursor dies with its server: then everything is read anew."""
        until: float | None = None
        while True:
            try:
                return [each async for each in self.find(**query)]
            except (AutoReconnect, CursorNotFound) as error:
                until = until or time.monotonic() + self._patience.seconds
                if time.monotonic() > until:
                    raise away(self._patience.seconds) from error
            with self._patience.applied():
                await self.database.command("ping")

    @asynccontextmanager
    async def stirring(self, pipeline: list[Raw], within: float) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Gives a call that returns when a change fits, or after ``within`` seconds; the caller then reads anew.

        A database that was restarted ends the wait as well: something may have changed meanwhile.
        """
        watching = _Watching(self, pipeline, within, self._patience)
        try:
            yield watching.wait
        finally:
            await watching.close()


class _Watching:
    """A change stream that is opened again when it broke."""

    def __init__(self, collection: PatientCollection, pipeline: list[Raw], within: float, patience: Patience) -> None:
        self._collection, self._pipeline, self._within, self._patience = collection, pipeline, within, patience
        self._stream: AsyncCollectionChangeStream[Raw] | None = None

    async def wait(self) -> None:
        if self._stream is None:
            with self._patience.applied():
                self._stream = await self._collection.watch(self._pipeline, max_await_time_ms=int(self._within * 1000))
            return
        try:
            await self._stream.try_next()
        except PyMongoError as error:
            if not (is_away(error) or isinstance(error, CursorNotFound)):
                raise
            await self.close()

    async def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(PyMongoError), pymongo.timeout(1):  # the server may be away, and forgets it anyhow
                await stream.close()
