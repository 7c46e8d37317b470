"""Our process killed while an agent works: the agent is found again where it can be, and is nowhere begun twice."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from deployments.ports import free_port
from gateway.app import create_app
from ledger.issues import get_issue
from ledger.models import (
    AgentJob,
    AgentOutput,
    AgentResult,
    AgentRun,
    AgentRunStatus,
    Errand,
    Event,
    Issue,
    IssueType,
    Run,
    Usage,
    issue_id,
)
from shipline.errors import Unavailable
from tasks.agents import http_agent, registry
from tasks.agents.acp_agent import AGAIN
from tasks.agents.ports import AgentEvent, AgentRef
from tasks.context import Context
from tasks.github.reading import Reader
from tasks.implementing import implement
from tests.e2e.conftest import ROOT
from tests.integration.agents.test_acp import LocalBench
from tests.integration.agents.test_acp import bench as local
from tests.integration.agents.test_cursor_cloud import CloudBench
from tests.integration.agents.test_cursor_cloud import bench as cloud
from tests.integration.agents.test_http import OPERATOR
from tests.integration.reconcile.conftest import plain
from tests.integration.sandbox.support import TOKEN
from tests.services.served import served

__all__ = ["cloud", "local"]

pytestmark = pytest.mark.timeout(300)
KEY = "leaf"
WORKER = """
import asyncio, sys
from tasks.implementing import implement
asyncio.run(implement.fn(*sys.argv[1:]))
"""
# One that dies when the change is made, and nobody was told of it.
DYING = """
import os, signal
from tasks.agents import codemod
known = codemod.understand
def understand(objective):
    change = known(objective)
    def and_die(place):
        change(place)
        os.kill(os.getpid(), signal.SIGKILL)
    return and_die
codemod.understand = understand
"""


@contextmanager
def process(*words: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours."""
    kept = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    made = subprocess.Popen([sys.executable, *words], cwd=ROOT, env=kept)
    try:
        yield made
    finally:
        made.kill()
        made.wait()


async def until(done: Callable[[], bool]) -> None:
    """Wait for another process."""
    for _ in range(900):
        if done():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it does not come to that")


@pytest.fixture
async def leaf(ctx: Context, run: Run, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Issue]:
    """Something to implement, with a file that a codemod finds something to do in."""
    monkeypatch.setattr(registry, "_coders", {})
    repo, branch = Reader(ctx.github, run.repo), f"task/{run.id}"
    await repo.create_branch(branch, str(await repo.branch_sha("main")))
    content = base64.b64encode(b"import sys\nimport os\n\nprint(os, sys)\n").decode()
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        file = {"message": "Add", "content": content, "branch": branch}
        (await client.put(f"{ctx.github.api_url}/repos/{run.repo}/contents/a.py", json=file)).raise_for_status()
    made = Issue(
        id=issue_id(run.id, KEY), run_id=run.id, project_id=run.project_id, repo=run.repo, key=KEY,
        type=IssueType.TASK, title="Sort imports", number=1, branch=branch, base="main",
        head=await repo.branch_sha(branch),
    )  # fmt: skip
    await ctx.store.insert(made)
    yield made
    await repo.delete_branch(branch)


def use(ctx: Context, monkeypatch: pytest.MonkeyPatch, coder: str) -> None:
    """The coding agent, of this process and of its children."""
    object.__setattr__(ctx.settings, "coder", coder)
    monkeypatch.setenv("SHIPLINE_CODER", coder)


async def killed_while(run: Run, works: Callable[[], bool], **environment: str) -> None:
    """A worker that is killed as soon as its agent works."""
    with process("-c", WORKER, run.id, KEY, **environment) as worker:
        await until(works)
        worker.send_signal(signal.SIGKILL)
        worker.wait()


async def goes_on(ctx: Context, run: Run, leaf: Issue) -> None:
    """Another worker finishes it, and it was done once."""
    before = await ctx.store.get(AgentRun, f"{run.id}/{KEY}/1/agent.developer-implementer")
    assert before.status is AgentRunStatus.RUNNING
    head = await plain(implement)(run.id, KEY)
    repo = Reader(ctx.github, run.repo)
    assert await repo.branch_sha(str(leaf.branch)) == head
    assert len(await repo.commits_since(str(leaf.head), str(leaf.branch))) == 1
    (after,) = await ctx.store.find(AgentRun, {"runId": run.id})
    assert after.status is AgentRunStatus.COMPLETED
    assert (await get_issue(ctx.store, run.id, KEY)).head == head


async def timeline(ctx: Context, run: Run) -> str:
    """What the ledger says."""
    return "\n".join(each.msg for each in await ctx.store.find(Event, {"runId": run.id}))


