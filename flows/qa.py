"""QA: the epic's branch as a whole, before it may merge."""

from __future__ import annotations

from flows.filing import file_found
from flows.heeding import stage
from flows.leaf import bring_up
from ledger.models import RunState
from ledger.rules.steps import stuck
from tasks.checks import check_epic
from tasks.defects import owner
from tasks.reconcile.nodes import attend_all
from tasks.releasing import untested_requirements
from tasks.slots import by_one_worker
from tasks.state import back_to, enter, get_run, get_tree


@stage("qa")
@by_one_worker
async def qa(run_id: str) -> bool:
    """Whether the whole may merge. Findings become defects, and the run goes back to the loop."""
    run, tree = await get_run(run_id), await get_tree(run_id)
    if run.state is RunState.EXECUTION_LOOP and stuck(tree):
        return False  # another worker's QA has sent the run back
    if not await enter(run_id, RunState.QA, "Checking the epic as a whole"):
        return True
    await attend_all(run_id)
    root = tree.root.key
    await bring_up(run_id, root)
    findings = await check_epic(run_id, root)
    found = [(await owner(run_id, finding.path), finding) for finding in findings]
    found = found or await untested_requirements(run_id)
    if not found:
        return True
    await file_found(run_id, found)
    await back_to(run_id, RunState.EXECUTION_LOOP, f"QA found {len(found)} defect(s) in the whole")
    return False
