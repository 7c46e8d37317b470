"""Names of branches, and what they are made from and merged into."""

from __future__ import annotations

from slugify import slugify

from ledger.models import Issue, IssueType
from ledger.rules.tree import Tree

INTEGRATION = "integration"  # where every run begins and ends
REGRESSION = "regression"  # what was tested as a whole
PREFIX = {IssueType.EPIC: "epic", IssueType.FEATURE: "feature", IssueType.TASK: "task", IssueType.DEFECT: "task"}


def slug(title: str) -> str:
    """A title as the readable part of a branch name: at most 40 characters, never empty."""
    return slugify(title, max_length=40, word_boundary=True) or "work"


def branch_name(issue: Issue) -> str:
    """``epic/7-slug``, ``feature/8-slug``, ``task/9-slug``. ValueError before the issue has its number."""
    if issue.number is None:
        raise ValueError(f"{issue.key} has no number on GitHub yet")
    return f"{PREFIX[issue.type]}/{issue.number}-{slug(issue.title)}"


def open_ancestor(tree: Tree, key: str) -> Issue | None:
    """The nearest ancestor whose pull request has not merged; None means ``integration``."""
    return next((each for each in tree.ancestors(key) if each.merged_sha is None), None)


def base_branch(tree: Tree, key: str, integration: str = INTEGRATION) -> str:
    """The branch that the node's own is made from and merged into."""
    above = open_ancestor(tree, key)
    if above is None:
        return integration
    return above.branch or branch_name(above)


def spec_path(branch: str) -> str:
    """Where the spec lies in the repository, by the name of the epic's branch."""
    return f"docs/specs/{branch.partition('/')[2]}.md"
