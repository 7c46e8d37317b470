"""The issue page and the small tables: what is known is said, and what is not known yet is said to be so."""

from __future__ import annotations

from datetime import timedelta

from console.view.issue import agent_runs, criteria, effects, facts
from console.view.others import agents, deployments
from console.view.said import last_words, made
from ledger.models import (
    Agent,
    AgentInput,
    AgentOutput,
    AgentRun,
    AgentRunStatus,
    AgentType,
    CheckReport,
    Deployment,
    DeploymentStatus,
    Effect,
    EffectStatus,
    Engine,
    Finding,
    IssueStatus,
    Lease,
    ReleaseInfo,
    Severity,
    Usage,
    Verdict,
)
from tests.unit.console.seen import AT, run, seen, tree

THEN = AT - timedelta(minutes=3)


def test_a_node_that_nobody_began_says_what_is_missing() -> None:
    shot = seen()
    found = facts(shot, shot.tree["b"])
    assert found["Status"] == "○ waits"
    assert found["Now"].startswith("waits for #2")
    assert [found[name] for name in ("Branch", "Into", "Pull request", "Head", "Merged")] == [
        "not made yet", "not known yet", "not opened yet", "none", "not yet",
    ]  # fmt: skip


def test_a_tested_head_and_a_merge_are_named() -> None:
    done = {"branch": "task/2-a", "base": "epic/1", "pr_number": 9, "head": "a" * 40, "tested_head": "a" * 40}
    shot = seen(at=tree(status=IssueStatus.DONE, merged_sha="b" * 40, **done))
    found = facts(shot, shot.tree["a"])
    assert (found["Head"], found["Merged"], found["Pull request"]) == ("aaaaaaa, passed QA", "bbbbbbb", "#9")
    moved = seen(at=tree(**{**done, "tested_head": "c" * 40}))
    assert facts(moved, moved.tree["a"])["Head"] == "aaaaaaa"


def test_a_failure_is_not_said_twice() -> None:
    shot = seen(at=tree(failure="No."))
    found = facts(shot, shot.tree["a"])
    assert found["Status"] == "✗ failed"
    assert "Now" not in found


def test_a_criterion_without_a_test_says_so() -> None:
    shot = seen(at=tree(acceptance_criteria=["It works."]))
    assert criteria(shot.tree["a"]) == [("It works.", "no test named yet")]
    tested = seen(at=tree(acceptance_criteria=["It works."], tests=["test_a", "test_b"]))
    assert criteria(tested.tree["a"]) == [("It works.", "test_a, test_b")]


def test_a_criterion_shows_how_its_tests_ended_or_what_was_found_against_it() -> None:
    head = "a" * 40
    values = {"acceptance_criteria": ["It works.", "It is fast."], "tests": ["test_a"], "head": head}
    issue = seen(at=tree(**values, tested_head=head)).tree["a"]
    slow = Finding(
        check="qa", severity=Severity.MAJOR, title="Nothing shows: It is fast.", evidence="", fingerprint="f"
    )
    reports = [
        CheckReport(check="tests", verdict=Verdict.PASSED, summary="3 passed"),
        CheckReport(check="qa", verdict=Verdict.FAILED, summary="", findings=[slow]),
    ]
    assert criteria(issue, reports) == [
        ("It works.", "test_a · tests ✓ passed on aaaaaaa"), ("It is fast.", "✗ Nothing shows: It is fast."),
    ]  # fmt: skip


def test_the_reports_of_qa_are_among_what_a_run_has_made() -> None:
    report = CheckReport(check="tests", verdict=Verdict.PASSED, summary="9 passed", metrics={"coverage_percent": 91.0})
    (row,) = made(seen(), [], None, [report])
    assert row == {"What": "QA report", "Name": "tests", "Where": "✓ passed · 9 passed · coverage percent 91"}


