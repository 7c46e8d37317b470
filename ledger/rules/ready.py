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
    """The leaves nobody has begun and nothing holds. One that stopped with a failure waits for a person."""
    held: dict[str, bool] = {}
    found = []
    for issue in tree.issues:  # parents come before their children
        above = issue.parent is not None and held[issue.parent]
        held[issue.key] = above or bool(_own(tree, issue))
        if _untouched(tree, issue) and not held[issue.key]:
            found.append(issue)
    return found


def _untouched(tree: Tree, issue: Issue) -> bool:
    leaf = issue.type in (IssueType.TASK, IssueType.DEFECT) and not tree.children(issue.key)
    return leaf and issue.status is IssueStatus.NEW and issue.failure is None


def waiting_for(tree: Tree, key: str, running: Collection[str] = ()) -> list[Blocker]:
    """Everything a person should know a node waits for."""
    issue = tree[key]
    found = blockers(tree, key) + _open_below(tree, key)
    if not tree.children(key):
        others = [tree[other] for other in running if other != key and other in tree]
        found += [Blocker(each.key, "files") for each in others if collide(tree, issue, each)]
    return found


def collide(tree: Tree, one: Issue, other: Issue) -> bool:
    """Whether two nodes must not be worked on side by side. A defect never collides with what it lies under."""
    if not overlap(one.files, other.files):
        return False
    above = {each.key for each in (*tree.ancestors(one.key), *tree.ancestors(other.key))}
    return one.key not in above and other.key not in above


def may_merge(tree: Tree, key: str) -> list[Blocker]:
    """What stands against merging ``key`` (nothing when it may): open descendants, and siblings that come first."""
    issue = tree[key]
    if issue.merged_sha is not None:
        return [Blocker(key, "order")]
    return _open_below(tree, key) + [
        Blocker(each.key, "order")
        for each in _siblings(tree, issue)
        if is_open(each) and tree.merge_places[each.key] < tree.merge_places[key]
    ]


def _open_below(tree: Tree, key: str) -> list[Blocker]:
    return [
        Blocker(each.key, "defect" if each.type is IssueType.DEFECT else "descendant")
        for each in tree.descendants(key)
        if is_open(each)
    ]


def _siblings(tree: Tree, issue: Issue) -> list[Issue]:
    """The node's siblings of the plan; a defect has none, and is none."""
    if issue.type is IssueType.DEFECT or issue.parent is None:
        return []
    return [each for each in tree.children(issue.parent) if each.type is not IssueType.DEFECT and each is not issue]


def _own(tree: Tree, issue: Issue) -> list[Blocker]:
    before = [each for each in _siblings(tree, issue) if each.order_index < issue.order_index and is_open(each)]
    found = [Blocker(each.key, "order") for each in before]
    return found + [Blocker(key, "dependency") for key in issue.dependencies if key in tree and is_open(tree[key])]
