"""Which checks a change gets, and which the whole. The tools of a suite run side by side."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ledger.models import CheckReport
from tasks.quality.coverage import coverage_gate
from tasks.quality.environment import TargetEnvironment, target_environment
from tasks.quality.licences import licences
from tasks.quality.lint import lint
from tasks.quality.sast import sast
from tasks.quality.secrets import secrets
from tasks.quality.settings import read_target_settings
from tasks.quality.tests import run_tests


async def check_change(
    workspace: Path, environment: TargetEnvironment, *, minimum_coverage: float, timeout: float
) -> list[CheckReport]:
    """A leaf: tests, coverage, lint. ``timeout`` is that of the tests, in seconds."""
    tests, linted = await asyncio.gather(run_tests(workspace, environment, timeout=timeout), lint(workspace))
    return [tests, coverage_gate(tests, minimum_coverage), linted]


async def check_whole(
    workspace: Path, environment: TargetEnvironment, *, minimum_coverage: float, timeout: float
) -> list[CheckReport]:
    """The epic: what a leaf gets, and security, secrets, licences."""
    change, *others = await asyncio.gather(
        check_change(workspace, environment, minimum_coverage=minimum_coverage, timeout=timeout),
        sast(workspace),
        secrets(workspace),
        licences(workspace, environment),
    )
    return [*change, *others]


async def check_all(
    workspace: Path, environments: Path, *, whole: bool, minimum: float, timeout: float
) -> list[CheckReport]:
    """A leaf, or the ``whole``, in its own environment below ``environments``; the repository may ask for less or
    more coverage than ``minimum`` percent."""
    wanted = read_target_settings(workspace).coverage_percent
    environment = await target_environment(workspace, environments)
    suite = check_whole if whole else check_change
    return await suite(workspace, environment, minimum_coverage=minimum if wanted is None else wanted, timeout=timeout)
