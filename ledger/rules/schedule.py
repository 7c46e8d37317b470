"""Which leaves to start, the longest remaining path first, and what a plan will take."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping
from itertools import pairwise

from ledger.models import Forecast, Issue, IssueStatus, IssueType, Plan, issue_id
from ledger.rules.overlap import overlap
from ledger.rules.ready import startable
from ledger.rules.status import propagate
from ledger.rules.tree import Tree, is_open


def remaining_minutes(tree: Tree) -> dict[str, float]:
    """For each open leaf: its own estimate and the longest chain of open leaves that waits for it."""
    after = _successors(tree)
    tail: dict[str, float] = {}

    def below(key: str) -> float:
        return max((total(child.key) for child in tree.children(key) if is_open(child)), default=0.0)

    def total(key: str) -> float:
        if key not in tail:
            tail[key] = 0.0  # a cycle would come back here; a checked plan has none
            own = tree[key].estimate_minutes if not any(map(is_open, tree.children(key))) else below(key)
            tail[key] = own + max((total(other) for other in after.get(key, ())), default=0.0)
        return tail[key]

    found: dict[str, float] = {}
    for leaf in tree.leaves():
        if is_open(leaf):
            above = [
                max((total(other) for other in after.get(each.key, ())), default=0.0)
                for each in tree.ancestors(leaf.key)
            ]
            found[leaf.key] = total(leaf.key) + sum(above)
    return found


def next_leaves(tree: Tree, running: Collection[str], limit: int) -> list[Issue]:
    """The leaves to start now beside those that run: longest remaining first, no two that touch the same files."""
    room = limit - len(running)
    if room <= 0:
        return []
    left = remaining_minutes(tree)
    chosen: list[Issue] = []
    busy = [tree[key] for key in running if key in tree]
    candidates = [leaf for leaf in startable(tree) if leaf.key not in running]
    for leaf in sorted(candidates, key=lambda each: (-left.get(each.key, 0), each.key)):
        if len(chosen) == room:
            break
        if not any(overlap(leaf.files, other.files) for other in [*busy, *chosen]):
            chosen.append(leaf)
    return chosen


def forecast(plan: Plan, limit: int) -> Forecast:
    """What the plan takes when ``limit`` leaves run at once, scheduled as the loop would."""
    tree = _as_tree(plan)
    leaves = [issue for issue in tree.issues if issue.type is IssueType.TASK]
    left = remaining_minutes(tree)
    finish, clock = _simulate(tree, limit)
    longest = max(left, key=lambda key: (left[key], key)) if left else None
    return Forecast(
        leaves=len(leaves),
        minutes_of_work=sum(leaf.estimate_minutes for leaf in leaves),
        minutes_to_finish=clock,
        usd=round(sum(node.estimate_usd for node in plan.nodes if node.type is IssueType.TASK), 4),
        critical_path=_critical(left, finish, longest),
    )


def _successors(tree: Tree) -> Mapping[str, list[str]]:
    after: dict[str, list[str]] = {}
    for issue in tree.issues:
        for dependency in issue.dependencies:
            after.setdefault(dependency, []).append(issue.key)
        plan_children = [child for child in tree.children(issue.key) if child.type is not IssueType.DEFECT]
        indexes = sorted({child.order_index for child in plan_children})
        for now, then in pairwise(indexes):
            later = [child.key for child in plan_children if child.order_index == then and is_open(child)]
            for child in plan_children:
                if child.order_index == now:
                    after.setdefault(child.key, []).extend(later)
    return after


def _as_tree(plan: Plan) -> Tree:
    shared = {"run_id": "plan", "project_id": "plan", "repo": "plan/plan"}
    return Tree.of(
        Issue(id=issue_id("plan", node.key), **shared, **node.model_dump(exclude={"estimate_usd"}))
        for node in plan.nodes
    )


def _simulate(tree: Tree, limit: int) -> tuple[dict[str, float], float]:
    issues = {issue.key: issue for issue in tree.issues}
    running: list[tuple[float, str]] = []
    finish: dict[str, float] = {}
    clock = 0.0
    while True:
        now = Tree.of(issues.values())
        for leaf in next_leaves(now, [key for _, key in running], limit):
            heapq.heappush(running, (clock + leaf.estimate_minutes, leaf.key))
        if not running:
            return finish, clock
        clock, key = heapq.heappop(running)
        finish[key] = clock
        issues[key] = issues[key].model_copy(update={"status": IssueStatus.DONE, "merged_sha": "x"})
        while changed := propagate(Tree.of(issues.values())):
            for parent, status in changed.items():
                done = status in (IssueStatus.QA, IssueStatus.DONE)
                update = {"status": IssueStatus.DONE, "merged_sha": "x"} if done else {"status": status}
                issues[parent] = issues[parent].model_copy(update=update)


def _critical(left: dict[str, float], finish: dict[str, float], first: str | None) -> list[str]:
    if first is None:
        return []
    path, now = [first], left[first]
    for key in sorted(left, key=lambda each: -left[each]):
        if left[key] < now and finish.get(key, 0) > finish.get(path[-1], 0):
            path.append(key)
            now = left[key]
    return path
