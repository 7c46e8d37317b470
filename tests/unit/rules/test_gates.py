"""The gates of a merge: each shuts for its own reason, with its evidence, and all of them can hold."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.models import (
    Approved,
    CheckReport,
    GateFacts,
    GateState,
    Issue,
    IssueStatus,
    IssueType,
    Verdict,
)
from ledger.rules import gates as g
from ledger.rules.gates import gates, in_the_way, refusal
from ledger.rules.tree import Tree
from tests.unit.rules.helpers import AT, finding, issue

HEAD, OTHER, TIP = "a" * 40, "b" * 40, "c" * 40
REPORTS = [
    CheckReport(check="tests", verdict=Verdict.PASSED, summary="12 passed"),
    CheckReport(check="coverage", verdict=Verdict.PASSED, summary="91 % of the lines"),
    CheckReport(check="sast", verdict=Verdict.PASSED, summary="nothing found"),
]


def facts(**other: Any) -> GateFacts:
    """With these alone, everything outside holds."""
    by_ann = Approved(by="ann", via="the console", head=HEAD, at=AT)
    known = {"head": HEAD, "tip": TIP, "holds_tip": True, "required": {"build": "success"}, "approvals": [by_ann]}
    return GateFacts.model_validate(
        {"at": AT, "base": "integration", "approval_needed": True, "limited": True, **known, **other}
    )


def epic(**other: Any) -> Issue:
    """An epic that may merge."""
    known = {"number": 1, "pr_number": 9, "base": "integration", "head": HEAD, "tested_head": HEAD, "facts": facts()}
    reported = {"reports": REPORTS, "reported_head": HEAD, "status": IssueStatus.QA}
    return issue("epic", None, IssueType.EPIC, **{**known, **reported, **other})


def judged(root: Issue, *more: Issue) -> dict[str, tuple[GateState, str]]:
    """Each gate's state and evidence, by name."""
    done = issue("a", number=2, status=IssueStatus.DONE)
    return {each.name: (each.state, each.evidence) for each in gates(Tree.of([root, done, *more]), root)}


def failing(check: str) -> dict[str, Any]:
    """The reports with one that found something."""
    bad = CheckReport(check=check, verdict=Verdict.FAILED, summary="bad", findings=[finding(title="It is bad")])
    return {"reports": [each for each in REPORTS if each.check != check] + [bad]}


def test_all_of_them_hold_and_each_says_why() -> None:
    found = judged(epic())
    assert {state for state, _ in found.values()} == {GateState.HOLDS}
    assert found[g.QA][1] == "aaaaaaa: 12 passed"
    assert found[g.REQUIRED][1] == "build success"
    assert found[g.APPROVAL][1] == "ann (the console, 2026-11-23 12:00 UTC) on aaaaaaa"
    assert found[g.CURRENT][1] == "aaaaaaa contains integration at ccccccc, and is the head that was tested"


@pytest.mark.parametrize(
    ("gate", "state", "root", "more", "evidence"),
    [
        (g.BELOW, "blocks", {}, [issue("b", number=3)], "#3 B"),
        (g.DEFECTS, "blocks", {}, [issue("a.d1", "a", IssueType.DEFECT, number=4, title="Wrong")], "#4 Wrong"),
        (g.COVERAGE, "blocks", failing("coverage"), [], "It is bad"),
        (g.SCANS, "blocks", failing("sast"), [], "It is bad"),
        (g.REQUIRED, "blocks", {"facts": facts(required={"build": "failure"})}, [], "build failure"),
        (g.REQUIRED, "waits", {"facts": facts(required={"build": "pending", "x": "success"})}, [], "build pending"),
        (g.APPROVAL, "waits", {"facts": facts(approvals=[])}, [], "waits for approval of #9 at head aaaaaaa"),
        (g.BUDGET, "blocks", {"facts": facts(budget="the budget of $1 is used up")}, [], "$1 is used up"),
        (g.CURRENT, "blocks", {"facts": facts(holds_tip=False)}, [], "aaaaaaa lacks integration at ccccccc"),
        (g.CURRENT, "blocks", {"facts": facts(head=OTHER)}, [], "its head is bbbbbbb, and aaaaaaa was tested"),
        (g.CURRENT, "blocks", {"facts": facts(tip=None, holds_tip=False)}, [], "integration is gone"),
    ],
)
def test_each_in_turn_is_alone_in_the_way(
    gate: str, state: str, root: dict[str, Any], more: list[Issue], evidence: str
) -> None:
    node = epic(**root)
    found = gates(Tree.of([node, issue("a", number=2, status=IssueStatus.DONE), *more]), node)
    (shut,) = in_the_way(found)
    assert (shut.name, shut.state) == (gate, state)
    assert evidence in shut.evidence
    assert refusal(node, [shut]).startswith(f"#9 does not merge into integration. {gate}: ")


def test_a_head_that_was_not_tested_or_did_not_pass_is_in_the_way() -> None:
    untested = judged(epic(head=OTHER, reported_head=HEAD))
    assert untested[g.QA] == (GateState.BLOCKS, "bbbbbbb was not tested yet, aaaaaaa passed")
    assert untested[g.COVERAGE] == (GateState.WAITS, "not run on this head yet")
    rejected = judged(epic(tested_head=None, **failing("tests")))
    assert rejected[g.QA] == (GateState.BLOCKS, "aaaaaaa: It is bad")


def test_another_heads_approval_does_not_count_and_is_named() -> None:
    by_ann = Approved(by="ann", via="GitHub review 7", head=OTHER, at=AT)
    state, evidence = judged(epic(facts=facts(approvals=[by_ann])))[g.APPROVAL]
    assert state is GateState.WAITS
    assert evidence.endswith("ann approved bbbbbbb, which is not its head")


def test_what_nobody_asks_for_is_said_to_be_so() -> None:
    found = judged(epic(facts=facts(required={}, approval_needed=False, limited=False), reports=REPORTS[:1]))
    assert {name for name, (state, _) in found.items() if state is GateState.NOT_ASKED} == {
        g.COVERAGE, g.SCANS, g.REQUIRED, g.APPROVAL, g.BUDGET,
    }  # fmt: skip
    unseen = judged(epic(facts=None))
    assert unseen[g.CURRENT] == unseen[g.APPROVAL] == (GateState.NOT_ASKED, g.UNSEEN)
