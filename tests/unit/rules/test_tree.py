"""The index of issues."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.models import IssueType, Plan
from ledger.rules.precedence import place
from ledger.rules.tree import Tree
from shipline.errors import NotFound
from tests.unit.rules.helpers import feature, issue, node, plan_of, plans, tree_of


@settings(max_examples=20, deadline=None)
@given(plans(), st.randoms())
def test_the_order_of_insertion_does_not_matter(plan: Plan, random: Random) -> None:
    tree = tree_of(plan)
    shuffled = list(tree.issues)
    random.shuffle(shuffled)
    assert Tree.of(shuffled).issues == tree.issues
    assert tree.root.key == "epic"
    for each in tree.issues:
        children = tree.children(each.key)
        assert list(children) == sorted(children, key=place)
        assert all(each in tree.ancestors(below.key) for below in tree.descendants(each.key))
        position = tree.issues.index(each)
        below = tree.descendants(each.key)
        assert list(tree.issues[position + 1 : position + 1 + len(below)]) == below


def test_relations_by_hand() -> None:
    plan = tree_of(plan_of(feature("f"), node("b", "f"), node("a", "f"))).issues
    tree = Tree.of([*plan, issue("a.d1", "a", IssueType.DEFECT)])
    assert [each.key for each in tree.issues] == ["epic", "f", "a", "a.d1", "b"]
    assert [each.key for each in tree.ancestors("a.d1")] == ["a", "f", "epic"]
    assert [each.key for each in tree.leaves()] == ["a.d1", "b"]
    assert [each.key for each in tree.defects("a")] == ["a.d1"]
    assert "a" in tree
    assert "gone" not in tree


def test_what_is_not_there_is_said_in_a_sentence() -> None:
    with pytest.raises(NotFound, match="no node 'gone'"):
        Tree.of([])["gone"]
    with pytest.raises(NotFound, match="no issue tree yet"):
        _ = Tree.of([]).root
