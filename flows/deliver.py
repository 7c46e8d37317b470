"""The whole story: an idea becomes a spec, an issue tree, merged work, and a release."""

from __future__ import annotations

from flows.execute import execute
from flows.heeding import stage, walk
from flows.merge import merge
from flows.plan import plan
from flows.qa import qa
from flows.release import release
from flows.spec import spec
from flows.telling import until_it_ends
from ledger.models import Outcome
from tasks.report import tag_flow_run
from tasks.state import get_run, revive


@stage("deliver")
async def deliver(run_id: str, dry_run: bool = False, retry_failed: bool = True) -> Outcome:
    """Take the run from where it stands to its end. Calling it again after a stop goes on from there.

    Nodes that failed are tried again, unless ``retry_failed`` is false: then only those that a person retried are.
    """
    await tag_flow_run(run_id)
    run = await get_run(run_id)
    if retry_failed or run.outcome is Outcome.FAILED:
        run = await revive(run_id, dry_run=dry_run)
    if run.outcome is not None:
        return run.outcome
    return await until_it_ends(run_id, _road(run_id))


async def _road(run_id: str) -> Outcome:
    await walk(run_id, spec)
    await walk(run_id, plan)
    if (await get_run(run_id)).dry_run:
        return Outcome.PLANNED
    merged = False
    while not merged:
        await walk(run_id, execute)
        # Findings of QA, and conflicts at the last merge, send the run back to the loop.
        merged = await walk(run_id, qa) and await walk(run_id, merge)
    await walk(run_id, release)
    return Outcome.SUCCEEDED
