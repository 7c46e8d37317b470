"""A person lets something happen: a plan be carried out, or a pull request merge. Wherever they say so, it comes here.

Imports no Prefect. No agent and no step calls this: who may is asked at each of the doors (console, command line, API,
GitHub), each of which knows its people.
"""

from __future__ import annotations

from ledger.approvals import record_approval
from ledger.interrupts import words
from ledger.issues import get_issue, read_tree
from ledger.models import EventType, Issue, Outcome, Run
from ledger.rules.gates import waits_for_approval
from ledger.runs import require_planned
from ledger.timeline import append, event
from shipline.errors import IllegalTransition, InvalidInput
from shipline.ids import digest
from tasks import control
from tasks.context import Context, context
from tasks.control import Resumed
from tasks.gates import BY, take_up
from tasks.prefect_api import prefect


async def approve(
    run_id: str, *, by: str, via: str, node: str | None = None, head: str | None = None, merge: bool = False
) -> Resumed:
    """Approve the run's plan when it waits for that, else the merge of ``node`` (or of the one node that waits).

    With ``merge`` it is the epic's merge in any case. ``head`` (seven characters or more) is the commit that was looked
    at; it must still be the node's. IllegalTransition when there is nothing to approve, or another head by now;
    Unavailable when Prefect does not answer. Then nothing was changed.
    """
    ctx = await context()
    run = await ctx.store.get(Run, run_id)
    if node is None and not merge and run.outcome is Outcome.PLANNED:
        return await control.approve(run_id, by=by, via=via)
    key = node or await _meant(ctx, run, merge)
    return await _approve_merge(ctx, run, await get_issue(ctx.store, run_id, key), by, via, head)


async def _meant(ctx: Context, run: Run, merge: bool) -> str:
    tree = await read_tree(ctx.store, run.id)
    if merge:
        return tree.root.key
    waiting = [each for each in tree.issues if waits_for_approval(each)]
    if not waiting:
        require_planned(run)
    if len(waiting) > 1:
        named = ", ".join(f"{each.key} (#{each.pr_number})" for each in waiting)
        raise InvalidInput(f"Several merges wait for approval: {named}.", f"Name one: shipline approve {run.id} NODE")
    return waiting[0].key


async def _approve_merge(ctx: Context, run: Run, issue: Issue, by: str, via: str, head: str | None) -> Resumed:
    looked_at = _looked_at(run, issue, head)
    frees = waits_for_approval(issue)
    held_by_us = run.interrupt.paused and run.interrupt.by == BY
    restarts = frees and (held_by_us or run.outcome is Outcome.FAILED)
    if restarts:
        async with prefect(ctx.settings) as server:
            await server.deployment()  # refused here, nothing was changed
    await record_approval(ctx.store, run.id, issue.key, looked_at, by=by, via=via)
    said = f"{by} approves the merge of #{issue.pr_number} at {looked_at[:7]} ({via})"
    await append(ctx.store, run.id, event(
        EventType.STEP_COMPLETED, run.state, said, node=issue.key, data={"by": by, "via": via, "head": looked_at},
        event_id=f"approved-{digest(issue.id, looked_at, by, via)}",
    ))  # fmt: skip
    if frees and issue.failure:
        await take_up(run.id, issue.key)
    if restarts:
        resumed = await control.resume(run.id, by=by)
        return Resumed(resumed.run, resumed.flow_run, f"{said}; {resumed.said}")
    then = f"; the run goes on when it is resumed ({words(run)})" if run.interrupt.paused else ""
    return Resumed(run, None, f"{said}{then}")


def _looked_at(run: Run, issue: Issue, head: str | None) -> str:
    """The head that is approved, whole."""
    if run.outcome in (Outcome.CANCELLED, Outcome.SUCCEEDED):
        raise IllegalTransition(f"Run {run.id} has ended ({run.outcome}).", "Nothing was changed.")
    if issue.merged_sha:
        raise IllegalTransition(f"#{issue.pr_number} is merged already, as {issue.merged_sha[:7]}.")
    if issue.pr_number is None or issue.head is None:
        raise IllegalTransition(f"{issue.key} has no pull request yet.", "Nothing was changed.")
    if head is not None and not (len(head) >= 7 and issue.head.startswith(head)):
        raise IllegalTransition(
            f"{head[:7]} is not the head of #{issue.pr_number}: that is {issue.head[:7]}.",
            "Look at what changed, then approve that head.",
        )
    return issue.head
