"""Is a plan fit to be carried out? Checked before anything is created."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from ledger.models import IssueType, Plan, PlanNode, Size, Spec

MAX_CHILDREN = 100  # GitHub's limit of sub-issues


@dataclass(frozen=True)
class Bounds:
    """How large a tree may be; ``max_depth`` counts levels, the epic is the first."""

    min_leaves: int
    max_leaves: int
    min_features: int
    max_features: int
    max_depth: int


BOUNDS: Mapping[Size, Bounds] = {
    Size.SMALL: Bounds(2, 5, 0, 2, 3),
    Size.MEDIUM: Bounds(6, 15, 2, 6, 3),
    Size.LARGE: Bounds(10, 60, 3, 12, 4),
}


def check_plan(plan: Plan, spec: Spec, size: Size) -> list[str]:
    """Every rule that the plan breaks, each as a sentence; none when it is fit."""
    problems = _keys(plan)
    if problems:
        return problems  # the rest would speak of nodes that are not there
    problems = _shape(plan) or _precedence(plan)
    return [*problems, *_contents(plan, spec), *_bounds(plan, size)]


def _keys(plan: Plan) -> list[str]:
    counts = Counter(node.key for node in plan.nodes)
    problems = [f"the key {key} is used {count} times" for key, count in counts.items() if count > 1]
    for node in plan.nodes:
        if node.parent is not None and node.parent not in counts:
            problems.append(f"{node.key} is under {node.parent}, which is not in the plan")
        problems += [
            f"{node.key} depends on {key}, which is not in the plan" for key in node.dependencies if key not in counts
        ]
    return problems


def _shape(plan: Plan) -> list[str]:
    by_key = {node.key: node for node in plan.nodes}
    problems = []
    roots = [node.key for node in plan.nodes if node.parent is None]
    epics = [node.key for node in plan.nodes if node.type is IssueType.EPIC]
    if roots != [plan.nodes[0].key] or epics != roots:
        problems.append("the plan must have one epic, first and without a parent, and every other node needs a parent")
    for node in plan.nodes:
        parent = by_key.get(node.parent or "")
        if parent is not None and parent.type not in (IssueType.EPIC, IssueType.FEATURE):
            problems.append(f"{node.key} is under {parent.key}, which is a {parent.type.value} and has no sub-issues")
        if node.type is IssueType.DEFECT:
            problems.append(f"{node.key} is a defect; only QA files those")
    children = Counter(node.parent for node in plan.nodes)
    problems += [
        f"{key} has {n} children, more than {MAX_CHILDREN}" for key, n in children.items() if key and n > MAX_CHILDREN
    ]
    empty = [node.key for node in plan.nodes if node.type is not IssueType.TASK and not children[node.key]]
    problems += [f"{key} has no child" for key in empty]
    if not problems and any(_depth(by_key, node) == 0 for node in plan.nodes):
        problems.append("some nodes are under one another in a circle")
    return problems


def _depth(by_key: Mapping[str, PlanNode], node: PlanNode) -> int:
    depth, at = 1, node
    while at.parent is not None:
        depth, at = depth + 1, by_key[at.parent]
        if depth > len(by_key):
            return 0  # a circle
    return depth


def _precedence(plan: Plan) -> list[str]:
    """Each node has a start and an end; order and dependencies tie ends to starts, so that subtrees inherit them."""
    graph: dict[str, set[str]] = {}
    for node in plan.nodes:
        start, end = f"start {node.key}", f"end {node.key}"
        graph.setdefault(end, set()).add(start)
        graph.setdefault(start, set()).update(f"end {key}" for key in node.dependencies)
        if node.parent is not None:
            graph[start].add(f"start {node.parent}")
            graph.setdefault(f"end {node.parent}", set()).add(end)
            graph[start].update(
                f"end {other.key}"
                for other in plan.nodes
                if other.parent == node.parent and other.order_index < node.order_index
            )
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        keys = dict.fromkeys(step.split()[1] for step in error.args[1])
        return [f"these wait for one another in a circle: {', '.join(keys)}"]
    return []


def _contents(plan: Plan, spec: Spec) -> list[str]:
    leaves = [node for node in plan.nodes if node.type is IssueType.TASK]
    known = {need.id for need in spec.requirements}
    covered = {need for leaf in leaves for need in leaf.requirements}
    problems = [f"{leaf.key} has no acceptance criterion" for leaf in leaves if not leaf.acceptance_criteria]
    problems += [f"requirement {need} has no leaf" for need in sorted(known - covered)]
    for node in plan.nodes:
        problems += [
            f"{node.key} names requirement {need}, which the spec does not have"
            for need in node.requirements
            if need not in known
        ]
    return problems


def _bounds(plan: Plan, size: Size) -> list[str]:
    bounds, by_key = BOUNDS[size], {node.key: node for node in plan.nodes}
    leaves = sum(node.type is IssueType.TASK for node in plan.nodes)
    features = sum(node.type is IssueType.FEATURE for node in plan.nodes)
    depth = max(_depth(by_key, node) for node in plan.nodes)
    problems = []
    if not bounds.min_leaves <= leaves <= bounds.max_leaves:
        problems.append(f"size {size} has {bounds.min_leaves} to {bounds.max_leaves} leaves, the plan has {leaves}")
    if not bounds.min_features <= features <= bounds.max_features:
        problems.append(
            f"size {size} has {bounds.min_features} to {bounds.max_features} features, the plan has {features}"
        )
    if depth > bounds.max_depth:
        problems.append(f"size {size} has at most {bounds.max_depth} levels, the plan has {depth}")
    return problems
