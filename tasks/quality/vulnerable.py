"""Known vulnerabilities in what the repository needs, where a database is configured and can be reached."""

from __future__ import annotations

import json
from pathlib import Path

from ledger.models import CheckReport, Finding, Severity, Verdict
from shipline.config import load_settings
from shipline.ids import digest
from tasks.quality.environment import TargetEnvironment
from tasks.quality.installed import locked_by_npm, third_party
from tasks.quality.osv import NoDatabase, Package, Vulnerability, known_vulnerabilities
from tasks.quality.reports import check, conclude, plural

CHECK = "vulnerabilities"
_LOCK = "package-lock.json"
_BLOCKING = ("CRITICAL", "HIGH")


@check(CHECK)
async def vulnerabilities(workspace: Path, environment: TargetEnvironment) -> CheckReport:
    """A high or critical one in what is released blocks, others are told. No database: absent, and nothing blocks."""
    packages = [*_python(environment), *_npm(workspace)]
    if not packages:
        return CheckReport(check=CHECK, verdict=Verdict.PASSED, summary="no third-party dependencies")
    url = load_settings().osv_url
    if not url:
        return _absent("No vulnerability database is configured (SHIPLINE_OSV_URL).")
    try:
        known = await known_vulnerabilities(url, packages)
    except NoDatabase as error:
        return _absent(f"The vulnerability database gave no answer: {error.message}.")
    findings = [_finding(*each) for each in known]
    summary = f"{plural(len(packages), 'package')}, {plural(len(findings), 'finding')}"
    return conclude(CHECK, findings, summary, {"packages": len(packages), "findings": len(findings)})


def _python(environment: TargetEnvironment) -> list[Package]:
    return [Package(each.name, each.distribution.version, "PyPI", each.released) for each in third_party(environment)]


def _npm(workspace: Path) -> list[Package]:
    path = workspace / _LOCK
    try:
        lock = json.loads(path.read_text(errors="replace")) if path.is_file() else {}
    except ValueError:  # npm says so itself when it installs
        return []
    found = {(name, version): released for name, version, released in locked_by_npm(lock)}
    return [Package(name, version, "npm", released) for (name, version), released in sorted(found.items())]


def _finding(package: Package, known: Vulnerability) -> Finding:
    named = f"{package.name} {package.version}"
    mend = f"Take {' or '.join(known.fixed)} or later." if known.fixed else "No version that mends it is known."
    part = "" if package.released else " It is not part of what is released."
    word = f" ({known.severity.lower()})" if known.severity else ""
    return Finding(
        check=CHECK, severity=_severity(package, known), title=f"{named} has the known vulnerability {known.id}{word}",
        evidence=f"{known.summary or known.id}\n{mend}{part}",
        path=_LOCK if package.ecosystem == "npm" else None,
        fingerprint=digest(CHECK, package.ecosystem, package.name, known.id),
    )  # fmt: skip


def _severity(package: Package, known: Vulnerability) -> Severity:
    if known.severity in _BLOCKING and package.released:
        return Severity.CRITICAL
    return Severity.MINOR if known.severity == "LOW" else Severity.MAJOR


def _absent(why: str) -> CheckReport:
    return CheckReport(check=CHECK, verdict=Verdict.ABSENT, summary=why)
