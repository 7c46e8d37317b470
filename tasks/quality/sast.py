"""Static analysis for security: bandit on the repository's own Python, its tests left out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ledger.models import CheckReport, Finding, Severity
from shipline.ids import digest
from tasks.quality.reports import ToolFailed, check, conclude, parse_json, plural, relative, run_tool

CHECK = "sast"
_LEFT_OUT = (
    *("*/tests/*", "*/test/*", "*/test_*.py", "*_test.py", "*/conftest.py"),
    *("*/.venv/*", "*/venv/*", "*/node_modules/*", "*/build/*", "*/dist/*", "*/.git/*"),
)
_NUMBERED = re.compile(r"^(\d+) ?(.*)$")
_PASSWORDS = ("B105", "B106", "B107")  # these quote the password itself
_QUOTED = re.compile(r"(['\"]).*?\1")


@check(CHECK)
async def sast(workspace: Path) -> CheckReport:
    """High severity with at least medium confidence blocks; the rest is told."""
    done = await run_tool("bandit", "-r", ".", "-f", "json", "-q", "--exclude", ",".join(_LEFT_OUT), cwd=workspace)
    answer = parse_json("bandit", done)
    lines = sum(each["loc"] for path, each in answer["metrics"].items() if path != "_totals")
    unread = [each for each in answer["errors"] if "syntax error" not in each["reason"]]
    if unread:  # a syntax error is lint's to report
        raise ToolFailed(f"bandit could not read {unread[0]['filename']}", unread[0]["reason"])
    findings = [_finding(each, workspace) for each in answer["results"]]
    summary = f"bandit: {plural(len(findings), 'finding')} in {plural(lines, 'line')}"
    return conclude(CHECK, findings, summary, {"findings": len(findings), "lines": lines})


def _finding(found: dict[str, Any], workspace: Path) -> Finding:
    path = relative(workspace, found["filename"])
    code, title = _code(found), found["issue_text"]
    if found["test_id"] in _PASSWORDS:
        code, title = _QUOTED.sub("'…'", code), _QUOTED.sub("'…'", title)
    return Finding(
        check=CHECK,
        severity=_severity(found["issue_severity"], found["issue_confidence"]),
        title=f"{found['test_id']}: {title}",
        evidence=code,
        path=path,
        line=found["line_number"],
        fingerprint=digest(CHECK, found["test_id"], path, " ".join(code.split())),
    )


def _severity(severity: str, confidence: str) -> Severity:
    if severity == "HIGH":
        return Severity.CRITICAL if confidence in ("HIGH", "MEDIUM") else Severity.MAJOR
    return Severity.MAJOR if severity == "MEDIUM" else Severity.MINOR


def _code(found: dict[str, Any]) -> str:
    """The lines of the finding without their numbers and their neighbours, so that it stays the same when moved."""
    wanted = set(found["line_range"])
    numbered = [_NUMBERED.match(line) for line in found["code"].splitlines()]
    return "\n".join(each[2].strip() for each in numbered if each is not None and int(each[1]) in wanted)
