"""Run the target repository's tests with coverage, in its own environment, confined.

The tests are the target's words and run in one process with pytest, so code that means to can forge pytest's results.
The exit code and the results must agree, which stops the careless forgery, not the careful one; that is for the guards
(a change to the tests) and the reviewer.
"""

from __future__ import annotations

import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ledger.models import CheckReport, Finding, Severity, Verdict
from shipline.errors import ShiplineError
from shipline.ids import digest
from tasks.confine import Completed, run_confined
from tasks.quality.commands import TESTS, Command, commands
from tasks.quality.environment import TargetEnvironment
from tasks.quality.flaky import flaky_finding, options_only, worth_another_try
from tasks.quality.foreign import broken, run_command, target_fence
from tasks.quality.instrument import coverage_arguments, pytest_arguments, source_path
from tasks.quality.junit import Case, UnreadableResults, failure_finding, read_junit
from tasks.quality.measured import Measured, forget_javascript, merged, read_coverage_json, read_javascript
from tasks.quality.reports import check, failed_to_look, plural
from tasks.quality.settings import read_target_settings

CHECK = TESTS
_FINDINGS = 20
_NO_TESTS = 5  # pytest's exit code
NONE = "The repository has no tests."


@dataclass(frozen=True)
class Tested:
    """A report for each kind of tests, and what was measured of all of them."""

    reports: list[CheckReport]
    measured: Measured

    @property
    def whole(self) -> CheckReport:
        """All kinds as one report."""
        if len(self.reports) == 1:
            return self.reports[0]
        summary = "; ".join(f"{each.check}: {each.summary}" for each in self.reports)
        percent = self.measured.percent
        metrics = {} if percent is None else {"coverage_percent": percent}
        return CheckReport(check=CHECK, verdict=Verdict.PASSED, summary=summary, metrics=metrics)


@dataclass(frozen=True)
class _Ground:
    """Where one kind of tests runs; what it measures goes to ``folder``."""

    command: Command
    workspace: Path
    environment: TargetEnvironment
    folder: Path
    until: float  # on the monotonic clock

    @property
    def left(self) -> float:
        """Seconds that the tests may still take."""
        return max(1.0, self.until - time.monotonic())


async def run_tests(workspace: Path, environment: TargetEnvironment, *, timeout: float) -> CheckReport:
    """Run the tests; one critical finding a failing test. ``metrics`` holds their numbers and ``coverage_percent``."""
    return (await run_kinds(workspace, environment, timeout=timeout)).whole


async def run_kinds(workspace: Path, environment: TargetEnvironment, *, timeout: float) -> Tested:
    """Run every kind of tests that the repository has, one after the other, within ``timeout`` seconds in all."""
    try:
        kinds = commands(workspace).tests
        required = read_target_settings(workspace).require_tests
    except ShiplineError as error:
        return Tested([failed_to_look(CHECK, f"{CHECK} broke on this repository", str(error))], Measured())
    until = time.monotonic() + timeout
    forget_javascript(workspace)
    with tempfile.TemporaryDirectory(prefix="shipline-tests-") as folder:
        reports = []
        for number, command in enumerate(kinds):
            at = _Ground(command, workspace, environment, Path(folder, str(number)), until)
            at.folder.mkdir()
            reports.append(await check(command.check)(_run)(at, timeout))
        # Of a run that gave no verdicts the figures say nothing.
        counted = any("tests" in each.metrics for each in reports)
        measured = await _measured(workspace, environment, Path(folder)) if counted else Measured()
    if any(each.by_npm for each in kinds):
        measured = merged(measured, read_javascript(workspace))
    if required:
        reports = [_required(each) for each in reports]
    if len(reports) == 1 and measured.percent is not None:
        metrics = {**reports[0].metrics, "coverage_percent": measured.percent}
        reports = [reports[0].model_copy(update={"metrics": metrics})]
    return Tested(reports, measured)


async def _run(at: _Ground, timeout: float) -> CheckReport:
    if at.command.by_pytest:
        return await _run_pytest(at, timeout)
    return await run_command(at.command, at.workspace, at.environment, at.left)


async def _run_pytest(at: _Ground, timeout: float) -> CheckReport:
    done, cases = await _pytest(at, at.command.argv[3:], "first")
    if done.timed_out:
        return _timed_out(at, done, timeout)
    if isinstance(cases, str):
        return broken(at.command, f"the tests gave no results (exit code {done.returncode}): {cases}", done)
    if done.returncode == _NO_TESTS or (done.returncode == 0 and not cases):
        return CheckReport(check=at.command.check, verdict=Verdict.ABSENT, summary=NONE)
    failed = [case for case in cases if case.outcome == "failed"]
    if bool(failed) != (done.returncode != 0):
        return broken(at.command, f"pytest ended with exit code {done.returncode} and results that say otherwise", done)
    return _judge(at, cases, await _flaky(at, failed) if worth_another_try(failed) else set())


