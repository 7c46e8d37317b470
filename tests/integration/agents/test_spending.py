"""A budget while several agents think at once: it stops within the calls already in flight, and all is counted."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from itertools import accumulate

import pytest

from ledger.effects import Key
from ledger.interrupts import lift_pause
from ledger.models import AgentInput, AgentJob, AgentRun, AgentType, Budget, EffectKind, Run, Size
from shipline.errors import Interrupted
from tasks.agents import registry
from tasks.agents.ask import ask_planner
from tasks.answers import Criteria
from tasks.budget import paused_by_budget, raise_budget, spent_by
from tasks.context import Context
from tests.services.nim import KEY, Nim
from tests.services.served import served

GOOD = json.dumps({"criteria": {"hello": ["It says hello"]}})
AT_ONCE = 3
CALLS = 12


@pytest.fixture
def nim(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nim]:
    """The endpoint, configured; nothing limits how often it is asked."""
    made = Nim(answer=lambda _: GOOD)
    monkeypatch.setenv("NVIDIA_API_KEY", KEY)
    monkeypatch.setenv("SHIPLINE_PLANNER_PER_MINUTE", "0")
    object.__setattr__(ctx.settings, "planner", registry.NEMOTRON)
    with served(made.app) as url:
        monkeypatch.setenv("SHIPLINE_PLANNER_URL", f"{url}/v1")
        yield made


def _job(number: int) -> AgentJob:
    asked = AgentInput(repo="demo/tally", objective="Write")
    return AgentJob(
        type=AgentType.ACCEPTANCE_CRITERIA_AUTHOR, idea="An idea", size=Size.SMALL, node_key=f"n{number}", input=asked,
        context="You are Shipline's Acceptance Criteria Author, the agent that writes them. " + "Some text. " * 40,
    )  # fmt: skip


async def _ask_all(ctx: Context, run: Run) -> list[Criteria | BaseException]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> Criteria:
        async with slots:
            return await ask_planner(ctx, run, _job(number), Criteria)

    return await asyncio.gather(*(one(number) for number in range(CALLS)), return_exceptions=True)


async def test_it_stops_within_the_calls_in_flight_and_goes_on_when_it_is_raised(
    ctx: Context, run: Run, nim: Nim
) -> None:
    limit = 700
    await ctx.store.change(Run, run.id, {"budget": Budget(tokens=limit).model_dump(by_alias=True)})
    answers = await _ask_all(ctx, run)
    kinds = [type(each) for each in answers]
    assert set(kinds) == {Criteria, Interrupted}
    paused = await ctx.store.get(Run, run.id)
    assert paused_by_budget(paused)

    sums = list(accumulate(took + gave for took, gave in nim.used))
    needed = next(count for count, total in enumerate(sums, 1) if total >= limit)
    assert needed <= len(nim.asked) < needed + AT_ONCE
    assert (await spent_by(ctx.store, paused)).tokens == sums[-1]
    assert kinds.count(Criteria) == len(nim.asked)

    await raise_budget(run.id, by="Ada", usd=None, tokens=100_000, minutes=None)
    await lift_pause(ctx.store, run.id, "Ada")
    assert {type(each) for each in await _ask_all(ctx, run)} == {Criteria}
    assert len(nim.asked) == CALLS  # what was answered is not asked again
    total = sum(took + gave for took, gave in nim.used)
    assert (await spent_by(ctx.store, await ctx.store.get(Run, run.id))).tokens == total


async def test_what_nobody_waits_for_any_more_is_estimated_and_said_to_be(ctx: Context, run: Run, nim: Nim) -> None:
    waiting = threading.Event()  # set in the server's own thread
    answering = nim.answer

    async def ask() -> Criteria:
        return await ask_planner(ctx, run, _job(0), Criteria)

    def slow(prompt: str) -> str:
        waiting.set()
        time.sleep(1.5)
        return answering(prompt)

    nim.answer = slow
    task = asyncio.create_task(ask())
    while not waiting.is_set():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    key = str(Key(run.id, "n0", "1", EffectKind("agent.acceptance-criteria-author")))
    left = await ctx.store.get(AgentRun, key)
    assert left.usage.input_tokens > 50
    assert left.usage == left.wasted
    assert "estimated" in left.steps[0]["what"]
    nim.answer = answering
    await ask()
    done = await ctx.store.get(AgentRun, key)
    assert done.usage.input_tokens == left.wasted.input_tokens + nim.used[-1][0]
    assert done.steps == left.steps
