"""The issue tree as an index: who is under whom, in which order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from ledger.models import Issue, IssueStatus, IssueType
from shipline.errors import NotFound

LEAVES = (IssueType.TASK, IssueType.DEFECT)


def is_open(issue: Issue) -> bool:
    """Whether something is left to do."""
    return issue.status is not IssueStatus.DONE


@dataclass(frozen=True)
class Tree:
    """A frozen view of a run's issues. ``issues`` are depth first, siblings by (order index, key)."""

    issues: tuple[Issue, ...]
    _by_key: dict[str, Issue]
    _children: dict[str, tuple[Issue, ...]]

    @classmethod
    def of(cls, issues: Iterable[Issue]) -> Self:
        """Index ``issues``; parents may come after their children."""
        by_key = {issue.key: issue for issue in issues}
        below: dict[str | None, list[Issue]] = defaultdict(list)
        for issue in by_key.values():
            below[issue.parent].append(issue)
        children = {
            parent: tuple(sorted(found, key=lambda each: (each.order_index, each.key)))
            for parent, found in below.items()
            if parent is not None
        }
        ordered: list[Issue] = []
        waiting = sorted(below[None], key=lambda each: each.key, reverse=True)
        while waiting:
            issue = waiting.pop()
            ordered.append(issue)
            waiting.extend(reversed(children.get(issue.key, ())))
        return cls(tuple(ordered), by_key, children)

    def __getitem__(self, key: str) -> Issue:
        try:
            return self._by_key[key]
        except KeyError:
            raise NotFound(f"The tree has no node {key!r}.") from None

    def __contains__(self, key: object) -> bool:
        return key in self._by_key

    @property
    def root(self) -> Issue:
        """The epic."""
        if not self.issues:
            raise NotFound("The run has no issue tree yet.", "Run the plan stage first.")
        return self.issues[0]

    def children(self, key: str) -> tuple[Issue, ...]:
        """The node's children in order, defects among them."""
        return self._children.get(key, ())

    def ancestors(self, key: str) -> list[Issue]:
        """From the parent up to the root."""
        found, parent = [], self[key].parent
        while parent is not None:
            found.append(self[parent])
            parent = self[parent].parent
        return found

    def descendants(self, key: str) -> list[Issue]:
        """Everything below the node, depth first."""
        found: list[Issue] = []
        waiting = list(reversed(self.children(key)))
        while waiting:
            issue = waiting.pop()
            found.append(issue)
            waiting.extend(reversed(self.children(issue.key)))
        return found

    def defects(self, key: str) -> list[Issue]:
        """The defects filed directly under the node."""
        return [child for child in self.children(key) if child.type is IssueType.DEFECT]

    def leaves(self) -> list[Issue]:
        """The tasks and defects that have no open child."""
        return list(self._leaves)

    @cached_property
    def _leaves(self) -> list[Issue]:
        with_work = {issue.parent for issue in self.issues if is_open(issue)}
        return [issue for issue in self.issues if issue.type in LEAVES and issue.key not in with_work]