@pytest.mark.parametrize("how", ["resume", pytest.param("neither", marks=pytest.mark.slow)])
async def test_a_local_agent_s_session_is_taken_up_or_it_is_started_once_more(
    ctx: Context, run: Run, leaf: Issue, local: LocalBench, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    use(ctx, monkeypatch, registry.ACP)
    (local.control / "takes-up").write_text(how)
    local.acts("hangs")
    await killed_while(run, lambda: any(line.startswith("prompt") for line in local.log()))
    await until(local.stopped)  # it ends with us
    local.acts("writes")
    await goes_on(ctx, run, leaf)
    assert local.started() == (1 if how == "resume" else 2)
    assert (AGAIN in await timeline(ctx, run)) is (how == "neither")


@pytest.mark.slow
async def test_an_agent_in_the_cloud_works_on_and_is_found(
    ctx: Context, run: Run, leaf: Issue, cloud: CloudBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(ctx, monkeypatch, registry.CURSOR_CLOUD)
    asked, go = cloud.server.doing, asyncio.Event()

    async def waits(work: object, place: Path) -> str:
        while not go.is_set():  # noqa: ASYNC110 (set by another thread)
            await asyncio.sleep(0.05)
        return await asked(work, place)  # type: ignore[arg-type]

    cloud.server.doing = waits
    await killed_while(run, lambda: len(cloud.server.agents) == 1)
    go.set()
    await goes_on(ctx, run, leaf)
    assert cloud.started() == 1


class Patient:
    """A coding agent in the gateway's process that works until it is told to be done."""

    def __init__(self) -> None:
        self.place = Path(os.environ["PATIENT"])
        self.workspaces: dict[str, Path] = {}

    def knows(self, idea: str) -> bool:
        return True

    async def start(self, job: AgentJob, key: str, workspace: Path) -> AgentRef:
        with (self.place / "started").open("a") as out:
            out.write(f"{key}\n")
        self.workspaces[key] = workspace
        return AgentRef(id=key)

    async def result(self, ref: AgentRef) -> AgentResult:
        await until((self.place / "go").exists)
        (self.workspaces[ref.id] / "made.txt").write_text("made\n")
        return AgentResult(output=AgentOutput(changeset_summary="Wrote the file"), usage=Usage(input_tokens=1))

    async def events(self, ref: AgentRef, after: str | None = None) -> AsyncIterator[AgentEvent]:
        if after is None:
            yield AgentEvent(id="1", text=ref.id)


@pytest.fixture
def _over_http(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own agent is behind HTTP; the gateway's is what the environment names."""
    object.__setattr__(ctx.settings, "coder", registry.HTTP)
    monkeypatch.setenv("SHIPLINE_API_TOKENS", json.dumps({"worker": f"operator:{OPERATOR}"}))
    monkeypatch.setenv("SHIPLINE_CODER_TOKEN", OPERATOR)
    monkeypatch.setattr(http_agent, "LOOK", 0.1)
    monkeypatch.setattr(http_agent, "pause", lambda _: 0.0)


@pytest.mark.slow
@pytest.mark.usefixtures("_over_http")
async def test_an_agent_behind_http_works_on_when_who_asked_is_killed(
    ctx: Context, run: Run, leaf: Issue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATIENT", str(tmp_path))
    monkeypatch.setenv("SHIPLINE_CODER", f"{__name__}:{Patient.__name__}")
    with served(create_app(), lifespan=True) as url:
        monkeypatch.setenv("SHIPLINE_CODER_URL", url)
        await killed_while(run, (tmp_path / "started").exists, SHIPLINE_CODER=registry.HTTP)
        (tmp_path / "go").touch()
        await goes_on(ctx, run, leaf)
    assert len((tmp_path / "started").read_text().splitlines()) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("_over_http")
async def test_an_agent_behind_http_is_taken_up_when_its_gateway_is_killed(
    ctx: Context, run: Run, leaf: Issue, local: LocalBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPLINE_CODER", registry.ACP)
    local.acts("hangs")
    port = free_port()
    monkeypatch.setenv("SHIPLINE_CODER_URL", f"http://127.0.0.1:{port}")
    words = ["-m", "uvicorn", "--factory", "gateway.app:create_app", "--port", str(port), "--log-level", "error"]
    with process(*words) as first:
        await answers(port)
        asking = asyncio.create_task(plain(implement)(run.id, KEY))
        await until(lambda: any(line.startswith("prompt") for line in local.log()))
        first.send_signal(signal.SIGKILL)
        with pytest.raises(Unavailable, match="does not answer"):
            await asking
    await until(local.stopped)
    local.acts("writes")
    # A gateway that is not heard of any more counts as gone after a while.
    await ctx.store.collection(Errand).update_many({}, {"$currentDate": {"until": True}})
    with served(create_app(), lifespan=True) as url:
        monkeypatch.setenv("SHIPLINE_CODER_URL", url)
        head = await plain(implement)(run.id, KEY)
    assert await Reader(ctx.github, run.repo).branch_sha(str(leaf.branch)) == head
    assert [line.split()[0] for line in local.log()].count("resume") == 1
    assert local.started() == 1


async def answers(port: int) -> None:
    """Wait for a gateway."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(900):
            try:
                await client.get("/")
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            else:
                return
    raise AssertionError("no gateway")


async def test_a_codemod_is_carried_out_once_more_on_the_same_files(
    ctx: Context, run: Run, leaf: Issue, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(ctx, monkeypatch, registry.CODEMOD)
    with process("-c", DYING + WORKER, run.id, KEY) as worker:
        assert await asyncio.to_thread(worker.wait, 90) == -signal.SIGKILL
    await goes_on(ctx, run, leaf)
    assert (
        await Reader(ctx.github, run.repo).text(str(leaf.branch), "a.py") == "import os\nimport sys\n\nprint(os, sys)\n"
    )
    assert "is started once more" in await timeline(ctx, run)
