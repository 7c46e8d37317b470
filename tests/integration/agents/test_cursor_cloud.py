"""Cursor's cloud agents: the behaviour of every adapter, the contract, and each of its refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.models import AgentJob, Run
from shipline.errors import AgentError, ConfigError, ShiplineError, Unavailable
from tasks.agents import cursor_api, cursor_cloud
from tasks.agents.cursor_cloud import CursorCloud, agent_id
from tasks.agents.cursor_errors import DECISIONS, Decision
from tasks.agents.ports import CodingAgent
from tasks.context import Context
from tasks.github.reading import Reader
from tasks.scratch import remove_scratch
from tests.integration.agents.behaviour import Behaviour, job
from tests.integration.sandbox.support import TOKEN
from tests.services import contract
from tests.services.cursor import KEY, Cursor, Fault, Work
from tests.services.served import served

REPO = "demo/tally"


@dataclass
class CloudBench:
    """The adapter against the server, on branches of a real repository."""

    server: Cursor
    ctx: Context
    what: str = "writes"

    def adapter(self) -> CodingAgent:
        return CursorCloud()

    def acts(self, what: str) -> None:
        self.what = what

    @asynccontextmanager
    async def place(self, name: str) -> AsyncIterator[tuple[Path, str]]:
        repo, branch = Reader(self.ctx.github, REPO), f"agent/{name}-{len(self.server.agents)}"
        await repo.create_branch(branch, str(await repo.branch_sha("main")))
        yield Path("unused"), branch
        await repo.delete_branch(branch)

    def job(self, branch: str) -> AgentJob:
        return job(branch)

    async def fresh(self, place: Path) -> None:
        """Nothing: it is never begun anew."""

    async def made(self, place: Path, branch: str) -> str | None:
        return await Reader(self.ctx.github, REPO).text(branch, "made.txt")

    def started(self) -> int:
        return len(self.server.agents)

    def stopped(self) -> bool:
        return all(each.ended for each in self.server.runs.values())

    async def do(self, work: Work, place: Path) -> str:
        """What the agent does."""
        if self.what == "hangs":
            while not work.ended:  # noqa: ASYNC110 (what a test thinks)
                await asyncio.sleep(0.05)
        if self.what == "fails":
            raise RuntimeError("That is no good")
        if self.what == "floods":
            for _ in range(300):
                work.say("assistant", text="blah " * 2000)
        if self.what == "nothing":
            return "Changed nothing"
        (place / "made.txt").write_text("made\n")
        return "Wrote the file\n\nIt says `made`."


@pytest.fixture
def bench(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudBench]:
    """The server, configured; pauses that we choose ourselves are short."""
    server = Cursor(TOKEN)
    made = CloudBench(server, ctx)
    server.doing = made.do
    monkeypatch.setattr(cursor_api, "pause", lambda _: 0.01)
    monkeypatch.setattr(cursor_cloud, "POLL", 0.1)
    with served(server.app) as url:
        monkeypatch.setenv("SHIPLINE_CURSOR_API_URL", url)
        monkeypatch.setenv("CURSOR_API_KEY", KEY)
        yield made
    assert server.misfits == []


class TestCursorCloud(Behaviour):
    """All of it."""

    adapter = "cursor-cloud"


async def test_it_is_given_a_branch_and_opens_no_pull_request(bench: CloudBench) -> None:
    async with bench.place("given") as (place, branch):
        await bench.adapter().result(await bench.adapter().start(job(branch), "r/given", place))
    (agent,) = bench.server.agents.values()
    assert agent["id"] == agent_id("r/given")
    assert agent["repos"][0]["startingRef"] == branch
    assert (agent["workOnCurrentBranch"], agent["autoCreatePR"]) == (True, False)
    assert agent["status"] == "ARCHIVED"


async def test_an_answer_that_was_lost_starts_nobody_twice(bench: CloudBench) -> None:
    bench.server.faults.append(Fault("POST /v1/agents", 502, "upstream_error", after=True))
    async with bench.place("lost") as (place, branch):
        agent = bench.adapter()
        await agent.result(await agent.start(job(branch), "r/lost", place))
        assert await bench.made(place, branch) == "made\n"
    assert bench.started() == 1
    assert bench.server.calls.count("POST /v1/agents") == 2


async def test_a_stream_that_breaks_is_resumed_after_what_was_heard(bench: CloudBench) -> None:
    async def talk(work: Work, place: Path) -> str:
        work.say("assistant", text="one")
        work.say("cut")
        await asyncio.sleep(0.5)
        work.say("assistant", text="two")
        return await bench.do(work, place)

    bench.server.doing = talk
    async with bench.place("broken") as (place, branch):
        agent = bench.adapter()
        result = await agent.result(await agent.start(job(branch), "r/broken", place))
    assert result.output.changeset_summary == "Wrote the file"


@pytest.mark.parametrize(
    ("status", "code"), [(410, "stream_expired"), (503, "stream_unavailable"), (400, "invalid_last_event_id")]
)
async def test_without_a_stream_the_run_is_asked_for(bench: CloudBench, status: int, code: str) -> None:
    bench.server.faults.extend([Fault("GET .*/stream", status, code)] * 3)
    async with bench.place("polled") as (place, branch):
        agent = bench.adapter()
        result = await agent.result(await agent.start(job(branch), f"r/{code}", place))
    assert result.output.changeset_summary == "Wrote the file"


async def test_usage_that_is_not_told_is_estimated_and_said_to_be(bench: CloudBench) -> None:
    bench.server.tells_usage = False
    async with bench.place("estimated") as (place, branch):
        agent = bench.adapter()
        result = await agent.result(await agent.start(job(branch), "r/estimated", place))
    assert result.usage.input_tokens > 0
    assert result.warnings == [cursor_cloud.NOT_TOLD]


async def test_usage_counts_what_it_costs(bench: CloudBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPLINE_CODER_USD_IN", "2")
    monkeypatch.setenv("SHIPLINE_CODER_USD_OUT", "10")
    async with bench.place("priced") as (place, branch):
        agent = bench.adapter()
        result = await agent.result(await agent.start(job(branch), "r/priced", place))
    assert (result.usage.input_tokens, result.usage.output_tokens) == bench.server.used()
    assert result.usage.usd == pytest.approx((100 * 2 + 20 * 10) / 1_000_000)


async def test_more_can_be_said_once_it_has_ended(bench: CloudBench) -> None:
    async with bench.place("more") as (place, branch):
        agent = bench.adapter()
        ref = await agent.start(job(branch), "r/more", place)
        await agent.result(ref)
        await agent.follow_up(ref, "And a test")
        await agent.result(ref)
        assert [each.prompt for each in bench.server.runs.values()][1] == "And a test"
        bench.acts("hangs")
        await agent.follow_up(ref, "Wait")
        with pytest.raises(AgentError, match="agent_busy"):
            await agent.follow_up(ref, "Now")
        await agent.cancel(ref)


KINDS: dict[Decision, type[ShiplineError]] = {
    Decision.CONFIGURE: ConfigError, Decision.WRONG: AgentError, Decision.WAIT: Unavailable,
    Decision.AGAIN: Unavailable,
}  # fmt: skip
REFUSALS = [(code, kind) for code, decision in DECISIONS.items() if (kind := KINDS.get(decision))]


@pytest.mark.parametrize(("code", "kind"), REFUSALS)
async def test_each_refusal_of_a_start_has_its_end(bench: CloudBench, code: str, kind: type[ShiplineError]) -> None:
    again = DECISIONS[code] is Decision.AGAIN
    bench.server.faults.extend([Fault("POST /v1/agents", 500 if again else 400, code)] * (5 if again else 1))
    async with bench.place("refused") as (place, branch):
        with pytest.raises(kind, match=code) as refused:
            await bench.adapter().start(job(branch), f"r/{code}", place)
    assert refused.value.hint
    assert bench.started() == 0


async def test_a_limit_is_waited_for(bench: CloudBench) -> None:
    limit = Fault("POST /v1/agents", 429, "rate_limit_exceeded", {"Retry-After": "1"})
    bench.server.faults.extend([limit, limit])
    async with bench.place("limited") as (place, branch):
        agent = bench.adapter()
        await agent.result(await agent.start(job(branch), "r/limited", place))
    assert bench.started() == 1


async def test_what_is_not_cursor_s_shape_is_said_too(bench: CloudBench) -> None:
    bench.server.faults.append(Fault("POST /v1/agents", 400, "", body="<html>A proxy</html>"))
    async with bench.place("proxy") as (place, branch):
        with pytest.raises(AgentError, match="400 unknown: <html>A proxy"):
            await bench.adapter().start(job(branch), "r/proxy", place)


async def test_without_a_key_it_says_which(bench: CloudBench, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.delenv("CURSOR_API_KEY")
    with pytest.raises(ConfigError, match="need a key") as refused:
        await bench.adapter().start(job("main"), "r/keyless", Path("unused"))
    assert "CURSOR_API_KEY" in refused.value.hint


@pytest.mark.parametrize("code", contract.error_codes() if contract.known() else DECISIONS)
def test_every_code_of_the_contract_has_a_decision(code: str) -> None:
    assert code in DECISIONS


async def test_cancelling_a_run_removes_what_its_agents_worked_on(bench: CloudBench, run: Run) -> None:
    repo = Reader(bench.ctx.github, REPO)
    head = str(await repo.branch_sha("main"))
    mine = [f"agent/{run.id}/leaf/1-developer-implementer", f"agent/{run.id}/other/2-conflict"]
    others = [f"agent/{run.id}x/leaf/1-refactorer", f"task/{run.id}"]
    for branch in [*mine, *others]:
        await repo.create_branch(branch, head)
    assert await remove_scratch(repo, run.id) == []
    assert [await repo.branch_sha(each) for each in mine] == [None, None]
    assert [await repo.branch_sha(each) for each in others] == [head, head]
    assert await remove_scratch(repo, run.id) == []
    for branch in others:
        await repo.delete_branch(branch)
