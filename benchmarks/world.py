"""What the figures are measured in: a stack of its own on a folder of its own, begun when first asked for."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.progress import Progress

from deployments.mongod import ledger_only
from deployments.stack import LocalStack
from ledger.store import Store


class World:
    """``async with`` it. ``quick`` asks for a smoke run: a few samples of everything."""

    def __init__(self, progress: Progress, *, quick: bool) -> None:
        self.progress = progress
        self.quick = quick
        self._held = contextlib.AsyncExitStack()
        self._stack: LocalStack | None = None
        self._mongodb: str | None = None

    async def __aenter__(self) -> Self:
        forget_configuration()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from tasks.context import close_context

        await close_context()
        if self._stack is not None:
            # Prefect's logs and events are sent in the background; without their server they would be tried for a
            # minute more.
            from prefect.events.worker import EventsWorker
            from prefect.logging.handlers import APILogHandler

            await APILogHandler.aflush()
            await asyncio.to_thread(EventsWorker.drain_all)
        await self._held.aclose()

    def count(self, samples: int, quick: int) -> int:
        """How many samples to take."""
        return quick if self.quick else samples

    def track(self, label: str, samples: int, *, quick: int) -> Iterator[int]:
        """The numbers of the samples, with a bar that moves."""
        return iter(self.progress.track(range(self.count(samples, quick)), description=label))

    async def stack(self) -> LocalStack:
        """MongoDB, Prefect and the sandbox; this process is pointed at them."""
        if self._stack is None:
            bar = self.progress.add_task("starting the stack", total=None)
            self._stack = await self._held.enter_async_context(LocalStack(self._folder(), fixed_ports=False))
            os.environ.update(self._stack.environment())
            # The table is for the console; what Prefect logs goes to its server as it does elsewhere.
            os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "CRITICAL"
            self.progress.remove_task(bar)
        return self._stack

    async def mongodb(self) -> str:
        """The address of a MongoDB that nothing else uses."""
        if self._mongodb is None:
            self._mongodb = await self._held.enter_async_context(ledger_only(self._folder()))
        return self._mongodb

    async def store(self, uri: str, database: str) -> Store:
        """A ledger on it, closed in the end."""
        store = await Store.open(uri, database)
        self._held.push_async_callback(store.close)
        return store

    def _folder(self) -> Path:
        return Path(self._held.enter_context(tempfile.TemporaryDirectory(prefix="shipline-benchmarks-")))


def forget_configuration() -> None:
    """What a person has configured must not be measured: only the mongod to start is taken from the environment."""
    for name in list(os.environ):
        if name.startswith(("SHIPLINE_", "PREFECT_")) and name != "SHIPLINE_MONGOD":
            del os.environ[name]
