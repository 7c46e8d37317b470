"""Two workers on one run, and two runs side by side: the world ends as with one worker and one run after another."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.models import Outcome, Run, Size
from tasks.submit import submit
from tests.crash import scenario
from tests.crash.scenario import IDEA, Ground, ground
from tests.crash.world import World, compare, left_over, look

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenario, "LIMIT", 600.0)  # two deliveries at once, on a machine that may do other things
        async with ground(tmp_path_factory.mktemp("two-workers")) as made:
            await made.store()  # opened now: a test's own environment is empty
            yield made


@pytest.fixture(scope="module")
async def alone(at: Ground) -> World:
    """The world that one worker leaves."""
    run = await at.new_run()
    assert await at.deliver(run.id) == 0
    return await look(at, run.id)


async def _ended(at: Ground, run_id: str) -> Run:
    return await (await at.store()).get(Run, run_id)


@pytest.mark.long
async def test_two_workers_on_one_run_leave_the_world_of_one(at: Ground, alone: World) -> None:
    run = await at.new_run()
    both = [await at.start(run.id), await at.start(run.id)]
    codes = [await at.end(each) for each in both]
    assert codes == [0, 0], (await _ended(at, run.id)).error
    difference = compare(await look(at, run.id), alone)
    assert (difference.duplicates, difference.lost) == ([], [])


@pytest.mark.long
async def test_a_second_worker_takes_over_from_one_that_is_killed(at: Ground, alone: World) -> None:
    run = await at.new_run()
    first, second = await at.start(run.id), await at.start(run.id)
    await asyncio.sleep(9)
    if first.returncode is None:
        os.kill(first.pid, signal.SIGKILL)
    await first.wait()
    assert await at.end(second) == 0, (await _ended(at, run.id)).error
    difference = compare(await look(at, run.id), alone)
    assert (difference.duplicates, difference.lost) == ([], [])


@pytest.mark.long
async def test_two_runs_on_two_repositories_do_not_meet(at: Ground, alone: World) -> None:
    runs = [await at.new_run(), await at.new_run()]
    codes = await asyncio.gather(*(at.deliver(each.id) for each in runs))
    assert codes == [0, 0]
    for each in runs:
        difference = compare(await look(at, each.id), alone)
        assert (difference.duplicates, difference.lost) == ([], [])


@pytest.mark.long
async def test_two_runs_on_one_repository_release_one_after_the_other(at: Ground) -> None:
    first = await at.new_run()
    second = await submit(IDEA, first.repo, size=Size.SMALL)
    quick = replace(at, environment={**at.environment, "SHIPLINE_MAX_PARALLEL_TOTAL": "4"})
    await asyncio.gather(quick.deliver(first.id), quick.deliver(second.id))

    ended = [await _ended(at, each.id) for each in (first, second)]
    assert [(each.outcome, each.error) for each in ended] == [(Outcome.SUCCEEDED, None)] * 2
    versions = {each.release.version for each in ended if each.release}
    assert len(versions) == 2
    bare = at.bare(first.repo)
    tags = {each for each in _git(bare, "tag").split() if each.startswith("v")}
    assert {f"v{each}" for each in versions} <= tags
    for each in ended:
        assert each.release is not None
        _git(bare, "merge-base", "--is-ancestor", each.release.sha, "integration")
        assert left_over(at, each.id) == []
    _nothing_untested_was_merged(bare)


def _nothing_untested_was_merged(bare: Path) -> None:
    """Every merge into ``integration`` has a second parent that contains the first: that very tree was tested."""
    for line in _git(bare, "log", "--first-parent", "--merges", "--format=%P", "integration").splitlines():
        base, head = line.split()
        _git(bare, "merge-base", "--is-ancestor", base, head)


def _git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout
