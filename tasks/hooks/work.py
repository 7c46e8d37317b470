"""Which delivery means what. It is a hint: what it says is asked of GitHub or of the ledger before it counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ledger.models import Delivery, EventType, Issue, Level, Run
from ledger.timeline import append, event
from shipline.errors import InvalidInput, NotFound
from tasks.actions.outcomes import take
from tasks.context import Context
from tasks.hooks import asked, by_hand, ci, installed, reviewed
from tasks.hooks.payloads import Dispatched, progress, read

Handler = Callable[[Context, Delivery], Awaitable[str]]
STATUS = "orchestrator.status"
NOTED = "kept"  # what is said of a delivery that nothing follows from
_TOLD = {
    "COMPLETED": EventType.STEP_COMPLETED, "SUCCEEDED": EventType.STEP_COMPLETED, "SUCCESS": EventType.STEP_COMPLETED,
    "FAILED": EventType.STEP_FAILED, "FAILURE": EventType.STEP_FAILED, "CANCELLED": EventType.STEP_FAILED,
}  # fmt: skip


async def work(ctx: Context, delivery: Delivery) -> str:
    """Do what follows from a delivery, and say what that was. Called again for the same one, it does nothing twice."""
    handler = HANDLERS.get(delivery.event)
    return NOTED if handler is None else await handler(ctx, delivery)


async def _issues(ctx: Context, delivery: Delivery) -> str:
    labeled = delivery.payload.get("action") == "labeled"
    return await (asked.labeled if labeled else by_hand.issue_changed)(ctx, delivery)


async def _dispatched(ctx: Context, delivery: Delivery) -> str:
    """A workflow reports (the notes, §9.2). Anything else that was dispatched is for the workflows themselves."""
    told = read(Dispatched, delivery.payload)
    if told.action != STATUS:
        return NOTED
    if "signature" in (told.client_payload or {}):
        return await take(ctx, told.client_payload or {}, "callback")
    said = progress(told.client_payload or {})
    run = await ctx.store.find_one(Run, {"_id": said.runId, "repo": told.repo})
    if run is None:
        raise NotFound(f"{told.repo} has no run {said.runId}.")
    node = await _node(ctx, run, said.nodeId)
    kind = _TOLD.get(said.state, EventType.STEP_STARTED)
    share = f", {said.progress:.0%}" if said.progress is not None else ""
    data = {"progress": said.progress, "metrics": said.metrics, "artifacts": said.artifacts, "from": "actions"}
    level = Level.WARNING if kind is EventType.STEP_FAILED else Level.INFO
    told_so = f"{said.phase}: {said.state}{share} (GitHub Actions)"
    pending = event(
        kind, said.phase, told_so, node=node, level=level, data=data, event_id=f"delivery-{delivery.id}"
    )  # fmt: skip
    await append(ctx.store, run.id, pending)
    return f"told to {run.id}"


async def _queued(_: Context, delivery: Delivery) -> str:
    """A merge queue is somebody else's: Shipline merges its pull requests one after another by its own hand."""
    group = delivery.payload.get("merge_group")
    head = str(group.get("head_ref", "")) if isinstance(group, dict) else ""
    return f"{NOTED}: the merge queue of {head.removeprefix('refs/heads/') or 'a branch'}; no run waits for one"


async def _node(ctx: Context, run: Run, named: str | None) -> str | None:
    if named is None:
        return None
    number = named.removeprefix("issue-")
    which = {"number": int(number)} if number != named and number.isdecimal() else {"key": named}
    found = await ctx.store.find_one(Issue, {"runId": run.id, **which})
    if found is None:
        raise InvalidInput(f"{run.id} has no node {named}.")
    return found.key


# The events of the notes, §6.1, and more. Those that are missing here are stored and acknowledged.
HANDLERS: dict[str, Handler] = {
    "issues": _issues,
    "issue_comment": asked.commented,
    "pull_request": by_hand.pull_changed,
    "pull_request_review": reviewed.reviewed,
    "sub_issues": by_hand.tree_changed,
    "push": by_hand.pushed,
    "check_run": ci.check_run,
    "check_suite": ci.check_suite,
    "workflow_run": ci.workflow_run,
    "workflow_job": ci.workflow_job,
    "status": ci.status,
    "deployment": ci.deployed,
    "deployment_status": ci.deployed,
    "repository_dispatch": _dispatched,
    "merge_group": _queued,
    "installation": installed.changed,
    "installation_repositories": installed.changed,
}
