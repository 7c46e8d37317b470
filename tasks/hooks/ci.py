"""CI as GitHub tells it: into the ledger, newest wins whatever comes first, and onto the issue whose head it is."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from ledger.models import CiStatus, Delivery, EventType, Issue, Level, now
from ledger.timeline import append, event
from shipline.ids import digest
from tasks.actions.outcomes import gone
from tasks.context import Context
from tasks.hooks.payloads import CheckRun, CheckSuite, Status, WorkflowJob, WorkflowRun, read

# Two reports of one second: the one that is further on is the newer.
_RANK = {"queued": 0, "requested": 0, "waiting": 0, "pending": 1, "in_progress": 2}
_LAST = 3
_DISPATCH = re.compile(r"\(([0-9a-f-]{36})\)$")  # the pack's run-name ends with it
BAD = ("failure", "error", "timed_out", "cancelled", "action_required", "startup_failure", "stale")


async def status(ctx: Context, delivery: Delivery) -> str:
    """``status``."""
    told = read(Status, delivery.payload)
    return await _note(ctx, told.repo, told.sha, told.context, told.state, told.updated_at, told.target_url)


async def check_run(ctx: Context, delivery: Delivery) -> str:
    """``check_run``."""
    told = read(CheckRun, delivery.payload)
    return await _checked(ctx, told.repo, told.check_run.name, told.check_run)


async def check_suite(ctx: Context, delivery: Delivery) -> str:
    """``check_suite``."""
    told = read(CheckSuite, delivery.payload)
    app = told.check_suite.app
    return await _checked(ctx, told.repo, f"suite: {app.slug if app else 'checks'}", told.check_suite)


async def workflow_run(ctx: Context, delivery: Delivery) -> str:
    """``workflow_run``."""
    told = read(WorkflowRun, delivery.payload)
    run = told.workflow_run
    if run.conclusion not in (None, "success") and (asked := _DISPATCH.search(run.display_title)):
        await gone(ctx, asked[1], f"The workflow ended as {run.conclusion}: {run.html_url}")
    return await _checked(ctx, told.repo, f"workflow: {told.workflow_run.name}", told.workflow_run)


async def workflow_job(ctx: Context, delivery: Delivery) -> str:
    """``workflow_job``."""
    told = read(WorkflowJob, delivery.payload)
    return await _checked(ctx, told.repo, f"job: {told.workflow_job.name}", told.workflow_job)


async def _checked(ctx: Context, repo: str, name: str, check: Any) -> str:
    at = check.completed_at or check.updated_at or check.started_at or check.created_at
    state = check.conclusion or check.status
    return await _note(ctx, repo, check.head_sha, name, state, at or datetime.fromtimestamp(0, UTC), check.html_url)


async def _note(ctx: Context, repo: str, sha: str, name: str, state: str, at: datetime, url: str | None) -> str:
    order = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S} {_RANK.get(state, _LAST)} {state}"
    if not await _newer(ctx, repo, sha, name, state, order, url):
        return f"{name} of {sha[:7]} was {state}; something newer is known"
    for issue in await ctx.store.find(Issue, {"repo": repo, "head": sha}):
        pending = event(
            EventType.CI_STATUS, "EXECUTION_LOOP", f"{name}: {state}", node=issue.key,
            level=Level.WARNING if state in BAD else Level.INFO,
            data={"sha": sha, "name": name, "state": state, "url": url},
            event_id=f"ci-{digest(issue.id, sha, name, order)}",
        )  # fmt: skip
        await append(ctx.store, issue.run_id, pending)
    return f"{name} of {sha[:7]} is {state}"


async def _newer(ctx: Context, repo: str, sha: str, name: str, state: str, order: str, url: str | None) -> bool:
    """Write it unless something newer is there. The order of the calls does not matter, nor how often."""
    key = digest(repo, sha, name)
    statuses = ctx.store.collection(CiStatus)
    changed = await statuses.update_one(
        {"_id": key, "order": {"$lt": order}},
        {"$set": {"state": state, "url": url, "order": order, "updated_at": now()}},
    )
    if changed.matched_count:
        return True
    first = CiStatus(id=key, repo=repo, sha=sha, name=name, state=state, url=url, order=order)
    try:
        await statuses.insert_one(first.to_mongo())
    except DuplicateKeyError:
        # Either a newer one is there, or another worker was faster with an older one.
        again = await statuses.update_one(
            {"_id": key, "order": {"$lt": order}},
            {"$set": {"state": state, "url": url, "order": order, "updated_at": now()}},
        )
        return bool(again.matched_count)
    return True
