"""An agent that resolves a conflict: what it adds to the merge is guarded, what others wrote is not its fault."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ledger.interrupts import pause_run
from ledger.issues import change_issue, get_issue
from ledger.models import AgentJob, AgentOutput, AgentResult, Issue, IssueStatus, IssueType, Run, issue_id
from shipline.errors import GuardBlocked
from tasks import control
from tasks.agents import registry
from tasks.agents.ports import AgentEvent, AgentRef
from tasks.context import Context
from tasks.git import Remote, clone, discard
from tasks.github.reading import Reader
from tasks.implementing import resolve_conflict
from tasks.state import mark_failed
from tests.integration.reconcile.conftest import plain

KEY, BRANCH, BASE = "leaf", "task/9-leaf", "feature/8-all"
TEST = "def test_a():\n    assert 1\n"


def honest(place: Path) -> None:
    """Both sides' words."""
    (place / "a file.txt").write_text("ours and theirs\n")


def plants(place: Path) -> None:
    honest(place)
    file = place / ".github" / "workflows" / "own.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("on: push\n")


def deletes(place: Path) -> None:
    honest(place)
    (place / "tests" / "test_a.py").unlink()


def leaks(place: Path) -> None:
    (place / "a file.txt").write_text(f"ours and theirs {'AKIA'}{'Q4EXAMPLE7ABCDEF'}\n")


class Resolves:
    """A coding agent that resolves as it is told."""

    asked = 0
    how: Callable[[Path], None] = honest

    def knows(self, idea: str) -> bool:
        return True

    async def start(self, job: AgentJob, key: str, workspace: Path) -> AgentRef:
        Resolves.asked += 1
        Resolves.how(workspace)
        return AgentRef(id=key)

    async def result(self, ref: AgentRef) -> AgentResult:
        return AgentResult(output=AgentOutput(changeset_summary="Merge both"))

    async def events(self, ref: AgentRef, after: str | None = None) -> AsyncIterator[AgentEvent]:
        if after == "never":
            yield AgentEvent(id="1", text="nothing")

    async def cancel(self, ref: AgentRef) -> None:
        """It has ended."""


@pytest.fixture
async def leaf(ctx: Context, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Reader]:
    """A leaf whose branch conflicts with its base; the base also brings a workflow, which people put there."""
    repo = Reader(ctx.github, run.repo)
    remote = Remote(str((await repo.about()).clone_url), await ctx.github.git_token(run.repo))
    made = await clone(remote, "main", tmp_path / "seed")
    root = await made.head()
    for branch, text in ((BASE, "theirs\n"), (BRANCH, "ours\n")):
        await made.git("checkout", "--quiet", "--detach", root)
        (made.path / "a file.txt").write_text(text)
        (made.path / "tests").mkdir(exist_ok=True)
        (made.path / "tests" / "test_a.py").write_text(TEST)
        if branch == BASE:
            workflow = made.path / ".github" / "workflows" / "people.yml"
            workflow.parent.mkdir(parents=True, exist_ok=True)
            workflow.write_text("on: push\n")
        await made.stage()
        await made.push(await made.commit("", f"Begin {branch}"), branch)
    await discard(made)
    issue = Issue(
        id=issue_id(run.id, KEY), run_id=run.id, project_id=run.project_id, repo=run.repo, key=KEY,
        type=IssueType.TASK, title="A leaf", number=9, branch=BRANCH, base=BASE, status=IssueStatus.REVIEW,
    )  # fmt: skip
    await ctx.store.insert(issue)
    name = "tests.integration.agents.test_guarding_merges:Resolves"
    monkeypatch.setattr(registry, "_coders", {})
    monkeypatch.setattr(Resolves, "asked", 0)
    object.__setattr__(ctx.settings, "coder", name)
    yield repo
    for branch in (BRANCH, BASE):
        await repo.delete_branch(branch)


async def test_a_resolution_brings_what_others_wrote(run: Run, leaf: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Resolves, "how", honest)
    head = await plain(resolve_conflict)(run.id, KEY)
    assert await leaf.branch_sha(BRANCH) == head
    assert await leaf.text(BRANCH, "a file.txt") == "ours and theirs\n"
    assert await leaf.text(BRANCH, ".github/workflows/people.yml") == "on: push\n"


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (plants, "protected-path: .github/workflows/own.yml"),
        (deletes, "test-tampering: tests/test_a.py: test_a is gone"),
        (leaks, "secret: a file.txt: an added line holds what looks like: AWS Access Key"),
    ],
)
async def test_what_it_adds_is_held_until_a_person_lets_exactly_that_pass(
    ctx: Context, run: Run, leaf: Reader, monkeypatch: pytest.MonkeyPatch, how: Callable[[Path], None], reason: str
) -> None:
    monkeypatch.setattr(Resolves, "how", how)
    before = await leaf.branch_sha(BRANCH)
    with pytest.raises(GuardBlocked, match="A guard stopped the change") as blocked:
        await plain(resolve_conflict)(run.id, KEY)
    assert reason in str(blocked.value)
    assert await leaf.branch_sha(BRANCH) == before
    held = (await get_issue(ctx.store, run.id, KEY)).held
    assert held is not None
    assert len(held.reasons) == 1, "the people's workflow is not its fault"

    await mark_failed(run.id, KEY, str(blocked.value))
    await pause_run(ctx.store, run.id, "Ada", "")
    await control.allow(run.id, KEY, by="Ada")
    assert (await get_issue(ctx.store, run.id, KEY)).status is IssueStatus.REVIEW, "what was built is not built again"
    await ctx.store.change(Run, run.id, {"interrupt.paused": False})
    head = await plain(resolve_conflict)(run.id, KEY)
    assert await leaf.branch_sha(BRANCH) == head != before
    assert Resolves.asked == 1


async def test_a_retry_asks_anew(ctx: Context, run: Run, leaf: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Resolves, "how", plants)
    with pytest.raises(GuardBlocked):
        await plain(resolve_conflict)(run.id, KEY)
    monkeypatch.setattr(Resolves, "how", honest)
    await change_issue(ctx.store, run.id, KEY, {"round": 2, "held": None})
    head = await plain(resolve_conflict)(run.id, KEY)
    assert await leaf.branch_sha(BRANCH) == head
    assert Resolves.asked == 2
