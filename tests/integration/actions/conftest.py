"""A ledger, a gateway and a sandbox that runs workflows, with the pack in a repository."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from deployments.stack import LocalStack
from ledger.models import Run
from tasks.actions import elsewhere
from tasks.actions.installing import install_pack
from tasks.context import Context, close_context, context
from tests.integration.sandbox.support import FAULTS

REPO = "demo/tally"


@dataclass(frozen=True)
class Ground:
    """The stack, and GitHub as its operator uses it."""

    stack: LocalStack
    github: httpx.AsyncClient

    async def fault(self, **rule: object) -> None:
        """Let something go wrong."""
        (await self.github.post(FAULTS, json=rule)).raise_for_status()


@pytest.fixture(scope="session")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    """The one of this test process, with the pack merged."""
    home = tmp_path_factory.mktemp("actions-home")
    async with LocalStack(home, fixed_ports=False, parts=("mongodb", "sandbox", "gateway")) as stack:
        where = stack.addresses
        headers = {"Authorization": f"Bearer {where.github_token}"}
        async with httpx.AsyncClient(base_url=where.github_api_url, headers=headers, timeout=30) as github:
            with pytest.MonkeyPatch.context() as patch:
                for name, value in stack.environment().items():
                    patch.setenv(name, value)
                installed = await install_pack(REPO)
                await close_context()
            merged = await github.put(f"/repos/{REPO}/pulls/{installed.number}/merge", json={})
            assert merged.status_code == 200, merged.text
            yield Ground(stack, github)


@pytest.fixture
async def ctx(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Context]:
    """What tasks work with, on that stack; no faults are left behind."""
    for name, value in ground.stack.environment().items():
        monkeypatch.setenv(name, value)
    os.environ["SHIPLINE_ACTIONS_SECONDS"] = "60"
    monkeypatch.setattr(elsewhere, "LOOK", 1000.0)  # a test that is about artifacts says so: a slow step is none
    yield await context()
    await close_context()
    del os.environ["SHIPLINE_ACTIONS_SECONDS"]
    await ground.github.delete(FAULTS)


@pytest.fixture
async def run(ctx: Context) -> Run:
    """A run that works in Actions; nothing carries it."""
    from ledger.models import Executor
    from tasks.submit import submit
    from tests.e2e.conftest import IDEA

    assert ctx is await context()
    return await submit(IDEA, REPO, executor=Executor.ACTIONS)
