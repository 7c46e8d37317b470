"""What speaks for a node: checks, findings, what changed, and what was said of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.view.words import ago, lasting
from ledger.models import CheckReport, Severity, Verdict

VERDICTS = {Verdict.PASSED: "✓ passed", Verdict.FAILED: "✗ failed", Verdict.ABSENT: "– absent"}
SEVERITIES = {Severity.CRITICAL: "✗ critical", Severity.MAJOR: "▲ major", Severity.MINOR: "minor"}


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
