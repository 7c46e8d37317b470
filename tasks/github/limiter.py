"""The write limiter: GitHub's limits on writes, kept by all workers together, and bound to the host they protect.

The numbers live in Prefect as global concurrency limits whose slots decay. A bucket lets its capacity through at once
and as much again while a window passes, so its capacity is less than half of what GitHub allows.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Protocol
from urllib.parse import urlsplit

import httpx
from githubkit.throttling import LocalThrottler

from shipline.backoff import pause
from shipline.config import Settings, running_stack
from shipline.errors import Unavailable
from tasks.prefect_api import Prefect, prefect

PER_MINUTE, PER_HOUR = 80, 500  # GitHub's limits on requests that create content
BETWEEN = 1.0  # seconds between two writes, as GitHub asks for
CONCURRENT = 100  # requests that GitHub takes at the same time
PATIENCE = 60.0  # seconds a write waits for a Prefect server that is just starting anew

_log = logging.getLogger(__name__)


class Limiter(Protocol):
    """Lets one write through at a time, none too early."""

    async def slot(self) -> None:
        """Wait until one more write may go out."""

    async def close(self) -> None:
        """Let go of what it holds."""


@dataclass(frozen=True)
class Bucket:
    """``capacity`` writes at once, one more each ``step`` seconds."""

    name: str
    capacity: int
    step: float

    @classmethod
    def under(cls, name: str, limit: int, window: float) -> Bucket:
        """The bucket that lets fewer than ``limit`` writes (3 or more) through in any ``window`` of seconds."""
        capacity = (limit - 1) // 2
        return cls(name, capacity, window / capacity)


class SharedLimiter:
    """Buckets in Prefect, shared by every process that writes to the same host."""

    def __init__(self, settings: Settings, host: str, buckets: Sequence[Bucket]) -> None:
        self._settings, self._host, self._buckets = settings, host, buckets
        self._turn = asyncio.Lock()
        self._open = AsyncExitStack()
        self._server: Prefect | None = None
        self._last: dict[Bucket, float] = {}

    async def slot(self) -> None:
        """Wait for a slot of each bucket. Raises Unavailable when Prefect does not answer for a minute."""
        async with self._turn:  # one question at a time: a refusal sets the clock of the bucket back
            for bucket in self._buckets:
                await self._one(bucket)

    async def close(self) -> None:
        """Close the connection to Prefect."""
        self._server = None
        await self._open.aclose()

    async def _one(self, bucket: Bucket) -> None:
        if bucket.capacity == 1 and bucket in self._last:
            await asyncio.sleep(self._last[bucket] + bucket.step - time.monotonic())
        refused = 0
        while not await self._take(bucket):
            # Slots come back whole, counted from the last question on. Who waits a step longer each time meets
            # the others less often.
            refused += 1
            await asyncio.sleep(bucket.step * random.uniform(1.02, 1 + refused**2 / 10))  # noqa: S311 (jitter)
        self._last[bucket] = time.monotonic()

    async def _take(self, bucket: Bucket) -> bool:
        began, attempt = time.monotonic(), 0
        while True:
            attempt += 1
            try:
                if self._server is None:
                    self._server = await self._open.enter_async_context(prefect(self._settings))
                    for each in self._buckets:
                        await self._server.keep_limit(self._named(each), each.capacity, 1 / each.step)
                taken = await self._server.take_slot(self._named(bucket))
                if taken is None:  # a person deleted it; without it nothing would be limited
                    await self._server.keep_limit(self._named(bucket), bucket.capacity, 1 / bucket.step)
                    continue
                return taken
            except Unavailable:
                if time.monotonic() - began > PATIENCE:
                    raise
                await asyncio.sleep(min(pause(attempt), 5.0))

    def _named(self, bucket: Bucket) -> str:
        return f"github-writes:{self._host}:{bucket.name}"


class OwnLimiter:
    """The same buckets for this process alone, where there is no Prefect server to share them through."""

    # For all event loops of the process: a script that delivers twice must not begin twice with full buckets.
    _levels: ClassVar[dict[tuple[str, Bucket], tuple[float, float]]] = {}

    def __init__(self, host: str, buckets: Sequence[Bucket]) -> None:
        self._host, self._buckets = host, buckets

    async def slot(self) -> None:
        """Take a place in every bucket, and wait until they have all leaked down to it."""
        await asyncio.sleep(max((self._enter(bucket) for bucket in self._buckets), default=0.0))

    async def close(self) -> None:
        """Nothing is held."""

    def _enter(self, bucket: Bucket) -> float:
        moment = time.monotonic()
        level, since = self._levels.get((self._host, bucket), (0.0, moment))
        level = max(0.0, level - (moment - since) / bucket.step) + 1
        self._levels[self._host, bucket] = (level, moment)
        return max(0.0, level - bucket.capacity) * bucket.step


class WriteThrottler(LocalThrottler):
    """githubkit asks it before every request it sends, a repeated one too; so no write gets past the limiter."""

    def __init__(self, limiter: Limiter | None) -> None:
        super().__init__(CONCURRENT)
        self._limiter = limiter

    @asynccontextmanager
    async def async_acquire(self, request: httpx.Request) -> AsyncGenerator[None, None]:
        """Hold a place among the requests that run; a write waits for its slot first."""
        if self._limiter is not None and is_write(request):
            await self._limiter.slot()
        async with super().async_acquire(request):
            yield


def is_write(request: httpx.Request) -> bool:
    """Whether GitHub counts a request as a write. A question to GraphQL is none, although it is a POST."""
    if request.method in ("GET", "HEAD"):
        return False
    return not request.url.path.endswith("/graphql") or b"mutation" in request.content


def limiter_for(settings: Settings) -> Limiter | None:
    """The limiter of the configured host; None for the local stack's own sandbox, unless a setting gives it one."""
    own = running_stack(settings.home).get("github_api_url") == settings.github_api_url
    minute = _number(settings.github_writes_per_minute, 0 if own else PER_MINUTE)
    hour = _number(settings.github_writes_per_hour, 0 if own else PER_HOUR)
    buckets = [Bucket.under("hour", hour, 3600.0)] if hour else []
    buckets += [Bucket.under("minute", minute, 60.0)] if minute else []
    if not buckets:
        return None
    # The narrowest comes last: a slot is not held for long before the write goes out.
    buckets.append(Bucket("pause", 1, BETWEEN))
    host = urlsplit(settings.github_api_url).netloc
    if settings.prefect_api_url:
        return SharedLimiter(settings, host, buckets)
    _say_alone(host)
    return OwnLimiter(host, buckets)


@cache
def _say_alone(host: str) -> None:
    _log.warning("No Prefect server is configured: the write limits of %s are kept for this process alone", host)


def _number(given: int | None, default: int) -> int:
    return default if given is None else given
