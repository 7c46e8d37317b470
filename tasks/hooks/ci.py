"""CI as GitHub tells it: into the ledger, newest wins whatever comes first, and onto the issue whose head it is."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from ledger.models import CiReport, CiStatus, Delivery, EventType, Issue, Level, now
from ledger.timeline import append, event
from shipline.ids import digest
from shipline.redact import redact
from tasks.actions.outcomes import gone
from tasks.context import Context
from tasks.hooks.payloads import CheckRun, CheckSuite, Deployed, Status, WorkflowJob, WorkflowRun, read

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


async def deployed(ctx: Context, delivery: Delivery) -> str:
    """``deployment`` and ``deployment_status``: how an environment takes a commit is one more thing told of it."""
    told = read(Deployed, delivery.payload)
    made, now_ = told.deployment, told.deployment_status
    name = f"deployment: {made.environment}"
    if now_ is None:
        return await _note(ctx, told.repo, made.sha, name, "queued", made.created_at, None)
    return await _note(ctx, told.repo, made.sha, name, now_.state, now_.updated_at, now_.target_url)


async def _checked(ctx: Context, repo: str, name: str, check: Any) -> str:
    at = check.completed_at or check.updated_at or check.started_at or check.created_at
    state = check.conclusion or check.status
    return await _note(ctx, repo, check.head_sha, name, state, at or datetime.fromtimestamp(0, UTC), check.html_url)


async def _note(ctx: Context, repo: str, sha: str, name: str, state: str, at: datetime, url: str | None) -> str:
    order = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S} {_RANK.get(state, _LAST)} {state}"
    key = digest(repo, sha, name)
    report = redact(CiReport(order=order, state=state, url=url).model_dump(by_alias=True))
    first = CiStatus(id=key, repo=repo, sha=sha, name=name, outbox=[CiReport.model_validate(report)], **report)
    moved = await _newer(ctx, key, report) or await ctx.store.insert(first) or await _newer(ctx, key, report)
    await _tell(ctx, key)
    return f"{name} of {sha[:7]} {f'is {state}' if moved else f'was {state}; something newer is known'}"


async def _newer(ctx: Context, key: str, report: dict[str, Any]) -> bool:
    """Write it over what is older. The order of the calls does not matter, nor how often."""
    changed = await ctx.store.collection(CiStatus).update_one(
        {"_id": key, "order": {"$lt": report["order"]}},
        {"$set": {**report, "updated_at": now()}, "$push": {"outbox": report}},
    )
    return bool(changed.matched_count)


async def _tell(ctx: Context, key: str) -> None:
    """Carry what waits to the issues whose head it is, oldest first: so the newest is told last by whoever is at it."""
    known = await ctx.store.get(CiStatus, key)
    for each in known.outbox:
        for issue in await ctx.store.find(Issue, {"repo": known.repo, "head": known.sha}):
            pending = event(
                EventType.CI_STATUS, "EXECUTION_LOOP", f"{known.name}: {each.state}", node=issue.key,
                level=Level.WARNING if each.state in BAD else Level.INFO,
                data={"sha": known.sha, "name": known.name, "state": each.state, "url": each.url},
                event_id=f"ci-{digest(issue.id, known.sha, known.name, each.order)}",
            )  # fmt: skip
            await append(ctx.store, issue.run_id, pending)
        await ctx.store.collection(CiStatus).update_one({"_id": key}, {"$pull": {"outbox": {"order": each.order}}})
