"""The licences of what the repository declares, read from the target environment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ledger.models import CheckReport, Finding, Severity, Verdict
from shipline.ids import digest
from tasks.quality.environment import TOOLS, TargetEnvironment
from tasks.quality.index import licence_in
from tasks.quality.reports import check, conclude, plural

CHECK = "licences"
# GPL and AGPL as SPDX ids, classifiers or in words; the Lesser GPL is another licence.
_COPYLEFT = re.compile(r"(?<![A-Z])A?GPL|(?<!LESSER )GENERAL PUBLIC LICENSE|AFFERO")
_LESSER = re.compile(r"LGPL|LESSER GENERAL PUBLIC")
_EITHER = re.compile(r"\s+OR\s+")


@check(CHECK)
async def licences(_workspace: Path, environment: TargetEnvironment) -> CheckReport:
    """GPL and AGPL in what is released block; an unknown licence, the LGPL, or GPL in a tool for tests is told."""
    if not environment.declared.anything:
        return CheckReport(check=CHECK, verdict=Verdict.PASSED, summary="no third-party dependencies")
    found = distributions(path=[str(environment.site_packages)])
    installed: dict[str, Distribution] = {canonicalize_name(each.name): each for each in found}
    released = _closure(environment.declared.runtime_entries(), installed)
    third = {name: each for name, each in installed.items() if name not in TOOLS or name in released}
    judged = [_judge(each, name in released) for name, each in sorted(third.items())]
    findings = [each for each in judged if each is not None]
    summary = f"{plural(len(third), 'third-party distribution')}, {plural(len(findings), 'finding')}"
    return conclude(CHECK, findings, summary, {"distributions": len(third)})


def _closure(entries: Iterable[str], installed: Mapping[str, Distribution]) -> set[str]:
    """The names of ``entries`` and of all that they need, as far as it is installed."""
    seen: set[str] = set()
    waiting = list(entries)
    while waiting:
        requirement = _requirement(waiting.pop())
        if requirement is None:
            continue
        name = canonicalize_name(requirement.name)
        if name in installed and name not in seen:
            seen.add(name)
            waiting += installed[name].requires or []
    return seen


def _requirement(entry: str) -> Requirement | None:
    """An entry as a requirement; None for an option, or for what only an extra asks for."""
    try:
        found = Requirement(entry)
    except InvalidRequirement:  # ``-r more.txt`` or a path: what it brings is judged as not released
        return None
    extras = found.marker is not None and "extra" in str(found.marker)
    return None if extras and found.marker is not None and not found.marker.evaluate({"extra": ""}) else found


def _judge(distribution: Distribution, released: bool) -> Finding | None:
    licence = licence_in(distribution.metadata)
    choices = _EITHER.split(licence.upper())
    if not licence:
        return _finding(distribution, Severity.MAJOR, "says nothing of its licence")
    if all(_COPYLEFT.search(each) for each in choices):
        if released:
            return _finding(distribution, Severity.CRITICAL, f"is under {licence}")
        return _finding(distribution, Severity.MINOR, f"is under {licence}, and is not part of what is released")
    if all(_LESSER.search(each) for each in choices):
        return _finding(distribution, Severity.MAJOR, f"is under {licence}")
    return None


def _finding(distribution: Distribution, severity: Severity, what: str) -> Finding:
    named = f"{distribution.name} {distribution.version}"
    return Finding(
        check=CHECK,
        severity=severity,
        title=f"{distribution.name} {what}",
        evidence=f"{named} {what}.",
        fingerprint=digest(CHECK, distribution.name, what),
    )
