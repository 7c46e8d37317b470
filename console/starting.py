"""Starting a run on the running stack: the idea goes into the ledger, Prefect's worker takes it from there."""

from __future__ import annotations

from console.out import err, out
from console.views import event_line
from ledger import queries
from ledger.models import Budget, Executor, Run, Size
from shipline.config import load_settings
from tasks import control
from tasks.context import close_context, context
from tasks.prefect_api import prefect
from tasks.submit import submit


async def start_run(
    idea: str,
    repo: str,
    *,
    size: Size,
    dry_run: bool,
    budget: Budget,
    executor: Executor | None,
    follow: bool,
    quiet: bool,
) -> Run:
    """Submit an idea, hand its run to a worker, and (with ``follow``) print its events to the end.

    While everything is paused the run is stored and waits; it is returned at once.
    """
    try:
        async with prefect(load_settings()) as server:
            deployment = await server.deployment()  # asked before anything is made
            run = await submit(idea, repo, size=size, dry_run=dry_run, budget=budget, executor=executor)
            if run.interrupt.paused:
                return run
            await server.start(deployment, run.id, dry_run=dry_run)
        return await _follow(run.id, quiet) if follow else run
    finally:
        await close_context()


async def resume_run(run_id: str, *, by: str, force: bool, follow: bool, quiet: bool) -> Run:
    """Let a run go on that stopped, whatever stopped it, and (with ``follow``) print its events to the end."""
    try:
        store = (await context()).store
        seen = (await store.get(Run, run_id)).chain.seq
        resumed = await control.resume(run_id, by=by, force=force)
        if not quiet:
            err.print(f"{run_id}: {resumed.said}", markup=False)
        return await _follow(run_id, quiet, after=seen) if follow else resumed.run
    finally:
        await close_context()


async def _follow(run_id: str, quiet: bool, after: int = 0) -> Run:
    store = (await context()).store
    async for event in queries.follow(store, run_id, after=after):
        if not quiet:
            out.print(event_line(event), soft_wrap=True)
    return await store.get(Run, run_id)
