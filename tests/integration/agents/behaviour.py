"""What every coding agent's adapter must do, whoever thinks behind it. Tests of an adapter subclass this.

What an adapter cannot do it declares by name and in words (``cannot``); then its refusal is what is tested, and the
table in ``docs/agents.md`` says the same words.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Protocol

import pytest

from ledger.models import AgentInput, AgentJob, AgentType, Size
from shipline.errors import AgentError
from tasks.agents.ports import AgentEvent, AgentRef, CodingAgent


class Can(StrEnum):
    """What is asked of an adapter, in the words of the table."""

    USAGE = "tells what it used"
    LISTEN = "takes a follow-up"
    ONCE = "a second start is the first one"
    FOUND = "is found by another process"
    ENDLESS = "may never end, and is stopped"
    FLOOD = "may flood, within bounds"


class Bench(Protocol):
    """An adapter on the bench, with an agent behind it that does as it is told."""

    def adapter(self) -> CodingAgent:
        """A new one, as a new process would make it."""
        ...

    def acts(self, what: str) -> None:
        """``writes``, ``nothing``, ``fails``, ``hangs`` or ``floods``; counts for agents that start from now on."""
        ...

    def job(self, branch: str) -> AgentJob:
        """What to ask of it, so that it acts."""
        ...

    def place(self, name: str) -> AbstractAsyncContextManager[tuple[Path, str]]:
        """A worktree to work in and the branch that it is of."""
        ...

    async def made(self, place: Path, branch: str) -> str | None:
        """What the agent wrote to ``made.txt``."""
        ...

    async def fresh(self, place: Path) -> None:
        """The place as it was before anybody worked there: what a new process clones."""
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

    adapter: ClassVar[str]  # its name in SHIPLINE_CODER
    cannot: ClassVar[Mapping[Can, str]] = {}
    says: ClassVar[str] = "Wrote the file"  # one that writes, in the end
    fails: ClassVar[str] = "no good"  # one that fails

    def can(self, what: Can) -> bool:
        """Whether the adapter does it."""
        return what not in self.cannot

    async def test_it_works_and_says_what_it_did(self, bench: Bench) -> None:
        bench.acts("writes")
        agent = bench.adapter()
        async with bench.place("works") as (place, branch):
            ref = await agent.start(bench.job(branch), "r/works", place)
            result = await agent.result(ref)
            assert await bench.made(place, branch) == "made\n"
        assert result.output.changeset_summary == self.says
        assert (result.usage.input_tokens > 0) is self.can(Can.USAGE)
        assert (result.usage.output_tokens > 0) is self.can(Can.USAGE)
        assert await agent.usage(ref) == result.usage

    async def test_it_can_be_followed_and_taken_up_again(self, bench: Bench) -> None:
        bench.acts("writes")
        agent = bench.adapter()
        async with bench.place("followed") as (place, branch):
            ref = await agent.start(bench.job(branch), "r/followed", place)
            await agent.result(ref)
            said = [each async for each in _some(agent, ref, None)]
            assert said
            rest = [each async for each in _some(agent, ref, said[0].id)]
            assert [each.id for each in rest] == [each.id for each in said[1:]]

    async def test_more_can_be_said_to_it_or_it_refuses_in_words(self, bench: Bench) -> None:
        bench.acts("writes")
        agent = bench.adapter()
        async with bench.place("more") as (place, branch):
            ref = await agent.start(bench.job(branch), "r/more", place)
            await agent.result(ref)
            before = bench.started()
            if self.can(Can.LISTEN):
                await agent.follow_up(ref, "And say why")
                await agent.result(ref)
            else:
                with pytest.raises(AgentError, match="cannot be told 'And say why'") as refused:
                    await agent.follow_up(ref, "And say why")
                assert refused.value.hint
            assert bench.started() == before
            assert await bench.made(place, branch) == "made\n"

    async def test_a_second_start_is_the_first_one(self, bench: Bench) -> None:
        bench.acts("writes")
        before = bench.started()
        agent = bench.adapter()
        async with bench.place("twice") as (place, branch):
            refs = [await agent.start(bench.job(branch), "r/twice", place) for _ in range(2)]
            assert refs[0] == refs[1]
            await agent.result(refs[1])
            assert await bench.made(place, branch) == "made\n"
        assert bench.started() == before + (1 if self.can(Can.ONCE) else 2)

    async def test_after_a_restart_it_is_found_again(self, bench: Bench) -> None:
        bench.acts("writes")
        before = bench.started()
        async with bench.place("restarted") as (place, branch):
            first = await bench.adapter().start(bench.job(branch), "r/restarted", place)
            again = bench.adapter()
            if not self.can(Can.FOUND):
                with pytest.raises(AgentError, match="in another process"):
                    await again.result(first)
                await bench.fresh(place)
            ref = await again.start(bench.job(branch), "r/restarted", place)
            assert ref == first
            await again.result(ref)
            assert await bench.made(place, branch) == "made\n"
        assert bench.started() == before + (1 if self.can(Can.FOUND) else 2)

    async def test_one_that_changes_nothing_ends_well(self, bench: Bench) -> None:
        bench.acts("nothing")
        agent = bench.adapter()
        async with bench.place("nothing") as (place, branch):
            await agent.result(await agent.start(bench.job(branch), "r/nothing", place))
            assert await bench.made(place, branch) is None

    async def test_one_that_fails_says_why(self, bench: Bench) -> None:
        bench.acts("fails")
        agent = bench.adapter()
        async with bench.place("fails") as (place, branch):
            with pytest.raises(AgentError, match=self.fails):
                await agent.result(await agent.start(bench.job(branch), "r/fails", place))
            assert await bench.made(place, branch) is None

    async def test_one_that_never_ends_is_stopped(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        if not self.can(Can.ENDLESS):
            return await self.has_ended_by_then(bench)
        bench.acts("hangs")
        monkeypatch.setenv("SHIPLINE_AGENT_SECONDS", "3")
        agent = bench.adapter()
        async with bench.place("hangs") as (place, branch):
            ref = await agent.start(bench.job(branch), "r/hangs", place)
            with pytest.raises(AgentError, match="did not end within"):
                await agent.result(ref)
            await _until(bench.stopped)
        return None

    async def has_ended_by_then(self, bench: Bench) -> None:
        """One that works while it is started has nothing left to be stopped: a cancel takes nothing back."""
        bench.acts("writes")
        agent = bench.adapter()
        async with bench.place("ended") as (place, branch):
            ref = await agent.start(bench.job(branch), "r/ended", place)
            assert bench.stopped()
            await agent.cancel(ref)
            await bench.adapter().cancel(ref)
            assert (await agent.result(ref)).output.changeset_summary == self.says
            assert await bench.made(place, branch) == "made\n"

    async def test_one_that_floods_does_not_drown_us(self, bench: Bench) -> None:
        bench.acts("floods" if self.can(Can.FLOOD) else "writes")
        agent = bench.adapter()
        async with bench.place("floods") as (place, branch):
            result = await agent.result(await agent.start(bench.job(branch), "r/floods", place))
            assert await bench.made(place, branch) == "made\n"
        assert len(result.output.notes) < (200_000 if self.can(Can.FLOOD) else 1_000)

    async def test_cancel_stops_it_and_twice_is_fine(self, bench: Bench) -> None:
        if not self.can(Can.ENDLESS):
            return await self.has_ended_by_then(bench)
        bench.acts("hangs")
        agent = bench.adapter()
        async with bench.place("cancelled") as (place, branch):
            ref = await agent.start(bench.job(branch), "r/cancelled", place)
            await bench.adapter().cancel(ref)
            await agent.cancel(ref)
            await _until(bench.stopped)
            with pytest.raises(AgentError):
                await agent.result(ref)
        return None

    async def test_cancelling_one_that_was_never_there_is_fine(self, bench: Bench) -> None:
        await bench.adapter().cancel(AgentRef(id="bc-00000000-0000-5000-8000-000000000000"))


async def _some(agent: CodingAgent, ref: AgentRef, after: str | None) -> AsyncIterator[AgentEvent]:
    async for each in agent.events(ref, after):
        yield each


async def _until(done: object) -> None:
    for _ in range(600):
        if callable(done) and done():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("somebody still works")
