"""What must have happened before what: one graph for checking a plan, ranking its leaves and foretelling its end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Literal, NamedTuple, Protocol

from ledger.models import IssueType


class Node(Protocol):
    """What a planned node and an issue have in common."""

    @property
    def key(self) -> str: ...
    @property
    def type(self) -> IssueType: ...
    @property
    def parent(self) -> str | None: ...
    @property
    def order_index(self) -> int: ...
    @property
    def dependencies(self) -> list[str]: ...


class Point(NamedTuple):
    """The moment at which work on a node may start, or at which it has merged."""

    key: str
    side: Literal["start", "end"]


Graph = Mapping[Point, Collection[Point]]


def place(node: Node) -> tuple[int, str]:
    """Where a node stands among its siblings; they merge in this order."""
    return node.order_index, node.key


def start(key: str) -> Point:
    """The moment from which the node, or anything below it, may be worked on."""
    return Point(key, "start")


def end(key: str) -> Point:
    """The moment at which the node is done."""
    return Point(key, "end")


def before(nodes: Collection[Node]) -> Graph:
    """For every point the points that come before it. Ties to nodes that are not among ``nodes`` are left out.

    A child starts after its parent started and ends before its parent ends, so what holds a node holds all below it.
    """
    known = {node.key for node in nodes}
    graph: dict[Point, set[Point]] = {}
    families: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        graph[start(node.key)] = {end(key) for key in node.dependencies if key in known}
        graph[end(node.key)] = {start(node.key)}
    for node in nodes:
        if node.parent is not None and node.parent in known:
            graph[start(node.key)].add(start(node.parent))
            graph[end(node.parent)].add(end(node.key))
            if node.type is not IssueType.DEFECT:
                families[node.parent].append(node)
    for family in families.values():
        _in_turn(graph, sorted(family, key=place))
    return graph


def _in_turn(graph: Mapping[Point, set[Point]], siblings: Sequence[Node]) -> None:
    barrier = None  # the last sibling with a lower index: it ends after all the others that have one
    for earlier, later in pairwise(siblings):
        graph[end(later.key)].add(end(earlier.key))
        if later.order_index > earlier.order_index:
            barrier = earlier.key
        if barrier is not None:
            graph[start(later.key)].add(end(barrier))


def circle(graph: Graph) -> list[str]:
    """The keys of nodes that wait for one another, when there are any."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(dict.fromkeys(point.key for point in error.args[1]))
    return []


def minutes_left(graph: Graph, minutes: Mapping[str, float]) -> dict[Point, float]:
    """For every point the longest way from it to the very end; ``minutes`` is what each leaf takes.

    Raises graphlib.CycleError when nodes wait for one another.
    """
    order = list(TopologicalSorter(graph).static_order())
    left = dict.fromkeys(order, 0.0)
    for point in reversed(order):
        if point.side == "start":
            left[point] += minutes.get(point.key, 0.0)
        for earlier in graph[point]:
            left[earlier] = max(left[earlier], left[point])
    return left


def longest_chain(graph: Graph, left: Mapping[Point, float], leaves: Collection[str]) -> list[str]:
    """The leaves on the longest way through the graph, in order; of equally long ways always the same one."""
    after: dict[Point, list[Point]] = defaultdict(list)
    for point, earlier in graph.items():
        for each in earlier:
            after[each].append(point)
    chain: list[str] = []
    options = [point for point, earlier in graph.items() if not earlier]
    while options:
        at = min(options, key=lambda point: (-left[point], point))
        if at.side == "start" and at.key in leaves:
            chain.append(at.key)
        options = after[at]
    return chain
