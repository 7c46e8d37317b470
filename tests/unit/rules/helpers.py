"""Plans, trees and findings to test the rules with, by hand and by hypothesis."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from ledger.models import Finding, Issue, IssueType, Plan, PlanNode, Requirement, Severity, Spec, issue_id
from ledger.rules.shape import check_shape
from ledger.rules.tree import Tree

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SPEC = Spec(
    title="Budgets",
    problem="Money runs out.",
    goals=["Know before it does."],
    requirements=[Requirement(id="R1", text="Set a budget.")],
    acceptance_criteria=["A budget can be set."],
)
PATHS = ["a.py", "src/", "src/x.py", "src/*.py", "docs/"]


def node(key: str, parent: str | None = "epic", kind: IssueType = IssueType.TASK, **fields: Any) -> PlanNode:
    """A planned node, complete unless ``fields`` say otherwise."""
    task = {"requirements": ["R1"], "acceptance_criteria": ["It works."]} if kind is IssueType.TASK else {}
    return PlanNode(key=key, type=kind, parent=parent, **{"title": key.title(), **task, **fields})


def feature(key: str, parent: str = "epic", **fields: Any) -> PlanNode:
    """A planned feature."""
    return node(key, parent, IssueType.FEATURE, **fields)


def plan_of(*nodes: PlanNode) -> Plan:
    """A plan of an epic and ``nodes``."""
    return Plan(nodes=[node("epic", None, IssueType.EPIC), *nodes])


def issue(key: str, parent: str | None = "epic", kind: IssueType = IssueType.TASK, **fields: Any) -> Issue:
    """An issue of the run ``run``."""
    shared = {"run_id": "run", "project_id": "project", "repo": "org/repo", "title": key.title()}
    stamps = {"created_at": AT, "updated_at": AT}
    return Issue(id=issue_id("run", key), key=key, parent=parent, type=kind, **{**shared, **stamps, **fields})


def tree_of(plan: Plan | Iterable[PlanNode]) -> Tree:
    """The tree of a plan nobody has begun."""
    nodes = plan.nodes if isinstance(plan, Plan) else plan
    return Tree.of(
        issue(each.key, each.parent, each.type, **each.model_dump(exclude={"key", "parent", "type", "estimate_usd"}))
        for each in nodes
    )


def finding(fingerprint: str = "f1", **fields: Any) -> Finding:
    """A critical finding."""
    known = {"check": "tests", "severity": Severity.CRITICAL, "title": "A test fails", "evidence": "assert 1 == 2"}
    return Finding(fingerprint=fingerprint, **{**known, **fields})


@st.composite
def plans(
    draw: st.DrawFn,
    *,
    features: tuple[int, int] = (0, 3),
    leaves: tuple[int, int] = (1, 7),
    levels: int = 4,
    files: bool = True,
    sound: bool = True,
) -> Plan:
    """A tree of at most ``levels`` levels; ``sound`` leaves out dependencies that nothing could ever satisfy."""
    count = draw(st.integers(*features))
    names = iter(draw(st.permutations([f"n{number}" for number in range(count + leaves[1])])))
    depth, nodes = {"epic": 1}, [node("epic", None, IssueType.EPIC)]
    for _ in range(count):
        parent = draw(st.sampled_from([key for key, level in depth.items() if level <= levels - 2]))
        nodes.append(feature(next(names), parent, order_index=draw(st.integers(0, 2))))
        depth[nodes[-1].key] = depth[parent] + 1
    empty = [key for key in depth if key not in {each.parent for each in nodes}]
    total = draw(st.integers(max(leaves[0], len(empty)), leaves[1]))
    for number in range(total):
        parent = empty[number] if number < len(empty) else draw(st.sampled_from(sorted(depth)))
        nodes.append(
            node(
                next(names), parent, order_index=draw(st.integers(0, 2)), estimate_minutes=draw(st.integers(1, 9)),
                files=draw(st.lists(st.sampled_from(PATHS), max_size=2)) if files else [],
            )
        )  # fmt: skip
    return _tied(nodes, draw(_ties(len(nodes))), sound)


def _ties(count: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    return st.lists(st.tuples(st.integers(1, count - 1), st.integers(0, count - 1)), max_size=4)


def _tied(nodes: list[PlanNode], ties: list[tuple[int, int]], sound: bool) -> Plan:
    for who, on in ties:
        tied = nodes[who].model_copy(update={"dependencies": [*nodes[who].dependencies, nodes[on].key]})
        changed = [*nodes[:who], tied, *nodes[who + 1 :]]
        if not sound or not check_shape(Plan(nodes=changed)):
            nodes = changed
    return Plan(nodes=nodes)
