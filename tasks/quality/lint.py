"""Lint: ruff with the repository's own settings. It tells; what cannot be parsed blocks, and what was promised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ledger.models import CheckReport, Finding, Severity, Verdict
from shipline.ids import digest
from tasks.quality.changed import Changed
from tasks.quality.reports import check, code_line, conclude, parse_json, plural, relative, run_tool
from tasks.quality.settings import has_ruff_settings

CHECK = "lint"


@check(CHECK)
async def lint(workspace: Path, changed: Changed | None = None, *, promised: bool = False) -> CheckReport:
    """Minor findings for style and likely mistakes, a critical one for each syntax error.

    Where lint was ``promised`` to pass, what the repository's own rules say of the lines that are ``changed`` blocks.
    """
    if not any("node_modules" not in path.parts for path in workspace.rglob("*.py")):
        return CheckReport(
            check=CHECK, verdict=Verdict.ABSENT, summary="There is no Python here, and no `lint` command is named."
        )
    arguments = ["check", "--output-format", "json", "--no-cache", "--no-fix"]
    own = has_ruff_settings(workspace)
    if not own:
        arguments.append("--isolated")  # else ruff takes the settings of a folder above the workspace
    done = await run_tool("ruff", *arguments, ".", cwd=workspace)
    findings = [_finding(each, workspace) for each in parse_json("ruff", done)]
    if own and promised and changed is not None and not changed.why:
        findings = [_held(each) if changed.touches(each.path, each.line) else each for each in findings]
    summary = f"ruff: {plural(len(findings), 'finding')}" if findings else "ruff found nothing"
    return conclude(CHECK, findings, summary, {"findings": len(findings)})


def _held(finding: Finding) -> Finding:
    return finding.model_copy(update={"severity": Severity.CRITICAL})


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
