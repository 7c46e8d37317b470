"""What must have happened before what: one graph for checking a plan, ranking its leaves and foretelling its end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import chain, pairwise
from typing import Protocol

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


@dataclass(frozen=True)
class Graph:
    """Two points a node: number ``2 i`` is the start of the node ``keys[i]``, ``2 i + 1`` its end.

    The start is the moment from which the node, or anything below it, may be worked on; the end is when it is done.
    The lists say of each node (by its number, -1 for none) whose child it is, after which sibling it ends and after
    which it starts. Plain numbers and few objects: the loop ranks ten thousand nodes with this at every step.
    """

    keys: list[str]
    parent: list[int]
    turn: list[int]
    barrier: list[int]
    waits: dict[int, list[int]]  # the nodes it depends on
    below: dict[int, list[int]]  # its children

    def earlier(self, point: int) -> list[int]:
        """The points that come right before this one."""
        node = point // 2
        if point % 2:
            before = [point - 1, *(2 * child + 1 for child in self.below.get(node, ()))]
            return before if self.turn[node] < 0 else [*before, 2 * self.turn[node] + 1]
        before = [2 * each + 1 for each in self.waits.get(node, ())]
        if self.parent[node] >= 0:
            before.append(2 * self.parent[node])
        if self.barrier[node] >= 0:
            before.append(2 * self.barrier[node] + 1)
        return before

    def sorter(self) -> TopologicalSorter[int]:
        """The points in an order that respects what comes before what."""
        return TopologicalSorter({point: self.earlier(point) for point in range(2 * len(self.keys))})


def place(node: Node) -> tuple[int, str]:
    """Where a node stands among its siblings; they merge in this order."""
    return node.order_index, node.key


def before(nodes: Collection[Node]) -> Graph:
    """For every point the points that come before it. Ties to nodes that are not among ``nodes`` are left out.

    A child starts after its parent started and ends before its parent ends, so what holds a node holds all below it.
    """
    number = {node.key: at for at, node in enumerate(nodes)}
    none = [-1] * len(nodes)
    graph = Graph([node.key for node in nodes], none, none.copy(), none.copy(), {}, defaultdict(list))
    families: dict[int, list[tuple[int, str, int]]] = defaultdict(list)
    for at, node in enumerate(nodes):
        if node.dependencies:
            graph.waits[at] = [number[key] for key in node.dependencies if key in number]
        parent = -1 if node.parent is None else number.get(node.parent, -1)
        if parent >= 0:
            graph.parent[at] = parent
            graph.below[parent].append(at)
            if node.type is not IssueType.DEFECT:
                families[parent].append((node.order_index, node.key, at))  # its place
    for family in families.values():
        _in_turn(graph, sorted(family))
    return graph


def _in_turn(graph: Graph, siblings: Sequence[tuple[int, str, int]]) -> None:
    barrier = -1  # the last sibling with a lower index: it ends after all the others that have one
    for (lower, _, one), (higher, _, other) in pairwise(siblings):
        graph.turn[other] = one
        if higher > lower:
            barrier = one
        graph.barrier[other] = barrier


def circle(graph: Graph) -> list[str]:
    """The keys of nodes that wait for one another, when there are any."""
    try:
        graph.sorter().prepare()
    except CycleError as error:
        return list(dict.fromkeys(graph.keys[point // 2] for point in error.args[1]))
    return []


def minutes_left(graph: Graph, minutes: Mapping[str, float]) -> list[float]:
    """For every point the longest way from it to the very end; ``minutes`` is what each leaf takes.

    Raises graphlib.CycleError when nodes wait for one another.
    """
    left = [0.0] * (2 * len(graph.keys))
    later = _later(graph)
    reached = [point for point, count in enumerate(later) if not count]
    for point in reached:  # from the end backwards; it grows while it is read
        if not point % 2:
            left[point] += minutes.get(graph.keys[point // 2], 0.0)
        way = left[point]
        for each in graph.earlier(point):
            if way > left[each]:
                left[each] = way
            later[each] -= 1
            if not later[each]:
                reached.append(each)
    if len(reached) < len(left):
        raise CycleError("nodes wait for one another", circle(graph))
    return left


def _later(graph: Graph) -> list[int]:
    """For every point, how many points come right after it."""
    later = [1, 0] * len(graph.keys)  # after every start its own end
    for parent, children in graph.below.items():
        later[2 * parent] += len(children)
        for child in children:
            later[2 * child + 1] += 1
    for ended in chain(graph.turn, graph.barrier, chain.from_iterable(graph.waits.values())):
        if ended >= 0:
            later[2 * ended + 1] += 1
    return later


def longest_chain(graph: Graph, left: Sequence[float], leaves: Collection[str]) -> list[str]:
    """The leaves on the longest way through the graph, in order; of equally long ways always the same one."""
    after: dict[int, list[int]] = defaultdict(list)
    options = []
    for point in range(len(left)):
        earlier = graph.earlier(point)
        if not earlier:
            options.append(point)
        for each in earlier:
            after[each].append(point)
    found: list[str] = []
    while options:
        at = min(options, key=lambda point: (-left[point], graph.keys[point // 2], not point % 2))
        key = graph.keys[at // 2]
        if not at % 2 and key in leaves:
            found.append(key)
        options = after[at]
    return found
