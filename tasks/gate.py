"""The last gate of a merge: the checks that the repository requires, on the very head that is to merge."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from ledger.interrupts import heed
from ledger.issues import get_issue
from ledger.models import EventType, Finding, Issue, Severity, now
from ledger.queries import gate_event
from ledger.timeline import append, event
from shipline.errors import ShiplineError
from shipline.ids import digest
from tasks.gates import see_gates
from tasks.github.required import CheckSeen, required_checks, seen_checks
from tasks.github.shapes import PullRef
from tasks.pulls import mark_ready
from tasks.state import Here, here
from tasks.step import step

TICK = 15.0  # seconds between two looks, of two requests each; what webhooks tell is shown, and believed here


@step(name="required-checks", task_run_name="required checks of {key}")
async def await_required(run_id: str, key: str) -> list[Finding]:
    """Wait until the checks that the base branch requires are through; the findings of those that failed.

    Returns at once where none is required. Interrupted when the run is stopped meanwhile; ShiplineError when they are
    not through in time.
    """
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    head = issue.tested_head
    if issue.merged_sha or head is None or issue.pr_number is None:
        return []
    names = await required_checks(at.repo, str(issue.base))
    if not names:
        return []
    pull = await at.repo.pull(issue.pr_number)
    await mark_ready(at, issue, pull)  # checks may leave drafts alone
    return await through(at, issue, head, names, pull)


async def through(at: Here, issue: Issue, head: str, names: list[str], pull: PullRef | None = None) -> list[Finding]:
    """Wait for these checks of ``head``; the findings of those that failed. With ``pull`` its gates are shown."""
    until = now() + timedelta(seconds=at.ctx.settings.checks_seconds)
    while True:
        await heed(at.ctx.store, at.run.id)
        seen = await seen_checks(at.repo, head)
        ended = {name: seen[name] for name in names if name in seen and seen[name].state != "pending"}
        bad = [each for each in ended.values() if not each.good]
        if bad:
            return [_finding(each, issue) for each in bad]
        waiting = sorted(set(names) - set(ended))
        if not waiting:
            return []
        await _tell(at, issue, head, waiting)
        if pull is not None:
            await see_gates(at, issue, pull)
            pull = None  # once
        if now() > until:
            raise ShiplineError(
                f"#{issue.pr_number} waits for {', '.join(waiting)} on {head[:7]}, which {issue.base} requires.",
                "See why it does not run, or take it off the branch's rules; then retry.",
            )
        await asyncio.sleep(TICK)


async def _tell(at: Here, issue: Issue, head: str, waiting: list[str]) -> None:
    await append(at.ctx.store, at.run.id, event(
        EventType.STEP_STARTED, at.run.state, f"#{issue.pr_number} waits for {', '.join(waiting)}", node=issue.key,
        data={"sha": head, "checks": waiting}, event_id=gate_event(issue, head),
    ))  # fmt: skip


def _finding(seen: CheckSeen, issue: Issue) -> Finding:
    return Finding(
        check="ci", severity=Severity.CRITICAL, title=f"The required check {seen.name} ended as {seen.state}",
        evidence="\n".join(part for part in (seen.said, seen.url) if part) or "It said nothing.",
        fingerprint=digest("ci", seen.name, issue.key),
    )  # fmt: skip
