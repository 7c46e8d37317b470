"""Is a plan fit to be carried out, and how does it differ from another? Checked before anything is created."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.models import IssueType, Plan, PlanNode, Size, Spec
from ledger.rules.shape import check_shape, depth
from ledger.rules.tree import Tree

SHOWN = 60  # characters of a value in a diff


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
    problems = [*check_shape(plan), *_contents(plan, spec), *_bounds(plan, size)]
    return list(dict.fromkeys(problems))  # nodes that share a key would say the same twice


def _contents(plan: Plan, spec: Spec) -> list[str]:
    leaves = [node for node in plan.nodes if node.type is IssueType.TASK]
    known = dict.fromkeys(need.id for need in spec.requirements)
    covered = {need for leaf in leaves for need in leaf.requirements}
    problems = [
        f"{leaf.key} has no acceptance criterion"
        for leaf in leaves
        if not any(criterion.strip() for criterion in leaf.acceptance_criteria)
    ]
    problems += [f"requirement {need} has no leaf" for need in known if need not in covered]
    for node in plan.nodes:
        problems += [
            f"{node.key} names requirement {need}, which the spec does not have"
            for need in dict.fromkeys(node.requirements)
            if need not in known
        ]
    return problems


def _bounds(plan: Plan, size: Size) -> list[str]:
    bounds = BOUNDS[size]
    leaves = sum(node.type is IssueType.TASK for node in plan.nodes)
    features = sum(node.type is IssueType.FEATURE for node in plan.nodes)
    levels = depth(plan)
    problems = []
    if not bounds.min_leaves <= leaves <= bounds.max_leaves:
        problems.append(f"size {size} has {bounds.min_leaves} to {bounds.max_leaves} leaves, the plan has {leaves}")
    if not bounds.min_features <= features <= bounds.max_features:
        problems.append(
            f"size {size} has {bounds.min_features} to {bounds.max_features} features, the plan has {features}"
        )
    if levels > bounds.max_depth:
        problems.append(f"size {size} has at most {bounds.max_depth} levels, the plan has {levels}")
    return problems


def plan_of(tree: Tree) -> Plan:
    """The plan of a tree as it stands. Defects are no part of it: nobody planned them."""
    planned = [each for each in tree.issues if each.type is not IssueType.DEFECT]
    keys = {each.key for each in planned}
    nodes = []
    for each in planned:
        values = {name: getattr(each, name) for name in PlanNode.model_fields if name != "estimate_usd"}
        values["dependencies"] = [key for key in each.dependencies if key in keys]
        nodes.append(PlanNode.model_construct(**values))
    return Plan.model_construct(nodes=nodes)


def plan_diff(old: Plan, new: Plan) -> list[str]:
    """What changed, a line each: ``+ key title``, ``- key title``, ``~ key field: old → new``."""
    before = {node.key: node for node in old.nodes}
    after = {node.key: node for node in new.nodes}
    lines: list[str] = []
    for key, node in after.items():
        if key in before:
            lines += _changes(before[key], node)
        else:
            lines.append(f"+ {key} {_text(node.title)}")
    return lines + [f"- {key} {_text(node.title)}" for key, node in before.items() if key not in after]


def _changes(old: PlanNode, new: PlanNode) -> list[str]:
    lines = []
    for field in PlanNode.model_fields:
        was, now = getattr(old, field), getattr(new, field)
        if was != now:
            lines.append(f"~ {new.key} {field}: {' → '.join(_shown(_text(was), _text(now)))}")
    return lines


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    text = f"{value:g}" if isinstance(value, float) else str("none" if value in (None, "") else value)
    return "\\n".join(text.splitlines())


def _shown(*texts: str) -> list[str]:
    """Texts cut to a line, from shortly before the place where they begin to differ."""
    if max(map(len, texts)) <= SHOWN:
        return list(texts)
    same = next(
        (i for i, letters in enumerate(zip(*texts, strict=False)) if len(set(letters)) > 1), min(map(len, texts))
    )
    start = same - 10 if same > 20 else 0
    return [("…" if start else "") + _cut(text[start:]) for text in texts]


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
