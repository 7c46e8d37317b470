"""RELEASE: a version, notes, a tag, and the release running where the settings say."""

from __future__ import annotations

from flows.filing import file_found, settle
from flows.heeding import stage
from ledger.models import Outcome, RunState
from tasks.deploy.defects import defect_of, failure, settle_defects
from tasks.deploy.step import deploy_release
from tasks.release_files import upload_files
from tasks.releasing import prepare_release, publish_release
from tasks.report import show_release
from tasks.slots import by_one_worker
from tasks.state import enter, finish


@stage("release")
@by_one_worker
async def release(run_id: str) -> None:
    """Release what was merged, deploy it, and end the run.

    A deployment that fails becomes a defect, and ends the run in words; what ran before runs on. Going on tries it
    again, and the defect is done when it succeeds.
    """
    if not await enter(run_id, RunState.RELEASE, "Releasing"):
        return
    prepared = await prepare_release(run_id)
    published = await publish_release(run_id, prepared)
    await upload_files(run_id, published)
    came = await deploy_release(run_id, published)
    await show_release(run_id, published, came.words)
    if came.failed:
        await file_found(run_id, await defect_of(run_id, came.words))
        raise await failure(run_id, came.words)
    for key in await settle_defects(run_id):
        await settle(run_id, key)
    await enter(run_id, RunState.DONE, "Released")
    await finish(run_id, Outcome.SUCCEEDED)
