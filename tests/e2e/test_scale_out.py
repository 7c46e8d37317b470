"""Leaves in processes of their own, started by a work pool: the same world, and a process that dies is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import psutil
import pytest

from deployments.worker import ASKS, LEAVES_POOL, argv, ensure_pool
from ledger.models import Outcome, Run
from tests.crash import scenario
from tests.crash.scenario import ROOT, Ground, ground
from tests.crash.world import World, compare, left_over, look

pytestmark = pytest.mark.timeout(1200)

POOL = {"SHIPLINE_LEAVES": "work-pool"}


@pytest.fixture(scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenario, "LIMIT", 600.0)  # two deliveries at once, on a machine that may do other things
        async with ground(tmp_path_factory.mktemp("scale-out")) as made:
            await made.store()  # opened now: a test's own environment is empty
            await ensure_pool(made.addresses.prefect_api_url, "shipline")
            await ensure_pool(made.addresses.prefect_api_url, LEAVES_POOL)
            deploy = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--name", "leaf"]
            await asyncio.to_thread(
                subprocess.run, deploy, cwd=ROOT, env={**made.environment, "SHIPLINE_ROOT": str(ROOT)}, check=True,
                capture_output=True,
            )  # fmt: skip
            yield made


@pytest.fixture(scope="module")
async def here(at: Ground) -> World:
    """The world of a run whose leaves are worked on in the loop's own process."""
    run = await at.new_run()
    assert await at.deliver(run.id) == 0
    return await look(at, run.id)


@asynccontextmanager
async def _worker(at: Ground) -> AsyncIterator[psutil.Process]:
    """A worker of the leaves' pool, as another machine would run one."""
    log = (at.home / "logs" / "leaf-worker.log").open("ab")
    with log:
        process = subprocess.Popen(  # noqa: ASYNC220 (it returns at once)
            argv(LEAVES_POOL, "4"), cwd=at.home / "logs", env={**at.environment, **ASKS}, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        yield psutil.Process(process.pid)
    finally:
        for each in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
            with _gone():
                each.kill()
        process.wait()


@contextmanager
def _gone() -> Iterator[None]:
    try:
        yield
    except psutil.NoSuchProcess:
        return


async def _leaves(at: Ground, run_id: str) -> list[dict[str, Any]]:
    asked = {"flow_runs": {"tags": {"all_": ["shipline", run_id]}}, "limit": 200}
    async with httpx.AsyncClient(timeout=30) as client:
        found = (await client.post(f"{at.addresses.prefect_api_url}/flow_runs/filter", json=asked)).json()
    return [each for each in found if each["parameters"].get("kind")]


@pytest.mark.long
async def test_leaves_of_a_work_pool_leave_the_same_world(at: Ground, here: World) -> None:
    run = await at.new_run()
    async with _worker(at):
        code = await at.deliver(run.id, **POOL)
    ended = await (await at.store()).get(Run, run.id)
    assert (code, ended.outcome, ended.error) == (0, Outcome.SUCCEEDED, None)
    difference = compare(await look(at, run.id), here)
    assert (difference.duplicates, difference.lost) == ([], [])
    handed = await _leaves(at, run.id)
    kinds = {each["parameters"]["kind"] for each in handed}
    assert kinds == {"build", "land"}
    assert {each["state_type"] for each in handed} == {"COMPLETED"}


@pytest.mark.long
async def test_a_leaf_whose_process_is_killed_is_handed_out_again(at: Ground, here: World) -> None:
    run = await at.new_run()
    async with _worker(at) as worker:
        loop = await at.start(run.id, **POOL)
        await _kill_one(worker)
        assert await at.end(loop) == 0
    difference = compare(await look(at, run.id), here)
    assert (difference.duplicates, difference.lost) == ([], [])
    assert "CRASHED" in {each["state_type"] for each in await _leaves(at, run.id)}


async def _kill_one(worker: psutil.Process) -> None:
    """Kill the first process that works on a leaf, a moment after it began."""
    for _ in range(1200):
        for each in worker.children(recursive=True):
            with _gone():
                if "prefect.engine" in " ".join(each.cmdline()) or "flow-run" in " ".join(each.cmdline()):
                    await asyncio.sleep(3)
                    os.kill(each.pid, signal.SIGKILL)
                    return
        await asyncio.sleep(0.1)
    raise AssertionError("no leaf was started")


@pytest.mark.long
async def test_cancel_on_a_leaf_cancels_the_run(at: Ground) -> None:
    run = await at.new_run()
    async with _worker(at):
        loop = await at.start(run.id, **POOL)
        await _press_cancel(at, await _running_leaf(at, run.id))
        await at.end(loop)
    ended = await (await at.store()).get(Run, run.id)
    assert ended.outcome is Outcome.CANCELLED
    assert (ended.interrupt.by, "Cancel was pressed" in str(ended.interrupt.reason)) == ("Prefect", True)
    assert left_over(at, run.id) == []


async def _running_leaf(at: Ground, run_id: str) -> str:
    async with asyncio.timeout(180):
        while True:
            for each in await _leaves(at, run_id):
                if each["state_type"] == "RUNNING":
                    return str(each["id"])
            await asyncio.sleep(0.2)


async def _press_cancel(at: Ground, flow_run: str) -> None:
    url = f"{at.addresses.prefect_api_url}/flow_runs/{flow_run}/set_state"
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(url, json={"state": {"type": "CANCELLING", "name": "Cancelling"}})
    assert answer.status_code in (200, 201), answer.text
