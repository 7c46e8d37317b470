"""Control with a real ledger and nobody else there: Prefect and GitHub do not answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from ledger.effects import Key
from ledger.issues import get_issue
from ledger.models import (
    AgentInput,
    AgentRun,
    AgentRunStatus,
    EffectKind,
    Issue,
    IssueStatus,
    IssueType,
    Outcome,
    Run,
    issue_id,
)
from ledger.runs import create_run
from ledger.store import Store
from shipline.errors import IllegalTransition, InvalidInput, Unavailable
from tasks import control, leftovers
from tasks.agents.ports import AgentRef
from tasks.context import close_context, context


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def run(store: Store, mongodb: str, database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Run]:
    """A run, and a process that is configured for its ledger."""
    nobody = f"http://127.0.0.1:{_closed_port()}"
    told = {"SHIPLINE_MONGODB_URI": mongodb, "SHIPLINE_DATABASE": database, "SHIPLINE_GITHUB_TOKEN": "t0ken-of-a-test"}
    for name, value in {**told, "SHIPLINE_GITHUB_API_URL": nobody, "PREFECT_API_URL": f"{nobody}/api"}.items():
        monkeypatch.setenv(name, value)
    await close_context()
    yield await create_run(store, "an idea", "o/r", "main")
    await close_context()


async def test_a_pause_does_not_need_prefect(store: Store, run: Run) -> None:
    await control.pause(run.id, by="ann", reason="lunch")
    assert (await store.get(Run, run.id)).interrupt.paused


async def test_a_resume_that_reaches_no_prefect_changes_nothing(store: Store, run: Run) -> None:
    await control.pause(run.id, by="ann")
    before = await store.get(Run, run.id)
    with pytest.raises(Unavailable, match=r"Prefect at .* does not answer"):
        await control.resume(run.id, by="ann")
    with pytest.raises(Unavailable):
        await control.resume_all(by="ann")
    assert await store.get(Run, run.id) == before


async def test_a_cancel_without_prefect_says_what_it_could_not_see(store: Store, run: Run) -> None:
    proof = await control.cancel(run.id, by="ann", within=0.1)
    lines = {line.what: line for line in proof.lines}
    assert not proof.clear
    assert not lines["flow runs"].clear
    assert "does not answer" in lines["flow runs"].note
    assert lines["agents"].clear
    assert lines["processes"].clear
    after = await store.get(Run, run.id)
    assert (after.outcome, after.interrupt.cancelled) == (Outcome.CANCELLED, True)  # the ledger came first


async def test_what_works_in_the_runs_folder_is_ended(run: Run) -> None:
    ctx = await context()
    place = ctx.settings.home / "work" / run.id / "a-agent"
    place.mkdir(parents=True)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    asleep = "import time; time.sleep(600)"
    with (
        subprocess.Popen([sys.executable, "-c", deaf], cwd=place, stdout=subprocess.PIPE) as mine,  # noqa: ASYNC220
        subprocess.Popen([sys.executable, "-c", asleep], cwd=place.parent.parent) as other,  # noqa: ASYNC220
    ):
        try:
            assert mine.stdout is not None
            assert mine.stdout.read(1) == b"1"
            assert [each.pid for each in leftovers.processes_of(ctx, run.id)] == [mine.pid]
            await leftovers.end_processes(ctx, run.id)
            assert mine.wait(5) != 0
            assert other.poll() is None  # another run's
        finally:
            for each in (mine, other):
                with contextlib.suppress(ProcessLookupError):
                    each.kill()


async def test_an_agent_is_cancelled_by_its_ref_from_another_process(
    store: Store, run: Run, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import time; time.sleep(600)", start_new_session=True
    )
    monkeypatch.setenv("SHIPLINE_CODER", f"{__name__}:ByPid")
    await close_context()
    key = Key(run.id, "a", "1", EffectKind.AGENT_DEVELOPER_IMPLEMENTER)
    asked = AgentRun(
        id=str(key), run_id=run.id, agent_id="developer-implementer", project_id="p", node_key="a", round="1",
        input=AgentInput(repo="o/r", objective="work"), status=AgentRunStatus.RUNNING, ref=str(process.pid),
    )  # fmt: skip
    await store.insert(asked)
    proof = await control.cancel(run.id, by="ann", within=0.1)
    assert next(line for line in proof.lines if line.what == "agents").clear
    assert await asyncio.wait_for(process.wait(), 5) < 0
    assert (await store.get(AgentRun, asked.id)).error == "Cancelled with its run."


class ByPid:
    """As much of a coding agent as can be cancelled: its ref is its process."""

    async def cancel(self, ref: AgentRef) -> None:
        """End it."""
        psutil.Process(int(ref.id)).kill()


async def test_only_a_node_that_failed_is_retried(store: Store, run: Run) -> None:
    for key, failure in (("epic", None), ("a", "It broke."), ("b", None)):
        kind = IssueType.EPIC if key == "epic" else IssueType.TASK
        await store.insert(
            Issue(
                id=issue_id(run.id, key), run_id=run.id, project_id="p", repo="o/r", key=key, type=kind, title=key,
                parent=None if key == "epic" else "epic", status=IssueStatus.IN_PROGRESS, failure=failure,
            )
        )  # fmt: skip
    sibling = await get_issue(store, run.id, "b")
    with pytest.raises(InvalidInput, match="b has not failed"):
        await control.retry(run.id, "b", by="ann")
    await control.pause(run.id, by="ann")  # so that no flow run is wanted
    said = (await control.retry(run.id, "a", by="ann")).said
    assert "Paused by ann" in said
    tried = await get_issue(store, run.id, "a")
    assert (tried.failure, tried.round, tried.status) == (None, 2, IssueStatus.NEW)
    assert await get_issue(store, run.id, "b") == sibling
    with pytest.raises(InvalidInput, match="a has not failed"):
        await control.retry(run.id, "a", by="ann")


async def test_advance_names_what_is_in_the_way_and_changes_nothing(store: Store, run: Run) -> None:
    await store.change(Run, run.id, {"state": "SPEC_WRITING"})
    before = await store.get(Run, run.id)
    with pytest.raises(IllegalTransition, match="stays at SPEC_WRITING: The spec is not written"):
        await control.advance(run.id, by="ann")
    assert await store.get(Run, run.id) == before


def test_a_process_of_another_machine_is_never_called_dead() -> None:
    mine = leftovers.this_process()
    assert not leftovers.is_dead(mine)
    assert leftovers.is_dead(mine.model_copy(update={"started": mine.started - 60}))  # the pid was given to another
    assert not leftovers.is_dead(mine.model_copy(update={"machine": "elsewhere", "pid": os.getpid() + 1}))
    assert not leftovers.is_dead(None)
