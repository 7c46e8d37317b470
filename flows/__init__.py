"""What happens, in order. ``deliver.py`` is the whole story; each stage has a file of its own.

Scripts use the plain functions here; they need a running stack (``shipline up``) or the environment variables of one::

    from flows import deliver_now
    run = deliver_now("Let people …", repo="demo/tally")

Importing this module does not import Prefect; calling it does.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from ledger.models import Run, RunState, Size

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

STAGES = ("spec", "plan", "execute", "qa", "merge", "release")

__all__ = ["STAGES", "RunState", "continue_now", "deliver_now", "stage_now", "submit_now"]


def deliver_now(idea: str, *, repo: str, size: Size | str = Size.MEDIUM, dry_run: bool = False) -> Run:
    """Deliver an idea to ``repo`` (``owner/name``) and return the run as it ended.

    Raises InvalidInput, NotFound or NoRecording before anything is made; a run that fails on the way is returned with
    ``outcome`` failed and its ``error``.
    """
    return asyncio.run(_deliver(idea, repo, Size(size), dry_run))


def submit_now(idea: str, *, repo: str, size: Size | str = Size.MEDIUM, dry_run: bool = False) -> str:
    """Store the idea and its run without working on it; returns the run's id."""
    return asyncio.run(_with_context(lambda: _submit(idea, repo, Size(size), dry_run))).id


def continue_now(run_id: str, *, dry_run: bool = False) -> Run:
    """Go on with a run from where it stands: after a failure, a restart, or a dry run."""
    return asyncio.run(_with_context(lambda: _continue(run_id, dry_run)))


def stage_now(stage: str, run_id: str) -> Run:
    """Run one stage (see ``STAGES``) of a run. A stage that is done already changes nothing."""
    return asyncio.run(_with_context(lambda: _stage(stage, run_id)))


async def _deliver(idea: str, repo: str, size: Size, dry_run: bool) -> Run:
    async def both() -> Run:
        run = await _submit(idea, repo, size, dry_run)
        return await _continue(run.id, dry_run)

    return await _with_context(both)


async def _submit(idea: str, repo: str, size: Size, dry_run: bool) -> Run:
    from tasks.submit import submit

    return await submit(idea, repo, size=size, dry_run=dry_run)


async def _continue(run_id: str, dry_run: bool) -> Run:
    _point_prefect_at_the_stack()
    from flows.deliver import deliver

    # A failed flow is Prefect's to show; a script reads the run, which holds the sentence.
    await deliver(run_id, dry_run=dry_run, return_state=True)
    return await _read(run_id)


async def _stage(stage: str, run_id: str) -> Run:
    _point_prefect_at_the_stack()
    from flows.stages import flow_of

    await flow_of(stage)(run_id)
    return await _read(run_id)


async def _read(run_id: str) -> Run:
    from tasks.state import get_run

    return await get_run(run_id)


async def _with_context(work: Callable[[], Awaitable[Run]]) -> Run:
    from tasks.context import close_context

    try:
        return await work()
    finally:
        await close_context()


def _point_prefect_at_the_stack() -> None:
    """Prefect reads its address when it is imported, so it must be in the environment before."""
    from shipline.config import load_settings

    os.environ.setdefault("PREFECT_API_URL", load_settings().require_prefect())
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
