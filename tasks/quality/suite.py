"""Which checks a change gets, and which the whole. The tools of a suite run side by side."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from ledger.models import CheckReport, Standards
from shipline.errors import ShiplineError
from tasks.quality.changed import changed_lines
from tasks.quality.commands import Command, commands
from tasks.quality.coverage import change_gate, coverage_gate
from tasks.quality.environment import TargetEnvironment, target_environment
from tasks.quality.foreign import run_command
from tasks.quality.licences import licences
from tasks.quality.lint import CHECK as LINT
from tasks.quality.lint import lint
from tasks.quality.reports import TOOL_SECONDS, check
from tasks.quality.sast import sast
from tasks.quality.scanners import scan, scanner, workflows
from tasks.quality.secrets import secrets
from tasks.quality.settings import TargetSettings, read_target_settings
from tasks.quality.tests import run_kinds
from tasks.quality.typed import types
from tasks.quality.vulnerable import vulnerabilities


async def check_change(
    workspace: Path,
    environment: TargetEnvironment,
    *,
    minimum_coverage: float,
    timeout: float,
    standards: Standards | None = None,
) -> list[CheckReport]:
    """A leaf: tests, coverage of the whole and of the change, lint, types. ``timeout`` is that of the tests, in
    seconds."""
    standards = standards or Standards()
    changed = await changed_lines(workspace, standards.base)
    lint_command, types_command = _own(workspace)
    tested, linted, typed = await asyncio.gather(
        run_kinds(workspace, environment, timeout=timeout),
        _by(lint_command, workspace, environment) or lint(workspace, changed, promised=LINT in standards.passing),
        _by(types_command, workspace, environment) or types(workspace, environment, changed),
    )
    least = minimum_coverage if standards.change_percent is None else standards.change_percent
    return [
        *tested.reports,
        coverage_gate(tested.whole, minimum_coverage),
        change_gate(tested.measured, changed, least),
        linted,
        typed,
    ]


async def check_whole(
    workspace: Path,
    environment: TargetEnvironment,
    *,
    minimum_coverage: float,
    timeout: float,
    standards: Standards | None = None,
) -> list[CheckReport]:
    """The epic: what a leaf gets, and security, secrets, licences, vulnerabilities, workflows, and scanners of the
    repository's own."""
    standards = standards or Standards()
    own = [scanner(each, tuple(shlex.split(each))) for each in _settings(workspace).sarif]
    change, others = await asyncio.gather(
        check_change(workspace, environment, minimum_coverage=minimum_coverage, timeout=timeout, standards=standards),
        asyncio.gather(
            sast(workspace),
            secrets(workspace),
            licences(workspace, environment, standards.licences),
            vulnerabilities(workspace, environment),
            workflows(workspace),
            *(scan(each, workspace, environment) for each in own),
        ),
    )
    return [*change, *others]


async def check_all(
    workspace: Path,
    environments: Path,
    *,
    whole: bool,
    minimum: float,
    timeout: float,
    standards: Standards | None = None,
) -> list[CheckReport]:
    """A leaf, or the ``whole``, in its own environment below ``environments``.

    What the repository itself says of coverage goes before ``minimum`` (per cent) and before what ``standards`` say.
    """
    own, standards = read_target_settings(workspace), standards or Standards()
    if own.change_coverage_percent is not None:
        standards = standards.model_copy(update={"change_percent": own.change_coverage_percent})
    elif own.coverage_percent is not None:
        standards = standards.model_copy(update={"change_percent": None})
    environment = await target_environment(workspace, environments)
    suite = check_whole if whole else check_change
    wanted = own.coverage_percent
    return await suite(
        workspace,
        environment,
        minimum_coverage=minimum if wanted is None else wanted,
        timeout=timeout,
        standards=standards,
    )


def _by(
    command: Command | None, workspace: Path, environment: TargetEnvironment
) -> Coroutine[Any, Any, CheckReport] | None:
    if command is None:
        return None
    return check(command.check)(run_command)(command, workspace, environment, TOOL_SECONDS)


def _own(workspace: Path) -> tuple[Command | None, Command | None]:
    """The repository's own commands for lint and types; settings that cannot be read are told by the tests."""
    try:
        found = commands(workspace)
    except ShiplineError:
        return None, None
    return found.lint, found.types


def _settings(workspace: Path) -> TargetSettings:
    try:
        return read_target_settings(workspace)
    except ShiplineError:  # as above
        return TargetSettings()
