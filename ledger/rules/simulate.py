"""A list schedule played through: what finishes when, if every estimate were true."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping

from ledger.models import IssueType
from ledger.rules.precedence import Moment, precedence
from ledger.rules.ready import collide
from ledger.rules.tree import Tree


def minutes_to_finish(tree: Tree, left: Mapping[str, float], limit: int) -> float:
    """How long a tree nobody has begun takes with ``limit`` leaves at once, the longest ``left`` first."""
    play = _Play(tree)
    running: list[tuple[float, str]] = []
    clock = 0.0
    while play.ready or running:
        for key in sorted(play.ready, key=lambda each: (-left.get(each, 0.0), each)):
            busy = [tree[other] for _, other in running]
            if len(busy) < max(1, limit) and not any(collide(tree, tree[key], other) for other in busy):
                play.ready.remove(key)
                heapq.heappush(running, (clock + tree[key].estimate_minutes, key))
        clock = running[0][0]
        while running and running[0][0] <= clock:
            play.pass_moment(Moment("end", heapq.heappop(running)[1]))
    return clock


class _Play:
    """Which moments have passed. ``ready`` holds the leaves whose start has come."""

    def __init__(self, tree: Tree) -> None:
        before = precedence(tree.issues)
        self.ready: set[str] = set()
        self._leaves = {issue.key for issue in tree.issues if issue.type is IssueType.TASK}
        self._waits = {moment: len(earlier) for moment, earlier in before.items()}
        self._after: dict[Moment, list[Moment]] = defaultdict(list)
        for moment, earlier in before.items():
            for each in earlier:
                self._after[each].append(moment)
        for moment in [moment for moment, count in self._waits.items() if count == 0]:
            self.pass_moment(moment)

    def pass_moment(self, moment: Moment) -> None:
        """Let ``moment`` pass, with all that needed nothing more than that."""
        passing = [moment]
        while passing:
            now = passing.pop()
            if now.what == "start" and now.key in self._leaves:
                self.ready.add(now.key)
            for later in self._after[now]:
                self._waits[later] -= 1
                if self._waits[later] == 0 and not (later.what == "end" and later.key in self._leaves):
                    passing.append(later)
