"""Branches as a tree, each with its pull request and what stands between it and its merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.view.evidence import ci_words
from console.view.inert import first_line
from console.view.run import waiting
from console.view.words import mark_and_word, name
from ledger.models import CiStatus, Issue, IssueStatus
from ledger.queries import Snapshot
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
    below = [each for each in snapshot.tree.descendants(issue.key) if each.status is not IssueStatus.DONE]
    first = waiting(snapshot.tree, waiting_for(snapshot.tree, issue.key)) if issue.status is IssueStatus.NEW else ""
    tested = issue.head is not None and issue.head == issue.tested_head
    return [
        _gate("Its turn", not first, first or "nothing is before it"),
        _gate("Everything below is done", not below, ", ".join(name(each) for each in below) or "nothing is open"),
        _gate("Pull request", issue.pr_number is not None, f"#{issue.pr_number}" if issue.pr_number else "not opened"),
        _gate("QA passed on its head", tested, (issue.head or "no commit yet")[:12]),
        _gate("Not stopped", not issue.failure, issue.failure or "no failure"),
        _github(snapshot.checks.get(issue.key, []), told),
        Gate("Approval", "– not asked for", "what a branch asks for beside checks GitHub says when it is merged"),
    ]


def _github(awaited: Sequence[str], told: Sequence[CiStatus]) -> Gate:
    """Required ones hold a merge up; others are only told of."""
    if awaited:
        return Gate("Checks of GitHub", "✗ open", f"required, and not passed yet: {', '.join(awaited)}")
    mark = "✓ none is in the way" if told else "– none is known"
    return Gate("Checks of GitHub", mark, ci_words(told))


def _gate(what: str, holds: bool, evidence: str) -> Gate:
    return Gate(what, "✓ holds" if holds else "✗ open", evidence)


def why_not(found: list[Gate]) -> str:
    """Why a merge is not possible now, or that the run does it by itself."""
    open_ones = [each.name for each in found if each.standing.startswith("✗")]
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
