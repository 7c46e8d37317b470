"""Giving children another order: what is refused, and why."""

from __future__ import annotations

import pytest

from ledger.models import Issue, IssueStatus, IssueType
from ledger.rules.reorder import reordered
from ledger.rules.tree import Tree
from shipline.errors import IllegalTransition, InvalidInput


def _issue(key: str, parent: str | None = "epic", **more: object) -> Issue:
    kind = IssueType.EPIC if parent is None else IssueType.TASK
    values = {"type": kind, "title": key, "parent": parent, "run_id": "r", "project_id": "p", "repo": "o/r", **more}
    return Issue.model_validate({"_id": f"r/{key}", "key": key, **values})


def _tree(*children: Issue) -> Tree:
    return Tree.of([_issue("epic", None), *children])


def test_each_child_gets_its_place() -> None:
    tree = _tree(_issue("a", order_index=0), _issue("b", order_index=1), _issue("c", order_index=1))
    assert [(issue.key, place) for issue, place in reordered(tree, "epic", ["c", "a", "b"])] == [
        ("c", 0), ("a", 1), ("b", 2),
    ]  # fmt: skip


@pytest.mark.parametrize("order", [["a"], ["a", "b", "b"], ["a", "b", "x"], []])
def test_the_order_names_each_child_once(order: list[str]) -> None:
    with pytest.raises(InvalidInput, match="does not name each child"):
        reordered(_tree(_issue("a"), _issue("b")), "epic", order)


def test_defects_stand_outside_the_order() -> None:
    tree = _tree(_issue("a"), _issue("a.d1", type=IssueType.DEFECT))
    assert [issue.key for issue, _ in reordered(tree, "epic", ["a"])] == ["a"]


def test_nothing_comes_before_what_it_waits_for() -> None:
    with pytest.raises(IllegalTransition, match="b waits for a"):
        reordered(_tree(_issue("a"), _issue("b", dependencies=["a"])), "epic", ["b", "a"])


def test_what_has_begun_stays_before_what_has_not() -> None:
    tree = _tree(_issue("a", status=IssueStatus.IN_PROGRESS), _issue("b"))
    with pytest.raises(IllegalTransition, match="has begun"):
        reordered(tree, "epic", ["b", "a"])
    assert len(reordered(tree, "epic", ["a", "b"])) == 2
