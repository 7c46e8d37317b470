"""RELEASE: a version, notes, a tag, and the release running where the settings say."""

from __future__ import annotations

from flows.heeding import stage
from ledger.models import Outcome, RunState
from tasks.deploy.step import deploy
from tasks.releasing import prepare_release, publish_release
from tasks.report import show_release
from tasks.slots import by_one_worker
from tasks.state import enter, finish


@stage("release")
@by_one_worker
async def release(run_id: str) -> None:
    """Release what was merged, deploy it, and end the run."""
    if not await enter(run_id, RunState.RELEASE, "Releasing"):
        return
    prepared = await prepare_release(run_id)
    published = await publish_release(run_id, prepared)
    deployment = await deploy(run_id, published)
    await show_release(run_id, published, deployment)
    await enter(run_id, RunState.DONE, "Released")
    await finish(run_id, Outcome.SUCCEEDED)
