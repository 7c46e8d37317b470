"""Commands of the target repository itself: what any language's tests, linters and type checkers are run by."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from ledger.models import CheckReport, Finding, Severity, Verdict
from shipline.config import load_settings
from shipline.ids import digest
from tasks.confine import Completed, run_confined
from tasks.fence import Fence, needed_by
from tasks.quality.commands import Command
from tasks.quality.environment import TargetEnvironment
from tasks.quality.instrument import source_path
from tasks.quality.npm import NPM, install
from tasks.quality.reports import tail

# How make and shells say that a program of a recipe is not there.
_MISSING = re.compile(r"(?P<program>[\w./-]+): (?:command )?not found|make: (?P<made>[\w./-]+): No such file")
_NOT_FOUND = 127


async def run_command(command: Command, workspace: Path, environment: TargetEnvironment, timeout: float) -> CheckReport:
    """Run it confined: its exit code is the verdict. Absent, in words, where its program is not on this machine."""
    program = missing_program(command, environment)
    if program:
        return absent(command, program)
    if command.by_npm:
        failed = await install(workspace, environment.folder.parent / "npm")
        if failed is not None:
            return broken(command, "npm could not install what package.json names", failed)
    done = await run_confined(
        command.argv, cwd=workspace, env={**source_path(workspace), **(NPM if command.by_npm else {})},
        venv=environment.folder, timeout=timeout, fence=target_fence(workspace, environment),
    )  # fmt: skip
    if done.timed_out:
        return broken(command, f"{_subject(command)} did not end within {round(timeout)} s", done)
    if done.returncode != 0:
        missing = (
            _MISSING.search(done.stderr) if command.source == "Makefile" or done.returncode == _NOT_FOUND else None
        )
        if missing:
            return absent(command, missing["program"] or missing["made"])
        return broken(command, f"`{command.words}` fails with exit code {done.returncode}", done)
    return CheckReport(check=command.check, verdict=Verdict.PASSED, summary=f"`{command.words}` succeeded")


def missing_program(command: Command, environment: TargetEnvironment) -> str:
    """The program of a command that is not on this machine; empty when it is, or lies in the repository."""
    path = f"{environment.folder / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    program = command.argv[0]
    return "" if "/" in program or shutil.which(program, path=path) else program


def absent(command: Command, program: str) -> CheckReport:
    """The report of a command whose program is not there."""
    said = f"`{command.words}` ({command.source}) was not run: {program} is not installed here"
    return CheckReport(check=command.check, verdict=Verdict.ABSENT, summary=said)


def broken(command: Command, what: str, done: Completed, where: str = "") -> CheckReport:
    """The report of a run that gives no verdict on each part: it blocks as a whole."""
    finding = Finding(
        check=command.check,
        severity=Severity.CRITICAL,
        title=what[0].upper() + what[1:],
        evidence=f"{where}{tail(done.words)}" or "It said nothing.",
        fingerprint=digest(command.check, what.split(":", maxsplit=1)[0]),
    )
    return CheckReport(check=command.check, verdict=Verdict.FAILED, summary=what, findings=[finding])


def target_fence(workspace: Path, environment: TargetEnvironment, *more: Path) -> Fence | None:
    """Around the target's own programs, which are an agent's words: none only where a person said so."""
    if load_settings().test_fence == "off":
        return None
    # What git is told there would be done by the next git of ours.
    readable = (environment.folder, *needed_by(environment.python))
    return Fence((workspace, *more), readable, sealed=(workspace / ".git",))


def _subject(command: Command) -> str:
    return "the tests" if command.check.startswith("tests") else f"`{command.words}`"
