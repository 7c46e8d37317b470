"""Real neighbours for the tests: a mongod, and a store on it with a database of its own for each test."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest

from deployments.mongod import ledger_only
from ledger.store import Store


@pytest.fixture(scope="session")
async def mongodb(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a real mongod."""
    async with ledger_only(tmp_path_factory.mktemp("mongodb-home")) as uri:
        yield uri


@pytest.fixture
async def database() -> str:
    """A name nobody else uses."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def store(mongodb: str, database: str) -> AsyncIterator[Store]:
    """An empty ledger."""
    opened = await Store.open(mongodb, database)
    yield opened
    await opened.close()


@pytest.fixture
async def other_store(mongodb: str, database: str) -> AsyncIterator[Store]:
    """The same ledger as another process would see it."""
    opened = await Store.open(mongodb, database)
    yield opened
    await opened.close()
