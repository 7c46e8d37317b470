"""What a task needs of the process it runs in: settings, the store, GitHub. Made once an event loop.

Task inputs are ids and plain values; this is where the live objects come from.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from datetime import timedelta
from weakref import WeakKeyDictionary

from ledger.store import Store
from shipline.config import Settings, load_settings
from tasks.github.client import GitHubHost
from tasks.github.identity import identity_or_nobody
from tasks.github.limiter import limiter_for


@dataclass(frozen=True)
class Context:
    """The live objects of one event loop."""

    settings: Settings
    store: Store
    github: GitHubHost
    test_slots: asyncio.Semaphore


_contexts: WeakKeyDictionary[asyncio.AbstractEventLoop, Context] = WeakKeyDictionary()
_opening: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def context() -> Context:
    """This event loop's context, opened on first use from the configuration of that moment."""
    loop = asyncio.get_running_loop()
    lock = _opening.setdefault(loop, asyncio.Lock())
    async with lock:
        if loop not in _contexts:
            settings = load_settings()
            lease = timedelta(seconds=settings.lease_seconds)
            store = await Store.open(settings.require_mongodb(), settings.database, lease=lease)
            github = GitHubHost(
                settings.github_api_url, identity_or_nobody(settings),
                limiter=limiter_for(settings), timeout=settings.github_timeout,
            )  # fmt: skip
            # Test runs of targets share the cores; more at once only makes each slower.
            slots = asyncio.Semaphore(max(2, os.cpu_count() or 2))
            _contexts[loop] = Context(settings, store, github, slots)
        return _contexts[loop]


async def close_context() -> None:
    """Release this event loop's connections; the next use opens new ones."""
    opened = _contexts.pop(asyncio.get_running_loop(), None)
    if opened is not None:
        await opened.github.close()
        await opened.store.close()
