"""What stands between a run and its next stage. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from ledger.models import Issue, Outcome, Run, RunState
from ledger.rules.ready import Blocker, waiting_for
from ledger.rules.status import settled
from ledger.rules.tree import Tree, is_open

S = RunState
_ORDER = list(RunState)
NEXT_STAGE: Mapping[RunState, RunState] = dict(pairwise(_ORDER))


@dataclass(frozen=True)
class Facts:
    """What was done outside, as the journal has it."""

    regression_done: bool = False


def obstacles(run: Run, tree: Tree, facts: Facts) -> list[str]:
    """Each a sentence; none when the run may move on."""
    if run.outcome is not None and not (run.outcome is Outcome.PLANNED and run.state is S.ISSUE_TREE):
        return [f"It has ended ({run.outcome})."]
    if run.interrupt.paused:
        return [f"It is paused: shipline resume {run.id}."]
    if run.state is S.SPEC_WRITING and run.spec is None:
        return ["The spec is not written."]
    if run.state is S.ISSUE_TREE:
        return _planned(tree)
    if run.state is S.EXECUTION_LOOP:
        return _built(tree)
    if run.state in (S.QA, S.MERGE):
        return _checked(run, tree, facts)
    if run.state is S.RELEASE:
        return ["The release stage ends the run itself, once the release is deployed."]
    return []


def _planned(tree: Tree) -> list[str]:
    if not tree.issues:
        return ["The issue tree is not planned."]
    missing = [each.key for each in tree.issues if each.number is None]
    if missing:
        return [f"Not yet on GitHub: {', '.join(missing)}."]
    return [] if tree.root.pr_number else [f"{_name(tree.root)} has no pull request yet."]


def _built(tree: Tree) -> list[str]:
    tree = settled(tree)
    return [_why(tree, each) for each in tree.issues if each.parent is not None and is_open(each)]


def _checked(run: Run, tree: Tree, facts: Facts) -> list[str]:
    open_nodes = _built(tree)
    if open_nodes:
        return open_nodes
    root = tree.root
    if run.state is S.QA:
        passed = root.head is not None and root.tested_head == root.head
        return [] if passed else [f"{_name(root)} has not passed QA as a whole."]
    if root.merged_sha is None:
        return [f"{_name(root)} is not merged into {root.base}."]
    return [] if facts.regression_done else ["regression does not hold the merge yet."]


def _why(tree: Tree, issue: Issue) -> str:
    if issue.failure:
        return f"{_name(issue)} failed: {issue.failure}"
    waits = _names(tree, waiting_for(tree, issue.key))
    return f"{_name(issue)} is {issue.status}" + (f" and waits for {waits}." if waits else ".")


def _names(tree: Tree, blockers: list[Blocker]) -> str:
    return ", ".join(dict.fromkeys(_name(tree[each.key]) for each in blockers))


def _name(issue: Issue) -> str:
    return f"#{issue.number} {issue.title}" if issue.number else issue.title
