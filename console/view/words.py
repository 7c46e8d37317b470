"""The words for states: the same on every page, so that no colour has to say it alone."""

from __future__ import annotations

from datetime import datetime

from ledger.models import Issue, IssueStatus, IssueType, Outcome, Run, RunState

STAGES: dict[RunState, str] = {
    RunState.SPEC_WRITING: "Spec",
    RunState.ISSUE_TREE: "Plan",
    RunState.EXECUTION_LOOP: "Build",
    RunState.QA: "QA",
    RunState.MERGE: "Merge",
    RunState.RELEASE: "Release",
}
ORDER = list(RunState)
STATUS = {
    IssueStatus.NEW: ("○", "waits"),
    IssueStatus.IN_PROGRESS: ("▶", "in work"),
    IssueStatus.REVIEW: ("▶", "in review"),
    IssueStatus.QA: ("▶", "in QA"),
    IssueStatus.BLOCKED: ("■", "blocked"),
    IssueStatus.DONE: ("✓", "done"),
}
FAILED = ("✗", "failed")


def mark_and_word(issue: Issue) -> tuple[str, str]:
    """A sign and a word for how a node stands."""
    return FAILED if issue.failure else STATUS[issue.status]


def name(issue: Issue) -> str:
    """``#12 Title``; a defect says that it is one."""
    title = issue.title.removeprefix("Defect: ")
    title = f"defect: {title}" if issue.type is IssueType.DEFECT else title
    return f"#{issue.number} {title}" if issue.number else title


def stage(run: Run) -> str:
    """Where a run stands, in a word."""
    if run.outcome is Outcome.SUCCEEDED:
        return "released" if run.release else "done"
    if run.outcome is not None:
        return run.outcome.value
    return STAGES.get(run.state, "starting")


def lasting(seconds: float) -> str:
    """``42 s``, ``3 min``, ``2 h 5 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def ago(then: datetime, at: datetime) -> str:
    """How long ago."""
    return f"{lasting(max(0.0, (at - then).total_seconds()))} ago"


def money(usd: float) -> str:
    """``$0.42``; a little is still something."""
    return "$0" if usd == 0 else "< $0.01" if usd < 0.01 else f"${usd:,.2f}"
