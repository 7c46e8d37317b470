"""The execution loop without the world: what ``flows.execute`` and ``flows.leaf`` do, on a dictionary of issues."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterator
from itertools import count
from typing import Any

from ledger.models import Issue, IssueStatus, IssueType, Plan
from ledger.rules.branches import open_ancestor
from ledger.rules.defects import make_defect
from ledger.rules.overlap import overlap
from ledger.rules.ready import blockers, is_free_to_merge, may_merge
from ledger.rules.status import propagate, settled
from ledger.rules.steps import Step, next_steps
from ledger.rules.tree import Tree, is_open
from tests.unit.rules.helpers import AT, PATHS, finding, tree_of

S = IssueStatus
MAX_ROUNDS = 3


class Loop:
    """Plays a plan through, step by step in random order, and checks at every step what must always hold."""

    def __init__(self, plan: Plan, seed: int, limit: int, *, findings: int = 0, crashes: int = 0) -> None:
        self.issues = {issue.key: issue for issue in tree_of(plan).issues}
        self.limit = limit
        self.running: dict[Step, Iterator[None]] = {}
        self.merged: list[str] = []
        self._findings, self._crashes = findings, crashes
        self._random, self._numbers = random.Random(seed), count(1)

    @property
    def tree(self) -> Tree:
        return Tree.of(self.issues.values())

    def run(self) -> None:
        """Until nothing runs and nothing may start."""
        while True:
            for step in next_steps(self.tree, list(self.running), self.limit):
                self._check_start(step)
                self.running[step] = {"build": self._build, "land": self._land}[step.kind](step.key)
            if not self.running:
                return
            step = self._random.choice(list(self.running))
            if next(self.running[step], "ended") == "ended":
                del self.running[step]
            if self._crashes and self._random.random() < 0.05:
                self._crashes -= 1
                self.running.clear()
            self._check_truth()

    def file_under(self, key: str) -> None:
        """A defect from outside the loop, as QA of the whole files it."""
        for _ in self._file(key):
            pass

    def _set(self, key: str, **values: Any) -> None:
        self.issues[key] = self.issues[key].model_copy(update=values)

    def _commit(self) -> str:
        return f"commit {next(self._numbers)}"

    def _build(self, key: str) -> Iterator[None]:
        status = self.issues[key].status
        if status in (S.NEW, S.IN_PROGRESS):
            self._set(key, status=S.IN_PROGRESS)
            yield
            self._set(key, head=self._commit())
            yield
        if status in (S.NEW, S.IN_PROGRESS, S.REVIEW):
            self._set(key, status=S.REVIEW)
            yield
            if self._finds(key):
                return (yield from self._file(key))
            self._set(key, status=S.QA)
            yield
        yield from self._check(key)

    def _check(self, key: str) -> Iterator[None]:
        if self._finds(key):
            return (yield from self._file(key))
        self._set(key, tested_head=self.issues[key].head)
        yield
        self._set(key, status=S.QA)

    def _land(self, key: str) -> Iterator[None]:
        if self._random.random() < 0.5:
            self._set(key, head=self._commit())  # the base had moved
            yield
        if self.issues[key].head is None or self.issues[key].tested_head != self.issues[key].head:
            self._set(key, head=self.issues[key].head or self._commit())
            yield from self._check(key)
            if self.issues[key].tested_head != self.issues[key].head:
                return
        assert may_merge(settled(self.tree), key) == []
        self._set(key, merged_sha=self._commit())
        self.merged.append(key)
        yield
        above = open_ancestor(self.tree, key)
        if above is not None:
            self._set(above.key, head=self._commit(), tested_head=None)
        yield
        self._set(key, status=S.DONE)
        yield
        self._tell()

    def _finds(self, key: str) -> bool:
        issue = self.issues[key]
        hopeless = issue.type is IssueType.DEFECT and issue.round >= MAX_ROUNDS
        if self._findings == 0 or hopeless or self._random.random() < 0.6:
            return False
        self._findings -= 1
        return True

    def _file(self, key: str) -> Iterator[None]:
        issue = self.issues[key]
        if issue.type is IssueType.DEFECT:
            self._set(key, status=S.NEW, tested_head=None, round=issue.round + 1)
            return
        for _ in range(self._random.randint(1, 2)):  # two at once may be fixed side by side
            path = self._random.choice([None, *PATHS])
            defect = make_defect(self.tree, key, finding(f"{key} {next(self._numbers)}", path=path), AT)
            assert defect.key not in self.issues
            self.issues[defect.key] = defect
            yield
        self._set(key, tested_head=None)
        yield
        self._tell()

    def _tell(self) -> None:
        for key, status in propagate(self.tree).items():
            self._set(key, status=status)
        assert propagate(self.tree) == {}

    def _check_start(self, step: Step) -> None:
        tree, issue = settled(self.tree), self.issues[step.key]
        assert step.key not in {other.key for other in self.running}
        assert not any(map(is_open, tree.children(step.key)))
        if step.kind == "land":
            assert may_merge(tree, step.key) == []
            assert issue.type is IssueType.FEATURE or issue.tested_head == issue.head is not None
            return
        assert blockers(tree, step.key) == []
        assert sum(other.kind == "build" for other in self.running) < self.limit
        for other in self.running:
            assert not overlap(issue.files, self.issues[other.key].files), f"{step} beside {other}"

    def _check_truth(self) -> None:
        tree = settled(self.tree)
        above = {ancestor.key for each in tree.issues if is_open(each) for ancestor in tree.ancestors(each.key)}
        for key in above:
            assert is_open(tree[key])
            assert not is_free_to_merge(tree, key)


def play(plan: Plan, limit: int, held: str | None = None) -> tuple[float, set[str]]:
    """The real rules with a clock: when it ends, and which leaves were started. ``held`` is begun and never done."""
    issues: dict[str, Issue] = {issue.key: issue for issue in tree_of(plan).issues}
    running: list[tuple[float, str]] = []
    started: set[str] = set()
    clock = 0.0
    while True:
        steps = next_steps(Tree.of(issues.values()), [Step("build", key) for _, key in running], limit)
        landing = [step.key for step in steps if step.kind == "land"]
        for key in landing:
            issues[key] = issues[key].model_copy(update={"status": S.DONE, "merged_sha": "m"})
        for key in [] if landing else [step.key for step in steps]:
            heapq.heappush(running, (math.inf if key == held else clock + issues[key].estimate_minutes, key))
            started.add(key)
        if landing:
            continue
        if not running or running[0][0] == math.inf:
            return clock, started
        clock = running[0][0]
        while running and running[0][0] == clock:
            key = heapq.heappop(running)[1]
            issues[key] = issues[key].model_copy(update={"status": S.QA, "head": "h", "tested_head": "h"})
