"""Parents tell the truth about their children."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.models import IssueStatus, IssueType, Plan
from ledger.rules.status import propagate, settled
from ledger.rules.tree import Tree, is_open
from tests.unit.rules.helpers import issue, plans, tree_of

S = IssueStatus
EPIC = issue("epic", None, IssueType.EPIC)
FEATURE, DEFECT = IssueType.FEATURE, IssueType.DEFECT


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Any statuses at all, with defects here and there."""
    plan: Plan = draw(plans(files=False))
    planned = tree_of(plan).issues
    parents = draw(st.lists(st.sampled_from([each.key for each in planned]), max_size=3, unique=True))
    issues = [*planned, *(issue(f"{parent}.d1", parent, DEFECT) for parent in parents)]
    return Tree.of(
        each.model_copy(
            update={
                "status": draw(st.sampled_from(list(S))),
                "merged_sha": draw(st.sampled_from([None, "m"])),
            }
        )
        for each in issues
    )


@settings(max_examples=60, deadline=None)
@given(trees())
def test_propagation_is_idempotent_and_true(tree: Tree) -> None:
    told = settled(tree)
    assert propagate(told) == {}
    assert {each.key: each.status for each in told.issues} == {
        **{each.key: each.status for each in tree.issues}, **propagate(tree),
    }  # fmt: skip
    for each in told.issues:
        below = told.descendants(each.key)
        if below:
            assert (each.status is S.BLOCKED) == any(one.type is DEFECT and is_open(one) for one in below)
            assert is_open(each) or not any(map(is_open, below))
        if each.merged_sha:
            assert is_open(each) == (any(map(is_open, below)))


@pytest.mark.parametrize(
    ("parent", "children", "expected"),
    [
        (S.NEW, [S.NEW, S.NEW], S.NEW),
        (S.NEW, [S.DONE, S.NEW], S.IN_PROGRESS),
        (S.NEW, [S.IN_PROGRESS], S.IN_PROGRESS),
        (S.IN_PROGRESS, [S.NEW], S.IN_PROGRESS),
        (S.QA, [S.NEW, S.DONE], S.IN_PROGRESS),
        (S.DONE, [S.NEW], S.IN_PROGRESS),
        (S.IN_PROGRESS, [S.DONE, S.DONE], S.QA),
        (S.BLOCKED, [S.DONE], S.QA),
    ],
)
@pytest.mark.parametrize("kind", [IssueType.EPIC, FEATURE])
def test_a_parent_follows_its_children(kind: IssueType, parent: S, children: list[S], expected: S) -> None:
    above = issue("p", None, kind, status=parent)
    tree = Tree.of([above, *(issue(f"c{n}", "p", status=status) for n, status in enumerate(children))])
    assert settled(tree)["p"].status is expected


def test_an_open_defect_blocks_everything_above_and_nothing_beside() -> None:
    tree = Tree.of([
        EPIC.model_copy(update={"status": S.QA}),
        issue("f", kind=FEATURE, status=S.DONE, merged_sha="m"),
        issue("a", "f", status=S.DONE, merged_sha="m"),
        issue("a.d1", "a", DEFECT),
        issue("b", "f", status=S.DONE, merged_sha="m"),
    ])  # fmt: skip
    assert propagate(tree) == {"epic": S.BLOCKED, "f": S.BLOCKED, "a": S.BLOCKED}
    fixed = [
        each.model_copy(update={"status": S.DONE}) if each.type is DEFECT else each for each in settled(tree).issues
    ]
    assert propagate(Tree.of(fixed)) == {"epic": S.QA, "f": S.DONE, "a": S.DONE}


def test_a_leaf_goes_back_to_qa_when_its_defect_is_done() -> None:
    tree = Tree.of([EPIC, issue("a", status=S.BLOCKED), issue("a.d1", "a", DEFECT, status=S.DONE)])
    assert propagate(tree) == {"epic": S.IN_PROGRESS, "a": S.QA}


def test_a_leaf_whose_merge_was_written_but_not_its_end_is_done() -> None:
    tree = Tree.of([EPIC, issue("a", status=S.QA, merged_sha="m")])
    assert propagate(tree) == {"epic": S.QA, "a": S.DONE}


def test_a_leaf_without_children_is_left_alone() -> None:
    assert propagate(Tree.of([EPIC, issue("a", status=S.REVIEW)])) == {"epic": S.IN_PROGRESS}
    assert propagate(Tree.of([])) == {}
