"""A leaf whose change a guard stops: nothing is pushed, it is held, and a person may let exactly that pass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ledger.interrupts import pause_run
from ledger.issues import get_issue
from ledger.models import (
    AgentJob,
    AgentOutput,
    AgentResult,
    AgentRun,
    Event,
    Issue,
    IssueStatus,
    IssueType,
    Run,
    Usage,
    issue_id,
)
from shipline.errors import GuardBlocked, InvalidInput
from tasks import control
from tasks.agents import registry
from tasks.agents.ports import AgentEvent, AgentRef
from tasks.context import Context
from tasks.github.repo import Repo
from tasks.implementing import implement
from tasks.state import mark_failed
from tests.integration.quality.test_environment import wheel
from tests.integration.reconcile.conftest import plain

KEY, BRANCH = "leaf", "task/1-leaf"


class Adds:
    """A coding agent that brings a dependency, each time another one."""

    asked = 0
    requirement = ""

    def knows(self, idea: str) -> bool:
        return True

    async def start(self, job: AgentJob, key: str, workspace: Path) -> AgentRef:
        Adds.asked += 1
        (workspace / "requirements.txt").write_text(f"{Adds.requirement}\n")
        (workspace / "made.txt").write_text(f"{Adds.asked}\n")
        return AgentRef(id=key)

    async def result(self, ref: AgentRef) -> AgentResult:
        return AgentResult(output=AgentOutput(changeset_summary="Add it"), usage=Usage(input_tokens=1))

    async def events(self, ref: AgentRef, after: str | None = None) -> AsyncIterator[AgentEvent]:
        if after == "never":
            yield AgentEvent(id="1", text="nothing")

    async def cancel(self, ref: AgentRef) -> None:
        """It has ended."""


@pytest.fixture
async def leaf(ctx: Context, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Repo]:
    """A leaf with a branch, and the agent; pip knows one package. Nothing starts by itself: the run is paused."""
    repo = Repo(ctx.github, run.repo)
    await repo.create_branch(BRANCH, str(await repo.branch_sha("main")))
    issue = Issue(
        id=issue_id(run.id, KEY), run_id=run.id, project_id=run.project_id, repo=run.repo, key=KEY,
        type=IssueType.TASK, title="A leaf", number=1, branch=BRANCH, base="main",
    )  # fmt: skip
    await ctx.store.insert(issue)
    wheel(tmp_path, "niceness", "License-Expression: MIT")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("SHIPLINE_CODER", "tests.integration.agents.test_guarding:Adds")
    monkeypatch.setattr(Adds, "asked", 0)
    monkeypatch.setattr(Adds, "requirement", "niceness>=1")
    monkeypatch.setattr(registry, "_coders", {})
    object.__setattr__(ctx.settings, "coder", "tests.integration.agents.test_guarding:Adds")
    yield repo
    await repo.delete_branch(BRANCH)


async def _stopped(run: Run) -> str:
    with pytest.raises(GuardBlocked) as blocked:
        await plain(implement)(run.id, KEY)
    await mark_failed(run.id, KEY, str(blocked.value))
    return str(blocked.value)


async def test_exactly_what_was_held_passes_and_nobody_is_asked_again(ctx: Context, run: Run, leaf: Repo) -> None:
    before = await leaf.branch_sha(BRANCH)
    said = await _stopped(run)
    reason = (
        "new-dependency: requirements.txt: niceness>=1 is a dependency that was not there before (its licence is MIT)"
    )
    assert reason in said
    assert f"shipline allow {run.id} {KEY}" in said
    assert await leaf.branch_sha(BRANCH) == before
    issue = await get_issue(ctx.store, run.id, KEY)
    assert issue.held is not None
    assert issue.held.reasons == [reason]
    assert issue.may_pass

    await pause_run(ctx.store, run.id, "Ada", "")
    await control.allow(run.id, KEY, by="Ada")
    issue = await get_issue(ctx.store, run.id, KEY)
    assert (issue.failure, issue.status, issue.round) == (None, IssueStatus.NEW, 1)
    assert issue.held is not None
    assert issue.held.allowed_by == "Ada"
    with pytest.raises(InvalidInput, match="No guard holds a change"):
        await control.allow(run.id, KEY, by="Ada")
    events = await ctx.store.find(Event, {"runId": run.id})
    assert any(each.msg.startswith(f"Ada lets the change of {KEY} pass: new-dependency") for each in events)

    await ctx.store.change(Run, run.id, {"interrupt.paused": False})
    head = await plain(implement)(run.id, KEY)
    assert await leaf.branch_sha(BRANCH) == head != before
    assert Adds.asked == 1
    (asked,) = await ctx.store.find(AgentRun, {"runId": run.id})
    assert asked.usage.input_tokens == 1


async def test_another_change_of_the_same_node_is_stopped_again(ctx: Context, run: Run, leaf: Repo) -> None:
    await _stopped(run)
    await pause_run(ctx.store, run.id, "Ada", "")
    await control.allow(run.id, KEY, by="Ada")
    await mark_failed(run.id, KEY, "something else went wrong")
    await control.retry(run.id, KEY, by="Ada")
    issue = await get_issue(ctx.store, run.id, KEY)
    assert (issue.round, issue.held) == (2, None)
    await ctx.store.change(Run, run.id, {"interrupt.paused": False})
    await _stopped(run)
    assert Adds.asked == 2
    assert await leaf.branch_sha(BRANCH) == await leaf.branch_sha("main")


@pytest.mark.parametrize(
    ("requirement", "words"),
    [
        ("elsewhere==2", "the package index did not tell its licence"),
        ("--index-url https://evil.example/simple", "its licence is not known here"),
    ],
)
async def test_a_licence_that_cannot_be_learned_is_said(
    ctx: Context, run: Run, leaf: Repo, monkeypatch: pytest.MonkeyPatch, requirement: str, words: str
) -> None:
    monkeypatch.setattr(Adds, "requirement", requirement)
    assert words in await _stopped(run)


async def test_what_no_guard_stopped_cannot_be_let_through(ctx: Context, run: Run, leaf: Repo) -> None:
    await mark_failed(run.id, KEY, "Its tests fail.")
    with pytest.raises(InvalidInput, match="No guard holds a change of leaf"):
        await control.allow(run.id, KEY, by="Ada")
