"""What two runs do not share is named: statuses, rounds, trees and the paths in them."""

from __future__ import annotations

from typing import Any

from tasks.ending import Ending, Files, NodeEnd, differences

FILES = Files(tree="a" * 40, changed={"x.py": "100644 1", "y.py": "100644 2"})


def _ending(**changes: Any) -> Ending:
    nodes = {"epic": NodeEnd(status="DONE", round=1, merged=FILES), "leaf": NodeEnd(status="DONE", round=2)}
    known: dict[str, Any] = {"state": "DONE", "outcome": "succeeded", "nodes": nodes, "tag": "v1.0.0"}
    return Ending(**{**known, "released": FILES, **changes})


def _said(replayed: Ending) -> list[str]:
    return [str(each) for each in differences(_ending(), replayed)]


def test_equal_runs_differ_in_nothing() -> None:
    assert differences(_ending(), _ending()) == []


def test_another_file_under_the_tag_is_named() -> None:
    changed = {"x.py": "100644 1", "y.py": "100755 2", "z.py": "gone"}
    [said] = _said(_ending(released=Files(tree="b" * 40, changed=changed)))
    assert said == f"tree of the release: recorded {'a' * 40}, replayed {'b' * 40} (in y.py, z.py)"


def test_status_round_and_tree_of_a_node_are_told_apart() -> None:
    leaf = NodeEnd(status="BLOCKED", round=3, merged=FILES)
    assert _said(_ending(nodes={**_ending().nodes, "leaf": leaf})) == [
        "status of leaf: recorded DONE, replayed BLOCKED",
        "rounds of leaf: recorded 2, replayed 3",
        f"tree of leaf: recorded nothing, replayed {'a' * 40}",
    ]


def test_a_node_that_only_one_of_them_has_is_named() -> None:
    nodes = {"epic": _ending().nodes["epic"], "epic.d1": NodeEnd(status="DONE", round=1)}
    assert _said(_ending(nodes=nodes)) == [
        "node epic.d1: recorded nothing, replayed there",
        "node leaf: recorded there, replayed nothing",
    ]


def test_a_run_that_stopped_elsewhere_differs_though_its_trees_are_the_same() -> None:
    assert _said(_ending(outcome="failed", state="RELEASE", tag=None)) == [
        "outcome: recorded succeeded, replayed failed",
        "state: recorded DONE, replayed RELEASE",
        "tag: recorded v1.0.0, replayed nothing",
    ]


def test_trees_that_were_not_recorded_are_not_called_equal() -> None:
    assert differences(_ending(released=None), _ending()) != []
