"""SPEC_WRITING: an idea becomes a spec."""

from __future__ import annotations

from flows.heeding import stage
from ledger.models import Executor, RunState
from tasks.actions.greeting import check_executor
from tasks.planning import write_spec
from tasks.repository import prepare_repository
from tasks.slots import by_one_worker
from tasks.state import enter, get_run


@stage("spec")
@by_one_worker
async def spec(run_id: str) -> None:
    """Bring ``integration`` up to date and have the spec written."""
    if not await enter(run_id, RunState.SPEC_WRITING, "Writing the spec"):
        return
    if (await get_run(run_id)).executor is Executor.ACTIONS:
        await check_executor(run_id)
    await prepare_repository(run_id)
    await write_spec(run_id)
