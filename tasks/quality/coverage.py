"""The coverage gate. Pure: what was measured is in the report of the tests."""

from __future__ import annotations

from ledger.models import CheckReport, Finding, Severity, Verdict
from shipline.ids import digest

CHECK = "coverage"


def coverage_gate(report: CheckReport, minimum: float) -> CheckReport:
    """Whether the tests of ``report`` reached ``minimum`` per cent."""
    percent = report.metrics.get("coverage_percent")
    if percent is None:
        return CheckReport(
            check=CHECK, verdict=Verdict.ABSENT, summary=f"Nothing was measured ({report.check}: {report.summary})"
        )
    metrics = {"coverage_percent": percent, "minimum_percent": minimum}
    if percent >= minimum:
        summary = f"{percent:.1f} %, the gate is {minimum:g} %"
        return CheckReport(check=CHECK, verdict=Verdict.PASSED, summary=summary, metrics=metrics)
    shown = min(round(percent, 1), percent)  # 79.96 is not 80
    title = f"coverage is {shown:g} %, the gate is {minimum:g} %"
    finding = Finding(
        check=CHECK,
        severity=Severity.CRITICAL,
        title=title,
        evidence=f"{report.summary}. Test what the change adds, or the code around it.",
        fingerprint=digest(CHECK, "below the gate"),
    )
    return CheckReport(check=CHECK, verdict=Verdict.FAILED, summary=title, findings=[finding], metrics=metrics)
