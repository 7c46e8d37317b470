"""The nightly audit: nobody has altered, removed or cut off an event."""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import acreate_table_artifact

from tasks.context import context
from tasks.reconcile.audit import audit_runs, is_whole_week, require_whole


@flow(name="audit", flow_run_name="audit", persist_result=False)
async def audit(everything: bool = False) -> int:
    """Verify the event chains that grew since the last audit, on Sundays all; returns how many. Fails naming the run.

    Args:
        everything: Verify every run's chain, whatever day it is.
    """
    done = await audit_runs((await context()).store, everything=everything or is_whole_week())
    rows = [{"run": run, "problem": line} for run, lines in done.problems.items() for line in lines]
    whole = {"run": f"{done.runs - len(done.problems)} run(s)", "problem": "none: whole"}
    words = f"{done.runs} chains with {done.events} events, {len(done.problems)} not whole"
    await acreate_table_artifact([*rows, whole], key="audit", description=words)
    require_whole(done)
    return done.runs
