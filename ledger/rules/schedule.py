"""Which leaves to start, the longest remaining path first, and what a plan will take."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from graphlib import CycleError
from operator import attrgetter
from typing import Protocol, TypeVar

from ledger.models import Forecast, Issue, IssueType, Plan, PlanNode
from ledger.rules.overlap import overlap
from ledger.rules.precedence import Graph, before, longest_chain, minutes_left
from ledger.rules.ready import startable
from ledger.rules.tree import Tree, is_open


class HasFiles(Protocol):
    """Something that says which files it will touch."""

    @property
    def files(self) -> list[str]: ...


F = TypeVar("F", bound=HasFiles)


def remaining_minutes(tree: Tree) -> dict[str, float]:
    """For each open leaf: its own estimate and the longest chain of open leaves that waits for it."""
    own = {leaf.key: leaf.estimate_minutes for leaf in tree.leaves() if is_open(leaf)}
    unfinished: set[str] = set()
    for issue in reversed(tree.issues):  # children come before their parents
        if is_open(issue) or issue.key in unfinished:
            unfinished.add(issue.key)
            if issue.parent is not None:
                unfinished.add(issue.parent)
    graph = before([issue for issue in tree.issues if issue.key in unfinished])
    try:
        left = minutes_left(graph, own)
    except CycleError:  # a checked plan has none; in a tree that a person changed no leaf is more urgent than another
        return own
    return {key: left[2 * number] for number, key in enumerate(graph.keys) if key in own}


def next_leaves(
    tree: Tree,
    running: Collection[str],
    limit: int,
    *,
    begun: Sequence[Issue] = (),
    landing: Collection[str] = (),
) -> list[Issue]:
    """The leaves to build now beside those that run: the ``begun`` first, then the longest remaining.

    No two touch the same files, and none touches those of a node that is ``landing``.
    """
    room = limit - len(running)
    if room <= 0:
        return []
    fresh = [leaf for leaf in startable(tree) if leaf.key not in running]
    if fresh:
        left = remaining_minutes(tree)
        fresh.sort(key=attrgetter("key"))
        fresh.sort(key=lambda leaf: -left[leaf.key])
    busy = [tree[key] for key in (*running, *landing) if key in tree]
    return _apart([*begun, *fresh], busy, room)


def forecast(plan: Plan, limit: int) -> Forecast:
    """What a plan that was checked takes when ``limit`` leaves run at once, scheduled as the loop would."""
    leaves = {node.key: node for node in plan.nodes if node.type is IssueType.TASK}
    minutes = {key: leaf.estimate_minutes for key, leaf in leaves.items()}
    graph = before(plan.nodes)
    left = minutes_left(graph, minutes)
    return Forecast(
        leaves=len(leaves),
        minutes_of_work=sum(minutes.values()),
        minutes_to_finish=_finish(leaves, graph, left, max(1, limit)),
        usd=round(sum(leaf.estimate_usd for leaf in leaves.values()), 4),
        critical_path=longest_chain(graph, left, leaves),
    )


def _finish(leaves: Mapping[str, PlanNode], graph: Graph, left: Sequence[float], limit: int) -> float:
    """The minute of the last end. A merge takes no time; a leaf that must wait to merge gives its place free."""
    points = graph.sorter()
    points.prepare()
    begins = {point: leaves[key] for point in range(0, len(left), 2) if (key := graph.keys[point // 2]) in leaves}
    ready: list[int] = []
    running: list[tuple[float, str, int]] = []
    clock = 0.0
    while points.is_active():
        reached = points.get_ready()
        ready += [point for point in reached if point in begins]
        points.done(*(point for point in reached if point not in begins))
        if reached:
            continue
        ready.sort(key=lambda point: (-left[point], begins[point].key))
        room = limit - len(running)
        chosen = _apart([begins[point] for point in ready], [leaves[key] for _, key, _ in running], room)
        picked = {leaf.key for leaf in chosen}
        for point in [point for point in ready if begins[point].key in picked]:
            ready.remove(point)
            heapq.heappush(running, (clock + begins[point].estimate_minutes, begins[point].key, point))
        clock = running[0][0]
        while running and running[0][0] == clock:
            points.done(heapq.heappop(running)[2])
    return clock


def _apart(candidates: Iterable[F], busy: Sequence[F], room: int) -> list[F]:
    """The first ``room`` candidates that touch no file of another or of the busy."""
    chosen: list[F] = []
    for each in candidates:
        if len(chosen) == room:
            break
        if not any(overlap(each.files, other.files) for other in (*busy, *chosen)):
            chosen.append(each)
    return chosen
