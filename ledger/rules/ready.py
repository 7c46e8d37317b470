"""Gating: what must be done before a node is worked on, and before it merges."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from ledger.models import Issue, IssueStatus, IssueType
from ledger.rules.overlap import overlap
from ledger.rules.tree import Tree, is_open

Reason = Literal["order", "dependency", "ancestor", "defect", "files", "descendant"]


@dataclass(frozen=True)
class Blocker:
    """The node that is in the way, and why."""

    key: str
    reason: Reason


def blockers(tree: Tree, key: str) -> list[Blocker]:
    """Why work on ``key`` may not start yet: its own order and dependencies, then those of its ancestors."""
    found = _own(tree, tree[key])
    for ancestor in tree.ancestors(key):
        found += [Blocker(each.key, "ancestor") for each in _own(tree, ancestor)]
    return found


def startable(tree: Tree) -> list[Issue]:
    """The leaves nobody has begun and nothing holds."""
    return [
        issue
        for issue in tree.leaves()
        if issue.status is IssueStatus.NEW and not tree.children(issue.key) and not blockers(tree, issue.key)
    ]


def waiting_for(tree: Tree, key: str, running: Collection[str] = ()) -> list[Blocker]:
    """Everything a person should know a node waits for."""
    issue = tree[key]
    found = blockers(tree, key)
    found += [Blocker(each.key, "defect") for each in tree.defects(key) if is_open(each)]
    below = [each for each in tree.children(key) if each.type is not IssueType.DEFECT and is_open(each)]
    found += [Blocker(each.key, "descendant") for each in below]
    if not tree.children(key):
        others = [tree[other] for other in running if other != key and other in tree]
        found += [Blocker(each.key, "files") for each in others if overlap(issue.files, each.files)]
    return found


def may_merge(tree: Tree, key: str) -> list[Blocker]:
    """What stands against merging ``key`` (nothing when it may): open descendants, and siblings that come first."""
    issue = tree[key]
    if issue.merged_sha is not None:
        return [Blocker(key, "order")]
    found = [
        Blocker(each.key, "defect" if each.type is IssueType.DEFECT else "descendant")
        for each in tree.descendants(key)
        if is_open(each)
    ]
    if issue.type is not IssueType.DEFECT and issue.parent is not None:
        place = (issue.order_index, issue.key)
        found += [
            Blocker(each.key, "order")
            for each in tree.children(issue.parent)
            if each.type is not IssueType.DEFECT and (each.order_index, each.key) < place and is_open(each)
        ]
    return found


def _own(tree: Tree, issue: Issue) -> list[Blocker]:
    found: list[Blocker] = []
    if issue.type is not IssueType.DEFECT and issue.parent is not None:
        found += [
            Blocker(each.key, "order")
            for each in tree.children(issue.parent)
            if each.type is not IssueType.DEFECT and each.order_index < issue.order_index and is_open(each)
        ]
    found += [Blocker(key, "dependency") for key in issue.dependencies if key in tree and is_open(tree[key])]
    return found
