"""What it means that GitHub is not as the ledger left it, and what is to be done. Facts in, verdicts out; pure.

Nothing here calls work done that was not seen done: where the ledger cannot know, the verdict asks a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ledger.models import Issue, IssueStatus, IssueType


class Act(StrEnum):
    """What a verdict asks for."""

    TAKE_OVER = "take over the merge"
    NEW_PULL = "open another pull request for the rest"
    ASK = "stop the node until a person decides"
    PAUSE = "pause the run until a person decides"
    REOPEN_PULL = "reopen the pull request"
    REOPEN_ISSUE = "reopen the issue"
    CLOSE_ISSUE = "close the issue"
    RESTORE = "restore the branch"
    FOLLOW = "follow the branch"
    CLEAR = "go on"


class Asked(StrEnum):
    """What a person was asked about, kept in the node until they have answered."""

    PULL_CLOSED = "pull-closed"
    PULL_LACKS_OURS = "pull-lacks-ours"
    REWRITTEN = "branch-rewritten"
    EPIC_CLOSED = "epic-closed"
    REOPENED = "issue-reopened"


@dataclass(frozen=True)
class PullSeen:
    """A pull request on GitHub. ``by`` is who merged or closed it."""

    number: int
    open: bool
    head: str
    merged_sha: str | None = None
    by: str = ""


@dataclass(frozen=True)
class Seen:
    """What GitHub shows of one node.

    ``holds_ours``: the branch's head, or the head that was merged, contains the head that the ledger knows. None is
    for what was not looked at.
    """

    issue_open: bool | None = None
    issue_by: str = ""
    pull: PullSeen | None = None
    branch: str | None = None
    base_there: bool = True
    holds_ours: bool = True


@dataclass(frozen=True)
class Ours:
    """What the journal says that we did, or began to do, with the node."""

    closed: bool = False  # the last word on the issue's state was ours, and it was to close it
    merging: bool = False
    moving: bool = False  # a commit of ours is on its way to the branch


@dataclass(frozen=True)
class Verdict:
    """One thing that is not as it was left. ``decide`` is what a person must decide, if anything."""

    act: Act
    what: str
    decide: str = ""
    asked: Asked | None = None
    quiet: bool = False  # our own unfinished work: no person did it, and none needs to hear of it


def judge(issue: Issue, seen: Seen, ours: Ours, *, open_below: bool = False) -> list[Verdict]:
    """What is not as the ledger left it, in the order in which it is to be handled; none when all is well."""
    if issue.status is IssueStatus.DONE:
        return list(_done(issue, seen, ours))
    found = list(_work(issue, seen, ours, open_below))
    if not any(each.act is Act.TAKE_OVER for each in found):
        found += _issue(issue, seen, ours)
    if issue.asked and not found and _looked_again(issue, seen):
        found.append(Verdict(Act.CLEAR, f"{_name(issue)} is again as it was", quiet=True))
    return found


def _done(issue: Issue, seen: Seen, ours: Ours) -> Iterator[Verdict]:
    if not seen.issue_open:
        if issue.asked and seen.issue_open is False:
            yield Verdict(Act.CLEAR, f"{_name(issue)} is closed again", quiet=True)
        return
    if not ours.closed:
        yield Verdict(Act.CLOSE_ISSUE, f"{_name(issue)} is done and its issue is not closed yet", quiet=True)
    elif issue.asked == Asked.REOPENED:
        yield Verdict(Act.CLOSE_ISSUE, f"{_name(issue)} was reopened by hand, and the run was told to go on")
    else:
        yield Verdict(
            Act.PAUSE, f"{_name(issue)} was reopened by hand although its work is merged",
            f"say what is missing in a new idea and close #{issue.number}, or resume the run, which closes it again",
            Asked.REOPENED,
        )  # fmt: skip


def _work(issue: Issue, seen: Seen, ours: Ours, open_below: bool) -> Iterator[Verdict]:
    pull = seen.pull
    if pull is not None and pull.merged_sha:
        if not ours.merging:
            yield _merged(issue, pull, seen, open_below)
        return
    if issue.branch and seen.branch is None:
        yield Verdict(Act.RESTORE, f"Branch {issue.branch} was deleted by hand")
        if pull is not None and not pull.open:
            yield Verdict(Act.REOPEN_PULL, f"#{pull.number} was closed because its branch was deleted")
        return
    if pull is not None and not pull.open:
        closed = _closed(issue, pull, seen)
        yield closed
        if closed.act is Act.ASK:  # one question at a time
            return
    if issue.branch and seen.branch != issue.head and not ours.moving:
        yield _moved(issue, seen)


def _merged(issue: Issue, pull: PullSeen, seen: Seen, open_below: bool) -> Verdict:
    who = f"#{pull.number} was merged by {pull.by}"
    if not seen.holds_ours and issue.asked != Asked.PULL_LACKS_OURS:
        lacking = f"{who} without commit {(issue.head or '')[:7]}, which the run made for {issue.key}"
        return Verdict(
            Act.ASK, lacking, f"retry {issue.key} to have what is missing merged by another pull request, or cancel",
            Asked.PULL_LACKS_OURS,
        )  # fmt: skip
    if open_below or not seen.holds_ours:
        return Verdict(Act.NEW_PULL, f"{who} before all of {issue.key} was done")
    return Verdict(Act.TAKE_OVER, f"{who} by hand as {(pull.merged_sha or '')[:7]}")


def _closed(issue: Issue, pull: PullSeen, seen: Seen) -> Verdict:
    if not seen.base_there:
        return Verdict(Act.REOPEN_PULL, f"#{pull.number} was closed because branch {issue.base} was deleted")
    what = f"#{pull.number} was closed by {pull.by} without a merge"
    if issue.asked == Asked.PULL_CLOSED and issue.failure is None:
        return Verdict(Act.REOPEN_PULL, f"{what}, and the run was told to go on")
    return Verdict(
        Act.ASK, what, f"reopen #{pull.number} or retry {issue.key} (which reopens it), or cancel the run",
        Asked.PULL_CLOSED,
    )  # fmt: skip


def _moved(issue: Issue, seen: Seen) -> Verdict:
    head, before = (seen.branch or "")[:7], (issue.head or "")[:7]
    if seen.holds_ours or (issue.asked == Asked.REWRITTEN and issue.failure is None):
        return Verdict(Act.FOLLOW, f"{issue.branch} was moved by hand from {before} to {head}; QA looks at it again")
    return Verdict(
        Act.ASK, f"{issue.branch} was rewritten by hand: {head} does not contain {before}",
        f"put {before} back, or retry {issue.key} to go on with the branch as it is", Asked.REWRITTEN,
    )  # fmt: skip


def _issue(issue: Issue, seen: Seen, ours: Ours) -> Iterator[Verdict]:
    if seen.issue_open is not False:
        return
    what = f"{_name(issue)} was closed by {seen.issue_by or 'somebody'} although it is not done"
    if ours.closed:
        yield Verdict(Act.REOPEN_ISSUE, f"{_name(issue)} is open again and its issue is not yet", quiet=True)
    elif issue.parent is None and issue.asked != Asked.EPIC_CLOSED:
        yield Verdict(
            Act.PAUSE, what, "resume the run (which reopens the epic), or cancel it", Asked.EPIC_CLOSED
        )  # fmt: skip
    else:
        yield Verdict(Act.REOPEN_ISSUE, what)


def _looked_again(issue: Issue, seen: Seen) -> bool:
    """Whether what a person was asked about was looked at, and is no more."""
    if issue.asked == Asked.EPIC_CLOSED:
        return seen.issue_open is True
    if issue.asked == Asked.REWRITTEN:
        return seen.branch is not None
    return seen.pull is not None and seen.pull.open


def _name(issue: Issue) -> str:
    kind = "Defect" if issue.type is IssueType.DEFECT else "Epic" if issue.parent is None else "Issue"
    return f"{kind} #{issue.number}"
