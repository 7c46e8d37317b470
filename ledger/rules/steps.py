"""What the execution loop does next: which leaves are built, which nodes land. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ledger.models import Issue, IssueStatus
from ledger.rules.ready import blockers, is_free_to_merge
from ledger.rules.schedule import next_leaves
from ledger.rules.status import settled
from ledger.rules.tree import LEAVES, Tree, is_open

BEGUN = (IssueStatus.IN_PROGRESS, IssueStatus.REVIEW, IssueStatus.QA)


@dataclass(frozen=True)
class Step:
    """One node's next step: ``build`` it (agent, review, QA), or ``land`` it (update, check, merge)."""

    kind: Literal["build", "land"]
    key: str


def next_steps(tree: Tree, running: Sequence[Step], limit: int) -> list[Step]:
    """Every step that may start now beside those that run, at most ``limit`` builds in all.

    Work that an earlier process left half done comes first: it already holds branches and agents. That process may have
    died before it wrote what a child's end means for its parents, so the tree is settled before it is read.
    """
    tree = settled(tree)
    busy = {step.key for step in running}
    building = [step.key for step in running if step.kind == "build"]
    begun = [issue for issue in tree.issues if issue.status in BEGUN]
    free = [issue for issue in begun if issue.key not in busy and issue.failure is None]
    to_land = [issue.key for issue in free if _may_land(tree, issue)]
    builds = next_leaves(
        tree, building, limit,
        begun=[issue for issue in free if _half_done(tree, issue)],
        landing=[*to_land, *(step.key for step in running if step.kind == "land")],
    )  # fmt: skip
    return [*(Step("land", key) for key in to_land), *(Step("build", leaf.key) for leaf in builds)]


def stuck(tree: Tree) -> list[str]:
    """Why a loop with nothing left to start is not done: one sentence an open node that needs a person."""
    open_nodes = [issue for issue in settled(tree).issues if is_open(issue) and issue.parent is not None]
    failed = [f"{issue.key}: {issue.failure}" for issue in open_nodes if issue.failure]
    if open_nodes and not failed:
        failed = [f"{issue.key} is {issue.status} and nothing can move it." for issue in open_nodes]
    return failed


def _half_done(tree: Tree, issue: Issue) -> bool:
    if issue.type not in LEAVES or issue.merged_sha or (issue.status is IssueStatus.QA and _tested(issue)):
        return False
    return not any(map(is_open, tree.children(issue.key))) and not blockers(tree, issue.key)


def _may_land(tree: Tree, issue: Issue) -> bool:
    if issue.parent is None or issue.status is not IssueStatus.QA or issue.merged_sha:
        return False
    if issue.type in LEAVES and not _tested(issue):
        return False
    return is_free_to_merge(tree, issue.key)


def _tested(issue: Issue) -> bool:
    return issue.head is not None and issue.tested_head == issue.head
