"""What stands between a run and its next stage, and where a retried node begins."""

from __future__ import annotations

import pytest

from ledger.models import Held, Interrupt, Issue, IssueStatus, IssueType, Outcome, Run, RunState
from ledger.rules.advance import NEXT_STAGE, Facts, obstacles
from ledger.rules.retry import again, let_pass
from ledger.rules.tree import Tree
from shipline.errors import InvalidInput

S = IssueStatus


def _run(state: RunState, **values: object) -> Run:
    shared = {"id": "r-1", "idea_id": "i", "project_id": "p", "repo": "o/r", "correlation_id": "c", "state": state}
    return Run.model_validate({**shared, **values})


def _issue(key: str, parent: str | None = "epic", **values: object) -> Issue:
    kind = IssueType.EPIC if parent is None else IssueType.TASK
    shared = {
        "id": f"r-1/{key}",
        "run_id": "r-1",
        "project_id": "p",
        "repo": "o/r",
        "title": f"The {key}",
        "type": kind,
    }
    return Issue.model_validate({**shared, "key": key, "parent": parent, **values})


def _tree(*issues: Issue, **epic: object) -> Tree:
    return Tree.of([_issue("epic", None, number=1, **epic), *issues])


def test_every_stage_but_the_last_has_a_next_one() -> None:
    assert NEXT_STAGE[RunState.EXECUTION_LOOP] is RunState.QA
    assert RunState.DONE not in NEXT_STAGE


def test_open_nodes_are_named_with_what_they_wait_for() -> None:
    tree = _tree(
        _issue("a", number=2, failure="The agent gave up.", status=S.IN_PROGRESS),
        _issue("b", number=3, order_index=1),
        _issue("c", number=4, status=S.DONE, merged_sha="s"),
    )
    found = obstacles(_run(RunState.EXECUTION_LOOP), tree, Facts())
    assert found == ["#2 The a failed: The agent gave up.", "#3 The b is NEW and waits for #2 The a."]


def test_nothing_stands_in_the_way_when_all_is_done() -> None:
    tree = _tree(_issue("a", number=2, status=S.DONE, merged_sha="s"), status=S.QA)
    assert obstacles(_run(RunState.EXECUTION_LOOP), tree, Facts()) == []


@pytest.mark.parametrize(
    ("run", "epic", "facts", "words"),
    [
        (_run(RunState.EXECUTION_LOOP, outcome=Outcome.FAILED), {}, Facts(), "It has ended (failed)."),
        (_run(RunState.QA, interrupt=Interrupt(paused=True)), {}, Facts(), "It is paused: shipline resume r-1."),
        (_run(RunState.SPEC_WRITING), {}, Facts(), "The spec is not written."),
        (_run(RunState.ISSUE_TREE), {}, Facts(), "#1 The epic has no pull request yet."),
        (_run(RunState.QA), {"head": "h"}, Facts(), "#1 The epic has not passed QA as a whole."),
        (_run(RunState.MERGE), {"base": "integration"}, Facts(), "#1 The epic is not merged into integration."),
        (_run(RunState.MERGE), {"merged_sha": "m"}, Facts(), "regression does not hold the merge yet."),
    ],
)
def test_what_blocks_is_said(run: Run, epic: dict[str, object], facts: Facts, words: str) -> None:
    assert obstacles(run, _tree(**epic), facts) == [words]


def test_a_planned_dry_run_may_go_on_for_real() -> None:
    run = _run(RunState.ISSUE_TREE, outcome=Outcome.PLANNED, dry_run=True)
    assert obstacles(run, _tree(pr_number=2), Facts()) == []


def test_a_retry_begins_where_work_stopped() -> None:
    built_badly = _issue("a", status=S.IN_PROGRESS, failure="f")
    assert again(built_badly) == {"failure": None, "held": None, "status": S.NEW, "testedHead": None, "failedAs": None}
    conflicting = _issue("a", status=S.QA, failure="f", head="h", tested_head="h")
    assert again(conflicting) == {"failure": None, "held": None, "failedAs": None}
    unfixed = _issue("a", status=S.QA, failure="f", head="h").model_copy(update={"type": IssueType.DEFECT})
    assert again(unfixed)["status"] is S.NEW


def test_only_what_a_guard_holds_is_let_pass_and_its_round_stays() -> None:
    held = Held(change="c", reasons=["size: a: too large"])
    stopped = _issue("a", status=S.IN_PROGRESS, failure="f").model_copy(update={"held": held})
    values = let_pass(stopped, "Ada")
    assert (values["failure"], values["status"]) == (None, S.NEW)
    assert values["held"] == {"change": "c", "reasons": ["size: a: too large"], "allowedBy": "Ada"}
    for other in (
        _issue("a", failure="f"),
        stopped.model_copy(update={"failure": None}),
        stopped.model_copy(update={"held": held.model_copy(update={"allowed_by": "Bob"})}),
    ):
        with pytest.raises(InvalidInput, match="No guard holds a change of a"):
            let_pass(other, "Ada")
