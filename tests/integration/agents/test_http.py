"""The http adapter and what answers it: the gateway, with a local agent behind it."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from gateway.app import create_app
from ledger.models import AgentOutput, AgentResult, Errand, Usage
from shipline.errors import AgentError
from tasks.agents import http_agent, registry
from tasks.agents.execution import PATH
from tasks.agents.http_agent import HttpAgent
from tasks.agents.ports import AgentEvent, AgentFailed, AgentRef, CodingAgent
from tasks.context import Context, context
from tasks.git import Remote, clone, discard
from tasks.github.reading import Reader
from tests.integration.agents.behaviour import Behaviour, Can, _until, job
from tests.integration.agents.test_acp import AGENT, LocalBench
from tests.services.served import served

REPO = "demo/tally"
OPERATOR, VIEWER = "operator-token-of-the-tests", "viewer-token-of-the-tests"


@dataclass
class HttpBench(LocalBench):
    """The adapter, a gateway, and the scripted local agent behind it; on branches of a real repository."""

    ctx: Context
    url: str
    ends: Callable[[], None]  # the gateway

    def adapter(self) -> CodingAgent:
        return HttpAgent()

    @asynccontextmanager
    async def place(self, name: str) -> AsyncIterator[tuple[Path, str]]:
        repo, branch = Reader(self.ctx.github, REPO), f"agent/http/{self.control.name}-{name}"
        await repo.create_branch(branch, str(await repo.branch_sha("main")))
        yield Path("unused"), branch
        await repo.delete_branch(branch)

    async def made(self, place: Path, branch: str) -> str | None:
        return await Reader(self.ctx.github, REPO).text(branch, "made.txt")

    def client(self, token: str = OPERATOR) -> httpx.AsyncClient:
        """As somebody who asks by hand."""
        return httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


@pytest.fixture
def bench(ctx: Context, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpBench]:
    """All of it, configured."""
    monkeypatch.setenv("SHIPLINE_ACP_COMMAND", shlex.join([sys.executable, str(AGENT), str(tmp_path)]))
    monkeypatch.setenv("SHIPLINE_ACP_PATHS", json.dumps([f"{tmp_path}:rw"]))
    monkeypatch.setenv("SHIPLINE_CODER", "acp")
    tokens = {"worker": f"operator:{OPERATOR}", "looker": f"viewer:{VIEWER}"}
    monkeypatch.setenv("SHIPLINE_API_TOKENS", json.dumps(tokens))
    monkeypatch.setattr(http_agent, "LOOK", 0.1)
    monkeypatch.setenv("SHIPLINE_CODER_TOKEN", OPERATOR)
    with ExitStack() as stack:
        url = stack.enter_context(served(create_app(), lifespan=True))
        monkeypatch.setenv("SHIPLINE_CODER_URL", url)
        yield HttpBench(tmp_path, home, ctx, url, stack.close)


class TestHttp(Behaviour):
    """All of it but one."""

    adapter = "http"
    cannot: ClassVar = {Can.LISTEN: "no: a run asks a new agent in a new round"}


async def test_a_gateway_that_ends_leaves_its_errand_to_the_next(
    bench: HttpBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.acts("hangs")
    agent = bench.adapter()
    async with bench.place("left") as (place, branch):
        bench.ends()
        with served(create_app(), lifespan=True) as first:
            monkeypatch.setenv("SHIPLINE_CODER_URL", first)
            ref = await agent.start(job(branch), "r/left", place)
            await _until(lambda: any(line.startswith("prompt") for line in bench.log()))
        assert bench.stopped()
        bench.acts("writes")
        monkeypatch.setattr(registry, "_coders", {})  # another process
        with served(create_app(), lifespan=True) as second:
            monkeypatch.setenv("SHIPLINE_CODER_URL", second)
            await agent.result(ref)
        assert await bench.made(place, branch) == "made\n"
    assert bench.started() == 1
    assert [line.split()[0] for line in bench.log()].count("resume") == 1


async def test_one_that_failed_is_begun_anew_by_the_same_key(bench: HttpBench) -> None:
    bench.acts("fails")
    agent = bench.adapter()
    async with bench.place("again") as (place, branch):
        ref = await agent.start(job(branch), "r/again", place)
        with pytest.raises(AgentError, match="no good"):
            await agent.result(ref)
        bench.acts("writes")
        assert await agent.start(job(branch), "r/again", place) == ref
        await agent.result(ref)
        assert await bench.made(place, branch) == "made\n"


async def test_what_was_pushed_before_the_gateway_died_is_not_pushed_again(bench: HttpBench) -> None:
    bench.acts("writes")
    agent = bench.adapter()
    async with bench.place("pushed") as (place, branch):
        ref = await agent.start(job(branch), "r/pushed", place)
        await agent.result(ref)
        repo = Reader(bench.ctx.github, REPO)
        head = await repo.branch_sha(branch)
        # As if it had died before it could say so.
        await bench.ctx.store.change(Errand, ref.id, {"status": "working", "head": None, "result": None})
        await bench.ctx.store.collection(Errand).update_one({"_id": ref.id}, {"$currentDate": {"until": True}})
        await agent.result(ref)
        assert await repo.branch_sha(branch) == head
        assert (await bench.ctx.store.get(Errand, ref.id)).head == head


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"branch": "main"}, 409, "main is not a branch to work on"),
        ({"branch": "integration"}, 409, "not a branch to work on"),
        ({"branch": "task/none"}, 404, "has no branch task/none"),
        ({"repo": "demo/none"}, 404, "demo/none"),
        ({"repo": "no-slash"}, 422, "body.repo"),
        ({"branch": "-x"}, 422, "body.branch"),
        ({"task": "  "}, 422, "body.task"),
        ({"more": 1}, 422, "body.more"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_words(
    bench: HttpBench, change: dict[str, Any], status: int, words: str
) -> None:
    body = {"repo": REPO, "branch": "agent/x", "task": "Write it", "context": "", **change}
    async with bench.client() as client:
        answer = await client.post(PATH, json=body)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail"]


async def test_a_key_stands_for_one_request_and_for_its_owner_alone(bench: HttpBench) -> None:
    bench.acts("writes")
    async with bench.place("keys") as (_, branch):
        body = {"repo": REPO, "branch": branch, "task": "Write it"}
        async with bench.client() as client:
            first = await client.post(PATH, json=body, headers={"Idempotency-Key": "k"})
            again = await client.post(PATH, json=body, headers={"Idempotency-Key": "k"})
            told_more = {**body, "context": "What went wrong lately"}
            later = await client.post(PATH, json=told_more, headers={"Idempotency-Key": "k"})
            other = await client.post(PATH, json={**body, "task": "Else"}, headers={"Idempotency-Key": "k"})
            assert first.status_code == 202
            assert first.json()["id"] == again.json()["id"] == later.json()["id"]
            assert other.status_code == 409
            await _ended(client, first.json()["id"])
        async with bench.client(VIEWER) as looker:
            assert (await looker.post(PATH, json=body)).status_code == 403
            assert (await looker.get(f"{PATH}/{first.json()['id']}")).status_code == 200
        async with httpx.AsyncClient(base_url=bench.url) as nobody:
            assert (await nobody.post(PATH, json=body)).status_code == 401


async def test_on_a_branch_that_is_no_scratch_the_guards_stand(
    bench: HttpBench, ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPLINE_CODER", "tests.integration.agents.test_http:Vandal")
    repo = Reader(ctx.github, REPO)
    await repo.create_branch("task/guarded", str(await repo.branch_sha("main")))
    async with bench.client() as client:
        made = await client.post(PATH, json={"repo": REPO, "branch": "task/guarded", "task": "Be good"})
        ended = await _ended(client, made.json()["id"])
    assert ended["status"] == "failed"
    assert "A guard stopped the change: protected-path: .github/workflows/own.yml" in ended["error"]
    assert "nobody can let it pass here" in ended["error"]
    assert await repo.branch_sha("task/guarded") == await repo.branch_sha("main")
    await repo.delete_branch("task/guarded")


async def test_an_agent_that_works_on_a_branch_is_given_one_beside_and_the_guards_stand_between(
    bench: HttpBench, ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPLINE_CODER", "tests.integration.agents.test_http:Elsewhere")
    repo = Reader(ctx.github, REPO)
    main = str(await repo.branch_sha("main"))
    await repo.create_branch("task/beside", main)
    body = {"repo": REPO, "branch": "task/beside", "task": "Be good"}
    async with bench.client() as client:
        for path, words in (
            (".github/workflows/own.yml", "protected-path: .github/workflows/own.yml"),
            ("requirements.txt", "evil is a dependency that was not there before (the package index did not tell"),
        ):
            monkeypatch.setattr(Elsewhere, "writes", path)
            made = await client.post(PATH, json=body, headers={"Idempotency-Key": "beside"})
            ended = await _ended(client, made.json()["id"])
            assert ended["status"] == "failed"
            assert words in ended["error"]
            assert await repo.branch_sha("task/beside") == main
        monkeypatch.setattr(Elsewhere, "writes", "made.txt")
        made = await client.post(PATH, json=body, headers={"Idempotency-Key": "beside"})
        ended = await _ended(client, made.json()["id"])
    assert ended["status"] == "completed", ended
    assert await repo.branch_sha("task/beside") == ended["head"] != main
    assert await repo.text("task/beside", "made.txt") == "evil\n"
    assert ended["usage"]["inputTokens"] == 3 * 7, "those of the attempts that a guard stopped count too"
    assert all(each.startswith("agent/errand/") for each in Elsewhere.branches)
    assert len(set(Elsewhere.branches)) == 3
    assert await repo.branches_below("agent/errand/") == []
    await repo.delete_branch("task/beside")


async def test_what_a_failed_one_used_is_told_and_summed_over_its_attempts(bench: HttpBench) -> None:
    bench.acts("refuses")
    agent = bench.adapter()
    async with bench.place("used") as (place, branch):
        ref = await agent.start(job(branch), "r/used", place)
        with pytest.raises(AgentFailed, match="refusal") as failed:
            await agent.result(ref)
        bench.acts("writes")
        result = await agent.result(await agent.start(job(branch), "r/used", place))
    assert (failed.value.usage.input_tokens, failed.value.usage.output_tokens) == (30, 3)
    assert (result.usage.input_tokens, result.usage.output_tokens) == (130, 23)
    assert result.account == failed.value.account == ref.id


@pytest.mark.parametrize("coder", ["recorded", "http"])
async def test_a_gateway_without_an_agent_of_its_own_says_so(
    bench: HttpBench, monkeypatch: pytest.MonkeyPatch, coder: str
) -> None:
    bench.ends()
    monkeypatch.setenv("SHIPLINE_CODER", coder)
    with served(create_app(), lifespan=True) as url:
        monkeypatch.setenv("SHIPLINE_CODER_URL", url)
        with pytest.raises(AgentError, match=f"is '{coder}', which cannot work for others"):
            await bench.adapter().start(job("agent/x"), "r/none", Path())


class Vandal(HttpAgent):
    """A coding agent that plants a workflow."""

    on_branch = False

    async def start(self, job: Any, key: str, workspace: Path) -> AgentRef:
        file = workspace / ".github" / "workflows" / "own.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("on: push\n")
        return AgentRef(id="vandal")

    async def result(self, ref: AgentRef) -> AgentResult:
        return AgentResult(output=AgentOutput(changeset_summary="I was good"))

    async def events(self, ref: AgentRef, after: str | None = None) -> AsyncIterator[AgentEvent]:
        if after == "never":
            yield AgentEvent(id="1", text="nothing")


class Elsewhere(HttpAgent):
    """A coding agent that works on the branch it is given."""

    branches: ClassVar[list[str]] = []
    writes = ""

    async def start(self, job: Any, key: str, workspace: Path) -> AgentRef:
        ctx = await context()
        repo = Reader(ctx.github, REPO)
        Elsewhere.branches.append(job.input.branch)
        remote = Remote(str((await repo.about()).clone_url), await ctx.github.git_token(REPO))
        made = await clone(remote, job.input.branch, workspace.parent / "theirs")
        file = made.path / Elsewhere.writes
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("evil\n")
        await made.stage()
        await made.push(await made.commit("", "My own words"), job.input.branch)
        await discard(made)
        return AgentRef(id="elsewhere")

    async def result(self, ref: AgentRef) -> AgentResult:
        return AgentResult(output=AgentOutput(changeset_summary="I was good"), usage=Usage(input_tokens=7))

    async def events(self, ref: AgentRef, after: str | None = None) -> AsyncIterator[AgentEvent]:
        if after == "never":
            yield AgentEvent(id="1", text="nothing")


async def _ended(client: httpx.AsyncClient, errand: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(200):
        found = dict((await client.get(f"{PATH}/{errand}")).json())
        if found["status"] not in ("waiting", "working"):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"{found} does not end")
