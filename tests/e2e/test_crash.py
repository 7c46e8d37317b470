"""Exactly once, whatever dies: a sample of the crash grid (``make crash-grid`` is the whole of it)."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator

import psutil
import pytest

from ledger.failpoints import SIGNAL, VARIABLE
from ledger.models import EffectKind
from tests.crash.grid import SEED, References, Tally, every_point, in_groups, try_group
from tests.crash.scenario import Ground, ground
from tests.crash.world import compare, look

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]

SAMPLE = 1  # deliveries, each killed at up to three points


@pytest.fixture(scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    """A stack of its own, with the scenario's repository."""
    async with ground(tmp_path_factory.mktemp("crash-home")) as made:
        yield made


@pytest.fixture(scope="module")
async def references(at: Ground) -> References:
    """What uninterrupted deliveries leave."""
    kept = References(at)
    await kept.world()
    return kept


@pytest.mark.long
async def test_a_seeded_sample_of_the_grid_leaves_no_trace(at: Ground, references: References) -> None:
    groups = [group for group in in_groups(every_point(), references.order) if not group[0].dry_run]
    tally = Tally()
    for group in random.Random(SEED).sample(groups, SAMPLE):
        tally.verdicts += await try_group(at, references, group)
    told = [(each.point.name, each.difference) for each in tally.verdicts if not each.good]
    assert tally.good, (tally.line, told)


@pytest.mark.long
async def test_every_registered_kind_of_effect_is_on_the_road(references: References) -> None:
    """One that is never met could be killed at by nobody: the scenario must then be extended."""
    plain, dry = await references.world(), await references.world(dry_run=True)
    met = {fact.split()[1] for fact in (plain + dry) if fact.startswith("effect ")}
    assert met == set(EffectKind)


async def test_the_grid_catches_a_process_that_does_not_look_first(at: Ground, references: References) -> None:
    run = await at.new_run()
    await at.deliver(run.id, **{VARIABLE: "issue.create:act:2"})
    await at.deliver(run.id, program="tests.crash.blind")
    difference = compare(await look(at, run.id), await references.world())
    assert [each for each in difference.duplicates if each.startswith("issue ")], difference


@pytest.mark.parametrize(
    ("kind", "number"), [("issue.create", 3), pytest.param("pull.merge", 1, marks=pytest.mark.long)]
)
async def test_a_worker_stopped_before_it_sends_and_woken_after_its_lease(
    at: Ground, references: References, kind: str, number: int
) -> None:
    """Nobody can call back what goes out then; what it did once too often is taken back."""
    run = await at.new_run()
    lease = {"SHIPLINE_LEASE_SECONDS": "3"}
    sleeper = await at.start(run.id, **{VARIABLE: f"{kind}:send:{number}", SIGNAL: "SIGSTOP"}, **lease)
    await _stopped(sleeper.pid)
    assert await at.deliver(run.id, **lease) == 0
    os.kill(sleeper.pid, signal.SIGCONT)
    await at.end(sleeper)

    difference = compare(await look(at, run.id), await references.world())
    assert difference.lost == []
    # Whether its request still arrives depends on the connection, which was idle for long.
    assert difference.duplicates in ([], ["taken back: issue The words"] if kind == "issue.create" else [])


async def _stopped(pid: int) -> None:
    process = psutil.Process(pid)
    async with asyncio.timeout(60):
        while process.status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110 (a stopped process sets no event)
            await asyncio.sleep(0.05)
