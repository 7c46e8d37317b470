"""What checks say: findings, and one report a check."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from ledger.models.base import Model


class Severity(StrEnum):
    """How bad a finding is. ``critical`` blocks and becomes a defect; the others are told."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"


class Verdict(StrEnum):
    """What a check concluded. ``absent`` means that its tool or its subject is not there, and says so."""

    PASSED = "passed"
    FAILED = "failed"
    ABSENT = "absent"


class Finding(Model):
    """One thing that is wrong. ``evidence`` quotes it (an assertion, a line); ``path`` is relative to the root.

    ``ask``: a person decides, and no agent can mend it; it holds the merge and becomes no defect.
    """

    check: str
    severity: Severity
    title: str
    evidence: str
    path: str | None = None
    line: int | None = None
    fingerprint: str
    ask: bool = False


class LicenceLists(Model):
    """Licences by SPDX id (``MPL-*`` for many), or ``package:NAME``: they pass, they block, or a person is asked."""

    allow: list[str] = Field(default_factory=list)
    deny: list[str] = Field(default_factory=list)
    ask: list[str] = Field(default_factory=list)


class Standards(Model):
    """What checks are held to besides the coverage of the whole.

    ``base`` is the commit that a change is measured against, ``change_percent`` the least coverage of what it adds
    (the whole's, where it is not given). ``passing`` are the checks that whoever made the change promised to leave
    without a finding, ``licences`` what the project's people said.
    """

    base: str | None = None
    change_percent: float | None = Field(default=None, ge=0, le=100)
    passing: list[str] = Field(default_factory=list)
    licences: LicenceLists = Field(default_factory=LicenceLists)


class CheckReport(Model):
    """One check on one commit. ``metrics`` are numbers with their unit in the name (``coverage_percent``)."""

    check: str
    verdict: Verdict
    summary: str
    findings: list[Finding] = Field(default_factory=list)
    metrics: dict[str, float] = Field(default_factory=dict)
    tests: list[str] = Field(default_factory=list)
    seconds: float = 0

    @property
    def critical(self) -> list[Finding]:
        """The findings that block."""
        return [finding for finding in self.findings if finding.severity is Severity.CRITICAL]
