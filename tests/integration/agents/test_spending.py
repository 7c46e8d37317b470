"""A budget while several agents think at once: it stops within the calls already in flight, and all is counted."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import pytest

from ledger.effects import Key
from ledger.interrupts import lift_pause
from ledger.models import (
    AgentInput,
    AgentJob,
    AgentOutput,
    AgentResult,
    AgentRun,
    AgentRunStatus,
    AgentType,
    Budget,
    EffectKind,
    Event,
    Run,
    Size,
    Usage,
)
from ledger.rules.budget import paused_by_budget
from shipline.errors import Interrupted, Unavailable
from tasks.agents import refusals, registry
from tasks.agents.ask import ask_planner, journal
from tasks.agents.nemotron import Nemotron
from tasks.agents.ports import AgentFailed
from tasks.answers import Criteria
from tasks.budget import raise_budget, spent_by
from tasks.context import Context
from tasks.metering import Meter, metered, metering
from tests.services.nim import KEY, Nim, Says
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


def _key(run: Run, number: int) -> str:
    return str(Key(run.id, f"n{number}", "1", EffectKind("agent.acceptance-criteria-author")))


def _cut_off(run: Run, asking: Usage | None = None) -> AgentRun:
    """What a process leaves that is killed while it asks."""
    return AgentRun(
        id=_key(run, 0), run_id=run.id, agent_id="acceptance-criteria-author", project_id=run.project_id, node_key="n0",
        round="1", input=_job(0).input, status=AgentRunStatus.RUNNING, asking=asking,
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
    key = _key(run, 0)
    left = await ctx.store.get(AgentRun, key)
    assert left.usage.input_tokens > 50
    assert left.usage == left.wasted
    assert "estimated" in left.steps[0]["what"]
    nim.answer = answering
    await ask()
    done = await ctx.store.get(AgentRun, key)
    assert done.usage.input_tokens == left.wasted.input_tokens + nim.used[-1][0]
    assert done.steps == left.steps


async def test_told_to_stop_again_and_again_it_notes_what_was_lost(
    ctx: Context, run: Run, nim: Nim, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = threading.Event()
    keep = Meter.keep

    async def slowly(self: Meter, **more: Any) -> None:
        await asyncio.sleep(0.5)
        await keep(self, **more)

    def slow(prompt: str) -> str:
        waiting.set()
        time.sleep(1.5)
        return GOOD

    nim.answer = slow
    monkeypatch.setattr(Meter, "keep", slowly)
    await ctx.store.insert(_cut_off(run))

    async def ask() -> None:
        async with metering(ctx.store, _key(run, 0)):
            await Nemotron().ask(_job(0), Criteria)

    task = asyncio.create_task(ask())
    while not waiting.is_set():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    while not task.done():  # as whoever carries out an effect does it
        task.cancel()
        await asyncio.wait({task}, timeout=0.1)
    assert task.cancelled()
    left = await ctx.store.get(AgentRun, _key(run, 0))
    assert left.usage.input_tokens > 50
    assert "left before it answered" in left.steps[0]["what"]


@pytest.mark.parametrize("fault", [Says(closes=True), Says(breaks=True), Says(hangs=3)])
async def test_a_request_whose_answer_never_came_is_estimated_and_asked_again(
    ctx: Context, run: Run, nim: Nim, monkeypatch: pytest.MonkeyPatch, fault: Says
) -> None:
    monkeypatch.setattr(refusals, "pause", lambda _: 0.01)
    monkeypatch.setenv("SHIPLINE_PLANNER_SECONDS", "0.5")
    nim.script.append(fault)
    await ask_planner(ctx, run, _job(0), Criteria)
    asked = await ctx.store.get(AgentRun, _key(run, 0))
    (said,) = asked.steps
    assert "the line failed before it answered" in said["what"]
    assert asked.wasted.input_tokens == said["inputTokens"] > 50
    assert asked.usage.input_tokens == asked.wasted.input_tokens + nim.used[-1][0]
    assert asked.asking is None


async def test_a_refused_connection_costs_nothing(
    ctx: Context, run: Run, nim: Nim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "pause", lambda _: 0.01)
    monkeypatch.setenv("SHIPLINE_PLANNER_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(Unavailable, match="does not answer"):
        await ask_planner(ctx, run, _job(0), Criteria)
    assert (await ctx.store.get(AgentRun, _key(run, 0))).usage == Usage()


async def test_after_a_kill_the_ledger_says_that_it_is_asked_once_more_and_what_was_lost(
    ctx: Context, run: Run, nim: Nim
) -> None:
    took = Usage(input_tokens=321)
    await ctx.store.insert(_cut_off(run, took))
    await ask_planner(ctx, run, _job(0), Criteria)
    (said,) = [each for each in await ctx.store.find(Event, {"runId": run.id}) if "once more" in each.msg]
    assert said.msg == (
        "acceptance-criteria-author was cut off and is started once more; "
        "the request that was lost took about 321 tokens"
    )
    assert said.node_id == "n0"
    asked = await ctx.store.get(AgentRun, _key(run, 0))
    assert asked.wasted == took
    assert asked.usage.input_tokens == 321 + nim.used[0][0]
    assert asked.steps[0]["what"] == "cut off before it was answered; what it took is estimated"


@pytest.mark.parametrize("account", ["bc-1", None])
async def test_what_failed_agents_used_counts_and_one_that_is_found_again_counts_once(
    ctx: Context, run: Run, account: str | None
) -> None:
    """A failure, a process that dies between the answer and its outcome, and the end: as the server counts."""
    key = Key(run.id, "n0", "1", EffectKind("agent.acceptance-criteria-author"))

    async def act() -> AgentResult:
        raise AgentFailed(
            "It ended as ERROR.", "Retry.", usage=Usage(input_tokens=100, output_tokens=20), account=account
        )

    async def ask() -> AgentResult:
        return await journal(ctx, run, key, _job(0), act, AgentResult, lambda done: done)

    with pytest.raises(AgentFailed):
        await ask()
    failed = await ctx.store.get(AgentRun, str(key))
    assert (failed.status, failed.usage.input_tokens, failed.usage.output_tokens) == (AgentRunStatus.FAILED, 100, 20)
    done = AgentResult(
        output=AgentOutput(artifacts_out=["artifacts/notes.md"]), usage=Usage(input_tokens=130, output_tokens=25),
        account=account, warnings=["It was not allowed fetch."],
    )  # fmt: skip
    if account:
        async with metering(ctx.store, str(key)):  # whoever does this dies before there is an outcome
            await metered(done)
        assert (await ctx.store.get(AgentRun, str(key))).usage.input_tokens == 130

    async def act_again() -> AgentResult:
        return await metered(done)

    await journal(ctx, run, key, _job(0), act_again, AgentResult, lambda done: done)
    asked = await ctx.store.get(AgentRun, str(key))
    # One account is the same agent, which counts on; without one it is another that used as much again.
    assert (asked.usage.input_tokens, asked.usage.output_tokens) == ((130, 25) if account else (230, 45))
    assert (await spent_by(ctx.store, run)).tokens == asked.usage.input_tokens + asked.usage.output_tokens
    assert asked.warnings == done.warnings
    assert asked.artifacts_out == ["artifacts/notes.md"]
