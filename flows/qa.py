"""QA: the epic's branch as a whole, before it may merge."""

from __future__ import annotations

from prefect import flow

from flows.filing import file_found
from flows.leaf import bring_up
from ledger.models import RunState
from tasks.checks import check_epic
from tasks.defects import owner
from tasks.state import back_to, enter, get_tree


@flow(name="qa", flow_run_name="qa {run_id}", persist_result=False)
async def qa(run_id: str) -> bool:
    """Whether the whole may merge. Findings become defects, and the run goes back to the loop."""
    if not await enter(run_id, RunState.QA, "Checking the epic as a whole"):
        return True
    root = (await get_tree(run_id)).root.key
    await bring_up(run_id, root)
    findings = await check_epic(run_id, root)
    if not findings:
        return True
    await file_found(run_id, [(await owner(run_id, finding.path), finding) for finding in findings])
    await back_to(run_id, RunState.EXECUTION_LOOP, f"QA found {len(findings)} defect(s) in the whole")
    return False
