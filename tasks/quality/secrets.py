"""Secrets in the tree: detect-secrets, without asking any service whether they are real."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ledger.models import CheckReport, Finding, Severity
from shipline.ids import digest
from tasks.quality.reports import check, conclude, parse_json, plural, run_tool

CHECK = "secrets"
_LEFT_OUT = r"(^|/)(\.git|\.venv|venv|node_modules|__pycache__)(/|$)|(^|/)[^/]+\.lock$"
# What looks random is often a checksum, and a password in a test is an invented one: these are told and do not block.
_RANDOM = ("Base64 High Entropy String", "Hex High Entropy String", "Public IP (ipv4)")
_PASSWORDS = ("Secret Keyword", "Basic Auth Credentials")
_TEST = re.compile(r"(^|/)(tests?/|test_[^/]*$|[^/]*_test\.py$|conftest\.py$)")


@check(CHECK)
async def secrets(workspace: Path) -> CheckReport:
    """A critical finding a secret; its evidence says where and what kind, never what."""
    done = await run_tool(
        "detect_secrets", "scan", "--all-files", "--no-verify", "--exclude-files", _LEFT_OUT, ".", cwd=workspace
    )
    results = parse_json("detect-secrets", done)["results"]
    findings = [_finding(path, each) for path, found in results.items() for each in found]
    summary = f"detect-secrets: {plural(len(findings), 'finding')}" if findings else "detect-secrets found nothing"
    return conclude(CHECK, findings, summary, {"findings": len(findings)})


def _finding(path: str, found: dict[str, Any]) -> Finding:
    kind, line = found["type"], found["line_number"]
    guess = kind in _RANDOM or (kind in _PASSWORDS and _TEST.search(path) is not None)
    return Finding(
        check=CHECK,
        severity=Severity.MAJOR if guess else Severity.CRITICAL,
        title=f"{kind} in {path}",
        evidence=f"{path}, line {line}: {kind} (not quoted). If it is real, revoke it: it stays in the history.",
        path=path,
        line=line,
        fingerprint=digest(CHECK, kind, path, found["hashed_secret"]),
    )
