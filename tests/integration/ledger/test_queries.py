"""Questions that the faces ask, on a real ledger."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

from ledger.issues import change_issue, read_tree, store_plan
from ledger.models import AgentInput, AgentRun, CiStatus, EventType, IssueType, Outcome, Plan, PlanNode, Run, Usage, now
from ledger.plans import earlier_plan
from ledger.queries import (
    events_before,
    export_text,
    gate_event,
    overview,
    snapshot,
    usage,
    used_since,
)
from ledger.runs import create_run
from ledger.slots import slot
from ledger.store import Store
from ledger.timeline import append, event


async def test_what_has_ended_is_read_once_and_what_goes_on_every_time(store: Store) -> None:
    going, ended = [await create_run(store, "an idea", "o/r", "main") for _ in range(2)]
    await store.change(Run, ended.id, {"outcome": Outcome.SUCCEEDED})
    first = {each.run.id: each for each in await overview(store)}
    again = {each.run.id: each for each in await overview(store, known=first)}
    assert again[ended.id] is first[ended.id]
    assert again[going.id] is not first[going.id]
    await store.change(Run, ended.id, {"error": "changed"})
    assert (await overview(store, known=again))[0].run.error == "changed"


async def test_usage_is_summed_over_all_agents_and_by_day(store: Store) -> None:
    run = await create_run(store, "an idea", "o/r", "main")
    known = {"run_id": run.id, "agent_id": "dev", "project_id": "p", "node_key": "a", "round": "1"}
    asked = AgentInput(repo="o/r", objective="x")
    for number, days in ((1, 0), (2, 2)):
        used = Usage(input_tokens=number, output_tokens=10, usd=0.5, seconds=2)
        then = now() - timedelta(days=days)
        await store.insert(AgentRun(id=f"{run.id}/{number}", **known, input=asked, usage=used, updated_at=then))
    assert await usage(store, run.id) == Usage(input_tokens=3, output_tokens=20, usd=1.0, seconds=4)
    assert (await used_since(store, now() - timedelta(days=1))).input_tokens == 1
    assert await usage(store, "r-nobody") == Usage()


async def test_a_plan_that_was_approved_is_not_the_one_to_compare_with(store: Store) -> None:
    first, second = [await create_run(store, "an idea", "o/r", "main", dry_run=True) for _ in range(2)]
    assert await earlier_plan(store, second) is None  # the first was never planned
    await store.change(Run, first.id, {"outcome": Outcome.PLANNED})
    assert await earlier_plan(store, second) is None  # and has no tree
    assert await earlier_plan(store, first) is None


async def test_a_head_waits_for_the_required_checks_that_are_not_good_yet(store: Store) -> None:
    run = await create_run(store, "an idea", "o/r", "main")
    await store_plan(store, run, Plan(nodes=[PlanNode(key="epic", type=IssueType.EPIC, title="E")]))
    head = "a" * 40
    await change_issue(store, run.id, "epic", {"head": head, "testedHead": head, "prNumber": 3})
    assert (await snapshot(store, run.id)).checks == {}
    epic = (await read_tree(store, run.id)).root
    told = {"checks": ["build", "lint"]}
    await append(
        store, run.id, event(EventType.STEP_STARTED, "QA", "waits", data=told, event_id=gate_event(epic, head))
    )
    assert (await snapshot(store, run.id)).checks == {"epic": ["build", "lint"]}
    for name, state in (("build", "success"), ("lint", "failure")):
        await store.insert(CiStatus(id=f"{run.id} {name}", repo="o/r", sha=head, name=name, state=state))
    assert (await snapshot(store, run.id)).checks == {"epic": ["lint"]}
    await change_issue(store, run.id, "epic", {"mergedSha": "b" * 40})
    assert (await snapshot(store, run.id)).checks == {}


async def test_a_run_that_waits_for_its_turn_says_behind_whom(store: Store) -> None:
    first, second = [await create_run(store, "an idea", "o/r", "main") for _ in range(2)]
    table = f"deploy {first.id}"
    entered = asyncio.Event()

    async def wait() -> None:
        async with slot(store, table, key=table, group=second.id, total=1, limit=1):
            entered.set()

    async def behind() -> dict[str, tuple[str, ...]]:
        return {each.run.id: each.behind for each in await overview(store)}

    async with slot(store, table, key=table, group=first.id, total=1, limit=1):
        waiting = asyncio.create_task(wait())
        found = await behind()
        while not found[second.id]:
            found = await behind()
        assert found == {first.id: (), second.id: (first.id,)}
        assert not entered.is_set()
    await waiting
    assert (await behind())[second.id] == ()


async def test_the_chain_is_read_backwards_in_pages_and_exported_whole(store: Store) -> None:
    run = await create_run(store, "an idea", "o/r", "main")
    for number in range(6):
        await append(store, run.id, event(EventType.STEP_COMPLETED, "QA", f"step {number}"))
    newest = await events_before(store, run.id, 0, 3)
    assert [each.seq for each in newest] == [7, 6, 5]
    assert [each.seq for each in await events_before(store, run.id, newest[-1].seq, 9)] == [4, 3, 2, 1]
    lines = [json.loads(line) for line in (await export_text(store, run.id)).splitlines()]
    assert [each["seq"] for each in lines] == list(range(1, 8))
    assert [each["prevHash"] for each in lines[1:]] == [each["hash"] for each in lines[:-1]]
