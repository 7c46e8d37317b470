"""Names that git takes, and the branch that each one starts from."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledger.models import IssueType
from ledger.rules.branches import base_branch, branch_name, open_ancestor, slug
from ledger.rules.tree import Tree
from tests.unit.rules.helpers import issue


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=200), st.integers(1, 2**31), st.sampled_from(IssueType))
@example("&#99999999999999999999;", 1, IssueType.TASK)
@example("&#x110000; &bogus;", 1, IssueType.TASK)
@example("../.lock..@{~^:?*[\\", 1, IssueType.FEATURE)
@example("-" * 99, 1, IssueType.EPIC)
@example("a" * 200, 2**31, IssueType.FEATURE)
@example("🎉", 1, IssueType.TASK)
def test_git_takes_every_name(title: str, number: int, kind: IssueType) -> None:
    name = branch_name(issue("a", None, kind, title=title, number=number))
    assert len(name) <= 60
    assert name.isascii()
    checked = subprocess.run(["git", "check-ref-format", "--branch", name], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout.strip()) == (0, name)


@pytest.mark.parametrize(
    ("kind", "title", "name"),
    [
        (IssueType.EPIC, "Budgets", "epic/7-budgets"),
        (IssueType.FEATURE, "CSV & HTTP", "feature/7-csv-http"),
        (IssueType.TASK, "Äpfel für Zürich", "task/7-apfel-fur-zurich"),
        (IssueType.DEFECT, "Defect: it's red", "task/7-defect-it-s-red"),
        (IssueType.TASK, "…", "task/7-work"),
    ],
)
def test_names_by_type(kind: IssueType, title: str, name: str) -> None:
    assert branch_name(issue("a", None, kind, title=title, number=7)) == name


def test_slugs_end_at_a_word() -> None:
    assert slug("Show what is left of the budget of every month") == "show-what-is-left-of-the-budget-of-every"


def test_without_a_number_there_is_no_name() -> None:
    with pytest.raises(ValueError, match="a has no number"):
        branch_name(issue("a"))


NESTED = {
    "epic": issue("epic", None, IssueType.EPIC, number=1, branch="epic/1-epic"),
    "f": issue("f", "epic", IssueType.FEATURE, number=2),
    "g": issue("g", "f", IssueType.FEATURE, number=3, branch="feature/3-renamed-by-hand"),
    "a": issue("a", "g", number=4),
    "a.d1": issue("a.d1", "a", IssueType.DEFECT, number=5),
}


@pytest.mark.parametrize(
    ("key", "merged", "base"),
    [
        ("epic", "", "main-line"),
        ("f", "", "epic/1-epic"),
        ("g", "", "feature/2-f"),
        ("a", "", "feature/3-renamed-by-hand"),
        ("a.d1", "", "task/4-a"),
        ("a.d1", "a", "feature/3-renamed-by-hand"),
        ("a.d1", "a g", "feature/2-f"),
        ("a.d1", "a g f", "epic/1-epic"),
        ("a.d1", "a g f epic", "main-line"),
        ("a.d1", "g", "task/4-a"),
    ],
)
def test_the_base_is_the_nearest_ancestor_that_has_not_merged(key: str, merged: str, base: str) -> None:
    tree = Tree.of(
        each.model_copy(update={"merged_sha": "m"}) if each.key in merged.split() else each for each in NESTED.values()
    )
    assert base_branch(tree, key, "main-line") == base
    above = open_ancestor(tree, key)
    assert (above is None) == (base == "main-line")
    if above is None:
        assert base_branch(tree, key) == "integration"
