"""Lint: ruff with the repository's own settings. It tells; only what cannot be parsed blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ledger.models import CheckReport, Finding, Severity
from shipline.ids import digest
from tasks.quality.reports import check, code_line, conclude, parse_json, plural, relative, run_tool
from tasks.quality.settings import has_ruff_settings

CHECK = "lint"


@check(CHECK)
async def lint(workspace: Path) -> CheckReport:
    """Minor findings for style and likely mistakes, a critical one for each syntax error."""
    arguments = ["check", "--output-format", "json", "--no-cache", "--no-fix"]
    if not has_ruff_settings(workspace):
        arguments.append("--isolated")  # else ruff takes the settings of a folder above the workspace
    done = await run_tool("ruff", *arguments, ".", cwd=workspace)
    findings = [_finding(each, workspace) for each in parse_json("ruff", done)]
    summary = f"ruff: {plural(len(findings), 'finding')}" if findings else "ruff found nothing"
    return conclude(CHECK, findings, summary, {"findings": len(findings)})


def _finding(found: dict[str, Any], workspace: Path) -> Finding:
    path = relative(workspace, found["filename"])
    line = found["location"]["row"]
    code = found["code"] or "invalid-syntax"
    quoted = code_line(workspace, path, line)
    return Finding(
        check=CHECK,
        severity=Severity.CRITICAL if code == "invalid-syntax" else Severity.MINOR,
        title=f"{code}: {found['message']}",
        evidence=quoted or found["message"],
        path=path,
        line=line,
        fingerprint=digest(CHECK, code, path, quoted),
    )
