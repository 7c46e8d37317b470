"""What people did by hand on GitHub: reconcile looks at it at once, instead of at its next turn."""

from __future__ import annotations

from ledger.models import Delivery, Effect, EffectKind, EffectStatus, Issue, Run
from shipline.errors import Unavailable
from tasks.context import Context
from tasks.hooks.payloads import IssueTold, PullTold, Pushed, SubIssueTold, read
from tasks.prefect_api import prefect

RECONCILE = "reconcile/reconcile"
BRANCH = "refs/heads/integration"
MOVES = [EffectKind.BRANCH_CREATE, EffectKind.BRANCH_UPDATE, EffectKind.PULL_MERGE, EffectKind.COMMIT_RELEASE]
PATIENT = 2  # tries while a run of the repository is in the middle of an effect
CHANGED = ("closed", "reopened", "deleted", "transferred", "converted_to_draft", "edited")


async def pushed(ctx: Context, delivery: Delivery) -> str:
    """A push to ``integration`` that is not a merge of ours: every open run of the repository is looked over."""
    told = read(Pushed, delivery.payload)
    if told.ref != BRANCH:
        return "another branch"
    of_ours = {"runId": {"$in": [each.id for each in await ctx.store.find(Run, {"repo": told.repo})]}}
    if await ctx.store.find_one(Effect, {**of_ours, "outcome.sha": told.after}):
        return "done by us"
    moving = {**of_ours, "status": EffectStatus.INTENDED, "kind": {"$in": MOVES}}
    if delivery.tries <= PATIENT and await ctx.store.find_one(Effect, moving):
        raise Unavailable("A run is doing something right now, which may be this.")
    runs = await ctx.store.find(Run, {"repo": told.repo, "outcome": None})
    for run in runs:
        await _look(ctx, run.id, f"push {told.after} {run.id}")
    return f"looked over: {', '.join(run.id for run in runs) or 'no open run'}"


async def issue_changed(ctx: Context, delivery: Delivery) -> str:
    """An issue was closed, reopened or edited."""
    told = read(IssueTold, delivery.payload)
    return await _changed(ctx, delivery, told.action, {"repo": told.repo, "number": told.issue.number})


async def pull_changed(ctx: Context, delivery: Delivery) -> str:
    """A pull request was closed, reopened or edited."""
    told = read(PullTold, delivery.payload)
    return await _changed(ctx, delivery, told.action, {"repo": told.repo, "prNumber": told.pull_request.number})


async def tree_changed(ctx: Context, delivery: Delivery) -> str:
    """``sub_issues``: somebody hung an issue under another one, or took it away."""
    told = read(SubIssueTold, delivery.payload)
    numbers = [each.number for each in (told.parent_issue, told.sub_issue) if each is not None]
    return await _look_over(ctx, delivery, {"repo": told.repo, "number": {"$in": numbers}})


async def _changed(ctx: Context, delivery: Delivery, action: str, which: dict[str, object]) -> str:
    return await _look_over(ctx, delivery, which) if action in CHANGED else "nothing to look at"


async def _look_over(ctx: Context, delivery: Delivery, which: dict[str, object]) -> str:
    issue = await ctx.store.find_one(Issue, which, newest=True)
    run = issue and await ctx.store.get(Run, issue.run_id)
    if issue is None or not run or run.outcome is not None:
        return "no open run knows it"
    if str(delivery.payload["sender"]["login"]).lower() == (await ctx.github.login()).lower():
        return "done by us"
    await _look(ctx, run.id, delivery.id)
    return f"looked over: {run.id}"


async def _look(ctx: Context, run_id: str, once: str) -> None:
    async with prefect(ctx.settings) as server:
        deployment = await server.deployment(RECONCILE)
        await server.operate(deployment, f"reconcile {run_id}", [run_id], {"only": run_id}, once=once)
