"""Repeating a run in its order: every branch is made from, and merged into, what it once was. Pure.

Agents that replay are faster than those that think, so leaves would find other work merged, or not yet. A recorded
change fits the files it was made on, so each branch waits for the merges that came before it, and each merge for
the branches that were made without it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.models import Issue, IssueStatus
from ledger.models.replay import Move
from ledger.rules.status import settled
from ledger.rules.steps import Step, next_steps
from ledger.rules.tree import LEAVES, Tree


def steps_in_order(tree: Tree, running: Sequence[Step], limit: int, moves: Sequence[Move]) -> list[Step]:
    """``next_steps``, but for those whose turn in ``moves`` has not come; a fresh run has no moves.

    A replay that has gone another way than its recording may wait for what never comes: with nothing left that runs,
    it goes on as a fresh run would.
    """
    if not moves:
        return next_steps(tree, running, limit)
    return next_steps(hold_back(tree, moves), running, limit) or ([] if running else next_steps(tree, running, limit))


def hold_back(tree: Tree, moves: Sequence[Move]) -> Tree:
    """The tree, with every node that has to wait for its turn marked as one that nothing can be done with."""
    tree = settled(tree)
    early = _early(tree, moves)
    return Tree.of(
        issue.model_copy(update={"failure": "waits for its turn"})
        if issue.failure is None and _waits(tree, issue, early)
        else issue
        for issue in tree.issues
    )


def _early(tree: Tree, moves: Sequence[Move]) -> set[tuple[str, str]]:
    """The moves before which something has yet to happen to the same branch; two may be made from it in any order."""
    early: set[tuple[str, str]] = set()
    to_merge: set[str] = set()
    to_come: set[str] = set()
    for move in moves:
        if move.onto in (to_come if move.do == "merge" else to_merge):
            early.add((move.do, move.node))
        if not _is_done(tree, move):
            to_come.add(move.onto)
            if move.do == "merge":
                to_merge.add(move.onto)
    return early


def _waits(tree: Tree, issue: Issue, early: set[tuple[str, str]]) -> bool:
    if issue.status is IssueStatus.QA and (issue.type not in LEAVES or issue.tested_head == issue.head):
        return ("merge", issue.key) in early
    if issue.type not in LEAVES:
        return False
    unmade = [each.key for each in (issue, *tree.ancestors(issue.key)) if each.branch is None]
    return any(("branch", key) in early for key in unmade)


def _is_done(tree: Tree, move: Move) -> bool:
    if move.node not in tree:
        return False
    issue = tree[move.node]
    return bool(issue.merged_sha if move.do == "merge" else issue.branch)
