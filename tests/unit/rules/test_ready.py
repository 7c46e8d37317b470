"""What holds a node, and what holds its merge."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.models import IssueStatus, IssueType
from ledger.rules.ready import Blocker, blockers, is_free_to_merge, may_merge, startable, waiting_for
from ledger.rules.status import settled
from ledger.rules.tree import Tree
from tests.unit.rules.helpers import feature, issue, node, plan_of, tree_of
from tests.unit.rules.test_status import trees

S = IssueStatus
NESTED = plan_of(
    feature("f"), node("a", "f"), node("b", "f", order_index=1), feature("g", order_index=1),
    node("c", "g", dependencies=["a"], files=["c.py"]), node("e", order_index=0, files=["c.py"]),
)  # fmt: skip


def test_blockers_are_the_nodes_own_then_those_of_its_ancestors() -> None:
    tree = tree_of(NESTED)
    assert blockers(tree, "a") == []
    assert blockers(tree, "b") == [Blocker("a", "order")]
    assert blockers(tree, "c") == [Blocker("a", "dependency"), Blocker("e", "ancestor"), Blocker("f", "ancestor")]
    assert [leaf.key for leaf in startable(tree)] == ["e", "a"]


def test_a_defect_stands_outside_the_order() -> None:
    plan = tree_of(NESTED).issues
    tree = Tree.of([*plan, issue("a.d1", "a", IssueType.DEFECT), issue("f.d1", "f", IssueType.DEFECT)])
    assert blockers(tree, "a.d1") == blockers(tree, "f.d1") == []
    assert Blocker("f.d1", "order") not in blockers(tree, "b")
    assert may_merge(tree, "f.d1") == []
    assert may_merge(tree, "a") == [Blocker("a.d1", "defect")]


def test_siblings_merge_by_index_then_key() -> None:
    tree = tree_of(plan_of(node("b"), node("a"), node("c", order_index=1)))
    assert may_merge(tree, "a") == []
    assert may_merge(tree, "b") == [Blocker("a", "order")]
    assert may_merge(tree, "c") == [Blocker("a", "order"), Blocker("b", "order")]
    assert may_merge(tree, "epic") == [Blocker(key, "descendant") for key in "abc"]


def test_what_has_merged_may_not_merge_again() -> None:
    tree = Tree.of([issue("epic", None, IssueType.EPIC), issue("a", status=S.DONE, merged_sha="m")])
    assert may_merge(tree, "a") == [Blocker("a", "order")]


def test_waiting_for_tells_order_defects_descendants_and_files() -> None:
    tree = Tree.of([*tree_of(NESTED).issues, issue("a.d1", "a", IssueType.DEFECT)])
    assert waiting_for(tree, "a") == [Blocker("a.d1", "defect")]
    assert waiting_for(tree, "f") == [Blocker("a", "descendant"), Blocker("b", "descendant")]
    assert waiting_for(tree, "e", ["c", "e", "gone"]) == [Blocker("c", "files")]
    assert waiting_for(tree, "e") == []
    parents = Tree.of([*tree.issues, issue("e.d1", "e", IssueType.DEFECT)])
    assert waiting_for(parents, "e", ["c"]) == [Blocker("e.d1", "defect")]


def test_only_untouched_leaves_are_startable() -> None:
    tree = Tree.of([
        issue("epic", None, IssueType.EPIC),
        *(issue(status.value.lower().replace("_", "-"), status=status) for status in S),
        issue("failed", failure="No key."),
        issue("parent"), issue("parent.d1", "parent", IssueType.DEFECT),
        issue("fixed"), issue("fixed.d1", "fixed", IssueType.DEFECT, status=S.DONE),
    ])  # fmt: skip
    assert [leaf.key for leaf in startable(tree)] == ["fixed", "new", "parent.d1"]


@settings(max_examples=60, deadline=None)
@given(trees(), st.booleans())
def test_the_quick_answers_are_the_slow_ones(tree: Tree, settle: bool) -> None:
    tree = settled(tree) if settle else tree
    new = [leaf for leaf in tree.leaves() if leaf.status is S.NEW]
    assert startable(tree) == [leaf for leaf in new if not blockers(tree, leaf.key)]
    for each in tree.issues:
        assert is_free_to_merge(tree, each.key) == (may_merge(tree, each.key) == [])
