"""How the statuses of parents follow from those of their children."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from ledger.models import Issue, IssueStatus, IssueType
from ledger.rules.tree import Tree

S = IssueStatus


@dataclass
class _Below:
    """What is true of all that lies below a node."""

    open: bool = False
    open_defect: bool = False
    begun: bool = False

    def note(self, issue: Issue, status: IssueStatus) -> None:
        """Count one node in, by the status that it is to have."""
        if status is not S.DONE:
            self.open = True
            self.open_defect = self.open_defect or issue.type is IssueType.DEFECT
        self.begun = self.begun or status is not S.NEW

    def add(self, other: _Below) -> None:
        """Count in all that lies below a child."""
        self.open = self.open or other.open
        self.open_defect = self.open_defect or other.open_defect
        self.begun = self.begun or other.begun


def propagate(tree: Tree) -> dict[str, IssueStatus]:
    """The statuses that must change so that every node tells the truth. Applying them leaves nothing to change."""
    changes: dict[str, IssueStatus] = {}
    families: dict[str, _Below] = defaultdict(_Below)
    for issue in reversed(tree.issues):  # children come before their parents
        below, status = families.pop(issue.key, None), issue.status
        if below is not None or issue.merged_sha is not None:
            status = _of(issue, below or _Below())
            if status is not issue.status:
                changes[issue.key] = status
        if issue.parent is not None:
            family = families[issue.parent]
            family.note(issue, status)
            if below is not None:
                family.add(below)
    return dict(reversed(changes.items()))


def settled(tree: Tree) -> Tree:
    """The tree as it is once what ``propagate`` says has been written."""
    changes = propagate(tree)
    if not changes:
        return tree
    return Tree.of(
        issue.model_copy(update={"status": changes[issue.key]}) if issue.key in changes else issue
        for issue in tree.issues
    )


def _of(issue: Issue, below: _Below) -> IssueStatus:
    if below.open_defect:
        return S.BLOCKED
    if below.open:
        return S.IN_PROGRESS if issue.status is not S.NEW or below.begun else S.NEW
    if issue.merged_sha is not None:
        return S.DONE
    if issue.type in (IssueType.EPIC, IssueType.FEATURE):
        return S.QA
    return S.QA if issue.status is S.BLOCKED else issue.status
