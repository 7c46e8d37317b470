"""Events in a real MongoDB: numbered without gaps, chained, once each, and proved."""

from __future__ import annotations

import asyncio

import pytest

from ledger.issues import change_issue, store_plan
from ledger.models import (
    Event,
    EventType,
    Issue,
    IssueStatus,
    IssueType,
    Outcome,
    Plan,
    PlanNode,
    Run,
    RunState,
    issue_id,
)
from ledger.queries import events, follow
from ledger.runs import create_run, end_run, note_run, transition
from ledger.store import Store
from ledger.timeline import append, drain_all, event, verify
from shipline.errors import IllegalTransition, NotFound


@pytest.fixture
async def run(store: Store) -> Run:
    return await create_run(store, "an idea", "o/r", "main")


async def test_appends_at_the_same_time_leave_no_gap(store: Store, run: Run) -> None:
    pending = [event(EventType.STEP_COMPLETED, "X", f"line {n}") for n in range(30)]
    await asyncio.gather(*(append(store, run.id, each) for each in pending))

    found = await events(store, run.id)
    assert [each.seq for each in found] == list(range(1, 32))
    assert await verify(store, run.id) == (31, [])
    assert (await store.get(Run, run.id)).chain.seq == 31


async def test_two_processes_that_race_for_a_number_both_get_one(store: Store, other_store: Store, run: Run) -> None:
    async def many(through: Store, name: str) -> None:
        for n in range(15):
            await append(through, run.id, event(EventType.STEP_COMPLETED, "X", f"{name} {n}"))

    await asyncio.gather(many(store, "one"), many(other_store, "two"))
    assert await verify(store, run.id) == (31, [])


async def test_the_same_event_twice_is_once(store: Store, run: Run) -> None:
    told = event(EventType.STEP_COMPLETED, "X", "once", event_id=f"{run.id}:once")
    await append(store, run.id, told)
    await append(store, run.id, told)
    assert len(await events(store, run.id)) == 2


async def test_what_a_crash_left_in_an_outbox_is_carried_later(store: Store, run: Run) -> None:
    waiting = event(EventType.STEP_COMPLETED, "X", "written with the state, not yet told")
    await store.change(Run, run.id, {"baseSha": "abc"}, event=waiting)
    assert len(await events(store, run.id)) == 1

    await drain_all(store, run.id)
    await drain_all(store, run.id)

    assert [each.msg for each in await events(store, run.id)][1:] == ["written with the state, not yet told"]
    assert (await store.get(Run, run.id)).outbox == []


@pytest.fixture
async def long_run(store: Store, run: Run) -> Run:
    for n in range(2, 11):
        await append(store, run.id, event(EventType.STEP_COMPLETED, "X", f"line {n}", data={"n": n}))
    return await store.get(Run, run.id)


async def test_an_altered_event_is_named(store: Store, long_run: Run) -> None:
    await store.collection(Event).update_one({"runId": long_run.id, "seq": 4}, {"$set": {"data": {"n": 5}}})
    _, problems = await verify(store, long_run.id)
    assert len(problems) == 1
    assert "event 4 was altered" in problems[0]


@pytest.mark.parametrize(
    ("gone", "words"),
    [({"$in": [1]}, "event 1 is missing"), ({"$in": [3, 4]}, "events 3 to 4"), ({"$gt": 7}, "cut off")],
)
async def test_removed_events_are_named(store: Store, long_run: Run, gone: dict[str, object], words: str) -> None:
    await store.collection(Event).delete_many({"runId": long_run.id, "seq": gone})
    _, problems = await verify(store, long_run.id)
    assert words in " ".join(problems)


async def test_a_tail_cut_off_with_the_head_rewound_shows_in_the_release(store: Store, long_run: Run) -> None:
    """Who also rewrites the run's memory of the head still has the release notes against them."""
    release = {"version": "1.0.0", "tag": "v1.0.0", "sha": "s", "url": "u"}
    sealed = {**release, "auditSeq": long_run.chain.seq, "auditHash": long_run.chain.hash}
    await note_run(store, long_run.id, {"release": sealed})
    assert (await verify(store, long_run.id))[1] == []

    await store.collection(Event).delete_many({"runId": long_run.id, "seq": {"$gt": 7}})
    seventh = (await events(store, long_run.id))[-1]
    await store.change(Run, long_run.id, {"chain": {"seq": 7, "hash": seventh.hash}})

    _, problems = await verify(store, long_run.id)
    assert "release notes" in problems[0]


async def test_an_illegal_transition_changes_nothing(store: Store, run: Run) -> None:
    with pytest.raises(IllegalTransition):
        await transition(store, run.id, RunState.RELEASE, "too early")
    assert (await store.get(Run, run.id)).state is RunState.IDEA_SUBMITTED
    assert len(await events(store, run.id)) == 1


async def test_two_that_move_a_run_at_once_move_it_once(store: Store, run: Run) -> None:
    await asyncio.gather(*(transition(store, run.id, RunState.SPEC_WRITING, "spec") for _ in range(4)))
    assert [each.msg for each in await events(store, run.id)].count("spec") == 1


async def test_a_node_changes_only_as_expected(store: Store, run: Run) -> None:
    await store_plan(store, run, Plan(nodes=[PlanNode(key="epic", type=IssueType.EPIC, title="All")]))
    changed = await change_issue(store, run.id, "epic", {"status": IssueStatus.QA}, expect={"status": IssueStatus.DONE})
    assert changed is None
    assert (await store.get(Issue, issue_id(run.id, "epic"))).status is IssueStatus.NEW


async def test_following_ends_with_the_run(store: Store, run: Run) -> None:
    async def work() -> None:
        await append(store, run.id, event(EventType.STEP_COMPLETED, "X", "second"))
        await end_run(store, run.id, Outcome.FAILED, error="enough")

    worker = asyncio.create_task(work())
    told = [each.msg async for each in follow(store, run.id)]
    await worker
    assert told == ["Idea for o/r: an idea", "second", "Run failed: enough"]


async def test_following_tells_the_last_event_though_nobody_had_carried_it_over(store: Store, run: Run) -> None:
    last = event(EventType.WORKFLOW_COMPLETED, "DONE", "Run succeeded")
    await store.change(Run, run.id, {"outcome": Outcome.SUCCEEDED}, event=last)  # and the writer died here

    assert [each.msg async for each in follow(store, run.id)][-1] == "Run succeeded"


async def test_an_unknown_run_is_said_to_be_unknown(store: Store) -> None:
    with pytest.raises(NotFound, match="no run 'r-nothing'"):
        await verify(store, "r-nothing")
