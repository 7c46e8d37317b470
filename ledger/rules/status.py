"""How the statuses of parents follow from those of their children."""

from __future__ import annotations

from collections import defaultdict

from ledger.models import Issue, IssueStatus, IssueType
from ledger.rules.tree import Tree

S = IssueStatus


def propagate(tree: Tree) -> dict[str, IssueStatus]:
    """The statuses that must change so that every node tells the truth. Applying them leaves nothing to change."""
    status = {issue.key: issue.status for issue in tree.issues}
    below: dict[str, list[Issue]] = defaultdict(list)
    for issue in reversed(tree.issues):  # children come before their parents
        if below[issue.key] or issue.merged_sha is not None:
            status[issue.key] = _of(issue, below[issue.key], status)
        if issue.parent is not None:
            below[issue.parent] += [issue, *below[issue.key]]
    return {key: new for key, new in status.items() if new is not tree[key].status}


def settled(tree: Tree) -> Tree:
    """The tree as it is once what ``propagate`` says has been written."""
    changes = propagate(tree)
    if not changes:
        return tree
    return Tree.of(
        issue.model_copy(update={"status": changes[issue.key]}) if issue.key in changes else issue
        for issue in tree.issues
    )


def _of(issue: Issue, below: list[Issue], status: dict[str, IssueStatus]) -> IssueStatus:
    open_below = [each for each in below if status[each.key] is not S.DONE]
    if any(each.type is IssueType.DEFECT for each in open_below):
        return S.BLOCKED
    if open_below:
        begun = issue.status is not S.NEW or any(status[each.key] is not S.NEW for each in below)
        return S.IN_PROGRESS if begun else S.NEW
    if issue.merged_sha is not None:
        return S.DONE
    if issue.type in (IssueType.EPIC, IssueType.FEATURE):
        return S.QA
    return S.QA if issue.status is S.BLOCKED else issue.status
