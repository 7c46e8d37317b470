"""Questions that the faces ask, on a real ledger."""

from __future__ import annotations

from datetime import timedelta

from ledger.models import AgentInput, AgentRun, Outcome, Run, Usage, now
from ledger.plans import earlier_plan
from ledger.queries import overview, usage, used_since
from ledger.runs import create_run
from ledger.store import Store


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
