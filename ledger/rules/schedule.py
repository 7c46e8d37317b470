"""Which leaves to start, the longest remaining path first, and what a plan will take."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Protocol, TypeVar

from ledger.models import Forecast, Issue, IssueType, Plan, PlanNode
from ledger.rules.overlap import overlap
from ledger.rules.precedence import Graph, Point, before, longest_chain, minutes_left, start
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
    for issue in tree.issues:
        if is_open(issue):
            unfinished.update((issue.key, *(each.key for each in tree.ancestors(issue.key))))
    try:
        left = minutes_left(before([issue for issue in tree.issues if issue.key in unfinished]), own)
    except CycleError:  # a checked plan has none; in a tree that a person changed no leaf is more urgent than another
        return own
    return {key: left[start(key)] for key in own}


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
    left = remaining_minutes(tree)
    fresh = [leaf for leaf in startable(tree) if leaf.key not in running]
    fresh.sort(key=lambda leaf: (-left[leaf.key], leaf.key))
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


def _finish(leaves: Mapping[str, PlanNode], graph: Graph, left: Mapping[Point, float], limit: int) -> float:
    """The minute of the last end. A merge takes no time; a leaf that must wait to merge gives its place free."""
    points: TopologicalSorter[Point] = TopologicalSorter(graph)
    points.prepare()
    ready: list[PlanNode] = []
    running: list[tuple[float, str]] = []
    clock = 0.0
    while points.is_active():
        reached = points.get_ready()
        ready += [leaves[point.key] for point in reached if _begins(point, leaves)]
        points.done(*(point for point in reached if not _begins(point, leaves)))
        if reached:
            continue
        ready.sort(key=lambda leaf: (-left[start(leaf.key)], leaf.key))
        for leaf in _apart(ready, [leaves[key] for _, key in running], limit - len(running)):
            ready.remove(leaf)
            heapq.heappush(running, (clock + leaf.estimate_minutes, leaf.key))
        clock = running[0][0]
        while running and running[0][0] == clock:
            points.done(start(heapq.heappop(running)[1]))
    return clock


def _begins(point: Point, leaves: Collection[str]) -> bool:
    return point.side == "start" and point.key in leaves


def _apart(candidates: Iterable[F], busy: Sequence[F], room: int) -> list[F]:
    """The first ``room`` candidates that touch no file of another or of the busy."""
    chosen: list[F] = []
    for each in candidates:
        if len(chosen) == room:
            break
        if not any(overlap(each.files, other.files) for other in (*busy, *chosen)):
            chosen.append(each)
    return chosen
