"""A plan is fit, or says in sentences why not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.models import IssueType, Plan, PlanNode, Requirement, Size
from ledger.rules.plan import BOUNDS, Bounds, check_plan
from tests.unit.rules.helpers import SPEC, feature, node, plan_of, plans

EPIC, FEATURE, DEFECT = IssueType.EPIC, IssueType.FEATURE, IssueType.DEFECT
FIT = {
    Size.SMALL: plans(features=(0, 2), leaves=(2, 5), levels=3),
    Size.MEDIUM: plans(features=(2, 6), leaves=(6, 15), levels=3),
    Size.LARGE: plans(features=(3, 8), leaves=(10, 18), levels=4),
}
KEYS = st.sampled_from(["epic", "a", "b", "c", "d", "gone"])


def _check(*nodes: PlanNode, size: Size = Size.SMALL) -> list[str]:
    return check_plan(plan_of(*nodes), SPEC, size)


def _pair(**fields: Any) -> list[str]:
    return _check(node("a", **fields), node("b"))


@pytest.mark.parametrize("size", Size)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_fit_plan_has_no_problem(size: Size, data: st.DataObject) -> None:
    assert check_plan(data.draw(FIT[size]), SPEC, size) == []


NODES = st.builds(
    PlanNode,
    key=KEYS.filter(lambda key: key != "gone"),
    type=st.sampled_from(IssueType),
    title=st.text(min_size=1, max_size=5),
    parent=st.none() | KEYS | st.text(max_size=3),
    order_index=st.integers(0, 3),
    dependencies=st.lists(KEYS, max_size=3),
    requirements=st.lists(st.sampled_from(["R1", "R9", ""]), max_size=2),
    acceptance_criteria=st.lists(st.text(max_size=3), max_size=1),
)


@settings(max_examples=80, deadline=None)
@given(st.builds(Plan, nodes=st.lists(NODES, min_size=1, max_size=6)), st.sampled_from(Size))
def test_no_plan_makes_the_check_raise(plan: Plan, size: Size) -> None:
    problems = check_plan(plan, SPEC, size)
    assert len(problems) == len(set(problems))
    assert all(problem.strip() for problem in problems)


TASKS = [node("a"), node("b")]


@pytest.mark.parametrize(
    ("nodes", "problem"),
    [
        ([*TASKS, node("a")], "the key a is used 2 times"),
        ([*TASKS, node("c", "gone")], "c is under gone, which is not in the plan"),
        ([*TASKS, node("c", dependencies=["gone", "gone"])], "c depends on gone, which is not in the plan"),
        ([*TASKS, node("c", None, EPIC)], "a plan has exactly one epic, this one has 2"),
        ([*TASKS, node("c", "epic", EPIC)], "c is an epic and cannot be under epic"),
        ([*TASKS, node("c", None)], "c has no parent; only the epic has none"),
        ([*TASKS, node("c", "a")], "c is under a, which is a task and has no sub-issues"),
        ([*TASKS, node("c", kind=DEFECT)], "c is a defect; only QA files those"),
        ([*TASKS, feature("f", "g"), feature("g", "f")], "these are under one another in a circle: f, g"),
        ([*TASKS, feature("f", "f")], "these are under one another in a circle: f"),
        ([*TASKS, feature("f")], "f is a feature without children"),
        ([node(f"t{n}") for n in range(101)], "epic has 101 children, more than 100"),
        ([*TASKS, node("c", acceptance_criteria=[" "])], "c has no acceptance criterion"),
        ([*TASKS, node("c", requirements=["R2", "R2"])], "c names requirement R2, which the spec does not have"),
        ([node("a")], "size small has 2 to 5 leaves, the plan has 1"),
    ],
)
def test_each_rule_has_its_sentence(nodes: list[PlanNode], problem: str) -> None:
    assert _check(*nodes).count(problem) == 1


def test_an_epic_must_come_first_and_have_children() -> None:
    swapped = Plan(nodes=[*TASKS, node("epic", None, EPIC)])
    assert check_plan(swapped, SPEC, Size.SMALL) == ["the epic must come first, but the first node is a, a task"]
    assert "epic is an epic without children" in _check()


def test_every_requirement_needs_a_leaf() -> None:
    spec = SPEC.model_copy(update={"requirements": [*SPEC.requirements, Requirement(id="R2", text="More.")]})
    plan = plan_of(feature("f", requirements=["R2"]), node("a", "f"), node("b", "f"))
    assert check_plan(plan, spec, Size.SMALL) == ["requirement R2 has no leaf"]


@pytest.mark.parametrize(
    ("nodes", "problem"),
    [
        ([node("a", dependencies=["a"]), node("b")], "a depends on itself"),
        (
            [feature("f"), node("a", "f", dependencies=["f"]), node("b")],
            "a depends on f, which it lies under; a parent is done only after its children",
        ),
        (
            [feature("f", dependencies=["a"]), node("a", "f"), node("b")],
            "f depends on a, which lies under it and can start only with it",
        ),
        (
            [node("a", dependencies=["b"]), node("b")],
            "a depends on b, which merges after it: a needs the higher order index",
        ),
        (
            [node("a", dependencies=["b"]), node("b", order_index=1)],
            "a depends on b, which merges after it: a needs the higher order index",
        ),
    ],
)
def test_hopeless_dependencies_say_why(nodes: list[PlanNode], problem: str) -> None:
    assert _check(*nodes) == [problem]


@pytest.mark.parametrize(
    "nodes",
    [
        # order against dependency, across features
        [feature("f"), node("a", "f", dependencies=["b"]), feature("g", order_index=1), node("b", "g")],
        # dependencies of leaves, each other's feature
        [feature("f"), node("a", "f", dependencies=["g"]), feature("g"), node("b", "g", dependencies=["f"])],
        # the order in which siblings merge against dependencies: c after a, but a after e after c
        [
            feature("f"), node("a", "f", dependencies=["e"]), node("c", "f"),
            feature("g"), node("d", "g", dependencies=["c"]), node("e", "g"),
        ],
    ],
)  # fmt: skip
def test_circles_through_order_dependencies_and_ancestors_are_found(nodes: list[PlanNode]) -> None:
    (problem,) = _check(*nodes)
    assert problem.startswith("these wait for one another in a circle: ")


def test_a_dependency_on_an_earlier_sibling_is_fine() -> None:
    assert _check(node("a"), node("b", dependencies=["a"]), node("c", order_index=1, dependencies=["b", "a"])) == []


def test_the_bounds() -> None:
    expected = {
        Size.SMALL: Bounds(2, 5, 0, 2, 3),
        Size.MEDIUM: Bounds(6, 15, 2, 6, 3),
        Size.LARGE: Bounds(10, 60, 3, 12, 4),
    }
    assert expected == BOUNDS


@pytest.mark.parametrize("size", Size)
def test_bounds_hold_at_their_edges(size: Size) -> None:
    bounds = BOUNDS[size]
    for leaves in (bounds.min_leaves - 1, bounds.min_leaves, bounds.max_leaves, bounds.max_leaves + 1):
        fit = bounds.min_leaves <= leaves <= bounds.max_leaves
        assert (_sized(size, bounds.min_features, leaves) == []) == fit
    for features in {
        max(0, bounds.min_features - 1),
        bounds.min_features,
        bounds.max_features,
        bounds.max_features + 1,
    }:
        fit = bounds.min_features <= features <= bounds.max_features
        assert (_sized(size, features, bounds.max_leaves) == []) == fit


def _sized(size: Size, features: int, leaves: int) -> list[str]:
    above = [f"f{number}" for number in range(features)]
    tasks = [node(f"t{number}", above[number % features] if above else "epic") for number in range(leaves)]
    return _check(*map(feature, above), *tasks, size=size)


def test_levels_are_counted_from_the_epic() -> None:
    nested = [feature("f"), feature("g", "f"), node("a", "g"), node("b", "f")]
    assert _check(*nested) == ["size small has at most 3 levels, the plan has 4"]