async def _pytest(at: _Ground, arguments: tuple[str, ...], name: str) -> tuple[Completed, list[Case] | str]:
    """How it ended, and its cases; in words, why there are none."""
    results, scratch = at.folder / f"{name}.xml", at.folder / name
    scratch.mkdir()
    done = await run_confined(
        [
            *(str(at.environment.python), "-m", "coverage", "run", f"--data-file={at.folder.parent / _data(at, name)}"),
            *(*coverage_arguments(at.workspace), "-m", "pytest", *arguments),
            *pytest_arguments(at.workspace, at.environment, results, scratch, at.left),
        ],
        cwd=at.workspace,
        env=source_path(at.workspace),
        venv=at.environment.folder,
        timeout=at.left,
        fence=target_fence(at.workspace, at.environment, at.folder.parent),
    )
    try:
        return done, [] if done.timed_out else read_junit(results)
    except UnreadableResults as error:
        return done, str(error)


async def _flaky(at: _Ground, failed: list[Case]) -> set[str]:
    """Run the failed tests, and no others, once more; those that pass then."""
    arguments = options_only(at.command.argv[3:], at.workspace)
    done, cases = await _pytest(at, (*arguments, *(case.id for case in failed)), "again")
    if done.timed_out or isinstance(cases, str):
        return set()
    outcomes = {case.id: case.outcome for case in cases}
    if ("failed" in outcomes.values()) != (done.returncode != 0):
        return set()
    return {case.id for case in failed if outcomes.get(case.id) == "passed"}


def _judge(at: _Ground, cases: list[Case], flaky: set[str]) -> CheckReport:
    failed = [case for case in cases if case.outcome == "failed" and case.id not in flaky]
    metrics = _counts(cases, flaky)
    findings = [failure_finding(case, at.workspace) for case in failed[:_FINDINGS]]
    findings += [flaky_finding(case, at.workspace) for case in cases if case.id in flaky]
    told = [word for word in ("passed", "failed", "skipped") if metrics[word] or word == "passed"]
    words = [f"{metrics[word]:.0f} {word}" for word in told]
    if flaky:
        words.append(f"{plural(len(flaky), 'flaky test')} among them, passed when run again")
    summary = ", ".join(words)
    if len(failed) > _FINDINGS:
        summary = f"{summary} (the first {_FINDINGS} are kept)"
    return CheckReport(
        check=at.command.check,
        verdict=Verdict.FAILED if failed else Verdict.PASSED,
        summary=summary,
        findings=[each.model_copy(update={"check": at.command.check}) for each in findings],
        metrics=metrics,
        tests=[case.id for case in cases if case.outcome == "passed" or case.id in flaky],
    )


def _counts(cases: list[Case], flaky: set[str]) -> dict[str, float]:
    outcomes = ["passed" if case.id in flaky else case.outcome for case in cases]
    counted: dict[str, float] = {"tests": len(cases)}
    counted |= {word: outcomes.count(word) for word in ("passed", "failed", "skipped")}
    return {**counted, "flaky": len(flaky)} if flaky else counted


def _data(at: _Ground, name: str) -> str:
    return f"data-{at.folder.name}-{name}"


async def _measured(workspace: Path, environment: TargetEnvironment, folder: Path) -> Measured:
    """What coverage counts of all runs together; nothing when it measured none."""
    coverage = [str(environment.python), "-m", "coverage"]
    found = sorted(path for path in folder.glob("data-*") if path.is_file())
    if not found:
        return Measured()
    data = found[0]
    if len(found) > 1 or data.name.count(".") > 0:  # the repository's settings say ``parallel``
        data = folder / "all"
        combine = [*coverage, "combine", f"--data-file={data}", *(str(each) for each in found)]
        await run_confined(combine, cwd=workspace, timeout=60)
    written = folder / "coverage.json"
    await run_confined(
        [*coverage, "json", f"--data-file={data}", "-q", "-o", str(written)],
        cwd=workspace,
        env=source_path(workspace),
        timeout=60,
    )
    return read_coverage_json(written)


def _required(report: CheckReport) -> CheckReport:
    """An absent report as one that blocks: the repository says that it does not go without tests."""
    if report.verdict is not Verdict.ABSENT:
        return report
    finding = Finding(
        check=report.check, severity=Severity.CRITICAL, title="There are no tests, and the repository requires them",
        evidence=f"{report.summary} `require_tests` is set in [tool.shipline].",
        fingerprint=digest(report.check, "required"),
    )  # fmt: skip
    return report.model_copy(update={"verdict": Verdict.FAILED, "findings": [finding]})


def _timed_out(at: _Ground, done: Completed, timeout: float) -> CheckReport:
    """With where it hung, when pytest's fault handler could still say it: the innermost of the repository's lines."""
    frames = re.findall(rf'File "{re.escape(str(at.workspace))}/(.+)", line (\d+) in (\S+)', done.stderr)
    where = f"It hung in {frames[0][2]}, {frames[0][0]} line {frames[0][1]}.\n" if frames else ""
    return broken(at.command, f"the tests did not end within {timeout:g} s", done, where)
