"""What speaks for a node: checks, findings, what changed, and what was said of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.view.words import ago, lasting
from ledger.models import CheckReport, CiStatus, Effect, Severity, Verdict
from ledger.queries import GOOD

VERDICTS = {Verdict.PASSED: "✓ passed", Verdict.FAILED: "✗ failed", Verdict.ABSENT: "– absent"}
SEVERITIES = {Severity.CRITICAL: "✗ critical", Severity.MAJOR: "▲ major", Severity.MINOR: "minor"}


def reports_of(done: Sequence[Effect]) -> list[CheckReport]:
    """What the newest QA said; nothing when there was none."""
    newest = done[0].outcome if done else None
    return [CheckReport.model_validate(each) for each in (newest or {}).get("reports", [])]


def checks(reports: Sequence[CheckReport]) -> list[dict[str, str]]:
    """One row a check."""
    return [
        {
            "Check": each.check, "Verdict": VERDICTS[each.verdict], "Said": each.summary,
            "Figures": ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in each.metrics.items()),
            "Took": lasting(each.seconds),
        }
        for each in reports
    ]  # fmt: skip


ON_ITS_WAY = ("queued", "requested", "waiting", "pending", "in_progress")


def ci(told: Sequence[CiStatus], at: datetime) -> list[dict[str, str]]:
    """What GitHub's checks say of a head, a row each."""
    return [
        {"Check": each.name, "State": f"{_ci_mark(each)} {each.state}", "Told": ago(each.updated_at, at)}
        for each in told
    ]


def ci_words(told: Sequence[CiStatus]) -> str:
    """The same in a line: what failed by name, what runs by name, how many passed."""
    if not told:
        return "no check of GitHub has told of this head"
    failed = [f"✗ {each.name}: {each.state}" for each in told if _ci_mark(each) == "✗"]
    running = [f"▶ {each.name}" for each in told if _ci_mark(each) == "▶"]
    passed = len(told) - len(failed) - len(running)
    return ", ".join([*failed, *running, *([f"✓ {passed} passed"] if passed else [])])


def _ci_mark(each: CiStatus) -> str:
    return "✓" if each.state in GOOD else "▶" if each.state in ON_ITS_WAY else "✗"


def findings(reports: Sequence[CheckReport]) -> list[dict[str, str]]:
    """Everything that the checks found, the worst first."""
    order = list(Severity)
    found = sorted((f for each in reports for f in each.findings), key=lambda each: order.index(each.severity))
    return [
        {
            "Severity": SEVERITIES[each.severity], "Check": each.check, "What": each.title,
            "Where": f"{each.path or ''}{f':{each.line}' if each.line else ''}", "Evidence": each.evidence,
        }
        for each in found
    ]  # fmt: skip


def said(author: str, place: str, at: datetime, now: datetime) -> str:
    """Who said something, where and when."""
    return f"{author} · {ago(at, now)}" + (f" · {place}" if place else "")


def counted(additions: int, deletions: int) -> str:
    """``+3 −1``."""
    return f"+{additions} −{deletions}"
