"""Checks, gates, health, versions and links: said in words, the worst first, and never a link that others made."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.view import evidence
from console.view.audit import links
from console.view.code import branches, gates, pulls, why_not
from console.view.health import health
from console.view.issue import prompts
from console.view.links import (
    github_pages,
    of_deployment,
    of_flow_runs,
    of_issue,
    of_pull,
    of_release,
    prefect_pages,
)
from console.view.others import may_go_back, versions
from console.view.settings import FIELDS, history
from deployments.doctor import Check
from ledger.models import (
    AgentInput,
    AgentOutput,
    AgentRun,
    CheckReport,
    CiStatus,
    Deployment,
    DeploymentStatus,
    DocVersion,
    Event,
    EventType,
    Finding,
    IssueStatus,
    Level,
    OnboardingDoc,
    Revision,
    Severity,
    Usage,
    UserSettings,
    Verdict,
)
from ledger.rules.tree import Tree
from tasks.administration import SETTINGS
from tasks.code import PullSeen
from tests.unit.console.seen import AT, seen, tree

HEAD = "a" * 40


def _finding(severity: Severity, line: int | None = None) -> Finding:
    where = {"path": "app.py", "line": line} if line else {}
    return Finding(check="tests", severity=severity, title="T", evidence="E", fingerprint="f", **where)


def test_findings_are_sorted_by_how_bad_they_are() -> None:
    one = CheckReport(check="lint", verdict=Verdict.PASSED, summary="", findings=[_finding(Severity.MINOR)])
    two = CheckReport(
        check="tests", verdict=Verdict.FAILED, summary="1 failed", findings=[_finding(Severity.CRITICAL, 3)],
        metrics={"coverage_percent": 91.5},
    )  # fmt: skip
    found = evidence.findings([one, two])
    assert [each["Severity"] for each in found] == ["✗ critical", "minor"]
    assert [each["Where"] for each in found] == ["app.py:3", ""]
    rows = evidence.checks([one, two])
    assert (rows[1]["Verdict"], rows[1]["Figures"]) == ("✗ failed", "coverage percent 91.5")
    assert evidence.said("ann", "app.py:3", AT, AT + timedelta(minutes=2)) == "ann · 2 min ago · app.py:3"
    assert evidence.counted(3, 1) == "+3 −1"


def test_branches_stand_below_what_they_are_merged_into() -> None:
    done = {"branch": "task/2-a", "base": "epic/1", "pr_number": 9, "head": HEAD, "tested_head": HEAD}
    found = branches(seen(at=tree(**done)))
    assert [(each.depth, each.branch) for each in found][1] == (1, "task/2-a")
    assert (found[1].pull, found[1].standing) == ("#9", "open, passed QA")
    assert found[3].branch == "not made yet: #3 The b"
    assert branches(seen(at=tree(**done, merged_sha="b" * 40)))[1].standing == "merged as bbbbbbb"
    assert branches(seen(at=tree(**done, failure="No.")))[1].standing == "stopped"
    assert branches(seen(at=Tree.of([]))) == []


def test_what_stands_between_a_branch_and_its_merge_is_named_with_evidence() -> None:
    shot = seen(at=tree(pr_number=9, head=HEAD))
    must = gates(shot, shot.tree["a"])
    assert [each.name for each in must if each.standing.startswith("✗")] == [
        "No open defect", "QA passed on its head",
    ]  # fmt: skip
    assert must[2].evidence == "#4 Defect: wrong"
    waits = "Coverage; Scans"
    assert why_not(must) == f"Not mergeable yet. What must hold first: No open defect; QA passed on its head; {waits}."
    waiting = gates(shot, shot.tree["b"])
    assert waiting[0].evidence.startswith("waits for #2")


def test_nothing_in_the_way_is_said() -> None:
    at = tree(pr_number=9, head=HEAD, tested_head=HEAD, status=IssueStatus.QA)
    only = Tree.of([each for each in at.issues if each.key != "a.d1"])
    shot = seen(at=only)
    assert "by itself" in why_not(gates(shot, shot.tree["a"]))


def _told(name: str, state: str) -> CiStatus:
    return CiStatus(id=name, repo="o/r", sha=HEAD, name=name, state=state, created_at=AT, updated_at=AT)


def test_checks_of_github_are_told_and_only_required_ones_hold_a_merge_up() -> None:
    at = tree(pr_number=9, head=HEAD, tested_head=HEAD, status=IssueStatus.QA)
    shot = seen(at=Tree.of([each for each in at.issues if each.key != "a.d1"]))
    told = [_told("lint", "failure"), _told("build", "success"), _told("e2e", "in_progress"), _told("x", "skipped")]
    (gate,) = [each for each in gates(shot, shot.tree["a"], told) if each.name == "Checks of GitHub"]
    assert (gate.standing[0], gate.evidence) == ("✓", "✗ lint: failure, ▶ e2e, ✓ 2 passed")
    assert [each["State"] for each in evidence.ci(told, AT)] == ["✗ failure", "✓ success", "▶ in_progress", "✓ skipped"]
    (unknown,) = [each for each in gates(shot, shot.tree["a"]) if each.name == "Checks of GitHub"]
    assert unknown.standing.startswith("–")
    required = gates(replace(shot, checks={"a": ["build", "e2e"]}), shot.tree["a"], told)
    assert "Checks of GitHub" in why_not(required)
    assert any(each.evidence == "required, and not passed yet: build, e2e" for each in required)


def test_a_pull_request_says_whether_a_person_may_merge_it() -> None:
    known = {"title": "T\nmore", "state": "open", "merged": False, "head": "side", "base": "main", "sha": HEAD}
    known |= {"url": "", "author": "ann", "created_at": AT, "updated_at": AT, "draft": False}
    free = PullSeen(number=7, **known)
    held = PullSeen(number=8, **{**known, "why_not": "#8 is a draft."})
    one, other = pulls([free, held], {HEAD: [_told("lint", "success")]})
    assert (one.name, one.checks, one.why_not) == ("#7 T", "✓ 1 passed", None)
    assert other.why_not == "#8 is a draft."


def test_only_an_address_of_the_web_is_a_link_to_a_deployment() -> None:
    assert of_deployment("http://127.0.0.1:8080") == "http://127.0.0.1:8080"
    others = (None, "", "javascript:alert(1)", "<script> http://x", "/tmp/x")
    assert {of_deployment(each) for each in others} == {""}
    assert of_release("https://github.com", "o/r", "v1/2") == "https://github.com/o/r/releases/tag/v1%2F2"
    assert of_release("", "o/r", "v1") == ""


def test_the_chain_is_shown_with_its_numbers_and_hashes_the_newest_first() -> None:
    known = {"run_id": "r-1", "type": EventType.STEP_COMPLETED, "phase": "QA", "level": Level.INFO, "ts": AT}
    told = [Event(id=str(n), seq=n, msg="m", prev_hash=f"{n - 1}" * 64, hash=f"{n}" * 64, **known) for n in (1, 2)]
    first, second = links(told)
    assert [(each["Number"], each["Hash"], each["Hash before"]) for each in (first, second)] == [
        ("2", "2" * 12, "1" * 12), ("1", "1" * 12, "0" * 12),
    ]  # fmt: skip


def test_health_says_what_to_do_about_what_is_not_well() -> None:
    found = health(
        [
            Check("git", True, "2"), Check("home", True, "/x"), Check("prefect", False, "no answer", "Start it."),
            Check("github", None, "no token", "Set it."), Check("agents", True, "planner recorded"),
        ]
    )  # fmt: skip
    assert [(each.mark, each.name, each.word) for each in found] == [
        ("✗", "Prefect", "is not well"), ("–", "GitHub", "is not set up"), ("✓", "Agents", "planner recorded"),
        ("✓", "Disk", "has room"),
    ]  # fmt: skip
    assert found[0].detail == "no answer Start it."


@pytest.mark.parametrize(
    ("api", "pages"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://git.example.org/api/v3", "https://git.example.org"),
        ("http://127.0.0.1:4280", ""),
        ("", ""),
    ],
)
def test_the_sandbox_has_no_pages_and_the_others_do(api: str, pages: str) -> None:
    assert github_pages(api) == pages
    assert of_issue(pages, "o/r", 3) == (f"{pages}/o/r/issues/3" if pages else "")
    assert of_pull(pages, "o/r", None) == ""


def test_prefects_pages_are_beside_its_api() -> None:
    assert prefect_pages("http://127.0.0.1:4200/api") == "http://127.0.0.1:4200"
    assert prefect_pages(None) == ""
    assert "r-1" in of_flow_runs("http://p", "r-1")
    assert of_flow_runs("", "r-1") == ""


def test_a_rollback_goes_to_the_greatest_version_below_the_one_that_runs() -> None:
    def deployed(version: str, status: DeploymentStatus, env: str = "local") -> Deployment:
        known = {"run_id": "r", "project_id": "p", "repo": "o/r", "target": "process", "sha": HEAD}
        return Deployment(id=f"{env}{version}", environment=env, version=version, status=status, **known)

    old, older = deployed("1.9.0", DeploymentStatus.REPLACED), deployed("1.2.0", DeploymentStatus.STOPPED)
    now_ = deployed("1.10.0", DeploymentStatus.HEALTHY)
    assert may_go_back([now_, old, older], now_) == ["1.9.0", "1.2.0"]
    assert may_go_back([now_], now_) == []
    assert may_go_back([old, older], old) == []
    assert may_go_back([now_, deployed("1.0.0", DeploymentStatus.REPLACED, "other")], now_) == []


def test_changes_and_versions_say_who_and_when_the_newest_first() -> None:
    told = [Revision(by="ann", at=AT, changes={"max_rounds": ("3", "4")})]
    told.append(Revision(by="bob", at=AT, changes={"max_rounds": ("4", "5"), "deployment_env": ("a", "b")}))
    assert [(each["Who"], each["What"]) for each in history(told, AT)] == [
        ("bob", "max rounds"), ("bob", "deployment env"), ("ann", "max rounds"),
    ]  # fmt: skip
    earlier = [DocVersion(version=1, text="Hello", by=None, at=AT)]
    assert versions(OnboardingDoc(id="d", text="x", version=2, by="ann", earlier=earlier), AT)[0]["Who"] == "shipped"


def test_the_form_has_every_setting_that_a_run_heeds() -> None:
    assert {name for name, _, _ in FIELDS} | {"budget"} == set(SETTINGS)
    assert set(SETTINGS) < set(UserSettings.model_fields)


def test_a_prompt_has_what_was_asked_and_what_came_to_nothing() -> None:
    asked = AgentInput(repo="o/r", objective="Do it", constraints=["No tests are removed"])
    known = {"id": "x", "run_id": "r", "project_id": "p", "node_key": "a", "round": "2", "agent_id": "developer"}
    (found,) = prompts(
        [AgentRun(**known, input=asked, output=AgentOutput(changeset_summary="Done"), wasted=Usage(input_tokens=5))]
    )
    assert found.title == "developer, round 2: pending"
    assert found.text.split("\n\n") == [
        "Asked: Do it", "Held to: No tests are removed", "Answered: Done", "Came to nothing: 5 tokens, $0",
    ]  # fmt: skip
