"""Reconcile: one run looked over, or all that may need it. It mends what is safe and tells the rest."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

from ledger.issues import read_tree
from ledger.models import Outcome, Run, now
from ledger.rules.reconcile import Act
from ledger.timeline import drain_all
from shipline.errors import Interrupted, ShiplineError
from tasks.context import context
from tasks.hooks.missed import ask_again
from tasks.prefect_api import FlowRun, prefect
from tasks.reconcile.effects import tell_abandoned
from tasks.reconcile.facts import list_repository
from tasks.reconcile.nodes import ALL_ACTS, look_over
from tasks.reconcile.noticed import Noticed
from tasks.reconcile.runs import bury_dead, goes_on, hand_on, is_carried
from tasks.reconcile.surplus import find_surplus
from tasks.state import Here, here

log = logging.getLogger(__name__)

# While a run is carried its own steps meet what a person does; only a stop is told to it from outside.
WHILE_CARRIED = frozenset({Act.PAUSE})
RECENT = timedelta(days=1)


async def reconcile_all(*, mend: bool = True) -> list[Noticed]:
    """Every run that has not ended, and those that ended within a day. One that fails does not keep the others.

    Before that, webhooks that never arrived are asked for again.
    """
    ctx = await context()
    if mend:
        try:
            await ask_again(ctx)
        except ShiplineError as error:
            log.warning("missed webhooks were not asked for: %s", error)
    query = {"$or": [{"outcome": None}, {"updated_at": {"$gte": now() - RECENT}}]}
    found: list[Noticed] = []
    for run in await ctx.store.find(Run, query, [("created_at", 1)]):
        try:
            found += await reconcile_run(run.id, mend=mend)
        except ShiplineError as error:
            log.warning("%s was not looked over: %s", run.id, error, extra={"runId": run.id})
            found.append(Noticed(run_id=run.id, what=f"It could not be looked over: {error}"))
    return found


async def reconcile_run(run_id: str, *, mend: bool = True) -> list[Noticed]:
    """Everything about one run that is not as it was left. ``mend`` false only tells."""
    at = await here(run_id)
    await drain_all(at.ctx.store, run_id)
    live, found = await _flow_runs(at, mend=mend)
    carried = live is None or await is_carried(at, live)
    found += await _github(at, carried=carried, mend=mend)
    at = replace(at, run=await at.ctx.store.get(Run, run_id))
    if goes_on(at.run) and not carried:
        async with prefect(at.ctx.settings) as server:
            found += await hand_on(at, server, mend=mend)
    return found


async def _flow_runs(at: Here, *, mend: bool) -> tuple[list[FlowRun] | None, list[Noticed]]:
    """The flow runs that live (None: Prefect does not say), and what was done about the others."""
    try:
        async with prefect(at.ctx.settings) as server:
            return await bury_dead(at, server, await server.live(at.run.id), mend=mend)
    except ShiplineError as error:
        return None, [Noticed(run_id=at.run.id, what=f"Prefect could not be asked: {error}")]


async def _github(at: Here, *, carried: bool, mend: bool) -> list[Noticed]:
    tree = await read_tree(at.ctx.store, at.run.id)
    if not tree.issues:
        return await tell_abandoned(at, tree, None)
    listing = await list_repository(at)
    found: list[Noticed] = []
    if at.run.outcome is None or at.run.outcome is Outcome.FAILED:
        may = (WHILE_CARRIED if carried else ALL_ACTS) if mend and goes_on(at.run) else frozenset()
        found += await look_over(at, tree, listing, may=may)
    found += await tell_abandoned(at, tree, listing)
    try:
        found += await find_surplus(at, tree, listing, mend=mend and not at.run.interrupt.paused and not carried)
    except Interrupted as stopped:
        log.info("%s", stopped, extra={"runId": at.run.id})
    return found
