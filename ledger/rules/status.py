"""How the statuses of parents follow from those of their children."""

from __future__ import annotations

from ledger.models import Issue, IssueStatus, IssueType
from ledger.rules.tree import Tree

S = IssueStatus


def propagate(tree: Tree) -> dict[str, IssueStatus]:
    """The statuses that must change so that every parent tells the truth. Applying them leaves nothing to change."""
    status = {issue.key: issue.status for issue in tree.issues}
    for issue in reversed(tree.issues):  # children come before their parents
        below = tree.descendants(issue.key)
        if below:
            status[issue.key] = _of(issue, below, status)
    return {key: new for key, new in status.items() if new is not tree[key].status}


def _of(issue: Issue, below: list[Issue], status: dict[str, IssueStatus]) -> IssueStatus:
    open_below = [each for each in below if status[each.key] is not S.DONE]
    if any(each.type is IssueType.DEFECT for each in open_below):
        return S.BLOCKED
    if open_below:
        begun = any(status[each.key] is not S.NEW for each in below)
        return S.IN_PROGRESS if begun else issue.status
    if issue.merged_sha is not None:
        return S.DONE
    if issue.type in (IssueType.EPIC, IssueType.FEATURE):
        return S.QA
    return S.QA if issue.status is S.BLOCKED else issue.status
