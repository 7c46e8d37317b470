"""SPEC_WRITING: an idea becomes a spec."""

from __future__ import annotations

from flows.heeding import stage
from ledger.models import RunState
from tasks.planning import write_spec
from tasks.repository import prepare_repository
from tasks.slots import by_one_worker
from tasks.state import enter


@stage("spec")
@by_one_worker
async def spec(run_id: str) -> None:
    """Bring ``integration`` up to date and have the spec written."""
    if not await enter(run_id, RunState.SPEC_WRITING, "Writing the spec"):
        return
    await prepare_repository(run_id)
    await write_spec(run_id)
