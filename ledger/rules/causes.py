"""What a finding comes from: how it is seen again, what else has the same cause, and when a failure is the same one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from ledger.models import Finding
from shipline.ids import digest

_TEST = re.compile(r"^(?P<id>\S+::.+?) fails(?: \(and \d+ more\))?$")
_VARIES = re.compile(r"0x[0-9a-f]+|[0-9a-f]{7,40}|\d+")  # addresses, commits, durations, line numbers
_COMMANDS = {
    "tests": "python -m pytest", "coverage": "python -m pytest --cov", "lint": "ruff check", "sast": "bandit -r",
    "secrets": "detect-secrets scan",
}  # fmt: skip


def reproduction(finding: Finding) -> str:
    """The command that shows it again, from the repository's root; nothing where no command does."""
    command = _COMMANDS.get(finding.check)
    if command is None:
        return ""
    what = _test(finding) or finding.path
    return command if what is None or finding.check == "coverage" else f"{command} {shlex.quote(what)}"


def cause(finding: Finding) -> str:
    """The same for findings of one cause, whichever check has them: a test by its name, else a place in a file."""
    test = _test(finding)
    if test is not None:
        return digest("test", test)
    if finding.path and finding.line:
        return digest("place", finding.path, str(finding.line))
    return finding.fingerprint


def one_each(findings: Sequence[Finding]) -> list[Finding]:
    """One finding a cause, in order, with what the other checks say of it as more evidence."""
    by_cause: dict[str, list[Finding]] = {}
    for each in findings:
        by_cause.setdefault(cause(each), []).append(each)
    return [_together(same) for same in by_cause.values()]


def signature(finding: Finding) -> str:
    """The same for the same failure of two rounds: what varies from run to run is left out."""
    words = _VARIES.sub("#", f"{finding.title}\n{finding.evidence}")
    return digest(finding.check, finding.path or "", " ".join(words.split()))


def _together(same: Sequence[Finding]) -> Finding:
    first, *others = same
    if not others:
        return first
    more = [f"{each.check} sees it too: {each.title}\n{each.evidence}" for each in others]
    return first.model_copy(update={"evidence": "\n\n".join([first.evidence, *more])})


def _test(finding: Finding) -> str | None:
    found = _TEST.match(finding.title) if finding.check == "tests" else None
    return found["id"] if found else None
