"""A person's word in the ledger: compare-and-sets that say who, when and why, and change nothing when they may not."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from ledger.interrupts import ALL, cancel_run, lift_pause, pause_run, turn_switch, words
from ledger.issues import store_plan
from ledger.models import Approval, Event, IssueType, Outcome, Plan, PlanNode, Run, RunState
from ledger.queries import events
from ledger.runs import approve_plan, create_run, end_run, reopen_run
from ledger.store import Store
from ledger.timeline import verify
from shipline.errors import IllegalTransition, Interrupted, NotFound


@pytest.fixture
async def run(store: Store) -> Run:
    """A run that has begun."""
    return await create_run(store, "an idea", "o/r", "main")


async def test_a_pause_says_who_when_and_why_and_is_told_once(store: Store, run: Run) -> None:
    both = await asyncio.gather(*(pause_run(store, run.id, "ann", "lunch") for _ in range(5)))
    assert all(each.interrupt.paused for each in both)
    stood = words(await store.get(Run, run.id))
    assert stood.startswith("Paused by ann since 2")
    assert stood.endswith("UTC: lunch")
    assert await _messages(store, run) == ["Paused by ann: lunch"]

    await asyncio.gather(*(lift_pause(store, run.id, "bob") for _ in range(5)))
    after = await store.get(Run, run.id)
    assert not after.interrupt.paused
    assert words(after) == ""
    assert await _messages(store, run) == ["Paused by ann: lunch", "Resumed by bob"]
    assert (await verify(store, run.id))[1] == []


async def test_cancel_ends_the_run_in_the_same_write_and_twice_is_once(store: Store, run: Run) -> None:
    await pause_run(store, run.id, "ann")
    await asyncio.gather(*(cancel_run(store, run.id, "ann", "enough") for _ in range(5)))
    after = await store.get(Run, run.id)
    assert (after.outcome, after.interrupt.cancelled, after.interrupt.paused) == (Outcome.CANCELLED, True, False)
    assert await _messages(store, run) == ["Paused by ann", "Cancelled by ann: enough"]


@pytest.mark.parametrize(("verb", "outcome"), [(pause_run, Outcome.FAILED), (cancel_run, Outcome.SUCCEEDED)])
async def test_a_run_that_has_ended_is_left_alone(store: Store, run: Run, verb: object, outcome: Outcome) -> None:
    await store.change(Run, run.id, {"outcome": outcome})
    before = await store.get(Run, run.id)
    with pytest.raises(IllegalTransition, match=rf"has ended \({outcome}\)"):
        await verb(store, run.id, "ann")  # type: ignore[operator]
    assert await store.get(Run, run.id) == before
    assert await _messages(store, run) == []


async def test_a_run_that_failed_is_given_up_and_keeps_its_reason(store: Store, run: Run) -> None:
    await end_run(store, run.id, Outcome.FAILED, error="broken")
    await cancel_run(store, run.id, "ann")
    after = await store.get(Run, run.id)
    assert (after.outcome, after.error) == (Outcome.CANCELLED, "broken")


async def test_a_plan_is_approved_once_it_waits_and_is_kept_as_it_was(store: Store, run: Run) -> None:
    await store_plan(store, run, Plan(nodes=[PlanNode(key="app", type=IssueType.EPIC, title="An app")]))
    with pytest.raises(IllegalTransition, match="waits for approval"):
        await approve_plan(store, run.id, "ann")
    await store.change(Run, run.id, {"state": RunState.ISSUE_TREE})
    await end_run(store, run.id, Outcome.PLANNED)
    for who in ("ann", "bob"):  # the first died before it could go on
        assert (await approve_plan(store, run.id, who)).approved_by == who
    kept = await store.get(Approval, run.id)
    assert (kept.by, kept.plan and [each.title for each in kept.plan.nodes]) == ("bob", ["An app"])
    told = [each.msg for each in await events(store, run.id)]
    assert told[-2:] == ["The plan is approved by ann", "The plan is approved by bob"]


async def test_a_run_that_does_not_exist_is_named(store: Store) -> None:
    with pytest.raises(NotFound, match="'r-nobody'"):
        await pause_run(store, "r-nobody", "ann")


async def test_a_cancelled_run_is_not_reopened(store: Store, run: Run) -> None:
    await cancel_run(store, run.id, "ann")
    assert (await reopen_run(store, run.id)).outcome is Outcome.CANCELLED


async def test_runs_wait_while_everything_is_paused(store: Store) -> None:
    await turn_switch(store, "o/r", paused=True, by="ann", reason="audit")
    waiting = await create_run(store, "an idea", "o/r", "main")
    other = await create_run(store, "an idea", "o/other", "main")
    assert words(waiting).endswith("waiting: everything of o/r is paused: audit")
    assert not other.interrupt.paused

    assert await turn_switch(store, ALL, paused=True, by="ann")
    assert not await turn_switch(store, ALL, paused=True, by="bob")  # twice is once
    assert (await create_run(store, "an idea", "o/other", "main")).interrupt.paused
    failed = await end_run(store, other.id, Outcome.FAILED, error="broken")
    assert (await reopen_run(store, failed.id)).interrupt.paused  # one that begins again waits too

    await turn_switch(store, ALL, paused=False, by="ann")
    assert not (await create_run(store, "an idea", "o/other", "main")).interrupt.paused


async def test_a_stage_does_not_begin_on_a_paused_run(store: Store, run: Run) -> None:
    from ledger.interrupts import heed

    assert (await heed(store, run.id)).id == run.id
    await pause_run(store, run.id, "ann", "lunch")
    with pytest.raises(Interrupted, match=r"Paused by ann since .*: lunch"):
        await heed(store, run.id)


@pytest.mark.parametrize("module", ["tasks.control", "console.cli", "console.commands_control", "flows"])
def test_control_does_not_import_prefect(module: str) -> None:
    code = f"import sys, {module}; sys.exit(any(name.split('.')[0] == 'prefect' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def _messages(store: Store, run: Run) -> list[str]:
    found = await store.find(Event, {"runId": run.id}, [("seq", 1)])
    return [each.msg for each in found if "interrupt" in each.data]
