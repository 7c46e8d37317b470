"""A merge that left its base red is taken back, and its work goes on: in the same run, with a defect to mend."""

from __future__ import annotations

from collections.abc import Sequence

from flows.filing import file_found
from ledger.models import Finding, RunState
from ledger.rules.defects import fenced
from tasks.defects import owner
from tasks.state import back_to
from tasks.undoing import reopen_node, restore_work, revert_merge


async def take_back(run_id: str, key: str, findings: Sequence[Finding]) -> None:
    """Revert the merge by pull request, file what was found, and send the run back to the loop with the work intact."""
    why = "\n\n".join(f"{each.title}\n\n{fenced(each.evidence)}" for each in findings)
    revert = await revert_merge(run_id, key, why)
    head = await restore_work(run_id, key, revert)
    await file_found(run_id, [(await owner(run_id, each.path), each) for each in findings])
    await reopen_node(run_id, key, head)
    await back_to(run_id, RunState.EXECUTION_LOOP, f"What was merged failed its checks: {findings[0].title}")
