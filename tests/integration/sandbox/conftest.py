"""One sandbox for the whole folder, a new repository for every test."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from githubkit import GitHub

from tests.integration.sandbox.support import REVIEWER, TOKEN, Repo, Server

_names = itertools.count(1)


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project to make repositories from."""
    folder = tmp_path_factory.mktemp("seed")
    (folder / "README.md").write_text("# Tally\n", encoding="utf-8")
    (folder / "src").mkdir()
    (folder / "src" / "app.py").write_text("".join(f"line = {n}\n" for n in range(1, 21)), encoding="utf-8")
    (folder / "run.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / "run.sh").chmod(0o755)
    (folder / "src" / "__pycache__").mkdir()
    (folder / "src" / "__pycache__" / "app.pyc").write_bytes(b"\0")
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, seed: Path) -> Iterator[Server]:
    """The running sandbox; whatever it has to say on standard error is a fault."""
    running = Server(tmp_path_factory.mktemp("data"), seed)
    yield running
    assert running.stop() == ""


@pytest.fixture(scope="session")
async def github(server: Server) -> AsyncIterator[GitHub[Any]]:
    """The owner's client."""
    async with GitHub(TOKEN, base_url=server.url, http_cache=False, timeout=30, auto_retry=False) as client:
        yield client


@pytest.fixture(scope="session")
async def reviewer(server: Server) -> AsyncIterator[GitHub[Any]]:
    """Somebody else's client."""
    async with GitHub(REVIEWER, base_url=server.url, http_cache=False, timeout=30, auto_retry=False) as client:
        yield client


@pytest.fixture
async def repo(github: GitHub[Any], server: Server) -> Repo:
    """A new repository with the seed's files."""
    made = Repo(github, server.url, f"work-{next(_names)}")
    await github.rest.repos.async_create_using_template("demo", "tally", name=made.name, owner="operator")
    return made
