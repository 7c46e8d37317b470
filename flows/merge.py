"""MERGE: the epic into ``integration``, then ``regression``."""

from __future__ import annotations

from prefect import flow

from flows.filing import settle
from ledger.models import RunState
from tasks.pulls import merge_pull_request
from tasks.releasing import update_regression
from tasks.state import back_to, enter, get_tree


@flow(name="merge", flow_run_name="merge {run_id}", persist_result=False)
async def merge(run_id: str) -> bool:
    """Merge the epic at the head that QA passed. False when ``integration`` moved: the run goes back to QA."""
    if not await enter(run_id, RunState.MERGE, "Merging the epic"):
        return True
    root = (await get_tree(run_id)).root
    if not await merge_pull_request(run_id, root.key):
        await back_to(run_id, RunState.QA, "The epic or integration moved after QA; checking again")
        return False
    await settle(run_id, root.key)
    await update_regression(run_id)
    return True
