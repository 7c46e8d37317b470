"""Asking a worker to deploy a release once more, or to go back to the one before. Imports no Prefect."""

from __future__ import annotations

from ledger.models import EventType, Run
from ledger.runs import note_run
from ledger.timeline import event
from shipline.errors import NotFound
from tasks.context import context
from tasks.prefect_api import prefect


async def ask_deploy(run_id: str, *, by: str) -> str:
    """Deploy a run's release again; the id of the flow run that does it. NotFound when the run has no release."""
    return await _ask(run_id, "deploy/deploy", "Deploying again is asked for", by)


async def ask_rollback(run_id: str, *, by: str, to: str = "") -> str:
    """Go back to an earlier release than the one that runs, the one before unless ``to`` names its version.

    The id of the flow run that does it.
    """
    back = f"Rolling back to v{to.removeprefix('v')}" if to else "Rolling back"
    return await _ask(run_id, "rollback/rollback", f"{back} is asked for", by, **({"to": to} if to else {}))


async def _ask(run_id: str, name: str, told: str, by: str, **more: str) -> str:
    ctx = await context()
    run = await ctx.store.get(Run, run_id)
    if run.release is None:
        raise NotFound(f"Run {run_id} has no release.", "Only what was released can be deployed.")
    async with prefect(ctx.settings) as server:
        deployment = await server.deployment(name)
        await note_run(
            ctx.store, run_id, {}, event(EventType.STEP_STARTED, run.state, f"{told} by {by}", data={"by": by})
        )
        return await server.start(deployment, run_id, flow=name.partition("/")[0], **more)
