"""A replay makes and merges its branches in the order of its recording, until that leads nowhere."""

from __future__ import annotations

from typing import Any

from ledger.models import IssueStatus, IssueType
from ledger.models.replay import Move
from ledger.rules.replay import hold_back, steps_in_order
from ledger.rules.steps import Step, next_steps
from ledger.rules.tree import Tree
from tests.unit.rules.helpers import issue

S = IssueStatus
# Once, `b` was begun when `a` had merged, though nothing in the plan asks for that; `c` was begun without either.
MOVES = [
    Move(do="branch", node="epic", onto="integration"),
    Move(do="branch", node="a", onto="epic"),
    Move(do="branch", node="c", onto="epic"),
    Move(do="merge", node="a", onto="epic"),
    Move(do="branch", node="b", onto="epic"),
    Move(do="merge", node="b", onto="epic"),
    Move(do="merge", node="c", onto="epic"),
]


def _tree(**changes: dict[str, Any]) -> Tree:
    epic = issue("epic", None, IssueType.EPIC, branch="epic/1-x", status=S.IN_PROGRESS)
    return Tree.of([epic, *(issue(key, **changes.get(key, {})) for key in "abc")])


MADE: dict[str, Any] = {"branch": "task/1-x", "base": "epic/1-x", "status": S.IN_PROGRESS}
TESTED = {**MADE, "status": S.QA, "head": "h", "tested_head": "h"}
MERGED = {**TESTED, "status": S.DONE, "merged_sha": "m"}


def _starts(tree: Tree, running: list[Step] | None = None) -> list[Step]:
    return steps_in_order(tree, running or [], 4, MOVES)


def test_a_branch_waits_for_the_merges_that_it_was_made_with() -> None:
    assert {step.key for step in next_steps(_tree(), [], 4)} == {"a", "b", "c"}
    assert {step.key for step in _starts(_tree())} == {"a", "c"}
    assert _starts(_tree(a=MERGED, c=MADE)) == [Step("build", "c"), Step("build", "b")]


def test_a_merge_waits_for_the_branches_that_were_made_without_it() -> None:
    assert Step("land", "a") in next_steps(_tree(a=TESTED), [], 4)
    assert _starts(_tree(a=TESTED)) == [Step("build", "c")]
    assert Step("land", "a") in _starts(_tree(a=TESTED, c=MADE))


def test_who_waits_takes_no_place_from_who_may_start() -> None:
    assert [step.key for step in steps_in_order(_tree(), [], 1, MOVES)] == ["a"]


def test_where_nothing_is_left_to_wait_for_it_goes_on_as_a_fresh_run_would() -> None:
    # `c` failed: its branch will never be made, and `a` would wait for ever.
    tree = _tree(a=TESTED, c={"failure": "no"}, b={"failure": "no"})
    assert _starts(tree, [Step("build", "other")]) == []
    assert _starts(tree) == [Step("land", "a")]


def test_without_moves_nothing_changes() -> None:
    assert steps_in_order(_tree(), [], 4, ()) == next_steps(_tree(), [], 4)


def test_what_failed_keeps_its_own_words() -> None:
    assert hold_back(_tree(b={"failure": "broken"}), MOVES)["b"].failure == "broken"
