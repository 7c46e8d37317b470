"""Budgets and the run's clock against a real MongoDB."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from ledger import queries
from ledger.interrupts import lift_pause, pause_run
from ledger.models import AgentInput, AgentRun, AgentRunStatus, Budget, Level, Run, Usage, now
from ledger.rules.budget import BY, paused_by_budget
from ledger.runs import create_run
from ledger.store import Store
from shipline.errors import Interrupted
from tasks.budget import LONGEST, effective, require_budget, spent_by, tick


@pytest.fixture
async def run(store: Store) -> Run:
    return await create_run(store, "an idea", "o/r", "main")


async def _asked(store: Store, run: Run, number: int, usd: float, *, replayed: bool = False) -> None:
    asked = AgentRun(
        id=f"{run.id}/{number}", run_id=run.id, agent_id="a", project_id=run.project_id, node_key=f"n{number}",
        round="1", input=AgentInput(repo="o/r", objective="x"), status=AgentRunStatus.COMPLETED, replayed=replayed,
        usage=Usage(input_tokens=700, output_tokens=300, usd=usd),
    )  # fmt: skip
    assert await store.insert(asked)


async def _counted(store: Store, run: Run) -> float:
    await tick(store, run.id)
    return (await store.get(Run, run.id)).clock.seconds


async def _limit(store: Store, run: Run, budget: Budget) -> None:
    await store.change(Run, run.id, {"budget": budget.model_dump(by_alias=True)})


async def test_spending_is_summed_over_the_tree(store: Store, run: Run) -> None:
    assert await spent_by(store, run) == await spent_by(store, run.model_copy(update={"id": "r-other"}))
    await _asked(store, run, 1, 0.5)
    await _asked(store, run, 2, 0.25, replayed=True)
    spent = await spent_by(store, run)
    assert (spent.usd, spent.tokens, spent.replayed) == (0.75, 2000, True)


async def test_it_warns_once_at_80_percent_and_again_for_a_new_limit(store: Store, run: Run) -> None:
    await _limit(store, run, Budget(usd=1))
    await _asked(store, run, 1, 0.8)
    await asyncio.gather(*(require_budget(store, run.id) for _ in range(4)))
    await _limit(store, run, Budget(usd=0.9))
    await require_budget(store, run.id)
    told = [each for each in await queries.events(store, run.id) if each.level is Level.WARNING]
    assert [each.msg.split(" %")[0] for each in told] == ["80", "88"]


async def test_it_pauses_at_100_percent_once_and_says_how_to_go_on(store: Store, run: Run) -> None:
    await _limit(store, run, Budget(usd=1))
    await _asked(store, run, 1, 1.12)
    results = await asyncio.gather(*(require_budget(store, run.id) for _ in range(3)), return_exceptions=True)
    assert {type(each) for each in results} == {Interrupted}
    paused = await store.get(Run, run.id)
    assert paused_by_budget(paused)
    assert paused.interrupt.reason == (
        f"the budget of $1.00 is used up ($1.12); raise it with `shipline budget {run.id} --usd 2`"
    )
    assert sum("Paused by" in each.msg for each in await queries.events(store, run.id)) == 1


async def test_a_persons_pause_is_not_the_budgets(store: Store, run: Run) -> None:
    assert not paused_by_budget(await pause_run(store, run.id, "ada", BY))


async def test_the_clock_counts_work_and_no_pause(store: Store, other_store: Store, run: Run) -> None:
    assert await _counted(store, run) == 0
    await asyncio.sleep(0.3)
    await asyncio.gather(tick(store, run.id), tick(other_store, run.id))  # two workers: not twice the time
    counted = (await store.get(Run, run.id)).clock.seconds
    assert 0.3 <= counted < 5
    await pause_run(store, run.id, "ada")
    await asyncio.sleep(0.3)
    assert await _counted(store, run) == counted
    await lift_pause(store, run.id, "ada")


async def test_a_silence_counts_little(store: Store, run: Run) -> None:
    await store.change(Run, run.id, {"clock": {"seconds": 10.0, "at": now() - timedelta(hours=9)}})
    assert await _counted(store, run) == 10 + LONGEST


async def test_minutes_used_up_pause_too(store: Store, run: Run) -> None:
    await _limit(store, run, Budget(minutes=1))
    await store.change(Run, run.id, {"clock": {"seconds": 61.0, "at": now()}})
    with pytest.raises(Interrupted, match="1 minutes is used up"):
        await require_budget(store, run.id)


def test_what_is_left_open_is_as_the_settings_say() -> None:
    assert effective(Budget(usd=3), Budget(usd=9, tokens=5)) == Budget(usd=3, tokens=5)
