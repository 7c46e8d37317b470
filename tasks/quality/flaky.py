"""Tests that fail once and pass when they are run again: told by name, and no reason to stop. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ledger.models import Finding, Severity
from shipline.ids import digest
from tasks.quality.junit import Case, failure_finding

MOST = 20  # failures; more of them at once are no accident


def worth_another_try(failed: Sequence[Case]) -> bool:
    """Whether the failures may be accidents: few, and of tests that could be loaded."""
    return 0 < len(failed) <= MOST and all(case.collected for case in failed)


def options_only(arguments: Sequence[str], workspace: Path) -> tuple[str, ...]:
    """pytest's arguments without the paths: those of the failed tests take their place."""
    return tuple(each for each in arguments if each.startswith("-") or not (workspace / each.split("::")[0]).exists())


def flaky_finding(case: Case, workspace: Path) -> Finding:
    """What is told of a test that failed and then passed; the evidence is its failure."""
    failure = failure_finding(case, workspace)
    return failure.model_copy(update={
        "severity": Severity.MAJOR, "title": f"{case.id} is flaky: it failed, and passed when it was run again",
        "fingerprint": digest("flaky", case.id),
    })  # fmt: skip
