"""A person in control: pause, resume, approve, cancel, advance, set the budget; retry a node, let its change pass.

One run or all of them can be stopped.

The ledger comes first, by a compare-and-set, and is enough to stop a run; Prefect's API comes after. Imports no
Prefect, so that the command line, the console and the gateway can call it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ledger.interrupts import ALL, cancel_run, lift_pause, pause_run, standing_switch, turn_switch, words
from ledger.issues import get_issue, read_tree
from ledger.models import (
    Effect,
    EffectKind,
    EffectStatus,
    EventType,
    Issue,
    Level,
    Outcome,
    PendingEvent,
    Proof,
    Run,
    Spent,
)
from ledger.rules.advance import NEXT_STAGE, Facts, obstacles
from ledger.rules.budget import paused_by_budget, used_up
from ledger.rules.retry import again, let_pass
from ledger.runs import approve_plan, reopen_run, require_planned, transition
from ledger.timeline import drain, event
from shipline.errors import IllegalTransition, InvalidInput
from tasks import leftovers
from tasks.actions.interrupting import tell_workflows
from tasks.budget import raise_budget, spent_by
from tasks.context import Context, context
from tasks.prefect_api import Prefect, prefect
from tasks.proof import end_all
from tasks.state import get_settings, revive

SOMEBODY = "somebody"
WITHIN = 60.0  # seconds that a cancel waits for its proof


@dataclass(frozen=True)
class Resumed:
    """A run that goes on. ``flow_run`` is the one that was started for it; None when one was live already."""

    run: Run
    flow_run: str | None
    said: str


@dataclass(frozen=True)
class Budgeted:
    """A run with what it may use and what it has used; ``said`` is what came of a change, empty for nothing."""

    run: Run
    spent: Spent
    said: str


async def pause(run_id: str, *, by: str = SOMEBODY, reason: str = "") -> Run:
    """Stop a run at its next effect; agents that work are left working. Paused already is fine.

    The flow notices within a second and suspends its flow run by itself. IllegalTransition when the run has ended.
    """
    run = await pause_run((await context()).store, run_id, by, reason)
    await tell_workflows(run, "orchestrator.pause")
    return run


async def resume(run_id: str, *, by: str = SOMEBODY, force: bool = False) -> Resumed:
    """Go on with a run that is paused, failed, only planned, or was cut off: from where it stands.

    A run that a live flow run carries gets no second one, unless ``force``. Unavailable when Prefect does not answer,
    and then nothing was changed.
    """
    ctx = await context()
    run = await _may_go_on(ctx, run_id)
    async with prefect(ctx.settings) as server:
        deployment = await server.deployment()
        was_paused = run.interrupt.paused
        await lift_pause(ctx.store, run_id, by)
        run = await revive(run_id, dry_run=False)
        started, said = await _carry_on(ctx, server, deployment, run, force=force)
    return Resumed(run, started, f"No longer paused; {said}" if was_paused else said)


async def approve(run_id: str, *, by: str = SOMEBODY, via: str = "") -> Resumed:
    """Let a plan that waits for a person be carried out; ``via`` is where they said so.

    IllegalTransition when none waits; Unavailable when Prefect does not answer. Then nothing was changed.
    """
    ctx = await context()
    require_planned(await _may_go_on(ctx, run_id))
    async with prefect(ctx.settings) as server:
        await server.deployment()  # refused here, nothing was changed
    await approve_plan(ctx.store, run_id, by, via)
    return await resume(run_id, by=by)


async def cancel(
    run_id: str, *, by: str = SOMEBODY, reason: str = "", within: float = WITHIN, but: Collection[str] = ()
) -> Proof:
    """End a run for good: its agents, processes and flow runs. Returns the proof, which names what is left.

    Waits for the end of everything, at most ``within`` seconds. Cancelled already: only looks again. IllegalTransition
    when the run has ended otherwise, and then nothing was changed.
    """
    ctx = await context()
    run = await cancel_run(ctx.store, run_id, by, reason)
    return await end_all(ctx, run, within=within, but=but)


async def set_budget(
    run_id: str,
    *,
    by: str = SOMEBODY,
    usd: float | None = None,
    tokens: int | None = None,
    minutes: float | None = None,
) -> Budgeted:
    """Set limits of a run; None leaves one as it is. One that paused because its budget was used up goes on.

    InvalidInput for a limit below nothing, IllegalTransition when the run has ended.
    """  # fmt: skip
    run = await raise_budget(run_id, by=by, usd=usd, tokens=tokens, minutes=minutes)
    spent = await spent_by((await context()).store, run)
    if not paused_by_budget(run):
        return Budgeted(run, spent, "")
    if used_up(run.budget, spent):
        return Budgeted(run, spent, "It stays paused: that is still not more than what is used.")
    resumed = await resume(run_id, by=by)
    return Budgeted(resumed.run, spent, resumed.said)


async def retry(run_id: str, key: str, *, by: str = SOMEBODY) -> Resumed:
    """Try a node again that stopped with a failure: its round rises, its agent is asked anew, its siblings stay.

    InvalidInput when the node has not failed.
    """
    ctx = await context()
    run = await _may_go_on(ctx, run_id, paused_too=True)
    issue = await get_issue(ctx.store, run_id, key)
    if issue.failure is None:
        raise InvalidInput(f"{key} has not failed (it is {issue.status}).", "Only a node that failed can be retried.")
    told = event(
        EventType.ISSUE_UPDATED, run.state, f"{key} is retried by {by}, round {issue.round + 1}", node=key,
        level=Level.WARNING, data={"failure": issue.failure},
    )  # fmt: skip
    return await _go_on_with(ctx, run, issue, again(issue), told, rounds=1)


async def allow(run_id: str, key: str, *, by: str = SOMEBODY) -> Resumed:
    """Let the change of a node pass that guards stopped: this change, this once. Its agent is not asked again.

    InvalidInput when no guard holds one.
    """
    ctx = await context()
    run = await _may_go_on(ctx, run_id, paused_too=True)
    issue = await get_issue(ctx.store, run_id, key)
    values = let_pass(issue, by)
    reasons = issue.held.reasons if issue.held else []
    told = event(
        EventType.ISSUE_UPDATED, run.state, f"{by} lets the change of {key} pass: {'; '.join(reasons)}", node=key,
        level=Level.WARNING, data={"by": by, "held": reasons},
    )  # fmt: skip
    return await _go_on_with(ctx, run, issue, values, told)


async def _go_on_with(
    ctx: Context, run: Run, issue: Issue, values: dict[str, Any], told: PendingEvent, *, rounds: int = 0
) -> Resumed:
    """Take a node that stopped up again; its siblings stay as they are."""
    key, run_id = issue.key, run.id
    changed = await ctx.store.change(
        Issue, issue.id, values, expect={"round": issue.round, "failure": issue.failure}, add={"round": rounds},
        event=told,
    )  # fmt: skip
    if changed is None:
        raise InvalidInput(f"{key} was changed meanwhile.", "Look at it with `shipline show`, then try again.")
    await drain(ctx.store, changed)
    run = await reopen_run(ctx.store, run_id)
    if run.interrupt.paused:
        return Resumed(run, None, f"{key} is tried again when the run goes on: {words(run)}.")
    async with prefect(ctx.settings) as server:
        deployment = await server.deployment()
        started, said = await _carry_on(ctx, server, deployment, run, retry_failed=False)
    return Resumed(run, started, said)


async def advance(run_id: str, *, by: str = SOMEBODY) -> Resumed:
    """Move a run to its next stage when nothing is in the way.

    IllegalTransition names what is, by issue, and then nothing was changed.
    """
    ctx = await context()
    run = await ctx.store.get(Run, run_id)
    found = obstacles(run, await read_tree(ctx.store, run_id), await _facts(ctx, run))
    if found:
        raise IllegalTransition(f"Run {run_id} stays at {run.state}: {' '.join(found)}", "Nothing was changed.")
    new = NEXT_STAGE[run.state]
    async with prefect(ctx.settings) as server:
        deployment = await server.deployment()
        if run.outcome is Outcome.PLANNED:
            await reopen_run(ctx.store, run_id)
        run = await transition(ctx.store, run_id, new, f"Advanced by {by}")
        started, said = await _carry_on(ctx, server, deployment, run)
    return Resumed(run, started, f"Moved to {new}; {said}")


async def pause_all(*, by: str = SOMEBODY, reason: str = "", repo: str | None = None) -> list[Run]:
    """Pause every run (of ``repo``) that has not ended, and let those that are started later wait."""
    store = (await context()).store
    await turn_switch(store, repo or ALL, paused=True, by=by, reason=reason)
    paused = []
    for run in await store.find(Run, _unended(repo), [("created_at", 1)]):
        try:
            paused.append(await pause_run(store, run.id, by, reason))
        except IllegalTransition:
            continue  # it ended meanwhile
    return paused


async def resume_all(*, by: str = SOMEBODY, repo: str | None = None) -> list[Resumed]:
    """Let runs start again, and go on with every run (of ``repo``) that is paused."""
    ctx = await context()
    if repo is not None:
        await _not_stopped(ctx, repo, but=repo)
    async with prefect(ctx.settings) as server:
        await server.deployment()  # refused here, nothing was changed
    await turn_switch(ctx.store, repo or ALL, paused=False, by=by)
    found = await ctx.store.find(Run, {**_unended(repo), "interrupt.paused": True}, [("created_at", 1)])
    # A repository that was paused on its own stays so.
    return [await resume(run.id, by=by) for run in found if await standing_switch(ctx.store, run.repo) is None]


async def _facts(ctx: Context, run: Run) -> Facts:
    if not (await get_settings(run)).auto_merge_regression:
        return Facts(regression_done=True)
    wanted = {"runId": run.id, "kind": EffectKind.BRANCH_UPDATE, "nodeKey": "run", "status": EffectStatus.SUCCEEDED}
    return Facts(regression_done=await ctx.store.find_one(Effect, wanted) is not None)


def _unended(repo: str | None) -> dict[str, Any]:
    return {"outcome": None, **({"repo": repo} if repo else {})}


async def _may_go_on(ctx: Context, run_id: str, *, paused_too: bool = False) -> Run:
    run = await ctx.store.get(Run, run_id)
    if run.outcome in (Outcome.CANCELLED, Outcome.SUCCEEDED):
        raise IllegalTransition(f"Run {run_id} has ended ({run.outcome}).", "Start a new one: shipline run --help")
    if not paused_too:
        await _not_stopped(ctx, run.repo)
    return run


async def _not_stopped(ctx: Context, repo: str, but: str = "") -> None:
    switch = await standing_switch(ctx.store, repo)
    if switch is None or switch.scope == but:
        return
    what, option = ("Everything", "") if switch.scope == ALL else (f"Everything of {repo}", f" --repo {repo}")
    why = f": {switch.reason}" if switch.reason else ""
    raise IllegalTransition(
        f"{what} is paused by {switch.by} since {switch.since:%Y-%m-%d %H:%M:%S} UTC{why}.",
        f"Go on with all of it: shipline resume-all{option}",
    )


async def _carry_on(
    ctx: Context, server: Prefect, deployment: str, run: Run, *, force: bool = False, retry_failed: bool = True
) -> tuple[str | None, str]:
    """See to it that one live flow run carries the run; the one that was started for it, and what to say."""
    run = await ctx.store.get(Run, run.id)
    live = [each for each in await server.live(run.id) if not each.nested]
    for each in live:
        if leftovers.is_dead(run.carriers.get(each.id)):
            await server.bury(each.id, "CRASHED", "Its process is gone.")
        elif each.state_type == "PAUSED":
            if each.on_worker and not force and await server.resume(each.id):
                return each.id, f"flow run {each.name} goes on"
        elif not force and (each.state_type != "RUNNING" or each.id in run.carriers):
            return None, f"flow run {each.name} carries it already"
    parameters: dict[str, Any] = {"dry_run": run.dry_run}
    if not retry_failed:
        parameters["retry_failed"] = False
    return (started := await server.start(deployment, run.id, **parameters)), f"flow run {started} was started for it"
