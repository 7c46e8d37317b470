"""The loop's rules, played through: whatever the plan, the order of events and the defects, it comes to its end."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.models import IssueStatus, IssueType, Plan
from ledger.rules.precedence import place
from ledger.rules.shape import check_shape
from ledger.rules.steps import Step, next_steps, stuck
from ledger.rules.tree import Tree, is_open
from tests.unit.rules.helpers import feature, issue, node, plan_of, plans, tree_of
from tests.unit.rules.loop import Loop, play

SEEDS = st.integers(0, 2**32)
S = IssueStatus


@settings(max_examples=30, deadline=None)
@given(plans(), SEEDS, st.integers(1, 5), st.integers(0, 8), st.integers(0, 3))
def test_every_sound_plan_is_worked_off(plan: Plan, seed: int, limit: int, findings: int, crashes: int) -> None:
    loop = Loop(plan, seed, limit, findings=findings, crashes=crashes)
    loop.run()
    _assert_all_but_the_epic(loop)
    tasks = [node.key for node in plan.nodes if node.type is IssueType.TASK]
    for key in tasks[:: 1 + seed % 3]:  # QA of the whole finds something in leaves that have merged
        loop.file_under(key)
    assert loop.tree.root.status is S.BLOCKED
    loop.run()
    _assert_all_but_the_epic(loop)


def _assert_all_but_the_epic(loop: Loop) -> None:
    tree = loop.tree
    assert stuck(tree) == []
    assert next_steps(tree, [], loop.limit) == []
    for parent in tree.issues:
        merged = [key for key in loop.merged if tree[key].parent == parent.key]
        planned = [tree[key] for key in merged if tree[key].type is not IssueType.DEFECT]
        assert planned == sorted(planned, key=place)
        assert len(merged) == len(set(merged)) == len(tree.children(parent.key))


@settings(max_examples=60, deadline=None)
@given(plans(sound=False))
def test_a_plan_is_refused_exactly_when_the_loop_would_stop_short(plan: Plan) -> None:
    _, started = play(plan, limit=9)
    leaves = {each.key for each in plan.nodes if each.type is IssueType.TASK}
    assert (check_shape(plan) == []) == (started == leaves)


def test_a_leaf_that_failed_takes_no_place_and_is_named() -> None:
    tree = tree_of(plan_of(node("a", estimate_minutes=60, files=["a.py"]), node("b", files=["a.py"])))
    failed = Tree.of([tree["epic"], tree["a"].model_copy(update={"failure": "No key."}), tree["b"]])
    assert next_steps(failed, [], 1) == [Step("build", "b")]
    assert stuck(failed) == ["a: No key."]


def test_what_failed_half_way_waits_for_a_person() -> None:
    ready: dict[str, Any] = {"status": S.QA, "head": "h", "tested_head": "h"}
    nodes = [issue("a", status=S.REVIEW), issue("f", kind=IssueType.FEATURE, **ready), issue("b", "f", **ready)]
    epic = issue("epic", None, IssueType.EPIC)
    assert {step.key for step in next_steps(Tree.of([epic, *nodes]), [], 2)} == {"a", "b"}
    failed = [each.model_copy(update={"failure": "No key."}) for each in nodes]
    assert next_steps(Tree.of([epic, *failed]), [], 2) == []


def test_half_done_work_waits_when_what_came_before_it_was_opened_again() -> None:
    tree = Tree.of([
        issue("epic", None, IssueType.EPIC),
        issue("a", status=S.BLOCKED, merged_sha="m"),
        issue("a.d1", "a", IssueType.DEFECT),
        issue("b", order_index=1, status=S.IN_PROGRESS),
    ])  # fmt: skip
    assert next_steps(tree, [], 2) == [Step("build", "a.d1")]


def test_stuck_without_a_failure_names_every_open_node() -> None:
    tree = tree_of(plan_of(node("a", dependencies=["b"]), node("b", dependencies=["a"])))
    assert next_steps(tree, [], 4) == []
    assert stuck(tree) == ["a is NEW and nothing can move it.", "b is NEW and nothing can move it."]


def test_half_done_work_comes_first_but_not_beside_what_touches_its_files() -> None:
    tree = Tree.of([
        issue("epic", None, IssueType.EPIC),
        issue("a", status=S.REVIEW, files=["x.py"]),
        issue("b", status=S.IN_PROGRESS, files=["x.py"]),
        issue("c", estimate_minutes=99),
        issue("d", status=S.QA, head="h2", tested_head="h1"),
    ])  # fmt: skip
    assert next_steps(tree, [], 2) == [Step("build", "a"), Step("build", "d")]
    assert next_steps(tree, [Step("build", "a")], 3) == [Step("build", "d"), Step("build", "c")]
    assert next_steps(tree, [Step("build", "a"), Step("build", "d")], 2) == []


def test_a_leaf_waits_while_what_touches_its_files_merges() -> None:
    tree = Tree.of([
        issue("epic", None, IssueType.EPIC),
        issue("a", status=S.QA, head="h", tested_head="h", files=["x.py"]),
        issue("b", files=["x.py"]),
    ])  # fmt: skip
    assert next_steps(tree, [], 2) == [Step("land", "a")]
    assert next_steps(tree, [Step("land", "a")], 2) == []


def test_what_a_dead_process_left_unsaid_is_understood() -> None:
    merged: dict[str, Any] = {"head": "h", "tested_head": "h", "merged_sha": "m"}
    tree = Tree.of([
        issue("epic", None, IssueType.EPIC),
        issue("f", kind=IssueType.FEATURE, status=S.IN_PROGRESS),
        issue("a", "f", status=S.QA, **merged),  # it died between the merge and DONE
        issue("b", order_index=1, status=S.NEW),
    ])  # fmt: skip
    assert next_steps(tree, [], 2) == [Step("land", "f")]
    alone = Tree.of([tree["epic"], issue("a", status=S.QA, **merged)])
    assert next_steps(alone, [], 2) == []
    assert stuck(alone) == []


def test_the_epic_is_not_landed_by_the_loop() -> None:
    tree = Tree.of(
        [issue("epic", None, IssueType.EPIC, status=S.QA, head="h", tested_head="h"), issue("a", status=S.DONE)]
    )
    assert next_steps(tree, [], 2) == []


def test_a_defect_under_a_merged_leaf_is_built_and_its_features_wait() -> None:
    loop = Loop(plan_of(feature("f"), node("a", "f"), node("b", "f")), seed=1, limit=2)
    loop.run()
    loop.file_under("a")
    assert [each.key for each in loop.tree.issues if is_open(each)] == [
        "epic",
        "f",
        "a",
        "a.d1",
        *(["a.d2"] if "a.d2" in loop.tree else []),
    ]
    assert {loop.tree[key].status for key in ("epic", "f", "a")} == {S.BLOCKED}
    assert all(step.key.startswith("a.d") for step in next_steps(loop.tree, [], 4))
