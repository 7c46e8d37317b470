"""How a check says what it found, and what it says when it could not look."""

from __future__ import annotations

import functools
import importlib.util
import json
import logging
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, ParamSpec

from ledger.models import CheckReport, Finding, Severity, Verdict
from shipline.errors import ShiplineError
from shipline.ids import digest
from tasks.confine import Completed, run_confined

P = ParamSpec("P")
Check = Callable[P, Coroutine[Any, Any, CheckReport]]
log = logging.getLogger(__name__)

TOOL_SECONDS = 300.0
KEPT = 50  # findings kept of one check; the metrics count all
_QUOTED = 2000


class ToolAbsent(ShiplineError):
    """A check's tool is not installed where Shipline runs."""


class ToolFailed(ShiplineError):
    """A check's tool ended without an answer."""


def check(name: str) -> Callable[[Check[P]], Check[P]]:
    """Make a check that always reports: a tool that is absent or fails is told in words, and never raises.

    What could not be looked at must not pass, so a failure is a critical finding.
    """

    def decorate(function: Check[P]) -> Check[P]:
        @functools.wraps(function)
        async def reported(*args: P.args, **kwargs: P.kwargs) -> CheckReport:
            started = time.monotonic()
            try:
                report = await function(*args, **kwargs)
            except ToolAbsent as error:
                report = CheckReport(check=name, verdict=Verdict.ABSENT, summary=str(error))
            except ToolFailed as error:
                report = failed_to_look(name, error.message, error.hint)
            except Exception as error:  # the boundary of a check: whatever it is, it is told
                log.warning("the check %s failed", name, exc_info=True)
                report = failed_to_look(name, f"{name} broke on this repository", f"{type(error).__name__}: {error}")
            return report.model_copy(update={"seconds": round(time.monotonic() - started, 3)})

        return reported

    return decorate


def conclude(
    name: str, findings: Sequence[Finding], summary: str, metrics: dict[str, float] | None = None
) -> CheckReport:
    """The report of a check that looked: FAILED when something blocks, PASSED otherwise; the worst come first."""
    order = list(Severity)
    worst = sorted(findings, key=lambda each: order.index(each.severity))
    blocked = any(each.severity is Severity.CRITICAL for each in findings)
    if len(worst) > KEPT:
        summary = f"{summary}; the first {KEPT} are kept"
    return CheckReport(
        check=name,
        verdict=Verdict.FAILED if blocked else Verdict.PASSED,
        summary=summary,
        findings=worst[:KEPT],
        metrics=metrics or {},
    )


def failed_to_look(name: str, title: str, evidence: str) -> CheckReport:
    """The report of a check that could not look: it blocks, since nothing is known."""
    finding = Finding(
        check=name,
        severity=Severity.CRITICAL,
        title=title,
        evidence=tail(evidence) or "It said nothing.",
        fingerprint=digest(name, "failed-to-look"),
    )
    return CheckReport(check=name, verdict=Verdict.FAILED, summary=title, findings=[finding])


async def run_tool(module: str, *arguments: str, cwd: Path, answers: Sequence[int] = (0, 1)) -> Completed:
    """Run one of our own tools on a repository; ToolAbsent or ToolFailed when it gives no answer.

    ``-I`` keeps the repository's files off the import path: a ``json.py`` of its own must not become the tool's.
    """
    if importlib.util.find_spec(module) is None:
        raise ToolAbsent(f"{module} is not installed.", "Install Shipline with all its dependencies.")
    done = await run_confined(
        [sys.executable, "-I", "-m", module, *arguments], cwd=cwd, timeout=TOOL_SECONDS, output_limit=20_000_000
    )
    if done.timed_out:
        raise ToolFailed(f"{module} did not end within {TOOL_SECONDS:.0f} s", done.words)
    if done.returncode not in answers:
        raise ToolFailed(f"{module} failed with exit code {done.returncode}", tail(done.stderr or done.stdout))
    return done


def parse_json(module: str, done: Completed) -> Any:
    """What a tool printed as JSON."""
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise ToolFailed(f"{module} gave no JSON", tail(done.words)) from error


def tail(text: str, limit: int = _QUOTED) -> str:
    """The end of ``text``, where programs say what went wrong."""
    text = text.strip()
    return text if len(text) <= limit else f"…{text[-limit:]}"


def code_line(workspace: Path, path: str, line: int | None) -> str:
    """The line that a finding is about, stripped; empty when the file has no such line."""
    file = workspace / path
    if line is None or not file.is_file():
        return ""
    found = file.read_text(errors="replace").splitlines()
    return found[line - 1].strip() if 0 < line <= len(found) else ""


def relative(workspace: Path, path: str) -> str:
    """``path`` as the repository knows it."""
    given = (workspace / path).resolve()
    root = workspace.resolve()
    return given.relative_to(root).as_posix() if given.is_relative_to(root) else path


def plural(count: int, word: str) -> str:
    """``1 finding``, ``2 findings``."""
    return f"{count} {word}{'' if count == 1 else 's'}"
