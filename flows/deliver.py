"""The whole story: an idea becomes a spec, an issue tree, merged work, and a release."""

from __future__ import annotations

from prefect import flow

from flows.execute import execute
from flows.merge import merge
from flows.plan import plan
from flows.qa import qa
from flows.release import release
from flows.spec import spec
from flows.telling import until_it_ends
from ledger.models import Outcome
from tasks.report import tag_flow_run
from tasks.state import get_run, revive


@flow(name="deliver", flow_run_name="deliver {run_id}", persist_result=False)
async def deliver(run_id: str, dry_run: bool = False) -> Outcome:
    """Take the run from where it stands to its end. Calling it again after a stop goes on from there."""
    await tag_flow_run(run_id)
    run = await revive(run_id, dry_run=dry_run)
    if run.outcome is not None:
        return run.outcome
    return await until_it_ends(run_id, _road(run_id))


async def _road(run_id: str) -> Outcome:
    await spec(run_id)
    await plan(run_id)
    if (await get_run(run_id)).dry_run:
        return Outcome.PLANNED
    merged = False
    while not merged:
        await execute(run_id)
        # Findings of QA, and conflicts at the last merge, send the run back to the loop.
        merged = await qa(run_id) and await merge(run_id)
    await release(run_id)
    return Outcome.SUCCEEDED
