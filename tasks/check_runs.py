"""QA on GitHub: one check run for each head, with an annotation for each finding that has a place."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.effects import Key, perform
from ledger.models import CheckReport, EffectKind, EventType, Finding, Issue, Level, Severity
from ledger.timeline import append, event
from shipline.redact import redact_text
from tasks.github.checks import (
    Annotation,
    Posted,
    close_check,
    complete_check,
    find_check,
    find_status,
    may_not,
    set_status,
)
from tasks.github.client import GitHubError
from tasks.quality.verdicts import blocking
from tasks.state import Here
from tasks.texts import check_comment

NAME = "Shipline QA"
_LEVELS = {Severity.CRITICAL: "failure", Severity.MAJOR: "warning", Severity.MINOR: "notice"}
_TITLE, _MESSAGE, _SUMMARY = 255, 16_000, 60_000  # characters, below what GitHub takes


async def post_check_run(at: Here, issue: Issue, head: str, reports: Sequence[CheckReport]) -> None:
    """Put QA's verdict beside the commit: a check run, or a commit status where our token may make none."""
    bad = blocking(reports)
    key = Key(at.run.id, issue.key, str(issue.round), EffectKind.CHECK_RUN, head[:12])
    verdict = f"{len(bad)} finding(s) block the merge" if bad else "Nothing blocks the merge"
    output = {"title": verdict, "summary": check_comment(reports, head)[:_SUMMARY]}

    async def look() -> Posted | None:
        found = await find_check(at.repo, head, NAME, str(key))
        if found is not None:
            return Posted(id=found[0]) if found[1] else None  # a half-made one is gone on with
        status = await find_status(at.repo, head, NAME)
        return None if status is None else Posted(id=status, status=True)

    async def act() -> Posted:
        try:
            conclusion = "failure" if bad else "success"
            return Posted(id=await complete_check(
                at.repo, head, NAME, str(key), conclusion, output, annotated(reports)
            ))  # fmt: skip
        except GitHubError as error:
            if not may_not(error):
                raise
            await _tell_once(at, error, "check runs", "QA's verdicts are commit statuses instead")
        try:
            state = "failure" if bad else "success"
            return Posted(id=await set_status(at.repo, head, NAME, state, verdict), status=True)
        except GitHubError as error:
            if not may_not(error):
                raise
            await _tell_once(at, error, "commit statuses", "QA's verdicts are in comments alone")
        return Posted(id=0, status=True)

    async def undo(second: Posted) -> None:
        if not second.status:  # a second status only says the same again
            await close_check(at.repo, second.id, "The other check run of this name counts.")

    await perform(
        at.ctx.store, key, Posted, act=act, look=look, undo=undo, phase=at.run.state,
        say=lambda done: f"{'Status' if done.status else 'Check run'} of {head[:7]}: {verdict.lower()}",
    )  # fmt: skip


def annotated(reports: Sequence[CheckReport]) -> list[Annotation]:
    """An annotation for each finding that names a file, the worst first. GitHub shows them as plain text."""
    order = list(_LEVELS)
    found = [each for report in reports for each in report.findings if each.path]
    return [_annotation(each) for each in sorted(found, key=lambda each: order.index(each.severity))]


def _annotation(finding: Finding) -> Annotation:
    line = finding.line or 1
    return {
        "path": finding.path, "start_line": line, "end_line": line, "annotation_level": _LEVELS[finding.severity],
        "title": _cut(f"{finding.check}: {finding.title}", _TITLE), "message": _cut(finding.evidence, _MESSAGE),
    }  # fmt: skip


def _cut(text: str, most: int) -> str:
    text = redact_text(text).strip() or "(no text)"
    return text if len(text) <= most else f"{text[: most - 1]}…"


async def _tell_once(at: Here, error: GitHubError, what: str, instead: str) -> None:
    said = (
        f"GitHub lets this token make no {what}, and {instead}. An App may make them (docs/github.md). {error.message}"
    )
    await append(at.ctx.store, at.run.id, event(
        EventType.STEP_STARTED, at.run.state, said, level=Level.WARNING,
        event_id=f"no-{what.replace(' ', '-')}-{at.run.id}",
    ))  # fmt: skip
