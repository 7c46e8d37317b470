"""The whole stack, once: MongoDB, Prefect, the sandbox and the runner."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest

from deployments.doctor import checks
from deployments.prefect_server import check_prefect
from deployments.register import register_deployments
from deployments.stack import LocalStack
from deployments.worker import POOL
from shipline.config import load_settings
from tests.integration.stack.conftest import left

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStack]:
    """A running stack of all parts but the console."""
    home = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("SHIPLINE_", "PREFECT_"))]:
            patch.delenv(name)
        patch.setenv("PREFECT_API_KEY", "a person's own, which would break the server of the stack")
        async with LocalStack(
            home, fixed_ports=False, parts=("mongodb", "prefect", "sandbox", "gateway", "runner")
        ) as running:
            yield running
    assert await left(home) == []


async def test_every_part_answers(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPLINE_HOME", str(stack.home))
    said = {each.name: each for each in await checks(load_settings())}
    assert [(name, each.detail) for name, each in said.items() if each.ok is not True] == []


async def test_the_sandbox_opens_with_its_token_alone(stack: LocalStack) -> None:
    async with httpx.AsyncClient(base_url=stack.addresses.github_api_url) as client:
        for token, status in ((stack.addresses.github_token, 200), ("another", 401)):
            answer = await client.get("/repos/demo/tally", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == status
    assert (stack.home / "sandbox" / "token").stat().st_mode & 0o777 == 0o600


async def test_nothing_listens_beyond_this_machine(stack: LocalStack) -> None:
    found = [each for member in await left(stack.home) for each in member.net_connections("all")]
    listening = [each.laddr for each in found if each.status == psutil.CONN_LISTEN]
    assert len(listening) >= 4  # the worker has one for its flow runs, once it is up
    assert {address.ip for address in listening} == {"127.0.0.1"}


async def test_the_runner_asks_for_work(stack: LocalStack) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(300):
            answer = await client.post(
                f"{stack.addresses.prefect_api_url}/work_pools/{POOL}/workers/filter", json={"limit": 5}
            )
            if any(worker["status"] == "ONLINE" for worker in answer.json()):
                return
            await asyncio.sleep(0.2)
    raise AssertionError((stack.home / "logs" / "runner.log").read_text())


async def test_a_prefect_of_yours_is_used_and_left_alone(
    stack: LocalStack, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = stack.addresses.prefect_api_url
    monkeypatch.setenv("PREFECT_API_URL", url)
    monkeypatch.setenv("SHIPLINE_MONGODB_URI", stack.addresses.mongodb_uri)
    port = httpx.URL(url).port
    assert port is not None
    # Its port is taken, by itself: that is no reason to refuse.
    async with LocalStack(home, fixed_ports=True, parts=("mongodb", "prefect"), ports={"prefect": port}) as second:
        assert second.addresses.prefect_api_url == url
        assert "PREFECT_HOME" not in second.environment()
    await check_prefect(url)


async def test_what_is_registered_as_it_is_is_left_alone(stack: LocalStack) -> None:
    log = stack.home / "logs" / "register.log"
    await register_deployments(stack)
    told = log.stat().st_mtime_ns
    await register_deployments(stack)
    assert log.stat().st_mtime_ns == told
    async with httpx.AsyncClient(base_url=stack.addresses.prefect_api_url) as client:
        one = (await client.get("/deployments/name/audit/audit")).json()["id"]
        await client.delete(f"/deployments/{one}")
        await register_deployments(stack)
        assert (await client.get("/deployments/name/audit/audit")).status_code == 200
        assert log.stat().st_mtime_ns > told
