"""The client against a real sandbox that does, over real connections, what GitHub does on a bad day."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tasks.github.client import GitHubHost
from tasks.github.identity import TokenIdentity
from tasks.github.repo import Repo
from tests.integration.sandbox.support import TOKEN, Server, Switchboard

_names = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The running sandbox; whatever it has to say on standard error is a fault."""
    seed = tmp_path_factory.mktemp("seed")
    (seed / "README.md").write_text("# Tally\n", encoding="utf-8")
    running = Server(tmp_path_factory.mktemp("data"), seed)
    yield running
    assert running.stop() == ""


@pytest.fixture
async def host(server: Server) -> AsyncIterator[GitHubHost]:
    """Our client, less patient than in real life."""
    opened = GitHubHost(server.url, TokenIdentity(TOKEN), timeout=1)
    yield opened
    await opened.close()


@pytest.fixture
async def repo(server: Server, host: GitHubHost) -> Repo:
    """A new repository."""
    name = f"work-{next(_names)}"
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30) as client:
        made = await client.post(f"{server.url}/repos/demo/tally/generate", json={"owner": "operator", "name": name})
        made.raise_for_status()
    return Repo(host, f"operator/{name}")


@pytest.fixture
async def faults(server: Server) -> AsyncIterator[Switchboard]:
    """The switchboard, put back in order afterwards."""
    board = Switchboard(server.url)
    yield board
    await board.clear()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pauses that we choose ourselves take no time; what the other side tells is still waited for."""
    paused: list[int] = []

    def pause(attempt: int) -> float:
        paused.append(attempt)
        return 0.01

    monkeypatch.setattr("tasks.github.retry.pause", pause)
    return paused
