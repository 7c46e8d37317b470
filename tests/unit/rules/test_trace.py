"""From each requirement to its tests, and what an empty cell means."""

from __future__ import annotations

from typing import Any

from ledger.models import Issue, IssueType, Requirement, Spec, issue_id
from ledger.rules.trace import trace, untested

SPEC = Spec(
    title="Keys", problem="p", goals=["g"], acceptance_criteria=["c"],
    requirements=[Requirement(id="R1", text="Have keys"), Requirement(id="R2", text="Turn them")],
)  # fmt: skip


def _issue(key: str, kind: IssueType, parent: str | None = None, **more: Any) -> Issue:
    about = {"run_id": "r", "project_id": "p", "repo": "o/r", "title": key}
    return Issue(id=issue_id("r", key), key=key, type=kind, parent=parent, **about, **more)


def _tree(**of_b: Any) -> list[Issue]:
    both: dict[str, Any] = {"requirements": ["R1", "R2"]}
    return [
        _issue("epic", IssueType.EPIC, number=1, **both),
        _issue(
            "a", IssueType.TASK, "epic", number=2, pr_number=3, merged_sha="a" * 40, requirements=["R1"],
            tests=["tests/test_a.py::test_a"],
        ),
        _issue("b", IssueType.TASK, "epic", number=4, pr_number=5, merged_sha="b" * 40, requirements=["R2"], **of_b),
    ]  # fmt: skip


def test_a_requirement_is_traced_through_its_tasks() -> None:
    one, two = trace(SPEC, _tree(tests=["tests/test_b.py::test_b"]))
    assert (one.issues, one.pulls, one.commits, one.tests) == ([2], [3], ["a" * 40], ["tests/test_a.py::test_a"])
    assert one.gaps == two.gaps == []
    assert untested([one, two]) == []


def test_a_requirement_without_a_test_is_a_finding_of_its_task_once() -> None:
    rows = trace(SPEC, _tree())
    assert rows[1].gaps == ["test"]
    assert str(rows[1]) == "R2 (#4) has no test"
    ((owner, finding),) = untested(rows)
    assert (owner, finding.title) == ("b", "Requirement R2 has no test")
    assert untested(trace(SPEC, _tree()))[0][1].fingerprint == finding.fingerprint


def test_the_test_of_a_defect_stands_for_what_its_task_is_about() -> None:
    defect = _issue("b.d1", IssueType.DEFECT, "b", number=6, tests=["tests/test_b.py::test_again"])
    assert trace(SPEC, [*_tree(), defect])[1].tests == ["tests/test_b.py::test_again"]


def test_nobody_works_on_it() -> None:
    assert trace(SPEC, _tree()[:2])[1].gaps == ["issue", "pull request", "commit", "test"]
