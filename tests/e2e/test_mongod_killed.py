"""MongoDB killed at random moments of deliveries: every run ends, nothing acknowledged is lost, nothing is there twice.

``SHIPLINE_TEST_MONGOD_KILLS=20`` is the whole exercise; the suite does a sample of it.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from tests.crash.grid import References
from tests.crash.scenario import Ground, planted
from tests.crash.world import compare, look
from tests.e2e.conftest import shipline
from tests.e2e.standing import Standing, standing

pytestmark = [pytest.mark.timeout(3000), pytest.mark.slow, pytest.mark.long]

KILLS = int(os.environ.get("SHIPLINE_TEST_MONGOD_KILLS", "3"))
SEED = 20261123
RESTARTS = 3  # of a process that delivers, as a worker would
# The stack gives a part up that dies more than five times in a minute.
MOST, MINUTE = 4, 60.0


@dataclass
class Witness:
    """What was to be seen of a run before each kill, durable by the database's own word."""

    ledger: Any
    effects: dict[str, Any] = field(default_factory=dict)
    events: dict[int, str] = field(default_factory=dict)

    async def look(self, run_id: str) -> None:
        """See what stands now."""
        async for each in self.ledger.effects.find({"runId": run_id, "status": "succeeded"}):
            self.effects[each["_id"]] = each["outcome"]
        async for each in self.ledger.events.find({"runId": run_id}):
            self.events[each["seq"]] = each["hash"]

    async def lost(self, run_id: str) -> list[str]:
        """What was seen once and is not there any more as it was."""
        now = Witness(self.ledger)
        await now.look(run_id)
        return [
            *(f"effect {key}" for key, outcome in self.effects.items() if now.effects.get(key) != outcome),
            *(f"event {seq}" for seq, hash_ in self.events.items() if now.events.get(seq) != hash_),
        ]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A stack of its own."""
    with standing(tmp_path_factory.mktemp("killed-home")) as made:
        yield made


@pytest.fixture
async def at(stack: Standing) -> AsyncIterator[Ground]:
    """The scenario of the crash grid on it: one small delivery with every kind of effect."""
    async with planted(stack.home, stack.addresses, stack.environment) as made:
        yield made


async def test_every_run_ends_and_nothing_is_lost_or_twice(stack: Standing, at: Ground) -> None:
    reference = await References(at).world()
    chance, kills, restarts, runs = random.Random(SEED), list[float](), 0, 0
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        stack.addresses.mongodb_uri, readConcernLevel="majority", timeoutMS=60_000
    )
    async with client:
        while len(kills) < KILLS:
            run = await at.new_run()
            witness, runs, code = Witness(client.shipline), runs + 1, -1
            for _ in range(RESTARTS + 1):
                process = await at.start(run.id)
                while len(kills) < KILLS and await _still(process, _pause(chance, kills)):
                    await witness.look(run.id)
                    await asyncio.to_thread(stack.kill, "mongodb")
                    kills.append(time.monotonic())
                code = await at.end(process)
                if code == 0:
                    break
                restarts += 1
                log = (at.home / "logs" / f"crash-{run.id}.log").read_text()
                print(f"{run.id}: its process ended with {code}: {log[-1500:]}")  # noqa: T201 (why it was needed)
            assert code == 0, (run.id, code)
            difference = compare(await look(at, run.id), reference)
            assert difference.equal, (run.id, difference)
            assert await witness.lost(run.id) == []
            said = await asyncio.to_thread(shipline, stack.home, "audit", "verify", run.id)
            assert said.code == 0, said.err
            print(f"{run.id}: {said.out.strip()} {len(kills)} kills so far; {len(witness.effects)} effects were seen")  # noqa: T201
    print(f"{len(kills)} kills, {runs} runs, {restarts} restarts of a process; the stack said:\n{stack.said}")  # noqa: T201 (what the whole exercise is for)


def _pause(chance: random.Random, kills: list[float]) -> float:
    """Seconds until the next kill: at random, but not so often that the stack gives up."""
    wait = chance.uniform(0.5, 10)
    if len(kills) >= MOST:
        wait = max(wait, kills[-MOST] + MINUTE - time.monotonic())
    return wait


async def _still(process: asyncio.subprocess.Process, after: float) -> bool:
    """Whether the process still runs so many seconds later."""
    try:
        async with asyncio.timeout(after):
            await process.wait()
    except TimeoutError:
        return True
    return False
