"""A person's word to stop, carried to the workflows of a run. ``controls.json`` says it too, to each step that asks."""

from __future__ import annotations

import asyncio
import logging

from ledger.models import Dispatch, Executor, Run
from shipline.errors import ShiplineError
from tasks.context import Context
from tasks.dispatching import dispatch

WITHIN = 10.0  # seconds
log = logging.getLogger(__name__)


async def tell_workflows(run: Run, event_type: str) -> str:
    """Send ``orchestrator.pause`` or ``orchestrator.cancel``, where the run works in Actions; why not, if it failed.

    Steps look at the controls by themselves, so a lost message makes them only some seconds later.
    """
    if run.executor is not Executor.ACTIONS:
        return ""
    try:
        since = f"{run.interrupt.since:%Y%m%dT%H%M%S}" if run.interrupt.since else ""
        async with asyncio.timeout(WITHIN):  # the person waits, and the ledger has their word already
            await dispatch(run.id, event_type, None, None, {}, key=f"{run.id}/{event_type}/{since}")
    except (ShiplineError, TimeoutError) as error:
        why = str(error) or f"GitHub took it in no {WITHIN:.0f} s."
        log.warning("%s of %s was not sent: %s", event_type, run.id, why)
        return f"{event_type} was not sent: {why}"
    return ""


async def steps_there(ctx: Context, run_id: str) -> list[Dispatch]:
    """The steps that were asked for and have not been told of."""
    return await ctx.store.find(
        Dispatch, {"runId": run_id, "sent": True, "job": {"$ne": None}, "outcome": None}, [("created_at", 1)]
    )
