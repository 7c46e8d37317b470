"""Gating: what must be done before a node is worked on, and before it merges."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from ledger.models import Issue, IssueStatus, IssueType
from ledger.rules.overlap import overlap
from ledger.rules.precedence import place
from ledger.rules.tree import Tree, is_open

Reason = Literal["order", "dependency", "ancestor", "defect", "files", "descendant"]


@dataclass(frozen=True)
class Blocker:
    """The node that is in the way, and why."""

    key: str
    reason: Reason


def blockers(tree: Tree, key: str) -> list[Blocker]:
    """Why work on ``key`` may not start yet: its own order and dependencies, then those of its ancestors."""
    found = list(_own(tree, tree[key]))
    for ancestor in tree.ancestors(key):
        found += [Blocker(each.key, "ancestor") for each in _own(tree, ancestor)]
    return found


def startable(tree: Tree) -> list[Issue]:
    """The leaves nobody has begun and nothing holds. One that stopped with a failure waits for a person."""
    held: set[str] = set()
    first = _first_open(tree)
    for issue in tree.issues:  # parents come before their children
        if issue.parent in held or _is_held(tree, issue, first):
            held.add(issue.key)
    untouched = [leaf for leaf in tree.leaves() if leaf.status is IssueStatus.NEW and leaf.failure is None]
    return [leaf for leaf in untouched if leaf.key not in held]


def _is_held(tree: Tree, issue: Issue, first: Mapping[str | None, int]) -> bool:
    """Whether ``_own`` has something to say of the node, without looking through its siblings again for each."""
    if issue.type is not IssueType.DEFECT and issue.order_index > first.get(issue.parent, issue.order_index):
        return True
    return bool(issue.dependencies) and any(key in tree and is_open(tree[key]) for key in issue.dependencies)


def _first_open(tree: Tree) -> dict[str | None, int]:
    """By parent, the lowest order index of its open children; defects stand outside the order of the plan."""
    first: dict[str | None, int] = {}
    for issue in tree.issues:  # siblings come in order
        if (
            issue.parent is not None
            and issue.parent not in first
            and is_open(issue)
            and issue.type is not IssueType.DEFECT
        ):
            first[issue.parent] = issue.order_index
    return first


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
    return list(_against_merge(tree, tree[key]))


def is_free_to_merge(tree: Tree, key: str) -> bool:
    """Whether ``may_merge`` has nothing to say, without looking for all that it could say."""
    return next(_against_merge(tree, tree[key]), None) is None


def _against_merge(tree: Tree, issue: Issue) -> Iterator[Blocker]:
    if issue.merged_sha is not None:
        yield Blocker(issue.key, "order")
        return
    for each in tree.descendants(issue.key):
        if is_open(each):
            yield Blocker(each.key, "defect" if each.type is IssueType.DEFECT else "descendant")
    # One that stopped beside it waits for a person, which is no reason for the others to wait too.
    yield from _open_before(
        tree, issue,
        lambda sibling: place(sibling) < place(issue),
        but=lambda sibling: sibling.failure is not None and sibling.order_index == issue.order_index,
    )  # fmt: skip


def _own(tree: Tree, issue: Issue) -> Iterator[Blocker]:
    yield from _open_before(tree, issue, lambda sibling: sibling.order_index < issue.order_index)
    for key in issue.dependencies:
        if key in tree and is_open(tree[key]):
            yield Blocker(key, "dependency")


def _open_before(
    tree: Tree, issue: Issue, comes_before: Callable[[Issue], bool], but: Callable[[Issue], bool] = lambda _: False
) -> Iterator[Blocker]:
    """The open siblings that come before a node, ``but`` some. Defects stand outside the order of the plan."""
    if issue.type is IssueType.DEFECT or issue.parent is None:
        return
    for each in takewhile(comes_before, tree.children(issue.parent)):
        if each.type is not IssueType.DEFECT and is_open(each) and not but(each):
            yield Blocker(each.key, "order")
