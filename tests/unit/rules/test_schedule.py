"""Which leaf first, and how long it all takes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.models import IssueStatus, IssueType, Plan
from ledger.rules.schedule import forecast, next_leaves, remaining_minutes
from ledger.rules.tree import Tree
from tests.unit.rules.helpers import feature, issue, node, plan_of, plans, tree_of
from tests.unit.rules.loop import play

DEEP = plan_of(
    feature("f"), feature("ff", "f"), node("deep", "ff", estimate_minutes=3), node("wide", "f", estimate_minutes=1),
    feature("g", order_index=1), node("x", "g", estimate_minutes=5), node("y", "g", order_index=1, estimate_minutes=2),
    node("free", order_index=0, estimate_minutes=6),
)  # fmt: skip


def _waiting(plan: Plan) -> dict[str, set[str]]:
    """For each leaf those that the real loop never starts as long as this one is not done."""
    leaves = {each.key for each in plan.nodes if each.type is IssueType.TASK}
    return {leaf: leaves - play(plan, limit=99, held=leaf)[1] for leaf in leaves}


def _longest(plan: Plan, waiting: dict[str, set[str]]) -> dict[str, float]:
    own = {each.key: each.estimate_minutes for each in plan.nodes}
    found: dict[str, float] = {}
    for leaf in sorted(waiting, key=lambda each: len(waiting[each])):  # who waits for me has fewer waiting for it
        found[leaf] = own[leaf] + max((found[other] for other in waiting[leaf]), default=0)
    return found


@settings(max_examples=40, deadline=None)
@given(plans(files=False), st.integers(1, 4))
def test_times_agree_with_what_the_loop_does(plan: Plan, limit: int) -> None:
    waiting = _waiting(plan)
    longest = _longest(plan, waiting)
    own = {each.key: each.estimate_minutes for each in plan.nodes}
    assert remaining_minutes(tree_of(plan)) == longest

    cast = forecast(plan, limit)
    critical, work = max(longest.values()), sum(own[leaf] for leaf in longest)
    assert (cast.leaves, cast.minutes_of_work) == (len(longest), work)
    assert sum(own[key] for key in cast.critical_path) == critical
    assert all(later in waiting[earlier] for earlier, later in pairwise(cast.critical_path))
    assert cast.minutes_to_finish >= max(critical, work / limit)
    assert cast.minutes_to_finish <= work / limit + (1 - 1 / limit) * critical + 1e-9


@settings(max_examples=40, deadline=None)
@given(plans(), st.integers(1, 4))
def test_the_forecast_is_the_loop_with_a_clock(plan: Plan, limit: int) -> None:
    assert forecast(plan, limit).minutes_to_finish == play(plan, limit)[0]


def test_a_leaf_deep_in_a_feature_is_waited_for_by_the_next_features_leaves() -> None:
    assert remaining_minutes(tree_of(DEEP)) == {"deep": 10, "wide": 8, "free": 13, "x": 7, "y": 2}
    cast = forecast(DEEP, 3)
    assert cast.critical_path == ["free", "x", "y"]
    assert cast.minutes_to_finish == 13


def test_who_waits_for_the_second_waits_for_the_first_that_merges_before_it() -> None:
    plan = plan_of(node("a", estimate_minutes=9), node("b", estimate_minutes=1), node("c", dependencies=["b"]))
    assert remaining_minutes(tree_of(plan))["a"] == 19
    assert forecast(plan, 2).critical_path == ["a", "c"]


def test_what_is_done_makes_nobody_wait() -> None:
    plan = tree_of(plan_of(node("a"), node("b", dependencies=["a"]), node("c", dependencies=["b"]))).issues
    done = [each.model_copy(update={"status": IssueStatus.DONE}) if each.key == "b" else each for each in plan]
    assert remaining_minutes(Tree.of(done)) == {"a": 10, "c": 10}  # a was opened again after b had merged


def test_a_defect_counts_for_the_leaf_that_it_holds() -> None:
    plan = plan_of(node("a"), node("b", order_index=1, estimate_minutes=4))
    done = [each.model_copy(update={"status": IssueStatus.DONE}) for each in tree_of(plan).issues if each.key == "a"]
    rest = [each for each in tree_of(plan).issues if each.key != "a"]
    tree = Tree.of([*rest, *done, issue("a.d1", "a", IssueType.DEFECT, estimate_minutes=5)])
    assert remaining_minutes(tree) == {"a.d1": 9, "b": 4}  # even before propagation has opened a again
    beside = Tree.of([*tree_of(plan).issues, issue("epic.d1", "epic", IssueType.DEFECT, estimate_minutes=5)])
    assert remaining_minutes(beside) == {"a": 14, "b": 4, "epic.d1": 5}  # no sibling waits for it


def test_in_a_circle_every_leaf_counts_for_itself() -> None:
    plan = plan_of(node("a", dependencies=["b"]), node("b", dependencies=["a"], estimate_minutes=2))
    assert remaining_minutes(tree_of(plan)) == {"a": 10, "b": 2}


def test_longest_first_within_the_limit_and_apart() -> None:
    plan = plan_of(
        node("a", estimate_minutes=1), node("b", estimate_minutes=9, files=["x/"]),
        node("c", estimate_minutes=5, files=["x/y.py"]), node("e", estimate_minutes=3),
    )  # fmt: skip
    tree = tree_of(plan)
    assert [leaf.key for leaf in next_leaves(tree, [], 9)] == ["b", "e", "a"]
    assert [leaf.key for leaf in next_leaves(tree, ["c"], 3)] == ["e", "a"]
    assert [leaf.key for leaf in next_leaves(tree, [], 1)] == ["b"]
    assert [leaf.key for leaf in next_leaves(tree, ["e"], 9, landing=["c"])] == ["a"]
    assert next_leaves(tree, ["a", "b"], 2) == next_leaves(tree, [], 0) == []


@pytest.mark.parametrize(("limit", "minutes"), [(0, 17), (1, 17), (2, 13), (9, 13)])
def test_forecast_by_limit(limit: int, minutes: float) -> None:
    cast = forecast(DEEP, limit)
    assert cast.minutes_to_finish == minutes
    assert cast.minutes_of_work == 17


def test_leaves_that_share_files_take_turns_and_money_adds_up() -> None:
    plan = plan_of(node("a", files=["x.py"], estimate_usd=0.1), node("b", files=["x.py"], estimate_usd=0.2))
    cast = forecast(plan, 2)
    assert (cast.minutes_to_finish, cast.usd) == (20, 0.3)
