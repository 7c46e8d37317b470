"""The coverage gates: of the whole, and of what a change adds. Pure: what was measured is handed in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from ledger.models import CheckReport, Finding, Severity, Verdict
from shipline.ids import digest
from tasks.quality.changed import Changed
from tasks.quality.measured import Measured
from tasks.quality.reports import plural

CHECK = "coverage"
OF_CHANGE = "coverage-of-change"
_FILES = 20  # whose lines are named


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
    title = f"coverage is {_shown(percent)}, the gate is {minimum:g} %"
    finding = Finding(
        check=CHECK,
        severity=Severity.CRITICAL,
        title=title,
        evidence=f"{report.summary}. Test what the change adds, or the code around it.",
        fingerprint=digest(CHECK, "below the gate"),
    )
    return CheckReport(check=CHECK, verdict=Verdict.FAILED, summary=title, findings=[finding], metrics=metrics)


def change_gate(measured: Measured, changed: Changed, minimum: float) -> CheckReport:
    """Whether the tests ran ``minimum`` per cent of the lines that the change adds, as far as these are code."""
    if changed.why:
        return _absent(f"Not measured: {changed.why}")
    if measured.percent is None:
        return _absent("Nothing was measured")
    if not measured.ran:
        return _absent("Only the whole was measured, not which lines ran")
    missed = {
        path: sorted(lines & measured.missed.get(path, frozenset())) for path, lines in sorted(changed.lines.items())
    }
    ran = sum(len(lines & measured.ran.get(path, frozenset())) for path, lines in changed.lines.items())
    total = ran + sum(map(len, missed.values()))
    if total == 0:
        return CheckReport(check=OF_CHANGE, verdict=Verdict.PASSED, summary="The change adds no code that is measured")
    percent = round(100 * ran / total, 2)
    metrics = {"coverage_percent": percent, "minimum_percent": minimum, "lines": total, "covered_lines": ran}
    if percent >= minimum:
        summary = f"{percent:.1f} % of {plural(total, 'added line')}, the gate is {minimum:g} %"
        return CheckReport(check=OF_CHANGE, verdict=Verdict.PASSED, summary=summary, metrics=metrics)
    title = f"coverage of the change is {_shown(percent)} of {plural(total, 'line')}, the gate is {minimum:g} %"
    worst = [(path, lines) for path, lines in missed.items() if lines]
    named = "\n".join(f"{path}: {', '.join(spans(lines))}" for path, lines in worst[:_FILES])
    finding = Finding(
        check=OF_CHANGE,
        severity=Severity.CRITICAL,
        title=title,
        evidence=f"No test runs these added lines:\n{named}",
        path=worst[0][0],
        line=worst[0][1][0],
        fingerprint=digest(OF_CHANGE, "below the gate"),
    )
    return CheckReport(check=OF_CHANGE, verdict=Verdict.FAILED, summary=title, findings=[finding], metrics=metrics)


def spans(lines: Iterable[int]) -> Iterator[str]:
    """Sorted numbers as a person writes them: ``4-6``, ``9``."""
    numbers = list(lines)
    cuts = [at for at, (left, right) in enumerate(pairwise(numbers), 1) if right != left + 1]
    for start, end in pairwise([0, *cuts, len(numbers)]):
        first, last = numbers[start], numbers[end - 1]
        yield str(first) if first == last else f"{first}-{last}"


def _absent(why: str) -> CheckReport:
    return CheckReport(check=OF_CHANGE, verdict=Verdict.ABSENT, summary=why)


def _shown(percent: float) -> str:
    return f"{min(round(percent, 1), percent):g} %"  # 79.96 is not 80
