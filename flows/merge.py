"""MERGE: the epic into ``integration``, then ``regression``."""

from __future__ import annotations

from flows.filing import file_under, settle
from flows.heeding import stage
from flows.undoing import take_back
from ledger.models import RunState
from tasks.gate import await_required
from tasks.gates import GatesShut
from tasks.pulls import merge_pull_request, open_pull_request
from tasks.reconcile.nodes import attend_all
from tasks.releasing import update_regression
from tasks.slots import by_one_worker
from tasks.state import back_to, enter, get_tree
from tasks.undoing import check_merged


@stage("merge")
@by_one_worker
async def merge(run_id: str) -> bool:
    """Merge the epic at the head that QA passed. False when the run goes back: to QA when ``integration`` moved, to the
    loop when something is open below, or when what was merged fails its checks and was taken back.
    """
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
    broken = await check_merged(run_id, root.key)
    if broken:
        await take_back(run_id, root.key, broken)
        return False
    await settle(run_id, root.key)
    await update_regression(run_id)
    return True
