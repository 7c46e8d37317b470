"""A node, a branch and a stage are held by one worker at a time, against a real MongoDB."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from ledger import slots
from ledger.interrupts import pause_run
from ledger.models import Issue, IssueStatus, IssueType, Run, SlotTable, issue_id
from ledger.rules.steps import Step
from ledger.runs import create_run
from ledger.slots import slot
from ledger.store import Store
from shipline.errors import Interrupted
from tasks.context import close_context, context
from tasks.slots import LEAVES, by_one_worker, only_one, somebody_works_on, working_on
from tasks.state import mark_failed
from tests.integration.execute.test_slots import Floor, holder

BUILD = Step("build", "x")


@pytest.fixture(autouse=True)
async def _configured(monkeypatch: pytest.MonkeyPatch, mongodb: str, database: str) -> AsyncIterator[None]:
    monkeypatch.setattr(slots, "POLL", 0.05)
    for name, value in (("MONGODB_URI", mongodb), ("DATABASE", database), ("GITHUB_TOKEN", "a-token-of-a-test")):
        monkeypatch.setenv(f"SHIPLINE_{name}", value)
    await context()
    yield
    await close_context()


@pytest.fixture
async def run(store: Store) -> Run:
    made = await create_run(store, "an idea", "o/r", "main")
    for key, kind, parent in (("epic", IssueType.EPIC, None), ("x", IssueType.TASK, "epic")):
        assert await store.insert(
            Issue(
                id=issue_id(made.id, key), run_id=made.id, project_id=made.project_id, repo="o/r", key=key, type=kind,
                title=key, parent=parent,
            )
        )  # fmt: skip
    return made


async def test_one_worker_at_a_time_works_on_a_node(run: Run) -> None:
    floor = Floor()

    async def worker() -> None:
        async with working_on(run.id, BUILD) as due, floor.on("x"):
            assert due
            assert await somebody_works_on(run.id, "x")
            await asyncio.sleep(0.1)

    await asyncio.gather(worker(), worker(), worker())
    assert (floor.most["all"], len(floor.ended)) == (1, 3)
    assert not await somebody_works_on(run.id, "x")


async def test_a_step_that_was_done_meanwhile_is_not_done_again(store: Store, run: Run) -> None:
    await store.change(Issue, issue_id(run.id, "x"), {"status": IssueStatus.DONE, "mergedSha": "m"})
    async with working_on(run.id, BUILD) as due:
        assert not due


async def test_a_landing_that_another_worker_made_impossible_is_not_begun(store: Store, run: Run) -> None:
    land = Step("land", "x")
    passed = {"status": IssueStatus.QA, "head": "h", "testedHead": "h"}
    await store.change(Issue, issue_id(run.id, "x"), passed)
    async with working_on(run.id, land) as due:
        assert due
    await store.change(Issue, issue_id(run.id, "x"), {"head": "moved"})
    async with working_on(run.id, land) as due:
        assert not due


async def test_who_waits_heeds_a_pause(store: Store, run: Run) -> None:
    async with slot(store, LEAVES, key=f"{run.id}/x", group="other", total=9, limit=9):
        waiting = asyncio.create_task(_work(run.id))
        await asyncio.sleep(0.2)
        await pause_run(store, run.id, "ada")
        with pytest.raises(Interrupted):
            await asyncio.wait_for(waiting, 5)


async def _work(run_id: str) -> None:
    async with working_on(run_id, BUILD):
        raise AssertionError("the node is held by another")


async def test_merges_into_one_branch_are_made_one_after_the_other(store: Store, run: Run) -> None:
    other = await create_run(store, "another idea", "o/r", "main")
    floor = Floor()

    async def merge(run_id: str) -> None:
        async with only_one(run_id, "merge into integration of o/r"), floor.on(run_id):
            await asyncio.sleep(0.1)

    await asyncio.gather(*(merge(each) for each in (run.id, other.id) * 3))
    assert (floor.most["all"], len(floor.ended)) == (1, 6)


async def test_a_stage_whose_worker_stood_still_is_taken_up_again(store: Store, run: Run) -> None:
    begun: list[int] = []

    @by_one_worker
    async def stage(run_id: str) -> str:
        begun.append(len(begun))
        if len(begun) == 1:
            await store.collection(SlotTable).update_many({}, {"$set": {"slots": []}})
            await asyncio.sleep(30)
        return run_id

    store.lease = (await context()).store.lease = timedelta(seconds=1)
    assert await asyncio.wait_for(stage(run.id), 10) == run.id
    assert begun == [0, 1]


async def test_who_was_stopped_past_its_lease_finds_itself_replaced(store: Store, mongodb: str, database: str) -> None:
    async with holder(mongodb, database, 1.5) as process:
        os.kill(process.pid, signal.SIGSTOP)
        try:
            await asyncio.wait_for(Floor().work(store, "b", "b/y", total=1, limit=1), 20)
        finally:
            os.kill(process.pid, signal.SIGCONT)
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 10) == b"lost\n"


async def test_a_node_fails_once(store: Store, run: Run) -> None:
    await asyncio.gather(mark_failed(run.id, "x", "one"), mark_failed(run.id, "x", "two"))
    told = (await store.get(Issue, issue_id(run.id, "x"))).failure
    assert told in ("one", "two")
