"""Run the target repository's tests with coverage, in its own environment, confined.

The tests are the target's words and run in one process with pytest, so code that means to can forge pytest's results.
The exit code and the results must agree, which stops the careless forgery, not the careful one; that is for the guards
(a change to the tests) and the reviewer.
"""

from __future__ import annotations

import json
import re
import shlex
import tempfile
from pathlib import Path

from ledger.models import CheckReport, Finding, Severity, Verdict
from shipline.config import load_settings
from shipline.ids import digest
from tasks.confine import Completed, run_confined
from tasks.fence import Fence, needed_by
from tasks.quality.environment import TargetEnvironment
from tasks.quality.instrument import coverage_arguments, pytest_arguments, source_path
from tasks.quality.junit import Case, UnreadableResults, failure_finding, read_junit
from tasks.quality.reports import check, tail
from tasks.quality.settings import read_target_settings

CHECK = "tests"
_FINDINGS = 20
_NO_TESTS = 5  # pytest's exit code
_INSTRUMENTED = ["python", "-m", "pytest"]


@check(CHECK)
async def run_tests(workspace: Path, environment: TargetEnvironment, *, timeout: float) -> CheckReport:
    """Run the tests; one critical finding a failing test. ``metrics`` holds their numbers and ``coverage_percent``."""
    command = shlex.split(read_target_settings(workspace).test)
    if command[:3] != _INSTRUMENTED:
        return await _run_as_is(command, workspace, environment, timeout)
    with tempfile.TemporaryDirectory(prefix="shipline-tests-") as folder:
        return await _run_pytest(command[3:], workspace, environment, timeout, Path(folder))


async def _run_pytest(
    arguments: list[str], workspace: Path, environment: TargetEnvironment, timeout: float, folder: Path
) -> CheckReport:
    results, data = folder / "junit.xml", folder / "coverage"
    done = await run_confined(
        [
            *(str(environment.python), "-m", "coverage", "run", f"--data-file={data}", *coverage_arguments(workspace)),
            *("-m", "pytest", *arguments, *pytest_arguments(workspace, environment, results, folder, timeout)),
        ],
        cwd=workspace,
        env=source_path(workspace),
        venv=environment.folder,
        timeout=timeout,
        fence=_fence(workspace, environment, folder),
    )
    if done.timed_out:
        return _timed_out(done, workspace, timeout)
    try:
        cases = read_junit(results)
    except UnreadableResults as error:
        return _broken(f"the tests gave no results (exit code {done.returncode}): {error}", done)
    if done.returncode == _NO_TESTS or (done.returncode == 0 and not cases):
        return CheckReport(check=CHECK, verdict=Verdict.ABSENT, summary="The repository has no tests.")
    metrics = _counts(cases)
    percent = await _coverage(workspace, environment, data, folder)
    if percent is not None:
        metrics["coverage_percent"] = percent
    return _judge(cases, metrics, workspace, done)


def _judge(cases: list[Case], metrics: dict[str, float], workspace: Path, done: Completed) -> CheckReport:
    failed = [case for case in cases if case.outcome == "failed"]
    if bool(failed) != (done.returncode != 0):
        return _broken(f"pytest ended with exit code {done.returncode} and results that say otherwise", done)
    findings = [failure_finding(case, workspace) for case in failed[:_FINDINGS]]
    summary = ", ".join(
        f"{metrics[word]:.0f} {word}" for word in ("passed", "failed", "skipped") if metrics[word] or word == "passed"
    )
    if len(failed) > _FINDINGS:
        summary = f"{summary} (the first {_FINDINGS} are kept)"
    return CheckReport(
        check=CHECK,
        verdict=Verdict.FAILED if failed else Verdict.PASSED,
        summary=summary,
        findings=findings,
        metrics=metrics,
        tests=[case.id for case in cases if case.outcome == "passed"],
    )


def _counts(cases: list[Case]) -> dict[str, float]:
    outcomes = [case.outcome for case in cases]
    return {"tests": len(cases), **{word: outcomes.count(word) for word in ("passed", "failed", "skipped")}}


async def _coverage(workspace: Path, environment: TargetEnvironment, data: Path, folder: Path) -> float | None:
    """The percentage that coverage counts; None when it measured nothing."""
    coverage = [str(environment.python), "-m", "coverage"]
    if not data.exists() and list(folder.glob(f"{data.name}.*")):  # the repository's settings say ``parallel``
        await run_confined([*coverage, "combine", f"--data-file={data}"], cwd=workspace, timeout=60)
    written = folder / "coverage.json"
    await run_confined(
        [*coverage, "json", f"--data-file={data}", "-q", "-o", str(written)],
        cwd=workspace,
        env=source_path(workspace),
        timeout=60,
    )
    if not written.is_file():
        return None
    totals = json.loads(written.read_text())["totals"]
    return round(float(totals["percent_covered"]), 2) if totals["num_statements"] else None


async def _run_as_is(
    command: list[str], workspace: Path, environment: TargetEnvironment, timeout: float
) -> CheckReport:
    """Run a command that is not pytest's: its exit code is the verdict, and nothing is measured."""
    done = await run_confined(
        command, cwd=workspace, env=source_path(workspace), venv=environment.folder, timeout=timeout,
        fence=_fence(workspace, environment),
    )  # fmt: skip
    if done.timed_out:
        return _timed_out(done, workspace, timeout)
    name = shlex.join(command)
    if done.returncode != 0:
        return _broken(f"`{name}` fails with exit code {done.returncode}", done)
    return CheckReport(check=CHECK, verdict=Verdict.PASSED, summary=f"`{name}` succeeded")


def _fence(workspace: Path, environment: TargetEnvironment, *more: Path) -> Fence | None:
    """Around the target's tests, which are an agent's words: none only where a person said so."""
    if load_settings().test_fence == "off":
        return None
    # What git is told there would be done by the next git of ours.
    readable = (environment.folder, *needed_by(environment.python))
    return Fence((workspace, *more), readable, sealed=(workspace / ".git",))


def _timed_out(done: Completed, workspace: Path, timeout: float) -> CheckReport:
    """With where it hung, when pytest's fault handler could still say it: the innermost of the repository's lines."""
    frames = re.findall(rf'File "{re.escape(str(workspace))}/(.+)", line (\d+) in (\S+)', done.stderr)
    where = f"It hung in {frames[0][2]}, {frames[0][0]} line {frames[0][1]}.\n" if frames else ""
    return _broken(f"the tests did not end within {timeout:g} s", done, where)


def _broken(what: str, done: Completed, where: str = "") -> CheckReport:
    """The report of a run that gives no verdict on each test: it blocks as a whole."""
    finding = Finding(
        check=CHECK,
        severity=Severity.CRITICAL,
        title=what[0].upper() + what[1:],
        evidence=f"{where}{tail(done.words)}" or "It said nothing.",
        fingerprint=digest(CHECK, what.split(":", maxsplit=1)[0]),
    )
    return CheckReport(check=CHECK, verdict=Verdict.FAILED, summary=what, findings=[finding])
