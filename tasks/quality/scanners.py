"""Scanners that speak SARIF: zizmor on the repository's workflows, and the commands that the repository names."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from ledger.models import CheckReport, Finding, Severity, Verdict
from shipline.errors import InvalidInput
from tasks.confine import Completed, run_confined
from tasks.quality.commands import Command
from tasks.quality.environment import TargetEnvironment
from tasks.quality.foreign import absent, missing_program, target_fence
from tasks.quality.reports import TOOL_SECONDS, ToolAbsent, ToolFailed, check, conclude, plural, tail
from tasks.quality.sarif import from_sarif

WORKFLOWS = "workflows"
_FOLDER = ".github/workflows"


@check(WORKFLOWS)
async def workflows(workspace: Path) -> CheckReport:
    """What zizmor says of the workflows. It is told and does not block: agents may not touch them, so a person does."""
    folder = workspace / _FOLDER
    if not any(folder.glob("*.y*ml")):
        return CheckReport(check=WORKFLOWS, verdict=Verdict.PASSED, summary="The repository has no workflows.")
    program = shutil.which("zizmor") or shutil.which("zizmor", path=str(Path(sys.executable).parent))
    if program is None:
        raise ToolAbsent("zizmor is not installed.", "Install it beside Shipline: pip install zizmor.")
    done = await run_confined(
        [program, "--offline", "--no-progress", "--quiet", "--format", "sarif", "."],
        cwd=workspace, timeout=TOOL_SECONDS, output_limit=20_000_000,
    )  # fmt: skip
    findings = [
        each.model_copy(update={"severity": Severity.MAJOR}) if each.severity is Severity.CRITICAL else each
        for each in _read("zizmor", done, WORKFLOWS)
    ]
    summary = f"zizmor: {plural(len(findings), 'finding')}" if findings else "zizmor found nothing"
    return conclude(WORKFLOWS, findings, summary, {"findings": len(findings)})


def scanner(command: str, words: tuple[str, ...]) -> Command:
    """A command of ``[tool.shipline] sarif`` as one that reports under its program's name."""
    return Command(f"sarif-{Path(words[0]).name if words else 'none'}", words, f"[tool.shipline] sarif: {command}")


async def scan(command: Command, workspace: Path, environment: TargetEnvironment) -> CheckReport:
    """Run a command that prints SARIF. Its errors block, its warnings and notes are told."""
    return await check(command.check)(_scan)(command, workspace, environment)


async def _scan(command: Command, workspace: Path, environment: TargetEnvironment) -> CheckReport:
    program = missing_program(command, environment)
    if program:
        return absent(command, program)
    done = await run_confined(
        command.argv, cwd=workspace, venv=environment.folder, timeout=TOOL_SECONDS, output_limit=20_000_000,
        fence=target_fence(workspace, environment),
    )  # fmt: skip
    findings: list[Finding] = _read(command.words, done, command.check)
    return conclude(
        command.check, findings, f"{command.words}: {plural(len(findings), 'finding')}", {"findings": len(findings)}
    )


def _read(name: str, done: Completed, check_: str) -> list[Finding]:
    if done.timed_out:
        raise ToolFailed(f"{name} did not end within {TOOL_SECONDS:.0f} s", done.words)
    try:
        return from_sarif(json.loads(done.stdout), check_)
    except (ValueError, InvalidInput) as error:
        said = f"{error}\n{tail(done.words)}"
        raise ToolFailed(f"{name} printed no SARIF (exit code {done.returncode})", said) from error
