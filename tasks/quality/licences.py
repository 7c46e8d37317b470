"""The licences of what the repository declares, read from the target environment."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from ledger.models import CheckReport, Finding, LicenceLists, Severity, Verdict
from shipline.ids import digest
from tasks.quality.environment import TargetEnvironment
from tasks.quality.index import licence_in
from tasks.quality.installed import Installed, third_party
from tasks.quality.reports import check, conclude, plural
from tasks.quality.settings import read_target_settings

CHECK = "licences"
# GPL and AGPL as SPDX ids, classifiers or in words; the Lesser GPL is another licence.
_COPYLEFT = re.compile(r"(?<![A-Z])A?GPL|(?<!LESSER )GENERAL PUBLIC LICENSE|AFFERO")
_LESSER = re.compile(r"LGPL|LESSER GENERAL PUBLIC")
_EITHER = re.compile(r"\s+OR\s+")
_BOTH = re.compile(r"\s+AND\s+")
_PACKAGE = "PACKAGE:"


@dataclass(frozen=True)
class Policy:
    """Who said what of licences. What somebody denies blocks; then what somebody allows passes; then it is asked."""

    lists: tuple[LicenceLists, ...] = ()

    def says(self, name: str, choices: Sequence[str]) -> str:
        """``deny``, ``allow`` or ``ask`` for a package under one of ``choices``; empty where nobody spoke of it."""
        for word in ("deny", "allow", "ask"):
            entries = [_entry(entry) for each in self.lists for entry in getattr(each, word) if entry.strip()]
            # One choice that may be taken is enough to pass, and all must be denied to block.
            judged = any if word == "allow" else all
            named = _entry(f"{_PACKAGE}{name}") in entries
            if named or (choices and judged(_all_match(each, entries) for each in choices)):
                return word
        return ""


@check(CHECK)
async def licences(workspace: Path, environment: TargetEnvironment, people: LicenceLists | None = None) -> CheckReport:
    """What the project's ``people`` and the repository said of a licence counts. Of others: GPL and AGPL in what is
    released block; an unknown licence, the LGPL, or GPL in a tool for tests is told."""
    if not environment.declared.anything:
        return CheckReport(check=CHECK, verdict=Verdict.PASSED, summary="no third-party dependencies")
    own = LicenceLists.model_validate(read_target_settings(workspace).licences.model_dump())
    policy = Policy((people or LicenceLists(), own))
    third = third_party(environment)
    judged = [_judge(each, policy) for each in third]
    findings = [each for each in judged if each is not None]
    asked = sum(each.ask for each in findings)
    summary = f"{plural(len(third), 'third-party distribution')}, {plural(len(findings), 'finding')}"
    summary = f"{summary}, {asked} for a person to decide" if asked else summary
    return conclude(CHECK, findings, summary, {"distributions": len(third)})


def _judge(found: Installed, policy: Policy) -> Finding | None:
    licence = licence_in(found.distribution.metadata)
    choices = [each.strip(" ()") for each in _EITHER.split(licence.upper()) if each.strip(" ()")]
    word, what = policy.says(found.name, choices), f"is under {licence}" if licence else "says nothing of its licence"
    if word == "allow":
        return None
    if word == "deny":
        return _finding(found, Severity.CRITICAL, f"{what}, which is denied")
    if word == "ask":
        return _ask(found, licence, what)
    return _by_default(found, what, choices)


def _by_default(found: Installed, what: str, choices: Sequence[str]) -> Finding | None:
    if not choices:
        return _finding(found, Severity.MAJOR, what)
    if all(_COPYLEFT.search(each) for each in choices):
        if found.released:
            return _finding(found, Severity.CRITICAL, what)
        return _finding(found, Severity.MINOR, f"{what}, and is not part of what is released")
    if all(_LESSER.search(each) for each in choices):
        return _finding(found, Severity.MAJOR, what)
    return None


def _entry(text: str) -> str:
    text = text.strip().upper()
    name = text.removeprefix(_PACKAGE)
    return text if name == text else f"{_PACKAGE}{canonicalize_name(name.strip()).upper()}"


def _all_match(choice: str, entries: Sequence[str]) -> bool:
    """Whether each licence of ``A AND B`` is named."""
    parts = [each.strip(" ()") for each in _BOTH.split(choice)]
    return all(any(fnmatch.fnmatchcase(part, entry) for entry in entries) for part in parts)


def _ask(found: Installed, licence: str, what: str) -> Finding:
    named = licence or f"package:{found.name}"
    how = (
        f"A person decides. To let it pass, add `{named}` (or `package:{found.name}`) to `licences_allow` in the "
        f"project's settings, or to `allow` in [tool.shipline.licences], and retry; to refuse it, to the deny list."
    )
    told = _finding(found, Severity.CRITICAL, f"{what}, which a person is to be asked about")
    return told.model_copy(update={"ask": True, "evidence": f"{told.evidence} {how}"})


def _finding(found: Installed, severity: Severity, what: str) -> Finding:
    distribution = found.distribution
    named = f"{distribution.name} {distribution.version}"
    return Finding(
        check=CHECK,
        severity=severity,
        title=f"{distribution.name} {what}",
        evidence=f"{named} {what}.",
        fingerprint=digest(CHECK, distribution.name, what),
    )
