"""The ledger for a command: the running stack's, the configured one, or MongoDB started for just this command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from ledger.store import Store
from shipline.config import load_settings
from shipline.errors import ConfigError


@asynccontextmanager
async def open_ledger() -> AsyncIterator[Store]:
    """The store, closed at the end; ConfigError when nothing has ever run here."""
    settings = load_settings()
    async with AsyncExitStack() as stack:
        uri = settings.mongodb_uri
        if uri is None:
            if not (settings.home / "mongodb").is_dir():
                raise ConfigError(
                    "Nothing has run here yet.", "Try `shipline demo`, or start the stack: `shipline up`."
                )
            from deployments.mongod import ledger_only

            uri = await stack.enter_async_context(ledger_only(settings.home))
        store = await Store.open(uri, settings.database)
        stack.push_async_callback(store.close)
        yield store
