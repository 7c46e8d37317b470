"""What every coding agent's adapter must do, whoever thinks behind it. Tests of an adapter subclass this."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import pytest

from ledger.models import AgentInput, AgentJob, AgentType, Size
from shipline.errors import AgentError
from tasks.agents.ports import AgentEvent, AgentRef, CodingAgent


class Bench(Protocol):
    """An adapter on the bench, with an agent behind it that does as it is told."""

    def adapter(self) -> CodingAgent:
        """A new one, as a new process would make it."""
        ...

    def acts(self, what: str) -> None:
        """``writes``, ``nothing``, ``fails``, ``hangs`` or ``floods``; counts for agents that start from now on."""
        ...

    def place(self, name: str) -> AbstractAsyncContextManager[tuple[Path, str]]:
        """A worktree to work in and the branch that it is of."""
        ...

    async def made(self, place: Path, branch: str) -> str | None:
        """What the agent wrote to ``made.txt``."""
        ...

    def started(self) -> int:
        """How many agents were started in all."""
        ...

    def stopped(self) -> bool:
        """Whether nobody works any more."""
        ...


def job(branch: str, repo: str = "demo/tally") -> AgentJob:
    """Something to do."""
    asked = AgentInput(repo=repo, branch=branch, objective="Write made.txt")
    return AgentJob(
        type=AgentType.DEVELOPER_IMPLEMENTER, idea="An idea", size=Size.SMALL, node_key="leaf", input=asked,
        context="Write `made` to made.txt.",
    )  # fmt: skip


class Behaviour:
    """The suite. ``bench`` is a fixture of the file that subclasses it."""

    async def test_it_works_and_says_what_it_did(self, bench: Bench) -> None:
        bench.acts("writes")
        agent = bench.adapter()
        async with bench.place("works") as (place, branch):
            ref = await agent.start(job(branch), "r/works", place)
            result = await agent.result(ref)
            assert await bench.made(place, branch) == "made\n"
        assert result.output.changeset_summary == "Wrote the file"
        assert result.usage.input_tokens > 0
        assert result.usage.output_tokens > 0
        assert await agent.usage(ref) == result.usage
        assert not result.replayed

    async def test_it_can_be_followed_and_taken_up_again(self, bench: Bench) -> None:
        bench.acts("writes")
        agent = bench.adapter()
        async with bench.place("followed") as (place, branch):
            ref = await agent.start(job(branch), "r/followed", place)
            await agent.result(ref)
            said = [each async for each in _some(agent, ref, None)]
            assert said
            rest = [each async for each in _some(agent, ref, said[0].id)]
            assert [each.id for each in rest] == [each.id for each in said[1:]]

    async def test_a_second_start_is_the_first_one(self, bench: Bench) -> None:
        bench.acts("writes")
        before = bench.started()
        agent = bench.adapter()
        async with bench.place("twice") as (place, branch):
            refs = [await agent.start(job(branch), "r/twice", place) for _ in range(2)]
            assert refs[0] == refs[1]
            await agent.result(refs[1])
        assert bench.started() == before + 1

    async def test_after_a_restart_it_is_found_again(self, bench: Bench) -> None:
        bench.acts("writes")
        before = bench.started()
        async with bench.place("restarted") as (place, branch):
            await bench.adapter().start(job(branch), "r/restarted", place)
            again = bench.adapter()
            ref = await again.start(job(branch), "r/restarted", place)
            await again.result(ref)
            assert await bench.made(place, branch) == "made\n"
        assert bench.started() == before + 1

    async def test_one_that_changes_nothing_ends_well(self, bench: Bench) -> None:
        bench.acts("nothing")
        agent = bench.adapter()
        async with bench.place("nothing") as (place, branch):
            await agent.result(await agent.start(job(branch), "r/nothing", place))
            assert await bench.made(place, branch) is None

    async def test_one_that_fails_says_why(self, bench: Bench) -> None:
        bench.acts("fails")
        agent = bench.adapter()
        async with bench.place("fails") as (place, branch):
            ref = await agent.start(job(branch), "r/fails", place)
            with pytest.raises(AgentError, match="no good"):
                await agent.result(ref)

    async def test_one_that_never_ends_is_stopped(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        bench.acts("hangs")
        monkeypatch.setenv("SHIPLINE_AGENT_SECONDS", "3")
        agent = bench.adapter()
        async with bench.place("hangs") as (place, branch):
            ref = await agent.start(job(branch), "r/hangs", place)
            with pytest.raises(AgentError, match="did not end within"):
                await agent.result(ref)
            await _until(bench.stopped)

    async def test_one_that_floods_does_not_drown_us(self, bench: Bench) -> None:
        bench.acts("floods")
        agent = bench.adapter()
        async with bench.place("floods") as (place, branch):
            result = await agent.result(await agent.start(job(branch), "r/floods", place))
            assert await bench.made(place, branch) == "made\n"
        assert len(result.output.notes) < 200_000

    async def test_cancel_stops_it_and_twice_is_fine(self, bench: Bench) -> None:
        bench.acts("hangs")
        agent = bench.adapter()
        async with bench.place("cancelled") as (place, branch):
            ref = await agent.start(job(branch), "r/cancelled", place)
            await bench.adapter().cancel(ref)
            await agent.cancel(ref)
            await _until(bench.stopped)
            with pytest.raises(AgentError):
                await agent.result(ref)

    async def test_cancelling_one_that_was_never_there_is_fine(self, bench: Bench) -> None:
        await bench.adapter().cancel(AgentRef(id="bc-00000000-0000-5000-8000-000000000000"))


async def _some(agent: CodingAgent, ref: AgentRef, after: str | None) -> AsyncIterator[AgentEvent]:
    async for each in agent.events(ref, after):
        yield each


async def _until(done: object) -> None:
    for _ in range(100):
        if callable(done) and done():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("somebody still works")
