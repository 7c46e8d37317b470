"""Types: mypy or pyright where the repository configures one and has it in its own environment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ledger.models import CheckReport, Finding, Severity, Verdict
from shipline.ids import digest
from tasks.confine import Completed, run_confined
from tasks.quality.changed import Changed
from tasks.quality.configuration import ini_tables
from tasks.quality.environment import TargetEnvironment
from tasks.quality.foreign import target_fence
from tasks.quality.instrument import source_path
from tasks.quality.reports import TOOL_SECONDS, ToolFailed, check, code_line, conclude, plural, relative
from tasks.quality.settings import read_pyproject

CHECK = "types"
_MYPY = re.compile(r"^(?P<path>[^:\n]+):(?P<line>\d+)(?::\d+)?: error: (?P<said>.+)$", re.MULTILINE)


@check(CHECK)
async def types(workspace: Path, environment: TargetEnvironment, changed: Changed) -> CheckReport:
    """An error in a file that the change touches blocks; those that were there before are told."""
    tool = configured(workspace)
    if tool is None:
        return _absent("The repository configures neither mypy nor pyright, and names no `types` command.")
    if not (environment.site_packages / tool).is_dir():
        return _absent(f"{tool} is configured, and is not among what the repository installs for its tests.")
    done = await _run(tool, workspace, environment)
    errors = list(_mypy(done) if tool == "mypy" else _pyright(done))
    if done.returncode not in (0, 1) or (done.returncode == 1 and not errors):
        raise ToolFailed(f"{tool} failed with exit code {done.returncode}", done.words)
    findings = [_finding(tool, *each, workspace, changed) for each in errors]
    summary = f"{tool}: {plural(len(findings), 'error')}" if findings else f"{tool} found nothing"
    return conclude(CHECK, findings, summary, {"findings": len(findings)})


def configured(workspace: Path) -> str | None:
    """``mypy`` or ``pyright``: the one whose settings the repository has."""
    if _mypy_settings(workspace):
        return "mypy"
    tools = read_pyproject(workspace).get("tool", {})
    return "pyright" if "pyright" in tools or (workspace / "pyrightconfig.json").is_file() else None


def _mypy_settings(workspace: Path) -> Mapping[str, Any]:
    """The table in force, as mypy looks for it; a table that says nothing else still says that mypy is meant."""
    for name in ("mypy.ini", ".mypy.ini"):
        if (workspace / name).is_file():
            return {"there": True, **_section(workspace / name)}
    tools = read_pyproject(workspace).get("tool", {})
    if "mypy" in tools:
        return {"there": True, **tools["mypy"]}
    return _section(workspace / "setup.cfg")


def _section(path: Path) -> Mapping[str, Any]:
    tables = ini_tables(path.read_text(errors="replace")) if path.is_file() else {}
    return {"there": True, **tables["mypy"]} if "mypy" in tables else {}


async def _run(tool: str, workspace: Path, environment: TargetEnvironment) -> Completed:
    """Fenced as tests are: plugins of mypy are the repository's own code."""
    arguments = ["--outputjson"]
    if tool == "mypy":
        own = _mypy_settings(workspace)
        arguments = ["--no-color-output", "--no-error-summary", "--hide-error-context", "--cache-dir=/dev/null"]
        arguments += [] if any(own.get(each) for each in ("files", "packages", "modules")) else ["."]
    done = await run_confined(
        [str(environment.python), "-m", tool, *arguments], cwd=workspace, env=source_path(workspace),
        venv=environment.folder, timeout=TOOL_SECONDS, output_limit=20_000_000,
        fence=target_fence(workspace, environment),
    )  # fmt: skip
    if done.timed_out:
        raise ToolFailed(f"{tool} did not end within {TOOL_SECONDS:.0f} s", done.words)
    return done


def _mypy(done: Completed) -> Iterator[tuple[str, int, str]]:
    for found in _MYPY.finditer(done.stdout):
        yield found["path"], int(found["line"]), found["said"].strip()


def _pyright(done: Completed) -> Iterator[tuple[str, int, str]]:
    try:
        told = json.loads(done.stdout)["generalDiagnostics"]
    except (ValueError, KeyError, TypeError) as error:
        raise ToolFailed("pyright gave no JSON", done.words) from error
    for each in told:
        if each["severity"] == "error":
            yield each["file"], each["range"]["start"]["line"] + 1, each["message"]


def _finding(tool: str, given: str, line: int, said: str, workspace: Path, changed: Changed) -> Finding:
    path = relative(workspace, given)
    quoted = code_line(workspace, path, line)
    return Finding(
        check=CHECK, severity=Severity.CRITICAL if changed.touches(path) else Severity.MAJOR,
        title=f"{tool}: {said}", evidence=quoted or said, path=path, line=line,
        fingerprint=digest(CHECK, path, said, quoted),
    )  # fmt: skip


def _absent(why: str) -> CheckReport:
    return CheckReport(check=CHECK, verdict=Verdict.ABSENT, summary=why)
