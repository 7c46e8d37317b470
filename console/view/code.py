"""Branches as a tree, each with its pull request and what stands between it and its merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.view.evidence import ci_words
from console.view.inert import first_line
from console.view.run import waiting
from console.view.words import mark_and_word, name
from ledger.models import CiStatus, GateState, Issue, IssueStatus
from ledger.queries import Snapshot
from ledger.rules import gates as rules
from ledger.rules.ready import waiting_for

if TYPE_CHECKING:
    from tasks.code import PullSeen


@dataclass(frozen=True)
class Branch:
    """One branch. ``into`` is where it is merged; ``standing`` what became of its pull request, in words."""

    key: str
    depth: int
    mark: str
    branch: str
    into: str
    pull: str
    standing: str


@dataclass(frozen=True)
class Gate:
    """One thing that must hold before a merge: how it stands, and what shows it."""

    name: str
    standing: str
    evidence: str
    state: GateState


STANDINGS = {
    GateState.HOLDS: "✓ holds", GateState.BLOCKS: "✗ open", GateState.WAITS: "… waits",
    GateState.NOT_ASKED: "– not asked",
}  # fmt: skip


def branches(snapshot: Snapshot) -> list[Branch]:
    """The branches of a run, each below the one that it is merged into."""
    if not snapshot.tree.issues:
        return []
    found: list[Branch] = []

    def visit(issue: Issue, depth: int) -> None:
        mark, _ = mark_and_word(issue)
        found.append(
            Branch(
                key=issue.key, depth=depth, mark=mark, branch=issue.branch or f"not made yet: {name(issue)}",
                into=issue.base or "", pull=f"#{issue.pr_number}" if issue.pr_number else "", standing=_standing(issue),
            )
        )  # fmt: skip
        for child in snapshot.tree.children(issue.key):
            visit(child, depth + 1)

    visit(snapshot.tree.root, 0)
    return found


def _standing(issue: Issue) -> str:
    if issue.merged_sha:
        return f"merged as {issue.merged_sha[:7]}"
    if issue.pr_number is None:
        return "no pull request yet"
    if issue.failure:
        return "stopped"
    return "open, passed QA" if issue.head and issue.head == issue.tested_head else "open"


def gates(snapshot: Snapshot, issue: Issue, told: Sequence[CiStatus] = ()) -> list[Gate]:
    """What must hold before the node is merged, each with its evidence; ``told`` is what GitHub's checks say of its
    head.
    """
    first = waiting(snapshot.tree, waiting_for(snapshot.tree, issue.key)) if issue.status is IssueStatus.NEW else ""
    judged = rules.gates(snapshot.tree, issue)
    return [
        _gate("Its turn", not first, first or "nothing is before it"),
        *(Gate(each.name, STANDINGS[each.state], each.evidence, each.state) for each in judged[:2]),
        _gate("Pull request", issue.pr_number is not None, f"#{issue.pr_number}" if issue.pr_number else "not opened"),
        *(Gate(each.name, STANDINGS[each.state], each.evidence, each.state) for each in judged[2:]),
        _gate("Not stopped", not issue.failure, issue.failure or "no failure"),
        _github(snapshot.checks.get(issue.key, []), told),
    ]


def _github(awaited: Sequence[str], told: Sequence[CiStatus]) -> Gate:
    """Required ones hold a merge up; others are only told of."""
    if awaited:
        said = f"required, and not passed yet: {', '.join(awaited)}"
        return Gate("Checks of GitHub", STANDINGS[GateState.WAITS], said, GateState.WAITS)
    mark = "✓ none is in the way" if told else "– none is known"
    return Gate("Checks of GitHub", mark, ci_words(told), GateState.NOT_ASKED)


def _gate(what: str, holds: bool, evidence: str) -> Gate:
    state = GateState.HOLDS if holds else GateState.BLOCKS
    return Gate(what, STANDINGS[state], evidence, state)


def why_not(found: list[Gate]) -> str:
    """Why a merge is not possible now, or that the run does it by itself."""
    open_ones = [each.name for each in found if each.state in (GateState.BLOCKS, GateState.WAITS)]
    if open_ones:
        return f"Not mergeable yet. What must hold first: {'; '.join(open_ones)}."
    return "Nothing stands in the way: the run merges it by itself."


@dataclass(frozen=True)
class Pull:
    """An open pull request; ``why_not`` is None when a person may merge it."""

    number: int
    name: str
    head: str
    into: str
    checks: str
    why_not: str | None


def pulls(found: Sequence[PullSeen], told: Mapping[str, Sequence[CiStatus]]) -> list[Pull]:
    """The pull requests in their order; ``told`` is what GitHub's checks say, by head."""
    return [
        Pull(
            each.number, f"#{each.number} {first_line(each.title)}", each.head, each.base,
            ci_words(told.get(each.sha, ())), each.why_not,
        )
        for each in found
    ]  # fmt: skip
