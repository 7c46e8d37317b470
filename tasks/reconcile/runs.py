"""Runs that nobody carries, and flow runs that Prefect calls running although their process is dead."""

from __future__ import annotations

from ledger.models import Event, EventType, Level, Run, RunState, now
from ledger.rules.hand_over import hand_over
from ledger.runs import note_run
from ledger.timeline import event
from tasks import leftovers
from tasks.prefect_api import FlowRun, Prefect
from tasks.reconcile.effects import is_held
from tasks.reconcile.noticed import Noticed
from tasks.state import Here

HANDED = "handedOver"
STOPPED = ("CRASHED", "FAILED", "COMPLETED")


async def bury_dead(
    at: Here, server: Prefect, live: list[FlowRun], *, mend: bool
) -> tuple[list[FlowRun], list[Noticed]]:
    """End, as Crashed, the flow runs whose process is known to be dead. Returns those that live, and what was done."""
    dead = [each for each in live if leftovers.is_dead(at.run.carriers.get(each.id)) and each.state_type != "PAUSED"]
    left = [each for each in live if each not in dead]
    if dead and all(each.nested for each in left):  # stages end with the flow run around them
        dead, left = [*dead, *left], []
    found = []
    for each in dead:
        noticed = Noticed(run_id=at.run.id, what=f"Prefect calls flow run {each.name} running, and its process is dead")
        if mend:
            await server.bury(each.id, "CRASHED", "Its process is dead, and nobody had told Prefect. Set by reconcile.")
            await at.ctx.store.collection(Run).update_one({"_id": at.run.id}, {"$unset": {f"carriers.{each.id}": ""}})
            noticed = noticed.model_copy(update={"did": "set to Crashed"})
        found.append(noticed)
    return left, found


async def is_carried(at: Here, live: list[FlowRun]) -> bool:
    """Whether somebody works on the run, or is about to."""
    return bool(live) or bool(leftovers.carriers(at.run)) or await is_held(at)


async def hand_on(at: Here, server: Prefect, *, mend: bool) -> list[Noticed]:
    """Give a run that is to go on, and that nobody carries, to a worker again, or say why not."""
    noticed = Noticed(run_id=at.run.id, what=f"It is at {at.run.state}, and no flow run carries it")
    last = await server.last_delivery(at.run.id)
    if last is None:
        begun = (
            "only single stages of it were run" if at.run.state is not RunState.IDEA_SUBMITTED else "nobody began it"
        )
        return [noticed.model_copy(update={"decide": f"{begun}; go on with it: shipline resume {at.run.id}"})]
    if last.state_type not in STOPPED:
        what = f"flow run {last.name} is {last.state_name}; go on with it: shipline resume {at.run.id}"
        return [noticed.model_copy(update={"decide": what})]
    earlier = await at.ctx.store.find(Event, {"runId": at.run.id, f"data.{HANDED}": {"$exists": True}})
    idle = max([at.run.updated_at, *(each.ts for each in earlier)])
    verdict = hand_over([each.ts for each in earlier], now(), idle_since=idle)
    if not verdict.now:
        return [noticed.model_copy(update={"what": f"{noticed.what}. {verdict.why}", "decide": verdict.decide})]
    if not mend:
        return [noticed]
    once = f"shipline:{at.run.id}:handed-over:{verdict.number}"
    started = await server.start(
        await server.deployment(), at.run.id, once=once, dry_run=at.run.dry_run, retry_failed=False
    )
    told = event(
        EventType.WORKFLOW_STARTED, at.run.state, f"Nobody carried the run any more; given to a worker ({started})",
        level=Level.WARNING, data={HANDED: verdict.number, "flowRun": started}, event_id=once,
    )  # fmt: skip
    await note_run(at.ctx.store, at.run.id, {}, told)
    return [noticed.model_copy(update={"did": f"given to a worker (flow run {started}, time {verdict.number})"})]


def goes_on(run: Run) -> bool:
    """Whether the run is to be worked on: it has not ended, and nobody stopped it."""
    return run.outcome is None and not run.interrupt.paused and not run.interrupt.cancelled
