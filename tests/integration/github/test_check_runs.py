"""QA's verdict beside a commit: a check run with annotations, and a status where a token may make none."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ledger.effects import Key
from ledger.models import CheckReport, EffectKind, Event, Finding, Issue, IssueType, Run, Severity, Verdict, issue_id
from ledger.runs import create_run
from ledger.store import Store
from shipline.errors import ShiplineError
from tasks.check_runs import NAME, annotated, post_check_run
from tasks.checks import Checked, _conclude
from tasks.context import Context
from tasks.github.checks import MOST
from tasks.github.repo import Repo
from tasks.state import Here
from tests.integration.sandbox.support import Switchboard

CHECKS = ".*/check-runs"


def reports(count: int, severity: Severity = Severity.CRITICAL) -> list[CheckReport]:
    """One report with so many findings, the last without a place."""
    findings = [
        Finding(
            check="lint", severity=severity, title=f"<b>E{n}</b>", evidence="x = 1", path="a.py", line=n + 1,
            fingerprint=str(n),
        )
        for n in range(count)
    ]  # fmt: skip
    findings.append(findings[0].model_copy(update={"path": None, "line": None}))
    return [CheckReport(check="lint", verdict=Verdict.FAILED, summary=f"{count} | findings", findings=findings)]


@pytest.fixture
async def run(store: Store, repo: Repo) -> Run:
    """A run on the repository; nothing carries it."""
    return await create_run(store, "an idea", repo.full_name, "main")


@pytest.fixture
async def at(store: Store, repo: Repo, run: Run) -> Here:
    """Where a step of that run stands."""
    return Here(cast("Context", SimpleNamespace(store=store)), run, repo)


@pytest.fixture
async def head(repo: Repo) -> str:
    """A commit of its own."""
    return await repo.empty_commit(str(await repo.branch_sha("main")), "A change")


def issue_of(run: Run) -> Issue:
    return Issue(
        id=issue_id(run.id, "x"), run_id=run.id, project_id=run.project_id, repo=run.repo, key="x", title="X",
        type=IssueType.TASK,
    )  # fmt: skip


async def ask(repo: Repo, path: str) -> Any:
    return (await repo.host.client.arequest("GET", f"{repo.host.api_url}/repos/{repo.full_name}/{path}")).json()


async def runs_of(repo: Repo, head: str) -> list[Any]:
    return list((await ask(repo, f"commits/{head}/check-runs?filter=all"))["check_runs"])


async def test_every_finding_with_a_place_is_an_annotation(at: Here, head: str) -> None:
    found = reports(120)
    await post_check_run(at, issue_of(at.run), head, found)
    await post_check_run(at, issue_of(at.run), head, found)  # the journal knows it
    (made,) = await runs_of(at.repo, head)
    assert (made["name"], made["status"], made["conclusion"]) == (NAME, "completed", "failure")
    assert made["output"]["title"] == "121 finding(s) block the merge"
    assert r"120 \| findings" in made["output"]["summary"]
    assert made["output"]["annotations_count"] == 120
    first = (await ask(at.repo, f"check-runs/{made['id']}/annotations"))[0]
    assert (first["path"], first["start_line"], first["annotation_level"]) == ("a.py", 1, "failure")
    assert (first["title"], first["message"]) == ("lint: <b>E0</b>", "x = 1")


async def test_what_blocks_nothing_is_a_success(at: Here, head: str) -> None:
    await post_check_run(at, issue_of(at.run), head, reports(2, Severity.MINOR))
    (made,) = await runs_of(at.repo, head)
    assert (made["conclusion"], made["output"]["title"]) == ("success", "Nothing blocks the merge")


@pytest.mark.usefixtures("hurried")
async def test_a_lost_answer_makes_no_second_one(at: Here, head: str, faults: Switchboard) -> None:
    await faults.set("lost-answer", method="POST", path=CHECKS, seconds=2.0)
    await post_check_run(at, issue_of(at.run), head, reports(1))
    assert len(await runs_of(at.repo, head)) == 1


async def test_a_half_made_one_is_gone_on_with(at: Here, head: str) -> None:
    key = Key(at.run.id, "x", "1", EffectKind.CHECK_RUN, head[:12])
    body = {
        "name": NAME, "head_sha": head, "external_id": str(key), "status": "in_progress",
        "output": {"title": "t", "summary": "s", "annotations": annotated(reports(120))[:MOST]},
    }  # fmt: skip
    where = f"{at.repo.host.api_url}/repos/{at.repo.full_name}/check-runs"
    await at.repo.host.client.arequest("POST", where, json=body)
    await post_check_run(at, issue_of(at.run), head, reports(120))
    (made,) = await runs_of(at.repo, head)
    assert (made["status"], made["output"]["annotations_count"]) == ("completed", 120)
    told = await ask(at.repo, f"check-runs/{made['id']}/annotations?per_page=100")
    assert [each["start_line"] for each in told] == list(range(1, 101))


async def test_a_token_that_may_make_none_sets_a_status_and_says_so_once(
    at: Here, head: str, store: Store, faults: Switchboard
) -> None:
    said = json.dumps({"message": "Resource not accessible by personal access token"})
    await faults.set("refuse", method="POST", path=CHECKS, status=403, text=said, times=None)
    other = await at.repo.empty_commit(head, "Another")
    for commit in (head, other):
        await post_check_run(at, issue_of(at.run), commit, reports(1))
    assert await runs_of(at.repo, head) == []
    (status,) = (await ask(at.repo, f"commits/{head}/status"))["statuses"]
    assert (status["context"], status["state"]) == (NAME, "failure")
    assert status["description"] == "2 finding(s) block the merge"
    (warned,) = [each.msg for each in await store.find(Event, {"runId": at.run.id}) if "lets this token" in each.msg]
    assert "no check runs, and QA's verdicts are commit statuses instead" in warned
    assert "Resource not accessible by personal access token" in warned


async def test_a_token_that_may_neither_does_not_stop_the_work(
    at: Here, head: str, store: Store, faults: Switchboard
) -> None:
    await faults.set("refuse", method="POST", path=".*/(check-runs|statuses/.*)", status=403, times=None)
    await post_check_run(at, issue_of(at.run), head, reports(1))
    warned = [each.msg for each in await store.find(Event, {"runId": at.run.id}) if "lets this token" in each.msg]
    assert ["commit statuses, and QA's verdicts are in comments alone" in each for each in warned] == [False, True]


async def test_github_takes_at_most_fifty_annotations_at_once(at: Here, head: str) -> None:
    from tasks.github.client import GitHubError

    body = {
        "name": NAME, "head_sha": head, "output": {"title": "t", "summary": "s", "annotations": annotated(reports(51))},
    }  # fmt: skip
    where = f"{at.repo.host.api_url}/repos/{at.repo.full_name}/check-runs"
    with pytest.raises(GitHubError, match="No more than 50 annotations"):
        await at.repo.host.client.arequest("POST", where, json=body)


async def test_what_only_a_person_can_decide_holds_the_merge_and_is_no_defect(at: Here, head: str) -> None:
    (report,) = reports(1)
    asked = report.findings[0].model_copy(
        update={"ask": True, "title": "weak is under MPL-2.0", "evidence": "Allow it."}
    )
    issue = issue_of(at.run).model_copy(update={"head": head})
    with pytest.raises(ShiplineError, match="x waits for a person: weak is under MPL") as held:
        await _conclude(at, issue, Checked(tree="t", reports=[report]), [asked])
    assert held.value.hint == "Allow it."
    mended_first = await _conclude(at, issue, Checked(tree="t", reports=[report]), [asked, report.findings[1]])
    assert mended_first == [report.findings[1]]