def _effect(**values: object) -> Effect:
    known = {"id": "r-1/a/1/push", "run_id": "r-1", "node_key": "a", "kind": "push", "created_at": THEN}
    return Effect.model_validate({**known, "updated_at": THEN, "lease": Lease(owner="x", until=AT), **values})


def test_the_journal_says_what_became_of_each_effect() -> None:
    rows = effects(
        [
            _effect(), _effect(status=EffectStatus.FAILED, error="Refused."),
            _effect(status=EffectStatus.SUCCEEDED, outcome={"sha": "abc", "commits": ["x"]}),
        ],
        AT,
    )  # fmt: skip
    assert [each["Status"] for each in rows] == ["begun", "failed", "done"]
    assert [each["Said"] for each in rows] == ["", "Refused.", "sha abc"]
    assert rows[0]["When"] == "3 min ago"


def test_who_was_asked_and_whether_anybody_thought() -> None:
    asked = AgentRun(
        id="r-1/a/1/x", run_id="r-1", agent_id="refactorer", project_id="p", node_key="a", round="1",
        input=AgentInput(repo="o/r", objective="Do it"), status=AgentRunStatus.COMPLETED, replayed=True,
        usage=Usage(input_tokens=900, output_tokens=100, usd=0.5), output=AgentOutput(changeset_summary="Did it"),
    )  # fmt: skip
    (row,) = agent_runs([asked])
    assert (row["Tokens"], row["Cost"], row["Thought"], row["Said"]) == ("1,000", "$0.50", "replayed", "Did it")
    failed = asked.model_copy(update={"output": None, "error": "It broke.", "replayed": False})
    assert [agent_runs([failed])[0][name] for name in ("Thought", "Said")] == ["for real", "It broke."]


def test_deployments_and_agents_in_words() -> None:
    deployed = Deployment(
        id="d", run_id="r-1", project_id="p", repo="o/r", environment="local", target="process", version="1.2.0",
        sha="a" * 40, status=DeploymentStatus.HEALTHY, created_at=THEN,
    )  # fmt: skip
    (row,) = deployments([deployed], AT)
    assert (row["Version"], row["Status"], row["Where"], row["When"]) == ("1.2.0", "healthy", "process", "3 min ago")
    shared = {"engine": Engine.CURSOR, "role": "r", "goals": ["g1", "g2"], "tools": [], "constraints": ["c"]}
    two = [
        Agent(id=name, agent_id=name, name=name, type=kind, guardrails=[], enabled=on, **shared)
        for name, kind, on in (("Zoe", AgentType.REFACTORER, False), ("Ann", AgentType.TEST_AUTHOR, True))
    ]
    assert [(each["Agent"], each["On"], each["Goals"]) for each in agents(two)] == [
        ("Ann", "on", "g1; g2"), ("Zoe", "off", "g1; g2"),
    ]  # fmt: skip


def test_last_words_and_what_was_made() -> None:
    release = ReleaseInfo(version="1.2.0", tag="v1.2.0", sha="a" * 40, url="http://x", audit_seq=1, audit_hash="h")
    known = {"run_id": "r-1", "project_id": "p", "round": "1", "input": AgentInput(repo="o/r", objective="Do it")}
    asked = [
        AgentRun(id="1", agent_id="dev", node_key="a", output=AgentOutput(notes="Did it.\nAll."), **known),
        AgentRun(id="2", agent_id="spec", node_key="run", error="No answer.", artifacts_out=["report.html"], **known),
    ]
    shot = seen(run(release=release))
    assert [(each["About"], each["Said"]) for each in last_words(shot, asked)] == [
        ("#2 The a", "Did it."), ("the run", "No answer."),
    ]  # fmt: skip
    assert [(each["What"], each["Name"]) for each in made(shot, asked, None)] == [
        ("Release", "v1.2.0"), ("Artifact", "report.html"),
    ]  # fmt: skip
    assert made(seen(), [], None) == []
