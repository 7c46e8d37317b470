"""The shape of a plan: one tree under one epic, and an order in which it can be worked off."""

from __future__ import annotations

from collections import Counter

from ledger.models import IssueType, Plan, PlanNode
from ledger.rules.precedence import circle, precedence

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
    keys: dict[str, None] = {node.key: None}
    at: PlanNode | None = by_key.get(node.parent or "")
    while at is not None and at.key not in keys:
        keys[at.key] = None
        at = by_key.get(at.parent or "")
    return list(keys)


def _circles(by_key: dict[str, PlanNode], node: PlanNode) -> bool:
    top = by_key[_line(by_key, node)[-1]]
    return top.parent in by_key


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
    problems, sound = [], []
    for node in by_key.values():
        lines = {key: _line(by_key, by_key[key]) for key in dict.fromkeys(node.dependencies) if key in by_key}
        up = [key for key in lines if key in _line(by_key, node)]
        down = [key for key, line in lines.items() if node.key in line and key not in up]
        problems += [_vertical(node.key, key, "under") for key in up] + [
            _vertical(node.key, key, "over") for key in down
        ]
        vertical = {*up, *down}
        sound.append(node.model_copy(update={"dependencies": [key for key in lines if key not in vertical]}))
    if any(_circles(by_key, node) for node in sound):
        return problems  # a circle of parents is told already, and would be found here again
    waiting = circle(precedence(sound))
    return problems + ([f"these wait for one another in a circle: {', '.join(waiting)}"] if waiting else [])


def _vertical(key: str, other: str, where: str) -> str:
    if key == other:
        return f"{key} depends on itself"
    return f"{key} depends on {other}, which it lies {where}; a parent is done only after its children"
