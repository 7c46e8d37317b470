"""The gate before a merge: it waits for what the base branch requires, on the head that was tested."""

from __future__ import annotations

import asyncio

import pytest

from ledger.interrupts import pause_run
from ledger.models import Event, Issue, IssueType, Run
from shipline.errors import Interrupted, ShiplineError
from tasks import gate
from tasks.context import Context
from tasks.gate import await_required
from tasks.github.repo import Repo
from tasks.github.required import required_checks, seen_checks
from tests.integration.actions.conftest import REPO, Ground
from tests.integration.reconcile.conftest import plain

pytestmark = pytest.mark.timeout(120)
wait = plain(await_required)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "TICK", 0.1)


@pytest.fixture
async def issue(ctx: Context, run: Run) -> Issue:
    """A node that was tested, with a draft pull request to a base of its own."""
    repo = Repo(ctx.github, REPO)
    tip = str(await repo.branch_sha("main"))
    await repo.create_branch(f"base-{run.id}", tip)
    head = await repo.empty_commit(tip, "A change")
    await repo.create_branch(f"head-{run.id}", head)
    pull = await repo.open_pull(f"head-{run.id}", f"base-{run.id}", "A change", "")
    made = Issue(
        id=f"{run.id}/leaf", run_id=run.id, key="leaf", repo=REPO, type=IssueType.TASK, title="Leaf",
        project_id=run.project_id, pr_number=pull.number, base=f"base-{run.id}", branch=f"head-{run.id}", head=head,
        tested_head=head,
    )  # fmt: skip
    await ctx.store.insert(made)
    return made


async def require(ground: Ground, issue: Issue, *names: str) -> None:
    """Let the base branch require checks."""
    rules = [{
        "type": "required_status_checks",
        "parameters": {
            "strict_required_status_checks_policy": False,
            "required_status_checks": [{"context": each} for each in names],
        },
    }]  # fmt: skip
    conditions = {"ref_name": {"include": [f"refs/heads/{issue.base}"], "exclude": []}}
    made = await ground.github.post(
        f"/repos/{REPO}/rulesets",
        json={"name": str(issue.base), "enforcement": "active", "conditions": conditions, "rules": rules},
    )
    assert made.status_code == 201, made.text


async def status(ground: Ground, issue: Issue, name: str, state: str) -> None:
    """A status of the head, as another CI sets it."""
    made = await ground.github.post(
        f"/repos/{REPO}/statuses/{issue.head}", json={"context": name, "state": state, "description": "said so"}
    )
    assert made.status_code == 201, made.text


async def check(ground: Ground, issue: Issue, name: str, **body: object) -> None:
    """A check run of the head, as an App makes it."""
    made = await ground.github.post(
        f"/repos/{REPO}/check-runs", json={"name": name, "head_sha": issue.head, **body}
    )  # fmt: skip
    assert made.status_code == 201, made.text


async def test_where_nothing_is_required_nothing_is_waited_for(ctx: Context, run: Run, issue: Issue) -> None:
    repo = Repo(ctx.github, REPO)
    assert await required_checks(repo, str(issue.base)) == []
    assert await wait(run.id, "leaf") == []
    assert (await repo.pull(int(issue.pr_number or 0))).draft


async def test_it_waits_for_all_of_them_and_says_so_once(ctx: Context, run: Run, issue: Issue, ground: Ground) -> None:
    await require(ground, issue, "build", "lint")
    await check(ground, issue, "build", status="in_progress")
    await check(ground, issue, "unasked", status="completed", conclusion="failure")
    waiting = asyncio.create_task(wait(run.id, "leaf"))
    await asyncio.sleep(0.6)
    await status(ground, issue, "lint", "pending")
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await status(ground, issue, "lint", "success")
    await check(ground, issue, "build", status="completed", conclusion="success")
    assert await waiting == []
    assert not (await Repo(ctx.github, REPO).pull(int(issue.pr_number or 0))).draft
    said = [each.msg for each in await ctx.store.find(Event, {"runId": run.id}) if "waits for" in each.msg]
    assert said == [f"#{issue.pr_number} waits for build, lint"]


async def test_one_that_failed_is_a_finding_with_its_words(
    ctx: Context, run: Run, issue: Issue, ground: Ground
) -> None:
    await require(ground, issue, "build", "lint")
    output = {"title": "2 errors", "summary": "main.py does not compile"}
    await check(ground, issue, "build", status="completed", conclusion="failure", output=output)
    (found,) = await wait(run.id, "leaf")
    assert found.title == "The required check build ended as failure"
    assert "main.py does not compile" in found.evidence
    assert (await seen_checks(Repo(ctx.github, REPO), str(issue.head)))["build"].state == "failure"


async def test_one_that_never_comes_ends_in_a_sentence(
    ctx: Context, run: Run, issue: Issue, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    await require(ground, issue, "ghost")
    monkeypatch.setattr(ctx.settings, "checks_seconds", 0.5)
    with pytest.raises(ShiplineError, match=f"#{issue.pr_number} waits for ghost on"):
        await wait(run.id, "leaf")


async def test_a_pause_is_heeded_while_it_waits(ctx: Context, run: Run, issue: Issue, ground: Ground) -> None:
    await require(ground, issue, "ghost")
    waiting = asyncio.create_task(wait(run.id, "leaf"))
    await asyncio.sleep(0.3)
    await pause_run(ctx.store, run.id, "a-person", "")
    with pytest.raises(Interrupted):
        await waiting
