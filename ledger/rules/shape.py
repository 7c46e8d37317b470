"""The shape of a plan: one tree under one epic, and an order in which it can be worked off."""

from __future__ import annotations

from collections import Counter

from ledger.models import IssueType, Plan, PlanNode
from ledger.rules.precedence import before, circle, place

MAX_CHILDREN = 100  # GitHub's limit of sub-issues
PARENTS = (IssueType.EPIC, IssueType.FEATURE)


def check_shape(plan: Plan) -> list[str]:
    """Every rule of shape that the plan breaks, each as a sentence."""
    return [*_keys(plan), *_root(plan), *_parents(plan), *_children(plan), *_order(plan)]


def depth(plan: Plan) -> int:
    """How many levels the plan has; nodes that lie under one another in a circle count for nothing."""
    by_key = _by_key(plan)
    return max((len(_line(by_key, node)) for node in plan.nodes if not _circles(by_key, node)), default=0)


def _by_key(plan: Plan) -> dict[str, PlanNode]:
    return {node.key: node for node in reversed(plan.nodes)}  # of two with one key, the first


def _line(by_key: dict[str, PlanNode], node: PlanNode) -> list[str]:
    """The keys from the node up to the root, or until they repeat."""
    keys: dict[str, None] = {}
    at: PlanNode | None = by_key[node.key]
    while at is not None and at.key not in keys:
        keys[at.key] = None
        at = by_key.get(at.parent or "")
    return list(keys)


def _circles(by_key: dict[str, PlanNode], node: PlanNode) -> bool:
    line = _line(by_key, node)
    return by_key[line[-1]].parent in line


def _keys(plan: Plan) -> list[str]:
    counts = Counter(node.key for node in plan.nodes)
    problems = [f"the key {key} is used {count} times" for key, count in counts.items() if count > 1]
    for node in plan.nodes:
        if node.parent is not None and node.parent not in counts:
            problems.append(f"{node.key} is under {node.parent}, which is not in the plan")
        problems += [
            f"{node.key} depends on {key}, which is not in the plan"
            for key in dict.fromkeys(node.dependencies)
            if key not in counts
        ]
    return problems


def _root(plan: Plan) -> list[str]:
    epics = [node.key for node in plan.nodes if node.type is IssueType.EPIC]
    problems = [] if len(epics) == 1 else [f"a plan has exactly one epic, this one has {len(epics)}"]
    first = plan.nodes[0]
    if first.type is not IssueType.EPIC:
        problems.append(f"the epic must come first, but the first node is {first.key}, a {first.type.value}")
    for node in plan.nodes:
        if node.type is IssueType.EPIC and node.parent is not None:
            problems.append(f"{node.key} is an epic and cannot be under {node.parent}")
        if node.type is not IssueType.EPIC and node.parent is None:
            problems.append(f"{node.key} has no parent; only the epic has none")
    return problems


def _parents(plan: Plan) -> list[str]:
    by_key = _by_key(plan)
    problems = []
    for node in plan.nodes:
        parent = by_key.get(node.parent or "")
        if parent is not None and parent.type not in PARENTS:
            problems.append(f"{node.key} is under {parent.key}, which is a {parent.type.value} and has no sub-issues")
        if node.type is IssueType.DEFECT:
            problems.append(f"{node.key} is a defect; only QA files those")
    rings = {tuple(sorted(_ring(by_key, node))) for node in plan.nodes if _circles(by_key, node)}
    return problems + [f"these are under one another in a circle: {', '.join(ring)}" for ring in sorted(rings)]


def _ring(by_key: dict[str, PlanNode], node: PlanNode) -> list[str]:
    line = _line(by_key, node)
    return line[line.index(by_key[line[-1]].parent or "") :]


def _children(plan: Plan) -> list[str]:
    counts = Counter(node.parent for node in plan.nodes)
    problems = [
        f"{key} has {n} children, more than {MAX_CHILDREN}" for key, n in counts.items() if key and n > MAX_CHILDREN
    ]
    return problems + [
        f"{node.key} is {'an' if node.type is IssueType.EPIC else 'a'} {node.type.value} without children"
        for node in plan.nodes
        if node.type in PARENTS and not counts[node.key]
    ]


def _order(plan: Plan) -> list[str]:
    by_key = _by_key(plan)
    if any(_circles(by_key, node) for node in plan.nodes):
        return []  # a circle of parents is told already, and would be found here again
    problems = [
        f"{node.key} depends on {why}"
        for node in by_key.values()
        for key in dict.fromkeys(node.dependencies)
        if key in by_key and (why := _never(by_key, node, by_key[key]))
    ]
    waiting = [] if problems else circle(before(by_key.values()))
    if waiting:
        keys = ", ".join(waiting)
        problems.append(f"these wait for one another in a circle: {keys} (siblings merge by order index, then by key)")
    return problems


def _never(by_key: dict[str, PlanNode], node: PlanNode, other: PlanNode) -> str:
    """Why ``node`` would wait for ``other`` for ever, as far as those two alone show it."""
    if node is other:
        return "itself"
    if other.key in _line(by_key, node):
        return f"{other.key}, which it lies under; a parent is done only after its children"
    if node.key in _line(by_key, other):
        return f"{other.key}, which lies under it and can start only with it"
    if node.parent == other.parent and place(other) > place(node):
        return f"{other.key}, which merges after it: {node.key} needs the higher order index"
    return ""
