"""MERGE: the epic into ``integration``, then ``regression``."""

from __future__ import annotations

from flows.filing import file_under, settle
from flows.heeding import stage
from ledger.models import RunState
from tasks.gate import await_required
from tasks.gates import GatesShut
from tasks.pulls import merge_pull_request, open_pull_request
from tasks.reconcile.nodes import attend_all
from tasks.releasing import update_regression
from tasks.slots import by_one_worker
from tasks.state import back_to, enter, get_tree


@stage("merge")
@by_one_worker
async def merge(run_id: str) -> bool:
    """Merge the epic at the head that QA passed. False when ``integration`` moved: the run goes back to QA."""
    if not await enter(run_id, RunState.MERGE, "Merging the epic"):
        return True
    await attend_all(run_id)
    root = (await get_tree(run_id)).root
    await open_pull_request(run_id, root.key)  # there is none when a person merged the one before too early
    red = await await_required(run_id, root.key)
    if red:
        await file_under(run_id, root.key, red)
        await back_to(run_id, RunState.EXECUTION_LOOP, f"{len(red)} required check(s) of the epic failed")
        return False
    try:
        merged = await merge_pull_request(run_id, root.key)
    except GatesShut as shut:
        if not shut.heals:
            raise
        await back_to(run_id, RunState.EXECUTION_LOOP, str(shut))
        return False
    if not merged:
        await back_to(run_id, RunState.QA, "The epic or integration moved after QA; checking again")
        return False
    await settle(run_id, root.key)
    await update_regression(run_id)
    return True
