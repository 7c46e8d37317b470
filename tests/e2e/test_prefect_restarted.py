"""The Prefect server killed in the middle of deliveries: every run ends, in its process or in the one that follows."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ledger.models import Effect
from tests.crash.grid import References
from tests.crash.scenario import HERE, IDEA, OWNER, TEMPLATE, Ground, planted
from tests.crash.world import compare, look
from tests.e2e.conftest import Said, shipline
from tests.e2e.standing import Standing, standing

pytestmark = pytest.mark.timeout(900)

SEED = 20261123
KILLS = 2
RESTARTS = 2


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A stack of its own, whose worker knows the scenario."""
    home = tmp_path_factory.mktemp("restarted-home")
    with standing(home, SHIPLINE_RECORDINGS=str(HERE / "recordings")) as made:
        yield made


@pytest.fixture
async def at(stack: Standing) -> AsyncIterator[Ground]:
    """The scenario of the crash grid on it."""
    async with planted(stack.home, stack.addresses, stack.environment) as made:
        yield made


@pytest.mark.long
async def test_a_run_ends_though_prefect_is_killed_twice(stack: Standing, at: Ground) -> None:
    reference = await References(at).world()
    chance, restarts, code = random.Random(SEED), 0, -1
    run = await at.new_run()
    process = await at.start(run.id)
    moments = sorted(chance.sample(range(1, 40), KILLS))
    for moment in moments:  # by what has happened, not by the clock: a busy machine needs a minute to begin
        await _until(at, run.id, moment)
        assert process.returncode is None
        await asyncio.to_thread(stack.kill_and_wait, "prefect")
    while True:
        code = await at.end(process)
        if code == 0 or restarts == RESTARTS:
            break
        restarts += 1
        print(f"ended with {code}: {(at.home / 'logs' / f'crash-{run.id}.log').read_text()[-1500:]}")  # noqa: T201
        process = await at.start(run.id)
    print(f"{restarts} restarts of the process; the stack said:\n{stack.said}")  # noqa: T201 (what was needed, and when)
    assert code == 0
    difference = compare(await look(at, run.id), reference)
    assert difference.equal, difference


@pytest.mark.long
async def test_a_worker_goes_on_after_prefect_was_killed(stack: Standing, at: Ground) -> None:
    async with at.github() as client:
        body = {"owner": OWNER, "name": "by-worker"}
        (await client.post(f"/repos/{OWNER}/{TEMPLATE}/generate", json=body)).raise_for_status()
    said = await _shipline(at, "run", IDEA, "--repo", f"{OWNER}/by-worker", "--size", "small", "--detach", "--json")
    assert said.code == 0, said.err
    run = str(said.last_json["_id"])
    await _until(at, run, 3)
    await asyncio.to_thread(stack.kill_and_wait, "prefect")
    followed = await _shipline(at, "logs", "-f", run)
    assert followed.code == 0, followed.err
    assert "Run succeeded" in followed.out
    assert (await _shipline(at, "audit", "verify", run)).code == 0


async def _until(at: Ground, run_id: str, effects: int) -> None:
    """Wait until the run has so many effects."""
    store = await at.store()
    async with asyncio.timeout(200):
        while len(await store.find(Effect, {"runId": run_id})) < effects:  # noqa: ASYNC110 (another process makes them)
            await asyncio.sleep(0.2)


async def _shipline(at: Ground, *words: str) -> Said:
    return await asyncio.to_thread(shipline, at.home, *words, SHIPLINE_RECORDINGS=at.environment["SHIPLINE_RECORDINGS"])
