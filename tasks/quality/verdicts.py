"""What of many reports blocks, one finding a cause. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.models import CheckReport, Finding
from tasks.quality.commands import TESTS
from tasks.quality.coverage import CHECK as COVERAGE
from tasks.quality.coverage import OF_CHANGE


def is_tests(check: str) -> bool:
    """Whether a check runs tests: all of them, or one kind."""
    return check == TESTS or check.startswith(f"{TESTS}-")


def causes(reports: Sequence[CheckReport]) -> list[CheckReport]:
    """The reports that block, without an echo: lines that no test runs lower the coverage of the change and of the
    whole alike."""
    failed = [each for each in reports if each.critical]
    low = any(each.check == COVERAGE for each in failed)
    return [each for each in failed if not (low and each.check == OF_CHANGE)]


def blocking(reports: Sequence[CheckReport]) -> list[Finding]:
    """Everything that blocks."""
    return [finding for report in causes(reports) for finding in report.critical]
